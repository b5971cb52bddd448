//! Sequence numbers: replay, extended numbers, none twice.

use std::collections::BTreeSet;
use std::sync::Mutex;

use crypto_provider::default;
use ipsec_core::{
    DropReason, InboundConfig, OutboundConfig, PacketBuf, ReplayProtection, SealError, SequenceWidth, Spi,
    WindowSize,
};
use ipsec_esp::{InboundSa, Keys, OpenJob, OutboundSa, Suite, Transform};

use crate::common::{
    self, NOW, clear, inbound, keymat, outbound, random, sealed, spi, suites, transform, tunnel,
};
use crate::forged::{AES_SHA256, DES_ALONE};

#[derive(serde::Deserialize)]
struct ExtendedCase {
    suite: String,
    keymat: String,
    inner: String,
    packets: Vec<ExtendedPacket>,
}

#[derive(serde::Deserialize)]
struct ExtendedPacket {
    number: u64,
    hex: String,
}

#[test]
fn t093_replay_and_both_edges_of_the_window() {
    let mut left = outbound(AES_SHA256);
    let packets: Vec<_> = (0..70).map(|_| sealed(&mut left, &clear(9))).collect();
    let mut right = inbound(AES_SHA256);
    let mut open =
        |number: usize| right.open(&mut PacketBuf::copy_of(packets[number - 1].octets()), NOW).map(|_| ());
    assert_eq!(open(70), Ok(()));
    assert_eq!(open(70), Err(DropReason::Replayed));
    assert_eq!(open(7), Ok(()), "the left edge of a window of 64");
    assert_eq!(open(7), Err(DropReason::Replayed));
    assert_eq!(open(6), Err(DropReason::TooOld));
    assert_eq!(open(69), Ok(()));
    // The size is part of the SA and can be read back.
    assert_eq!(right.snapshot(NOW).replay, Some(ReplayProtection::Window(WindowSize::DEFAULT)));
    // An SA with the same SPI and new keys takes nothing of the old one's.
    let mut other = keymat(&AES_SHA256);
    other[0] ^= 0xff;
    other[20] ^= 0xff;
    let keys = Keys::split(&AES_SHA256, &other).unwrap();
    let transform = Transform::new(AES_SHA256, keys, &default::provider()).unwrap();
    let mut successor = InboundSa::new(InboundConfig::new(spi(), tunnel(), None), transform, NOW);
    for packet in &packets {
        assert_eq!(successor.open(&mut PacketBuf::copy_of(packet.octets()), NOW), Err(DropReason::Icv));
    }
    // Without integrity a window would be a weapon: it is off, and says so.
    let alone = inbound(DES_ALONE);
    assert_eq!(alone.snapshot(NOW).replay, Some(ReplayProtection::Off));
}

#[test]
fn t093_a_duplicate_within_one_batch() {
    let packet = sealed(&mut outbound(AES_SHA256), &clear(9));
    let mut copies: [PacketBuf; 3] = core::array::from_fn(|_| PacketBuf::copy_of(packet.octets()));
    let mut jobs = copies.each_mut().map(OpenJob::new);
    let mut right = inbound(AES_SHA256);
    right.open_each(&mut jobs, NOW);
    let results = jobs.map(|job| job.result.map(|opened| opened.sequence));
    assert_eq!(results, [Ok(1), Err(DropReason::Replayed), Err(DropReason::Replayed)]);
    assert_eq!(right.snapshot(NOW).drops.get(DropReason::Replayed), 2);
}

#[test]
fn t094_a_forged_number_moves_nothing() {
    let mut left = outbound(AES_SHA256);
    let first = sealed(&mut left, &clear(9));
    let mut right = inbound(AES_SHA256);
    right.open(&mut PacketBuf::copy_of(first.octets()), NOW).unwrap();
    for forged in [2, 32, 33, 64, 65, 66, 1 << 31, 0xffff_ffff_u32] {
        let mut packet = PacketBuf::copy_of(first.octets());
        packet.octets_mut()[24..28].copy_from_slice(&forged.to_be_bytes());
        assert_eq!(right.open(&mut packet, NOW), Err(DropReason::Icv), "{forged}");
        assert_eq!(right.snapshot(NOW).sequence, 1);
    }
    let mut zero = PacketBuf::copy_of(first.octets());
    zero.octets_mut()[24..28].fill(0);
    assert_eq!(right.open(&mut zero, NOW), Err(DropReason::SequenceZero));
    right.open(&mut sealed(&mut left, &clear(9)), NOW).unwrap();
}

#[test]
fn t094_extended_numbers_are_covered_by_the_icv() {
    for suite in suites().into_iter().filter(|suite| suite.icv_len() > 0) {
        let mut config = OutboundConfig::new(spi(), tunnel());
        config.width = SequenceWidth::Extended;
        let mut left = OutboundSa::new(config, transform(suite), NOW);
        let packet = sealed(&mut left, &clear(9));
        let mut config = InboundConfig::new(spi(), tunnel(), None);
        config.width = SequenceWidth::Extended;
        let mut right = InboundSa::new(config, transform(suite), NOW);
        right.open(&mut PacketBuf::copy_of(packet.octets()), NOW).unwrap();
        // The high half is 0 and covered all the same: a peer with short numbers computes another ICV.
        assert_eq!(inbound(suite).open(&mut PacketBuf::copy_of(packet.octets()), NOW), Err(DropReason::Icv));
    }
}

#[test]
fn t094_extended_numbers_across_2_to_the_32() {
    // RFC 4303 A2.1 (test)
    let file = std::fs::read(common::data("esn.json")).unwrap();
    let cases: Vec<ExtendedCase> = serde_json::from_slice(&file).unwrap();
    assert_eq!(cases.len(), 2);
    for case in cases {
        let suite = match case.suite.as_str() {
            "aes-cbc-128 hmac-sha256-128" => AES_SHA256,
            _ => Suite::Combined { aead: crypto_provider::AeadAlgorithm::AesGcm16, key_len: 16 },
        };
        let keymat = hex::decode(case.keymat).unwrap();
        let transform =
            Transform::new(suite, Keys::split(&suite, &keymat).unwrap(), &default::provider()).unwrap();
        let mut config = InboundConfig::new(spi(), tunnel(), None);
        config.width = SequenceWidth::Extended;
        let mut sa = InboundSa::new(config, transform, NOW);
        for packet in case.packets {
            let sealed = hex::decode(packet.hex).unwrap();
            // A packet whose ICV does not hold leaves the guessed half where it was, too.
            let mut forged = PacketBuf::copy_of(&sealed);
            let last = forged.len() - 1;
            forged.octets_mut()[last] ^= 1;
            assert_eq!(sa.open(&mut forged, NOW), Err(DropReason::Icv), "{}", packet.number);
            let mut opened = PacketBuf::copy_of(&sealed);
            assert_eq!(sa.open(&mut opened, NOW).map(|opened| opened.sequence), Ok(packet.number));
            assert_eq!(hex::encode(opened.octets()), case.inner);
            let reason = sa.open(&mut PacketBuf::copy_of(&sealed), NOW).unwrap_err();
            // Far enough right, the same octets are taken for a number of the next round: the ICV decides.
            assert!(matches!(reason, DropReason::Replayed | DropReason::Icv), "{}: {reason}", packet.number);
        }
    }
}

#[test]
fn t095_no_two_packets_get_one_number() {
    const THREADS: usize = 16;
    const EACH: usize = 1000;
    let sa = Mutex::new(outbound(AES_SHA256));
    let numbers = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let mine: Vec<_> =
                    (0..EACH).map(|_| sa.lock().unwrap().reserve(1, NOW).unwrap().number()).collect();
                numbers.lock().unwrap().extend(mine);
            });
        }
    });
    let distinct: BTreeSet<_> = numbers.into_inner().unwrap().into_iter().collect();
    assert_eq!(distinct, (1..=(THREADS * EACH) as u64).collect());
}

#[test]
fn t095_a_number_of_another_sa_is_refused() {
    let mut other = OutboundSa::new(
        OutboundConfig::new(Spi::new(0x7777_7777).unwrap(), tunnel()),
        transform(AES_SHA256),
        NOW,
    );
    let sequence = other.reserve(1, NOW).unwrap();
    let mut packet = PacketBuf::copy_of(&clear(9));
    let result = outbound(AES_SHA256).seal(sequence, &mut packet, random().as_ref());
    assert_eq!((result, packet.octets()), (Err(SealError::ForeignSequence), clear(9).as_slice()));
}
