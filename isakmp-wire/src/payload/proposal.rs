//! The proposal payload (RFC 2408 3.5), which stands in an SA only:
//!
//! ```text
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ! Next Payload  !   RESERVED    !         Payload Length        !
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! !  Proposal #   !  Protocol-Id  !    SPI Size   !# of Transforms!
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! !                        SPI (variable)                         !
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use alloc::vec::Vec;

use bytes::Bytes;

use super::{Transform, transform};
use crate::chain::Link;
use crate::error::{AnomalyKind, ParseError, Reason};
use crate::limits::{MAX_PROPOSALS, MAX_TRANSFORMS};
use crate::reader::Reader;
use crate::registry::{PayloadKind, ProtocolId};
use crate::writer::Writer;

/// One proposal payload: a protocol with its alternatives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// Neighbours of one number are wanted together, different numbers are alternatives (RFC 2408 4.2).
    pub number: u8,
    /// The protocol.
    pub protocol: ProtocolId,
    /// The sender's SPI. Empty in phase 1; sizes up to 255 are read, which of them are right depends on the protocol.
    pub spi: Bytes,
    /// The alternatives in the sender's order of preference.
    pub transforms: Vec<Transform>,
}

/// Reads the proposals of an SA. RFC 2408 4.2: their chain ends inside the SA and at its end, as for every body.
pub(super) fn read_chain(reader: &mut Reader<'_, '_>) -> Result<Vec<Proposal>, ParseError> {
    let mut proposals: Vec<Proposal> = Vec::new();
    let mut seen = [false; 256];
    let mut transforms = 0;
    let mut link = Some(Link::of(PayloadKind::PROPOSAL, reader.offset()));
    while let Some(here) = link {
        if proposals.len() >= MAX_PROPOSALS {
            let reason = Reason::LimitExceeded { limit: MAX_PROPOSALS };
            return Err(reader.error("Proposals", reader.offset(), reason));
        }
        let (mut inner, next) = here.enter_nested(reader)?;
        let number_offset = inner.offset();
        let proposal = read_one(&mut inner, &mut transforms)?;
        check_order(&mut inner, &mut seen, proposals.last(), (proposal.number, number_offset))?;
        let end = inner.offset();
        inner.trace().close(end);
        proposals.push(proposal);
        link = next;
    }
    Ok(proposals)
}

fn read_one(reader: &mut Reader<'_, '_>, transforms_of_sa: &mut usize) -> Result<Proposal, ParseError> {
    let number = reader.u8("Proposal #")?;
    let protocol: ProtocolId = reader.code("Protocol-Id")?;
    let spi_size = usize::from(reader.u8("SPI Size")?);
    let count_offset = reader.offset();
    let count = usize::from(reader.u8("# of Transforms")?);
    let spi = reader.octets("SPI", spi_size)?;
    *transforms_of_sa = transforms_of_sa.saturating_add(count);
    if *transforms_of_sa > MAX_TRANSFORMS {
        let reason = Reason::LimitExceeded { limit: MAX_TRANSFORMS };
        return Err(reader.error("# of Transforms", count_offset, reason));
    }
    let transforms = transform::read_chain(reader, protocol, (count, count_offset))?;
    reader.trace().describe(format_args!("# {number}, {protocol}, {count} transforms"));
    Ok(Proposal { number, protocol, spi, transforms })
}

/// RFC 2408 4.2: proposals of one number must not be separated by another number, and numbers increase.
fn check_order(
    reader: &mut Reader<'_, '_>,
    seen: &mut [bool; 256],
    previous: Option<&Proposal>,
    (number, offset): (u8, usize),
) -> Result<(), ParseError> {
    let Some(seen) = seen.get_mut(usize::from(number)) else { return Ok(()) };
    let Some(previous) = previous else {
        *seen = true;
        return Ok(());
    };
    if *seen && previous.number != number {
        return Err(reader.error("Proposal #", offset, Reason::ScatteredProposal(number)));
    }
    *seen = true;
    if number < previous.number {
        reader.anomaly("Proposal #", offset, AnomalyKind::NotIncreasing(number));
    }
    Ok(())
}

/// Writes proposals as a chain that ends with the last of them.
pub(super) fn write_chain(proposals: &[Proposal], writer: &mut Writer) {
    for (index, proposal) in proposals.iter().enumerate() {
        let is_last = index.saturating_add(1) == proposals.len();
        let next = if is_last { PayloadKind::NONE } else { PayloadKind::PROPOSAL };
        writer.payload(next, 0, |writer| proposal.write(writer));
    }
}

impl Proposal {
    fn write(&self, writer: &mut Writer) {
        writer.u8(self.number);
        writer.u8(self.protocol.0);
        writer.size_u8(self.spi.len());
        writer.size_u8(self.transforms.len());
        writer.bytes(&self.spi);
        for (index, transform) in self.transforms.iter().enumerate() {
            let is_last = index.saturating_add(1) == self.transforms.len();
            let next = if is_last { PayloadKind::NONE } else { PayloadKind::TRANSFORM };
            writer.payload(next, 0, |writer| transform.write(writer));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::Body;
    use crate::payload::check::{reads, refuses};

    #[test]
    fn reads_its_fields() {
        let Body::Sa(sa) = reads(
            PayloadKind::SA,
            "00000001 00000001 00000018 07030401 a1a2a3a4 0000000c 01030000 80040001",
            32,
        ) else {
            panic!()
        };
        let Proposal { number, protocol, spi, transforms } = &sa.proposals[0];
        assert_eq!(
            (*number, *protocol, &spi[..], transforms.len()),
            (7, ProtocolId::ESP, &[0xa1, 0xa2, 0xa3, 0xa4][..], 1)
        );
    }

    #[test]
    fn refuses_false_counts_and_what_is_left_over() {
        let with = |proposal: &str| refuses(PayloadKind::SA, &alloc::format!("00000001 00000001 {proposal}"));
        assert_eq!(
            with("00000010 01030002 00000008 01030000"),
            "Proposal payload, # of Transforms at octet 15: says 2 where there are 1"
        );
        assert_eq!(
            with("00000018 01030001 03000008 01030000 00000008 01030000"),
            "Proposal payload, # of Transforms at octet 15: says 1 where there are 2"
        );
        assert_eq!(
            with("00000008 01030000"),
            "Proposal payload, # of Transforms at octet 15: must not be empty"
        );
        assert_eq!(
            with("00000014 01030001 00000008 01030000 00000000"),
            "Proposal payload, Payload Length at octet 24: 4 octets left over"
        );
        assert_eq!(
            with("0000000a 01030401 a1a2"),
            "Proposal payload, SPI at octet 16: 4 octets needed, 2 left"
        );
        assert_eq!(
            with("03000010 01030001 00000008 01030000"),
            "Proposal payload, Next Payload at octet 8: payload type Transform must not stand here"
        );
    }
}
