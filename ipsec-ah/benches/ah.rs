//! Sealing and opening, alone and in batches of 32.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark may panic")]

use core::hint::black_box;
use core::time::Duration;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use crypto_provider::default::provider;
use ipsec_ah::{InboundSa, Integrity, OpenJob, OutboundSa, SealJob, Transform};
use ipsec_core::{
    InboundConfig, Ipv4Header, Mode, OutboundConfig, PacketBuf, Protocol, ReplayProtection, Spi,
};

const NOW: Duration = Duration::ZERO;
const BATCH: usize = 32;
/// Octets of clear packets: the smallest common one, a middle one, what fits a link of 1500.
const SIZES: [u16; 3] = [64, 512, 1392];

fn transform() -> Transform {
    Transform::new(Integrity::HMAC_SHA1_96, &[7; 20], &provider()).unwrap()
}

fn outbound() -> OutboundSa {
    let config = OutboundConfig::new(Spi::new(4096).unwrap(), Mode::Transport);
    OutboundSa::new(config, transform(), NOW)
}

/// Without a window, so that one packet may be opened again and again; so without extended numbers (RFC 4303 2.2.1).
fn inbound() -> InboundSa {
    let mut config = InboundConfig::new(Spi::new(4096).unwrap(), Mode::Transport, None);
    config.replay = ReplayProtection::Off;
    InboundSa::new(config, transform(), NOW)
}

fn clear(len: u16) -> PacketBuf {
    let header = Ipv4Header {
        header_len: Ipv4Header::LEN,
        tos: 0,
        total_len: len,
        identification: 1,
        dont_fragment: false,
        more_fragments: false,
        fragment_offset: 0,
        ttl: 64,
        protocol: Protocol::UDP,
        source: "10.1.0.7".parse().unwrap(),
        destination: "10.2.0.9".parse().unwrap(),
    };
    let mut packet = header.encode().to_vec();
    packet.resize(usize::from(len), 0x55);
    PacketBuf::copy_of(&packet)
}

fn seal(left: &mut OutboundSa, packets: &mut [PacketBuf]) {
    let mut jobs: Vec<_> = packets.iter_mut().map(SealJob::new).collect();
    left.seal_each(&mut jobs, NOW);
    assert!(jobs.iter().all(|job| job.result.is_ok()));
}

fn bench(c: &mut Criterion) {
    let mut group = c.benchmark_group("ah-sha1");
    for size in SIZES {
        let (mut left, mut right) = (outbound(), inbound());
        let fresh = |n: usize| (0..n).map(|_| clear(size)).collect::<Vec<_>>();
        for n in [1, BATCH] {
            group.throughput(Throughput::Bytes(u64::from(size).saturating_mul(n as u64)));
            group.bench_function(BenchmarkId::new(format!("seal x{n}"), size), |b| {
                b.iter_batched_ref(
                    || fresh(n),
                    |packets| seal(&mut left, black_box(packets)),
                    BatchSize::SmallInput,
                );
            });
            let mut sealed = fresh(n);
            seal(&mut outbound(), &mut sealed);
            let copies = || sealed.iter().map(|one| PacketBuf::copy_of(one.octets())).collect::<Vec<_>>();
            group.bench_function(BenchmarkId::new(format!("open x{n}"), size), |b| {
                b.iter_batched_ref(
                    copies,
                    |packets| {
                        let mut jobs: Vec<_> = packets.iter_mut().map(OpenJob::new).collect();
                        right.open_each(black_box(&mut jobs), NOW);
                        assert!(jobs.iter().all(|job| job.result.is_ok()));
                    },
                    BatchSize::SmallInput,
                );
            });
        }
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
