//! Hostile messages, by the numbers of the threat catalogue.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]
#![allow(clippy::cast_possible_truncation, missing_docs, dead_code, reason = "a test")]

mod common;

use bytes::Bytes;
use common::{Recorded, clear, load, payload, sound, with_true_length};
use isakmp_wire::limits::*;
use isakmp_wire::payload::{
    Attribute, AttributeValue, ConfigAttributes, Delete, Fragment, Identification, Notification,
    SecurityAssociation, Unknown,
};
use isakmp_wire::{
    AnomalyKind, EncryptedMessage, Header, IdType, Message, NotifyType, ParseError, Payload, PayloadKind,
    Place, Reason, dissect, dissect_decrypted, peek_version,
};

#[global_allocator]
static ALLOC: test_alloc::TestAlloc = test_alloc::TestAlloc;

/// A sound message whose octets behind the header can be spoiled, in clear or as decrypted.
struct Sample {
    recorded: Recorded,
    body: Vec<u8>,
}

impl Sample {
    /// Reads the message with another body, as the datagram or the decryption would give it.
    fn read(&self, body: &[u8]) -> Result<Message, ParseError> {
        if self.recorded.plaintext.is_some() {
            EncryptedMessage::parse(self.recorded.datagram.clone())?.decrypted(Bytes::copy_from_slice(body))
        } else {
            Message::parse(with_true_length([&self.recorded.datagram[..28], body].concat()))
        }
    }

    /// Offsets in the body of the fields that tshark calls `name`.
    fn offsets(&self, name: &str) -> Vec<usize> {
        let fields =
            self.recorded.fields.iter().filter(|field| field.name == name && field.range.start >= 28);
        fields.map(|field| field.range.start - 28).collect()
    }

    /// What is accepted writes the same octets again, and what tells about it is not confused.
    fn check_accepted(&self, message: &Message, body: &[u8]) {
        let name = &self.recorded.name;
        assert_eq!(message.encode().slice(28..), body, "{name}");
        assert_eq!(isakmp_wire::encode_chain(message.payloads()), message.encode_payloads(), "{name}");
    }
}

fn samples() -> Vec<Sample> {
    let readable =
        sound().into_iter().filter(|recorded| !recorded.is_encrypted() || recorded.plaintext.is_some());
    let sample = |recorded: Recorded| {
        let body = recorded.plaintext.as_deref().unwrap_or(&recorded.datagram[28..]).to_vec();
        Sample { recorded, body }
    };
    readable.map(sample).collect()
}

#[test]
fn t001_every_cut_is_refused() {
    for recorded in sound() {
        for end in 0..recorded.datagram.len() {
            let cut = recorded.datagram.slice(..end);
            assert!(
                Message::parse(cut.clone()).is_err() && EncryptedMessage::parse(cut.clone()).is_err(),
                "{}",
                recorded.name
            );
            assert!(Header::parse(&cut).is_err());
            assert!(dissect(&cut).error().is_some());
        }
    }
    // The same with a length that is true, so that the cut is inside the payloads.
    for sample in samples() {
        let chain = sample.read(&sample.body).unwrap().encode_payloads().len();
        for end in 0..chain {
            assert!(sample.read(&sample.body[..end]).is_err(), "{} at {end}", sample.recorded.name);
        }
    }
}

#[test]
fn t002_length_field_and_datagram_must_agree() {
    for recorded in sound() {
        let n = recorded.datagram.len() as u32;
        for length in [0, 27, n - 1, n + 1, 1 << 31, u32::MAX] {
            let mut octets = recorded.datagram.to_vec();
            octets[24..28].copy_from_slice(&length.to_be_bytes());
            let octets = Bytes::from(octets);
            let (result, used) = test_alloc::measure(|| Message::parse(octets.clone()));
            let error = result.unwrap_err();
            assert_eq!((error.place(), error.field(), error.offset()), (Place::Header, "Length", 24));
            let reason = Reason::LengthMismatch { stated: length.into(), actual: n.into() };
            assert_eq!(error.reason(), &reason);
            // The allocation is bounded by what is there, never by what is said.
            assert!(used.octets <= u64::from(n) + 256, "{used:?} for {n}");
            let encrypted = EncryptedMessage::parse(octets).unwrap_err();
            assert_eq!(encrypted.reason(), &reason);
        }
    }
}

#[test]
fn t002_memory_is_bounded_by_the_datagram() {
    // The most that 64 KiB can be made to take: many small things at every level, up to the caps. What growing lists
    // ask for on the way counts too.
    for (name, octets) in common::largest() {
        let (message, used) = test_alloc::measure(|| Message::parse(octets.clone()));
        assert!(message.is_ok(), "{name}: {:?}", message.err());
        assert!(used.octets < 24 * octets.len() as u64, "{name}: {used:?} for {}", octets.len());
    }
}

#[test]
fn t003_payload_lengths_that_do_not_advance_are_refused() {
    let mut tried = 0;
    for sample in samples() {
        for offset in sample.offsets("payloadlength") {
            for length in 0..4u8 {
                let mut body = sample.body.clone();
                (body[offset], body[offset + 1]) = (0, length);
                let error = sample.read(&body).unwrap_err();
                assert_eq!(
                    (error.field(), error.offset()),
                    ("Payload Length", offset + 28),
                    "{}",
                    sample.recorded.name
                );
                assert_eq!(error.reason(), &Reason::TooShort { stated: length.into(), minimum: 4 });
                tried += 1;
            }
        }
    }
    assert!(tried > 2000, "only {tried}");
}

#[test]
fn t003_a_chain_of_empty_payloads_ends_at_the_cap() {
    let empty = [PayloadKind::VENDOR_ID.0, 0, 0, 4];
    let octets = clear(PayloadKind::VENDOR_ID.0, &empty.repeat(16_000));
    let error = Message::parse(octets).unwrap_err();
    assert_eq!(error.reason(), &Reason::LimitExceeded { limit: MAX_PAYLOADS });
    assert_eq!(error.offset(), 28 + 4 * MAX_PAYLOADS);
}

#[test]
fn t004_lengths_beyond_what_is_around_them_are_refused() {
    for sample in samples() {
        let is_clear = sample.recorded.plaintext.is_none();
        for offset in sample.offsets("payloadlength") {
            let old = u16::from_be_bytes([sample.body[offset], sample.body[offset + 1]]);
            for add in [1, 4, 0x7fff, 0xffff - old] {
                let mut body = sample.body.clone();
                body[offset..offset + 2].copy_from_slice(&(old + add).to_be_bytes());
                match sample.read(&body) {
                    Err(error) => assert!(error.offset() >= offset + 26, "{} {error}", sample.recorded.name),
                    // Only octets without structure can swallow what is behind them, and only padding can be that.
                    Ok(message) => {
                        assert!(!is_clear && add <= 4, "{} {offset} {add}", sample.recorded.name);
                        sample.check_accepted(&message, &body);
                    }
                }
            }
        }
    }
}

#[test]
fn t004_inner_lengths_beyond_outer_ones_name_the_inner_payload() {
    let sample =
        samples().into_iter().find(|sample| sample.recorded.name.contains("built message 5")).unwrap();
    let lengths = sample.offsets("payloadlength");
    // SA, proposal, its transform: one octet more makes each end behind its parent.
    for (level, kind) in [(1, PayloadKind::PROPOSAL), (2, PayloadKind::TRANSFORM)] {
        let mut body = sample.body.clone();
        body[lengths[level] + 1] += if kind == PayloadKind::PROPOSAL { 100 } else { 1 };
        let error = sample.read(&body).unwrap_err();
        assert_eq!(
            (error.payload(), error.field(), error.offset()),
            (Some(kind), "Payload Length", lengths[level] + 28)
        );
        assert!(matches!(error.reason(), Reason::Truncated { .. }), "{error}");
        assert_eq!(error.notify_type(), NotifyType::BAD_PROPOSAL_SYNTAX);
    }
}

#[test]
fn t005_next_payload_and_reserved_take_no_lies() {
    for sample in samples() {
        let nexts = sample.offsets("nextpayload");
        for offset in nexts.iter().chain(sample.offsets("reserved").iter()).copied() {
            for value in 0..=255u8 {
                let mut body = sample.body.clone();
                body[offset] = value;
                let Ok(message) = sample.read(&body) else { continue };
                sample.check_accepted(&message, &body);
                let is_reserved = !nexts.contains(&offset);
                let odd = message.anomalies().iter().find(|anomaly| anomaly.offset == offset + 28);
                match odd.map(|anomaly| anomaly.kind) {
                    None => assert!(!is_reserved || value == 0, "{} {offset}", sample.recorded.name),
                    Some(kind) => {
                        // RESERVED2 has two octets, the first of which was set.
                        let values = [value.into(), u64::from(value) << 8];
                        let is_told = values.map(AnomalyKind::ReservedNotZero).contains(&kind);
                        assert!(is_told && is_reserved, "{} {kind:?}", sample.recorded.name);
                    }
                }
            }
        }
    }
}

#[test]
fn t005_proposals_and_transforms_stand_in_an_sa_only() {
    for kind in [2, 3] {
        let error = Message::parse(clear(kind, &payload(0, &[0; 8]))).unwrap_err();
        assert_eq!((error.place(), error.field(), error.offset()), (Place::Header, "Next Payload", 16));
        let error =
            Message::parse(clear(13, &[payload(kind, b"vendor"), payload(0, &[0; 8])].concat())).unwrap_err();
        assert_eq!((error.payload(), error.offset()), (Some(PayloadKind::VENDOR_ID), 28));
        assert_eq!(error.notify_type(), NotifyType::INVALID_PAYLOAD_TYPE);
        assert!(Payload::from_raw(PayloadKind(kind), Bytes::new()).is_err());
    }
    // Inside, nothing else may stand.
    for next in (0..=255).filter(|next| ![0, 2].contains(next)) {
        let error =
            Message::parse(clear(1, &sa(&proposal(next, 1, &[], 1, &transform(0, &[]))))).unwrap_err();
        assert_eq!((error.payload(), error.offset()), (Some(PayloadKind::PROPOSAL), 40));
        assert_eq!(error.reason(), &Reason::UnexpectedPayload(PayloadKind(next)));
    }
    for next in (0..=255).filter(|next| ![0, 3].contains(next)) {
        let error =
            Message::parse(clear(1, &sa(&proposal(0, 1, &[], 1, &transform(next, &[]))))).unwrap_err();
        assert_eq!((error.payload(), error.offset()), (Some(PayloadKind::TRANSFORM), 48));
    }
}

#[test]
fn t005_octets_behind_the_chain_are_refused_in_clear_and_padding_when_decrypted() {
    for sample in samples() {
        for count in [1, 4, 7, 64] {
            let chain = sample.read(&sample.body).unwrap().encode_payloads();
            let body = [&chain[..], &vec![0xff; count]].concat();
            match sample.read(&body) {
                Ok(message) => {
                    assert!(sample.recorded.plaintext.is_some(), "{}", sample.recorded.name);
                    assert_eq!(message.padding().len(), count);
                    assert_eq!(message.encode_payloads(), chain);
                }
                Err(error) => {
                    assert!(sample.recorded.plaintext.is_none(), "{}", sample.recorded.name);
                    assert_eq!((error.field(), error.offset()), ("Next Payload", 28 + chain.len()));
                    assert_eq!(error.reason(), &Reason::Trailing { count });
                }
            }
        }
    }
    let error = Message::parse(clear(0, &[0; 4])).unwrap_err();
    assert_eq!((error.place(), error.reason()), (Place::Header, &Reason::Trailing { count: 4 }));
}

fn sa(proposals: &[u8]) -> Vec<u8> {
    payload(0, &[&[0, 0, 0, 1, 0, 0, 0, 1], proposals].concat())
}

fn proposal(next: u8, number: u8, spi: &[u8], count: u8, transforms: &[u8]) -> Vec<u8> {
    payload(next, &[&[number, 3, spi.len() as u8, count], spi, transforms].concat())
}

fn transform(next: u8, attributes: &[u8]) -> Vec<u8> {
    payload(next, &[&[1, 3, 0, 0], attributes].concat())
}

fn read_sa(proposals: &[u8]) -> Result<SecurityAssociation, ParseError> {
    Message::parse(clear(1, &sa(proposals)))
        .map(|message| message.get::<SecurityAssociation>().unwrap().clone())
}

#[test]
fn t006_transform_counts_must_be_true() {
    let two = [transform(3, &[]), transform(0, &[])].concat();
    assert_eq!(read_sa(&proposal(0, 1, &[], 2, &two)).unwrap().proposals[0].transforms.len(), 2);
    for count in [0, 1, 3, 255] {
        let error = read_sa(&proposal(0, 1, &[], count, &two)).unwrap_err();
        assert_eq!(
            (error.payload(), error.field(), error.offset()),
            (Some(PayloadKind::PROPOSAL), "# of Transforms", 47)
        );
        assert_eq!(error.notify_type(), NotifyType::BAD_PROPOSAL_SYNTAX);
    }
    // Counting stops where the field is proven false.
    let error = read_sa(&proposal(0, 1, &[], 1, &transform(3, &[]).repeat(300))).unwrap_err();
    assert_eq!(error.reason(), &Reason::CountMismatch { stated: 1, found: 2 });
    assert!(read_sa(&proposal(0, 1, &[], 0, &[])).is_err());
    assert!(read_sa(&[]).is_err());
}

#[test]
fn t006_proposals_of_one_number_must_be_adjacent() {
    let one = |next, number| proposal(next, number, &[], 1, &transform(0, &[]));
    let offer = read_sa(&[one(2, 1), one(2, 1), one(0, 2)].concat()).unwrap();
    assert_eq!(offer.alternatives().map(<[_]>::len).collect::<Vec<_>>(), [2, 1]);
    let error = read_sa(&[one(2, 1), one(2, 2), one(0, 1)].concat()).unwrap_err();
    assert_eq!((error.field(), error.reason()), ("Proposal #", &Reason::ScatteredProposal(1)));
    // Numbers that fall are odd and no more than that.
    let message = Message::parse(clear(1, &sa(&[one(2, 2), one(0, 1)].concat()))).unwrap();
    assert_eq!(message.anomalies()[0].kind, AnomalyKind::NotIncreasing(1));
}

#[test]
fn t006_spi_sizes_must_fit() {
    for size in 0..=255u8 {
        let spi = vec![0x5a; size.into()];
        let offer = read_sa(&proposal(0, 1, &spi, 1, &transform(0, &[]))).unwrap();
        assert_eq!(offer.proposals[0].spi, spi);
        let error = read_sa(&payload(0, &[&[1, 3, size, 1], &spi[..spi.len() / 2]].concat()))
            .map(|offer| offer.proposals);
        assert!(error.is_err(), "{size}: {error:?}");

        let notify = [&[0, 0, 0, 1, 3, size, 0, 14][..], &spi, b"data"].concat();
        let message = Message::parse(clear(11, &payload(0, &notify))).unwrap();
        let notification: &Notification = message.get().unwrap();
        assert_eq!((&notification.spi[..], &notification.data[..]), (&spi[..], &b"data"[..]));
        if size > 4 {
            let cut = clear(11, &payload(0, &notify[..notify.len() - 5]));
            let error = Message::parse(cut).unwrap_err();
            assert_eq!((error.payload(), error.field()), (Some(PayloadKind::NOTIFICATION), "SPI"));
        }
    }
}

#[test]
fn t007_attributes_in_either_form_and_cut() {
    let of = |attributes: &[u8]| {
        read_sa(&proposal(0, 1, &[], 1, &transform(0, attributes)))
            .map(|offer| offer.proposals[0].transforms[0].attributes.clone())
    };
    // Life duration as TV and as TLV of several lengths: RFC 2407 4.5.
    let tlv = |octets: &[u8]| [&[0, 2][..], &(octets.len() as u16).to_be_bytes(), octets].concat();
    let table: [(Vec<u8>, Option<u64>); 9] = [
        (vec![0x80, 2, 0x0e, 0x10], Some(3600)),
        (tlv(&[]), None),
        (tlv(&[7]), Some(7)),
        (tlv(&[1, 0, 0]), Some(0x1_0000)),
        (tlv(&[0, 0x46, 0x50, 0]), Some(4_608_000)),
        (tlv(&[0xff; 8]), Some(u64::MAX)),
        (tlv(&[0xff; 9]), Some(u64::MAX)),
        (tlv(&[1, 0, 0, 0, 0, 0, 0, 0, 0]), Some(u64::MAX)),
        (tlv(&[&[0; 299][..], &[9]].concat()), Some(9)),
    ];
    for (octets, value) in table {
        let attributes = of(&octets).unwrap();
        assert_eq!(
            (attributes.len(), attributes[0].kind, attributes[0].value_u64()),
            (1, 2, value),
            "{octets:02x?}"
        );
        assert_eq!(Attribute::encode_list(&attributes), octets);
    }
    // A class that must be basic, sent as variable: kept apart, so that it can be refused.
    let basic_as_variable = &of(&[0, 4, 0, 2, 0, 1]).unwrap()[0];
    assert_eq!((basic_as_variable.basic_value(), basic_as_variable.value_u64()), (None, Some(1)));
    // Past the transform, and stray octets at the end.
    for cut in [
        &[0x80][..],
        &[0x80, 1],
        &[0x80, 1, 0],
        &[0, 2, 0, 4, 1, 2, 3],
        &[0x80, 1, 0, 1, 0],
        &[0, 2, 0xff, 0xff],
    ] {
        let error = of(cut).unwrap_err();
        assert_eq!(error.payload(), Some(PayloadKind::TRANSFORM), "{cut:02x?}");
        assert!(
            matches!(error.reason(), Reason::Truncated { .. }) && error.field().starts_with("Attribute ")
        );
    }
    // The capture: its transform stands outside an SA, and alone in one it is no better.
    let capture = load("malformed").pop().unwrap().datagram;
    assert!(Message::parse(capture.clone()).is_err());
    assert!(read_sa(&proposal(0, 1, &[], 1, &capture[28..])).is_err());
}

#[test]
fn t010_caps_hold_at_their_bounds() {
    fn chain(count: usize, one: impl Fn(bool, usize) -> Vec<u8>) -> Vec<u8> {
        (0..count).flat_map(|at| one(at + 1 == count, at)).collect()
    }
    let transforms = |count| chain(count, |last, _| transform(if last { 0 } else { 3 }, &[]));
    let check = |limit: usize, read: &dyn Fn(usize) -> Result<(), ParseError>| {
        assert_eq!(read(limit - 1), Ok(()));
        assert_eq!(read(limit), Ok(()));
        assert_eq!(read(limit + 1).unwrap_err().reason(), &Reason::LimitExceeded { limit });
    };
    check(MAX_PROPOSALS, &|count| {
        let one = |last, at: usize| proposal(if last { 0 } else { 2 }, at as u8, &[], 1, &transforms(1));
        read_sa(&chain(count, one)).map(drop)
    });
    check(MAX_TRANSFORMS, &|count| {
        let proposals =
            [proposal(2, 1, &[], 255, &transforms(255)), proposal(2, 2, &[], 255, &transforms(255))].concat();
        let rest = count - 510;
        read_sa(&[proposals, proposal(0, 3, &[], rest as u8, &transforms(rest))].concat()).map(drop)
    });
    check(MAX_ATTRIBUTES, &|count| {
        read_sa(&proposal(0, 1, &[], 1, &transform(0, &[0x80, 1, 0, 1].repeat(count)))).map(drop)
    });
    check(MAX_CONFIG_ATTRIBUTES, &|count| {
        let body = [&[1, 0, 0, 0][..], &[0, 1, 0, 0].repeat(count)].concat();
        Message::parse(clear(14, &payload(0, &body)))
            .map(|message| drop(message.get::<ConfigAttributes>().unwrap().clone()))
    });
    check(MAX_DELETED_SPIS, &|count| {
        let head = [&[0, 0, 0, 1, 3, 4][..], &(count as u16).to_be_bytes()].concat();
        Message::parse(clear(12, &payload(0, &[head, vec![9; 4 * count]].concat()))).map(drop)
    });
    check(MAX_PAYLOADS, &|count| {
        Message::parse(clear(13, &chain(count, |last, _| payload(if last { 0 } else { 13 }, b"v")))).map(drop)
    });
    check(MAX_MESSAGE_OCTETS, &|count| {
        let vendor = payload(13, &[0; 40_000]);
        let rest = payload(0, &vec![0; count - 28 - vendor.len() - 4]);
        Message::parse(clear(13, &[vendor, rest].concat())).map(drop)
    });
}

#[test]
fn t011_every_situation_is_read_or_refused() {
    let offer = proposal(0, 1, &[], 1, &transform(0, &[]));
    let with = |doi: u32, bits: u32, rest: &[u8]| {
        let body = [&doi.to_be_bytes()[..], &bits.to_be_bytes(), rest].concat();
        Message::parse(clear(1, &payload(0, &body)))
    };
    for bit in 3..32 {
        let message = with(1, 1 | 1 << bit, &offer).unwrap();
        let sa = message.get::<SecurityAssociation>().unwrap();
        // Nobody knows where this situation ends, so there is nothing to choose from.
        assert_eq!(
            (sa.situation.bits, sa.proposals.len(), &sa.situation.labels[..]),
            (1 | 1 << bit, 0, &offer[..])
        );
    }
    for doi in [0, 2, 0x0100_0000, u32::MAX] {
        assert!(with(doi, 1, &offer).unwrap().get::<SecurityAssociation>().unwrap().proposals.is_empty());
    }
    // RFC 2407 4.6.1 (test): level of 5 octets padded to 8, categories of 12 bits padded to 4 octets
    let label: &[u8] = &[0, 5, 0, 0, 1, 2, 3, 4, 5, 0, 0, 0, 0, 12, 0, 0, 0xff, 0xf0, 0, 0];
    let domain: &[u8] = &[0, 0, 0, 7];
    for (bits, labels) in
        [(3, [domain, label].concat()), (4, [domain, label].concat()), (7, [domain, label, label].concat())]
    {
        let octets = [&labels[..], &offer].concat();
        let message = with(1, bits, &octets).unwrap();
        let sa = message.get::<SecurityAssociation>().unwrap();
        assert_eq!((&sa.situation.labels, sa.proposals.len()), (&Bytes::from(labels.clone()), 1));
        assert_eq!(Payload::new(sa.clone()).raw(), message.payloads()[0].raw());
        for cut in 0..octets.len() {
            assert!(with(1, bits, &octets[..cut]).is_err(), "{bits} {cut}");
        }
        let mut lies = octets.clone();
        lies[4..6].copy_from_slice(&[0xff, 0xff]);
        assert!(with(1, bits, &lies).is_err());
    }
}

#[test]
fn t012_bodies_shorter_than_their_fixed_part_are_refused() {
    // Least body of each kind, from the drawings of RFC 2408 3.4 to 3.16, RFC 3947 5.2 and the rest.
    let least: [(u8, usize); 15] = [
        (4, 0),
        (5, 4),
        (6, 1),
        (7, 1),
        (8, 0),
        (9, 0),
        (10, 0),
        (11, 8),
        (12, 8),
        (13, 0),
        (14, 4),
        (20, 0),
        (21, 8),
        (130, 0),
        (132, 4),
    ];
    for (kind, least) in least {
        for size in 0..=40 {
            let result = Message::parse(clear(kind, &payload(0, &vec![1; size])));
            if size < least {
                let error = result.unwrap_err();
                assert_eq!(error.payload(), Some(PayloadKind(kind)));
                assert!(
                    matches!(error.reason(), Reason::Truncated { .. } | Reason::WrongSize { .. }),
                    "{error}"
                );
            } else if let Ok(message) = result {
                assert_eq!(message.payloads()[0].raw().len(), size);
            }
        }
    }
}

#[test]
fn t012_identities_have_the_size_of_their_type() {
    let fixed = [(1, 4), (4, 8), (5, 16), (6, 32), (7, 8), (8, 32)];
    for id_type in 0..=255u8 {
        for size in 0..=40usize {
            let body = [&[id_type, 0, 0, 0][..], &vec![0x61; size]].concat();
            let result = Message::parse(clear(5, &payload(0, &body)));
            let is_right =
                fixed.iter().find(|(of, _)| *of == id_type).map_or(size > 0, |(_, right)| *right == size);
            match result {
                Ok(message) => {
                    assert!(is_right, "type {id_type} of {size} octets");
                    let id: &Identification = message.get().unwrap();
                    assert_eq!((id.id_type, id.value().is_ok()), (IdType(id_type), true));
                }
                Err(error) => {
                    assert!(!is_right, "type {id_type} of {size} octets: {error}");
                    assert_eq!((error.payload(), error.offset()), (Some(PayloadKind::IDENTIFICATION), 36));
                    assert_eq!(error.notify_type(), NotifyType::INVALID_ID_INFORMATION);
                }
            }
        }
    }
}

#[test]
fn t013_distinguished_names_are_octets_here() {
    let name = hex::decode(
        "302c310b3009060355040613024445310c300a060355040a13034c6162310f300d060355040313064c6162204341",
    )
    .unwrap();
    for at in 0..name.len() {
        let mut bumped = name.clone();
        bumped[at] = bumped[at].wrapping_add(1);
        for data in [&name[..=at], &bumped] {
            let message = Message::parse(clear(5, &payload(0, &[&[9, 0, 0, 0], data].concat()))).unwrap();
            assert_eq!(message.get::<Identification>().unwrap().data, data);
        }
    }
}

#[test]
fn t014_delete_count_times_size() {
    for count in [0u16, 1, 2, 65535] {
        for size in [0u8, 1, 4, 16, 255] {
            for rest in 4..=64usize {
                let body = [&[0, 0, 0, 1, 3, size][..], &count.to_be_bytes(), &vec![7; rest]].concat();
                let result = Message::parse(clear(12, &payload(0, &body)));
                let product = u64::from(size) * u64::from(count);
                match result {
                    Ok(message) => {
                        let delete: &Delete = message.get().unwrap();
                        assert_eq!(product, rest as u64);
                        assert_eq!(delete.spis.len(), count.into());
                        assert!(delete.spis.iter().all(|spi| spi.len() == usize::from(size)));
                    }
                    Err(error) => {
                        assert_ne!(product, rest as u64);
                        assert_eq!(
                            (error.payload(), error.field(), error.offset()),
                            (Some(PayloadKind::DELETE), "# of SPIs", 38)
                        );
                        assert_eq!(
                            error.reason(),
                            &Reason::LengthMismatch { stated: product, actual: rest as u64 }
                        );
                    }
                }
            }
        }
    }
    // Without octets of SPI a count is a lie that costs nothing to tell.
    let none = [0, 0, 0, 1, 3, 0, 0xff, 0xff];
    assert_eq!(Message::parse(clear(12, &payload(0, &none))).unwrap_err().field(), "SPI Size");
    // 255 * 65535 modulo 2^16 is 65281: a product in 16 bits would take this for true.
    let wrapped = [&[0, 0, 0, 1, 3, 255, 0xff, 0xff][..], &vec![0; 65_281]].concat();
    let error = Payload::from_raw(PayloadKind::DELETE, wrapped.into()).unwrap_err();
    assert_eq!(error.reason(), &Reason::LengthMismatch { stated: 16_711_425, actual: 65_281 });
    // The capture, with version, flags and length set right.
    let mut capture =
        load("malformed").into_iter().find(|one| one.name.contains("delete")).unwrap().datagram.to_vec();
    (capture[17], capture[19]) = (0x10, 0);
    assert_eq!(Message::parse(with_true_length(capture)).unwrap_err().field(), "# of SPIs");
}

#[test]
fn t018_foreign_payloads_are_unknown_and_kept() {
    let interpreted = [1u8, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 20, 21, 130, 131, 132];
    for kind in 1..=255u8 {
        // Behind, before and between others; the octets would do for few of the known kinds.
        let chain = [payload(kind, b"first"), payload(13, b"inserted"), payload(0, b"last")].concat();
        match Message::parse(clear(13, &chain)) {
            Ok(message) if interpreted.contains(&kind) => {
                assert!(message.get::<Unknown>().is_none(), "{kind}")
            }
            Ok(message) => {
                let unknown: &Unknown = message.get().unwrap();
                assert_eq!((unknown.kind, &unknown.octets[..]), (PayloadKind(kind), &b"inserted"[..]));
                assert_eq!(message.payloads().len(), 3);
                assert_eq!(message.encode(), clear(13, &chain));
            }
            Err(error) => {
                assert!(interpreted.contains(&kind) || [2, 3].contains(&kind), "{kind}: {error}");
            }
        }
    }
}

#[test]
fn t019_header_octets_of_every_value() {
    for recorded in [&sound()[0], &load("handshake-main-psk")[4]] {
        for (offset, value) in (0..28).flat_map(|offset| (0..=255u8).map(move |value| (offset, value))) {
            let mut octets = recorded.datagram.to_vec();
            octets[offset] = value;
            let octets = Bytes::from(octets);
            let (clear, encrypted) =
                (Message::parse(octets.clone()), EncryptedMessage::parse(octets.clone()));
            assert!(clear.is_err() || encrypted.is_err());
            match offset {
                17 if value != 0x10 => {
                    let version = peek_version(&octets).unwrap();
                    assert_eq!(clear.as_ref().unwrap_err().reason(), &Reason::UnsupportedVersion(version));
                    assert_eq!(encrypted.unwrap_err().reason(), &Reason::UnsupportedVersion(version));
                    let expected = if value >> 4 == 1 { 6 } else { 5 };
                    assert_eq!(clear.unwrap_err().notify_type().0, expected);
                }
                18 if !recorded.is_encrypted() => assert_eq!(clear.unwrap().header().exchange.0, value),
                19 => {
                    assert_eq!(encrypted.is_ok(), value & 1 == 1);
                    let Ok(message) = clear else { continue };
                    let odd: Vec<_> = message.anomalies().iter().map(|anomaly| anomaly.kind).collect();
                    let unknown = value & 0xf8;
                    assert_eq!(
                        odd,
                        if unknown == 0 { vec![] } else { vec![AnomalyKind::UnknownFlags(unknown)] }
                    );
                    assert_eq!(message.encode(), octets);
                }
                24.. if value != recorded.datagram[offset] => assert!(clear.is_err() && encrypted.is_err()),
                _ => {}
            }
        }
    }
    // The version is looked at before there is a whole header.
    let short = [0u8; 18];
    assert!(matches!(Header::parse(&short).unwrap_err().reason(), Reason::UnsupportedVersion(_)));
}

/// A small generator of its own, so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        // SplitMix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}

/// Spoils one to three fields (as another dissector found them) with edge values, or moves octets about.
fn spoil(sample: &Sample, random: &mut Random) -> Vec<u8> {
    let mut body = sample.body.clone();
    let fields: Vec<_> = sample.recorded.fields.iter().filter(|field| field.range.start >= 28).collect();
    for _ in 0..=random.below(3) {
        let range = fields[random.below(fields.len())].range.clone();
        let (start, end) = ((range.start - 28).min(body.len()), (range.end - 28).min(body.len()));
        let edges: [u64; 9] = [0, 1, 3, 4, 0x7f, 0x80, u64::MAX, 0x7fff_ffff, random.next()];
        let edge = edges[random.below(edges.len())].to_be_bytes();
        match random.below(6) {
            0 => drop(body.drain(start..end)),
            1 => body.extend_from_within(start..end),
            2 => body.truncate(start),
            _ => body[start..end].iter_mut().rev().zip(edge.iter().rev()).for_each(|(to, from)| *to = *from),
        }
    }
    body
}

#[test]
fn t021_spoiled_fields_are_refused_or_read_as_they_are() {
    let samples = samples();
    let mut random = Random(21);
    let (mut refused, mut accepted) = (0, 0);
    for _ in 0..20_000 {
        let sample = &samples[random.below(samples.len())];
        let body = spoil(sample, &mut random);
        let (result, used) = test_alloc::measure(|| sample.read(&body));
        assert!(used.octets < 65_536 + 64 * body.len() as u64, "{used:?}");
        match result {
            Ok(message) => {
                accepted += 1;
                sample.check_accepted(&message, &body);
                assert_eq!(message.dissect().error(), None, "{}", sample.recorded.name);
            }
            Err(error) => {
                refused += 1;
                assert!(error.offset() <= body.len() + 28, "{error}");
                let dissection = match &sample.recorded.plaintext {
                    Some(_) => dissect_decrypted(&sample.recorded.datagram, &body),
                    None => dissect(&with_true_length([&sample.recorded.datagram[..28], &body].concat())),
                };
                assert_eq!(dissection.error(), Some(&error));
                assert!(dissection.find("Malformed").is_some(), "{dissection}");
            }
        }
    }
    assert!(refused > 5_000 && accepted > 2_000, "{refused} refused, {accepted} accepted");
}

#[test]
fn t109_fragments_shorter_than_their_header_are_refused() {
    for length in 0..=12u16 {
        let octets = [&[0, 0][..], &length.to_be_bytes(), &vec![1; usize::from(length.max(4)) - 4]].concat();
        let result = Message::parse(clear(132, &octets));
        if length < 8 {
            let error = result.unwrap_err();
            assert_eq!(error.payload(), Some(PayloadKind::FRAGMENT));
            assert!(matches!(error.reason(), Reason::TooShort { .. } | Reason::Truncated { .. }), "{error}");
        } else {
            assert_eq!(result.unwrap().get::<Fragment>().unwrap().data.len(), usize::from(length) - 8);
        }
    }
    let beyond = [&[0, 0, 0xff, 0xff][..], &[1; 40]].concat();
    let error = Message::parse(clear(132, &beyond)).unwrap_err();
    assert_eq!(error.reason(), &Reason::Truncated { needed: 65_531, available: 40 });
}

#[test]
fn attribute_values_keep_their_form() {
    let list = [
        Attribute::number(2u16, 3600),
        Attribute::number(2u16, 4_608_000),
        Attribute::number(2u16, u64::MAX),
    ];
    assert_eq!(list[0].value, AttributeValue::Basic(3600));
    let octets = Attribute::encode_list(&list);
    assert_eq!(hex::encode(&octets), "80020e10000200040046500000020008ffffffffffffffff");
    assert_eq!(Attribute::parse_list(&octets).unwrap(), list);
}
