//! Bodies of the other payloads.

use isakmp_wire::payload::{Delete, Fragment, Identification};
use isakmp_wire::{IdType, Message, NotifyType, Payload, PayloadKind, Reason};

use crate::common::{clear, load, payload, with_true_length};

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
