//! T134: a configuration's secrets, right or wrong, and what is said about them.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "a test may panic"
)]

use std::collections::BTreeSet;

use gateway::check::{FINE, WRONG, check_text};
use gateway::ios::{self, Reader};

/// Neither a word of the language nor hexadecimal.
const CANARY: &str = "qC4NARYq";
/// The same in hexadecimal, for commands that take that.
const HEX: &str = "7143344e41525971";

/// Every command that holds a secret, with the mode it belongs to; `@` is the secret, `#` one of eight octets in hexadecimal.
const COMMANDS: &[(&str, &str)] = &[
    ("", "crypto isakmp key @ address 1.2.3.4"),
    ("", "crypto isakmp key 0 @ address 1.2.3.4 255.255.255.0 no-xauth"),
    ("", "crypto isakmp key @ address ipv6 2001:db8::/64"),
    ("", "crypto isakmp key @ hostname a.example.com"),
    ("", "no crypto isakmp key @ address 1.2.3.4"),
    ("", "enable secret 5 @"),
    ("", "enable password @"),
    ("", "username a password 0 @"),
    ("", "username a secret 5 @"),
    ("line vty 0 4", "password @"),
    ("line vty 0 4", "password 7 @"),
    ("crypto map m 1 ipsec-manual", "set session-key inbound ah 256 #"),
    ("crypto map m 1 ipsec-manual", "set session-key outbound esp 256 cipher #"),
    ("crypto map m 1 ipsec-manual", "set session-key inbound esp 256 cipher # authenticator #"),
    ("crypto key pubkey-chain rsa\n named-key a.example.com\n key-string", "#"),
    ("crypto ca identity lab", "password @"),
    ("", "snmp-server community @ RO"),
    ("", "tacacs-server host 1.2.3.4 key @"),
    ("interface Serial0", "ppp chap password 0 @"),
    ("interface Serial0", "ip ospf message-digest-key 1 md5 @"),
];

/// All that anybody is told of a text: by `check`, by the errors themselves and their `Debug`, by `Debug` of what was read.
fn told(text: &str) -> (u8, String) {
    let mut out = Vec::new();
    let status = check_text("x.cfg", text.as_bytes(), true, &mut out).unwrap();
    let mut told = String::from_utf8(out).unwrap();
    match ios::parse("x.cfg", text) {
        Ok(config) => {
            told.push_str(&format!("{config:?}"));
            match ios::lower(&config, "x.cfg") {
                Ok(policies) => told.push_str(&format!("{policies:?}")),
                Err(errors) => told.push_str(&format!("{errors:?}")),
            }
        }
        Err(errors) => told.push_str(&format!("{errors:?}")),
    }
    let mut reader = Reader::new("x.cfg");
    for line in text.lines() {
        if let Err(error) = reader.line(line) {
            told.push_str(&format!("{error}{:?}", error.caret()));
        }
    }
    (status, told)
}

/// A command and everything that can be wrong with it: words that are missing, misspelt, too many, in two parts, on two lines.
fn spoiled(command: &str) -> BTreeSet<String> {
    let words: Vec<&str> = command.split(' ').collect();
    let secret = words.iter().position(|word| ["@", "#"].contains(word)).unwrap();
    let secret_word = words[secret];
    let mut all = BTreeSet::from([command.to_owned()]);
    let mut add = |words: &[&str]| all.insert(words.join(" "));
    for at in 0..words.len() {
        let mut without = words.clone();
        without.remove(at);
        add(&without);
        add(&words[..=at]);
        let misspelt = format!("{}x", words[at]);
        let mut typo = words.clone();
        typo[at] = &misspelt;
        add(&typo);
    }
    for at in secret..=words.len() {
        for more in [secret_word, "\"", "0", "address", "one two"] {
            let mut longer = words.clone();
            longer.insert(at, more);
            add(&longer);
        }
    }
    for at in 1..=secret {
        let two = format!("{}\n{}", words[..at].join(" "), words[at..].join(" "));
        if at == secret {
            all.insert(two);
        }
    }
    let parts = [
        format!("{secret_word} {secret_word}"),
        format!("\"{secret_word} {secret_word}\""),
        format!("{secret_word}\t{secret_word}"),
    ];
    for part in &parts {
        all.insert(command.replacen(secret_word, part, 1));
    }
    // A secret at the beginning of a line, after nothing that announces one, is a word like any other.
    all.retain(|line| !line.starts_with('@'));
    all
}

#[test]
fn t134_no_part_of_a_line_with_a_secret_is_repeated() {
    let (mut right, mut wrong) = (0, 0);
    for (mode, command) in COMMANDS {
        for line in spoiled(command) {
            for mode in [*mode, ""] {
                for spelling in
                    [line.clone(), line.to_uppercase(), format!("{line} \u{e9}"), format!("{line} \u{1}")]
                {
                    let text = format!("{mode}\n {spelling}\n").replace('@', CANARY).replace('#', HEX);
                    let (status, told) = told(&text);
                    let told = told.to_uppercase();
                    for secret in [CANARY, HEX] {
                        assert!(!told.contains(&secret.to_uppercase()), "{text}\n{told}");
                    }
                    (right, wrong) =
                        (right + usize::from(status == FINE), wrong + usize::from(status == WRONG));
                }
            }
        }
    }
    assert!(right > 20 && wrong > 1000, "{right} {wrong}");
}

/// The mistake is named by its place and by what was expected there, whatever the length of what is hidden.
#[test]
fn t134_a_mistake_behind_a_secret_is_named_by_its_place() {
    for secret in ["a", "a-very-long-secret-that-nobody-guesses"] {
        let error = &ios::parse("x.cfg", &format!("crypto isakmp key {secret} words address 1.2.3.4"))
            .unwrap_err()[0];
        let column = 20 + secret.len();
        assert_eq!(
            error.to_string(),
            format!("x.cfg:1:{column}: unknown word '***'; accepted here: address, hostname")
        );
        assert!(error.caret().unwrap().starts_with("crypto isakmp key ***\n"), "{:?}", error.caret());
    }
    let warned = |key: &str| {
        told(&format!(
            "crypto isakmp policy 1\n authentication pre-share\ncrypto isakmp key {key} address 1.2.3.4\n"
        ))
        .1
    };
    assert_eq!(warned("short"), warned("shorter"));
}

/// The printed configuration holds all of them: it configures the same again.
#[test]
fn t134_the_printed_configuration_alone_has_the_secrets() {
    let text = "enable secret 5 @\nenable password @\nusername a password 0 @\nversion 11.3\ncrypto isakmp policy 1\n authentication pre-share\n\
         crypto isakmp key @ address 1.2.3.4\nline vty 0 4\n password @\n"
        .replace('@', CANARY);
    let config = ios::parse("x.cfg", &text).unwrap();
    let (status, told) = told(&text);
    assert_eq!((status, told.contains(CANARY)), (FINE, false), "{told}");
    assert_eq!(ios::print(&config).matches(CANARY).count(), 5);
}
