//! The document's transcript, and the comparison of a router's lines with a scene of it.
//!
//! The comparison is exact: every line, in order, nothing missing and nothing between. Only what a run draws or counts for
//! itself is replaced, each value by one name wherever it stands: the time, connection ids, message ids other than 0, SPIs.
//! A value that is not written as the document writes it is left, and differs.

use std::collections::BTreeMap;

const TRANSCRIPT: &str = include_str!("../data/debug-preshare.log");
const MENDS: &str = include_str!("../data/debug-preshare.mends");

/// The lines of the scene with this heading, as they stood on the router's screen: without the report's rules and the
/// router's prompts, and mended where its printing had spoiled them.
pub(crate) fn scene(title: &str) -> Vec<String> {
    let mut inside = false;
    let mut out = Vec::new();
    for line in mended().lines() {
        if line.starts_with("-----") {
            inside = line.contains(title) || inside && line.chars().all(|c| c == '-');
        } else if inside && !line.starts_with("wan2511#") {
            out.push(line.to_owned());
        }
    }
    assert!(!out.is_empty(), "no scene {title}");
    out
}

fn mended() -> String {
    let mut text = TRANSCRIPT.to_owned();
    for line in MENDS.lines().filter(|line| !line.starts_with('#')) {
        let [_reason, printed, was] = line.split('|').collect::<Vec<_>>()[..] else { panic!("{line}") };
        assert!(text.contains(printed), "{line}");
        text = text.replace(printed, was);
    }
    text
}

/// Whether a router's lines are those of the scene. Blanks are folded, because the report lost them.
pub(crate) fn compare(scene: &[String], ours: &[String]) -> Result<(), String> {
    let ours: Vec<String> = ours.iter().flat_map(|line| line.split('\n')).map(str::to_owned).collect();
    let (scene, ours) = (mask(scene), mask(&ours));
    let none = "(nothing)".to_owned();
    for at in 0..scene.len().max(ours.len()) {
        let (theirs, own) = (scene.get(at).unwrap_or(&none), ours.get(at).unwrap_or(&none));
        if theirs != own {
            return Err(format!("line {at}:\n  document: {theirs}\n  ours:     {own}"));
        }
    }
    Ok(())
}

/// Names for values, one for each in the order in which they come.
#[derive(Default)]
struct Names(BTreeMap<(&'static str, u32), usize>);

impl Names {
    fn of(&mut self, kind: &'static str, value: u32) -> String {
        let next = self.0.keys().filter(|(of, _)| *of == kind).count() + 1;
        format!("{kind}-{}", self.0.entry((kind, value)).or_insert(next))
    }
}

/// The lines with names for what differs from run to run.
pub(crate) fn mask(lines: &[String]) -> Vec<String> {
    let mut names = Names::default();
    lines.iter().map(|line| masked(line, &mut names)).collect()
}

fn masked(line: &str, names: &mut Names) -> String {
    let (mut out, rest) = match stamp(line) {
        Some((_, rest)) => (vec!["TIME:".to_owned()], rest),
        None => (Vec::new(), line),
    };
    let words: Vec<&str> = rest.split_whitespace().collect();
    for (at, word) in words.iter().enumerate() {
        let before = |back: usize| at.checked_sub(back).map_or("", |place| words[place]);
        let value = word.trim_end_matches([',', ')', ':']).trim_start_matches('(');
        let name = match [before(2), before(1)] {
            [_, "ISAKMP"] => decimal(value).map(|id| names.of("connection", id)),
            [_, "conn_id" | "conn_id=" | "sa_conn_id="] | ["conn_id", "="] => {
                decimal(value).map(|id| names.of("connection", id))
            }
            ["ID", "="] => signed(value).map(|id| names.of("message", id)),
            [_, "spi"] => decimal(value).map(|spi| names.of("spi", spi)),
            [_, "spi=" | "sa_spi="] => {
                let value = word.trim_end_matches(',');
                both_ways(value).map(|spi| names.of("spi", spi))
            }
            _ => None,
        };
        let shown = if [before(1)].iter().any(|word| matches!(*word, "spi=" | "sa_spi=")) {
            word.trim_end_matches(',')
        } else {
            value
        };
        out.push(name.map_or_else(|| (*word).to_owned(), |name| word.replacen(shown, &name, 1)));
    }
    out.join(" ")
}

/// The time before a line, in thousandths of a second of its day, and the line. The day of the month is padded on the
/// screen; the report lost the blank.
pub(crate) fn stamp(line: &str) -> Option<(u64, &str)> {
    let rest = line.strip_prefix("*Mar  1 ").or_else(|| line.strip_prefix("*Mar 1 "))?;
    let (time, rest) = rest.split_once(": ")?;
    let form: String = time.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
    let number =
        |range: core::ops::Range<usize>| time.get(range).and_then(|digits| digits.parse::<u64>().ok());
    let (hours, minutes, seconds) = (number(0..2)?, number(3..5)?, number(6..8)?);
    (form == "99:99:99.999")
        .then_some((((hours * 60 + minutes) * 60 + seconds) * 1000 + number(9..12)?, rest))
}

/// A number other than 0, without sign or leading zeros.
fn decimal(text: &str) -> Option<u32> {
    text.parse().ok().filter(|value: &u32| *value != 0 && value.to_string() == text)
}

/// A message id as the routers print it: 32 bits with a sign.
fn signed(text: &str) -> Option<u32> {
    let value = text.parse::<i32>().ok().filter(|value| *value != 0 && value.to_string() == text)?;
    Some(value.cast_unsigned())
}

/// An SPI as `0xHEX(DECIMAL)`, the same both ways.
fn both_ways(text: &str) -> Option<u32> {
    let (hex, rest) = text.strip_prefix("0x")?.split_once('(')?;
    let value = decimal(rest.strip_suffix(')')?)?;
    (format!("{value:X}") == hex).then_some(value)
}

#[test]
fn only_time_connection_message_and_spi_are_masked() {
    let lines = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
    let document = lines(&[
        "*Mar 1 00:34:06.151: ISAKMP (17): processing SA payload. message ID = -1357683133",
        "*Mar 1 00:07:25.647: has spi 85067251 and conn_id 3 and flags 4",
        "spi= 0x512070D, conn_id= 0, keysize= 0, flags= 0x4",
        "spi= 0x51205F3(85067251), conn_id= 3, keysize= 0, flags= 0x4",
    ]);
    assert_eq!(
        mask(&document),
        [
            "TIME: ISAKMP (connection-1): processing SA payload. message ID = message-1",
            "TIME: has spi spi-1 and conn_id connection-2 and flags 4",
            "spi= 0x512070D, conn_id= 0, keysize= 0, flags= 0x4",
            "spi= spi-1, conn_id= connection-2, keysize= 0, flags= 0x4",
        ]
    );
    // A pair of the document's.
    assert_eq!(both_ways("0xC22209E(203563166)"), Some(203_563_166));
    assert_eq!(both_ways("0xC22209F(203563166)"), None);
    assert_eq!(both_ways("0xc22209e(203563166)"), None);
    assert_eq!(
        (signed("2937284163"), signed("-1357683133"), signed("+5"), signed("0")),
        (None, Some(2_937_284_163), None, None)
    );
    assert_eq!(
        (stamp("00:00:01: x"), stamp("*Mar 2 00:00:00.000: x"), stamp("*Mar 1 00:00:00: x")),
        (None, None, None)
    );
}
