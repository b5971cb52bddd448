//! The order and the form of attributes mean nothing (RFC 2408 3.3; W16): whatever a peer does with them, the same is agreed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation,
    missing_docs,
    unreachable_pub,
    dead_code,
    reason = "a test may panic"
)]

#[path = "threats/forger.rs"]
mod forger;
mod pair;

use crypto_provider::HashAlgorithm;
use forger::{A, B, Bench, parse, rewrite};
use isakmp_wire::payload::{Attribute, AttributeValue, HashData, Nonce, SecurityAssociation};
use isakmp_wire::{Header, Message, Payload, encode_chain};
use oakley::test_support::Script;
use oakley::{Lifetime, Phase1Suite, Phase2Transform};
use pair::{Policy, esp, phase2, policy, proposal, suite};
use proptest::collection::vec;
use proptest::prelude::*;

/// The classes of RFC 2409 Appendix A and RFC 2407 4.5 whose value is one half with the next attribute.
const LIFE_TYPES: [u16; 2] = [11, 1];

/// How a peer writes its attributes: the order of the units by their keys, and zeros in front of durations.
#[derive(Clone, Debug)]
struct Habit {
    keys: Vec<u8>,
    zeros: Vec<usize>,
}

fn habit() -> impl Strategy<Value = Habit> {
    (vec(any::<u8>(), 12), vec(0..9usize, 12)).prop_map(|(keys, zeros)| Habit { keys, zeros })
}

impl Habit {
    /// Life type and duration stay together; `phase` says which class is the life type.
    fn write(&self, attributes: &[Attribute], phase: usize) -> Vec<Attribute> {
        let mut units: Vec<(u8, Vec<Attribute>)> = Vec::new();
        let mut rest = attributes.iter();
        while let Some(attribute) = rest.next() {
            let at = units.len();
            let mut unit = vec![attribute.clone()];
            if attribute.kind == LIFE_TYPES[phase - 1] {
                unit.push(self.duration(rest.next().unwrap(), at));
            }
            units.push((self.keys[at], unit));
        }
        units.sort_by_key(|(key, _)| *key);
        units.into_iter().flat_map(|(_, unit)| unit).collect()
    }

    /// RFC 2407 4.5: a basic attribute, or a number of any length.
    fn duration(&self, attribute: &Attribute, at: usize) -> Attribute {
        let value = attribute.value_u64().unwrap();
        let value = match (self.zeros[at], u16::try_from(value)) {
            (0, Ok(value)) => AttributeValue::Basic(value),
            (zeros, _) => {
                AttributeValue::Variable([vec![0; zeros], value.to_be_bytes().to_vec()].concat().into())
            }
        };
        Attribute { kind: attribute.kind, value }
    }

    fn rewrite(&self, sa: &SecurityAssociation, phase: usize) -> SecurityAssociation {
        let mut sa = sa.clone();
        for transform in sa.proposals.iter_mut().flat_map(|proposal| &mut proposal.transforms) {
            transform.attributes = self.write(&transform.attributes, phase);
        }
        sa
    }
}

/// The initiator offers two suites in each phase, of which the responder takes the second.
fn policies() -> (Policy, Policy) {
    let lifetime = Lifetime { seconds: Some(3000), kilobytes: Some(700_000) };
    let mine = Phase1Suite { lifetime, ..suite() };
    let other = Phase1Suite { hash: HashAlgorithm::Md5, ..mine.clone() };
    let weak = Phase2Transform { integrity: Some(HashAlgorithm::Md5), ..esp() };
    let mut both = proposal(&[esp()]);
    both.protections[0].insert(0, weak);
    let a =
        Policy { suites: vec![other, mine.clone()], phase2: Some(phase2(1, 2, vec![both])), ..policy(1, 2) };
    (a, Policy { suites: vec![mine], ..policy(2, 1) })
}

fn bench() -> Bench {
    let (a, b) = policies();
    Bench::with(9, a, b)
}

/// What the initiator offers in both phases when nobody interferes. The same seed makes the same SPI later.
fn offers() -> [SecurityAssociation; 2] {
    let mut bench = bench();
    bench.initiate();
    bench.run(|_, _, _, _| {});
    assert!(bench.complete());
    let first = parse(&bench.seen[0].1);
    let quick = quick_1(&bench);
    [&first, &quick].map(|message| message.get::<SecurityAssociation>().unwrap().clone())
}

/// The first message of the Quick Mode, decrypted.
fn quick_1(bench: &Bench) -> Message {
    let octets = &bench.seen[6].1;
    bench.decrypt(octets, &bench.iv(Header::parse(octets).unwrap().message_id.0))
}

/// The second message of the Quick Mode as a peer of that habit would have made it.
fn quick_2(bench: &Bench, octets: &[u8], habit: &Habit) -> Vec<u8> {
    let first = quick_1(bench);
    let before = &bench.seen[6].1;
    let iv = &before[before.len() - 8..];
    let genuine = bench.decrypt(octets, iv);
    let mut payloads = genuine.payloads()[1..].to_vec();
    let sa = genuine.get::<SecurityAssociation>().unwrap();
    payloads[0] = Payload::new(habit.rewrite(sa, 2));
    let id = genuine.header().message_id.0.to_be_bytes();
    let nonce = first.get::<Nonce>().unwrap();
    let hash = bench.hash(&[&id, &nonce.octets, &encode_chain(&payloads)]);
    payloads.insert(0, Payload::new(HashData { octets: hash.into() }));
    bench.encrypt(genuine.header(), &payloads, iv)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// The responder finds the transform that it wants, and its answer is what was offered.
    #[test]
    fn offers_in_any_order_and_form_agree_on_the_same(first in habit(), second in habit()) {
        let [phase1, phase2] = offers();
        let mut bench = bench();
        let script = Script {
            phase1_sa: Some(Payload::new(first.rewrite(&phase1, 1)).raw().clone()),
            phase2_sa: Some(Payload::new(second.rewrite(&phase2, 2)).raw().clone()),
            ..Script::default()
        };
        bench.hosts[A].engine.set_script(script);
        bench.initiate();
        bench.run(|_, _, _, _| {});
        prop_assert!(bench.complete(), "{:?} {:?}", bench.hosts[A].rejects(), bench.hosts[B].rejects());
        let answer = parse(&bench.seen[1].1);
        let answer = &answer.get::<SecurityAssociation>().unwrap().proposals[0].transforms;
        prop_assert_eq!(answer.len(), 1);
        prop_assert_eq!(answer[0].number, phase1.proposals[0].transforms[1].number);
        for host in &bench.hosts {
            let installed = &host.installed[0];
            prop_assert_eq!(installed.sas[0].transform, esp());
            prop_assert_eq!(installed.lifetime, bench.hosts[A].installed[1].lifetime);
        }
    }

    /// The initiator knows its own transform again, in whatever order and form it comes back.
    #[test]
    fn answers_in_any_order_and_form_are_known_again(first in habit(), second in habit()) {
        let mut bench = bench();
        bench.initiate();
        for number in 1..=8 {
            let (to, octets) = bench.next().unwrap();
            let octets = match number {
                2 => rewrite(&octets, |payloads| {
                    let sa = payloads[0].get::<SecurityAssociation>().unwrap();
                    payloads[0] = Payload::new(first.rewrite(sa, 1));
                }),
                8 => quick_2(&bench, &octets, &second),
                _ => octets,
            };
            bench.deliver(to, &octets);
        }
        let initiator = &bench.hosts[A];
        prop_assert_eq!(initiator.installed.len(), 2, "{:?}", initiator.rejects());
        prop_assert_eq!(initiator.installed[0].sas[0].transform, esp());
    }
}

/// A life attribute apart from its other half means something else, so the properties above keep the two together.
#[test]
fn halves_of_a_life_do_not_travel_alone() {
    let [phase1, _] = offers();
    let mut bench = bench();
    let mut sa = phase1;
    for transform in &mut sa.proposals[0].transforms {
        transform.attributes.sort_by_key(|attribute| attribute.kind != 12);
    }
    let script = Script { phase1_sa: Some(Payload::new(sa).raw().clone()), ..Script::default() };
    bench.hosts[A].engine.set_script(script);
    bench.initiate();
    bench.run(|_, _, _, _| {});
    assert!(!bench.complete() && bench.hosts[B].installed.is_empty());
}
