//! What a caller tells the engine.

use alloc::sync::Arc;

use bytes::Bytes;
use crypto_provider::{CryptoError, SecretBytes, Signature, Ticket};

use crate::policy::{Path, Phase1Policy, Phase2Policy, PolicySource, Protocol, SelectorPair};
use crate::sa::{BundleId, Direction, IkeSaId, Spi};

/// One input of [`Engine::handle_input`](crate::Engine::handle_input).
#[non_exhaustive]
pub enum Input<'a> {
    /// A UDP payload that arrived at a port of IKE, whole: at the port of NAT traversal with its non-ESP marker
    /// ([`NatPayload`](crate::NatPayload) tells what is not IKE there).
    Datagram {
        /// Where from and where to.
        path: Path,
        /// The payload.
        octets: &'a [u8],
    },
    /// Traffic needs a tunnel.
    Initiate(Request),
    /// A soft or hard limit of an installed bundle was reached.
    Used {
        /// The bundle.
        bundle: BundleId,
        /// Which limit.
        limit: LimitReached,
    },
    /// The data path has sent (outbound) or opened (inbound) packets of a bundle: what was opened shows that the peer is alive
    /// and has the bundle, what was sent, that it matters. Once in the bundle's [`report_traffic`](crate::Installation::report_traffic) is enough.
    Traffic {
        /// The bundle.
        bundle: BundleId,
        /// Which way.
        direction: Direction,
    },
    /// A packet came whose SA the data path does not have, to an address of IKE. Once in a second for a peer is enough. Anybody
    /// can send such a packet: what it leads to is bounded.
    UnknownSpi {
        /// Our IKE address and where the packet came from; the ports are those of IKE, or of UDP around ESP.
        path: Path,
        /// AH or ESP.
        protocol: Protocol,
        /// As the packet has it.
        spi: Spi,
    },
    /// The data path opened a packet of a bundle in UDP that came from elsewhere than the bundle's path says: it was authentic,
    /// and its sequence number is the highest so far.
    Moved {
        /// The bundle.
        bundle: BundleId,
        /// By which way the packet came.
        path: Path,
    },
    /// An installation that the engine had asked for could not be made.
    InstallFailed(BundleId),
    /// The answer to work that was [`Pending`](crypto_provider::Work::Pending).
    Completed(Ticket, Answer),
    /// A new policy; negotiations and SAs that exist go on.
    Policy(Arc<dyn PolicySource>),
    /// End something and tell the peer.
    Delete(Target),
}

/// A wish for a protected flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Our IKE address and the peer's.
    pub path: Path,
    /// The flow.
    pub selectors: SelectorPair,
}

/// A limit of RFC 4301 4.4.2.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LimitReached {
    /// A successor should be negotiated.
    Soft,
    /// The SA must not be used any more.
    Hard,
}

/// What to delete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Target {
    /// One IKE SA with everything under it.
    IkeSa(IkeSaId),
    /// One bundle of IPsec SAs.
    Bundle(BundleId),
    /// Everything.
    All,
}

/// An answer to pending work.
#[derive(Clone)]
#[non_exhaustive]
pub enum Answer {
    /// To [`PolicySource::phase1`].
    Phase1(Option<Arc<Phase1Policy>>),
    /// To [`PolicySource::pre_shared_keys`].
    PreSharedKeys(Arc<[SecretBytes]>),
    /// To [`PolicySource::phase2`].
    Phase2(Option<Arc<Phase2Policy>>),
    /// To a signature.
    Signature(Result<Signature, CryptoError>),
    /// To a decryption.
    Decrypted(Result<Bytes, CryptoError>),
}
