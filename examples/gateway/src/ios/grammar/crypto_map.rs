//! `crypto map NAME ...`.

use super::interface;
use crate::ios::lexer::{Fault, Words};
use crate::ios::model::{MapEntry, MapKind};
use crate::ios::reader::{Mode, Reader};

#[derive(Clone, Copy)]
enum Kind {
    Isakmp,
    Manual,
}

/// `crypto map NAME SEQUENCE [ipsec-isakmp [dynamic NAME] | ipsec-manual]` or `crypto map NAME local-address INTERFACE`.
pub(crate) fn enter(reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    let origin = words.origin();
    let name = words.name("NAME")?;
    let maps = &mut reader.config.crypto_maps;
    if !words.peek().is_some_and(|word| word.starts_with(|c: char| c.is_ascii_digit())) {
        words.keyword("local-address").map_err(|_| words.unexpected(&["<1-65535>", "local-address"]))?;
        let interface = words.located(interface::name)?;
        words.end()?;
        maps.entry(name).or_default().local_address = Some(interface);
        return Ok(());
    }
    let sequence = words.number(1..=65_535)?;
    let before = words.clone();
    let existing = maps.get(&name).and_then(|map| map.entries.get(&sequence));
    let kind = match (words.peek(), existing) {
        (None, Some(entry)) => entry.kind.clone(),
        _ => kind(words)?,
    };
    words.end()?;
    if existing.is_some_and(|entry| entry.kind != kind) {
        return Err(
            before.invalid("this entry exists and is of another kind; remove it by 'no crypto map' first")
        );
    }
    let entry = maps.entry(name.clone()).or_default().entries.entry(sequence);
    entry.or_insert_with(|| MapEntry { kind, origin, ..MapEntry::default() });
    reader.mode = Mode::CryptoMap { name, sequence };
    Ok(())
}

fn kind(words: &mut Words<'_>) -> Result<MapKind, Fault> {
    Ok(match words.choose(&[("ipsec-isakmp", Kind::Isakmp), ("ipsec-manual", Kind::Manual)])? {
        Kind::Manual => MapKind::Manual,
        Kind::Isakmp => match words.optional(&[("dynamic", ())])? {
            Some(()) => MapKind::Dynamic(words.located(|words| words.name("NAME"))?),
            None => MapKind::Isakmp,
        },
    })
}

/// `no crypto map NAME [SEQUENCE | local-address]`.
pub(crate) fn remove(reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    let at_name = words.clone();
    let name = words.name("NAME")?;
    let maps = &mut reader.config.crypto_maps;
    let Some(map) = maps.get_mut(&name) else {
        return Err(at_name.invalid("there is no such crypto map"));
    };
    match words.peek() {
        None => {
            maps.remove(&name);
        }
        Some(word) if word.starts_with(|c: char| c.is_ascii_digit()) => {
            let sequence: u16 = words.number(1..=65_535)?;
            words.end()?;
            map.entries.remove(&sequence);
            if map.entries.is_empty() && map.local_address.is_none() {
                maps.remove(&name);
            }
        }
        Some(_) => {
            words.keyword("local-address").map_err(|_| words.unexpected(&["<1-65535>", "local-address"]))?;
            words.end()?;
            map.local_address = None;
        }
    }
    Ok(())
}
