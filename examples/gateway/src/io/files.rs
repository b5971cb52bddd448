//! What is written beside the traffic: a capture, keys, debug lines. Each only where it was asked for by name.

use core::time::Duration;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use netsim::PcapWriter;
use oakley::{Event, Reject};

use super::RunOptions;
use super::clock::Clock;
use super::error::RunError;
use super::log::{Log, private};
use super::strangers::Strangers;
use crate::cli::debug::{DebugLog, Now, Switches};
use crate::ios::model::Timestamps;
use crate::router::{Happening, Occurrence, Router};

/// Open files.
pub(super) struct Files {
    capture: Option<(PcapWriter<BufWriter<File>>, u32)>,
    keys: Option<PathBuf>,
    messages: Log,
    log: Option<(Log, PathBuf)>,
    debug: DebugLog,
    strangers: Strangers,
}

impl Files {
    pub(super) fn open(options: &RunOptions) -> Result<Self, RunError> {
        let capture = options.pcap.as_deref().map(capture).transpose()?;
        let log = options.log.as_deref().map(|path| {
            let log = Log::in_file(path).map_err(|error| RunError::at(path, error))?;
            Ok::<_, RunError>((log, path.to_owned()))
        });
        let messages = Log::on_standard_error()
            .map_err(|error| RunError::Io { what: "standard error".to_owned(), error })?;
        Ok(Self {
            capture,
            keys: options.keylog.clone(),
            messages,
            log: log.transpose()?,
            debug: DebugLog::new(Switches::LOG),
            strangers: Strangers::default(),
        })
    }

    /// A packet outside, in either direction.
    pub(super) fn packet(&mut self, at: Duration, octets: &[u8]) {
        if let Some((writer, interface)) = &mut self.capture {
            // A full disk must not stop traffic.
            let _ = writer.packet(*interface, at, octets, None);
        }
    }

    /// The time before lines, as a configuration has it.
    pub(super) fn stamp(&mut self, timestamps: Timestamps) {
        self.debug = core::mem::take(&mut self.debug).with(timestamps);
    }

    /// The lines of a happening; those that begin with `%` come on standard error whatever was asked for. What strangers cause
    /// is told within bounds. Whether somebody else has caused it, so that there may be new keys.
    pub(super) fn happening(&mut self, happening: &Happening) -> bool {
        let source = self.strangers.source(happening);
        if source.is_some_and(|source| !self.strangers.may_tell(happening.at, source)) {
            return false;
        }
        let mut lines = self.debug.lines(happening);
        lines.extend(refusal(happening));
        for line in lines {
            if source.is_none_or(|source| self.strangers.tells(source, &line)) {
                self.line(happening.at, &line);
            }
        }
        source.is_none()
    }

    fn line(&self, uptime: Duration, line: &str) {
        let stamped = self.debug.stamped(line, Now { uptime, clock: Some(Clock::time_of_day()) });
        if line.starts_with('%') {
            self.messages.line(&stamped);
        }
        if let Some((log, _)) = &self.log {
            log.line(&stamped);
        }
    }

    /// A line about the gateway itself.
    pub(super) fn say(&self, line: &str) {
        self.messages.line(line);
        if let Some((log, _)) = &self.log {
            log.line(line);
        }
    }

    /// When to call [`Files::handle_timeout`].
    pub(super) fn poll_timeout(&self) -> Option<Duration> {
        self.strangers.poll_timeout()
    }

    /// What was not told of strangers is counted up.
    pub(super) fn handle_timeout(&mut self, now: Duration) {
        for line in self.strangers.handle_timeout(now) {
            self.line(now, &line);
        }
    }

    /// The log of this name may be another file by now.
    pub(super) fn reopen(&self) {
        if let Some((log, path)) = &self.log {
            log.reopen(path);
        }
    }

    /// After something has happened: keys that are in use are on the disk.
    pub(super) fn flush(&self, router: &Router) {
        if let (Some(folder), Some(keys)) = (&self.keys, router.key_log())
            && let Err(error) = keys.write(folder)
        {
            self.messages.line(&format!("{}: {error}", folder.display()));
        }
    }

    /// The end.
    pub(super) fn finish(mut self, router: &Router, uptime: Duration) {
        for line in self.debug.finish() {
            self.line(uptime, &line);
        }
        self.flush(router);
        if let Some((writer, _)) = self.capture {
            let _ = writer.finish();
        }
        self.messages.finish();
        if let Some((log, _)) = &self.log {
            log.finish();
        }
    }
}

/// A message for which no SA is begun, in words that say why. The debug lines of such routers are silent about most of them.
fn refusal(happening: &Happening) -> Option<String> {
    let Occurrence::Ike(Event::Rejected { path, ike_sa: None, why, .. }) = &happening.what else {
        return None;
    };
    let from = path.remote.ip();
    match why {
        Reject::Incompatible(why) => {
            Some(format!("%CRYPTO-4-IKMP_REFUSED: IKE message from {from} refused: {why}"))
        }
        Reject::Misbehaved(why) => Some(format!("ISAKMP: message from {from} refused: {why}")),
        _ => None,
    }
}

fn capture(path: &Path) -> Result<(PcapWriter<BufWriter<File>>, u32), RunError> {
    let begin = || {
        let mut writer = PcapWriter::new(BufWriter::new(private(path)?))?;
        let interface = writer.interface("outside")?;
        Ok((writer, interface))
    };
    begin().map_err(|error| RunError::at(path, error))
}
