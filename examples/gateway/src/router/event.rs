//! What happened in a router, in order, with the numbers that an operator knows things by.

use core::net::IpAddr;
use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use ipsec_core::{DropReason, Protocol};
use oakley::{Event, IkeSaId, Phase2Transform, RemoveReason, Spi};

use super::install::InstallError;

/// Happenings that are kept for a reader who is slow; the oldest are let go and counted.
const MOST_KEPT: usize = 8192;
/// Connection numbers of IKE SAs that are remembered; strangers' attempts must not fill the table.
const MOST_CONNECTIONS: usize = 4096;

/// One thing that happened.
#[derive(Clone, Debug)]
pub struct Happening {
    /// When.
    pub at: Duration,
    /// The connection id of the IKE SA that it is about.
    pub connection: Option<u32>,
    /// For [`Event::Established`]: the connection ids of its SAs, one entry per protocol.
    pub sas: Vec<SaConnections>,
    /// What.
    pub what: Occurrence,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum Occurrence {
    /// In the negotiation.
    Ike(Event),
    /// A packet was dropped.
    Dropped(DroppedPacket),
    /// SAs that were negotiated cannot be used.
    InstallFailed(InstallError),
    /// The SAs of a bundle were taken out of use.
    Removed(Vec<RemovedSa>, RemoveReason),
}

/// Connection ids of the two SAs of one protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SaConnections {
    /// Of the SA whose SPI is ours.
    pub inbound: u32,
    /// Of the SA whose SPI is the peer's.
    pub outbound: u32,
}

/// An SA that is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RemovedSa {
    /// Whose SPI it was.
    pub destination: IpAddr,
    /// Its SPI.
    pub spi: Spi,
    /// Protocol and algorithms.
    pub transform: Phase2Transform,
    /// Its connection id.
    pub connection: u32,
}

/// A packet that was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DroppedPacket {
    /// Why.
    pub reason: DropReason,
    /// Where it came from.
    pub source: IpAddr,
    /// Where it was to go.
    pub destination: IpAddr,
    /// What it carried.
    pub protocol: Protocol,
}

/// Connection ids: IKE SAs and IPsec SAs are counted in one row, from 1.
#[derive(Debug, Default)]
pub(super) struct Connections {
    last: u32,
    ike: BTreeMap<IkeSaId, u32>,
}

impl Connections {
    /// A number that was not given before.
    pub(super) fn fresh(&mut self) -> u32 {
        self.last = self.last.wrapping_add(1).max(1);
        self.last
    }

    /// The number of an IKE SA, given when it is first heard of.
    pub(super) fn ike(&mut self, id: IkeSaId) -> u32 {
        if let Some(known) = self.ike.get(&id) {
            return *known;
        }
        if self.ike.len() >= MOST_CONNECTIONS {
            self.ike.pop_first();
        }
        let number = self.fresh();
        self.ike.insert(id, number);
        number
    }

    /// The number of an IKE SA, if it has one.
    pub(super) fn known(&self, id: IkeSaId) -> Option<u32> {
        self.ike.get(&id).copied()
    }

    /// The IKE SA is gone.
    pub(super) fn forget(&mut self, id: IkeSaId) {
        self.ike.remove(&id);
    }
}

/// Happenings that nobody has read yet.
#[derive(Debug, Default)]
pub(super) struct Journal {
    kept: VecDeque<Happening>,
    lost: u64,
}

impl Journal {
    pub(super) fn push(&mut self, happening: Happening) {
        if self.kept.len() >= MOST_KEPT {
            self.kept.pop_front();
            self.lost = self.lost.saturating_add(1);
        }
        self.kept.push_back(happening);
    }

    pub(super) fn pop(&mut self) -> Option<Happening> {
        self.kept.pop_front()
    }

    pub(super) const fn lost(&self) -> u64 {
        self.lost
    }
}

/// Whether an event is a negotiation that could not be begun for want of a usable suite.
pub(super) const fn is_try(event: &Event) -> bool {
    use oakley::{Abort, LocalFailure};
    matches!(
        event,
        Event::RequestFailed { why: Abort::Local(LocalFailure::Method(_) | LocalFailure::Algorithm), .. }
    )
}

/// The IKE SA that an event is about.
pub(crate) fn ike_sa(event: &Event) -> Option<IkeSaId> {
    match event {
        Event::Started { ike_sa, .. }
        | Event::Processing { ike_sa, .. }
        | Event::ComparedPhase1 { ike_sa, .. }
        | Event::ComparedPhase2 { ike_sa, .. }
        | Event::Phase2Chosen { ike_sa, .. }
        | Event::Phase2Refused { ike_sa, .. }
        | Event::SpiAllocated { ike_sa, .. }
        | Event::SkeyidGenerated { ike_sa }
        | Event::AggressivePreShared { ike_sa, .. }
        | Event::Authenticated { ike_sa, .. }
        | Event::Ready { ike_sa }
        | Event::IkeSaRemoved { ike_sa, .. }
        | Event::IkeSaExpired { ike_sa }
        | Event::PeerDead { ike_sa, .. }
        | Event::Failed { ike_sa, .. }
        | Event::Duplicate { ike_sa, .. }
        | Event::Retransmitted { ike_sa, .. }
        | Event::Reaped { ike_sa } => Some(*ike_sa),
        Event::Rejected { ike_sa, .. }
        | Event::ReadOver { ike_sa, .. }
        | Event::Reassembled { ike_sa, .. }
        | Event::NotifySent { ike_sa, .. }
        | Event::Notified { ike_sa, .. } => *ike_sa,
        Event::Established(bundle) => Some(bundle.ike_sa),
        Event::Derived(derivation) => Some(derivation.ike_sa),
        _ => None,
    }
}
