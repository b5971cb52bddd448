//! Payloads that are octets and nothing else: KE (RFC 2408 3.7), HASH (3.11), SIG (3.12), NONCE (3.13), an ID body under RSA
//! encryption (RFC 2409 5.2) and payloads of unknown types.
//!
//! ```text
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ! Next Payload  !   RESERVED    !         Payload Length        !
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ~                            octets                             ~
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use bytes::Bytes;

use super::{Body, PayloadBody, Wire, sealed};
use crate::error::ParseError;
use crate::reader::Reader;
use crate::registry::PayloadKind;
use crate::writer::Writer;

/// A Diffie-Hellman public value. Its length must be the group's (RFC 2409 5), which the parser cannot know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyExchange {
    /// The public value, leading zeros included.
    pub public: Bytes,
}

/// A nonce; RFC 2409 5 wants 8 to 256 octets, encrypted ones (RFC 2409 5.2) are longer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nonce {
    /// The nonce, or its ciphertext.
    pub octets: Bytes,
}

/// The output of a prf or of a hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HashData {
    /// The whole output.
    pub octets: Bytes,
}

/// A signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureData {
    /// The signature: for RSA as long as the modulus.
    pub octets: Bytes,
}

/// An ID body that is, or may be, ciphertext: in clear messages of Main Mode and in Aggressive Mode messages that offer
/// RSA encryption. `Payload::from_raw` reads the body once it is decrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedIdentification {
    /// The body as it came.
    pub octets: Bytes,
}

/// A payload of a type that this crate does not interpret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// The type.
    pub kind: PayloadKind,
    /// The body.
    pub octets: Bytes,
}

impl Wire for KeyExchange {
    fn read(reader: &mut Reader<'_, '_>) -> Result<Self, ParseError> {
        Ok(Self { public: reader.remaining("Key Exchange Data")? })
    }

    fn write(&self, writer: &mut Writer) {
        writer.bytes(&self.public);
    }
}

impl Wire for Nonce {
    fn read(reader: &mut Reader<'_, '_>) -> Result<Self, ParseError> {
        Ok(Self { octets: reader.remaining("Nonce Data")? })
    }

    fn write(&self, writer: &mut Writer) {
        writer.bytes(&self.octets);
    }
}

impl Wire for HashData {
    fn read(reader: &mut Reader<'_, '_>) -> Result<Self, ParseError> {
        Ok(Self { octets: reader.remaining("Hash Data")? })
    }

    fn write(&self, writer: &mut Writer) {
        writer.bytes(&self.octets);
    }
}

impl Wire for SignatureData {
    fn read(reader: &mut Reader<'_, '_>) -> Result<Self, ParseError> {
        Ok(Self { octets: reader.remaining("Signature Data")? })
    }

    fn write(&self, writer: &mut Writer) {
        writer.bytes(&self.octets);
    }
}

impl Wire for SealedIdentification {
    fn read(reader: &mut Reader<'_, '_>) -> Result<Self, ParseError> {
        Ok(Self { octets: reader.remaining("Identification (encrypted body)")? })
    }

    fn write(&self, writer: &mut Writer) {
        writer.bytes(&self.octets);
    }
}

impl Wire for Unknown {
    fn read(reader: &mut Reader<'_, '_>) -> Result<Self, ParseError> {
        Ok(Self { kind: reader.kind(), octets: reader.remaining("Payload Data")? })
    }

    fn write(&self, writer: &mut Writer) {
        writer.bytes(&self.octets);
    }
}

impl sealed::Sealed for KeyExchange {}

impl PayloadBody for KeyExchange {
    fn of(body: &Body) -> Option<&Self> {
        if let Body::KeyExchange(body) = body { Some(body) } else { None }
    }

    fn into_body(self) -> Body {
        Body::KeyExchange(self)
    }
}

impl sealed::Sealed for Nonce {}

impl PayloadBody for Nonce {
    fn of(body: &Body) -> Option<&Self> {
        if let Body::Nonce(body) = body { Some(body) } else { None }
    }

    fn into_body(self) -> Body {
        Body::Nonce(self)
    }
}

impl sealed::Sealed for HashData {}

impl PayloadBody for HashData {
    fn of(body: &Body) -> Option<&Self> {
        if let Body::Hash(body) = body { Some(body) } else { None }
    }

    fn into_body(self) -> Body {
        Body::Hash(self)
    }
}

impl sealed::Sealed for SignatureData {}

impl PayloadBody for SignatureData {
    fn of(body: &Body) -> Option<&Self> {
        if let Body::Signature(body) = body { Some(body) } else { None }
    }

    fn into_body(self) -> Body {
        Body::Signature(self)
    }
}

impl sealed::Sealed for SealedIdentification {}

impl PayloadBody for SealedIdentification {
    fn of(body: &Body) -> Option<&Self> {
        if let Body::SealedIdentification(body) = body { Some(body) } else { None }
    }

    fn into_body(self) -> Body {
        Body::SealedIdentification(self)
    }
}

impl sealed::Sealed for Unknown {}

impl PayloadBody for Unknown {
    fn of(body: &Body) -> Option<&Self> {
        if let Body::Unknown(body) = body { Some(body) } else { None }
    }

    fn into_body(self) -> Body {
        Body::Unknown(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::check::reads;

    #[test]
    fn octets_are_kept_and_may_be_none() {
        for hex in ["", "00", "000102030405"] {
            let octets = Bytes::from(hex::decode(hex).unwrap());
            let kinds = [
                (PayloadKind::KEY_EXCHANGE, Body::from(KeyExchange { public: octets.clone() })),
                (PayloadKind::HASH, HashData { octets: octets.clone() }.into()),
                (PayloadKind::SIGNATURE, SignatureData { octets: octets.clone() }.into()),
                (PayloadKind::NONCE, Nonce { octets: octets.clone() }.into()),
                (PayloadKind(99), Unknown { kind: PayloadKind(99), octets: octets.clone() }.into()),
                // IKEv2's SA payload means nothing here.
                (PayloadKind(33), Unknown { kind: PayloadKind(33), octets: octets.clone() }.into()),
            ];
            for (kind, body) in kinds {
                assert_eq!(reads(kind, hex, 0), body);
            }
        }
    }
}
