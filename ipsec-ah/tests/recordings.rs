//! Packets that Linux has sealed under strongSwan and racoon are opened, and sealed again to the same octets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::too_many_lines,
    missing_docs,
    reason = "a test may panic"
)]

mod common;

use common::{Case, NOW, folders, keys, pcap};
use ipsec_ah::{AhHeader, Alignment, Integrity};
use ipsec_core::{IpHeader, PacketBuf, Protocol, ReplayProtection, checksum};

const TUNNEL: &str = "k-ah-sha1-tunnel";
const BUNDLE: &str = "racoon-main-ah-esp";

/// Opens and seals every AH packet of a recording; what was inside.
fn run(name: &str) -> Vec<Vec<u8>> {
    let sas = keys(&format!("recordings/{name}/keys.txt"));
    let mut opened = Vec::new();
    for recorded in pcap(&format!("recordings/{name}/capture.pcap")) {
        let ip = IpHeader::parse(&recorded).unwrap();
        if ip.protocol() != Protocol::AH {
            // IKE and what is around it; anything else would be a packet that nobody looks at.
            let clear = [Protocol::UDP, Protocol::ICMP, Protocol::ICMPV6, Protocol::HOP_BY_HOP];
            assert!(clear.contains(&ip.protocol()), "{name}: {:?}", ip.protocol());
            continue;
        }
        let header = AhHeader::parse(&recorded[ip.header_len()..]).unwrap();
        let (spi, key) = sas.iter().find(|(spi, _)| *spi == header.spi.get()).unwrap();
        let case = Case {
            integrity: Integrity::HMAC_SHA1_96,
            key: key.clone(),
            spi: *spi,
            tunnel: true,
            alignment: Alignment::Four,
            replay: ReplayProtection::default(),
        };
        let mut packet = PacketBuf::copy_of(&recorded);
        let result = case.inbound(&recorded).open(&mut packet, NOW).unwrap();
        assert_eq!((result.sequence, result.octets), (u64::from(header.sequence), packet.len()));
        assert_eq!(checksum(&packet.octets()[..20]), 0);
        assert_eq!(case.reseal(&recorded, packet.octets()), recorded, "{name}");
        opened.push(packet.octets().to_vec());
    }
    opened
}

#[test]
fn linux_tunnel_under_strongswan() {
    let opened = run(TUNNEL);
    assert_eq!(opened.len(), 13);
    for packet in opened {
        // Pings between the two inner networks, their own checksum good.
        assert!(packet[12..14] == [10, 1] || packet[12..14] == [10, 2]);
        assert_eq!((packet[9], checksum(&packet[20..])), (1, 0));
    }
}

#[test]
fn racoon_bundle_the_ah_half() {
    let opened = run(BUNDLE);
    assert_eq!(opened.len(), 26);
    for packet in opened {
        assert_eq!(packet[9], 50);
        let spi = u32::from_be_bytes(packet[20..24].try_into().unwrap());
        assert!([0x0102_d94f, 0x0ca2_663f].contains(&spi), "the SPIs of the ESP half");
    }
}

#[test]
fn no_recording_is_left_out() {
    assert_eq!(folders("recordings"), [TUNNEL, BUNDLE]);
}
