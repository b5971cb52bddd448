//! Access lists: numbered and named, standard, extended and IPv6.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::ports;
use super::{Commands, acl_name, exit, go_on, ipv4, ipv6_prefix, network};
use crate::ios::lexer::{Fault, Words};
use crate::ios::model::{
    AccessList, AclAction, AclLine, AclName, AclRule, Endpoint, ListKind, Origin, PortMatch,
};
use crate::ios::reader::{Mode, Reader};

/// Inside `ip access-list` and `ipv6 access-list`.
pub(crate) const COMMANDS: Commands = &[
    ("deny", |reader, words| named(reader, words, Verb::Deny)),
    ("exit", exit),
    ("no", |reader, words| go_on(NO, reader, words)),
    ("permit", |reader, words| named(reader, words, Verb::Permit)),
    ("remark", |reader, words| named(reader, words, Verb::Remark)),
];

const NO: Commands = &[
    ("deny", |reader, words| no_named(reader, words, Verb::Deny)),
    ("permit", |reader, words| no_named(reader, words, Verb::Permit)),
    ("remark", |reader, words| no_named(reader, words, Verb::Remark)),
];

#[derive(Clone, Copy)]
enum Verb {
    Permit,
    Deny,
    Remark,
}

/// `access-list N permit|deny|remark ...`.
pub(crate) fn numbered(reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    let origin = words.origin();
    let (name, kind) = number(words)?;
    let at_verb = words.origin();
    let verb = words.choose(&[("deny", Verb::Deny), ("permit", Verb::Permit), ("remark", Verb::Remark)])?;
    let line = line(words, kind, verb, at_verb)?;
    let lists = &mut reader.config.access_lists;
    let list = lists.entry(name).or_insert_with(|| AccessList { kind, lines: Vec::new(), origin });
    add(list, line);
    Ok(())
}

/// `no access-list N`.
pub(crate) fn remove_numbered(reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    let at_name = words.clone();
    let (name, _) = number(words)?;
    words.end()?;
    remove(reader, &at_name, &name)
}

/// `ip access-list standard|extended NAME`, `ipv6 access-list NAME`.
pub(crate) fn enter(reader: &mut Reader, words: &mut Words<'_>, kind: ListKind) -> Result<(), Fault> {
    let origin = words.origin();
    let at_name = words.clone();
    let name = name_of_kind(words, kind)?;
    words.end()?;
    let lists = &mut reader.config.access_lists;
    let list = lists.entry(name.clone()).or_insert_with(|| AccessList { kind, lines: Vec::new(), origin });
    if list.kind != kind {
        return Err(at_name.invalid("an access list of another kind has this name"));
    }
    reader.mode = Mode::AccessList(name);
    Ok(())
}

/// `no ip access-list standard|extended NAME`, `no ipv6 access-list NAME`.
pub(crate) fn remove_named(reader: &mut Reader, words: &mut Words<'_>, kind: ListKind) -> Result<(), Fault> {
    let at_name = words.clone();
    let name = name_of_kind(words, kind)?;
    words.end()?;
    remove(reader, &at_name, &name)
}

fn remove(reader: &mut Reader, at_name: &Words<'_>, name: &AclName) -> Result<(), Fault> {
    match reader.config.access_lists.remove(name) {
        Some(_) => Ok(()),
        None => Err(at_name.invalid("there is no such access list")),
    }
}

fn number(words: &mut Words<'_>) -> Result<(AclName, ListKind), Fault> {
    let before = words.clone();
    let name = acl_name(words).map_err(|_| before.unexpected(FORMS))?;
    match name.numbered_kind() {
        Some(kind) => Ok((name, kind)),
        None => Err(before.unexpected(FORMS)),
    }
}

const FORMS: &[&str] = &["<1-99>", "<100-199>", "<1300-1999>", "<2000-2699>"];

fn name_of_kind(words: &mut Words<'_>, kind: ListKind) -> Result<AclName, Fault> {
    let before = words.clone();
    let name = acl_name(words)?;
    match (&name, name.numbered_kind()) {
        (AclName::Number(_), Some(other)) if other != kind => {
            Err(before.invalid("this number belongs to access lists of another kind"))
        }
        _ => Ok(name),
    }
}

fn named(reader: &mut Reader, words: &mut Words<'_>, verb: Verb) -> Result<(), Fault> {
    let origin = words.start();
    let Mode::AccessList(name) = &reader.mode else { return Err(words.unexpected(&[])) };
    let Some(list) = reader.config.access_lists.get_mut(name) else {
        return Err(words.invalid("this access list has been removed"));
    };
    let line = line(words, list.kind, verb, origin)?;
    add(list, line);
    Ok(())
}

fn no_named(reader: &mut Reader, words: &mut Words<'_>, verb: Verb) -> Result<(), Fault> {
    let before = words.clone();
    let Mode::AccessList(name) = &reader.mode else { return Err(words.unexpected(&[])) };
    let Some(list) = reader.config.access_lists.get_mut(name) else {
        return Err(words.invalid("this access list has been removed"));
    };
    let line = line(words, list.kind, verb, Origin::default())?;
    let Some(index) = list.lines.iter().position(|other| *other == line) else {
        return Err(before.invalid("there is no such line in this access list"));
    };
    list.lines.remove(index);
    Ok(())
}

/// A rule that is there already stays where it is, as in IOS; a remark may come again.
fn add(list: &mut AccessList, line: AclLine) {
    let repeated = matches!(line, AclLine::Rule(_)) && list.lines.contains(&line);
    if !repeated {
        list.lines.push(line);
    }
}

fn line(words: &mut Words<'_>, kind: ListKind, verb: Verb, origin: Origin) -> Result<AclLine, Fault> {
    let action = match verb {
        Verb::Permit => AclAction::Permit,
        Verb::Deny => AclAction::Deny,
        Verb::Remark => return words.rest("LINE").map(AclLine::Remark),
    };
    let mut rule = AclRule {
        action,
        protocol: None,
        source: Endpoint::Any,
        source_ports: None,
        destination: Endpoint::Any,
        destination_ports: None,
        log: false,
        origin,
    };
    if kind == ListKind::Standard {
        rule.source = ipv4_endpoint(words, true)?;
    } else {
        let (protocols, any) = match kind {
            ListKind::Ipv6 => (ports::IPV6_PROTOCOLS, ipv6_endpoint as fn(&mut Words<'_>) -> _),
            _ => (ports::PROTOCOLS, (|words| ipv4_endpoint(words, false)) as fn(&mut Words<'_>) -> _),
        };
        rule.protocol = protocol(words, protocols)?;
        rule.source = any(words)?;
        rule.source_ports = port_match(words, rule.protocol)?;
        rule.destination = any(words)?;
        rule.destination_ports = port_match(words, rule.protocol)?;
    }
    rule.log = words.optional(&[("log", ())])?.is_some();
    words.end()?;
    Ok(AclLine::Rule(rule))
}

fn protocol(
    words: &mut Words<'_>,
    names: &'static [(&'static str, Option<u8>)],
) -> Result<Option<u8>, Fault> {
    if words.peek().is_some_and(|word| word.starts_with(|c: char| c.is_ascii_digit())) {
        return words.number(1..=255).map(Some);
    }
    words.choose(names).map_err(|fault| fault.also("<1-255>"))
}

/// `any`, `host A.B.C.D`, `A.B.C.D WILDCARD`; in a standard list also `A.B.C.D`.
fn ipv4_endpoint(words: &mut Words<'_>, standard: bool) -> Result<Endpoint, Fault> {
    if words.peek().and_then(|word| word.parse::<Ipv4Addr>().ok()).is_none() {
        return match words.choose(&[("any", true), ("host", false)]).map_err(|fault| fault.also("A.B.C.D"))? {
            true => Ok(Endpoint::Any),
            false => ipv4(words).map(Endpoint::Host),
        };
    }
    let address = ipv4(words)?;
    let alone = standard && words.peek().is_none_or(|word| word.parse::<Ipv4Addr>().is_err());
    let wildcard =
        if alone { Ipv4Addr::UNSPECIFIED } else { words.parameter("WILDCARD", |word| word.parse().ok())? };
    Ok(match wildcard {
        Ipv4Addr::UNSPECIFIED => Endpoint::Host(address),
        Ipv4Addr::BROADCAST => Endpoint::Any,
        _ => Endpoint::Wildcard(Ipv4Addr::from_bits(address.to_bits() & !wildcard.to_bits()), wildcard),
    })
}

/// `any`, `host X:X::X`, `X:X::X/<0-128>`.
fn ipv6_endpoint(words: &mut Words<'_>) -> Result<Endpoint, Fault> {
    if !words.peek().is_some_and(|word| word.contains('/')) {
        let choice = words.choose(&[("any", true), ("host", false)]);
        return match choice.map_err(|fault| fault.also("X:X::X/<0-128>"))? {
            true => Ok(Endpoint::Any),
            false => words.parameter("X:X::X", |word| word.parse::<Ipv6Addr>().ok()).map(Endpoint::Ipv6Host),
        };
    }
    let (address, length) = ipv6_prefix(words)?;
    Ok(match (length, network(IpAddr::V6(address), length)) {
        (0, _) => Endpoint::Any,
        (1..=127, IpAddr::V6(address)) => Endpoint::Ipv6Prefix(address, length),
        _ => Endpoint::Ipv6Host(address),
    })
}

#[derive(Clone, Copy)]
enum Operator {
    Eq,
    Gt,
    Lt,
    Neq,
    Range,
}

const OPERATORS: &[(&str, Operator)] = &[
    ("eq", Operator::Eq),
    ("gt", Operator::Gt),
    ("lt", Operator::Lt),
    ("neq", Operator::Neq),
    ("range", Operator::Range),
];

/// `eq|gt|lt|neq PORT`, `range PORT PORT`, or nothing; only TCP and UDP have ports.
fn port_match(words: &mut Words<'_>, protocol: Option<u8>) -> Result<Option<PortMatch>, Fault> {
    let Some(names) = ports::names(protocol) else { return Ok(None) };
    let Some(operator) = words.accept(OPERATORS) else { return Ok(None) };
    let first = port(words, names)?;
    Ok(Some(match operator {
        Operator::Eq => PortMatch::Eq(first),
        Operator::Neq => PortMatch::Neq(first),
        Operator::Lt if first > 0 => PortMatch::Lt(first),
        Operator::Gt if first < u16::MAX => PortMatch::Gt(first),
        Operator::Lt | Operator::Gt => return Err(words.invalid_before("no port is beyond that")),
        Operator::Range => match (first, port(words, names)?) {
            (low, high) if low <= high => PortMatch::Range(low, high),
            _ => return Err(words.invalid_before("a range begins with its lower port")),
        },
    }))
}

fn port(words: &mut Words<'_>, names: &'static [(&'static str, u16)]) -> Result<u16, Fault> {
    if words.peek().is_some_and(|word| word.starts_with(|c: char| c.is_ascii_digit())) {
        return words.number(0..=65_535);
    }
    words.choose(names).map_err(|fault| fault.also("<0-65535>"))
}
