//! Payload chains: the only place that knows the generic payload header (RFC 2408 3.2).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ! Next Payload  !   RESERVED    !         Payload Length        !
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```
//!
//! Next Payload names the type of the payload behind this one; a payload's own type stands in the header before it.

use alloc::vec::Vec;
use core::ops::Range;

use crate::error::{AnomalyKind, ParseError, Place, Reason};
use crate::limits::MAX_PAYLOADS;
use crate::payload::{Body, Payload, Sealing, SecurityAssociation};
use crate::reader::{Hex, Reader};
use crate::registry::phase1::{AttributeClass, AuthMethod};
use crate::registry::{ExchangeType, PayloadKind, ProtocolId};
use crate::writer::{GENERIC_HEADER_LEN, Writer};

/// A Next Payload field: which payload comes, and where that is said.
#[derive(Clone, Copy)]
pub(crate) struct Link {
    kind: PayloadKind,
    place: Place,
    offset: usize,
}

impl Link {
    /// What a message's header announces.
    pub(crate) const fn from_header(kind: PayloadKind) -> Self {
        Self { kind, place: Place::Header, offset: 16 }
    }

    /// The first payload of a chain inside another payload, which no field announces.
    pub(crate) const fn of(kind: PayloadKind, offset: usize) -> Self {
        Self { kind, place: Place::Payload(kind), offset }
    }

    /// Enters a proposal or a transform. The caller closes the trace's group.
    ///
    /// RFC 2408 3.5, 3.6: the next payload is of the same type, or there is none.
    pub(crate) fn enter_nested<'a, 'r>(
        self,
        reader: &'r mut Reader<'a, '_>,
    ) -> Result<(Reader<'a, 'r>, Option<Self>), ParseError> {
        let (inner, generic) = enter(reader, self.kind)?;
        match generic.next.kind {
            PayloadKind::NONE => Ok((inner, None)),
            next if next == self.kind => Ok((inner, Some(generic.next))),
            next => Err(inner.error("Next Payload", generic.next.offset, Reason::UnexpectedPayload(next))),
        }
    }
}

/// What a generic payload header says.
struct Generic {
    next: Link,
    reserved: u8,
    span: Range<usize>,
}

/// Reads a generic payload header; gives a reader of the body alone and leaves `reader` behind the payload.
fn enter<'a, 'r>(
    reader: &'r mut Reader<'a, '_>,
    kind: PayloadKind,
) -> Result<(Reader<'a, 'r>, Generic), ParseError> {
    let start = reader.offset();
    let place = Place::Payload(kind);
    reader.trace().open(format_args!("{kind} payload"), start);
    let (next, reserved, length) = reader.within(place, |reader| {
        let next = Link { kind: reader.code("Next Payload")?, place, offset: start };
        let reserved = reader.reserved("RESERVED", 1)?;
        let length = usize::from(reader.u16("Payload Length")?);
        check_length(reader, length)?;
        Ok::<_, ParseError>((next, reserved, length))
    })?;
    let reserved = u8::try_from(reserved).unwrap_or_default();
    let generic = Generic { next, reserved, span: start..start.saturating_add(length) };
    let inner = reader.nested(place, "Payload Length", length.saturating_sub(GENERIC_HEADER_LEN))?;
    Ok((inner, generic))
}

/// `reader` stands right behind the length field.
fn check_length(reader: &Reader<'_, '_>, length: usize) -> Result<(), ParseError> {
    let offset = reader.offset().saturating_sub(2);
    // RFC 2408 3.2: the length counts the generic header. With less, a parser that trusts it would never advance.
    let Some(needed) = length.checked_sub(GENERIC_HEADER_LEN) else {
        let reason = Reason::TooShort { stated: length, minimum: GENERIC_HEADER_LEN };
        return Err(reader.error("Payload Length", offset, reason));
    };
    if needed > reader.len() {
        let reason = Reason::Truncated { needed, available: reader.len() };
        return Err(reader.error("Payload Length", offset, reason));
    }
    Ok(())
}

/// Reads payloads up to the one that announces no other.
pub(crate) fn read(
    reader: &mut Reader<'_, '_>,
    first: Link,
    clear: Option<ExchangeType>,
) -> Result<(Vec<Payload>, Link), ParseError> {
    let mut payloads = Vec::new();
    let mut link = first;
    let mut sealing = match clear {
        // RFC 2409 5: Main Mode has an ID outside encryption only when its body is encrypted by itself.
        Some(ExchangeType::IDENTITY_PROTECTION) => Sealing::Possible,
        _ => Sealing::None,
    };
    while link.kind != PayloadKind::NONE {
        if payloads.len() >= MAX_PAYLOADS {
            return Err(reader.error(
                "Payloads",
                reader.offset(),
                Reason::LimitExceeded { limit: MAX_PAYLOADS },
            ));
        }
        // RFC 2408 3.4: proposals and transforms are part of an SA and never stand in the chain of a message.
        if matches!(link.kind, PayloadKind::PROPOSAL | PayloadKind::TRANSFORM) {
            let (Link { kind, place, offset }, field) = (link, "Next Payload");
            return Err(ParseError { place, field, offset, reason: Reason::UnexpectedPayload(kind) });
        }
        let (mut inner, generic) = enter(reader, link.kind)?;
        let end = generic.span.end;
        let payload = Payload::read(&mut inner, generic.reserved, generic.span, sealing)?;
        inner.trace().close(end);
        if clear.is_some() && offers_sealing(payload.body()) {
            sealing = Sealing::Possible;
        }
        payloads.push(payload);
        link = generic.next;
    }
    Ok((payloads, link))
}

/// The alignment that some peers give to clear messages, and no more than that.
const ALIGNMENT: usize = 4;

/// RFC 2408 5.3: in a clear message the end of the chain is the end of the message. libreswan fills up a message whose
/// length is no multiple of four octets with zeros, as after a name of five letters: that much is read over.
pub(crate) fn check_end(reader: &mut Reader<'_, '_>, last: Link) -> Result<(), ParseError> {
    let (offset, rest) = (reader.offset(), reader.rest());
    if rest.is_empty() {
        return Ok(());
    }
    let end = offset.saturating_add(rest.len());
    if rest.len() < ALIGNMENT && end.is_multiple_of(ALIGNMENT) && rest.iter().all(|octet| *octet == 0) {
        reader.anomaly("Padding", offset, AnomalyKind::Padded(rest.len()));
        reader.trace().leaf("Padding", offset..end, format_args!("{}", Hex(&rest)));
        return Ok(());
    }
    let reason = Reason::Trailing { count: rest.len() };
    Err(ParseError { place: last.place, field: "Next Payload", offset, reason })
}

/// Whether an SA offers or answers RSA encryption in phase 1.
fn offers_sealing(body: &Body) -> bool {
    let Body::Sa(SecurityAssociation { proposals, .. }) = body else { return false };
    (proposals.iter().filter(|proposal| proposal.protocol == ProtocolId::ISAKMP))
        .flat_map(|proposal| &proposal.transforms)
        .flat_map(|transform| &transform.attributes)
        .filter(|attribute| attribute.kind == AttributeClass::AUTHENTICATION_METHOD.0)
        .filter_map(|attribute| attribute.basic_value())
        .any(|method| AuthMethod(method).seals_bodies())
}

/// The octets of a payload chain, generic headers included: what is encrypted or hashed.
#[must_use]
pub fn encode_chain(payloads: &[Payload]) -> Vec<u8> {
    let mut writer = Writer::default();
    let mut rest = payloads;
    while let Some((payload, behind)) = rest.split_first() {
        payload.write(behind.first().map_or(PayloadKind::NONE, Payload::kind), &mut writer);
        rest = behind;
    }
    writer.into_vec()
}
