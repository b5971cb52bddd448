//! Kind: one odd element spoils the whole.

use crypto_provider::GroupId;
use isakmp_wire::payload::{SecurityAssociation, Transform};
use oakley::*;

use crate::forger::*;
use crate::pair::*;
use crate::peer::{basic, nearest, oddities, offering};

/// An offer of transforms of several groups, in this order; the KE beside it is of group 1.
fn several_groups(groups: &[u16], b: Policy) -> Bench {
    let aggressive = |policy| Policy { aggressive: true, ..policy };
    let change = |sa: &mut SecurityAssociation| {
        let own = sa.proposals[0].transforms[0].clone();
        let of_group = |(at, group): (usize, &u16)| {
            let mut transform = Transform { number: at as u8 + 1, ..own.clone() };
            transform
                .attributes
                .iter_mut()
                .filter(|one| one.kind == 4)
                .for_each(|one| *one = basic(4, *group));
            transform
        };
        sa.proposals[0].transforms = groups.iter().enumerate().map(of_group).collect();
    };
    let mut bench = offering((aggressive(policy(1, 2)), aggressive(b)), change, |_| {});
    bench.initiate();
    bench.run(|_, _, _, _| {});
    bench
}

/// RFC 2409 5: Aggressive Mode has one KE, so only the transforms of its group can be meant. They are the offer.
#[test]
fn t036_of_an_aggressive_offer_the_group_of_the_ke_counts() {
    let of_group = |group| Phase1Suite { group, ..suite() };
    let wanted = vec![of_group(GroupId::MODP_1024), suite()];
    for groups in [&[1, 2][..], &[2, 1], &[14, 2, 1], &[0, 65_535, 1, 5]] {
        for suites in [wanted.clone(), vec![suite()]] {
            let bench = several_groups(groups, Policy { suites, ..policy(2, 1) });
            assert!(bench.complete(), "{groups:?}");
            let sa = &bench.hosts[B].engine.snapshot().ike_sas[0];
            assert_eq!(sa.suite.as_ref().unwrap().group, GroupId::MODP_768);
        }
    }
    // What the responder wants is offered, and the KE is not of it.
    let bench =
        several_groups(&[1, 2], Policy { suites: vec![of_group(GroupId::MODP_1024)], ..policy(2, 1) });
    assert!(bench.hosts[B].installed.is_empty());
    let difference = nearest(&bench.hosts[B]).expect("a reason").to_string();
    assert!(difference.starts_with("group: offered 1, accepted 2"), "{difference}");
    // A KE of none of them.
    let bench = several_groups(&[14, 2], policy(2, 1));
    let why = bench.hosts[B].rejects().pop().map(|why| why.to_string());
    assert!(
        bench.hosts[B].installed.is_empty() && why.is_some_and(|why| why.contains("96")),
        "the length of the KE"
    );
}

fn with_attributes(phase1: &[(u16, u16)], phase2: &[(u16, u16)]) -> Bench {
    let add = |sa: &mut SecurityAssociation, attributes: &[(u16, u16)]| {
        let attributes = attributes.iter().map(|(class, value)| basic(*class, *value));
        sa.proposals[0].transforms[0].attributes.extend(attributes);
    };
    let mut bench = offering((policy(1, 2), policy(2, 1)), |sa| add(sa, phase1), |sa| add(sa, phase2));
    bench.initiate();
    bench.run(|_, _, _, _| {});
    bench
}

/// Attributes that say what is so anyway.
#[test]
fn redundant_attributes_are_read_over() {
    let phase1 = [(14, 64), (14, 56), (5, 1)];
    let phase2 = [(6, 64), (6, 56), (10, 1), (10, 2), (11, 0)];
    for (phase1, phase2) in
        phase1.iter().map(|one| (vec![*one], vec![])).chain(phase2.iter().map(|one| (vec![], vec![*one])))
    {
        let bench = with_attributes(&phase1, &phase2);
        assert!(bench.complete(), "{phase1:?} {phase2:?}");
        let (class, value) = *phase1.first().or(phase2.first()).unwrap();
        let odd = oddities(&bench.hosts[B]);
        let expected = |odd: &Oddity| matches!(odd, Oddity::Attribute { class: c, value: v, .. } if (*c, *v) == (class, value.into()));
        assert!(odd.len() == 1 && odd.iter().all(expected), "{odd:?}");
    }
    assert!(with_attributes(&[(14, 64), (5, 1)], &[(6, 64), (10, 1), (11, 0)]).complete());
}

/// Attributes that would change what is agreed on are refused by their name.
#[test]
fn attributes_that_change_the_meaning_are_refused_by_name() {
    for (phase1, phase2, name) in [
        (Some((14, 128)), None, "key length: offered 128 bits"),
        (Some((5, 2)), None, "group type: offered 2"),
        (Some((13, 1)), None, "prf: offered 1"),
        (Some((15, 64)), None, "field size: offered 64"),
        (Some((6, 7)), None, "attribute 6: not supported"),
        (Some((32_001, 1)), None, "attribute 32001: not supported"),
        (None, Some((11, 1)), "extended sequence numbers: offered 1"),
        (None, Some((7, 16)), "key rounds: offered 16"),
        (None, Some((6, 128)), "key length: offered 128"),
        (None, Some((10, 3)), "ECN tunnel: offered 3"),
        (None, Some((8, 1)), "attribute 8: not supported"),
    ] {
        let bench = with_attributes(&Vec::from_iter(phase1), &Vec::from_iter(phase2));
        assert!(bench.hosts[B].installed.is_empty(), "{name}");
        let difference = nearest(&bench.hosts[B]).expect("a reason").to_string();
        assert!(difference.starts_with(name), "{difference}");
    }
}

/// One transform that is spoiled beside one that is good: the good one is chosen.
#[test]
fn a_spoiled_transform_spoils_nothing_beside_it() {
    let spoil = |sa: &mut SecurityAssociation, class: u16| {
        let mut spoiled = sa.proposals[0].transforms[0].clone();
        spoiled.attributes.push(basic(class, 1));
        sa.proposals[0].transforms.insert(0, spoiled);
        sa.proposals[0].transforms[1].number = 2;
    };
    let pair = (policy(1, 2), policy(2, 1));
    let mut bench = offering(pair, |sa| spoil(sa, 13), |sa| spoil(sa, 11));
    bench.initiate();
    bench.run(|_, _, _, _| {});
    assert!(bench.complete());
}
