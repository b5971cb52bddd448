//! What can be wrong with a configuration, with the position of the word that is to blame.

use core::fmt;

/// An error in a configuration. `Display` gives `file:line:column: reason`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {kind}")]
pub struct ConfigError {
    /// The file as the caller named it.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column of the word that is to blame, from 1, counted in characters; one past the end of a line that is
    /// too short.
    pub column: u32,
    /// What is wrong.
    pub kind: ErrorKind,
    /// The line up to the end of that word, secrets masked; empty when the error was found after reading.
    pub excerpt: String,
}

impl ConfigError {
    /// The text is not UTF-8; `before` is what precedes the first wrong octet.
    pub(crate) fn encoding(file: &str, before: &str) -> Self {
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).saturating_add(1);
        let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count());
        Self {
            file: file.to_owned(),
            line: count(before.matches('\n').count()),
            column: count(column),
            kind: ErrorKind::Invalid("not UTF-8".to_owned()),
            excerpt: String::new(),
        }
    }

    /// Two lines that show where the error is: the line as far as it was read, and a caret below the word, as IOS
    /// does it. `None` when the error was found after reading.
    pub fn caret(&self) -> Option<String> {
        if self.excerpt.is_empty() {
            return None;
        }
        let width = usize::try_from(self.column)
            .unwrap_or(usize::MAX)
            .min(self.excerpt.chars().count().saturating_add(1));
        Some(format!("{}\n{:>width$}", self.excerpt, "^"))
    }
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The first word of a line begins no command.
    #[error("unknown command '{word}'; accepted here: {}", list(accepted))]
    UnknownCommand {
        /// The word, made printable.
        word: String,
        /// What may stand there.
        accepted: Vec<String>,
    },
    /// A later word is not one of those that may follow.
    #[error("unknown word '{word}'; accepted here: {}", list(accepted))]
    UnknownWord {
        /// The word, made printable.
        word: String,
        /// What may stand there.
        accepted: Vec<String>,
    },
    /// An abbreviation of several words.
    #[error("'{word}' is ambiguous; it could be: {}", list(candidates))]
    Ambiguous {
        /// The abbreviation.
        word: String,
        /// What it could mean.
        candidates: Vec<String>,
    },
    /// The line ends too early.
    #[error("the line is incomplete; accepted here: {}", list(accepted))]
    Incomplete {
        /// What may follow.
        accepted: Vec<String>,
    },
    /// The words are well formed but make no sense together.
    #[error("{0}")]
    Invalid(String),
    /// Well said, but not something that this gateway can run.
    #[error("{0}")]
    Refused(Refusal),
}

impl ErrorKind {
    /// The same without the words that were read.
    pub(crate) fn without_words(mut self) -> Self {
        if let Self::UnknownCommand { word, .. }
        | Self::UnknownWord { word, .. }
        | Self::Ambiguous { word, .. } = &mut self
        {
            HIDDEN.clone_into(word);
        }
        self
    }

    /// What may stand at the position, for context help; empty where that is not the question.
    pub fn accepted(&self) -> &[String] {
        match self {
            Self::UnknownCommand { accepted, .. }
            | Self::UnknownWord { accepted, .. }
            | Self::Incomplete { accepted } => accepted,
            Self::Ambiguous { candidates, .. } => candidates,
            Self::Invalid(_) | Self::Refused(_) => &[],
        }
    }
}

/// Why a configuration that reads well does not run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// A policy asks for RSA.
    #[error("authentication {0} is read but does not run yet; use: authentication pre-share")]
    Authentication(&'static str),
    /// There is a map to negotiate for and nothing to negotiate with.
    #[error(
        "no isakmp policy can be used for this map: the default suite authenticates by rsa-sig, which does not run yet; \
         add: crypto isakmp policy 1, authentication pre-share"
    )]
    NoUsablePolicy,
    /// A map is to negotiate while `no crypto isakmp enable` is said.
    #[error("this map negotiates, but 'no crypto isakmp enable' is configured")]
    IsakmpDisabled,
    /// A transform of before RFC 2401.
    #[error(
        "transform {0} is read but does not run: it has no sequence numbers and cannot be negotiated by RFC 2407"
    )]
    OldTransform(&'static str),
    /// An entry of a map that is read and translated; routers do not run it.
    #[error("{0} is read but does not run yet")]
    NotYet(&'static str),
    /// `esp-null` without an ESP authenticator.
    #[error(
        "esp-null without an ESP authenticator protects nothing: add one, esp-null esp-sha256-hmac for example"
    )]
    NoProtection,
    /// `initialization-vector size 4`.
    #[error("an initialization vector of 4 octets belongs to esp-rfc1829, which does not run")]
    IvSize,
    /// A name that nothing defines.
    #[error("{what} '{name}' is not defined")]
    Undefined {
        /// What kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// A line that an entry needs is missing.
    #[error("crypto map {map} {sequence} is incomplete: '{missing}' is missing")]
    IncompleteEntry {
        /// The map.
        map: String,
        /// The entry.
        sequence: u16,
        /// The command.
        missing: &'static str,
    },
    /// The transform sets of one entry disagree about the mode.
    #[error("the transform sets of one entry must agree: one says mode transport, another mode tunnel")]
    MixedModes,
    /// A wildcard that is not a prefix.
    #[error(
        "wildcard {0} has holes: a crypto map's access list takes prefixes only, which is all that IKE can say (RFC 2407 4.6.2)"
    )]
    WildcardHoles(core::net::Ipv4Addr),
    /// A port condition that is not one port.
    #[error(
        "a permit line of a crypto map's access list takes 'eq' or no port: IKE can name one port, not a range (RFC 2407 4.6.2)"
    )]
    PortRange,
    /// A standard list under `match address`.
    #[error("access list {0} is a standard list; a crypto map needs an extended one")]
    StandardList(String),
    /// An access list that protects nothing.
    #[error("access list {0} has no permit line: nothing would ever be protected")]
    NothingPermitted(String),
    /// A peer's name that `ip host` does not know.
    #[error("peer '{0}' has no address: add an 'ip host' line")]
    Unresolved(String),
    /// An interface that carries a map and has no address.
    #[error("interface {interface} has no {family} address, which the map's local end needs")]
    NoLocalAddress {
        /// The interface.
        interface: String,
        /// `IPv4` or `IPv6`.
        family: &'static str,
    },
    /// `crypto isakmp identity hostname` without `hostname`.
    #[error("'crypto isakmp identity hostname' needs a 'hostname' line")]
    NoHostname,
    /// A manual entry whose keys do not fit its transforms.
    #[error("manual keys: {0}")]
    ManualKey(String),
    /// `ipsec-manual` with a combined or counter cipher.
    #[error(
        "{0} with manual keys is refused: after a restart it would use its counter again under the same key"
    )]
    ManualCounter(&'static str),
    /// A map that leads to itself, or a feature that has no meaning in its place.
    #[error("'{0}' has no meaning here")]
    OutOfPlace(&'static str),
}

/// Stands for what is not shown, whatever its length.
pub(crate) const HIDDEN: &str = "***";

/// At most so many characters of a word are repeated in a message.
const MAX_SHOWN: usize = 40;

/// A word as a message may show it: control characters and everything beyond ASCII escaped, cut to a length.
pub(crate) fn shown(word: &str) -> String {
    let mut out: String = word.chars().take(MAX_SHOWN).flat_map(char::escape_default).collect();
    if word.chars().nth(MAX_SHOWN).is_some() {
        out.push_str("...");
    }
    out
}

fn list(words: &[String]) -> impl fmt::Display + use<'_> {
    struct List<'a>(&'a [String]);
    impl fmt::Display for List<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            for (index, word) in self.0.iter().enumerate() {
                let comma = if index == 0 { "" } else { ", " };
                write!(f, "{comma}{word}")?;
            }
            Ok(())
        }
    }
    List(words)
}
