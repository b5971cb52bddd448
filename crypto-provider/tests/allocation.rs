#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "a test may panic"
)]
//! What keys allocate, and what they leave behind.

mod common;

use crypto_provider::default::SeededRandom;
use crypto_provider::{AeadAlgorithm, CipherAlgorithm, CipherJob, GroupId, default};
use test_alloc::{TestAlloc, Usage};

#[global_allocator]
static ALLOCATOR: TestAlloc = TestAlloc;

/// One allocation is the test's own proof that the counter counts.
#[test]
fn keys_allocate_nothing_per_call() {
    let provider = default::provider();
    let octets: Vec<u8> = (0..64).collect();
    let mut data = vec![7; 1392];
    let (_, counted) = test_alloc::measure(|| vec![0_u8; 100].len());
    assert_eq!(counted.allocations, 1);

    for cipher in provider.ciphers.iter() {
        for len in cipher.key_lengths() {
            let key = cipher.key(&octets[..*len]).unwrap();
            let iv = &octets[..cipher.iv_len()];
            let ((), used) = test_alloc::measure(|| {
                key.encrypt(iv, &mut data).unwrap();
                key.decrypt(iv, &mut data).unwrap();
                let _ = key.decrypt(&[], &mut []);
                key.encrypt_each(&mut [CipherJob { iv, data: &mut data, result: Ok(()) }]);
            });
            assert_eq!(used, Usage::default(), "{:?}", cipher.algorithm());
        }
    }
    for aead in provider.aeads.iter() {
        let key = aead.key(&octets[..16]).unwrap();
        let mut tag = vec![0; aead.algorithm().tag_len()];
        let ((), used) = test_alloc::measure(|| {
            key.seal(&octets[..12], &octets, &mut data, &mut tag).unwrap();
            key.open(&octets[..12], &octets, &mut data, &tag).unwrap();
            key.open(&octets[..12], &[], &mut data, &tag).unwrap_err();
        });
        assert_eq!(used, Usage::default(), "{:?}", aead.algorithm());
    }
    for prf in provider.prfs.iter() {
        let key = prf.key(&octets);
        let mut icv = [0; 12];
        let ((), used) = test_alloc::measure(|| {
            key.compute(&[&data, &octets], &mut icv);
            key.verify(&[&data, &octets], &icv).unwrap();
            key.verify(&[&data], &icv).unwrap_err();
        });
        assert_eq!(used, Usage::default(), "{:?}", prf.algorithm());
    }
    for hash in provider.hashes.iter() {
        let (_, used) = test_alloc::measure(|| hash.digest(&[&data, &octets]));
        assert_eq!(used, Usage::default(), "{:?}", hash.algorithm());
    }
}

/// Freed memory that still holds `pattern` while `work` runs.
fn left_behind(pattern: &[u8], work: impl FnOnce()) -> u64 {
    test_alloc::watch(pattern);
    work();
    let found = test_alloc::found();
    test_alloc::watch(&[]);
    found
}

#[test]
fn an_unwiped_copy_would_be_found() {
    let secret: Vec<u8> = (100..132).collect();
    assert_eq!(left_behind(&secret, || drop(secret.clone())), 1);
}

#[test]
fn shared_secrets_are_wiped() {
    let group = common::group(GroupId::MODP_1024);
    let random = SeededRandom::new(5);
    let (ours, theirs) = (group.start(&random).unwrap(), group.start(&random).unwrap());
    let our_public = group.peer_public(ours.public()).unwrap();
    let their_public = group.peer_public(theirs.public()).unwrap();
    let expected = ours.complete(&their_public).unwrap().expose().to_vec();
    let found = left_behind(&expected[..32], || drop(theirs.complete(&our_public).unwrap()));
    assert_eq!(found, 0);
}

/// The exponent, in the order of the machine's words, in the freed key of an exchange that was given up.
#[test]
fn exponents_are_wiped() {
    let exponent: Vec<u8> = (1..=32).collect();
    let words: Vec<u8> = exponent.iter().rev().copied().collect();
    let random = common::Scripted::new([exponent.clone()]);
    let group = common::group(GroupId::MODP_768);
    assert_eq!(left_behind(&words[..16], || drop(group.start(&random).unwrap())), 0);
}

/// The first round key of AES is the key itself.
#[test]
fn key_schedules_are_wiped() {
    let key: Vec<u8> = (1..=16).collect();
    let aes = default::provider().cipher(CipherAlgorithm::AesCbc).unwrap();
    let gcm = default::provider().aead(AeadAlgorithm::AesGcm16).unwrap();
    let found = left_behind(&key, || {
        drop(aes.key(&key).unwrap());
        drop(gcm.key(&key).unwrap());
    });
    assert_eq!(found, 0);
}
