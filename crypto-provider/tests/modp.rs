#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "a test may panic"
)]
//! MODP groups against printed primes, recorded exchanges and num-bigint.

mod common;

use common::{ExchangeCase, PrimeCase, Scripted};
use crypto_provider::{CryptoError, DhGroup, GroupId, InvalidPublic, PeerPublic, RandomFailed, default};
use num_bigint::BigUint;
use proptest::prelude::*;

/// Octets of an exponent, RFC 3526 8 (test): twice the higher estimate of each group's strength, and no less.
const EXPONENTS: [(GroupId, usize); 8] = [
    (GroupId::MODP_768, 32),
    (GroupId::MODP_1024, 32),
    (GroupId::MODP_1536, 32),
    (GroupId::MODP_2048, 40),
    (GroupId::MODP_3072, 56),
    (GroupId::MODP_4096, 64),
    (GroupId::MODP_6144, 72),
    (GroupId::MODP_8192, 80),
];

fn primes() -> Vec<PrimeCase> {
    common::cases("modp-primes.json", 8)
}

fn prime(id: GroupId) -> BigUint {
    let case = primes().into_iter().find(|case| case.group == id.0).unwrap();
    BigUint::from_bytes_be(&case.prime)
}

fn padded(number: &BigUint, len: usize) -> Vec<u8> {
    let octets = number.to_bytes_be();
    [vec![0; len - octets.len()], octets].concat()
}

// RFC 2409 6.1, 6.2, RFC 3526 2 to 7 (test): which values are refused tells which prime the group has.
#[test]
fn the_primes_are_those_of_the_rfcs() {
    for case in primes() {
        let group = common::group(GroupId(case.group));
        assert_eq!(group.id(), GroupId(case.group));
        assert_eq!(group.public_len() * 8, case.bits);
        let prime = BigUint::from_bytes_be(&case.prime);
        assert_eq!((prime.bits(), case.generator), (case.bits as u64, 2));
        let check = |value: BigUint| group.peer_public(&padded(&value, case.bits / 8));
        assert!(check(&prime - 2_u32).is_ok());
        for refused in [&prime - 1_u32, prime.clone(), &prime + 1_u32, BigUint::ZERO, BigUint::from(1_u32)] {
            assert_eq!(check(refused), Err(InvalidPublic::Element));
        }
    }
}

/// Exponents that other daemons drew, where they are as long as ours.
#[test]
fn exchanges_of_other_daemons_repeat() {
    let mut repeated = 0;
    for case in common::cases::<ExchangeCase>("modp-exchanges.json", 19) {
        let len = EXPONENTS.iter().find(|(id, _)| id.0 == case.group).unwrap().1;
        if case.private.len() != len {
            continue;
        }
        let group = common::group(GroupId(case.group));
        let ours = group.start(&Scripted::new([case.private.to_vec()])).unwrap();
        assert_eq!(ours.public(), &*case.public, "{}", case.name);
        let shared = ours.complete(&group.peer_public(&case.peer).unwrap()).unwrap();
        assert_eq!(shared.expose(), &*case.shared, "{}", case.name);
        repeated += 1;
    }
    assert_eq!(repeated, 8, "groups 1, 2, 5 and 16, from both sides");
}

fn against_the_oracle(group: &dyn DhGroup, exponent: &[u8], peer: &BigUint) {
    let (prime, len) = (prime(group.id()), group.public_len());
    let number = BigUint::from_bytes_be(exponent);
    let ours = group.start(&Scripted::new([exponent.to_vec()])).unwrap();
    let public = BigUint::from(2_u32).modpow(&number, &prime);
    assert_eq!(ours.public(), padded(&public, len));
    let shared = ours.complete(&group.peer_public(&padded(peer, len)).unwrap()).unwrap();
    assert_eq!(shared.expose(), padded(&peer.modpow(&number, &prime), len));
}

#[test]
fn exponents_at_their_bounds() {
    for (id, len) in EXPONENTS {
        let group = common::group(id);
        let mut low = vec![0; len];
        low[len - 1] = 2;
        let mut high = vec![0; len];
        high[0] = 0x80;
        for exponent in [low, high, vec![0xff; len]] {
            against_the_oracle(group, &exponent, &(prime(id) - 2_u32));
            against_the_oracle(group, &exponent, &BigUint::from(2_u32));
            against_the_oracle(group, &exponent, &(prime(id) >> 1_u32));
        }
    }
}

fn oracle(which: usize, exponent: &[u8], peer: &[u8]) {
    let (id, len) = EXPONENTS[which];
    let span = prime(id) - 3_u32;
    let peer = BigUint::from_bytes_be(peer) % span + 2_u32;
    against_the_oracle(common::group(id), &exponent[..len], &peer);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn small_groups_agree_with_num_bigint(
        which in 0..4_usize,
        exponent in prop::collection::vec(any::<u8>(), 80),
        peer in prop::collection::vec(any::<u8>(), 300),
    ) {
        oracle(which, &exponent, &peer);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn large_groups_agree_with_num_bigint(
        which in 4..8_usize,
        exponent in prop::collection::vec(any::<u8>(), 80),
        peer in prop::collection::vec(any::<u8>(), 1100),
    ) {
        oracle(which, &exponent, &peer);
    }
}

#[test]
fn a_source_that_fails_or_yields_zeros_makes_no_key() {
    for (id, len) in EXPONENTS {
        let failed = CryptoError::Random(RandomFailed);
        assert_eq!(common::group(id).start(&Scripted::new([])).err(), Some(failed));
        assert_eq!(common::group(id).start(&Scripted::new([vec![0; len]])).err(), Some(failed));
    }
}

#[test]
fn a_public_value_belongs_to_its_group() {
    let random = &*default::provider().random;
    let (one, two) = (common::group(GroupId::MODP_768), common::group(GroupId::MODP_1024));
    let of_two = two.peer_public(two.start(random).unwrap().public()).unwrap();
    assert_eq!(one.start(random).unwrap().complete(&of_two).err(), Some(CryptoError::Unsupported));

    // Values that only claim to be checked.
    let len = one.public_len();
    for forged in [vec![0; len], vec![0xff; len], vec![7; len - 1], vec![7; len + 1], Vec::new()] {
        let forged = PeerPublic::checked(GroupId::MODP_768, &forged);
        assert_eq!(one.start(random).unwrap().complete(&forged).err(), Some(CryptoError::Unsupported));
    }
}
