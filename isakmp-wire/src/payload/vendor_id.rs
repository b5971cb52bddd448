//! The VENDOR payload (RFC 2408 3.16): octets by which implementations of one vendor know each other, or by which an
//! extension is announced.

use bytes::Bytes;

use super::{Body, PayloadBody, Wire, sealed};
use crate::error::ParseError;
use crate::reader::Reader;
use crate::registry::KnownVendor;
use crate::writer::Writer;

/// A vendor identifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VendorId {
    /// The identifier, perhaps with a version behind it.
    pub octets: Bytes,
}

impl VendorId {
    /// What the identifier announces, if this crate knows it.
    #[must_use]
    pub fn known(&self) -> Option<&'static KnownVendor> {
        KnownVendor::of(&self.octets)
    }
}

impl Wire for VendorId {
    fn read(reader: &mut Reader<'_, '_>) -> Result<Self, ParseError> {
        let vendor = Self { octets: reader.remaining("Vendor ID")? };
        let name = vendor.known().map_or("unknown", |known| known.name);
        reader.trace().describe(format_args!("{name}"));
        Ok(vendor)
    }

    fn write(&self, writer: &mut Writer) {
        writer.bytes(&self.octets);
    }
}

impl sealed::Sealed for VendorId {}

impl PayloadBody for VendorId {
    fn of(body: &Body) -> Option<&Self> {
        if let Body::VendorId(body) = body { Some(body) } else { None }
    }

    fn into_body(self) -> Body {
        Body::VendorId(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::check::reads;
    use crate::registry::PayloadKind;

    #[test]
    fn reads_and_knows() {
        let Body::VendorId(vendor) = reads(PayloadKind::VENDOR_ID, "afcad71368a1f1c96b8696fc77570100", 0)
        else {
            panic!()
        };
        assert_eq!(vendor.known(), Some(&KnownVendor::DPD));
        let Body::VendorId(vendor) = reads(PayloadKind::VENDOR_ID, "", 0) else { panic!() };
        assert_eq!(vendor.known(), None);
    }
}
