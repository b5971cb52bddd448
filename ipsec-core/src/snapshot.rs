//! Plain data about an SA for `show`, metrics and JSON.

use crate::{Counters, Mode, Protocol, Remaining, ReplayProtection, Spi};

/// An SA as it was at one moment. Holds no key and has no behaviour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SaSnapshot {
    /// Version of this structure.
    pub version: u8,
    /// ESP or AH.
    pub protocol: Protocol,
    /// Index.
    pub spi: Spi,
    /// Tunnel or transport.
    pub mode: Mode,
    /// Packets sealed or opened.
    pub packets: u64,
    /// Octets of the clear packets: before sealing, after opening.
    pub octets: u64,
    /// Outbound: the last number used. Inbound: the highest accepted.
    pub sequence: u64,
    /// The window; `None` for an outbound SA.
    pub replay: Option<ReplayProtection>,
    /// Until the hard limits.
    pub remaining: Remaining,
    /// Packets dropped.
    pub drops: Counters,
}

impl SaSnapshot {
    /// The present version.
    pub const VERSION: u8 = 1;
}
