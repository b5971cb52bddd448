//! Lines and words: where each word stands, what may stand there, and IOS's abbreviations.

use core::ops::{Range, RangeInclusive};
use core::str::FromStr;

use super::error::{ConfigError, ErrorKind, HIDDEN, shown};
use super::grammar::known::{self, Known};
use super::model::{ConfigSecret, Located, Origin};
use super::secrets;

/// What stands for the end of a line in a list of what is accepted.
pub(crate) const END: &str = "<end of line>";

/// One word of a line.
#[derive(Clone, Copy)]
pub(crate) struct Word<'a> {
    pub(crate) text: &'a str,
    /// First octet of the word in its line.
    offset: usize,
}

/// An error inside a line, before it is known which file and line that is.
#[derive(Debug)]
pub(crate) struct Fault {
    /// Octet of the line where the word to blame starts.
    offset: usize,
    /// Octet where it ends.
    end: usize,
    pub(crate) kind: ErrorKind,
}

impl Fault {
    /// Adds a form to what would have been accepted.
    pub(crate) fn also(mut self, form: &str) -> Self {
        if let ErrorKind::UnknownCommand { accepted, .. }
        | ErrorKind::UnknownWord { accepted, .. }
        | ErrorKind::Incomplete { accepted } = &mut self.kind
        {
            accepted.push(form.to_owned());
            accepted.sort();
        }
        self
    }

    /// The one of two readings of a line that came farther; what either would have accepted is kept on a tie.
    pub(crate) fn farther(self, other: Self) -> Self {
        if other.offset != self.offset {
            return if other.offset > self.offset { other } else { self };
        }
        let mut best = self;
        if let ErrorKind::UnknownCommand { accepted, .. }
        | ErrorKind::UnknownWord { accepted, .. }
        | ErrorKind::Incomplete { accepted } = &mut best.kind
        {
            accepted.extend(other.kind.accepted().iter().cloned());
            accepted.sort();
            accepted.dedup();
        }
        best
    }
}

/// The words of one line and how far they were read. A command reads them from left to right; each reading method
/// says, when it fails, what would have been accepted.
#[derive(Clone)]
pub(crate) struct Words<'a> {
    raw: &'a str,
    number: u32,
    words: Vec<Word<'a>>,
    next: usize,
    /// The commands without effect of the mode, so that abbreviations are weighed against them as well.
    known: &'static [Known],
    /// Octets that were read as secrets.
    secrets: Vec<Range<usize>>,
    /// First octet that may belong to a secret by the look of the line.
    private: usize,
}

impl<'a> Words<'a> {
    pub(crate) fn new(raw: &'a str, number: u32) -> Self {
        let mut words = Vec::new();
        let mut rest = raw;
        while let Some(start) = rest.find(|c: char| !is_blank(c)) {
            let (_, from) = rest.split_at(start);
            let length = from.find(is_blank).unwrap_or(from.len());
            let (text, after) = from.split_at(length);
            words.push(Word { text, offset: raw.len().saturating_sub(from.len()) });
            rest = after;
        }
        let texts: Vec<&str> = words.iter().map(|word| word.text).collect();
        let private = secrets::first(&texts).and_then(|index| words.get(index)).map(|word| word.offset);
        let private = private.unwrap_or(raw.len());
        Self { raw, number, words, next: 0, known: &[], secrets: Vec::new(), private }
    }

    /// Whether a secret may stand in the line.
    pub(crate) fn may_have_secret(&self) -> bool {
        self.private < self.raw.len() || self.lacks_secret()
    }

    /// Whether the line ends where a secret is to come, or with its type: `enable secret 5`. It may read well so.
    pub(crate) fn lacks_secret(&self) -> bool {
        let texts: Vec<&str> = self.words.iter().map(|word| word.text).collect();
        let is_type = texts.last().is_some_and(|last| matches!(*last, "0" | "5" | "6" | "7"));
        secrets::first(&texts).is_some_and(|from| from >= texts.len() || is_type)
    }

    /// Nothing of the line is ever shown.
    pub(crate) fn all_private(mut self) -> Self {
        self.private = 0;
        self
    }

    pub(crate) fn with_known(mut self, known: &'static [Known]) -> Self {
        self.known = known;
        self
    }

    /// The text of every word that was not read.
    pub(crate) fn texts(&self) -> Vec<&'a str> {
        self.words.iter().skip(self.next).map(|word| word.text).collect()
    }

    pub(crate) fn peek(&self) -> Option<&'a str> {
        self.words.get(self.next).map(|word| word.text)
    }

    /// The word after the next.
    pub(crate) fn peek_second(&self) -> Option<&'a str> {
        self.words.get(self.next.saturating_add(1)).map(|word| word.text)
    }

    /// Where the next word stands.
    pub(crate) fn origin(&self) -> Origin {
        let (offset, _) = self.span();
        Origin { line: self.number, column: self.column(offset) }
    }

    /// Where the line begins.
    pub(crate) fn start(&self) -> Origin {
        let mut first = self.clone();
        first.next = 0;
        first.origin()
    }

    /// The whole line without surrounding white space.
    pub(crate) fn whole(&self) -> &'a str {
        self.raw.trim_matches(is_blank)
    }

    /// Reads one of several keywords; unambiguous abbreviations are accepted, as IOS accepts them.
    pub(crate) fn choose<T: Copy>(&mut self, options: &[(&'static str, T)]) -> Result<T, Fault> {
        let names: Vec<&'static str> = options.iter().map(|&(name, _)| name).collect();
        let Some(word) = self.peek() else {
            return Err(self.unexpected(&names));
        };
        let exact = options.iter().find(|(name, _)| name.eq_ignore_ascii_case(word));
        if let Some(&(_, value)) = exact {
            self.advance();
            return Ok(value);
        }
        let others = self.known_keywords();
        let mut candidates: Vec<&'static str> =
            names.iter().chain(&others).copied().filter(|name| abbreviates(word, name)).collect();
        candidates.sort_unstable();
        candidates.dedup();
        if candidates.iter().any(|name| name.eq_ignore_ascii_case(word)) {
            return Err(self.unexpected(&names));
        }
        match candidates.as_slice() {
            [one] => match options.iter().find(|(name, _)| name == one) {
                Some(&(_, value)) => {
                    self.advance();
                    Ok(value)
                }
                None => Err(self.unexpected(&names)),
            },
            [] => Err(self.unexpected(&names)),
            several => Err(self.ambiguous(several)),
        }
    }

    /// Reads one of several keywords that cannot be abbreviated: `1` is not short for `14`.
    pub(crate) fn exactly<T: Copy>(&mut self, options: &[(&'static str, T)]) -> Result<T, Fault> {
        let word = self.peek();
        let Some(&(_, value)) =
            options.iter().find(|(name, _)| word.is_some_and(|word| name.eq_ignore_ascii_case(word)))
        else {
            let names: Vec<&'static str> = options.iter().map(|&(name, _)| name).collect();
            return Err(self.unexpected(&names));
        };
        self.advance();
        Ok(value)
    }

    /// Reads one keyword.
    pub(crate) fn keyword(&mut self, name: &'static str) -> Result<(), Fault> {
        self.choose(&[(name, ())])
    }

    /// Reads one of several keywords, or nothing at the end of the line.
    pub(crate) fn optional<T: Copy>(&mut self, options: &[(&'static str, T)]) -> Result<Option<T>, Fault> {
        if self.peek().is_none() {
            return Ok(None);
        }
        self.choose(options).map(Some).map_err(|mut fault| {
            if let ErrorKind::UnknownWord { accepted, .. } = &mut fault.kind {
                accepted.push(END.to_owned());
                accepted.sort();
            }
            fault
        })
    }

    /// Reads one of several keywords if the next word is one.
    pub(crate) fn accept<T: Copy>(&mut self, options: &[(&'static str, T)]) -> Option<T> {
        let word = self.peek()?;
        let exact = options.iter().find(|(name, _)| name.eq_ignore_ascii_case(word));
        let mut abbreviated = options.iter().filter(|(name, _)| abbreviates(word, name));
        let found = exact.or_else(|| abbreviated.next().filter(|_| abbreviated.next().is_none()))?;
        self.advance();
        Some(found.1)
    }

    /// Reads a word by `parse`; `form` describes it in messages.
    pub(crate) fn parameter<T>(
        &mut self,
        form: &str,
        parse: impl FnOnce(&'a str) -> Option<T>,
    ) -> Result<T, Fault> {
        match self.peek().and_then(parse) {
            Some(value) => {
                self.advance();
                Ok(value)
            }
            None => Err(self.unexpected(&[form])),
        }
    }

    /// Reads a number within `range`.
    pub(crate) fn number<T>(&mut self, range: RangeInclusive<T>) -> Result<T, Fault>
    where
        T: FromStr + PartialOrd + core::fmt::Display,
    {
        let form = format!("<{}-{}>", range.start(), range.end());
        self.parameter(&form, |word| {
            let digits = word.bytes().all(|octet| octet.is_ascii_digit());
            word.parse().ok().filter(|number| digits && range.contains(number))
        })
    }

    /// Reads any word; `form` describes it in messages.
    pub(crate) fn name(&mut self, form: &str) -> Result<String, Fault> {
        self.parameter(form, |word| Some(word.to_owned()))
    }

    /// Reads any word as a secret, which no message repeats.
    pub(crate) fn secret(&mut self, form: &str) -> Result<ConfigSecret, Fault> {
        self.mask();
        self.parameter(form, |word| Some(ConfigSecret::new(word.as_bytes().to_vec())))
    }

    /// Marks the next word as a secret.
    pub(crate) fn mask(&mut self) {
        self.mask_at(0);
    }

    /// Marks the word `index` after the next as a secret.
    pub(crate) fn mask_at(&mut self, index: usize) {
        let (offset, end) = self.at(index).span();
        self.secrets.push(offset..end);
    }

    /// Takes over what another reading of the same line found to be secret.
    pub(crate) fn share_secrets(&mut self, other: &Words<'_>) {
        self.secrets.extend(other.secrets.iter().cloned());
    }

    /// Reads the rest of the line as it is, at least one word.
    pub(crate) fn rest(&mut self, form: &str) -> Result<String, Fault> {
        let Some(word) = self.words.get(self.next) else {
            return Err(self.unexpected(&[form]));
        };
        let text = self.raw.get(word.offset..).unwrap_or_default().trim_end_matches(is_blank);
        self.next = self.words.len();
        Ok(text.to_owned())
    }

    /// Nothing may follow.
    pub(crate) fn end(&self) -> Result<(), Fault> {
        if self.peek().is_none() { Ok(()) } else { Err(self.unexpected(&[END])) }
    }

    /// Wraps what `read` reads with the position where it started.
    pub(crate) fn located<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Fault>,
    ) -> Result<Located<T>, Fault> {
        let origin = self.origin();
        Ok(Located { value: read(self)?, origin })
    }

    /// The error that the next word is none of `accepted`.
    pub(crate) fn unexpected(&self, accepted: &[&str]) -> Fault {
        let mut accepted: Vec<String> =
            accepted.iter().copied().chain(self.known_keywords()).map(str::to_owned).collect();
        accepted.sort();
        accepted.dedup();
        let kind = match self.peek() {
            None => ErrorKind::Incomplete { accepted },
            Some(word) if self.next == 0 => ErrorKind::UnknownCommand { word: shown(word), accepted },
            Some(word) => ErrorKind::UnknownWord { word: shown(word), accepted },
        };
        self.fault(kind)
    }

    /// An error of meaning at the next word.
    pub(crate) fn invalid(&self, reason: impl Into<String>) -> Fault {
        self.fault(ErrorKind::Invalid(reason.into()))
    }

    /// An error of meaning at the word that was read last.
    pub(crate) fn invalid_before(&self, reason: impl Into<String>) -> Fault {
        let mut back = self.clone();
        back.next = self.next.saturating_sub(1);
        back.invalid(reason)
    }

    pub(crate) fn ambiguous(&self, candidates: &[&str]) -> Fault {
        let word = shown(self.peek().unwrap_or_default());
        let candidates = candidates.iter().map(|&name| name.to_owned()).collect();
        self.fault(ErrorKind::Ambiguous { word, candidates })
    }

    /// The same words, read up to word `index` counted from the next one.
    pub(crate) fn at(&self, index: usize) -> Self {
        let mut ahead = self.clone();
        ahead.next = self.next.saturating_add(index);
        ahead
    }

    /// Attaches file and line to a fault, and the part of the line that a message may show.
    pub(crate) fn locate(&self, fault: Fault, file: &str) -> ConfigError {
        // What follows the word to blame is not shown, and nothing from where a secret may begin: not even its length.
        let read = self.secrets.iter().map(|range| range.start);
        let private = read.fold(self.private, usize::min);
        let hidden = fault.end > private;
        let printable = |character: char| match character {
            one if one.is_ascii_graphic() => one,
            one if is_blank(one) => ' ',
            _ => '?',
        };
        let shown = self.raw.get(..fault.end.min(private)).unwrap_or_default();
        let mut excerpt: String = shown.chars().map(printable).collect();
        if hidden {
            excerpt.push_str(HIDDEN);
        }
        let kind = if hidden { fault.kind.without_words() } else { fault.kind };
        let column = self.column(fault.offset);
        ConfigError { file: file.to_owned(), line: self.number, column, kind, excerpt }
    }

    fn fault(&self, kind: ErrorKind) -> Fault {
        let (offset, end) = self.span();
        Fault { offset, end, kind }
    }

    fn advance(&mut self) {
        self.next = self.next.saturating_add(1);
    }

    fn known_keywords(&self) -> Vec<&'static str> {
        if self.known.is_empty() {
            return Vec::new();
        }
        let read: Vec<&str> = self.words.iter().take(self.next).map(|word| word.text).collect();
        known::keywords_after(self.known, &read)
    }

    /// Octets of the next word, or the place one past the last word.
    fn span(&self) -> (usize, usize) {
        match self.words.get(self.next) {
            Some(word) => (word.offset, word.offset.saturating_add(word.text.len())),
            None => {
                let end = self.raw.trim_end_matches(is_blank).len();
                (end, end)
            }
        }
    }

    fn column(&self, offset: usize) -> u32 {
        let before = self.raw.get(..offset).unwrap_or(self.raw).chars().count();
        u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1)
    }
}

/// Whether `word` is a beginning of `name`; letter case does not matter, as in IOS.
pub(crate) fn abbreviates(word: &str, name: &str) -> bool {
    name.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
}

/// Space and tab separate words; the lexer lets no other white space through.
pub(crate) fn is_blank(c: char) -> bool {
    c == ' ' || c == '\t'
}
