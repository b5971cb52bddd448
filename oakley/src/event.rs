//! What happened, in full: enough to print a router's debug lines without asking the engine again.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use bytes::Bytes;
use crypto_provider::{GroupId, HashAlgorithm};
use isakmp_wire::payload::Transform;
use isakmp_wire::{Cookie, ExchangeType, MessageId, NotifyType, PayloadKind};

use crate::error::{Abort, Reject};
use crate::identity::Identity;
use crate::nat::{NatDetected, NatOriginal};
use crate::oddity::Oddity;
use crate::policy::{
    Encapsulation, Lifetime, Path, Phase1Suite, Phase2Transform, Protocol, Role, SelectorPair,
};
use crate::sa::{BundleId, IkeSaId, RemoveReason, Spi};

/// Something that happened. Where an event has an `ike_sa`, that SA existed when it happened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// An exchange began.
    Started {
        /// Under which IKE SA; for phase 1 the SA to be.
        ike_sa: IkeSaId,
        /// Its ends.
        path: Path,
        /// Which exchange.
        exchange: ExchangeType,
        /// 0 in phase 1.
        message_id: MessageId,
        /// Our role in it.
        role: Role,
    },
    /// A payload of an acceptable message is being worked on.
    Processing {
        /// The IKE SA.
        ike_sa: IkeSaId,
        /// The payload.
        payload: PayloadKind,
        /// 0 in phase 1.
        message_id: MessageId,
    },
    /// A phase 1 transform of the peer was compared with one suite of our policy.
    ComparedPhase1 {
        /// The IKE SA to be.
        ike_sa: IkeSaId,
        /// As received; its `number` and attributes are the peer's.
        offered: Transform,
        /// Whether transforms follow it in the proposal.
        more: bool,
        /// What it was compared with.
        policy: Phase1Suite,
        /// `None` if it fits.
        first_difference: Option<Difference>,
    },
    /// One protocol of a phase 2 proposal of the peer was compared with our policy.
    ComparedPhase2 {
        /// The IKE SA.
        ike_sa: IkeSaId,
        /// The Quick Mode.
        message_id: MessageId,
        /// The proposal's number; equal numbers belong together.
        proposal: u8,
        /// AH or ESP as the peer's number, which may be neither.
        protocol: isakmp_wire::ProtocolId,
        /// As received.
        offered: Transform,
        /// Whether transforms follow it in the proposal.
        more: bool,
        /// What it was compared with; `None` if our policy has nothing for this protocol.
        policy: Option<Phase2Transform>,
        /// `None` if it fits.
        first_difference: Option<Difference>,
    },
    /// A whole phase 2 proposal (all protocols of one number) fits; `selectors` are what the peer asked for.
    Phase2Chosen {
        /// The IKE SA.
        ike_sa: IkeSaId,
        /// The Quick Mode.
        message_id: MessageId,
        /// Its ends.
        path: Path,
        /// The chosen transforms, in the order of the offer.
        transforms: Vec<Phase2Transform>,
        /// Tunnel or transport.
        encapsulation: Encapsulation,
        /// The flow as seen from here.
        selectors: SelectorPair,
    },
    /// No phase 2 proposal fits as a whole.
    Phase2Refused {
        /// The IKE SA.
        ike_sa: IkeSaId,
        /// The Quick Mode.
        message_id: MessageId,
    },
    /// An SPI of ours was chosen for an SA that is being negotiated.
    SpiAllocated {
        /// The IKE SA.
        ike_sa: IkeSaId,
        /// Ends of the SA to be: from the remote to the local address.
        path: Path,
        /// AH or ESP.
        protocol: Protocol,
        /// The SPI.
        spi: Spi,
    },
    /// SKEYID and what follows from it were computed.
    SkeyidGenerated {
        /// The IKE SA.
        ike_sa: IkeSaId,
    },
    /// Aggressive Mode answered a peer that has proved nothing with a HASH under a pre-shared key: whoever sees it can guess
    /// the key at leisure.
    AggressivePreShared {
        /// The IKE SA to be.
        ike_sa: IkeSaId,
        /// Its ends.
        path: Path,
    },
    /// NAT-D payloads told who is behind an address translator (RFC 3947 3.2).
    NatDetected {
        /// The IKE SA to be.
        ike_sa: IkeSaId,
        /// Its ends as far as they were known.
        path: Path,
        /// What was found.
        nat: NatDetected,
    },
    /// A peer behind a translator is somewhere else now; something that only it can have sent came from there.
    Moved {
        /// The IKE SA, unless it is gone.
        ike_sa: Option<IkeSaId>,
        /// The old ends.
        from: Path,
        /// The new ends.
        to: Path,
    },
    /// A derivation with its named inputs and its result, only when the policy asks for a key log.
    Derived(Arc<Derivation>),
    /// The peer proved its identity; the IKE SA exists.
    Authenticated {
        /// The IKE SA.
        ike_sa: IkeSaId,
        /// Its ends.
        path: Path,
        /// Our role in phase 1.
        role: Role,
        /// The cookies.
        cookies: Cookies,
        /// What was agreed on.
        suite: Phase1Suite,
        /// Who the peer is.
        identity: Identity,
    },
    /// Quick Modes may run under the IKE SA.
    Ready {
        /// The IKE SA.
        ike_sa: IkeSaId,
    },
    /// A Quick Mode is complete; both directions of its bundle were installed.
    Established(Arc<Bundle>),
    /// A bundle is gone.
    BundleRemoved {
        /// The bundle.
        bundle: BundleId,
        /// Why.
        reason: RemoveReason,
    },
    /// An IKE SA is gone.
    IkeSaRemoved {
        /// The IKE SA.
        ike_sa: IkeSaId,
        /// Why.
        why: Abort,
    },
    /// An IKE SA's life ended without harm to its bundles.
    IkeSaExpired {
        /// The IKE SA.
        ike_sa: IkeSaId,
    },
    /// A peer has not answered the question whether it is alive (RFC 3706); everything with it goes.
    PeerDead {
        /// The IKE SA under which it was asked.
        ike_sa: IkeSaId,
        /// Its ends.
        path: Path,
        /// Who the peer was.
        identity: Identity,
    },
    /// A bundle sends, and nothing has come back under it for a while: the peer may not have it any more. Another one is asked
    /// for; this one goes when the other is there.
    Silent {
        /// The bundle.
        bundle: BundleId,
        /// The IKE SA that negotiated it, which may be gone.
        ike_sa: IkeSaId,
        /// Its ends.
        path: Path,
    },
    /// An exchange ended without its SA.
    Failed {
        /// The IKE SA, or the SA to be.
        ike_sa: IkeSaId,
        /// Its ends.
        path: Path,
        /// Which exchange.
        exchange: ExchangeType,
        /// 0 in phase 1.
        message_id: MessageId,
        /// Our role in it.
        role: Role,
        /// Why.
        why: Abort,
    },
    /// A request of ours cannot be served.
    RequestFailed {
        /// The path that was asked for.
        path: Path,
        /// The flow that was asked for.
        selectors: SelectorPair,
        /// Why.
        why: Abort,
    },
    /// A datagram was refused; whatever it was meant for is untouched.
    Rejected {
        /// Where from and where to.
        path: Path,
        /// The IKE SA, if one with its cookies exists.
        ike_sa: Option<IkeSaId>,
        /// The exchange that its header names, if it has a header.
        exchange: Option<ExchangeType>,
        /// Why.
        why: Reject,
    },
    /// Something odd in an acceptable message was read over.
    ReadOver {
        /// Where from and where to.
        path: Path,
        /// The IKE SA, or the SA to be, if there is one.
        ike_sa: Option<IkeSaId>,
        /// What.
        oddity: Oddity,
    },
    /// A duplicate of a message that had been answered; the same answer was sent again if there is one.
    Duplicate {
        /// The IKE SA.
        ike_sa: IkeSaId,
        /// Whether an answer was sent again.
        answered: bool,
    },
    /// A message was sent again because no answer came.
    Retransmitted {
        /// The IKE SA.
        ike_sa: IkeSaId,
        /// 0 in phase 1.
        message_id: MessageId,
        /// How often it was sent in all.
        sends: u32,
    },
    /// A NOTIFY was sent.
    NotifySent {
        /// Where to.
        path: Path,
        /// The IKE SA that protects it, or none: in clear.
        ike_sa: Option<IkeSaId>,
        /// Which.
        notify: NotifyType,
    },
    /// A NOTIFY arrived. Acted upon only if it is protected.
    Notified {
        /// Where from.
        path: Path,
        /// The IKE SA, if one has its cookies.
        ike_sa: Option<IkeSaId>,
        /// Whether its HASH held.
        protected: bool,
        /// Which.
        notify: NotifyType,
        /// Its data.
        data: Bytes,
    },
    /// A message is being sent in parts.
    Fragmented {
        /// Where to.
        path: Path,
        /// How many parts.
        fragments: usize,
        /// Octets of the message.
        octets: usize,
    },
    /// The last missing part of a message came; what becomes of the message is told by what follows.
    Reassembled {
        /// Where from.
        path: Path,
        /// The IKE SA, if the parts name one.
        ike_sa: Option<IkeSaId>,
        /// How many parts.
        fragments: usize,
        /// Octets of the message.
        octets: usize,
    },
    /// An IKE SA was looked over; replies kept for a peer that might have lost them are let go when their time is over.
    Reaped {
        /// The IKE SA.
        ike_sa: IkeSaId,
    },
}

/// The two cookies of an IKE SA.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Cookies {
    /// CKY-I.
    pub initiator: Cookie,
    /// CKY-R.
    pub responder: Cookie,
}

/// The SAs of one Quick Mode, without their keys.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Bundle {
    /// Its name.
    pub id: BundleId,
    /// The IKE SA that negotiated it.
    pub ike_sa: IkeSaId,
    /// The Quick Mode.
    pub message_id: MessageId,
    /// Our role in it.
    pub role: Role,
    /// Its ends; they follow a peer behind a translator.
    pub path: Path,
    /// The ends by which phase 1 was asked for, before any port changed: what a successor is asked for by.
    pub home: Path,
    /// What is known about address translators between the ends.
    pub nat: Option<NatDetected>,
    /// Who the peer proved to be; the bundle stays this identity's, whatever IKE SA comes later.
    pub identity: Identity,
    /// When its keys were made.
    pub established: Duration,
    /// The flow as seen from here.
    pub selectors: SelectorPair,
    /// Tunnel or transport.
    pub encapsulation: Encapsulation,
    /// In transport mode inside UDP: what the peer computes checksums with.
    pub nat_original: Option<NatOriginal>,
    /// The lower of what both sides allow.
    pub lifetime: Lifetime,
    /// When a successor is wanted: counted like [`lifetime`](Self::lifetime), lower, and not the same for any two bundles.
    pub soft: Lifetime,
    /// The group of perfect forward secrecy, if it was used.
    pub pfs: Option<GroupId>,
    /// One pair per protocol, in the order of the proposal.
    pub pairs: Vec<SpiPair>,
}

/// The two SAs of one protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SpiPair {
    /// Protocol and algorithms.
    pub transform: Phase2Transform,
    /// Ours: packets to us carry it.
    pub inbound: Spi,
    /// The peer's: packets from us carry it.
    pub outbound: Spi,
}

/// The first point in which an offered transform and a policy differ.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Difference {
    /// A property has another value.
    Value {
        /// Which property, in the standards' words.
        property: &'static str,
        /// The peer's value.
        offered: String,
        /// What our policy accepts.
        accepted: String,
    },
    /// An attribute is malformed, contradicts another, or is unknown (RFC 2407 4.5).
    Attribute {
        /// The attribute's class number.
        class: u16,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Our policy has nothing for this protocol.
    Protocol,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value { property, offered, accepted } => {
                write!(f, "{property}: offered {offered}, accepted {accepted}")
            }
            Self::Attribute { class, problem } => write!(f, "attribute {class}: {problem}"),
            Self::Protocol => f.write_str("nothing accepted for this protocol"),
        }
    }
}

/// One derivation of RFC 2409 section 5, for a key log. It holds secrets: its `Debug` shows names only.
#[derive(Clone)]
#[non_exhaustive]
pub struct Derivation {
    /// The IKE SA.
    pub ike_sa: IkeSaId,
    /// The cookies.
    pub cookies: Cookies,
    /// 0 in phase 1.
    pub message_id: MessageId,
    /// The name in RFC 2409's notation: `SKEYID_e`, `IV`, `HASH_I`, `HASH(1)`, `KEYMAT` ...
    pub name: &'static str,
    /// The hash under the prf, or the hash itself for an IV.
    pub hash: HashAlgorithm,
    /// The inputs by name, in their order.
    pub inputs: Vec<(&'static str, Bytes)>,
    /// The result.
    pub result: Bytes,
    /// For KEYMAT: whose SA.
    pub sa: Option<(Protocol, Spi)>,
}

impl fmt::Debug for Derivation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Derivation")
            .field("ike_sa", &self.ike_sa)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
