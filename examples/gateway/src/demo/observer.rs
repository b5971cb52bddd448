//! What somebody sees who can read the wire between the routers and has no key.

use core::fmt;
use core::net::IpAddr;
use std::collections::{BTreeMap, BTreeSet};

use ipsec_core::{DropReason, IpHeader, Protocol};
use netsim::{Direction, Fate, Sighting};

use super::hosts::CANARY;
use crate::router::datagram::Udp;
use crate::router::{IKE_PORT, NAT_PORT};

/// What kind of packet it is, by its outermost headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// UDP to or from port 500, and what has a non-ESP marker on port 4500 (RFC 3948 2.2).
    Ike,
    /// Protocol 50 and its SPI.
    Esp(u32),
    /// UDP to or from port 4500, and the SPI (RFC 3948 2.1).
    EspInUdp(u32),
    /// One octet that keeps a translator's memory awake (RFC 3948 2.3).
    Keepalive,
    /// Protocol 51 and its SPI.
    Ah(u32),
    /// Anything else.
    Clear(Protocol),
}

impl Kind {
    /// Whether it belongs to a tunnel.
    #[must_use]
    pub const fn is_protected(self) -> bool {
        matches!(self, Self::Esp(_) | Self::EspInUdp(_) | Self::Ah(_))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ike => f.pad("IKE"),
            Self::Esp(spi) => f.pad(&format!("ESP spi 0x{spi:X}")),
            Self::EspInUdp(spi) => f.pad(&format!("ESP/UDP spi 0x{spi:X}")),
            Self::Keepalive => f.pad("NAT keepalive"),
            Self::Ah(spi) => f.pad(&format!("AH spi 0x{spi:X}")),
            Self::Clear(Protocol::ICMP) => f.pad("ICMP in clear"),
            Self::Clear(Protocol::UDP) => f.pad("UDP in clear"),
            Self::Clear(protocol) => f.pad(&format!("protocol {protocol} in clear")),
        }
    }
}

/// One row of the observer's book.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Packets put on the wire.
    pub packets: u64,
    /// Their octets, IP headers included.
    pub octets: u64,
    /// Of the packets, those that the network lost.
    pub lost: u64,
    /// The smallest packet.
    pub smallest: usize,
    /// The largest packet.
    pub largest: usize,
}

/// Packets of a tunnel that went one way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TunnelCount {
    /// Put on the wire.
    pub sent: u64,
    /// Of these, lost by the network.
    pub lost: u64,
}

/// The observer's book.
#[derive(Clone, Debug, Default)]
pub struct Observer {
    rows: BTreeMap<(IpAddr, IpAddr, Kind), Row>,
    /// From the end of the link that was named first, and back.
    tunnel: [TunnelCount; 2],
    /// Ports from which the first end sent ESP in UDP.
    ports: BTreeSet<u16>,
    /// Packets in which a host's text could be read.
    canaries: u64,
    /// Packets that are no IP packets.
    malformed: u64,
}

impl Observer {
    /// Looks at one packet on the wire.
    pub fn look(&mut self, sighting: &Sighting<Vec<u8>>) {
        let packet = &sighting.packet;
        let Ok(header) = IpHeader::parse(packet) else {
            self.malformed = self.malformed.saturating_add(1);
            return;
        };
        let kind = kind(&header, packet);
        let lost = u64::from(matches!(sighting.fate, Fate::Dropped(_)));
        let row = self.rows.entry((header.source(), header.destination(), kind)).or_default();
        row.smallest = if row.packets == 0 { packet.len() } else { row.smallest.min(packet.len()) };
        row.largest = row.largest.max(packet.len());
        row.packets = row.packets.saturating_add(1);
        row.octets = row.octets.saturating_add(packet.len() as u64);
        row.lost = row.lost.saturating_add(lost);
        if let (Kind::EspInUdp(_), Direction::AToB, Ok(udp)) = (kind, sighting.direction, Udp::parse(packet))
        {
            self.ports.insert(udp.source.port());
        }
        if kind.is_protected() {
            let [there, back] = &mut self.tunnel;
            let count = match sighting.direction {
                Direction::AToB => there,
                Direction::BToA => back,
            };
            count.sent = count.sent.saturating_add(1);
            count.lost = count.lost.saturating_add(lost);
        }
        if packet.windows(CANARY.len()).any(|window| window == CANARY) {
            self.canaries = self.canaries.saturating_add(1);
        }
    }

    /// Tunnel packets from the first end of the link, and from the second.
    #[must_use]
    pub const fn tunnel(&self) -> [TunnelCount; 2] {
        self.tunnel
    }

    /// The SPIs of all packets of a tunnel, AH and ESP.
    pub(super) fn spis(&self) -> impl Iterator<Item = (IpAddr, Kind)> {
        let kinds = self.rows.keys().map(|(_, destination, kind)| (*destination, *kind));
        kinds.filter(|(_, kind)| kind.is_protected())
    }

    /// Packets of one kind, whatever their SPI.
    pub(super) fn count(&self, is_it: impl Fn(Kind) -> bool) -> u64 {
        let rows = self.rows.iter().filter(|((_, _, kind), _)| is_it(*kind));
        rows.fold(0, |sum, (_, row)| row.packets.saturating_add(sum))
    }

    /// Octets of the longest packet of one kind.
    pub(super) fn longest(&self, kind: Kind) -> usize {
        let rows = self.rows.iter().filter(|((_, _, of), _)| *of == kind);
        rows.map(|(_, row)| row.largest).max().unwrap_or(0)
    }

    /// Ports from which the first end sent ESP in UDP.
    pub(super) const fn ports(&self) -> &BTreeSet<u16> {
        &self.ports
    }

    /// Packets in which a host's text could be read.
    #[must_use]
    pub const fn canaries(&self) -> u64 {
        self.canaries
    }

    /// Packets with another source or destination than `ends`: traffic of the hosts in clear.
    #[must_use]
    pub fn strangers(&self, ends: [IpAddr; 2]) -> u64 {
        let foreign = self
            .rows
            .iter()
            .filter(|((source, destination, _), _)| !ends.contains(source) || !ends.contains(destination));
        foreign.fold(0, |sum, (_, row)| row.packets.saturating_add(sum))
    }
}

fn kind(header: &IpHeader, packet: &[u8]) -> Kind {
    let upper = packet.get(header.header_len()..).unwrap_or_default();
    let number =
        |at: usize| upper.get(at..).and_then(|rest| rest.first_chunk::<4>()).map(|n| u32::from_be_bytes(*n));
    match header.protocol() {
        // RFC 4303 2, RFC 4302 2: ESP begins with its SPI, AH has it in the second word.
        Protocol::ESP => number(0).map_or(Kind::Clear(Protocol::ESP), Kind::Esp),
        Protocol::AH => number(4).map_or(Kind::Clear(Protocol::AH), Kind::Ah),
        Protocol::UDP => of_udp(Udp::parse(packet)).unwrap_or(Kind::Clear(Protocol::UDP)),
        protocol => Kind::Clear(protocol),
    }
}

/// What a datagram of one of the two ports is.
fn of_udp(udp: Result<Udp<'_>, DropReason>) -> Option<Kind> {
    let udp = udp.ok()?;
    let is_at = |port: u16| [udp.source, udp.destination].iter().any(|end| end.port() == port);
    if is_at(IKE_PORT) {
        return Some(Kind::Ike);
    }
    // RFC 3948 2.2, 2.3: four octets of zero are no SPI, and one octet of ones is nothing at all.
    match udp.payload.first_chunk::<4>() {
        _ if !is_at(NAT_PORT) => None,
        Some([0, 0, 0, 0]) => Some(Kind::Ike),
        Some(spi) => Some(Kind::EspInUdp(u32::from_be_bytes(*spi))),
        None => (udp.payload == [0xff]).then_some(Kind::Keepalive),
    }
}

impl fmt::Display for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<15} {:<15} {:<20} {:>7} {:>7} {:>5} {:>9}",
            "from", "to", "what", "packets", "octets", "lost", "sizes"
        )?;
        for ((source, destination, kind), row) in &self.rows {
            let Row { packets, octets, lost, smallest, largest } = row;
            let sizes =
                if smallest == largest { smallest.to_string() } else { format!("{smallest}-{largest}") };
            writeln!(
                f,
                "{source:<15} {destination:<15} {kind:<20} {packets:>7} {octets:>7} {lost:>5} {sizes:>9}"
            )?;
        }
        if self.malformed > 0 {
            writeln!(f, "no IP packets: {}", self.malformed)?;
        }
        writeln!(f, "packets in which the hosts' text could be read: {}", self.canaries)
    }
}

#[cfg(test)]
mod tests {
    use core::net::Ipv4Addr;
    use core::time::Duration;

    use netsim::{DropCause, Link, Network, Node, Port};

    use super::*;
    use crate::router::datagram;

    const A: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
    const B: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);

    struct Mute;

    impl Node for Mute {
        type Packet = Vec<u8>;
        fn handle_packet(&mut self, _: Duration, _: Port, _: &Vec<u8>) {}
        fn handle_timeout(&mut self, _: Duration) {}
        fn poll_timeout(&self) -> Option<Duration> {
            None
        }
        fn poll_transmit(&mut self) -> Option<(Port, Vec<u8>)> {
            None
        }
    }

    fn sighting(packet: Vec<u8>, fate: Fate) -> Sighting<Vec<u8>> {
        let mut network = Network::new(1);
        let (a, b) = (network.add(Mute), network.add(Mute));
        let link = network.connect((a, Port(0)), (b, Port(0)), Link::new()).unwrap();
        Sighting { at: Duration::ZERO, link, direction: Direction::BToA, fate, packet }
    }

    #[test]
    fn clear_text_is_seen_and_named() {
        let carried = Fate::Carried { arrives: Duration::ZERO, copy_arrives: None };
        let mut observer = Observer::default();
        let esp = datagram::ipv4(A, B, (Protocol::ESP, 1), &[0, 0, 1, 2, 0, 0, 0, 1]).unwrap();
        observer.look(&sighting(esp, Fate::Dropped(DropCause::Loss)));
        let inner = Ipv4Addr::new(50, 50, 50, 1);
        let clear = datagram::udp((inner, 9), (B, 9), 1, CANARY).unwrap();
        observer.look(&sighting(clear, carried));
        let ike = datagram::udp((A, 500), (B, 500), 1, &[0; 28]).unwrap();
        observer.look(&sighting(ike, carried));
        assert_eq!(observer.tunnel(), [TunnelCount::default(), TunnelCount { sent: 1, lost: 1 }]);
        assert_eq!(observer.canaries(), 1);
        assert_eq!(observer.strangers([A.into(), B.into()]), 1);
        for (payload, is_tunnel) in
            [(&[0, 0, 1, 3, 0, 0, 0, 1][..], true), (&[0; 32], false), (&[0xff], false)]
        {
            let before = observer.tunnel()[1].sent;
            let in_udp = datagram::udp((A, 50_000), (B, 4500), 1, payload).unwrap();
            observer.look(&sighting(in_udp, carried));
            assert_eq!(observer.tunnel()[1].sent - before, u64::from(is_tunnel));
        }
        let text = observer.to_string();
        let words = [
            "ESP spi 0x102",
            "ESP/UDP spi 0x103",
            "NAT keepalive",
            "UDP in clear",
            "IKE ",
            "could be read: 1",
        ];
        for words in words {
            assert!(text.contains(words), "{text}");
        }
    }
}
