//! Packets on their way out: forwarded, protected, kept for later, or dropped.

use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

use ipsec_core::{DropReason, Flow, IpHeader, PacketBuf, Protocol, SealError, Verdict, decrement_ttl};
use oakley::{BundleId, Input, Path, Request};

use super::counters::Work;
use super::datagram;
use super::flows::{BundleState, FlowId, Installed};
use super::routes::InterfaceIndex;
use super::sa::{OutboundSa, encrypts};
use super::{IKE_PORT, Router};

impl Router {
    /// Sends on a packet that came from `from`, or out of a tunnel there.
    pub(super) fn forward(&mut self, now: Duration, mut packet: PacketBuf) {
        if decrement_ttl(packet.octets_mut()).is_none() {
            return self.drop_packet(now, &packet, DropReason::Ttl);
        }
        self.send_by_policy(now, packet);
    }

    /// Sends a packet as the crypto map of the interface that it leaves by wants it.
    pub(super) fn send_by_policy(&mut self, now: Duration, packet: PacketBuf) {
        let Ok(flow) = Flow::of(packet.octets()) else {
            return self.drop_packet(now, &packet, DropReason::InnerHeader);
        };
        let Some(interface) = self.routing.egress(flow.destination) else {
            return self.counters.count_unroutable();
        };
        match self.flows.policy(interface).map(|policy| policy.outbound(&flow)) {
            None | Some(Verdict::Bypass) => {
                self.counters.count_forwarded();
                if let Some(mtu) = self.mtu(interface)
                    && packet.len() > mtu
                {
                    self.tell_fragmentation_needed(now, &packet, mtu);
                }
                self.transmit(now, interface, packet);
            }
            Some(Verdict::Protect(id)) => self.protect(now, *id, &flow, packet),
            Some(Verdict::Discard(reason)) => self.drop_packet(now, &packet, reason),
        }
    }

    /// Sends a packet of this router's own that no policy applies to: IKE, and what a tunnel makes. This is what
    /// keeps a tunnel from being led into itself (RFC 4301 4.4.1: IKE traffic bypasses).
    pub(super) fn send_bypassing(&mut self, now: Duration, destination: IpAddr, packet: PacketBuf) {
        match self.routing.egress(destination) {
            Some(interface) => self.transmit(now, interface, packet),
            None => self.counters.count_unroutable(),
        }
    }

    fn mtu(&self, interface: InterfaceIndex) -> Option<usize> {
        self.routing.interface(interface).map(|interface| interface.mtu)
    }

    fn transmit(&mut self, now: Duration, interface: InterfaceIndex, packet: PacketBuf) {
        if self.mtu(interface).is_none_or(|mtu| packet.len() > mtu) {
            return self.drop_packet(now, &packet, DropReason::TooBig);
        }
        self.outbox.push_back((interface, packet.octets().to_vec()));
    }

    /// A packet that a flow must carry: sealed, kept until there are SAs, or dropped; never sent in clear.
    fn protect(&mut self, now: Duration, id: FlowId, flow: &Flow, mut packet: PacketBuf) {
        let Some(bundle) = self.flows.sending(id, flow) else {
            return self.negotiate(now, id, packet);
        };
        // Before a sequence number is spent: a packet that cannot leave must not count as sent.
        if let Some(room) = self.room(bundle, &packet)
            && packet.len() > room
        {
            self.tell_fragmentation_needed(now, &packet, room);
            return self.refuse(now, id, &packet, DropReason::TooBig);
        }
        let Some(state) = self.flows.bundles.get_mut(&bundle) else { return };
        let peer = state.path.remote.ip();
        let result = seal(state, &mut packet, now, self.provider.random.as_ref());
        match result {
            Ok(work) => {
                if let Some(flow) = self.flows.flow_mut(id) {
                    flow.counters.count_sent(work);
                }
                self.send_bypassing(now, peer, packet);
            }
            Err(error) => self.refuse(now, id, &packet, error.into()),
        }
        self.report_limits(now, bundle);
    }

    /// Octets of the largest packet like this one that a bundle can carry to its peer; `None` if nothing can.
    fn room(&self, bundle: BundleId, packet: &PacketBuf) -> Option<usize> {
        let state = self.flows.bundles.get(&bundle)?;
        let peer = state.path.remote.ip();
        let mtu = self.mtu(self.routing.egress(peer)?)?;
        let header_len = IpHeader::parse(packet.octets()).ok()?.header_len();
        // What leaves fits the link; each layer, from the outermost one, takes its part of that.
        let outermost_first = state.outbound.iter().rev();
        Some(outermost_first.fold(mtu, |limit, layer| layer.sa.room(limit, header_len, peer.is_ipv6())))
    }

    /// Tells a host behind this router that its packet was too long (RFC 4301 8.2.1), not more often than others may be
    /// told something.
    fn tell_fragmentation_needed(&mut self, now: Duration, packet: &PacketBuf, mtu: usize) {
        let Ok(IpHeader::V4(header)) = IpHeader::parse(packet.octets()) else { return };
        if self.routing.owner(header.source.into()).is_some() {
            return;
        }
        let back = self.routing.egress(header.source.into());
        let own = back.and_then(|back| self.routing.interface(back)?.own_v4());
        let (Some(own), Some(message)) = (own, datagram::fragmentation_needed(packet.octets(), mtu)) else {
            return;
        };
        if !self.errors_told.may_tell(now) {
            return;
        }
        let about = (Protocol::ICMP, self.identification.draw());
        if let Some(octets) = datagram::ipv4(own, header.source, about, &message) {
            self.send_by_policy(now, PacketBuf::copy_of(&octets));
        }
    }

    /// Keeps the packet and asks for SAs, unless a negotiation runs or has failed a moment ago.
    fn negotiate(&mut self, now: Duration, id: FlowId, packet: PacketBuf) {
        let Some(flow) = self.flows.flow(id) else { return };
        if !flow.is_negotiating() && !flow.may_negotiate(now) {
            return self.refuse(now, id, &packet, DropReason::NoSa);
        }
        let request = self.flows.ends(flow).map(|(local, remote)| Request {
            path: Path { local: SocketAddr::new(local, IKE_PORT), remote: SocketAddr::new(remote, IKE_PORT) },
            selectors: flow.negotiated.clone(),
        });
        let Some(request) = request else { return self.refuse(now, id, &packet, DropReason::NoSa) };
        let Some(flow) = self.flows.flow_mut(id) else { return };
        let begins = flow.begin(now);
        if flow.wait(packet).is_err() {
            flow.counters.count_send_error();
            self.drops.count(DropReason::NoSa);
        }
        if begins && self.engine.handle_input(now, Input::Initiate(request)).is_err() {
            self.give_up(now, id);
        }
        self.drain_engine(now);
    }

    /// Sends what waited for a flow's SAs.
    pub(super) fn send_waiting(&mut self, now: Duration, id: FlowId) {
        let Some(flow) = self.flows.flow_mut(id) else { return };
        for packet in flow.succeed() {
            match Flow::of(packet.octets()) {
                Ok(flow) => self.protect(now, id, &flow, packet),
                Err(_) => self.refuse(now, id, &packet, DropReason::InnerHeader),
            }
        }
    }

    /// A packet that a flow should have carried is dropped.
    fn refuse(&mut self, now: Duration, id: FlowId, packet: &PacketBuf, reason: DropReason) {
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
        }
    }
    Ok(work)
}
