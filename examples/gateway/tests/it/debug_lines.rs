//! The demo's debug lines against the document's transcript, line by line.

use std::collections::BTreeSet;

use crypto_provider::default::provider;
use crypto_provider::{CryptoProvider, SecretBytes};
use gateway::cli::debug::{DebugLog, Switches};
use gateway::cli::show::ipsec_sa;
use gateway::demo::{Options, Scenario, Source, run};
use gateway::ios::parse;
use gateway::router::{Router, RouterOptions};

use crate::pair::{AH_ESP, HOST_A, HOST_B, PRESHARE, Pair, packet};

const TRANSCRIPT: &str = include_str!("../data/debug-preshare.log");

/// A line with everything replaced that differs from run to run: numbers, addresses, SPIs. Blanks are folded, because
/// the document lost them; the time stamp goes.
fn template(line: &str) -> String {
    let line = match line.strip_prefix("*Mar 1 ") {
        Some(stamped) => stamped.split_once(": ").map_or("", |(_, rest)| rest),
        None => line,
    };
    let mut out = String::new();
    let mut word = String::new();
    for c in line.chars().chain([' ']) {
        if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/') {
            word.push(c);
            continue;
        }
        let number = word.starts_with(|c: char| c.is_ascii_digit() || c == '-');
        out.push_str(if number { "#" } else { &word });
        word.clear();
        if c != ' ' || !out.ends_with(' ') {
            out.push(c);
        }
    }
    out.trim().to_owned()
}

/// The debug lines of a scene of the transcript.
fn scene(title: &str) -> Vec<String> {
    let mut inside = false;
    let mut out = Vec::new();
    for line in TRANSCRIPT.lines() {
        if line.starts_with("-----") {
            inside = line.contains(title) || inside && line.chars().all(|c| c == '-');
        } else if inside && !line.starts_with("wan2511#") {
            out.push(template(line));
        }
    }
    assert!(out.len() > 20, "scene {title} has {} lines", out.len());
    out
}

/// What the responder, the document's router, said.
fn ours(scenario: &str) -> Vec<String> {
    let folder = std::env::temp_dir().join(format!("gateway-debug-{scenario}-{}", std::process::id()));
    let mut options = Options::new(Scenario::named(scenario).unwrap(), 1);
    options.log = Some(folder.clone());
    assert!(run(&options, &mut Vec::new()).unwrap());
    let log = std::fs::read_to_string(folder.join("wan2511.log")).unwrap();
    std::fs::remove_dir_all(folder).unwrap();
    log.lines().map(template).collect()
}

/// The longest row of lines that both have in this order.
fn common(a: &[String], b: &[String]) -> usize {
    let mut row = vec![0; b.len() + 1];
    for x in a {
        let mut diagonal = 0;
        for (j, y) in b.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = if x == y { diagonal + 1 } else { above.max(row[j]) };
            diagonal = above;
        }
    }
    row[b.len()]
}

fn compare(title: &str, ours: &[String]) {
    let document = scene(title);
    let have: BTreeSet<&String> = ours.iter().collect();
    let missing: Vec<_> = document.iter().filter(|line| !have.contains(line)).collect();
    assert!(missing.is_empty(), "{title}: {missing:#?}");
    let (common, all) = (common(&document, ours), document.len());
    assert!(common * 100 >= all * 95, "{title}: {common} of {all} lines in order");
}

#[test]
fn ah_esp_says_what_the_document_shows() {
    let ours = ours("ah-esp");
    for title in ["preshare, debug isakmp", "preshare debug ipsec", "Preshare, good connection"] {
        compare(title, &ours);
    }
}

#[test]
fn no_proposal_says_what_the_document_shows() {
    compare("Preshare, incompatable policy", &ours("no-proposal"));
}

/// The scene has two lines, the first one behind a row of dashes, and names the peer's name and address.
#[test]
fn wrong_hostname_says_what_the_document_shows() {
    let (_, scene) = TRANSCRIPT.split_once("--------------- Preshare, wrong hostname\n").unwrap();
    let document: Vec<&str> = scene.lines().take(2).map(|line| line.trim_start_matches(['-', ' '])).collect();
    let folder = std::env::temp_dir().join(format!("gateway-debug-hostname-{}", std::process::id()));
    let mut options = Options::new(Scenario::named("wrong-hostname").unwrap(), 1);
    options.log = Some(folder.clone());
    assert!(run(&options, &mut Vec::new()).unwrap());
    let log = std::fs::read_to_string(folder.join("wan2516.log")).unwrap();
    std::fs::remove_dir_all(folder).unwrap();
    let ours: Vec<&str> = log.lines().collect();
    assert!(ours.windows(2).any(|two| two == document), "{document:#?}\n{log}");
}

#[test]
fn a_template_keeps_words_and_drops_numbers() {
    let line = "*Mar 1 00:05:27.415: IPSEC(create_sa): sa created, (sa) sa_dest= 20.20.20.21, sa_spi= 0xC22209E(203563166)";
    assert_eq!(template(line), "IPSEC(create_sa): sa created, (sa) sa_dest= #, sa_spi= #(#)");
    assert_eq!(template("ISAKMP (1): message ID = -135"), "ISAKMP (#): message ID = #");
    assert_eq!(template("        lifetime of   3600 seconds"), "lifetime of # seconds");
}

/// What a router of a pair said, with `debug crypto isakmp` and `debug crypto ipsec`.
fn said(pair: &Pair, at: usize) -> Vec<String> {
    let mut log = DebugLog::new(Switches::USEFUL);
    let mut out: Vec<String> = pair.happenings[at].iter().flat_map(|one| log.lines(one)).collect();
    out.extend(log.finish());
    out
}

/// S423, the document's line of "missing keys": a router that has no key for its peer begins nothing, and says so once
/// for each try. As the one that is asked it is quiet.
#[test]
fn without_a_key_the_line_of_the_document_and_nothing_on_the_wire() {
    let document = "ISAKMP: No cert, and no keys (public or pre-shared) with remote peer 20.20.20.21";
    let without = PRESHARE[1].replace("crypto isakmp key sharedkey address 20.20.20.21\n", "");
    assert_ne!(without, PRESHARE[1]);
    let mut pair = Pair::new([PRESHARE[0], &without]);
    for tries in 1..=2 {
        pair.send_inside(1, &packet(HOST_B, HOST_A, b"x"));
        assert_eq!(said(&pair, 1), vec![document; tries]);
        pair.run_for(core::time::Duration::from_secs(60));
    }
    assert!(pair.wire.is_empty());
    pair.send_inside(0, &packet(HOST_A, HOST_B, b"x"));
    pair.run_for(core::time::Duration::from_secs(60));
    assert!(!pair.wire.is_empty() && pair.wire.iter().all(|(from, _)| *from == 0), "the peer was answered");
}

/// S421: the router has a key, and no suite of its policies can be used.
#[test]
fn without_a_usable_suite_the_line_of_the_document() {
    let document = "*Mar 1 00:14:48.579: ISAKMP (10): incorrect policy settings. Unable to initiate.";
    assert!(TRANSCRIPT.contains(document));
    let mut pair = Pair::new(PRESHARE);
    let provider = CryptoProvider { groups: Vec::new().into(), ..provider() };
    let config = parse("a.cfg", PRESHARE[0]).unwrap();
    pair.routers[0] = Router::new("a.cfg", config, provider, RouterOptions::default()).unwrap();
    pair.send_inside(0, &packet(HOST_A, HOST_B, b"x"));
    let said: Vec<_> = said(&pair, 0).iter().map(|line| template(line)).collect();
    assert_eq!(said, [template(document)]);
    assert!(pair.wire.is_empty());
}

/// S457: `clear crypto sa` as the document shows it at 20:58:42: AH before ESP, inbound before outbound.
#[test]
fn sas_that_are_cleared_are_named_as_in_the_document() {
    let document = [
        "IPSEC(delete_sa): deleting SA, (sa) sa_dest= 12.12.12.13, sa_prot= 51, sa_spi= 0x4F60465(83231845), sa_trans= ah-sha-hmac , sa_conn_id= 5",
        "IPSEC(delete_sa): deleting SA, (sa) sa_dest= 12.12.12.12, sa_prot= 51, sa_spi= 0x6B024AB(112207019), sa_trans= ah-sha-hmac , sa_conn_id= 6",
        "IPSEC(delete_sa): deleting SA, (sa) sa_dest= 12.12.12.13, sa_prot= 50, sa_spi= 0x21240B07(556010247), sa_trans= esp-des esp-sha-hmac , sa_conn_id= 7",
        "IPSEC(delete_sa): deleting SA, (sa) sa_dest= 12.12.12.12, sa_prot= 50, sa_spi= 0x19591660(425268832), sa_trans= esp-des esp-sha-hmac , sa_conn_id= 8",
    ];
    let mut pair = Pair::up(AH_ESP);
    let words = |lines: &[String], what: &str| -> Vec<String> {
        lines.iter().filter_map(|line| Some(line.split_once(what)?.1.to_owned())).collect()
    };
    let created = words(&said(&pair, 0), "IPSEC(create_sa): sa created, ");
    let before = pair.happenings[0].len();
    pair.routers[0].clear_sas(pair.now);
    pair.settle();
    pair.happenings[0].drain(..before);
    let deleted: Vec<_> = said(&pair, 0).into_iter().filter(|line| line.starts_with("IPSEC(")).collect();
    assert_eq!(words(&deleted, "IPSEC(delete_sa): deleting SA, "), created, "the same SAs in the same order");
    let templates = |lines: Vec<&str>| lines.into_iter().map(template).collect::<Vec<_>>();
    assert_eq!(templates(deleted.iter().map(String::as_str).collect()), templates(document.to_vec()));
}

/// S611: what one router's debug lines say of its SPIs is what the other one's tables show, with the directions swapped.
#[test]
fn debug_lines_of_one_end_and_tables_of_the_other_agree() {
    let pair = Pair::up(AH_ESP);
    let said = said(&pair, 1);
    let spi_after = |words: &str| -> Vec<String> {
        let places = said.iter().enumerate().filter(|(_, line)| line.trim_start().starts_with(words));
        let spis = places.map(|(at, _)| said[at + 1].split_whitespace().nth(2).unwrap().to_owned());
        spis.collect()
    };
    let table = ipsec_sa(&pair.routers[0].snapshot(pair.now));
    let shown = |block: &str| -> String {
        let (_, rest) = table.split_once(block).unwrap();
        rest.split(['(', ')']).nth(1).unwrap().to_owned()
    };
    assert_eq!(spi_after("inbound SA"), [shown("outbound ah sas:"), shown("outbound esp sas:")]);
    assert_eq!(spi_after("outbound SA"), [shown("inbound ah sas:"), shown("inbound esp sas:")]);
}

/// A line of `debug crypto ipsec` with SPIs masked and connection ids counted from the first of the scene.
fn exact(line: &str, first: u32) -> String {
    let mut before = "";
    let words = line.split_whitespace().map(|word| {
        let number = word.trim_end_matches(',');
        let is_connection = core::mem::replace(&mut before, word).ends_with("conn_id=");
        match number.strip_prefix("0x").and_then(|hex| hex.split_once('(')) {
            Some(_) => word.replace(number, "SPI"),
            None if is_connection => (number.parse::<u32>().unwrap() - first).to_string(),
            None => word.to_owned(),
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// S451 to S456, S601, S604, S608 to S610: apart from SPIs, and from the masks that the document's router left
/// uninitialised, every number is the document's: addresses, proxies, lives, key sizes, flags, and connection ids in one row.
#[test]
fn sas_are_made_with_the_documents_numbers() {
    let (_, scene) = TRANSCRIPT.split_once("preshare debug ipsec\n").unwrap();
    let (scene, _) = scene.split_once("--------------- Preshare, good connection").unwrap();
    let numbers = |text: &str, first: u32| -> Vec<String> {
        let lines = text.lines().map(|line| {
            line.split_once(": IPSEC").map_or(line.to_owned(), |(_, rest)| format!("IPSEC{rest}"))
        });
        let made = lines.skip_while(|line| !line.starts_with("IPSEC(initialize_sas)"));
        let made = made.take_while(|line| line.starts_with("IPSEC(") || line.starts_with("  "));
        made.map(|line| exact(&line, first)).collect()
    };
    let document = numbers(scene, 3);
    assert_eq!(document.len(), 4 * 7 + 4);
    let pair = Pair::up(AH_ESP);
    let ours = said(&pair, 0).join("\n");
    assert_eq!(pair.happenings[0].iter().find_map(|one| one.connection), Some(1), "the IKE SA");
    let ours: Vec<_> =
        ours.lines().filter(|line| !line.contains("SA from") && !line.starts_with("        ")).collect();
    assert_eq!(numbers(&ours.join("\n"), 2), document);
}

/// S308: AH counts the larger packet, so its volume runs down faster.
#[test]
fn the_volume_of_ah_runs_down_faster_than_that_of_esp() {
    let mut pair = Pair::up(AH_ESP);
    for _ in 0..319 {
        pair.send_inside(0, &packet(HOST_A, HOST_B, &[7; 72]));
    }
    let flow = &pair.routers[0].snapshot(pair.now).flows[0];
    let [ah, esp] = [0, 1].map(|at| flow.outbound[at].remaining_kilobytes.unwrap());
    assert_eq!(flow.outbound.iter().map(|sa| sa.packets).collect::<Vec<_>>(), [320, 320]);
    assert!(ah < esp && esp < 4_608_000, "{ah} {esp}");
    assert_eq!(4_608_000 - ah, flow.outbound[0].octets.div_ceil(1024));
}

/// S138, S427: with the lines of the document's configurations each line has its time, those that begin with `%` have
/// their own setting, and nothing else changes.
#[test]
fn time_stands_before_lines_as_configured() {
    let log = |service: &str| {
        let source = |(name, text): (&str, &str)| Source {
            name: name.to_owned(),
            text: SecretBytes::copy_of(format!("{service}\n{text}").as_bytes()),
        };
        let folder = std::env::temp_dir().join(format!("gateway-stamps-{}", std::process::id()));
        let mut options = Options::new(Scenario::named("no-proposal").unwrap(), 1);
        options.log = Some(folder.clone());
        let configs = options.scenario.configs;
        options.configs = Some(configs.iter().copied().map(source).collect());
        assert!(run(&options, &mut Vec::new()).unwrap());
        let log = std::fs::read_to_string(folder.join("wan2511.log")).unwrap();
        std::fs::remove_dir_all(folder).unwrap();
        log
    };
    let bare = log("");
    let stamped = log("service timestamps debug datetime msec");
    assert_eq!(bare.lines().count(), stamped.lines().count());
    let mut last = String::new();
    let mut seen = 0;
    for (bare, stamped) in bare.lines().zip(stamped.lines()) {
        if bare.starts_with('%') || bare == stamped {
            assert_eq!(bare, stamped);
            // What has no time is a message, or goes on with the line before it.
            assert!(bare.starts_with(['%', ' ']), "{bare}");
            continue;
        }
        let (stamp, rest) = stamped.split_once(": ").unwrap();
        assert_eq!(rest, bare);
        assert!(stamp.starts_with("*Mar  1 00:0") && stamp.len() == "*Mar  1 00:14:48.579".len(), "{stamp}");
        assert!(stamp >= last.as_str());
        last = stamp.to_owned();
        seen += 1;
    }
    assert!(seen > 30, "{seen}");
    assert!(bare.contains("\n%CRYPTO-6-IKMP_MODE_FAILURE"));
    let both = log("service timestamps debug uptime\nservice timestamps log uptime");
    assert!(
        both.lines().any(|line| line.starts_with("00:0") && line.contains(": %CRYPTO-6-IKMP_MODE_FAILURE"))
    );
}
