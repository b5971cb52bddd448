//! What IPv4 and IPv6 have in common.

use core::fmt;
use core::net::IpAddr;

use thiserror::Error;

use crate::{Ipv4Header, Ipv6Header};

/// A number of the registry that IPv4's protocol and IPv6's next header share.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Protocol(pub u8);

impl Protocol {
    /// IPv6 hop-by-hop options (RFC 8200 4.3).
    pub const HOP_BY_HOP: Self = Self(0);
    /// ICMP (RFC 792).
    pub const ICMP: Self = Self(1);
    /// IPv4 inside (RFC 2003).
    pub const IPV4: Self = Self(4);
    /// TCP.
    pub const TCP: Self = Self(6);
    /// UDP.
    pub const UDP: Self = Self(17);
    /// DCCP (RFC 4340).
    pub const DCCP: Self = Self(33);
    /// IPv6 inside (RFC 2473).
    pub const IPV6: Self = Self(41);
    /// IPv6 routing header (RFC 8200 4.4).
    pub const ROUTING: Self = Self(43);
    /// IPv6 fragment header (RFC 8200 4.5).
    pub const FRAGMENT: Self = Self(44);
    /// Encapsulating Security Payload (RFC 4303).
    pub const ESP: Self = Self(50);
    /// Authentication Header (RFC 4302).
    pub const AH: Self = Self(51);
    /// ICMPv6 (RFC 4443).
    pub const ICMPV6: Self = Self(58);
    /// Nothing follows; in ESP a dummy packet (RFC 4303 2.6).
    pub const NO_NEXT: Self = Self(59);
    /// IPv6 destination options (RFC 8200 4.6).
    pub const DESTINATION: Self = Self(60);
    /// SCTP (RFC 9260).
    pub const SCTP: Self = Self(132);
    /// UDP-Lite (RFC 3828).
    pub const UDP_LITE: Self = Self(136);

    /// Whether it is an extension header of IPv6, behind which the upper layer is still to come.
    pub const fn is_extension(self) -> bool {
        matches!(self, Self::HOP_BY_HOP | Self::ROUTING | Self::FRAGMENT | Self::DESTINATION)
    }

    /// Whether its header begins with a source and a destination port of 16 bits.
    pub const fn has_ports(self) -> bool {
        matches!(self, Self::TCP | Self::UDP | Self::DCCP | Self::SCTP | Self::UDP_LITE)
    }
}

impl fmt::Debug for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Protocol({})", self.0)
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Why octets are not a whole IP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MalformedIp {
    /// Fewer octets than the header has.
    #[error("shorter than its header")]
    TooShort,
    /// A version other than 4 and 6.
    #[error("version {0}")]
    Version(u8),
    /// IHL below 5 words, or beyond the packet.
    #[error("header length of {0} octets")]
    HeaderLength(usize),
    /// Total length smaller than the header or larger than what is there.
    #[error("total length of {total} octets where {there} are there")]
    TotalLength {
        /// The header's own statement.
        total: usize,
        /// Octets that are there.
        there: usize,
    },
    /// An extension header beyond the packet, or more of them than [`MAX_EXTENSION_HEADERS`](crate::MAX_EXTENSION_HEADERS).
    #[error("extension headers")]
    Extensions,
    /// A routing header of type 0, which no node follows (RFC 5095 3).
    #[error("routing header of type 0")]
    RoutingHeader,
}

/// A parsed IPv4 or IPv6 header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IpHeader {
    /// Version 4.
    V4(Ipv4Header),
    /// Version 6.
    V6(Ipv6Header),
}

impl IpHeader {
    /// Parses the header at the start of `octets`. There may be more octets than the header's total length.
    ///
    /// # Errors
    /// [`MalformedIp`].
    pub fn parse(octets: &[u8]) -> Result<Self, MalformedIp> {
        match octets.first().ok_or(MalformedIp::TooShort)? >> 4 {
            4 => Ipv4Header::parse(octets).map(Self::V4),
            6 => Ipv6Header::parse(octets).map(Self::V6),
            version => Err(MalformedIp::Version(version)),
        }
    }

    /// Octets of the header: options included, IPv6 extension headers not.
    pub fn header_len(&self) -> usize {
        match self {
            Self::V4(header) => header.header_len,
            Self::V6(_) => Ipv6Header::LEN,
        }
    }

    /// Octets of the whole packet by the header's own statement.
    pub fn total_len(&self) -> usize {
        match self {
            Self::V4(header) => usize::from(header.total_len),
            Self::V6(header) => usize::from(header.payload_len).saturating_add(Ipv6Header::LEN),
        }
    }

    /// IPv4 type of service or IPv6 traffic class: DSCP in the upper six bits, ECN in the lower two.
    pub fn traffic_class(&self) -> u8 {
        match self {
            Self::V4(header) => header.tos,
            Self::V6(header) => header.traffic_class,
        }
    }

    /// TTL or hop limit.
    pub fn ttl(&self) -> u8 {
        match self {
            Self::V4(header) => header.ttl,
            Self::V6(header) => header.hop_limit,
        }
    }

    /// IPv4 protocol, or IPv6 next header of the fixed header.
    pub fn protocol(&self) -> Protocol {
        match self {
            Self::V4(header) => header.protocol,
            Self::V6(header) => header.next_header,
        }
    }

    /// Source address.
    pub fn source(&self) -> IpAddr {
        match self {
            Self::V4(header) => header.source.into(),
            Self::V6(header) => header.source.into(),
        }
    }

    /// Destination address.
    pub fn destination(&self) -> IpAddr {
        match self {
            Self::V4(header) => header.destination.into(),
            Self::V6(header) => header.destination.into(),
        }
    }

    /// The protocol number under which this packet travels inside another.
    pub fn as_payload(&self) -> Protocol {
        match self {
            Self::V4(_) => Protocol::IPV4,
            Self::V6(_) => Protocol::IPV6,
        }
    }
}

/// The Internet checksum (RFC 1071) over `octets`, which stand at an even offset. 0 if a checksum field among
/// them is right.
pub fn checksum(octets: &[u8]) -> u16 {
    let (pairs, rest) = octets.as_chunks::<2>();
    let sum = pairs.iter().fold(0_u64, |sum, pair| sum.wrapping_add(u16::from_be_bytes(*pair).into()));
    let last = rest.first().map_or(0, |octet| u64::from(*octet) << 8);
    !fold(sum.wrapping_add(last))
}

/// RFC 1624 3, equation 3: the checksum after one word under it changed.
pub(crate) fn update_checksum(old: u16, word_before: u16, word_after: u16) -> u16 {
    !fold(u64::from(!old).wrapping_add(u64::from(!word_before)).wrapping_add(u64::from(word_after)))
}

#[expect(clippy::cast_possible_truncation, reason = "after the folds 16 bits are left")]
fn fold(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff).wrapping_add(sum >> 16);
    }
    sum as u16
}

#[cfg(test)]
mod tests {
    use super::{checksum, update_checksum};

    #[test]
    fn rfc_1071_example() {
        // RFC 1071 3 (test)
        assert_eq!(checksum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), !0xddf2);
        assert_eq!(checksum(&[]), 0xffff);
        assert_eq!(checksum(&[0x12]), !0x1200);
    }

    #[test]
    fn rfc_1624_example() {
        // RFC 1624 4 (test): the case that equation 2 of RFC 1141 gets wrong.
        assert_eq!(update_checksum(0xdd2f, 0x5555, 0x3285), 0x0000);
    }
}
