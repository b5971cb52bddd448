#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "a test may panic"
)]
//! Hash functions against OpenSSL's answers; the RFCs' own are in the conformance checks.

mod common;

use crypto_provider::default;

#[test]
fn digests_agree_with_openssl_at_every_padding_boundary() {
    let cases = common::openssl().hashes;
    assert_eq!(cases.len(), 85);
    for case in cases {
        let hash = default::provider().hash(common::hash_named(&case.algorithm)).unwrap();
        assert_eq!(
            hash.digest(&[&case.data]).as_ref(),
            &*case.digest,
            "{} of {}",
            case.algorithm,
            case.data.len()
        );
        let (head, tail) = case.data.split_at(case.data.len() / 3);
        assert_eq!(hash.digest(&[head, tail]).as_ref(), &*case.digest, "in parts");
    }
}

#[test]
fn a_digest_has_the_length_of_its_algorithm() {
    for (algorithm, len) in common::HASHES.into_iter().zip([16, 20, 32, 48, 64]) {
        assert_eq!(algorithm.output_len(), len);
        assert_eq!(default::provider().hash(algorithm).unwrap().digest(&[]).as_ref().len(), len);
    }
}
