//! Packets that came in: IKE, tunnels, the router's own, and what is to be forwarded.

use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

use ipsec_core::{Chain, DropReason, Flow, IpHeader, Layers, Opened, PacketBuf, Protocol, SaId, Spi};
use ipsec_esp::UdpEncapsulation;
use oakley::{BundleId, Input, NatPayload, Path};

use super::counters::Work;
use super::datagram::{Echo, Udp};
use super::flows::{BundleState, Installed};
use super::path::Origin;
use super::routes::InterfaceIndex;
use super::sa::{InboundSa, encrypts};
use super::{IKE_PORT, MAX_LOCAL, NAT_PORT, Router};

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
            return self.drop_spoofed(now, &packet);
        }
        let Some(packet) = self.whole(now, from, packet) else { return };
        // The header of a packet that was put together is another one.
        let Ok(header) = IpHeader::parse(packet.octets()) else {
            return self.drops.count(DropReason::OuterHeader);
        };
        let is_own = self.routing.owner(header.destination()).is_some();
        let has_map = self.flows.policy(from).is_some();
        let carried = upper(&header, packet.octets()).map(|(protocol, _)| protocol);
        match carried.unwrap_or(header.protocol()) {
            Protocol::ESP | Protocol::AH if is_own && has_map => self.receive_protected(now, packet),
            Protocol::UDP if is_own && has_map => match self.udp_purpose(packet.octets()) {
                Purpose::Ike => self.receive_ike(now, packet.octets()),
                Purpose::Esp => self.receive_protected(now, packet),
                // RFC 3948 2.3: no answer, no sign of life.
                Purpose::Keepalive => self.counters.count_local(),
                Purpose::Other => self.receive_clear(now, from, packet),
            },
            // RFC 4301 8.2.1: such a message comes from a router on the way, so policy cannot know it.
            Protocol::ICMP | Protocol::ICMPV6 if is_own && has_map && self.learn_path_mtu(now, &packet) => {
                self.counters.count_local();
            }
            _ => self.receive_clear(now, from, packet),
        }
    }

    /// What a datagram to one of this router's addresses is for (RFC 3948 2).
    fn udp_purpose(&self, packet: &[u8]) -> Purpose {
        let Ok(Udp { destination, payload, .. }) = Udp::parse_unsummed(packet) else { return Purpose::Other };
        if !self.flows.is_local_end(destination.ip()) {
            return Purpose::Other;
        }
        match (destination.port(), NatPayload::of(payload)) {
            (IKE_PORT, _) => Purpose::Ike,
            (NAT_PORT, NatPayload::Ike(_) | NatPayload::Short) => Purpose::Ike,
            (NAT_PORT, NatPayload::Esp(_)) => Purpose::Esp,
            (NAT_PORT, NatPayload::Keepalive) => Purpose::Keepalive,
            _ => Purpose::Other,
        }
    }

    /// Gives IKE to the engine.
    fn receive_ike(&mut self, now: Duration, packet: &[u8]) {
        let Ok(Udp { source, destination, payload }) = Udp::parse(packet) else {
            return self.drops.count(DropReason::OuterHeader);
        };
        self.counters.count_local();
        let payload = payload.to_vec();
        let path = Path { local: destination, remote: source };
        self.tell_engine(now, Input::Datagram { path, octets: &payload });
    }

    /// RFC 3947 7: a peer behind a translator is where its newest authentic packet came from.
    fn follow(&mut self, now: Duration, bundle: BundleId, place: usize, (opened, way): (Opened, Path)) {
        let Some(state) = self.flows.bundles.get(&bundle) else { return };
        let Some(one) = state.inbound.get(place) else { return };
        // A packet that others have overtaken says where the peer was.
        let is_newest = state.reports.is_fresh() && one.sa.snapshot(now).sequence == opened.sequence;
        if state.may_move && is_newest && state.path != way {
            self.tell_engine(now, Input::Moved { bundle, path: way });
        }
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
            if self.answer_echo(now, &packet) {
                return;
            }
            if self.local.len() >= MAX_LOCAL {
                return self.drop_packet(now, &packet, DropReason::NoRoom);
            }
            self.local.push_back(packet.octets().to_vec());
        } else {
            self.forward(now, packet, origin);
        }
    }

    /// The router answers pings to its own addresses (RFC 1122 3.2.2.6, RFC 4443 4.2); `false` if the packet is no ping.
    fn answer_echo(&mut self, now: Duration, packet: &PacketBuf) -> bool {
        let (Ok(header), Ok(echo)) = (IpHeader::parse(packet.octets()), Echo::parse(packet.octets())) else {
            return false;
        };
        if echo.is_reply {
            return false;
        }
        let reply = Echo { is_reply: true, ..echo };
        let identification = self.identification.draw();
        if let Some(octets) = reply.packet(header.destination(), header.source(), identification) {
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
                if last.is_none() {
                    self.unknown_spi(now, id, packet.octets());
                }
                break Err(DropReason::UnknownSpi);
            };
            if let Err(reason) = layers.push(id) {
                break Err(reason);
            }
            last = Some(bundle);
            let way = way_of(packet.octets());
            let opened =
                self.flows.bundles.get_mut(&bundle).and_then(|state| open(state, place, &mut packet, now));
            match opened {
                Some(Ok((done, opened))) => {
                    work.encrypted |= done.encrypted;
                    work.digested |= done.digested;
                    if let Some(way) = way {
                        self.follow(now, bundle, place, (opened, way));
                    }
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
                self.report_traffic(now, bundle, oakley::Direction::Inbound);
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

    /// Somebody sends under an SPI that is not here. A peer that does may have missed that its SA is gone.
    fn unknown_spi(&mut self, now: Duration, id: SaId, packet: &[u8]) {
        let Ok(header) = IpHeader::parse(packet) else { return };
        let protocol = match id.protocol {
            Protocol::AH => oakley::Protocol::Ah,
            _ => oakley::Protocol::Esp,
        };
        let source = header.source();
        let way = way_of(packet);
        // Peers are few; what strangers send is not even looked up.
        if !(way.is_some() || self.flows.has_peer(source)) || !self.flows.is_local_end(id.destination) {
            return;
        }
        let ike = |address| SocketAddr::new(address, IKE_PORT);
        let path = way.unwrap_or(Path { local: ike(id.destination), remote: ike(source) });
        let spi = oakley::Spi(id.spi.get());
        self.tell_engine(now, Input::UnknownSpi { path, protocol, spi });
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
    let (protocol, offset) = upper(&header, packet)?;
    let upper = packet.get(offset..)?;
    // RFC 4303 2, RFC 4302 2: ESP begins with its SPI, AH has it in the second word. RFC 3948 2.1: ESP may be in UDP.
    let (protocol, at) = match protocol {
        Protocol::ESP => (Protocol::ESP, 0),
        Protocol::AH => (Protocol::AH, 4),
        Protocol::UDP if upper.get(2..4) == Some(&NAT_PORT.to_be_bytes()) => {
            (Protocol::ESP, UdpEncapsulation::HEADER)
        }
        _ => return None,
    };
    let spi = upper.get(at..)?.first_chunk::<4>()?;
    Some(SaId { destination: header.destination(), protocol, spi: Spi::from_wire(u32::from_be_bytes(*spi)) })
}

/// What a datagram to this router is for.
enum Purpose {
    Ike,
    Esp,
    Keepalive,
    Other,
}

/// The way of a packet that came in UDP.
fn way_of(packet: &[u8]) -> Option<Path> {
    let Udp { source, destination, .. } = Udp::parse_unsummed(packet).ok()?;
    Some(Path { local: destination, remote: source })
}

/// What a packet carries behind its headers, and where that begins.
fn upper(header: &IpHeader, packet: &[u8]) -> Option<(Protocol, usize)> {
    match header {
        IpHeader::V4(header) => Some((header.protocol, header.header_len)),
        IpHeader::V6(header) => {
            let chain = Chain::walk(header, packet).ok()?;
            Some((chain.protocol, chain.offset))
        }
    }
}

/// Takes one layer off. `None` if the bundle has no such SA.
fn open(
    bundle: &mut BundleState,
    place: usize,
    packet: &mut PacketBuf,
    now: Duration,
) -> Option<Result<(Work, Opened), DropReason>> {
    let Installed { sa, .. } = bundle.inbound.get_mut(place)?;
    Some(sa.open(packet, now).map(|opened| match sa {
        InboundSa::Esp(esp) => {
            (Work { encrypted: encrypts(esp.suite()), digested: esp.suite().icv_len() > 0 }, opened)
        }
        InboundSa::Ah(_) => (Work { encrypted: false, digested: true }, opened),
        InboundSa::Elsewhere(_) => (Work::default(), opened),
    }))
}
