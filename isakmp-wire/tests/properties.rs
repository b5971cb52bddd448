//! Arbitrary messages: what is written is read again, what is read is written again.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]
#![allow(clippy::cast_possible_truncation, missing_docs, reason = "a test")]

use bytes::Bytes;
use isakmp_wire::payload::{
    Attribute, AttributeValue, Certificate, CertificateRequest, ConfigAttributes, Delete, Fragment, HashData,
    Identification, KeyExchange, NatDiscovery, NatNumbering, NatOriginalAddress, Nonce, Notification,
    Proposal, SealedIdentification, SecurityAssociation, SignatureData, Situation, Transform, Unknown,
    VendorId,
};
use isakmp_wire::registry::{CertificateEncoding, ConfigMessageType};
use isakmp_wire::{
    Body, Cookie, Doi, EncodeProblem, EncryptedMessage, ExchangeType, Flags, Header, IdType, Message,
    MessageId, NotifyType, Payload, PayloadKind, ProtocolId, Version, dissect,
};
use proptest::collection::vec;
use proptest::prelude::*;

fn octets(max: usize) -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..=max).prop_map(Bytes::from)
}

fn attribute() -> impl Strategy<Value = Attribute> {
    let value = prop_oneof![
        any::<u16>().prop_map(AttributeValue::Basic),
        octets(20).prop_map(AttributeValue::Variable)
    ];
    (0..0x8000u16, value).prop_map(|(kind, value)| Attribute { kind, value })
}

fn transform() -> impl Strategy<Value = Transform> {
    (any::<u8>(), any::<u8>(), vec(attribute(), 0..6)).prop_map(|(number, id, attributes)| Transform {
        number,
        id,
        attributes,
    })
}

fn security_association() -> impl Strategy<Value = Body> {
    let proposal = (any::<u8>(), octets(20), vec(transform(), 1..5));
    vec(proposal, 1..5).prop_map(|proposals| {
        let proposal = |(at, (protocol, spi, transforms))| {
            // neighbours share a number in pairs
            Proposal { number: (at / 2) as u8, protocol: ProtocolId(protocol), spi, transforms }
        };
        let proposals = proposals.into_iter().enumerate().map(proposal).collect();
        Body::from(SecurityAssociation { doi: Doi::IPSEC, situation: Situation::IDENTITY_ONLY, proposals })
    })
}

fn identification() -> impl Strategy<Value = Body> {
    let typed =
        |id_type: u8, size: usize| (Just(IdType(id_type)), vec(any::<u8>(), size).prop_map(Bytes::from));
    let data = prop_oneof![
        typed(1, 4),
        typed(4, 8),
        typed(5, 16),
        typed(6, 32),
        typed(7, 8),
        typed(8, 32),
        typed(2, 12),
        typed(3, 9),
        typed(9, 30),
        typed(11, 5),
        typed(200, 3),
    ];
    (data, any::<u8>(), any::<u16>())
        .prop_map(|((id_type, data), protocol, port)| Identification { id_type, protocol, port, data }.into())
}

fn notification() -> impl Strategy<Value = Body> {
    (any::<u32>(), any::<u8>(), octets(20), any::<u16>(), octets(30)).prop_map(
        |(doi, protocol, spi, kind, data)| {
            Notification {
                doi: Doi(doi),
                protocol: ProtocolId(protocol),
                spi,
                notify_type: NotifyType(kind),
                data,
            }
            .into()
        },
    )
}

fn delete() -> impl Strategy<Value = Body> {
    (any::<u8>(), 1..20u8, 0..5usize).prop_flat_map(|(protocol, spi_size, count)| {
        vec(vec(any::<u8>(), usize::from(spi_size)).prop_map(Bytes::from), count).prop_map(move |spis| {
            Delete { doi: Doi::IPSEC, protocol: ProtocolId(protocol), spi_size, spis }.into()
        })
    })
}

fn numbering() -> impl Strategy<Value = NatNumbering> {
    prop_oneof![Just(NatNumbering::Rfc), Just(NatNumbering::Draft)]
}

fn body() -> impl Strategy<Value = Body> {
    prop_oneof![
        security_association(),
        identification(),
        notification(),
        delete(),
        octets(200).prop_map(|public| KeyExchange { public }.into()),
        octets(60).prop_map(|octets| Nonce { octets }.into()),
        octets(32).prop_map(|octets| HashData { octets }.into()),
        octets(60).prop_map(|octets| SignatureData { octets }.into()),
        octets(20).prop_map(|octets| VendorId { octets }.into()),
        (any::<u8>(), octets(60)).prop_map(|(e, data)| Certificate {
            encoding: CertificateEncoding(e),
            data
        }
        .into()),
        (any::<u8>(), octets(60)).prop_map(|(e, authority)| CertificateRequest {
            encoding: CertificateEncoding(e),
            authority
        }
        .into()),
        (any::<u8>(), any::<u16>(), vec(attribute(), 0..6)).prop_map(
            |(message_type, identifier, attributes)| {
                ConfigAttributes { message_type: ConfigMessageType(message_type), identifier, attributes }
                    .into()
            }
        ),
        (numbering(), octets(64)).prop_map(|(numbering, hash)| NatDiscovery { numbering, hash }.into()),
        (numbering(), any::<core::net::IpAddr>()).prop_map(|(numbering, address)| NatOriginalAddress {
            numbering,
            address
        }
        .into()),
        (any::<u16>(), any::<u8>(), any::<u8>(), octets(60)).prop_map(|(id, number, flags, data)| Fragment {
            id,
            number,
            flags,
            data
        }
        .into()),
        (22..130u8, octets(60)).prop_map(|(kind, octets)| Unknown { kind: PayloadKind(kind), octets }.into()),
    ]
}

fn header() -> impl Strategy<Value = Header> {
    // Not Main Mode, where an ID outside encryption is taken for ciphertext.
    let exchange = prop_oneof![Just(5u8), Just(6), Just(32), Just(33), 40..=255u8];
    (any::<[u8; 8]>(), any::<[u8; 8]>(), exchange, any::<u8>(), any::<u32>()).prop_map(
        |(initiator, responder, exchange, flags, id)| Header {
            initiator_cookie: Cookie(initiator),
            responder_cookie: Cookie(responder),
            next_payload: PayloadKind(77),
            version: Version::ISAKMP_1_0,
            exchange: ExchangeType(exchange),
            flags: Flags(flags & !1),
            message_id: MessageId(id),
            length: 99,
        },
    )
}

/// Whether an SA of phase 1 offers RSA encryption, after which ID bodies are taken for ciphertext.
fn seals(bodies: &[Body]) -> bool {
    let sas = bodies.iter().filter_map(|body| if let Body::Sa(sa) = body { Some(sa) } else { None });
    let proposals =
        sas.flat_map(|sa| &sa.proposals).filter(|proposal| proposal.protocol == ProtocolId::ISAKMP);
    proposals
        .flat_map(|proposal| &proposal.transforms)
        .flat_map(|transform| &transform.attributes)
        .any(|attribute| attribute.kind == 3)
}

fn message() -> impl Strategy<Value = (Message, Vec<Body>)> {
    (header(), vec(body(), 0..8))
        .prop_filter("ID bodies must stay clear", |(_, bodies)| !seals(bodies))
        .prop_map(|(header, bodies)| {
            (Message::new(header, bodies.iter().cloned().map(Payload::new).collect()), bodies)
        })
}

proptest! {
    #[test]
    fn what_is_written_is_read_again((sent, bodies) in message()) {
        let datagram = sent.encode();
        let read = Message::parse(datagram.clone()).unwrap();
        let found: Vec<&Body> = read.payloads().iter().map(Payload::body).collect();
        prop_assert_eq!(found, bodies.iter().collect::<Vec<_>>());
        prop_assert_eq!(read.encode(), &datagram);
        prop_assert_eq!(read.header(), sent.header());
        prop_assert_eq!(read.octets_after_first(), sent.octets_after_first());
        for (one, other) in read.payloads().iter().zip(sent.payloads()) {
            prop_assert_eq!(one.span(), other.span());
            prop_assert_eq!(&datagram[one.span()][4..], &one.raw()[..]);
            let again = Payload::try_new(one.body().clone()).unwrap();
            prop_assert_eq!(again.raw(), one.raw());
        }
        prop_assert!(dissect(&datagram).error().is_none());
    }

    #[test]
    fn decrypted_messages_are_read_up_to_their_padding((sent, bodies) in message(), padding in octets(70)) {
        let header = Header { flags: sent.header().flags.with(Flags::ENCRYPTION), ..*sent.header() };
        let plaintext = Bytes::from([&sent.encode_payloads()[..], &padding].concat());
        prop_assume!(!plaintext.is_empty());
        let datagram = EncryptedMessage::encode(header, &plaintext);
        let encrypted = EncryptedMessage::parse(datagram.clone()).unwrap();
        prop_assert_eq!(encrypted.ciphertext(), &plaintext);
        let read = encrypted.decrypted(plaintext).unwrap();
        let found: Vec<&Body> = read.payloads().iter().map(Payload::body).collect();
        prop_assert_eq!(found, bodies.iter().collect::<Vec<_>>());
        prop_assert_eq!(read.padding(), &padding);
        prop_assert_eq!(read.octets_after_first(), sent.octets_after_first());
        prop_assert_eq!(read.encode(), datagram);
    }

    #[test]
    fn t020_what_is_read_is_written_again((sent, _) in message(), spoiled in vec((any::<prop::sample::Index>(), any::<u8>()), 0..4)) {
        let mut octets = sent.encode().to_vec();
        for (at, value) in spoiled {
            let at = at.index(octets.len());
            octets[at] = value;
        }
        let octets = Bytes::from(octets);
        let dissection = dissect(&octets);
        match Message::parse(octets.clone()) {
            Ok(read) => {
                prop_assert_eq!(&read.encode()[..], Header::within(&octets));
                // The view and the octets say the same: without anomalies, the bodies alone give the octets back.
                for payload in read.payloads().iter().filter(|_| read.anomalies().is_empty()) {
                    let again = Payload::new(payload.body().clone());
                    prop_assert_eq!(again.raw(), payload.raw());
                }
                prop_assert!(dissection.error().is_none());
            }
            Err(error) if octets[19] & 1 == 0 => prop_assert_eq!(dissection.error(), Some(&error)),
            Err(_) => {}
        }
    }

    #[test]
    fn any_octets_are_read_or_refused(octets in vec(any::<u8>(), 0..300), kind in any::<u8>()) {
        let octets = Bytes::from(octets);
        if let Ok(message) = Message::parse(octets.clone()) {
            prop_assert_eq!(&message.encode()[..], Header::within(&octets));
        }
        if let Ok(payload) = Payload::from_raw(PayloadKind(kind), octets.clone()) {
            prop_assert_eq!(payload.raw(), &octets);
        }
        let _ = dissect(&octets).to_string();
        let _ = Attribute::parse_list(&octets);
    }
}

#[test]
fn bodies_that_cannot_be_written_are_told() {
    let refused = |body: Body| Payload::try_new(body).unwrap_err().problem().clone();
    let zeros = |count: usize| Bytes::from(vec![0; count]);
    let long = Nonce { octets: zeros(65_532) };
    assert_eq!(refused(long.into()), EncodeProblem::TooLong(65_532));
    let address = Identification { id_type: IdType::IPV4_ADDR, protocol: 0, port: 0, data: zeros(5) };
    assert!(matches!(refused(address.into()), EncodeProblem::Refused(_)));
    let spis = Delete { doi: Doi::IPSEC, protocol: ProtocolId::ESP, spi_size: 4, spis: vec![zeros(3)] };
    assert!(matches!(refused(spis.into()), EncodeProblem::Refused(_)));
    let class = ConfigAttributes {
        message_type: ConfigMessageType::SET,
        identifier: 1,
        attributes: vec![Attribute { kind: 0x8001, value: AttributeValue::Variable(zeros(1)) }],
    };
    assert_eq!(refused(class.into()), EncodeProblem::Altered);
    let sealed = SealedIdentification { octets: zeros(64) };
    assert_eq!(Payload::try_new(sealed).unwrap().kind(), PayloadKind::IDENTIFICATION);
    let masked = Unknown { kind: PayloadKind::DELETE, octets: zeros(40) };
    assert!(Payload::try_new(masked).is_err());
    // Sizes that do not fit saturate, and whoever reads it refuses it.
    let spi = Notification {
        doi: Doi::IPSEC,
        protocol: ProtocolId::ESP,
        spi: zeros(300),
        notify_type: NotifyType::CONNECTED,
        data: Bytes::new(),
    };
    assert!(Payload::try_new(spi).is_err());
}
