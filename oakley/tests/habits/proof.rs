//! Kind: only the proof is read of the message that carries it.

use bytes::Bytes;
use isakmp_wire::payload::{Attribute, Notification, Unknown, VendorId};
use isakmp_wire::registry::KnownVendor;
use isakmp_wire::{Doi, NotifyType, Payload, PayloadKind, ProtocolId};
use netsim::Link;
use oakley::test_support::Script;
use oakley::*;

use crate::forger::*;
use crate::pair::*;
use crate::peer::{basic, oddities};

/// Which proof the scripted side sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Proof {
    Main5,
    Main6,
    Aggressive3,
    Aggressive3InClear,
}

const ALL: [Proof; 4] = [Proof::Main5, Proof::Main6, Proof::Aggressive3, Proof::Aggressive3InClear];

fn notify(notify_type: NotifyType, data: Bytes) -> Payload {
    let (doi, protocol, spi) = (Doi::IPSEC, ProtocolId::ISAKMP, Bytes::new());
    Payload::new(Notification { doi, protocol, spi, notify_type, data })
}

fn policies(proof: Proof) -> (Policy, Policy) {
    let aggressive = matches!(proof, Proof::Aggressive3 | Proof::Aggressive3InClear);
    let mut quirks = silent();
    quirks.aggressive_proof_in_clear = proof == Proof::Aggressive3InClear;
    (Policy { aggressive, quirks, ..policy(1, 2) }, Policy { aggressive, ..policy(2, 1) })
}

/// A bench on which that proof carries these payloads; who says them, and who hears them.
fn saying(proof: Proof, after_proof: Vec<Payload>) -> (Bench, usize) {
    let (a, b) = policies(proof);
    let mut bench = Bench::with(41, a, b);
    let speaker = if proof == Proof::Main6 { B } else { A };
    bench.hosts[speaker].engine.set_script(Script { after_proof, ..Script::default() });
    bench.initiate();
    bench.run(|_, _, _, _| {});
    (bench, 1 - speaker)
}

#[test]
fn vendor_ids_beside_a_proof_count() {
    for proof in ALL {
        let dpd = Payload::new(VendorId { octets: [KnownVendor::DPD.octets, &[1, 0]].concat().into() });
        let (bench, hearer) = saying(proof, vec![dpd]);
        assert!(bench.complete(), "{proof:?}");
        let sa = &bench.hosts[hearer].engine.snapshot().ike_sas[0];
        assert!(sa.vendors.announce(&KnownVendor::DPD), "{proof:?}");
    }
}

#[test]
fn everything_beside_a_proof_is_noted() {
    for proof in ALL {
        let unknown = Payload::new(Unknown { kind: PayloadKind(201), octets: vec![1, 2, 3].into() });
        let certificate = Payload::from_raw(PayloadKind::CERTIFICATE_REQUEST, vec![4].into()).unwrap();
        let told = notify(NotifyType(40_501), Bytes::from_static(b"data"));
        let (bench, hearer) = saying(proof, vec![unknown, told, certificate]);
        assert!(bench.complete(), "{proof:?}");
        let hearer = &bench.hosts[hearer];
        let expected = [PayloadKind(201), PayloadKind::CERTIFICATE_REQUEST].map(Oddity::Payload);
        assert_eq!(oddities(hearer), expected, "{proof:?}");
        let heard = |event: &Event| {
            matches!(event, Event::Notified { protected, notify, data, .. }
                if *protected == (proof != Proof::Aggressive3InClear) && notify.0 == 40_501 && &data[..] == b"data")
        };
        assert_eq!(hearer.events.iter().filter(|event| heard(event)).count(), 1, "{proof:?}");
    }
}

/// The responder's shorter life comes as a notify beside its proof (RFC 2407 4.6.3.1). It lowers, and in clear it is nothing.
#[test]
fn a_shorter_life_beside_a_proof_holds() {
    for proof in ALL {
        for (seconds, expected) in [(600, 600), (60_000, 60_000), (u16::MAX, 65_535), (1, 10)] {
            let data = Attribute::encode_list(&[basic(11, 1), basic(12, seconds)]);
            let (bench, hearer) = saying(proof, vec![notify(NotifyType::RESPONDER_LIFETIME, data)]);
            let sa = &bench.hosts[hearer].engine.snapshot().ike_sas[0];
            let lives = sa.expires.unwrap().as_secs() - sa.established.unwrap().as_secs();
            let expected = if proof == Proof::Aggressive3InClear { 86_400 } else { expected };
            assert_eq!(lives, expected, "{proof:?}");
        }
    }
}

/// The speaker was killed and started again. What the other side had with it goes, both flows, because of what stands beside
/// the proof; in clear, where anybody could have put it there, nothing goes.
#[test]
fn initial_contact_beside_a_proof_is_obeyed() {
    for proof in [Proof::Main5, Proof::Aggressive3, Proof::Aggressive3InClear] {
        let (a, b) = policies(proof);
        let mut pair = Pair::new(5, a.clone(), b, Link::new());
        pair.initiate();
        pair.run(3);
        let other = SelectorPair { local: net(1), remote: net(2) };
        pair.initiate_flow(SelectorPair {
            local: TrafficSelector { port: 9, protocol: 17, ..other.local },
            ..other
        });
        pair.run(3);
        assert_eq!(pair.b().established().len(), 2, "{proof:?}");
        let mut fresh = Host::new(99, a, Config::default());
        fresh.engine.set_script(Script {
            after_proof: vec![notify(NotifyType::INITIAL_CONTACT, Bytes::new())],
            ..Script::default()
        });
        pair.network.command(pair.a, "restart", |host, _| *host = fresh).unwrap();
        pair.initiate();
        pair.run(5);
        let kept = pair.b();
        let gone = kept.removed.iter().filter(|(_, why)| *why == RemoveReason::PeerRestarted).count();
        assert_eq!(gone, if proof == Proof::Aggressive3InClear { 0 } else { 2 }, "{proof:?}");
        assert_eq!(kept.engine.snapshot().bundles.len(), if gone == 0 { 3 } else { 1 }, "{proof:?}");
    }
}

/// Message 6 of a peer that was started again while we still had bundles with it.
#[test]
fn initial_contact_in_message_6_is_obeyed() {
    let mut pair = Pair::new(6, policy(1, 2), policy(2, 1), Link::new());
    pair.initiate();
    pair.run(3);
    let mut fresh = Host::new(98, policy(2, 1), Config::default());
    let after_proof = vec![notify(NotifyType::INITIAL_CONTACT, Bytes::new())];
    fresh.engine.set_script(Script { after_proof, ..Script::default() });
    pair.network.command(pair.b, "restart", |host, _| *host = fresh).unwrap();
    // The IKE SA is at its end and the bundle is not: the next Quick Mode begins under a new one.
    let life = pair.a().engine.snapshot().ike_sas[0].expires.unwrap();
    assert!(life.as_secs() > 80_000);
    let elsewhere = Request { path: other_port(), selectors: SelectorPair { local: net(1), remote: net(2) } };
    pair.input(pair.a, Input::Initiate(elsewhere));
    pair.run(5);
    let gone: Vec<_> = pair.a().removed.iter().map(|(_, why)| *why).collect();
    assert_eq!(gone, [RemoveReason::PeerRestarted]);
}

/// Another way to the same peer, under which there is no IKE SA yet.
fn other_port() -> Path {
    let mut path = Pair::path();
    path.local.set_port(501);
    path
}

fn loud(policy: Policy) -> Policy {
    Policy { quirks: Quirks::default(), ..policy }
}

/// Ours is inside the proof, where nothing can overtake it: not one Informational.
#[test]
fn our_initial_contact_is_inside_our_last_proof() {
    for (initiator_says, aggressive) in [(true, false), (false, false), (true, true)] {
        let with = |policy: Policy, says: bool| {
            let policy = Policy { aggressive, ..policy };
            if says { loud(policy) } else { policy }
        };
        let a = with(policy(1, 2), initiator_says);
        let mut bench = Bench::with(43, a, with(policy(2, 1), !initiator_says));
        bench.initiate();
        bench.run(|_, _, _, _| {});
        assert!(bench.complete());
        assert!(bench.seen.iter().all(|(_, octets)| octets[18] != 5), "an Informational");
        let (speaker, hearer) = if initiator_says { (A, B) } else { (B, A) };
        let said =
            |event: &Event| matches!(event, Event::NotifySent { notify: NotifyType::INITIAL_CONTACT, .. });
        let heard = |event: &Event| {
            matches!(event, Event::Notified { notify: NotifyType::INITIAL_CONTACT, protected: true, .. })
        };
        assert_eq!(bench.hosts[speaker].events.iter().filter(|event| said(event)).count(), 1);
        assert_eq!(bench.hosts[hearer].events.iter().filter(|event| heard(event)).count(), 1);
    }
}

/// Aggressive Mode's responder proves itself in clear, and a policy may want it apart: an Informational of its own.
#[test]
fn where_the_proof_cannot_say_it_a_message_of_its_own_does() {
    let aggressive = |policy| Policy { aggressive: true, ..policy };
    let mut apart = loud(policy(2, 1));
    apart.quirks.initial_contact_apart = true;
    for (a, b) in [(aggressive(policy(1, 2)), aggressive(loud(policy(2, 1)))), (policy(1, 2), apart)] {
        let mut bench = Bench::with(44, a, b);
        bench.initiate();
        bench.run(|_, _, _, _| {});
        assert!(bench.complete());
        assert_eq!(bench.seen.iter().filter(|(_, octets)| octets[18] == 5).count(), 1);
    }
}

/// Whoever has something with the peer does not say that it has nothing.
#[test]
fn a_second_ike_sa_is_no_first_contact() {
    for b_says in [false, true] {
        let (a, b) =
            if b_says { (policy(1, 2), loud(policy(2, 1))) } else { (loud(policy(1, 2)), policy(2, 1)) };
        let mut pair = Pair::new(7, a, b, Link::new());
        pair.initiate();
        pair.run(3);
        let again = Request { path: other_port(), selectors: SelectorPair { local: net(1), remote: net(2) } };
        pair.input(pair.a, Input::Initiate(again));
        pair.run(5);
        let speaker = if b_says { pair.b() } else { pair.a() };
        let said =
            |event: &&Event| matches!(event, Event::NotifySent { notify: NotifyType::INITIAL_CONTACT, .. });
        assert_eq!(speaker.events.iter().filter(said).count(), 1);
        assert!(pair.a().removed.is_empty() && pair.b().removed.is_empty());
    }
}
