//! Packets that strongSwan, Linux, racoon and Openswan have sealed are opened, and sealed again to the same octets.
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

use common::{Case, NOW, checksums_hold, folders, keys, pcap};
use ipsec_core::{IpHeader, PacketBuf, Protocol, ReplayProtection};
use ipsec_esp::{EspHeader, Integrity, Suite, UdpEncapsulation};

/// ESP in UDP between two strongSwans: five pings and their answers each.
const ESP_IN_UDP: [&str; 12] = [
    "aggressive-aes128-sha1-modp1024-rsa2048",
    "aggressive-des-sha1-modp768",
    "main-3des-sha1-modp1024-psk",
    "main-3des-sha1-modp1024-rsa1024",
    "main-aes128-sha1-modp1024-ctr",
    "main-aes128-sha1-modp1536-pfs",
    "main-aes128-sha256-ecp256-ctr",
    "main-aes256-sha256-modp2048-gcm",
    "main-aes256-sha384-ecp384-pfs",
    "main-aes256-sha512-ecp521",
    "main-des-md5-modp768-psk",
    "v6-main-aes128-sha1-modp1024",
];
const TRANSPORT: &str = "k-esp-des-sha1-transport";
const BUNDLE: &str = "racoon-main-ah-esp";

/// The ESP packets of a recording, each as a whole IP packet, AH taken off by hand where it stands before ESP.
fn esp_packets(name: &str) -> Vec<(Vec<u8>, Option<UdpEncapsulation>)> {
    let mut found = Vec::new();
    // ICMP is what is left in clear; anything else in a capture would be a packet that nobody looks at.
    let icmp = [Protocol::ICMP, Protocol::ICMPV6, Protocol::HOP_BY_HOP];
    for packet in pcap(&format!("recordings/{name}/capture.pcap")) {
        let ip = IpHeader::parse(&packet).unwrap();
        let upper = &packet[ip.header_len()..];
        match ip.protocol() {
            Protocol::ESP => found.push((packet, None)),
            Protocol::AH => found.push((without_ah(&packet), None)),
            // RFC 3948 2.2: four octets of zero stand before IKE on port 4500.
            Protocol::UDP if upper[..4] == [0x01, 0xf4, 0x01, 0xf4] || upper[8..12] == [0; 4] => {}
            Protocol::UDP if upper[..4] == [0x11, 0x94, 0x11, 0x94] => {
                found.push((packet, Some(UdpEncapsulation::default())));
            }
            protocol => assert!(icmp.contains(&protocol), "{name}: {protocol:?}"),
        }
    }
    found
}

/// This peer's AH is a tunnel of its own: IP | AH | IP | ESP | IP.
fn without_ah(packet: &[u8]) -> Vec<u8> {
    assert_eq!(packet[20..22], [4, 4], "IPv4 after AH with an ICV of 96 bits");
    packet[44..].to_vec()
}

/// What our outer headers do not copy: a UDP checksum (RFC 3948 2.1 wants 0), an IPv6 flow label.
fn comparable(packet: &[u8], udp: bool) -> Vec<u8> {
    let mut packet = packet.to_vec();
    let ip = IpHeader::parse(&packet).unwrap();
    if udp {
        packet[ip.header_len() + 6..ip.header_len() + 8].fill(0);
    }
    if matches!(ip, IpHeader::V6(_)) {
        packet[1..4].fill(0);
    }
    packet
}

/// Opens and seals every ESP packet of a recording; how many there were.
fn run(name: &str, tunnel: bool) -> usize {
    let sas = keys(&format!("recordings/{name}/keys.txt"));
    let packets = esp_packets(name);
    for (recorded, udp) in &packets {
        let ip = IpHeader::parse(recorded).unwrap();
        let esp = ip.header_len() + if udp.is_some() { 8 } else { 0 };
        let header = EspHeader::parse(&recorded[esp..]).unwrap();
        let line = sas.iter().find(|line| line.protocol == "esp" && line.spi == header.spi.get()).unwrap();
        let case = Case {
            suite: line.suite,
            encryption: line.encryption.clone(),
            integrity: line.integrity.clone(),
            spi: line.spi,
            tunnel,
            udp: *udp,
            replay: ReplayProtection::default(),
        };
        let mut sa = case.inbound(recorded).unwrap();
        let mut packet = PacketBuf::copy_of(recorded);
        let opened = sa.open(&mut packet, NOW).unwrap_or_else(|reason| panic!("{name}: {reason}"));
        assert_eq!(opened.sequence, u64::from(header.sequence), "{name}");
        assert!(checksums_hold(packet.octets()), "{name}");
        let iv = &recorded[esp + 8..esp + 8 + line.suite.iv_len()];
        let own_iv = matches!(line.suite, Suite::Combined { .. })
            || line.suite.iv_len() == 8 && line.suite.alignment() == 4;
        if own_iv && iv != u64::from(header.sequence).to_be_bytes() {
            // Counter modes: our IV is the sequence number; a peer with another rule cannot be imitated.
            continue;
        }
        let again = case.reseal(recorded, packet.octets());
        assert_eq!(comparable(&again, udp.is_some()), comparable(recorded, udp.is_some()), "{name}");
    }
    packets.len()
}

#[test]
fn strongswan_tunnels_in_udp() {
    for name in ESP_IN_UDP {
        assert_eq!(run(name, true), 10, "{name}");
    }
}

#[test]
fn linux_transport_mode() {
    assert_eq!(run(TRANSPORT, false), 14);
}

#[test]
fn racoon_bundle_the_esp_half() {
    assert_eq!(run(BUNDLE, true), 26);
}

#[test]
fn no_recording_is_left_out() {
    let mut named = [&ESP_IN_UDP[..], &[TRANSPORT, BUNDLE]].concat();
    named.sort_unstable();
    assert_eq!(folders("recordings"), named);
}

/// Only the encryption keys of these are known: the ICV of 12 octets is cut off, and the packets are opened without.
fn tcpdump_case(spi: u32, key: &str) -> Case {
    let suite = Suite::EncryptionOnly { cipher: crypto_provider::CipherAlgorithm::TripleDesCbc, key_len: 24 };
    let (encryption, integrity) = (hex::decode(key).unwrap(), Vec::new());
    Case { suite, encryption, integrity, spi, tunnel: true, udp: None, replay: ReplayProtection::Off }
}

fn without_icv(packet: &[u8]) -> Vec<u8> {
    let len = packet.len() - Integrity::HMAC_SHA1_96.icv_len;
    let mut packet = packet[..len].to_vec();
    packet[2..4].copy_from_slice(&u16::try_from(len).unwrap().to_be_bytes());
    packet[10..12].fill(0);
    let sum = ipsec_core::checksum(&packet[..20]);
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    packet
}

fn open_without_icv(case: &Case, packet: &[u8]) -> Vec<u8> {
    let cut = without_icv(packet);
    let mut packet = PacketBuf::copy_of(&cut);
    case.inbound(&cut).unwrap().open(&mut packet, NOW).unwrap();
    assert_eq!(case.reseal(&cut, packet.octets()), cut);
    packet.octets().to_vec()
}

#[test]
fn openswan_tunnels_from_the_tests_of_tcpdump() {
    // The first capture's key is one that tcpdump's list of tests gives on the command line.
    let alone = tcpdump_case(0x1234_5678, "4043434545464649494a4a4c4c4f4f515152525454575758");
    let outer = tcpdump_case(0x1234_5678, "43434545464649494a4a4c4c4f4f51515252545457575840");
    let inner = tcpdump_case(0xabcd_abcd, "434545464649494a4a4c4c4f4f5151525254545757584043");
    let single = pcap("tcpdump/02-sunrise-sunset-esp.pcap");
    let nested = pcap("tcpdump/08-sunrise-sunset-esp2.pcap");
    assert_eq!((single.len(), nested.len()), (8, 8));
    // tcpdump prints: 192.0.2.1 > 192.0.1.1: ICMP echo request, id 28416, seq 1280, 1536, ..
    let expect = |clear: &[u8], n: usize| {
        let ip = IpHeader::parse(clear).unwrap();
        assert_eq!(
            (ip.source(), ip.destination()),
            ("192.0.2.1".parse().unwrap(), "192.0.1.1".parse().unwrap())
        );
        assert_eq!(clear[20..22], [8, 0]);
        assert_eq!(u16::from_be_bytes([clear[24], clear[25]]), 28416);
        assert_eq!(usize::from(u16::from_be_bytes([clear[26], clear[27]])), 1280 + 256 * n);
        assert!(checksums_hold(clear));
    };
    for (n, packet) in single.iter().enumerate() {
        expect(&open_without_icv(&alone, packet), n);
    }
    for (n, packet) in nested.iter().enumerate() {
        let between = open_without_icv(&outer, packet);
        expect(&open_without_icv(&inner, &between), n);
    }
}
