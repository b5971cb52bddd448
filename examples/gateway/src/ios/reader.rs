//! Takes lines one after another and knows the mode that it is in.
//!
//! A line is first read as a command of the mode, then as one of the mode above, up to global mode, as IOS does it:
//! indentation has no meaning. When nothing fits, the reading that came farthest is reported; a line that is understood
//! in a mode and makes no sense there is an error at once.

use super::error::{ConfigError, ErrorKind};
use super::grammar::{self, known::Known};
use super::lexer::{Fault, Words, is_blank};
use super::model::{
    AclName, CertificateOwner, ConfigSecret, InterfaceName, KnownLine, Origin, RunningConfig, Section,
};

/// Longest line in octets; IOS's own limit for a typed line is 254.
pub const MAX_LINE: usize = 4096;

/// Errors after which a file is given up: more would only repeat the first.
pub const MAX_ERRORS: usize = 20;

/// Largest certificate or key in octets.
const MAX_DER: usize = 65_536;

/// Largest banner in octets.
const MAX_BANNER: usize = 65_536;

/// Hexadecimal digits of a word that make it data rather than a command.
const DATA: usize = 8;

/// The mode of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Global,
    IsakmpPolicy(u16),
    TransformSet(String),
    CryptoMap {
        name: String,
        sequence: u16,
    },
    DynamicMap {
        name: String,
        sequence: u16,
    },
    Interface(InterfaceName),
    AccessList(AclName),
    PubkeyChain,
    Pubkey(usize),
    CaIdentity(String),
    CertificateChain(String),
    /// A block without effect; the number is its place in the section.
    Known(Section, usize),
}

impl Mode {
    /// Where `exit` leads.
    pub(crate) fn parent(&self) -> Option<Self> {
        match self {
            Self::Global => None,
            Self::Pubkey(_) => Some(Self::PubkeyChain),
            Self::IsakmpPolicy(_)
            | Self::TransformSet(_)
            | Self::CryptoMap { .. }
            | Self::DynamicMap { .. }
            | Self::Interface(_)
            | Self::AccessList(_)
            | Self::PubkeyChain
            | Self::CaIdentity(_)
            | Self::CertificateChain(_)
            | Self::Known(..) => Some(Self::Global),
        }
    }
}

/// Lines that are not commands: what is being collected, and for whom.
pub(crate) enum Block {
    /// `key-string`, until `quit`.
    PublicKey { index: usize },
    /// `certificate`, until `quit`.
    Certificate { tag: String, owner: CertificateOwner, serial: Vec<u8>, origin: Origin },
    /// `banner`, until the delimiter.
    Banner { delimiter: String, text: String, origin: Origin },
}

struct Open {
    block: Block,
    octets: Vec<u8>,
    /// A line of it was wrong: the rest is read and thrown away.
    spoiled: bool,
}

/// Reads a configuration line by line.
pub struct Reader {
    file: String,
    number: u32,
    pub(crate) mode: Mode,
    pub(crate) config: RunningConfig,
    open: Option<Open>,
    /// The line before was wrong and may have held a secret, or may have lacked one that comes now.
    spilt: bool,
    ended: bool,
}

impl Reader {
    /// Starts with an empty configuration; `file` is the name that errors carry.
    pub fn new(file: &str) -> Self {
        Self::continuing(file, RunningConfig::default())
    }

    /// Starts from `config`, as `configure terminal` does.
    pub fn continuing(file: &str, config: RunningConfig) -> Self {
        Self {
            file: file.to_owned(),
            number: 0,
            mode: Mode::Global,
            config,
            open: None,
            spilt: false,
            ended: false,
        }
    }

    /// Takes the next line, without its line feed.
    ///
    /// # Errors
    /// The line is wrong; the configuration is what it was before.
    pub fn line(&mut self, text: &str) -> Result<(), ConfigError> {
        self.number = self.number.saturating_add(1);
        let text = text.strip_suffix('\r').unwrap_or(text);
        let words = self.words(text);
        self.well_formed(text).map_err(|(column, reason)| self.plain_error(column, reason))?;
        if self.open.is_some() {
            return self.block_line(text, &words).map_err(|fault| {
                if let Some(open) = &mut self.open {
                    open.spoiled = true;
                }
                words.locate(fault, &self.file)
            });
        }
        if words.peek().is_none_or(|word| word.starts_with('!')) {
            return Ok(());
        }
        if self.ended {
            return Err(words.locate(words.invalid("nothing may follow 'end'"), &self.file));
        }
        let (has_secret, lacks_secret) = (words.may_have_secret(), words.lacks_secret());
        let read = self.command(words);
        self.spilt = lacks_secret || has_secret && read.is_err();
        read
    }

    /// The words of a line. What follows a line with a mistake and a secret may be the rest of the secret, and lines of hexadecimal
    /// digits the rest of a key.
    fn words<'a>(&self, text: &'a str) -> Words<'a> {
        let words = Words::new(text, self.number);
        let digits = |word: &str| word.bytes().filter(u8::is_ascii_hexdigit).count();
        let is_data = words.peek().is_some_and(|word| digits(word) >= DATA);
        if self.spilt || is_data || self.open.is_some() { words.all_private() } else { words }
    }

    /// Ends reading.
    ///
    /// # Errors
    /// A key, certificate or banner was not finished.
    pub fn finish(self) -> Result<RunningConfig, ConfigError> {
        if self.open.is_some() {
            return Err(self.plain_error(1, "the file ends inside a key, certificate or banner"));
        }
        Ok(self.config)
    }

    /// The configuration as read so far.
    pub fn config(&self) -> &RunningConfig {
        &self.config
    }

    /// Whether `end` was read.
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// What IOS shows between host name and `#` in this mode.
    pub fn prompt(&self) -> &'static str {
        if self.open.as_ref().is_some_and(|open| matches!(open.block, Block::PublicKey { .. })) {
            return "(config-pubkey)";
        }
        match &self.mode {
            Mode::Global => "(config)",
            Mode::IsakmpPolicy(_) => "(config-isakmp)",
            Mode::TransformSet(_) => "(cfg-crypto-trans)",
            Mode::CryptoMap { .. } | Mode::DynamicMap { .. } => "(config-crypto-map)",
            Mode::Interface(_) => "(config-if)",
            Mode::AccessList(_) => "(config-ext-nacl)",
            Mode::PubkeyChain => "(config-pubkey-chain)",
            Mode::Pubkey(_) => "(config-pubkey-key)",
            Mode::CaIdentity(_) => "(ca-identity)",
            Mode::CertificateChain(_) => "(config-cert-chain)",
            Mode::Known(Section::Hardware, _) => "(config-hub)",
            Mode::Known(..) => "(config-line)",
        }
    }

    pub(crate) fn end(&mut self) {
        self.ended = true;
        self.mode = Mode::Global;
    }

    /// The lines that follow are collected for `block`.
    pub(crate) fn collect(&mut self, block: Block) {
        self.open = Some(Open { block, octets: Vec::new(), spoiled: false });
    }

    /// Keeps a line that has no effect.
    pub(crate) fn keep(&mut self, section: Section, line: KnownLine) {
        let list = match (&self.mode, section) {
            (Mode::Interface(name), Section::Interface) => {
                match self.config.interfaces.iter_mut().find(|interface| interface.name == *name) {
                    Some(interface) => &mut interface.known,
                    None => return,
                }
            }
            (Mode::Known(section, index), _) => {
                match self.config.known.get_mut(section).and_then(|lines| lines.get_mut(*index)) {
                    Some(head) => &mut head.body,
                    None => return,
                }
            }
            _ => self.config.known.entry(section).or_default(),
        };
        let opens = matches!(self.mode, Mode::Global)
            && (line.command.starts_with("line ") || line.command.starts_with("hub "));
        let index = list.iter().position(|one| one.text == line.text).unwrap_or_else(|| {
            list.push(line);
            list.len().saturating_sub(1)
        });
        if opens {
            self.mode = Mode::Known(section, index);
        }
    }

    /// Limits and characters that hold for every line, whatever it says.
    fn well_formed(&self, text: &str) -> Result<(), (usize, &'static str)> {
        if text.len() > MAX_LINE {
            return Err((MAX_LINE, "the line is too long"));
        }
        // A banner's delimiter is the control character ^C in files that a router wrote.
        let allowed = |c: char| !c.is_control() || c == '\t' || c == '\u{3}';
        match text.chars().position(|c| !allowed(c)) {
            Some(index) => Err((index.saturating_add(1), "a control character")),
            None => Ok(()),
        }
    }

    fn plain_error(&self, column: usize, reason: &str) -> ConfigError {
        ConfigError {
            file: self.file.clone(),
            line: self.number,
            column: u32::try_from(column).unwrap_or(u32::MAX),
            kind: ErrorKind::Invalid(reason.to_owned()),
            excerpt: String::new(),
        }
    }

    fn command(&mut self, words: Words<'_>) -> Result<(), ConfigError> {
        let before = self.mode.clone();
        let mut shown = words.clone();
        let mut worst: Option<Fault> = None;
        let mut mode = Some(before.clone());
        while let Some(current) = mode {
            mode = current.parent();
            let (commands, known) = grammar::of(&current);
            self.mode = current;
            let mut attempt = words.clone().with_known(known);
            let real = attempt.choose(commands).and_then(|command| command(self, &mut attempt));
            shown.share_secrets(&attempt);
            let Err(fault) = real else { return Ok(()) };
            // The line was understood here: another mode must not make something else of it.
            if matches!(fault.kind, ErrorKind::Invalid(_)) {
                worst = Some(fault);
                break;
            }
            let fault = match self.known_command(known, words.clone(), &mut shown) {
                Ok(()) => return Ok(()),
                Err(other) => fault.farther(other),
            };
            worst = Some(match worst {
                None => fault,
                Some(worst) => worst.farther(fault),
            });
        }
        self.mode = before;
        let fault = worst.unwrap_or_else(|| words.unexpected(&[]));
        Err(shown.locate(fault, &self.file))
    }

    fn known_command(
        &mut self,
        table: &'static [Known],
        mut words: Words<'_>,
        shown: &mut Words<'_>,
    ) -> Result<(), Fault> {
        let read = grammar::known::read(table, &mut words);
        shown.share_secrets(&words);
        let known = read?;
        let line = KnownLine {
            command: known.form,
            text: ConfigSecret::new(words.whole().as_bytes().to_vec()),
            body: Vec::new(),
            origin: words.origin(),
        };
        self.keep(known.section, line);
        Ok(())
    }

    fn block_line(&mut self, text: &str, words: &Words<'_>) -> Result<(), Fault> {
        let Some(mut open) = self.open.take() else { return Ok(()) };
        if let Block::Banner { delimiter, text: banner, .. } = &mut open.block {
            if banner.len().saturating_add(text.len()) > MAX_BANNER {
                return Err(words.invalid("the banner is too long"));
            }
            banner.push('\n');
            banner.push_str(text);
            // The delimiter ends the banner wherever it stands; what follows it in the line would be lost.
            match text.split_once(delimiter.as_str()) {
                None => self.open = Some(open),
                Some((_, after)) if after.trim_matches(is_blank).is_empty() => self.close(open),
                Some(_) => return Err(words.invalid("nothing may follow the delimiter of a banner")),
            }
            return Ok(());
        }
        if words.texts().as_slice() == ["quit"] {
            if open.octets.is_empty() && !open.spoiled {
                return Err(words.invalid("no hexadecimal data before 'quit'"));
            }
            self.close(open);
            return Ok(());
        }
        let read = if open.spoiled { Ok(()) } else { hex_words(words, &mut open.octets) };
        self.open = Some(open);
        read
    }

    fn close(&mut self, open: Open) {
        if open.spoiled {
            return;
        }
        match open.block {
            Block::PublicKey { index } => {
                if let Some(key) = self.config.public_keys.get_mut(index) {
                    key.key = open.octets;
                }
            }
            Block::Certificate { tag, owner, serial, origin } => {
                grammar::ca::store(
                    &mut self.config,
                    &tag,
                    super::model::Certificate { owner, serial, der: open.octets, origin },
                );
            }
            Block::Banner { text, origin, .. } => {
                let text = ConfigSecret::new(text.into_bytes());
                let line = KnownLine { command: grammar::global::BANNER, text, body: Vec::new(), origin };
                self.keep(Section::Banner, line);
            }
        }
    }
}

/// Hexadecimal words of an even number of digits each.
fn hex_words(words: &Words<'_>, octets: &mut Vec<u8>) -> Result<(), Fault> {
    let mut words = words.clone();
    let before = octets.len();
    while words.peek().is_some() {
        let reason = "not pairs of hexadecimal digits; 'quit' ends the block";
        let at_word = words.clone();
        let read = words.parameter("HEX", grammar::hex).map_err(|_| at_word.invalid(reason));
        match read {
            Ok(word) => octets.extend(word),
            Err(fault) => {
                octets.truncate(before);
                return Err(fault);
            }
        }
    }
    if octets.len() > MAX_DER {
        return Err(words.invalid_before("the key or certificate is too long"));
    }
    Ok(())
}

/// Reads a whole file. `file` is the name that errors carry.
///
/// # Errors
/// Every error that was found, at least one and at most [`MAX_ERRORS`]. After a wrong line the lines that are
/// indented below it are not looked at, because they belong to it.
pub fn parse(file: &str, text: &str) -> Result<RunningConfig, Vec<ConfigError>> {
    let mut reader = Reader::new(file);
    let mut errors = Vec::new();
    let mut below: Option<usize> = None;
    for line in text.lines() {
        let indent = line.find(|c| !is_blank(c)).unwrap_or(0);
        if below.is_some_and(|wrong| indent > wrong || line.trim() == "quit") {
            reader.number = reader.number.saturating_add(1);
            continue;
        }
        let inside = reader.open.is_some();
        below = match reader.line(line) {
            Ok(()) => None,
            Err(error) => {
                errors.push(error);
                if errors.len() >= MAX_ERRORS {
                    return Err(errors);
                }
                Some(indent).filter(|_| !inside)
            }
        };
    }
    match reader.finish() {
        Ok(config) if errors.is_empty() => return Ok(config),
        Ok(_) => {}
        Err(error) => errors.push(error),
    }
    Err(errors)
}
