//! Main Mode and Quick Mode between two engines: what they agree on, and how they fail.
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

use core::time::Duration;

use crypto_provider::default::provider;
use crypto_provider::{CipherAlgorithm, CryptoProvider, GroupId, HashAlgorithm};
use netsim::{Chance, Link};
use oakley::*;
use pair::*;

#[test]
fn a_tunnel_is_negotiated() {
    let mut pair = Pair::plain(1);
    pair.initiate();
    pair.run(5);
    for host in [pair.a(), pair.b()] {
        assert_eq!(host.ready(), 1);
        assert_eq!(host.established().len(), 1);
        assert_eq!(host.installed.len(), 2);
        assert!(host.rejects().is_empty(), "{:?}", host.rejects());
        assert_eq!(host.engine.snapshot().bundles.len(), 1);
    }
    pair.assert_agreement();
    // Six messages of Main Mode and three of Quick Mode, none twice.
    assert_eq!(pair.a().sent.len(), 5);
    assert_eq!(pair.b().sent.len(), 4);
}

#[test]
fn every_phase1_suite_reaches_agreement() {
    let ciphers = [
        (CipherAlgorithm::DesCbc, 8),
        (CipherAlgorithm::TripleDesCbc, 24),
        (CipherAlgorithm::AesCbc, 16),
        (CipherAlgorithm::AesCbc, 24),
        (CipherAlgorithm::AesCbc, 32),
    ];
    let hashes = [
        HashAlgorithm::Md5,
        HashAlgorithm::Sha1,
        HashAlgorithm::Sha256,
        HashAlgorithm::Sha384,
        HashAlgorithm::Sha512,
    ];
    for (cipher, key_len) in ciphers {
        for hash in hashes {
            let suite = Phase1Suite { cipher, key_len, hash, ..suite() };
            let with = |policy| Policy { suites: vec![suite.clone()], ..policy };
            let mut pair = Pair::new(3, with(policy(1, 2)), with(policy(2, 1)), Link::new());
            pair.initiate();
            pair.run(5);
            assert_eq!(pair.b().established().len(), 1, "{suite:?}");
            pair.assert_agreement();
        }
    }
    let groups = [GroupId::MODP_1024, GroupId::MODP_1536, GroupId::MODP_2048];
    let curves = [GroupId::ECP_256, GroupId::ECP_384, GroupId::ECP_521];
    for group in groups.into_iter().chain(curves) {
        let suite = Phase1Suite { group, ..suite() };
        let with = |me, peer| Policy {
            suites: vec![suite.clone()],
            phase2: Some(Phase2Policy { pfs: Some(group), ..phase2(me, peer, vec![proposal(&[esp()])]) }),
            ..policy(me, peer)
        };
        let mut pair = Pair::new(3, with(1, 2), with(2, 1), Link::new());
        pair.initiate();
        pair.run(5);
        assert_eq!(pair.b().established().len(), 1, "{suite:?}");
        assert_eq!(pair.b().established()[0].pfs, Some(group));
        pair.assert_agreement();
    }
}

#[test]
fn the_responders_first_choice_wins_and_every_comparison_is_reported() {
    let md5 = Phase1Suite { hash: HashAlgorithm::Md5, ..suite() };
    let aes = Phase1Suite { cipher: CipherAlgorithm::AesCbc, key_len: 16, priority: 2, ..suite() };
    let a = Policy { suites: vec![md5, suite(), aes.clone()], ..policy(1, 2) };
    let b = Policy { suites: vec![aes, suite()], ..policy(2, 1) };
    let mut pair = Pair::new(4, a, b, Link::new());
    pair.initiate();
    pair.run(5);
    let snapshot = pair.b().engine.snapshot();
    assert_eq!(snapshot.ike_sas[0].suite.as_ref().unwrap().cipher, CipherAlgorithm::AesCbc);
    let differences: Vec<String> = pair
        .b()
        .events
        .iter()
        .filter_map(|event| match event {
            Event::ComparedPhase1 { first_difference, .. } => {
                Some(first_difference.as_ref().map_or_else(|| "fits".to_string(), ToString::to_string))
            }
            _ => None,
        })
        .collect();
    assert_eq!(
        differences,
        [
            "encryption algorithm: offered DES-CBC, accepted AES-CBC",
            "encryption algorithm: offered DES-CBC, accepted AES-CBC",
            "fits",
        ]
    );
}

#[test]
fn and_proposals_give_one_bundle_of_both_protocols() {
    let with = |me, peer| Policy {
        phase2: Some(phase2(me, peer, vec![proposal(&[ah(), esp()])])),
        ..policy(me, peer)
    };
    let mut pair = Pair::new(5, with(1, 2), with(2, 1), Link::new());
    pair.initiate();
    pair.run(5);
    pair.assert_agreement();
    let bundle = &pair.b().established()[0];
    let protocols: Vec<Protocol> = bundle.pairs.iter().map(|pair| pair.transform.protocol).collect();
    assert_eq!(protocols, [Protocol::Ah, Protocol::Esp]);
    let spis: Vec<Spi> = bundle.pairs.iter().flat_map(|pair| [pair.inbound, pair.outbound]).collect();
    assert!(spis.iter().all(|spi| spi.0 >= 256));
    // RFC 2409 5.5 (test): one KEYMAT per protocol, SPI and direction, so no two keys are equal.
    let mut keys: Vec<&[u8]> =
        pair.b().installed.iter().flat_map(|sa| &sa.sas).map(|sa| sa.integrity_key.expose()).collect();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), 4);
}

#[test]
fn or_proposals_and_several_transforms() {
    let triple = Phase2Transform {
        confidentiality: Confidentiality::Cipher(CipherAlgorithm::TripleDesCbc, 24),
        ..esp()
    };
    let md5 = Phase2Transform { integrity: Some(HashAlgorithm::Md5), ..esp() };
    let alternatives = Phase2Proposal { protections: vec![vec![triple, md5, esp()]] };
    let a =
        Policy { phase2: Some(phase2(1, 2, vec![proposal(&[ah(), esp()]), alternatives])), ..policy(1, 2) };
    let b = Policy { phase2: Some(phase2(2, 1, vec![proposal(&[md5])])), ..policy(2, 1) };
    let mut pair = Pair::new(6, a, b, Link::new());
    pair.initiate();
    pair.run(5);
    pair.assert_agreement();
    assert_eq!(pair.a().established()[0].pairs[0].transform, md5);
    assert_eq!(pair.a().established()[0].pairs.len(), 1);
    // SPIs of the proposal that was not chosen are free again: only what lives is held.
    assert_eq!(pair.a().engine.snapshot().bundles[0].pairs.len(), 1);
}

#[test]
fn the_lower_life_wins_in_both_phases() {
    let life = |seconds| Lifetime { seconds: Some(seconds), kilobytes: None };
    let with = |me, peer, first, second, kilobytes| {
        let base = policy(me, peer);
        let phase2 = Phase2Policy {
            lifetime: Lifetime { seconds: Some(second), kilobytes: Some(kilobytes) },
            ..base.phase2.clone().unwrap()
        };
        Policy {
            suites: vec![Phase1Suite { lifetime: life(first), ..suite() }],
            phase2: Some(phase2),
            ..base
        }
    };
    let mut pair = Pair::new(7, with(1, 2, 240, 120, 4_608_000), with(2, 1, 86_400, 3600, 1000), Link::new());
    pair.initiate();
    pair.run(5);
    // RFC 2407 4.6.3.1 (test): the initiator hears of the responder's lower limit by notify.
    for host in [pair.a(), pair.b()] {
        let expected = Lifetime { seconds: Some(120), kilobytes: Some(1000) };
        assert_eq!(host.installed[0].lifetime, expected);
        let sa = &host.engine.snapshot().ike_sas[0];
        assert_eq!(sa.suite.as_ref().unwrap().lifetime, life(240));
        assert_eq!((sa.expires.unwrap() - sa.established.unwrap()).as_secs(), 240);
    }
    // The IKE SA ends, and another is there; its bundle does not.
    let first = pair.a().engine.snapshot().ike_sas[0].id;
    pair.run(300);
    for host in [pair.a(), pair.b()] {
        let snapshot = host.engine.snapshot();
        assert!(host.ready() == 1 && snapshot.ike_sas[0].id != first);
        assert_eq!(snapshot.bundles.len(), 1);
    }
}

#[test]
fn a_peer_without_secrecy_is_refused_where_it_is_wanted() {
    let b = policy(2, 1);
    let phase2 = Phase2Policy { pfs: Some(GroupId::MODP_1024), ..b.phase2.clone().unwrap() };
    let mut pair = Pair::new(9, policy(1, 2), Policy { phase2: Some(phase2), ..b }, Link::new());
    pair.initiate();
    pair.run(60);
    assert!(pair.a().established().is_empty());
    assert!(pair.b().rejects().len() == 1 && is_no_proposal(pair.b().rejects().first()));
}

#[test]
fn bad_networks_delay_and_do_not_prevent() {
    for seed in 0..60 {
        let link = Link::new()
            .delay(Duration::from_millis(20))
            .loss(Chance::percent(20))
            .duplicate(Chance::percent(20))
            .reorder(Chance::percent(20), Duration::from_millis(300));
        let mut config = Config::default();
        config.max_sends = 12;
        config.half_open_life = Duration::from_secs(10_000);
        config.retransmit_after = Duration::from_millis(500);
        let mut pair = Pair::with_config(seed, (policy(1, 2), policy(2, 1)), link, &config);
        pair.initiate();
        pair.run(3000);
        assert_eq!(pair.a().established().len(), 1, "seed {seed}");
        assert_eq!(pair.b().established().len(), 1, "seed {seed}");
        pair.assert_agreement();
    }
}

#[test]
fn a_network_that_doubles_everything_starts_no_echo() {
    let link = Link::new().delay(Duration::from_millis(5)).duplicate(Chance::ALWAYS);
    let mut pair = Pair::new(21, policy(1, 2), policy(2, 1), link);
    pair.initiate();
    pair.run(60);
    assert_eq!(pair.a().established().len(), 1);
    pair.assert_agreement();
    // Nine messages, and one more answer for each doubled one at most.
    assert!(pair.a().sent.len() + pair.b().sent.len() <= 18);
}

#[test]
fn one_seed_one_negotiation() {
    let run = |seed| {
        let mut pair = Pair::plain(seed);
        pair.initiate();
        pair.run(5);
        (pair.a().sent.clone(), pair.b().sent.clone())
    };
    assert_eq!(run(11), run(11));
    assert_ne!(run(11), run(12));
}

#[test]
fn a_wrong_key_is_silence_and_an_end() {
    let b = Policy { keys: vec![b"another key".to_vec()], ..policy(2, 1) };
    let mut pair = Pair::new(13, policy(1, 2), b, Link::new());
    pair.initiate();
    pair.run(600);
    assert_eq!(pair.a().ready() + pair.b().ready(), 0);
    assert!(pair.a().failures().contains(&Abort::TimedOut));
    assert!(pair.b().failures().contains(&Abort::TimedOut));
    // The last repetition finds the half-open exchange gone.
    let mut rejects = pair.b().rejects();
    rejects.retain(|why| *why != Reject::Misbehaved(Misbehaviour::UnknownCookies));
    assert!(rejects.len() >= 5);
    assert!(
        rejects.iter().all(|why| *why == Reject::Misbehaved(Misbehaviour::Undecipherable)),
        "{rejects:?}"
    );
    let counters = pair.b().engine.snapshot().counters;
    assert_eq!(counters.undecipherable, rejects.len() as u64);
    // Messages 2 and 4 and nothing else.
    assert_eq!(pair.b().sent.len(), 2);
    assert!(pair.a().engine.snapshot().ike_sas.is_empty());
    assert!(pair.b().engine.snapshot().ike_sas.is_empty());
}

#[test]
fn two_keys_for_one_peer_while_one_is_being_changed() {
    let b = Policy { keys: vec![b"the new key".to_vec(), b"sharedkey".to_vec()], ..policy(2, 1) };
    let mut pair = Pair::new(14, policy(1, 2), b, Link::new());
    pair.initiate();
    pair.run(5);
    assert_eq!(pair.b().established().len(), 1);
    pair.assert_agreement();
}

#[test]
fn a_suite_that_fits_nothing_is_refused_in_clear_and_nothing_is_kept() {
    let strong = Phase1Suite { cipher: CipherAlgorithm::AesCbc, key_len: 32, ..suite() };
    let b = Policy { suites: vec![strong], ..policy(2, 1) };
    let mut pair = Pair::new(15, policy(1, 2), b, Link::new());
    pair.initiate();
    pair.run(600);
    assert!(pair.b().engine.snapshot().ike_sas.is_empty());
    assert!(pair.b().rejects().iter().all(|why| is_no_proposal(Some(why))));
    // RFC 2409 5.7 (test): a NOTIFY in clear is heard and not obeyed; the initiator gives up in its own time.
    let heard = pair.a().events.iter().any(|event| {
        matches!(
            event,
            Event::Notified { protected: false, notify: isakmp_wire::NotifyType::NO_PROPOSAL_CHOSEN, .. }
        )
    });
    assert!(heard);
    assert!(pair.a().failures().contains(&Abort::TimedOut));
}

#[test]
fn a_proposal_that_fits_nothing_is_refused_under_protection() {
    let md5 = Phase2Transform { integrity: Some(HashAlgorithm::Md5), ..ah() };
    let a = Policy { phase2: Some(phase2(1, 2, vec![proposal(&[md5, esp()])])), ..policy(1, 2) };
    let b = Policy { phase2: Some(phase2(2, 1, vec![proposal(&[ah(), esp()])])), ..policy(2, 1) };
    let mut pair = Pair::new(16, a, b, Link::new());
    pair.initiate();
    pair.run(5);
    assert_eq!(pair.a().ready() + pair.b().ready(), 2);
    let refused = Abort::Peer(PeerRefusal::Notified(isakmp_wire::NotifyType::NO_PROPOSAL_CHOSEN));
    assert_eq!(pair.a().failures(), [refused]);
    assert!(pair.a().installed.is_empty() && pair.b().installed.is_empty());
    // Both protocols were compared although the first one had failed.
    let compared: Vec<bool> = pair
        .b()
        .events
        .iter()
        .filter_map(|event| match event {
            Event::ComparedPhase2 { first_difference, .. } => Some(first_difference.is_none()),
            _ => None,
        })
        .collect();
    assert_eq!(compared, [false, true]);
}

/// Of the transforms of one proposal each but the last is reported as followed by another (RFC 2408 3.6).
#[test]
fn a_comparison_says_whether_transforms_follow() {
    let md5 = Phase2Transform { integrity: Some(HashAlgorithm::Md5), ..esp() };
    let two = Phase2Proposal { protections: vec![vec![md5, esp()]] };
    let a = Policy { phase2: Some(phase2(1, 2, vec![two])), ..policy(1, 2) };
    let b = Policy { phase2: Some(phase2(2, 1, vec![proposal(&[esp()])])), ..policy(2, 1) };
    let mut pair = Pair::new(17, a, b, Link::new());
    pair.initiate();
    pair.run(5);
    let compared = pair.b().events.iter().filter_map(|event| match event {
        Event::ComparedPhase2 { more, first_difference, .. } => Some((*more, first_difference.is_none())),
        _ => None,
    });
    assert_eq!(compared.collect::<Vec<_>>(), [(true, false), (false, true)]);
}

/// What the provider lacks is neither offered nor chosen, in either role and mode, and does not stand in the way of what it has.
#[test]
fn suites_that_the_provider_lacks_are_passed_over() {
    let suites = vec![
        Phase1Suite { group: GroupId::MODP_1024, ..suite() },
        Phase1Suite { priority: 2, hash: HashAlgorithm::Md5, ..suite() },
    ];
    let without = || {
        let mut provider = provider();
        provider.groups.to_mut().retain(|group| group.id() != GroupId::MODP_1024);
        provider
    };
    for (aggressive, lacking) in [(false, 0), (false, 1), (true, 0)] {
        let with = |policy| Policy { suites: suites.clone(), aggressive, ..policy };
        let mut pair = Pair::new(25, with(policy(1, 2)), with(policy(2, 1)), Link::new());
        let (node, policy) = [(pair.a, with(policy(1, 2))), (pair.b, with(policy(2, 1)))][lacking].clone();
        let host = Host::with_provider(26, policy, Config::default(), without());
        pair.network.command(node, "other provider", move |old, _| *old = host).unwrap();
        pair.initiate();
        pair.run(5);
        assert_eq!(pair.a().established().len(), 1, "aggressive {aggressive}, host {lacking}");
        let chosen = pair.b().events.iter().find_map(|event| match event {
            Event::ComparedPhase1 { policy, first_difference: None, .. } => Some(policy.priority),
            _ => None,
        });
        assert_eq!(chosen, Some(2));
    }
    let none = CryptoProvider { groups: Vec::new().into(), ..provider() };
    let mut pair = Pair::plain(27);
    let host = Host::with_provider(27, policy(1, 2), Config::default(), none);
    pair.network.command(pair.a, "no groups", move |old, _| *old = host).unwrap();
    pair.initiate();
    assert!(pair.a().sent.is_empty());
    let failed = |event: &Event| {
        matches!(event, Event::RequestFailed { why: Abort::Local(LocalFailure::Algorithm), .. })
    };
    assert!(pair.a().events.iter().any(failed));
}

#[test]
fn deletes_go_both_ways() {
    for initiator_deletes in [true, false] {
        let mut pair = Pair::plain(17);
        pair.initiate();
        pair.run(5);
        let (one, other) = if initiator_deletes { (pair.a, pair.b) } else { (pair.b, pair.a) };
        let bundle = pair.network.get(one).unwrap().engine.snapshot().bundles[0].id;
        pair.input(one, Input::Delete(Target::Bundle(bundle)));
        pair.run(1);
        assert_eq!(pair.network.get(one).unwrap().removed[0].1, RemoveReason::Requested);
        assert_eq!(pair.network.get(other).unwrap().removed[0].1, RemoveReason::PeerDeleted);
        assert_eq!(pair.a().ready() + pair.b().ready(), 2);
        pair.input(one, Input::Delete(Target::All));
        pair.run(1);
        assert_eq!(pair.a().ready() + pair.b().ready(), 0);
    }
}

#[test]
fn a_soft_limit_brings_a_successor_and_a_hard_limit_the_end() {
    let mut pair = Pair::plain(18);
    pair.initiate();
    pair.run(5);
    let first = pair.a().engine.snapshot().bundles[0].id;
    pair.input(pair.a, Input::Used { bundle: first, limit: LimitReached::Soft });
    pair.run(5);
    assert_eq!(pair.a().established().len(), 2);
    assert_eq!(pair.b().established().len(), 2);
    // Make before break: the old one is still there.
    assert_eq!(pair.a().engine.snapshot().bundles.len(), 2);
    pair.input(pair.a, Input::Used { bundle: first, limit: LimitReached::Hard });
    pair.run(5);
    assert_eq!(pair.a().removed, [(first, RemoveReason::Expired)]);
    assert_eq!(pair.a().engine.snapshot().bundles.len(), 1);
    assert_eq!(pair.b().engine.snapshot().bundles.len(), 1);
    pair.assert_agreement();
}

#[test]
fn requests_while_one_is_running_start_nothing_new() {
    let mut pair = Pair::plain(19);
    for _ in 0..50 {
        pair.initiate();
    }
    pair.run(5);
    assert_eq!(pair.a().established().len(), 1);
    assert_eq!(pair.a().sent.len(), 5);
}

#[test]
fn an_installation_that_fails_takes_the_bundle_with_it() {
    let mut pair = Pair::plain(20);
    pair.initiate();
    pair.run(5);
    let bundle = pair.b().engine.snapshot().bundles[0].id;
    pair.input(pair.b, Input::InstallFailed(bundle));
    pair.run(1);
    assert_eq!(pair.b().removed, [(bundle, RemoveReason::InstallFailed)]);
    assert!(pair.a().engine.snapshot().bundles.is_empty());
}
