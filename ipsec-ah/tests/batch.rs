//! A batch is what its packets are one at a time, and sizes end where they should.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation,
    missing_docs,
    reason = "a test may panic"
)]

mod common;

use common::{ALGORITHMS, NOW, clear, clear_v6, inbound, outbound, sealed, tunnel};
use ipsec_ah::{OpenJob, SealJob};
use ipsec_core::{Mode, PacketBuf, SealError};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(120) })]

    #[test]
    fn a_batch_is_its_packets_one_at_a_time(
        kinds in prop::collection::vec(0_u8..10, 0..70), algorithm in 0_usize..6, transport in any::<bool>(),
    ) {
        let algorithm = ALGORITHMS[algorithm];
        let mode = if transport { Mode::Transport } else { tunnel() };
        let make = || kinds.iter().enumerate().map(|(n, kind)| match kind {
            0 => PacketBuf::copy_of(&[0x75; 40]),
            1 => PacketBuf::copy_of(&clear(65_500)),
            2 => {
                let mut fragment = clear(64);
                fragment[6] = 0x20;
                PacketBuf::copy_of(&fragment)
            }
            3 => PacketBuf::copy_of(&clear_v6()),
            _ => PacketBuf::copy_of(&clear(n * 13)),
        }).collect::<Vec<_>>();
        let octets = |packets: &[PacketBuf]| packets.iter().map(|one| one.octets().to_vec()).collect::<Vec<_>>();
        let (mut one, mut each) = (outbound(algorithm, mode), outbound(algorithm, mode));
        let (mut singly, mut batch) = (make(), make());
        let results: Vec<Result<(), SealError>> = singly.iter_mut().map(|packet| {
            let sequence = one.reserve(packet.len(), NOW)?;
            let result = one.seal(sequence, packet);
            if let Err(error) = result { one.count_drop(error.into()) }
            result
        }).collect();
        let mut jobs: Vec<_> = batch.iter_mut().map(SealJob::new).collect();
        each.seal_each(&mut jobs, NOW);
        prop_assert_eq!(jobs.iter().map(|job| job.result).collect::<Vec<_>>(), results);
        prop_assert_eq!(octets(&batch), octets(&singly));
        prop_assert_eq!(one.snapshot(NOW), each.snapshot(NOW));

        let mut wire: Vec<Vec<u8>> = Vec::new();
        for (kind, packet) in kinds.iter().zip(&batch) {
            let mut packet = packet.octets().to_vec();
            let last = packet.len() - 1;
            match kind {
                4 => packet[last] ^= 1,
                5 => packet = wire.last().cloned().unwrap_or(packet),
                6 => packet.truncate(30),
                _ => {}
            }
            wire.push(packet);
        }
        let copies = || wire.iter().map(|packet| PacketBuf::copy_of(packet)).collect::<Vec<_>>();
        let (mut one, mut each) = (inbound(algorithm, mode), inbound(algorithm, mode));
        let (mut singly, mut batch) = (copies(), copies());
        let results: Vec<_> = singly.iter_mut().map(|packet| one.open(packet, NOW)).collect();
        let mut jobs: Vec<_> = batch.iter_mut().map(OpenJob::new).collect();
        each.open_each(&mut jobs, NOW);
        prop_assert_eq!(jobs.iter().map(|job| job.result).collect::<Vec<_>>(), results.clone());
        for ((single, batch), result) in singly.iter().zip(&batch).zip(&results) {
            prop_assert!(result.is_err() || single.octets() == batch.octets());
        }
        prop_assert_eq!(one.snapshot(NOW), each.snapshot(NOW));
    }
}

/// T106: AH has no padding that depends on the packet, so what it adds is always the same.
#[test]
fn t106_what_sealing_adds_is_what_it_says() {
    for algorithm in ALGORITHMS {
        for mode in [Mode::Transport, tunnel()] {
            for len in 28..200 {
                let mut sa = outbound(algorithm, mode);
                assert_eq!(sealed(&mut sa, &clear(len - 28)).len(), len + sa.overhead(false));
            }
            let mut sa = outbound(algorithm, mode);
            assert_eq!(sealed(&mut sa, &clear_v6()).len(), clear_v6().len() + sa.overhead(true));
        }
    }
}
