//! Identities of peers and of flows, and their ID payloads (RFC 2407 4.6.2).

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write as _};
use core::net::IpAddr;

use isakmp_wire::IdType;
use isakmp_wire::payload::Identification;

/// Who a peer is: the identity that phase 1 proves.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Identity {
    /// An IPv4 or IPv6 address.
    Address(IpAddr),
    /// An address behind an address translator: what the peer calls itself, and what everybody else sees. It is another
    /// identity than the address by itself, which belongs to whoever has it outside.
    Behind {
        /// The address that the peer gave.
        address: IpAddr,
        /// The translator's address.
        translator: IpAddr,
    },
    /// A fully qualified domain name, without terminator.
    Fqdn(String),
    /// `user@host`.
    UserFqdn(String),
    /// A distinguished name in DER.
    DistinguishedName(Vec<u8>),
    /// Opaque octets (ID_KEY_ID).
    KeyId(Vec<u8>),
}

/// Characters of a name that are shown; what follows is cut.
const SHOWN: usize = 255;

/// A name as it may reach a log or a terminal: a peer chose it, so everything but printable ASCII is escaped.
fn shown(name: &str) -> impl Iterator<Item = char> {
    let plain = |c: char| c.is_ascii_graphic() && c != '\\';
    name.chars().take(SHOWN).flat_map(move |c| {
        let (as_is, escaped) = if plain(c) { (Some(c), None) } else { (None, Some(c.escape_unicode())) };
        as_is.into_iter().chain(escaped.into_iter().flatten())
    })
}

/// Peers' text is escaped: no control character, no line break, no bidirectional override passes.
impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => write!(f, "{address}"),
            Self::Behind { address, translator } => write!(f, "{address} behind {translator}"),
            Self::Fqdn(name) | Self::UserFqdn(name) => shown(name).try_for_each(|part| f.write_char(part)),
            Self::DistinguishedName(octets) | Self::KeyId(octets) => {
                octets.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
            }
        }
    }
}

impl Identity {
    /// The body of an ID payload (RFC 2407 4.6.2).
    pub fn to_wire(&self, protocol: u8, port: u16) -> Identification {
        let (id_type, data) = match self {
            Self::Address(IpAddr::V4(address)) | Self::Behind { address: IpAddr::V4(address), .. } => {
                (IdType::IPV4_ADDR, address.octets().to_vec())
            }
            Self::Address(IpAddr::V6(address)) | Self::Behind { address: IpAddr::V6(address), .. } => {
                (IdType::IPV6_ADDR, address.octets().to_vec())
            }
            Self::Fqdn(name) => (IdType::FQDN, name.as_bytes().to_vec()),
            Self::UserFqdn(name) => (IdType::USER_FQDN, name.as_bytes().to_vec()),
            Self::DistinguishedName(der) => (IdType::DER_ASN1_DN, der.clone()),
            Self::KeyId(octets) => (IdType::KEY_ID, octets.clone()),
        };
        Identification { id_type, protocol, port, data: data.into() }
    }

    /// The identity in an ID payload, or `None` if its type names a flow, not a peer, or its text is no UTF-8.
    pub fn from_wire(body: &Identification) -> Option<Self> {
        let octets = || body.data.to_vec();
        let text = || String::from_utf8(octets()).ok();
        match body.id_type {
            IdType::IPV4_ADDR => {
                Some(Self::Address(IpAddr::V4(<[u8; 4]>::try_from(body.data.as_ref()).ok()?.into())))
            }
            IdType::IPV6_ADDR => {
                Some(Self::Address(IpAddr::V6(<[u8; 16]>::try_from(body.data.as_ref()).ok()?.into())))
            }
            IdType::FQDN => text().map(Self::Fqdn),
            IdType::USER_FQDN => text().map(Self::UserFqdn),
            IdType::DER_ASN1_DN => Some(Self::DistinguishedName(octets())),
            IdType::KEY_ID => Some(Self::KeyId(octets())),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn t137_peer_text_is_escaped() {
        let shown = |name: &str| Identity::Fqdn(name.into()).to_string();
        assert_eq!(shown("gw.example.com"), "gw.example.com");
        assert_eq!(shown("x\n%CRYPTO-6"), "x\\u{a}%CRYPTO-6");
        assert_eq!(shown("\u{202e}\u{1b}]0;"), "\\u{202e}\\u{1b}]0;");
        assert!(shown(&"\u{1b}".repeat(70_000)).len() < 2000);
    }
}
