//! Next payloads that lie, and payloads of others.

use std::collections::BTreeSet;

use bytes::Bytes;
use isakmp_wire::payload::Unknown;
use isakmp_wire::{AnomalyKind, Message, NotifyType, Payload, PayloadKind, Place, Reason};

use crate::common::{clear, payload};
use crate::offer::{proposal, sa, transform};
use crate::samples::samples;

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

#[test]
fn t005_a_clear_message_may_be_filled_up_to_four_octets_with_zeros_and_with_nothing_else() {
    for name_len in 1..=8usize {
        let chain = payload(0, &[b'x'; 8][..name_len]);
        let fill = chain.len().next_multiple_of(4) - chain.len();
        for zeros in 0..8 {
            let read = Message::parse(clear(13, &[&chain[..], &vec![0; zeros]].concat()));
            if zeros == 0 || zeros == fill {
                let message = read.unwrap();
                assert_eq!(
                    (message.padding().len(), message.anomalies().len()),
                    (zeros, usize::from(zeros > 0))
                );
                assert_eq!(message.encode_payloads(), chain);
            } else {
                assert_eq!(read.unwrap_err().reason(), &Reason::Trailing { count: zeros });
            }
        }
        if fill > 0 {
            let mut other = vec![0; fill];
            other[fill - 1] = 1;
            let error = Message::parse(clear(13, &[&chain[..], &other].concat())).unwrap_err();
            assert_eq!(error.reason(), &Reason::Trailing { count: fill });
        }
    }
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

/// Every type at every place of one message of each kind: read and written again, or refused.
#[test]
fn t018_every_type_at_every_place() {
    let (mut seen, mut tried) = (BTreeSet::new(), 0);
    for sample in samples() {
        let message = sample.read(&sample.body).unwrap();
        let kinds: Vec<u8> = message.payloads().iter().map(|payload| payload.kind().0).collect();
        if !seen.insert((message.header().exchange.0, sample.recorded.plaintext.is_some(), kinds.clone())) {
            continue;
        }
        for place in 1..=kinds.len() {
            // The payload before the place announces the new one, which announces the one behind it.
            let before = message.payloads()[place - 1].span().start - 28;
            let at = message.payloads()[place - 1].span().end - 28;
            for kind in 0..=255u8 {
                let mut body = sample.body.clone();
                let next = core::mem::replace(&mut body[before], kind);
                body.splice(at..at, payload(next, b"inserted"));
                tried += 1;
                let Ok(read) = sample.read(&body) else { continue };
                sample.check_accepted(&read, &body);
                if kind != 0 {
                    assert_eq!(read.payloads().len(), kinds.len() + 1, "{} {kind}", sample.recorded.name);
                    assert_eq!(read.payloads()[place].kind().0, kind, "{}", sample.recorded.name);
                }
            }
        }
    }
    assert!(seen.len() > 20 && tried > 20_000, "{} messages, {tried} tried", seen.len());
}
