//! What callers decide by: numbers, sizes and octets as the RFCs have them, each written down here by hand.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "a test")]

use bytes::Bytes;
use isakmp_wire::payload::{
    Certificate, CertificateRequest, HashData, Identification, IdentityError, IdentityValue, KeyExchange,
    Nonce, SignatureData, VendorId,
};
use isakmp_wire::registry::{CertificateEncoding, phase1, phase2};
use isakmp_wire::*;

/// The header of message 1 of Main Mode: cookie 1, no payload yet.
const HEADER: [u8; 28] =
    [1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 2, 0, 0, 0, 0, 0, 0, 0, 0, 28];

/// RFC 2408 3.14.1: 1 to 16383 are errors, 8192 to 16383 of them and 32768 to 40959 are private.
#[test]
fn notify_types_fall_into_the_ranges_of_rfc_2408() {
    for (number, error, private) in [
        (0, false, false),
        (1, true, false),
        (14, true, false),
        (30, true, false),
        (8191, true, false),
        (8192, true, true),
        (16383, true, true),
        (16384, false, false),
        (24578, false, false),
        (32767, false, false),
        (32768, false, true),
        (36136, false, true),
        (40959, false, true),
        (40960, false, false),
        (65535, false, false),
    ] {
        let notify = NotifyType(number);
        assert_eq!((notify.is_error(), notify.is_private_use()), (error, private), "{number}");
    }
}

/// RFC 2408 3.14.1: UNEQUAL-PAYLOAD-LENGTHS 30, INVALID-FLAGS 8, INVALID-MAJOR-VERSION 5, INVALID-MINOR-VERSION 6.
#[test]
fn each_fault_of_a_header_has_its_notify_type() {
    let clear = |at: usize, value: u8| {
        let mut octets = HEADER.to_vec();
        octets[at] = value;
        Message::parse(Bytes::from(octets)).unwrap_err().notify_type().0
    };
    assert_eq!(clear(17, 0x20), 5);
    assert_eq!(clear(17, 0x00), 5);
    assert_eq!(clear(17, 0x11), 6);
    assert_eq!(clear(27, 29), 30);
    assert_eq!(clear(19, 1), 8, "encrypted, where a clear message is read");
    let plain = EncryptedMessage::parse(Bytes::copy_from_slice(&HEADER)).unwrap_err();
    assert_eq!(plain.notify_type().0, 8, "clear, where an encrypted message is read");
}

/// RFC 2407 4.5 and RFC 2409 Appendix A: the classes marked B, and those marked V.
#[test]
fn attribute_classes_are_basic_or_variable_as_in_the_rfcs() {
    let basic = |class| phase2::AttributeClass(class).is_basic();
    assert!([1, 3, 4, 5, 6, 7, 8, 10, 11].into_iter().all(basic));
    assert!(![0, 2, 9, 16, 32001].into_iter().any(basic));
    let basic = |class| phase1::AttributeClass(class).is_basic();
    assert!([1, 2, 3, 4, 5, 11, 13, 14, 15].into_iter().all(basic));
    assert!(![0, 6, 7, 8, 9, 10, 12, 16, 17, 16384].into_iter().any(basic));
}

/// RFC 2407 4.6.2: the types by number, with what their octets say.
#[test]
fn identities_are_read_by_their_type() {
    let value = |id_type: u8, data: &'static [u8]| {
        let data = Bytes::from_static(data);
        Identification { id_type: IdType(id_type), protocol: 17, port: 500, data }.value()
    };
    let octets = |octets: &'static [u8]| Bytes::from_static(octets);
    let net = |address: [u8; 4], mask: [u8; 4]| IdentityValue::Ipv4Subnet {
        address: address.into(),
        mask: mask.into(),
    };
    let v6 = |first, last| {
        let mut address = [0; 16];
        (address[0], address[15]) = (first, last);
        address
    };
    let range =
        |first: [u8; 4], last: [u8; 4]| IdentityValue::Ipv4Range { first: first.into(), last: last.into() };
    const SIX: &[u8] = &[0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    const SIX_SIX: &[u8] = &[
        0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2,
    ];
    assert_eq!(value(1, &[10, 0, 0, 1]), Ok(IdentityValue::Ipv4([10, 0, 0, 1].into())));
    assert_eq!(value(2, b"a.example"), Ok(IdentityValue::Fqdn(octets(b"a.example"))));
    assert_eq!(value(3, b"a@b.example"), Ok(IdentityValue::UserFqdn(octets(b"a@b.example"))));
    assert_eq!(value(4, &[10, 0, 0, 0, 255, 0, 0, 0]), Ok(net([10, 0, 0, 0], [255, 0, 0, 0])));
    assert_eq!(value(5, SIX), Ok(IdentityValue::Ipv6(v6(0x20, 1).into())));
    let (address, mask) = (v6(0x20, 1).into(), v6(0xff, 2).into());
    assert_eq!(value(6, SIX_SIX), Ok(IdentityValue::Ipv6Subnet { address, mask }));
    assert_eq!(value(7, &[10, 0, 0, 1, 10, 0, 0, 9]), Ok(range([10, 0, 0, 1], [10, 0, 0, 9])));
    assert_eq!(value(8, SIX_SIX), Ok(IdentityValue::Ipv6Range { first: address, last: mask }));
    assert_eq!(value(9, &[0x30, 0]), Ok(IdentityValue::DerDn(octets(&[0x30, 0]))));
    assert_eq!(value(10, &[0x82, 0]), Ok(IdentityValue::DerGn(octets(&[0x82, 0]))));
    assert_eq!(value(11, b"group"), Ok(IdentityValue::KeyId(octets(b"group"))));
    assert_eq!(value(200, b"x"), Ok(IdentityValue::Other(IdType(200), octets(b"x"))));
    for id_type in [2, 3, 9, 10, 11] {
        assert_eq!(value(id_type, b""), Err(IdentityError::Empty(IdType(id_type))));
    }
}

/// RFC 2408 3.2: the length of a payload counts its 4 octets of generic header and has 16 bits.
#[test]
fn the_longest_payload_has_65531_octets_of_body() {
    let body = |len| Payload::try_new(VendorId { octets: Bytes::from(vec![7; len]) });
    assert_eq!(body(65_531).unwrap().raw().len(), 65_531);
    assert!(matches!(body(65_532).unwrap_err().problem(), EncodeProblem::TooLong(65_532)));
}

/// Each body is found by its type and by no other, wherever it stands.
#[test]
fn bodies_are_found_by_their_type() {
    let octets = Bytes::from_static(&[9; 20]);
    let (public, key) = (octets.clone(), octets.clone());
    let header = Header::parse(&HEADER).unwrap();
    let message = Message::new(
        header,
        vec![
            Payload::new(KeyExchange { public }),
            Payload::new(Nonce { octets: key }),
            Payload::new(HashData { octets: octets.clone() }),
        ],
    );
    let encoding = CertificateEncoding(4);
    let proofs = Message::new(
        Header::parse(&HEADER).unwrap(),
        vec![
            Payload::new(CertificateRequest { encoding, authority: octets.clone() }),
            Payload::new(Certificate { encoding, data: octets.slice(1..) }),
            Payload::new(SignatureData { octets: octets.slice(2..) }),
        ],
    );
    assert_eq!(proofs.get::<CertificateRequest>().unwrap().authority.len(), 20);
    assert_eq!(proofs.get::<Certificate>().unwrap().data.len(), 19);
    assert_eq!(proofs.get::<SignatureData>().unwrap().octets.len(), 18);
    assert!(proofs.get::<Nonce>().is_none());
    assert_eq!(message.get::<KeyExchange>().unwrap().public, octets);
    assert_eq!(message.get::<Nonce>().unwrap().octets, octets);
    assert_eq!(message.get::<HashData>().unwrap().octets, octets);
    assert!(message.get::<SignatureData>().is_none());
    assert_eq!(message.all::<Nonce>().count(), 1);
    // RFC 2408 3.1: the length is that of the whole message, 28 + 3 * (4 + 20); KE is 4, NONCE 10, HASH 8.
    let written = message.encode();
    assert_eq!(written[24..28], [0, 0, 0, 100]);
    assert_eq!([written[16], written[28], written[52], written[76]], [4, 10, 8, 0]);
    assert_eq!(message.octets_after_first(), written.slice(52..));
}

/// A message in clear, filled up with zeros to four octets (RFC 2408 3.6): the length that is written counts them.
#[test]
fn padding_counts_in_the_length() {
    let mut octets = HEADER.to_vec();
    (octets[16], octets[27]) = (13, 28 + 9 + 3);
    octets.extend([0, 0, 0, 9, 1, 2, 3, 4, 5, 0, 0, 0]);
    let message = Message::parse(Bytes::from(octets.clone())).unwrap();
    assert_eq!(message.encode(), octets);
    assert_eq!(message.encode_payloads(), octets[28..37]);
}

/// A reserved field of two octets that is not zero is told with its value, the first octet above the second.
#[test]
fn a_reserved_field_is_told_with_its_value() {
    // RFC 2408 3.5: RESERVED2 of a transform payload, RFC 2408 3.4: SA with DOI 1 and the situation of identity only.
    let mut octets = HEADER.to_vec();
    octets[16] = 1;
    octets.extend([0, 0, 0, 28, 0, 0, 0, 1, 0, 0, 0, 1]);
    octets.extend([0, 0, 0, 16, 1, 1, 0, 1]);
    octets.extend([0, 0, 0, 8, 1, 1, 0x12, 0x34]);
    octets[27] = u8::try_from(octets.len()).unwrap();
    let message = Message::parse(Bytes::from(octets)).unwrap();
    let odd: Vec<_> = message.anomalies().iter().map(|anomaly| anomaly.kind).collect();
    assert_eq!(odd, [AnomalyKind::ReservedNotZero(0x1234)]);
}
