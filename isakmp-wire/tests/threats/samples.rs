//! Sound messages whose octets can be spoiled.

use bytes::Bytes;
use isakmp_wire::{EncryptedMessage, Message, ParseError};

use crate::common::{Recorded, sound, with_true_length};

/// A sound message whose octets behind the header can be spoiled, in clear or as decrypted.
pub(crate) struct Sample {
    pub(crate) recorded: Recorded,
    pub(crate) body: Vec<u8>,
}

impl Sample {
    /// Reads the message with another body, as the datagram or the decryption would give it.
    pub(crate) fn read(&self, body: &[u8]) -> Result<Message, ParseError> {
        if self.recorded.plaintext.is_some() {
            EncryptedMessage::parse(self.recorded.datagram.clone())?.decrypted(Bytes::copy_from_slice(body))
        } else {
            Message::parse(with_true_length([&self.recorded.datagram[..28], body].concat()))
        }
    }

    /// Offsets in the body of the fields that tshark calls `name`.
    pub(crate) fn offsets(&self, name: &str) -> Vec<usize> {
        let fields =
            self.recorded.fields.iter().filter(|field| field.name == name && field.range.start >= 28);
        fields.map(|field| field.range.start - 28).collect()
    }

    /// What is accepted writes the same octets again, and what tells about it is not confused.
    pub(crate) fn check_accepted(&self, message: &Message, body: &[u8]) {
        let name = &self.recorded.name;
        assert_eq!(message.encode().slice(28..), body, "{name}");
        assert_eq!(isakmp_wire::encode_chain(message.payloads()), message.encode_payloads(), "{name}");
    }
}

pub(crate) fn samples() -> Vec<Sample> {
    let readable =
        sound().into_iter().filter(|recorded| !recorded.is_encrypted() || recorded.plaintext.is_some());
    let sample = |recorded: Recorded| {
        let body = recorded.plaintext.as_deref().unwrap_or(&recorded.datagram[28..]).to_vec();
        Sample { recorded, body }
    };
    readable.map(sample).collect()
}
