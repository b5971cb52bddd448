//! The demo, as a user runs it.

use std::path::PathBuf;
use std::process::{Command, Output};

use crypto_provider::SecretBytes;
use gateway::demo::{DemoError, Options, SCENARIOS, Scenario, Source, run};

fn gateway(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_gateway")).args(arguments).output().unwrap()
}

fn text(options: &Options) -> (bool, String) {
    let mut out = Vec::new();
    let fine = run(options, &mut out).unwrap();
    (fine, String::from_utf8(out).unwrap())
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("gateway-demo-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn the_default_command_shows_a_tunnel_at_work() {
    let done = gateway(&["demo"]);
    let out = String::from_utf8(done.stdout).unwrap();
    assert!(done.status.success(), "{out}");
    for words in [
        "host-a: 60 octets from 60.60.60.1: echo reply 1, ttl 62,",
        "host-b: 60 octets from 50.50.50.1: echo reply 5, ttl 62,",
        "cl-2513-2A#\nISAKMP (1): beginning Main Mode exchange",
        "cl-2513-2B#show crypto ipsec sa",
        "    #pkts encaps: 30, #pkts encrypt: 30, #pkts digest 30\n    #pkts decaps: 30, #pkts decrypt: 30, #pkts verify 30",
        "could be read: 0",
    ] {
        assert!(out.contains(words), "{words}\n{out}");
    }
    assert_eq!(out.matches("QM_IDLE").count(), 4, "both routers' tables and both checks");
    assert!(!out.contains("FAILED") && done.stderr.is_empty());
}

#[test]
fn every_scenario_is_listed_and_ends_as_it_should() {
    let list = String::from_utf8(gateway(&["demo", "--list"]).stdout).unwrap();
    let names: Vec<_> = list.lines().map(|line| line.split_whitespace().next().unwrap()).collect();
    assert_eq!(
        names,
        [
            "preshare",
            "ah-esp",
            "no-proposal",
            "wrong-key",
            "aggressive",
            "wrong-hostname",
            "pfs",
            "rekey",
            "restart",
            "transport",
            "ipv6",
            "two-peers",
            "dead-peer",
            "nat",
            "fragments"
        ]
    );
    for name in names {
        let done = gateway(&["demo", "--scenario", name, "--seed", "7"]);
        assert!(done.status.success(), "{name}: {}", String::from_utf8_lossy(&done.stdout));
    }
    assert_eq!(gateway(&["demo", "--scenario", "none"]).status.code(), Some(1));
}

#[test]
fn a_scenario_whose_outcome_does_not_occur_fails() {
    // The expectation of one scenario with the configurations of another.
    for (expected, actual) in [
        ("preshare", "wrong-key"),
        ("wrong-key", "preshare"),
        ("no-proposal", "ah-esp"),
        ("preshare", "no-proposal"),
        ("aggressive", "preshare"),
        ("aggressive", "wrong-hostname"),
        ("wrong-hostname", "aggressive"),
        ("wrong-hostname", "wrong-key"),
        ("pfs", "preshare"),
        ("rekey", "preshare"),
        ("restart", "wrong-key"),
        ("transport", "ah-esp"),
        ("two-peers", "preshare"),
    ] {
        let mut options = Options::new(Scenario::named(expected).unwrap(), 1);
        let source = |(name, text): (&str, &str)| Source {
            name: name.to_owned(),
            text: SecretBytes::copy_of(text.as_bytes()),
        };
        options.configs =
            Some(Scenario::named(actual).unwrap().configs.iter().copied().map(source).collect());
        let (fine, out) = text(&options);
        assert!(!fine && out.contains("FAILED"), "{expected} with {actual}:\n{out}");
    }
}

#[test]
fn with_loss_the_counters_differ_by_what_the_network_dropped() {
    for (scenario, loss) in
        [("preshare", 10), ("ah-esp", 10), ("ah-esp", 20), ("no-proposal", 20), ("wrong-key", 20)]
    {
        let mut dropped = false;
        for seed in 1..=6 {
            let mut options = Options::new(Scenario::named(scenario).unwrap(), seed);
            options.loss = loss;
            options.reorder = 10;
            let (fine, out) = text(&options);
            assert!(fine, "{scenario}, loss {loss}, seed {seed}:\n{out}");
            dropped |= !out.contains("packets opened, the network lost 0");
        }
        assert!(
            dropped || scenario.contains("no-") || scenario == "wrong-key",
            "{scenario}: nothing was ever lost"
        );
    }
}

/// The scenarios whose timing a bad network changes most, each with many seeds.
#[test]
fn scenes_with_successors_and_restarts_hold_on_a_bad_network() {
    for scenario in ["aggressive", "wrong-hostname", "pfs", "rekey", "restart", "transport", "two-peers"] {
        for seed in 1..=20 {
            let mut options = Options::new(Scenario::named(scenario).unwrap(), seed);
            (options.loss, options.reorder) = (10, 10);
            let (fine, out) = text(&options);
            assert!(fine, "{scenario}, seed {seed}:\n{out}");
        }
    }
}

#[test]
fn a_restarted_router_writes_both_its_keys_and_shows_both_its_counts() {
    let folder = Folder::new("restart");
    let mut options = Options::new(Scenario::named("restart").unwrap(), 5);
    options.keylog = Some(folder.0.clone());
    let (fine, out) = text(&options);
    assert!(fine, "{out}");
    for words in [
        "%CRYPTO-4-RECVD_PKT_INV_SPI: decaps: rec'd IPSEC packet has invalid spi for destaddr=20.20.20.20",
        "host-a: 10 of 13 pings to host-b were answered",
        "1 old bundles ended at the first router",
    ] {
        assert!(out.contains(words), "{words}\n{out}");
    }
    let (now, before) = (folder.0.join("wan2516/keys.txt"), folder.0.join("wan2516-before/keys.txt"));
    let (now, before) = (std::fs::read_to_string(now).unwrap(), std::fs::read_to_string(before).unwrap());
    assert!(now.contains("esp ") && before.contains("esp ") && now != before);
    // Nothing that one of them knew is known to the other.
    assert!(now.lines().all(|line| !before.contains(line)));
}

#[test]
fn show_prints_what_is_asked_for_from_the_routers_as_they_are() {
    let commands = [
        "show crypto isakmp policy",
        "show  crypto ipsec transform-set",
        "show crypto ipsec security-association lifetime",
        "show crypto engine connections active",
        "show crypto dynamic-map",
        "write terminal",
    ];
    let mut arguments = vec!["demo", "--scenario", "ah-esp", "--seed", "4"];
    arguments.extend(commands.iter().flat_map(|command| ["--show", *command]));
    let done = gateway(&arguments);
    let out = String::from_utf8(done.stdout).unwrap();
    assert!(done.status.success(), "{out}");
    for words in [
        "wan2511#show crypto isakmp policy\nProtection suite of priority 1\n",
        "wan2516#show  crypto ipsec transform-set\nTransform proposal auth2: { ah-sha-hmac  }\n",
        "Session key lifetime: 4608000 kilobytes/3600 seconds\n",
        "wan2511#show crypto dynamic-map\n\n",
        "wan2511#write terminal\nBuilding configuration...\n\nCurrent configuration:\n!\nversion 11.3\n",
        "Serial0         20.20.20.21     set    HMAC_SHA                  0       30\n",
        "Serial0         20.20.20.20     set    HMAC_SHA                 30        0\n",
    ] {
        assert!(out.contains(words), "{words}\n{out}");
    }
    let done = gateway(&["demo", "--show", "show clock"]);
    assert_eq!(done.status.code(), Some(1));
    assert!(done.stdout.is_empty());
    let error = String::from_utf8(done.stderr).unwrap();
    assert!(error.contains("no command 'show clock'; there are\n  show crypto isakmp sa\n"), "{error}");
}

#[test]
fn t150_one_seed_one_capture() {
    let folder = Folder::new("seeds");
    let capture = |seed: u64, name: &str| {
        let mut options = Options::new(&SCENARIOS[1], seed);
        options.loss = 10;
        options.reorder = 10;
        options.pcap = Some(folder.0.join(name));
        let (_, out) = text(&options);
        (std::fs::read(folder.0.join(name)).unwrap(), out)
    };
    let (first, again, other) = (capture(1, "first"), capture(1, "again"), capture(2, "other"));
    assert!(first.0.len() > 10_000);
    assert!(first == again, "the same seed gave another run");
    assert!(first.0 != other.0, "another seed gave the same run");
}

#[test]
fn the_documents_own_pair_runs_unchanged() {
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data");
    let (a, b) = (format!("{data}/cl-2513-2A.cfg"), format!("{data}/cl-2513-2B.cfg"));
    let done = gateway(&["demo", "--config", &a, "--config", &b]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
    let done = gateway(&["demo", "--config", &b, "--config", &a, "--seed", "3"]);
    assert!(done.status.success(), "the other one begins: {}", String::from_utf8_lossy(&done.stdout));
}

#[test]
fn configurations_that_do_not_run_are_refused_with_their_line() {
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data");
    let (a, b) = (format!("{data}/wan2511.cfg"), format!("{data}/wan2516.cfg"));
    let done = gateway(&["demo", "--config", &a, "--config", &b]);
    assert_eq!(done.status.code(), Some(2));
    let error = String::from_utf8(done.stderr).unwrap();
    assert!(error.contains("wan2511.cfg:14:17: authentication rsa-encr"), "{error}");
    // Twice the same router: it is not its own peer.
    let a = format!("{data}/cl-2513-2A.cfg");
    let done = gateway(&["demo", "--config", &a, "--config", &a]);
    assert_eq!(done.status.code(), Some(1));
    assert!(
        String::from_utf8(done.stderr)
            .unwrap()
            .contains("cl-2513-2A: no crypto map entry has the other router's")
    );
    assert_eq!(gateway(&["demo", "--config", &a]).status.code(), Some(1));
}

#[test]
fn one_host_name_for_both_routers_gives_two_logs() {
    let folder = Folder::new("names");
    let rename = |(name, text): (&str, &str)| {
        let text = text
            .replace("hostname cl-2513-2A", "hostname same")
            .replace("hostname cl-2513-2B", "hostname same");
        Source { name: name.to_owned(), text: SecretBytes::copy_of(text.as_bytes()) }
    };
    let mut options = Options::new(&SCENARIOS[0], 1);
    options.configs = Some(SCENARIOS[0].configs.iter().copied().map(rename).collect());
    options.log = Some(folder.0.clone());
    assert!(text(&options).0);
    let mut names: Vec<_> = std::fs::read_dir(&folder.0)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["same-1.log", "same-2.log"]);
}

#[test]
fn what_cannot_be_written_is_named() {
    let mut options = Options::new(&SCENARIOS[0], 1);
    options.pcap = Some(PathBuf::from("/nonexistent/folder/file"));
    let error = run(&options, &mut Vec::new()).unwrap_err();
    assert!(matches!(error, DemoError::Write(_)));
    assert!(error.to_string().contains("/nonexistent/folder/file"), "{error}");
}
