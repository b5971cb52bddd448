//! Dead peer detection as configured: who announces it, who asks, and which peer comes next.

use core::net::Ipv4Addr;
use core::time::Duration;

use gateway::cli::debug::DebugLog;
use gateway::router::{Occurrence, datagram};
use ipsec_core::{Ipv4Header, Protocol};
use oakley::Event;

use crate::pair::{CANARY, END_A, END_B, HOST_A, HOST_B, PRESHARE, Pair, packet, router};

const SECOND: Duration = Duration::from_secs(1);
/// Another gateway of the same network's.
const SPARE: Ipv4Addr = Ipv4Addr::new(20, 20, 20, 19);

/// The document's pair with the first router's version and a line of its own.
fn pair(version: &str, line: &str) -> Pair {
    let a = PRESHARE[0].replacen("version 11.3", version, 1).replacen("\nend", &format!("\n{line}\nend"), 1);
    let a = a.replacen("set peer 20.20.20.20\n", &format!("set peer 20.20.20.20\n set peer {SPARE}\n"), 1);
    let a = a.replacen("\nend", &format!("\ncrypto isakmp key sharedkey address {SPARE}\nend"), 1);
    let b = PRESHARE[1].replacen("version 11.3", "version 12.2", 1);
    Pair::up([&a, &b])
}

fn dead(pair: &Pair) -> usize {
    let is_one = |happening: &&gateway::router::Happening| {
        matches!(happening.what, Occurrence::Ike(Event::PeerDead { .. }))
    };
    pair.happenings[0].iter().filter(is_one).count()
}

/// Whom router A's last packet is for.
fn last_for(pair: &Pair) -> Ipv4Addr {
    let (_, packet) = pair.wire.iter().rev().find(|(from, _)| *from == 0).unwrap();
    Ipv4Header::parse(packet).unwrap().destination
}

#[test]
fn the_next_peer_of_the_entry_is_asked_when_one_is_dead() {
    let mut pair = pair("version 12.2", "crypto isakmp keepalive 10 3");
    // While packets come back nobody asks anything.
    for _ in 0..40 {
        pair.send_inside(0, &packet(HOST_A, HOST_B, CANARY));
        pair.send_inside(1, &packet(HOST_B, HOST_A, CANARY));
        pair.run_for(SECOND);
    }
    let before = pair.wire.len();
    pair.run_for(SECOND * 60);
    assert_eq!(
        (dead(&pair), pair.wire.len()),
        (0, before),
        "a silent peer that nothing is sent to is of no interest"
    );
    pair.connected = false;
    pair.send_inside(0, &packet(HOST_A, HOST_B, CANARY));
    // The tenth second of silence has long passed: one question, and five repetitions three seconds apart.
    pair.run_for(SECOND * 17);
    assert_eq!((dead(&pair), last_for(&pair)), (0, END_B));
    pair.run_for(SECOND);
    assert_eq!(dead(&pair), 1);
    let view = pair.routers[0].snapshot(pair.now);
    assert!(view.ike_sas.is_empty() && view.flows.iter().all(|flow| flow.inbound.is_empty()));
    pair.send_inside(0, &packet(HOST_A, HOST_B, CANARY));
    assert_eq!(last_for(&pair), SPARE);
}

#[test]
fn without_the_command_nobody_is_asked() {
    let mut pair = pair("version 12.2", "");
    pair.connected = false;
    for _ in 0..60 {
        pair.send_inside(0, &packet(HOST_A, HOST_B, CANARY));
        pair.run_for(SECOND);
    }
    assert_eq!((dead(&pair), last_for(&pair)), (0, END_B));
    assert!(!pair.routers[0].snapshot(pair.now).ike_sas.is_empty());
}

#[test]
fn the_next_peer_of_the_entry_is_tried_when_nobody_answers_without_the_command_too() {
    let mut pair = pair("version 12.2", "");
    pair.connected = false;
    let is_tried = (0..120).any(|_| {
        pair.send_inside(0, &packet(HOST_A, HOST_B, CANARY));
        pair.run_for(SECOND);
        last_for(&pair) == SPARE
    });
    assert!(is_tried);
}

#[test]
fn a_release_that_has_no_such_thing_does_not_announce_it() {
    let announced = |version: &str, line: &str| {
        let pair = pair(version, line);
        let (_, first) = &pair.wire[0];
        // RFC 3706 5.1.
        first.windows(14).any(|octets| octets == b"\xaf\xca\xd7\x13\x68\xa1\xf1\xc9\x6b\x86\x96\xfc\x77\x57")
    };
    assert!(!announced("version 11.3", ""));
    assert!(announced("version 11.3", "crypto isakmp keepalive 10"));
    assert!(announced("version 12.2", ""));
}

/// Without a replay window somebody may repeat an old packet for ever.
#[test]
fn t077_a_repeated_packet_is_no_life_where_replay_protection_is_off() {
    let off = "crypto isakmp keepalive 10 3\ncrypto ipsec security-association replay disable";
    let mut pair = pair("version 12.2", off);
    pair.send_inside(1, &packet(HOST_B, HOST_A, CANARY));
    let (_, old) = pair.wire.iter().rev().find(|(from, _)| *from == 1).unwrap().clone();
    pair.connected = false;
    pair.run_for(SECOND * 3);
    pair.send_inside(0, &packet(HOST_A, HOST_B, CANARY));
    for _ in 0..40 {
        pair.send_outside(0, &old);
        pair.run_for(SECOND);
    }
    assert!(pair.inside[0].len() > 5, "the packet was opened again and again");
    assert_eq!(dead(&pair), 1);
}

/// Router B is killed and starts again, and only router A's hosts have something to say: seconds until they are answered.
fn answered_after_a_restart(line: &str) -> u64 {
    let b = PRESHARE[1].replacen("\nend", &format!("\n{line}\nend"), 1);
    let mut pair = Pair::up([PRESHARE[0], &b]);
    pair.routers[1] = router("b.cfg", &b, 77);
    for second in 0..120 {
        pair.send_inside(0, &packet(HOST_A, HOST_B, CANARY));
        pair.run_for(SECOND);
        let Some(came) = pair.inside[1].get(1..).filter(|came| !came.is_empty()) else { continue };
        assert!(came.iter().all(|packet| packet.ends_with(CANARY)));
        pair.assert_nothing_in_clear();
        let mut log = DebugLog::default();
        let told: Vec<String> =
            pair.happenings[1].iter().flat_map(|happening| log.lines(happening)).collect();
        let from = format!("srcaddr={END_A}");
        assert!(told.iter().any(|line| line.contains("invalid spi") && line.contains(&from)));
        return second;
    }
    panic!("nothing arrives any more");
}

#[test]
fn a_peer_that_was_killed_and_started_again_is_reached_soon() {
    let waits = answered_after_a_restart("");
    assert!(waits <= 60, "{waits}");
}

#[test]
fn with_invalid_spi_recovery_a_router_that_started_again_says_so_at_once() {
    assert!(answered_after_a_restart("crypto isakmp invalid-spi-recovery") <= 3);
}

/// T087: whatever ICMP says, the exchange goes on; and however many packets want a tunnel, there is one exchange at a time.
#[test]
fn t087_unreachable_is_a_hint_and_a_dead_peer_costs_one_exchange_at_a_time() {
    let unreachable = |sent: &[u8], code: u8| {
        let mut message = vec![3, code, 0, 0, 0, 0, 0, 0];
        message.extend(&sent[..28]);
        let sum = ipsec_core::checksum(&message).to_be_bytes();
        message[2..4].copy_from_slice(&sum);
        datagram::ipv4(SPARE, END_A, (Protocol::ICMP, 1), &message).unwrap()
    };
    let mut pair = Pair::new(PRESHARE);
    pair.connected = false;
    let wanted = packet(HOST_A, HOST_B, CANARY);
    for n in 0..100_000 {
        pair.send_inside(0, &wanted);
        if n % 1000 == 0 {
            let first = pair.wire[0].1.clone();
            for code in [0, 1, 2, 3, 9, 10, 13] {
                pair.send_outside(0, &unreachable(&first, code));
            }
        }
    }
    assert_eq!(pair.wire.len(), 1, "one message of one exchange");
    // The peer was there all the time: its answer to the next repetition is taken.
    pair.connected = true;
    pair.run_for(10 * SECOND);
    assert!(!pair.inside[1].is_empty());
    pair.assert_nothing_in_clear();
    // A peer that is dead: after the exchange has ended packets do not begin another for a while, and then one.
    let mut pair = Pair::new(PRESHARE);
    pair.connected = false;
    pair.send_inside(0, &wanted);
    pair.run_for(20 * SECOND);
    let before = pair.wire.len();
    for _ in 0..40 {
        pair.run_for(SECOND / 10);
        for _ in 0..100 {
            pair.send_inside(0, &wanted);
        }
    }
    let more = pair.wire.len() - before;
    assert!(more <= 4, "{more} messages in four seconds");
}
