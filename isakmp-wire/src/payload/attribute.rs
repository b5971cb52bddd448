//! Data attributes (RFC 2408 3.3), of transforms and of mode configuration:
//!
//! ```text
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! !A!       Attribute Type        !    AF=0  Attribute Length     !
//! !F!                             !    AF=1  Attribute Value      !
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! .                   AF=0  Attribute Value                       .
//! .                   AF=1  Not Transmitted                       .
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use alloc::vec::Vec;

use bytes::Bytes;

use crate::dissect::names::{ClassName, ValueText};
use crate::error::{ParseError, Place, Reason};
use crate::limits::MAX_ATTRIBUTES;
use crate::reader::{Reader, Trace};
use crate::registry::{PayloadKind, ProtocolId};
use crate::writer::Writer;

/// The attribute format bit: set for a basic attribute.
const AF: u16 = 0x8000;

/// Which registry an attribute's class belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AttributeSpace {
    Phase1,
    Phase2,
    Config,
}

impl AttributeSpace {
    pub(crate) fn of(protocol: ProtocolId) -> Self {
        if protocol == ProtocolId::ISAKMP { Self::Phase1 } else { Self::Phase2 }
    }
}

/// An attribute: a class and a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// The class, 15 bits, out of the registry that the context says: phase 1, phase 2 or mode configuration.
    pub kind: u16,
    /// The value in the form that it travels in.
    pub value: AttributeValue,
}

/// A value in one of the two forms.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the format bit has two values")]
pub enum AttributeValue {
    /// Basic (TV): 16 bits in the place of the length.
    Basic(u16),
    /// Variable (TLV): any octets, perhaps none.
    Variable(Bytes),
}

impl Attribute {
    /// A basic attribute.
    #[must_use]
    pub fn basic(class: impl Into<u16>, value: impl Into<u16>) -> Self {
        Self { kind: class.into(), value: AttributeValue::Basic(value.into()) }
    }

    /// A variable attribute.
    #[must_use]
    pub fn variable(class: impl Into<u16>, value: impl Into<Bytes>) -> Self {
        Self { kind: class.into(), value: AttributeValue::Variable(value.into()) }
    }

    /// A number in the form that peers expect: basic when it fits in 16 bits, else variable of four or eight octets.
    /// 3600 s travel as `800c 0e10`, 4 608 000 kB as `000c 0004 0046 5000`.
    #[must_use]
    pub fn number(class: impl Into<u16>, value: u64) -> Self {
        match (u16::try_from(value), u32::try_from(value)) {
            (Ok(value), _) => Self::basic(class, value),
            (_, Ok(value)) => Self::variable(class, value.to_be_bytes().to_vec()),
            _ => Self::variable(class, value.to_be_bytes().to_vec()),
        }
    }

    /// The value as a number in either form: big-endian, saturating. `None` for a variable attribute without octets.
    ///
    /// RFC 2407 4.5: a lifetime may come in either form, and a variable one may be longer than any integer type.
    #[must_use]
    pub fn value_u64(&self) -> Option<u64> {
        let octets = match &self.value {
            AttributeValue::Basic(value) => return Some(u64::from(*value)),
            AttributeValue::Variable(octets) if octets.is_empty() => return None,
            AttributeValue::Variable(octets) => octets,
        };
        let number = octets.iter().try_fold(0u64, |number, octet| {
            number.checked_mul(256).and_then(|number| number.checked_add(u64::from(*octet)))
        });
        Some(number.unwrap_or(u64::MAX))
    }

    /// The value of a basic attribute, `None` for a variable one: of a class that must be basic (RFC 2407 4.5, RFC 2409
    /// Appendix A) nothing else may be accepted.
    #[must_use]
    pub const fn basic_value(&self) -> Option<u16> {
        match self.value {
            AttributeValue::Basic(value) => Some(value),
            AttributeValue::Variable(_) => None,
        }
    }

    /// Reads a list of attributes that stands alone: the data of a RESPONDER-LIFETIME notify (RFC 2407 4.6.3.1).
    ///
    /// # Errors
    /// Attributes that do not fill the octets exactly, or more than [`MAX_ATTRIBUTES`]. Offsets count from the start of
    /// `octets`.
    pub fn parse_list(octets: &Bytes) -> Result<Vec<Self>, ParseError> {
        let mut trace = Trace::default();
        let mut reader = Reader::new(octets, 0, Place::Payload(PayloadKind::NOTIFICATION), &mut trace);
        read_list(&mut reader, AttributeSpace::Phase2, MAX_ATTRIBUTES)
    }

    /// Writes a list of attributes that stands alone.
    #[must_use]
    pub fn encode_list(attributes: &[Self]) -> Bytes {
        let mut writer = Writer::default();
        write_list(attributes, &mut writer);
        Bytes::from(writer.into_vec())
    }
}

/// Reads attributes up to the end of the reader.
pub(super) fn read_list(
    reader: &mut Reader<'_, '_>,
    space: AttributeSpace,
    limit: usize,
) -> Result<Vec<Attribute>, ParseError> {
    let mut attributes = Vec::new();
    while !reader.is_empty() {
        if attributes.len() >= limit {
            return Err(reader.error("Attributes", reader.offset(), Reason::LimitExceeded { limit }));
        }
        attributes.push(read_one(reader, space)?);
    }
    Ok(attributes)
}

fn read_one(reader: &mut Reader<'_, '_>, space: AttributeSpace) -> Result<Attribute, ParseError> {
    let start = reader.offset();
    reader.trace().open(format_args!("Attribute"), start);
    let word = reader.quiet_u16("Attribute Type")?;
    let (kind, form) = (word & !AF, if word & AF == 0 { "TLV" } else { "TV" });
    let after_type = reader.offset();
    let class = ClassName(space, kind);
    reader.note("Attribute Type", start, format_args!("{class} ({kind}), {form}"));
    let value = if word & AF == 0 {
        let length = usize::from(reader.u16("Attribute Length")?);
        AttributeValue::Variable(reader.quiet_octets("Attribute Value", length)?)
    } else {
        AttributeValue::Basic(reader.quiet_u16("Attribute Value")?)
    };
    let attribute = Attribute { kind, value };
    let text = ValueText(space, &attribute);
    let value_start = if word & AF == 0 { after_type.saturating_add(2) } else { after_type };
    reader.note("Attribute Value", value_start, format_args!("{text}"));
    reader.trace().describe(format_args!("{class} = {text}"));
    let end = reader.offset();
    reader.trace().close(end);
    Ok(attribute)
}

/// Writes attributes one after another.
pub(super) fn write_list(attributes: &[Attribute], writer: &mut Writer) {
    for attribute in attributes {
        match &attribute.value {
            AttributeValue::Basic(value) => {
                writer.u16(attribute.kind | AF);
                writer.u16(*value);
            }
            AttributeValue::Variable(octets) => {
                writer.u16(attribute.kind & !AF);
                writer.size_u16(octets.len());
                writer.bytes(octets);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(octets: &'static [u8]) -> Result<Vec<Attribute>, ParseError> {
        Attribute::parse_list(&Bytes::from_static(octets))
    }

    #[test]
    fn reads_both_forms() {
        // RFC 2407 4.5 (test): 4 608 000 kB do not fit in a basic attribute, 3600 s do.
        let octets = b"\x80\x01\x00\x02\x00\x02\x00\x04\x00\x46\x50\x00\x80\x02\x0e\x10";
        let attributes = list(octets).unwrap();
        assert_eq!(attributes[0], Attribute::basic(1u16, 2u16));
        assert_eq!(attributes[1], Attribute::number(2u16, 4_608_000));
        assert_eq!(attributes[2], Attribute::number(2u16, 3600));
        assert_eq!(
            attributes.iter().map(Attribute::value_u64).collect::<Vec<_>>(),
            [Some(2), Some(4_608_000), Some(3600)]
        );
        assert_eq!(Attribute::encode_list(&attributes), &octets[..]);
    }

    #[test]
    fn refuses_what_is_cut() {
        let text = list(b"\x00\x02\x00\x04\x01\x02\x03").unwrap_err();
        assert_eq!((text.field(), text.offset()), ("Attribute Value", 4));
        assert_eq!(text.reason(), &Reason::Truncated { needed: 4, available: 3 });
        assert_eq!(list(b"\x80").unwrap_err().field(), "Attribute Type");
        assert_eq!(list(b"\x00\x02\x00").unwrap_err().field(), "Attribute Length");
    }
}
