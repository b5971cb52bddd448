//! Rows T043 and T109 to T112: IKE fragments that cannot be, that are too many, and that are not the peer's.

use core::net::SocketAddr;
use core::time::Duration;

use bytes::Bytes;
use isakmp_wire::payload::{Fragment, Nonce, VendorId};
use isakmp_wire::registry::KnownVendor;
use isakmp_wire::{Cookie, ExchangeType, Header, Message, MessageId, Payload, PayloadKind, Version};
use netsim::Verdict;
use oakley::*;

use crate::forger::*;
use crate::pair::*;

const PAYLOAD_LENGTH: core::ops::Range<usize> = 30..32;

fn cutting(forced: bool) -> Fragmentation {
    let mut fragmentation = Fragmentation::announced();
    fragmentation.size = 200;
    fragmentation.forced = forced;
    fragmentation
}

fn with(policy: Policy, aggressive: bool, forced: bool) -> Policy {
    Policy { nonce_len: 256, aggressive, fragmentation: cutting(forced), ..policy }
}

fn bench(seed: u64, aggressive: bool, forced: bool) -> Bench {
    Bench::with(seed, with(policy(1, 2), aggressive, forced), with(policy(2, 1), aggressive, forced))
}

/// Main Mode up to message 2: the parts of message 3 are flying to B.
fn at_message_3(seed: u64) -> Bench {
    let mut bench = bench(seed, false, false);
    bench.initiate();
    bench.run_to(2);
    assert!(bench.flying.len() >= 3 && bench.flying.iter().all(|(to, part)| *to == B && is_fragment(part)));
    bench
}

fn is_fragment(datagram: &[u8]) -> bool {
    Header::parse(datagram).unwrap().next_payload == PayloadKind::FRAGMENT
}

fn fragment(datagram: &[u8]) -> Fragment {
    parse(datagram).get::<Fragment>().unwrap().clone()
}

/// Another fragment in the place of one.
fn instead(datagram: &[u8], change: impl FnOnce(&mut Fragment)) -> Vec<u8> {
    let mut body = fragment(datagram);
    change(&mut body);
    rewrite(datagram, |payloads| *payloads = vec![Payload::new(body)])
}

/// A message that is complete with one part, under a header like that of `like` in its exchange.
fn alone(like: &[u8], header: impl FnOnce(&mut Header), whole: &[u8]) -> Vec<u8> {
    let mut of_part = Header::parse(like).unwrap();
    header(&mut of_part);
    let body = Fragment { id: 77, number: 1, flags: 1, data: Bytes::copy_from_slice(whole) };
    Message::new(of_part, vec![Payload::new(body)]).encode().to_vec()
}

/// What the parts that are flying make.
fn whole(bench: &Bench) -> Vec<u8> {
    bench.flying.iter().flat_map(|(_, part)| fragment(part).data.to_vec()).collect()
}

fn reassembling(bench: &Bench) -> usize {
    bench.hosts[B].engine.snapshot().reassembling
}

/// B's SAs and exchanges: what must not change.
fn sas(bench: &Bench) -> String {
    format!("{:?}", bench.hosts[B].engine.snapshot().ike_sas)
}

/// Delivers a datagram to B, which must neither answer nor change; why it was refused.
fn refused(bench: &mut Bench, datagram: &[u8]) -> Option<Reject> {
    let (before, known) = (sas(bench), bench.hosts[B].rejects().len());
    assert_eq!(bench.deliver(B, datagram), 0);
    assert_eq!(sas(bench), before);
    let rejects = bench.hosts[B].rejects();
    assert!(rejects.len() <= known + 1);
    rejects.get(known).cloned()
}

fn assert_completes(bench: &mut Bench) {
    bench.run(|_, _, _, _| {});
    assert!(bench.complete());
}

#[test]
fn t109_lengths_that_lie() {
    let mut bench = at_message_3(1);
    let parts: Vec<Vec<u8>> = bench.flying.iter().map(|(_, part)| part.clone()).collect();
    let middle = &parts[1];
    let last = parts.last().unwrap();
    for part in [middle, last] {
        let true_length = u16::from_be_bytes(part[PAYLOAD_LENGTH].try_into().unwrap());
        for length in (0..=12).chain([true_length - 1, true_length + 1, 0x7fff, 0xffff]) {
            let mut lies = part.clone();
            lies[PAYLOAD_LENGTH].copy_from_slice(&length.to_be_bytes());
            // The message as long as it was, and as long as the payload says.
            let mut short = lies.clone();
            short.truncate(28 + usize::from(length));
            let of_short = (short.len() as u32).to_be_bytes();
            short[24..28].copy_from_slice(&of_short);
            for datagram in [lies, short] {
                let fits = datagram.len() == 28 + usize::from(length) && length >= 8;
                if fits && length > 8 {
                    continue;
                }
                let marked = [&[0; 4], &datagram[..]].concat();
                for (port, octets) in [(500, &datagram), (4500, &marked)] {
                    let known = bench.hosts[B].rejects().len();
                    let at = |address: SocketAddr| SocketAddr::new(address.ip(), port);
                    bench.hosts[B].datagram(bench.now, at(address(1)), at(address(2)), octets);
                    let why = &bench.hosts[B].rejects()[known..];
                    match why {
                        [Reject::Malformed(_)] => assert!(!fits),
                        [Reject::Misbehaved(Misbehaviour::Fragment(FragmentFault::Empty))] => assert!(fits),
                        other => panic!("length {length} at port {port}: {other:?}"),
                    }
                    assert_eq!(reassembling(&bench), 0);
                }
            }
        }
    }
    assert_completes(&mut bench);
}

#[test]
fn t110_parts_that_cannot_be() {
    let mut bench = at_message_3(2);
    let first = bench.flying[0].1.clone();
    let nonce = Payload::new(Nonce { octets: vec![1; 8].into() });
    let not_alone = rewrite(&first, |payloads| payloads.push(nonce));
    let long = |number| instead(&first, |body| (body.number, body.data) = (number, vec![0; 40_000].into()));
    for (before, wrong, fault) in [
        (None, not_alone, FragmentFault::NotAlone),
        (None, instead(&first, |body| body.number = 0), FragmentFault::Number(0)),
        (None, instead(&first, |body| body.number = 129), FragmentFault::Number(129)),
        (None, instead(&first, |body| body.data = Bytes::new()), FragmentFault::Empty),
        (Some(first.clone()), instead(&first, |body| body.flags = 1), FragmentFault::Overlap(1)),
        (
            Some(instead(&first, |body| (body.number, body.flags) = (2, 1))),
            instead(&first, |body| (body.number, body.flags) = (3, 1)),
            FragmentFault::TwoLast(3),
        ),
        (
            Some(instead(&first, |body| (body.number, body.flags) = (2, 1))),
            instead(&first, |body| body.number = 3),
            FragmentFault::BeyondLast(3),
        ),
        (Some(long(1)), long(2), FragmentFault::TooLong),
    ] {
        if let Some(before) = before {
            assert_eq!(refused(&mut bench, &before), None);
            assert_eq!(reassembling(&bench), 1);
        }
        let misbehaved = bench.hosts[B].engine.snapshot().counters.misbehaved;
        assert_eq!(refused(&mut bench, &wrong), Some(fault.into()));
        assert_eq!(bench.hosts[B].engine.snapshot().counters.misbehaved, misbehaved + 1);
        assert_eq!(reassembling(&bench), 0, "{fault}");
    }
    assert_completes(&mut bench);
}

#[test]
fn t110_wholes_that_cannot_be() {
    let mut bench = at_message_3(3);
    let first = bench.flying[0].1.clone();
    let whole = whole(&bench);
    let mut of_others = whole.clone();
    of_others[..8].copy_from_slice(&[9; 8]);
    let mut aggressive = whole.clone();
    aggressive[18] = ExchangeType::AGGRESSIVE.0;
    let other_id = |header: &mut Header| header.message_id = MessageId(7);
    let quick =
        |header: &mut Header| (header.exchange, header.message_id) = (ExchangeType::QUICK, MessageId(7));
    let same = |_: &mut Header| {};
    let exchange = |number| Some(FragmentFault::Exchange(ExchangeType(number)));
    for (datagram, fault) in [
        (alone(&first, same, &of_others), Some(FragmentFault::Cookies)),
        (alone(&first, same, &aggressive), exchange(4)),
        (alone(&first, other_id, &whole), exchange(2)),
        (alone(&first, quick, &whole), exchange(2)),
        (alone(&first, same, &first), Some(FragmentFault::Nested)),
        (alone(&first, same, &whole[..27]), None),
        (alone(&first, same, &whole[..100]), None),
        (alone(&first, same, &[&whole[..], &[1]].concat()), None),
    ] {
        let why = refused(&mut bench, &datagram).unwrap();
        match fault {
            Some(fault) => assert_eq!(why, fault.into()),
            None => assert!(matches!(why, Reject::Malformed(_)), "{why:?}"),
        }
        assert_eq!(reassembling(&bench), 0);
    }
    // A hundred deep: only the outermost is taken off.
    let mut nested = whole.clone();
    for _ in 0..100 {
        nested = alone(&first, same, &nested);
    }
    let reassembled = bench.hosts[B].engine.snapshot().counters.reassembled;
    assert_eq!(refused(&mut bench, &nested), Some(FragmentFault::Nested.into()));
    assert_eq!(bench.hosts[B].engine.snapshot().counters.reassembled, reassembled + 1);
    // IKEv2 in a fragment of ISAKMP is nobody's.
    let mut ikev2 = whole;
    ikev2[17] = 0x20;
    let not_ours = bench.hosts[B].engine.snapshot().counters.not_ours;
    let why = refused(&mut bench, &alone(&first, same, &ikev2));
    assert!(matches!(why, Some(Reject::Malformed(_))), "{why:?}");
    assert_eq!(bench.hosts[B].engine.snapshot().counters.not_ours, not_ours);
    assert_completes(&mut bench);
}

/// The whole is checked as any datagram is: in one part it is as good, and as bad, as without.
#[test]
fn t110_a_whole_is_a_datagram_like_any_other() {
    let mut bench = at_message_3(4);
    let first = bench.flying[0].1.clone();
    let whole = whole(&bench);
    let clear_where_encrypted = {
        let mut octets = whole.clone();
        octets[19] |= 1;
        octets
    };
    let why = refused(&mut bench, &alone(&first, |_| {}, &clear_where_encrypted)).unwrap();
    assert_eq!(why, Misbehaviour::EncryptionFlag.into());
    let answers = bench.deliver(B, &alone(&first, |_| {}, &whole));
    assert!(answers >= 2, "message 4, in parts");
    // The same again, whole: answered by the same.
    assert_eq!(bench.deliver(B, &whole), answers);
    let flying: Vec<_> = bench.flying.iter().filter(|(to, _)| *to == A).cloned().collect();
    assert_eq!(flying[..answers], flying[answers..]);
}

fn stranger(index: u32) -> SocketAddr {
    let [_, b, c, d] = index.to_be_bytes();
    SocketAddr::from(([10, b, c, d], 500))
}

/// A part of message 3 with other cookies.
fn of_strangers(part: &[u8], index: u32, responder: bool) -> Vec<u8> {
    let mut cookie = [7; 8];
    cookie[..4].copy_from_slice(&index.to_be_bytes());
    with_cookies(part, cookie, if responder { [8; 8] } else { [0; 8] })
}

#[test]
fn t111_strangers_parts_are_not_kept() {
    let mut bench = at_message_3(5);
    let part = bench.flying[0].1.clone();
    for index in 0..2000 {
        for responder in [false, true] {
            let datagram = of_strangers(&part, index, responder);
            for from in [address(1), stranger(index)] {
                bench.hosts[B].datagram(bench.now, from, address(2), &datagram);
            }
        }
    }
    let host = &bench.hosts[B];
    let Snapshot { reassembling, counters, ike_sas, .. } = host.engine.snapshot();
    assert_eq!((reassembling, counters.fragments_in, ike_sas.len()), (0, 0, 1));
    assert_eq!(host.rejects().len(), 8000);
    let expected = [FragmentFault::NotAnnounced.into(), Reject::from(Misbehaviour::UnknownCookies)];
    assert!(host.rejects().chunks(4).all(|four| four[0] == expected[0] && four[2] == expected[1]));
    assert_completes(&mut bench);
}

/// Where a policy takes parts of first messages, strangers have a room of their own.
#[test]
fn t111_strangers_do_not_take_the_room_of_peers() {
    let mut bench = bench(6, false, true);
    bench.initiate();
    bench.run_to(2);
    assert!(bench.flying.len() >= 3 && bench.flying.iter().all(|(to, part)| *to == B && is_fragment(part)));
    let (_, part) = bench.next().unwrap();
    bench.deliver(B, &part);
    let config = Config::default();
    for index in 0..2000 {
        let datagram = of_strangers(&part, index, false);
        for from in [address(1), stranger(index)] {
            bench.hosts[B].datagram(bench.now, from, address(2), &datagram);
        }
    }
    assert_eq!(reassembling(&bench), config.max_fragmented + 1);
    let full = Reject::from(FragmentFault::Full);
    assert!(bench.hosts[B].rejects().iter().all(|why| *why == full));
    assert_completes(&mut bench);
    bench.hosts[B].engine.handle_timeout(bench.now + config.fragments_life);
    assert_eq!(reassembling(&bench), 0);
}

/// Whoever has seen the cookies of an exchange or IKE SA opens no other room with them.
#[test]
fn t111_cookies_that_were_seen_open_no_other_room() {
    let mut bench = at_message_3(9);
    let (_, part) = bench.next().unwrap();
    bench.deliver(B, &part);
    for index in 0..100 {
        bench.hosts[B].datagram(bench.now, stranger(index), address(2), &part);
    }
    // The peer's part, and no more of others than there is room for those who have proved nothing.
    assert_eq!(reassembling(&bench), 1 + Config::default().max_fragmented);
    assert_completes(&mut bench);
    let mut bench = self::bench(9, false, true);
    bench.initiate();
    assert_completes(&mut bench);
    let bundle = bench.hosts[A].engine.snapshot().bundles[0].id;
    let used = Input::Used { bundle, limit: LimitReached::Soft };
    bench.hosts[A].engine.handle_input(bench.now, used).unwrap();
    bench.deliver(A, &[]);
    let (_, part) = bench.next().unwrap();
    assert!(is_fragment(&part));
    bench.deliver(B, &part);
    // First messages in the peer's name, under the cookie of its IKE SA.
    let initiator = Header::parse(&part).unwrap().initiator_cookie;
    for id in 0..100 {
        let first = with_cookies(&instead(&part, |body| body.id = id), initiator.0, [0; 8]);
        bench.deliver(B, &first);
    }
    bench.run(|_, _, _, _| {});
    assert_eq!(bench.hosts[B].established().len(), 2);
}

/// Lets both sides do what is due next.
fn wait(bench: &mut Bench) {
    let due = bench.hosts.iter().filter_map(|host| host.engine.poll_timeout()).map(|deadline| deadline.at);
    bench.now = due.min().unwrap();
    for index in [A, B] {
        bench.hosts[index].engine.handle_timeout(bench.now);
        // Collects what was sent.
        bench.deliver(index, &[]);
    }
}

#[test]
fn t112_a_forged_part_costs_one_repetition_at_most() {
    for (aggressive, number, last) in [false, true]
        .into_iter()
        .flat_map(|mode| (1..=4).flat_map(move |n| [(mode, n, false), (mode, n, true)]))
    {
        for at in 1.. {
            let mut bench = bench(7, aggressive, true);
            bench.initiate();
            let mut hit = false;
            let mut seen = 0;
            for _ in 0..20 {
                bench.run(|bench, _, to, datagram| {
                    seen += usize::from(is_fragment(datagram));
                    if seen == at && !hit && is_fragment(datagram) {
                        hit = true;
                        let forged = instead(datagram, |body| {
                            (body.number, body.flags, body.data) =
                                (number, u8::from(last), vec![9; 100].into());
                        });
                        bench.deliver(to, &forged);
                    }
                });
                if bench.complete() {
                    break;
                }
                wait(&mut bench);
            }
            // In Quick Mode both sides repeat what is not answered.
            let repeated = bench.hosts.iter().map(|host| host.engine.snapshot().counters.retransmissions);
            let repeated = repeated.max().unwrap();
            assert!(bench.complete(), "number {number}, last {last}, at {at}");
            assert!(repeated <= 1, "number {number}, last {last}, at {at}: {repeated}");
            if !hit {
                assert!(at > 5);
                break;
            }
        }
    }
}

#[test]
fn t043_an_announcement_that_is_added_or_stripped_changes_the_cut_and_nothing_else() {
    let vendor = || {
        let octets = [KnownVendor::FRAGMENTATION.octets, &[0xc0, 0, 0, 0]].concat().into();
        Payload::new(VendorId { octets })
    };
    let is_vendor = |payload: &Payload| payload.get::<VendorId>().is_some();
    for added in [true, false] {
        let fragmentation = |announced| if announced { cutting(false) } else { Fragmentation::default() };
        // Stripped on the way to both; or added on the way to A, which announces it itself.
        let a = Policy { nonce_len: 256, fragmentation: fragmentation(true), ..policy(1, 2) };
        let b = Policy { nonce_len: 256, fragmentation: fragmentation(!added), ..policy(2, 1) };
        let mut pair = Pair::new(12, a, b, netsim::Link::new().delay(Duration::from_millis(10)));
        pair.network.set_filter(pair.wire, move |_, _, packet| {
            let header = Header::parse(&packet.payload).unwrap();
            if header.is_encrypted() || header.next_payload != PayloadKind::SA {
                return Verdict::Pass;
            }
            let mut other = packet.clone();
            other.payload = rewrite(&packet.payload, |payloads| {
                payloads.retain(|payload| !is_vendor(payload));
                if added && packet.source == address(2) {
                    payloads.push(vendor());
                }
            });
            Verdict::Replace(other)
        });
        pair.initiate();
        pair.run(5);
        let sizes = |host: &Host| host.engine.snapshot().ike_sas[0].fragment_size;
        if added {
            // A sends parts, B has announced nothing and takes none.
            assert_eq!((sizes(pair.a()), sizes(pair.b())), (Some(200), None));
            let refused = Reject::from(FragmentFault::NotAnnounced);
            assert!(!pair.b().rejects().is_empty() && pair.b().rejects().iter().all(|why| *why == refused));
            assert!(pair.a().established().is_empty());
        } else {
            assert_eq!((sizes(pair.a()), sizes(pair.b())), (None, None));
            assert_eq!((pair.a().established().len(), pair.b().established().len()), (1, 1));
            pair.assert_agreement();
        }
    }
}

/// A header alone names no version, cookies or exchange that the rest would not be checked for.
#[test]
fn t110_headers_of_nobody() {
    let mut bench = at_message_3(8);
    let first = bench.flying[0].1.clone();
    let other = |change: fn(&mut Header)| {
        let message = parse(&first);
        let mut header = *message.header();
        change(&mut header);
        Message::new(header, message.payloads().to_vec()).encode().to_vec()
    };
    let unknown = Reject::from(Misbehaviour::UnknownCookies);
    let nobody = other(|header| header.initiator_cookie = Cookie::ZERO);
    assert_eq!(refused(&mut bench, &nobody), Some(unknown.clone()));
    let neither = other(|header| (header.initiator_cookie, header.responder_cookie) = Default::default());
    assert_eq!(refused(&mut bench, &neither), Some(unknown.clone()));
    let no_phase1 = other(|header| {
        (header.responder_cookie, header.exchange) = (Cookie::ZERO, ExchangeType::QUICK);
        header.initiator_cookie = Cookie([3; 8]);
    });
    assert_eq!(refused(&mut bench, &no_phase1), Some(unknown));
    let version = other(|header| header.version = Version { major: 3, minor: 0 });
    assert!(matches!(refused(&mut bench, &version), Some(Reject::Malformed(_))));
    assert_eq!(reassembling(&bench), 0);
    assert_completes(&mut bench);
}

/// Each of these is a whole message in one part, which is put together and refused.
#[test]
fn t085_messages_in_parts_that_nobody_takes_note_of_are_bounded() {
    let mut bench = at_message_3(118);
    let path = Path { local: address(2), remote: address(1) };
    let part = bench.flying[0].1.clone();
    let mut of_whole = Header::parse(&part).unwrap();
    of_whole.next_payload = PayloadKind::NONCE;
    let whole = Message::new(of_whole, vec![Payload::new(Nonce { octets: vec![1; 20].into() })]).encode();
    let octets = &alone(&part, |_| {}, &whole);
    let engine = &mut bench.hosts[B].engine;
    for _ in 0..10_000 {
        engine.handle_input(bench.now, Input::Datagram { path, octets }).unwrap();
    }
    assert_eq!(engine.snapshot().counters.reassembled, 10_000);
    let mut waiting = 0;
    while engine.poll_output().is_some() {
        waiting += 1;
    }
    assert!((4096..4200).contains(&waiting), "{waiting}");
}
