//! The ID payload (RFC 2408 3.8, RFC 2407 4.6.2):
//!
//! ```text
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! !  Next Payload !   RESERVED    !        Payload Length         !
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! !   ID Type     !  Protocol ID  !             Port              !
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ~                     Identification Data                       ~
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use core::fmt;
use core::net::{Ipv4Addr, Ipv6Addr};

use bytes::Bytes;

use super::{Body, PayloadBody, Wire, sealed};
use crate::error::{ParseError, Reason};
use crate::reader::{Hex, Reader};
use crate::registry::IdType;
use crate::writer::Writer;

/// An identity, or one side's selector in Quick Mode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identification {
    /// What `data` is.
    pub id_type: IdType,
    /// The IP protocol, 0 for any.
    pub protocol: u8,
    /// The port, 0 for any.
    pub port: u16,
    /// The identity. Strings have no terminator.
    pub data: Bytes,
}

/// What an [`Identification`] says, by its type.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum IdentityValue {
    /// `ID_IPV4_ADDR`.
    Ipv4(Ipv4Addr),
    /// `ID_FQDN`: octets of a host name as they came.
    Fqdn(Bytes),
    /// `ID_USER_FQDN`: octets of a name at a host name.
    UserFqdn(Bytes),
    /// `ID_IPV4_ADDR_SUBNET`; the mask may have holes.
    Ipv4Subnet {
        /// Any address of the subnet.
        address: Ipv4Addr,
        /// The bits of `address` that count.
        mask: Ipv4Addr,
    },
    /// `ID_IPV6_ADDR`.
    Ipv6(Ipv6Addr),
    /// `ID_IPV6_ADDR_SUBNET`; the mask may have holes.
    Ipv6Subnet {
        /// Any address of the subnet.
        address: Ipv6Addr,
        /// The bits of `address` that count.
        mask: Ipv6Addr,
    },
    /// `ID_IPV4_ADDR_RANGE`, both ends included; the first may be above the last.
    Ipv4Range {
        /// The first address.
        first: Ipv4Addr,
        /// The last address.
        last: Ipv4Addr,
    },
    /// `ID_IPV6_ADDR_RANGE`, both ends included; the first may be above the last.
    Ipv6Range {
        /// The first address.
        first: Ipv6Addr,
        /// The last address.
        last: Ipv6Addr,
    },
    /// `ID_DER_ASN1_DN`: a distinguished name, not looked into.
    DerDn(Bytes),
    /// `ID_DER_ASN1_GN`: a general name, not looked into.
    DerGn(Bytes),
    /// `ID_KEY_ID`: octets that mean something to the two peers.
    KeyId(Bytes),
    /// Any other type.
    Other(IdType, Bytes),
}

/// Data that its identification type does not take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// An address type with another number of octets.
    #[error("{id_type} takes {expected} octets, there are {actual}")]
    WrongSize {
        /// The type.
        id_type: IdType,
        /// What it takes.
        expected: usize,
        /// What is there.
        actual: usize,
    },
    /// A name of no octets.
    #[error("{0} must not be empty")]
    Empty(IdType),
}

impl Identification {
    /// What the identity says.
    ///
    /// # Errors
    /// [`IdentityError`] when the data is not what its type takes. That cannot be in a body that was parsed.
    pub fn value(&self) -> Result<IdentityValue, IdentityError> {
        let data = || self.data.clone();
        Ok(match self.id_type {
            IdType::IPV4_ADDR => IdentityValue::Ipv4(Ipv4Addr::from(self.array::<4>()?)),
            IdType::IPV6_ADDR => IdentityValue::Ipv6(Ipv6Addr::from(self.array::<16>()?)),
            IdType::IPV4_ADDR_SUBNET => {
                let [address, mask] = self.pair::<4, 8>()?.map(Ipv4Addr::from);
                IdentityValue::Ipv4Subnet { address, mask }
            }
            IdType::IPV6_ADDR_SUBNET => {
                let [address, mask] = self.pair::<16, 32>()?.map(Ipv6Addr::from);
                IdentityValue::Ipv6Subnet { address, mask }
            }
            IdType::IPV4_ADDR_RANGE => {
                let [first, last] = self.pair::<4, 8>()?.map(Ipv4Addr::from);
                IdentityValue::Ipv4Range { first, last }
            }
            IdType::IPV6_ADDR_RANGE => {
                let [first, last] = self.pair::<16, 32>()?.map(Ipv6Addr::from);
                IdentityValue::Ipv6Range { first, last }
            }
            // RFC 2407 4.6.2: a name, a distinguished name or a key id of no octets names nobody.
            _ if self.data.is_empty() => return Err(IdentityError::Empty(self.id_type)),
            IdType::FQDN => IdentityValue::Fqdn(data()),
            IdType::USER_FQDN => IdentityValue::UserFqdn(data()),
            IdType::DER_ASN1_DN => IdentityValue::DerDn(data()),
            IdType::DER_ASN1_GN => IdentityValue::DerGn(data()),
            IdType::KEY_ID => IdentityValue::KeyId(data()),
            other => IdentityValue::Other(other, data()),
        })
    }

    fn array<const N: usize>(&self) -> Result<[u8; N], IdentityError> {
        let wrong = IdentityError::WrongSize { id_type: self.id_type, expected: N, actual: self.data.len() };
        <[u8; N]>::try_from(self.data.as_ref()).map_err(|_| wrong)
    }

    /// Two arrays of `N` octets; `BOTH` is twice `N`.
    fn pair<const N: usize, const BOTH: usize>(&self) -> Result<[[u8; N]; 2], IdentityError> {
        let wrong =
            IdentityError::WrongSize { id_type: self.id_type, expected: BOTH, actual: self.data.len() };
        let (first, second) = self.data.split_first_chunk::<N>().ok_or(wrong)?;
        Ok([*first, <[u8; N]>::try_from(second).map_err(|_| wrong)?])
    }
}

impl fmt::Display for IdentityValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ipv4(address) => write!(f, "{address}"),
            Self::Ipv6(address) => write!(f, "{address}"),
            // Names come from strangers and may end up on a terminal.
            Self::Fqdn(name) | Self::UserFqdn(name) => write!(f, "{}", name.escape_ascii()),
            Self::Ipv4Subnet { address, mask } => write!(f, "{address}/{mask}"),
            Self::Ipv6Subnet { address, mask } => write!(f, "{address}/{mask}"),
            Self::Ipv4Range { first, last } => write!(f, "{first}-{last}"),
            Self::Ipv6Range { first, last } => write!(f, "{first}-{last}"),
            Self::DerDn(octets) | Self::DerGn(octets) | Self::KeyId(octets) | Self::Other(_, octets) => {
                write!(f, "{}", Hex(octets))
            }
        }
    }
}

impl Wire for Identification {
    fn read(reader: &mut Reader<'_, '_>) -> Result<Self, ParseError> {
        let id_type: IdType = reader.code("ID Type")?;
        let protocol = reader.u8("Protocol ID")?;
        let port = reader.u16("Port")?;
        let start = reader.offset();
        let data = reader.quiet_octets("Identification Data", reader.len())?;
        let identification = Self { id_type, protocol, port, data };
        match identification.value() {
            Ok(value) => {
                reader.note("Identification Data", start, format_args!("{value}"));
                reader.trace().describe(format_args!("{id_type} {value}"));
            }
            Err(IdentityError::WrongSize { expected, actual, .. }) => {
                return Err(reader.error(
                    "Identification Data",
                    start,
                    Reason::WrongSize { expected, actual },
                ));
            }
            Err(IdentityError::Empty(_)) => {
                return Err(reader.error("Identification Data", start, Reason::Empty));
            }
        }
        Ok(identification)
    }

    fn write(&self, writer: &mut Writer) {
        writer.u8(self.id_type.0);
        writer.u8(self.protocol);
        writer.u16(self.port);
        writer.bytes(&self.data);
    }
}

impl sealed::Sealed for Identification {}

impl PayloadBody for Identification {
    fn of(body: &Body) -> Option<&Self> {
        if let Body::Identification(body) = body { Some(body) } else { None }
    }

    fn into_body(self) -> Body {
        Body::Identification(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::check::{reads, refuses};
    use crate::registry::PayloadKind;

    const KIND: PayloadKind = PayloadKind::IDENTIFICATION;

    fn text(hex: &str, least: usize) -> alloc::string::String {
        let Body::Identification(id) = reads(KIND, hex, least) else { panic!() };
        alloc::format!("{} {}:{} {}", id.id_type, id.protocol, id.port, id.value().unwrap())
    }

    #[test]
    fn reads_every_type() {
        assert_eq!(text("01 11 01f4 0a000301", 8), "ID_IPV4_ADDR 17:500 10.0.3.1");
        assert_eq!(text("02 00 0000 612e6c6162", 5), "ID_FQDN 0:0 a.lab");
        assert_eq!(text("03 00 0000 61406c6162", 5), "ID_USER_FQDN 0:0 a@lab");
        assert_eq!(text("04 00 0000 0a010000 ff00ff00", 12), "ID_IPV4_ADDR_SUBNET 0:0 10.1.0.0/255.0.255.0");
        assert_eq!(text("05 00 0000 20010db8000000000000000000000001", 20), "ID_IPV6_ADDR 0:0 2001:db8::1");
        let subnet = "06 00 0000 20010db8000000000000000000000000 ffffffff000000000000000000000000";
        assert_eq!(text(subnet, 36), "ID_IPV6_ADDR_SUBNET 0:0 2001:db8::/ffff:ffff::");
        assert_eq!(text("07 06 0017 0a000001 0a0000ff", 12), "ID_IPV4_ADDR_RANGE 6:23 10.0.0.1-10.0.0.255");
        let range = "08 00 0000 20010db8000000000000000000000001 20010db8000000000000000000000009";
        assert_eq!(text(range, 36), "ID_IPV6_ADDR_RANGE 0:0 2001:db8::1-2001:db8::9");
        assert_eq!(text("09 00 0000 3000", 5), "ID_DER_ASN1_DN 0:0 3000");
        assert_eq!(text("0a 00 0000 8201", 5), "ID_DER_ASN1_GN 0:0 8201");
        assert_eq!(text("0b 00 0000 00ff", 5), "ID_KEY_ID 0:0 00ff");
        assert_eq!(text("c8 00 0000 ab", 5), "200 0:0 ab");
    }

    #[test]
    fn names_of_strangers_are_shown_without_control_characters() {
        assert_eq!(text("02 00 0000 611b5b", 5), "ID_FQDN 0:0 a\\x1b[");
    }

    #[test]
    fn refuses_wrong_sizes_and_nothing() {
        assert_eq!(
            refuses(KIND, "01 00 0000 0a0000"),
            "ID payload, Identification Data at octet 4: 3 octets where the type takes 4"
        );
        assert_eq!(
            refuses(KIND, "02 00 0000"),
            "ID payload, Identification Data at octet 4: must not be empty"
        );
        assert_eq!(refuses(KIND, "01 00"), "ID payload, Port at octet 2: 2 octets needed, 0 left");
    }
}
