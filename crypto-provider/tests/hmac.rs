#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "a test may panic"
)]
//! HMAC against the RFCs, Wycheproof and OpenSSL.

mod common;

use common::MacCase;
use crypto_provider::{Mismatch, PrfKey, default};

fn key(case: &MacCase) -> Box<dyn PrfKey> {
    default::provider().prf(common::hash_named(&case.algorithm)).unwrap().key(&case.key)
}

fn check(case: &MacCase) {
    let key = key(case);
    let mut out = vec![0; case.mac.len()];
    key.compute(&[&case.data], &mut out);
    assert_eq!(out == *case.mac, case.valid, "{} {}", case.algorithm, case.name);
    let verified = if case.valid { Ok(()) } else { Err(Mismatch) };
    assert_eq!(key.verify(&[&case.data], &case.mac), verified, "{} {}", case.algorithm, case.name);
}

// RFC 2202 2, 3 (test)
#[test]
fn rfc_2202() {
    common::cases("rfc2202.json", 14).iter().for_each(check);
}

// RFC 4231 4 (test)
#[test]
fn rfc_4231() {
    common::cases("rfc4231.json", 21).iter().for_each(check);
}

#[test]
fn wycheproof() {
    for (file, number) in [("sha1", 170), ("sha256", 174), ("sha384", 174), ("sha512", 174)] {
        let cases = common::cases::<MacCase>(&format!("wycheproof-hmac-{file}.json"), number);
        assert!(cases.iter().any(|case| !case.valid));
        cases.iter().for_each(check);
    }
}

#[test]
fn openssl_at_every_length_of_keys() {
    let cases = common::openssl().macs;
    assert_eq!(cases.len(), 150);
    cases.iter().for_each(check);
}

#[test]
fn verification_refuses_what_is_no_prefix_of_the_value() {
    for case in common::cases::<MacCase>("rfc2202.json", 14) {
        let key = key(&case);
        let data: &[&[u8]] = &[&case.data];
        for len in 1..=case.mac.len() {
            assert_eq!(key.verify(data, &case.mac[..len]), Ok(()), "{len} octets");
        }
        assert_eq!(key.verify(data, &[]), Err(Mismatch), "nothing");
        assert_eq!(key.verify(data, &case.mac[1..]), Err(Mismatch), "the end instead of the beginning");
        let longer = [&*case.mac, &[0]].concat();
        assert_eq!(key.verify(data, &longer), Err(Mismatch), "longer than the output");
    }
}
