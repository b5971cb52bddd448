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
use crypto_provider::{AeadAlgorithm, CipherAlgorithm};
use ipsec_core::{DropReason, PacketBuf, ReplayProtection, WindowSize};
use ipsec_esp::{Integrity, Suite, SuiteError, UdpEncapsulation};
use serde::Deserialize;

/// Cases of ESP whose algorithms this crate does not have.
const SKIPPED: [(&str, &str); 5] = [
    ("test_in_ipv4_esp_aes_ctr_null", "counter mode without integrity is refused (RFC 3686 1)"),
    ("test_in_ipv4_mcgrew_gcm_15_esp", "AES-GMAC (RFC 4543)"),
    ("test_in_ipv4_rfc7634_chacha", "ChaCha20-Poly1305 (RFC 7634) has no number in IKEv1"),
    ("test_in_ipv4_esp_null_aes_gmac_128", "AES-GMAC (RFC 4543)"),
    ("test_in_ipv4_null_aes_xcbc_esp", "AES-XCBC-MAC (RFC 3566)"),
];

/// The sample packets of the GCM document.
const AES_GCM: &str = "mcgrew_gcm";

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

fn number(text: &str) -> u32 {
    text.strip_prefix("0x").map_or_else(|| text.parse().unwrap(), |hex| u32::from_str_radix(hex, 16).unwrap())
}

fn case(file: &File, vector: &Vector) -> Case {
    let key = |reference: &str| match reference.strip_prefix('&') {
        None => Vec::new(),
        // The file calls this one key by another name.
        Some("key_a5_128") => hex::decode(&file.keys["name"]).unwrap(),
        Some(name) => hex::decode(&file.keys[name]).unwrap(),
    };
    let [_, _, spi, tunnel, cipher, cipher_key, auth, auth_key, salt, _] = vector.raw_args.as_slice() else {
        panic!("{}", vector.name)
    };
    let (mut encryption, integrity_key) = (key(cipher_key), key(auth_key));
    let key_len = encryption.len();
    let integrity = match auth.as_str() {
        "ODP_AUTH_ALG_SHA1_HMAC" => Some(Integrity::HMAC_SHA1_96),
        "ODP_AUTH_ALG_SHA256_HMAC" => Some(Integrity::HMAC_SHA256_128),
        "ODP_AUTH_ALG_SHA384_HMAC" => Some(Integrity::HMAC_SHA384_192),
        "ODP_AUTH_ALG_SHA512_HMAC" => Some(Integrity::HMAC_SHA512_256),
        _ => None,
    };
    let cipher = match cipher.as_str() {
        "ODP_CIPHER_ALG_NULL" => CipherAlgorithm::Null,
        "ODP_CIPHER_ALG_AES_CBC" => CipherAlgorithm::AesCbc,
        "ODP_CIPHER_ALG_AES_CTR" | "ODP_CIPHER_ALG_AES_GCM" => CipherAlgorithm::AesCtr,
        other => panic!("{}: {other}", vector.name),
    };
    encryption.extend(key(salt));
    let suite = match integrity {
        _ if vector.name.contains(AES_GCM) => Suite::Combined { aead: AeadAlgorithm::AesGcm16, key_len },
        Some(integrity) => Suite::Separate { cipher, key_len, integrity },
        None => Suite::EncryptionOnly { cipher, key_len },
    };
    let setting =
        |name: &str| vector.sa_settings.iter().find(|(key, _)| key == name).map(|(_, value)| number(value));
    let replay = match setting("param.inbound.antireplay_ws") {
        None => ReplayProtection::default(),
        Some(0) => ReplayProtection::Off,
        Some(size) => ReplayProtection::Window(WindowSize::new(u16::try_from(size).unwrap()).unwrap()),
    };
    let udp = setting("param.opt.udp_encap").map(|_| UdpEncapsulation::default());
    Case {
        suite,
        encryption,
        integrity: integrity_key,
        spi: number(spi),
        tunnel: tunnel != "NULL",
        udp,
        replay,
    }
}

/// What our side calls the faults of the vectors.
fn reasons(error: &str) -> &'static [DropReason] {
    match error {
        "error.antireplay" => &[DropReason::Replayed],
        "error.auth" => &[DropReason::Icv],
        "error.proto" | "error.sa_lookup" => &[DropReason::Protocol],
        other => panic!("{other}"),
    }
}

fn run(file: &File, vector: &Vector) -> Result<(), SuiteError> {
    let case = case(file, vector);
    let mut sa = case.inbound(&vector.packets_in[0].ip())?;
    let mut errors = Vec::new();
    let mut plain = vector.expected_plain.iter().map(Packet::ip);
    for packet in &vector.packets_in {
        let recorded = packet.ip();
        let mut packet = PacketBuf::copy_of(&recorded);
        match sa.open(&mut packet, NOW) {
            Ok(_) => {
                assert_eq!(Some(packet.octets().to_vec()), plain.next(), "{}", vector.name);
                let iv_is_free = !vector.name.contains(AES_GCM);
                if iv_is_free {
                    assert_eq!(case.reseal(&recorded, packet.octets()), recorded, "{}", vector.name);
                }
            }
            // Next header 59: its authors deliver it, RFC 4303 2.6 says discard. The reason says that the ICV held.
            Err(DropReason::Dummy) if vector.name.contains("mcgrew_gcm_12") => {}
            Err(reason) => errors.push(reason),
        }
    }
    assert_eq!(errors.len(), vector.expect_error.len(), "{}: {errors:?}", vector.name);
    for (reason, expected) in errors.iter().zip(&vector.expect_error) {
        assert!(reasons(expected).contains(reason), "{}: {reason}", vector.name);
    }
    Ok(())
}

#[test]
fn every_esp_case_holds_or_is_named() {
    let file: File =
        serde_json::from_slice(&std::fs::read(data("odp-ah-esp-packets.json")).unwrap()).unwrap();
    let (mut held, mut skipped) = (0, Vec::new());
    for vector in file.cases.iter().filter(|vector| vector.raw_args[1] == "ODP_IPSEC_ESP") {
        if SKIPPED.iter().any(|(name, _)| *name == vector.name) {
            skipped.push(vector.name.as_str());
            continue;
        }
        run(&file, vector).unwrap_or_else(|error| panic!("{}: {error}", vector.name));
        held += 1;
    }
    assert_eq!(skipped.len(), SKIPPED.len(), "{skipped:?}");
    assert_eq!(held, 30);
}

#[test]
fn counter_mode_without_integrity_is_refused() {
    let suite = Suite::EncryptionOnly { cipher: CipherAlgorithm::AesCtr, key_len: 16 };
    let keymat = [0; 20];
    let keys = ipsec_esp::Keys::split(&suite, &keymat).unwrap();
    let made = ipsec_esp::Transform::new(suite, keys, &crypto_provider::default::provider());
    assert_eq!(made.err(), Some(SuiteError::NoIntegrity));
}
