//! Readers for the data files, an SA of given algorithms and keys, and sealing again what a peer has sealed.
#![allow(dead_code, unreachable_pub, reason = "each test uses a part")]

use core::time::Duration;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use crypto_provider::{AeadAlgorithm, CipherAlgorithm, CryptoProvider, RandomFailed, SecureRandom, default};
use ipsec_core::{
    DfPolicy, DscpPolicy, EcnPolicy, IdentificationCounter, InboundConfig, IpHeader, Lifetime, Mode,
    OutboundConfig, PacketBuf, ReplayProtection, Selector, Spi, Tunnel,
};
use ipsec_esp::{InboundSa, Integrity, Keys, OutboundSa, Suite, SuiteError, Transform, UdpEncapsulation};

pub const NOW: Duration = Duration::ZERO;

/// Suites that are all in the default provider.
pub fn suites() -> Vec<Suite> {
    use CipherAlgorithm::{AesCbc, AesCtr, DesCbc, Null, TripleDesCbc};
    let ciphers = [
        (Null, 0),
        (DesCbc, 8),
        (TripleDesCbc, 24),
        (AesCbc, 16),
        (AesCbc, 24),
        (AesCbc, 32),
        (AesCtr, 16),
        (AesCtr, 32),
    ];
    let integrities = [
        Integrity::HMAC_MD5_96,
        Integrity::HMAC_SHA1_96,
        Integrity::HMAC_SHA256_128,
        Integrity::HMAC_SHA256_96,
        Integrity::HMAC_SHA384_192,
        Integrity::HMAC_SHA512_256,
    ];
    let mut suites = Vec::new();
    for (cipher, key_len) in ciphers {
        for integrity in integrities {
            suites.push(Suite::Separate { cipher, key_len, integrity });
        }
        if !matches!(cipher, Null | AesCtr) {
            suites.push(Suite::EncryptionOnly { cipher, key_len });
        }
    }
    for aead in [AeadAlgorithm::AesGcm8, AeadAlgorithm::AesGcm12, AeadAlgorithm::AesGcm16] {
        for key_len in [16, 24, 32] {
            suites.push(Suite::Combined { aead, key_len });
        }
    }
    suites
}

/// Key octets that are no weak DES key.
pub fn keymat(suite: &Suite) -> Vec<u8> {
    (0..suite.keymat_len()).map(|n| u8::try_from(n * 37 % 251).unwrap() ^ 0x5b).collect()
}

pub fn transform(suite: Suite) -> Transform {
    let keymat = keymat(&suite);
    Transform::new(suite, Keys::split(&suite, &keymat).unwrap(), &default::provider()).unwrap()
}

pub fn tunnel() -> Mode {
    Mode::Tunnel(Tunnel::new("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap()).unwrap())
}

pub const SPI: u32 = 0x0abc_def0;

pub fn spi() -> Spi {
    Spi::new(SPI).unwrap()
}

pub fn outbound(suite: Suite) -> OutboundSa {
    OutboundSa::new(OutboundConfig::new(spi(), tunnel()), transform(suite), NOW)
}

pub fn inbound(suite: Suite) -> InboundSa {
    InboundSa::new(InboundConfig::new(spi(), tunnel(), None), transform(suite), NOW)
}

pub fn inbound_with(suite: Suite, lifetime: Lifetime, selector: Option<Selector>) -> InboundSa {
    let mut config = InboundConfig::new(spi(), tunnel(), selector);
    config.lifetime = lifetime;
    InboundSa::new(config, transform(suite), NOW)
}

pub fn random() -> Arc<dyn SecureRandom> {
    default::provider().random
}

/// One packet sealed by a fresh or running SA.
pub fn sealed(sa: &mut OutboundSa, clear: &[u8]) -> PacketBuf {
    let mut packet = PacketBuf::copy_of(clear);
    let sequence = sa.reserve(packet.len(), NOW).unwrap();
    sa.seal(sequence, &mut packet, random().as_ref()).unwrap();
    packet
}

/// A UDP packet from 10.1.0.7:1000 to 10.2.0.9:2000.
pub fn clear(payload: usize) -> Vec<u8> {
    let total = u16::try_from(28 + payload).unwrap();
    let header = ipsec_core::Ipv4Header {
        header_len: 20,
        tos: 0,
        total_len: total,
        identification: 0x1234,
        dont_fragment: false,
        more_fragments: false,
        fragment_offset: 0,
        ttl: 63,
        protocol: ipsec_core::Protocol::UDP,
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

/// A random source that gives out what was recorded.
pub struct Scripted(Mutex<VecDeque<u8>>);

impl Scripted {
    pub fn new(octets: &[u8]) -> Self {
        Self(Mutex::new(octets.iter().copied().collect()))
    }
}

impl SecureRandom for Scripted {
    fn fill(&self, out: &mut [u8]) -> Result<(), RandomFailed> {
        let mut script = self.0.lock().unwrap();
        for octet in out {
            *octet = script.pop_front().ok_or(RandomFailed)?;
        }
        Ok(())
    }
}

/// An SA of a vector or recording.
#[derive(Clone)]
pub struct Case {
    pub suite: Suite,
    pub encryption: Vec<u8>,
    pub integrity: Vec<u8>,
    pub spi: u32,
    pub tunnel: bool,
    pub udp: Option<UdpEncapsulation>,
    pub replay: ReplayProtection,
}

impl Case {
    fn transform(&self, provider: &CryptoProvider) -> Result<Transform, SuiteError> {
        let keys = Keys { encryption: &self.encryption, integrity: &self.integrity };
        Transform::new(self.suite, keys, provider)
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
    pub fn inbound(&self, recorded: &[u8]) -> Result<InboundSa, SuiteError> {
        let ip = IpHeader::parse(recorded).unwrap();
        let mut config = InboundConfig::new(Spi::from_wire(self.spi), self.mode(&ip), None);
        config.replay = self.replay;
        let sa = InboundSa::new(config, self.transform(&default::provider())?, NOW);
        Ok(match self.udp {
            Some(udp) => sa.in_udp(udp),
            None => sa,
        })
    }

    /// Seals `clear` as the sender of `recorded` did: with its sequence number, IV and header fields.
    pub fn reseal(&self, recorded: &[u8], clear: &[u8]) -> Vec<u8> {
        let ip = IpHeader::parse(recorded).unwrap();
        let esp = upper_offset(recorded) + if self.udp.is_some() { 8 } else { 0 };
        let number = u32::from_be_bytes(recorded[esp + 4..esp + 8].try_into().unwrap());
        let iv = &recorded[esp + 8..esp + 8 + self.suite.iv_len()];
        let identification = match ip {
            // One value is drawn with each number that is reserved on the way.
            IpHeader::V4(v4) => v4.identification.wrapping_sub(u16::try_from(number - 1).unwrap()),
            IpHeader::V6(_) => 0,
        };
        let mut config = OutboundConfig::new(Spi::from_wire(self.spi), self.mode(&ip));
        config.identification = Arc::new(IdentificationCounter::starting_at(identification));
        let mut sa = OutboundSa::new(config, self.transform(&default::provider()).unwrap(), NOW);
        if let Some(udp) = self.udp {
            sa = sa.in_udp(udp);
        }
        let mut packet = PacketBuf::copy_of(clear);
        let mut sequence = sa.reserve(0, NOW).unwrap();
        while sequence.low() < number {
            sequence = sa.reserve(0, NOW).unwrap();
        }
        sa.seal(sequence, &mut packet, &Scripted::new(iv)).unwrap();
        packet.octets().to_vec()
    }
}

/// Where the IP header and IPv6's extension headers end.
pub fn upper_offset(packet: &[u8]) -> usize {
    match IpHeader::parse(packet).unwrap() {
        IpHeader::V4(v4) => v4.header_len,
        IpHeader::V6(v6) => ipsec_core::Chain::walk(&v6, packet).unwrap().offset,
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

/// One line of a `keys.txt`.
pub struct KeyLine {
    pub protocol: String,
    pub spi: u32,
    pub suite: Suite,
    pub encryption: Vec<u8>,
    pub integrity: Vec<u8>,
}

pub fn keys(path: &str) -> Vec<KeyLine> {
    let text = std::fs::read_to_string(data(path)).unwrap();
    let parse = |line: &str| {
        let [protocol, _, _, spi, cipher, key, hmac, mac_key] =
            line.split_whitespace().collect::<Vec<_>>().try_into().unwrap();
        let unhex = |text: &str| if text == "-" { Vec::new() } else { hex::decode(text).unwrap() };
        let (encryption, integrity) = (unhex(key), unhex(mac_key));
        let key_len = encryption.len();
        let cipher_of = |name| match name {
            "DES_CBC" => (CipherAlgorithm::DesCbc, key_len),
            "3DES_CBC" => (CipherAlgorithm::TripleDesCbc, key_len),
            "AES_CBC" => (CipherAlgorithm::AesCbc, key_len),
            "AES_CTR" => (CipherAlgorithm::AesCtr, key_len - 4),
            "NULL" => (CipherAlgorithm::Null, 0),
            other => panic!("{other}"),
        };
        let suite = if cipher == "AES_GCM_16" {
            Suite::Combined { aead: AeadAlgorithm::AesGcm16, key_len: key_len - 4 }
        } else {
            let (cipher, key_len) = cipher_of(cipher);
            let integrity = match hmac {
                "HMAC_MD5_96" => Integrity::HMAC_MD5_96,
                "HMAC_SHA1_96" => Integrity::HMAC_SHA1_96,
                "HMAC_SHA2_384_192" => Integrity::HMAC_SHA384_192,
                "HMAC_SHA2_512_256" => Integrity::HMAC_SHA512_256,
                other => panic!("{other}"),
            };
            Suite::Separate { cipher, key_len, integrity }
        };
        let spi = u32::from_str_radix(spi.trim_start_matches("0x"), 16).unwrap();
        KeyLine { protocol: protocol.to_owned(), spi, suite, encryption, integrity }
    };
    text.lines().map(parse).collect()
}

/// Whether the checksums inside an opened packet hold: IPv4's own and that of ICMP, TCP or UDP. A packet that was
/// decrypted wrongly has no chance to pass.
pub fn checksums_hold(packet: &[u8]) -> bool {
    let ip = IpHeader::parse(packet).unwrap();
    let upper = &packet[ip.header_len()..ip.total_len()];
    let mut pseudo = Vec::new();
    if matches!(ip, IpHeader::V6(_)) || ip.protocol().has_ports() {
        for address in [ip.source(), ip.destination()] {
            match address {
                core::net::IpAddr::V4(address) => pseudo.extend(address.octets()),
                core::net::IpAddr::V6(address) => pseudo.extend(address.octets()),
            }
        }
        pseudo.extend(u32::try_from(upper.len()).unwrap().to_be_bytes());
        pseudo.extend([0, 0, 0, ip.protocol().0]);
    }
    pseudo.extend(upper);
    let header = matches!(ip, IpHeader::V6(_)) || ipsec_core::checksum(&packet[..ip.header_len()]) == 0;
    header && ipsec_core::checksum(&pseudo) == 0
}
