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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::check::{reads, refuses};
    use crate::registry::PayloadKind;

    const KIND: PayloadKind = PayloadKind::NOTIFICATION;

    #[test]
    fn reads_its_fields() {
        // RFC 3706 5.3 (test): R-U-THERE with both cookies and a sequence number
        let body = reads(KIND, "00000001 01 10 8d28 0102030405060708 1112131415161718 00000009", 24);
        let Body::Notification(notification) = body else { panic!() };
        assert_eq!((notification.doi, notification.protocol), (Doi::IPSEC, ProtocolId::ISAKMP));
        assert_eq!((notification.notify_type, notification.spi.len()), (NotifyType::R_U_THERE, 16));
        assert_eq!(notification.data, [0, 0, 0, 9][..]);
        assert!(!notification.notify_type.is_error() && notification.notify_type.is_private_use());
    }

    #[test]
    fn refuses_an_spi_that_is_not_there() {
        let text = refuses(KIND, "00000001 03 04 000e 0102");
        assert_eq!(text, "NOTIFY payload, SPI at octet 8: 4 octets needed, 2 left");
    }
}
