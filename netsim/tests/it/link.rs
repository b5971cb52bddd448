//! What a link does to packets is told by what its ends saw, and its counters agree with that.

use super::station::{Station, number_of, numbered};
use core::time::Duration;
use netsim::{Chance, Direction, DropCause, Fate, Link, LinkId, Network, Port, Verdict};
use std::collections::BTreeMap;

const MS: Duration = Duration::from_millis(1);
const PACKETS: u32 = 10_000;

type Net = Network<Station>;

fn pair(seed: u64, link: Link, packets: Vec<Vec<u8>>) -> (Net, LinkId) {
    let mut network = Network::new(seed);
    let a = network.add(Station::sender(MS, packets));
    let b = network.add(Station::quiet());
    let wire = network.connect((a, Port(0)), (b, Port(0)), link).unwrap();
    network.capture();
    (network, wire)
}

/// How often each number arrived, and how many came after a higher one.
fn census(network: &Net) -> (BTreeMap<u32, u32>, u64) {
    let (mut times, mut late, mut highest) = (BTreeMap::new(), 0, 0);
    for (_, packet) in &network.nodes()[1].arrived {
        let number = number_of(packet);
        *times.entry(number).or_insert(0) += 1;
        late += u64::from(number < highest);
        highest = highest.max(number);
    }
    (times, late)
}

#[test]
fn a_perfect_link_delivers_each_packet_once_in_order_after_its_delay() {
    let (mut network, wire) = pair(1, Link::new().delay(7 * MS), numbered(5, 100));
    network.drive().unwrap();
    let seen: Vec<_> =
        network.nodes()[1].arrived.iter().map(|(at, packet)| (at.as_millis(), number_of(packet))).collect();
    assert_eq!(seen, [(7, 0), (8, 1), (9, 2), (10, 3), (11, 4)]);
    let counters = network.counters(wire);
    assert_eq!((counters.a_to_b.sent, counters.a_to_b.sent_octets, counters.a_to_b.delivered), (5, 500, 5));
    assert_eq!(counters.b_to_a, netsim::Counters::default());
}

#[test]
fn loss_is_counted_exactly_and_near_its_chance() {
    let (mut network, wire) = pair(2, Link::new().loss(Chance::percent(30)), numbered(PACKETS, 64));
    network.drive().unwrap();
    let counters = network.counters(wire).a_to_b;
    let (times, _) = census(&network);
    assert_eq!(counters.sent, u64::from(PACKETS));
    assert_eq!(counters.delivered, times.len() as u64);
    assert_eq!(counters.lost, counters.sent - counters.delivered);
    assert_eq!(counters.dropped(), counters.lost);
    // Six standard deviations of a binomial distribution: sqrt(10000 * 0.3 * 0.7) = 45.8.
    assert!((2725..=3275).contains(&counters.lost), "{counters:?}");
    let marked = network.captured().iter().filter(|s| s.fate == Fate::Dropped(DropCause::Loss)).count();
    assert_eq!(marked as u64, counters.lost);
    assert_eq!(network.captured().len(), PACKETS as usize, "lost packets were on the wire too");
}

#[test]
fn duplicates_are_counted_exactly_and_near_their_chance() {
    let link = Link::new().duplicate(Chance::percent(10)).jitter(3 * MS);
    let (mut network, wire) = pair(3, link, numbered(PACKETS, 64));
    network.drive().unwrap();
    let counters = network.counters(wire).a_to_b;
    let (times, late) = census(&network);
    let twice = times.values().filter(|&&n| n == 2).count() as u64;
    assert_eq!(times.len(), PACKETS as usize);
    assert!(times.values().all(|&n| n <= 2));
    assert_eq!(counters.duplicated, twice);
    assert_eq!(counters.delivered, u64::from(PACKETS) + twice);
    assert_eq!(counters.reordered, late, "a copy that comes after its successor is late too");
    assert!((820..=1180).contains(&twice), "{twice}");
}

#[test]
fn reordering_is_counted_exactly_and_jitter_alone_keeps_the_order() {
    let (mut network, wire) = pair(4, Link::new().jitter(20 * MS), numbered(PACKETS, 64));
    network.drive().unwrap();
    assert_eq!(census(&network).1, 0);
    assert_eq!(network.counters(wire).a_to_b.reordered, 0);

    let (mut network, wire) =
        pair(4, Link::new().reorder(Chance::percent(5), 10 * MS), numbered(PACKETS, 64));
    network.drive().unwrap();
    let (times, late) = census(&network);
    assert_eq!(times.len(), PACKETS as usize, "nothing is lost by it");
    assert_eq!(network.counters(wire).a_to_b.reordered, late);
    assert!((350..=650).contains(&late), "{late}");
}

#[test]
fn a_packet_over_the_mtu_is_dropped_and_one_at_the_mtu_is_not() {
    let sizes = [1400, 1401, 68, 9000].map(|octets| vec![0; octets]);
    let (mut network, wire) = pair(5, Link::new().mtu(1400), sizes.to_vec());
    network.drive().unwrap();
    let arrived: Vec<_> = network.nodes()[1].arrived.iter().map(|(_, packet)| packet.len()).collect();
    assert_eq!(arrived, [1400, 68]);
    assert_eq!(network.counters(wire).a_to_b.too_big, 2);
    let fates: Vec<_> =
        network.captured().iter().map(|s| matches!(s.fate, Fate::Dropped(DropCause::Mtu))).collect();
    assert_eq!(fates, [false, true, false, true]);
}

#[test]
fn a_rate_spaces_packets_and_its_queue_overflows() {
    // 1000 octets at 80 kbit/s take 100 ms; one comes every millisecond and may wait 450 ms: five leave, and one more each 100 ms.
    let (mut network, wire) = pair(6, Link::new().rate(80_000, 450 * MS), numbered(20, 1000));
    network.drive().unwrap();
    let seen: Vec<_> =
        network.nodes()[1].arrived.iter().map(|(at, packet)| (at.as_millis(), number_of(packet))).collect();
    assert_eq!(seen, [(100, 0), (200, 1), (300, 2), (400, 3), (500, 4)]);
    assert_eq!(network.counters(wire).a_to_b.queue_full, 15);
}

#[test]
fn a_link_that_is_down_drops_and_one_that_is_up_again_does_not() {
    let (mut network, wire) = pair(7, Link::new().delay(5 * MS), numbered(30, 64));
    network.drive_until(9 * MS).unwrap();
    network.set_up(wire, false);
    network.drive_until(19 * MS).unwrap();
    network.set_up(wire, true);
    network.drive().unwrap();
    let (times, _) = census(&network);
    let missing: Vec<u32> = (0..30).filter(|n| !times.contains_key(n)).collect();
    assert_eq!(missing, (10..20).collect::<Vec<_>>(), "what was in flight still arrived");
    assert_eq!(network.counters(wire).a_to_b.while_down, 10);
}

#[test]
fn a_filter_drops_replaces_and_sees_the_direction() {
    let (mut network, wire) = pair(8, Link::new(), numbered(4, 8));
    network.set_filter(wire, |_, direction, packet| match (direction, number_of(packet)) {
        (Direction::AToB, 1) => Verdict::Drop,
        (Direction::AToB, 2) => Verdict::Replace(vec![0xff; 4]),
        _ => Verdict::Pass,
    });
    network.drive().unwrap();
    let seen: Vec<_> = network.nodes()[1].arrived.iter().map(|(_, packet)| number_of(packet)).collect();
    assert_eq!(seen, [0, u32::MAX, 3]);
    assert_eq!(network.counters(wire).a_to_b.filtered, 1);
}

#[test]
fn in_flight_packets_are_neither_lost_nor_delivered() {
    let (mut network, wire) = pair(9, Link::new().delay(100 * MS), numbered(3, 64));
    network.drive_until(50 * MS).unwrap();
    let counters = network.counters(wire).a_to_b;
    assert_eq!((counters.sent, counters.delivered, counters.dropped(), counters.in_flight()), (3, 0, 0, 3));
}

#[test]
fn one_fault_does_not_shift_the_draws_of_another() {
    let lost = |link: Link| {
        let (mut network, _) = pair(10, link, numbered(1000, 64));
        network.drive().unwrap();
        let captured = network.captured().iter();
        captured.map(|s| s.fate == Fate::Dropped(DropCause::Loss)).collect::<Vec<_>>()
    };
    let alone = lost(Link::new().loss(Chance::percent(20)));
    let with_others = lost(
        Link::new()
            .loss(Chance::percent(20))
            .duplicate(Chance::percent(50))
            .jitter(5 * MS)
            .reorder(Chance::percent(50), MS),
    );
    assert_eq!(alone, with_others);
}

#[test]
fn links_and_directions_draw_apart() {
    let mut network = Network::new(11);
    let link = Link::new().loss(Chance::percent(50));
    let mut wires = Vec::new();
    for _ in 0..2 {
        let a = network.add(Station::sender(MS, numbered(64, 64)));
        let b = network.add(Station::sender(MS, numbered(64, 64)));
        wires.push(network.connect((a, Port(0)), (b, Port(0)), link.clone()).unwrap());
    }
    network.capture();
    network.drive().unwrap();
    let mut patterns = Vec::new();
    for wire in wires {
        for direction in [Direction::AToB, Direction::BToA] {
            let seen = network.captured().iter().filter(|s| s.link == wire && s.direction == direction);
            patterns.push(seen.map(|s| s.fate == Fate::Dropped(DropCause::Loss)).collect::<Vec<_>>());
        }
    }
    patterns.sort();
    patterns.dedup();
    assert_eq!(patterns.len(), 4);
}
