//! Another data path in place of the router's own: a kernel, or hardware, that is told what was negotiated and tells what
//! it counts.

use core::net::SocketAddr;
use core::time::Duration;

use crypto_provider::Integrity;
use ipsec_core::{DfPolicy, Lifetime, ReplayProtection, Selector};
use ipsec_esp::Suite;
use oakley::{
    BundleId, Direction, Encapsulation, Input, Installation, KeyedSa, LimitReached, Path, Phase2Transform,
    Protocol, RemoveReason, Target,
};

use super::counters::Work;
use super::flows::{BundleState, FlowId};
use super::install::{self, InstallError, Settings};
use super::sa::{InboundSa, OutboundSa, encrypts};
use super::{DataPath, Router};

/// What the other data path is to do, in the order in which it is to be done, and before what the router sends.
#[derive(Debug)]
#[non_exhaustive]
pub enum DataPathAction {
    /// Use one direction of a bundle; [`Router::not_installed`] says that this was not possible.
    Install(Box<Handover>),
    /// Stop using both directions of a bundle.
    Remove(BundleId),
    /// The peer of a bundle in UDP is at another address or port.
    Move(BundleId, Path),
}

/// What protects the packets of one SA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// ESP and its suite.
    Esp(Suite),
    /// AH and its algorithm.
    Ah(Integrity),
}

impl Protection {
    /// Of a transform, with so many octets of a HMAC-SHA-256 ICV. None for AH without a hash.
    #[must_use]
    pub fn of(transform: &Phase2Transform, sha256_icv_len: usize) -> Option<Self> {
        match transform.protocol {
            Protocol::Esp => Some(Self::Esp(install::suite(transform, sha256_icv_len))),
            Protocol::Ah => {
                transform.integrity.map(|hash| Self::Ah(install::integrity(hash, sha256_icv_len)))
            }
        }
    }
}

/// One direction of a bundle and what the configuration says about it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Handover {
    /// The flow's number, which it keeps from one configuration to the next.
    pub flow: u32,
    /// What was negotiated.
    pub installation: Installation,
    /// Its packets.
    pub selector: Selector,
    /// The replay window.
    pub replay: ReplayProtection,
    /// The DF bit of outer headers.
    pub df: DfPolicy,
}

impl Handover {
    /// The SAs, innermost first.
    ///
    /// # Errors
    /// [`InstallError::Bundle`] for a combination that makes none.
    pub fn layers(&self) -> Result<Vec<&KeyedSa>, InstallError> {
        install::layers(&self.installation)
    }

    /// What protects the packets of one of its SAs.
    ///
    /// # Errors
    /// [`InstallError::Bundle`] for AH without a hash.
    pub fn protection(&self, sa: &KeyedSa) -> Result<Protection, InstallError> {
        Protection::of(&sa.transform, self.installation.sha256_icv_len).ok_or(InstallError::Bundle)
    }

    /// Its limits, in octets.
    #[must_use]
    pub fn lifetime(&self) -> Lifetime {
        install::lifetime(&self.installation)
    }

    /// Our port and the peer's for ESP in UDP; None outside UDP.
    #[must_use]
    pub fn ports(&self) -> Option<(u16, u16)> {
        install::udp(&self.installation).map(|udp| (udp.local_port, udp.remote_port))
    }

    /// Whether the innermost SA makes a tunnel.
    #[must_use]
    pub fn is_tunnel(&self) -> bool {
        matches!(self.installation.encapsulation, Encapsulation::Tunnel | Encapsulation::UdpTunnel)
    }
}

impl Router {
    /// What the other data path is to do next; nothing while the router's own is used.
    pub fn poll_data_path(&mut self) -> Option<DataPathAction> {
        self.actions.pop_front()
    }

    /// The numbers of the flows: one for each permit line, in the order of [`Router::maps`], their entries and lines.
    pub fn flow_numbers(&self) -> impl Iterator<Item = u32> + '_ {
        self.flows.flows.iter().map(|flow| flow.number)
    }

    /// The other data path has a packet for a flow without SAs.
    pub fn demanded(&mut self, now: Duration, number: u32) {
        let place = self.flows.flows.iter().position(|flow| flow.number == number);
        let Some(id) = place.map(FlowId) else { return };
        if self.flows.flow(id).is_some_and(|flow| flow.may_negotiate(now)) {
            self.begin_negotiation(now, id);
        }
    }

    /// The other data path has counted a bundle up to a limit.
    pub fn used(&mut self, now: Duration, bundle: BundleId, limit: LimitReached) {
        self.tell_used(now, bundle, limit);
    }

    /// The other data path has opened a packet of a bundle in UDP that came from elsewhere than the bundle's path says.
    ///
    /// It should say so of packets newer than all before only. One that cannot tell (Linux reports any packet that its replay
    /// window lets pass) lets whoever can hold a packet back send it from elsewhere later, and move the peer until its next
    /// packet. Where there is no window every old packet would do, and the peer is not followed at all.
    pub fn moved(&mut self, now: Duration, bundle: BundleId, remote: SocketAddr) {
        let Some(state) = self.flows.bundles.get(&bundle) else { return };
        let path = Path { local: state.path.local, remote };
        if state.may_move && state.reports.is_fresh() && state.path != path {
            self.tell_engine(now, Input::Moved { bundle, path });
        }
    }

    /// The other data path could not do [`DataPathAction::Install`].
    pub fn not_installed(&mut self, now: Duration, bundle: BundleId, error: InstallError) {
        self.install_failed(now, bundle, error);
        self.drain_engine(now);
    }

    /// Ends a bundle and tells the peer.
    pub fn end(&mut self, now: Duration, bundle: BundleId) {
        self.tell_engine(now, Input::Delete(Target::Bundle(bundle)));
    }

    /// How often [`Router::counted`] is to be told, so that dead peers are noticed; None while nobody minds.
    #[must_use]
    pub fn counting_interval(&self) -> Option<Duration> {
        self.flows.bundles.values().filter_map(|bundle| bundle.reports.every()).min()
    }

    /// The other data path has counted `packets` and `octets` on an SA of a bundle since it was installed.
    pub fn counted(
        &mut self,
        now: Duration,
        bundle: BundleId,
        (direction, protocol): (Direction, Protocol),
        (packets, octets): (u64, u64),
    ) {
        let Some(state) = self.flows.bundles.get_mut(&bundle) else { return };
        let (flow, work) = (state.flow, work(state));
        let more = match direction {
            Direction::Outbound => {
                let mut layers = state.outbound.iter_mut().enumerate();
                layers.find_map(|(place, one)| match &mut one.sa {
                    OutboundSa::Elsewhere(sa) if one.transform.protocol == protocol => {
                        let more = packets.saturating_sub(sa.packets);
                        (sa.packets, sa.octets) = (packets, octets);
                        (place == 0).then_some(more)
                    }
                    _ => None,
                })
            }
            Direction::Inbound => {
                let mut layers = state.inbound.iter_mut().rev().enumerate();
                layers.find_map(|(place, one)| match &mut one.sa {
                    InboundSa::Elsewhere(sa) if one.transform.protocol == protocol => {
                        let more = packets.saturating_sub(sa.packets);
                        (sa.packets, sa.octets) = (packets, octets);
                        (place == 0).then_some(more)
                    }
                    _ => None,
                })
            }
        };
        let (Some(flow), Some(more)) = (self.flows.flow_mut(flow), more.filter(|more| *more > 0)) else {
            return;
        };
        match direction {
            Direction::Outbound => flow.counters.add_sent(work, more),
            Direction::Inbound => flow.counters.add_received(work, more),
        }
        self.report_traffic(now, bundle, direction);
    }

    /// Writes down what the other data path has to do.
    pub(super) fn hand_over(
        &mut self,
        now: Duration,
        flow: FlowId,
        installation: Installation,
        settings: &Settings,
    ) {
        let Ok(selector) = install::selector(&installation.selectors) else { return };
        let Some(state) = self.flows.flow_mut(flow) else { return };
        state.settle(now);
        let number = state.number;
        let Settings { replay, df, .. } = *settings;
        let handover = Handover { flow: number, installation, selector, replay, df };
        self.actions.push_back(DataPathAction::Install(Box::new(handover)));
    }

    /// The other data path has to do this too.
    pub(super) fn act(&mut self, action: DataPathAction) {
        if self.data_path == DataPath::Caller {
            self.actions.push_back(action);
        }
    }

    fn tell_used(&mut self, now: Duration, bundle: BundleId, limit: LimitReached) {
        self.tell_engine(now, Input::Used { bundle, limit });
        // RFC 4301 4.4.2.1: past a hard limit the SAs go, also when the engine has forgotten them.
        if limit == LimitReached::Hard {
            self.remove(now, bundle, RemoveReason::Expired);
        }
    }

    /// Reports the limits that a bundle has reached, each once.
    pub(super) fn report_limits(&mut self, now: Duration, bundle: BundleId) {
        if let Some(limit) = self.limit_of(now, bundle) {
            self.tell_used(now, bundle, limit);
        }
    }
}

/// What the layers of a bundle in another data path do to each packet.
fn work(bundle: &BundleState) -> Work {
    let mut work = Work::default();
    for one in &bundle.inbound {
        work.digested |= one.transform.integrity.is_some();
        if let InboundSa::Elsewhere(sa) = &one.sa
            && let Some(suite) = &sa.suite
        {
            work.encrypted |= encrypts(suite);
            work.digested |= suite.icv_len() > 0;
        }
    }
    work
}

#[cfg(test)]
mod tests;
