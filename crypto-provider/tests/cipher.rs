#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "a test may panic"
)]
//! CBC and counter mode against the RFCs, NIST, Wycheproof and OpenSSL.

mod common;

use common::CipherCase;
use crypto_provider::{CipherAlgorithm, CipherJob, CipherKey, InvalidKey, InvalidLength, default};
use proptest::prelude::*;

fn key(algorithm: CipherAlgorithm, key: &[u8]) -> Result<Box<dyn CipherKey>, InvalidKey> {
    default::provider().cipher(algorithm).unwrap().key(key)
}

fn both_ways(key: &dyn CipherKey, case: &CipherCase) {
    let mut data = case.plain.to_vec();
    key.encrypt(&case.iv, &mut data).unwrap();
    assert_eq!(data, *case.cipher, "{}", case.name);
    key.decrypt(&case.iv, &mut data).unwrap();
    assert_eq!(data, *case.plain, "{}", case.name);
}

// RFC 3602 4 (test)
#[test]
fn rfc_3602_aes_cbc_with_whole_esp_payloads() {
    for case in common::cases::<CipherCase>("rfc3602.json", 8) {
        both_ways(&*key(CipherAlgorithm::AesCbc, &case.key).unwrap(), &case);
    }
}

// RFC 3686 6 (test)
#[test]
fn rfc_3686_aes_ctr() {
    for case in common::cases::<CipherCase>("rfc3686.json", 9) {
        both_ways(&*key(CipherAlgorithm::AesCtr, &case.key).unwrap(), &case);
    }
}

#[test]
fn nist_aes_cbc() {
    for case in common::cases::<CipherCase>("nist-aes-cbc.json", 546) {
        both_ways(&*key(CipherAlgorithm::AesCbc, &case.key).unwrap(), &case);
    }
}

/// NIST tests triple DES with three equal keys, which is single DES; a part of it with the weak key of zeros.
#[test]
fn nist_des_cbc_by_keys_that_triple_des_must_refuse() {
    let (mut answered, mut weak) = (0, 0);
    for case in common::cases::<CipherCase>("nist-tdes-cbc.json", 470) {
        assert_eq!(
            key(CipherAlgorithm::TripleDesCbc, &case.key).err(),
            Some(InvalidKey::Weak),
            "{}",
            case.name
        );
        match key(CipherAlgorithm::DesCbc, &case.key[..8]) {
            Ok(key) => {
                both_ways(&*key, &case);
                answered += 1;
            }
            Err(error) => {
                assert_eq!((error, &case.key[..8]), (InvalidKey::Weak, &[1; 8][..]), "{}", case.name);
                weak += 1;
            }
        }
    }
    assert_eq!((answered, weak), (NIST_DES, 470 - NIST_DES));
}

/// Cases of `nist-tdes-cbc.json` whose key is not `0101010101010101`.
const NIST_DES: usize = 214;

#[test]
fn openssl_ciphers() {
    let cases = common::openssl().ciphers;
    assert_eq!(cases.len(), 67);
    for case in &cases {
        both_ways(&*key(common::cipher_named(&case.algorithm), &case.key).unwrap(), case);
    }
}

/// The padding is the test's, not the cipher's: what Wycheproof calls invalid is invalid for its padding only.
#[test]
fn wycheproof_aes_cbc() {
    for case in common::cases::<CipherCase>("wycheproof-aes-cbc-pkcs5.json", 216) {
        let key = key(CipherAlgorithm::AesCbc, &case.key).unwrap();
        let mut data = case.cipher.to_vec();
        if key.decrypt(&case.iv, &mut data).is_err() {
            assert!(!case.valid && !data.len().is_multiple_of(16), "{}", case.name);
            continue;
        }
        let padding = usize::from(data.last().copied().unwrap_or(0));
        let well_padded = (1..=16).contains(&padding)
            && data.len() >= padding
            && data.iter().rev().take(padding).all(|octet| usize::from(*octet) == padding);
        let expected = if well_padded { &data[..data.len() - padding] } else { &[] };
        assert_eq!(well_padded && expected == &*case.plain, case.valid, "{}", case.name);
        key.encrypt(&case.iv, &mut data).unwrap();
        assert_eq!(data, *case.cipher, "{}", case.name);
    }
}

// RFC 2410 2 (test)
#[test]
fn null_changes_nothing_and_takes_no_key() {
    let cipher = key(CipherAlgorithm::Null, &[]).unwrap();
    let mut data = *b"as it is";
    cipher.encrypt(&[], &mut data).unwrap();
    cipher.decrypt(&[], &mut data).unwrap();
    assert_eq!(data, *b"as it is");
    assert_eq!(cipher.encrypt(&[0], &mut data), Err(InvalidLength));
    assert_eq!(key(CipherAlgorithm::Null, &[0]).err(), Some(InvalidKey::Length(1)));
}

// RFC 3686 4 (test): the counter has 32 bits, so that its end must not change the IV before it.
#[test]
fn the_counter_does_not_carry_into_the_iv() {
    let key = key(CipherAlgorithm::AesCtr, &[7; 16]).unwrap();
    let mut last_then_first = [0; 32];
    let end = [1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 0xff, 0xff, 0xff, 0xff];
    let refused = key.encrypt(&end, &mut last_then_first).is_err();
    let mut first = [0; 16];
    key.encrypt(&[1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 0, 0, 0, 0], &mut first).unwrap();
    assert!(refused || last_then_first[16..] == first, "the carry reached the IV");
}

proptest! {
    #[test]
    fn refusals_leave_the_data_alone(
        which in 0..5_usize,
        iv_len in 0..20_usize,
        data in prop::collection::vec(any::<u8>(), 0..70),
    ) {
        let cipher = default::provider().cipher(common::CIPHERS[which]).unwrap();
        let octets: Vec<u8> = (1..=32).collect();
        let key = cipher.key(&octets[..cipher.key_lengths()[0]]).unwrap();
        let mut changed = data.clone();
        let fits = iv_len == cipher.iv_len() && data.len().is_multiple_of(cipher.block_len());
        let iv = vec![9; iv_len];
        prop_assert_eq!(key.encrypt(&iv, &mut changed).is_ok(), fits);
        prop_assert_eq!(key.decrypt(&iv, &mut changed).is_ok(), fits);
        prop_assert_eq!(changed, data);
    }
    /// More pieces than are encrypted at once, of any length, some of them refused.
    #[test]
    fn batches_do_what_single_calls_do(
        which in 0..5_usize,
        pieces in prop::collection::vec((0..12_usize, any::<[u8; 16]>(), 0..10_u8), 0..40),
    ) {
        let cipher = default::provider().cipher(common::CIPHERS[which]).unwrap();
        let octets: Vec<u8> = (1..=32).collect();
        let key = cipher.key(&octets[..cipher.key_lengths()[0]]).unwrap();
        let mut batch: Vec<Vec<u8>> = pieces
            .iter()
            .map(|(blocks, iv, odd)| vec![iv[0]; blocks * cipher.block_len() + usize::from(*odd == 0)])
            .collect();
        let ivs: Vec<&[u8]> = pieces.iter().map(|(_, iv, odd)| if *odd == 1 { &[][..] } else { &iv[..cipher.iv_len()] }).collect();
        let plain = batch.clone();
        let mut single = batch.clone();
        let results: Vec<_> = single.iter_mut().zip(&ivs).map(|(data, iv)| key.encrypt(iv, data)).collect();

        let mut jobs: Vec<_> =
            batch.iter_mut().zip(&ivs).map(|(data, iv)| CipherJob { iv, data, result: Ok(()) }).collect();
        key.encrypt_each(&mut jobs);
        prop_assert_eq!(jobs.iter().map(|job| job.result).collect::<Vec<_>>(), results.clone());
        key.decrypt_each(&mut jobs);
        prop_assert_eq!(jobs.iter().map(|job| job.result).collect::<Vec<_>>(), results);
        drop(jobs);
        prop_assert_eq!(&batch, &plain);

        let mut jobs: Vec<_> =
            batch.iter_mut().zip(&ivs).map(|(data, iv)| CipherJob { iv, data, result: Ok(()) }).collect();
        key.encrypt_each(&mut jobs);
        prop_assert_eq!(batch, single);
    }
}
