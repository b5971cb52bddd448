//! From configurations to policies: defaults, warnings, refusals, look-ups, sample files, `check`.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "a test may panic")]

use core::net::IpAddr;
use std::path::PathBuf;

use crypto_provider::{AeadAlgorithm, CipherAlgorithm, GroupId, HashAlgorithm};
use gateway::check;
use gateway::ios::{self, ErrorKind, Policies, Protection, Refusal, Vintage, WarningKind};
use gateway::router::{Router, RouterError, RouterOptions};
use ipsec_core::{Direction, Flow, FlowPorts, Match, Rule};
use oakley::{
    Confidentiality, Encapsulation, Identity, KeyQuery, Mode, PeerIdentity, Phase2Transform, Protocol,
};

/// A pair's half that runs; tests append to it or replace parts of it.
const BASE: &str = "\
hostname a
crypto isakmp policy 1
 authentication pre-share
crypto isakmp key 0123456789abcdefghijklmno address 20.20.20.20
crypto ipsec transform-set t esp-aes esp-sha256-hmac
crypto map m 10 ipsec-isakmp
 set peer 20.20.20.20
 set transform-set t
 match address 101
interface Serial0
 ip address 20.20.20.21 255.255.255.0
 crypto map m
access-list 101 permit ip 50.50.50.0 0.0.0.255 60.60.60.0 0.0.0.255
";

fn lower(text: &str) -> Policies {
    let config = ios::parse("x.cfg", text).unwrap_or_else(|errors| panic!("{text}\n{errors:?}"));
    ios::lower(&config, "x.cfg").unwrap_or_else(|errors| panic!("{text}\n{errors:?}"))
}

fn refusals(text: &str) -> Vec<(u32, u32, Refusal)> {
    let config = ios::parse("x.cfg", text).unwrap_or_else(|errors| panic!("{text}\n{errors:?}"));
    let Err(errors) = ios::lower(&config, "x.cfg") else { panic!("runs:\n{text}") };
    let refusal = |kind| match kind {
        ErrorKind::Refused(refusal) => refusal,
        other => panic!("{other}"),
    };
    errors.into_iter().map(|error| (error.line, error.column, refusal(error.kind))).collect()
}

fn warnings(text: &str) -> Vec<WarningKind> {
    lower(text).warnings.into_iter().map(|warning| warning.kind).collect()
}

fn peer() -> IpAddr {
    IpAddr::from([20, 20, 20, 20])
}

#[test]
fn a_modern_configuration_has_no_warnings() {
    assert_eq!(warnings(BASE), []);
    assert_eq!(warnings(&format!("version 15.1\n{BASE}")), []);
}

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
    assert_eq!(warnings(&short), [WarningKind::ShortKey { length: 19 }]);
    let exact = BASE.replace("0123456789abcdefghijklmno", "0123456789abcdefghij");
    assert_eq!(warnings(&exact), []);
}

#[test]
fn the_longest_prefix_has_the_first_key() {
    let keys = "crypto isakmp key any-peer-any-peer-any-peer address 0.0.0.0 0.0.0.0\n\
                crypto isakmp key net-net-net-net-net-net address 20.20.0.0 255.255.0.0\n\
                crypto isakmp key six-six-six-six-six-six address ipv6 2001:db8::/32\n";
    let policies = lower(&format!("{BASE}{keys}"));
    let found = |address: IpAddr| -> Vec<String> {
        let keys = policies.keys_for(KeyQuery::Address(address));
        keys.iter().map(|key| String::from_utf8_lossy(key.expose()).chars().take(3).collect()).collect()
    };
    assert_eq!(found(peer()), ["012", "net", "any"]);
    assert_eq!(found(IpAddr::from([20, 20, 9, 9])), ["net", "any"]);
    assert_eq!(found("2001:db8::5".parse().unwrap()), ["six"]);
    assert_eq!(found("2001:db9::5".parse().unwrap()), [""; 0]);
    assert!(policies.warnings.iter().any(|warning| warning.kind == WarningKind::KeyForEveryone));
}

fn only(policies: &Policies) -> &ios::MapPolicy {
    let [map] = policies.maps.as_slice() else { panic!("{:?}", policies.maps) };
    let [entry] = map.entries.as_slice() else { panic!("{:?}", map.entries) };
    entry
}

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

/// T133: `deny` above `permit` keeps its place: the packet is not this entry's.
#[test]
fn t133_deny_lines_stay_in_order() {
    let list = "access-list 101 deny tcp any host 60.60.60.60 neq telnet\naccess-list 101 permit ip 50.50.50.0 0.0.0.255 60.60.60.0 0.0.0.255\n";
    let text = BASE.replace("access-list 101 permit ip 50.50.50.0 0.0.0.255 60.60.60.0 0.0.0.255\n", list);
    let policies = lower(&text);
    let rules = &only(&policies).rules;
    assert_eq!(
        rules.iter().map(|rule| matches!(rule.rule, Rule::Permit(_))).collect::<Vec<_>>(),
        [false, false, true]
    );
    let decide = |port: u16| {
        let flow = Flow {
            source: IpAddr::from([50, 50, 50, 1]),
            destination: IpAddr::from([60, 60, 60, 60]),
            protocol: ipsec_core::Protocol::TCP,
            ports: FlowPorts::Known { source: 1024, destination: port },
        };
        rules.iter().find_map(|rule| match &rule.rule {
            Rule::Permit(selector) => {
                (selector.matches(&flow, Direction::Outbound) == Match::Yes).then_some(true)
            }
            Rule::Deny(selector) => {
                (selector.matches(&flow, Direction::Outbound) == Match::Yes).then_some(false)
            }
        })
    };
    assert_eq!(
        [decide(22), decide(23), decide(24), decide(0), decide(65535)],
        [Some(false), Some(true), Some(false), Some(false), Some(false)]
    );
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

/// T133: a deny line above a permit line may leave nothing of it.
#[test]
fn t133_a_permit_line_below_a_deny_of_all_its_packets_is_pointed_out() {
    let found = |text: &str| -> Vec<(u32, WarningKind)> {
        let warnings = lower(text).warnings.into_iter();
        warnings.map(|warning| (warning.origin.line, warning.kind)).collect()
    };
    let dead = [(14, WarningKind::NeverReached { list: "101".into() })];
    let text = |deny: &str| {
        BASE.replace("access-list 101 permit", &format!("access-list 101 {deny}\naccess-list 101 permit"))
    };
    assert_eq!(found(&text("deny ip any any")), dead);
    assert_eq!(found(&text("deny ip 50.50.0.0 0.0.255.255 any")), dead);
    assert_eq!(found(&text("deny tcp any any")), []);
    assert_eq!(found(&text("deny ip host 50.50.50.7 any")), []);
}

/// What is translated and does not run is refused by `check` and by the router, at the same place.
#[test]
fn entries_that_do_not_run_yet_are_refused_with_their_place() {
    let dynamic = BASE.replace(
        "crypto map m 10 ipsec-isakmp\n set peer 20.20.20.20\n set transform-set t\n match address 101\n",
        "crypto dynamic-map d 5\n set transform-set t\ncrypto map m 65535 ipsec-isakmp dynamic d\n",
    );
    let per_host =
        BASE.replace(" match address 101", " set security-association level per-host\n match address 101");
    for (text, line, what) in [
        (MANUAL, 2, "ipsec-manual"),
        (&dynamic, 6, "an entry from a dynamic map"),
        (&per_host, 6, "set security-association level per-host"),
    ] {
        let Err(errors) = check::load("x.cfg", text.as_bytes()) else { panic!("runs:\n{text}") };
        let found: Vec<_> = errors.iter().map(|error| (error.line, error.kind.clone())).collect();
        assert_eq!(found, [(line, ErrorKind::Refused(Refusal::NotYet(what)))], "{text}");
        let (provider, options) = (crypto_provider::default::provider(), RouterOptions::default());
        let config = ios::parse("x.cfg", text).unwrap();
        let Err(RouterError::Config(again)) = Router::new("x.cfg", config, provider, options) else {
            panic!("runs:\n{text}")
        };
        assert_eq!(again.first().map(|error| error.line), Some(line));
    }
}

/// T133: what is conflicting or boundless is said; what is incomplete does not run.
#[test]
fn t133_conflicts_and_incomplete_maps() {
    let any = BASE.replace("permit ip 50.50.50.0 0.0.0.255 60.60.60.0 0.0.0.255", "permit ip any any");
    assert_eq!(warnings(&any), [WarningKind::PermitAny { list: "101".into() }]);

    let second = "crypto map m 20 ipsec-isakmp\n set peer 20.20.20.22\n set transform-set t\n match address 102\n\
                  crypto isakmp key 0123456789abcdefghijklmno address 20.20.20.22\n\
                  access-list 102 permit tcp 50.50.50.128 0.0.0.127 any\n";
    let overlap = format!("{BASE}{second}");
    assert_eq!(warnings(&overlap), [WarningKind::Overlap { first: 10, second: 20 }]);
    let apart = overlap.replace(
        "access-list 101 permit",
        "access-list 101 deny tcp 50.50.50.128 0.0.0.127 any\naccess-list 101 permit",
    );
    assert_eq!(warnings(&apart), []);

    let unapplied = BASE.replace(" crypto map m\n", "");
    assert_eq!(warnings(&unapplied), [WarningKind::NotApplied { map: "m".into() }]);
    let other_key = BASE.replace("address 20.20.20.20", "address 20.20.20.29");
    assert_eq!(warnings(&other_key), [WarningKind::NoKey { peer: peer() }]);
    for (line, missing) in [
        (" set peer 20.20.20.20\n", "set peer"),
        (" match address 101\n", "match address"),
        (" set transform-set t\n", "set transform-set"),
    ] {
        let wanted = Refusal::IncompleteEntry { map: "m".into(), sequence: 10, missing };
        assert_eq!(refusals(&BASE.replace(line, "")), [(6, 12, wanted)]);
    }
}

/// What to replace in `BASE`, by what, and the place and reason of the refusal.
type Case = (&'static str, &'static str, u32, u32, Refusal);

fn undefined(what: &'static str, name: &str) -> Refusal {
    Refusal::Undefined { what, name: name.into() }
}

fn refused_transforms_and_names() -> Vec<Case> {
    vec![
        (" authentication pre-share", " authentication rsa-sig", 3, 17, Refusal::Authentication("rsa-sig")),
        (" authentication pre-share", " authentication rsa-encr", 3, 17, Refusal::Authentication("rsa-encr")),
        (" authentication pre-share", " group 14", 2, 22, Refusal::Authentication("rsa-sig (the default)")),
        ("set transform-set t", "set transform-set u", 8, 20, undefined("transform set", "u")),
        ("match address 101", "match address 102", 9, 16, undefined("access list", "102")),
        (" crypto map m\n", " crypto map n\n", 12, 13, undefined("crypto map", "n")),
        ("set peer 20.20.20.20", "set peer b.example", 7, 11, Refusal::Unresolved("b.example".into())),
        ("t esp-aes esp-sha256-hmac", "t ah-rfc1828 esp-rfc1829", 5, 30, Refusal::OldTransform("ah-rfc1828")),
        ("esp-sha256-hmac\n", "esp-sha256-hmac\n initialization-vector size 4\n", 6, 29, Refusal::IvSize),
        ("t esp-aes esp-sha256-hmac", "t esp-null", 5, 30, Refusal::NoProtection),
        ("t esp-aes esp-sha256-hmac", "t ah-sha256-hmac esp-null", 5, 45, Refusal::NoProtection),
        (
            "0.0.0.255 60.60.60.0 0.0.0.255",
            "0.0.255.0 any",
            13,
            17,
            Refusal::WildcardHoles([0, 0, 255, 0].into()),
        ),
    ]
}

fn refused_flows_and_places() -> Vec<Case> {
    vec![
        (
            "permit ip 50.50.50.0 0.0.0.255 60.60.60.0 0.0.0.255",
            "permit tcp any any gt 1023",
            13,
            17,
            Refusal::PortRange,
        ),
        (
            "permit ip 50.50.50.0 0.0.0.255 60.60.60.0 0.0.0.255",
            "permit tcp any any eq 0",
            13,
            17,
            Refusal::PortRange,
        ),
        ("permit ip", "deny ip", 9, 16, Refusal::NothingPermitted("101".into())),
        (
            " ip address 20.20.20.21 255.255.255.0",
            " no ip address",
            12,
            13,
            Refusal::NoLocalAddress { interface: "Serial0".into(), family: "IPv4" },
        ),
        (
            "set peer 20.20.20.20",
            "set peer 2001:db8::20",
            12,
            13,
            Refusal::NoLocalAddress { interface: "Serial0".into(), family: "IPv6" },
        ),
        ("hostname a\n", "crypto isakmp identity hostname\n", 1, 1, Refusal::NoHostname),
        ("hostname a\n", "no crypto isakmp enable\n", 6, 12, Refusal::IsakmpDisabled),
        (
            "hostname a\n",
            "crypto map m local-address Loopback0\n",
            1,
            28,
            undefined("interface", "Loopback0"),
        ),
        ("hostname a\n", "crypto map m 5 ipsec-isakmp dynamic d\n", 1, 37, undefined("dynamic map", "d")),
        (
            "match address 101",
            "match address 10\naccess-list 10 permit any",
            9,
            16,
            Refusal::StandardList("10".into()),
        ),
        (
            " match address 101\n",
            " match address 101\n set transform-set t u\ncrypto ipsec transform-set u esp-aes esp-sha-hmac\n mode transport\n",
            6,
            12,
            Refusal::MixedModes,
        ),
    ]
}

/// Each configuration that reads well and does not run, with the place that is named.
#[test]
fn refusals_name_the_line() {
    for (from, to, line, column, refusal) in
        refused_transforms_and_names().into_iter().chain(refused_flows_and_places())
    {
        let text = BASE.replace(from, to);
        assert_ne!(text, BASE, "{from}");
        let found = refusals(&text);
        assert!(found.contains(&(line, column, refusal.clone())), "{to}\n{found:?}\n{refusal:?}");
    }
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

const MANUAL: &str = "\
crypto ipsec transform-set t ah-md5-hmac esp-des esp-sha-hmac
crypto map m 10 ipsec-manual
 set peer 20.20.20.20
 set transform-set t
 match address 101
 set session-key inbound ah 256 000102030405060708090a0b0c0d0e0f
 set session-key outbound ah 257 000102030405060708090a0b0c0d0e0f
 set session-key inbound esp 258 cipher 0123456789abcdef authenticator 000102030405060708090a0b0c0d0e0f10111213
 set session-key outbound esp 259 cipher 0123456789abcdef authenticator 000102030405060708090a0b0c0d0e0f10111213
interface Serial0
 ip address 20.20.20.21 255.255.255.0
 crypto map m
access-list 101 permit ip any host 60.60.60.60
";

#[test]
fn manual_keys_fit_their_transforms() {
    let policies = lower(MANUAL);
    let Protection::Manual(sas) = &only(&policies).protection else { panic!() };
    let (inbound, outbound) = (sas.inbound_esp.as_ref().unwrap(), sas.outbound_esp.as_ref().unwrap());
    assert_eq!((inbound.spi, outbound.spi, inbound.cipher), (258, 259, CipherAlgorithm::DesCbc));
    assert_eq!(inbound.cipher_key.expose(), [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef]);
    assert_eq!(sas.inbound_ah.as_ref().map(|ah| (ah.spi, ah.hash)), Some((256, HashAlgorithm::Md5)));
    for (from, to, part) in [
        (
            "cipher 0123456789abcdef",
            "cipher 0123456789abcd",
            "cipher key has 7 octets, the transform needs 8",
        ),
        ("ah 256 00", "ah 256 ", "inbound AH key has 15 octets, the transform needs 16"),
        (
            " set session-key inbound ah 256 000102030405060708090a0b0c0d0e0f\n",
            "",
            "needs 'set session-key inbound ah'",
        ),
        ("t ah-md5-hmac esp-des", "t esp-des", "no use for 'set session-key inbound ah'"),
    ] {
        let found = refusals(&MANUAL.replace(from, to));
        let [(2, 12, Refusal::ManualKey(reason))] = found.as_slice() else { panic!("{found:?}") };
        assert!(reason.contains(part), "{reason}");
    }
}

/// T096: a counter that starts again under the same key would repeat nonces.
#[test]
fn t096_no_counter_mode_with_manual_keys() {
    let text = MANUAL.replace("t ah-md5-hmac esp-des esp-sha-hmac", "t ah-md5-hmac esp-gcm");
    assert_eq!(refusals(&text), [(2, 12, Refusal::ManualCounter("esp-gcm"))]);
}

fn sample(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("configs").join(name);
    std::fs::read_to_string(path).unwrap()
}

/// The project's own pair says what the document's pair says; only lines without effect are left out.
#[test]
fn the_sample_pair_is_the_documents_pair() {
    for (own, document) in [
        ("preshare-a.cfg", include_str!("data/cl-2513-2A.cfg")),
        ("preshare-b.cfg", include_str!("data/cl-2513-2B.cfg")),
    ] {
        let mut document = ios::parse("document", document).unwrap();
        document.known.clear();
        document.interfaces.iter_mut().for_each(|interface| interface.known.clear());
        assert_eq!(ios::parse(own, &sample(own)).unwrap(), document, "{own}");
    }
}

/// Each pair of samples has what its scene needs, and each half mirrors the other.
#[test]
fn the_samples_set_their_scenes() {
    let proposal = |name: &str| {
        let policies = lower(&sample(name));
        let Protection::Negotiated { proposals, .. } = only(&policies).protection.clone() else { panic!() };
        proposals
    };
    let key = |name: &str| {
        let policies = lower(&sample(name));
        let peer = only(&policies).peers.first().unwrap().address;
        policies.keys_for(KeyQuery::Address(peer)).first().unwrap().expose().to_vec()
    };
    for pair in ["preshare", "ah-esp", "no-proposal", "wrong-key"] {
        let [a, b] = ["a", "b"].map(|half| lower(&sample(&format!("{pair}-{half}.cfg"))));
        assert_eq!(a.suites, b.suites, "{pair}");
        let [flow_a, flow_b] = [&a, &b].map(|one| only(one).rules.first().unwrap().flow.clone().unwrap());
        assert_eq!((flow_a.local, flow_a.remote), (flow_b.remote, flow_b.local), "{pair}");
        let local = |one: &Policies| one.maps.first().unwrap().local_v4.map(IpAddr::V4);
        let peer = |one: &Policies| only(one).peers.first().map(|peer| peer.address);
        assert_eq!((local(&a), peer(&a)), (peer(&b), local(&b)), "{pair}");
        assert_eq!(
            proposal(&format!("{pair}-a.cfg")) == proposal(&format!("{pair}-b.cfg")),
            pair != "no-proposal"
        );
        assert_eq!(key(&format!("{pair}-a.cfg")) == key(&format!("{pair}-b.cfg")), pair != "wrong-key");
    }
    // The transcript: 240 seconds, AH and ESP under wan2511 and wan2516.
    for (name, host) in
        [("ah-esp-a.cfg", "wan2511"), ("ah-esp-b.cfg", "wan2516"), ("no-proposal-a.cfg", "wan2511")]
    {
        let policies = lower(&sample(name));
        assert_eq!(policies.fqdn.as_deref(), Some(host));
        assert_eq!(policies.suites.first().unwrap().lifetime.seconds, Some(240));
        assert_eq!(only(&policies).protection_count(), 2);
    }
}

trait Count {
    fn protection_count(&self) -> usize;
}

impl Count for ios::MapPolicy {
    fn protection_count(&self) -> usize {
        match &self.protection {
            Protection::Negotiated { proposals, .. } => {
                proposals.first().map_or(0, |one| one.protections.len())
            }
            _ => 0,
        }
    }
}

/// The three exit statuses, the place in the output, notes on request only.
#[test]
fn check_says_what_is_wrong_and_ends_accordingly() {
    let data = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let run = |names: &[&str], verbose| {
        let paths: Vec<PathBuf> = names.iter().map(|name| data.join(name)).collect();
        let mut out = Vec::new();
        let status = check::check(&paths, verbose, &mut out).unwrap();
        (status, String::from_utf8(out).unwrap())
    };
    let (status, quiet) = run(&["cl-2513-2A.cfg", "cl-2513-2B.cfg"], false);
    assert_eq!((status, quiet.contains("note:")), (check::FINE, false));
    let (status, verbose) = run(&["cl-2513-2B.cfg"], true);
    assert_eq!((status, verbose.matches("note: no effect here").count()), (check::FINE, 15));
    assert!(verbose.contains("cl-2513-2B.cfg:40:2: note: no effect here: clockrate NUMBER"), "{verbose}");
    let (status, refused) = run(&["cl-2513-2A.cfg", "wan2511.cfg"], false);
    assert_eq!(status, check::WRONG);
    assert!(
        refused.contains("wan2511.cfg:14:17: authentication rsa-encr is read but does not run yet"),
        "{refused}"
    );
    assert_eq!(run(&["no-such-file.cfg"], false).0, check::FAILED);
    assert_eq!(run(&["no-such-file.cfg", "wan2511.cfg"], false).0, check::WRONG);
}
