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
