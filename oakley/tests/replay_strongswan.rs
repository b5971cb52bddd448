//! Recorded negotiations between two strongSwans, repeated by an engine in either place. Their exponents are not known, but
//! what came out of them is.
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
use common::sources::{AGGRESSIVE_PRE_SHARED, MAIN_PRE_SHARED, strongswan};
use oakley::Role;

fn repeat(name: &'static str, role: Role) {
    let recording = strongswan(name);
    let mut replay = Replay::new(&recording, role);
    replay.run();
    replay.assert_clean();
    replay.assert_result();
}

/// RFC 2409 5, 5.5 (test): every suite, AH and ESP, tunnel and transport, IPv4 and IPv6, combined ciphers, PFS.
#[test]
fn main_mode_as_initiator() {
    MAIN_PRE_SHARED.iter().for_each(|name| repeat(name, Role::Initiator));
}

#[test]
fn main_mode_as_responder() {
    MAIN_PRE_SHARED.iter().for_each(|name| repeat(name, Role::Responder));
}

/// The responder's second message has its payloads in an order of its own; its HASH is checked here and not repeated.
#[test]
fn aggressive_mode_as_initiator() {
    repeat(AGGRESSIVE_PRE_SHARED, Role::Initiator);
}
