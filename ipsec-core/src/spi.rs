//! Security parameters index.

use core::fmt;
use core::net::IpAddr;

use thiserror::Error;

use crate::Protocol;

/// Security parameters index: with destination and protocol it names an SA (RFC 4301 4.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Spi(u32);

impl Spi {
    /// An SPI that was negotiated.
    ///
    /// # Errors
    /// [`ReservedSpi`] for 0 to 255 (RFC 4303 2.1).
    pub const fn new(spi: u32) -> Result<Self, ReservedSpi> {
        if spi < 256 { Err(ReservedSpi(spi)) } else { Ok(Self(spi)) }
    }

    /// An SPI as a packet carries it, or as an operator keyed it by hand: any number.
    pub const fn from_wire(spi: u32) -> Self {
        Self(spi)
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Debug for Spi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Spi({:#010x})", self.0)
    }
}

impl fmt::Display for Spi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#010x}", self.0)
    }
}

/// SPI 0 means no SA, 1 to 255 are reserved (RFC 4303 2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("SPI {0} is reserved")]
pub struct ReservedSpi(pub u32);

/// What an inbound packet is looked up by (RFC 2401 4.1: destination, protocol, SPI).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SaId {
    /// Destination of the outer header.
    pub destination: IpAddr,
    /// [`Protocol::ESP`] or [`Protocol::AH`].
    pub protocol: Protocol,
    /// Index chosen by the receiver.
    pub spi: Spi,
}

#[cfg(test)]
mod tests {
    use super::{ReservedSpi, Spi};

    #[test]
    fn reserved_numbers_are_refused() {
        assert_eq!(Spi::new(0), Err(ReservedSpi(0)));
        assert_eq!(Spi::new(255), Err(ReservedSpi(255)));
        assert_eq!(Spi::new(256).map(Spi::get), Ok(256));
        assert_eq!(Spi::new(u32::MAX).map(Spi::get), Ok(u32::MAX));
    }
}
