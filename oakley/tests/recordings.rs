//! Every message of the recordings, decrypted, written again and recomputed from the shared secrets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation,
    missing_docs,
    unreachable_pub,
    reason = "a test may panic"
)]

mod common;

use std::collections::BTreeSet;

use common::capture::{Frame, frames};
use common::octets;
use common::recording::{Recording, other, side};
use common::scripted::{Secret, power, prime};
use common::sources::{
    AGGRESSIVE_PRE_SHARED, MAIN_PRE_SHARED, MAIN_SIGNATURE, RACOON, main_psk, racoon, strongswan,
};
use crypto_provider::GroupId;
use crypto_provider::default::provider;
use num_bigint::BigUint;
use oakley::Role;

const ROLES: [Role; 2] = [Role::Initiator, Role::Responder];

#[test]
fn main_mode_with_pre_shared_keys() {
    for name in MAIN_PRE_SHARED {
        let recording = strongswan(name);
        assert_eq!(recording.messages.len(), 9, "{name}");
        recording.verify();
    }
}

#[test]
fn a_real_responder() {
    let recording = main_psk();
    assert_eq!(recording.messages.len(), 9);
    recording.verify();
    verify_exponent(&recording, Role::Initiator);
}

#[test]
fn racoons_with_ah_and_esp() {
    for logger in ROLES {
        let recording = racoon(logger);
        // Six of Main Mode, an INITIAL-CONTACT from each side, three of Quick Mode.
        assert_eq!(recording.messages.len(), 11);
        assert_eq!(recording.sas.len(), 4);
        recording.verify();
        for role in ROLES {
            verify_exponent(&recording, role);
        }
    }
}

#[test]
fn aggressive_mode_with_a_pre_shared_key() {
    let recording = strongswan(AGGRESSIVE_PRE_SHARED);
    assert_eq!(recording.messages.len(), 6);
    recording.verify();
}

/// All but the signatures themselves.
#[test]
fn main_mode_with_signatures() {
    strongswan(MAIN_SIGNATURE).verify();
}

/// Each folder that is checked in is one of those above, and each frame in it is a message that was verified, a message
/// that came again, or not IKE's.
#[test]
fn no_recording_and_no_message_is_left_out() {
    let folder = format!("{}/tests/data/recordings", env!("CARGO_MANIFEST_DIR"));
    let entries = std::fs::read_dir(folder).unwrap();
    let mut found: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    found.sort();
    let mut named = [MAIN_PRE_SHARED, &[AGGRESSIVE_PRE_SHARED, MAIN_SIGNATURE, RACOON]].concat();
    named.sort_unstable();
    assert_eq!(found, named);
    for name in named {
        let recording = if name == RACOON { racoon(Role::Initiator) } else { strongswan(name) };
        let mut protected = 0;
        for frame in frames(&octets(&format!("recordings/{name}/capture.pcap"))) {
            match frame {
                Frame::Ike(datagram) => {
                    let known = recording.messages.iter().any(|message| message.datagram == datagram.octets);
                    assert!(known, "{name}: {:02x?}", datagram.octets);
                }
                Frame::Protected => protected += 1,
                Frame::Around => {}
            }
        }
        assert!(protected >= 8, "{name}: {protected} packets");
    }
}

/// What the peers sent as public values are elements of their groups for the provider, in every group that it has: numbers
/// of the right size, points on the curve.
#[test]
fn public_values_are_elements_of_their_groups() {
    let mut met = BTreeSet::new();
    for name in MAIN_PRE_SHARED {
        let recording = strongswan(name);
        let Some(group) = provider().group(recording.suite.group) else { continue };
        met.insert(group.id().0);
        for role in ROLES {
            let mut public = recording.public(role);
            assert_eq!(group.public_len(), public.len(), "{name}");
            assert!(group.peer_public(&public).is_ok(), "{name}");
            assert!(group.peer_public(&public[1..]).is_err(), "{name}");
            if group.id() >= GroupId::ECP_256 {
                *public.last_mut().unwrap() ^= 1;
                assert!(group.peer_public(&public).is_err(), "{name}: a point beside the curve");
            }
        }
    }
    assert!(met.is_superset(&BTreeSet::from([1, 2, 5, 14])), "{met:?}");
}

/// A recorded private value gives the recorded public value and shared secret.
fn verify_exponent(recording: &Recording, role: Role) {
    let Secret::Private(x) = &recording.exponents[side(role)] else { panic!("a private value") };
    let prime = prime(recording.suite.group);
    let (mine, theirs) = (recording.public(role), recording.public(other(role)));
    assert_eq!(power(&BigUint::from(2u8), x, &prime, mine.len()), mine);
    assert_eq!(power(&BigUint::from_bytes_be(&theirs), x, &prime, mine.len()), recording.secrets.g_xy);
}
