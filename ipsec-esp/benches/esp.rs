//! Sealing and opening, alone and in batches of 32.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark may panic")]

use core::hint::black_box;
use core::time::Duration;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use crypto_provider::{AeadAlgorithm, CipherAlgorithm, default::provider};
use ipsec_core::{
    InboundConfig, Ipv4Header, Mode, OutboundConfig, PacketBuf, Protocol, ReplayProtection, Spi, Tunnel,
};
use ipsec_esp::{InboundSa, Integrity, Keys, OpenJob, OutboundSa, SealJob, Suite, Transform};

const NOW: Duration = Duration::ZERO;
const BATCH: usize = 32;
const INTEGRITY: Integrity = Integrity::HMAC_SHA1_96;
const SUITES: [(&str, Suite); 3] = [
    ("des-sha1", Suite::Separate { cipher: CipherAlgorithm::DesCbc, key_len: 8, integrity: INTEGRITY }),
    ("aes128-sha1", Suite::Separate { cipher: CipherAlgorithm::AesCbc, key_len: 16, integrity: INTEGRITY }),
    ("aes256-gcm", Suite::Combined { aead: AeadAlgorithm::AesGcm16, key_len: 32 }),
];
/// Octets of clear packets: the smallest common one, a middle one, what fits a link of 1500.
const SIZES: [u16; 3] = [64, 512, 1392];

fn mode() -> Mode {
    Mode::Tunnel(Tunnel::new("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap()).unwrap())
}

fn transform(suite: Suite) -> Transform {
    let keymat: Vec<u8> = (1..=u8::try_from(suite.keymat_len()).unwrap()).collect();
    Transform::new(suite, Keys::split(&suite, &keymat).unwrap(), &provider()).unwrap()
}

fn outbound(suite: Suite) -> OutboundSa {
    let config = OutboundConfig::new(Spi::new(4096).unwrap(), mode());
    OutboundSa::new(config, transform(suite), NOW)
}

/// Without a window, so that one packet may be opened again and again; so without extended numbers (RFC 4303 2.2.1).
fn inbound(suite: Suite) -> InboundSa {
    let mut config = InboundConfig::new(Spi::new(4096).unwrap(), mode(), None);
    config.replay = ReplayProtection::Off;
    InboundSa::new(config, transform(suite), NOW)
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

fn bench(c: &mut Criterion) {
    let random = provider().random;
    for (name, suite) in SUITES {
        let mut group = c.benchmark_group(name);
        for size in SIZES {
            let (mut left, mut right) = (outbound(suite), inbound(suite));
            let seal = |left: &mut OutboundSa, packets: &mut [PacketBuf]| {
                let mut jobs: Vec<_> = packets.iter_mut().map(SealJob::new).collect();
                left.seal_each(&mut jobs, NOW, random.as_ref());
                assert!(jobs.iter().all(|job| job.result.is_ok()));
            };
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
                seal(&mut outbound(suite), &mut sealed);
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
}

criterion_group!(benches, bench);
criterion_main!(benches);
