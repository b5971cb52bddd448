//! `parse(print(model)) == model` for configurations made up at random, and no panic for any text.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "a test may panic")]

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::collections::{BTreeMap, BTreeSet};

use crypto_provider::GroupId;
use gateway::ios::model::{
    AccessList, AclAction, AclLine, AclName, AclRule, Authentication, CaIdentity, Certificate,
    CertificateChain, CertificateOwner, ConfigSecret, CryptoMap, DfBit, Encryption, Endpoint, EspSessionKey,
    Hash, Host, IdentityKind, Interface, InterfaceAddress, InterfaceName, Ipsec, IpsecLifetime, Isakmp,
    IsakmpPolicy, Keepalive, KeyOwner, KeyUsage, ListKind, Located, MapEntry, MapKind, NextHop, Origin, Peer,
    PeerName, PeerPublicKey, Pfs, PortMatch, PreSharedKey, PublicKeyOwner, Replay, Route, RunningConfig,
    SessionKeys, SpiKey, Transform, TransformSet, TunnelMode, Version,
};
use gateway::ios::{self, Reader};
use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

fn at<T>(value: T) -> Located<T> {
    Located { value, origin: Origin::default() }
}

fn word() -> impl Strategy<Value = String> {
    "[A-Za-z][A-Za-z0-9_-]{0,8}"
}

fn host() -> impl Strategy<Value = String> {
    "[a-z][a-z0-9-]{0,6}(\\.[a-z]{1,4}){0,2}"
}

fn text() -> impl Strategy<Value = String> {
    "[!-~]([ -~]{0,20}[!-~])?"
}

fn secret() -> impl Strategy<Value = String> {
    prop_oneof!["[!-~]{1,24}", Just("0".to_owned()), Just("6".to_owned()), Just("address".to_owned())]
}

fn octets() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 1..100)
}

fn address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![any::<Ipv4Addr>().prop_map(IpAddr::V4), any::<Ipv6Addr>().prop_map(IpAddr::V6)]
}

/// An address with everything beyond the prefix cleared.
fn prefix() -> impl Strategy<Value = (IpAddr, u8)> {
    prop_oneof![
        (any::<Ipv4Addr>().prop_map(IpAddr::V4), 0..=32_u8),
        (any::<Ipv6Addr>().prop_map(IpAddr::V6), 0..=128_u8)
    ]
    .prop_map(|(address, length)| {
        let first = *ipsec_core::Selector::prefix(address, length).unwrap().start();
        (first, length)
    })
}

fn interface_name() -> impl Strategy<Value = InterfaceName> {
    (select(InterfaceName::KINDS), "[0-9]{1,2}(/[0-9])?(\\.[0-9]{1,3})?")
        .prop_map(|(kind, unit)| InterfaceName::new(kind, &unit).unwrap())
}

fn group() -> impl Strategy<Value = GroupId> {
    select(vec![1, 2, 5, 14, 15, 16, 17, 18, 19, 20, 21]).prop_map(GroupId)
}

fn unique<T: Clone, K: Ord>(list: Vec<T>, key: impl Fn(&T) -> K) -> Vec<T> {
    let mut seen = BTreeSet::new();
    list.into_iter().filter(|one| seen.insert(key(one))).collect()
}

fn bits() -> impl Strategy<Value = u16> {
    select(vec![128_u16, 192, 256])
}

fn policy() -> impl Strategy<Value = IsakmpPolicy> {
    let encryption =
        prop_oneof![Just(Encryption::Des), Just(Encryption::TripleDes), bits().prop_map(Encryption::Aes)];
    let hash = select(vec![Hash::Md5, Hash::Sha, Hash::Sha256, Hash::Sha384, Hash::Sha512]);
    let authentication =
        select(vec![Authentication::PreShare, Authentication::RsaSig, Authentication::RsaEncr]);
    (of(encryption), of(hash), of(authentication), of(group()), of(60..=86_400_u32)).prop_map(
        |(encryption, hash, authentication, group, lifetime)| IsakmpPolicy {
            encryption: encryption.map(at),
            hash: hash.map(at),
            authentication: authentication.map(at),
            group: group.map(at),
            lifetime,
            origin: Origin::default(),
        },
    )
}

fn key() -> impl Strategy<Value = PreSharedKey> {
    let owner = prop_oneof![
        prefix().prop_map(|(address, length)| KeyOwner::Prefix { address, length }),
        Just(KeyOwner::Prefix { address: IpAddr::from([0; 4]), length: 32 }),
        host().prop_map(KeyOwner::Hostname),
    ];
    (secret(), owner, any::<bool>()).prop_map(|(secret, owner, no_xauth)| PreSharedKey {
        secret: ConfigSecret::new(secret.into_bytes()),
        owner,
        no_xauth,
        origin: Origin::default(),
    })
}

fn isakmp() -> impl Strategy<Value = Isakmp> {
    let keepalive = (10..=3600_u16, of(2..=60_u16), any::<bool>())
        .prop_map(|(seconds, retry, periodic)| Keepalive { seconds, retry, periodic });
    let identity = select(vec![IdentityKind::Address, IdentityKind::Hostname]);
    let policies = btree_map(1..=10_000_u16, policy(), 0..4);
    (any::<(bool, bool)>(), identity, of(keepalive), of(5..=3600_u16), policies, vec(key(), 0..4)).prop_map(
        |((enabled, aggressive_mode), identity, keepalive, nat_keepalive, policies, keys)| Isakmp {
            enabled,
            identity,
            aggressive_mode,
            keepalive: keepalive.map(at),
            nat_keepalive: nat_keepalive.map(at),
            policies,
            keys: unique(keys, |key| format!("{:?}", key.owner)),
        },
    )
}

fn transform_set() -> impl Strategy<Value = TransformSet> {
    let ah = select(vec![
        Transform::AhMd5,
        Transform::AhSha,
        Transform::AhSha256,
        Transform::AhSha384,
        Transform::AhSha512,
    ]);
    let cipher = prop_oneof![
        select(vec![Transform::EspDes, Transform::EspTripleDes, Transform::EspNull]),
        bits().prop_map(Transform::EspAes)
    ];
    let mac = select(vec![
        Transform::EspMd5,
        Transform::EspSha,
        Transform::EspSha256,
        Transform::EspSha384,
        Transform::EspSha512,
    ]);
    let transforms = prop_oneof![
        ah.clone().prop_map(|ah| vec![ah]),
        (of(ah.clone()), cipher, of(mac)).prop_map(|(ah, cipher, mac)| ah
            .into_iter()
            .chain([cipher])
            .chain(mac)
            .collect()),
        (of(ah), bits()).prop_map(|(ah, bits)| ah.into_iter().chain([Transform::EspGcm(bits)]).collect()),
        Just(vec![Transform::AhRfc1828, Transform::EspRfc1829]),
        Just(vec![Transform::EspRfc1829]),
    ];
    let mode = of(select(vec![TunnelMode::Tunnel, TunnelMode::Transport]));
    (transforms, mode, of(select(vec![4_u8, 8]))).prop_map(|(transforms, mode, iv_size)| TransformSet {
        transforms: transforms.into_iter().map(at).collect(),
        mode,
        iv_size: iv_size.map(at),
        origin: Origin::default(),
    })
}

fn lifetime() -> impl Strategy<Value = IpsecLifetime> {
    (of(120..=86_400_u32), of(2560..=536_870_912_u32))
        .prop_map(|(seconds, kilobytes)| IpsecLifetime { seconds, kilobytes })
}

fn replay() -> impl Strategy<Value = Replay> {
    prop_oneof![Just(Replay::Disabled), select(vec![64, 128, 256, 512, 1024]).prop_map(Replay::Window)]
}

fn ipsec() -> impl Strategy<Value = Ipsec> {
    let df_bit = of(select(vec![DfBit::Clear, DfBit::Copy, DfBit::Set]));
    (lifetime(), of(replay()), df_bit, any::<bool>(), btree_map(word(), transform_set(), 0..4)).prop_map(
        |(lifetime, replay, df_bit, udp_encapsulation, transform_sets)| Ipsec {
            lifetime,
            replay,
            df_bit,
            udp_encapsulation,
            transform_sets,
        },
    )
}

fn session_keys() -> impl Strategy<Value = SessionKeys> {
    let ah = || {
        (256..=u32::MAX, octets()).prop_map(|(spi, key)| SpiKey {
            spi,
            key: ConfigSecret::new(key),
            origin: Origin::default(),
        })
    };
    let esp = || {
        (256..=u32::MAX, octets(), of(octets())).prop_map(|(spi, cipher, authenticator)| EspSessionKey {
            spi,
            cipher: ConfigSecret::new(cipher),
            authenticator: authenticator.map(ConfigSecret::new),
            origin: Origin::default(),
        })
    };
    (of(ah()), of(ah()), of(esp()), of(esp())).prop_map(
        |(inbound_ah, outbound_ah, inbound_esp, outbound_esp)| SessionKeys {
            inbound_ah,
            outbound_ah,
            inbound_esp,
            outbound_esp,
        },
    )
}

fn acl_name() -> impl Strategy<Value = AclName> {
    prop_oneof![
        prop_oneof![1..=199_u16, 1300..=2699_u16].prop_map(AclName::Number),
        word().prop_map(AclName::Name)
    ]
}

fn map_entry(kind: MapKind) -> BoxedStrategy<MapEntry> {
    let description = of(text());
    if let MapKind::Dynamic(_) = kind {
        return description
            .prop_map(move |description| MapEntry { kind: kind.clone(), description, ..MapEntry::default() })
            .boxed();
    }
    let peer = prop_oneof![address().prop_map(PeerName::Address), host().prop_map(PeerName::Hostname)];
    let pfs = of(prop_oneof![Just(Pfs::Default), group().prop_map(Pfs::Group)]);
    let negotiated = (pfs, lifetime(), any::<bool>(), of(replay()));
    let common = (description, vec(peer, 0..3), vec(word(), 0..3), of(acl_name()));
    (common, negotiated, session_keys())
        .prop_map(
            move |((description, peers, sets, list), (pfs, lifetime, per_host, replay), session_keys)| {
                let mut entry = MapEntry { kind: kind.clone(), description, ..MapEntry::default() };
                let peers = unique(peers, |peer| format!("{peer:?}"));
                entry.peers =
                    peers.into_iter().map(|name| Peer { name, origin: Origin::default() }).collect();
                entry.transform_sets = unique(sets, Clone::clone).into_iter().map(at).collect();
                entry.access_list = list.map(at);
                if kind == MapKind::Manual {
                    entry.session_keys = session_keys;
                } else {
                    (entry.pfs, entry.lifetime, entry.per_host, entry.replay) =
                        (pfs.map(at), lifetime, per_host, replay);
                }
                entry
            },
        )
        .boxed()
}

fn crypto_map() -> impl Strategy<Value = CryptoMap> {
    let kind = prop_oneof![
        Just(MapKind::Isakmp),
        Just(MapKind::Manual),
        word().prop_map(|name| MapKind::Dynamic(at(name)))
    ];
    (of(interface_name()), btree_map(1..=65_535_u16, kind.prop_flat_map(map_entry), 1..4))
        .prop_map(|(local, entries)| CryptoMap { local_address: local.map(at), entries })
}

fn ports() -> impl Strategy<Value = PortMatch> {
    prop_oneof![
        any::<u16>().prop_map(PortMatch::Eq),
        select(vec![80, 23, 500, 53, 161, 4500]).prop_map(PortMatch::Eq),
        any::<u16>().prop_map(PortMatch::Neq),
        (1..=u16::MAX).prop_map(PortMatch::Lt),
        (0..u16::MAX).prop_map(PortMatch::Gt),
        any::<(u16, u16)>().prop_map(|(a, b)| PortMatch::Range(a.min(b), a.max(b))),
    ]
}

fn endpoint(kind: ListKind) -> BoxedStrategy<Endpoint> {
    if kind == ListKind::Ipv6 {
        let prefix = (any::<Ipv6Addr>(), 1..=127_u8).prop_map(|(address, length)| {
            let IpAddr::V6(first) = *ipsec_core::Selector::prefix(address.into(), length).unwrap().start()
            else {
                panic!()
            };
            Endpoint::Ipv6Prefix(first, length)
        });
        return prop_oneof![Just(Endpoint::Any), any::<Ipv6Addr>().prop_map(Endpoint::Ipv6Host), prefix]
            .boxed();
    }
    let wildcard =
        any::<(u32, u32)>().prop_filter("its own forms", |(_, wild)| *wild != 0 && *wild != u32::MAX);
    prop_oneof![
        Just(Endpoint::Any),
        any::<Ipv4Addr>().prop_map(Endpoint::Host),
        wildcard.prop_map(|(bits, wild)| Endpoint::Wildcard(
            Ipv4Addr::from_bits(bits & !wild),
            Ipv4Addr::from_bits(wild)
        ))
    ]
    .boxed()
}

fn acl_line(kind: ListKind) -> impl Strategy<Value = AclLine> {
    let protocol = of(prop_oneof![Just(6_u8), Just(17), Just(1), Just(58), 1..=255_u8]);
    let action = select(vec![AclAction::Permit, AclAction::Deny]);
    let ends = (endpoint(kind), endpoint(kind), of(ports()), of(ports()));
    let rule = (action, protocol, ends, any::<bool>()).prop_map(
        move |(action, protocol, (source, destination, source_ports, destination_ports), log)| {
            let standard = kind == ListKind::Standard;
            let protocol = protocol.filter(|_| !standard);
            let has_ports = matches!(protocol, Some(6 | 17));
            AclLine::Rule(AclRule {
                action,
                protocol,
                source,
                source_ports: source_ports.filter(|_| has_ports),
                destination: if standard { Endpoint::Any } else { destination },
                destination_ports: destination_ports.filter(|_| has_ports),
                log,
                origin: Origin::default(),
            })
        },
    );
    prop_oneof![4 => rule, 1 => text().prop_map(AclLine::Remark)]
}

fn access_lists() -> impl Strategy<Value = BTreeMap<AclName, AccessList>> {
    let list = acl_name().prop_flat_map(|name| {
        let kind = match name.numbered_kind() {
            Some(kind) => Just(kind).boxed(),
            None => select(vec![ListKind::Standard, ListKind::Extended, ListKind::Ipv6]).boxed(),
        };
        let lines = kind.prop_flat_map(|kind| (Just(kind), vec(acl_line(kind), 0..5)));
        (Just(name), lines).prop_map(|(name, (kind, lines))| {
            let lines = unique(lines, |line| format!("{line:?}"));
            (name, AccessList { kind, lines, origin: Origin::default() })
        })
    });
    vec(list, 0..4).prop_map(|lists| lists.into_iter().collect())
}

fn interface() -> impl Strategy<Value = Interface> {
    let nets = vec((any::<Ipv4Addr>(), 0..=32_u8), 0..3);
    let nets6 = vec((any::<Ipv6Addr>(), 0..=128_u8), 0..3);
    let numbers = (of(64..=18_000_u16), of(68..=18_000_u16));
    (interface_name(), of(text()), nets, nets6, numbers, any::<bool>(), of(word())).prop_map(
        |(name, description, nets, nets6, (mtu, ip_mtu), shutdown, map)| {
            let mut interface = Interface::new(name, Origin::default());
            interface.description = description;
            interface.addresses = unique(nets, |net| *net)
                .into_iter()
                .map(|(address, prefix)| InterfaceAddress { address, prefix })
                .collect();
            interface.ipv6_addresses = unique(nets6, |net| *net);
            (interface.mtu, interface.ip_mtu, interface.shutdown) = (mtu, ip_mtu, shutdown);
            interface.crypto_map = map.map(at);
            interface
        },
    )
}

fn route() -> impl Strategy<Value = Route> {
    let hop = (any::<Ipv4Addr>(), any::<Ipv6Addr>(), of(interface_name()));
    (prefix(), hop, of(1..=255_u8)).prop_map(|((destination, prefix), (v4, v6, interface), distance)| {
        let address = if destination.is_ipv4() { IpAddr::V4(v4) } else { IpAddr::V6(v6) };
        let next_hop = interface.map_or(NextHop::Address(address), NextHop::Interface);
        Route { destination, prefix, next_hop, distance, origin: Origin::default() }
    })
}

fn public_key() -> impl Strategy<Value = PeerPublicKey> {
    let owner =
        prop_oneof![host().prop_map(PublicKeyOwner::Name), address().prop_map(PublicKeyOwner::Address)];
    let usage = of(select(vec![KeyUsage::Encryption, KeyUsage::Signature]));
    (owner, usage, of(address()), prop_oneof![Just(Vec::new()), octets()]).prop_map(
        |(owner, usage, address, key)| PeerPublicKey {
            owner,
            usage,
            address,
            key,
            origin: Origin::default(),
        },
    )
}

fn ca() -> impl Strategy<Value = CaIdentity> {
    let retry = (of(1..=60_u8), of(1..=100_u8));
    let url = || of("(http|ldap)://[!-~]{1,12}");
    (word(), url(), any::<bool>(), retry, url(), any::<bool>()).prop_map(
        |(
            tag,
            enrollment_url,
            registration_authority,
            (retry_period, retry_count),
            query_url,
            crl_optional,
        )| CaIdentity {
            tag,
            enrollment_url,
            registration_authority,
            retry_period,
            retry_count,
            query_url,
            crl_optional,
            origin: Origin::default(),
        },
    )
}

fn chain() -> impl Strategy<Value = CertificateChain> {
    let owner = select(vec![CertificateOwner::Own, CertificateOwner::Ca]);
    let serial = prop_oneof![vec(any::<u8>(), 1..20), Just(vec![0xca])];
    let certificate = (owner, serial, octets()).prop_map(|(owner, serial, der)| Certificate {
        owner,
        serial,
        der,
        origin: Origin::default(),
    });
    (word(), vec(certificate, 0..3)).prop_map(|(tag, certificates)| CertificateChain {
        tag,
        certificates: unique(certificates, |one| format!("{:?}{:?}", one.owner, one.serial)),
        origin: Origin::default(),
    })
}

/// Lines without effect, in blocks that may be left out.
const KNOWN: &[&str] = &[
    "service timestamps debug datetime msec localtime",
    "no service pad",
    "enable secret 5 $1$oNe1$wDbhBdcN6x9Y5gfuMjqh10",
    "username lab password 0 cisco",
    "logging buffered 4096 debugging",
    "ip subnet-zero",
    "isdn switch-type basic-ni1",
    "hub ether 0 1\n link-test\n auto-polarity",
    "ip default-gateway 20.20.20.21",
    "no ip classless",
    "dialer-list 1 protocol ip permit",
    "snmp-server community public RO",
    "banner motd ^C one line ^C",
    "banner login #\n  two\n!lines\n#",
    "line con 0\n exec-timeout 0 0\n password ww\n login",
    "line vty 0 4\n login local",
    "line 1 6\n modem InOut",
    "ntp server 1.2.3.4",
    "interface Serial9/9\n encapsulation ppp\n no keepalive\n dialer map ip 12.12.12.12 name lab 4724171",
];

fn known() -> impl Strategy<Value = RunningConfig> {
    subsequence(KNOWN, 0..KNOWN.len()).prop_map(|blocks| ios::parse("known", &blocks.join("\n")).unwrap())
}

fn names(config: RunningConfig) -> impl Strategy<Value = RunningConfig> {
    let version = of((any::<u16>(), "[0-9A-Za-z]{0,3}"));
    let hosts = vec((host(), vec(address(), 1..4)), 0..4);
    (version, of(host()), of(host()), any::<bool>(), hosts, vec(address(), 0..4)).prop_map(
        move |(version, hostname, domain_name, domain_lookup, hosts, servers)| {
            let mut config = config.clone();
            config.version = version.map(|(major, rest)| Version { major, rest, origin: Origin::default() });
            (config.hostname, config.domain_name, config.domain_lookup) =
                (hostname, domain_name, domain_lookup);
            let hosts = unique(hosts, |(name, _)| name.clone()).into_iter();
            config.hosts =
                hosts.map(|(name, all)| Host { name, addresses: unique(all, |one| *one) }).collect();
            config.name_servers = unique(servers, |one| *one);
            config
        },
    )
}

fn config() -> impl Strategy<Value = RunningConfig> {
    let dynamic = btree_map(word(), btree_map(1..=65_535_u16, map_entry(MapKind::Isakmp), 1..3), 0..3);
    let crypto = (isakmp(), ipsec(), btree_map(word(), crypto_map(), 0..3), dynamic);
    let ip = (access_lists(), vec(interface(), 0..4), vec(route(), 0..4));
    let keys = (vec(public_key(), 0..3), vec(ca(), 0..3), vec(chain(), 0..3));
    (known().prop_flat_map(names), crypto, ip, keys).prop_map(
        |(mut config, (isakmp, ipsec, maps, dynamic), (lists, interfaces, routes), (keys, cas, chains))| {
            (config.isakmp, config.ipsec, config.crypto_maps, config.dynamic_maps) =
                (isakmp, ipsec, maps, dynamic);
            config.access_lists = lists;
            config.interfaces.extend(interfaces);
            config.interfaces = unique(config.interfaces, |one| one.name.clone());
            config.routes =
                unique(routes, |one| format!("{:?}{:?}{:?}", one.destination, one.prefix, one.next_hop));
            config.public_keys = unique(keys, |one| format!("{:?}{:?}", one.owner, one.usage));
            config.ca_identities = unique(cas, |one| one.tag.clone());
            config.certificate_chains = unique(chains, |one| one.tag.clone());
            config
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_printed_reads_as_the_same(config in config()) {
        let printed = ios::print(&config);
        match ios::parse("printed", &printed) {
            Ok(read) => prop_assert_eq!(read, config, "{}", printed),
            Err(errors) => prop_assert!(false, "{:?}\n{}", errors, printed),
        }
    }

    /// Lowering never panics, and a refusal names a line of the text.
    #[test]
    fn lowering_takes_everything_that_reads(config in config()) {
        let printed = ios::print(&config);
        let config = ios::parse("printed", &printed).unwrap();
        if let Err(errors) = ios::lower(&config, "printed") {
            let lines = u32::try_from(printed.lines().count()).unwrap();
            prop_assert!(errors.iter().all(|error| (1..=lines).contains(&error.line)), "{:?}", errors);
        }
    }

    /// T132: random words of the language: no panic, and what is accepted prints and reads again.
    #[test]
    fn t132_random_lines(lines in vec(vec(select(WORDS), 1..7), 1..30)) {
        let text: String = lines.iter().map(|line| line.join(" ") + "\n").collect();
        let mut reader = Reader::new("random");
        for line in text.lines() {
            let before = reader.config().clone();
            if reader.line(line).is_err() {
                prop_assert_eq!(reader.config(), &before);
            }
        }
        if let Ok(config) = reader.finish() {
            let printed = ios::print(&config);
            prop_assert_eq!(ios::parse("printed", &printed).unwrap(), config, "{}", printed);
        }
    }

    /// T132: any text at all.
    #[test]
    fn t132_any_text(text in "(.|\n){0,400}") {
        let _ = ios::parse("any", &text);
    }
}

const WORDS: &[&str] = &[
    "crypto",
    "isakmp",
    "ipsec",
    "map",
    "policy",
    "key",
    "no",
    "exit",
    "end",
    "set",
    "match",
    "address",
    "peer",
    "transform-set",
    "ipsec-isakmp",
    "ipsec-manual",
    "dynamic",
    "dynamic-map",
    "1",
    "10",
    "101",
    "0",
    "6",
    "99999",
    "1.2.3.4",
    "255.255.255.0",
    "0.0.0.255",
    "any",
    "host",
    "permit",
    "deny",
    "ip",
    "tcp",
    "udp",
    "eq",
    "range",
    "access-list",
    "extended",
    "standard",
    "remark",
    "interface",
    "Ethernet0",
    "Serial",
    "shutdown",
    "esp-des",
    "esp-sha-hmac",
    "ah-md5-hmac",
    "esp-aes",
    "esp-gcm",
    "mode",
    "transport",
    "hostname",
    "a",
    "b.c",
    "pfs",
    "group1",
    "group",
    "authentication",
    "pre-share",
    "hash",
    "encryption",
    "lifetime",
    "seconds",
    "kilobytes",
    "3600",
    "quit",
    "certificate",
    "chain",
    "ca",
    "identity",
    "named-key",
    "key-string",
    "pubkey-chain",
    "rsa",
    "30",
    "!",
    "banner",
    "motd",
    "#",
    "^C",
    "line",
    "vty",
    "con",
    "password",
    "login",
    "service",
    "pad",
    "ipv6",
    "2001:db8::/32",
    "::1",
    "route",
    "secondary",
    "mtu",
    "1400",
    "description",
    "security-association",
    "session-key",
    "inbound",
    "esp",
    "ah",
    "256",
    "cipher",
    "0011",
    "authenticator",
    "local-address",
    "replay",
    "disable",
    "level",
    "per-host",
    "log",
];
