//! The octets of the header.

use bytes::Bytes;
use isakmp_wire::{AnomalyKind, EncryptedMessage, Header, Message, Reason, peek_version};

use crate::common::load;

#[test]
fn t019_header_octets_of_every_value() {
    for recorded in &load("handshake-main-psk") {
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
