//! Identities of peers and of flows, and their ID payloads (RFC 2407 4.6.2).

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::net::IpAddr;

/// Who a peer is: the identity that phase 1 proves.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Identity {
    /// An IPv4 or IPv6 address.
    Address(IpAddr),
    /// A fully qualified domain name, without terminator.
    Fqdn(String),
    /// `user@host`.
    UserFqdn(String),
    /// A distinguished name in DER.
    DistinguishedName(Vec<u8>),
    /// Opaque octets (ID_KEY_ID).
    KeyId(Vec<u8>),
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => write!(f, "{address}"),
            Self::Fqdn(name) | Self::UserFqdn(name) => f.write_str(name),
            Self::DistinguishedName(octets) | Self::KeyId(octets) => {
                octets.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
            }
        }
    }
}
