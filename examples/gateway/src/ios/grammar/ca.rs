//! `crypto ca ...`, which later releases call `crypto pki ...`.

use super::{Command, Commands, exit, go_on, hex};
use crate::ios::lexer::{Fault, Words};
use crate::ios::model::{CaIdentity, Certificate, CertificateChain, CertificateOwner, RunningConfig};
use crate::ios::reader::{Block, Mode, Reader};

/// After `crypto ca`.
pub(crate) const CRYPTO: Commands =
    &[("certificate", enter_chain), ("identity", enter), ("trustpoint", enter)];

/// After `crypto pki`.
pub(crate) const PKI: Commands = &[("certificate", enter_chain), ("trustpoint", enter)];

/// After `no crypto ca` or `no crypto pki`.
pub(crate) const NO: Commands =
    &[("certificate", remove_chain), ("identity", remove), ("trustpoint", remove)];

/// Inside `crypto ca identity`.
pub(crate) const COMMANDS: Commands = &[
    ("crl", |reader, words| crl(reader, words, true)),
    ("enrollment", |reader, words| go_on(ENROLLMENT, reader, words)),
    ("exit", exit),
    ("no", |reader, words| go_on(NO_IDENTITY, reader, words)),
    ("query", |reader, words| {
        let url = url(words)?;
        change(reader, |ca| ca.query_url = Some(url));
        Ok(())
    }),
    ("revocation-check", |reader, words| {
        let optional = words.choose(&[("crl", false), ("none", true)])?;
        words.end()?;
        change(reader, |ca| ca.crl_optional = optional);
        Ok(())
    }),
];

const ENROLLMENT: Commands = &[
    ("mode", |reader, words| mode(reader, words, true)),
    ("retry", |reader, words| go_on(RETRY, reader, words)),
    ("url", |reader, words| {
        let url = read_url(words)?;
        change(reader, |ca| ca.enrollment_url = Some(url));
        Ok(())
    }),
];

const RETRY: Commands = &[
    ("count", |reader, words| {
        let count = words.number(1..=100)?;
        words.end()?;
        change(reader, |ca| ca.retry_count = Some(count));
        Ok(())
    }),
    ("period", |reader, words| {
        let minutes = words.number(1..=60)?;
        words.end()?;
        change(reader, |ca| ca.retry_period = Some(minutes));
        Ok(())
    }),
];

const NO_IDENTITY: Commands = &[
    ("crl", |reader, words| crl(reader, words, false)),
    ("enrollment", |reader, words| go_on(NO_ENROLLMENT, reader, words)),
    ("query", |reader, words| {
        words.keyword("url")?;
        words.end()?;
        change(reader, |ca| ca.query_url = None);
        Ok(())
    }),
];

const NO_ENROLLMENT: Commands = &[
    ("mode", |reader, words| mode(reader, words, false)),
    ("retry", NO_RETRY),
    ("url", |reader, words| {
        words.end()?;
        change(reader, |ca| ca.enrollment_url = None);
        Ok(())
    }),
];

const NO_RETRY: Command = |reader, words| {
    let period = words.choose(&[("count", false), ("period", true)])?;
    words.end()?;
    change(reader, |ca| if period { ca.retry_period = None } else { ca.retry_count = None });
    Ok(())
};

/// Inside `crypto ca certificate chain`.
pub(crate) const CHAIN: Commands = &[("certificate", certificate), ("exit", exit)];

fn change(reader: &mut Reader, change: impl FnOnce(&mut CaIdentity)) {
    if let Mode::CaIdentity(tag) = &reader.mode
        && let Some(ca) = reader.config.ca_identities.iter_mut().find(|ca| ca.tag == *tag)
    {
        change(ca);
    }
}

fn enter(reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    let origin = words.origin();
    let tag = words.name("NAME")?;
    words.end()?;
    let identities = &mut reader.config.ca_identities;
    if !identities.iter().any(|ca| ca.tag == tag) {
        identities.push(CaIdentity { tag: tag.clone(), origin, ..CaIdentity::default() });
    }
    reader.mode = Mode::CaIdentity(tag);
    Ok(())
}

fn remove(reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    let at_name = words.clone();
    let tag = words.name("NAME")?;
    words.end()?;
    let before = reader.config.ca_identities.len();
    reader.config.ca_identities.retain(|ca| ca.tag != tag);
    if before == reader.config.ca_identities.len() {
        return Err(at_name.invalid("there is no such CA"));
    }
    Ok(())
}

fn enter_chain(reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    let origin = words.origin();
    words.keyword("chain")?;
    let tag = words.name("NAME")?;
    words.end()?;
    let chains = &mut reader.config.certificate_chains;
    if !chains.iter().any(|chain| chain.tag == tag) {
        chains.push(CertificateChain { tag: tag.clone(), certificates: Vec::new(), origin });
    }
    reader.mode = Mode::CertificateChain(tag);
    Ok(())
}

fn remove_chain(reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    words.keyword("chain")?;
    let tag = words.name("NAME")?;
    words.end()?;
    reader.config.certificate_chains.retain(|chain| chain.tag != tag);
    Ok(())
}

/// `certificate [ca] SERIAL`, then hexadecimal lines until `quit`.
fn certificate(reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    let origin = words.start();
    let Mode::CertificateChain(tag) = reader.mode.clone() else { return Err(words.unexpected(&[])) };
    // `ca` is a hexadecimal number as well; it is the keyword when a number follows.
    let keyword = words.peek_second().is_some() || words.peek().and_then(hex).is_none();
    let owner = match keyword {
        true => words.choose(&[("ca", CertificateOwner::Ca)]).map_err(|fault| fault.also("HEX"))?,
        false => CertificateOwner::Own,
    };
    let serial = words.parameter("HEX", hex)?;
    words.end()?;
    reader.collect(Block::Certificate { tag, owner, serial, origin });
    Ok(())
}

/// Adds a certificate whose last line was read; one of the same owner and number is replaced.
pub(crate) fn store(config: &mut RunningConfig, tag: &str, certificate: Certificate) {
    let Some(chain) = config.certificate_chains.iter_mut().find(|chain| chain.tag == tag) else { return };
    let same = |other: &Certificate| other.owner == certificate.owner && other.serial == certificate.serial;
    match chain.certificates.iter_mut().find(|other| same(other)) {
        Some(other) => *other = certificate,
        None => chain.certificates.push(certificate),
    }
}

fn crl(reader: &mut Reader, words: &mut Words<'_>, optional: bool) -> Result<(), Fault> {
    words.keyword("optional")?;
    words.end()?;
    change(reader, |ca| ca.crl_optional = optional);
    Ok(())
}

fn mode(reader: &mut Reader, words: &mut Words<'_>, ra: bool) -> Result<(), Fault> {
    words.keyword("ra")?;
    words.end()?;
    change(reader, |ca| ca.registration_authority = ra);
    Ok(())
}

fn url(words: &mut Words<'_>) -> Result<String, Fault> {
    words.keyword("url")?;
    read_url(words)
}

fn read_url(words: &mut Words<'_>) -> Result<String, Fault> {
    let url = words.parameter("URL", |word| word.contains("://").then(|| word.to_owned()))?;
    words.end()?;
    Ok(url)
}
