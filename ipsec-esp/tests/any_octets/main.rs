//! Whatever octets arrive, under any key, suite and envelope, with a right ICV or where there is none: a receiver ends with
//! exactly the packet that was meant or with a reason, and never with a panic.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation,
    missing_docs,
    reason = "a test may panic"
)]

#[path = "../common/mod.rs"]
mod common;

mod by_hand;

use by_hand::{Wire, esp, ip, open, outcome, text, trailer};
use common::{NOW, suites};
use ipsec_core::{DropReason, PacketBuf};
use ipsec_esp::{OpenJob, Suite};
use proptest::prelude::*;

/// Every suite with every pad length, the eight envelopes in turn. Padding may be as long as the field goes, whatever the
/// cipher's block asks for.
#[test]
fn t092_every_pad_length_under_every_suite() {
    for (n, suite) in suites().into_iter().enumerate() {
        for pad in 0..=255_u8 {
            let wire = Wire::number(n + usize::from(pad));
            let inner_is_v6 = pad % 2 == 1;
            let inner = ip(inner_is_v6, 17, &[n as u8; 70]);
            let next_header = if inner_is_v6 { 41 } else { 4 };
            let text = text(suite, &inner, pad, next_header);
            let packet = wire.carry(&esp(suite, 1, &text));
            let expected = match outcome(wire, suite, &text) {
                // Octets behind the inner packet are padding too (RFC 4303 2.7).
                None => Ok(inner),
                Some(expected) => expected,
            };
            assert!(expected.is_ok());
            assert_eq!(open(&mut wire.receiver(suite), &packet), expected, "{suite:?} {wire:?} pad {pad}");
        }
    }
}

/// A text of more than 256 octets whose pad length says every number: one of them is true.
#[test]
fn t092_every_pad_length_that_lies_in_a_long_text() {
    for (n, suite) in suites().into_iter().enumerate() {
        let wire = Wire { is_transport: false, ..Wire::number(n) };
        let inner = ip(false, 17, &[9; 300]);
        for honest in [0, 14, 200, 255] {
            let right = text(suite, &inner, honest, 4);
            for said in 0..=255_u8 {
                let mut lie = right.clone();
                let at = lie.len() - 2;
                lie[at] = said;
                let result = open(&mut wire.receiver(suite), &wire.carry(&esp(suite, 1, &lie)));
                // No padding at all: what the padding was is padding against traffic analysis then.
                let holds = said == honest || said == 0;
                assert_eq!(holds, trailer(&lie).is_some());
                let expected = if holds { Ok(inner.clone()) } else { Err(DropReason::Trailer) };
                assert_eq!(result, expected, "{suite:?} {honest} {said}");
            }
        }
    }
}

/// All 256 pad lengths as one batch, which is cut into chunks of several sizes: each packet ends as it does alone.
#[test]
fn t092_a_batch_of_every_pad_length() {
    for (n, suite) in suites().into_iter().enumerate() {
        let wire = Wire::number(n);
        let inner = ip(false, 17, &[3; 44]);
        let packets: Vec<Vec<u8>> = (0..=255_u8)
            .map(|pad| wire.carry(&esp(suite, u32::from(pad) + 1, &text(suite, &inner, pad, 4))))
            .collect();
        for size in [256, 33, 7] {
            let (mut one, mut each) = (wire.receiver(suite), wire.receiver(suite));
            for packets in packets.chunks(size) {
                let mut batch: Vec<_> = packets.iter().map(|packet| PacketBuf::copy_of(packet)).collect();
                let mut jobs: Vec<_> = batch.iter_mut().map(OpenJob::new).collect();
                each.open_each(&mut jobs, NOW);
                let results: Vec<_> = jobs.iter().map(|job| job.result.map(|_| ())).collect();
                for ((packet, batch), result) in packets.iter().zip(&batch).zip(results) {
                    assert_eq!(open(&mut one, packet), result.map(|()| batch.octets().to_vec()));
                    assert_eq!(result, Ok(()));
                }
            }
            assert_eq!(one.snapshot(NOW), each.snapshot(NOW));
        }
    }
}

/// What stands behind the cipher.
#[derive(Clone, Debug)]
enum Meant {
    /// A packet, padding and trailer, one octet changed perhaps.
    Padded { inner_is_v6: bool, payload: Vec<u8>, pad: u8, next_header: u8, spoiled: Option<(usize, u8)> },
    /// Any octets.
    Anything(Vec<u8>),
}

fn meant() -> impl Strategy<Value = Meant> {
    let payload = prop::collection::vec(any::<u8>(), 0..600);
    let next_header = prop_oneof![3 => Just(4_u8), 3 => Just(41), 1 => Just(59), 2 => any::<u8>()];
    let pad = prop_oneof![Just(255_u8), any::<u8>()];
    let spoiled = prop::option::of((0_usize..700, 1_u8..));
    let padded = (any::<bool>(), payload.clone(), pad, next_header, spoiled).prop_map(
        |(inner_is_v6, payload, pad, next_header, spoiled)| Meant::Padded {
            inner_is_v6,
            payload,
            pad,
            next_header,
            spoiled,
        },
    );
    prop_oneof![2 => padded, 1 => payload.prop_map(Meant::Anything)]
}

/// The text, and the inner packet if it is whole in there.
fn made(suite: Suite, meant: &Meant) -> (Vec<u8>, Option<Vec<u8>>) {
    match meant {
        Meant::Padded { inner_is_v6, payload, pad, next_header, spoiled } => {
            let inner = ip(*inner_is_v6, 17, payload);
            let mut text = text(suite, &inner, *pad, *next_header);
            if let Some((at, mask)) = spoiled {
                let at = at % text.len();
                text[at] ^= mask;
            }
            let fits = *next_header == if *inner_is_v6 { 41 } else { 4 };
            (text, (fits && spoiled.is_none()).then_some(inner))
        }
        Meant::Anything(octets) => {
            let mut text = octets.clone();
            text.resize(octets.len().next_multiple_of(suite.alignment()).max(suite.alignment()), 255);
            (text, None)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1500) })]

    #[test]
    fn t092_an_authentic_text_of_any_octets(meant in meant(), suite in 0_usize..suites().len(), wire in 0_usize..8) {
        let (suite, wire) = (suites()[suite], Wire::number(wire));
        let (text, inner) = made(suite, &meant);
        let packet = wire.carry(&esp(suite, 1, &text));
        let mut sa = wire.receiver(suite);
        let result = open(&mut sa, &packet);
        match (outcome(wire, suite, &text), inner) {
            (Some(expected), _) => prop_assert_eq!(&result, &expected),
            (None, Some(inner)) => prop_assert_eq!(&result, &Ok(inner)),
            (None, None) => prop_assert!(
                !matches!(result, Err(DropReason::Icv | DropReason::TooShort | DropReason::Misaligned))
            ),
        }
        // Delivered or not, an authentic number is used up; where nothing is authentic there is no window.
        let again = open(&mut sa, &packet);
        if suite.icv_len() == 0 {
            prop_assert_eq!(again, result);
        } else {
            prop_assert_eq!(again, Err(DropReason::Replayed));
        }
    }

    #[test]
    fn t091_one_changed_octet_of_any_packet_is_noticed(
        meant in meant(), suite in 0_usize..suites().len(), wire in 0_usize..8, at in any::<prop::sample::Index>(), mask in 1_u8..
    ) {
        let (suite, wire) = (suites()[suite], Wire::number(wire));
        prop_assume!(suite.icv_len() > 0);
        let mut esp = esp(suite, 1, &made(suite, &meant).0);
        let at = at.index(esp.len());
        esp[at] ^= mask;
        let mut sa = wire.receiver(suite);
        let result = open(&mut sa, &wire.carry(&esp));
        prop_assert_eq!(result, Err(if at < 4 { DropReason::UnknownSpi } else { DropReason::Icv }));
        prop_assert_eq!(sa.snapshot(NOW).sequence, 0);
    }

    /// Neither the IP header nor anything behind it need be what it says.
    #[test]
    fn t090_any_octets_instead_of_a_packet(
        mut octets in prop::collection::vec(any::<u8>(), 0..200), help in 0_u8..4, suite in 0_usize..suites().len(), wire in 0_usize..8
    ) {
        let (suite, wire) = (suites()[suite], Wire::number(wire));
        // The more of it is right, the further it gets.
        if help >= 1 && octets.len() >= 8 {
            octets[..4].copy_from_slice(&common::SPI.to_be_bytes());
            octets[4..8].copy_from_slice(&[0, 0, 0, 1]);
        }
        if help >= 2 {
            octets = wire.carry(&octets);
        }
        if help >= 3 {
            // Any protocol, and options or extension headers where there are none.
            let (field, first) = if wire.over_v6 { (6, 0x60) } else { (9, 0x40 | octets[octets.len() / 2] & 0x0f) };
            octets[0] = first;
            octets[field] = [0, 43, 44, 50, 51, 60, 17, 4][usize::from(octets[octets.len() - 1]) % 8];
        }
        let mut sa = wire.receiver(suite);
        let mut packet = PacketBuf::copy_of(&octets);
        match sa.open(&mut packet, NOW) {
            // Without an ICV a random text may be one.
            Ok(_) => prop_assert!(suite.icv_len() == 0),
            Err(reason) => prop_assert_eq!(sa.snapshot(NOW).drops.get(reason), 1),
        }
    }
}
