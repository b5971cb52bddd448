//! Captures: the octets of a file, written out by hand from the format's specification; and packets with addresses.

use core::net::SocketAddr;
use core::time::Duration;
use netsim::{Packet, PcapWriter, UdpDatagram};

#[test]
fn a_capture_is_these_octets() {
    let mut file = Vec::new();
    let mut writer = PcapWriter::new(&mut file).unwrap();
    let interface = writer.interface("e0").unwrap();
    let at = Duration::new(1, 2);
    writer.packet(interface, at, &[0x45, 1, 2, 3, 4], Some("lost")).unwrap();
    assert!(writer.packet(1, at, &[], None).is_err());
    writer.finish().unwrap();

    // draft-ietf-opsawg-pcapng 4.1, 4.2, 4.3
    #[rustfmt::skip]
    let expected: &[u8] = &[
        0x0a, 0x0d, 0x0d, 0x0a, 28, 0, 0, 0, 0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 28, 0, 0, 0,
        1, 0, 0, 0, 40, 0, 0, 0, 101, 0, 0, 0, 0, 0, 0, 0,
        2, 0, 2, 0, b'e', b'0', 0, 0, 9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0, 40, 0, 0, 0,
        6, 0, 0, 0, 52, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0xca, 0x9a, 0x3b,
        5, 0, 0, 0, 5, 0, 0, 0, 0x45, 1, 2, 3, 4, 0, 0, 0,
        1, 0, 4, 0, b'l', b'o', b's', b't', 0, 0, 0, 0, 52, 0, 0, 0,
    ];
    assert_eq!(file, expected);
}

fn datagram(source: &str, destination: &str, payload: &[u8]) -> UdpDatagram {
    let address = |text: &str| text.parse::<SocketAddr>().unwrap();
    UdpDatagram::new(address(source), address(destination), payload)
}

/// RFC 1071: the ones' complement sum over data that contains a right checksum is all ones.
fn sum(octets: &[u8]) -> u16 {
    let mut sum = 0_u32;
    for word in octets.chunks(2) {
        sum += u32::from(word[0]) << 8 | u32::from(*word.get(1).unwrap_or(&0));
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

#[test]
fn a_datagram_shows_as_a_whole_ipv4_packet_and_comes_back() {
    let sent = datagram("192.0.2.1:500", "198.51.100.7:4500", b"abc");
    let wire = sent.to_wire().into_owned();
    assert_eq!(wire.len(), sent.wire_len());
    assert_eq!(wire[..4], [0x45, 0, 0, 31]);
    assert_eq!(wire[12..20], [192, 0, 2, 1, 198, 51, 100, 7]);
    assert_eq!(wire[20..26], [0x01, 0xf4, 0x11, 0x94, 0, 11]);
    assert_eq!(&wire[28..], b"abc");
    assert_eq!(sum(&wire[..20]), 0xffff);
    let mut pseudo = [&wire[12..20], &[0, 17, 0, 11]].concat();
    pseudo.extend_from_slice(&wire[20..]);
    assert_eq!(sum(&pseudo), 0xffff);
    assert_eq!(UdpDatagram::from_wire(&wire), Some(sent));
}

#[test]
fn a_datagram_shows_as_a_whole_ipv6_packet_and_comes_back() {
    let sent = datagram("[2001:db8::1]:500", "[2001:db8::2]:500", &[7; 40]);
    let wire = sent.to_wire().into_owned();
    assert_eq!((wire.len(), wire[0], wire[6]), (40 + 8 + 40, 0x60, 17));
    assert_eq!(wire[4..6], [0, 48]);
    let mut pseudo = [&wire[8..40], &[0, 0, 0, 48, 0, 0, 0, 17]].concat();
    pseudo.extend_from_slice(&wire[40..]);
    assert_eq!(sum(&pseudo), 0xffff);
    assert_eq!(UdpDatagram::from_wire(&wire), Some(sent));
}

#[test]
fn what_is_not_a_datagram_is_none() {
    let wire = datagram("192.0.2.1:500", "192.0.2.2:500", b"").to_wire().into_owned();
    for cut in 0..wire.len() {
        assert_eq!(UdpDatagram::from_wire(&wire[..cut]), None, "{cut}");
    }
    assert_eq!(UdpDatagram::from_wire(&[0x15; 60]), None);
}
