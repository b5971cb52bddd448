//! The NOTIFY payload (RFC 2408 3.14, RFC 2407 4.6.3):
//!
//! ```text
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ! Next Payload  !   RESERVED    !         Payload Length        !
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! !              Domain of Interpretation  (DOI)                  !
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! !  Protocol-ID  !   SPI Size    !      Notify Message Type      !
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ~                Security Parameter Index (SPI)                 ~
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ~                       Notification Data                       ~
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use bytes::Bytes;

use super::{Body, PayloadBody, Wire, sealed};
use crate::error::ParseError;
use crate::reader::Reader;
use crate::registry::{Doi, NotifyType, ProtocolId};
use crate::writer::Writer;

/// An error or a status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// The domain of interpretation.
    pub doi: Doi,
    /// The protocol that the SPI belongs to.
    pub protocol: ProtocolId,
    /// The SPI: for ISAKMP nothing or both cookies, for ESP and AH four octets.
    pub spi: Bytes,
    /// What is told.
    pub notify_type: NotifyType,
    /// What goes with it.
    pub data: Bytes,
}

impl Wire for Notification {
    fn read(reader: &mut Reader<'_, '_>) -> Result<Self, ParseError> {
        let doi = reader.code("Domain of Interpretation")?;
        let protocol: ProtocolId = reader.code("Protocol-ID")?;
        let spi_size = usize::from(reader.u8("SPI Size")?);
        let notify_type: NotifyType = reader.code("Notify Message Type")?;
        let spi = reader.octets("SPI", spi_size)?;
        let data = reader.remaining("Notification Data")?;
        reader.trace().describe(format_args!("{notify_type}, {protocol}"));
        Ok(Self { doi, protocol, spi, notify_type, data })
    }

    fn write(&self, writer: &mut Writer) {
        writer.u32(self.doi.0);
        writer.u8(self.protocol.0);
        writer.size_u8(self.spi.len());
        writer.u16(self.notify_type.0);
        writer.bytes(&self.spi);
        writer.bytes(&self.data);
    }
}

impl sealed::Sealed for Notification {}

impl PayloadBody for Notification {
    fn of(body: &Body) -> Option<&Self> {
        if let Body::Notification(body) = body { Some(body) } else { None }
    }

    fn into_body(self) -> Body {
        Body::Notification(self)
    }
}
