//! A datagram on its way to the exchange that it belongs to.

use bytes::Bytes;
use crypto_provider::Digest;
use isakmp_wire::{EncryptedMessage, Header, Message};

use crate::error::{Misbehaviour, Reject};
use crate::policy::Path;

/// A datagram whose header is good. The body of an encrypted one is not looked at yet.
pub(crate) struct Incoming {
    pub(crate) path: Path,
    pub(crate) header: Header,
    pub(crate) octets: Bytes,
    pub(crate) digest: Digest,
}

impl Incoming {
    /// The message, which must be in clear.
    pub(crate) fn clear(&self) -> Result<Message, Reject> {
        if self.header.is_encrypted() {
            return Err(Misbehaviour::EncryptionFlag.into());
        }
        Ok(Message::parse(self.octets.clone())?)
    }

    /// The message, which must be encrypted.
    pub(crate) fn encrypted(&self) -> Result<EncryptedMessage, Reject> {
        if !self.header.is_encrypted() {
            return Err(Misbehaviour::EncryptionFlag.into());
        }
        Ok(EncryptedMessage::parse(self.octets.clone())?)
    }
}
