//! Every octet of every recorded answer is altered before the genuine one comes.
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

use common::formulas::block_len;
use common::recording::Recording;
use common::replay::Replay;
use common::sources::{main_psk, racoon};
use isakmp_wire::PayloadKind;
use oakley::{Direction, Event, Installation, Role};

/// What one altered message led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Refused: the engine is where it was.
    Refused,
    /// Worked on, and no SA came of it, whatever genuine messages followed.
    Nothing,
    /// Nothing was altered that counts: the SAs are the recorded ones.
    Same,
}

/// How often, or at which offsets, each fate was met.
#[derive(Default)]
struct Tally {
    refused: usize,
    nothing: Vec<usize>,
    same: Vec<usize>,
}

fn accepted(event: &Event) -> bool {
    matches!(
        event,
        Event::Authenticated { .. } | Event::Established(_) | Event::Notified { protected: true, .. }
    )
}

/// Delivers `octets` in the place of message `index`, into an engine that waits for that.
fn alter(replay: &mut Replay<'_>, octets: &[u8]) -> Fate {
    let recording = replay.recording;
    let (state, events, installed) = (replay.state(), replay.events.len(), replay.installed.len());
    let answers = replay.deliver(octets);
    let acted =
        answers > 0 || replay.installed.len() > installed || replay.events[events..].iter().any(accepted);
    if !acted {
        assert_eq!(replay.state(), state, "refused, and yet something changed");
        return Fate::Refused;
    }
    // All that the genuine peer says from here on.
    replay.skip();
    let before = replay.done();
    let role = replay.role;
    for message in recording.messages[before..].iter().filter(|message| message.from != role) {
        replay.deliver(&message.datagram);
    }
    if replay.events.iter().any(|event| matches!(event, Event::Established(_))) {
        replay.assert_result();
        return Fate::Same;
    }
    let outbound = |installation: &Installation| installation.direction == Direction::Outbound;
    assert!(!replay.installed.iter().any(outbound), "no SA, and yet packets would leave");
    Fate::Nothing
}

/// Alters message `index`, the peer's, in every octet by each of `masks`, one at a time.
fn alter_each(recording: &Recording, role: Role, index: usize, masks: &[u8]) -> Tally {
    let genuine = &recording.messages[index].datagram;
    let mut tally = Tally::default();
    let mut replay = Replay::at(recording, role, index);
    for at in 0..genuine.len() {
        for mask in masks {
            let mut octets = genuine.to_vec();
            octets[at] ^= mask;
            match alter(&mut replay, &octets) {
                Fate::Refused => {
                    tally.refused += 1;
                    continue;
                }
                Fate::Nothing => tally.nothing.push(at),
                Fate::Same => tally.same.push(at),
            }
            replay = Replay::at(recording, role, index);
        }
    }
    // One engine has seen everything that it refused, and goes on as if it had not.
    replay.run();
    replay.assert_result();
    tally
}

/// Octets of an encrypted message that no HASH covers and that may be altered unnoticed: minor version, flags other than
/// encryption, and blocks that hold padding alone. RFC 2409 leaves it so; the last block is the next message's IV, so
/// altering that one is felt by the next message.
fn unprotected(recording: &Recording, index: usize) -> Vec<usize> {
    let message = &recording.messages[index];
    let block = block_len(recording.suite.cipher);
    let blocks = message.message.padding().len() / block;
    let len = message.datagram.len();
    [17, 19].into_iter().chain(len - blocks * block..len).collect()
}

const BITS: [u8; 8] = [1, 2, 4, 8, 16, 32, 64, 128];

/// T022: messages 2, 3 and 4 travel in clear. Most alterations are refused, and the genuine message is then accepted. What
/// cannot be told from a genuine message (another cookie, nonce, public value) leads nowhere: the proofs do not hold.
#[test]
fn t022_altered_clear_answers() {
    let recording = main_psk();
    // The tail of message 2 is VENDOR payloads, of message 4 a nonce.
    for index in [1, 3] {
        let tally = alter_each(&recording, Role::Initiator, index, &[0x01, 0xff]);
        assert!(tally.refused > 0 && !tally.nothing.is_empty(), "message {}", index + 1);
        check_went_on(&recording, index, &tally);
    }
    let recording = racoon(Role::Responder);
    let tally = alter_each(&recording, Role::Responder, 2, &[0x01, 0xff]);
    assert!(tally.refused > 0 && !tally.nothing.is_empty());
    check_went_on(&recording, 2, &tally);
}

/// What may be altered in a clear message: without harm VENDOR payloads, Next Payload and RESERVED fields and the numbers of
/// the one proposal and the one transform of an answer; in vain the contents of KE and nonce, and CKY-R where it is new.
fn check_went_on(recording: &Recording, index: usize, tally: &Tally) {
    // RFC 2408 3.4 to 3.6 (test): RESERVED of proposal and transform, Proposal #, Transform #, RESERVED2.
    let in_sa = [13, 16, 21, 24, 26, 27];
    let payloads = recording.messages[index].message.payloads();
    for at in &tally.same {
        let payload =
            payloads.iter().find(|payload| payload.span().contains(at)).expect("no field of the header");
        let offset = at - payload.span().start;
        let harmless = payload.kind() == PayloadKind::VENDOR_ID
            || offset <= 1
            || payload.kind() == PayloadKind::SA && in_sa.contains(&offset);
        assert!(harmless, "message {}: octet {offset} of {}", index + 1, payload.kind());
    }
    for at in &tally.nothing {
        let payload = payloads.iter().find(|payload| payload.span().contains(at));
        let vain = match payload {
            Some(payload) => {
                matches!(payload.kind(), PayloadKind::KEY_EXCHANGE | PayloadKind::NONCE)
                    && at - payload.span().start >= 4
            }
            None => index == 1 && (8..16).contains(at),
        };
        assert!(vain, "message {}: octet {at}", index + 1);
    }
}

/// T023: messages 5 and 6 and the Quick Mode are encrypted. No bit can be altered that counts.
#[test]
fn t023_altered_proofs() {
    let cases = [
        (main_psk(), Role::Initiator),
        (racoon(Role::Initiator), Role::Initiator),
        (racoon(Role::Responder), Role::Responder),
    ];
    for (recording, role) in &cases {
        for (index, message) in recording.messages.iter().enumerate() {
            if message.from == *role || message.iv.is_none() {
                continue;
            }
            let tally = alter_each(recording, *role, index, &BITS);
            let what = format!("{} as {role:?}, message {}", recording.name, index + 1);
            let unprotected = unprotected(recording, index);
            let went_on = tally.nothing.iter().chain(&tally.same);
            assert!(
                went_on.clone().all(|at| unprotected.contains(at)),
                "{what}: {:?}",
                went_on.collect::<Vec<_>>()
            );
            assert!(tally.refused >= 8 * (message.datagram.len() - unprotected.len()), "{what}");
        }
    }
}
