//! Readers for the data files, an SA of given algorithm and key, and sealing again what a peer has sealed.
#![allow(dead_code, unreachable_pub, reason = "each test uses a part")]

use core::time::Duration;
use std::path::PathBuf;
use std::sync::Arc;

use crypto_provider::default;
use ipsec_ah::{Alignment, InboundSa, Integrity, OutboundSa, Transform};
use ipsec_core::{
    DfPolicy, DscpPolicy, EcnPolicy, IdentificationCounter, InboundConfig, IpHeader, Ipv4Header, Mode,
    OutboundConfig, PacketBuf, Protocol, ReplayProtection, Spi, Tunnel,
};

pub const NOW: Duration = Duration::ZERO;

pub const ALGORITHMS: [Integrity; 6] = [
    Integrity::HMAC_MD5_96,
    Integrity::HMAC_SHA1_96,
    Integrity::HMAC_SHA256_128,
    Integrity::HMAC_SHA256_96,
    Integrity::HMAC_SHA384_192,
    Integrity::HMAC_SHA512_256,
];

pub const SPI: u32 = 0x0abc_def0;

pub fn spi() -> Spi {
    Spi::new(SPI).unwrap()
}

pub fn tunnel() -> Mode {
    Mode::Tunnel(Tunnel::new("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap()).unwrap())
}

pub fn transform(integrity: Integrity) -> Transform {
    Transform::new(integrity, &[0x5b; 64], &default::provider()).unwrap()
}

pub fn outbound(integrity: Integrity, mode: Mode) -> OutboundSa {
    OutboundSa::new(OutboundConfig::new(spi(), mode), transform(integrity), NOW)
}

pub fn inbound(integrity: Integrity, mode: Mode) -> InboundSa {
    InboundSa::new(InboundConfig::new(spi(), mode, None), transform(integrity), NOW)
}

pub fn sealed(sa: &mut OutboundSa, clear: &[u8]) -> PacketBuf {
    let mut packet = PacketBuf::copy_of(clear);
    let sequence = sa.reserve(packet.len(), NOW).unwrap();
    sa.seal(sequence, &mut packet).unwrap();
    packet
}

/// A UDP packet from 10.1.0.7:1000 to 10.2.0.9:2000.
pub fn clear(payload: usize) -> Vec<u8> {
    let total = u16::try_from(28 + payload).unwrap();
    let header = Ipv4Header {
        header_len: 20,
        tos: 0,
        total_len: total,
        identification: 0x1234,
        dont_fragment: false,
        more_fragments: false,
        fragment_offset: 0,
        ttl: 63,
        protocol: Protocol::UDP,
        source: "10.1.0.7".parse().unwrap(),
        destination: "10.2.0.9".parse().unwrap(),
    };
    let mut packet = header.encode().to_vec();
    packet.extend([0x03, 0xe8, 0x07, 0xd0]);
    packet.extend((total - 20).to_be_bytes());
    packet.extend([0, 0]);
    packet.extend((0..payload).map(|n| u8::try_from(n % 251).unwrap()));
    packet
}

/// A UDP packet over IPv6.
pub fn clear_v6() -> Vec<u8> {
    let mut packet = vec![0x60, 0, 0, 0, 0, 8, 17, 64];
    packet.extend([0xfd; 32]);
    packet.extend([0x03, 0xe8, 0x07, 0xd0, 0, 8, 0, 0]);
    packet
}

/// An SA of a vector or recording.
#[derive(Clone)]
pub struct Case {
    pub integrity: Integrity,
    pub key: Vec<u8>,
    pub spi: u32,
    pub tunnel: bool,
    pub alignment: Alignment,
    pub replay: ReplayProtection,
}

impl Case {
    fn transform(&self) -> Transform {
        Transform::new(self.integrity, &self.key, &default::provider()).unwrap()
    }

    fn mode(&self, ip: &IpHeader) -> Mode {
        if !self.tunnel {
            return Mode::Transport;
        }
        let mut tunnel = Tunnel::new(ip.source(), ip.destination()).unwrap();
        tunnel.ttl = ip.ttl();
        tunnel.dscp = DscpPolicy::Set(ip.traffic_class() >> 2);
        tunnel.ecn = EcnPolicy::Compatibility;
        tunnel.df = match ip {
            IpHeader::V4(v4) if v4.dont_fragment => DfPolicy::Set,
            _ => DfPolicy::Clear,
        };
        Mode::Tunnel(tunnel)
    }

    /// The SA that receives `recorded`.
    pub fn inbound(&self, recorded: &[u8]) -> InboundSa {
        let ip = IpHeader::parse(recorded).unwrap();
        let mut config = InboundConfig::new(Spi::from_wire(self.spi), self.mode(&ip), None);
        config.replay = self.replay;
        InboundSa::new(config, self.transform(), NOW)
    }

    /// Seals `clear` as the sender of `recorded` did: with its sequence number and header fields.
    pub fn reseal(&self, recorded: &[u8], clear: &[u8]) -> Vec<u8> {
        let ip = IpHeader::parse(recorded).unwrap();
        let offset = match &ip {
            IpHeader::V4(v4) => v4.header_len,
            IpHeader::V6(v6) => ipsec_core::Chain::walk(v6, recorded).unwrap().offset,
        };
        let number = u32::from_be_bytes(recorded[offset + 8..offset + 12].try_into().unwrap());
        let identification = match ip {
            // One value is drawn with each number that is reserved on the way.
            IpHeader::V4(v4) => v4.identification.wrapping_sub(u16::try_from(number - 1).unwrap()),
            IpHeader::V6(_) => 0,
        };
        let mut config = OutboundConfig::new(Spi::from_wire(self.spi), self.mode(&ip));
        config.identification = Arc::new(IdentificationCounter::starting_at(identification));
        let mut sa = OutboundSa::new(config, self.transform(), NOW).aligned(self.alignment);
        let mut packet = PacketBuf::copy_of(clear);
        let mut sequence = sa.reserve(0, NOW).unwrap();
        while sequence.low() < number {
            sequence = sa.reserve(0, NOW).unwrap();
        }
        sa.seal(sequence, &mut packet).unwrap();
        packet.octets().to_vec()
    }
}

pub fn data(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(path)
}

/// The names in a folder of the test data, in order.
pub fn folders(path: &str) -> Vec<String> {
    let entries = std::fs::read_dir(data(path)).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The IP packets of a capture on Ethernet.
pub fn pcap(path: &str) -> Vec<Vec<u8>> {
    let file = std::fs::read(data(path)).unwrap();
    let little = file.starts_with(&[0xd4, 0xc3, 0xb2, 0xa1]);
    let word = |at: usize| {
        let octets = file[at..at + 4].try_into().unwrap();
        usize::try_from(if little { u32::from_le_bytes(octets) } else { u32::from_be_bytes(octets) }).unwrap()
    };
    assert_eq!(word(20), 1, "{path}: Ethernet");
    let (mut at, mut packets) = (24, Vec::new());
    while at < file.len() {
        let len = word(at + 8);
        let frame = &file[at + 16..at + 16 + len];
        if matches!(frame[12..14], [0x08, 0x00] | [0x86, 0xdd]) {
            packets.push(frame[14..].to_vec());
        }
        at += 16 + len;
    }
    packets
}

/// SPI and key of each AH SA in a `keys.txt`; all of them are HMAC-SHA1-96.
pub fn keys(path: &str) -> Vec<(u32, Vec<u8>)> {
    let text = std::fs::read_to_string(data(path)).unwrap();
    let ah = text.lines().filter(|line| line.starts_with("ah "));
    ah.map(|line| {
        let words: Vec<_> = line.split_whitespace().collect();
        assert_eq!(words[6], "HMAC_SHA1_96");
        (u32::from_str_radix(&words[3][2..], 16).unwrap(), hex::decode(words[7]).unwrap())
    })
    .collect()
}
