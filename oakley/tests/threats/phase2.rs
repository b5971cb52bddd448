//! Rows T046 and T060 to T079: messages under an IKE SA, by strangers and by peers that lie.

use bytes::Bytes;
use crypto_provider::default::SeededRandom;
use crypto_provider::{CipherAlgorithm, SecureRandom};
use isakmp_wire::payload::{Delete, HashData, Identification, Notification, SecurityAssociation};
use isakmp_wire::{
    Doi, ExchangeType, Header, IdType, Message, NotifyType, Payload, PayloadKind, ProtocolId, encode_chain,
};
use netsim::Node as _;
use oakley::*;

use crate::forger::*;
use crate::pair::*;

/// A bench whose tunnel is up.
pub fn live(seed: u64) -> Bench {
    let mut bench = Bench::new(seed);
    bench.initiate();
    bench.run(|_, _, _, _| {});
    assert!(bench.complete());
    bench
}

fn delete(protocol: ProtocolId, spis: &[Bytes]) -> Payload {
    let spi_size = spis.first().map_or(4, Bytes::len) as u8;
    Payload::new(Delete { doi: Doi::IPSEC, protocol, spi_size, spis: spis.to_vec() })
}

pub fn notify(notify_type: NotifyType) -> Payload {
    Payload::new(Notification {
        doi: Doi::IPSEC,
        protocol: ProtocolId::ISAKMP,
        spi: Bytes::new(),
        notify_type,
        data: Bytes::new(),
    })
}

fn cookies(bench: &Bench) -> Bytes {
    let cookies = bench.hosts[A].engine.snapshot().ike_sas[0].cookies;
    [cookies.initiator.0, cookies.responder.0].concat().into()
}

/// DELETEs of everything that A's messages could name at B: A's inbound SPIs and the IKE SA.
fn deletes_of_all(bench: &Bench) -> Vec<Payload> {
    let spi = bench.hosts[A].established()[0].pairs[0].inbound.0.to_be_bytes();
    vec![
        delete(ProtocolId::ESP, &[Bytes::copy_from_slice(&spi)]),
        delete(ProtocolId::ISAKMP, &[cookies(bench)]),
        notify(NotifyType::INITIAL_CONTACT),
    ]
}

#[test]
fn t046_clear_or_unhashed_deletes_change_nothing() {
    let mut bench = live(1);
    for payload in deletes_of_all(&bench) {
        let header = bench.header(ExchangeType::INFORMATIONAL, 77);
        let clear = Header { flags: isakmp_wire::Flags::NONE, ..header };
        let clear = Message::new(clear, vec![payload.clone()]).encode();
        bench.quiet(B, &clear, "clear");
        let none = bench.encrypt(&header, core::slice::from_ref(&payload), &bench.iv(77));
        bench.quiet(B, &none, "no HASH");
        let wrong = Payload::new(HashData { octets: vec![0; 20].into() });
        let wrong = bench.encrypt(&header, &[wrong, payload], &bench.iv(77));
        bench.quiet(B, &wrong, "wrong HASH");
    }
}

#[test]
fn t060_informationals_before_and_after_the_sa() {
    let done = live(2);
    let header = done.header(ExchangeType::INFORMATIONAL, 5);
    let recorded: Vec<Vec<u8>> = deletes_of_all(&done)
        .into_iter()
        .flat_map(|payload| {
            let clear = Header { flags: isakmp_wire::Flags::NONE, ..header };
            let clear = Message::new(clear, vec![payload.clone()]).encode().to_vec();
            [done.protect(&header, &[payload]), clear]
        })
        .collect();
    // At every state of the same negotiation, from the empty table on.
    let mut bench = Bench::new(2);
    for message in &recorded {
        bench.quiet(B, message, "empty table");
    }
    bench.initiate();
    bench.run(|bench, number, to, _| {
        // From message 6 on the initiator's SA is up, and its own Informationals would be genuine.
        if number <= 5 {
            for message in &recorded {
                bench.quiet(to, message, "before the SA");
            }
        }
    });
    assert!(bench.complete());
    // One tick after it is gone.
    let id = bench.hosts[B].engine.snapshot().ike_sas[0].id;
    bench.hosts[B].engine.handle_input(bench.now, Input::Delete(Target::IkeSa(id))).unwrap();
    bench.hosts[B].drain();
    for message in &recorded {
        bench.quiet(B, message, "after the SA");
    }
}

#[test]
fn t061_every_fault_of_hash1() {
    let mut bench = live(3);
    let header = bench.header(ExchangeType::INFORMATIONAL, 99);
    let iv = bench.iv(99);
    for payload in deletes_of_all(&bench) {
        let rest = encode_chain(core::slice::from_ref(&payload));
        let good = bench.hash(&[&99_u32.to_be_bytes(), &rest]);
        let hash = |octets: &[u8]| Payload::new(HashData { octets: Bytes::copy_from_slice(octets) });
        let mut flipped = good.clone();
        flipped[19] ^= 1;
        let longer = [good.clone(), vec![0]].concat();
        let chains = [
            vec![payload.clone()],
            vec![hash(&flipped), payload.clone()],
            vec![hash(&good[..12]), payload.clone()],
            vec![hash(&longer), payload.clone()],
            vec![hash(&[]), payload.clone()],
            vec![payload.clone(), hash(&good)],
            vec![hash(&flipped), hash(&good), payload.clone()],
        ];
        for chain in chains {
            let forged = bench.encrypt(&header, &chain, &iv);
            bench.quiet(B, &forged, "HASH fault");
        }
    }
    // The message id is not used up by all this: the genuine message is still taken.
    let deletes = deletes_of_all(&bench);
    let genuine = bench.protect(&header, &deletes[..1]);
    bench.deliver(B, &genuine);
    assert_eq!(bench.hosts[B].removed.len(), 1);
}

#[test]
fn t062_nothing_follows_the_end_of_the_sa() {
    let mut bench = live(4);
    let deletes = deletes_of_all(&bench);
    let header = bench.header(ExchangeType::INFORMATIONAL, 6);
    let message = bench.protect(&header, &[deletes[1].clone(), deletes[0].clone(), deletes[1].clone()]);
    assert_eq!(bench.deliver(B, &message), 0);
    assert_eq!(bench.hosts[B].ready(), 0);
    assert_eq!(bench.hosts[B].engine.snapshot().bundles.len(), 1, "the bundle outlives its IKE SA");
    bench.quiet(B, &message, "again");
}

#[test]
fn t063_deletes_name_only_the_senders_own() {
    let mut bench = live(5);
    let pair = bench.hosts[B].established()[0].pairs[0];
    let spi = |spi: Spi| Bytes::copy_from_slice(&spi.0.to_be_bytes());
    let foreign = [
        delete(ProtocolId::ESP, &[spi(pair.inbound)]),
        delete(ProtocolId::AH, &[spi(pair.outbound)]),
        delete(ProtocolId::ISAKMP, &[vec![1; 16].into()]),
        delete(ProtocolId::IPCOMP, &[spi(pair.outbound)]),
    ];
    for (index, payload) in foreign.into_iter().enumerate() {
        let header = bench.header(ExchangeType::INFORMATIONAL, 100 + index as u32);
        let message = bench.protect(&header, &[payload]);
        bench.quiet(B, &message, "another's SPI");
    }
}

/// A third host whose tunnel to B is up.
fn third(bench: &mut Bench) -> Host {
    let mut policy = policy(3, 2);
    policy.phase2 = Some(phase2(1, 2, vec![proposal(&[esp()])]));
    let mut third = Host::new(77, policy, Config::default());
    let path = Path { local: address(3), remote: address(2) };
    let request = Request { path, selectors: SelectorPair { local: net(1), remote: net(2) } };
    third.engine.handle_input(bench.now, Input::Initiate(request)).unwrap();
    for _ in 0..6 {
        while let Some((_, datagram)) = third.poll_transmit() {
            bench.hosts[B].datagram(bench.now, datagram.source, datagram.destination, &datagram.payload);
        }
        while let Some((_, datagram)) = bench.hosts[B].poll_transmit() {
            if datagram.destination == address(3) {
                third.datagram(bench.now, datagram.source, datagram.destination, &datagram.payload);
            }
        }
    }
    assert_eq!((third.ready(), third.established().len()), (1, 1));
    third
}

/// One authenticated peer names everything that another one has: B keeps all of it.
#[test]
fn t063_a_peer_deletes_nothing_of_another_peers() {
    let mut bench = live(5);
    let third = third(&mut bench);
    let theirs = &third.established()[0].pairs[0];
    let spi = |spi: Spi| Bytes::copy_from_slice(&spi.0.to_be_bytes());
    let cookies = third.engine.snapshot().ike_sas[0].cookies;
    let guessed: Vec<Bytes> = (256..10_256).map(|number| spi(Spi(number))).collect();
    let named = [
        delete(ProtocolId::ESP, &[spi(theirs.inbound)]),
        delete(ProtocolId::ESP, &[spi(theirs.outbound)]),
        delete(ProtocolId::ISAKMP, &[[cookies.initiator.0, cookies.responder.0].concat().into()]),
        delete(ProtocolId::ESP, &guessed),
    ];
    for (index, payload) in named.into_iter().enumerate() {
        let header = bench.header(ExchangeType::INFORMATIONAL, 200 + index as u32);
        let message = bench.protect(&header, &[payload]);
        bench.quiet(B, &message, "another peer's");
    }
    // What it may name goes, and with it nothing of the other's.
    let deletes = deletes_of_all(&bench);
    let header = bench.header(ExchangeType::INFORMATIONAL, 300);
    let message = bench.protect(&header, &deletes);
    bench.deliver(B, &message);
    let left = bench.hosts[B].engine.snapshot();
    assert_eq!((left.ike_sas.len(), left.bundles.len()), (1, 1));
    assert_eq!(left.ike_sas[0].cookies, cookies);
}

#[test]
fn t064_padding_is_never_read() {
    let mut bench = live(6);
    let header = bench.header(ExchangeType::INFORMATIONAL, 7);
    let inner = [notify(NotifyType::RESPONDER_LIFETIME)];
    let rest = encode_chain(&inner);
    let hash = bench.hash(&[&7_u32.to_be_bytes(), &rest]);
    let mut chain = encode_chain(&[Payload::new(HashData { octets: hash.into() }), inner[0].clone()]);
    chain.extend(encode_chain(&deletes_of_all(&bench)));
    chain.extend([0xff; 40]);
    let message = bench.encrypt_octets(&header, PayloadKind::HASH, chain, &bench.iv(7));
    bench.quiet(B, &message, "DELETEs in the padding");
    let heard = bench.hosts[B].events.iter().any(|event| {
        matches!(event, Event::Notified { protected: true, notify: NotifyType::RESPONDER_LIFETIME, .. })
    });
    assert!(heard);
}

#[test]
fn t065_recorded_messages_played_again() {
    let mut bench = live(7);
    let header = bench.header(ExchangeType::INFORMATIONAL, 8);
    let informational = bench.protect(&header, &[notify(NotifyType::INITIAL_CONTACT)]);
    bench.deliver(B, &informational);
    let events = bench.hosts[B].events.len();
    bench.deliver(B, &informational);
    assert!(matches!(bench.hosts[B].events[events..], [Event::Rejected { .. }]));
    // Quick Mode's first message again, now and after the stored replies were let go.
    let quick = bench.seen.iter().find(|(_, octets)| octets[18] == 32).unwrap().1.clone();
    let kept = Config::default().reply_retention.as_secs();
    for at in [0, 30, kept + 1, 2 * kept] {
        bench.now = core::time::Duration::from_secs(at);
        bench.hosts[B].engine.handle_timeout(bench.now);
        bench.hosts[B].drain();
        bench.quiet(B, &quick, "Quick Mode again");
    }
    let zero =
        bench.protect(&bench.header(ExchangeType::INFORMATIONAL, 0), &[notify(NotifyType::INITIAL_CONTACT)]);
    bench.quiet(B, &zero, "message id 0");
}

#[test]
fn t066_garbage_does_not_move_the_iv() {
    let random = SeededRandom::new(66);
    let mut bench = Bench::new(8);
    bench.initiate();
    bench.run(|bench, number, to, genuine| {
        if number < 7 {
            return;
        }
        for _ in 0..20 {
            let mut forged = genuine.to_vec();
            random.fill(&mut forged[28..]).unwrap();
            bench.quiet(to, &forged, "garbage");
        }
    });
    assert!(bench.complete());
}

/// Quick Mode's first message as an authenticated peer could write it.
pub fn quick(bench: &Bench, message_id: u32, change: impl FnOnce(&mut Vec<Payload>)) -> Vec<u8> {
    let (_, genuine) = bench.seen.iter().find(|(_, octets)| octets[18] == 32).unwrap();
    let header = Header::parse(genuine).unwrap();
    let message = bench.decrypt(genuine, &bench.iv(header.message_id.0));
    let mut payloads = message.payloads()[1..].to_vec();
    // Each message has SPIs of its own, as a peer's would have.
    let mut sa = payloads[0].get::<SecurityAssociation>().unwrap().clone();
    for proposal in &mut sa.proposals {
        proposal.spi = Bytes::copy_from_slice(&(0x10_0000 + message_id).to_be_bytes());
    }
    payloads[0] = Payload::new(sa);
    change(&mut payloads);
    bench.protect(&bench.header(ExchangeType::QUICK, message_id), &payloads)
}

fn id(id_type: IdType, protocol: u8, port: u16, data: &[u8]) -> Payload {
    Payload::new(Identification { id_type, protocol, port, data: Bytes::copy_from_slice(data) })
}

#[test]
fn t016_a_payload_is_missing_from_quick_mode() {
    let mut bench = live(9);
    for missing in 0..4 {
        let message = quick(&bench, 1000 + missing as u32, |payloads| drop(payloads.remove(missing)));
        bench.deliver(B, &message);
    }
    assert_eq!(bench.hosts[B].installed.len(), 2, "nothing new");
    assert_eq!(bench.hosts[B].ready(), 1);
}

#[test]
fn t067_identities_outside_the_policy() {
    let mut bench = live(10);
    let good_ci = id(IdType::IPV4_ADDR_SUBNET, 0, 0, &[10, 1, 0, 0, 255, 255, 255, 0]);
    let good_cr = id(IdType::IPV4_ADDR_SUBNET, 0, 0, &[10, 2, 0, 0, 255, 255, 255, 0]);
    let v4 = |octets: &[u8]| id(IdType::IPV4_ADDR_SUBNET, 0, 0, octets);
    let bad: Vec<Vec<Payload>> = vec![
        vec![good_ci.clone()],
        vec![good_cr.clone(), good_ci.clone()],
        vec![good_ci.clone(), v4(&[10, 3, 0, 0, 255, 255, 255, 0])],
        vec![good_ci.clone(), v4(&[0, 0, 0, 0, 0, 0, 0, 0])],
        vec![v4(&[10, 1, 0, 0, 255, 255, 0, 0]), good_cr.clone()],
        vec![v4(&[10, 1, 0, 0, 255, 0, 255, 0]), good_cr.clone()],
        vec![good_ci.clone(), id(IdType::IPV4_ADDR_RANGE, 0, 0, &[10, 2, 0, 9, 10, 2, 0, 1])],
        vec![good_ci.clone(), id(IdType::IPV4_ADDR_RANGE, 0, 0, &[10, 2, 0, 9, 10, 2, 1, 0])],
        vec![good_ci.clone(), id(IdType::FQDN, 0, 0, b"gw.example.com")],
        vec![good_ci.clone(), id(IdType::IPV4_ADDR_SUBNET, 0, 80, &[10, 2, 0, 0, 255, 255, 255, 0])],
        vec![good_ci.clone(), id(IdType::IPV6_ADDR, 0, 0, &[0; 16])],
        vec![good_ci.clone(), good_cr.clone(), good_cr.clone()],
    ];
    for (index, ids) in bad.into_iter().enumerate() {
        let message = quick(&bench, 2000 + index as u32, |payloads| {
            payloads.truncate(2);
            payloads.extend(ids);
        });
        bench.deliver(B, &message);
        assert_eq!(bench.hosts[B].installed.len(), 2, "pair {index}");
        let last = bench.hosts[B].rejects().pop().unwrap();
        assert!(last.notify().is_some(), "{last:?}");
    }
    // A part of what the policy allows is fine.
    let part = quick(&bench, 3000, |payloads| {
        payloads.truncate(2);
        payloads.extend([id(IdType::IPV4_ADDR, 17, 53, &[10, 1, 0, 7]), good_cr]);
    });
    assert_eq!(bench.deliver(B, &part), 1);
    assert_eq!(bench.hosts[B].installed.len(), 3);
}

#[test]
fn t069_spis_that_must_not_be_used() {
    let mut bench = live(11);
    for (index, spi) in
        [vec![0; 4], vec![0, 0, 0, 255], vec![], vec![1, 2], vec![9; 8]].into_iter().enumerate()
    {
        let message = quick(&bench, 4000 + index as u32, |payloads| {
            let mut sa = payloads[0].get::<SecurityAssociation>().unwrap().clone();
            sa.proposals[0].spi = spi.clone().into();
            payloads[0] = Payload::new(sa);
        });
        bench.deliver(B, &message);
        assert_eq!(bench.hosts[B].installed.len(), 2, "SPI {spi:?}");
        let why = Reject::Misbehaved(Misbehaviour::Spi(spi.into()));
        assert_eq!(bench.hosts[B].rejects().pop(), Some(why));
    }
}

#[test]
fn t069_an_spi_of_a_live_sa() {
    let mut bench = live(21);
    let live = bench.hosts[A].established()[0].pairs[0].inbound;
    let message = quick(&bench, 4100, |payloads| {
        let mut sa = payloads[0].get::<SecurityAssociation>().unwrap().clone();
        sa.proposals[0].spi = Bytes::copy_from_slice(&live.0.to_be_bytes());
        payloads[0] = Payload::new(sa);
    });
    bench.deliver(B, &message);
    assert_eq!(bench.hosts[B].installed.len(), 2);
    let why = Reject::Misbehaved(Misbehaviour::Spi(Bytes::copy_from_slice(&live.0.to_be_bytes())));
    assert_eq!(bench.hosts[B].rejects().pop(), Some(why));
}

#[test]
fn t070_one_protocol_twice_is_not_two_protocols() {
    for integrity in [true, false] {
        let inner = Phase2Transform { integrity: if integrity { esp().integrity } else { None }, ..esp() };
        let with = |me, peer| Policy {
            phase2: Some(phase2(me, peer, vec![proposal(&[ah(), inner])])),
            ..policy(me, peer)
        };
        let mut bench = Bench::with(22, with(1, 2), with(2, 1));
        bench.initiate();
        bench.run(|_, _, _, _| {});
        assert!(bench.complete());
        let message = quick(&bench, 4200, |payloads| {
            let mut sa = payloads[0].get::<SecurityAssociation>().unwrap().clone();
            sa.proposals[0] = sa.proposals[1].clone();
            sa.proposals[0].spi = vec![9; 4].into();
            payloads[0] = Payload::new(sa);
        });
        bench.deliver(B, &message);
        assert_eq!(bench.hosts[B].installed.len(), 2, "ESP and ESP where AH and ESP were wanted");
    }
}

#[test]
fn t070_half_a_bundle() {
    let with = |me, peer| Policy {
        phase2: Some(phase2(me, peer, vec![proposal(&[ah(), esp()])])),
        ..policy(me, peer)
    };
    let mut bench = Bench::with(12, with(1, 2), with(2, 1));
    bench.initiate();
    bench.run(|_, _, _, _| {});
    // An offer of only one of the two.
    for dropped in [0, 1] {
        let message = quick(&bench, 5000 + dropped as u32, |payloads| {
            let mut sa = payloads[0].get::<SecurityAssociation>().unwrap().clone();
            sa.proposals.remove(dropped);
            payloads[0] = Payload::new(sa);
        });
        bench.deliver(B, &message);
        assert!(is_no_proposal(bench.hosts[B].rejects().last()));
    }
    assert_eq!(bench.hosts[B].installed.len(), 2);
    // A DELETE of one half ends both.
    let half = bench.hosts[A].established()[0].pairs[1].inbound.0.to_be_bytes();
    let header = bench.header(ExchangeType::INFORMATIONAL, 5005);
    let message = bench.protect(&header, &[delete(ProtocolId::ESP, &[Bytes::copy_from_slice(&half)])]);
    bench.deliver(B, &message);
    assert_eq!(bench.hosts[B].removed.len(), 1);
    assert!(bench.hosts[B].engine.snapshot().bundles.is_empty());
}

#[test]
fn t071_encryption_without_integrity() {
    let bare = Phase2Transform { integrity: None, ..esp() };
    let null = Phase2Transform { confidentiality: Confidentiality::Cipher(CipherAlgorithm::Null, 0), ..bare };
    for transform in [bare, null] {
        // Whoever has the switch does without; who has it not, neither offers nor accepts, although the policy says so.
        for switched in [[true, true], [false, true], [true, false]] {
            let with = |me, peer| Policy {
                phase2: Some(phase2(me, peer, vec![proposal(&[transform])])),
                quirks: {
                    let mut quirks = silent();
                    quirks.encryption_without_integrity = switched[usize::from(me) - 1];
                    quirks
                },
                ..policy(me, peer)
            };
            let mut bench = Bench::with(13, with(1, 2), with(2, 1));
            bench.initiate();
            bench.run(|_, _, _, _| {});
            assert_eq!(bench.complete(), switched == [true, true], "{switched:?}");
            let quick = bench.hosts[A].sent.iter().any(|octets| octets[18] == 32);
            assert_eq!(quick, switched[A], "offered");
            if switched == [true, false] {
                assert!(bench.hosts[B].installed.is_empty());
                let rejects = bench.hosts[B].rejects();
                assert!(rejects.len() == 1 && is_no_proposal(rejects.first()));
            }
        }
    }
    // Integrity by AH beside it is integrity.
    let bare = Phase2Transform { integrity: None, ..esp() };
    let with = |me, peer| Policy {
        phase2: Some(phase2(me, peer, vec![proposal(&[ah(), bare])])),
        ..policy(me, peer)
    };
    let mut bench = Bench::with(15, with(1, 2), with(2, 1));
    bench.initiate();
    bench.run(|_, _, _, _| {});
    assert!(bench.complete());
}

#[test]
fn t006_proposal_numbers_that_return() {
    let mut bench = live(16);
    let message = quick(&bench, 6000, |payloads| {
        let mut sa = payloads[0].get::<SecurityAssociation>().unwrap().clone();
        let first = sa.proposals[0].clone();
        sa.proposals =
            [1, 2, 1].map(|number| isakmp_wire::payload::Proposal { number, ..first.clone() }).to_vec();
        payloads[0] = Payload::new(sa);
    });
    bench.deliver(B, &message);
    assert_eq!(bench.hosts[B].installed.len(), 2);
}

#[test]
fn t079_no_notify_answers_a_notify() {
    let mut bench = live(19);
    for (index, notify_type) in (1..=30).chain([16384, 24576, 40000]).enumerate() {
        let header = bench.header(ExchangeType::INFORMATIONAL, 9000 + index as u32);
        let message = bench.protect(&header, &[notify(NotifyType(notify_type))]);
        assert_eq!(bench.deliver(B, &message), 0);
    }
}
