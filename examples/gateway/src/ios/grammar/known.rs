//! Commands that are known and have no effect here, as a table; `docs/configuration.md` lists the same forms.
//!
//! A form is a row of words: lower-case words are keywords (abbreviations accepted), `a|b` is a choice, `WORD`,
//! `NUMBER` and `A.B.C.D` are parameters, `SECRET` is a word that no message repeats, `LINE` is the rest of the line,
//! `...` any number of words, `[x]` may be left out.
//!
//! Only what cannot change who may talk to whom stands here. A command that filters, translates or re-routes packets
//! must be an error as long as it has no effect.

use std::collections::BTreeSet;

use super::super::lexer::{Fault, Words, abbreviates};
use super::super::model::Section;

/// One row.
pub(crate) struct Known {
    /// The form.
    pub(crate) form: &'static str,
    /// Its place when printed.
    pub(crate) section: Section,
}

const fn row(section: Section, form: &'static str) -> Known {
    Known { form, section }
}

/// In global mode.
pub(crate) const GLOBAL: &[Known] = &[
    row(Section::Service, "[no] service password-encryption"),
    row(Section::FirstService, "[no] service pad"),
    row(Section::Service, "[no] service udp-small-servers"),
    row(Section::Service, "[no] service tcp-small-servers"),
    row(Section::Service, "[no] service config"),
    row(Section::Service, "[no] service finger"),
    row(Section::Service, "[no] service dhcp"),
    row(Section::Service, "[no] service sequence-numbers"),
    row(Section::Service, "[no] service tcp-keepalives-in"),
    row(Section::Service, "[no] service tcp-keepalives-out"),
    row(Section::Account, "enable secret|password SECRET [SECRET]"),
    row(Section::Account, "username WORD password SECRET [SECRET]"),
    row(Section::Account, "username WORD secret SECRET [SECRET]"),
    row(Section::Account, "[no] boot ..."),
    row(Section::Account, "[no] logging ..."),
    row(Section::Account, "[no] clock timezone|summer-time ..."),
    row(Section::Account, "memory-size iomem NUMBER"),
    row(Section::IpGlobal, "[no] ip subnet-zero"),
    row(Section::IpGlobal, "[no] ip cef"),
    row(Section::IpGlobal, "[no] ip finger"),
    row(Section::IpGlobal, "[no] ip source-route"),
    row(Section::IpGlobal, "[no] ip bootp server"),
    row(Section::Link, "isdn switch-type WORD"),
    row(Section::Hardware, "hub ether|ethernet NUMBER NUMBER [NUMBER]"),
    row(Section::IpRouting, "ip default-gateway A.B.C.D"),
    row(Section::IpRouting, "[no] ip classless"),
    row(Section::IpRouting, "[no] ip http server|secure-server"),
    row(Section::Tail, "dialer-list NUMBER protocol WORD permit|deny"),
    row(Section::Tail, "[no] snmp-server ..."),
    row(Section::Tail, "[no] cdp run"),
    row(Section::Line, "line console|aux NUMBER"),
    row(Section::Line, "line vty NUMBER [NUMBER]"),
    row(Section::Line, "line NUMBER [NUMBER]"),
    row(Section::Last, "[no] scheduler ..."),
    row(Section::Last, "[no] ntp ..."),
];

/// Inside `interface`.
pub(crate) const INTERFACE: &[Known] = &[
    row(Section::Interface, "[no] ip route-cache [cef|flow|same-interface]"),
    row(Section::Interface, "[no] ip mroute-cache"),
    row(Section::Interface, "[no] ip directed-broadcast"),
    row(Section::Interface, "[no] ip proxy-arp"),
    row(Section::Interface, "[no] ip redirects"),
    row(Section::Interface, "[no] ip unreachables"),
    row(Section::Interface, "[no] ip mask-reply"),
    row(Section::Interface, "encapsulation WORD"),
    row(Section::Interface, "[no] bandwidth NUMBER"),
    row(Section::Interface, "delay NUMBER"),
    row(Section::Interface, "[no] keepalive [NUMBER]"),
    row(Section::Interface, "load-interval NUMBER"),
    row(Section::Interface, "clockrate NUMBER"),
    row(Section::Interface, "clock rate NUMBER"),
    row(Section::Interface, "duplex auto|full|half"),
    row(Section::Interface, "speed auto|10|100|1000"),
    row(Section::Interface, "media-type WORD"),
    row(Section::Interface, "[no] negotiation auto"),
    row(Section::Interface, "[no] fair-queue ..."),
    row(Section::Interface, "[no] cdp enable"),
    row(Section::Interface, "[no] logging event WORD"),
    row(Section::Interface, "hold-queue NUMBER in|out"),
    row(Section::Interface, "dialer idle-timeout NUMBER"),
    row(Section::Interface, "dialer hold-queue NUMBER"),
    row(Section::Interface, "dialer map ip A.B.C.D ..."),
    row(Section::Interface, "dialer string WORD"),
    row(Section::Interface, "dialer-group NUMBER"),
    row(Section::Interface, "isdn spid1|spid2 WORD [WORD]"),
    row(Section::Interface, "isdn switch-type WORD"),
    row(Section::Interface, "ppp authentication chap|pap ..."),
    row(Section::Interface, "[no] ppp multilink"),
];

/// Inside `hub`.
pub(crate) const HUB: &[Known] = &[
    row(Section::Hardware, "[no] link-test"),
    row(Section::Hardware, "[no] auto-polarity"),
    row(Section::Hardware, "[no] shutdown"),
];

/// Inside `line`.
pub(crate) const LINE: &[Known] = &[
    row(Section::Line, "[no] login [local]"),
    row(Section::Line, "password SECRET [SECRET]"),
    row(Section::Line, "exec-timeout NUMBER [NUMBER]"),
    row(Section::Line, "[no] exec"),
    row(Section::Line, "logging synchronous"),
    row(Section::Line, "transport input|output|preferred WORD ..."),
    row(Section::Line, "modem WORD"),
    row(Section::Line, "speed NUMBER"),
    row(Section::Line, "stopbits NUMBER"),
    row(Section::Line, "flowcontrol none|software|hardware [in|out]"),
    row(Section::Line, "autoselect WORD"),
    row(Section::Line, "length NUMBER"),
    row(Section::Line, "width NUMBER"),
    row(Section::Line, "privilege level NUMBER"),
];

/// Every form, with the mode that it belongs to: a line that opens the mode, or nothing for global mode.
pub(crate) fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    let tables =
        [("", GLOBAL), ("interface Ethernet0", INTERFACE), ("hub ether 0 1", HUB), ("line vty 0 4", LINE)];
    tables.into_iter().flat_map(|(mode, table)| table.iter().map(move |known| (mode, known.form)))
}

/// Rows under which a form has been narrowed down, with what of it remains.
type State<'t> = (&'t Known, &'static str);

/// Reads the whole line by one of the rows.
pub(crate) fn read(table: &'static [Known], words: &mut Words<'_>) -> Result<&'static Known, Fault> {
    let texts = words.texts();
    let mut states: Vec<State<'static>> = table.iter().map(|known| (known, known.form)).collect();
    for (index, text) in texts.iter().enumerate() {
        match step(&states, text) {
            Ok((next, secret)) if !next.is_empty() => {
                if secret {
                    words.mask_at(index);
                }
                states = next;
            }
            Ok(_) => return Err(words.at(index).unexpected(&firsts(&states))),
            Err(several) => return Err(words.at(index).ambiguous(&several)),
        }
    }
    let complete = states.iter().find(|(_, rest)| all_optional(rest));
    match complete {
        Some((known, _)) => Ok(known),
        None => Err(words.at(texts.len()).unexpected(&firsts(&states))),
    }
}

/// Keywords that may follow `read` in some row.
pub(crate) fn keywords_after(table: &'static [Known], read: &[&str]) -> Vec<&'static str> {
    let mut states: Vec<State<'static>> = table.iter().map(|known| (known, known.form)).collect();
    for word in read {
        match step(&states, word) {
            Ok((next, _)) => states = next,
            Err(_) => return Vec::new(),
        }
    }
    let tokens = states.iter().flat_map(|(_, rest)| heads(rest));
    let words: BTreeSet<_> =
        tokens.filter(|(token, _)| is_keyword(token)).flat_map(|(token, _)| token.split('|')).collect();
    words.into_iter().collect()
}

/// Rows that are left after `word`, and whether it stood for a secret; or the keywords that it abbreviates.
fn step(states: &[State<'static>], word: &str) -> Result<(Vec<State<'static>>, bool), Vec<&'static str>> {
    let mut exact = Vec::new();
    let mut abbreviated = Vec::new();
    let mut names = BTreeSet::new();
    let mut parameters = Vec::new();
    let mut secret = false;
    for &(known, rest) in states {
        for (token, after) in heads(rest) {
            if is_keyword(token) {
                let choices = || token.split('|');
                if choices().any(|name| name.eq_ignore_ascii_case(word)) {
                    exact.push((known, after));
                } else {
                    let found: Vec<_> = choices().filter(|name| abbreviates(word, name)).collect();
                    if !found.is_empty() {
                        names.extend(found);
                        abbreviated.push((known, after));
                    }
                }
            } else if fits(token, word) {
                secret |= token == "SECRET";
                // `LINE` and `...` take every further word as well.
                parameters.push((known, if matches!(token, "LINE" | "...") { "..." } else { after }));
            }
        }
    }
    if !exact.is_empty() {
        return Ok((exact, false));
    }
    match names.len() {
        0 => Ok((parameters, secret)),
        1 => Ok((abbreviated, false)),
        _ => Err(names.into_iter().collect()),
    }
}

/// The tokens that can come first in `form`, each with what follows it: more than one where a token may be left out.
fn heads(form: &'static str) -> Vec<(&'static str, &'static str)> {
    let mut out = Vec::new();
    let mut rest = form;
    while !rest.is_empty() {
        let (token, after) = rest.split_once(' ').unwrap_or((rest, ""));
        match token.strip_prefix('[').and_then(|token| token.strip_suffix(']')) {
            Some(inner) => out.push((inner, after)),
            None => {
                out.push((token, after));
                if token != "..." {
                    break;
                }
            }
        }
        rest = after;
    }
    out
}

fn firsts(states: &[State<'static>]) -> Vec<&'static str> {
    let tokens = states.iter().flat_map(|(_, rest)| heads(rest)).map(|(token, _)| token);
    let mut out: Vec<_> = tokens
        .flat_map(|token| token.split('|'))
        .map(|token| if token == "..." { "WORD" } else { token })
        .collect();
    if states.iter().any(|(_, rest)| all_optional(rest)) {
        out.push(super::super::lexer::END);
    }
    out
}

fn all_optional(form: &str) -> bool {
    form.split_whitespace().all(|token| token == "..." || token.starts_with('['))
}

fn is_keyword(token: &str) -> bool {
    !matches!(token, "WORD" | "NUMBER" | "A.B.C.D" | "SECRET" | "LINE" | "...")
}

fn fits(token: &str, word: &str) -> bool {
    match token {
        "NUMBER" => word.parse::<u32>().is_ok() && word.bytes().all(|octet| octet.is_ascii_digit()),
        "A.B.C.D" => word.parse::<core::net::Ipv4Addr>().is_ok(),
        _ => true,
    }
}
