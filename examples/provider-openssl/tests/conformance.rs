//! The known answers and rules that every provider is held to.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test may panic")]

use crypto_provider::{conformance, default};

#[test]
fn it_passes_and_has_all_that_the_default_provider_has() {
    let report = conformance::check(&provider_openssl::provider().unwrap()).unwrap();
    let other = conformance::check(&default::provider()).unwrap();
    let sorted = |mut subjects: Vec<conformance::Subject>| {
        subjects.sort();
        subjects
    };
    assert_eq!(sorted(report.passed), sorted(other.passed));
    assert_eq!((report.absent, report.unknown), (vec![], vec![]));
    assert!(report.checks > 10_000);
}
