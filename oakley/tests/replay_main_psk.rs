//! A recorded negotiation with a real responder, repeated by an engine as initiator.
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
use common::sources::main_psk;
use oakley::{Direction, Event, Role, SelectorPair};

/// RFC 2409 5, 5.5, Appendix B (test): each message that leaves is the recorded one, each recorded answer is accepted, and
/// every key, IV and HASH is the recorded one, with the recorded inputs.
#[test]
fn the_initiator_says_what_was_recorded() {
    let recording = main_psk();
    let mut replay = Replay::new(&recording, Role::Initiator);
    replay.run();
    replay.assert_clean();
    replay.assert_result();
}

/// The responder answered 0.0.0.0/0 to 0.0.0.0/0 with its own idea of the flow: that is what is protected.
#[test]
fn the_narrowed_flow_is_installed() {
    let recording = main_psk();
    let mut replay = Replay::new(&recording, Role::Initiator);
    replay.run();
    let range = |first: &str, last: &str| first.parse().unwrap()..=last.parse().unwrap();
    let check = |selectors: &SelectorPair| {
        assert_eq!(selectors.local.addresses, range("10.0.3.1", "10.0.3.1"));
        assert_eq!(selectors.remote.addresses, range("10.1.0.0", "10.1.0.255"));
    };
    let directions: Vec<Direction> = replay.installed.iter().map(|sa| sa.direction).collect();
    assert_eq!(directions, [Direction::Inbound, Direction::Outbound]);
    replay.installed.iter().for_each(|installation| check(&installation.selectors));
    let established = replay.events.iter().find_map(|event| match event {
        Event::Established(bundle) => Some(bundle),
        _ => None,
    });
    check(&established.unwrap().selectors);
}

/// T067: a peer without that habit must not change the identities.
#[test]
fn t067_a_narrowed_answer_is_refused_unless_the_peer_is_known_for_it() {
    let mut recording = main_psk();
    recording.setting.narrowed_identities = false;
    let mut replay = Replay::at(&recording, Role::Initiator, 7);
    replay.deliver(&recording.messages[7].datagram);
    assert!(replay.installed.is_empty());
    assert!(replay.engine.snapshot().bundles.is_empty());
}
