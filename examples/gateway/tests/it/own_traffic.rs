//! Packets that routers send and receive themselves: what transport mode protects.

use core::net::Ipv4Addr;

use gateway::router::MAX_LOCAL;
use gateway::router::datagram;
use ipsec_core::{DropReason, Protocol};

use crate::pair::{CANARY, END_A, END_B, HOST_A, HOST_B, PRESHARE, Pair, packet};

const TRANSPORT: [&str; 2] =
    [include_str!("../../configs/transport-a.cfg"), include_str!("../../configs/transport-b.cfg")];

fn own(source: Ipv4Addr, number: u8) -> Vec<u8> {
    datagram::udp((source, 49152), (END_B, 49152), 1, &[&[number], CANARY].concat()).unwrap()
}

/// A pair whose first router has sent a packet of its own.
fn talking() -> Pair {
    let mut pair = Pair::new(TRANSPORT);
    pair.routers[0].originate(pair.now, &own(END_A, 0));
    pair.settle();
    assert!(pair.routers[1].poll_local().is_some_and(|packet| packet.ends_with(CANARY)));
    pair
}

#[test]
fn own_packets_travel_in_transport_mode_and_never_clear() {
    let mut pair = talking();
    pair.routers[0].originate(pair.now, &own(END_A, 1));
    pair.settle();
    let received = pair.routers[1].poll_local().unwrap();
    assert_eq!(received, own(END_A, 1), "the packet came out as it went in");
    pair.assert_nothing_in_clear();
    assert_eq!(pair.on_wire(0, Protocol::AH).len(), 2);
    // The same packet in clear is not accepted.
    pair.send_outside(1, &own(END_A, 2));
    assert_eq!(pair.drops(1, DropReason::Unprotected), 1);
    assert!(pair.routers[1].poll_local().is_none());
}

#[test]
fn t139_a_router_speaks_with_its_own_addresses_only() {
    let mut pair = talking();
    let before = pair.wire.len();
    for source in [HOST_B, END_B, Ipv4Addr::new(9, 9, 9, 9)] {
        pair.routers[0].originate(pair.now, &own(source, 1));
    }
    pair.routers[0].originate(pair.now, &[0x45; 7]);
    pair.settle();
    assert_eq!(pair.wire.len(), before);
    assert_eq!(pair.routers[0].counters().spoofed, 3);
    assert_eq!(pair.drops(0, DropReason::OuterHeader), 1);
}

#[test]
fn packets_for_an_application_that_does_not_read_wait_within_a_bound() {
    let mut pair = talking();
    for number in 0..200 {
        pair.routers[0].originate(pair.now, &own(END_A, number));
        pair.settle();
    }
    let waiting = core::iter::from_fn(|| pair.routers[1].poll_local()).count();
    assert_eq!(waiting, MAX_LOCAL);
}

/// A packet that no route leads for is counted, told of once in a second, and shown with its reason.
#[test]
fn what_no_route_leads_for_is_counted_and_told() {
    let without =
        PRESHARE[0].lines().filter(|line| !line.starts_with("ip route ")).collect::<Vec<_>>().join("\n");
    let mut pair = Pair::new([&without, PRESHARE[1]]);
    for _ in 0..5 {
        pair.send_inside(0, &packet(HOST_A, HOST_B, CANARY));
    }
    assert_eq!((pair.drops(0, DropReason::NoRoute), pair.routers[0].counters().unroutable), (5, 5));
    let told = pair.happenings[0].iter().filter(|one| {
        matches!(&one.what, gateway::router::Occurrence::Dropped(drop) if drop.reason == DropReason::NoRoute)
    });
    assert_eq!(told.count(), 1);
    let shown = gateway::cli::show::Show::named("show ip traffic").unwrap().of(&pair.routers[0], pair.now);
    assert!(shown.contains("5 no-route\n"), "{shown}");
    // The check of the configuration says so before anything runs.
    let mut said = Vec::new();
    gateway::check::check_text("a", without.as_bytes(), false, &mut said).unwrap();
    let said = String::from_utf8(said).unwrap();
    assert!(said.contains("no route leads to 60."), "{said}");
}
