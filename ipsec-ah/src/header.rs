//! The Authentication Header (RFC 4302 2).
//!
//! ```text
//!    0                   1                   2                   3
//!    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//!   +---------------+---------------+-------------------------------+
//!   |  Next Header  |  Payload Len  |            RESERVED           |
//!   +---------------+---------------+-------------------------------+
//!   |                Security Parameters Index (SPI)                |
//!   +---------------------------------------------------------------+
//!   |                        Sequence Number                        |
//!   +---------------------------------------------------------------+
//!   |             Integrity Check Value (ICV), padded               |
//!   +---------------------------------------------------------------+
//! ```

use ipsec_core::{Protocol, Spi};

/// The fixed part of the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AhHeader {
    /// What follows.
    pub next_header: Protocol,
    /// Octets of the whole header, ICV and its padding included.
    pub len: usize,
    /// Security parameters index.
    pub spi: Spi,
    /// The half of the sequence number that is sent.
    pub sequence: u32,
}

impl AhHeader {
    /// Octets before the ICV.
    pub const FIXED: usize = 12;

    /// Parses the header at the start of `octets`, `None` if there are fewer than 12. The reserved field is not looked
    /// at (RFC 4302 2.3); the ICV covers it.
    pub fn parse(octets: &[u8]) -> Option<Self> {
        let [next, words, _, _, p0, p1, p2, p3, s0, s1, s2, s3] = *octets.first_chunk::<{ Self::FIXED }>()?;
        Some(Self {
            next_header: Protocol(next),
            // RFC 4302 2.2: the length in words of 32 bits, less two.
            len: usize::from(words).saturating_add(2).saturating_mul(4),
            spi: Spi::from_wire(u32::from_be_bytes([p0, p1, p2, p3])),
            sequence: u32::from_be_bytes([s0, s1, s2, s3]),
        })
    }

    /// The fixed part.
    pub fn encode(&self) -> [u8; Self::FIXED] {
        let words = (self.len / 4).saturating_sub(2);
        let [p0, p1, p2, p3] = self.spi.get().to_be_bytes();
        let [s0, s1, s2, s3] = self.sequence.to_be_bytes();
        let words = u8::try_from(words).unwrap_or(u8::MAX);
        [self.next_header.0, words, 0, 0, p0, p1, p2, p3, s0, s1, s2, s3]
    }
}

/// To what multiple the header's length is brought over IPv4. Over IPv6 it is always 8 octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Alignment {
    /// 4 octets, as RFC 4302 3.3.3.2.1 says.
    #[default]
    Four,
    /// 8 octets, as some peers want it. Makes a difference for ICVs of 128 bits and more.
    Eight,
}

/// Octets of a header with an ICV of `icv_len`.
pub(crate) fn header_len(icv_len: usize, over_v6: bool, alignment: Alignment) -> usize {
    let multiple = if over_v6 || alignment == Alignment::Eight { 8 } else { 4 };
    AhHeader::FIXED.saturating_add(icv_len).next_multiple_of(multiple)
}

#[cfg(test)]
mod tests {
    use ipsec_core::{Protocol, Spi};

    use super::{AhHeader, Alignment, header_len};

    #[test]
    fn lengths_by_icv_and_family() {
        // RFC 4302 2.2 (test): 96 bits of ICV make a length field of 4 over both families.
        assert_eq!([header_len(12, false, Alignment::Four), header_len(12, true, Alignment::Four)], [24, 24]);
        assert_eq!(header_len(12, false, Alignment::Eight), 24);
        // RFC 4302 3.3.3.2.1 (test): 128 bits need four octets of padding over IPv6 only.
        assert_eq!([header_len(16, false, Alignment::Four), header_len(16, true, Alignment::Four)], [28, 32]);
        assert_eq!(header_len(16, false, Alignment::Eight), 32);
    }

    #[test]
    fn there_and_back() {
        let octets = [50, 4, 0, 0, 0x01, 0x89, 0x11, 0x16, 0, 0, 0, 7];
        let header = AhHeader::parse(&octets).unwrap();
        let expected =
            AhHeader { next_header: Protocol::ESP, len: 24, spi: Spi::from_wire(0x0189_1116), sequence: 7 };
        assert_eq!(header, expected);
        assert_eq!(header.encode(), octets);
        assert_eq!(AhHeader::parse(&octets[..11]), None);
    }
}
