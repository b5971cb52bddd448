//! What an engine looks like from outside: plain data, without keys or behaviour.

use alloc::vec::Vec;
use core::time::Duration;

use isakmp_wire::{ExchangeType, MessageId};

use crate::event::{Bundle, Cookies};
use crate::identity::Identity;
use crate::nat::NatDetected;
use crate::policy::{Mode, Path, Phase1Suite, Role};
use crate::sa::IkeSaId;
use crate::vendors::PeerVendors;

/// The state of an engine at one moment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Snapshot {
    /// All IKE SAs, the incomplete ones too, in the order of their ids.
    pub ike_sas: Vec<IkeSaSnapshot>,
    /// All bundles, in the order of their ids.
    pub bundles: Vec<Bundle>,
    /// Messages of which only some fragments are here.
    pub reassembling: usize,
    /// Everything counted since the start.
    pub counters: Counters,
}

/// One IKE SA.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct IkeSaSnapshot {
    /// Its name.
    pub id: IkeSaId,
    /// Its ends.
    pub path: Path,
    /// Our role in phase 1.
    pub role: Role,
    /// How far it is.
    pub state: IkeSaState,
    /// The cookies; the responder's is zero until it is known.
    pub cookies: Cookies,
    /// What was agreed on, once it was.
    pub suite: Option<Phase1Suite>,
    /// Who the peer proved to be.
    pub identity: Option<Identity>,
    /// What NAT-D payloads told.
    pub nat: Option<NatDetected>,
    /// What the peer announced in VENDOR payloads.
    pub vendors: PeerVendors,
    /// Octets of UDP payload above which our messages leave as fragments, if the peer takes them.
    pub fragment_size: Option<usize>,
    /// When it was established.
    pub established: Option<Duration>,
    /// When its life ends.
    pub expires: Option<Duration>,
    /// Exchanges under it that are not complete.
    pub exchanges: Vec<(ExchangeType, MessageId)>,
}

/// How far an IKE SA is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IkeSaState {
    /// Our offer is sent, or nothing is (messages 1 and 2 outstanding).
    NoState(Mode),
    /// The peers agreed on a suite.
    SaSetup(Mode),
    /// Public values were exchanged; no keys are confirmed.
    KeyExchange(Mode),
    /// Authenticated, not yet ready for Quick Modes.
    Authenticated,
    /// Ready for Quick Modes.
    Ready,
}

/// What was counted since the start. Counters saturate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Datagrams that came in.
    pub datagrams_in: u64,
    /// Datagrams that went out.
    pub datagrams_out: u64,
    /// Keepalives that went out; they count as no datagrams.
    pub keepalives_out: u64,
    /// Refused as malformed.
    pub malformed: u64,
    /// Refused for breaking a rule.
    pub misbehaved: u64,
    /// Of these: undecipherable.
    pub undecipherable: u64,
    /// Refused by policy.
    pub incompatible: u64,
    /// Duplicates of answered messages.
    pub duplicates: u64,
    /// Messages sent again.
    pub retransmissions: u64,
    /// Exchanges that ended as timed out.
    pub timed_out: u64,
    /// Exchanges that ended for another reason without their SA.
    pub failed: u64,
    /// Half-open exchanges that made room.
    pub displaced: u64,
    /// IKE SAs established.
    pub ike_sas: u64,
    /// Bundles established.
    pub bundles: u64,
    /// Datagrams handed back as not ours.
    pub not_ours: u64,
    /// NOTIFYs that were due and not sent because of the rate limit.
    pub notifies_suppressed: u64,
    /// Fragments that were taken.
    pub fragments_in: u64,
    /// Fragments that went out.
    pub fragments_out: u64,
    /// Messages put together from fragments.
    pub reassembled: u64,
    /// Messages that were given up with some of their fragments here.
    pub fragments_lost: u64,
    /// Events and datagrams that were let go because the caller had left too many outputs waiting.
    pub outputs_suppressed: u64,
}
