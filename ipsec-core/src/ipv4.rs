//! The IPv4 header (RFC 791 3.1).
//!
//! ```text
//!    0                   1                   2                   3
//!    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//!   +-------+-------+---------------+-------------------------------+
//!   |Version|  IHL  |Type of Service|          Total Length         |
//!   +-------+-------+---------------+-----+-------------------------+
//!   |         Identification        |Flags|      Fragment Offset    |
//!   +---------------+---------------+-----+-------------------------+
//!   |  Time to Live |    Protocol   |         Header Checksum       |
//!   +---------------+---------------+-------------------------------+
//!   |                        Source Address                         |
//!   +---------------------------------------------------------------+
//!   |                      Destination Address                      |
//!   +---------------------------------------------------------------+
//! ```

use core::net::Ipv4Addr;

use crate::ip::update_checksum;
use crate::{MalformedIp, Protocol, checksum};

/// An IPv4 header as plain values, options apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv4Header {
    /// Octets of the header with its options, 20 to 60.
    pub header_len: usize,
    /// Type of service: DSCP in the upper six bits, ECN in the lower two.
    pub tos: u8,
    /// Octets of the whole packet.
    pub total_len: u16,
    /// Identification.
    pub identification: u16,
    /// DF.
    pub dont_fragment: bool,
    /// MF.
    pub more_fragments: bool,
    /// In units of 8 octets.
    pub fragment_offset: u16,
    /// Time to live.
    pub ttl: u8,
    /// What follows.
    pub protocol: Protocol,
    /// Source address.
    pub source: Ipv4Addr,
    /// Destination address.
    pub destination: Ipv4Addr,
}

impl Ipv4Header {
    /// Octets without options.
    pub const LEN: usize = 20;
    /// Octets with the most options that IHL can say.
    pub const MAX_LEN: usize = 60;
    /// Offset of the protocol field.
    pub const PROTOCOL: usize = 9;

    pub(crate) const DONT_FRAGMENT: u16 = 0x4000;
    const MORE_FRAGMENTS: u16 = 0x2000;
    const FRAGMENT_OFFSET: u16 = 0x1fff;

    /// Parses the header at the start of `octets`. The checksum is not looked at.
    ///
    /// # Errors
    /// [`MalformedIp`] if lengths and version do not agree with each other or with `octets`.
    pub fn parse(octets: &[u8]) -> Result<Self, MalformedIp> {
        let there = octets.len();
        let [first, tos, l0, l1, i0, i1, f0, f1, ttl, protocol, _, _, s0, s1, s2, s3, d0, d1, d2, d3] =
            *octets.first_chunk::<{ Self::LEN }>().ok_or(MalformedIp::TooShort)?;
        if first >> 4 != 4 {
            return Err(MalformedIp::Version(first >> 4));
        }
        let header_len = usize::from(first & 0x0f).saturating_mul(4);
        if header_len < Self::LEN || header_len > there {
            return Err(MalformedIp::HeaderLength(header_len));
        }
        let total_len = u16::from_be_bytes([l0, l1]);
        let total = usize::from(total_len);
        if total < header_len || total > there {
            return Err(MalformedIp::TotalLength { total, there });
        }
        let flags = u16::from_be_bytes([f0, f1]);
        Ok(Self {
            header_len,
            tos,
            total_len,
            identification: u16::from_be_bytes([i0, i1]),
            dont_fragment: flags & Self::DONT_FRAGMENT != 0,
            more_fragments: flags & Self::MORE_FRAGMENTS != 0,
            fragment_offset: flags & Self::FRAGMENT_OFFSET,
            ttl,
            protocol: Protocol(protocol),
            source: Ipv4Addr::new(s0, s1, s2, s3),
            destination: Ipv4Addr::new(d0, d1, d2, d3),
        })
    }

    /// Whether the packet is a fragment, the first included.
    pub fn is_fragment(&self) -> bool {
        self.more_fragments || self.fragment_offset != 0
    }

    /// The header without options, IHL 5, its checksum computed. [`header_len`](Self::header_len) is not used.
    pub fn encode(&self) -> [u8; Self::LEN] {
        let [l0, l1] = self.total_len.to_be_bytes();
        let [i0, i1] = self.identification.to_be_bytes();
        let mut flags = self.fragment_offset & Self::FRAGMENT_OFFSET;
        if self.dont_fragment {
            flags |= Self::DONT_FRAGMENT;
        }
        if self.more_fragments {
            flags |= Self::MORE_FRAGMENTS;
        }
        let [f0, f1] = flags.to_be_bytes();
        let [s0, s1, s2, s3] = self.source.octets();
        let [d0, d1, d2, d3] = self.destination.octets();
        let Protocol(protocol) = self.protocol;
        let mut octets = [
            0x45, self.tos, l0, l1, i0, i1, f0, f1, self.ttl, protocol, 0, 0, s0, s1, s2, s3, d0, d1, d2, d3,
        ];
        write_checksum(&mut octets);
        octets
    }
}

/// Computes the checksum of the header that `header` is, options included, and writes it.
pub(crate) fn write_checksum(header: &mut [u8]) {
    if let Some([_, _, _, _, _, _, _, _, _, _, c0, c1]) = header.first_chunk_mut::<12>() {
        (*c0, *c1) = (0, 0);
    }
    let [sum0, sum1] = checksum(header).to_be_bytes();
    if let Some([_, _, _, _, _, _, _, _, _, _, c0, c1]) = header.first_chunk_mut::<12>() {
        (*c0, *c1) = (sum0, sum1);
    }
}

/// Sets the type of service; the checksum is adapted, so that a wrong one stays wrong (RFC 1624).
pub(crate) fn set_tos(packet: &mut [u8], tos: u8) {
    if let Some([first, old, _, _, _, _, _, _, _, _, c0, c1]) = packet.first_chunk_mut::<12>() {
        let sum = u16::from_be_bytes([*c0, *c1]);
        let sum = update_checksum(sum, u16::from_be_bytes([*first, *old]), u16::from_be_bytes([*first, tos]));
        [*c0, *c1] = sum.to_be_bytes();
        *old = tos;
    }
}

/// Takes one from the TTL or hop limit of an IP packet that is forwarded (RFC 1812 5.2.3, RFC 8200 3): what a
/// gateway does before it encapsulates and after it has decapsulated (RFC 4301 5.1.2.1).
///
/// Returns the new value, or `None` if there is nothing to forward: the value was 0 or 1 (the packet is then
/// unchanged), or `packet` is no IP packet.
pub fn decrement_ttl(packet: &mut [u8]) -> Option<u8> {
    match packet.first()? >> 4 {
        4 => {
            let [_, _, _, _, _, _, _, _, ttl, protocol, c0, c1] = packet.first_chunk_mut::<12>()?;
            let new = ttl.checked_sub(1).filter(|ttl| *ttl > 0)?;
            let sum = u16::from_be_bytes([*c0, *c1]);
            let (before, after) =
                (u16::from_be_bytes([*ttl, *protocol]), u16::from_be_bytes([new, *protocol]));
            [*c0, *c1] = update_checksum(sum, before, after).to_be_bytes();
            *ttl = new;
            Some(new)
        }
        6 => {
            let hop_limit = packet.get_mut(7)?;
            let new = hop_limit.checked_sub(1).filter(|limit| *limit > 0)?;
            *hop_limit = new;
            Some(new)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use core::net::Ipv4Addr;

    use super::{Ipv4Header, decrement_ttl, set_tos};
    use crate::{MalformedIp, Protocol, checksum};

    /// The header of the tunnel packet of RFC 3602 4, case 7.
    const RFC_3602_CASE_7: [u8; 20] = [
        0x45, 0x00, 0x00, 0x8c, 0x09, 0x05, 0x00, 0x00, 0x40, 0x32, 0xf9, 0x1e, 0xc0, 0xa8, 0x7b, 0x03, 0xc0,
        0xa8, 0x7b, 0xc8,
    ];

    fn padded(header: [u8; 20]) -> [u8; 0x8c] {
        let mut packet = [0; 0x8c];
        packet[..20].copy_from_slice(&header);
        packet
    }

    #[test]
    fn parses_and_encodes_a_recorded_header() {
        let header = Ipv4Header::parse(&padded(RFC_3602_CASE_7)).unwrap();
        assert_eq!((header.header_len, header.total_len, header.identification), (20, 140, 0x0905));
        assert_eq!((header.ttl, header.protocol, header.tos), (64, Protocol::ESP, 0));
        assert_eq!(header.source, Ipv4Addr::new(192, 168, 123, 3));
        assert_eq!(header.destination, Ipv4Addr::new(192, 168, 123, 200));
        assert!(!header.is_fragment() && !header.dont_fragment);
        assert_eq!(header.encode(), RFC_3602_CASE_7);
    }

    #[test]
    fn refuses_lengths_that_lie() {
        let with = |change: fn(&mut [u8; 0x8c])| {
            let mut packet = padded(RFC_3602_CASE_7);
            change(&mut packet);
            Ipv4Header::parse(&packet).unwrap_err()
        };
        assert_eq!(with(|p| p[0] = 0x44), MalformedIp::HeaderLength(16));
        assert_eq!(with(|p| p[0] = 0x65), MalformedIp::Version(6));
        assert_eq!(with(|p| p[3] = 19), MalformedIp::TotalLength { total: 19, there: 140 });
        assert_eq!(with(|p| p[3] = 0x8d), MalformedIp::TotalLength { total: 141, there: 140 });
        assert_eq!(Ipv4Header::parse(&RFC_3602_CASE_7[..19]), Err(MalformedIp::TooShort));
        assert_eq!(Ipv4Header::parse(&[0x4f; 20]), Err(MalformedIp::HeaderLength(60)));
    }

    #[test]
    fn checksum_follows_tos_and_ttl() {
        let mut header = RFC_3602_CASE_7;
        set_tos(&mut header, 0xb9);
        assert_eq!((header[1], checksum(&header)), (0xb9, 0));
        for expected in (1..64).rev() {
            assert_eq!(decrement_ttl(&mut header), Some(expected));
            assert_eq!(checksum(&header), 0);
        }
        assert_eq!(decrement_ttl(&mut header), None);
        assert_eq!((header[8], checksum(&header)), (1, 0));
    }
}
