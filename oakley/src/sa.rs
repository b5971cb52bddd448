//! Negotiated SAs as they are handed to whatever protects packets.

use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use crypto_provider::SecretBytes;

use crate::identity::Identity;
use crate::nat::NatOriginal;
use crate::policy::{Encapsulation, Lifetime, Path, Phase2Transform, SelectorPair};

/// Names an IKE SA, from its first message on, for the life of an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IkeSaId(pub u64);

/// Names the SAs of one Quick Mode, which live and die together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BundleId(pub u64);

/// A security parameter index of AH or ESP, 256 or more (RFC 4303 2.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Spi(pub u32);

impl fmt::Debug for Spi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Spi({:#x})", self.0)
    }
}

/// Which way an SA works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// From the peer to us; the SPI is ours.
    Inbound,
    /// From us to the peer; the SPI is the peer's.
    Outbound,
}

/// One direction of a bundle, ready to be installed.
#[derive(Debug)]
#[non_exhaustive]
pub struct Installation {
    /// The bundle; the other direction comes under the same id.
    pub bundle: BundleId,
    /// The IKE SA that negotiated it.
    pub ike_sa: IkeSaId,
    /// This direction.
    pub direction: Direction,
    /// The tunnel's ends are the path's addresses.
    pub path: Path,
    /// The flow, as seen from here.
    pub selectors: SelectorPair,
    /// Who the peer proved to be.
    pub identity: Identity,
    /// Tunnel or transport, in UDP or not; the ports are those of `path`.
    pub encapsulation: Encapsulation,
    /// In transport mode inside UDP: what the peer computes checksums with.
    pub nat_original: Option<NatOriginal>,
    /// Whether the peer is behind an address translator and may turn up elsewhere.
    pub may_move: bool,
    /// How often the data path should at most say [`Input::Traffic`](crate::Input::Traffic), for each direction; `None`: never.
    /// A bundle that sends while nothing comes back is replaced, so that no side goes on sealing for a peer that has lost it.
    pub report_traffic: Option<Duration>,
    /// What both sides agreed on.
    pub lifetime: Lifetime,
    /// The soft limits, at which the data path says [`Input::Used`](crate::Input::Used): below those of `lifetime`, by an
    /// amount that differs between the two sides and from bundle to bundle.
    pub soft: Lifetime,
    /// Octets of a HMAC-SHA-256 ICV with this peer ([`Quirks`](crate::Quirks)).
    pub sha256_icv_len: usize,
    /// One SA per protocol, in the order of the proposal. On the wire AH is always outside ESP.
    pub sas: Vec<KeyedSa>,
}

/// One SA and its keys (RFC 2409 5.5).
#[non_exhaustive]
pub struct KeyedSa {
    /// The SPI, chosen by the receiver.
    pub spi: Spi,
    /// Protocol and algorithms.
    pub transform: Phase2Transform,
    /// Encryption key, with the salt of counter modes after it; empty for AH and NULL.
    pub encryption_key: SecretBytes,
    /// Integrity key; empty for combined ciphers.
    pub integrity_key: SecretBytes,
}

impl fmt::Debug for KeyedSa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { spi, transform, encryption_key: _, integrity_key: _ } = self;
        f.debug_struct("KeyedSa").field("spi", spi).field("transform", transform).finish_non_exhaustive()
    }
}

/// Why a bundle is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RemoveReason {
    /// Its hard limit was reached.
    Expired,
    /// The caller asked for it.
    Requested,
    /// The peer deleted it.
    PeerDeleted,
    /// The peer has started anew and does not have it any more.
    PeerRestarted,
    /// Its Quick Mode did not complete.
    Incomplete,
    /// The other direction could not be installed.
    InstallFailed,
    /// The IKE SA was deleted together with its children.
    IkeSaDeleted,
    /// The peer does not answer any more.
    PeerDead,
    /// There were too many of its flow, or with its peer, and it was the oldest.
    Displaced,
    /// It sent, nothing came back, and another has taken its place.
    Silent,
}
