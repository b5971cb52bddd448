#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]
#![doc = include_str!("../README.md")]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod bundle;
mod drop;
mod error;
mod flow;
mod fragment;
mod icmp;
mod ip;
mod ipv4;
mod ipv6;
mod job;
mod lifetime;
mod mss;
mod packet;
mod pmtu;
mod readdress;
mod reassembly;
mod replay;
mod sa;
mod selector;
mod sequence;
mod snapshot;
mod spd;
mod spi;
mod transport;
mod tunnel;

pub use bundle::Layers;
pub use drop::{Counters, DropReason};
pub use error::{Exhausted, SealError};
pub use flow::{Flow, FlowPorts};
pub use fragment::fragments;
pub use icmp::{IcmpError, icmp_error};
pub use ip::{IpHeader, MalformedIp, Protocol, checksum};
pub use ipv4::{Ipv4Header, decrement_ttl};
pub use ipv6::{Chain, Ipv6Header, MAX_EXTENSION_HEADERS};
pub use job::{OpenJob, SealJob, Verified};
pub use lifetime::{Cause, Lifetime, Limit, Remaining, Usage};
pub use mss::clamp_mss;
pub use packet::{NoRoom, PacketBuf};
pub use pmtu::{PathMtu, TooBig};
pub use readdress::{Ends, readdress};
pub use reassembly::{Reassembly, Scope};
pub use replay::{Fresh, InvalidWindow, ReplayProtection, ReplayWindow, WindowSize};
pub use sa::{InboundConfig, InboundState, Mode, Opened, OutboundConfig, OutboundState};
pub use selector::{Direction, InvalidSelector, Match, Selector};
pub use sequence::{Sequence, SequenceCounter, SequenceWidth};
pub use snapshot::SaSnapshot;
pub use spd::{Action, Decision, Policy, Rule, Spd, Unmatched, Verdict};
pub use spi::{ReservedSpi, SaId, Spi};
pub use transport::{Header, close_gap, finish_header, insertion_point, locate, open_gap};
pub use tunnel::{
    DfPolicy, DscpPolicy, EcnPolicy, IdentificationCounter, MixedFamilies, OuterHeader, Tunnel, decapsulate,
};
