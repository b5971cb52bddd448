#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "a test may panic"
)]
//! AES-GCM against Wycheproof and OpenSSL.

mod common;

use common::AeadCase;
use crypto_provider::{AeadAlgorithm, InvalidLength, Mismatch, default};

/// Each case at all three lengths of tags: a shorter tag is the beginning of the full one (SP 800-38D 7.1).
fn check(case: &AeadCase, algorithm: AeadAlgorithm) {
    let (name, len) = (&case.name, algorithm.tag_len());
    let key = default::provider().aead(algorithm).unwrap().key(&case.key).unwrap();
    let (mut data, mut tag) = (case.plain.to_vec(), vec![0; len]);
    if case.nonce.len() != 12 {
        assert_eq!(key.seal(&case.nonce, &case.aad, &mut data, &mut tag), Err(InvalidLength), "{name}");
        assert_eq!(key.open(&case.nonce, &case.aad, &mut data, &case.tag[..len]), Err(Mismatch), "{name}");
        assert_eq!(data, *case.plain, "{name}");
        return;
    }
    key.seal(&case.nonce, &case.aad, &mut data, &mut tag).unwrap();
    if case.valid {
        assert_eq!((&data[..], &tag[..]), (&*case.cipher, &case.tag[..len]), "{name}");
    }
    let mut data = case.cipher.to_vec();
    let opened = key.open(&case.nonce, &case.aad, &mut data, &case.tag[..len]);
    // A modification behind the cut is no forgery of the shorter tag.
    let valid = case.valid || (tag == case.tag[..len] && data == *case.plain);
    assert_eq!(opened.is_ok(), valid, "{name} {algorithm:?}");
    assert_eq!(data, if valid { case.plain.to_vec() } else { case.cipher.to_vec() }, "{name}");
}

#[test]
fn wycheproof() {
    let cases = common::cases::<AeadCase>("wycheproof-aes-gcm.json", 239);
    assert!(cases.iter().any(|case| !case.valid && case.nonce.len() == 12));
    for case in &cases {
        common::AEADS.into_iter().for_each(|algorithm| check(case, algorithm));
    }
    // At full length nothing is cut off, so that every invalid case is refused.
    for case in cases.iter().filter(|case| !case.valid) {
        let key = default::provider().aead(AeadAlgorithm::AesGcm16).unwrap().key(&case.key).unwrap();
        let mut data = case.cipher.to_vec();
        assert_eq!(key.open(&case.nonce, &case.aad, &mut data, &case.tag), Err(Mismatch), "{}", case.name);
    }
}

#[test]
fn openssl() {
    let cases = common::openssl().aeads;
    assert_eq!(cases.len(), 84);
    for case in &cases {
        common::AEADS.into_iter().for_each(|algorithm| check(case, algorithm));
    }
}
