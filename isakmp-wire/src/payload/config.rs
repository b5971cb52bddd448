//! The Attributes payload of mode configuration and XAUTH (draft-dukes-ike-mode-cfg 3.2):
//!
//! ```text
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ! Next Payload  !   RESERVED    !         Payload Length        !
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! !     Type      !   RESERVED    !           Identifier          !
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ~                           Attributes                          ~
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use alloc::vec::Vec;
use core::fmt;

use super::{Attribute, AttributeSpace, Body, PayloadBody, Wire, attribute, sealed};
use crate::dissect::names::{ClassName, ValueText};
use crate::error::ParseError;
use crate::limits::MAX_CONFIG_ATTRIBUTES;
use crate::reader::Reader;
use crate::registry::ConfigMessageType;
use crate::writer::Writer;

/// A request for configuration or an answer to one.
#[derive(Clone, PartialEq, Eq)]
pub struct ConfigAttributes {
    /// Request, reply, set or acknowledgement.
    pub message_type: ConfigMessageType,
    /// Joins request and reply of one transaction.
    pub identifier: u16,
    /// The attributes in their order; those of a request are often empty.
    pub attributes: Vec<Attribute>,
}

/// Credentials are not shown.
impl fmt::Debug for ConfigAttributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { message_type, identifier, attributes } = self;
        write!(f, "ConfigAttributes({message_type} {identifier}")?;
        for attribute in attributes {
            let class = ClassName(AttributeSpace::Config, attribute.kind);
            write!(f, ", {class} = {}", ValueText(AttributeSpace::Config, attribute))?;
        }
        f.write_str(")")
    }
}

impl Wire for ConfigAttributes {
    fn read(reader: &mut Reader<'_, '_>) -> Result<Self, ParseError> {
        let message_type: ConfigMessageType = reader.code("Type")?;
        reader.reserved("RESERVED", 1)?;
        let identifier = reader.u16("Identifier")?;
        reader.trace().describe(format_args!("{message_type}, identifier {identifier}"));
        let attributes = attribute::read_list(reader, AttributeSpace::Config, MAX_CONFIG_ATTRIBUTES)?;
        Ok(Self { message_type, identifier, attributes })
    }

    fn write(&self, writer: &mut Writer) {
        writer.u8(self.message_type.0);
        writer.u8(0);
        writer.u16(self.identifier);
        attribute::write_list(&self.attributes, writer);
    }
}

impl sealed::Sealed for ConfigAttributes {}

impl PayloadBody for ConfigAttributes {
    fn of(body: &Body) -> Option<&Self> {
        if let Body::Attributes(body) = body { Some(body) } else { None }
    }

    fn into_body(self) -> Body {
        Body::Attributes(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::check::{reads, refuses};
    use crate::registry::PayloadKind;

    const KIND: PayloadKind = PayloadKind::ATTRIBUTES;

    #[test]
    fn reads_its_fields_and_hides_credentials() {
        // draft-beaulieu-ike-xauth 6.2 (test): a reply with name and password
        let body = reads(KIND, "02 00 0007 40890004 75736572 408a0006 736563726574", 4);
        let Body::Attributes(config) = &body else { panic!() };
        assert_eq!(
            (config.message_type, config.identifier, config.attributes.len()),
            (ConfigMessageType::REPLY, 7, 2)
        );
        let text = alloc::format!("{body:?}");
        assert!(text.contains("XAUTH_USER_NAME = user") && text.contains("(6 octets, hidden)"), "{text}");
        assert!(!text.contains("secret") && !text.contains("736563726574"), "{text}");
    }

    #[test]
    fn refuses_a_cut_head() {
        assert_eq!(refuses(KIND, "01 00 00"), "ATTR payload, Identifier at octet 2: 2 octets needed, 1 left");
    }
}
