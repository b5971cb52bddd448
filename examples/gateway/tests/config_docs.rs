//! `docs/configuration.md` and the grammar say the same.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "a test may panic"
)]

use std::collections::BTreeSet;

use gateway::ios::{self, Reader};

const DOCS: &str = include_str!("../../../docs/configuration.md");

/// One example of a table and the lines that open its mode.
struct Example {
    mode: Vec<&'static str>,
    form: String,
    line: &'static str,
    without_effect: bool,
}

fn quoted(text: &'static str) -> Vec<&'static str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// Cells of a row; `\|` is a bar inside a cell.
fn cells(row: &'static str) -> Vec<&'static str> {
    let mut out = Vec::new();
    let mut start = 1;
    let bytes = row.as_bytes();
    for index in 1..bytes.len() {
        if bytes[index] == b'|' && bytes[index - 1] != b'\\' {
            out.push(row[start..index].trim());
            start = index + 1;
        }
    }
    out
}

fn examples() -> Vec<Example> {
    let mut out = Vec::new();
    let mut mode = Vec::new();
    let mut without_effect = false;
    for line in DOCS.lines() {
        if let Some(heading) = line.strip_prefix("### ") {
            mode = quoted(heading);
            without_effect = heading.starts_with("Without effect");
        } else if line.starts_with("| ") {
            let cells = cells(line);
            // Tables of defaults have no example in the second column.
            if !matches!(cells[0], "form" | "transform")
                && DOCS.find(line) > DOCS.find("## Commands with an effect")
            {
                let form = cells[0].trim_matches('`').replace("\\|", "|");
                let lines = quoted(cells[1]);
                assert!(!lines.is_empty(), "no example: {line}");
                for example in lines {
                    out.push(Example {
                        mode: mode.clone(),
                        form: form.clone(),
                        line: example,
                        without_effect,
                    });
                }
            }
        }
    }
    out
}

fn reader_in(mode: &[&str]) -> Reader {
    let mut reader = Reader::new("docs");
    for line in mode {
        reader.line(line).unwrap_or_else(|error| panic!("{error}"));
    }
    reader
}

#[test]
fn every_example_is_accepted_and_has_the_effect_that_is_claimed() {
    let examples = examples();
    assert!(examples.len() > 150, "{}", examples.len());
    for example in examples {
        let mut reader = reader_in(&example.mode);
        if example.line.ends_with("secondary") {
            reader.line("ip address 20.20.20.21 255.255.255.0").unwrap();
        }
        if let Err(error) = reader.line(example.line) {
            panic!("{:?} {}: {error}", example.mode, example.line);
        }
        let noted = reader.config().known_lines().last().is_some_and(|known| known.command == example.form);
        assert_eq!(noted, example.without_effect, "{:?} {}", example.mode, example.line);
    }
}

#[test]
fn every_command_without_effect_is_listed_and_nothing_else() {
    let listed: BTreeSet<(String, String)> = examples()
        .into_iter()
        .filter(|example| example.without_effect)
        .map(|example| (example.mode.concat(), example.form))
        .collect();
    let known: BTreeSet<(String, String)> =
        ios::commands_without_effect().map(|(mode, form)| (mode.to_owned(), form.to_owned())).collect();
    assert_eq!(listed, known);
}

/// What the grammar would accept after each beginning, taken from its own error message, is the beginning of some
/// example of that mode.
#[test]
fn every_command_is_listed() {
    let examples = examples();
    let beginnings = [
        "",
        "crypto",
        "crypto isakmp",
        "crypto ipsec",
        "crypto ca",
        "crypto pki",
        "crypto isakmp key k",
        "crypto ipsec security-association",
        "ip",
        "ipv6",
        "ip domain",
        "ip access-list",
        "set",
        "set security-association",
        "set session-key",
        "enrollment",
        "encryption",
        "hash",
        "authentication",
        "group",
        "mode",
    ];
    let modes: BTreeSet<Vec<&str>> = examples.iter().map(|example| example.mode.clone()).collect();
    let mut seen = 0;
    for mode in modes {
        for beginning in beginnings {
            let mut reader = reader_in(&mode);
            let Err(error) = reader.line(&format!("{beginning} ?")) else {
                continue;
            };
            // The message is about the question mark, not about a beginning that is unknown in this mode.
            if usize::try_from(error.column).unwrap() <= beginning.len() {
                continue;
            }
            for word in error.kind.accepted() {
                let is_keyword = word.starts_with(|c: char| c.is_ascii_lowercase())
                    || word.bytes().all(|c| c.is_ascii_digit());
                if !is_keyword || matches!(word.as_str(), "no" | "exit") {
                    continue;
                }
                seen += 1;
                let wanted = format!("{beginning} {word} ").trim_start().to_owned();
                // A mode's message names the commands of the mode above as well.
                let found = examples.iter().any(|example| {
                    let line = format!("{} ", example.line)
                        .replace("crypto isakmp key sharedkey", "crypto isakmp key k");
                    let bare = line.strip_prefix("no ").unwrap_or(&line);
                    line.starts_with(&wanted) || bare.starts_with(&wanted) || wanted.trim() == "line console"
                });
                assert!(found, "no example in the documentation for {mode:?} '{wanted}'");
            }
        }
    }
    assert!(seen > 200, "{seen}");
}

/// The defaults that the page states are those that hold.
#[test]
fn the_table_of_defaults_is_true() {
    for (row, old, new) in [
        ("| `encryption` | `des` | `aes 128` |", "(DesCbc, 8)", "(AesCbc, 16)"),
        ("| `hash` | `sha` | `sha256` |", "Sha1", "Sha256"),
        ("| `group` | `1` | `14` |", "GroupId(1)", "GroupId(14)"),
    ] {
        assert!(DOCS.contains(row), "{row}");
        for (version, wanted) in [("version 12.4\n", old), ("version 15.1\n", new), ("", new)] {
            let text = format!("{version}crypto isakmp policy 1\n authentication pre-share");
            let policies = ios::lower(&ios::parse("x", &text).unwrap(), "x").unwrap();
            let suite = policies.suites.first().unwrap();
            let said = format!("{:?} {:?} {:?}", (suite.cipher, suite.key_len), suite.hash, suite.group);
            assert!(said.contains(wanted), "{version}{said}");
        }
    }
}
