//! Dissection: a message as a tree of fields with their octet ranges, structured and as text.
//!
//! The tree is what the parser itself noted while it read; there is no second parser that could see something else. A
//! message that is refused is shown up to the field that was wrong.

pub(crate) mod names;
mod recorder;

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

use bytes::Bytes;

use crate::error::ParseError;
use crate::header::{Flags, Header};
use crate::message::{EncryptedMessage, Message};
use crate::reader::Trace;
pub(crate) use recorder::Recorder;

/// Where the flags lie.
const FLAGS_OFFSET: usize = 19;

/// A field or a group of fields.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Field {
    /// The field's name in its RFC.
    pub name: String,
    /// Its octets, counted from the start of the ISAKMP header.
    pub range: Range<usize>,
    /// Its value as text, with names from the registries; a summary for a group.
    pub value: String,
    /// The fields inside.
    pub children: Vec<Self>,
}

/// A dissected message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dissection {
    fields: Vec<Field>,
    error: Option<ParseError>,
    len: usize,
}

impl Dissection {
    /// The header, the payloads, and what was wrong, in the order of the octets.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// Why the message is refused, if it is. The tree then ends in a field named "Malformed".
    #[must_use]
    pub const fn error(&self) -> Option<&ParseError> {
        self.error.as_ref()
    }

    /// Octets of the message.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether the message had no octet at all.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The first field of a name, at any depth, in the order of the octets.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find_map(|field| field.find(name))
    }
}

impl Field {
    /// This field or the first one inside with a name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Self> {
        if self.name == name {
            return Some(self);
        }
        // Messages nest five deep: SA, proposal, transform, attribute, field.
        self.children.iter().find_map(|child| child.find(name))
    }

    fn print(&self, depth: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:>5}..{:<5} {:indent$}{}",
            self.range.start,
            self.range.end,
            "",
            self.name,
            indent = depth.saturating_mul(2)
        )?;
        if self.value.is_empty() { writeln!(f) } else { writeln!(f, ": {}", self.value) }?;
        self.children.iter().try_for_each(|child| child.print(depth.saturating_add(1), f))
    }
}

/// One line for each field: octet range, name indented by depth, value.
impl fmt::Display for Dissection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "ISAKMP message, {} octets", self.len)?;
        self.fields.iter().try_for_each(|field| field.print(0, f))
    }
}

/// Dissects a datagram. Of an encrypted message only the header can be seen.
#[must_use]
pub fn dissect(datagram: &[u8]) -> Dissection {
    let octets = Bytes::copy_from_slice(datagram);
    let mut trace = Trace::recording();
    let is_encrypted =
        datagram.get(FLAGS_OFFSET).is_some_and(|flags| Flags(*flags).contains(Flags::ENCRYPTION));
    let error = if is_encrypted {
        EncryptedMessage::read(&octets, &mut trace)
            .map(|message| {
                let count = message.ciphertext().len();
                let end = Header::LEN.saturating_add(count);
                trace.leaf("Encrypted payloads", Header::LEN..end, format_args!("{count} octets"));
            })
            .err()
    } else {
        Message::read(&octets, &mut trace).err()
    };
    let message = Header::within(datagram).len();
    if error.is_none() && message < octets.len() {
        let beyond = octets.len().saturating_sub(message);
        trace.leaf("Behind the message", message..octets.len(), format_args!("{beyond} zero octets"));
    }
    finish(trace, error, octets.len())
}

/// Dissects an encrypted datagram together with what its ciphertext was decrypted to. Offsets are those that the octets
/// have in the datagram.
#[must_use]
pub fn dissect_decrypted(datagram: &[u8], plaintext: &[u8]) -> Dissection {
    let octets = Bytes::copy_from_slice(datagram);
    let mut trace = Trace::recording();
    let error = EncryptedMessage::read(&octets, &mut trace)
        .and_then(|message| message.read_decrypted(Bytes::copy_from_slice(plaintext), &mut trace))
        .err();
    finish(trace, error, octets.len().max(Header::LEN.saturating_add(plaintext.len())))
}

impl Message {
    /// The dissection of this message, clear or decrypted.
    #[must_use]
    pub fn dissect(&self) -> Dissection {
        let octets = self.encode();
        if self.header().is_encrypted() {
            dissect_decrypted(&octets, &self.octets())
        } else {
            dissect(&octets)
        }
    }
}

fn finish(trace: Trace, error: Option<ParseError>, len: usize) -> Dissection {
    let recorder = trace.recorder.unwrap_or_default();
    Dissection { fields: recorder.finish(error.as_ref(), len), error, len }
}
