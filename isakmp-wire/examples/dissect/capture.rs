//! The ISAKMP messages of a capture file.

use core::net::{IpAddr, SocketAddr};

use etherparse::{LaxNetSlice, LaxSlicedPacket, TransportSlice};
use pcap_parser::{Block, Linktype, PcapBlockOwned, PcapError, create_reader};

/// The port of RFC 2408 2.5.1, and that of RFC 3948 2.2, which IKE shares with ESP.
const PORTS: [u16; 2] = [500, 4500];
/// What comes before IKE on the second port.
const NON_ESP_MARKER: [u8; 4] = [0; 4];
/// No frame of a capture is larger.
const MAX_BLOCK: usize = 1 << 20;

/// A datagram to or from a port of IKE.
pub(crate) struct Captured {
    /// Number of its frame in the file, from 1.
    pub(crate) frame: usize,
    /// Where it came from.
    pub(crate) source: SocketAddr,
    /// Where it went.
    pub(crate) destination: SocketAddr,
    /// The message, without the marker of port 4500.
    pub(crate) octets: Vec<u8>,
}

/// All messages of a pcap or pcapng file, in order. A frame that is cut short gives what is there.
pub(crate) fn messages(file: &[u8]) -> Result<Vec<Captured>, PcapError<&'static [u8]>> {
    let mut reader = create_reader(MAX_BLOCK, file)?;
    let (mut found, mut links, mut frame) = (Vec::new(), Vec::new(), 0);
    loop {
        let (size, block) = match reader.next() {
            Ok(next) => next,
            Err(PcapError::Eof) => return Ok(found),
            Err(PcapError::Incomplete(_)) => {
                reader.refill().map_err(|error| error.to_owned_vec())?;
                continue;
            }
            Err(error) => return Err(error.to_owned_vec()),
        };
        // Of each interface the link type is told before its frames.
        let captured = match &block {
            PcapBlockOwned::LegacyHeader(header) => {
                links.push(header.network);
                None
            }
            PcapBlockOwned::NG(Block::InterfaceDescription(interface)) => {
                links.push(interface.linktype);
                None
            }
            PcapBlockOwned::Legacy(packet) => Some((0, packet.data)),
            PcapBlockOwned::NG(Block::EnhancedPacket(packet)) => {
                Some((usize::try_from(packet.if_id).unwrap_or(usize::MAX), packet.data))
            }
            PcapBlockOwned::NG(Block::SimplePacket(packet)) => Some((0, packet.data)),
            PcapBlockOwned::NG(_) => None,
        };
        if let Some((interface, octets)) = captured {
            frame += 1;
            let message = links.get(interface).and_then(|link| message(frame, *link, octets));
            found.extend(message);
        }
        reader.consume(size);
    }
}

fn message(frame: usize, link: Linktype, octets: &[u8]) -> Option<Captured> {
    let packet = match link {
        Linktype::ETHERNET => LaxSlicedPacket::from_ethernet(octets).ok()?,
        // A number of the operating system's stands before the packet.
        Linktype::NULL => LaxSlicedPacket::from_ip(octets.get(4..)?).ok()?,
        Linktype::RAW | Linktype::IPV4 | Linktype::IPV6 => LaxSlicedPacket::from_ip(octets).ok()?,
        _ => return None,
    };
    let (source, destination): (IpAddr, IpAddr) = match packet.net? {
        LaxNetSlice::Ipv4(ip) => (ip.header().source_addr().into(), ip.header().destination_addr().into()),
        LaxNetSlice::Ipv6(ip) => (ip.header().source_addr().into(), ip.header().destination_addr().into()),
        LaxNetSlice::Arp(_) => return None,
    };
    let TransportSlice::Udp(udp) = packet.transport? else { return None };
    let (source_port, destination_port) = (udp.source_port(), udp.destination_port());
    let payload = udp.payload();
    let octets = if [source_port, destination_port].contains(&PORTS[1]) {
        payload.strip_prefix(&NON_ESP_MARKER)?
    } else if [source_port, destination_port].contains(&PORTS[0]) {
        payload
    } else {
        return None;
    };
    Some(Captured {
        frame,
        source: SocketAddr::new(source, source_port),
        destination: SocketAddr::new(destination, destination_port),
        octets: octets.to_vec(),
    })
}
