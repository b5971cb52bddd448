//! Global mode, and the commands that belong to no subject.

use super::{
    Commands, acl, ca, crypto_map, dynamic_map, go_on, host_name, interface, ip, ipsec, isakmp, key, service,
};
use crate::ios::lexer::{Fault, Words};
use crate::ios::model::{ConfigSecret, KnownLine, Section, Version};
use crate::ios::reader::{Block, Reader};

pub(crate) const COMMANDS: Commands = &[
    ("access-list", acl::numbered),
    ("banner", banner),
    ("crypto", |reader, words| go_on(CRYPTO, reader, words)),
    ("end", end),
    ("hostname", hostname),
    ("interface", interface::enter),
    ("ip", |reader, words| go_on(ip::COMMANDS, reader, words)),
    ("ipv6", |reader, words| go_on(ip::IPV6, reader, words)),
    ("no", |reader, words| go_on(NO, reader, words)),
    ("service", |reader, words| go_on(service::COMMANDS, reader, words)),
    ("version", version),
];

const CRYPTO: Commands = &[
    ("ca", |reader, words| go_on(ca::CRYPTO, reader, words)),
    ("dynamic-map", dynamic_map::enter),
    ("ipsec", |reader, words| go_on(ipsec::COMMANDS, reader, words)),
    ("isakmp", |reader, words| go_on(isakmp::COMMANDS, reader, words)),
    ("key", key::enter),
    ("map", crypto_map::enter),
    ("pki", |reader, words| go_on(ca::PKI, reader, words)),
];

const NO: Commands = &[
    ("access-list", acl::remove_numbered),
    ("crypto", |reader, words| go_on(NO_CRYPTO, reader, words)),
    ("hostname", no_hostname),
    ("interface", interface::remove),
    ("ip", |reader, words| go_on(ip::NO, reader, words)),
    ("ipv6", |reader, words| go_on(ip::NO_IPV6, reader, words)),
    ("service", |reader, words| go_on(service::NO, reader, words)),
];

const NO_CRYPTO: Commands = &[
    ("ca", |reader, words| go_on(ca::NO, reader, words)),
    ("dynamic-map", dynamic_map::remove),
    ("ipsec", |reader, words| go_on(ipsec::NO, reader, words)),
    ("isakmp", |reader, words| go_on(isakmp::NO, reader, words)),
    ("map", crypto_map::remove),
    ("pki", |reader, words| go_on(ca::NO, reader, words)),
];

/// The form under which a banner is kept.
pub(crate) const BANNER: &str = "banner motd|login|exec|incoming LINE";

fn version(reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    let origin = words.origin();
    let (major, rest) = words.parameter("X.Y", |word| {
        let (major, rest) = word.split_once('.').unwrap_or((word, ""));
        let digits = !major.is_empty() && major.bytes().all(|octet| octet.is_ascii_digit());
        let well_formed =
            rest.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'.' | b'(' | b')'));
        Some((major.parse::<u16>().ok().filter(|_| digits && well_formed)?, rest.to_owned()))
    })?;
    words.end()?;
    reader.config.version = Some(Version { major, rest, origin });
    Ok(())
}

fn hostname(reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    let name = host_name(words)?;
    words.end()?;
    reader.config.hostname = Some(name);
    Ok(())
}

fn no_hostname(reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    if words.peek().is_some() {
        host_name(words)?;
    }
    words.end()?;
    reader.config.hostname = None;
    Ok(())
}

fn end(reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    words.end()?;
    reader.end();
    Ok(())
}

/// `banner motd` and the text between two delimiters, on this line or several.
fn banner(reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    let origin = words.origin();
    words.choose(&[("motd", ()), ("login", ()), ("exec", ()), ("incoming", ())])?;
    let at_text = words.clone();
    let text = words.rest("DELIMITER")?;
    // A router shows its delimiter ^C as the two characters.
    let length = if text.starts_with("^C") { 2 } else { text.chars().next().map_or(0, char::len_utf8) };
    let (delimiter, text) = text.split_at_checked(length).unwrap_or_default();
    match text.split_once(delimiter) {
        None => reader.collect(Block::Banner {
            delimiter: delimiter.to_owned(),
            text: at_text.whole().to_owned(),
            origin,
        }),
        Some((_, "")) => {
            let text = ConfigSecret::new(at_text.whole().as_bytes().to_vec());
            reader.keep(Section::Banner, KnownLine { command: BANNER, text, body: Vec::new(), origin });
        }
        Some(_) => return Err(at_text.invalid("nothing may follow the delimiter of a banner")),
    }
    Ok(())
}
