//! What exchanges cost in memory that prove nothing, and that nothing that was freed leaves again.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    missing_docs,
    unreachable_pub,
    reason = "a test may panic"
)]

mod pair;

use core::net::SocketAddr;
use core::time::Duration;

use isakmp_wire::payload::VendorId;
use isakmp_wire::{Header, Message, Payload};
use oakley::*;
use pair::*;
use test_alloc::{FREED, FRESH, TestAlloc};

#[global_allocator]
static ALLOC: TestAlloc = TestAlloc;

/// Exchanges that a responder is left with.
const EXCHANGES: u32 = 100;

fn initiator(seed: u64, aggressive: bool) -> (Host, Vec<u8>) {
    let mut host = Host::new(seed, Policy { aggressive, ..policy(1, 2) }, Config::default());
    let request = Request { path: Pair::path(), selectors: SelectorPair { local: net(1), remote: net(2) } };
    host.engine.handle_input(Duration::ZERO, Input::Initiate(request)).unwrap();
    host.drain();
    let first = host.sent[0].clone();
    (host, first)
}

/// The message with as many octets of VENDOR payloads as a datagram holds.
fn padded(octets: &[u8]) -> Vec<u8> {
    let message = Message::parse(octets.to_vec().into()).unwrap();
    let mut payloads = message.payloads().to_vec();
    for index in 0..60_u8 {
        payloads.push(Payload::new(VendorId { octets: vec![index; 1000].into() }));
    }
    Message::new(Header { ..*message.header() }, payloads).encode().to_vec()
}

fn take(host: &mut Host, from: SocketAddr, octets: &[u8]) -> Vec<u8> {
    let before = host.sent.len();
    host.datagram(Duration::ZERO, from, address(2), octets);
    host.sent.get(before).cloned().unwrap_or_default()
}

/// Octets that the responder's engine keeps for each exchange.
fn kept(aggressive: bool, messages: usize, wire: impl Fn(&[u8]) -> Vec<u8>) -> u64 {
    let mut config = Config::default();
    config.max_half_open = 1000;
    let mut responder = Host::new(1, Policy { aggressive, ..policy(2, 1) }, config);
    let mut used = 0;
    for index in 0..EXCHANGES {
        let [_, b, c, d] = index.to_be_bytes();
        let from = SocketAddr::from(([10, b, c, d], 500));
        let (mut peer, mut octets) = initiator(100 + u64::from(index), aggressive);
        for _ in 0..messages {
            let sent = wire(&octets);
            let before = test_alloc::live();
            let answer = take(&mut responder, from, &sent);
            // Not what the test itself keeps.
            (responder.sent, responder.events) = (Vec::new(), Vec::new());
            let answered = answer.len() as u64;
            used += test_alloc::live().saturating_sub(before).saturating_sub(answered);
            peer.datagram(Duration::ZERO, address(2), address(1), &answer);
            octets = peer.sent.last().unwrap().clone();
        }
    }
    assert_eq!(responder.engine.snapshot().ike_sas.len(), EXCHANGES as usize);
    used / u64::from(EXCHANGES)
}

#[test]
fn t080_a_half_open_exchange_costs_a_few_kilobytes_whatever_its_messages_hold() {
    let same = |octets: &[u8]| octets.to_vec();
    for (what, aggressive, messages, bound) in [
        ("Main Mode, message 1", false, 1, 8 * 1024),
        ("Main Mode, message 3", false, 2, 16 * 1024),
        ("Aggressive Mode, message 1", true, 1, 16 * 1024),
    ] {
        let (plain, long) = (kept(aggressive, messages, same), kept(aggressive, messages, padded));
        println!("{what}: {plain} octets, with 60 kB of vendor ids {long} octets");
        assert!(plain <= bound / 2, "{what}: {plain}");
        assert!(long <= bound, "{what}: {long}");
    }
}

#[test]
fn t143_no_octet_of_freed_or_fresh_memory_leaves() {
    let canary = |octets: &[u8]| {
        octets.windows(8).any(|window| window.iter().all(|octet| *octet == FREED || *octet == FRESH))
    };
    assert!(canary(&[FREED; 8]));
    let mut answers = 0;
    for aggressive in [false, true] {
        let (_, first) = initiator(7, aggressive);
        let messages = [first.clone(), padded(&first)];
        for round in 0..2000_usize {
            let mut host = Host::new(round as u64, Policy { aggressive, ..policy(2, 1) }, Config::default());
            let mut octets = messages[round % 2].clone();
            // Lengths that lie, octets that are gone, octets that are changed.
            let at = round.wrapping_mul(31) % octets.len();
            match round % 5 {
                0 => octets.truncate(at),
                1 => octets[at] ^= 1 << (round % 8),
                2 => octets[24..28].copy_from_slice(&60_000_u32.to_be_bytes()),
                _ => octets[0] ^= round as u8 | 1,
            }
            let answer = take(&mut host, address(1), &octets);
            answers += usize::from(!answer.is_empty());
            assert!(!canary(&answer), "round {round}: {answer:02x?}");
        }
    }
    assert!(answers > 1000, "{answers}");
}
