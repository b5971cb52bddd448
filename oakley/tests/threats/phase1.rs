//! Rows T001 to T046: strangers and men in the middle before an IKE SA exists.

use bytes::Bytes;
use crypto_provider::default::SeededRandom;
use crypto_provider::{GroupId, HashAlgorithm, SecureRandom};
use isakmp_wire::payload::{
    Attribute, AttributeValue, KeyExchange, Nonce, Notification, SecurityAssociation,
};
use isakmp_wire::{Doi, ExchangeType, Flags, Header, Message, NotifyType, Payload, PayloadKind, ProtocolId};
use oakley::*;

use crate::forger::*;
use crate::pair::*;

/// A negotiation in which each message is preceded by forged ones; it must complete all the same.
fn goes_on(seed: u64, forge: impl Fn(&mut Bench, usize, usize, &[u8])) {
    let mut bench = Bench::new(seed);
    bench.initiate();
    bench.run(|bench, number, to, genuine| forge(bench, number, to, genuine));
    assert!(bench.complete());
}

#[test]
fn t001_every_prefix_of_every_message() {
    goes_on(1, |bench, _, to, genuine| {
        for len in 0..genuine.len() {
            bench.quiet(to, &genuine[..len], "prefix");
        }
    });
}

#[test]
fn t002_header_length_lies() {
    goes_on(2, |bench, _, to, genuine| {
        let len = genuine.len() as u32;
        for lie in [0, 27, len - 1, len + 1, 1 << 31, u32::MAX] {
            let mut forged = genuine.to_vec();
            forged[24..28].copy_from_slice(&lie.to_be_bytes());
            bench.quiet(to, &forged, "length");
        }
    });
}

#[test]
fn t016_a_payload_is_missing() {
    goes_on(3, |bench, number, to, genuine| {
        if number == 1 || number > 4 {
            return;
        }
        let kinds = parse(genuine).payloads().len();
        for missing in 0..kinds {
            let forged = rewrite(genuine, |payloads| drop(payloads.remove(missing)));
            bench.quiet(to, &forged, "missing payload");
        }
    });
    // Message 1 without its SA draws nothing either.
    let mut bench = Bench::new(4);
    bench.initiate();
    let (to, genuine) = bench.next().unwrap();
    bench.quiet(to, &rewrite(&genuine, Vec::clear), "empty message 1");
}

#[test]
fn t016_a_payload_is_missing_from_a_proof() {
    for missing in [0, 1] {
        let mut bench = Bench::new(5);
        bench.initiate();
        bench.run_to(4);
        for _ in 5..=6 {
            let (to, genuine) = bench.next().unwrap();
            let iv = if to == B { bench.derived(A, "IV", 0).unwrap().to_vec() } else { bench.last_before() };
            let message = bench.decrypt(&genuine, &iv);
            let mut payloads = message.payloads().to_vec();
            payloads.remove(missing);
            let forged = bench.encrypt(message.header(), &payloads, &iv);
            // The forged message makes the responder compute g^xy, so only the answer is compared.
            assert_eq!(bench.deliver(to, &forged), 0);
            bench.deliver(to, &genuine);
        }
        bench.run(|_, _, _, _| {});
        assert!(bench.complete());
    }
}

impl Bench {
    /// The last ciphertext block of the message before the latest one.
    fn last_before(&self) -> Vec<u8> {
        let octets = &self.seen[self.seen.len() - 2].1;
        octets[octets.len() - 8..].to_vec()
    }
}

#[test]
fn t017_a_payload_is_doubled() {
    goes_on(6, |bench, number, to, genuine| {
        if !(2..=4).contains(&number) {
            return;
        }
        let count = parse(genuine).payloads().len();
        for index in 0..count {
            for front in [true, false] {
                let forged = rewrite(genuine, |payloads| {
                    let copy = payloads[index].clone();
                    payloads.insert(if front { index } else { payloads.len() }, copy);
                });
                bench.quiet(to, &forged, "doubled payload");
            }
        }
    });
}

#[test]
fn t019_header_octets() {
    goes_on(7, |bench, _, to, genuine| {
        for at in [17, 18] {
            for value in 0..=255 {
                let is_v2 = at == 17 && value >> 4 == 2;
                if genuine[at] == value || is_v2 {
                    continue;
                }
                // A higher minor version of the same major one may be processed (RFC 2408 3.1).
                if at == 17 && value >> 4 == 1 {
                    continue;
                }
                let mut forged = genuine.to_vec();
                forged[at] = value;
                bench.quiet(to, &forged, "header octet");
            }
        }
    });
}

#[test]
fn t022_forged_messages_2_to_4() {
    goes_on(8, |bench, number, to, genuine| {
        let forged: Vec<Vec<u8>> = match number {
            2 => vec![
                rewrite(genuine, |payloads| change_attribute(payloads, 4, 2)),
                rewrite(genuine, |payloads| change_attribute(payloads, 1, 5)),
            ],
            3 | 4 => vec![
                rewrite(genuine, |payloads| cut(payloads, PayloadKind::KEY_EXCHANGE, 1)),
                rewrite(genuine, |payloads| cut(payloads, PayloadKind::KEY_EXCHANGE, 96)),
                rewrite(genuine, |payloads| cut(payloads, PayloadKind::NONCE, 25)),
            ],
            _ => Vec::new(),
        };
        for forged in forged {
            bench.quiet(to, &forged, "forged");
        }
    });
}

fn change_attribute(payloads: &mut [Payload], class: u16, value: u16) {
    let mut sa = payloads[0].get::<SecurityAssociation>().unwrap().clone();
    for attribute in &mut sa.proposals[0].transforms[0].attributes {
        if attribute.kind == class {
            attribute.value = AttributeValue::Basic(value);
        }
    }
    payloads[0] = Payload::new(sa);
}

fn cut(payloads: &mut [Payload], kind: PayloadKind, octets: usize) {
    let payload = payloads.iter_mut().find(|payload| payload.kind() == kind).unwrap();
    let raw = payload.raw().slice(..payload.raw().len() - octets);
    *payload = match kind {
        PayloadKind::NONCE => Payload::new(Nonce { octets: raw }),
        _ => Payload::new(KeyExchange { public: raw }),
    };
}

#[test]
fn t023_garbage_under_right_cookies() {
    let random = SeededRandom::new(23);
    goes_on(9, |bench, _, to, genuine| {
        let header = Header::parse(genuine).unwrap();
        if !header.is_encrypted() {
            return;
        }
        let sizes = [0, 1, 7, 8, 9, 16, 24, 64, 65, 1000, 65_000];
        for (round, size) in sizes.into_iter().cycle().take(200).enumerate() {
            let mut forged = genuine[..28].to_vec();
            let mut body = vec![0; size];
            random.fill(&mut body).unwrap();
            forged.extend(body);
            let len = forged.len() as u32;
            forged[24..28].copy_from_slice(&len.to_be_bytes());
            let rejects = bench.hosts[to].rejects().len();
            assert_eq!(bench.deliver(to, &forged), 0, "round {round}");
            let new = bench.hosts[to].rejects()[rejects..].to_vec();
            let expected = Reject::Misbehaved(Misbehaviour::Undecipherable);
            let short = size == 0 && matches!(new[..], [Reject::Malformed(_)]);
            assert!(short || new == [expected], "{new:?} for {size} octets");
        }
    });
}

#[test]
fn t024_reflection() {
    // Every datagram of the initiator comes back to it, cookies as they are and swapped.
    let mut bench = Bench::new(10);
    bench.initiate();
    bench.run(|bench, number, to, genuine| {
        let own = 1 - to;
        bench.quiet(own, genuine, "own message");
        if number == 2 {
            let initiator = Header::parse(genuine).unwrap().initiator_cookie.0;
            bench.quiet(to, &with_cookies(genuine, initiator, initiator), "CKY-R = CKY-I");
        }
        let header = Header::parse(genuine).unwrap();
        if !header.is_encrypted() && number > 1 {
            let swapped = with_cookies(genuine, header.responder_cookie.0, header.initiator_cookie.0);
            bench.quiet(own, &swapped, "swapped cookies");
        }
    });
    assert!(bench.complete());

    // A peer that has nothing of its own: KE and nonce of message 3 come back as message 4.
    let mut bench = Bench::new(11);
    bench.initiate();
    bench.run_to(2);
    let (_, message3) = bench.next().unwrap();
    bench.quiet(A, &message3, "our own contribution");
    let why = bench.hosts[A].rejects();
    assert!(why.contains(&Reject::Misbehaved(Misbehaviour::Reflected("public value"))), "{why:?}");
}

#[test]
fn t025_the_answer_was_not_offered() {
    let offers = |policy| Policy {
        suites: vec![
            Phase1Suite { hash: HashAlgorithm::Md5, group: GroupId::MODP_1024, ..suite() },
            Phase1Suite { priority: 2, ..suite() },
        ],
        ..policy
    };
    let mut bench = Bench::with(12, offers(policy(1, 2)), offers(policy(2, 1)));
    bench.initiate();
    bench.run(|bench, number, to, genuine| {
        if number != 2 {
            return;
        }
        // Each attribute alone changed, which crosses the two offers; more life; one attribute more or less; two transforms.
        let changes: [&dyn Fn(&mut SecurityAssociation); 8] = [
            &|sa| set(sa, 12, 60),
            &|sa| set(sa, 1, 5),
            &|sa| set(sa, 2, 2),
            &|sa| set(sa, 4, 1),
            &|sa| set(sa, 3, 3),
            &|sa| drop(sa.proposals[0].transforms[0].attributes.pop()),
            &|sa| {
                sa.proposals[0].transforms[0]
                    .attributes
                    .push(Attribute { kind: 14, value: AttributeValue::Basic(128) });
            },
            &|sa| {
                let copy = sa.proposals[0].transforms[0].clone();
                sa.proposals[0].transforms.push(copy);
            },
        ];
        for change in changes {
            let forged = rewrite(genuine, |payloads| {
                let mut sa = payloads[0].get::<SecurityAssociation>().unwrap().clone();
                change(&mut sa);
                payloads[0] = Payload::new(sa);
            });
            bench.quiet(to, &forged, "not offered");
        }
    });
    assert!(bench.complete());
}

fn set(sa: &mut SecurityAssociation, class: u16, value: u16) {
    for attribute in &mut sa.proposals[0].transforms[0].attributes {
        if attribute.kind == class {
            attribute.value = AttributeValue::Basic(value);
        }
    }
}

#[test]
fn t026_an_offer_stripped_on_its_way_ends_at_the_proof() {
    let offers = |policy| Policy {
        suites: vec![
            Phase1Suite { group: GroupId::MODP_1024, ..suite() },
            Phase1Suite { priority: 2, ..suite() },
        ],
        ..policy
    };
    let mut bench = Bench::with(13, offers(policy(1, 2)), offers(policy(2, 1)));
    bench.initiate();
    let (to, genuine) = bench.next().unwrap();
    let stripped = rewrite(&genuine, |payloads| {
        let mut sa = payloads[0].get::<SecurityAssociation>().unwrap().clone();
        sa.proposals[0].transforms.remove(0);
        payloads[0] = Payload::new(sa);
    });
    bench.deliver(to, &stripped);
    bench.run(|_, _, _, _| {});
    assert_eq!(bench.hosts[A].ready() + bench.hosts[B].ready(), 0);
    assert_eq!(bench.hosts[B].rejects(), [Reject::Misbehaved(Misbehaviour::Undecipherable)]);
}

#[test]
fn t029_an_identity_of_somebody_else() {
    let liar = Policy { identity: Identity::Address(address(9).ip()), ..policy(1, 2) };
    let mut bench = Bench::with(14, liar, policy(2, 1));
    bench.initiate();
    bench.run(|_, _, _, _| {});
    assert_eq!(bench.hosts[B].ready(), 0);
    let proved = Identity::Address(address(9).ip());
    let why = Reject::Incompatible(Incompatibility::Identity { proved, expected: PeerIdentity::PathAddress });
    assert_eq!(bench.hosts[B].failures(), [Abort::Peer(PeerRefusal::Rejected(why))]);
    assert!(bench.hosts[B].engine.snapshot().ike_sas.is_empty());
}

#[test]
fn t030_aggressive_mode_draws_nothing() {
    // A whole and good first message, for a responder that has the mode on, and for one that has it off.
    let begin = |on: bool| {
        let aggressive = |policy, aggressive| Policy { aggressive, ..policy };
        let mut bench = Bench::with(15, aggressive(policy(1, 2), true), aggressive(policy(2, 1), on));
        bench.initiate();
        let (to, first) = bench.next().unwrap();
        (bench, to, first)
    };
    let (mut bench, to, first) = begin(true);
    assert_eq!(bench.deliver(to, &first), 1);
    assert!(bench.hosts[to].events.iter().any(|event| matches!(event, Event::AggressivePreShared { .. })));
    let (mut bench, to, first) = begin(false);
    bench.quiet(to, &first, "Aggressive Mode");
}

#[test]
fn t034_public_values_that_give_the_secret_away() {
    let p = num_bigint::BigUint::parse_bytes(
        b"FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A63A3620FFFFFFFFFFFFFFFF",
        16,
    )
    .unwrap();
    let mut values: Vec<Vec<u8>> = [0_u8, 1].iter().map(|last| [vec![0; 95], vec![*last]].concat()).collect();
    for value in [&p - 1_u8, p.clone(), &p + 1_u8] {
        values.push(value.to_bytes_be());
    }
    values.push(vec![0xff; 96]);
    values.push([vec![0], vec![2; 96]].concat());
    values.push(Vec::new());
    goes_on(16, |bench, number, to, genuine| {
        if !(3..=4).contains(&number) {
            return;
        }
        for value in &values {
            let forged = rewrite(genuine, |payloads| {
                payloads[0] = Payload::new(KeyExchange { public: value.clone().into() });
            });
            bench.quiet(to, &forged, "public value");
            let last = bench.hosts[to].rejects().pop().unwrap();
            assert!(
                matches!(last, Reject::Misbehaved(Misbehaviour::PublicValue(_)) | Reject::Malformed(_)),
                "{last:?}"
            );
        }
    });
}

#[test]
fn t036_group_numbers() {
    let mut bench = Bench::new(17);
    bench.initiate();
    let (to, genuine) = bench.next().unwrap();
    for group in (0..=u16::MAX).filter(|group| *group != 1).step_by(97).chain([0, 2, 1025, u16::MAX]) {
        let forged = rewrite(&genuine, |payloads| change_attribute(payloads, 4, group));
        bench.deliver(to, &forged);
        assert!(bench.hosts[B].engine.snapshot().ike_sas.is_empty(), "group {group}");
    }
}

#[test]
fn t041_repetitions_draw_the_same_answer_and_no_work() {
    let mut bench = Bench::new(18);
    bench.initiate();
    for number in 1..=9 {
        let Some((to, octets)) = bench.next() else { break };
        bench.deliver(to, &octets);
        let answer = bench.flying.back().cloned();
        for _ in 0..5 {
            let flying = bench.flying.len();
            bench.deliver(to, &octets);
            // Only the side that does not repeat by itself answers, and always the same octets.
            let again: Vec<_> = bench.flying.drain(flying..).collect();
            if to == B && number < 7 {
                assert_eq!(again, Vec::from_iter(answer.clone()), "message {number}");
            } else {
                assert!(again.iter().all(|again| Some(again) == answer.as_ref()), "message {number}");
            }
        }
    }
    assert!(bench.complete());
}

#[test]
fn t042_other_exchanges_midway() {
    goes_on(19, |bench, number, to, genuine| {
        for exchange in [0, 1, 3, 4, 5, 6, 32, 33, 255] {
            for encrypted in [0, 1] {
                let mut forged = genuine.to_vec();
                if forged[18] == exchange {
                    continue;
                }
                (forged[18], forged[19]) = (exchange, encrypted);
                forged[20..24].copy_from_slice(&[1, 2, 3, number as u8]);
                bench.quiet(to, &forged, "another exchange");
            }
        }
    });
}

#[test]
fn t044_cookies_of_somebody_else() {
    let mut bench = Bench::new(20);
    bench.initiate();
    bench.run(|bench, _, to, genuine| {
        let header = Header::parse(genuine).unwrap();
        if header.is_encrypted() {
            return;
        }
        let zero = with_cookies(genuine, [0; 8], header.responder_cookie.0);
        bench.quiet(to, &zero, "CKY-I zero");
        // The same message from another address: the exchange of the right one goes on.
        let path = Path { local: address(to as u8 + 1), remote: address(77) };
        let sent = bench.hosts[to].sent.len();
        if !header.responder_cookie.is_zero() {
            bench.hosts[to]
                .engine
                .handle_input(bench.now, Input::Datagram { path, octets: genuine })
                .unwrap();
            bench.hosts[to].drain();
            assert_eq!(bench.hosts[to].sent.len(), sent);
        }
    });
    assert!(bench.complete());
}

#[test]
fn t045_clear_notifies_are_heard_and_not_obeyed() {
    goes_on(21, |bench, _, to, genuine| {
        let genuine = Header::parse(genuine).unwrap();
        for notify in (0..=u16::MAX).step_by(251).chain([4, 14, 24, 16384, 24578]) {
            let header = Header { exchange: ExchangeType::INFORMATIONAL, flags: Flags::NONE, ..genuine };
            let payload = Payload::new(Notification {
                doi: Doi::IPSEC,
                protocol: ProtocolId::ISAKMP,
                spi: Bytes::new(),
                notify_type: NotifyType(notify),
                data: Bytes::new(),
            });
            let forged = Message::new(header, vec![payload]).encode();
            bench.quiet(to, &forged, "clear notify");
        }
    });
}

#[test]
fn t020_hashes_cover_the_octets_as_they_came() {
    // One reserved octet inside SAi_b is changed on the way: the typed view is the same on both sides, the octets are not.
    let mut bench = Bench::new(22);
    bench.initiate();
    let (to, mut genuine) = bench.next().unwrap();
    // RESERVED2 of the transform, which is the last of its payloads, is inside SAi_b.
    let at =
        genuine.windows(8).rposition(|octets| octets[..2] == [0, 0] && octets[4..] == [1, 1, 0, 0]).unwrap();
    genuine[at + 6] = 1;
    assert_eq!(bench.deliver(to, &genuine), 1, "it can be read");
    bench.run(|_, _, _, _| {});
    assert_eq!(bench.hosts[B].ready(), 0);
    assert_eq!(bench.hosts[B].rejects(), [Reject::Misbehaved(Misbehaviour::Undecipherable)]);
}
