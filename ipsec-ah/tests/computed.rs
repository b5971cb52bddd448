//! Options, extension headers, bundles and extended sequence numbers, against ICVs computed elsewhere.
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

use common::{Case, NOW, data};
use crypto_provider::default;
use ipsec_ah::{Alignment, InboundSa, Integrity, Transform};
use ipsec_core::{DropReason, InboundConfig, Mode, PacketBuf, ReplayProtection, SequenceWidth, Spi};
use serde::Deserialize;

#[derive(Deserialize)]
struct File {
    cases: Vec<Computed>,
    key: String,
    extended: Vec<Extended>,
}

#[derive(Deserialize)]
struct Computed {
    name: String,
    algorithm: String,
    key: String,
    sealed: String,
    plain: String,
    #[serde(default)]
    align: usize,
    #[serde(default)]
    open_only: bool,
    #[serde(default)]
    inbound_tunnel: bool,
}

#[derive(Deserialize)]
struct Extended {
    number: u64,
    hex: String,
}

const SPI: u32 = 0x0189_1116;

fn file() -> File {
    serde_json::from_slice(&std::fs::read(data("options.json")).unwrap()).unwrap()
}

#[test]
fn computed_packets_open_and_seal() {
    let file = file();
    assert_eq!(file.cases.len(), 7);
    for computed in file.cases {
        let integrity = match computed.algorithm.as_str() {
            "sha1-96" => Integrity::HMAC_SHA1_96,
            _ => Integrity::HMAC_SHA256_128,
        };
        let case = Case {
            integrity,
            key: hex::decode(&computed.key).unwrap(),
            spi: SPI,
            tunnel: false,
            alignment: if computed.align == 8 { Alignment::Eight } else { Alignment::Four },
            replay: ReplayProtection::default(),
        };
        let (sealed, plain) = (hex::decode(&computed.sealed).unwrap(), hex::decode(&computed.plain).unwrap());
        let mut packet = PacketBuf::copy_of(&sealed);
        case.inbound(&sealed)
            .open(&mut packet, NOW)
            .unwrap_or_else(|reason| panic!("{}: {reason}", computed.name));
        assert_eq!(packet.octets(), plain, "{}", computed.name);
        if !computed.open_only {
            assert_eq!(case.reseal(&sealed, &plain), sealed, "{}", computed.name);
        }
        if computed.inbound_tunnel {
            // RFC 2401 4.3 (test): an SA that was negotiated as a tunnel leaves a shared outer header to ESP.
            let mut packet = PacketBuf::copy_of(&sealed);
            Case { tunnel: true, ..case }.inbound(&sealed).open(&mut packet, NOW).unwrap();
            assert_eq!(packet.octets(), plain, "{}", computed.name);
        }
    }
}

#[test]
fn t094_extended_numbers_across_2_to_the_32() {
    // RFC 4303 A2.1 (test); RFC 4302 2.5.1: the high half is covered and not sent
    let file = file();
    let key = hex::decode(&file.key).unwrap();
    let transform = Transform::new(Integrity::HMAC_SHA1_96, &key, &default::provider()).unwrap();
    let mut config = InboundConfig::new(Spi::new(SPI).unwrap(), Mode::Transport, None);
    config.width = SequenceWidth::Extended;
    let mut sa = InboundSa::new(config, transform, NOW);
    for packet in file.extended {
        let sealed = hex::decode(packet.hex).unwrap();
        let mut forged = PacketBuf::copy_of(&sealed);
        forged.octets_mut()[40] ^= 1;
        assert_eq!(sa.open(&mut forged, NOW), Err(DropReason::Icv), "{}", packet.number);
        let mut opened = PacketBuf::copy_of(&sealed);
        assert_eq!(sa.open(&mut opened, NOW).map(|opened| opened.sequence), Ok(packet.number));
    }
}
