//! NAT-D and NAT-OA (RFC 3947 3.2, 5.2), under the numbers of the RFC and of its drafts.
//!
//! ```text
//! NAT-D                              NAT-OA
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ~ HASH(CKY-I | CKY-R | IP | Port)~ !    ID Type    !  RESERVED (3 octets)   !
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+    ~          IPv4 or IPv6 address          ~
//!                                    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use core::net::IpAddr;

use bytes::Bytes;

use super::{Body, PayloadBody, Wire, sealed};
use crate::error::{ParseError, Reason};
use crate::reader::Reader;
use crate::registry::{IdType, PayloadKind};
use crate::writer::Writer;

/// Which payload numbers NAT traversal uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum NatNumbering {
    /// 20 and 21, RFC 3947.
    #[default]
    Rfc,
    /// 130 and 131, draft-ietf-ipsec-nat-t-ike-01 to -03.
    Draft,
}

/// A hash of an address and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NatDiscovery {
    /// The number that it travels under.
    pub numbering: NatNumbering,
    /// The hash: as long as the negotiated one's output.
    pub hash: Bytes,
}

/// An address as the sender sees it, for checksums in transport mode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NatOriginalAddress {
    /// The number that it travels under.
    pub numbering: NatNumbering,
    /// The address.
    pub address: IpAddr,
}

impl NatNumbering {
    fn of(kind: PayloadKind) -> Self {
        match kind {
            PayloadKind::NAT_D_DRAFT | PayloadKind::NAT_OA_DRAFT => Self::Draft,
            _ => Self::Rfc,
        }
    }
}

impl NatDiscovery {
    pub(super) const fn kind(&self) -> PayloadKind {
        match self.numbering {
            NatNumbering::Rfc => PayloadKind::NAT_D,
            NatNumbering::Draft => PayloadKind::NAT_D_DRAFT,
        }
    }
}

impl NatOriginalAddress {
    pub(super) const fn kind(&self) -> PayloadKind {
        match self.numbering {
            NatNumbering::Rfc => PayloadKind::NAT_OA,
            NatNumbering::Draft => PayloadKind::NAT_OA_DRAFT,
        }
    }
}

impl Wire for NatDiscovery {
    fn read(reader: &mut Reader<'_, '_>) -> Result<Self, ParseError> {
        let numbering = NatNumbering::of(reader.kind());
        Ok(Self { numbering, hash: reader.remaining("HASH of the address and port")? })
    }

    fn write(&self, writer: &mut Writer) {
        writer.bytes(&self.hash);
    }
}

impl Wire for NatOriginalAddress {
    fn read(reader: &mut Reader<'_, '_>) -> Result<Self, ParseError> {
        let numbering = NatNumbering::of(reader.kind());
        let type_offset = reader.offset();
        let id_type: IdType = reader.code("ID Type")?;
        reader.reserved("RESERVED", 3)?;
        let start = reader.offset();
        let actual = reader.len();
        let data = reader.quiet_octets("IP address", actual)?;
        // RFC 3947 5.2: one IPv4 or IPv6 address and no other type.
        let (expected, address) = match id_type {
            IdType::IPV4_ADDR => (4, <[u8; 4]>::try_from(data.as_ref()).ok().map(IpAddr::from)),
            IdType::IPV6_ADDR => (16, <[u8; 16]>::try_from(data.as_ref()).ok().map(IpAddr::from)),
            other => return Err(reader.error("ID Type", type_offset, Reason::Value(u64::from(other.0)))),
        };
        let wrong = Reason::WrongSize { expected, actual };
        let address = address.ok_or_else(|| reader.error("IP address", start, wrong))?;
        reader.note("IP address", start, format_args!("{address}"));
        reader.trace().describe(format_args!("{address}"));
        Ok(Self { numbering, address })
    }

    fn write(&self, writer: &mut Writer) {
        match self.address {
            IpAddr::V4(address) => {
                writer.bytes(&[IdType::IPV4_ADDR.0, 0, 0, 0]);
                writer.bytes(&address.octets());
            }
            IpAddr::V6(address) => {
                writer.bytes(&[IdType::IPV6_ADDR.0, 0, 0, 0]);
                writer.bytes(&address.octets());
            }
        }
    }
}

impl sealed::Sealed for NatDiscovery {}

impl PayloadBody for NatDiscovery {
    fn of(body: &Body) -> Option<&Self> {
        if let Body::NatDiscovery(body) = body { Some(body) } else { None }
    }

    fn into_body(self) -> Body {
        Body::NatDiscovery(self)
    }
}

impl sealed::Sealed for NatOriginalAddress {}

impl PayloadBody for NatOriginalAddress {
    fn of(body: &Body) -> Option<&Self> {
        if let Body::NatOriginalAddress(body) = body { Some(body) } else { None }
    }

    fn into_body(self) -> Body {
        Body::NatOriginalAddress(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::check::{reads, refuses};

    #[test]
    fn reads_both_numberings() {
        let hash = Bytes::from_static(&[0xab; 4]);
        let of = |numbering| NatDiscovery { numbering, hash: hash.clone() }.into();
        assert_eq!(reads(PayloadKind::NAT_D, "abababab", 0), of(NatNumbering::Rfc));
        assert_eq!(reads(PayloadKind::NAT_D_DRAFT, "abababab", 0), of(NatNumbering::Draft));
        let of = |numbering, address: &str| {
            NatOriginalAddress { numbering, address: address.parse().unwrap() }.into()
        };
        assert_eq!(reads(PayloadKind::NAT_OA, "01 000000 c0a80001", 8), of(NatNumbering::Rfc, "192.168.0.1"));
        let six = reads(PayloadKind::NAT_OA_DRAFT, "05 000000 20010db8000000000000000000000001", 20);
        assert_eq!(six, of(NatNumbering::Draft, "2001:db8::1"));
    }

    #[test]
    fn refuses_other_types_and_sizes() {
        let kind = PayloadKind::NAT_OA;
        assert_eq!(
            refuses(kind, "04 000000 c0a80001"),
            "NAT-OA payload, ID Type at octet 0: value 4 is not possible here"
        );
        assert_eq!(
            refuses(kind, "05 000000 c0a80001"),
            "NAT-OA payload, IP address at octet 4: 4 octets where the type takes 16"
        );
    }
}
