//! Rows of the threat catalogue that concern AH, named by their numbers.
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

use core::time::Duration;

use common::{ALGORITHMS, NOW, clear, clear_v6, inbound, outbound, sealed, spi, transform, tunnel};
use crypto_provider::{HashAlgorithm, default};
use ipsec_ah::{InboundSa, Integrity, IntegrityError, OpenJob, OutboundSa, SealJob, Transform};
use ipsec_core::{
    Cause, DropReason, Exhausted, InboundConfig, Lifetime, Limit, Mode, OutboundConfig, PacketBuf,
    ReplayProtection, SealError, Selector, WindowSize, checksum,
};

const SHA1: Integrity = Integrity::HMAC_SHA1_96;
const SHA256: Integrity = Integrity::HMAC_SHA256_128;

fn on_the_wire(ah: &[u8]) -> PacketBuf {
    let mut packet = vec![0x45, 0, 0, 0, 0, 1, 0, 0, 64, 51, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2];
    packet.extend(ah);
    let len = u16::try_from(packet.len()).unwrap();
    packet[2..4].copy_from_slice(&len.to_be_bytes());
    PacketBuf::copy_of(&packet)
}

#[test]
fn t090_every_length_below_the_shortest_packet() {
    for integrity in ALGORITHMS {
        let shortest = 12 + integrity.icv_len;
        for len in 0..=80 {
            let mut ah = vec![0; len];
            let words = u8::try_from(shortest / 4 - 2).unwrap();
            let fixed = [[4, words, 0, 0], common::SPI.to_be_bytes(), 1_u32.to_be_bytes()].concat();
            ah.iter_mut().zip(fixed).for_each(|(to, from)| *to = from);
            let mut sa = inbound(integrity, tunnel());
            let expected = if len < shortest { DropReason::TooShort } else { DropReason::Icv };
            assert_eq!(sa.open(&mut on_the_wire(&ah), NOW), Err(expected), "{integrity:?}, {len} octets");
            assert_eq!(sa.snapshot(NOW).drops.get(expected), 1);
        }
        let whole = sealed(&mut outbound(integrity, tunnel()), &clear(30));
        for len in 0..whole.len() {
            let mut cut = PacketBuf::copy_of(&whole.octets()[..len]);
            assert_eq!(inbound(integrity, tunnel()).open(&mut cut, NOW), Err(DropReason::OuterHeader));
        }
    }
}

#[test]
fn t091_a_cut_or_zero_icv() {
    let good = sealed(&mut outbound(SHA256, tunnel()), &clear(30));
    let mut zero = PacketBuf::copy_of(good.octets());
    zero.octets_mut()[32..48].fill(0);
    assert_eq!(inbound(SHA256, tunnel()).open(&mut zero, NOW), Err(DropReason::Icv));
    // 96 against 128 bits, both ways: the length field tells.
    for (from, to) in [(SHA256, Integrity::HMAC_SHA256_96), (Integrity::HMAC_SHA256_96, SHA256)] {
        let mut packet = sealed(&mut outbound(from, tunnel()), &clear(30));
        assert_eq!(inbound(to, tunnel()).open(&mut packet, NOW), Err(DropReason::Misaligned));
    }
}

#[test]
fn t093_replay_and_both_edges_of_the_window() {
    let mut left = outbound(SHA1, tunnel());
    let packets: Vec<_> = (0..70).map(|_| sealed(&mut left, &clear(9))).collect();
    let mut right = inbound(SHA1, tunnel());
    let mut open =
        |number: usize| right.open(&mut PacketBuf::copy_of(packets[number - 1].octets()), NOW).map(|_| ());
    assert_eq!(open(70), Ok(()));
    assert_eq!(open(70), Err(DropReason::Replayed));
    assert_eq!(open(7), Ok(()), "the left edge of a window of 64");
    assert_eq!(open(6), Err(DropReason::TooOld));
    assert_eq!(right.snapshot(NOW).replay, Some(ReplayProtection::Window(WindowSize::DEFAULT)));
    let mut copies: [PacketBuf; 2] = core::array::from_fn(|_| PacketBuf::copy_of(packets[68].octets()));
    let mut jobs = copies.each_mut().map(OpenJob::new);
    right.open_each(&mut jobs, NOW);
    assert_eq!(jobs.map(|job| job.result.map(|_| ())), [Ok(()), Err(DropReason::Replayed)]);
}

#[test]
fn t094_a_forged_number_moves_nothing() {
    let mut left = outbound(SHA1, tunnel());
    let first = sealed(&mut left, &clear(9));
    let mut right = inbound(SHA1, tunnel());
    right.open(&mut PacketBuf::copy_of(first.octets()), NOW).unwrap();
    for forged in [2, 32, 33, 64, 65, 66, 1 << 31, 0xffff_ffff_u32] {
        let mut packet = PacketBuf::copy_of(first.octets());
        packet.octets_mut()[28..32].copy_from_slice(&forged.to_be_bytes());
        assert_eq!(right.open(&mut packet, NOW), Err(DropReason::Icv), "{forged}");
        assert_eq!(right.snapshot(NOW).sequence, 1);
    }
    right.open(&mut sealed(&mut left, &clear(9)), NOW).unwrap();
}

#[test]
fn t098_limits_in_octets_and_time() {
    let lifetime = Lifetime {
        hard_octets: Some(3000),
        hard_time: Some(Duration::from_secs(60)),
        soft_octets: Some(2000),
        ..Lifetime::default()
    };
    let mut config = OutboundConfig::new(spi(), tunnel());
    config.lifetime = lifetime;
    let mut left = OutboundSa::new(config, transform(SHA1), NOW);
    for expected in [None, Some(Limit::Soft(Cause::Octets)), Some(Limit::Hard(Cause::Octets))] {
        sealed(&mut left, &clear(1000 - 28));
        assert_eq!(left.poll_limit(NOW), expected);
    }
    assert_eq!(left.reserve(1, NOW).unwrap_err(), Exhausted::Octets);
    let mut config = InboundConfig::new(spi(), tunnel(), None);
    config.lifetime = lifetime;
    let mut right = InboundSa::new(config, transform(SHA1), NOW);
    let mut packet = sealed(&mut outbound(SHA1, tunnel()), &clear(9));
    assert_eq!(right.open(&mut packet, Duration::from_secs(60)), Err(DropReason::Expired));
    assert_eq!(right.poll_limit(NOW), Some(Limit::Hard(Cause::Time)));
}

#[test]
fn t098_a_packet_verified_before_the_hard_time_is_not_accepted_after() {
    let lifetime = Lifetime { hard_time: Some(Duration::from_secs(60)), ..Lifetime::default() };
    let mut config = InboundConfig::new(spi(), tunnel(), None);
    config.lifetime = lifetime;
    let mut right = InboundSa::new(config, transform(SHA1), NOW);
    let mut left = outbound(SHA1, tunnel());
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
fn t099_outside_the_selectors() {
    let prefix = |address: &str| Selector::prefix(address.parse().unwrap(), 24).unwrap();
    let open = |inner: &[u8]| {
        let selector = Selector::new(prefix("10.2.0.0"), prefix("10.1.0.0")).unwrap();
        let mut sa =
            InboundSa::new(InboundConfig::new(spi(), tunnel(), Some(selector)), transform(SHA1), NOW);
        sa.open(&mut sealed(&mut outbound(SHA1, tunnel()), inner), NOW).map(|_| ())
    };
    assert_eq!(open(&clear(8)), Ok(()));
    for at in [14, 18] {
        let mut inner = clear(8);
        inner[at] = 9;
        assert_eq!(open(&inner), Err(DropReason::Selectors));
    }
    assert_eq!(open(&clear_v6()), Err(DropReason::Selectors));
}

#[test]
fn t104_ipv4_bits_are_covered_or_mutable() {
    // RFC 4302 3.3.3.1.1.1 (test): which bits of the outer header a router may change. The other faults are told by name.
    let good = sealed(&mut outbound(SHA1, tunnel()), &clear(30));
    for bit in 0..good.len() * 8 {
        let (octet, mask) = (bit / 8, 0x80_u8 >> (bit % 8));
        let mut changed = PacketBuf::copy_of(good.octets());
        changed.octets_mut()[octet] ^= mask;
        let result = inbound(SHA1, tunnel()).open(&mut changed, NOW).map(|_| ());
        let expected: &[_] = match octet {
            // Total length: shorter is still well-formed.
            // Version; a longer header puts AH elsewhere.
            0 => &[Err(DropReason::OuterHeader), Err(DropReason::UnknownSpi)],
            2 | 3 => &[Err(DropReason::OuterHeader), Err(DropReason::Icv), Err(DropReason::TooShort)],
            // Type of service, TTL, checksum: mutable.
            1 | 8 | 10 | 11 => &[Ok(())],
            // Reserved bit and DF are mutable; MF and offset make a fragment.
            6 if mask & 0xc0 != 0 => &[Ok(())],
            6 | 7 => &[Err(DropReason::Fragment)],
            9 => &[Err(DropReason::Protocol)],
            // AH: its length, SPI, and the sequence number of which one bit is set.
            31 if mask == 1 => &[Err(DropReason::SequenceZero)],
            21 => &[Err(DropReason::Misaligned), Err(DropReason::TooShort)],
            24..28 => &[Err(DropReason::UnknownSpi)],
            _ => &[Err(DropReason::Icv)],
        };
        assert!(expected.contains(&result), "octet {octet}, mask {mask:#04x}: {result:?}");
    }
    // Congestion may be marked, but not for a packet that is not capable of it.
    let mut congested = PacketBuf::copy_of(good.octets());
    congested.octets_mut()[1] = 3;
    assert_eq!(inbound(SHA1, tunnel()).open(&mut congested, NOW), Err(DropReason::Congestion));
}

#[test]
fn t104_ipv6_bits_are_covered_or_mutable() {
    // RFC 4302 3.3.3.1.2.1 (test)
    let good = sealed(&mut outbound(SHA256, Mode::Transport), &clear_v6());
    for bit in 0..good.len() * 8 {
        let (octet, mask) = (bit / 8, 0x80_u8 >> (bit % 8));
        let mut changed = PacketBuf::copy_of(good.octets());
        changed.octets_mut()[octet] ^= mask;
        let result = inbound(SHA256, Mode::Transport).open(&mut changed, NOW).map(|_| ());
        let expected: &[_] = match octet {
            0 if mask & 0x0f != 0 => &[Ok(())],
            0 => &[Err(DropReason::OuterHeader)],
            // Traffic class, flow label, hop limit.
            1..4 | 7 => &[Ok(())],
            4 | 5 => &[Err(DropReason::OuterHeader), Err(DropReason::Icv), Err(DropReason::TooShort)],
            // Next header: another protocol, or an extension header that is none.
            6 => &[Err(DropReason::Protocol), Err(DropReason::OuterHeader), Err(DropReason::Options)],
            41 => &[Err(DropReason::Misaligned), Err(DropReason::TooShort)],
            44..48 => &[Err(DropReason::UnknownSpi)],
            51 if mask == 1 => &[Err(DropReason::SequenceZero)],
            _ => &[Err(DropReason::Icv)],
        };
        assert!(expected.contains(&result), "octet {octet}, mask {mask:#04x}: {result:?}");
    }
}

#[test]
fn t104_options_that_cannot_be_covered_are_dropped() {
    let mut inner = vec![0x46, 0, 0, 24, 0, 1, 0, 0, 64, 17, 0, 0, 10, 1, 0, 7, 10, 2, 0, 9, 68, 4, 5, 0];
    let sum = checksum(&inner);
    inner[10..12].copy_from_slice(&sum.to_be_bytes());
    let good = sealed(&mut outbound(SHA1, Mode::Transport), &inner);
    for len in [0, 1, 5, 255] {
        let mut bad = PacketBuf::copy_of(good.octets());
        bad.octets_mut()[21] = len;
        assert_eq!(inbound(SHA1, Mode::Transport).open(&mut bad, NOW), Err(DropReason::Options), "{len}");
        inner[21] = len;
        let mut sa = outbound(SHA1, Mode::Transport);
        let mut packet = PacketBuf::copy_of(&inner);
        let mut jobs = [SealJob::new(&mut packet)];
        sa.seal_each(&mut jobs, NOW);
        assert_eq!(jobs.map(|job| job.result), [Err(SealError::Options)]);
        assert_eq!(sa.snapshot(NOW).drops.get(DropReason::Options), 1);
    }
    // A routing header of type 0 is refused before anything is computed.
    let mut v6 = sealed(&mut outbound(SHA1, Mode::Transport), &clear_v6()).octets().to_vec();
    v6[6] = 43;
    v6.splice(40..40, [51, 0, 0, 0, 0, 0, 0, 0]);
    v6[5] += 8;
    let mut packet = PacketBuf::copy_of(&v6);
    assert_eq!(inbound(SHA1, Mode::Transport).open(&mut packet, NOW), Err(DropReason::Options));
}

#[test]
fn t104_an_unfinished_source_route_is_not_delivered() {
    // A strict route by 10.9.9.9 to 10.2.0.9, as it leaves: the destination is the first stop.
    let mut inner = vec![0x47, 0, 0, 28, 0, 1, 0, 0, 64, 17, 0, 0, 10, 1, 0, 7, 10, 9, 9, 9];
    inner.extend([137, 7, 4, 10, 2, 0, 9, 0]);
    let sum = checksum(&inner);
    inner[10..12].copy_from_slice(&sum.to_be_bytes());
    let sent = sealed(&mut outbound(SHA1, Mode::Transport), &inner);
    let mut early = PacketBuf::copy_of(sent.octets());
    assert_eq!(inbound(SHA1, Mode::Transport).open(&mut early, NOW), Err(DropReason::Options));
    // At its end: the pointer is behind the route, the destination is the last stop, the route holds the stop before.
    let mut arrived = sent.octets().to_vec();
    arrived[16..20].copy_from_slice(&[10, 2, 0, 9]);
    arrived[22] = 8;
    arrived[23..27].copy_from_slice(&[10, 9, 9, 9]);
    let mut arrived = PacketBuf::copy_of(&arrived);
    assert!(inbound(SHA1, Mode::Transport).open(&mut arrived, NOW).is_ok());
}

#[test]
fn t105_ah_on_a_fragment_is_dropped() {
    let good = sealed(&mut outbound(SHA1, tunnel()), &clear(50));
    for (at, bits) in [(6, 0x20), (6, 0x01), (7, 0x01)] {
        let mut fragment = PacketBuf::copy_of(good.octets());
        fragment.octets_mut()[at] |= bits;
        assert_eq!(inbound(SHA1, tunnel()).open(&mut fragment, NOW), Err(DropReason::Fragment));
    }
    let mut inner = clear(50);
    inner[6] = 0x20;
    let mut packet = PacketBuf::copy_of(&inner);
    let mut sa = outbound(SHA1, Mode::Transport);
    let sequence = sa.reserve(1, NOW).unwrap();
    assert_eq!(sa.seal(sequence, &mut packet), Err(SealError::Fragment));
}

#[test]
fn t100_the_largest_packet_and_no_more() {
    for (len, fits) in [(65535 - 44, true), (65535 - 43, false)] {
        let inner = clear(len - 28);
        let mut packet = PacketBuf::copy_of(&inner);
        let mut sa = outbound(SHA1, tunnel());
        assert_eq!(sa.overhead(false), 44);
        let sequence = sa.reserve(len, NOW).unwrap();
        let result = sa.seal(sequence, &mut packet);
        if fits {
            assert_eq!((result, packet.len()), (Ok(()), 65535));
            inbound(SHA1, tunnel()).open(&mut packet, NOW).unwrap();
            assert_eq!(packet.octets(), inner);
        } else {
            assert_eq!((result, packet.len()), (Err(SealError::TooBig), len));
        }
    }
    let mut tight = PacketBuf::with_capacity(43, 40);
    tight.append(28).unwrap().copy_from_slice(&clear(0));
    let mut sa = outbound(SHA1, tunnel());
    let sequence = sa.reserve(28, NOW).unwrap();
    assert!(matches!(sa.seal(sequence, &mut tight), Err(SealError::NoRoom(_))));
    assert_eq!(tight.octets(), clear(0));
}

#[test]
fn t108_another_spi_or_protocol() {
    let good = sealed(&mut outbound(SHA1, tunnel()), &clear(50));
    let mut sa = inbound(SHA1, tunnel());
    for spi in [0, 1, 255, common::SPI + 1, u32::MAX] {
        let mut packet = PacketBuf::copy_of(good.octets());
        packet.octets_mut()[24..28].copy_from_slice(&spi.to_be_bytes());
        assert_eq!(sa.open(&mut packet, NOW), Err(DropReason::UnknownSpi));
    }
    for protocol in (0..=255).filter(|protocol| *protocol != 51) {
        let mut packet = PacketBuf::copy_of(good.octets());
        packet.octets_mut()[9] = protocol;
        assert_eq!(sa.open(&mut packet, NOW), Err(DropReason::Protocol));
    }
}

#[test]
fn t071_keys_and_icvs_that_do_not_protect_are_refused() {
    let refused = |hash, icv_len, key: &[u8]| {
        Transform::new(Integrity { hash, icv_len }, key, &default::provider()).err()
    };
    for icv_len in [0, 1, 8, 11, 13, 20, 64] {
        let error = refused(HashAlgorithm::Md5, icv_len, &[0; 16]);
        assert_eq!(error, Some(IntegrityError::IcvLength(icv_len)));
    }
    let error = refused(HashAlgorithm::Sha1, 12, &[0; 19]);
    assert_eq!(error, Some(IntegrityError::KeyLength { expected: 20, actual: 19 }));
    assert_eq!(refused(HashAlgorithm::Sha1, 12, &[0; 20]), None);
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
    let mut sa = inbound(SHA1, Mode::Transport);
    let packets = [clear(40), clear_v6()].map(|inner| sealed(&mut outbound(SHA1, Mode::Transport), &inner));
    for _ in 0..20_000 {
        let mut octets = packets[usize::try_from(next() % 2).unwrap()].octets().to_vec();
        for _ in 0..next() % 6 {
            let at = usize::try_from(next()).unwrap() % octets.len();
            octets[at] = next().to_be_bytes()[0];
        }
        octets.truncate(usize::try_from(next()).unwrap() % (octets.len() + 1));
        let _ = sa.open(&mut PacketBuf::copy_of(&octets), NOW);
        let mut reserved = outbound(SHA1, Mode::Transport);
        let sequence = reserved.reserve(1, NOW).unwrap();
        let _ = reserved.seal(sequence, &mut PacketBuf::copy_of(&octets));
    }
}
