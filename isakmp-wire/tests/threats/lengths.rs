//! Lengths that lie: cut, too small, too large.

use bytes::Bytes;
use isakmp_wire::limits::MAX_PAYLOADS;
use isakmp_wire::{
    AnomalyKind, EncryptedMessage, Header, Message, NotifyType, PayloadKind, Place, Reason, dissect,
};

use crate::common::{clear, sound};
use crate::samples::samples;

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
            if length == n - 1 {
                // Behind the end of a message nothing but zeros is read over.
                *octets.last_mut().unwrap() = 1;
            }
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

/// Peers pad datagrams with zeros behind the end of the message, any number of them. One octet that is not zero, or a length
/// that ends inside the message, is refused as ever.
#[test]
fn t002_zeros_behind_the_message_belong_to_nothing() {
    for recorded in sound() {
        let whole = &recorded.datagram;
        for count in [1, 2, 3, 4, 7, 64, 1000] {
            let padded = Bytes::from([&whole[..], &vec![0; count]].concat());
            assert_eq!(Header::within(&padded), &whole[..]);
            assert_eq!(Header::parse(&padded), Header::parse(whole));
            let beyond = |anomalies: &[isakmp_wire::Anomaly]| {
                anomalies.iter().any(|anomaly| anomaly.kind == AnomalyKind::ZerosBeyond(count))
            };
            if recorded.is_encrypted() {
                let (read, plain) =
                    (EncryptedMessage::parse(padded.clone()), EncryptedMessage::parse(whole.clone()));
                let (read, plain) = (read.unwrap(), plain.unwrap());
                assert_eq!(read.ciphertext(), plain.ciphertext());
            } else {
                let (read, plain) =
                    (Message::parse(padded.clone()).unwrap(), Message::parse(whole.clone()).unwrap());
                assert_eq!(read.payloads(), plain.payloads());
                assert_eq!((read.encode(), read.padding()), (whole.clone(), plain.padding()));
                assert!(beyond(read.anomalies()) && !beyond(plain.anomalies()));
            }
            assert!(dissect(&padded).error().is_none());
            for at in [0, count - 1] {
                let mut spoiled = padded.to_vec();
                spoiled[whole.len() + at] = 1;
                assert_eq!(Header::within(&spoiled), &spoiled[..]);
                assert_eq!(Header::parse(&spoiled).unwrap_err().field(), "Length");
            }
        }
    }
}
