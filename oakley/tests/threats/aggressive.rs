//! Rows T034, T046 and T081 where Aggressive Mode and Quick Mode have their own ways in.

use bytes::Bytes;
use core::time::Duration;

use isakmp_wire::payload::{KeyExchange, Notification};
use isakmp_wire::{Doi, Header, NotifyType, Payload, PayloadKind, ProtocolId};
use oakley::*;

use crate::forger::*;
use crate::load::stranger;
use crate::pair::*;
use crate::phase2::quick;

fn aggressive(policy: Policy) -> Policy {
    Policy { aggressive: true, ..policy }
}

fn bench(seed: u64) -> Bench {
    Bench::with(seed, aggressive(policy(1, 2)), aggressive(policy(2, 1)))
}

/// Values of group 1 that fix g^xy, or are none of its values.
fn values() -> Vec<Vec<u8>> {
    let p = num_bigint::BigUint::parse_bytes(
        b"FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A63A3620FFFFFFFFFFFFFFFF",
        16,
    )
    .unwrap();
    let small = [0_u8, 1].iter().map(|last| [vec![0; 95], vec![*last]].concat());
    let around = [&p - 1_u8, p.clone(), &p + 1_u8];
    let around = around.iter().map(num_bigint::BigUint::to_bytes_be);
    small
        .chain(around)
        .chain([vec![0xff; 96], [vec![0], vec![2; 96]].concat(), vec![2; 95], Vec::new()])
        .collect()
}

fn with_public(payloads: &mut [Payload], value: &[u8]) {
    let at = payloads.iter().position(|one| one.kind() == PayloadKind::KEY_EXCHANGE).unwrap();
    payloads[at] = Payload::new(KeyExchange { public: Bytes::copy_from_slice(value) });
}

fn is_public(why: Option<Reject>) -> bool {
    matches!(why, Some(Reject::Misbehaved(Misbehaviour::PublicValue(_)) | Reject::Malformed(_)))
}

#[test]
fn t034_public_values_in_aggressive_mode() {
    let mut bench = bench(50);
    bench.initiate();
    bench.run(|bench, number, to, genuine| {
        if number > 2 {
            return;
        }
        for value in values() {
            bench.quiet(to, &rewrite(genuine, |payloads| with_public(payloads, &value)), "public value");
            assert!(is_public(bench.hosts[to].rejects().pop()), "{value:?}");
        }
    });
    assert!(bench.complete());
}

#[test]
fn t034_public_values_in_quick_mode() {
    let pfs = |policy: Policy| Policy {
        phase2: policy.phase2.clone().map(|phase2| Phase2Policy { pfs: Some(suite().group), ..phase2 }),
        ..policy
    };
    let mut bench = Bench::with(51, pfs(policy(1, 2)), pfs(policy(2, 1)));
    bench.initiate();
    bench.run(|_, _, _, _| {});
    assert!(bench.complete());
    for (index, value) in values().iter().enumerate() {
        let message = quick(&bench, 7000 + index as u32, |payloads| with_public(payloads, value));
        bench.deliver(B, &message);
        assert!(is_public(bench.hosts[B].rejects().pop()), "{value:?}");
        assert_eq!((bench.hosts[B].installed.len(), bench.hosts[B].established().len()), (2, 1));
    }
}

/// INITIAL-CONTACT that nobody has proved, beside a new offer in the peer's own name: the SAs that live stay.
#[test]
fn t046_initial_contact_in_first_messages_changes_nothing() {
    for aggressive_mode in [false, true] {
        let with = |policy: Policy| Policy { aggressive: aggressive_mode, ..policy };
        let mut bench = Bench::with(52, with(policy(1, 2)), with(policy(2, 1)));
        bench.initiate();
        let first = bench.flying[0].1.clone();
        bench.run(|_, _, _, _| {});
        assert!(bench.complete());
        let mut forged = rewrite(&first, |payloads| {
            payloads.push(Payload::new(Notification {
                doi: Doi::IPSEC,
                protocol: ProtocolId::ISAKMP,
                spi: Bytes::new(),
                notify_type: NotifyType::INITIAL_CONTACT,
                data: Bytes::new(),
            }));
        });
        forged[..8].copy_from_slice(&[9; 8]);
        bench.deliver(B, &forged);
        assert!(bench.hosts[B].removed.is_empty());
        let snapshot = bench.hosts[B].engine.snapshot();
        assert_eq!((snapshot.bundles.len(), bench.hosts[B].ready()), (1, 1));
        // It goes on to work.
        let bundle = snapshot.bundles[0].id;
        bench.flying.clear();
        let used = Input::Used { bundle, limit: LimitReached::Soft };
        bench.hosts[B].engine.handle_input(bench.now, used).unwrap();
        bench.deliver(B, &[]);
        bench.run(|_, _, _, _| {});
        assert_eq!(bench.hosts[A].established().len(), 2);
    }
}

#[test]
fn t081_one_answer_in_aggressive_mode() {
    let mut bench = bench(53);
    bench.initiate();
    let (_, message) = bench.next().unwrap();
    assert_eq!(Header::parse(&message).unwrap().exchange, isakmp_wire::ExchangeType::AGGRESSIVE);
    bench.hosts[B].datagram(Duration::ZERO, stranger(7), address(2), &message);
    let octets: usize = bench.hosts[B].sent.iter().map(Vec::len).sum();
    assert!(octets <= 3 * message.len() && octets > 0);
    for second in 0..3600 {
        bench.hosts[B].engine.handle_timeout(Duration::from_secs(second));
        bench.hosts[B].drain();
    }
    assert_eq!(bench.hosts[B].sent.len(), 1);
    assert!(bench.hosts[B].engine.snapshot().ike_sas.is_empty());
}
