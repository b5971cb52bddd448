//! A peer with habits: its offers, its proofs and its answers as a test wants them.

use bytes::Bytes;
use crypto_provider::HashAlgorithm;
use crypto_provider::default::provider;
use isakmp_wire::payload::{Attribute, AttributeValue, HashData, Identification, Nonce, SecurityAssociation};
use isakmp_wire::{Header, Message, Payload, PayloadKind, encode_chain};
use oakley::test_support::Script;
use oakley::*;

use crate::forger::*;
use crate::pair::*;

pub fn basic(class: u16, value: u16) -> Attribute {
    Attribute { kind: class, value: AttributeValue::Basic(value) }
}

/// The offers of both phases when nobody interferes, and a bench of the same seed whose initiator will make them changed.
pub fn offering(
    (a, b): (Policy, Policy),
    phase1: impl FnOnce(&mut SecurityAssociation),
    phase2: impl FnOnce(&mut SecurityAssociation),
) -> Bench {
    let mut plain = Bench::with(31, a.clone(), a_policy_for(&a, &b));
    plain.initiate();
    plain.run(|_, _, _, _| {});
    assert!(plain.complete(), "the offers are made by a pair that agrees");
    let mut one = parse(&plain.seen[0].1).get::<SecurityAssociation>().unwrap().clone();
    let quick = plain.seen.iter().position(|(_, octets)| octets[18] == 32).unwrap();
    let octets = &plain.seen[quick].1;
    let message = plain.decrypt(octets, &plain.iv(Header::parse(octets).unwrap().message_id.0));
    let mut two = message.get::<SecurityAssociation>().unwrap().clone();
    phase1(&mut one);
    phase2(&mut two);
    let mut bench = Bench::with(31, a, b);
    bench.hosts[A].engine.set_script(Script {
        phase1_sa: Some(Payload::new(one).raw().clone()),
        phase2_sa: Some(Payload::new(two).raw().clone()),
        ..Script::default()
    });
    bench
}

/// A responder that takes whatever `a` offers.
fn a_policy_for(a: &Policy, b: &Policy) -> Policy {
    let phase2 = a
        .phase2
        .clone()
        .map(|phase2| Phase2Policy { selectors: SelectorPair { local: net(2), remote: net(1) }, ..phase2 });
    Policy { suites: a.suites.clone(), phase2, ..b.clone() }
}

/// A proof of Main Mode with another ID payload, and the HASH that covers it.
pub fn reproved(
    bench: &Bench,
    number: usize,
    octets: &[u8],
    change: impl FnOnce(&mut Identification),
) -> Vec<u8> {
    let (prover, name, iv) = match number {
        5 => (A, "HASH_I", bench.derived(A, "IV", 0).unwrap()[..8].to_vec()),
        _ => {
            let before = &bench.seen[4].1;
            (B, "HASH_R", before[before.len() - 8..].to_vec())
        }
    };
    let message = bench.decrypt(octets, &iv);
    let mut id = message.get::<Identification>().unwrap().clone();
    change(&mut id);
    let id = Payload::new(id);
    let logged = bench.hosts[prover].events.iter().rev().find_map(|event| match event {
        Event::Derived(derivation) if derivation.name == name => Some(derivation.inputs.clone()),
        _ => None,
    });
    let mut inputs: Vec<Bytes> = logged.unwrap().into_iter().map(|(_, octets)| octets).collect();
    *inputs.last_mut().unwrap() = id.raw().clone();
    let inputs: Vec<&[u8]> = inputs.iter().map(|octets| &octets[..]).collect();
    let skeyid = bench.derived(A, "SKEYID", 0).unwrap();
    let mut hash = vec![0; 20];
    provider().prf(HashAlgorithm::Sha1).unwrap().key(&skeyid).compute(&inputs, &mut hash);
    let payloads = message.payloads().iter().map(|payload| match payload.kind() {
        PayloadKind::IDENTIFICATION => id.clone(),
        PayloadKind::HASH => Payload::new(HashData { octets: hash.clone().into() }),
        _ => payload.clone(),
    });
    bench.encrypt(message.header(), &payloads.collect::<Vec<_>>(), &iv)
}

/// The second message of a Quick Mode with another SA payload.
pub fn quick_2(bench: &Bench, octets: &[u8], change: impl FnOnce(&mut SecurityAssociation)) -> Vec<u8> {
    let first = bench.seen.iter().rev().find(|(_, seen)| seen[18] == 32 && seen != octets).unwrap();
    let id = Header::parse(octets).unwrap().message_id.0;
    let nonce = bench.decrypt(&first.1, &iv_of(bench, id));
    let iv = &first.1[first.1.len() - 8..];
    let genuine: Message = bench.decrypt(octets, iv);
    let mut payloads = genuine.payloads()[1..].to_vec();
    let mut sa = genuine.get::<SecurityAssociation>().unwrap().clone();
    change(&mut sa);
    payloads[0] = Payload::new(sa);
    let nonce = nonce.get::<Nonce>().unwrap().octets.clone();
    let hash = bench.hash(&[&id.to_be_bytes(), &nonce, &encode_chain(&payloads)]);
    payloads.insert(0, Payload::new(HashData { octets: hash.into() }));
    bench.encrypt(genuine.header(), &payloads, iv)
}

fn iv_of(bench: &Bench, message_id: u32) -> Vec<u8> {
    bench.iv(message_id)
}

/// What was read over, on one side.
pub fn oddities(host: &Host) -> Vec<Oddity> {
    let odd = |event: &Event| match event {
        Event::ReadOver { oddity, .. } => Some(oddity.clone()),
        _ => None,
    };
    host.events.iter().filter_map(odd).collect()
}

/// Why a first message was refused, by the proposal that came nearest.
pub fn nearest(host: &Host) -> Option<Difference> {
    host.rejects().into_iter().rev().find_map(|why| match why {
        Reject::Incompatible(Incompatibility::NoProposalChosen { nearest }) => nearest,
        _ => None,
    })
}
