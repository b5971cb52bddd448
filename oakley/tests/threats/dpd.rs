//! Row T077: dead peer detection that is made to lie.

use core::time::Duration;

use bytes::Bytes;
use isakmp_wire::payload::Notification;
use isakmp_wire::{Doi, ExchangeType, Flags, Header, Message, NotifyType, Payload, ProtocolId};
use oakley::*;

use crate::forger::*;
use crate::pair::*;

/// Two engines with a tunnel; A asks B.
fn bench(announced: bool) -> Bench {
    bench_of(announced, suite().lifetime)
}

fn bench_of(announced: bool, lifetime: Lifetime) -> Bench {
    let with = |policy| Policy { suites: vec![Phase1Suite { lifetime, ..suite() }], ..policy };
    let mut dpd = DeadPeerDetection::default();
    let mut asking = Asking::new(Duration::from_secs(10), Duration::from_secs(2));
    asking.periodic = true;
    dpd.asking = Some(asking);
    let answers = if announced { DeadPeerDetection::default() } else { DeadPeerDetection::off() };
    let a = Policy { dpd, ..with(policy(1, 2)) };
    let mut bench = Bench::with(77, a, Policy { dpd: answers, ..with(policy(2, 1)) });
    bench.initiate();
    bench.run(|_, _, _, _| {});
    assert!(bench.complete());
    bench
}

fn spi(bench: &Bench) -> Bytes {
    let cookies = bench.hosts[A].engine.snapshot().ike_sas[0].cookies;
    [cookies.initiator.0, cookies.responder.0].concat().into()
}

fn notification(bench: &Bench, notify_type: NotifyType, number: u32) -> Notification {
    let data = Bytes::copy_from_slice(&number.to_be_bytes());
    Notification { doi: Doi::IPSEC, protocol: ProtocolId::ISAKMP, spi: spi(bench), notify_type, data }
}

/// What the authenticated peer could say.
fn says(bench: &Bench, message_id: u32, body: Notification) -> Vec<u8> {
    bench.protect(&bench.header(ExchangeType::INFORMATIONAL, message_id), &[Payload::new(body)])
}

fn question(bench: &Bench, message_id: u32, number: u32) -> Vec<u8> {
    says(bench, message_id, notification(bench, NotifyType::R_U_THERE, number))
}

fn answer(bench: &Bench, message_id: u32, number: u32) -> Vec<u8> {
    says(bench, message_id, notification(bench, NotifyType::R_U_THERE_ACK, number))
}

/// What an Informational of ours carries.
fn carried(bench: &Bench, datagram: &[u8]) -> Notification {
    let id = Header::parse(datagram).unwrap().message_id.0;
    let message = bench.decrypt(datagram, &bench.iv(id));
    message.get::<Notification>().unwrap().clone()
}

/// Lets time pass at A until it sends, without anything arriving.
fn wait(bench: &mut Bench) -> Option<Vec<u8>> {
    bench.now = bench.hosts[A].engine.poll_timeout()?.at;
    bench.hosts[A].engine.handle_timeout(bench.now);
    let before = bench.hosts[A].sent.len();
    bench.hosts[A].drain();
    bench.hosts[A].sent.get(before).cloned()
}

/// A's next question: the datagram and its number.
fn next_question(bench: &mut Bench) -> (Vec<u8>, u32) {
    for _ in 0..10 {
        if let Some(datagram) = wait(bench) {
            let body = carried(bench, &datagram);
            assert_eq!(body.notify_type, NotifyType::R_U_THERE);
            return (datagram, u32::from_be_bytes(body.data.as_ref().try_into().unwrap()));
        }
    }
    panic!("no question");
}

fn is_dead(bench: &Bench) -> bool {
    bench.hosts[A].removed.iter().any(|(_, why)| *why == RemoveReason::PeerDead)
}

/// How long it takes A from now to give B up, while `meanwhile` puts something before each step.
fn dies_after(bench: &mut Bench, mut meanwhile: impl FnMut(&mut Bench)) -> Duration {
    let began = bench.now;
    for _ in 0..40 {
        meanwhile(bench);
        if is_dead(bench) {
            return bench.now - began;
        }
        wait(bench);
    }
    panic!("never");
}

#[test]
fn t077_the_first_number_leaves_room_and_each_question_has_the_next() {
    let mut bench = bench(true);
    let (_, first) = next_question(&mut bench);
    assert!(first <= 0x7fff_ffff);
    for more in 1..=5 {
        assert_eq!(next_question(&mut bench).1, first + more);
    }
}

#[test]
fn t077_only_the_outstanding_number_counts_as_life() {
    let mut bench = bench(true);
    let wrong = |number: u32| [number.wrapping_sub(1), number.wrapping_add(1), number ^ 0x8000_0000, 0];
    // Never asked for.
    let early = answer(&bench, 900, 5);
    bench.quiet(A, &early, "an answer to nothing");
    let (_, number) = next_question(&mut bench);
    for (index, other) in (0..).zip(wrong(number)) {
        let forged = answer(&bench, 1000 + index, other);
        bench.quiet(A, &forged, "an answer to another question");
    }
    let mut bodies = vec![];
    let right = notification(&bench, NotifyType::R_U_THERE_ACK, number);
    let cookies = spi(&bench);
    for spi in [
        Bytes::new(),
        cookies.slice(..8),
        [&cookies[8..], &cookies[..8]].concat().into(),
        [&cookies[..], &[0]].concat().into(),
        vec![7; 16].into(),
    ] {
        bodies.push(Notification { spi, ..right.clone() });
    }
    bodies.push(Notification { protocol: ProtocolId::ESP, ..right.clone() });
    for len in [0, 3, 5, 8] {
        bodies.push(Notification { data: vec![1; len].into(), ..right.clone() });
    }
    for (index, body) in (0..).zip(bodies) {
        let forged = says(&bench, 2000 + index, body.clone());
        bench.quiet(A, &forged, &format!("{body:?}"));
    }
    // In clear, and with a HASH that does not hold.
    let header = Header { flags: Flags::NONE, ..bench.header(ExchangeType::INFORMATIONAL, 3000) };
    let clear = Message::new(header, vec![Payload::new(right)]).encode();
    bench.quiet(A, &clear, "in clear");
    let mut bent = answer(&bench, 3001, number);
    let at = bent.len() - 1;
    bent[at] ^= 1;
    bench.quiet(A, &bent, "a HASH that does not hold");
    // The right one is life, once.
    let right = answer(&bench, 4000, number);
    let before = bench.state(A);
    assert_eq!(bench.deliver(A, &right), 0);
    assert_ne!(bench.state(A), before);
    bench.quiet(A, &right, "the same answer again");
    assert!(!is_dead(&bench));
}

#[test]
fn t077_old_answers_do_not_keep_a_dead_peer_alive() {
    let mut bench = bench(true);
    let mut old = Vec::new();
    for index in 0..5 {
        let (datagram, number) = next_question(&mut bench);
        // One is answered by the peer, the others as if by it.
        assert_eq!(bench.deliver(B, &datagram), 1);
        let (to, genuine) = bench.next().unwrap();
        assert_eq!(
            (to, u32::from_be_bytes(carried(&bench, &genuine).data[..].try_into().unwrap())),
            (A, number)
        );
        bench.deliver(A, &genuine);
        old.push(genuine);
        old.push(answer(&bench, 5000 + index, number));
    }
    // From here on only old answers come.
    let took = dies_after(&mut bench, |bench| {
        for datagram in &old {
            bench.deliver(A, datagram);
        }
    });
    assert_eq!(took, Duration::from_secs(10 + 6 * 2));
}

#[test]
fn t077_old_questions_are_no_life_and_draw_no_answer() {
    let mut bench = bench(true);
    let mut old = Vec::new();
    for (index, number) in (0..).zip([7, 8, 9, 20]) {
        let datagram = question(&bench, 6000 + index, number);
        assert_eq!(bench.deliver(A, &datagram), 1, "{number}");
        let (_, reply) = bench.next().unwrap();
        let reply = carried(&bench, &reply);
        assert_eq!(
            (reply.notify_type, &reply.data[..]),
            (NotifyType::R_U_THERE_ACK, &number_octets(number)[..])
        );
        assert_eq!(reply.spi, spi(&bench));
        old.push(datagram);
    }
    for datagram in &old[..3] {
        bench.quiet(A, datagram, "an old question");
    }
    // The last one may be repeated by a peer that has lost the answer; it is answered, and nothing else.
    let (last, again) = (old[3].clone(), question(&bench, 6100, 20));
    for datagram in [last.clone(), again.clone()] {
        let before = bench.state(A);
        assert_eq!(bench.deliver(A, &datagram), 1);
        assert_eq!(bench.state(A), before);
    }
    let took = dies_after(&mut bench, |bench| {
        bench.deliver(A, &last);
        bench.deliver(A, &again);
    });
    assert!(took <= Duration::from_secs(10 + 6 * 2), "{took:?}");
}

fn number_octets(number: u32) -> [u8; 4] {
    number.to_be_bytes()
}

#[test]
fn t077_a_flood_of_questions_is_answered_within_bounds() {
    let mut bench = bench(true);
    let per_second = Config::default().liveness_answers_per_second as usize;
    let mut answers = 0;
    // The numbers are new, or always the same.
    for round in 0..20_000_u32 {
        let datagram = question(&bench, 10_000 + round, if round % 2 == 0 { round } else { 0 });
        answers += bench.deliver(A, &datagram);
        bench.hosts[A].events.truncate(100);
        bench.hosts[A].sent.clear();
        bench.flying.clear();
    }
    assert_eq!(answers, per_second);
    bench.now += Duration::from_secs(1);
    let datagram = question(&bench, 1, 30_000);
    assert_eq!(bench.deliver(A, &datagram), 1, "the next second");
    // The SA still takes what it would have to remember.
    let other = says(&bench, 2, notification(&bench, NotifyType::INITIAL_CONTACT, 0));
    bench.deliver(A, &other);
    let refused = |why: &Reject| matches!(why, Reject::Incompatible(Incompatibility::MessageIdsExhausted));
    assert!(!bench.hosts[A].rejects().iter().any(refused));
}

/// Whoever has seen a question can repeat it: that does not take the answer from the peer's next one, which would be death,
/// and uses up nothing of the IKE SA.
#[test]
fn t077_repeated_questions_harm_nobody() {
    let mut bench = bench_of(true, Lifetime { seconds: None, kilobytes: Some(256) });
    let per_second = Config::default().liveness_answers_per_second as usize;
    let first = question(&bench, 1, 5);
    assert_eq!(bench.deliver(A, &first), 1);
    let answers: usize = (0..5000).map(|_| bench.deliver(A, &first)).sum();
    assert!((1..per_second).contains(&answers), "{answers}");
    let next = question(&bench, 2, 6);
    assert_eq!(bench.deliver(A, &next), 1);
    let told = |event: &&Event| matches!(event, Event::Notified { notify: NotifyType::R_U_THERE, .. });
    assert_eq!(bench.hosts[A].events.iter().filter(told).count(), 2);
    bench.hosts[A].engine.handle_timeout(bench.now);
    assert_eq!(bench.hosts[A].engine.snapshot().ike_sas.len(), 1);
}

#[test]
fn t085_questions_that_nobody_takes_note_of_are_bounded() {
    let mut bench = bench(true);
    let path = Path { local: address(1), remote: address(2) };
    for number in 1..=10_000 {
        let octets = &question(&bench, number, number);
        bench.hosts[A].engine.handle_input(bench.now, Input::Datagram { path, octets }).unwrap();
    }
    let mut waiting = 0;
    while bench.hosts[A].engine.poll_output().is_some() {
        waiting += 1;
    }
    assert!((4096..4200).contains(&waiting), "{waiting}");
}

#[test]
fn t077_who_has_not_announced_it_gets_no_answer() {
    let mut bench = bench(false);
    let datagram = question(&bench, 1, 5);
    bench.quiet(A, &datagram, "not announced");
}
