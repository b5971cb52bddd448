//! `service ...` in global mode, as far as it has an effect.

use super::Commands;
use crate::ios::lexer::{Fault, Words};
use crate::ios::model::Timestamp;
use crate::ios::reader::Reader;

pub(crate) const COMMANDS: Commands = &[("timestamps", |reader, words| timestamps(reader, words, true))];

pub(crate) const NO: Commands = &[("timestamps", |reader, words| timestamps(reader, words, false))];

/// Whose lines a command is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lines {
    Debug,
    Log,
}

/// `service timestamps debug|log [uptime|datetime [msec] [localtime] [show-timezone]]`. Without a form it is uptime, and
/// without `debug` or `log` the lines of debug; `no` without either takes both back.
fn timestamps(reader: &mut Reader, words: &mut Words<'_>, on: bool) -> Result<(), Fault> {
    let lines = match words.peek() {
        Some(_) => Some(words.choose(&[("debug", Lines::Debug), ("log", Lines::Log)])?),
        None => None,
    };
    let form = form(words)?;
    words.end()?;
    let stamps = &mut reader.config.timestamps;
    if on && lines != Some(Lines::Log) || !on && lines != Some(Lines::Log) {
        stamps.debug = on.then_some(form);
    }
    if lines == Some(Lines::Log) || !on && lines.is_none() {
        stamps.log = on.then_some(form);
    }
    Ok(())
}

fn form(words: &mut Words<'_>) -> Result<Timestamp, Fault> {
    let datetime = match words.peek() {
        Some(_) => words.choose(&[("datetime", true), ("uptime", false)])?,
        None => false,
    };
    if !datetime {
        return Ok(Timestamp::Uptime);
    }
    let (mut msec, mut localtime, mut show_timezone) = (false, false, false);
    while words.peek().is_some() {
        *match words.choose(&[("localtime", 0), ("msec", 1), ("show-timezone", 2)])? {
            0 => &mut localtime,
            1 => &mut msec,
            _ => &mut show_timezone,
        } = true;
    }
    Ok(Timestamp::Datetime { msec, localtime, show_timezone })
}
