//! The six configurations of the document: they read without error, say what they say, and print as they stand.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "a test may panic"
)]

use core::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use crypto_provider::{CipherAlgorithm, GroupId, HashAlgorithm};
use gateway::ios::model::{AclName, Authentication, CertificateOwner, PublicKeyOwner, RunningConfig};
use gateway::ios::{self, ErrorKind, Protection, Refusal, Vintage, WarningKind};
use oakley::{
    AuthMethod, Confidentiality, Encapsulation, KeyQuery, Lifetime, Mode, Phase2Transform, Protocol,
};

const SEED: [&str; 6] = ["cl-2513-2A", "cl-2513-2B", "wan2511", "wan2516", "lab-isdn", "lab-isdn1"];

fn text(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(format!("{name}.cfg"));
    std::fs::read_to_string(path).unwrap()
}

fn read(name: &str) -> RunningConfig {
    ios::parse(name, &text(name)).unwrap_or_else(|errors| panic!("{errors:?}"))
}

/// S101 to S147: nothing of the document is unknown.
#[test]
fn all_six_read_without_error() {
    for name in SEED {
        let config = read(name);
        assert_eq!(config.hostname.as_deref(), Some(name));
        assert_eq!(
            config.version.as_ref().map(|version| (version.major, version.rest.as_str())),
            Some((11, "3"))
        );
    }
}

/// S145: what a router prints configures it again; here the document's text itself is the proof. Comments and the
/// separators between blocks are the only lines that may differ.
#[test]
fn they_print_as_they_stand_in_the_document() {
    fn lines(text: &str) -> Vec<&str> {
        text.lines().filter(|line| !line.starts_with('!') && !line.is_empty()).collect()
    }
    for name in SEED {
        let (original, printed) = (text(name), ios::print(&read(name)));
        assert_eq!(lines(&printed), lines(&original), "{name}");
    }
}

#[test]
fn printing_and_reading_again_changes_nothing() {
    for name in SEED {
        let config = read(name);
        assert_eq!(ios::parse(name, &ios::print(&config)).unwrap(), config, "{name}");
    }
}

/// The pre-shared pair: the whole of it, against the document read by eye.
#[test]
fn the_pre_shared_pair_lowers_to_what_the_document_says() {
    for (name, own, peer, list, inside, outside) in [
        ("cl-2513-2A", [20, 20, 20, 21], [20, 20, 20, 20], "133", 50, 60),
        ("cl-2513-2B", [20, 20, 20, 20], [20, 20, 20, 21], "144", 60, 50),
    ] {
        let policies = ios::lower(&read(name), name).unwrap_or_else(|errors| panic!("{errors:?}"));
        let (own, peer) = (IpAddr::from(own), IpAddr::from(peer));
        assert_eq!(policies.vintage, Vintage::Ios1998);

        let [suite] = policies.suites.as_slice() else { panic!("{:?}", policies.suites) };
        assert_eq!((suite.priority, suite.cipher, suite.key_len), (1, CipherAlgorithm::DesCbc, 8));
        assert_eq!((suite.hash, suite.group), (HashAlgorithm::Sha1, GroupId::MODP_1024));
        assert_eq!(suite.method, AuthMethod::PreShared);
        assert_eq!(suite.lifetime, Lifetime { seconds: Some(86_400), kilobytes: None });

        let keys = policies.keys_for(KeyQuery::Address(peer));
        assert_eq!(keys.iter().map(|key| key.expose().to_vec()).collect::<Vec<_>>(), [b"sharedkey".to_vec()]);
        assert!(policies.keys_for(KeyQuery::Address(own)).is_empty());
        assert_eq!(policies.mode(peer), Mode::Main);
        assert!(!policies.answers(peer, Mode::Aggressive));

        let [map] = policies.maps.as_slice() else { panic!("{:?}", policies.maps) };
        assert_eq!(
            (map.name.as_str(), map.interface.as_str(), map.local(peer)),
            ("test", "Serial0", Some(own))
        );
        let [entry] = map.entries.as_slice() else { panic!("{:?}", map.entries) };
        assert_eq!((entry.sequence, entry.peers.len(), entry.access_list.as_deref()), (10, 1, Some(list)));
        assert_eq!(entry.peers.first().map(|peer| peer.address), Some(peer));
        assert_eq!(entry.transform_sets, ["auth2"]);

        let Protection::Negotiated { proposals, encapsulation, lifetime, pfs, per_host, .. } =
            &entry.protection
        else {
            panic!("{:?}", entry.protection)
        };
        let esp = Phase2Transform {
            protocol: Protocol::Esp,
            confidentiality: Confidentiality::Cipher(CipherAlgorithm::DesCbc, 8),
            integrity: Some(HashAlgorithm::Sha1),
        };
        assert_eq!(
            proposals.iter().map(|one| one.protections.clone()).collect::<Vec<_>>(),
            [vec![vec![esp]]]
        );
        assert_eq!((*encapsulation, *pfs, *per_host), (Encapsulation::Tunnel, None, false));
        assert_eq!(*lifetime, Lifetime { seconds: Some(3600), kilobytes: Some(4_608_000) });

        let [rule] = entry.rules.as_slice() else { panic!("{:?}", entry.rules) };
        let flow = rule.flow.as_ref().unwrap();
        let net = |n: u8| IpAddr::from([n, n, n, 0])..=IpAddr::from([n, n, n, 255]);
        assert_eq!((&flow.local.addresses, &flow.remote.addresses), (&net(inside), &net(outside)));
        assert_eq!((flow.local.protocol, flow.local.port, flow.remote.port), (0, 0, 0));
        assert!(
            policies
                .warnings
                .iter()
                .any(|warning| matches!(warning.kind, WarningKind::Vintage1998 { major: 11 }))
        );
    }
}

/// RSA-encrypted nonces: key, names and AH with ESP are in the model; running it is refused at the policy's line.
#[test]
fn the_rsa_encryption_pair_is_data_and_a_clear_refusal() {
    let config = read("wan2511");
    let policy = config.isakmp.policies.get(&1).unwrap();
    assert_eq!(policy.authentication.unwrap().value, Authentication::RsaEncr);
    assert_eq!(policy.lifetime, Some(240));
    assert_eq!(config.fqdn().as_deref(), Some("wan2511.cisco.com"));
    assert_eq!(config.resolve("WAN2516.cisco.com"), [IpAddr::from([20, 20, 20, 20])]);
    let [key] = config.public_keys.as_slice() else { panic!("{:?}", config.public_keys) };
    assert_eq!(key.owner, PublicKeyOwner::Name("wan2516.cisco.com".into()));
    // A SubjectPublicKeyInfo of a 512-bit key has 94 octets: SEQUENCE of 0x5C octets.
    assert_eq!((key.key.len(), key.key.get(..2)), (94, Some(&[0x30, 0x5c][..])));

    let errors = ios::lower(&config, "wan2511.cfg").unwrap_err();
    let [error] = errors.as_slice() else { panic!("{errors:?}") };
    assert_eq!((error.line, error.column), (14, 17));
    assert_eq!(error.kind, ErrorKind::Refused(Refusal::Authentication("rsa-encr")));
}

/// Certificates: lengths that DER states, serial numbers of both kinds; the default suite alone cannot run.
#[test]
fn the_certificate_pair_is_data_and_a_clear_refusal() {
    for (name, tag, lengths) in
        [("lab-isdn", "lab", [484, 390, 484]), ("lab-isdn1", "bubba", [448, 390, 448])]
    {
        let config = read(name);
        let [ca] = config.ca_identities.as_slice() else { panic!("{:?}", config.ca_identities) };
        assert_eq!((ca.tag.as_str(), ca.crl_optional), (tag, true));
        assert_eq!(ca.enrollment_url.as_deref(), Some("http://ciscoca-ultra"));
        let [chain] = config.certificate_chains.as_slice() else { panic!("{:?}", config.certificate_chains) };
        assert_eq!(chain.certificates.iter().map(|one| one.der.len()).collect::<Vec<_>>(), lengths);
        let owners: Vec<_> = chain.certificates.iter().map(|one| one.owner).collect();
        assert_eq!(owners, [CertificateOwner::Own, CertificateOwner::Ca, CertificateOwner::Own]);
        for certificate in &chain.certificates {
            // The serial number of the command is the one inside: INTEGER of 16 octets behind [0] version.
            let inside = certificate.der.get(13..31).unwrap();
            assert_eq!(inside, [&[0x02, 0x10], certificate.serial.as_slice()].concat());
            let declared =
                certificate.der.get(2..4).map(|two| usize::from(two[0]) << 8 | usize::from(two[1]));
            assert_eq!(declared, Some(certificate.der.len() - 4));
        }
        let errors = ios::lower(&config, name).unwrap_err();
        let [error] = errors.as_slice() else { panic!("{errors:?}") };
        assert_eq!(error.kind, ErrorKind::Refused(Refusal::NoUsablePolicy));
        let line = text(name).lines().position(|line| line.starts_with("crypto map test 10")).unwrap() + 1;
        assert_eq!(usize::try_from(error.line).unwrap(), line);
    }
}

/// S124: addresses and state of every interface of the largest configuration.
#[test]
fn interfaces_of_wan2516() {
    let config = read("wan2516");
    let seen: Vec<_> = config
        .interfaces
        .iter()
        .map(|one| {
            (one.name.as_str(), one.addresses.first().map(|own| (own.address, own.prefix)), one.shutdown)
        })
        .collect();
    let net = |a: [u8; 4]| Some((Ipv4Addr::from(a), 24));
    assert_eq!(
        seen,
        [
            ("Loopback0", net([70, 70, 70, 1]), false),
            ("Ethernet0", net([60, 60, 60, 60]), false),
            ("Serial0", net([20, 20, 20, 20]), false),
            ("Serial1", None, true),
            ("BRI0", None, true),
        ]
    );
    assert!(config.access_lists.contains_key(&AclName::Number(144)));
}

/// Every known line without effect of a configuration is counted: no line of the document goes missing.
#[test]
fn every_line_is_accounted_for() {
    let config = read("cl-2513-2B");
    let commands: Vec<_> = config.known_lines().iter().map(|line| (line.origin.line, line.command)).collect();
    assert_eq!(
        commands,
        [
            (4, "[no] service password-encryption"),
            (8, "[no] ip subnet-zero"),
            (31, "[no] ip directed-broadcast"),
            (37, "[no] ip directed-broadcast"),
            (38, "[no] ip route-cache [cef|flow|same-interface]"),
            (39, "[no] ip mroute-cache"),
            (40, "clockrate NUMBER"),
            (43, "[no] ip classless"),
            (52, "line console|aux NUMBER"),
            (53, "transport input|output|preferred WORD ..."),
            (54, "line console|aux NUMBER"),
            (55, "line vty NUMBER [NUMBER]"),
            (56, "[no] login [local]"),
        ]
    );
}
