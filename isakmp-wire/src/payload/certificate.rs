//! CERT and CERT-REQ (RFC 2408 3.9, 3.10), alike in form:
//!
//! ```text
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ! Next Payload  !   RESERVED    !         Payload Length        !
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ! Cert Encoding !                                               !
//! +-+-+-+-+-+-+-+-+       Certificate Data or Authority           ~
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use bytes::Bytes;

use super::{Body, PayloadBody, Wire, sealed};
use crate::error::ParseError;
use crate::reader::Reader;
use crate::registry::CertificateEncoding;
use crate::writer::Writer;

/// A certificate, or something that goes with one, such as a CRL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// What `data` is.
    pub encoding: CertificateEncoding,
    /// The certificate, not looked into.
    pub data: Bytes,
}

/// The wish for a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateRequest {
    /// The wanted kind.
    pub encoding: CertificateEncoding,
    /// The distinguished name of the wanted authority in DER; empty when any will do.
    pub authority: Bytes,
}

impl Wire for Certificate {
    fn read(reader: &mut Reader<'_, '_>) -> Result<Self, ParseError> {
        let encoding: CertificateEncoding = reader.code("Certificate Encoding")?;
        let data = reader.remaining("Certificate Data")?;
        reader.trace().describe(format_args!("{encoding}, {} octets", data.len()));
        Ok(Self { encoding, data })
    }

    fn write(&self, writer: &mut Writer) {
        writer.u8(self.encoding.0);
        writer.bytes(&self.data);
    }
}

impl Wire for CertificateRequest {
    fn read(reader: &mut Reader<'_, '_>) -> Result<Self, ParseError> {
        let encoding: CertificateEncoding = reader.code("Certificate Type")?;
        let authority = reader.remaining("Certificate Authority")?;
        reader.trace().describe(format_args!("{encoding}"));
        Ok(Self { encoding, authority })
    }

    fn write(&self, writer: &mut Writer) {
        writer.u8(self.encoding.0);
        writer.bytes(&self.authority);
    }
}

impl sealed::Sealed for Certificate {}

impl PayloadBody for Certificate {
    fn of(body: &Body) -> Option<&Self> {
        if let Body::Certificate(body) = body { Some(body) } else { None }
    }

    fn into_body(self) -> Body {
        Body::Certificate(self)
    }
}

impl sealed::Sealed for CertificateRequest {}

impl PayloadBody for CertificateRequest {
    fn of(body: &Body) -> Option<&Self> {
        if let Body::CertificateRequest(body) = body { Some(body) } else { None }
    }

    fn into_body(self) -> Body {
        Body::CertificateRequest(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::check::{reads, refuses};
    use crate::registry::PayloadKind;

    #[test]
    fn reads_their_fields() {
        let body = reads(PayloadKind::CERTIFICATE, "04 3003020101", 1);
        assert_eq!(
            body,
            Certificate {
                encoding: CertificateEncoding::X509_SIGNATURE,
                data: Bytes::from_static(b"\x30\x03\x02\x01\x01")
            }
            .into()
        );
        // RFC 2408 3.10 (test): no authority means any
        let body = reads(PayloadKind::CERTIFICATE_REQUEST, "04", 1);
        assert_eq!(
            body,
            CertificateRequest { encoding: CertificateEncoding::X509_SIGNATURE, authority: Bytes::new() }
                .into()
        );
    }

    #[test]
    fn refuses_no_encoding() {
        let text = refuses(PayloadKind::CERTIFICATE, "");
        assert_eq!(text, "CERT payload, Certificate Encoding at octet 0: 1 octets needed, 0 left");
    }
}
