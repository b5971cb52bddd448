//! A router's debug lines against the document's transcript, scene by scene: exactly (see `transcript`).

use core::time::Duration;

use crypto_provider::default::provider;
use crypto_provider::{CryptoProvider, SecretBytes};
use gateway::cli::debug::{DebugLog, Now, Switches};
use gateway::cli::show::ipsec_sa;
use gateway::demo::{Options, Scenario, Source, run};
use gateway::ios::parse;
use gateway::router::{Router, RouterOptions};

use crate::pair::{AH_ESP, HOST_A, HOST_B, PRESHARE, Pair, packet};
use crate::transcript::{compare, mask, scene, stamp};

const ISAKMP: Switches = Switches { isakmp: true, ipsec: false, ..Switches::USEFUL };
const IPSEC: Switches = Switches { isakmp: false, ipsec: true, ..Switches::USEFUL };

/// The scene with both kinds of debugging.
const GOOD: &str = "Preshare, good connection";
/// The scene of a refused phase 2.
const INCOMPATIBLE: &str = "Preshare, incompatable policy";
/// The line of the sweep over IKE SAs.
const SWEEP: &str = "ISADB: reaper checking SA";

/// What a router of the demo wrote. The document's router is the responder, wan2511.
fn demo(scenario: &str, router: &str, seed: u64) -> Vec<String> {
    let name = format!("gateway-debug-{scenario}-{router}-{seed}-{}", std::process::id());
    let folder = std::env::temp_dir().join(name);
    let mut options = Options::new(Scenario::named(scenario).unwrap(), seed);
    options.log = Some(folder.clone());
    assert!(run(&options, &mut Vec::new()).unwrap());
    let log = std::fs::read_to_string(folder.join(format!("{router}.log"))).unwrap();
    std::fs::remove_dir_all(folder).unwrap();
    log.lines().map(str::to_owned).collect()
}

/// The lines before the first sweep: the document ends some of its scenes earlier.
fn before_sweep(mut lines: Vec<String>) -> Vec<String> {
    lines.truncate(lines.iter().position(|line| line.contains(SWEEP)).unwrap_or(lines.len()));
    lines
}

/// The document's pair with the negotiation that the document's router answers to, and its lines.
fn answered(switches: Switches) -> Vec<String> {
    let mut pair = Pair::new(AH_ESP);
    pair.send_inside(1, &packet(HOST_B, HOST_A, b"x"));
    pair.run_for(Duration::from_secs(1));
    stamped(&pair, 0, switches)
}

/// What a router of a pair said, with the time as its configuration has it.
fn stamped(pair: &Pair, at: usize, switches: Switches) -> Vec<String> {
    let mut log = DebugLog::new(switches).with(pair.routers[at].config().timestamps);
    let mut out = Vec::new();
    for happening in &pair.happenings[at] {
        let now = Now { uptime: happening.at, clock: None };
        out.extend(log.lines(happening).iter().map(|line| log.stamped(line, now)));
    }
    assert!(log.finish().is_empty());
    out
}

#[test]
fn ah_esp_says_what_the_document_shows() {
    let cases = [("preshare, debug isakmp", ISAKMP), ("preshare debug ipsec", IPSEC)];
    for (title, switches) in cases {
        compare(&scene(title), &answered(switches)).unwrap_or_else(|why| panic!("{title}: {why}"));
    }
    for seed in SEEDS {
        let ours = demo("ah-esp", "wan2511", seed);
        compare(&scene(GOOD), &ours).unwrap_or_else(|why| panic!("seed {seed}: {why}"));
    }
}

#[test]
fn no_proposal_says_what_the_document_shows() {
    for seed in SEEDS {
        let ours = before_sweep(demo("no-proposal", "wan2511", seed));
        compare(&scene(INCOMPATIBLE), &ours).unwrap_or_else(|why| panic!("seed {seed}: {why}"));
    }
}

/// Message ids of either sign are among these runs.
const SEEDS: [u64; 3] = [1, 2, 3];

#[test]
fn message_ids_of_either_sign_are_compared() {
    let of_sign = |negative| {
        let is = |line: &String| {
            line.split_once("message ID = ")
                .is_some_and(|(_, id)| id != "0" && id.starts_with('-') == negative)
        };
        SEEDS.iter().filter(|seed| demo("no-proposal", "wan2511", **seed).iter().any(is)).count()
    };
    assert!(of_sign(true) > 0 && of_sign(false) > 0, "choose other seeds");
}

/// The document shows the end of one attempt. What stands before it is as in the other scenes, up to the first payload
/// that needs the key.
#[test]
fn wrong_hostname_says_what_the_document_shows() {
    let end = scene("Preshare, wrong hostname");
    assert_eq!(end.len(), 2, "{end:#?}");
    let accepted = |line: &String| line.ends_with("Next payload is 0");
    let mut document: Vec<String> = scene(GOOD);
    document.truncate(document.iter().position(accepted).unwrap() + 1);
    let without_time = |line: &String| stamp(line).map_or(line.as_str(), |(_, line)| line).to_owned();
    let document: Vec<String> = document.iter().map(without_time).chain(end).collect();
    let ours = demo("wrong-hostname", "wan2516", 1);
    // Each of its tries is one connection more, and says the same.
    assert_eq!(ours.len() % document.len(), 0);
    assert!(ours.len() > document.len());
    for attempt in ours.chunks(document.len()) {
        compare(&document, attempt).unwrap();
    }
}

/// S426, S602: IKE SAs are looked over again and again, the first time as long after the authentication as in the document
/// (in whole seconds 21).
#[test]
fn the_sweep_comes_when_the_document_has_it() {
    let when = |lines: &[String], what: &str| -> Vec<u64> {
        lines
            .iter()
            .filter_map(|line| stamp(line))
            .filter(|(_, line)| line.contains(what))
            .map(|(at, _)| at)
            .collect()
    };
    let document = scene(GOOD);
    let distance = when(&document, SWEEP)[0] - when(&document, "SA has been authenticated")[0];
    let mut pair = Pair::new(AH_ESP);
    pair.send_inside(1, &packet(HOST_B, HOST_A, b"x"));
    pair.run_for(Duration::from_secs(100));
    let lines = stamped(&pair, 0, ISAKMP);
    let [authenticated] = when(&lines, "SA has been authenticated")[..] else { panic!("{lines:#?}") };
    let sweeps = when(&lines, SWEEP);
    assert!(sweeps.len() > 2, "{lines:#?}");
    for (before, sweep) in [authenticated].iter().chain(&sweeps).zip(&sweeps) {
        assert!(
            (sweep - before).abs_diff(distance) < 2000,
            "{before} {sweep}, in the document after {distance}"
        );
    }
}

/// S405, S812: the default suite of the document's release states no life, and the peer holds it to be a day all the same. Later
/// releases state it, in the form of a number that is too long for a basic attribute.
#[test]
fn a_life_of_a_day_is_stated_since_release_12() {
    for (version, stated) in [("version 11.3", false), ("version 12.4", true)] {
        let configs = AH_ESP.map(|text| text.replace(" lifetime 240\n", "").replace("version 11.3", version));
        let mut pair = Pair::new([&configs[0], &configs[1]]);
        pair.send_inside(1, &packet(HOST_B, HOST_A, b"x"));
        pair.run_for(Duration::from_secs(1));
        let lines = stamped(&pair, 0, ISAKMP);
        let phase1: Vec<_> = lines
            .iter()
            .filter_map(|line| Some(stamp(line)?.1))
            .take_while(|line| !line.contains("processing KE"))
            .collect();
        let life = phase1.iter().filter(|line| line.contains("life")).copied().collect::<Vec<_>>();
        let day =
            ["ISAKMP:      life type in seconds", "ISAKMP:      life duration (VPI) of 0x0 0x1 0x51 0x80"];
        assert_eq!(life, if stated { &day[..] } else { &[] });
        assert_eq!(phase1.last(), Some(&"ISAKMP (1): atts are acceptable. Next payload is 0"));
        for at in [0, 1] {
            let ready = |pair: &Pair| pair.routers[at].snapshot(pair.now).ike_sas.len();
            assert_eq!(ready(&pair), 1);
        }
        pair.run_for(Duration::from_secs(86_300));
        let gone = |pair: &Pair| {
            said(pair, 0).iter().filter(|line| line.ends_with("conn_id = 1  DELETE IT!")).count()
        };
        assert_eq!(gone(&pair), 0);
        pair.run_for(Duration::from_secs(200));
        assert_eq!(gone(&pair), 1, "after a day");
    }
}

/// Each change to a line is noticed: to any number that is not drawn or counted by the run itself, to any word, to the order.
#[test]
fn the_comparison_refuses_every_other_line() {
    for title in [GOOD, INCOMPATIBLE, "preshare, debug isakmp", "preshare debug ipsec"] {
        let document = scene(title);
        compare(&document, &document).unwrap();
        let differs = |ours: &[String]| compare(&document, ours).is_err();
        for (at, line) in document.iter().enumerate() {
            let with = |line: String| {
                let mut ours = document.clone();
                ours[at] = line;
                ours
            };
            let mut without = document.clone();
            without.remove(at);
            let mut twice = document.clone();
            twice.insert(at, "ISAKMP (1): sending NOTIFY INITIAL-CONTACT".to_owned());
            assert!(differs(&without) && differs(&twice), "{line}");
            let mut swapped = document.clone();
            if at > 0 {
                swapped.swap(at, at - 1);
                assert!(differs(&swapped) || mask(&swapped) == mask(&document), "{line}");
            }
            assert!(differs(&with(format!("{line} REMOVE IT!"))), "{line}");
            let text = stamp(line).map_or(line.as_str(), |(_, text)| text);
            assert!(stamp(line).is_none() || differs(&with(text.to_owned())), "without its time: {line}");
            for (before, number, changed) in changes(line, text) {
                // A value that one line alone names may be any.
                let drawn = ["conn_id ", "conn_id= ", "spi ", "ID = ", "ISAKMP (", "conn_id = "];
                let has = |line: &&String| line.split(|c: char| !c.is_ascii_digit()).any(|one| one == number);
                let once = document.iter().filter(has).count() == 1;
                let may_change = once && drawn.iter().any(|word| before.ends_with(word));
                assert!(may_change || differs(&with(changed.clone())), "{changed}");
            }
        }
    }
}

/// A line with each of its decimal numbers raised by one: what stands before the number, the number, the line.
fn changes(line: &str, text: &str) -> Vec<(String, String, String)> {
    let start = line.len() - text.len();
    let mut out = Vec::new();
    let mut rest = start;
    while let Some(at) = line[rest..].find(|c: char| c.is_ascii_digit()).map(|at| at + rest) {
        let end = line[at..].find(|c: char| !c.is_ascii_digit()).map_or(line.len(), |end| at + end);
        let number: u64 = line[at..end].parse().unwrap();
        let changed = format!("{}{}{}", &line[..at], number + 1, &line[end..]);
        out.push((line[start..at].trim_end_matches('-').to_owned(), line[at..end].to_owned(), changed));
        rest = end;
    }
    out
}

/// What a looser comparison once let pass.
#[test]
fn what_was_passed_over_once_is_refused() {
    let refused = |title: &str, from: &str, to: &str| {
        let document = scene(title);
        let ours: Vec<String> = document.iter().map(|line| line.replace(from, to)).collect();
        assert_ne!(document, ours, "{title} has no {from}");
        assert!(compare(&document, &ours).is_err(), "{to}");
    };
    for (from, to) in [
        ("ID = -1357683133", "ID = 2937284163"),
        ("priority 1 policy", "priority 1001 policy"),
        ("default group 2", "default group 9"),
        ("Checking IPSec proposal 1", "Checking IPSec proposal 2"),
        ("(basic) of 3600", "(basic) of 3601"),
        ("Quick mode", "Principal mode"),
        ("AH_MD5_HMAC", "AH_SHA_HMAC"),
        ("not acceptable. Next payload is 0", "not acceptable. Next payload is 3"),
    ] {
        refused(INCOMPATIBLE, from, to);
    }
    for (from, to) in [
        ("lifetime of 3600 seconds", "lifetime of 3601 seconds"),
        ("lifetime of 4608000 kilobytes", "lifetime of 4608001 kilobytes"),
        ("conn_id = 1", "conn_id = 1 REMOVE IT!"),
        ("message ID = 800032287", "message ID = 4294967295"),
        ("0.0.0.16", "255.255.255.0"),
        ("flags= 0x4", "flags= 0x5"),
        ("for prot 2", "for prot 51"),
        ("spi= 0xFB2048(16457800)", "spi= 0xFB2048(16457801)"),
    ] {
        refused(GOOD, from, to);
    }
    let document = scene(GOOD);
    let id = document.iter().position(|line| line.contains("processing ID payload. message ID = 0")).unwrap();
    let mut main_mode = document.clone();
    main_mode.swap(id, id + 1);
    assert!(main_mode[id].contains("SKEYID"));
    assert!(compare(&document, &main_mode).is_err());
}

/// What a router of a pair said, with `debug crypto isakmp` and `debug crypto ipsec`, without the time.
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
        pair.run_for(Duration::from_secs(60));
    }
    assert!(pair.wire.is_empty());
    pair.send_inside(0, &packet(HOST_A, HOST_B, b"x"));
    pair.run_for(Duration::from_secs(60));
    assert!(!pair.wire.is_empty() && pair.wire.iter().all(|(from, _)| *from == 0), "the peer was answered");
}

/// S421: the router has a key, and no suite of its policies can be used.
#[test]
fn without_a_usable_suite_the_line_of_the_document() {
    let document = scene("Preshare with RSA key defined");
    let mut pair = Pair::new(PRESHARE);
    let provider = CryptoProvider { groups: Vec::new().into(), ..provider() };
    let config = parse("a.cfg", PRESHARE[0]).unwrap();
    pair.routers[0] = Router::new("a.cfg", config, provider, RouterOptions::default()).unwrap();
    pair.send_inside(0, &packet(HOST_A, HOST_B, b"x"));
    // The document shows two tries; another one is 5 s away.
    pair.run_for(Duration::from_secs(6));
    pair.send_inside(0, &packet(HOST_A, HOST_B, b"x"));
    let said: Vec<_> = said(&pair, 0).iter().map(|line| format!("*Mar  1 00:00:00.000: {line}")).collect();
    compare(&document, &said).unwrap();
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
    // The document's other pair has these addresses.
    let document: Vec<String> = document
        .map(|line| line.replace("12.12.12.13", "20.20.20.21").replace("12.12.12.12", "20.20.20.20"))
        .to_vec();
    compare(&document, &deleted).unwrap();
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

/// S601: IKE and IPsec SAs share one row of connection ids, inbound before outbound and AH before ESP, without a gap.
#[test]
fn sas_are_made_with_the_documents_numbers() {
    let ids = |lines: &[String]| -> Vec<u32> {
        let after = |line: &String| Some(line.split_once("sa_conn_id= ")?.1.parse::<u32>().unwrap());
        lines.iter().filter_map(after).collect()
    };
    assert_eq!(ids(&scene("preshare debug ipsec")), [3, 4, 5, 6]);
    // In its RSA scenes the first one follows the IKE SA at once: 1 and 2, 4 and 5, 11 and 12.
    let pair = Pair::up(AH_ESP);
    assert_eq!(pair.happenings[0].iter().find_map(|one| one.connection), Some(1), "the IKE SA");
    assert_eq!(ids(&said(&pair, 0)), [2, 3, 4, 5]);
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
            text: SecretBytes::copy_of(
                text.replace("service timestamps debug datetime msec", service).as_bytes(),
            ),
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
