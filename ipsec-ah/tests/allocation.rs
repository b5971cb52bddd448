//! Sealing and opening allocate nothing, whatever the algorithm.
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

use common::{ALGORITHMS, NOW, clear, clear_v6, inbound, outbound, tunnel};
use ipsec_ah::{OpenJob, SealJob};
use ipsec_core::{Mode, PacketBuf};
use test_alloc::{TestAlloc, measure};

#[global_allocator]
static ALLOCATOR: TestAlloc = TestAlloc;

#[test]
fn one_packet_at_a_time() {
    for integrity in ALGORITHMS {
        for mode in [tunnel(), Mode::Transport] {
            for inner in [clear(700), clear_v6()] {
                let (mut left, mut right) = (outbound(integrity, mode), inbound(integrity, mode));
                let mut packet = PacketBuf::copy_of(&inner);
                let ((), used) = measure(|| {
                    for _ in 0..3 {
                        let sequence = left.reserve(packet.len(), NOW).unwrap();
                        left.seal(sequence, &mut packet).unwrap();
                        right.open(&mut packet, NOW).unwrap();
                    }
                });
                assert_eq!(used.allocations, 0, "{integrity:?}");
                assert_eq!(packet.octets(), inner, "{integrity:?}");
            }
        }
    }
}

#[test]
fn batches_larger_than_the_hook_takes() {
    for integrity in ALGORITHMS {
        let (mut left, mut right) = (outbound(integrity, tunnel()), inbound(integrity, tunnel()));
        let mut packets: [PacketBuf; 21] = core::array::from_fn(|n| PacketBuf::copy_of(&clear(n * 50)));
        let ((), used) = measure(|| {
            let mut jobs = packets.each_mut().map(SealJob::new);
            left.seal_each(&mut jobs, NOW);
            assert!(jobs.iter().all(|job| job.result.is_ok()));
            let mut jobs = packets.each_mut().map(OpenJob::new);
            right.open_each(&mut jobs, NOW);
            for (n, job) in (1..).zip(&jobs) {
                assert_eq!(job.result.map(|opened| opened.sequence), Ok(n));
            }
        });
        assert_eq!(used.allocations, 0, "{integrity:?}");
        for (n, packet) in packets.iter().enumerate() {
            assert_eq!(packet.octets(), clear(n * 50), "{integrity:?}");
        }
    }
}

/// T148, as far as it is this crate's: what an SA of either direction leaves behind when it is dropped.
#[test]
fn t148_keys_are_wiped_when_an_sa_is_dropped() {
    use crypto_provider::default;
    use ipsec_ah::{InboundSa, OutboundSa, Transform};
    use ipsec_core::{InboundConfig, OutboundConfig};
    for integrity in ALGORITHMS {
        let key: Vec<u8> = (0..integrity.key_len()).map(|n| (n * 7 + 3) as u8).collect();
        let transform = || Transform::new(integrity, &key, &default::provider()).unwrap();
        // RFC 2104 2: the key is used with these two masks.
        for mask in [0_u8, 0x36, 0x5c] {
            let canary: Vec<u8> = key.iter().map(|octet| octet ^ mask).collect();
            let mut left = OutboundSa::new(OutboundConfig::new(common::spi(), tunnel()), transform(), NOW);
            let mut right =
                InboundSa::new(InboundConfig::new(common::spi(), tunnel(), None), transform(), NOW);
            let mut packet = common::sealed(&mut left, &clear(40));
            right.open(&mut packet, NOW).unwrap();
            test_alloc::watch(&canary);
            drop((left, right));
            assert_eq!(test_alloc::found(), 0, "{integrity:?}");
        }
    }
    // The watcher sees what is not wiped.
    let careless: [u8; 32] = core::array::from_fn(|n| n as u8 * 7 + 3);
    test_alloc::watch(&careless);
    drop(careless.to_vec());
    assert_eq!(test_alloc::found(), 1);
    test_alloc::watch(&[]);
}
