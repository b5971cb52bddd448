//! Kind: a strict reading where the field is advice or decoration.

use isakmp_wire::payload::{Identification, NatDiscovery, NatNumbering, SecurityAssociation};
use isakmp_wire::{AnomalyKind, Payload};
use oakley::*;

use crate::forger::*;
use crate::pair::*;
use crate::peer::{oddities, offering, quick_2, reproved};

/// What comes of message 5 or 6 with these two fields.
fn with_port(number: usize, protocol: u8, port: u16) -> Bench {
    let mut bench = Bench::new(51);
    bench.initiate();
    let change = move |id: &mut Identification| (id.protocol, id.port) = (protocol, port);
    for at in 1..=9 {
        let Some((to, octets)) = bench.next() else { break };
        let octets = if at == number { reproved(&bench, at, &octets, change) } else { octets };
        *bench.seen.last_mut().unwrap() = (to, octets.clone());
        bench.deliver(to, &octets);
    }
    bench
}

/// T029: routers write protocol 17 and port 0 as soon as a translator is near. The HASH covers both, and both protect nothing.
#[test]
fn t029_the_port_of_an_identity_is_decoration() {
    for number in [5, 6] {
        let hearer = if number == 5 { B } else { A };
        for (protocol, port) in [(0, 0), (17, 0), (17, 500), (17, 4500)] {
            let bench = with_port(number, protocol, port);
            // The altered message is the start of what is encrypted later, of which its prover knows nothing.
            let authenticated = |event: &Event| matches!(event, Event::Authenticated { .. });
            let is_taken = bench.hosts[hearer].events.iter().any(authenticated);
            assert!(is_taken, "message {number}: {protocol}/{port}");
            let odd = if port == 0 && protocol == 17 {
                vec![Oddity::IdentityPort { protocol, port }]
            } else {
                vec![]
            };
            assert_eq!(oddities(&bench.hosts[hearer]), odd);
        }
        for (protocol, port) in
            [(6, 80), (255, 65_535), (17, 1), (17, 501), (0, 500), (6, 0), (6, 500), (1, 0)]
        {
            let bench = with_port(number, protocol, port);
            assert!(bench.hosts[hearer].installed.is_empty(), "message {number}: {protocol}/{port}");
            let why = Misbehaviour::from(IdentityFault::Port { protocol, port });
            let why = Abort::Peer(PeerRefusal::Rejected(why.into()));
            assert_eq!(bench.hosts[hearer].failures(), [why]);
        }
    }
}

/// NAT-D under the number of the RFC where a draft was announced, and the reverse: the hash tells.
#[test]
fn nat_d_is_read_under_either_number() {
    for (version, foreign) in
        [(NatVersion::Draft02, NatNumbering::Rfc), (NatVersion::Rfc3947, NatNumbering::Draft)]
    {
        let with = |policy: Policy, forced| {
            let mut nat = NatTraversal::default();
            (nat.versions, nat.forced) = (vec![version], forced);
            Policy { nat, ..policy }
        };
        let mut bench = Bench::with(52, with(policy(1, 2), true), with(policy(2, 1), false));
        bench.initiate();
        for number in 1..=4 {
            let (to, octets) = bench.next().unwrap();
            let octets =
                if number < 3 { octets } else { rewrite(&octets, |payloads| renumber(payloads, foreign)) };
            bench.deliver(to, &octets);
        }
        for (host, is_local) in [(A, true), (B, false)] {
            let nat = bench.hosts[host].engine.snapshot().ike_sas[0].nat.expect("NAT-D was read");
            assert_eq!((nat.local, nat.remote), (is_local, !is_local), "{version:?}");
            assert_eq!(oddities(&bench.hosts[host]), [Oddity::NatNumbers]);
        }
    }
}

fn renumber(payloads: &mut [Payload], numbering: NatNumbering) {
    let mut count = 0;
    for payload in payloads {
        if let Some(NatDiscovery { hash, .. }) = payload.get() {
            *payload = Payload::new(NatDiscovery { numbering, hash: hash.clone() });
            count += 1;
        }
    }
    assert_eq!(count, 2);
}

fn set_life(sa: &mut SecurityAssociation, (types, durations): (u16, u16), of: u64) {
    let attributes = &mut sa.proposals[0].transforms[0].attributes;
    let at = attributes.iter().position(|one| one.kind == types && one.value_u64() == Some(of)).unwrap();
    assert_eq!(attributes[at + 1].kind, durations);
    attributes[at + 1].value = isakmp_wire::payload::AttributeValue::Basic(0);
}

/// "Life duration 0": the peer never renews. No limit is stated; ours applies, and the attributes are echoed unchanged.
#[test]
fn a_life_of_zero_states_no_limit() {
    let bench = &mut offering((policy(1, 2), policy(2, 1)), |sa| set_life(sa, (11, 12), 1), |_| {});
    bench.initiate();
    bench.run(|_, _, _, _| {});
    assert!(bench.complete());
    let sa = &bench.hosts[B].engine.snapshot().ike_sas[0];
    assert_eq!(sa.expires.unwrap().as_secs(), 86_400);
    let zero = |class| Oddity::Attribute { class, value: 0, why: "no limit is stated" };
    assert_eq!(oddities(&bench.hosts[B]), [zero(12)]);
    let offered = parse(&bench.seen[0].1).get::<SecurityAssociation>().unwrap().proposals.clone();
    assert_eq!(parse(&bench.seen[1].1).get::<SecurityAssociation>().unwrap().proposals, offered);
    for (unit, left) in [
        (1, Lifetime { seconds: Some(3600), kilobytes: Some(4_608_000) }),
        (2, Lifetime { seconds: Some(3600), kilobytes: Some(4_608_000) }),
    ] {
        let bench = &mut offering((policy(1, 2), policy(2, 1)), |_| {}, |sa| set_life(sa, (1, 2), unit));
        bench.initiate();
        bench.run(|_, _, _, _| {});
        assert!(bench.complete(), "unit {unit}");
        assert_eq!(oddities(&bench.hosts[B]), [zero(2)]);
        for host in &bench.hosts {
            assert!(host.installed.iter().all(|sa| sa.lifetime == left), "unit {unit}");
        }
    }
}

/// An answer with another proposal number and the attributes of one offered transform is that transform, in both phases.
#[test]
fn t025_the_number_of_a_proposal_is_a_label() {
    for number in [0, 2, 255] {
        let mut bench = Bench::new(53);
        bench.initiate();
        for at in 1..=9 {
            let Some((to, octets)) = bench.next() else { break };
            let octets = match at {
                2 => rewrite(&octets, |payloads| {
                    let mut sa = payloads[0].get::<SecurityAssociation>().unwrap().clone();
                    sa.proposals[0].number = number;
                    payloads[0] = Payload::new(sa);
                }),
                8 => quick_2(&bench, &octets, |sa| sa.proposals[0].number = number),
                _ => octets,
            };
            bench.seen.last_mut().unwrap().1.clone_from(&octets);
            bench.deliver(to, &octets);
        }
        assert_eq!(bench.hosts[A].installed.len(), 2, "number {number}");
        let renumbered = Oddity::ProposalNumber { offered: 1, answered: number };
        assert_eq!(oddities(&bench.hosts[A]), [renumbered.clone(), renumbered]);
    }
}

/// Two protocols that belong together, answered under one other number; and half of them, or a transform of another
/// proposal, under whatever number, is refused.
#[test]
fn t025_a_label_binds_the_protocols_together() {
    let with = |me, peer| Policy {
        phase2: Some(phase2(me, peer, vec![proposal(&[ah(), esp()]), proposal(&[esp()])])),
        ..policy(me, peer)
    };
    let change = |change: &dyn Fn(&mut SecurityAssociation)| {
        let mut bench = Bench::with(54, with(1, 2), with(2, 1));
        bench.initiate();
        for at in 1..=9 {
            let Some((to, octets)) = bench.next() else { break };
            let octets = if at == 8 { quick_2(&bench, &octets, change) } else { octets };
            bench.deliver(to, &octets);
        }
        bench.hosts[A].installed.first().map(|sa| sa.sas.len())
    };
    let number = |sa: &mut SecurityAssociation, number| {
        sa.proposals.iter_mut().for_each(|proposal| proposal.number = number);
    };
    assert_eq!(change(&|sa| number(sa, 9)), Some(2));
    assert_eq!(change(&|sa| sa.proposals[0].number = 9), None, "two numbers");
    assert_eq!(change(&|sa| sa.proposals.truncate(1)), None, "AH alone was not offered");
    // ESP alone was: under the second number.
    assert_eq!(change(&|sa| drop(sa.proposals.remove(0))), Some(1));
    assert_eq!(change(&|sa| sa.proposals[1] = sa.proposals[0].clone()), None, "AH twice");
}

/// Datagrams that a peer fills up with zeros behind the end of the message: each message of both phases, clear or encrypted,
/// whole or in parts.
#[test]
fn zeros_behind_the_end_of_a_message_are_read_over() {
    for in_parts in [false, true] {
        let with = |policy: Policy| {
            let mut fragmentation = Fragmentation::default();
            (fragmentation.announced, fragmentation.forced, fragmentation.size) = (in_parts, in_parts, 200);
            Policy { fragmentation, ..policy }
        };
        for count in [1, 4, 33, 512] {
            let mut bench = Bench::with(55, with(policy(1, 2)), with(policy(2, 1)));
            bench.initiate();
            let mut number = 0;
            while let Some((to, octets)) = bench.next() {
                number += 1;
                assert!(number < 100, "livelock");
                // One octet that is not zero: refused, and nothing has happened.
                let mut spoiled = [&octets[..], &vec![0; count]].concat();
                *spoiled.last_mut().unwrap() = 1;
                bench.quiet(to, &spoiled, "octets behind the end");
                bench.deliver(to, &[&octets[..], &vec![0; count]].concat());
            }
            assert!(bench.complete(), "{count} zeros, in parts: {in_parts}");
            let beyond = |odd: &Oddity| matches!(odd, Oddity::Wire(anomaly) if anomaly.kind == AnomalyKind::ZerosBeyond(count));
            let odd: Vec<Oddity> = bench.hosts.iter().flat_map(oddities).collect();
            assert_eq!(odd.iter().filter(|odd| beyond(odd)).count(), number);
        }
    }
}

/// A padded repetition of a message is a repetition.
#[test]
fn zeros_do_not_make_a_repetition_new() {
    let mut bench = Bench::new(56);
    bench.initiate();
    let (to, first) = bench.next().unwrap();
    assert_eq!(bench.deliver(to, &first), 1);
    let answer = bench.flying.back().cloned();
    assert_eq!(bench.deliver(to, &[&first[..], &[0; 9]].concat()), 1);
    assert_eq!(bench.flying.back().cloned(), answer);
}
