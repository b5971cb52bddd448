//! The demo's debug lines against the document's transcript, line by line.

use std::collections::BTreeSet;

use gateway::demo::{Options, Scenario, run};

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
