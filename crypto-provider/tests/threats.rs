#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "a test may panic"
)]
//! Guards of docs/threats.md that stand in the provider.

mod common;

use std::collections::BTreeSet;

use common::PrimeCase;
use crypto_provider::default::SeededRandom;
use crypto_provider::{CipherAlgorithm, GroupId, InvalidKey, InvalidPublic, default};
use num_bigint::BigUint;

// RFC 6989 2.1 (test)
#[test]
fn t034_public_values_that_fix_the_secret_are_refused() {
    for case in common::cases::<PrimeCase>("modp-primes.json", 8) {
        let group = common::group(GroupId(case.group));
        let len = case.prime.len();
        let prime = BigUint::from_bytes_be(&case.prime);
        let octets = |value: &BigUint| {
            let octets = value.to_bytes_be();
            [vec![0; len - octets.len()], octets].concat()
        };
        let (zero, one) = (BigUint::ZERO, BigUint::from(1_u32));
        let last = BigUint::from_bytes_be(&vec![0xff; len]);
        for bad in [&zero, &one, &(&prime - &one), &prime, &(&prime + &one), &last] {
            assert_eq!(group.peer_public(&octets(bad)), Err(InvalidPublic::Element), "group {}", case.group);
        }
        let good = octets(&(&prime - 2_u32));
        assert!(group.peer_public(&good).is_ok());
        for (wrong, actual) in
            [([&[0][..], &good].concat(), len + 1), (good[1..].to_vec(), len - 1), (vec![], 0)]
        {
            assert_eq!(group.peer_public(&wrong), Err(InvalidPublic::Length { expected: len, actual }));
        }
    }
}

// RFC 6989 5 (test)
#[test]
fn t038_a_thousand_starts_have_a_thousand_exponents() {
    let random = SeededRandom::new(38);
    let group = common::group(GroupId::MODP_768);
    let publics: BTreeSet<Vec<u8>> =
        (0..1000).map(|_| group.start(&random).unwrap().public().to_vec()).collect();
    assert_eq!(publics.len(), 1000);
}

// RFC 2409 5 (test)
#[test]
fn t039_secrets_and_public_values_keep_their_leading_zeros() {
    let group = common::group(GroupId::MODP_768);
    let (mut secrets, mut publics, mut seed) = (0, 0, 0);
    while secrets == 0 || publics == 0 {
        let random = SeededRandom::new(seed);
        seed += 1;
        let (ours, theirs) = (group.start(&random).unwrap(), group.start(&random).unwrap());
        let our_public = group.peer_public(ours.public()).unwrap();
        let their_public = group.peer_public(theirs.public()).unwrap();
        let (one, other) = (ours.complete(&their_public).unwrap(), theirs.complete(&our_public).unwrap());
        assert_eq!(one.expose(), other.expose());
        assert_eq!((one.expose().len(), our_public.octets().len()), (96, 96));
        secrets += usize::from(one.expose()[0] == 0);
        publics += usize::from(our_public.octets()[0] == 0);
        assert!(seed < 20_000, "one in 256 should begin with a zero");
    }
}

// RFC 2409 Appendix A (test), with the keys of FIPS 74
#[test]
fn t040_weak_and_semi_weak_keys_are_refused_with_any_parity() {
    let cipher = default::provider().cipher(CipherAlgorithm::DesCbc).unwrap();
    for weak in WEAK {
        let octets: [u8; 8] = hex::decode(weak).unwrap().try_into().unwrap();
        for parity in 0..=0xff_u8 {
            let key: [u8; 8] = core::array::from_fn(|index| octets[index] ^ (parity >> index & 1));
            assert_eq!(cipher.key(&key).err(), Some(InvalidKey::Weak), "{weak}, parity {parity:02x}");
        }
        for bit in (0..64).filter(|bit| bit % 8 != 0) {
            let mut key = octets;
            key[bit / 8] ^= 1 << (bit % 8);
            assert!(cipher.key(&key).is_ok(), "{weak} with another bit {bit} is a key like any other");
        }
    }
}

/// What makes a pair of keys semi-weak, and a key that is its own partner weak: encrypting under one is
/// decrypting under the other. Seen through triple DES, which takes such keys if their neighbours differ:
/// encryption with (k, z, k) is then decryption with (k', z, k'), z being a weak key itself.
fn undo_each_other(key: &str, partner: &str) -> bool {
    let middle = if key == "0101010101010101" { "fefefefefefefefe" } else { "0101010101010101" };
    let cipher = default::provider().cipher(CipherAlgorithm::TripleDesCbc).unwrap();
    let schedule = |outer: &str| cipher.key(&hex::decode([outer, middle, outer].concat()).unwrap()).unwrap();
    [[0x5a; 8], [0; 8], *b"DES 1977"].into_iter().all(|block| {
        let (mut encrypted, mut decrypted) = (block, block);
        schedule(key).encrypt(&[0; 8], &mut encrypted).unwrap();
        schedule(partner).decrypt(&[0; 8], &mut decrypted).unwrap();
        encrypted == decrypted
    })
}

#[test]
fn t040_the_table_is_right_and_that_of_rfc_2409_is_not() {
    for weak in &WEAK[..4] {
        assert!(undo_each_other(weak, weak), "{weak}");
    }
    for pair in WEAK[4..].chunks(2) {
        assert!(undo_each_other(pair[0], pair[1]) && undo_each_other(pair[1], pair[0]), "{pair:?}");
        assert!(!undo_each_other(pair[0], pair[0]), "{pair:?}");
    }
    let cipher = default::provider().cipher(CipherAlgorithm::DesCbc).unwrap();
    for misprint in ["1f1f1f1fe0e0e0e0", "e0e0e0e01f1f1f1f"] {
        assert!(!undo_each_other(misprint, misprint), "{misprint}");
        assert!(cipher.key(&hex::decode(misprint).unwrap()).is_ok(), "{misprint}");
    }
}

// RFC 2451 2.3 (test)
#[test]
fn t040_triple_des_that_is_single_des_is_refused_with_any_parity() {
    let cipher = default::provider().cipher(CipherAlgorithm::TripleDesCbc).unwrap();
    let (a, b) = (*b"8 octets", *b"8 others");
    for parity in 0..=0xff_u8 {
        let same: [u8; 8] = core::array::from_fn(|index| a[index] ^ (parity >> index & 1));
        for equal in [[a, same, b], [b, a, same], [a, same, a]] {
            assert_eq!(cipher.key(&equal.concat()).err(), Some(InvalidKey::Weak), "parity {parity:02x}");
        }
        assert!(cipher.key(&[a, b, same].concat()).is_ok(), "two-key triple DES");
    }
    let weak = [[1; 8], a, [0xfe; 8]].concat();
    assert!(cipher.key(&weak).is_ok(), "weak keys among three need not be refused");
}

/// The four weak keys, then the semi-weak ones with their partners (FIPS 74).
const WEAK: [&str; 16] = [
    "0101010101010101",
    "fefefefefefefefe",
    "e0e0e0e0f1f1f1f1",
    "1f1f1f1f0e0e0e0e",
    "01fe01fe01fe01fe",
    "fe01fe01fe01fe01",
    "1fe01fe00ef10ef1",
    "e01fe01ff10ef10e",
    "01e001e001f101f1",
    "e001e001f101f101",
    "1ffe1ffe0efe0efe",
    "fe1ffe1ffe0efe0e",
    "011f011f010e010e",
    "1f011f010e010e01",
    "e0fee0fef1fef1fe",
    "fee0fee0fef1fef1",
];
