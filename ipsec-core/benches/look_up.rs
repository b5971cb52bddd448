//! Finding the SA of a received packet, in the ordered map that the gateway uses, and the policy of a packet to send.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark may panic")]

use core::hint::black_box;
use core::net::{IpAddr, Ipv4Addr};
use std::collections::BTreeMap;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use ipsec_core::{Flow, FlowPorts, Policy, Protocol, SaId, Selector, Spd, Spi, Unmatched};

fn address(bits: u32) -> IpAddr {
    Ipv4Addr::from_bits(bits).into()
}

/// SPIs as they are drawn: far apart.
fn sa(n: u32) -> SaId {
    let spi = Spi::from_wire(n.wrapping_mul(0x9e37_79b9));
    SaId { destination: address(0xc000_0201), protocol: Protocol::ESP, spi }
}

fn spi(c: &mut Criterion) {
    let mut group = c.benchmark_group("spi");
    for count in [1_u32, 1000, 100_000] {
        let sas: BTreeMap<SaId, u32> = (0..count).map(|n| (sa(n), n)).collect();
        let mut next = 0_u32;
        group.bench_function(BenchmarkId::new("known", count), |b| {
            b.iter(|| {
                next = next.wrapping_add(7919);
                sas.get(black_box(&sa(next.checked_rem(count).unwrap_or(0))))
            });
        });
        group.bench_function(BenchmarkId::new("unknown", count), |b| {
            b.iter(|| {
                next = next.wrapping_add(7919);
                sas.get(black_box(&sa(next | 0x8000_0000)))
            });
        });
    }
    group.finish();
}

fn crypto_map(c: &mut Criterion) {
    let mut group = c.benchmark_group("crypto map");
    for entries in [1_u32, 100, 1000] {
        let mut spd = Spd::new(Unmatched::Bypass);
        for n in 0..entries {
            let local = Selector::prefix(address(0x0a00_0000), 8).unwrap();
            let remote = Selector::prefix(address(0xac10_0000 | (n << 8)), 24).unwrap();
            for policy in Policy::access_list([(Selector::new(local, remote).unwrap(), Some(n))]) {
                spd.push(policy);
            }
        }
        for (name, to) in [("first", 0), ("last", entries.saturating_sub(1)), ("none", 0xffff)] {
            let flow = Flow {
                source: address(0x0a01_0007),
                destination: address(0xac10_0009 | (to << 8)),
                protocol: Protocol::UDP,
                ports: FlowPorts::Known { source: 1000, destination: 2000 },
            };
            group.bench_function(BenchmarkId::new(name, entries), |b| {
                b.iter(|| spd.outbound(black_box(&flow)));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, spi, crypto_map);
criterion_main!(benches);
