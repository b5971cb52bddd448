//! ESP in UDP, and peers whose address translator gives them another port.

use core::net::SocketAddr;

use gateway::cli::show;
use netsim::Addressed;

use crate::pair::*;

const FORCED: &str =
    "crypto ipsec nat-transparency udp-encapsulation\ncrypto isakmp nat force-encapsulation\n";

fn up() -> Pair {
    let configs = PRESHARE.map(|config| {
        config.replace("crypto isakmp policy 1\n", &format!("{FORCED}crypto isakmp policy 1\n"))
    });
    Pair::up([&configs[0], &configs[1]])
}

fn end(port: u16) -> SocketAddr {
    SocketAddr::from((END_A, port))
}

/// The packet that router A seals for one of its hosts, taken off the wire.
fn held(pair: &mut Pair) -> Vec<u8> {
    pair.connected = false;
    pair.send_inside(0, &packet(HOST_A, HOST_B, CANARY));
    pair.connected = true;
    pair.wire.last().unwrap().1.clone()
}

/// Delivers a packet of router A to router B from another port; what B opened so far.
fn from(pair: &mut Pair, packet: &Vec<u8>, port: u16) -> usize {
    let (_, destination) = packet.ends().unwrap();
    let packet = packet.between(end(port), destination).unwrap();
    pair.send_outside(1, &packet);
    pair.inside[1].len()
}

/// Where router B sends what its host has for A's.
fn answers_go_to(pair: &mut Pair) -> SocketAddr {
    pair.connected = false;
    pair.send_inside(1, &packet(HOST_B, HOST_A, CANARY));
    pair.connected = true;
    pair.wire.last().unwrap().1.ends().unwrap().1
}

#[test]
fn packets_travel_in_udp_and_show_says_so() {
    let mut pair = up();
    let packet = held(&mut pair);
    assert_eq!(packet.ends(), Some((end(4500), SocketAddr::from((END_B, 4500)))));
    // RFC 3948 2.1: sent without a sum, and none is looked at.
    assert_eq!(packet[26..28], [0, 0]);
    let mut summed = packet.clone();
    summed[26..28].copy_from_slice(&[0xbe, 0xef]);
    pair.send_outside(1, &summed);
    assert_eq!(pair.inside[1].len(), 2);
    let text = show::ipsec_sa(&pair.routers[1].snapshot(pair.now));
    assert_eq!(text.matches("in use settings ={Tunnel UDP-Encaps, }").count(), 2, "{text}");
}

#[test]
fn t115_a_peer_is_followed_by_its_newest_authentic_packet_only() {
    let mut pair = up();
    let delivered = held(&mut pair);
    assert_eq!(from(&mut pair, &delivered, 4500), 2);
    // Replayed and altered ones from elsewhere.
    assert_eq!(from(&mut pair, &delivered, 6666), 2);
    let mut altered = held(&mut pair);
    let last = altered.len() - 1;
    altered[last] ^= 1;
    assert_eq!(from(&mut pair, &altered, 6666), 2);
    assert_eq!(answers_go_to(&mut pair), end(4500));
    // A true rebinding, and an older packet that was overtaken: delivered, and no news.
    let (older, newer) = (held(&mut pair), held(&mut pair));
    assert_eq!(from(&mut pair, &newer, 40_001), 3);
    assert_eq!(answers_go_to(&mut pair), end(40_001));
    assert_eq!(from(&mut pair, &older, 40_002), 4);
    assert_eq!(answers_go_to(&mut pair), end(40_001));
}

#[test]
fn t114_keepalives_are_ignored() {
    let mut pair = up();
    let before = format!("{:?}", pair.routers[1].snapshot(pair.now));
    for from in [4500, 6666] {
        let keepalive = gateway::router::datagram::udp((END_A, from), (END_B, 4500), 1, &[0xff]).unwrap();
        for _ in 0..1000 {
            pair.send_outside(1, &keepalive);
        }
    }
    assert_eq!(format!("{:?}", pair.routers[1].snapshot(pair.now)), before);
    assert_eq!(answers_go_to(&mut pair), end(4500));
}

/// Without a replay window the newest packet may be an old one.
#[test]
fn t115_nobody_is_followed_where_replay_protection_is_off() {
    let off = format!("{FORCED}crypto ipsec security-association replay disable\n");
    let configs = PRESHARE
        .map(|config| config.replace("crypto isakmp policy 1\n", &format!("{off}crypto isakmp policy 1\n")));
    let mut pair = Pair::up([&configs[0], &configs[1]]);
    let newest = held(&mut pair);
    assert_eq!(from(&mut pair, &newest, 4500), 2);
    assert_eq!(from(&mut pair, &newest, 50_000), 3, "it is opened again");
    assert_eq!(answers_go_to(&mut pair), end(4500));
}
