//! Cisco's IKE fragment, which no RFC describes. A message of one such payload carries a part of a whole ISAKMP message:
//!
//! ```text
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ! Next Payload  !   RESERVED    !         Payload Length        !
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! !          Fragment ID          !    Number     !     Flags     !
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ~                             Data                              ~
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use bytes::Bytes;

use super::{Body, PayloadBody, Wire, sealed};
use crate::error::ParseError;
use crate::reader::Reader;
use crate::writer::Writer;

/// A part of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fragment {
    /// The same for all parts of one message.
    pub id: u16,
    /// The place of the part; the first is 1.
    pub number: u8,
    /// [`Self::LAST`] or nothing.
    pub flags: u8,
    /// The octets.
    pub data: Bytes,
}

impl Fragment {
    /// The flag of the last part.
    pub const LAST: u8 = 1;

    /// Whether this is the last part.
    #[must_use]
    pub const fn is_last(&self) -> bool {
        self.flags & Self::LAST != 0
    }
}

impl Wire for Fragment {
    fn read(reader: &mut Reader<'_, '_>) -> Result<Self, ParseError> {
        let id = reader.u16("Fragment ID")?;
        let number = reader.u8("Fragment Number")?;
        let flags = reader.u8("Flags")?;
        let data = reader.remaining("Fragment Data")?;
        let last = if flags & Self::LAST == 0 { "" } else { ", last" };
        reader.trace().describe(format_args!("id {id}, number {number}{last}, {} octets", data.len()));
        Ok(Self { id, number, flags, data })
    }

    fn write(&self, writer: &mut Writer) {
        writer.u16(self.id);
        writer.u8(self.number);
        writer.u8(self.flags);
        writer.bytes(&self.data);
    }
}

impl sealed::Sealed for Fragment {}

impl PayloadBody for Fragment {
    fn of(body: &Body) -> Option<&Self> {
        if let Body::Fragment(body) = body { Some(body) } else { None }
    }

    fn into_body(self) -> Body {
        Body::Fragment(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::check::{reads, refuses};
    use crate::registry::PayloadKind;

    #[test]
    fn reads_its_fields() {
        let Body::Fragment(part) = reads(PayloadKind::FRAGMENT, "0007 02 01 aabb", 4) else { panic!() };
        assert_eq!((part.id, part.number, part.is_last(), part.data.len()), (7, 2, true, 2));
    }

    #[test]
    fn refuses_a_cut_head() {
        let text = refuses(PayloadKind::FRAGMENT, "0007 02");
        assert_eq!(text, "FRAGMENT payload, Flags at octet 3: 1 octets needed, 0 left");
    }
}
