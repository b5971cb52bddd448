//! `crypto isakmp policy N` and the commands in it.

use crypto_provider::GroupId;

use super::{Commands, exit, go_on};
use crate::ios::lexer::{Fault, Words};
use crate::ios::model::{Authentication, Encryption, Hash, IsakmpPolicy};
use crate::ios::reader::{Mode, Reader};

pub(crate) const COMMANDS: Commands = &[
    ("authentication", authentication),
    ("encryption", encryption),
    ("exit", exit),
    ("group", group),
    ("hash", hash),
    ("lifetime", lifetime),
    ("no", |reader, words| go_on(NO, reader, words)),
];

const NO: Commands = &[
    ("authentication", |reader, words| clear(reader, words, |policy| policy.authentication = None)),
    ("encryption", |reader, words| clear(reader, words, |policy| policy.encryption = None)),
    ("group", |reader, words| clear(reader, words, |policy| policy.group = None)),
    ("hash", |reader, words| clear(reader, words, |policy| policy.hash = None)),
    ("lifetime", |reader, words| clear(reader, words, |policy| policy.lifetime = None)),
];

/// Group numbers of RFC 2409, RFC 3526 and RFC 5903 as keywords.
pub(crate) const GROUPS: &[(&str, GroupId)] = &[
    ("1", GroupId::MODP_768),
    ("2", GroupId::MODP_1024),
    ("5", GroupId::MODP_1536),
    ("14", GroupId::MODP_2048),
    ("15", GroupId::MODP_3072),
    ("16", GroupId::MODP_4096),
    ("17", GroupId::MODP_6144),
    ("18", GroupId::MODP_8192),
    ("19", GroupId::ECP_256),
    ("20", GroupId::ECP_384),
    ("21", GroupId::ECP_521),
];

/// `crypto isakmp policy <1-10000>`.
pub(crate) fn enter(reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    let origin = words.origin();
    let priority = words.number(1..=10_000)?;
    words.end()?;
    let new = || IsakmpPolicy { origin, ..IsakmpPolicy::default() };
    reader.config.isakmp.policies.entry(priority).or_insert_with(new);
    reader.mode = Mode::IsakmpPolicy(priority);
    Ok(())
}

/// `no crypto isakmp policy <1-10000>`.
pub(crate) fn remove(reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    let priority: u16 = words.number(1..=10_000)?;
    words.end()?;
    reader.config.isakmp.policies.remove(&priority);
    Ok(())
}

fn change(reader: &mut Reader, change: impl FnOnce(&mut IsakmpPolicy)) {
    if let Mode::IsakmpPolicy(priority) = reader.mode {
        change(reader.config.isakmp.policies.entry(priority).or_default());
    }
}

/// `no ...`: back to the default.
fn clear(reader: &mut Reader, words: &mut Words<'_>, clear: fn(&mut IsakmpPolicy)) -> Result<(), Fault> {
    words.end()?;
    change(reader, clear);
    Ok(())
}

fn authentication(reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    let value = words.located(|words| {
        words.choose(&[
            ("pre-share", Authentication::PreShare),
            ("rsa-encr", Authentication::RsaEncr),
            ("rsa-sig", Authentication::RsaSig),
        ])
    })?;
    words.end()?;
    change(reader, |policy| policy.authentication = Some(value));
    Ok(())
}

fn encryption(reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    let value = words.located(|words| {
        let names =
            [("3des", Encryption::TripleDes), ("aes", Encryption::Aes(128)), ("des", Encryption::Des)];
        Ok(match words.choose(&names)? {
            Encryption::Aes(default) => Encryption::Aes(aes_bits(words)?.unwrap_or(default)),
            other => other,
        })
    })?;
    words.end()?;
    change(reader, |policy| policy.encryption = Some(value));
    Ok(())
}

/// The key length of AES, if the next word is a number.
pub(crate) fn aes_bits(words: &mut Words<'_>) -> Result<Option<u16>, Fault> {
    if words.peek().is_some_and(|word| word.starts_with(|c: char| c.is_ascii_digit())) {
        return words.exactly(&[("128", 128), ("192", 192), ("256", 256)]).map(Some);
    }
    Ok(None)
}

fn hash(reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    let value = words.located(|words| {
        words.choose(&[
            ("md5", Hash::Md5),
            ("sha", Hash::Sha),
            ("sha256", Hash::Sha256),
            ("sha384", Hash::Sha384),
            ("sha512", Hash::Sha512),
        ])
    })?;
    words.end()?;
    change(reader, |policy| policy.hash = Some(value));
    Ok(())
}

fn group(reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    let value = words.located(|words| words.exactly(GROUPS))?;
    words.end()?;
    change(reader, |policy| policy.group = Some(value));
    Ok(())
}

fn lifetime(reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    let seconds = words.number(60..=86_400)?;
    words.end()?;
    change(reader, |policy| policy.lifetime = Some(seconds));
    Ok(())
}
