//! The clear part of an ESP packet (RFC 4303 2).
//!
//! ```text
//!    0                   1                   2                   3
//!    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//!   +---------------------------------------------------------------+ ----
//!   |               Security Parameters Index (SPI)                 | ^ covered
//!   +---------------------------------------------------------------+ | by the
//!   |                      Sequence Number                          | | ICV
//!   +---------------------------------------------------------------+ | ----
//!   |                    IV (of the cipher, in clear)               | |
//!   |                    Payload Data                               | | ^ encrypted
//!   |               +-----------------------------------------------+ | | (without
//!   |               |     Padding (0-255 octets)                    | | |  the IV)
//!   +---------------+               +---------------+---------------+ | |
//!   |                               |  Pad Length   |  Next Header  | v v
//!   +-------------------------------+---------------+---------------+ ----
//!   |                Integrity Check Value (ICV)                    |
//!   +---------------------------------------------------------------+
//! ```

use ipsec_core::Spi;

/// SPI and sequence number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EspHeader {
    /// Security parameters index.
    pub spi: Spi,
    /// The half of the sequence number that is sent.
    pub sequence: u32,
}

impl EspHeader {
    /// Octets.
    pub const LEN: usize = 8;

    /// Parses the header at the start of `octets`, `None` if there are fewer than 8.
    pub fn parse(octets: &[u8]) -> Option<Self> {
        let [p0, p1, p2, p3, s0, s1, s2, s3] = *octets.first_chunk::<{ Self::LEN }>()?;
        Some(Self {
            spi: Spi::from_wire(u32::from_be_bytes([p0, p1, p2, p3])),
            sequence: u32::from_be_bytes([s0, s1, s2, s3]),
        })
    }

    /// The header.
    pub fn encode(&self) -> [u8; Self::LEN] {
        let [p0, p1, p2, p3] = self.spi.get().to_be_bytes();
        let [s0, s1, s2, s3] = self.sequence.to_be_bytes();
        [p0, p1, p2, p3, s0, s1, s2, s3]
    }
}
