//! What somebody sees who can read the wire between the routers and has no key.

use core::fmt;
use core::net::{IpAddr, SocketAddr};
use std::collections::BTreeMap;

use ipsec_core::{DropReason, IpHeader, Protocol};
use netsim::{Direction, Fate, Sighting};

use super::hosts::CANARY;
use crate::router::IKE_PORT;
use crate::router::datagram::Udp;

/// What kind of packet it is, by its outermost headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// UDP to or from port 500.
    Ike,
    /// Protocol 50 and its SPI.
    Esp(u32),
    /// Protocol 51 and its SPI.
    Ah(u32),
    /// Anything else.
    Clear(Protocol),
}

impl Kind {
    /// Whether it belongs to a tunnel.
    #[must_use]
    pub const fn is_protected(self) -> bool {
        matches!(self, Self::Esp(_) | Self::Ah(_))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ike => f.pad("IKE"),
            Self::Esp(spi) => f.pad(&format!("ESP spi 0x{spi:X}")),
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
        Protocol::UDP if is_ike(Udp::parse(packet)) => Kind::Ike,
        protocol => Kind::Clear(protocol),
    }
}

fn is_ike(udp: Result<Udp<'_>, DropReason>) -> bool {
    udp.is_ok_and(|udp| {
        [udp.source, udp.destination].iter().map(SocketAddr::port).any(|port| port == IKE_PORT)
    })
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
        let text = observer.to_string();
        for words in ["ESP spi 0x102", "UDP in clear", "IKE ", "could be read: 1"] {
            assert!(text.contains(words), "{text}");
        }
    }
}
