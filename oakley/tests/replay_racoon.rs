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

use common::replay::Replay;
use common::sources::racoon;
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
