//! Limits in octets and time.

use core::time::Duration;

use ipsec_core::{Cause, DropReason, Exhausted, InboundConfig, Lifetime, Limit, OutboundConfig, PacketBuf};
use ipsec_esp::{InboundSa, OutboundSa};

use crate::common::{NOW, clear, inbound, inbound_with, outbound, sealed, spi, suites, transform, tunnel};
use crate::forged::{AES_SHA256, DES_MD5};

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
