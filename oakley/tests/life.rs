//! The life of SAs: contact, restarts, collisions, limits that one side wants shorter.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "a test may panic"
)]

mod pair;

use core::time::Duration;
use std::sync::Arc;

use crypto_provider::HashAlgorithm;
use netsim::{Chance, Link};
use oakley::*;
use pair::*;

fn loud(policy: Policy) -> Policy {
    Policy { quirks: Quirks::default(), ..policy }
}

fn loud_pair(seed: u64, link: Link) -> Pair {
    Pair::new(seed, loud(policy(1, 2)), loud(policy(2, 1)), link)
}

#[test]
fn a_shorter_policy_of_the_responder_is_heard() {
    let base = policy(2, 1);
    let short = Lifetime { seconds: Some(600), kilobytes: Some(1000) };
    let phase2 = Phase2Policy { lifetime: short, ..base.phase2.clone().unwrap() };
    let mut pair = Pair::new(1, policy(1, 2), Policy { phase2: Some(phase2), ..base }, Link::new());
    pair.initiate();
    pair.run(5);
    for host in [pair.a(), pair.b()] {
        assert_eq!(host.installed.iter().map(|sa| sa.lifetime).collect::<Vec<_>>(), [short; 2]);
    }
}

#[test]
fn t076_a_notify_only_lowers_and_never_below_a_floor() {
    let base = policy(2, 1);
    let silly = Lifetime { seconds: Some(1), kilobytes: Some(1) };
    let phase2 = Phase2Policy { lifetime: silly, ..base.phase2.clone().unwrap() };
    let mut pair = Pair::new(2, policy(1, 2), Policy { phase2: Some(phase2), ..base }, Link::new());
    pair.initiate();
    pair.run(5);
    assert_eq!(pair.a().installed[0].lifetime, Lifetime { seconds: Some(10), kilobytes: Some(256) });
}

/// Whatever both sides want: no SA lives for ever, and none for so short that all is negotiation. The attributes are
/// answered as they came.
#[test]
fn t076_lives_are_bounded_in_both_phases_and_roles() {
    const WEEK: u64 = 604_800;
    let life = |seconds, kilobytes| Lifetime { seconds, kilobytes };
    let max = u64::MAX;
    for (a, b, phase1, phase2) in [
        (life(None, None), life(None, None), Some(WEEK), life(Some(28_800), None)),
        (life(Some(max), Some(max)), life(None, None), Some(WEEK), life(Some(WEEK), Some(1 << 32))),
        (life(Some(max), Some(max)), life(Some(max), Some(max)), Some(WEEK), life(Some(WEEK), Some(1 << 32))),
        (life(None, None), life(Some(max), Some(max)), Some(WEEK), life(Some(28_800), Some(1 << 32))),
        (life(Some(WEEK), None), life(Some(WEEK + 1), None), Some(WEEK), life(Some(WEEK), None)),
        (life(Some(WEEK - 1), None), life(Some(WEEK), None), Some(WEEK - 1), life(Some(WEEK - 1), None)),
        (life(Some(1), Some(1)), life(Some(600), None), Some(10), life(Some(10), Some(256))),
        (life(Some(600), None), life(Some(1), Some(1)), Some(10), life(Some(10), Some(256))),
        (life(Some(11), Some(257)), life(Some(600), None), Some(11), life(Some(11), Some(257))),
    ] {
        let with = |policy: Policy, lifetime: Lifetime| Policy {
            suites: vec![Phase1Suite { lifetime: Lifetime { kilobytes: None, ..lifetime }, ..suite() }],
            phase2: policy.phase2.clone().map(|phase2| Phase2Policy { lifetime, ..phase2 }),
            ..policy
        };
        let mut pair = Pair::new(24, with(policy(1, 2), a), with(policy(2, 1), b), Link::new());
        pair.initiate();
        pair.run(1);
        for host in [pair.a(), pair.b()] {
            let lives: Vec<_> = host.installed.iter().map(|sa| sa.lifetime).collect();
            assert_eq!(lives, [phase2; 2], "{a:?} and {b:?}");
        }
        // The responder alone may know of the shorter life of the IKE SA: the initiator is told in a protected notify.
        let ends = pair.b().engine.snapshot().ike_sas[0].suite.as_ref().unwrap().lifetime.seconds;
        assert_eq!(ends, phase1, "{a:?} and {b:?}");
    }
}

/// An hour with a peer that wants everything as short as it may be: negotiations are bounded.
#[test]
fn t076_the_shortest_lives_do_not_make_a_storm() {
    let short = Lifetime { seconds: Some(1), kilobytes: Some(1) };
    let base = policy(2, 1);
    let b = Policy {
        suites: vec![Phase1Suite { lifetime: Lifetime { kilobytes: None, ..short }, ..suite() }],
        phase2: base.phase2.clone().map(|phase2| Phase2Policy { lifetime: short, ..phase2 }),
        ..base
    };
    let mut pair = Pair::new(25, policy(1, 2), b, Link::new().delay(Duration::from_millis(10)));
    pair.initiate();
    pair.run(3600);
    let quick = |host: &Host| host.established().len();
    assert!(quick(pair.a()) <= 3600 / 5, "{}", quick(pair.a()));
    assert!(pair.a().sent.len() + pair.b().sent.len() < 3600 * 5);
}

#[test]
fn first_contact_is_said_once_by_each_side() {
    let mut pair = loud_pair(3, Link::new().delay(Duration::from_millis(10)));
    pair.initiate();
    pair.run(5);
    for host in [pair.a(), pair.b()] {
        let heard = host.events.iter().filter(|event| {
            matches!(
                event,
                Event::Notified { protected: true, notify: isakmp_wire::NotifyType::INITIAL_CONTACT, .. }
            )
        });
        assert_eq!(heard.count(), 1);
        assert_eq!(host.established().len(), 1);
        assert!(host.removed.is_empty());
    }
    // A second IKE SA beside the first is no first contact.
    let id = pair.a().engine.snapshot().ike_sas[0].id;
    pair.input(pair.a, Input::Delete(Target::IkeSa(id)));
    pair.run(1);
}

#[test]
fn a_restarted_peer_is_noticed_and_its_old_sas_go() {
    for initiator_restarts in [true, false] {
        let mut pair = loud_pair(4, Link::new().delay(Duration::from_millis(10)));
        pair.initiate();
        pair.run(5);
        let (restarted, other) = if initiator_restarts { (pair.a, pair.b) } else { (pair.b, pair.a) };
        let policy = if initiator_restarts { loud(policy(1, 2)) } else { loud(policy(2, 1)) };
        let fresh = Host::new(777, policy, Config::default());
        pair.network.command(restarted, "restart", |host, _| *host = fresh).unwrap();
        let (path, selectors) = if initiator_restarts {
            (Pair::path(), SelectorPair { local: net(1), remote: net(2) })
        } else {
            let path = Path { local: address(2), remote: address(1) };
            (path, SelectorPair { local: net(2), remote: net(1) })
        };
        pair.input(restarted, Input::Initiate(Request { path, selectors }));
        pair.run(5);
        let other = pair.network.get(other).unwrap();
        assert_eq!(other.removed.len(), 1);
        assert_eq!(other.removed[0].1, RemoveReason::PeerRestarted);
        assert_eq!(other.engine.snapshot().bundles.len(), 1);
        assert_eq!(other.ready(), 1);
    }
}

#[test]
fn both_sides_begin_at_once() {
    for seed in 0..200 {
        let link = Link::new()
            .delay(Duration::from_millis(20))
            .jitter(Duration::from_millis(20))
            .loss(Chance::percent(u32::try_from(seed % 3).unwrap() * 10));
        let mut config = Config::default();
        config.max_sends = 12;
        config.retransmit_after = Duration::from_millis(500);
        config.half_open_life = Duration::from_secs(10_000);
        let mut pair = Pair::with_config(seed, (loud(policy(1, 2)), loud(policy(2, 1))), link, &config);
        pair.initiate();
        let path = Path { local: address(2), remote: address(1) };
        let selectors = SelectorPair { local: net(2), remote: net(1) };
        pair.input(pair.b, Input::Initiate(Request { path, selectors }));
        pair.run(2000);
        for host in [pair.a(), pair.b()] {
            assert!(!host.established().is_empty(), "seed {seed}");
            assert!(host.removed.is_empty(), "seed {seed}: {:?}", host.removed);
        }
        // The same bundles on both sides: what one would send with, the other can open.
        let ours: Vec<Spi> =
            pair.a().engine.snapshot().bundles.iter().map(|bundle| bundle.pairs[0].outbound).collect();
        let theirs: Vec<Spi> =
            pair.b().engine.snapshot().bundles.iter().map(|bundle| bundle.pairs[0].inbound).collect();
        assert!(ours.iter().all(|spi| theirs.contains(spi)), "seed {seed}");
        pair.assert_agreement();
    }
}

#[test]
fn a_lost_third_message_is_still_answered_late() {
    use netsim::{Direction as Way, Verdict};
    // The initiator's third Quick Mode message is lost again and again, for longer than a minute.
    let mut pair = Pair::plain(30);
    pair.network.set_filter(pair.wire, |now, way, packet| {
        let third = way == Way::AToB && packet.payload[18] == 32 && packet.payload.len() < 80;
        if third && now < Duration::from_secs(60) { Verdict::Drop } else { Verdict::Pass }
    });
    pair.initiate();
    pair.run(200);
    assert_eq!(pair.b().established().len(), 1);
    pair.assert_agreement();
}

#[test]
fn a_half_that_is_given_up_is_taken_back_from_the_peer() {
    use netsim::{Direction as Way, Verdict};
    let mut pair = Pair::plain(31);
    pair.network.set_filter(pair.wire, |_, way, packet| {
        let third = way == Way::AToB && packet.payload[18] == 32 && packet.payload.len() < 80;
        if third { Verdict::Drop } else { Verdict::Pass }
    });
    pair.initiate();
    pair.run(600);
    assert!(pair.b().established().is_empty());
    assert_eq!(pair.b().removed[0].1, RemoveReason::Incomplete);
    assert_eq!(pair.a().removed[0].1, RemoveReason::PeerDeleted);
    assert!(pair.a().engine.snapshot().bundles.is_empty());
}

#[test]
fn a_peer_that_lost_everything_is_reached_again() {
    // The peer restarts without a word; the side that stayed up needs a new tunnel.
    let mut pair = loud_pair(32, Link::new().delay(Duration::from_millis(10)));
    pair.initiate();
    pair.run(5);
    let fresh = Host::new(778, loud(policy(2, 1)), Config::default());
    let b = pair.b;
    pair.network.command(b, "restart", |host, _| *host = fresh).unwrap();
    pair.initiate();
    pair.run(300);
    assert_eq!(pair.b().established().len(), 1);
    let ours = pair.a().engine.snapshot();
    let theirs = pair.b().engine.snapshot();
    assert_eq!(ours.bundles.len(), 1);
    assert_eq!(ours.bundles[0].pairs[0].outbound, theirs.bundles[0].pairs[0].inbound);
}

#[test]
fn t085_one_failure_is_counted_once_and_every_request_is_answered() {
    let mut pair = Pair::plain(33);
    pair.network.set_up(pair.wire, false);
    pair.initiate();
    pair.run(600);
    let counters = pair.a().engine.snapshot().counters;
    assert_eq!((counters.timed_out, counters.failed), (1, 0));
    let failed =
        |host: &Host| host.events.iter().filter(|event| matches!(event, Event::RequestFailed { .. })).count();
    assert_eq!(failed(pair.a()), 1);

    // A Quick Mode that the peer refuses tells its request too.
    let ah_only = Policy { phase2: Some(phase2(2, 1, vec![proposal(&[ah()])])), ..policy(2, 1) };
    let mut pair = Pair::new(34, policy(1, 2), ah_only, Link::new());
    pair.initiate();
    pair.run(5);
    assert_eq!(failed(pair.a()), 1);
    assert_eq!(pair.a().engine.snapshot().counters.failed, 1);
}

/// With a limit of phase 1 in kilobytes.
fn measured(policy: Policy, kilobytes: Option<u64>) -> Policy {
    let lifetime = Lifetime { seconds: Some(86_400), kilobytes };
    Policy { suites: vec![Phase1Suite { lifetime, ..suite() }], ..loud(policy) }
}

/// Quick Modes until router 1 has another IKE SA; how many.
fn rounds(pair: &mut Pair) -> usize {
    let first = pair.a().engine.snapshot().ike_sas[0].id;
    for round in 1..1000 {
        pair.initiate();
        pair.run(1);
        if pair.a().engine.snapshot().ike_sas.iter().any(|sa| sa.id != first) {
            return round;
        }
    }
    panic!("the first IKE SA never ends");
}

#[test]
fn the_kilobytes_of_phase_1_are_counted() {
    // Both know the limit: a successor comes before it. Only the responder has one: it says when the end is there.
    for initiator in [Some(256), None] {
        let mut pair =
            Pair::new(50, measured(policy(1, 2), initiator), measured(policy(2, 1), Some(256)), Link::new());
        pair.initiate();
        pair.run(5);
        let rounds = rounds(&mut pair);
        let octets = |host: &Host| host.sent.iter().map(Vec::len).sum::<usize>();
        let kilobytes = (octets(pair.a()) + octets(pair.b())) / 1024;
        let expected = if initiator.is_some() { 225..245 } else { 256..261 };
        assert!(expected.contains(&kilobytes), "{initiator:?}: {kilobytes} kB, {rounds} exchanges");
        assert_eq!(pair.a().established().len(), rounds + 1);
        // The bundles stay, and the new one is no first contact.
        let gone = pair.a().removed.iter().chain(&pair.b().removed);
        assert!(gone.into_iter().all(|(_, why)| *why == RemoveReason::Displaced), "so many for one flow");
    }
}

#[test]
fn a_phase_1_that_ends_gives_its_requests_to_the_next() {
    let life = |policy: Policy| {
        let lifetime = Lifetime { seconds: Some(100), kilobytes: None };
        Policy { suites: vec![Phase1Suite { lifetime, ..suite() }], ..policy }
    };
    let mut pair = Pair::new(51, life(policy(1, 2)), life(policy(2, 1)), Link::new());
    pair.initiate();
    pair.run(80);
    assert_eq!(pair.a().established().len(), 1);
    // Nothing gets through for the last seconds of the life, while a Quick Mode runs.
    pair.network.set_up(pair.wire, false);
    pair.initiate();
    pair.run(21);
    pair.network.set_up(pair.wire, true);
    pair.run(100);
    assert_eq!(pair.a().established().len(), 2);
    let unserved = |event: &&Event| matches!(event, Event::RequestFailed { .. });
    assert_eq!(pair.a().events.iter().filter(unserved).count(), 0);
    assert!(pair.a().removed.is_empty());
}

#[test]
fn a_new_exchange_does_not_begin_under_an_ike_sa_that_is_about_to_end() {
    let mut pair = short_lived(52);
    pair.initiate();
    pair.run(580);
    pair.initiate();
    pair.run(5);
    assert_eq!(pair.a().ready(), 2);
    pair.run(30);
    assert_eq!((pair.a().ready(), pair.a().established().len()), (1, 2));
    assert!(pair.a().removed.is_empty() && pair.b().removed.is_empty());
}

/// strongSwan lets the bundles of an IKE SA go with it, unless there is another that they can belong to.
#[test]
fn an_ike_sa_with_bundles_gets_a_successor_before_it_ends() {
    let mut taking = ten_minutes(policy(2, 1));
    taking.quirks.delete_takes_children = true;
    for seed in 0..8 {
        let mut pair = Pair::new(seed, ten_minutes(policy(1, 2)), taking.clone(), Link::new());
        pair.initiate();
        pair.run(550);
        assert_eq!((pair.a().ready(), pair.b().ready()), (1, 1));
        pair.run(48);
        assert_eq!((pair.a().ready(), pair.b().ready()), (2, 2), "seed {seed}");
        pair.run(2000);
        assert_eq!((pair.a().ready(), pair.b().ready()), (1, 1), "seed {seed}");
        // One bundle from the beginning to the end, and nobody was told that everything is new.
        assert_eq!((pair.a().established().len(), pair.b().established().len()), (1, 1));
        assert!(pair.a().removed.is_empty() && pair.b().removed.is_empty());
        pair.assert_agreement();
    }
}

/// Two routers whose IKE SAs live for ten minutes.
fn short_lived(seed: u64) -> Pair {
    Pair::new(seed, ten_minutes(policy(1, 2)), ten_minutes(policy(2, 1)), Link::new())
}

fn ten_minutes(policy: Policy) -> Policy {
    let lifetime = Lifetime { seconds: Some(600), kilobytes: None };
    Policy { suites: vec![Phase1Suite { lifetime, ..suite() }], ..policy }
}

/// Anybody can send first messages in a peer's name.
#[test]
fn half_open_exchanges_of_a_stranger_do_not_keep_a_successor_away() {
    let mut pair = short_lived(55);
    pair.initiate();
    pair.run(500);
    let Path { local, remote } = Pair::path();
    let first = pair.a().sent[0].clone();
    for second in 0..99 {
        let mut forged = first.clone();
        forged[0] ^= second + 1;
        pair.network
            .command(pair.a, "forge", |host, now| host.datagram(now, remote, local, &forged))
            .unwrap();
        pair.run(1);
    }
    assert_eq!((pair.a().ready(), pair.b().ready()), (2, 2));
}

/// Each side has begun an IKE SA, and neither may leave it to the other's: both end at the same time.
#[test]
fn two_ike_sas_that_began_at_once_have_a_successor_and_become_one() {
    for seed in 0..8 {
        let taking = |policy| {
            let mut policy = ten_minutes(policy);
            policy.quirks.delete_takes_children = true;
            policy
        };
        let link = Link::new().delay(Duration::from_millis(20));
        let mut pair = Pair::new(seed, taking(policy(1, 2)), taking(policy(2, 1)), link);
        pair.initiate();
        let path = Path { local: address(2), remote: address(1) };
        let selectors = SelectorPair { local: net(2), remote: net(1) };
        pair.input(pair.b, Input::Initiate(Request { path, selectors }));
        pair.run(10);
        assert_eq!((pair.a().ready(), pair.b().ready()), (2, 2), "seed {seed}");
        pair.run(2500);
        assert_eq!((pair.a().ready(), pair.b().ready()), (1, 1), "seed {seed}");
        assert!(pair.a().removed.is_empty() && pair.b().removed.is_empty(), "seed {seed}");
    }
}

#[test]
fn a_successor_is_what_policy_wants_by_then() {
    let mut pair = short_lived(56);
    pair.initiate();
    pair.run(100);
    for (node, me, peer) in [(pair.a, 1, 2), (pair.b, 2, 1)] {
        let mut other = ten_minutes(policy(me, peer));
        other.suites[0].hash = HashAlgorithm::Md5;
        pair.input(node, Input::Policy(Arc::new(other)));
    }
    pair.run(600);
    let hash = |host: &Host| host.engine.snapshot().ike_sas[0].suite.as_ref().unwrap().hash;
    assert_eq!((hash(pair.a()), hash(pair.b())), (HashAlgorithm::Md5, HashAlgorithm::Md5));
    assert_eq!(pair.a().established().len(), 1);
}

#[test]
fn an_ike_sa_without_bundles_ends_without_a_successor() {
    let mut pair = short_lived(54);
    pair.initiate();
    pair.run(5);
    let bundle = pair.a().engine.snapshot().bundles[0].id;
    pair.input(pair.a, Input::Delete(Target::Bundle(bundle)));
    pair.run(2000);
    assert!(pair.a().engine.snapshot().ike_sas.is_empty() && pair.b().engine.snapshot().ike_sas.is_empty());
}

#[test]
fn the_side_that_answered_negotiates_a_successor_if_the_other_does_not() {
    let mut pair = Pair::plain(53);
    pair.initiate();
    pair.run(5);
    let bundle = pair.b().engine.snapshot().bundles[0].id;
    pair.input(pair.b, Input::Used { bundle, limit: LimitReached::Soft });
    pair.run(5);
    assert_eq!(pair.b().established().len(), 2);
    // With a successor there, nobody negotiates another one.
    pair.run(100);
    for node in [pair.a, pair.b] {
        let bundle = pair.network.get(node).unwrap().established()[0].id;
        pair.input(node, Input::Used { bundle, limit: LimitReached::Soft });
    }
    pair.run(5);
    assert_eq!(pair.b().established().len(), 2);
}

#[test]
fn a_refusal_that_was_lost_is_sent_again() {
    use netsim::{Direction as Way, Verdict};
    let ah_only = Policy { phase2: Some(phase2(2, 1, vec![proposal(&[ah()])])), ..policy(2, 1) };
    let mut pair = Pair::new(54, policy(1, 2), ah_only, Link::new());
    let lost = core::cell::Cell::new(2);
    pair.network.set_filter(pair.wire, move |_, way, packet| {
        let refusal = way == Way::BToA && packet.payload[18] == 5;
        if refusal && lost.get() > 0 {
            lost.set(lost.get() - 1);
            Verdict::Drop
        } else {
            Verdict::Pass
        }
    });
    pair.initiate();
    pair.run(20);
    let refused = |why: &Abort| matches!(why, Abort::Peer(PeerRefusal::Notified(_)));
    assert_eq!(pair.a().failures().iter().filter(|why| refused(why)).count(), 1);
    // The same octets each time, and nothing looked at twice.
    let sent: Vec<_> = pair.b().sent.iter().filter(|octets| octets[18] == 5).collect();
    assert_eq!(sent.len(), 3);
    assert!(sent.iter().all(|octets| octets == &sent[0]));
    assert_eq!(pair.b().engine.snapshot().counters.failed, 1);
}
