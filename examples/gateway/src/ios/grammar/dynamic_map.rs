//! `crypto dynamic-map NAME SEQUENCE`.

use crate::ios::lexer::{Fault, Words};
use crate::ios::model::MapEntry;
use crate::ios::reader::{Mode, Reader};

/// `crypto dynamic-map NAME SEQUENCE`.
pub(crate) fn enter(reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    let origin = words.origin();
    let name = words.name("NAME")?;
    let sequence = words.number(1..=65_535)?;
    words.end()?;
    let entries = reader.config.dynamic_maps.entry(name.clone()).or_default();
    entries.entry(sequence).or_insert_with(|| MapEntry { origin, ..MapEntry::default() });
    reader.mode = Mode::DynamicMap { name, sequence };
    Ok(())
}

/// `no crypto dynamic-map NAME [SEQUENCE]`.
pub(crate) fn remove(reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    let at_name = words.clone();
    let name = words.name("NAME")?;
    let sequence: Option<u16> = if words.peek().is_some() { Some(words.number(1..=65_535)?) } else { None };
    words.end()?;
    let maps = &mut reader.config.dynamic_maps;
    let Some(map) = maps.get_mut(&name) else {
        return Err(at_name.invalid("there is no such dynamic map"));
    };
    if let Some(sequence) = sequence {
        map.remove(&sequence);
    }
    if sequence.is_none() || map.is_empty() {
        maps.remove(&name);
    }
    Ok(())
}
