//! What the default provider takes for each primitive; a provider of your own takes its place by one line.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark may panic")]

use core::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use crypto_provider::{CryptoProvider, default};

/// Octets of packets: the smallest common one, a middle one, what fits a link of 1500.
const SIZES: [usize; 3] = [64, 512, 1392];

fn provider() -> CryptoProvider {
    default::provider()
}

/// A fresh exponent with its public value, and the secret shared with a peer: what one side does once.
fn groups(criterion: &mut Criterion) {
    let provider = provider();
    let mut bench = criterion.benchmark_group("group");
    bench.sample_size(20);
    for group in provider.groups.iter() {
        let peer = group.start(&*provider.random).unwrap();
        let peer = group.peer_public(peer.public()).unwrap();
        bench.bench_function(BenchmarkId::from_parameter(group.id()), |bencher| {
            bencher.iter(|| group.start(&*provider.random).unwrap().complete(black_box(&peer)).unwrap());
        });
    }
    bench.finish();
}

fn ciphers(criterion: &mut Criterion) {
    let provider = provider();
    let mut bench = criterion.benchmark_group("encrypt");
    for cipher in provider.ciphers.iter().filter(|cipher| cipher.iv_len() > 0) {
        let key: Vec<u8> =
            (1..=32).take(*cipher.key_lengths().last().unwrap()).map(|octet| octet * 7).collect();
        let (key, iv) = (cipher.key(&key).unwrap(), vec![9; cipher.iv_len()]);
        for size in SIZES {
            let mut data = vec![0; size];
            bench.throughput(Throughput::Bytes(size.try_into().unwrap()));
            bench.bench_function(BenchmarkId::new(format!("{:?}", cipher.algorithm()), size), |bencher| {
                bencher.iter(|| key.encrypt(&iv, black_box(&mut data)).unwrap());
            });
        }
    }
    bench.finish();
}

fn macs(criterion: &mut Criterion) {
    let provider = provider();
    let mut bench = criterion.benchmark_group("hmac");
    for prf in provider.prfs.iter() {
        let key = prf.key(&[7; 32]);
        for size in SIZES {
            let (data, mut out) = (vec![0; size], [0; 12]);
            bench.throughput(Throughput::Bytes(size.try_into().unwrap()));
            bench.bench_function(BenchmarkId::new(format!("{:?}", prf.algorithm()), size), |bencher| {
                bencher.iter(|| key.compute(&[black_box(&data)], &mut out));
            });
        }
    }
    bench.finish();
}

fn aeads(criterion: &mut Criterion) {
    let provider = provider();
    let mut bench = criterion.benchmark_group("seal");
    for aead in provider.aeads.iter() {
        let key = aead.key(&[7; 32]).unwrap();
        let (nonce, mut tag) = (vec![1; aead.nonce_len()], vec![0; aead.algorithm().tag_len()]);
        for size in SIZES {
            let mut data = vec![0; size];
            bench.throughput(Throughput::Bytes(size.try_into().unwrap()));
            bench.bench_function(BenchmarkId::new(format!("{:?}", aead.algorithm()), size), |bencher| {
                bencher.iter(|| key.seal(&nonce, b"header", black_box(&mut data), &mut tag).unwrap());
            });
        }
    }
    bench.finish();
}

criterion_group!(benches, groups, ciphers, macs, aeads);
criterion_main!(benches);
