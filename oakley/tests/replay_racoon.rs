//! A recorded negotiation between two racoons, AH and ESP in one proposal, repeated by an engine in either place.
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

use common::formulas::{encrypt, prf};
use common::recording::Recording;
use common::replay::Replay;
use common::sources::racoon;
use isakmp_wire::payload::{HashData, Identification};
use isakmp_wire::{EncryptedMessage, Payload, encode_chain};
use oakley::{Direction, Role};

fn repeat(role: Role) {
    let recording = racoon(role);
    let mut replay = Replay::new(&recording, role);
    replay.run();
    replay.assert_clean();
    replay.assert_result();
}

/// RFC 2409 5, 5.5, 5.7 (test): every message, INITIAL-CONTACT included, and everything that the racoon logged.
#[test]
fn the_initiator_says_what_was_recorded() {
    repeat(Role::Initiator);
}

#[test]
fn the_responder_says_what_was_recorded() {
    repeat(Role::Responder);
}

/// RFC 4301 4.5.2 (test): who chose an SPI can receive under it before the message leaves that lets the peer use it.
#[test]
fn inbound_sas_are_installed_first() {
    let recording = racoon(Role::Responder);
    let mut responder = Replay::at(&recording, Role::Responder, 10);
    assert_eq!(directions(&responder), [Direction::Inbound]);
    responder.run();
    assert_eq!(directions(&responder), [Direction::Inbound, Direction::Outbound]);
    let initiator = Replay::at(&recording, Role::Initiator, 10);
    assert_eq!(directions(&initiator), [Direction::Inbound, Direction::Outbound]);
}

fn directions(replay: &Replay<'_>) -> Vec<Direction> {
    replay.installed.iter().map(|installation| installation.direction).collect()
}

/// The recorded second message of the Quick Mode as its sender would have made it with another IDcr.
fn answer_with(recording: &Recording, net_and_mask: [u8; 8]) -> Vec<u8> {
    let recorded = &recording.messages[9];
    let mut payloads = recorded.message.payloads()[1..].to_vec();
    let last = payloads.last_mut().unwrap();
    let idcr = last.get::<Identification>().unwrap().clone();
    *last = Payload::new(Identification { data: net_and_mask.to_vec().into(), ..idcr });
    let rest = encode_chain(&payloads);
    let id = recorded.header().message_id.0.to_be_bytes();
    let [ni, _] = recording.quick_nonces();
    let octets = prf(recording.hash(), &recording.secrets.skeyid_a, &[&id, &ni, &rest]).into();
    payloads.insert(0, Payload::new(HashData { octets }));
    let plaintext = [&encode_chain(&payloads)[..], recorded.message.padding()].concat();
    let (cipher, iv) = (recording.suite.cipher, recorded.iv.as_ref().unwrap());
    let ciphertext = encrypt(cipher, &recording.secrets.ka, iv, &plaintext);
    EncryptedMessage::encode(*recorded.header(), &ciphertext).to_vec()
}

/// T067: even a peer that is known to narrow identities must not widen or move them.
#[test]
fn t067_an_answer_may_be_narrower_and_never_wider() {
    let mut recording = racoon(Role::Initiator);
    recording.setting.narrowed_identities = true;
    let installed = |net_and_mask| {
        let mut replay = Replay::at(&recording, Role::Initiator, 9);
        replay.deliver(&answer_with(&recording, net_and_mask));
        replay.installed.into_iter().map(|installation| installation.selectors.remote).collect::<Vec<_>>()
    };
    let narrowed = installed([10, 2, 0, 128, 255, 255, 255, 128]);
    let range = "10.2.0.128".parse().unwrap()..="10.2.0.255".parse().unwrap();
    assert!(narrowed.len() == 2 && narrowed.iter().all(|remote| remote.addresses == range), "{narrowed:?}");
    assert!(installed([10, 2, 0, 0, 255, 255, 0, 0]).is_empty(), "wider");
    assert!(installed([10, 3, 0, 0, 255, 255, 255, 0]).is_empty(), "elsewhere");
    assert!(installed([0; 8]).is_empty(), "everything");
}
