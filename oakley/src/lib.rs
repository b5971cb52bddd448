#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]
#![doc = include_str!("../README.md")]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod attributes;
mod auth;
mod context;
mod dpd;
mod engine;
mod error;
mod event;
mod exchange;
mod fragments;
mod identity;
mod input;
mod keys;
mod nat;
mod oddity;
mod output;
mod overrides;
mod phase1;
mod phase2;
mod policy;
mod quirks;
mod renewal;
mod sa;
mod snapshot;
#[cfg(feature = "test-support")]
pub mod test_support;
mod vendors;

#[doc = include_str!("doc/sans_io.md")]
pub mod sans_io {}

pub use dpd::{Asking, DeadPeerDetection};
pub use engine::Engine;
pub use error::{
    Abort, ApiMisuse, IdentityFault, Incompatibility, LocalFailure, Misbehaviour, NotOffered, PeerRefusal,
    Reject,
};
pub use event::{Bundle, Cookies, Derivation, Difference, Event, SpiPair};
pub use fragments::{FragmentFault, Fragmentation};
pub use identity::Identity;
pub use input::{Answer, Input, LimitReached, Request, Target};
pub use nat::{NatDetected, NatOriginal, NatPayload, NatTraversal, NatVersion};
pub use oddity::Oddity;
pub use output::{Deadline, Output, TimerKind};
pub use policy::{
    AuthMethod, Confidentiality, Config, Encapsulation, KeyQuery, Lifetime, Mode, Path, Peer, PeerIdentity,
    Phase1Policy, Phase1Suite, Phase2Policy, Phase2Proposal, Phase2Transform, PolicySource, Protocol, Role,
    SelectorPair, TrafficSelector,
};
pub use quirks::Quirks;
pub use sa::{BundleId, Direction, IkeSaId, Installation, KeyedSa, RemoveReason, Spi};
pub use snapshot::{Counters, IkeSaSnapshot, IkeSaState, Snapshot};
pub use vendors::PeerVendors;
