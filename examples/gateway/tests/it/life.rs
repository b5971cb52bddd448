//! SAs over their whole life: successors, volumes, nobody there, deletion.

use core::time::Duration;

use gateway::router::{MAX_WAITING, Occurrence};
use ipsec_core::{DropReason, Protocol};
use oakley::Event;

use crate::pair::{CANARY, HOST_A, HOST_B, PRESHARE, Pair, packet};

const SECOND: Duration = Duration::from_secs(1);

fn with(configs: [&str; 2], line: &str) -> [String; 2] {
    configs.map(|config| config.replacen("\nend", &format!("\n{line}\nend"), 1))
}

fn established(pair: &Pair, at: usize) -> usize {
    let is_one = |happening: &&gateway::router::Happening| matches!(happening.what, Occurrence::Ike(Event::Established(_)));
    pair.happenings[at].iter().filter(is_one).count()
}

#[test]
fn t101_a_successor_takes_over_without_a_gap_and_nothing_goes_clear() {
    let configs = with(PRESHARE, "crypto ipsec security-association lifetime seconds 120");
    let mut pair = Pair::up([&configs[0], &configs[1]]);
    for second in 0..300_u32 {
        pair.send_inside(0, &packet(HOST_A, HOST_B, &[CANARY, &second.to_be_bytes()].concat()));
        pair.send_inside(1, &packet(HOST_B, HOST_A, &[CANARY, &second.to_be_bytes()].concat()));
        pair.run_for(SECOND);
    }
    assert_eq!((pair.inside[1].len(), pair.inside[0].len()), (301, 300), "packets were lost");
    let (a, b) = (established(&pair, 0), established(&pair, 1));
    assert!((3..=5).contains(&a) && a == b, "{a} and {b} bundles in 300 s of a life of 120 s");
    for router in &pair.routers {
        let view = router.snapshot(pair.now);
        let bundles = view.flows[0].inbound.len();
        assert!((1..=2).contains(&bundles), "{bundles} bundles are left");
        assert_eq!(view.flows[0].counters.receive_errors, 0);
    }
    pair.assert_nothing_in_clear();
}

#[test]
fn t098_a_successor_comes_before_the_volume_is_used_up() {
    let configs = with(PRESHARE, "crypto ipsec security-association lifetime kilobytes 2560");
    let mut pair = Pair::up([&configs[0], &configs[1]]);
    let payload = [CANARY, &[0; 1300]].concat();
    // 3000 packets of 1.3 KB are half as much again as one life.
    for _ in 0..3000 {
        pair.send_inside(0, &packet(HOST_A, HOST_B, &payload));
    }
    assert_eq!(pair.inside[1].len(), 3001, "packets were lost");
    assert_eq!(established(&pair, 0), 2);
    let flow = &pair.routers[0].snapshot(pair.now).flows[0];
    assert!(flow.outbound[0].octets > 1_000_000 && flow.outbound[0].octets < 2560 * 1024);
    pair.assert_nothing_in_clear();
}

#[test]
fn t101_without_a_peer_packets_wait_within_a_bound_and_are_then_given_up() {
    let mut pair = Pair::new(PRESHARE);
    pair.connected = false;
    for _ in 0..100 {
        pair.send_inside(0, &packet(HOST_A, HOST_B, CANARY));
    }
    let view = pair.routers[0].snapshot(pair.now);
    assert_eq!(view.flows[0].counters.send_errors, 100 - MAX_WAITING as u64);
    assert_eq!(pair.on_wire(0, Protocol::UDP).len(), 1, "one negotiation is enough");
    pair.run_for(100 * SECOND);
    let view = pair.routers[0].snapshot(pair.now);
    assert_eq!(view.flows[0].counters.send_errors, 100);
    assert_eq!(view.flows[0].counters.encaps, 0);
    assert!(view.ike_sas.is_empty());
    pair.assert_nothing_in_clear();
    // When the peer is there, traffic brings the tunnel up.
    pair.connected = true;
    pair.send_inside(0, &packet(HOST_A, HOST_B, CANARY));
    pair.run_for(SECOND);
    assert_eq!(pair.inside[1].len(), 1);
    pair.assert_nothing_in_clear();
}

#[test]
fn a_failed_negotiation_is_not_begun_again_at_once() {
    let mut pair = Pair::new([include_str!("../../configs/no-proposal-b.cfg"), include_str!("../../configs/no-proposal-a.cfg")]);
    // The initiator is the router of 60.60.60.0.
    for _ in 0..50 {
        pair.send_inside(0, &packet(HOST_B, HOST_A, CANARY));
    }
    let after_many = pair.wire.len();
    pair.run_for(4 * SECOND);
    pair.send_inside(0, &packet(HOST_B, HOST_A, CANARY));
    assert_eq!(pair.wire.len(), after_many, "another Quick Mode within 5 s");
    pair.run_for(2 * SECOND);
    pair.send_inside(0, &packet(HOST_B, HOST_A, CANARY));
    assert!(pair.wire.len() > after_many);
    assert_eq!(pair.routers[0].drops().get(DropReason::NoSa), 52);
    pair.assert_nothing_in_clear();
}

#[test]
fn all_waiting_packets_follow_the_tunnel_in_their_order() {
    let mut pair = Pair::new(PRESHARE);
    pair.connected = false;
    for number in 0..10_u8 {
        pair.send_inside(0, &packet(HOST_A, HOST_B, &[number]));
    }
    pair.connected = true;
    pair.run_for(10 * SECOND);
    let numbers: Vec<u8> = pair.inside[1].iter().map(|packet| packet[28]).collect();
    assert_eq!(numbers, (0..10).collect::<Vec<u8>>());
}
