//! Interfaces, routes, public keys, certificates, and everything without effect.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use gateway::ios;
use gateway::ios::model::{
    CaIdentity, Certificate, CertificateChain, CertificateOwner, Host, Interface, InterfaceAddress, KeyUsage,
    NextHop, Origin, PeerPublicKey, PublicKeyOwner, Route, RunningConfig, Timestamp, Timestamps, Version,
};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use crate::basics::{address, at, host, interface_name, octets, prefix, text, unique, word};

pub(crate) fn interface() -> impl Strategy<Value = Interface> {
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

pub(crate) fn route() -> impl Strategy<Value = Route> {
    let hop = (any::<Ipv4Addr>(), any::<Ipv6Addr>(), of(interface_name()));
    (prefix(), hop, of(1..=255_u8)).prop_map(|((destination, prefix), (v4, v6, interface), distance)| {
        let address = if destination.is_ipv4() { IpAddr::V4(v4) } else { IpAddr::V6(v6) };
        let next_hop = interface.map_or(NextHop::Address(address), NextHop::Interface);
        Route { destination, prefix, next_hop, distance, origin: Origin::default() }
    })
}

pub(crate) fn public_key() -> impl Strategy<Value = PeerPublicKey> {
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

pub(crate) fn ca() -> impl Strategy<Value = CaIdentity> {
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

pub(crate) fn chain() -> impl Strategy<Value = CertificateChain> {
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

pub(crate) fn known() -> impl Strategy<Value = RunningConfig> {
    subsequence(KNOWN, 0..KNOWN.len()).prop_map(|blocks| ios::parse("known", &blocks.join("\n")).unwrap())
}

fn timestamps() -> impl Strategy<Value = Timestamps> {
    let datetime = any::<(bool, bool, bool)>()
        .prop_map(|(msec, localtime, show_timezone)| Timestamp::Datetime { msec, localtime, show_timezone });
    let stamp = prop_oneof![Just(Timestamp::Uptime), datetime];
    (of(stamp.clone()), of(stamp)).prop_map(|(debug, log)| Timestamps { debug, log })
}

pub(crate) fn names(config: RunningConfig) -> impl Strategy<Value = RunningConfig> {
    let version = (of((any::<u16>(), "[0-9A-Za-z]{0,3}")), timestamps());
    let hosts = vec((host(), vec(address(), 1..4)), 0..4);
    (version, of(host()), of(host()), any::<bool>(), hosts, vec(address(), 0..4)).prop_map(
        move |((version, timestamps), hostname, domain_name, domain_lookup, hosts, servers)| {
            let mut config = config.clone();
            config.timestamps = timestamps;
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
