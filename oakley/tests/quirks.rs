//! Habits of peers that no other file shows: each with both of its values.
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

use crypto_provider::HashAlgorithm;
use isakmp_wire::payload::{Attribute, AttributeValue, Proposal, SecurityAssociation, Situation, Transform};
use isakmp_wire::{Doi, Message, NotifyType, Payload, PayloadKind, ProtocolId};
use netsim::Link;
use oakley::test_support::Script;
use oakley::*;
use pair::*;

fn with(policy: Policy, change: impl FnOnce(&mut Quirks)) -> Policy {
    let mut policy = policy;
    change(&mut policy.quirks);
    policy
}

fn run(a: Policy, b: Policy) -> Pair {
    let mut pair = Pair::new(70, a, b, Link::new());
    pair.initiate();
    pair.run(5);
    pair
}

#[test]
fn the_identity_goes_with_udp_and_port_or_with_neither() {
    for (without, expected) in [(false, [17, 1, 0xf4]), (true, [0, 0, 0])] {
        let a = Policy { aggressive: true, ..with(policy(1, 2), |q| q.identity_without_port = without) };
        let pair = run(a, Policy { aggressive: true, ..policy(2, 1) });
        let first = Message::parse(pair.a().sent[0].clone().into()).unwrap();
        let id = first.first(PayloadKind::IDENTIFICATION).unwrap();
        assert_eq!(id.raw()[1..4], expected);
        assert_eq!(pair.b().established().len(), 1);
    }
}

#[test]
fn the_icv_of_sha_256_is_as_long_as_the_peer_has_it() {
    let esp = Phase2Transform { integrity: Some(HashAlgorithm::Sha256), ..esp() };
    let offer = |me, peer| Some(phase2(me, peer, vec![proposal(&[esp])]));
    for len in [12, 16] {
        let of = |me, peer| Policy { phase2: offer(me, peer), ..policy(me, peer) };
        let pair = run(with(of(1, 2), |q| q.sha256_icv_len = len), of(2, 1));
        assert!(pair.a().installed.iter().all(|sa| sa.sha256_icv_len == len));
        assert_eq!(pair.b().installed[0].sha256_icv_len, 16);
    }
}

#[test]
fn first_contact_is_said_or_not() {
    for silent in [false, true] {
        let pair = run(with(policy(1, 2), |q| q.no_initial_contact = silent), policy(2, 1));
        let heard = pair
            .b()
            .events
            .iter()
            .filter(|event| matches!(event, Event::Notified { notify: NotifyType::INITIAL_CONTACT, .. }));
        assert_eq!(heard.count(), usize::from(!silent));
    }
}

/// AH with SHA in tunnel mode, as the routers of 1998 offer it: without the Authentication Algorithm.
fn ah_of_1998() -> Payload {
    let tunnel = Attribute { kind: 4, value: AttributeValue::Basic(1) };
    let transform = Transform { number: 1, id: 3, attributes: vec![tunnel] };
    let proposal = Proposal {
        number: 1,
        protocol: ProtocolId::AH,
        spi: 0x1000_u32.to_be_bytes().to_vec().into(),
        transforms: vec![transform],
    };
    let (doi, situation) = (Doi::IPSEC, Situation::IDENTITY_ONLY);
    Payload::new(SecurityAssociation { doi, situation, proposals: vec![proposal] })
}

#[test]
fn ah_may_lack_its_authentication_attribute_where_the_peer_is_known_for_it() {
    for accepted in [true, false] {
        let of =
            |me, peer| Policy { phase2: Some(phase2(me, peer, vec![proposal(&[ah()])])), ..policy(me, peer) };
        let b = with(of(2, 1), |q| q.ah_without_authentication_attribute = accepted);
        let mut pair = Pair::new(71, of(1, 2), b, Link::new());
        let script =
            Script { phase2_sa: Some(Payload::raw(&ah_of_1998()).to_vec().into()), ..Script::default() };
        pair.network.command(pair.a, "script", |host, _| host.engine.set_script(script)).unwrap();
        pair.initiate();
        pair.run(5);
        assert_eq!(pair.b().installed.is_empty(), !accepted);
    }
}

#[test]
fn the_third_message_of_aggressive_mode_is_encrypted_or_not() {
    for clear in [false, true] {
        let a = Policy { aggressive: true, ..with(policy(1, 2), |q| q.aggressive_proof_in_clear = clear) };
        let pair = run(a, Policy { aggressive: true, ..policy(2, 1) });
        assert_eq!(pair.a().sent[1][19] & 1, u8::from(!clear));
        assert_eq!(pair.b().established().len(), 1);
    }
}
