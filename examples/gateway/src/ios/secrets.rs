//! From which word on a line may hold a secret, whether or not it is well formed.
//!
//! A reading of the line cannot tell: it ends at the first mistake, and the mistake may be that a secret has two words, that
//! a keyword before it was left out or that one is misspelt. So this looks at the words alone, and rather hides too much.

use super::lexer::abbreviates;

/// Words after which a secret stands, in any command of any release.
const ANNOUNCING: &[&str] = &[
    "authentication-key",
    "authenticator",
    "cipher",
    "community",
    "key",
    "key-string",
    "md5",
    "password",
    "pre-shared-key",
    "secret",
    "session-key",
];

/// What may follow `crypto isakmp` beside a key. Anything else there may be a key whose keyword was left out.
const ISAKMP: &[&str] = &[
    "aggressive-mode",
    "client",
    "enable",
    "fragmentation",
    "identity",
    "invalid-spi-recovery",
    "keepalive",
    "nat",
    "policy",
    "profile",
];

/// What may follow `crypto key`, which is about key pairs. Anything else there may be a key after a forgotten `isakmp`.
const KEY_PAIRS: &[&str] = &["exchange", "generate", "pubkey-chain", "zeroize"];

/// What may follow `set` beside keys.
const SET: &[&str] = &["ip", "peer", "pfs", "security-association", "transform-proposal", "transform-set"];

/// The index of the first word of a line that may be a secret or come after one.
pub(super) fn first(words: &[&str]) -> Option<usize> {
    let no = usize::from(words.first().is_some_and(|word| word.eq_ignore_ascii_case("no")));
    let word = |index: usize| words.get(no.saturating_add(index)).copied().unwrap_or_default();
    let is = |index, name, least| word(index).len() >= least && abbreviates(word(index), name);
    let known = |index, names: &[&str]| names.iter().any(|name| abbreviates(word(index), name));
    let from = |index: usize| no.saturating_add(index);
    let public_key = is(0, "crypto", 2) && is(1, "key", 1);
    let by_word = words.iter().enumerate().position(|(index, word)| {
        let announces = ANNOUNCING.iter().any(|name| name.eq_ignore_ascii_case(word));
        announces && !(public_key && index == from(1))
    });
    let isakmp = is(0, "crypto", 2) && is(1, "isakmp", 2);
    let second = is(0, "enable", 2)
        || is(0, "set", 3) && !known(1, SET)
        || ["password", "key-string"].iter().any(|name| is(0, name, 4));
    let third = is(0, "username", 4)
        || isakmp && !is(2, "key", 1) && !known(2, ISAKMP)
        || public_key && !known(2, KEY_PAIRS);
    let fourth = isakmp && is(2, "key", 1);
    let places = [(second, 1), (third, 2), (fourth, 3)];
    let by_place = places.into_iter().find(|(may, _)| *may).map(|(_, index)| from(index));
    let by_word = by_word.map(|index| index.saturating_add(1));
    [by_word, by_place].into_iter().flatten().min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_secret_begins_behind_the_last_keyword() {
        let at = |line: &str| first(&line.split(' ').collect::<Vec<_>>());
        for (line, index) in [
            ("crypto isakmp key X address 1.2.3.4", Some(3)),
            ("crypto isakmp X address 1.2.3.4", Some(2)),
            ("no cry is k X address 1.2.3.4", Some(4)),
            ("crypto isakmp policy 10", None),
            ("crypto key pubkey-chain rsa", None),
            ("crypto key X address 1.2.3.4", Some(2)),
            ("crypto ipsec transform-set t esp-des", None),
            ("set session-key inbound ah 256 X", Some(1)),
            ("set peer 1.2.3.4", None),
            ("username a password 0 X", Some(2)),
            ("enable X", Some(1)),
            ("encapsulation ppp", None),
            ("line vty 0 4", None),
            ("tacacs-server key X", Some(2)),
            ("ip ospf message-digest-key 1 md5 X", Some(5)),
        ] {
            assert_eq!(at(line), index, "{line}");
        }
    }
}
