//! The commands, one file for each subject.
//!
//! A command is a function that reads the rest of its line from left to right and then changes the configuration.
//! It reads to the end before it changes anything: a line has its whole effect or none.

pub(crate) mod acl;
pub(crate) mod ca;
pub(crate) mod crypto_map;
pub(crate) mod dynamic_map;
pub(crate) mod global;
pub(crate) mod interface;
pub(crate) mod ip;
pub(crate) mod ipsec;
pub(crate) mod isakmp;
pub(crate) mod key;
pub(crate) mod known;
pub(crate) mod map_entry;
pub(crate) mod policy;
pub(crate) mod ports;
pub(crate) mod service;
pub(crate) mod transform_set;

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::lexer::{Fault, Words};
use super::model::AclName;
use super::reader::{Mode, Reader};
use known::Known;

/// Reads the rest of a line and does what it says.
pub(crate) type Command = fn(&mut Reader, &mut Words<'_>) -> Result<(), Fault>;

/// Keywords and what they begin.
pub(crate) type Commands = &'static [(&'static str, Command)];

/// The commands of a mode: those with effect and those without.
pub(crate) fn of(mode: &Mode) -> (Commands, &'static [Known]) {
    match mode {
        Mode::Global => (global::COMMANDS, known::GLOBAL),
        Mode::IsakmpPolicy(_) => (policy::COMMANDS, &[]),
        Mode::TransformSet(_) => (transform_set::COMMANDS, &[]),
        Mode::CryptoMap { .. } | Mode::DynamicMap { .. } => (map_entry::COMMANDS, &[]),
        Mode::Interface(_) => (interface::COMMANDS, known::INTERFACE),
        Mode::AccessList(_) => (acl::COMMANDS, &[]),
        Mode::PubkeyChain => (key::CHAIN, &[]),
        Mode::Pubkey(_) => (key::COMMANDS, &[]),
        Mode::CaIdentity(_) => (ca::COMMANDS, &[]),
        Mode::CertificateChain(_) => (ca::CHAIN, &[]),
        Mode::Known(super::model::Section::Hardware, _) => (LEAVE, known::HUB),
        Mode::Known(..) => (LEAVE, known::LINE),
    }
}

const LEAVE: Commands = &[("exit", exit)];

/// `exit`: back to the mode above.
pub(crate) fn exit(reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    words.end()?;
    reader.mode = reader.mode.parent().unwrap_or(Mode::Global);
    Ok(())
}

/// Reads the next keyword and goes on with what it begins.
pub(crate) fn go_on(commands: Commands, reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    let command = words.choose(commands)?;
    command(reader, words)
}

/// An IPv4 address.
pub(crate) fn ipv4(words: &mut Words<'_>) -> Result<Ipv4Addr, Fault> {
    words.parameter("A.B.C.D", |word| word.parse().ok())
}

/// An IPv4 or IPv6 address.
pub(crate) fn address(words: &mut Words<'_>) -> Result<IpAddr, Fault> {
    match words.peek().and_then(|word| word.parse().ok()) {
        Some(address) => {
            words.parameter("A.B.C.D", |_| Some(()))?;
            Ok(address)
        }
        None => Err(words.unexpected(&["A.B.C.D", "X:X::X"])),
    }
}

/// A network mask without holes, as the length of its prefix.
pub(crate) fn mask(words: &mut Words<'_>) -> Result<u8, Fault> {
    words.parameter("MASK", |word| prefix_length(word.parse().ok()?))
}

/// `X:X::X/<0-128>`.
pub(crate) fn ipv6_prefix(words: &mut Words<'_>) -> Result<(Ipv6Addr, u8), Fault> {
    words.parameter("X:X::X/<0-128>", |word| {
        let (address, length) = word.split_once('/')?;
        let digits = !length.is_empty() && length.bytes().all(|octet| octet.is_ascii_digit());
        let length = length.parse().ok().filter(|length| digits && *length <= 128)?;
        Some((address.parse().ok()?, length))
    })
}

/// Length of the prefix that `mask` selects; `None` if it has holes.
pub(crate) fn prefix_length(mask: Ipv4Addr) -> Option<u8> {
    let bits = mask.to_bits();
    let length = bits.leading_ones();
    (bits.count_ones() == length).then(|| u8::try_from(length).unwrap_or(32))
}

/// The mask of a prefix of `length` bits.
pub(crate) fn mask_of(length: u8) -> Ipv4Addr {
    let zeros = 32_u32.saturating_sub(u32::from(length));
    Ipv4Addr::from_bits(u32::MAX.checked_shl(zeros).unwrap_or(0))
}

/// `address` with everything beyond the prefix cleared.
pub(crate) fn network(address: IpAddr, length: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() & mask_of(length).to_bits())),
        IpAddr::V6(address) => {
            let zeros = 128_u32.saturating_sub(u32::from(length));
            let mask = u128::MAX.checked_shl(zeros).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & mask))
        }
    }
}

/// A host name: letters, digits, hyphens, underscores and points, not an address.
pub(crate) fn host_name(words: &mut Words<'_>) -> Result<String, Fault> {
    words.parameter("HOSTNAME", |word| is_host_name(word).then(|| word.to_owned()))
}

pub(crate) fn is_host_name(word: &str) -> bool {
    let allowed = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b'_');
    // RFC 1035 2.3.4: a name has at most 255 octets. What looks like an address would be one somewhere else.
    let digits = word.bytes().all(|octet| octet.is_ascii_digit() || octet == b'.');
    !word.is_empty() && word.len() <= 255 && word.bytes().all(allowed) && !digits
}

/// Number or name of an access list.
pub(crate) fn acl_name(words: &mut Words<'_>) -> Result<AclName, Fault> {
    let form = ["<1-199>", "<1300-2699>", "NAME"];
    match words.peek().and_then(read_acl_name) {
        Some(name) => {
            words.name("NAME")?;
            Ok(name)
        }
        None => Err(words.unexpected(&form)),
    }
}

fn read_acl_name(word: &str) -> Option<AclName> {
    if !word.bytes().all(|octet| octet.is_ascii_digit()) {
        return Some(AclName::Name(word.to_owned()));
    }
    let name = AclName::Number(word.parse().ok()?);
    name.numbered_kind().map(|_| name)
}

/// Hexadecimal digits, an even number of them.
pub(crate) fn hex(word: &str) -> Option<Vec<u8>> {
    let (pairs, []) = word.as_bytes().as_chunks::<2>() else { return None };
    pairs.iter().map(|&[high, low]| Some(digit(high)? << 4 | digit(low)?)).collect()
}

fn digit(octet: u8) -> Option<u8> {
    char::from(octet).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}
