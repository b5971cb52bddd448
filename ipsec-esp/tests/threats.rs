//! Rows of the threat catalogue that concern ESP, named by their numbers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::too_many_lines,
    missing_docs,
    reason = "a test may panic"
)]

mod common;

use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::collections::BTreeSet;
use std::sync::Mutex;

use common::{
    NOW, clear, inbound, inbound_with, keymat, outbound, random, sealed, spi, suites, transform, tunnel,
};
use crypto_provider::{
    Cipher, CipherAlgorithm, CipherKey, CryptoProvider, HashAlgorithm, InvalidKey, InvalidLength,
    RandomFailed, SecureRandom, default,
};
use ipsec_core::{
    Cause, DropReason, Exhausted, InboundConfig, Lifetime, Limit, OutboundConfig, PacketBuf, Protocol,
    ReplayProtection, SealError, Selector, SequenceWidth, Spi, WindowSize, checksum,
};
use ipsec_esp::{InboundSa, Integrity, Keys, OpenJob, OutboundSa, SealJob, Suite, Transform};

const DES_MD5: Suite =
    Suite::Separate { cipher: CipherAlgorithm::DesCbc, key_len: 8, integrity: Integrity::HMAC_MD5_96 };
const AES_SHA256: Suite =
    Suite::Separate { cipher: CipherAlgorithm::AesCbc, key_len: 16, integrity: Integrity::HMAC_SHA256_128 };
const DES_ALONE: Suite = Suite::EncryptionOnly { cipher: CipherAlgorithm::DesCbc, key_len: 8 };

/// A suite's keys used directly, to seal texts that no honest sender makes.
fn forge(suite: Suite, text: &[u8]) -> PacketBuf {
    let provider = default::provider();
    let keymat = keymat(&suite);
    let keys = Keys::split(&suite, &keymat).unwrap();
    let mut esp = common::SPI.to_be_bytes().to_vec();
    esp.extend(1_u32.to_be_bytes());
    esp.extend(vec![0x77; suite.iv_len()]);
    let mut text = text.to_vec();
    let (name, integrity) = match suite {
        Suite::Separate { cipher, integrity, .. } => (cipher, Some(integrity)),
        Suite::EncryptionOnly { cipher, .. } => (cipher, None),
        other => panic!("{other:?}"),
    };
    let key = provider.cipher(name).unwrap().key(keys.encryption).unwrap();
    key.encrypt(&esp[8..], &mut text).unwrap();
    esp.extend(text);
    if let Some(integrity) = integrity {
        let mut icv = vec![0; integrity.icv_len];
        provider.prf(integrity.hash).unwrap().key(keys.integrity).compute(&[&esp], &mut icv);
        esp.extend(icv);
    }
    on_the_wire(&esp)
}

fn on_the_wire(esp: &[u8]) -> PacketBuf {
    let mut packet = vec![0x45, 0, 0, 0, 0, 1, 0, 0, 64, 50, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2];
    packet.extend(esp);
    let len = u16::try_from(packet.len()).unwrap();
    packet[2..4].copy_from_slice(&len.to_be_bytes());
    let sum = checksum(&packet[..20]);
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    PacketBuf::copy_of(&packet)
}

fn reseat(packet: &mut PacketBuf) {
    let len = u16::try_from(packet.len()).unwrap();
    packet.octets_mut()[2..4].copy_from_slice(&len.to_be_bytes());
}

/// A text of `inner`, padding and trailer, aligned.
fn text(suite: Suite, inner: &[u8], next_header: u8) -> Vec<u8> {
    let mut text = inner.to_vec();
    let pad = (suite.alignment() - (inner.len() + 2) % suite.alignment()) % suite.alignment();
    text.extend((1..).take(pad));
    text.extend([u8::try_from(pad).unwrap(), next_header]);
    text
}

#[test]
fn t090_every_length_below_the_shortest_packet() {
    for suite in suites() {
        let shortest = 8 + suite.iv_len() + suite.alignment() + suite.icv_len();
        for len in 0..=80 {
            let mut esp = vec![0; len];
            esp.iter_mut().zip(common::SPI.to_be_bytes()).for_each(|(to, from)| *to = from);
            if len >= 8 {
                esp[7] = 1;
            }
            let mut sa = inbound(suite);
            let reason = sa.open(&mut on_the_wire(&esp), NOW).unwrap_err();
            if len < shortest {
                assert_eq!(reason, DropReason::TooShort, "{suite:?}, {len} octets");
            } else {
                assert!(matches!(reason, DropReason::Misaligned | DropReason::Icv | DropReason::Trailer));
            }
            assert_eq!(sa.snapshot(NOW).drops.get(reason), 1);
        }
        // Cut anywhere, also within the outer header.
        let whole = sealed(&mut outbound(suite), &clear(30));
        for len in 0..whole.len() {
            let mut cut = PacketBuf::copy_of(&whole.octets()[..len]);
            assert_eq!(inbound(suite).open(&mut cut, NOW), Err(DropReason::OuterHeader));
        }
    }
}

static CIPHER_CALLS: AtomicUsize = AtomicUsize::new(0);

/// The provider's AES, its calls counted.
struct Counting(&'static dyn Cipher);
struct CountingKey(Box<dyn CipherKey>);

impl Cipher for Counting {
    fn algorithm(&self) -> CipherAlgorithm {
        self.0.algorithm()
    }
    fn block_len(&self) -> usize {
        self.0.block_len()
    }
    fn iv_len(&self) -> usize {
        self.0.iv_len()
    }
    fn key_lengths(&self) -> &'static [usize] {
        self.0.key_lengths()
    }
    fn key(&self, key: &[u8]) -> Result<Box<dyn CipherKey>, InvalidKey> {
        Ok(Box::new(CountingKey(self.0.key(key)?)))
    }
}

impl CipherKey for CountingKey {
    fn encrypt(&self, iv: &[u8], data: &mut [u8]) -> Result<(), InvalidLength> {
        self.0.encrypt(iv, data)
    }
    fn decrypt(&self, iv: &[u8], data: &mut [u8]) -> Result<(), InvalidLength> {
        CIPHER_CALLS.fetch_add(1, Ordering::Relaxed);
        self.0.decrypt(iv, data)
    }
}

#[test]
fn t091_altered_packets_are_dropped_before_decryption() {
    let aes: &'static dyn Cipher =
        Box::leak(Box::new(Counting(default::provider().cipher(CipherAlgorithm::AesCbc).unwrap())));
    let provider = CryptoProvider { ciphers: vec![aes].into(), ..default::provider() };
    let keymat = keymat(&AES_SHA256);
    let keys = Keys::split(&AES_SHA256, &keymat).unwrap();
    let transform = Transform::new(AES_SHA256, keys, &provider).unwrap();
    let mut sa = InboundSa::new(InboundConfig::new(spi(), tunnel(), None), transform, NOW);
    let good = sealed(&mut outbound(AES_SHA256), &clear(50));
    for bit in 28 * 8..good.len() * 8 {
        let mut bad = PacketBuf::copy_of(good.octets());
        bad.octets_mut()[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(sa.open(&mut bad, NOW), Err(DropReason::Icv), "bit {bit}");
    }
    for cut in 1..16 {
        let mut bad = PacketBuf::copy_of(&good.octets()[..good.len() - cut]);
        reseat(&mut bad);
        assert_eq!(sa.open(&mut bad, NOW), Err(DropReason::Misaligned), "{cut} octets cut");
    }
    let mut bad = PacketBuf::copy_of(&good.octets()[..good.len() - 16]);
    reseat(&mut bad);
    assert_eq!(sa.open(&mut bad, NOW), Err(DropReason::Icv));
    let mut bad = PacketBuf::copy_of(good.octets());
    let icv = bad.len() - 16;
    bad.octets_mut()[icv..].fill(0);
    assert_eq!(sa.open(&mut bad, NOW), Err(DropReason::Icv));

    assert_eq!(CIPHER_CALLS.load(Ordering::Relaxed), 0);
    assert_eq!(sa.snapshot(NOW).sequence, 0);
    sa.open(&mut PacketBuf::copy_of(good.octets()), NOW).unwrap();
    assert_eq!(CIPHER_CALLS.load(Ordering::Relaxed), 1);
}

#[test]
fn t091_sha_256_of_96_and_128_bits_do_not_mix() {
    let with = |integrity| Suite::Separate { cipher: CipherAlgorithm::AesCbc, key_len: 16, integrity };
    let (full, short) = (with(Integrity::HMAC_SHA256_128), with(Integrity::HMAC_SHA256_96));
    for (from, to) in [(full, short), (short, full)] {
        let mut packet = sealed(&mut outbound(from), &clear(50));
        assert_eq!(inbound(to).open(&mut packet, NOW), Err(DropReason::Misaligned));
        let mut packet = sealed(&mut outbound(from), &clear(50));
        inbound(from).open(&mut packet, NOW).unwrap();
    }
}

#[test]
fn t092_one_reason_for_every_fault_behind_the_cipher() {
    let inner = clear(62);
    for said in 0..=255_u8 {
        let mut padded = text(DES_MD5, &inner, 4);
        let at = padded.len() - 2;
        let honest = padded[at];
        padded[at] = said;
        let (mut with_icv, mut alone) = (inbound(DES_MD5), inbound(DES_ALONE));
        let with_icv = with_icv.open(&mut forge(DES_MD5, &padded), NOW);
        let alone = alone.open(&mut forge(DES_ALONE, &padded), NOW);
        if said == honest || said == 0 {
            // No padding at all: what the padding was is stripped as traffic flow padding.
            assert!(with_icv.is_ok() && alone.is_ok(), "{said}");
        } else {
            assert_eq!((with_icv, alone), (Err(DropReason::Trailer), Err(DropReason::Trailer)), "{said}");
        }
    }
    // Next header, version, lengths, TTL, dummy: told apart only where nobody but the peer can have caused them.
    let mut lies = vec![(inner.clone(), 6), (inner.clone(), 41), (inner.clone(), 59)];
    for (at, value) in [(0, 0x44), (0, 0x65), (2, 0xff), (8, 0)] {
        let mut lie = inner.clone();
        lie[at] = value;
        lies.push((lie, 4));
    }
    for (lie, next_header) in lies {
        let padded = text(DES_ALONE, &lie, next_header);
        assert_eq!(inbound(DES_ALONE).open(&mut forge(DES_ALONE, &padded), NOW), Err(DropReason::Trailer));
        let reason = inbound(DES_MD5).open(&mut forge(DES_MD5, &padded), NOW).unwrap_err();
        assert_ne!(reason, DropReason::Trailer);
    }
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

#[test]
fn t096_counter_modes_use_the_reserved_number_and_nothing_else() {
    use crypto_provider::AeadAlgorithm::AesGcm16;
    let ctr =
        Suite::Separate { cipher: CipherAlgorithm::AesCtr, key_len: 16, integrity: Integrity::HMAC_SHA1_96 };
    for suite in [ctr, Suite::Combined { aead: AesGcm16, key_len: 16 }] {
        let mut sa = outbound(suite);
        let mut ivs = BTreeSet::new();
        for n in 1..=10_000_u64 {
            let mut packet = PacketBuf::copy_of(&clear(4));
            let sequence = sa.reserve(packet.len(), NOW).unwrap();
            sa.seal(sequence, &mut packet, &Failing).unwrap();
            assert_eq!(packet.octets()[28..36], n.to_be_bytes());
            ivs.insert(packet.octets()[28..36].to_vec());
        }
        assert_eq!(ivs.len(), 10_000);
    }
}

struct Failing;

impl SecureRandom for Failing {
    fn fill(&self, _: &mut [u8]) -> Result<(), RandomFailed> {
        Err(RandomFailed)
    }
}

#[test]
fn t097_the_iv_is_fresh_and_random() {
    for suite in [DES_MD5, AES_SHA256] {
        let n = suite.iv_len();
        let mut sa = outbound(suite);
        let (mut seen, mut last_iv, mut last_block) = (BTreeSet::new(), vec![0_u8; n], vec![0_u8; n]);
        for _ in 0..1000 {
            let packet = sealed(&mut sa, &clear(40));
            let octets = packet.octets();
            let iv = octets[28..28 + n].to_vec();
            assert_ne!(iv, last_block);
            let mut next = last_iv.clone();
            for octet in next.iter_mut().rev() {
                *octet = octet.wrapping_add(1);
                if *octet != 0 {
                    break;
                }
            }
            assert_ne!(iv, next);
            let end = octets.len() - suite.icv_len();
            last_block = octets[end - n..end].to_vec();
            last_iv.clone_from(&iv);
            seen.insert(iv);
        }
        assert_eq!(seen.len(), 1000);
        // No randomness, no packet.
        let mut packet = PacketBuf::copy_of(&clear(40));
        let sequence = sa.reserve(packet.len(), NOW).unwrap();
        assert_eq!(sa.seal(sequence, &mut packet, &Failing), Err(SealError::Random));
        assert_eq!(packet.octets(), clear(40));
        let mut jobs = [SealJob::new(&mut packet)];
        sa.seal_each(&mut jobs, NOW, &Failing);
        assert_eq!(jobs.map(|job| job.result), [Err(SealError::Random)]);
        assert_eq!(sa.snapshot(NOW).drops.get(DropReason::Random), 1);
    }
}

#[test]
fn t098_ten_kilobytes_are_10240_octets_both_ways() {
    let lifetime =
        Lifetime { soft_octets: Some(8 * 1024), hard_octets: Some(10 * 1024), ..Lifetime::default() };
    let mut config = OutboundConfig::new(spi(), tunnel());
    config.lifetime = lifetime;
    let mut left = OutboundSa::new(config, transform(AES_SHA256), NOW);
    let mut right = inbound_with(AES_SHA256, lifetime, None);
    let mut unlimited = outbound(AES_SHA256);
    let packet = clear(1024 - 28);
    for n in 1..=10 {
        right.open(&mut sealed(&mut left, &packet), NOW).unwrap();
        sealed(&mut unlimited, &packet);
        let limit = (left.poll_limit(NOW), right.poll_limit(NOW));
        let expected = match n {
            8 => Some(Limit::Soft(Cause::Octets)),
            10 => Some(Limit::Hard(Cause::Octets)),
            _ => None,
        };
        assert_eq!(limit, (expected, expected), "packet {n}");
    }
    assert_eq!(left.reserve(1, NOW).unwrap_err(), Exhausted::Octets);
    assert_eq!(right.open(&mut sealed(&mut unlimited, &clear(0)), NOW), Err(DropReason::Expired));
    assert_eq!(left.snapshot(NOW).remaining.octets, Some(0));
}

#[test]
fn t098_short_blocks_have_a_limit_whatever_was_negotiated() {
    const CAP: u64 = 1 << 34;
    let limits =
        |suite| (outbound(suite).config().lifetime.hard_octets, inbound(suite).config().lifetime.hard_octets);
    for suite in suites() {
        let expected = (suite.alignment() == 8).then_some(CAP);
        assert_eq!(limits(suite), (expected, expected), "{suite:?}");
    }
    let shorter = Lifetime { hard_octets: Some(5000), ..Lifetime::default() };
    let longer = Lifetime { hard_octets: Some(u64::MAX), ..Lifetime::default() };
    assert_eq!(inbound_with(DES_MD5, shorter, None).config().lifetime.hard_octets, Some(5000));
    assert_eq!(inbound_with(DES_MD5, longer, None).config().lifetime.hard_octets, Some(CAP));
}

#[test]
fn t098_nothing_moves_past_the_hard_time() {
    let lifetime = Lifetime {
        soft_time: Some(Duration::from_secs(50)),
        hard_time: Some(Duration::from_secs(60)),
        ..Lifetime::default()
    };
    let mut right = inbound_with(AES_SHA256, lifetime, None);
    let mut left = outbound(AES_SHA256);
    assert_eq!(right.next_deadline(), Some(Duration::from_secs(50)));
    let at = Duration::from_millis;
    right.open(&mut sealed(&mut left, &clear(1)), at(59_999)).unwrap();
    assert_eq!(right.poll_limit(at(59_999)), Some(Limit::Soft(Cause::Time)));
    let late = sealed(&mut left, &clear(1));
    let mut packet = PacketBuf::copy_of(late.octets());
    assert_eq!(right.open(&mut packet, at(60_000)), Err(DropReason::Expired));
    assert_eq!(packet.octets(), late.octets(), "not even decrypted");
    // A clock that steps back revives nothing.
    assert_eq!(right.open(&mut sealed(&mut left, &clear(1)), at(0)), Err(DropReason::Expired));
    assert_eq!(right.poll_limit(at(0)), Some(Limit::Hard(Cause::Time)));
    assert_eq!(right.poll_limit(at(0)), None);
}

/// What `clear` makes, seen from its receiver.
fn selector() -> Selector {
    let prefix = |address: &str| Selector::prefix(address.parse().unwrap(), 24).unwrap();
    Selector::new(prefix("10.2.0.0"), prefix("10.1.0.0"))
        .unwrap()
        .with_protocol(Protocol::UDP)
        .with_ports(2000..=2000, 1000..=1000)
        .unwrap()
}

#[test]
fn t098_a_packet_verified_before_the_hard_time_is_not_accepted_after() {
    let lifetime = Lifetime { hard_time: Some(Duration::from_secs(60)), ..Lifetime::default() };
    let mut right = inbound_with(AES_SHA256, lifetime, None);
    let mut left = outbound(AES_SHA256);
    let mut packets = [1, 2].map(|len| sealed(&mut left, &clear(len)));
    let [first, second] = packets.each_mut().map(|packet| right.verify(packet).unwrap());
    // An SA that is past its limit neither delivers a packet nor moves its window for it.
    assert_eq!(right.accept(first, Duration::from_secs(59)).map(|opened| opened.sequence), Ok(1));
    assert_eq!(right.accept(second, Duration::from_secs(60)), Err(DropReason::Expired));
    let snapshot = right.snapshot(NOW);
    assert_eq!((snapshot.sequence, snapshot.packets, snapshot.octets), (1, 1, 29));
    assert_eq!(snapshot.drops.get(DropReason::Expired), 1);
}

#[test]
fn t098_both_ends_count_alike() {
    for mode in [tunnel(), ipsec_core::Mode::Transport] {
        let mut left = OutboundSa::new(OutboundConfig::new(spi(), mode), transform(AES_SHA256), NOW);
        let mut right = InboundSa::new(InboundConfig::new(spi(), mode, None), transform(AES_SHA256), NOW);
        for len in 0..40 {
            right.open(&mut sealed(&mut left, &clear(len)), NOW).unwrap();
        }
        let (sent, received) = (left.snapshot(NOW), right.snapshot(NOW));
        let octets = (0..40).map(|len| 28 + len).sum();
        assert_eq!((sent.packets, sent.octets, sent.sequence), (40, octets, 40));
        assert_eq!((received.packets, received.octets, received.sequence), (40, octets, 40));
    }
}

#[test]
fn t099_each_field_outside_the_selectors() {
    let open = |inner: &[u8]| {
        let mut sa = inbound_with(AES_SHA256, Lifetime::default(), Some(selector()));
        let result = sa.open(&mut sealed(&mut outbound(AES_SHA256), inner), NOW).map(|_| ());
        let snapshot = sa.snapshot(NOW);
        result.inspect_err(|reason| assert_eq!(snapshot.drops.get(*reason), 1))
    };
    assert_eq!(open(&clear(8)), Ok(()));
    // Source, destination, protocol, source port, destination port.
    for (at, value) in [(14, 9), (18, 9), (9, 6), (9, 50), (9, 51), (21, 0xe9), (23, 0xd1)] {
        let mut inner = clear(8);
        inner[at] = value;
        assert_eq!(open(&inner), Err(DropReason::Selectors), "octet {at}");
    }
    let mut v6 = vec![0x60, 0, 0, 0, 0, 8, 17, 64];
    v6.extend([0xfd; 32]);
    v6.extend([0x03, 0xe8, 0x07, 0xd0, 0, 8, 0, 0]);
    assert_eq!(open(&v6), Err(DropReason::Selectors));
    // RFC 4301 7 (test): a later fragment shows no ports and does not get in by that.
    let mut fragment = clear(8);
    fragment[7] = 5;
    assert_eq!(open(&fragment), Err(DropReason::OpaquePorts));
}

#[test]
fn t100_an_inner_header_that_lies() {
    let open = |inner: &[u8], next_header| {
        let mut packet = forge(AES_SHA256, &text(AES_SHA256, inner, next_header));
        inbound(AES_SHA256).open(&mut packet, NOW).map(|_| packet.octets().to_vec())
    };
    let with = |at: usize, value: u8| {
        let mut inner = clear(20);
        inner[at] = value;
        inner
    };
    assert_eq!(open(&clear(20), 4), Ok(clear(20)));
    assert_eq!(open(&with(0, 0x44), 4), Err(DropReason::InnerHeader), "IHL 4");
    assert_eq!(open(&with(0, 0x4f), 4), Err(DropReason::InnerHeader), "IHL 15 of 48 octets");
    assert_eq!(open(&with(3, 49), 4), Err(DropReason::InnerHeader), "one octet more than there is");
    assert_eq!(open(&with(3, 19), 4), Err(DropReason::InnerHeader), "less than the header");
    assert_eq!(open(&with(8, 0), 4), Err(DropReason::Ttl));
    assert_eq!(open(&clear(20), 41), Err(DropReason::InnerHeader), "IPv4 that is said to be IPv6");
    assert_eq!(open(&clear(20), 59), Err(DropReason::Dummy));
    assert_eq!(open(&clear(20), 17), Err(DropReason::NextHeader));
    assert_eq!(open(&[], 4), Err(DropReason::InnerHeader));
    // RFC 4303 2.7 (test): what follows the inner packet is padding and goes.
    let mut longer = clear(20);
    longer.extend([0xcc; 33]);
    assert_eq!(open(&longer, 4), Ok(clear(20)));
}

#[test]
fn t100_the_largest_packet_and_no_more() {
    for suite in suites() {
        let sa = outbound(suite);
        let largest = sa.max_payload(65535);
        for (len, fits) in [(largest, true), (largest + 1, false)] {
            let inner = clear(len - 28);
            let mut packet = PacketBuf::copy_of(&inner);
            let mut sa = outbound(suite);
            let sequence = sa.reserve(len, NOW).unwrap();
            let result = sa.seal(sequence, &mut packet, random().as_ref());
            if fits {
                assert_eq!(result, Ok(()), "{suite:?}");
                assert!(packet.len() <= 65535 && packet.len() + suite.alignment() > 65535);
                inbound(suite).open(&mut packet, NOW).unwrap();
                assert_eq!(packet.octets(), inner);
            } else {
                assert_eq!((result, packet.len()), (Err(SealError::TooBig), len), "{suite:?}");
            }
        }
        // A buffer that is too small is left alone.
        let inner = clear(100);
        for (headroom, tailroom) in [(0, 100), (27, 100), (100, 0), (100, 1)] {
            let mut packet = PacketBuf::with_capacity(headroom, inner.len() + tailroom);
            packet.append(inner.len()).unwrap().copy_from_slice(&inner);
            let mut sa = outbound(suite);
            let sequence = sa.reserve(inner.len(), NOW).unwrap();
            let result = sa.seal(sequence, &mut packet, random().as_ref());
            assert!(matches!(result, Err(SealError::NoRoom(_))), "{suite:?}: {result:?}");
            assert_eq!(packet.octets(), inner);
        }
    }
}

#[test]
fn t105_esp_on_a_fragment_is_dropped() {
    let good = sealed(&mut outbound(AES_SHA256), &clear(50));
    for (at, bits) in [(6, 0x20), (6, 0x01), (7, 0x01), (6, 0x3f)] {
        let mut fragment = PacketBuf::copy_of(good.octets());
        fragment.octets_mut()[at] |= bits;
        assert_eq!(inbound(AES_SHA256).open(&mut fragment, NOW), Err(DropReason::Fragment));
    }
    // RFC 4303 3.3.4 (test): transport mode never seals one.
    let config = OutboundConfig::new(spi(), ipsec_core::Mode::Transport);
    let mut sa = OutboundSa::new(config, transform(AES_SHA256), NOW);
    let mut inner = clear(50);
    inner[6] = 0x20;
    let mut packet = PacketBuf::copy_of(&inner);
    let sequence = sa.reserve(packet.len(), NOW).unwrap();
    assert_eq!(sa.seal(sequence, &mut packet, random().as_ref()), Err(SealError::Fragment));
}

#[test]
fn t107_all_sixteen_congestion_pairs() {
    // RFC 6040 4.2, figure 4 (test): rows are the inner field, columns the outer one: Not-ECT, ECT(1), ECT(0), CE.
    const NOT: Option<u8> = Some(0);
    const ECT1: Option<u8> = Some(1);
    const ECT0: Option<u8> = Some(2);
    const CE: Option<u8> = Some(3);
    let table = [
        (0, [NOT, NOT, NOT, None]),
        (1, [ECT1, ECT1, ECT1, CE]),
        (2, [ECT0, ECT1, ECT0, CE]),
        (3, [CE, CE, CE, CE]),
    ];
    for (inner_ecn, row) in table {
        for (outer_ecn, expected) in (0..).zip(row) {
            let mut inner = clear(9);
            inner[1] = 0xb8 | inner_ecn;
            let sum = {
                inner[10..12].fill(0);
                checksum(&inner[..20])
            };
            inner[10..12].copy_from_slice(&sum.to_be_bytes());
            let mut packet = sealed(&mut outbound(AES_SHA256), &inner);
            assert_eq!(packet.octets()[1], 0xb8 | inner_ecn, "copied at encapsulation");
            packet.octets_mut()[1] = outer_ecn;
            let result = inbound(AES_SHA256).open(&mut packet, NOW);
            match expected {
                None => assert_eq!(result, Err(DropReason::Congestion)),
                Some(ecn) => {
                    result.unwrap();
                    assert_eq!(packet.octets()[1], 0xb8 | ecn, "{inner_ecn} in {outer_ecn}");
                    assert_eq!(checksum(&packet.octets()[..20]), 0);
                }
            }
        }
    }
}

#[test]
fn t107_inner_options_stay_inside() {
    let mut inner = vec![0x46, 0, 0, 24, 0, 1, 0, 0, 64, 17, 0, 0, 10, 1, 0, 7, 10, 2, 0, 9, 148, 4, 0, 0];
    let sum = checksum(&inner);
    inner[10..12].copy_from_slice(&sum.to_be_bytes());
    let mut packet = sealed(&mut outbound(AES_SHA256), &inner);
    assert_eq!(packet.octets()[0], 0x45);
    inbound(AES_SHA256).open(&mut packet, NOW).unwrap();
    assert_eq!(packet.octets(), inner);
}

#[test]
fn t108_another_spi_or_protocol() {
    let good = sealed(&mut outbound(AES_SHA256), &clear(50));
    let mut sa = inbound(AES_SHA256);
    for spi in [0, 1, 255, common::SPI + 1, u32::MAX] {
        let mut packet = PacketBuf::copy_of(good.octets());
        packet.octets_mut()[20..24].copy_from_slice(&spi.to_be_bytes());
        assert_eq!(sa.open(&mut packet, NOW), Err(DropReason::UnknownSpi));
    }
    for protocol in (0..=255).filter(|protocol| *protocol != 50) {
        let mut packet = PacketBuf::copy_of(good.octets());
        packet.octets_mut()[9] = protocol;
        assert_eq!(sa.open(&mut packet, NOW), Err(DropReason::Protocol));
    }
    assert_eq!(sa.snapshot(NOW).drops.total(), 5 + 255);
}

#[test]
fn t113_udp_lengths_that_lie() {
    let udp = ipsec_esp::UdpEncapsulation::default();
    let config = OutboundConfig::new(spi(), tunnel());
    let mut left = OutboundSa::new(config, transform(AES_SHA256), NOW).in_udp(udp);
    let good = sealed(&mut left, &clear(50));
    let config = InboundConfig::new(spi(), tunnel(), None);
    let mut right = InboundSa::new(config, transform(AES_SHA256), NOW).in_udp(udp);
    for len in (0..=u16::MAX).filter(|len| usize::from(*len) != good.len() - 20) {
        let mut packet = PacketBuf::copy_of(good.octets());
        packet.octets_mut()[24..26].copy_from_slice(&len.to_be_bytes());
        assert_eq!(right.open(&mut packet, NOW), Err(DropReason::OuterHeader), "{len}");
    }
    // Keepalives and other short datagrams.
    for len in 0..8 {
        let mut short = PacketBuf::copy_of(&good.octets()[..28 + len]);
        reseat(&mut short);
        short.octets_mut()[24..26].copy_from_slice(&u16::try_from(8 + len).unwrap().to_be_bytes());
        assert_eq!(right.open(&mut short, NOW), Err(DropReason::TooShort), "{len}");
    }
    right.open(&mut PacketBuf::copy_of(good.octets()), NOW).unwrap();
}

#[test]
fn t071_suites_that_do_not_protect_are_refused() {
    let refused = |suite: Suite| {
        let keymat = keymat(&suite);
        let keys = Keys::split(&suite, &keymat).unwrap();
        Transform::new(suite, keys, &default::provider()).is_err()
    };
    assert!(refused(Suite::EncryptionOnly { cipher: CipherAlgorithm::Null, key_len: 0 }));
    assert!(refused(Suite::EncryptionOnly { cipher: CipherAlgorithm::AesCtr, key_len: 16 }));
    for icv_len in [0, 1, 4, 8, 11, 13, 20, 33, 64] {
        let integrity = Integrity { hash: HashAlgorithm::Md5, icv_len };
        assert!(
            refused(Suite::Separate { cipher: CipherAlgorithm::DesCbc, key_len: 8, integrity }),
            "{icv_len}"
        );
    }
    for (cipher, key_len) in
        [(CipherAlgorithm::DesCbc, 7), (CipherAlgorithm::AesCbc, 20), (CipherAlgorithm::Null, 1)]
    {
        assert!(refused(Suite::Separate { cipher, key_len, integrity: Integrity::HMAC_SHA1_96 }));
    }
    // RFC 4301 4.5.2 (test): too little KEYMAT is no keys at all.
    assert!(Keys::split(&AES_SHA256, &[0; 47]).is_err());
    assert!(Keys::split(&AES_SHA256, &[0; 48]).is_ok());
}

#[test]
fn t145_noise_never_panics() {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut sas: Vec<_> = suites().into_iter().map(inbound).collect();
    let packet = sealed(&mut outbound(AES_SHA256), &clear(60));
    for _ in 0..20_000 {
        let mut octets = packet.octets().to_vec();
        for _ in 0..next() % 6 {
            let at = usize::try_from(next()).unwrap() % octets.len();
            octets[at] = next().to_be_bytes()[0];
        }
        octets.truncate(usize::try_from(next()).unwrap() % (octets.len() + 1));
        let which = usize::try_from(next()).unwrap() % sas.len();
        let _ = sas[which].open(&mut PacketBuf::copy_of(&octets), NOW);
    }
}
