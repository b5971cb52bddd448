#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "a test may panic"
)]
//! ECP groups against RFC 5903 and Wycheproof.

mod common;

use common::{ExchangeCase, PointCase, Scripted};
use crypto_provider::{CryptoError, GroupId, InvalidPublic, PeerPublic, RandomFailed, default};

const GROUPS: [(GroupId, usize); 3] =
    [(GroupId::ECP_256, 32), (GroupId::ECP_384, 48), (GroupId::ECP_521, 66)];

// RFC 5903 7, 9 (test): x | y with leading zeros, the secret is x alone.
#[test]
fn the_exchanges_of_rfc_5903() {
    for case in common::cases::<ExchangeCase>("rfc5903.json", 6) {
        let group = common::group(GroupId(case.group));
        let key = group.start(&Scripted::new([case.private.to_vec()])).unwrap();
        assert_eq!(key.public(), &*case.public, "{}", case.name);
        let peer = group.peer_public(&case.peer).unwrap();
        assert_eq!(key.complete(&peer).unwrap().expose(), &*case.shared, "{}", case.name);
    }
}

/// T035: points off the curve, of the twist and in other forms are refused; edge cases of the arithmetic hold.
#[test]
fn t035_wycheproof() {
    for ((id, coordinate), (file, number)) in GROUPS.into_iter().zip([
        ("wycheproof-ecdh-256.json", 168),
        ("wycheproof-ecdh-384.json", 206),
        ("wycheproof-ecdh-521.json", 185),
    ]) {
        let group = common::group(id);
        let (mut valid, mut refused) = (0, 0);
        for case in common::cases::<PointCase>(file, number) {
            assert_eq!(case.group, id.0);
            // SEC 1's uncompressed form is ours behind its first octet, which is 4.
            let Some((4, public)) = case.public.split_first().map(|(form, rest)| (*form, rest)) else {
                assert!(!case.valid, "{}", case.name);
                continue;
            };
            match group.peer_public(public) {
                Ok(peer) => {
                    assert!(case.valid, "{}", case.name);
                    let key = group.start(&Scripted::new([case.private.to_vec()])).unwrap();
                    assert_eq!(key.complete(&peer).unwrap().expose(), &*case.shared, "{}", case.name);
                    valid += 1;
                }
                Err(error) => {
                    assert!(!case.valid, "{}: {error}", case.name);
                    let wrong_length = public.len() != 2 * coordinate;
                    assert_eq!(matches!(error, InvalidPublic::Length { .. }), wrong_length, "{}", case.name);
                    refused += 1;
                }
            }
        }
        assert!(valid > 100 && refused >= 16, "{id}: {valid} accepted, {refused} refused");
    }
}

#[test]
fn a_scalar_is_below_the_order_or_drawn_again() {
    for (id, len) in GROUPS {
        let group = common::group(id);
        let usable = [vec![0; len - 1], vec![7]].concat();
        // Zero and numbers of the order and above are drawn again, a few times.
        let key = group.start(&Scripted::new([vec![0; len], vec![0xff; len], usable.clone()])).unwrap();
        assert_eq!(key.public(), group.start(&Scripted::new([usable])).unwrap().public());
        let zeros = group.start(&Scripted::new(vec![vec![0; len]; 10])).err();
        assert_eq!(zeros, Some(CryptoError::Random(RandomFailed)));
        let failing = group.start(&Scripted::new([])).err();
        assert_eq!(failing, Some(CryptoError::Random(RandomFailed)));
    }
}

/// T034: a value of one curve is none of another, and what somebody else has checked is checked again.
#[test]
fn t034_values_of_other_groups_are_refused_before_any_arithmetic() {
    let provider = default::provider();
    let random = &*provider.random;
    for (id, len) in GROUPS {
        let group = common::group(id);
        let public = group.start(random).unwrap().public().to_vec();
        assert_eq!(public.len(), 2 * len);
        for (other, _) in GROUPS.into_iter().filter(|(other, _)| *other != id) {
            assert!(matches!(
                common::group(other).peer_public(&public),
                Err(InvalidPublic::Length { actual, .. }) if actual == 2 * len
            ));
            let peer = PeerPublic::checked(other, &public);
            assert_eq!(group.start(random).unwrap().complete(&peer).err(), Some(CryptoError::Unsupported));
        }
        for wrong in [vec![0; 2 * len], vec![1; 2 * len], Vec::new()] {
            let peer = PeerPublic::checked(id, &wrong);
            assert_eq!(group.start(random).unwrap().agree(&peer).err(), Some(CryptoError::Unsupported));
        }
    }
}
