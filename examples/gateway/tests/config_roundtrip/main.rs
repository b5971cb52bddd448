//! `parse(print(model)) == model` for configurations made up at random, and no panic for any text.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "a test may panic")]

mod access;
mod basics;
mod device;
mod ipsec;
mod isakmp;

use gateway::ios::model::{MapKind, RunningConfig};
use gateway::ios::{self, Reader};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use crate::access::access_lists;
use crate::basics::{unique, word};
use crate::device::{ca, chain, interface, known, names, public_key, route};
use crate::ipsec::{crypto_map, ipsec, map_entry};
use crate::isakmp::isakmp;

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

/// Every form of line that has an IPv6 address is among what is made up, printed and read.
#[test]
fn ipv6_lines_are_made_up_too() {
    const FORMS: [(&str, &str); 8] = [
        ("ipv6 route ", "::/"),
        (" ipv6 address ", "/"),
        ("ipv6 access-list ", ""),
        (" permit ", " host "),
        ("crypto isakmp key ", " address ipv6 "),
        (" set peer ", ":"),
        ("ip host ", ":"),
        ("ip name-server ", ":"),
    ];
    let mut runner = TestRunner::deterministic();
    let strategy = config();
    let mut seen = [0; FORMS.len()];
    for _ in 0..200 {
        let config = strategy.new_tree(&mut runner).unwrap().current();
        let printed = ios::print(&config);
        assert_eq!(ios::parse("printed", &printed).unwrap(), config, "{printed}");
        for (count, (begin, middle)) in seen.iter_mut().zip(FORMS) {
            *count += printed.lines().filter(|line| line.starts_with(begin) && line.contains(middle)).count();
        }
    }
    assert!(seen.iter().all(|count| *count > 5), "{seen:?}");
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
