//! What fits where: the room in a tunnel, the path below it, and who is told.

use core::net::IpAddr;
use core::time::Duration;

use ipsec_core::{
    DropReason, Flow, FlowPorts, IcmpError, IpHeader, Mode, PacketBuf, PathMtu, Protocol, SaId, TooBig,
    Verdict, clamp_mss, fragments, icmp_error,
};
use oakley::BundleId;

use super::Router;
use super::flows::FlowId;
use super::routes::InterfaceIndex;
use super::sa::OutboundSa;

/// Where a packet to be sent came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// In clear, by this interface.
    Interface(InterfaceIndex),
    /// Out of a tunnel of this flow, or long enough ago that it may have been.
    Tunnel,
    /// From this router itself.
    Own,
}

/// How a packet that is longer than the room in its tunnel is sent all the same.
enum Longer {
    /// It must not be fragmented: its sender is told.
    Tell,
    /// It is cut, and each fragment is sealed: the peer need not put together what it has not authenticated.
    CutInside,
    /// It is sealed, and what comes out is cut.
    CutOutside,
}

impl Router {
    /// Octets of the largest packet that an interface takes.
    pub(super) fn mtu(&self, interface: InterfaceIndex) -> Option<usize> {
        self.routing.interface(interface).map(|interface| interface.mtu)
    }

    /// Octets of the largest packet that goes from here to the peer of a bundle in one piece.
    pub(super) fn path_mtu(&self, now: Duration, bundle: BundleId) -> Option<usize> {
        let state = self.flows.bundles.get(&bundle)?;
        let link = self.mtu(self.routing.egress(state.path.remote.ip())?)?;
        Some(state.path_mtu.octets(link, now))
    }

    /// Octets of the largest packet like this one that a bundle can carry to its peer; `None` if nothing can.
    pub(super) fn room(&self, now: Duration, bundle: BundleId, packet: &PacketBuf) -> Option<usize> {
        let path = self.path_mtu(now, bundle)?;
        let state = self.flows.bundles.get(&bundle)?;
        let header_len = IpHeader::parse(packet.octets()).ok()?.header_len();
        // What leaves fits the path; each layer, from the outermost one, takes its part of that.
        let outermost_first = state.outbound.iter().rev();
        let over_v6 = state.path.remote.ip().is_ipv6();
        Some(outermost_first.fold(path, |limit, layer| layer.sa.room(limit, header_len, over_v6)))
    }

    /// Lets both ends of a TCP connection through a bundle know what fits (RFC 4301 8.2.1 leaves this to hosts, whose
    /// path MTU discovery is often filtered).
    pub(super) fn clamp(&self, now: Duration, bundle: BundleId, packet: &mut PacketBuf) {
        if let Some(room) = self.room(now, bundle, packet) {
            clamp_mss(packet.octets_mut(), room);
        }
    }

    /// Sends a packet for which there is no room in its tunnel.
    pub(super) fn protect_longer(
        &mut self,
        now: Duration,
        (id, bundle): (FlowId, BundleId),
        packet: PacketBuf,
        (room, origin): (usize, Origin),
    ) {
        match self.longer(bundle, &packet) {
            Longer::Tell => {
                self.tell(now, &packet, IcmpError::TooBig { mtu: room }, origin);
                self.refuse(now, id, &packet, DropReason::TooBig);
            }
            Longer::CutInside => match fragments(packet.octets(), room, 0) {
                Ok(fragments) => {
                    for fragment in fragments {
                        self.seal_and_send(now, id, bundle, fragment);
                    }
                }
                Err(reason) => self.refuse(now, id, &packet, reason),
            },
            Longer::CutOutside => self.seal_and_send(now, id, bundle, packet),
        }
    }

    fn longer(&self, bundle: BundleId, packet: &PacketBuf) -> Longer {
        let state = self.flows.bundles.get(&bundle);
        let tunnel = state.and_then(|state| state.outbound.first()).and_then(|one| one.sa.tunnel());
        // RFC 4301 7: a fragment without ports is outside selectors that name some.
        let has_ports = state.is_some_and(|state| state.selector.names_ports());
        match IpHeader::parse(packet.octets()) {
            // RFC 4301 8.1: with DF cleared outside, what must arrive whole may be cut there.
            Ok(IpHeader::V4(v4)) if v4.dont_fragment => match tunnel {
                Some(tunnel) if tunnel.df == ipsec_core::DfPolicy::Clear => Longer::CutOutside,
                _ => Longer::Tell,
            },
            Ok(IpHeader::V4(_)) if tunnel.is_some() && !has_ports => Longer::CutInside,
            Ok(IpHeader::V4(_)) => Longer::CutOutside,
            // RFC 2473 7.1: nobody sends less than 1280 octets over IPv6, so a tunnel takes them, in pieces if need be.
            Ok(IpHeader::V6(_)) if packet.len() <= PathMtu::FLOOR_V6 => Longer::CutOutside,
            Ok(IpHeader::V6(_)) | Err(_) => Longer::Tell,
        }
    }

    /// Sends a clear packet that is longer than its interface takes.
    pub(super) fn forward_longer(
        &mut self,
        now: Duration,
        interface: InterfaceIndex,
        packet: &PacketBuf,
        origin: Origin,
    ) {
        let mtu = self.mtu(interface).unwrap_or(0);
        let may_cut = match IpHeader::parse(packet.octets()) {
            Ok(IpHeader::V4(v4)) => !v4.dont_fragment,
            // RFC 8200 5: only a source fragments.
            Ok(IpHeader::V6(_)) => origin == Origin::Own,
            Err(_) => false,
        };
        if !may_cut {
            self.tell(now, packet, IcmpError::TooBig { mtu }, origin);
            return self.drop_packet(now, packet, DropReason::TooBig);
        }
        self.counters.count_forwarded();
        self.cut_and_transmit(now, interface, packet, mtu);
    }

    /// Puts a packet on an interface in fragments of at most `limit` octets.
    pub(super) fn cut_and_transmit(
        &mut self,
        now: Duration,
        interface: InterfaceIndex,
        packet: &PacketBuf,
        limit: usize,
    ) {
        let mut identification = [0; 4];
        // RFC 7739 1: whoever can guess the next one can spoil packets.
        if self.provider.random.fill(&mut identification).is_err() {
            return self.drop_packet(now, packet, DropReason::Random);
        }
        match fragments(packet.octets(), limit, u32::from_be_bytes(identification)) {
            Ok(fragments) => {
                for fragment in fragments {
                    self.transmit(now, interface, &fragment);
                }
            }
            Err(reason) => self.drop_packet(now, packet, reason),
        }
    }

    /// Tells the sender of a packet what is wrong with it, not more often than others may be told something. What came
    /// out of a tunnel is repeated into a tunnel only, or where no crypto map is (RFC 4301 8.2.1).
    pub(super) fn tell(&mut self, now: Duration, packet: &PacketBuf, error: IcmpError, origin: Origin) {
        let Ok(header) = IpHeader::parse(packet.octets()) else { return };
        let source = header.source();
        if self.routing.owner(source).is_some() {
            return;
        }
        let Some(back) = self.routing.egress(source) else { return };
        let may_be_seen = origin == Origin::Interface(back);
        let own =
            self.own_addresses(back, source).find(|own| may_be_seen || self.stays_hidden(back, *own, source));
        let Some(own) = own else { return };
        let Some(message) = icmp_error(packet.octets(), own, error, self.identification.draw()) else {
            return;
        };
        if self.errors_told.may_tell(now) {
            self.send_by_policy(now, PacketBuf::copy_of(&message), Origin::Own);
        }
    }

    /// Whether an error from `own` to `source` leaves in a tunnel, or where no crypto map is.
    fn stays_hidden(&self, back: InterfaceIndex, own: IpAddr, source: IpAddr) -> bool {
        let protocol = if own.is_ipv4() { Protocol::ICMP } else { Protocol::ICMPV6 };
        let flow = Flow { source: own, destination: source, protocol, ports: FlowPorts::None };
        self.flows.policy(back).is_none_or(|policy| policy.outbound(&flow) != Verdict::Bypass)
    }

    /// Addresses of this router, those of the interface first (RFC 1812 4.3.2.4).
    fn own_addresses(&self, first: InterfaceIndex, like: IpAddr) -> impl Iterator<Item = IpAddr> {
        let all = self.routing.interface(first).into_iter().chain(&self.routing.interfaces);
        all.flat_map(|interface| &interface.nets)
            .map(|net| net.address)
            .filter(move |address| address.is_ipv4() == like.is_ipv4())
    }

    /// Learns what the path of a bundle takes; `false` if the packet is no message about one of ours. Whoever is not on the path
    /// knows neither an SPI nor a sequence number of ours, so nobody else is believed (RFC 4301 8.2.1).
    pub(super) fn learn_path_mtu(&mut self, now: Duration, packet: &PacketBuf) -> bool {
        let Some(said) = TooBig::parse(packet.octets()) else { return false };
        let Some(&bundle) = self.flows.outbound.get(&said.sa) else { return false };
        let Some(link) = self.routing.egress(said.sa.destination).and_then(|egress| self.mtu(egress)) else {
            return false;
        };
        if let Some(state) = self.flows.bundles.get_mut(&bundle)
            && state.path.local.ip() == said.source
            && state.outbound.last().is_some_and(|outermost| outermost.sa.sent_lately(said.sequence))
        {
            state.path_mtu.lower(&said, link, now);
        }
        true
    }
}

impl OutboundSa {
    /// Its tunnel, if it makes one.
    pub(super) fn tunnel(&self) -> Option<ipsec_core::Tunnel> {
        match self.config().mode {
            Mode::Tunnel(tunnel) => Some(tunnel),
            Mode::Transport => None,
        }
    }

    /// How the peer knows it.
    pub(super) fn id(&self, destination: IpAddr) -> SaId {
        let protocol = match self {
            Self::Esp(_) => Protocol::ESP,
            Self::Ah(_) => Protocol::AH,
            Self::Elsewhere(sa) => sa.protocol(),
        };
        SaId { destination, protocol, spi: self.config().spi }
    }

    fn config(&self) -> &ipsec_core::OutboundConfig {
        match self {
            Self::Esp(sa) => sa.config(),
            Self::Ah(sa) => sa.config(),
            Self::Elsewhere(sa) => sa.state.config(),
        }
    }
}
