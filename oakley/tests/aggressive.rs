//! Aggressive Mode with pre-shared keys, both roles.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "a test may panic"
)]

mod pair;

use core::time::Duration;

use crypto_provider::{CipherAlgorithm, GroupId, HashAlgorithm};
use netsim::{Chance, Direction as Way, Link, Verdict};
use oakley::*;
use pair::*;

fn aggressive(policy: Policy) -> Policy {
    Policy { aggressive: true, ..policy }
}

fn plain(seed: u64) -> Pair {
    Pair::new(
        seed,
        aggressive(policy(1, 2)),
        aggressive(policy(2, 1)),
        Link::new().delay(Duration::from_millis(10)),
    )
}

#[test]
fn three_messages_and_a_quick_mode() {
    let mut pair = plain(1);
    pair.initiate();
    pair.run(5);
    for host in [pair.a(), pair.b()] {
        assert_eq!(host.ready(), 1);
        assert_eq!(host.established().len(), 1);
        assert!(host.rejects().is_empty(), "{:?}", host.rejects());
    }
    pair.assert_agreement();
    assert_eq!(pair.a().sent.len() + pair.b().sent.len(), 6);
    // The third message is encrypted.
    assert_eq!(pair.a().sent[1][19] & 1, 1);
    // T030: what this mode gives away is reported.
    assert!(pair.b().events.iter().any(|event| matches!(event, Event::AggressivePreShared { .. })));
}

#[test]
fn the_third_message_may_come_in_clear() {
    let mut clear = silent();
    clear.aggressive_proof_in_clear = true;
    let a = Policy { quirks: clear, ..aggressive(policy(1, 2)) };
    let mut pair = Pair::new(2, a, aggressive(policy(2, 1)), Link::new());
    pair.initiate();
    pair.run(5);
    assert_eq!(pair.a().sent[1][19] & 1, 0);
    assert_eq!(pair.b().established().len(), 1);
    pair.assert_agreement();
}

#[test]
fn keys_and_policies_by_name() {
    let name = |text: &str| Identity::Fqdn(text.into());
    let a = Policy {
        identity: name("wan2516.example.com"),
        peer_identity: PeerIdentity::OneOf(vec![name("wan2511.example.com")]),
        named_keys: vec![(name("wan2511.example.com"), b"by name".to_vec())],
        ..aggressive(policy(1, 2))
    };
    let b = |key_of: &str| Policy {
        identity: name("wan2511.example.com"),
        peer_identity: PeerIdentity::OneOf(vec![name("wan2516.example.com")]),
        named_keys: vec![(name(key_of), b"by name".to_vec())],
        ..aggressive(policy(2, 1))
    };
    let mut pair = Pair::new(3, a.clone(), b("wan2516.example.com"), Link::new());
    pair.initiate();
    pair.run(5);
    assert_eq!(pair.b().established().len(), 1);
    pair.assert_agreement();
    // The document's wrong hostname: no key of that name, no answer, no SA.
    let mut pair = Pair::new(4, a, b("wan-2516.example.com"), Link::new());
    pair.initiate();
    pair.run(600);
    assert!(pair.b().sent.is_empty());
    let no_key = Reject::Incompatible(Incompatibility::NoKey(Some(name("wan2516.example.com"))));
    assert!(!pair.b().rejects().is_empty() && pair.b().rejects().iter().all(|why| *why == no_key));
    assert!(pair.a().failures().contains(&Abort::TimedOut));
}

#[test]
fn only_one_group_is_offered() {
    let suites = vec![
        Phase1Suite { group: GroupId::MODP_1024, ..suite() },
        Phase1Suite { priority: 2, ..suite() },
        Phase1Suite { priority: 3, group: GroupId::MODP_1024, hash: HashAlgorithm::Md5, ..suite() },
    ];
    let b = Policy {
        suites: vec![Phase1Suite { group: GroupId::MODP_1024, hash: HashAlgorithm::Md5, ..suite() }],
        ..policy(2, 1)
    };
    let mut pair = Pair::new(5, Policy { suites, ..aggressive(policy(1, 2)) }, aggressive(b), Link::new());
    pair.initiate();
    pair.run(5);
    assert_eq!(pair.b().established().len(), 1);
    let compared =
        pair.b().events.iter().filter(|event| matches!(event, Event::ComparedPhase1 { .. })).count();
    assert_eq!(compared, 2);
}

#[test]
fn every_cipher_in_both_roles() {
    for (cipher, key_len) in [(CipherAlgorithm::TripleDesCbc, 24), (CipherAlgorithm::AesCbc, 32)] {
        for hash in [HashAlgorithm::Md5, HashAlgorithm::Sha256] {
            let with = |policy| {
                aggressive(Policy {
                    suites: vec![Phase1Suite { cipher, key_len, hash, ..suite() }],
                    ..policy
                })
            };
            let mut pair = Pair::new(6, with(policy(1, 2)), with(policy(2, 1)), Link::new());
            pair.initiate();
            pair.run(5);
            assert_eq!(pair.b().established().len(), 1);
            pair.assert_agreement();
        }
    }
}

#[test]
fn bad_networks_delay_and_do_not_prevent() {
    for seed in 0..60 {
        let link = Link::new()
            .delay(Duration::from_millis(20))
            .loss(Chance::percent(20))
            .duplicate(Chance::percent(20))
            .reorder(Chance::percent(20), Duration::from_millis(300));
        let mut config = Config::default();
        config.max_sends = 12;
        config.half_open_life = Duration::from_secs(10_000);
        config.retransmit_after = Duration::from_millis(500);
        let policies = (aggressive(policy(1, 2)), aggressive(policy(2, 1)));
        let mut pair = Pair::with_config(seed, policies, link, &config);
        pair.initiate();
        pair.run(3000);
        assert_eq!(pair.a().established().len(), 1, "seed {seed}");
        assert_eq!(pair.b().established().len(), 1, "seed {seed}");
        pair.assert_agreement();
    }
}

#[test]
fn a_lost_third_message_comes_again_before_the_quick_mode() {
    let mut pair = plain(7);
    let mut count = 0;
    pair.network.set_filter(pair.wire, move |_, way, _| {
        count += usize::from(way == Way::AToB);
        // The second message of the initiator is the third of the exchange.
        if way == Way::AToB && count == 2 { Verdict::Drop } else { Verdict::Pass }
    });
    pair.initiate();
    pair.run(30);
    assert_eq!(pair.b().established().len(), 1);
    assert_eq!(pair.a().sent[1], pair.a().sent[3], "the proof again, octet for octet");
    assert_eq!(pair.a().sent[2], pair.a().sent[4], "then Quick Mode's first message");
}

#[test]
fn t022_a_forged_second_message_does_not_end_the_exchange() {
    let mut pair = plain(8);
    let mut forgeries = 3;
    pair.network.set_filter(pair.wire, move |_, way, packet| {
        // The genuine answer comes when the initiator asks again.
        if way != Way::BToA || packet.payload[18] != 4 || forgeries == 0 {
            return Verdict::Pass;
        }
        forgeries -= 1;
        let mut forged = packet.clone();
        let last = forged.payload.len() - 1;
        forged.payload[last] ^= 1;
        Verdict::Replace(forged)
    });
    pair.initiate();
    pair.run(60);
    assert_eq!(pair.a().rejects(), vec![Reject::Misbehaved(Misbehaviour::Undecipherable); 3]);
    assert_eq!(pair.b().established().len(), 1);
}

#[test]
fn two_keys_while_one_is_being_changed() {
    let a = Policy { keys: vec![b"the new key".to_vec(), b"sharedkey".to_vec()], ..aggressive(policy(1, 2)) };
    let mut pair = Pair::new(9, a, aggressive(policy(2, 1)), Link::new());
    pair.initiate();
    pair.run(5);
    assert_eq!(pair.b().established().len(), 1);
}
