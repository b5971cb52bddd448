//! A whole Main Mode and Quick Mode between two engines in one thread, so that a result is the work of both sides.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark may panic")]

#[path = "../examples/shared/mod.rs"]
mod shared;

use criterion::{Criterion, criterion_group, criterion_main};
use crypto_provider::{GroupId, HashAlgorithm};
use oakley::{Output, Phase1Suite};

const GROUPS: [GroupId; 8] = [
    GroupId::MODP_768,
    GroupId::MODP_1024,
    GroupId::MODP_1536,
    GroupId::MODP_2048,
    GroupId::MODP_3072,
    GroupId::ECP_256,
    GroupId::ECP_384,
    GroupId::ECP_521,
];

fn negotiation(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("negotiation");
    for id in GROUPS {
        let suite = Phase1Suite { group: id, hash: HashAlgorithm::Sha1, ..shared::suite() };
        group.bench_function(format!("main_and_quick_group_{id}"), |bencher| {
            bencher.iter(|| {
                let mut installed = 0;
                shared::negotiate(&suite, |_, output| {
                    installed += u32::from(matches!(output, Output::Install(_)))
                })
                .unwrap();
                assert_eq!(installed, 4, "both directions at both sides");
            });
        });
    }
    group.finish();
}

criterion_group!(benches, negotiation);
criterion_main!(benches);
