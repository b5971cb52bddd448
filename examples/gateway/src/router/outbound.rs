//! Packets on their way out: forwarded, protected, kept for later, or dropped.

use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

use ipsec_core::{DropReason, Flow, IcmpError, PacketBuf, SealError, Verdict, decrement_ttl};
use oakley::{BundleId, Input, Path, Request};

use super::counters::Work;
use super::flows::{BundleState, FlowId, Installed};
use super::path::Origin;
use super::routes::InterfaceIndex;
use super::sa::{OutboundSa, encrypts};
use super::{IKE_PORT, Router};

impl Router {
    /// Sends on a packet. One whose TTL has run out is told of to who sent it in clear (RFC 1812 4.3.3); out of a tunnel
    /// it goes nowhere, and nobody outside hears what was in it.
    pub(super) fn forward(&mut self, now: Duration, mut packet: PacketBuf, origin: Origin) {
        if decrement_ttl(packet.octets_mut()).is_none() {
            if let Origin::Interface(_) = origin {
                self.tell(now, &packet, IcmpError::TimeExceeded, origin);
            }
            return self.drop_packet(now, &packet, DropReason::Ttl);
        }
        self.send_by_policy(now, packet, origin);
    }

    /// Sends a packet as the crypto map of the interface that it leaves by wants it.
    pub(super) fn send_by_policy(&mut self, now: Duration, packet: PacketBuf, origin: Origin) {
        let Ok(flow) = Flow::of(packet.octets()) else {
            return self.drop_packet(now, &packet, DropReason::InnerHeader);
        };
        let Some(interface) = self.routing.egress(flow.destination) else {
            return self.drop_unroutable(now, &packet);
        };
        match self.flows.policy(interface).map(|policy| policy.outbound(&flow)) {
            None | Some(Verdict::Bypass) => {
                if self.mtu(interface).is_none_or(|mtu| packet.len() > mtu) {
                    return self.forward_longer(now, interface, &packet, origin);
                }
                self.counters.count_forwarded();
                self.transmit(now, interface, &packet);
            }
            Some(Verdict::Protect(id)) => self.protect(now, *id, (&flow, origin), packet),
            Some(Verdict::Discard(reason)) => self.drop_packet(now, &packet, reason),
        }
    }

    /// Sends a packet of this router's own that no policy applies to: IKE, and what a tunnel makes. This is what
    /// keeps a tunnel from being led into itself (RFC 4301 4.4.1: IKE traffic bypasses). What is longer than the link or
    /// `limit` leaves in fragments.
    pub(super) fn send_bypassing(
        &mut self,
        now: Duration,
        destination: IpAddr,
        packet: &PacketBuf,
        limit: usize,
    ) {
        let Some(interface) = self.routing.egress(destination) else {
            return self.drop_unroutable(now, packet);
        };
        let limit = self.mtu(interface).unwrap_or(0).min(limit);
        if packet.len() > limit {
            self.cut_and_transmit(now, interface, packet, limit);
        } else {
            self.transmit(now, interface, packet);
        }
    }

    /// Puts a packet on an interface.
    pub(super) fn transmit(&mut self, now: Duration, interface: InterfaceIndex, packet: &PacketBuf) {
        if self.mtu(interface).is_none_or(|mtu| packet.len() > mtu) {
            return self.drop_packet(now, packet, DropReason::TooBig);
        }
        self.outbox.push_back((interface, packet.octets().to_vec()));
    }

    /// A packet that a flow must carry: sealed, kept until there are SAs, or dropped; never sent in clear.
    fn protect(&mut self, now: Duration, id: FlowId, (flow, origin): (&Flow, Origin), mut packet: PacketBuf) {
        let Some(bundle) = self.flows.sending(id, flow) else {
            return self.negotiate(now, id, packet);
        };
        self.clamp(now, bundle, &mut packet);
        // Before a sequence number is spent: a packet that cannot leave must not count as sent.
        match self.room(now, bundle, &packet) {
            Some(room) if packet.len() > room => {
                self.protect_longer(now, (id, bundle), packet, (room, origin));
            }
            Some(_) => self.seal_and_send(now, id, bundle, packet),
            None => self.refuse(now, id, &packet, DropReason::TooBig),
        }
    }

    /// Seals a packet and sends it to the bundle's peer.
    pub(super) fn seal_and_send(
        &mut self,
        now: Duration,
        id: FlowId,
        bundle: BundleId,
        mut packet: PacketBuf,
    ) {
        let path = self.path_mtu(now, bundle).unwrap_or(0);
        let Some(state) = self.flows.bundles.get_mut(&bundle) else { return };
        let peer = state.path.remote.ip();
        let result = seal(state, &mut packet, now, self.provider.random.as_ref());
        match result {
            Ok(work) => {
                if let Some(flow) = self.flows.flow_mut(id) {
                    flow.counters.count_sent(work);
                }
                self.send_bypassing(now, peer, &packet, path);
                self.report_traffic(now, bundle, oakley::Direction::Outbound);
            }
            Err(error) => self.refuse(now, id, &packet, error.into()),
        }
        self.report_limits(now, bundle);
    }

    /// Keeps the packet and asks for SAs, unless a negotiation runs or has failed a moment ago.
    fn negotiate(&mut self, now: Duration, id: FlowId, packet: PacketBuf) {
        let Some(flow) = self.flows.flow(id) else { return };
        if !flow.is_negotiating() && !flow.may_negotiate(now) {
            return self.refuse(now, id, &packet, DropReason::NoSa);
        }
        if self.flows.ends(flow).is_none() {
            return self.refuse(now, id, &packet, DropReason::NoSa);
        }
        let Some(flow) = self.flows.flow_mut(id) else { return };
        if flow.wait(packet).is_err() {
            flow.counters.count_send_error();
            self.drops.count(DropReason::NoSa);
        }
        self.begin_negotiation(now, id);
    }

    /// Asks for SAs for a flow, unless a negotiation runs.
    pub(super) fn begin_negotiation(&mut self, now: Duration, id: FlowId) {
        let Some(flow) = self.flows.flow(id) else { return };
        let request = self.flows.ends(flow).map(|(local, remote)| Request {
            path: Path { local: SocketAddr::new(local, IKE_PORT), remote: SocketAddr::new(remote, IKE_PORT) },
            selectors: flow.negotiated.clone(),
        });
        let (Some(request), Some(flow)) = (request, self.flows.flow_mut(id)) else { return };
        if flow.begin(now) && self.engine.handle_input(now, Input::Initiate(request)).is_err() {
            self.give_up(now, id);
        }
        self.drain_engine(now);
    }

    /// Sends what waited for a flow's SAs.
    pub(super) fn send_waiting(&mut self, now: Duration, id: FlowId) {
        let Some(flow) = self.flows.flow_mut(id) else { return };
        for packet in flow.succeed() {
            match Flow::of(packet.octets()) {
                Ok(flow) => self.protect(now, id, (&flow, Origin::Tunnel), packet),
                Err(_) => self.refuse(now, id, &packet, DropReason::InnerHeader),
            }
        }
    }

    /// A packet that a flow should have carried is dropped.
    pub(super) fn refuse(&mut self, now: Duration, id: FlowId, packet: &PacketBuf, reason: DropReason) {
        if let Some(flow) = self.flows.flow_mut(id) {
            flow.counters.count_send_error();
        }
        self.drop_packet(now, packet, reason);
    }
}

/// Puts all layers of a bundle around a packet. After an error the packet is changed in part and must be dropped.
fn seal(
    bundle: &mut BundleState,
    packet: &mut PacketBuf,
    now: Duration,
    random: &dyn crypto_provider::SecureRandom,
) -> Result<Work, SealError> {
    let mut work = Work::default();
    for Installed { sa, .. } in &mut bundle.outbound {
        if let Err(error) = sa.seal(packet, now, random) {
            sa.count_drop(error.into());
            return Err(error);
        }
        match sa {
            OutboundSa::Esp(esp) => {
                work.encrypted |= encrypts(esp.suite());
                work.digested |= esp.suite().icv_len() > 0;
            }
            OutboundSa::Ah(_) => work.digested = true,
            OutboundSa::Elsewhere(_) => {}
        }
    }
    Ok(work)
}
