//! Between authentication and the first Quick Mode there is a place where a method may wait; and what is not IKEv1 leaves as
//! it came.
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
use crypto_provider::default::provider;
use netsim::Link;
use oakley::*;
use pair::*;

fn state(host: &Host) -> IkeSaState {
    host.engine.snapshot().ike_sas[0].state
}

#[test]
fn t048_a_held_gate_lets_no_quick_mode_through() {
    for held in [0, 1] {
        let mut pair = Pair::new(60, policy(1, 2), policy(2, 1), Link::new());
        let node = [pair.a, pair.b][held];
        pair.network.command(node, "hold", |host, _| host.engine.hold_gate()).unwrap();
        pair.initiate();
        pair.run(5);
        // More wishes for the same flow wait with the first.
        pair.initiate();
        pair.run(5);
        let host = pair.network.get(node).unwrap();
        assert_eq!(state(host), IkeSaState::Authenticated);
        assert!(host.established().is_empty() && host.installed.is_empty());
        assert!(!host.events.iter().any(|event| matches!(event, Event::RequestFailed { .. })));
        let quick = |host: &Host| host.sent.iter().filter(|octets| octets[18] == 32).count();
        assert_eq!(quick(host), 0);
        let id = host.engine.snapshot().ike_sas[0].id;
        pair.network.command(node, "release", |host, _| host.engine.release(id)).unwrap();
        pair.run(30);
        for host in [pair.a(), pair.b()] {
            assert_eq!(state(host), IkeSaState::Ready);
            assert_eq!(host.established().len(), 1, "held at {held}");
        }
    }
}

#[test]
fn an_ike_sa_that_ends_behind_the_gate_fails_its_requests() {
    let mut pair = Pair::new(61, policy(1, 2), policy(2, 1), Link::new());
    pair.network.command(pair.a, "hold", |host, _| host.engine.hold_gate()).unwrap();
    pair.initiate();
    pair.run(5);
    let id = pair.a().engine.snapshot().ike_sas[0].id;
    pair.input(pair.a, Input::Delete(Target::IkeSa(id)));
    let failed = pair.a().events.iter().filter(|event| matches!(event, Event::RequestFailed { .. }));
    assert_eq!(failed.count(), 1);
}

#[test]
fn ikev2_leaves_untouched() {
    let mut engine = Engine::new(Config::default(), provider(), Arc::new(policy(2, 1)));
    let path = Path { local: address(2), remote: address(1) };
    let mut octets = vec![7; 300];
    for (at, octet) in [(16, 33), (17, 0x20), (18, 34), (19, 8)] {
        octets[at] = octet;
    }
    engine.handle_input(Duration::ZERO, Input::Datagram { path, octets: &octets }).unwrap();
    match engine.poll_output() {
        Some(Output::NotOurs { path: from, octets: same }) => {
            assert_eq!((from, &same[..]), (path, &octets[..]))
        }
        other => panic!("{other:?}"),
    }
    assert!(engine.poll_output().is_none());
    let snapshot = engine.snapshot();
    assert!(snapshot.ike_sas.is_empty());
    assert_eq!((snapshot.counters.not_ours, snapshot.counters.misbehaved), (1, 0));
}

#[test]
fn a_delete_of_the_ike_sa_takes_its_bundles_only_where_a_peer_means_that() {
    for takes in [false, true] {
        let mut with = policy(2, 1);
        with.quirks.delete_takes_children = takes;
        let mut pair = Pair::new(62, policy(1, 2), with, Link::new());
        let life = Lifetime { seconds: Some(60), kilobytes: None };
        pair.network
            .command(pair.a, "life", |host, _| {
                let short =
                    Policy { suites: vec![Phase1Suite { lifetime: life, ..suite() }], ..policy(1, 2) };
                host.engine.handle_input(Duration::ZERO, Input::Policy(Arc::new(short)))
            })
            .unwrap()
            .unwrap();
        pair.initiate();
        pair.run(5);
        // No successor: nothing that the initiator has fits any more.
        let other = Phase1Suite { hash: HashAlgorithm::Sha512, ..suite() };
        let unfit = Policy { suites: vec![other], ..policy(2, 1) };
        pair.input(pair.b, Input::Policy(Arc::new(unfit)));
        pair.run(57);
        assert!(pair.b().engine.snapshot().ike_sas.is_empty(), "{takes}");
        assert_eq!(pair.b().removed.len(), usize::from(takes));
    }
}
