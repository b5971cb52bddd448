//! Row T074: the commit bit, CONNECTED in all its forms, and neither where they must not count.

use core::time::Duration;

use isakmp_wire::payload::Notification;
use isakmp_wire::{Doi, ExchangeType, Flags, Header, NotifyType, Payload, ProtocolId};
use oakley::*;

use crate::forger::*;
use crate::pair::*;

/// The flags in a header.
const FLAGS: usize = 19;
/// Messages 7, 8 and 9 are those of Quick Mode.
const QUICK_2: usize = 8;

fn committed(octets: &[u8]) -> bool {
    Flags(octets[FLAGS]).contains(Flags::COMMIT)
}

fn flip(octets: &[u8]) -> Vec<u8> {
    let mut octets = octets.to_vec();
    octets[FLAGS] ^= Flags::COMMIT.0;
    octets
}

fn directions(host: &Host) -> Vec<Direction> {
    host.installed.iter().map(|sa| sa.direction).collect()
}

/// Runs to the end with the flag flipped on one message.
fn flipped(number: usize) -> Bench {
    let mut bench = Bench::new(40);
    bench.initiate();
    let mut at = 0;
    while let Some((to, octets)) = bench.next() {
        at += 1;
        let octets = if at == number { flip(&octets) } else { octets };
        bench.deliver(to, &octets);
    }
    bench
}

/// The initiator waits for CONNECTED; message 2 as it arrived, and the message id.
fn waiting() -> (Bench, Vec<u8>, u32) {
    let bench = flipped(QUICK_2);
    let message = flip(&bench.seen[QUICK_2 - 1].1);
    let message_id = Header::parse(&message).unwrap().message_id.0;
    assert_eq!(directions(&bench.hosts[A]), [Direction::Inbound]);
    assert_eq!(bench.hosts[B].established().len(), 1);
    (bench, message, message_id)
}

fn connected(spi: Option<(ProtocolId, Spi)>) -> Payload {
    let (protocol, spi) = match spi {
        Some((protocol, spi)) => (protocol, spi.0.to_be_bytes().to_vec()),
        None => (ProtocolId::ISAKMP, Vec::new()),
    };
    Payload::new(Notification {
        doi: Doi::IPSEC,
        protocol,
        spi: spi.into(),
        notify_type: NotifyType::CONNECTED,
        data: Default::default(),
    })
}

#[test]
fn t074_a_responder_that_commits_says_connected_and_the_initiator_waits_for_it() {
    let mut commits = policy(2, 1);
    commits.quirks.commit = true;
    let mut bench = Bench::with(41, policy(1, 2), commits);
    bench.initiate();
    bench.run(|bench, number, _, octets| {
        assert_eq!(committed(octets), number == QUICK_2, "message {number}");
        if number == 10 {
            assert_eq!(directions(&bench.hosts[A]), [Direction::Inbound]);
            assert_eq!(Header::parse(octets).unwrap().exchange, ExchangeType::INFORMATIONAL);
        }
    });
    assert!(bench.complete());
    assert_eq!(bench.seen.len(), 10);
    // A peer that lost CONNECTED repeats message 3 and gets the same again.
    let [third, last] = [&bench.seen[8].1, &bench.seen[9].1].map(Clone::clone);
    assert_eq!(bench.deliver(B, &third), 1);
    assert_eq!(bench.next().unwrap().1, last);
}

#[test]
fn t074_connected_is_understood_in_every_form() {
    let theirs = |bench: &Bench| bench.hosts[B].established()[0].pairs[0];
    for form in 0..6 {
        let (mut bench, _, id) = waiting();
        let third = bench.seen[8].1.clone();
        let chained = third[third.len() - 8..].to_vec();
        let pair = theirs(&bench);
        let octets = match form {
            // A fourth message of the Quick Mode, on its IV chain.
            0 | 1 => {
                let kind = [ExchangeType::QUICK, ExchangeType::INFORMATIONAL][form];
                let header = bench.header(kind, id);
                let notify = connected(None);
                let rest = isakmp_wire::encode_chain(core::slice::from_ref(&notify));
                let hash = bench.hash(&[&id.to_be_bytes(), &rest]);
                let hash = Payload::new(isakmp_wire::payload::HashData { octets: hash.into() });
                bench.encrypt(&header, &[hash, notify], &chained)
            }
            // An Informational of the same message id that begins anew.
            2 => bench.protect(&bench.header(ExchangeType::INFORMATIONAL, id), &[connected(None)]),
            // An Informational of its own: without an SPI, with the peer's, with ours.
            3 => bench.protect(&bench.header(ExchangeType::INFORMATIONAL, id ^ 1), &[connected(None)]),
            form => {
                let spi = if form == 4 { pair.inbound } else { pair.outbound };
                let notify = connected(Some((ProtocolId::ESP, spi)));
                bench.protect(&bench.header(ExchangeType::INFORMATIONAL, id ^ 1), &[notify])
            }
        };
        bench.deliver(A, &octets);
        assert_eq!(directions(&bench.hosts[A]), [Direction::Inbound, Direction::Outbound], "form {form}");
        assert_eq!(bench.hosts[A].established().len(), 1, "form {form}");
        // Nothing is repeated any more.
        let sent = bench.hosts[A].sent.len();
        for second in 1..200 {
            bench.hosts[A].engine.handle_timeout(Duration::from_secs(second));
        }
        bench.hosts[A].drain();
        assert_eq!(bench.hosts[A].sent.len(), sent, "form {form}");
    }
}

#[test]
fn t074_connected_of_another_sa_or_without_proof_is_not_it() {
    let (mut bench, second, id) = waiting();
    let other = connected(Some((ProtocolId::ESP, Spi(4711))));
    let header = bench.header(ExchangeType::INFORMATIONAL, id ^ 1);
    let other = bench.protect(&header, &[other]);
    let something_else = Payload::new(Notification {
        doi: Doi::IPSEC,
        protocol: ProtocolId::ISAKMP,
        spi: Default::default(),
        notify_type: NotifyType::INITIAL_CONTACT,
        data: Default::default(),
    });
    let not_connected = bench.protect(&bench.header(ExchangeType::INFORMATIONAL, id), &[something_else]);
    let clear = isakmp_wire::Message::new(
        Header { flags: Flags::NONE, ..bench.header(ExchangeType::INFORMATIONAL, id) },
        vec![connected(None)],
    );
    let mut garbage = bench.protect(&bench.header(ExchangeType::INFORMATIONAL, id), &[connected(None)]);
    garbage[40] ^= 1;
    for octets in [other, not_connected, clear.encode().to_vec(), garbage, flip(&second)] {
        bench.deliver(A, &octets);
        assert_eq!(directions(&bench.hosts[A]), [Direction::Inbound]);
    }
    assert!(bench.hosts[A].established().is_empty());
}

#[test]
fn t074_the_wait_is_bounded_and_ends_the_waiting_sa_alone() {
    let (mut bench, _, _) = waiting();
    let ike = bench.hosts[A].engine.snapshot().ike_sas[0].id;
    let sent = bench.hosts[A].sent.len();
    for second in 1..300 {
        bench.hosts[A].engine.handle_timeout(Duration::from_secs(second));
    }
    bench.hosts[A].drain();
    let host = &bench.hosts[A];
    assert_eq!(host.failures(), [Abort::TimedOut]);
    assert_eq!(host.removed.iter().map(|(_, why)| *why).collect::<Vec<_>>(), [RemoveReason::Incomplete]);
    assert_eq!(directions(host), [Direction::Inbound]);
    assert_eq!(host.engine.snapshot().ike_sas[0].id, ike);
    // Message 3 was repeated as often as any other, and the peer learns that its half is of no use.
    assert_eq!(host.sent.len() - sent, Config::default().max_sends as usize - 1 + 1);
}

#[test]
fn t074_the_flag_changes_nothing_elsewhere() {
    for number in (1..=9).filter(|number| *number != QUICK_2) {
        let bench = flipped(number);
        assert!(bench.complete(), "message {number}");
    }
    // Nor does it touch what is up.
    let mut bench = Bench::new(42);
    bench.initiate();
    bench.run(|_, _, _, _| {});
    assert!(bench.complete());
    for (to, octets) in bench.seen.clone() {
        bench.quiet(to, &flip(&octets), "a flag on a message of before");
    }
    let header = bench.header(ExchangeType::INFORMATIONAL, 7);
    let early =
        bench.protect(&Header { flags: Flags::ENCRYPTION.with(Flags::COMMIT), ..header }, &[connected(None)]);
    let bundles = bench.hosts[A].engine.snapshot().bundles.len();
    bench.deliver(A, &early);
    assert_eq!(bench.hosts[A].engine.snapshot().bundles.len(), bundles);
    assert!(bench.hosts[A].removed.is_empty());
}
