//! What an SA payload may hold.

use bytes::Bytes;
use isakmp_wire::payload::{Attribute, AttributeValue, Notification, SecurityAssociation};
use isakmp_wire::{AnomalyKind, Message, NotifyType, ParseError, Payload, PayloadKind, Reason};

use crate::common::{clear, load, payload};

pub(crate) fn sa(proposals: &[u8]) -> Vec<u8> {
    payload(0, &[&[0, 0, 0, 1, 0, 0, 0, 1], proposals].concat())
}

pub(crate) fn proposal(next: u8, number: u8, spi: &[u8], count: u8, transforms: &[u8]) -> Vec<u8> {
    payload(next, &[&[number, 3, spi.len() as u8, count], spi, transforms].concat())
}

pub(crate) fn transform(next: u8, attributes: &[u8]) -> Vec<u8> {
    payload(next, &[&[1, 3, 0, 0], attributes].concat())
}

pub(crate) fn read_sa(proposals: &[u8]) -> Result<SecurityAssociation, ParseError> {
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
