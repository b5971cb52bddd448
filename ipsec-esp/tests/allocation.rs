//! Sealing and opening allocate nothing, whatever the suite.
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

use common::{NOW, clear, inbound, outbound, random, suites};
use ipsec_core::{InboundConfig, Mode, OutboundConfig, PacketBuf};
use ipsec_esp::{InboundSa, OpenJob, OutboundSa, SealJob, UdpEncapsulation};
use test_alloc::{TestAlloc, measure};

#[global_allocator]
static ALLOCATOR: TestAlloc = TestAlloc;

const ROUNDS: usize = 5;

#[test]
fn one_packet_at_a_time() {
    let random = random();
    for suite in suites() {
        let (mut left, mut right) = (outbound(suite), inbound(suite));
        let mut packets: Vec<_> = (0..ROUNDS).map(|n| PacketBuf::copy_of(&clear(n * 300))).collect();
        let ((), used) = measure(|| {
            for packet in &mut packets {
                let sequence = left.reserve(packet.len(), NOW).unwrap();
                left.seal(sequence, packet, random.as_ref()).unwrap();
                right.open(packet, NOW).unwrap();
            }
        });
        assert_eq!(used.allocations, 0, "{suite:?}");
        for (n, packet) in packets.iter().enumerate() {
            assert_eq!(packet.octets(), clear(n * 300), "{suite:?}");
        }
    }
}

#[test]
fn batches_larger_than_the_hooks_take() {
    let random = random();
    for suite in suites() {
        let (mut left, mut right) = (outbound(suite), inbound(suite));
        let mut packets: [PacketBuf; 21] = core::array::from_fn(|n| PacketBuf::copy_of(&clear(n * 50)));
        let ((), used) = measure(|| {
            let mut jobs = packets.each_mut().map(SealJob::new);
            left.seal_each(&mut jobs, NOW, random.as_ref());
            assert!(jobs.iter().all(|job| job.result.is_ok()));
            let mut jobs = packets.each_mut().map(OpenJob::new);
            right.open_each(&mut jobs, NOW);
            for (n, job) in (1..).zip(&jobs) {
                assert_eq!(job.result.map(|opened| opened.sequence), Ok(n));
            }
        });
        assert_eq!(used.allocations, 0, "{suite:?}");
        for (n, packet) in packets.iter().enumerate() {
            assert_eq!(packet.octets(), clear(n * 50), "{suite:?}");
        }
    }
}

#[test]
fn transport_mode_and_udp_too() {
    let random = random();
    for suite in suites() {
        let config = OutboundConfig::new(common::spi(), Mode::Transport);
        let udp = UdpEncapsulation::default();
        let mut left = OutboundSa::new(config, common::transform(suite), NOW).in_udp(udp);
        let config = InboundConfig::new(common::spi(), Mode::Transport, None);
        let mut right = InboundSa::new(config, common::transform(suite), NOW).in_udp(udp);
        let mut packet = PacketBuf::copy_of(&clear(99));
        let ((), used) = measure(|| {
            let sequence = left.reserve(packet.len(), NOW).unwrap();
            left.seal(sequence, &mut packet, random.as_ref()).unwrap();
            right.open(&mut packet, NOW).unwrap();
        });
        assert_eq!(used.allocations, 0, "{suite:?}");
        assert_eq!(packet.octets(), clear(99), "{suite:?}");
    }
}

#[test]
fn drops_allocate_nothing() {
    for suite in suites() {
        let (mut left, mut right) = (outbound(suite), inbound(suite));
        let good = common::sealed(&mut left, &clear(40));
        let mut packets: Vec<_> =
            (0..good.len()).map(|cut| PacketBuf::copy_of(&good.octets()[..cut])).collect();
        let ((), used) = measure(|| {
            for packet in &mut packets {
                right.open(packet, NOW).unwrap_err();
            }
        });
        assert_eq!(used.allocations, 0, "{suite:?}");
    }
}

/// T148, as far as it is this crate's: what an SA leaves behind when it is dropped.
#[test]
fn t148_keys_are_wiped_when_an_sa_is_dropped() {
    use crypto_provider::{CipherAlgorithm, default};
    use ipsec_esp::{Integrity, Keys, Suite, Transform};
    let suite =
        Suite::Separate { cipher: CipherAlgorithm::AesCbc, key_len: 16, integrity: Integrity::HMAC_SHA1_96 };
    let keymat: [u8; 36] = core::array::from_fn(|n| u8::try_from(n * 7 + 3).unwrap());
    for canary in [&keymat[..16], &keymat[16..]] {
        let transform =
            Transform::new(suite, Keys::split(&suite, &keymat).unwrap(), &default::provider()).unwrap();
        let config = OutboundConfig::new(common::spi(), common::tunnel());
        let mut sa = OutboundSa::new(config, transform, NOW);
        common::sealed(&mut sa, &clear(40));
        test_alloc::watch(canary);
        drop(sa);
        assert_eq!(test_alloc::found(), 0);
    }
    // The watcher sees what is not wiped.
    test_alloc::watch(&keymat[..16]);
    drop(keymat.to_vec());
    assert_eq!(test_alloc::found(), 1);
    test_alloc::watch(&[]);
}
