//! The lines of all routers, on the screen as they come and each router's in a list of its own.

use core::time::Duration;
use std::io::{self, Write};

use crate::cli::debug::{DebugLog, Now, Switches};
use crate::ios::model::Timestamps;
use crate::router::Happening;

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speaker {
    Router(usize),
    Demo,
}

/// One router's part.
struct Part {
    prompt: String,
    log: DebugLog,
    lines: String,
}

/// The narration of a run.
pub(super) struct Transcript<'a> {
    out: &'a mut dyn Write,
    parts: Vec<Part>,
    last: Speaker,
}

impl<'a> Transcript<'a> {
    pub(super) fn new(out: &'a mut dyn Write, routers: &[(String, Timestamps)], switches: Switches) -> Self {
        let part = |(hostname, timestamps): &(String, Timestamps)| Part {
            prompt: format!("{hostname}#"),
            log: DebugLog::new(switches).with(*timestamps),
            lines: String::new(),
        };
        Self { out, parts: routers.iter().map(part).collect(), last: Speaker::Demo }
    }

    /// Prints what a happening at a router looks like there.
    pub(super) fn happening(&mut self, router: usize, happening: &Happening) -> io::Result<()> {
        let lines = self.parts.get_mut(router).map(|part| part.log.lines(happening)).unwrap_or_default();
        self.debug(router, &lines, happening.at)
    }

    /// Prints what the routers have left to say.
    pub(super) fn finish(&mut self, uptime: Duration) -> io::Result<()> {
        for router in 0..self.parts.len() {
            let lines = self.parts.get_mut(router).map(|part| part.log.finish()).unwrap_or_default();
            self.debug(router, &lines, uptime)?;
        }
        Ok(())
    }

    /// A line of the demo itself.
    pub(super) fn say(&mut self, line: &str) -> io::Result<()> {
        if self.last != Speaker::Demo {
            writeln!(self.out)?;
            self.last = Speaker::Demo;
        }
        writeln!(self.out, "{line}")
    }

    /// A command at a router's prompt and its output.
    pub(super) fn command(&mut self, router: usize, command: &str, output: &str) -> io::Result<()> {
        let prompt = self.parts.get(router).map_or("", |part| part.prompt.as_str());
        write!(self.out, "\n{prompt}{command}\n{output}")?;
        self.last = Speaker::Router(router);
        Ok(())
    }

    /// All debug lines of a router.
    pub(super) fn lines(&self, router: usize) -> &str {
        self.parts.get(router).map_or("", |part| part.lines.as_str())
    }

    fn debug(&mut self, router: usize, lines: &[String], uptime: Duration) -> io::Result<()> {
        let Some(part) = self.parts.get_mut(router) else { return Ok(()) };
        for line in lines {
            let line = part.log.stamped(line, Now { uptime, clock: None });
            if self.last != Speaker::Router(router) {
                if self.last == Speaker::Demo {
                    writeln!(self.out)?;
                }
                writeln!(self.out, "{}", part.prompt)?;
                self.last = Speaker::Router(router);
            }
            writeln!(self.out, "{line}")?;
            part.lines.push_str(&line);
            part.lines.push('\n');
        }
        Ok(())
    }
}
