//! Suites, keys, identities, modes.

use core::net::IpAddr;

use crypto_provider::{CipherAlgorithm, GroupId, HashAlgorithm};
use gateway::ios::{Refusal, Vintage, WarningKind};
use oakley::{Identity, KeyQuery, Mode, PeerIdentity};

use crate::{BASE, lower, peer, refusals, warnings};

/// T037: DES, group 1 and SHA-1 come only with `version` 12 or lower or when they are written, and never silently.
#[test]
fn t037_weak_suites_only_on_demand() {
    let suite = |text: &str| {
        let policies = lower(text);
        let suite = policies.suites.first().unwrap().clone();
        (policies.vintage, suite.cipher, suite.key_len, suite.hash, suite.group)
    };
    let modern = (CipherAlgorithm::AesCbc, 16, HashAlgorithm::Sha256, GroupId::MODP_2048);
    let old = (CipherAlgorithm::DesCbc, 8, HashAlgorithm::Sha1, GroupId::MODP_768);
    for (version, vintage, wanted) in [
        ("", Vintage::Modern, modern),
        ("version 13.0\n", Vintage::Modern, modern),
        ("version 15.1\n", Vintage::Modern, modern),
        ("version 12.4\n", Vintage::Ios1998, old),
        ("version 11.3\n", Vintage::Ios1998, old),
        ("version 9\n", Vintage::Ios1998, old),
    ] {
        let (cipher, key_len, hash, group) = wanted;
        assert_eq!(suite(&format!("{version}{BASE}")), (vintage, cipher, key_len, hash, group), "{version}");
    }
    let weak = |what| WarningKind::Weak { what };
    let said = warnings(&format!("version 11.3\n{BASE}"));
    assert_eq!(said, [WarningKind::Vintage1998 { major: 11 }, weak("encryption des"), weak("group 1")]);
    let written = BASE.replace("pre-share\n", "pre-share\n encryption des\n hash md5\n group 5\n");
    assert_eq!(warnings(&written), [weak("encryption des"), weak("hash md5"), weak("group 5")]);
    let (_, cipher, _, hash, group) = suite(&written);
    assert_eq!((cipher, hash, group), (CipherAlgorithm::DesCbc, HashAlgorithm::Md5, GroupId::MODP_1536));
    let sets = BASE.replace("t esp-aes esp-sha256-hmac", "t ah-md5-hmac esp-3des esp-md5-hmac");
    assert_eq!(warnings(&sets), [weak("ah-md5-hmac"), weak("esp-3des"), weak("esp-md5-hmac")]);
    let open = BASE.replace("t esp-aes esp-sha256-hmac", "t esp-aes");
    assert_eq!(warnings(&open), [WarningKind::NoIntegrity { set: "t".into() }]);
    // Without any policy nothing is offered, in particular not the default suite of 1998.
    let empty = BASE.replace("crypto isakmp policy 1\n authentication pre-share\n", "");
    assert_eq!(refusals(&empty), [(4, 12, Refusal::NoUsablePolicy)]);
}

/// T030: a name on either side means Aggressive Mode, for the peers concerned only and with a warning; short keys are
/// pointed out.
#[test]
fn t030_aggressive_mode_and_short_keys() {
    let policies = lower(BASE);
    assert_eq!(policies.mode(peer()), Mode::Main);
    assert!(!policies.answers(peer(), Mode::Aggressive));
    assert_eq!(policies.identity(peer()), Identity::Address(peer()));
    assert_eq!(policies.peer_identity(peer()), PeerIdentity::PathAddress);

    let named = BASE.replace("address 20.20.20.20\n", "hostname b.example\nip host b.example 20.20.20.20\n");
    let policies = lower(&named);
    assert_eq!(policies.mode(peer()), Mode::Aggressive);
    assert!(policies.answers(peer(), Mode::Aggressive));
    assert!(!policies.answers(IpAddr::from([9, 9, 9, 9]), Mode::Aggressive));
    assert_eq!(warnings(&named), [WarningKind::AggressiveMode]);
    let b = Identity::Fqdn("B.example".into());
    assert_eq!(policies.keys_for(KeyQuery::Identity(&b)).len(), 1);
    assert_eq!(policies.keys_for(KeyQuery::Address(peer())).len(), 1);
    let fqdn = Identity::Fqdn("b.example".into());
    assert_eq!(policies.peer_identity(peer()), PeerIdentity::OneOf(vec![Identity::Address(peer()), fqdn]));

    let forbidden = lower(&format!("{named}crypto isakmp aggressive-mode disable\n"));
    assert_eq!(forbidden.mode(peer()), Mode::Main);
    assert!(!forbidden.answers(peer(), Mode::Aggressive) && forbidden.warnings.is_empty());

    let own_name = lower(&format!("{BASE}crypto isakmp identity hostname\nip domain-name example\n"));
    assert_eq!(own_name.identity(peer()), Identity::Fqdn("a.example".into()));
    assert_eq!(own_name.mode(peer()), Mode::Aggressive);

    let short = BASE.replace("0123456789abcdefghijklmno", "0123456789abcdefghi");
    assert_eq!(warnings(&short), [WarningKind::ShortKey]);
    let exact = BASE.replace("0123456789abcdefghijklmno", "0123456789abcdefghij");
    assert_eq!(warnings(&exact), []);
}

#[test]
fn the_longest_prefix_has_the_only_key() {
    let keys = "crypto isakmp key any-peer-any-peer-any-peer address 0.0.0.0 0.0.0.0\n\
                crypto isakmp key net-net-net-net-net-net address 20.20.0.0 255.255.0.0\n\
                crypto isakmp key six-six-six-six-six-six address ipv6 2001:db8::/32\n";
    let policies = lower(&format!("{BASE}{keys}"));
    let found = |address: IpAddr| -> Vec<String> {
        let keys = policies.keys_for(KeyQuery::Address(address));
        keys.iter().map(|key| String::from_utf8_lossy(key.expose()).chars().take(3).collect()).collect()
    };
    assert_eq!(found(peer()), ["012"]);
    assert_eq!(found(IpAddr::from([20, 20, 9, 9])), ["net"]);
    assert_eq!(found("2001:db8::5".parse().unwrap()), ["six"]);
    assert_eq!(found("2001:db9::5".parse().unwrap()), [""; 0]);
    assert!(policies.warnings.iter().any(|warning| warning.kind == WarningKind::KeyForEveryone));
}
