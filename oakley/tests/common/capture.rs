//! The ISAKMP messages in a capture file: classic pcap, Ethernet, IPv4 or IPv6, UDP 500 or 4500.

use core::net::{IpAddr, SocketAddr};

/// A datagram to or from the IKE ports, without the non-ESP marker of port 4500 (RFC 3948 2.2).
pub struct Datagram {
    pub from: SocketAddr,
    pub to: SocketAddr,
    pub octets: Vec<u8>,
}

const UDP: u8 = 17;

/// What a frame of a capture is.
pub enum Frame {
    Ike(Datagram),
    /// ESP, plain or in UDP, or AH.
    Protected,
    /// ARP and ICMP in clear: neighbours look for each other, a port is not open yet.
    Around,
}

/// The messages of a capture, in order; what comes again octet for octet is left out.
pub fn messages(capture: &[u8]) -> Vec<Datagram> {
    let mut found: Vec<Datagram> = Vec::new();
    for frame in frames(capture) {
        let Frame::Ike(datagram) = frame else { continue };
        if found.iter().all(|known| known.octets != datagram.octets) {
            found.push(datagram);
        }
    }
    found
}

/// All of a capture, in order. What is not known by name fails.
pub fn frames(capture: &[u8]) -> Vec<Frame> {
    assert_eq!(capture[..4], [0xd4, 0xc3, 0xb2, 0xa1], "a little-endian pcap file");
    assert_eq!(capture[20..24], [1, 0, 0, 0], "of Ethernet frames");
    let mut found = Vec::new();
    let mut rest = &capture[24..];
    while !rest.is_empty() {
        let captured = u32::from_le_bytes(rest[8..12].try_into().unwrap()) as usize;
        let original = u32::from_le_bytes(rest[12..16].try_into().unwrap()) as usize;
        assert_eq!(captured, original, "whole frames");
        found.push(frame(&rest[16..16 + captured]));
        rest = &rest[16 + captured..];
    }
    found
}

fn frame(frame: &[u8]) -> Frame {
    let packet = &frame[14..];
    let (source, destination, udp) = match frame[12..14] {
        [0x08, 0x00] if packet[9] == UDP => {
            let end = usize::from(u16::from_be_bytes([packet[2], packet[3]]));
            let address = |at: usize| IpAddr::from(<[u8; 4]>::try_from(&packet[at..at + 4]).unwrap());
            (address(12), address(16), &packet[usize::from(packet[0] & 15) * 4..end])
        }
        [0x86, 0xdd] if packet[6] == UDP => {
            let end = 40 + usize::from(u16::from_be_bytes([packet[4], packet[5]]));
            let address = |at: usize| IpAddr::from(<[u8; 16]>::try_from(&packet[at..at + 16]).unwrap());
            (address(8), address(24), &packet[40..end])
        }
        [0x08, 0x00] if [50, 51].contains(&packet[9]) => return Frame::Protected,
        [0x08, 0x06] => return Frame::Around,
        [0x08, 0x00] if packet[9] == 1 => return Frame::Around,
        // RFC 2710 3: reports about multicast carry a hop-by-hop option.
        [0x86, 0xdd] if packet[6] == 58 || packet[6] == 0 && packet[40] == 58 => return Frame::Around,
        _ => panic!("{frame:02x?}"),
    };
    let port = |at: usize| u16::from_be_bytes([udp[at], udp[at + 1]]);
    let octets = match port(2) {
        500 => &udp[8..],
        4500 => match udp[8..].strip_prefix(&[0; 4]) {
            Some(octets) => octets,
            None => return Frame::Protected,
        },
        _ => panic!("{frame:02x?}"),
    };
    Frame::Ike(Datagram {
        from: SocketAddr::new(source, port(0)),
        to: SocketAddr::new(destination, port(2)),
        octets: octets.to_vec(),
    })
}
