//! Quick Modes whose HASH holds and that must be refused all the same: answers that were not offered, secrecy that is less than
//! asked for, numbers of no size.

use bytes::Bytes;
use crypto_provider::GroupId;
use isakmp_wire::payload::{
    Attribute, AttributeValue, HashData, KeyExchange, Nonce, Notification, SecurityAssociation,
};
use isakmp_wire::{Doi, Header, NotifyType, Payload, PayloadKind, ProtocolId, encode_chain};
use oakley::*;

use crate::forger::*;
use crate::pair::*;
use crate::phase2::{live, quick};

const LIFE_DURATION: u16 = 2;
const GROUP: u16 = 3;
const ENCAPSULATION: u16 = 4;
const AUTHENTICATION: u16 = 5;

/// A bench in which message 2 of the Quick Mode is the next to arrive.
fn before_the_answer(seed: u64) -> Bench {
    let mut bench = Bench::new(seed);
    bench.initiate();
    bench.run_to(7);
    bench
}

/// Message 2 as an authenticated responder could have written it, and to whom it goes.
fn answer(bench: &mut Bench, change: impl FnOnce(&mut Vec<Payload>)) -> (usize, Vec<u8>) {
    let offer = bench.seen[6].1.clone();
    let iv = &offer[offer.len() - 8..];
    let message_id = Header::parse(&offer).unwrap().message_id.0;
    let ni = bench.decrypt(&offer, &bench.iv(message_id)).get::<Nonce>().unwrap().clone();
    let (to, genuine) = bench.next().unwrap();
    let message = bench.decrypt(&genuine, iv);
    let mut payloads = message.payloads()[1..].to_vec();
    change(&mut payloads);
    let hash = bench.hash(&[&message_id.to_be_bytes(), &ni.octets, &encode_chain(&payloads)]);
    payloads.insert(0, Payload::new(HashData { octets: hash.into() }));
    (to, bench.encrypt(message.header(), &payloads, iv))
}

fn in_sa(payloads: &mut [Payload], change: impl FnOnce(&mut SecurityAssociation)) {
    let mut sa = payloads[0].get::<SecurityAssociation>().unwrap().clone();
    change(&mut sa);
    payloads[0] = Payload::new(sa);
}

fn set(sa: &mut SecurityAssociation, class: u16, value: u16) {
    let attributes = &mut sa.proposals[0].transforms[0].attributes;
    attributes.iter_mut().filter(|one| one.kind == class).for_each(|one| {
        one.value = AttributeValue::Basic(value);
    });
}

/// RFC 2408 4.2: what comes back is one of the transforms that were offered, whole and alone.
#[test]
fn t025_an_answer_in_quick_mode_that_was_not_offered() {
    // The forger's answer is taken when nothing of it is changed.
    let mut bench = before_the_answer(110);
    let (to, same) = answer(&mut bench, |_| {});
    bench.deliver(to, &same);
    assert_eq!(bench.hosts[A].installed.len(), 2);

    let changes: [&dyn Fn(&mut SecurityAssociation); 8] = [
        &|sa| set(sa, AUTHENTICATION, 1),
        &|sa| set(sa, ENCAPSULATION, 2),
        &|sa| set(sa, LIFE_DURATION, 60_000),
        &|sa| sa.proposals[0].transforms[0].id = 3,
        &|sa| drop(sa.proposals[0].transforms[0].attributes.pop()),
        &|sa| {
            let more = Attribute { kind: GROUP, value: AttributeValue::Basic(1) };
            sa.proposals[0].transforms[0].attributes.push(more);
        },
        &|sa| {
            let mut second = sa.proposals[0].transforms[0].clone();
            second.number = second.number.wrapping_add(1);
            sa.proposals[0].transforms.push(second);
        },
        &|sa| sa.proposals[0].protocol = ProtocolId::AH,
    ];
    for (index, change) in changes.into_iter().enumerate() {
        let mut bench = before_the_answer(110);
        let (to, forged) = answer(&mut bench, |payloads| in_sa(payloads, change));
        bench.deliver(to, &forged);
        assert!(bench.hosts[A].installed.is_empty(), "change {index}");
        let last = bench.hosts[A].rejects().pop();
        assert!(
            matches!(last, Some(Reject::Misbehaved(_) | Reject::Incompatible(_))),
            "change {index}: {last:?}"
        );
    }
}

/// RFC 2409 5.5: the responder repeats the identities; other ones, the same crosswise and none are no answer.
#[test]
fn t067_an_answer_repeats_the_identities() {
    for index in 0..3 {
        let mut bench = before_the_answer(111);
        let (to, forged) = answer(&mut bench, |payloads| match index {
            0 => payloads.swap(2, 3),
            1 => payloads.truncate(2),
            _ => payloads[3] = payloads[2].clone(),
        });
        bench.deliver(to, &forged);
        assert!(bench.hosts[A].installed.is_empty(), "change {index}");
        let last = bench.hosts[A].rejects().pop();
        assert!(
            matches!(last, Some(Reject::Misbehaved(Misbehaviour::Identity(_)))),
            "change {index}: {last:?}"
        );
    }
}

/// RFC 2409 5: a nonce has 8 to 256 octets, in Quick Mode too, on both sides.
#[test]
fn t015_sizes_of_nonces_in_quick_mode() {
    let nonce = |len| Payload::new(Nonce { octets: vec![9; len].into() });
    let mut bench = live(112);
    for (index, (len, taken)) in
        [(0, false), (7, false), (8, true), (256, true), (257, false)].into_iter().enumerate()
    {
        let before = bench.hosts[B].installed.len();
        let message = quick(&bench, 9100 + index as u32, |payloads| payloads[1] = nonce(len));
        bench.deliver(B, &message);
        assert_eq!(bench.hosts[B].installed.len() > before, taken, "{len} octets");

        let mut bench = before_the_answer(113);
        let (to, message) = answer(&mut bench, |payloads| payloads[1] = nonce(len));
        bench.deliver(to, &message);
        assert_eq!(!bench.hosts[A].installed.is_empty(), taken, "{len} octets in the answer");
    }
}

/// A policy that asks for perfect forward secrecy gets it, in its own group, or no SA at all.
#[test]
fn t072_a_policy_with_secrecy_takes_no_offer_without() {
    let with = |policy: Policy| Policy {
        phase2: policy.phase2.clone().map(|phase2| Phase2Policy { pfs: Some(GroupId::MODP_768), ..phase2 }),
        ..policy
    };
    let mut bench = Bench::with(114, with(policy(1, 2)), with(policy(2, 1)));
    bench.initiate();
    bench.run(|_, _, _, _| {});
    assert!(bench.complete());
    let ke = |len| Payload::new(KeyExchange { public: Bytes::from(vec![3; len]) });
    // The genuine offer has the group and KE at place 2.
    type Change<'a> = (&'a dyn Fn(&mut Vec<Payload>), bool);
    let changes: [Change<'_>; 4] = [
        (&|_| {}, true),
        (
            &|payloads| {
                drop(payloads.remove(2));
                in_sa(payloads, |sa| {
                    sa.proposals[0].transforms[0].attributes.retain(|one| one.kind != GROUP)
                });
            },
            false,
        ),
        (
            &|payloads| {
                in_sa(payloads, |sa| set(sa, GROUP, 2));
                payloads[2] = ke(128);
            },
            false,
        ),
        (&|payloads| drop(payloads.remove(2)), false),
    ];
    for (index, (change, taken)) in changes.into_iter().enumerate() {
        let before = bench.hosts[B].installed.len();
        let message = quick(&bench, 9200 + index as u32, |payloads| {
            assert_eq!(payloads[2].kind(), PayloadKind::KEY_EXCHANGE);
            change(payloads);
        });
        bench.deliver(B, &message);
        assert_eq!(bench.hosts[B].installed.len() > before, taken, "change {index}");
    }
}

/// RFC 2409 5.5: one KE is of one group, so all transforms of a proposal name the same one.
#[test]
fn t072_the_protocols_of_a_proposal_name_one_group() {
    let with = |me, peer| Policy {
        phase2: Some(phase2(me, peer, vec![proposal(&[ah(), esp()])])),
        ..policy(me, peer)
    };
    let mut bench = Bench::with(115, with(1, 2), with(2, 1));
    bench.initiate();
    bench.run(|_, _, _, _| {});
    assert!(bench.complete());
    let groups: [(&[Option<u16>; 2], bool); 4] = [
        (&[Some(1), Some(1)], true),
        (&[Some(1), Some(2)], false),
        (&[Some(1), None], false),
        (&[None, Some(1)], false),
    ];
    for (index, (groups, taken)) in groups.into_iter().enumerate() {
        let before = bench.hosts[B].installed.len();
        let message = quick(&bench, 9300 + index as u32, |payloads| {
            in_sa(payloads, |sa| {
                for (proposal, group) in sa.proposals.iter_mut().zip(groups) {
                    let value = group.map(AttributeValue::Basic);
                    let attribute = value.map(|value| Attribute { kind: GROUP, value });
                    proposal.transforms[0].attributes.extend(attribute);
                }
            });
            payloads.insert(2, Payload::new(KeyExchange { public: Bytes::from(vec![3; 96]) }));
        });
        bench.deliver(B, &message);
        assert_eq!(bench.hosts[B].installed.len() > before, taken, "{groups:?}");
    }
}

/// RFC 2408 3.1: messages of phase 1 have id 0.
#[test]
fn t042_messages_of_phase_1_have_no_id() {
    let mut bench = Bench::new(116);
    bench.initiate();
    bench.run(|bench, number, to, genuine| {
        if number <= 6 {
            let mut forged = genuine.to_vec();
            forged[20..24].copy_from_slice(&[0, 0, 0, 1]);
            bench.quiet(to, &forged, "a message id in phase 1");
            assert_eq!(bench.hosts[to].rejects().pop(), Some(Reject::Misbehaved(Misbehaviour::MessageId)));
        }
    });
    assert!(bench.complete());
}

/// RFC 2407 4.6.3.1: what the responder says of its policy shortens a life, within bounds, and never lengthens it.
#[test]
fn t076_a_life_told_with_the_answer_only_shortens() {
    const LIFE_TYPE: u16 = 1;
    let told = |seconds: u32| {
        let attributes = [
            Attribute { kind: LIFE_TYPE, value: AttributeValue::Basic(1) },
            Attribute {
                kind: LIFE_DURATION,
                value: AttributeValue::Variable(seconds.to_be_bytes().to_vec().into()),
            },
        ];
        Payload::new(Notification {
            doi: Doi::IPSEC,
            protocol: ProtocolId::ESP,
            spi: Bytes::from_static(&[0, 0, 1, 1]),
            notify_type: NotifyType::RESPONDER_LIFETIME,
            data: Attribute::encode_list(&attributes),
        })
    };
    for (seconds, expected) in
        [(600, 600), (3599, 3599), (3601, 3600), (u32::MAX, 3600), (10, 10), (9, 10), (1, 10)]
    {
        let mut bench = before_the_answer(117);
        let (to, message) = answer(&mut bench, |payloads| payloads.push(told(seconds)));
        bench.deliver(to, &message);
        assert_eq!(bench.hosts[A].installed[0].lifetime.seconds, Some(expected), "{seconds}");
    }
}
