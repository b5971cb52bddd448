//! `crypto isakmp ...`.

use core::net::{IpAddr, Ipv4Addr};

use super::{Commands, host_name, ipv6_prefix, mask, network, policy};
use crate::ios::lexer::{Fault, Words, abbreviates};
use crate::ios::model::{IdentityKind, IkeFragmentation, Keepalive, KeyOwner, Located, PreSharedKey};
use crate::ios::reader::Reader;

pub(crate) const COMMANDS: Commands = &[
    ("aggressive-mode", |reader, words| aggressive_mode(reader, words, false)),
    ("enable", |reader, words| enable(reader, words, true)),
    ("fragmentation", fragmentation),
    ("identity", identity),
    ("invalid-spi-recovery", |reader, words| invalid_spi_recovery(reader, words, true)),
    ("keepalive", keepalive),
    ("key", key),
    ("nat", nat),
    ("policy", policy::enter),
];

pub(crate) const NO: Commands = &[
    ("aggressive-mode", |reader, words| aggressive_mode(reader, words, true)),
    ("enable", |reader, words| enable(reader, words, false)),
    ("fragmentation", no_fragmentation),
    ("identity", no_identity),
    ("invalid-spi-recovery", |reader, words| invalid_spi_recovery(reader, words, false)),
    ("keepalive", no_keepalive),
    ("key", no_key),
    ("nat", no_nat),
    ("policy", policy::remove),
];

fn enable(reader: &mut Reader, words: &mut Words<'_>, enabled: bool) -> Result<(), Fault> {
    words.end()?;
    reader.config.isakmp.enabled = enabled;
    Ok(())
}

fn aggressive_mode(reader: &mut Reader, words: &mut Words<'_>, allowed: bool) -> Result<(), Fault> {
    words.keyword("disable")?;
    words.end()?;
    reader.config.isakmp.aggressive_mode = allowed;
    Ok(())
}

fn invalid_spi_recovery(reader: &mut Reader, words: &mut Words<'_>, wanted: bool) -> Result<(), Fault> {
    words.end()?;
    reader.config.isakmp.invalid_spi_recovery = wanted;
    Ok(())
}

fn identity(reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    let kind = words.choose(&[("address", IdentityKind::Address), ("hostname", IdentityKind::Hostname)])?;
    words.end()?;
    reader.config.isakmp.identity = kind;
    Ok(())
}

fn no_identity(reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    words.optional(&[("address", ()), ("hostname", ())])?;
    words.end()?;
    reader.config.isakmp.identity = IdentityKind::Address;
    Ok(())
}

/// `keepalive SECONDS [RETRY] [periodic|on-demand]`.
fn keepalive(reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    let origin = words.origin();
    let seconds = words.number(10..=3600)?;
    let retry = if is_number(words) { Some(words.number(2..=60)?) } else { None };
    let periodic = words.optional(&[("on-demand", false), ("periodic", true)])?.unwrap_or(false);
    words.end()?;
    reader.config.isakmp.keepalive = Some(Located { value: Keepalive { seconds, retry, periodic }, origin });
    Ok(())
}

fn no_keepalive(reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    words.end()?;
    reader.config.isakmp.keepalive = None;
    Ok(())
}

fn is_number(words: &Words<'_>) -> bool {
    words.peek().is_some_and(|word| word.bytes().all(|octet| octet.is_ascii_digit()))
}

/// `fragmentation [SIZE] [force]`.
fn fragmentation(reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    let size = if is_number(words) { Some(words.number(200..=9000)?) } else { None };
    let forced = words.optional(&[("force", true)])?.unwrap_or(false);
    words.end()?;
    reader.config.isakmp.fragmentation = Some(IkeFragmentation { size, forced });
    Ok(())
}

fn no_fragmentation(reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    words.end()?;
    reader.config.isakmp.fragmentation = None;
    Ok(())
}

const NAT: &[(&str, bool)] = &[("force-encapsulation", true), ("keepalive", false)];

/// `nat keepalive SECONDS`, `nat force-encapsulation`.
fn nat(reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    if words.choose(NAT)? {
        words.end()?;
        reader.config.isakmp.nat_force_encapsulation = true;
        return Ok(());
    }
    let origin = words.origin();
    let seconds = words.number(5..=3600)?;
    words.end()?;
    reader.config.isakmp.nat_keepalive = Some(Located { value: seconds, origin });
    Ok(())
}

fn no_nat(reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    let forced = words.choose(NAT)?;
    words.end()?;
    let isakmp = &mut reader.config.isakmp;
    if forced {
        isakmp.nat_force_encapsulation = false;
    } else {
        isakmp.nat_keepalive = None;
    }
    Ok(())
}

fn key(reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    let start = words.clone();
    let key = read_key(words)?;
    let keys = &mut reader.config.isakmp.keys;
    // Which of two keys would hold is a question that a configuration must not ask.
    if keys.iter().any(|other| same_owner(&other.owner, &key.owner) && other != &key) {
        return Err(start.invalid("this peer already has a key; remove it by 'no crypto isakmp key' first"));
    }
    if !keys.contains(&key) {
        keys.push(key);
    }
    Ok(())
}

fn no_key(reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    let start = words.clone();
    let key = read_key(words)?;
    let keys = &mut reader.config.isakmp.keys;
    let Some(index) =
        keys.iter().position(|other| same_owner(&other.owner, &key.owner) && other.secret == key.secret)
    else {
        return Err(start.invalid("there is no such key"));
    };
    keys.remove(index);
    Ok(())
}

fn same_owner(one: &KeyOwner, other: &KeyOwner) -> bool {
    match (one, other) {
        (KeyOwner::Hostname(one), KeyOwner::Hostname(other)) => one.eq_ignore_ascii_case(other),
        _ => one == other,
    }
}

/// `[0] SECRET address|hostname ...`.
fn read_key(words: &mut Words<'_>) -> Result<PreSharedKey, Fault> {
    let origin = words.origin();
    // `key 0 SECRET address ...` says that the secret is not encrypted; `key 0 address ...` has a secret "0".
    let typed = matches!(words.peek(), Some("0" | "6"))
        && words.at(2).peek().is_some_and(|word| KEYWORDS.iter().any(|name| abbreviates(word, name)))
        && !words.at(3).texts().is_empty();
    if typed {
        if words.peek() == Some("6") {
            return Err(
                words.invalid("encrypted keys (type 6) cannot be read; give the key itself: key 0 SECRET")
            );
        }
        words.keyword("0")?;
    }
    let secret = words.secret("SECRET")?;
    let owner = match words.choose(&[("address", true), ("hostname", false)])? {
        true => key_prefix(words)?,
        false => KeyOwner::Hostname(host_name(words)?),
    };
    let no_xauth = words.optional(&[("no-xauth", ())])?.is_some();
    words.end()?;
    Ok(PreSharedKey { secret, owner, no_xauth, origin })
}

const KEYWORDS: [&str; 2] = ["address", "hostname"];

fn key_prefix(words: &mut Words<'_>) -> Result<KeyOwner, Fault> {
    if words.peek().is_some_and(|word| abbreviates(word, "ipv6")) {
        words.keyword("ipv6")?;
        let (address, length) = ipv6_prefix(words)?;
        return Ok(KeyOwner::Prefix { address: network(IpAddr::V6(address), length), length });
    }
    let Some(address) = words.peek().and_then(|word| word.parse::<Ipv4Addr>().ok()) else {
        return Err(words.unexpected(&["A.B.C.D", "ipv6"]));
    };
    super::ipv4(words)?;
    let masked = words.peek().is_some_and(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    let length = if masked {
        mask(words)?
    } else if address.is_unspecified() {
        0
    } else {
        32
    };
    Ok(KeyOwner::Prefix { address: network(IpAddr::V4(address), length), length })
}
