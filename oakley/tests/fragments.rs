//! IKE fragments (Cisco's payload 132): who sends them when, and what arrives on good and bad networks.
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

use isakmp_wire::payload::Fragment;
use isakmp_wire::registry::KnownVendor;
use isakmp_wire::{Flags, Header, Message, PayloadKind};
use netsim::{Chance, Link, Verdict};
use oakley::*;
use pair::*;

const SIZE: usize = 200;

fn cutting() -> Fragmentation {
    let mut fragmentation = Fragmentation::announced();
    fragmentation.size = SIZE;
    fragmentation
}

fn forcing() -> Fragmentation {
    let mut fragmentation = cutting();
    fragmentation.forced = true;
    fragmentation
}

/// Long nonces and names: only messages 1 and 2 of Main Mode, 3 of Aggressive Mode and 3 of Quick Mode are short.
fn long(me: u8, peer: u8, aggressive: bool, fragmentation: Fragmentation) -> Policy {
    let name = |index: u8| Identity::Fqdn(format!("{}.{index}", "x".repeat(200)));
    let peer_identity = PeerIdentity::OneOf(vec![name(peer)]);
    let nonce_len = 256;
    Policy { identity: name(me), peer_identity, nonce_len, aggressive, fragmentation, ..policy(me, peer) }
}

fn link() -> Link {
    Link::new().delay(Duration::from_millis(10))
}

fn pair(aggressive: bool, a: Fragmentation, b: Fragmentation) -> Pair {
    Pair::new(3, long(1, 2, aggressive, a), long(2, 1, aggressive, b), link())
}

fn assert_complete(pair: &Pair) {
    assert_eq!((pair.a().established().len(), pair.b().established().len()), (1, 1));
    pair.assert_agreement();
}

fn is_fragment(datagram: &[u8]) -> bool {
    Header::parse(datagram).unwrap().next_payload == PayloadKind::FRAGMENT
}

/// How many messages a host says that it has sent in parts, and the parts.
fn fragmented(host: &Host) -> (usize, usize) {
    let parts = host.events.iter().filter_map(|event| match event {
        Event::Fragmented { fragments, .. } => Some(*fragments),
        _ => None,
    });
    (parts.clone().count(), parts.sum())
}

fn reassembled(host: &Host) -> usize {
    host.events.iter().filter(|event| matches!(event, Event::Reassembled { .. })).count()
}

#[test]
fn long_messages_leave_in_parts_in_every_exchange_and_role() {
    for (aggressive, a_sends, b_sends) in [(false, 3, 3), (true, 1, 2)] {
        let mut pair = pair(aggressive, cutting(), cutting());
        pair.initiate();
        pair.run(5);
        assert_complete(&pair);
        for (host, other, messages) in [(pair.a(), pair.b(), a_sends), (pair.b(), pair.a(), b_sends)] {
            let (count, parts) = fragmented(host);
            assert_eq!((count, reassembled(other)), (messages, messages), "aggressive {aggressive}");
            let Snapshot { counters, reassembling, ike_sas, .. } = host.engine.snapshot();
            assert_eq!((counters.fragments_out, reassembling), (parts as u64, 0));
            assert_eq!(counters.fragments_out, other.engine.snapshot().counters.fragments_in);
            assert_eq!((counters.reassembled, counters.fragments_lost), (reassembled(host) as u64, 0));
            assert_eq!(ike_sas[0].fragment_size, Some(SIZE));
            assert!(host.rejects().is_empty());
        }
        // Before the peer has announced anything, everything leaves whole.
        let too_long: Vec<bool> = pair.a().sent.iter().map(|datagram| datagram.len() > SIZE).collect();
        assert_eq!(too_long.iter().filter(|long| **long).count(), usize::from(aggressive));
        assert_eq!(too_long[0], aggressive);
        assert!(pair.b().sent.iter().all(|datagram| datagram.len() <= SIZE));
    }
}

#[test]
fn parts_have_the_header_of_the_whole_in_clear() {
    let mut pair = pair(false, cutting(), cutting());
    pair.initiate();
    pair.run(5);
    let cookies = pair.a().engine.snapshot().ike_sas[0].cookies;
    let mut whole = Vec::new();
    let mut wholes = Vec::new();
    for datagram in pair.a().sent.iter().filter(|datagram| is_fragment(datagram)) {
        let part = Message::parse(datagram.clone().into()).unwrap();
        let header = *part.header();
        assert_eq!(
            (header.initiator_cookie, header.responder_cookie),
            (cookies.initiator, cookies.responder)
        );
        assert_eq!(header.flags, Flags::NONE);
        let body = part.get::<Fragment>().unwrap();
        whole.extend_from_slice(&body.data);
        if body.is_last() {
            let whole = core::mem::take(&mut whole);
            let of_whole = Header::parse(&whole).unwrap();
            assert_eq!((header.exchange, header.message_id), (of_whole.exchange, of_whole.message_id));
            assert_eq!(usize::try_from(of_whole.length).unwrap(), whole.len());
            wholes.push((of_whole.is_encrypted(), body.id));
        }
    }
    // Messages 3 and 5, and the first of Quick Mode, told apart by their ids.
    assert_eq!(wholes.iter().map(|(encrypted, _)| *encrypted).collect::<Vec<_>>(), [false, true, true]);
    assert!(wholes[0].1 != wholes[1].1 && wholes[1].1 != wholes[2].1);
}

#[test]
fn it_is_announced_only_when_the_policy_says_so() {
    for aggressive in [false, true] {
        let mut pair = pair(aggressive, cutting(), Fragmentation::default());
        pair.initiate();
        pair.run(5);
        assert_complete(&pair);
        let announced = |host: &Host| {
            let vendors = &host.engine.snapshot().ike_sas[0].vendors;
            vendors.announced(&KnownVendor::FRAGMENTATION).cloned()
        };
        // The identifier that the routers send, with both exchanges of phase 1.
        let body = b"\x40\x48\xb7\xd5\x6e\xbc\xe8\x85\x25\xe7\xde\x7f\x00\xd6\xc2\xd3\xc0\x00\x00\x00";
        assert_eq!(announced(pair.b()).unwrap()[..], body[..]);
        assert_eq!(announced(pair.a()), None);
        // To a peer that does not announce it, and from a side that does not, everything leaves whole.
        for host in [pair.a(), pair.b()] {
            assert_eq!(host.engine.snapshot().ike_sas[0].fragment_size, None);
            assert!(!host.sent.iter().any(|datagram| is_fragment(datagram)));
        }
    }
}

#[test]
fn forced_ones_are_sent_and_taken_from_the_first_message_on() {
    for (aggressive, b) in [(false, forcing()), (true, forcing()), (false, cutting())] {
        let mut pair = pair(aggressive, forcing(), b);
        pair.initiate();
        pair.run(5);
        assert_complete(&pair);
        assert!(pair.a().sent.iter().all(|datagram| datagram.len() <= SIZE));
        assert_eq!(is_fragment(&pair.a().sent[0]), aggressive);
        assert!(pair.b().rejects().is_empty());
    }
    // Whoever only announces them cannot have told a peer so that sends its first message.
    let mut pair = pair(true, forcing(), cutting());
    pair.initiate();
    pair.run(1);
    let refused = Reject::from(FragmentFault::NotAnnounced);
    let parts = pair.a().sent.len();
    assert_eq!(pair.b().rejects(), vec![refused; parts]);
    assert_eq!(pair.b().engine.snapshot().counters.fragments_in, 0);
}

#[test]
fn a_repetition_repeats_the_same_parts() {
    let policy = |me, peer| long(me, peer, true, forcing());
    let mut pair = Pair::new(4, policy(1, 2), policy(2, 1), link().loss(Chance::ALWAYS));
    pair.initiate();
    pair.run(300);
    let sends = usize::try_from(Config::default().max_sends).unwrap();
    let sent = &pair.a().sent;
    assert!(sent.len() > sends && sent.len().is_multiple_of(sends));
    let mut repetitions = sent.chunks(sent.len() / sends);
    let first = repetitions.next().unwrap();
    assert!(first.iter().all(|part| is_fragment(part)) && repetitions.all(|repetition| repetition == first));
}

#[test]
fn a_part_that_is_lost_is_all_that_a_repetition_is_needed_for() {
    for lost in 0..6 {
        let mut pair = pair(false, cutting(), cutting());
        let mut number = 0;
        pair.network.set_filter(pair.wire, move |_, _, packet| {
            number += usize::from(is_fragment(&packet.payload));
            if number == lost + 1 && is_fragment(&packet.payload) { Verdict::Drop } else { Verdict::Pass }
        });
        pair.initiate();
        pair.run(5);
        assert_complete(&pair);
        let repeated = pair.a().engine.snapshot().counters.retransmissions;
        assert_eq!(repeated + pair.b().engine.snapshot().counters.retransmissions, 1, "lost {lost}");
    }
}

#[test]
fn bad_networks_delay_and_do_not_prevent() {
    for seed in 0..20 {
        let link = Link::new()
            .delay(Duration::from_millis(20))
            .loss(Chance::percent(10))
            .duplicate(Chance::percent(20))
            .reorder(Chance::percent(20), Duration::from_millis(300));
        let mut config = Config::default();
        config.max_sends = 16;
        config.half_open_life = Duration::from_secs(100_000);
        config.retransmit_after = Duration::from_millis(500);
        let aggressive = seed % 2 == 1;
        let policies = (long(1, 2, aggressive, forcing()), long(2, 1, aggressive, forcing()));
        let mut pair = Pair::with_config(seed, policies, link, &config);
        pair.initiate();
        pair.run(10_000);
        assert_eq!(pair.a().established().len(), 1, "seed {seed}");
        assert_eq!(pair.b().established().len(), 1, "seed {seed}");
        pair.assert_agreement();
        for host in [pair.a(), pair.b()] {
            assert_eq!(host.engine.snapshot().reassembling, 0, "seed {seed}");
        }
    }
}

#[test]
fn a_network_that_doubles_everything_starts_no_echo() {
    for aggressive in [false, true] {
        let with = |link| {
            let policy = |me, peer| long(me, peer, aggressive, forcing());
            let mut pair = Pair::new(21, policy(1, 2), policy(2, 1), link);
            pair.initiate();
            pair.run(60);
            assert_complete(&pair);
            let retransmissions = |host: &Host| host.engine.snapshot().counters.retransmissions;
            assert_eq!(retransmissions(pair.a()) + retransmissions(pair.b()), 0);
            pair.a().sent.len() + pair.b().sent.len()
        };
        assert!(with(link().duplicate(Chance::ALWAYS)) <= 2 * with(link()));
    }
}

#[test]
fn a_marker_counts_behind_a_translator() {
    let with = |me, peer| {
        let mut policy = long(me, peer, false, cutting());
        policy.nat = NatTraversal::default();
        policy.nat.forced = true;
        policy
    };
    let mut pair = Pair::new(9, with(1, 2), with(2, 1), link());
    pair.initiate();
    pair.run(5);
    assert_complete(&pair);
    for host in [pair.a(), pair.b()] {
        assert_eq!(host.installed[0].path.local.port(), 4500);
        let longest = host.sent.iter().map(Vec::len).max();
        assert_eq!(longest, Some(SIZE));
        assert!(host.sent.iter().any(|datagram| datagram.len() == SIZE && datagram.starts_with(&[0; 4])));
    }
}

/// strongSwan gives every fragment the number of its phase 1 exchange, message id 0 and the fragment id 1. racoon's have
/// message id 0, the flags of phase 1, and one fragment id too.
#[test]
fn headers_as_strongswan_and_racoon_write_them_are_taken() {
    for (aggressive, strongswan) in [(false, true), (true, true), (false, false), (true, false)] {
        for doubled in [Chance::NEVER, Chance::ALWAYS] {
            let policy = |me, peer| long(me, peer, aggressive, cutting());
            let mut pair = Pair::new(11, policy(1, 2), policy(2, 1), link().duplicate(doubled));
            pair.network.set_filter(pair.wire, move |_, _, packet| {
                if !is_fragment(&packet.payload) {
                    return Verdict::Pass;
                }
                let mut other = packet.clone();
                other.payload[20..24].fill(0);
                other.payload[32..34].copy_from_slice(&[0, 1]);
                if strongswan {
                    other.payload[18] = if aggressive { 4 } else { 2 };
                } else {
                    other.payload[19] = 1;
                }
                Verdict::Replace(other)
            });
            pair.initiate();
            pair.run(60);
            assert_complete(&pair);
            for host in [pair.a(), pair.b()] {
                assert!(host.rejects().is_empty(), "{:?}", host.rejects());
                assert_eq!(host.engine.snapshot().counters.retransmissions, 0);
            }
        }
    }
}

#[test]
fn parts_that_never_are_whole_are_let_go() {
    let mut pair = pair(false, cutting(), cutting());
    pair.network.set_filter(pair.wire, |_, _, packet| {
        let is_last = is_fragment(&packet.payload) && packet.payload[35] == 1;
        if is_last { Verdict::Drop } else { Verdict::Pass }
    });
    pair.initiate();
    pair.run(1);
    assert_eq!(pair.b().engine.snapshot().reassembling, 1);
    pair.run(400);
    let snapshot = pair.b().engine.snapshot();
    assert_eq!((snapshot.reassembling, snapshot.ike_sas.len()), (0, 0));
    assert!(snapshot.counters.fragments_lost >= 1);
    assert!(pair.b().engine.poll_timeout().is_none());
}
