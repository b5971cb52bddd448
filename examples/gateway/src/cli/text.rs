//! Text of a peer on its way to a terminal or a log.

/// Characters of a peer's text that are shown; the longest domain name has 255.
const MOST: usize = 255;

/// `text` as it may be printed: one line, visible ASCII and blanks, at most 255 characters.
///
/// Whatever could move a cursor, break a line or change the direction of writing is shown by its number.
#[must_use]
pub fn printable(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars() {
        let shown = if character == ' ' || character.is_ascii_graphic() {
            character.to_string()
        } else {
            format!("\\u{{{:x}}}", u32::from(character))
        };
        if out.len().saturating_add(shown.len()) > MOST {
            out.push_str("...");
            break;
        }
        out.push_str(&shown);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn t137_peer_text_stays_on_one_line_and_moves_nothing() {
        let cases = [
            ("wan2516.cisco.com", "wan2516.cisco.com"),
            ("x\n%CRYPTO-6-IKMP_MODE_FAILURE: no", "x\\u{a}%CRYPTO-6-IKMP_MODE_FAILURE: no"),
            ("\u{1b}]0;title\u{7}", "\\u{1b}]0;title\\u{7}"),
            ("$(id) %n", "$(id) %n"),
            ("a\u{202e}b", "a\\u{202e}b"),
            ("\0", "\\u{0}"),
        ];
        for (text, shown) in cases {
            assert_eq!(printable(text), shown);
        }
        assert_eq!(printable(&"a".repeat(300)).len(), 258);
        assert!(printable(&"\u{7}".repeat(300)).len() <= 258);
    }
}
