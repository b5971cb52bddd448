//! Payloads: one file each.
//!
//! Every body is plain data that owns its octets. [`Payload`] joins a body with the octets that it was read from or
//! written as; the octets are the truth, and hashes are computed over them.

mod attribute;
mod certificate;
mod config;
mod delete;
mod fragment;
mod identification;
mod nat;
mod notification;
mod opaque;
mod proposal;
mod sa;
mod transform;
mod vendor_id;

use core::fmt;
use core::ops::Range;

use bytes::Bytes;

use crate::error::{EncodeError, EncodeProblem, ParseError, Place};
use crate::reader::{Reader, Trace};
use crate::registry::PayloadKind;
use crate::writer::{GENERIC_HEADER_LEN, Writer};

pub(crate) use attribute::AttributeSpace;
pub use attribute::{Attribute, AttributeValue};
pub use certificate::{Certificate, CertificateRequest};
pub use config::ConfigAttributes;
pub use delete::Delete;
pub use fragment::Fragment;
pub use identification::{Identification, IdentityError, IdentityValue};
pub use nat::{NatDiscovery, NatNumbering, NatOriginalAddress};
pub use notification::Notification;
pub use opaque::{HashData, KeyExchange, Nonce, SealedIdentification, SignatureData, Unknown};
pub use proposal::Proposal;
pub use sa::{SecurityAssociation, Situation};
pub use transform::Transform;
pub use vendor_id::VendorId;

/// How a body is read and written. A reader holds exactly the body's octets.
pub(crate) trait Wire: Sized {
    fn read(reader: &mut Reader<'_, '_>) -> Result<Self, ParseError>;
    fn write(&self, writer: &mut Writer);
}

mod sealed {
    #[expect(unnameable_types, reason = "that it cannot be named is what seals PayloadBody")]
    pub trait Sealed {}
}

/// The body types that stand in a message's payload chain. Sealed: the wire format has no others.
pub trait PayloadBody: sealed::Sealed + Sized + 'static {
    /// The body as this type, or `None` when it is another.
    fn of(body: &Body) -> Option<&Self>;
    /// The body as one of all.
    fn into_body(self) -> Body;
}

impl<P: PayloadBody> From<P> for Body {
    fn from(body: P) -> Self {
        body.into_body()
    }
}

/// The typed content of a payload.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Body {
    /// SA with its proposals and transforms.
    Sa(SecurityAssociation),
    /// KE.
    KeyExchange(KeyExchange),
    /// ID in clear.
    Identification(Identification),
    /// ID whose body is encrypted under an RSA key (RFC 2409 5.2, 5.3): of kind ID all the same.
    SealedIdentification(SealedIdentification),
    /// CERT.
    Certificate(Certificate),
    /// CERT-REQ.
    CertificateRequest(CertificateRequest),
    /// HASH.
    Hash(HashData),
    /// SIG.
    Signature(SignatureData),
    /// NONCE.
    Nonce(Nonce),
    /// NOTIFY.
    Notification(Notification),
    /// DELETE.
    Delete(Delete),
    /// VENDOR.
    VendorId(VendorId),
    /// ATTR of mode configuration and XAUTH.
    Attributes(ConfigAttributes),
    /// NAT-D.
    NatDiscovery(NatDiscovery),
    /// NAT-OA.
    NatOriginalAddress(NatOriginalAddress),
    /// Cisco's IKE fragment.
    Fragment(Fragment),
    /// Any other payload type, kept as it is.
    Unknown(Unknown),
}

impl Body {
    /// The payload type that the body travels under.
    #[must_use]
    pub const fn kind(&self) -> PayloadKind {
        match self {
            Self::Sa(_) => PayloadKind::SA,
            Self::KeyExchange(_) => PayloadKind::KEY_EXCHANGE,
            Self::Identification(_) | Self::SealedIdentification(_) => PayloadKind::IDENTIFICATION,
            Self::Certificate(_) => PayloadKind::CERTIFICATE,
            Self::CertificateRequest(_) => PayloadKind::CERTIFICATE_REQUEST,
            Self::Hash(_) => PayloadKind::HASH,
            Self::Signature(_) => PayloadKind::SIGNATURE,
            Self::Nonce(_) => PayloadKind::NONCE,
            Self::Notification(_) => PayloadKind::NOTIFICATION,
            Self::Delete(_) => PayloadKind::DELETE,
            Self::VendorId(_) => PayloadKind::VENDOR_ID,
            Self::Attributes(_) => PayloadKind::ATTRIBUTES,
            Self::NatDiscovery(body) => body.kind(),
            Self::NatOriginalAddress(body) => body.kind(),
            Self::Fragment(_) => PayloadKind::FRAGMENT,
            Self::Unknown(body) => body.kind,
        }
    }

    fn write(&self, writer: &mut Writer) {
        match self {
            Self::Sa(body) => body.write(writer),
            Self::KeyExchange(body) => body.write(writer),
            Self::Identification(body) => body.write(writer),
            Self::SealedIdentification(body) => body.write(writer),
            Self::Certificate(body) => body.write(writer),
            Self::CertificateRequest(body) => body.write(writer),
            Self::Hash(body) => body.write(writer),
            Self::Signature(body) => body.write(writer),
            Self::Nonce(body) => body.write(writer),
            Self::Notification(body) => body.write(writer),
            Self::Delete(body) => body.write(writer),
            Self::VendorId(body) => body.write(writer),
            Self::Attributes(body) => body.write(writer),
            Self::NatDiscovery(body) => body.write(writer),
            Self::NatOriginalAddress(body) => body.write(writer),
            Self::Fragment(body) => body.write(writer),
            Self::Unknown(body) => body.write(writer),
        }
    }

    fn read(reader: &mut Reader<'_, '_>, sealing: Sealing) -> Result<Self, ParseError> {
        Ok(match reader.kind() {
            PayloadKind::SA => Self::Sa(Wire::read(reader)?),
            PayloadKind::KEY_EXCHANGE => Self::KeyExchange(Wire::read(reader)?),
            PayloadKind::IDENTIFICATION if sealing == Sealing::Possible => {
                Self::SealedIdentification(Wire::read(reader)?)
            }
            PayloadKind::IDENTIFICATION => Self::Identification(Wire::read(reader)?),
            PayloadKind::CERTIFICATE => Self::Certificate(Wire::read(reader)?),
            PayloadKind::CERTIFICATE_REQUEST => Self::CertificateRequest(Wire::read(reader)?),
            PayloadKind::HASH => Self::Hash(Wire::read(reader)?),
            PayloadKind::SIGNATURE => Self::Signature(Wire::read(reader)?),
            PayloadKind::NONCE => Self::Nonce(Wire::read(reader)?),
            PayloadKind::NOTIFICATION => Self::Notification(Wire::read(reader)?),
            PayloadKind::DELETE => Self::Delete(Wire::read(reader)?),
            PayloadKind::VENDOR_ID => Self::VendorId(Wire::read(reader)?),
            PayloadKind::ATTRIBUTES => Self::Attributes(Wire::read(reader)?),
            PayloadKind::NAT_D | PayloadKind::NAT_D_DRAFT => Self::NatDiscovery(Wire::read(reader)?),
            PayloadKind::NAT_OA | PayloadKind::NAT_OA_DRAFT => Self::NatOriginalAddress(Wire::read(reader)?),
            PayloadKind::FRAGMENT => Self::Fragment(Wire::read(reader)?),
            _ => Self::Unknown(Wire::read(reader)?),
        })
    }
}

/// Whether ID bodies of a clear message may be ciphertext (RFC 2409 5.2, 5.3), which no reader can judge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sealing {
    /// RSA encryption is in use, or may be.
    Possible,
    /// Bodies are what they seem.
    None,
}

/// A payload: its octets and the typed view of them.
#[derive(Clone)]
pub struct Payload {
    kind: PayloadKind,
    /// RESERVED of the generic header as it was received, so that the same octets are written again.
    reserved: u8,
    raw: Bytes,
    body: Body,
    span: Range<usize>,
}

impl Payload {
    /// A payload to be sent.
    ///
    /// Sizes that do not fit in their fields saturate, and the peer will refuse the payload: use [`Self::try_new`] for a body
    /// whose parts come from outside (certificates, names).
    #[must_use]
    pub fn new(body: impl Into<Body>) -> Self {
        let body = body.into();
        let mut writer = Writer::default();
        body.write(&mut writer);
        Self { kind: body.kind(), reserved: 0, raw: Bytes::from(writer.into_vec()), body, span: 0..0 }
    }

    /// A payload to be sent, if a reader would find the same body in it.
    ///
    /// # Errors
    /// [`EncodeError`] when the body is too long, when a value does not fit in its field or when the body is one that
    /// this crate would refuse to read.
    pub fn try_new(body: impl Into<Body>) -> Result<Self, EncodeError> {
        let payload = Self::new(body);
        let kind = payload.kind;
        let refuse = |problem| EncodeError { kind, problem };
        if payload.raw.len() > usize::from(u16::MAX).saturating_sub(GENERIC_HEADER_LEN) {
            return Err(refuse(EncodeProblem::TooLong(payload.raw.len())));
        }
        let sealing = match payload.body {
            Body::SealedIdentification(_) => Sealing::Possible,
            _ => Sealing::None,
        };
        let mut trace = Trace::default();
        let mut reader = Reader::new(&payload.raw, 0, Place::Payload(kind), &mut trace);
        let body = read_body(&mut reader, sealing).map_err(|error| refuse(EncodeProblem::Refused(error)))?;
        if body == payload.body { Ok(payload) } else { Err(refuse(EncodeProblem::Altered)) }
    }

    /// Any octets under any kind: a body that was decrypted on its own (RFC 2409 5.2), or a peer's habit in a test.
    ///
    /// # Errors
    /// What a message with this payload would be refused for. Offsets count from the start of `raw`.
    pub fn from_raw(kind: PayloadKind, raw: Bytes) -> Result<Self, ParseError> {
        let mut trace = Trace::default();
        let mut reader = Reader::new(&raw, 0, Place::Payload(kind), &mut trace);
        let body = match kind {
            PayloadKind::NONE | PayloadKind::PROPOSAL | PayloadKind::TRANSFORM => {
                let reason = crate::error::Reason::UnexpectedPayload(kind);
                return Err(reader.error("Next Payload", 0, reason));
            }
            _ => read_body(&mut reader, Sealing::None)?,
        };
        Ok(Self { kind, reserved: 0, raw, body, span: 0..0 })
    }

    /// Reads the body that `reader` holds; `span` is that of the payload with its generic header.
    pub(crate) fn read(
        reader: &mut Reader<'_, '_>,
        reserved: u8,
        span: Range<usize>,
        sealing: Sealing,
    ) -> Result<Self, ParseError> {
        let raw = reader.rest();
        let body = read_body(reader, sealing)?;
        Ok(Self { kind: reader.kind(), reserved, raw, body, span })
    }

    /// The payload type.
    #[must_use]
    pub const fn kind(&self) -> PayloadKind {
        self.kind
    }

    /// The body's octets, without the generic header: what RFC 2409 writes as `_b`.
    #[must_use]
    pub const fn raw(&self) -> &Bytes {
        &self.raw
    }

    /// The typed view of the octets.
    #[must_use]
    pub const fn body(&self) -> &Body {
        &self.body
    }

    /// The body as one type, or `None` when it is another.
    #[must_use]
    pub fn get<P: PayloadBody>(&self) -> Option<&P> {
        P::of(&self.body)
    }

    /// The octets of the message that the payload takes, generic header included, counted from the start of the ISAKMP
    /// header. Empty until the payload is part of a message.
    #[must_use]
    pub const fn span(&self) -> Range<usize> {
        self.span.start..self.span.end
    }

    pub(crate) fn set_span(&mut self, span: Range<usize>) {
        self.span = span;
    }

    /// Octets with the generic header.
    pub(crate) fn len(&self) -> usize {
        self.raw.len().saturating_add(GENERIC_HEADER_LEN)
    }

    /// Writes the payload with its generic header.
    pub(crate) fn write(&self, next: PayloadKind, writer: &mut Writer) {
        writer.payload(next, self.reserved, |writer| writer.bytes(&self.raw));
    }
}

/// Equal when the octets are: where in a message the payload stands does not matter.
impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        (self.kind, self.reserved, &self.raw) == (other.kind, other.reserved, &other.raw)
    }
}

impl Eq for Payload {}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Payload")
            .field("kind", &self.kind)
            .field("span", &self.span)
            .field("body", &self.body)
            .finish()
    }
}

fn read_body(reader: &mut Reader<'_, '_>, sealing: Sealing) -> Result<Body, ParseError> {
    let body = Body::read(reader, sealing)?;
    // RFC 2408 5.3: a length that is larger than what the payload holds is as wrong as a smaller one.
    reader.finish("Payload Length")?;
    Ok(body)
}

/// The shape of every payload's tests: octets drawn from the RFC by hand, what they mean, and what is refused.
#[cfg(test)]
pub(crate) mod check {
    use alloc::string::{String, ToString};

    use super::{Body, Payload};
    use crate::registry::PayloadKind;

    fn octets(hex: &str) -> bytes::Bytes {
        let digits: String = hex.split_whitespace().collect();
        hex::decode(digits).unwrap().into()
    }

    /// The body that `hex` is, after seeing that it writes the same octets again and that no shorter ones will do when
    /// `least` octets are the least.
    pub(crate) fn reads(kind: PayloadKind, hex: &str, least: usize) -> Body {
        let raw = octets(hex);
        let payload = Payload::from_raw(kind, raw.clone()).unwrap();
        assert_eq!(payload.raw(), &raw);
        let again = Payload::new(payload.body().clone());
        assert_eq!((again.kind(), again.raw()), (kind, &raw));
        for cut in 0..least {
            assert!(Payload::from_raw(kind, raw.slice(..cut)).is_err(), "{cut} of {least} octets");
        }
        payload.body().clone()
    }

    /// Why `hex` is not a body.
    pub(crate) fn refuses(kind: PayloadKind, hex: &str) -> String {
        Payload::from_raw(kind, octets(hex)).unwrap_err().to_string()
    }
}
