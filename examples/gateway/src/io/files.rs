//! What is written beside the traffic: a capture, keys, debug lines. Each only where it was asked for by name.

use core::time::Duration;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use netsim::PcapWriter;

use super::RunOptions;
use super::clock::Clock;
use super::error::RunError;
use crate::cli::debug::{DebugLog, Now, Switches};
use crate::ios::model::Timestamps;
use crate::router::{Happening, Router};

/// Open files.
pub(super) struct Files {
    capture: Option<(PcapWriter<BufWriter<File>>, u32)>,
    keys: Option<PathBuf>,
    log: Option<BufWriter<File>>,
    debug: DebugLog,
}

impl Files {
    pub(super) fn open(options: &RunOptions) -> Result<Self, RunError> {
        let capture = options.pcap.as_deref().map(capture).transpose()?;
        let log = options.log.as_deref().map(|path| private(path).map_err(|error| RunError::at(path, error)));
        Ok(Self {
            capture,
            keys: options.keylog.clone(),
            log: log.transpose()?.map(BufWriter::new),
            debug: DebugLog::new(Switches::LOG),
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

    /// The lines of a happening; those that begin with `%` come on standard error whatever was asked for.
    pub(super) fn happening(&mut self, happening: &Happening) {
        let now = Now { uptime: happening.at, clock: Some(Clock::time_of_day()) };
        for line in self.debug.lines(happening) {
            let is_message = line.starts_with('%');
            let line = self.debug.stamped(&line, now);
            if is_message {
                let _ = writeln!(io::stderr(), "{line}");
            }
            if let Some(log) = &mut self.log {
                let _ = writeln!(log, "{line}");
            }
        }
    }

    /// A line about the gateway itself.
    pub(super) fn say(&mut self, line: &str) {
        let _ = writeln!(io::stderr(), "{line}");
        if let Some(log) = &mut self.log {
            let _ = writeln!(log, "{line}").and_then(|()| log.flush());
        }
    }

    /// After something has happened: keys that are in use are on the disk, and so is the log.
    pub(super) fn flush(&mut self, router: &Router) {
        if let (Some(folder), Some(keys)) = (&self.keys, router.key_log())
            && let Err(error) = keys.write(folder)
        {
            let _ = writeln!(io::stderr(), "{}: {error}", folder.display());
        }
        if let Some(log) = &mut self.log {
            let _ = log.flush();
        }
    }

    /// The end.
    pub(super) fn finish(mut self, router: &Router, uptime: Duration) {
        let now = Now { uptime, clock: Some(Clock::time_of_day()) };
        for line in self.debug.finish() {
            let line = self.debug.stamped(&line, now);
            if let Some(log) = &mut self.log {
                let _ = writeln!(log, "{line}");
            }
        }
        self.flush(router);
        if let Some((writer, _)) = self.capture {
            let _ = writer.finish();
        }
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

/// A new file that only its owner may read.
fn private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}
