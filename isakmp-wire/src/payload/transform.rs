//! The transform payload (RFC 2408 3.6), which stands in a proposal only:
//!
//! ```text
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ! Next Payload  !   RESERVED    !         Payload Length        !
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! !  Transform #  !  Transform-Id !           RESERVED2           !
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ~                        SA Attributes                          ~
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use alloc::vec::Vec;

use super::{Attribute, AttributeSpace, attribute};
use crate::chain::Link;
use crate::dissect::names::TransformName;
use crate::error::{AnomalyKind, ParseError, Reason};
use crate::limits::MAX_ATTRIBUTES;
use crate::reader::Reader;
use crate::registry::{PayloadKind, ProtocolId};
use crate::writer::Writer;

/// One alternative of a proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transform {
    /// Its number in the proposal.
    pub number: u8,
    /// The transform identifier, out of the registry of the proposal's protocol.
    pub id: u8,
    /// The attributes in their order.
    pub attributes: Vec<Attribute>,
}

impl Transform {
    /// The first attribute of a class.
    #[must_use]
    pub fn attribute(&self, class: impl Into<u16>) -> Option<&Attribute> {
        let class = class.into();
        self.attributes.iter().find(|attribute| attribute.kind == class)
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.u8(self.number);
        writer.u8(self.id);
        writer.u16(0);
        attribute::write_list(&self.attributes, writer);
    }
}

/// Reads the transforms that fill the rest of a proposal; `stated` is the field that counts them and its offset.
pub(super) fn read_chain(
    reader: &mut Reader<'_, '_>,
    protocol: ProtocolId,
    (stated, count_offset): (usize, usize),
) -> Result<Vec<Transform>, ParseError> {
    let mut transforms: Vec<Transform> = Vec::new();
    // RFC 2408 3.5: a proposal without a transform offers nothing.
    if stated == 0 {
        return Err(reader.error("# of Transforms", count_offset, Reason::Empty));
    }
    let mut link = Some(Link::of(PayloadKind::TRANSFORM, reader.offset()));
    while let Some(here) = link {
        if transforms.len() >= stated {
            let found = transforms.len().saturating_add(1);
            return Err(reader.error(
                "# of Transforms",
                count_offset,
                Reason::CountMismatch { stated, found },
            ));
        }
        let (mut inner, next) = here.enter_nested(reader)?;
        let transform = read_one(&mut inner, protocol, transforms.last())?;
        let end = inner.offset();
        inner.trace().close(end);
        transforms.push(transform);
        link = next;
    }
    if transforms.len() != stated {
        let found = transforms.len();
        return Err(reader.error("# of Transforms", count_offset, Reason::CountMismatch { stated, found }));
    }
    reader.finish("Payload Length")?;
    Ok(transforms)
}

fn read_one(
    reader: &mut Reader<'_, '_>,
    protocol: ProtocolId,
    previous: Option<&Transform>,
) -> Result<Transform, ParseError> {
    let number_offset = reader.offset();
    let number = reader.u8("Transform #")?;
    // RFC 2408 4.2: transform numbers increase.
    if previous.is_some_and(|previous| number <= previous.number) {
        reader.anomaly("Transform #", number_offset, AnomalyKind::NotIncreasing(number));
    }
    let id_offset = reader.offset();
    let id = reader.quiet_octets("Transform-Id", 1)?.first().copied().unwrap_or_default();
    let name = TransformName(protocol, id);
    reader.note("Transform-Id", id_offset, format_args!("{name} ({id})"));
    reader.reserved("RESERVED2", 2)?;
    reader.trace().describe(format_args!("# {number}, {name}"));
    let space = AttributeSpace::of(protocol);
    let attributes = attribute::read_list(reader, space, MAX_ATTRIBUTES)?;
    Ok(Transform { number, id, attributes })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::Body;
    use crate::payload::check::{reads, refuses};

    #[test]
    fn reads_its_fields_and_finds_attributes() {
        let hex = "00000001 00000001 0000001c 01010001 00000014 05010000 80010007 800e0080 80010005";
        let Body::Sa(sa) = reads(PayloadKind::SA, hex, 36) else { panic!() };
        let transform = &sa.proposals[0].transforms[0];
        assert_eq!((transform.number, transform.id, transform.attributes.len()), (5, 1, 3));
        // the first of a class, where a class returns
        assert_eq!(transform.attribute(1u16).and_then(Attribute::basic_value), Some(7));
        assert_eq!(transform.attribute(2u16), None);
    }

    #[test]
    fn refuses_a_transform_of_less_than_its_fixed_part() {
        let text = refuses(PayloadKind::SA, "00000001 00000001 0000000f 01010001 00000007 050100");
        assert_eq!(text, "Transform payload, RESERVED2 at octet 22: 2 octets needed, 1 left");
    }
}
