//! The SA payload (RFC 2408 3.4, RFC 2407 4.6.1):
//!
//! ```text
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! !  Next Payload !   RESERVED    !        Payload Length         !
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! !                Domain of Interpretation (IPSEC)               !
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! !                       Situation (bitmap)                      !
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ~                labels, only with secrecy or integrity         ~
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ~         proposals, each with its transforms inside            ~
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```
//!
//! The next payload of the generic header points past all of this (RFC 2408 4.2).

use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;

use super::{Body, PayloadBody, Proposal, Wire, proposal, sealed};
use crate::error::{AnomalyKind, ParseError};
use crate::reader::Reader;
use crate::registry::Doi;
use crate::writer::Writer;

/// What the negotiation is about: a bitmap and, with secrecy or integrity, labels (RFC 2407 4.2).
#[derive(Clone, PartialEq, Eq)]
pub struct Situation {
    /// The bitmap.
    pub bits: u32,
    /// The labels as they stand on the wire. When the bitmap has undefined bits or the DOI is not IPSEC, nobody knows
    /// where the situation ends: everything up to the end of the payload is kept here and there are no proposals.
    pub labels: Bytes,
}

impl Situation {
    /// `SIT_IDENTITY_ONLY`: the only situation in use.
    pub const IDENTITY_ONLY: Self = Self { bits: 1, labels: Bytes::new() };
    /// Bit of `SIT_SECRECY`.
    pub const SECRECY: u32 = 2;
    /// Bit of `SIT_INTEGRITY`.
    pub const INTEGRITY: u32 = 4;
    /// All bits that RFC 2407 4.2 defines.
    pub const DEFINED: u32 = 7;
}

impl fmt::Debug for Situation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Situation({:#x}, {} octets of labels)", self.bits, self.labels.len())
    }
}

/// An offer, or the answer to one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecurityAssociation {
    /// The domain of interpretation.
    pub doi: Doi,
    /// The situation.
    pub situation: Situation,
    /// The proposals in their order, one for each proposal payload: those of one number are adjacent and belong together
    /// (RFC 2408 4.2). Empty only when the DOI or the situation is unknown.
    pub proposals: Vec<Proposal>,
}

impl SecurityAssociation {
    /// The proposals by number: each slice is one alternative, all protocols of which are wanted together.
    pub fn alternatives(&self) -> impl Iterator<Item = &[Proposal]> {
        self.proposals.chunk_by(|one, other| one.number == other.number)
    }
}

impl Wire for SecurityAssociation {
    fn read(reader: &mut Reader<'_, '_>) -> Result<Self, ParseError> {
        let doi: Doi = reader.code("Domain of Interpretation")?;
        let bits = reader.bits32("Situation")?;
        // RFC 2407 4.2: the situation of another DOI, or of a bit unknown to us, has an unknown extent.
        if doi != Doi::IPSEC || bits & !Situation::DEFINED != 0 {
            let labels = reader.remaining("Situation (not understood)")?;
            return Ok(Self { doi, situation: Situation { bits, labels }, proposals: Vec::new() });
        }
        let labels = labels(reader, bits)?;
        let proposals = proposal::read_chain(reader)?;
        reader.trace().describe(format_args!("{doi}, {} proposals", proposals.len()));
        Ok(Self { doi, situation: Situation { bits, labels }, proposals })
    }

    fn write(&self, writer: &mut Writer) {
        writer.u32(self.doi.0);
        writer.u32(self.situation.bits);
        writer.bytes(&self.situation.labels);
        proposal::write_chain(&self.proposals, writer);
    }
}

/// The octets between situation and proposals: none with identity only.
fn labels(reader: &mut Reader<'_, '_>, bits: u32) -> Result<Bytes, ParseError> {
    let mut labels = reader.rest();
    let before = reader.len();
    if bits & (Situation::SECRECY | Situation::INTEGRITY) != 0 {
        reader.bits32("Labeled Domain Identifier")?;
    }
    // RFC 2407 4.2.2, 4.2.3: level and categories are there for the bits that are set, secrecy first.
    if bits & Situation::SECRECY != 0 {
        label_part(reader, "Secrecy Length", "Secrecy Level", 1)?;
        label_part(reader, "Secrecy Category Length", "Secrecy Category Bitmap", 8)?;
    }
    if bits & Situation::INTEGRITY != 0 {
        label_part(reader, "Integrity Length", "Integrity Level", 1)?;
        label_part(reader, "Integrity Category Length", "Integrity Category Bitmap", 8)?;
    }
    labels.truncate(before.saturating_sub(reader.len()));
    Ok(labels)
}

/// RFC 2407 4.6.1: a length (in octets, or in bits for a bitmap), a reserved field, the value, and padding with zeros to
/// 32 bits that the length does not count.
fn label_part(
    reader: &mut Reader<'_, '_>,
    length_field: &'static str,
    field: &'static str,
    units_per_octet: usize,
) -> Result<(), ParseError> {
    let octets = usize::from(reader.u16(length_field)?).div_ceil(units_per_octet);
    reader.reserved("RESERVED", 2)?;
    reader.octets(field, octets)?;
    let offset = reader.offset();
    let padding = reader.octets("Padding", octets.next_multiple_of(4).saturating_sub(octets))?;
    if padding.iter().any(|octet| *octet != 0) {
        reader.anomaly(field, offset, AnomalyKind::PaddingNotZero);
    }
    Ok(())
}

impl sealed::Sealed for SecurityAssociation {}

impl PayloadBody for SecurityAssociation {
    fn of(body: &Body) -> Option<&Self> {
        if let Body::Sa(body) = body { Some(body) } else { None }
    }

    fn into_body(self) -> Body {
        Body::Sa(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::check::{reads, refuses};
    use crate::registry::PayloadKind;

    const KIND: PayloadKind = PayloadKind::SA;

    #[test]
    fn reads_an_offer_of_two_alternatives() {
        let body = reads(
            KIND,
            "00000001 00000001
             0200001c 01020401 a1a2a3a4  00000010 01030000 80040001 80050002
             00000018 02030002           03000008 01030000  00000008 02020000",
            60,
        );
        let Body::Sa(sa) = body else { panic!() };
        assert_eq!((sa.doi, sa.situation.clone()), (Doi::IPSEC, Situation::IDENTITY_ONLY));
        let numbers: Vec<_> =
            sa.alternatives().map(|one| one.iter().map(|p| p.transforms.len()).sum::<usize>()).collect();
        assert_eq!(numbers, [1, 2]);
    }

    #[test]
    fn refuses_a_chain_that_ends_before_the_sa() {
        let text = refuses(KIND, "00000001 00000001 00000010 01010001 00000008 01010000 00000000");
        assert_eq!(text, "SA payload, Payload Length at octet 24: 4 octets left over");
    }

    #[test]
    fn refuses_an_sa_without_proposals() {
        let text = refuses(KIND, "00000001 00000001");
        assert_eq!(text, "Proposal payload, Next Payload at octet 8: 1 octets needed, 0 left");
    }

    #[test]
    fn refuses_a_label_that_goes_on_behind_the_payload() {
        let text = refuses(KIND, "00000001 00000002 00000000 00ff0000 01020304");
        assert_eq!(text, "SA payload, Secrecy Level at octet 16: 255 octets needed, 4 left");
    }
}
