//! The DELETE payload (RFC 2408 3.15):
//!
//! ```text
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ! Next Payload  !   RESERVED    !         Payload Length        !
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! !              Domain of Interpretation  (DOI)                  !
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! !  Protocol-Id  !   SPI Size    !           # of SPIs           !
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ~               Security Parameter Index(es) (SPI)              ~
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use alloc::vec::Vec;

use bytes::Bytes;

use super::{Body, PayloadBody, Wire, sealed};
use crate::error::{ParseError, Reason};
use crate::limits::MAX_DELETED_SPIS;
use crate::reader::Reader;
use crate::registry::{Doi, ProtocolId};
use crate::writer::Writer;

/// SAs that the sender has deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delete {
    /// The domain of interpretation.
    pub doi: Doi,
    /// The protocol of all the SPIs.
    pub protocol: ProtocolId,
    /// Octets of each SPI: 16 for ISAKMP (both cookies), 4 for ESP and AH.
    pub spi_size: u8,
    /// The SPIs, of `spi_size` octets each: those of the sender's inbound SAs.
    pub spis: Vec<Bytes>,
}

impl Wire for Delete {
    fn read(reader: &mut Reader<'_, '_>) -> Result<Self, ParseError> {
        let doi = reader.code("Domain of Interpretation")?;
        let protocol: ProtocolId = reader.code("Protocol-Id")?;
        let size_offset = reader.offset();
        let spi_size = reader.u8("SPI Size")?;
        let count_offset = reader.offset();
        let count = reader.u16("# of SPIs")?;
        // RFC 2408 3.15: the product is computed in 32 bits, where it cannot wrap, and must be all that follows.
        let stated = u32::from(spi_size).saturating_mul(u32::from(count));
        if usize::try_from(stated) != Ok(reader.len()) {
            let actual = u64::try_from(reader.len()).unwrap_or(u64::MAX);
            let reason = Reason::LengthMismatch { stated: u64::from(stated), actual };
            return Err(reader.error("# of SPIs", count_offset, reason));
        }
        if spi_size == 0 && count != 0 {
            return Err(reader.error("SPI Size", size_offset, Reason::Empty));
        }
        if usize::from(count) > MAX_DELETED_SPIS {
            let reason = Reason::LimitExceeded { limit: MAX_DELETED_SPIS };
            return Err(reader.error("# of SPIs", count_offset, reason));
        }
        let spis =
            (0..count).map(|_| reader.octets("SPI", usize::from(spi_size))).collect::<Result<Vec<_>, _>>()?;
        reader.trace().describe(format_args!("{protocol}, {count} SPIs"));
        Ok(Self { doi, protocol, spi_size, spis })
    }

    fn write(&self, writer: &mut Writer) {
        writer.u32(self.doi.0);
        writer.u8(self.protocol.0);
        writer.u8(self.spi_size);
        writer.size_u16(self.spis.len());
        self.spis.iter().for_each(|spi| writer.bytes(spi));
    }
}

impl sealed::Sealed for Delete {}

impl PayloadBody for Delete {
    fn of(body: &Body) -> Option<&Self> {
        if let Body::Delete(body) = body { Some(body) } else { None }
    }

    fn into_body(self) -> Body {
        Body::Delete(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::check::{reads, refuses};
    use crate::registry::PayloadKind;

    const KIND: PayloadKind = PayloadKind::DELETE;

    #[test]
    fn reads_its_fields() {
        let Body::Delete(delete) = reads(KIND, "00000001 03 04 0002 a1a2a3a4 b1b2b3b4", 16) else { panic!() };
        assert_eq!((delete.doi, delete.protocol, delete.spi_size), (Doi::IPSEC, ProtocolId::ESP, 4));
        assert_eq!(delete.spis, [&[0xa1, 0xa2, 0xa3, 0xa4][..], &[0xb1, 0xb2, 0xb3, 0xb4]]);
        let Body::Delete(nothing) = reads(KIND, "00000001 03 04 0000", 8) else { panic!() };
        assert!(nothing.spis.is_empty());
    }

    #[test]
    fn refuses_false_counts_and_empty_spis() {
        assert_eq!(
            refuses(KIND, "00000001 03 04 0002 a1a2a3a4"),
            "DELETE payload, # of SPIs at octet 6: says 8 octets where there are 4"
        );
        assert_eq!(
            refuses(KIND, "00000001 03 00 ffff"),
            "DELETE payload, SPI Size at octet 5: must not be empty"
        );
    }
}
