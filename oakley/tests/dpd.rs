//! Dead peer detection (RFC 3706): who is asked when, and what happens when nobody answers.
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

use isakmp_wire::NotifyType;
use isakmp_wire::registry::KnownVendor;
use netsim::Link;
use oakley::*;
use pair::*;

const IDLE: u64 = 10;
const RETRY: u64 = 2;
/// The last repetition's answer is waited for as well.
const DEAD_AFTER: u64 = IDLE + 6 * RETRY;

fn asking(periodic: bool) -> DeadPeerDetection {
    let mut asking = Asking::new(Duration::from_secs(IDLE), Duration::from_secs(RETRY));
    asking.periodic = periodic;
    let mut dpd = DeadPeerDetection::default();
    dpd.asking = Some(asking);
    dpd
}

fn watched(a: DeadPeerDetection, b: DeadPeerDetection) -> Pair {
    let with = |dpd, policy| Policy { dpd, quirks: Quirks::default(), ..policy };
    let link = Link::new().delay(Duration::from_millis(10));
    let mut pair = Pair::new(5, with(a, policy(1, 2)), with(b, policy(2, 1)), link);
    pair.initiate();
    pair.run(5);
    assert_eq!((pair.a().established().len(), pair.b().established().len()), (1, 1));
    pair
}

fn sent(host: &Host, what: NotifyType) -> usize {
    host.events
        .iter()
        .filter(|event| matches!(event, Event::NotifySent { notify, .. } if *notify == what))
        .count()
}

fn bundle(host: &Host) -> BundleId {
    host.engine.snapshot().bundles[0].id
}

fn traffic(pair: &mut Pair, direction: Direction) {
    let bundle = bundle(pair.a());
    pair.input(pair.a, Input::Traffic { bundle, direction });
}

#[test]
fn both_sides_announce_it_in_every_mode() {
    for aggressive in [false, true] {
        let with = |policy| Policy { aggressive, dpd: DeadPeerDetection::default(), ..policy };
        let mut pair = Pair::new(1, with(policy(1, 2)), with(policy(2, 1)), Link::new());
        pair.initiate();
        pair.run(5);
        for host in [pair.a(), pair.b()] {
            let vendors = &host.engine.snapshot().ike_sas[0].vendors;
            // RFC 3706 5.1: the identifier with its version.
            let body = vendors.announced(&KnownVendor::DPD).unwrap();
            assert_eq!(body[..], b"\xaf\xca\xd7\x13\x68\xa1\xf1\xc9\x6b\x86\x96\xfc\x77\x57\x01\x00"[..]);
        }
    }
}

#[test]
fn a_living_peer_is_asked_periodically_and_answers() {
    let mut pair = watched(asking(true), DeadPeerDetection::default());
    pair.run(100);
    let (questions, answers) =
        (sent(pair.a(), NotifyType::R_U_THERE), sent(pair.b(), NotifyType::R_U_THERE_ACK));
    assert!((9..=11).contains(&questions), "{questions}");
    assert_eq!((questions, sent(pair.b(), NotifyType::R_U_THERE)), (answers, 0));
    assert!(pair.a().removed.is_empty() && pair.a().rejects().is_empty() && pair.b().rejects().is_empty());
}

#[test]
fn questions_do_not_use_up_the_ids_of_an_ike_sa() {
    // Three hours and a half: more questions and answers than an SA can name exchanges.
    let mut pair = watched(asking(true), asking(true));
    pair.run(45_000);
    assert!(sent(pair.a(), NotifyType::R_U_THERE) > 4400);
    assert_eq!(pair.a().engine.snapshot().ike_sas.len(), 1);
    assert!(pair.a().removed.is_empty() && pair.b().removed.is_empty());
    // Nothing is spent, so the next Quick Mode runs under the same SA.
    let selectors = SelectorPair { local: net(1), remote: net(2) };
    pair.initiate_flow(selectors);
    pair.run(5);
    assert_eq!(pair.a().engine.snapshot().ike_sas.len(), 1);
}

#[test]
fn on_demand_a_peer_is_asked_only_when_something_was_sent_and_nothing_came_back() {
    let mut pair = watched(asking(false), DeadPeerDetection::default());
    pair.run(100);
    assert_eq!(sent(pair.a(), NotifyType::R_U_THERE), 0, "nobody is interested");
    // Something is sent every second, and something comes back.
    for _ in 0..50 {
        traffic(&mut pair, Direction::Outbound);
        pair.run(1);
        traffic(&mut pair, Direction::Inbound);
    }
    assert!(sent(pair.a(), NotifyType::R_U_THERE) <= 1, "traffic is proof of life");
    let before = sent(pair.a(), NotifyType::R_U_THERE);
    for _ in 0..25 {
        traffic(&mut pair, Direction::Outbound);
        pair.run(1);
    }
    let asked = sent(pair.a(), NotifyType::R_U_THERE) - before;
    assert_eq!(
        (asked, sent(pair.b(), NotifyType::R_U_THERE_ACK)),
        (2, before + asked),
        "once in an idle time"
    );
    assert!(pair.a().removed.is_empty());
}

#[test]
fn a_dead_peer_is_noticed_within_the_configured_time_and_its_sas_go() {
    for periodic in [false, true] {
        let mut pair = watched(asking(periodic), DeadPeerDetection::default());
        assert_eq!(pair.a().installed[0].report_traffic, Some(Duration::from_secs(1)));
        pair.network.set_up(pair.wire, false);
        let cut = pair.network.now();
        traffic(&mut pair, Direction::Outbound);
        pair.run(DEAD_AFTER - 6);
        assert!(pair.a().removed.is_empty(), "not before its time");
        pair.run(7);
        let took = pair.network.now() - cut;
        assert!(took <= Duration::from_secs(DEAD_AFTER + 1));
        assert_eq!(sent(pair.a(), NotifyType::R_U_THERE), 6);
        assert_eq!(
            pair.a().removed.iter().map(|(_, why)| *why).collect::<Vec<_>>(),
            [RemoveReason::PeerDead]
        );
        let snapshot = pair.a().engine.snapshot();
        assert!(snapshot.ike_sas.is_empty() && snapshot.bundles.is_empty());
        let dead = pair.a().events.iter().filter(|event| matches!(event, Event::PeerDead { .. })).count();
        assert_eq!(dead, 1);
        // The link returns: traffic negotiates anew, and the peer drops what it still had.
        pair.network.set_up(pair.wire, true);
        pair.initiate();
        pair.run(5);
        assert_eq!((pair.a().ready(), pair.b().ready()), (1, 1));
        assert_eq!(pair.b().removed[0].1, RemoveReason::PeerRestarted);
        assert_eq!(pair.a().engine.snapshot().bundles.len(), 1);
        assert_eq!(pair.b().engine.snapshot().bundles.len(), 1);
        assert_eq!(pair.a().engine.poll_timeout().is_some(), pair.b().engine.poll_timeout().is_some());
    }
}

#[test]
fn a_lost_question_or_answer_is_repeated() {
    for lost in [0, 1, 5, 7] {
        let mut pair = watched(asking(true), DeadPeerDetection::default());
        let mut count = 0;
        pair.network.set_filter(pair.wire, move |_, _, packet| {
            // Questions are odd, answers are even, as long as none is lost.
            let info = packet.payload[18] == 5;
            count += usize::from(info);
            if info && count <= lost { netsim::Verdict::Drop } else { netsim::Verdict::Pass }
        });
        pair.run(60);
        assert_eq!(pair.a().removed.is_empty(), lost < 6, "{lost} lost");
    }
}

#[test]
fn whatever_comes_from_a_peer_while_it_is_asked_is_life() {
    let mut pair = watched(asking(true), DeadPeerDetection::default());
    // Every answer is lost, and packets of the tunnel arrive.
    pair.network.set_filter(pair.wire, |_, way, packet| {
        let answer = way == netsim::Direction::BToA && packet.payload[18] == 5;
        if answer { netsim::Verdict::Drop } else { netsim::Verdict::Pass }
    });
    for _ in 0..100 {
        pair.run(1);
        traffic(&mut pair, Direction::Inbound);
    }
    assert!(sent(pair.a(), NotifyType::R_U_THERE) > 6 && pair.a().removed.is_empty());
}

#[test]
fn nobody_is_asked_who_has_not_announced_it() {
    for (a, b) in [(asking(true), DeadPeerDetection::off()), {
        let mut quiet = asking(true);
        quiet.announced = false;
        (quiet, DeadPeerDetection::default())
    }] {
        let mut pair = watched(a, b);
        assert_eq!(pair.a().installed[0].report_traffic, Some(Duration::from_secs(10)));
        traffic(&mut pair, Direction::Outbound);
        pair.run(100);
        assert_eq!(sent(pair.a(), NotifyType::R_U_THERE), 0);
    }
}

/// An IKE SA of whose last half minute five seconds are over, and its successor.
fn succeeded() -> Pair {
    let short = |policy: Policy| {
        let lifetime = Lifetime { seconds: Some(1000), kilobytes: None };
        Policy { suites: vec![Phase1Suite { lifetime, ..suite() }], ..policy }
    };
    let a = Policy { dpd: asking(true), ..short(policy(1, 2)) };
    let b = Policy { dpd: DeadPeerDetection::default(), ..short(policy(2, 1)) };
    let mut pair = Pair::new(6, a, b, Link::new());
    pair.initiate();
    // New exchanges go to a successor.
    pair.run(975);
    pair.initiate();
    pair.run(5);
    assert_eq!(pair.a().ready(), 2);
    pair
}

#[test]
fn an_ike_sa_that_has_lost_its_successor_asks_again() {
    let mut pair = succeeded();
    // The first one's turn passes: the successor asks.
    pair.run(6);
    let successor = pair.b().engine.snapshot().ike_sas[1].id;
    pair.input(pair.b, Input::Delete(Target::IkeSa(successor)));
    pair.run(1);
    assert_eq!(pair.a().engine.snapshot().ike_sas.len(), 1);
    let before = sent(pair.a(), NotifyType::R_U_THERE);
    pair.run(11);
    assert!(sent(pair.a(), NotifyType::R_U_THERE) > before);
}

#[test]
fn the_successor_of_an_ike_sa_asks_in_its_place() {
    let mut pair = succeeded();
    let before = sent(pair.a(), NotifyType::R_U_THERE);
    pair.run(40);
    // The first one has ended in its time.
    assert_eq!((pair.a().ready(), sent(pair.a(), NotifyType::R_U_THERE) - before), (1, 4));
    // All is gone when the peer is dead, and everything under them.
    pair.network.set_up(pair.wire, false);
    pair.run(30);
    let snapshot = pair.a().engine.snapshot();
    assert!(snapshot.ike_sas.is_empty() && snapshot.bundles.is_empty());
    assert_eq!(pair.a().removed.iter().map(|(_, why)| *why).collect::<Vec<_>>(), [RemoveReason::PeerDead; 2]);
}

#[test]
fn what_was_deleted_is_not_asked_about() {
    let mut pair = watched(asking(true), DeadPeerDetection::default());
    let bundle = bundle(pair.a());
    pair.input(pair.a, Input::Delete(Target::All));
    pair.run(100);
    assert_eq!(sent(pair.a(), NotifyType::R_U_THERE), 0);
    let gone = Input::Traffic { bundle, direction: Direction::Outbound };
    let now = pair.network.now();
    let misuse = pair.network.command(pair.a, "late", |host, _| host.engine.handle_input(now, gone)).unwrap();
    assert_eq!(misuse, Err(ApiMisuse::UnknownBundle(bundle)));
}
