//! Recorded messages read, written again, and dissected.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "a benchmark may panic")]

use core::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use isakmp_wire::Message;

/// Messages 1 to 4 of a Main Mode between two strongSwans, in hexadecimal, a line each.
const RECORDED: &str = include_str!("../tests/data/recording-main-3des-sha1-modp1024-psk.txt");

fn messages() -> Vec<Bytes> {
    let octets = |hex: &str| -> Vec<u8> {
        hex.as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    };
    let lines = RECORDED.lines().filter(|line| line.starts_with("datagram"));
    lines.filter_map(|line| line.split_whitespace().last()).take(4).map(|hex| octets(hex).into()).collect()
}

fn wire(criterion: &mut Criterion) {
    let messages = messages();
    let octets: usize = messages.iter().map(Bytes::len).sum();
    let mut group = criterion.benchmark_group("messages");
    group.throughput(Throughput::Bytes(octets.try_into().unwrap()));
    group.bench_function("parse", |bencher| {
        bencher.iter(|| {
            messages.iter().for_each(|octets| drop(black_box(Message::parse(octets.clone()).unwrap())))
        });
    });
    let parsed: Vec<Message> =
        messages.iter().map(|octets| Message::parse(octets.clone()).unwrap()).collect();
    group.bench_function("encode", |bencher| {
        bencher.iter(|| parsed.iter().for_each(|message| drop(black_box(message.encode()))));
    });
    group.bench_function("dissect", |bencher| {
        bencher.iter(|| {
            messages.iter().for_each(|octets| drop(black_box(isakmp_wire::dissect(octets).to_string())))
        });
    });
    group.finish();
}

criterion_group!(benches, wire);
criterion_main!(benches);
