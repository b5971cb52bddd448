//! Packets that came in: IKE, tunnels, the router's own, and what is to be forwarded.

use core::net::IpAddr;
use core::time::Duration;

use ipsec_core::{DropReason, Flow, IpHeader, Layers, PacketBuf, Protocol, SaId, Spi};
use oakley::{BundleId, Input, Path};

use super::counters::Work;
use super::datagram::{self, Echo, Udp};
use super::flows::{BundleState, Installed};
use super::path::Origin;
use super::routes::InterfaceIndex;
use super::sa::{InboundSa, encrypts};
use super::{IKE_PORT, MAX_LOCAL, Router};

impl Router {
    /// A packet arrived on `from`.
    pub(super) fn receive(&mut self, now: Duration, from: InterfaceIndex, octets: &[u8]) {
        let mut packet = PacketBuf::copy_of(octets);
        let Ok(header) = IpHeader::parse(packet.octets()) else {
            return self.drops.count(DropReason::OuterHeader);
        };
        // What a link added behind the packet is not the packet's.
        let behind = packet.len().saturating_sub(header.total_len());
        if packet.strip_back(behind).is_err() {
            return self.drops.count(DropReason::OuterHeader);
        }
        if !self.is_plausible(from, header.source()) {
            return self.counters.count_spoofed();
        }
        let Some(packet) = self.whole(now, from, packet) else { return };
        let is_own = self.routing.owner(header.destination()).is_some();
        let has_map = self.flows.policy(from).is_some();
        match header.protocol() {
            Protocol::ESP | Protocol::AH if is_own && has_map => self.receive_protected(now, packet),
            Protocol::UDP if is_own && has_map && self.receive_ike(now, packet.octets()) => {}
            // RFC 4301 8.2.1: such a message comes from a router on the way, so policy cannot know it.
            Protocol::ICMP | Protocol::ICMPV6 if is_own && has_map && self.learn_path_mtu(now, &packet) => {
                self.counters.count_local();
            }
            _ => self.receive_clear(now, from, packet),
        }
    }

    /// Gives IKE to the engine; `false` if the packet is something else.
    fn receive_ike(&mut self, now: Duration, packet: &[u8]) -> bool {
        let Ok(Udp { source, destination, payload }) = Udp::parse(packet) else { return false };
        if destination.port() != IKE_PORT || !self.flows.is_local_end(destination.ip()) {
            return false;
        }
        self.counters.count_local();
        let payload = payload.to_vec();
        let path = Path { local: destination, remote: source };
        self.tell_engine(now, Input::Datagram { path, octets: &payload });
        true
    }

    /// A packet without protection: dropped if a map wants it protected, else delivered or forwarded.
    fn receive_clear(&mut self, now: Duration, from: InterfaceIndex, packet: PacketBuf) {
        let Ok(flow) = Flow::of(packet.octets()) else {
            return self.drop_packet(now, &packet, DropReason::OuterHeader);
        };
        // RFC 4301 5.2: what policy wants protected is not accepted in clear.
        if let Some(policy) = self.flows.policy(from)
            && let Err(reason) = policy.inbound_clear(&flow)
        {
            return self.drop_packet(now, &packet, reason);
        }
        self.deliver(now, packet, &flow, Origin::Interface(from));
    }

    /// A packet that may pass: for this router, or to be forwarded.
    fn deliver(&mut self, now: Duration, packet: PacketBuf, flow: &Flow, origin: Origin) {
        if self.routing.owner(flow.destination).is_some() {
            self.counters.count_local();
            if !self.answer_echo(now, &packet) && self.local.len() < MAX_LOCAL {
                self.local.push_back(packet.octets().to_vec());
            }
        } else {
            self.forward(now, packet, origin);
        }
    }

    /// The router answers pings to its own addresses (RFC 1122 3.2.2.6); `false` if the packet is no ping.
    fn answer_echo(&mut self, now: Duration, packet: &PacketBuf) -> bool {
        let (Ok(IpHeader::V4(header)), Ok(echo)) =
            (IpHeader::parse(packet.octets()), Echo::parse(packet.octets()))
        else {
            return false;
        };
        if echo.is_reply {
            return false;
        }
        let reply = Echo { is_reply: true, ..echo }.encode();
        let about = (Protocol::ICMP, self.identification.draw());
        if let Some(octets) = datagram::ipv4(header.destination, header.source, about, &reply) {
            self.send_by_policy(now, PacketBuf::copy_of(&octets), Origin::Own);
        }
        true
    }

    /// Opens layer after layer, then lets policy judge what came through which layers.
    fn receive_protected(&mut self, now: Duration, mut packet: PacketBuf) {
        let mut layers = Layers::new();
        let mut work = Work::default();
        let mut last = None;
        let result = loop {
            let Some(id) = sa_of(packet.octets()) else { break Ok(()) };
            // RFC 2401 5.2.1: after the whole bundle is off, what is left is not opened again.
            if last.is_some_and(|bundle| self.is_whole(bundle, &layers)) {
                break Ok(());
            }
            let Some(&(bundle, place)) = self.flows.inbound.get(&id) else {
                break Err(DropReason::UnknownSpi);
            };
            if let Err(reason) = layers.push(id) {
                break Err(reason);
            }
            last = Some(bundle);
            let opened =
                self.flows.bundles.get_mut(&bundle).and_then(|state| open(state, place, &mut packet, now));
            match opened {
                Some(Ok(done)) => {
                    work.encrypted |= done.encrypted;
                    work.digested |= done.digested;
                }
                Some(Err(reason)) => break Err(reason),
                None => break Err(DropReason::UnknownSpi),
            }
        };
        let Some(bundle) = last else {
            return self.drop_packet(now, &packet, result.err().unwrap_or(DropReason::UnknownSpi));
        };
        match result.and_then(|()| self.judge(bundle, &layers, &packet)) {
            Ok(flow) => {
                self.count_received(bundle, Ok(work));
                self.clamp(now, bundle, &mut packet);
                let id = self.flows.bundles.get(&bundle).map_or(0, |state| state.flow.0);
                if let Some(packet) = self.whole_from_tunnel(now, id, packet) {
                    self.deliver(now, packet, &flow, Origin::Tunnel);
                }
            }
            Err(reason) => {
                self.count_received(bundle, Err(reason));
                self.drop_packet(now, &packet, reason);
            }
        }
        self.report_limits(now, bundle);
    }

    fn is_whole(&self, bundle: BundleId, layers: &Layers) -> bool {
        self.flows.bundles.get(&bundle).is_some_and(|state| layers.len() >= state.layers.len())
    }

    /// RFC 4301 5.2 step 4, RFC 2401 5.2.1: the packet must have come through exactly the SAs of one bundle, in its
    /// order, and the flow that it belongs to must be the one that the bundle is for.
    fn judge(&self, bundle: BundleId, layers: &Layers, packet: &PacketBuf) -> Result<Flow, DropReason> {
        let state = self.flows.bundles.get(&bundle).ok_or(DropReason::UnknownSpi)?;
        layers.check(&state.layers)?;
        let flow = Flow::of(packet.octets()).map_err(|_| DropReason::InnerHeader)?;
        let map = self.flows.flow(state.flow).and_then(|flow| self.flows.maps.get(flow.map));
        let policy = map.and_then(|map| self.flows.policy(map.interface)).ok_or(DropReason::NoPolicy)?;
        policy.inbound_protected(&flow, &state.flow)?;
        Ok(flow)
    }

    fn count_received(&mut self, bundle: BundleId, result: Result<Work, DropReason>) {
        let Some(flow) = self.flows.bundles.get(&bundle).map(|state| state.flow) else { return };
        let Some(flow) = self.flows.flow_mut(flow) else { return };
        match result {
            Ok(work) => flow.counters.count_received(work),
            // A copy that a network made harms nobody; everything else is an error.
            Err(DropReason::Replayed) | Err(DropReason::Dummy) => {}
            Err(_) => flow.counters.count_receive_error(),
        }
    }

    /// RFC 2827, RFC 1812 5.3.8: a source that cannot be where its packet came from. Behind an interface without a
    /// map only the nets that are routed there may speak; nowhere may anyone speak with our own address.
    fn is_plausible(&self, from: InterfaceIndex, source: IpAddr) -> bool {
        let is_martian = match source {
            IpAddr::V4(v4) => {
                v4.is_loopback()
                    || v4.is_multicast()
                    || v4.is_broadcast()
                    || v4.octets().first().is_none_or(|o| *o == 0 || *o >= 240)
            }
            IpAddr::V6(v6) => v6.is_loopback() || v6.is_multicast() || v6.is_unspecified(),
        };
        if is_martian || self.routing.owner(source).is_some() {
            return false;
        }
        // Where a route leads decides, also where maps are applied: else one map's peers could speak in clear for the nets
        // of another, or from outside for those inside.
        match self.routing.egress(source) {
            Some(via) => via == from,
            None => self.flows.policy(from).is_some(),
        }
    }
}

/// The SA that a packet names by its outermost header; `None` if it is not protected.
fn sa_of(packet: &[u8]) -> Option<SaId> {
    let header = IpHeader::parse(packet).ok()?;
    let upper = packet.get(header.header_len()..)?;
    // RFC 4303 2, RFC 4302 2: ESP begins with its SPI, AH has it in the second word.
    let at = match header.protocol() {
        Protocol::ESP => 0,
        Protocol::AH => 4,
        _ => return None,
    };
    let spi = upper.get(at..)?.first_chunk::<4>()?;
    Some(SaId {
        destination: header.destination(),
        protocol: header.protocol(),
        spi: Spi::from_wire(u32::from_be_bytes(*spi)),
    })
}

/// Takes one layer off. `None` if the bundle has no such SA.
fn open(
    bundle: &mut BundleState,
    place: usize,
    packet: &mut PacketBuf,
    now: Duration,
) -> Option<Result<Work, DropReason>> {
    let Installed { sa, .. } = bundle.inbound.get_mut(place)?;
    Some(sa.open(packet, now).map(|_| match sa {
        InboundSa::Esp(esp) => Work { encrypted: encrypts(esp.suite()), digested: esp.suite().icv_len() > 0 },
        InboundSa::Ah(_) => Work { encrypted: false, digested: true },
    }))
}
