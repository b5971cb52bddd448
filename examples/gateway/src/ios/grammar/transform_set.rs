//! `crypto ipsec transform-set NAME TRANSFORM...` and the commands in it.

use super::{Commands, exit, go_on, policy};
use crate::ios::lexer::{END, Fault, Words};
use crate::ios::model::{Located, Transform, TransformSet, TunnelMode};
use crate::ios::reader::{Mode, Reader};

pub(crate) const COMMANDS: Commands = &[
    ("exit", exit),
    ("initialization-vector", iv_size),
    ("mode", mode),
    ("no", |reader, words| go_on(NO, reader, words)),
];

const NO: Commands = &[
    ("initialization-vector", |reader, words| {
        words.keyword("size")?;
        words.end()?;
        change(reader, |set| set.iv_size = None);
        Ok(())
    }),
    ("mode", |reader, words| {
        words.end()?;
        change(reader, |set| set.mode = None);
        Ok(())
    }),
];

/// The part of a set that a transform fills; a set has at most one of each.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Ah,
    Cipher,
    Authenticator,
}

/// Every transform by its IOS name.
pub(crate) const TRANSFORMS: &[(&str, Transform)] = &[
    ("ah-md5-hmac", Transform::AhMd5),
    ("ah-rfc1828", Transform::AhRfc1828),
    ("ah-sha-hmac", Transform::AhSha),
    ("ah-sha256-hmac", Transform::AhSha256),
    ("ah-sha384-hmac", Transform::AhSha384),
    ("ah-sha512-hmac", Transform::AhSha512),
    ("esp-3des", Transform::EspTripleDes),
    ("esp-aes", Transform::EspAes(128)),
    ("esp-des", Transform::EspDes),
    ("esp-gcm", Transform::EspGcm(128)),
    ("esp-md5-hmac", Transform::EspMd5),
    ("esp-null", Transform::EspNull),
    ("esp-rfc1829", Transform::EspRfc1829),
    ("esp-sha-hmac", Transform::EspSha),
    ("esp-sha256-hmac", Transform::EspSha256),
    ("esp-sha384-hmac", Transform::EspSha384),
    ("esp-sha512-hmac", Transform::EspSha512),
];

fn part(transform: Transform) -> Part {
    match transform {
        Transform::AhMd5
        | Transform::AhSha
        | Transform::AhSha256
        | Transform::AhSha384
        | Transform::AhSha512
        | Transform::AhRfc1828 => Part::Ah,
        Transform::EspDes
        | Transform::EspTripleDes
        | Transform::EspAes(_)
        | Transform::EspGcm(_)
        | Transform::EspNull
        | Transform::EspRfc1829 => Part::Cipher,
        Transform::EspMd5
        | Transform::EspSha
        | Transform::EspSha256
        | Transform::EspSha384
        | Transform::EspSha512 => Part::Authenticator,
    }
}

/// `crypto ipsec transform-set NAME TRANSFORM...`.
pub(crate) fn enter(reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    let origin = words.origin();
    let name = words.name("NAME")?;
    let transforms = transforms(words)?;
    let sets = &mut reader.config.ipsec.transform_sets;
    let new = TransformSet { transforms: Vec::new(), mode: None, iv_size: None, origin };
    sets.entry(name.clone()).or_insert(new).transforms = transforms;
    reader.mode = Mode::TransformSet(name);
    Ok(())
}

/// `no crypto ipsec transform-set NAME`.
pub(crate) fn remove(reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    let at_name = words.clone();
    let name = words.name("NAME")?;
    words.end()?;
    match reader.config.ipsec.transform_sets.remove(&name) {
        Some(_) => Ok(()),
        None => Err(at_name.invalid("there is no such transform set")),
    }
}

fn transforms(words: &mut Words<'_>) -> Result<Vec<Located<Transform>>, Fault> {
    let mut out: Vec<Located<Transform>> = Vec::new();
    while out.is_empty() || words.peek().is_some() {
        let before = words.clone();
        let read = words.located(|words| {
            Ok(match words.choose(TRANSFORMS)? {
                Transform::EspAes(bits) => Transform::EspAes(policy::aes_bits(words)?.unwrap_or(bits)),
                Transform::EspGcm(bits) => Transform::EspGcm(policy::aes_bits(words)?.unwrap_or(bits)),
                other => other,
            })
        })?;
        if out.len() == 3 {
            return Err(before.unexpected(&[END]));
        }
        if out.iter().any(|other| part(other.value) == part(read.value)) {
            return Err(before
                .invalid("a transform set has at most one AH, one ESP cipher and one ESP authenticator"));
        }
        out.push(read);
        if let Some(reason) = contradiction(&out, words.peek().is_none()) {
            return Err(before.invalid(reason));
        }
    }
    out.sort_by_key(|transform| part(transform.value));
    Ok(out)
}

/// What is wrong with the transforms read so far; `complete` when there are no more.
fn contradiction(transforms: &[Located<Transform>], complete: bool) -> Option<&'static str> {
    let of = |wanted| {
        transforms.iter().map(|transform| transform.value).find(|&transform| part(transform) == wanted)
    };
    match (of(Part::Ah), of(Part::Cipher), of(Part::Authenticator)) {
        (_, Some(Transform::EspGcm(_)), Some(_)) => {
            Some("esp-gcm authenticates by itself; no esp-...-hmac beside it")
        }
        (_, Some(Transform::EspRfc1829), Some(_)) => {
            Some("esp-rfc1829 has no authenticator; use ah-rfc1828 beside it")
        }
        (_, None, Some(_)) if complete => {
            Some("an ESP authenticator needs an ESP cipher beside it; esp-null encrypts nothing")
        }
        (Some(Transform::AhRfc1828), Some(cipher), _) if cipher != Transform::EspRfc1829 => {
            Some("ah-rfc1828 goes with esp-rfc1829 only")
        }
        (Some(ah), Some(Transform::EspRfc1829), _) if ah != Transform::AhRfc1828 => {
            Some("esp-rfc1829 goes with ah-rfc1828 only")
        }
        _ => None,
    }
}

fn change(reader: &mut Reader, change: impl FnOnce(&mut TransformSet)) {
    if let Mode::TransformSet(name) = &reader.mode
        && let Some(set) = reader.config.ipsec.transform_sets.get_mut(name)
    {
        change(set);
    }
}

fn mode(reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    let mode = words.choose(&[("transport", TunnelMode::Transport), ("tunnel", TunnelMode::Tunnel)])?;
    words.end()?;
    change(reader, |set| set.mode = Some(mode));
    Ok(())
}

fn iv_size(reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    words.keyword("size")?;
    let size = words.located(|words| words.exactly(&[("4", 4), ("8", 8)]))?;
    words.end()?;
    change(reader, |set| set.iv_size = Some(size));
    Ok(())
}
