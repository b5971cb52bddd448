//! The validation vectors of OpenDataPlane: whole packets, opened and sealed again.
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
use ipsec_ah::{Alignment, Integrity};
use ipsec_core::{DropReason, PacketBuf, ReplayProtection, WindowSize};
use serde::Deserialize;

/// Cases of AH whose algorithms this crate does not have.
const SKIPPED: [(&str, &str); 1] = [("test_in_ipv4_ah_aes_gmac_128", "AES-GMAC (RFC 4543)")];

#[derive(Deserialize)]
struct File {
    cases: Vec<Vector>,
    keys: std::collections::BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    raw_args: Vec<String>,
    packets_in: Vec<Packet>,
    expected_plain: Vec<Packet>,
    sa_settings: Vec<(String, String)>,
    expect_error: Vec<String>,
}

#[derive(Deserialize)]
struct Packet {
    l3_offset: String,
    hex: String,
}

impl Packet {
    fn ip(&self) -> Vec<u8> {
        hex::decode(&self.hex).unwrap()[self.l3_offset.parse::<usize>().unwrap()..].to_vec()
    }
}

fn case(file: &File, vector: &Vector) -> Case {
    let args = &vector.raw_args;
    assert_eq!(args[6], "ODP_AUTH_ALG_SHA256_HMAC", "{}", vector.name);
    let setting = vector.sa_settings.iter().find(|(key, _)| key == "param.inbound.antireplay_ws");
    let replay = match setting.map(|(_, size)| size.parse().unwrap()) {
        None => ReplayProtection::default(),
        Some(0) => ReplayProtection::Off,
        Some(size) => ReplayProtection::Window(WindowSize::new(size).unwrap()),
    };
    Case {
        integrity: Integrity::HMAC_SHA256_128,
        key: hex::decode(&file.keys[args[7].trim_start_matches('&')]).unwrap(),
        spi: args[2].parse().unwrap(),
        tunnel: args[3] != "NULL",
        alignment: Alignment::Four,
        replay,
    }
}

fn run(file: &File, vector: &Vector) {
    let case = case(file, vector);
    let mut sa = case.inbound(&vector.packets_in[0].ip());
    let mut errors = Vec::new();
    let mut plain = vector.expected_plain.iter().map(Packet::ip);
    for packet in &vector.packets_in {
        let recorded = packet.ip();
        let mut packet = PacketBuf::copy_of(&recorded);
        match sa.open(&mut packet, NOW) {
            Ok(_) => {
                assert_eq!(Some(packet.octets().to_vec()), plain.next(), "{}", vector.name);
                assert_eq!(case.reseal(&recorded, packet.octets()), recorded, "{}", vector.name);
            }
            Err(reason) => errors.push(reason),
        }
    }
    let expected = vector.expect_error.iter().map(|error| match error.as_str() {
        "error.antireplay" => DropReason::Replayed,
        "error.auth" => DropReason::Icv,
        "error.proto" | "error.sa_lookup" => DropReason::Protocol,
        other => panic!("{other}"),
    });
    assert_eq!(errors, expected.collect::<Vec<_>>(), "{}", vector.name);
}

#[test]
fn every_ah_case_holds_or_is_named() {
    let file: File =
        serde_json::from_slice(&std::fs::read(data("odp-ah-esp-packets.json")).unwrap()).unwrap();
    let (mut held, mut skipped) = (0, 0);
    for vector in file.cases.iter().filter(|vector| vector.raw_args[1] == "ODP_IPSEC_AH") {
        if SKIPPED.iter().any(|(name, _)| *name == vector.name) {
            skipped += 1;
        } else {
            run(&file, vector);
            held += 1;
        }
    }
    assert_eq!((held, skipped), (14, SKIPPED.len()));
}
