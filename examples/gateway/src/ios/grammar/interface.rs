//! `interface` and the commands in it.

use super::{Commands, exit, go_on, ipv4, ipv6_prefix, mask};
use crate::ios::lexer::{Fault, Words, abbreviates};
use crate::ios::model::{Interface, InterfaceAddress, InterfaceName};
use crate::ios::reader::{Mode, Reader};

pub(crate) const COMMANDS: Commands = &[
    ("crypto", |reader, words| {
        words.keyword("map")?;
        let name = words.located(|words| words.name("NAME"))?;
        words.end()?;
        change(reader, |interface| interface.crypto_map = Some(name));
        Ok(())
    }),
    ("description", |reader, words| {
        let text = words.rest("LINE")?;
        change(reader, |interface| interface.description = Some(text));
        Ok(())
    }),
    ("exit", exit),
    ("ip", |reader, words| go_on(IP, reader, words)),
    ("ipv6", |reader, words| {
        words.keyword("address")?;
        let address = ipv6_prefix(words)?;
        words.end()?;
        change(reader, |interface| {
            if !interface.ipv6_addresses.contains(&address) {
                interface.ipv6_addresses.push(address);
            }
        });
        Ok(())
    }),
    ("mtu", |reader, words| {
        let mtu = words.number(64..=18_000)?;
        words.end()?;
        change(reader, |interface| interface.mtu = Some(mtu));
        Ok(())
    }),
    ("no", |reader, words| go_on(NO, reader, words)),
    ("shutdown", |reader, words| shutdown(reader, words, true)),
];

const IP: Commands = &[
    ("address", address),
    ("mtu", |reader, words| {
        let mtu = words.number(68..=18_000)?;
        words.end()?;
        change(reader, |interface| interface.ip_mtu = Some(mtu));
        Ok(())
    }),
];

const NO: Commands = &[
    ("crypto", |reader, words| {
        words.keyword("map")?;
        let before = words.clone();
        let name = if words.peek().is_some() { Some(words.name("NAME")?) } else { None };
        words.end()?;
        let mut other = false;
        change(reader, |interface| {
            let carried = interface.crypto_map.as_ref().map(|map| &map.value);
            other = name.as_ref().is_some_and(|name| carried != Some(name));
            if !other {
                interface.crypto_map = None;
            }
        });
        if other { Err(before.invalid("this interface does not carry that map")) } else { Ok(()) }
    }),
    ("description", |reader, words| {
        words.end()?;
        change(reader, |interface| interface.description = None);
        Ok(())
    }),
    ("ip", |reader, words| go_on(NO_IP, reader, words)),
    ("ipv6", |reader, words| {
        words.keyword("address")?;
        words.end()?;
        change(reader, |interface| interface.ipv6_addresses.clear());
        Ok(())
    }),
    ("mtu", |reader, words| {
        words.end()?;
        change(reader, |interface| interface.mtu = None);
        Ok(())
    }),
    ("shutdown", |reader, words| shutdown(reader, words, false)),
];

const NO_IP: Commands = &[
    ("address", |reader, words| {
        words.end()?;
        change(reader, |interface| interface.addresses.clear());
        Ok(())
    }),
    ("mtu", |reader, words| {
        words.end()?;
        change(reader, |interface| interface.ip_mtu = None);
        Ok(())
    }),
];

/// `interface NAME`.
pub(crate) fn enter(reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    let origin = words.origin();
    let name = name(words)?;
    words.end()?;
    let interfaces = &mut reader.config.interfaces;
    if !interfaces.iter().any(|interface| interface.name == name) {
        interfaces.push(Interface::new(name.clone(), origin));
    }
    reader.mode = Mode::Interface(name);
    Ok(())
}

/// `no interface NAME`.
pub(crate) fn remove(reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    let at_name = words.clone();
    let name = name(words)?;
    words.end()?;
    let before = reader.config.interfaces.len();
    reader.config.interfaces.retain(|interface| interface.name != name);
    if reader.config.interfaces.len() == before {
        return Err(at_name.invalid("there is no such interface"));
    }
    Ok(())
}

/// An interface by type and number, in one word or two: `Ethernet0`, `e 0`, `Serial1/0.5`.
pub(crate) fn name(words: &mut Words<'_>) -> Result<InterfaceName, Fault> {
    let word = words.peek().unwrap_or_default();
    let (kind, unit) = word.split_at(word.find(|c: char| c.is_ascii_digit()).unwrap_or(word.len()));
    let fitting: Vec<&str> = InterfaceName::KINDS
        .iter()
        .copied()
        .filter(|name| !kind.is_empty() && abbreviates(kind, name))
        .collect();
    let exact = fitting.iter().find(|name| name.eq_ignore_ascii_case(kind));
    let kind = match (exact, fitting.as_slice()) {
        (Some(one), _) | (None, [one]) => *one,
        (None, []) => return Err(words.unexpected(InterfaceName::KINDS)),
        (None, several) => return Err(words.ambiguous(several)),
    };
    let number = |unit: &str| InterfaceName::new(kind, unit);
    if unit.is_empty() {
        words.name("INTERFACE")?;
        return words.parameter("<0-4095>", number);
    }
    match number(unit) {
        Some(name) => {
            words.name("INTERFACE")?;
            Ok(name)
        }
        None => Err(words.unexpected(&["INTERFACE"])),
    }
}

fn change(reader: &mut Reader, change: impl FnOnce(&mut Interface)) {
    if let Mode::Interface(name) = &reader.mode
        && let Some(interface) = reader.config.interfaces.iter_mut().find(|interface| interface.name == *name)
    {
        change(interface);
    }
}

fn shutdown(reader: &mut Reader, words: &mut Words<'_>, down: bool) -> Result<(), Fault> {
    words.end()?;
    change(reader, |interface| interface.shutdown = down);
    Ok(())
}

/// `ip address A.B.C.D MASK [secondary]`.
fn address(reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    let before = words.clone();
    let address = ipv4(words)?;
    let prefix = mask(words)?;
    let secondary = words.optional(&[("secondary", ())])?.is_some();
    words.end()?;
    let address = InterfaceAddress { address, prefix };
    let mut primary_missing = false;
    change(reader, |interface| match (interface.addresses.first_mut(), secondary) {
        (None, true) => primary_missing = true,
        (None, false) => interface.addresses.push(address),
        (Some(primary), false) => *primary = address,
        (Some(_), true) => {
            if !interface.addresses.contains(&address) {
                interface.addresses.push(address);
            }
        }
    });
    if primary_missing {
        return Err(before.invalid("a primary address must come first"));
    }
    Ok(())
}
