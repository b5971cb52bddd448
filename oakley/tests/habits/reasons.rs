//! Kind: the reason reaches nobody. Every refusal names the field, and the values on both sides.

use crypto_provider::{CipherAlgorithm, GroupId, HashAlgorithm};
use isakmp_wire::payload::SecurityAssociation;
use isakmp_wire::{IdType, PayloadKind, ProtocolId};
use oakley::*;

use crate::forger::*;
use crate::pair::*;
use crate::peer::nearest;

fn run(a: Policy, b: Policy) -> Bench {
    let mut bench = Bench::with(61, a, b);
    bench.initiate();
    bench.run(|_, _, _, _| {});
    bench
}

/// What a refused first message says is in the words of the standard, with what was offered and what is wanted.
#[test]
fn a_phase_1_offer_is_refused_with_the_nearest_difference() {
    let of = |change: &dyn Fn(&mut Phase1Suite)| {
        let mut suite = suite();
        change(&mut suite);
        suite
    };
    let cases = [
        (of(&|suite| suite.hash = HashAlgorithm::Md5), "hash algorithm: offered MD5, accepted SHA"),
        (of(&|suite| suite.group = GroupId::MODP_1024), "group: offered 2, accepted "),
        (
            of(&|suite| (suite.cipher, suite.key_len) = (CipherAlgorithm::AesCbc, 16)),
            "encryption algorithm: offered AES-CBC, accepted DES-CBC",
        ),
    ];
    for (offered, reason) in &cases {
        let bench = run(Policy { suites: vec![offered.clone()], ..policy(1, 2) }, policy(2, 1));
        assert_eq!(bench.hosts[B].rejects().len(), 1);
        let said = nearest(&bench.hosts[B]).unwrap().to_string();
        assert!(said.starts_with(reason), "{said}");
        assert!(bench.hosts[B].rejects()[0].to_string().contains(reason));
    }
    // Of several the one that came furthest.
    let suites: Vec<Phase1Suite> = cases.iter().map(|(suite, _)| suite.clone()).collect();
    let bench = run(Policy { suites, ..policy(1, 2) }, policy(2, 1));
    assert!(nearest(&bench.hosts[B]).unwrap().to_string().starts_with("group: offered 2"));
}

#[test]
fn a_phase_2_offer_is_refused_with_the_difference() {
    let other = Phase2Transform { integrity: Some(HashAlgorithm::Md5), ..esp() };
    let a = Policy { phase2: Some(phase2(1, 2, vec![proposal(&[other])])), ..policy(1, 2) };
    let bench = run(a, policy(2, 1));
    let said = nearest(&bench.hosts[B]).unwrap().to_string();
    assert!(
        said.starts_with("transform: offered ") && said.contains("MD5") && said.contains("accepted "),
        "{said}"
    );
    let pfs = Phase2Policy { pfs: Some(GroupId::MODP_768), ..phase2(2, 1, vec![proposal(&[esp()])]) };
    let bench = run(policy(1, 2), Policy { phase2: Some(pfs), ..policy(2, 1) });
    assert_eq!(nearest(&bench.hosts[B]).unwrap().to_string(), "group: offered none, accepted 1");
    let bundle = Policy { phase2: Some(phase2(2, 1, vec![proposal(&[ah(), esp()])])), ..policy(2, 1) };
    let bench = run(policy(1, 2), bundle);
    let said = nearest(&bench.hosts[B]).unwrap().to_string();
    assert_eq!(said, "protocols: offered PROTO_IPSEC_ESP, accepted PROTO_IPSEC_AH and PROTO_IPSEC_ESP");
}

#[test]
fn a_flow_and_an_identity_are_refused_with_both_values() {
    let narrow = |selectors| Policy {
        phase2: Some(Phase2Policy { selectors, ..phase2(2, 1, vec![proposal(&[esp()])]) }),
        ..policy(2, 1)
    };
    let bench = run(policy(1, 2), narrow(SelectorPair { local: net(2), remote: net(3) }));
    let said = bench.hosts[B].rejects()[0].to_string();
    for part in ["10.2.0.0-10.2.0.255 to 10.1.0.0-10.1.0.255", "10.2.0.0-10.2.0.255 to 10.3.0.0-10.3.0.255"] {
        assert!(said.contains(part), "{said}");
    }
    let expected = PeerIdentity::OneOf(vec![Identity::Fqdn("gw.example".into())]);
    let bench = run(policy(1, 2), Policy { peer_identity: expected, ..policy(2, 1) });
    let said = bench.hosts[B].failures()[0].to_string();
    assert!(said.contains("proved to be 192.0.2.1") && said.contains("expected is gw.example"), "{said}");
}

/// A stranger, and a peer without a key: one event each, with the address and what was looked up, and no answer.
#[test]
fn ike_from_a_peer_without_policy_or_key_is_told() {
    let key = |policy: Policy| Policy { keys: Vec::new(), ..policy };
    for (aggressive, b) in [
        (false, Policy { known: Some(address(9)), ..policy(2, 1) }),
        (true, policy(2, 1)),
        (false, key(policy(2, 1))),
    ] {
        let bench = run(Policy { aggressive, ..policy(1, 2) }, b);
        let told: Vec<&Event> =
            bench.hosts[B].events.iter().filter(|event| matches!(event, Event::Rejected { .. })).collect();
        let [Event::Rejected { path, why, .. }] = told[..] else { panic!("{told:?}") };
        assert_eq!(path.remote, address(1));
        let said = why.to_string();
        assert!(said.contains("no policy for") || said.contains("no pre-shared key for"), "{said}");
        assert_eq!(said.contains("192.0.2.1"), aggressive, "{said}");
    }
}

/// Over all kinds of refusal that carry values: each of them is in the words.
#[test]
fn every_refusal_names_field_and_values() {
    let flow = SelectorPair { local: net(2), remote: net(1) };
    let offered = |why: NotOffered| Reject::from(Misbehaviour::from(why)).to_string();
    let identity = |why: IdentityFault| Reject::from(Misbehaviour::from(why)).to_string();
    let v4 = |text: &str| text.parse().unwrap();
    let (sent, answered) = (Box::new(flow.clone()), Some(Box::new(flow.clone())));
    for (said, parts) in [
        (offered(NotOffered::Proposals { answered: 3 }), &["3 proposals"][..]),
        (offered(NotOffered::Transforms(2)), &["2 transforms"]),
        (offered(NotOffered::Protocol(ProtocolId::AH)), &["protocol PROTO_IPSEC_AH"]),
        (offered(NotOffered::ProtocolTwice(ProtocolId::ESP)), &["protocol PROTO_IPSEC_ESP twice"]),
        (offered(NotOffered::SpiLength(17)), &["SPI", "17 octets"]),
        (offered(NotOffered::TransformId(9)), &["transform id 9"]),
        (
            offered(NotOffered::Attribute { class: 4, offered: Some(1), answered: None }),
            &["attribute 4", "offered 1", "answered nothing"],
        ),
        (identity(IdentityFault::NoPeer(IdType::IPV4_ADDR_SUBNET)), &["names no peer", "SUBNET"]),
        (identity(IdentityFault::NoFlow(IdType::FQDN)), &["names no flow", "FQDN"]),
        (identity(IdentityFault::Port { protocol: 6, port: 80 }), &["protocol 6", "port 80"]),
        (identity(IdentityFault::PortWithoutProtocol(80)), &["port 80"]),
        (identity(IdentityFault::Size { id_type: IdType::IPV4_ADDR, octets: 3 }), &["3 octets", "IPV4"]),
        (identity(IdentityFault::Mask(v4("255.0.255.0"))), &["mask", "255.0.255.0"]),
        (
            identity(IdentityFault::Backwards { first: v4("10.0.0.2"), last: v4("10.0.0.1") }),
            &["10.0.0.2", "10.0.0.1"],
        ),
        (
            identity(IdentityFault::Changed { sent, answered }),
            &["sent was 10.2.0.0", "answered was 10.2.0.0"],
        ),
        (Reject::from(Misbehaviour::Spi(vec![0, 0, 0, 9].into())).to_string(), &["SPI", "09"]),
        (Reject::from(Misbehaviour::NonceLength(7)).to_string(), &["nonce of 7"]),
        (Reject::from(Misbehaviour::Missing(PayloadKind::HASH)).to_string(), &["HASH"]),
        (Reject::from(Incompatibility::Doi(2)).to_string(), &["DOI 2"]),
        (Reject::from(Incompatibility::Situation(6)).to_string(), &["situation 0x6"]),
    ] {
        for part in parts {
            assert!(said.to_uppercase().contains(&part.to_uppercase()), "{said:?} lacks {part:?}");
        }
    }
}

/// An answer that was not offered says which attribute, and both values.
#[test]
fn an_answer_that_was_not_offered_says_in_what() {
    let mut bench = Bench::new(62);
    bench.initiate();
    bench.run_to(1);
    let (to, answer) = bench.next().unwrap();
    let forged = rewrite(&answer, |payloads| {
        let mut sa = payloads[0].get::<SecurityAssociation>().unwrap().clone();
        let attributes = &mut sa.proposals[0].transforms[0].attributes;
        attributes.iter_mut().filter(|one| one.kind == 2).for_each(|one| *one = crate::peer::basic(2, 1));
        payloads[0] = isakmp_wire::Payload::new(sa);
    });
    bench.quiet(to, &forged, "not offered");
    let why = NotOffered::Attribute { class: 2, offered: Some(2), answered: Some(1) };
    assert_eq!(bench.hosts[A].rejects().pop(), Some(Misbehaviour::from(why).into()));
}
