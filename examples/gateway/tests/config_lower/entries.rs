//! Entries of crypto maps, their transform sets and settings.

use core::net::IpAddr;

use crypto_provider::{AeadAlgorithm, CipherAlgorithm, GroupId, HashAlgorithm};
use gateway::ios::{self, Protection, WarningKind};
use oakley::{Confidentiality, Encapsulation, Phase2Transform, Protocol};

use crate::{BASE, lower, only, peer};

/// S115: the transforms of one set are one proposal, AH before ESP, whatever their order in the line.
#[test]
fn transform_sets_become_proposals() {
    let text = BASE
        .replace(
            "t esp-aes esp-sha256-hmac",
            "t esp-sha-hmac esp-des ah-sha-hmac\ncrypto ipsec transform-set g esp-gcm 256\n",
        )
        .replace("set transform-set t", "set transform-set t g\n set pfs");
    let policies = lower(&text);
    let Protection::Negotiated { proposals, encapsulation, pfs, .. } = &only(&policies).protection else {
        panic!()
    };
    let transform =
        |protocol, confidentiality, integrity| Phase2Transform { protocol, confidentiality, integrity };
    let sha = Some(HashAlgorithm::Sha1);
    let des = Confidentiality::Cipher(CipherAlgorithm::DesCbc, 8);
    let wanted = [
        vec![
            vec![transform(Protocol::Ah, Confidentiality::None, sha)],
            vec![transform(Protocol::Esp, des, sha)],
        ],
        vec![vec![transform(Protocol::Esp, Confidentiality::Aead(AeadAlgorithm::AesGcm16, 32), None)]],
    ];
    assert_eq!(proposals.iter().map(|one| one.protections.clone()).collect::<Vec<_>>(), wanted);
    assert_eq!((*encapsulation, *pfs), (Encapsulation::Tunnel, Some(GroupId::MODP_2048)));
}

#[test]
fn settings_of_an_entry_come_before_global_ones() {
    let global = "crypto ipsec security-association lifetime seconds 7200\n\
                  crypto ipsec security-association lifetime kilobytes 9999\n\
                  crypto ipsec security-association replay window-size 512\n";
    let text = format!("{BASE}{global}").replace(
        "set transform-set t",
        "set transform-set t\n set security-association lifetime seconds 300",
    );
    let policies = lower(&text);
    let Protection::Negotiated { lifetime, replay, .. } = &only(&policies).protection else { panic!() };
    assert_eq!((lifetime.seconds, lifetime.kilobytes), (Some(300), Some(9999)));
    assert_eq!(*replay, Some(ios::model::Replay::Window(512)));
}

/// Nothing that is written is ignored without a word.
#[test]
fn what_has_no_effect_is_said_with_its_place() {
    let said = |text: &str| -> Vec<(u32, u32, WarningKind)> {
        let warnings = lower(text).warnings.into_iter();
        warnings.map(|warning| (warning.origin.line, warning.origin.column, warning.kind)).collect()
    };
    let transport = BASE.replace("esp-sha256-hmac\n", "esp-sha256-hmac\n mode transport\n");
    assert_eq!(said(&transport), [(7, 12, WarningKind::TunnelInstead { map: "m".into(), sequence: 10 })]);
    let own = "permit ip host 20.20.20.21 host 20.20.20.20";
    let own = transport.replace("permit ip 50.50.50.0 0.0.0.255 60.60.60.0 0.0.0.255", own);
    assert_eq!(said(&own), []);
}

#[test]
fn a_dynamic_map_answers_whoever_has_a_key() {
    let text = BASE.replace(
        "crypto map m 10 ipsec-isakmp\n set peer 20.20.20.20\n set transform-set t\n match address 101\n",
        "crypto dynamic-map d 5\n set transform-set t\ncrypto map m 65535 ipsec-isakmp dynamic d\n",
    );
    let policies = lower(&text);
    let entry = only(&policies);
    assert_eq!((entry.sequence, entry.dynamic.clone()), (65535, Some(("d".to_owned(), 5))));
    assert!(entry.peers.is_empty() && entry.rules.is_empty() && entry.takes(peer()));
    assert_eq!(policies.entries_for(IpAddr::from([20, 20, 20, 21]), peer()).count(), 1);
    assert_eq!(policies.entries_for(IpAddr::from([20, 20, 20, 99]), peer()).count(), 0);
}

/// S106, S116: numbers decide, not the order of the lines.
#[test]
fn policies_and_entries_stand_in_the_order_of_their_numbers() {
    let more = "crypto isakmp policy 9\n authentication pre-share\n group 15\n\
                crypto isakmp policy 5\n authentication pre-share\n group 16\n\
                crypto map m 20 ipsec-isakmp\n set peer 20.20.20.20\n set transform-set t\n match address 102\n\
                crypto map m 5 ipsec-isakmp\n set peer 20.20.20.20\n set transform-set t\n match address 103\n\
                access-list 102 permit ip 50.50.50.0 0.0.0.255 62.60.60.0 0.0.0.255\n\
                access-list 103 permit ip 50.50.50.0 0.0.0.255 63.60.60.0 0.0.0.255\n";
    let policies = lower(&format!("{BASE}{more}"));
    assert_eq!(policies.suites.iter().map(|suite| suite.priority).collect::<Vec<_>>(), [1, 5, 9]);
    let [map] = policies.maps.as_slice() else { panic!("{:?}", policies.maps) };
    assert_eq!(map.entries.iter().map(|entry| entry.sequence).collect::<Vec<_>>(), [5, 10, 20]);
}

/// S147: blocks in any order say the same; a map may name what follows it.
#[test]
fn commands_may_come_in_any_order() {
    let mut blocks: Vec<String> = Vec::new();
    for line in BASE.lines() {
        match blocks.last_mut() {
            Some(block) if line.starts_with(' ') => block.push_str(&format!("{line}\n")),
            _ => blocks.push(format!("{line}\n")),
        }
    }
    let said = |text: &str| {
        let policies = lower(text);
        format!(
            "{:?} {:?} {:?}",
            policies.suites,
            policies.maps,
            policies.keys_for(oakley::KeyQuery::Address(peer())).len()
        )
    };
    let config = ios::parse("x.cfg", BASE).unwrap();
    for turn in 0..blocks.len() {
        blocks.rotate_left(1);
        let backwards: String = blocks.iter().rev().map(String::as_str).collect();
        for text in [blocks.concat(), backwards] {
            assert_eq!(ios::parse("x.cfg", &text).unwrap(), config, "turn {turn}");
            assert_eq!(lower(&text).maps.len(), 1);
        }
    }
    assert_eq!(said(&blocks.concat()), said(BASE));
}
