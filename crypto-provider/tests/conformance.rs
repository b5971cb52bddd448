#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "a test may panic"
)]
//! The conformance checks: the default provider passes, and each way of being broken is found.

mod broken;
mod common;

use std::borrow::Cow;
use std::sync::Arc;

use broken::{AeadFault, CipherFault, GroupFault, HashFault, PrfFault, RandomFault};
use broken::{BadAead, BadCipher, BadGroup, BadHash, BadPrf, BadRandom, leak};
use crypto_provider::conformance::{self, Failure, Report, Subject};
use crypto_provider::{
    Aead, Cipher, CipherAlgorithm, CryptoProvider, DhGroup, GroupId, Hash, HashAlgorithm, Prf, default,
};

#[test]
fn the_default_provider_passes_and_lacks_nothing() {
    let report = conformance::check(&default::provider()).unwrap();
    let mut expected = vec![Subject::Random];
    expected.extend(common::HASHES.map(Subject::Hash));
    expected.extend(common::HASHES.map(Subject::Prf));
    expected.extend(common::CIPHERS.map(Subject::Cipher));
    expected.extend(common::AEADS.map(Subject::Aead));
    expected.extend(common::GROUPS.map(Subject::Group));
    let mut passed = report.passed;
    passed.sort();
    expected.sort();
    assert_eq!(passed, expected);
    assert_eq!((report.absent, report.unknown), (vec![], vec![]));
    assert!(report.checks > 10_000, "{}", report.checks);
}

#[test]
fn what_a_provider_lacks_is_absent_and_no_failure() {
    let whole = default::provider();
    let provider = CryptoProvider {
        hashes: Cow::Owned(vec![whole.hash(HashAlgorithm::Sha1).unwrap()]),
        prfs: Cow::Owned(vec![whole.prf(HashAlgorithm::Md5).unwrap()]),
        ciphers: Cow::Owned(vec![whole.cipher(CipherAlgorithm::DesCbc).unwrap()]),
        aeads: Cow::Borrowed(&[]),
        groups: Cow::Owned(vec![whole.group(GroupId::MODP_1024).unwrap()]),
        random: Arc::clone(&whole.random),
    };
    let report = conformance::check(&provider).unwrap();
    assert_eq!(
        report.passed,
        [
            Subject::Random,
            Subject::Hash(HashAlgorithm::Sha1),
            Subject::Prf(HashAlgorithm::Md5),
            Subject::Cipher(CipherAlgorithm::DesCbc),
            Subject::Group(GroupId::MODP_1024),
        ]
    );
    assert_eq!(report.absent.len(), 4 + 4 + 4 + 3 + 10);
    assert!(!report.absent.iter().any(|subject| report.passed.contains(subject)));
}

#[test]
fn a_group_without_known_answers_is_tested_for_its_behaviour() {
    let id = GroupId(1000);
    let with = |fault| groups(BadGroup::new(common::group(GroupId::MODP_768), id, fault));
    let report = conformance::groups(&with(GroupFault::None)).unwrap();
    assert_eq!((report.passed, report.unknown), (vec![], vec![Subject::Group(id)]));
    let failure = conformance::groups(&with(GroupFault::FlipShared)).unwrap_err();
    assert_eq!((failure.subject, failure.problem), (Subject::Group(id), "the two sides disagree"));
}

#[test]
fn a_failure_names_algorithm_case_and_problem() {
    let inner = default::provider().hash(HashAlgorithm::Md5).unwrap();
    let provider = hashes(BadHash { inner, fault: HashFault::FlipBit });
    let failure = conformance::check(&provider).unwrap_err();
    assert_eq!(failure.to_string(), "Md5, RFC 1321 A.5, string 1: wrong answer");
}

type Section = fn(&CryptoProvider) -> Result<Report, Failure>;

fn found(section: Section, provider: &CryptoProvider, subject: Subject, expected: (&str, &str)) {
    let failure = section(provider).expect_err(expected.1);
    assert_eq!((failure.subject, failure.case, failure.problem), (subject, expected.0, expected.1));
}

#[test]
fn broken_random_sources_are_found() {
    let draws = "two draws";
    for (fault, problem) in [
        (RandomFault::Fails, "the source failed"),
        (RandomFault::Zeros, "a part was not filled"),
        (RandomFault::LeavesTheEnd, "a part was not filled"),
        (RandomFault::Repeats, "the same octets twice"),
        (RandomFault::RepeatsWithin, "the same octets within one draw"),
    ] {
        let provider = CryptoProvider { random: Arc::new(BadRandom(fault)), ..default::provider() };
        found(conformance::random, &provider, Subject::Random, (draws, problem));
    }
}

fn hashes(bad: BadHash) -> CryptoProvider {
    CryptoProvider { hashes: Cow::Owned(vec![leak(bad) as &dyn Hash]), ..default::provider() }
}

#[test]
fn broken_hash_functions_are_found() {
    for algorithm in common::HASHES {
        let first =
            if algorithm == HashAlgorithm::Md5 { "RFC 1321 A.5, string 1" } else { "RFC 6234 8.5, test 1" };
        let first = if algorithm == HashAlgorithm::Sha1 { "RFC 3174 7.3, test 1" } else { first };
        for (fault, expected) in [
            (HashFault::FlipBit, (first, "wrong answer")),
            (HashFault::Short, (first, "wrong answer")),
            (HashFault::FirstPartOnly, ("parts", "parts hash to another value than their concatenation")),
        ] {
            let bad = BadHash { inner: default::provider().hash(algorithm).unwrap(), fault };
            found(conformance::hashes, &hashes(bad), Subject::Hash(algorithm), expected);
        }
    }
}

#[test]
fn broken_hmacs_are_found() {
    for algorithm in common::HASHES {
        let md5 = if algorithm == HashAlgorithm::Md5 {
            "RFC 2202 2, test case 1"
        } else {
            "RFC 2202 3, test case 1"
        };
        let first = if algorithm <= HashAlgorithm::Sha1 { md5 } else { "RFC 4231 4.2, test case 1" };
        let verification = "verification";
        for (fault, expected) in [
            (PrfFault::FlipBit, (first, "wrong answer")),
            (PrfFault::TruncatesToTheEnd, (first, "wrong answer")),
            (PrfFault::NeverVerifies, (first, "the right value was refused")),
            (PrfFault::KeepsTheRest, ("output", "the rest is not zero")),
            (PrfFault::AcceptsEmpty, (verification, "an empty value was accepted")),
            (PrfFault::AcceptsLonger, (verification, "a value longer than the output was accepted")),
            (PrfFault::IgnoresOneBit, (verification, "a wrong value was accepted")),
            (PrfFault::FirstPartOnly, ("verification", "the value of other data was accepted")),
            (PrfFault::BatchForgetsOne, ("batch", "a batch differs from single calls")),
        ] {
            let bad = BadPrf { inner: default::provider().prf(algorithm).unwrap(), fault };
            let provider =
                CryptoProvider { prfs: Cow::Owned(vec![leak(bad) as &dyn Prf]), ..default::provider() };
            found(conformance::prfs, &provider, Subject::Prf(algorithm), expected);
        }
    }
}

fn cipher_found(algorithm: CipherAlgorithm, fault: CipherFault, expected: (&str, &str)) {
    let bad = BadCipher { inner: default::provider().cipher(algorithm).unwrap(), fault };
    let provider =
        CryptoProvider { ciphers: Cow::Owned(vec![leak(bad) as &dyn Cipher]), ..default::provider() };
    found(conformance::ciphers, &provider, Subject::Cipher(algorithm), expected);
}

#[test]
fn broken_ciphers_are_found() {
    let first = [
        (CipherAlgorithm::DesCbc, "FIPS 81, table C1"),
        (CipherAlgorithm::TripleDesCbc, "NIST SP 800-67 Appendix B, block 1"),
        (CipherAlgorithm::AesCbc, "RFC 3602 4, case 1"),
        (CipherAlgorithm::AesCtr, "RFC 3686 6, test vector 1"),
        (CipherAlgorithm::Null, "RFC 2410"),
    ];
    let lengths = "wrong length of IV or data";
    let batch = "encryption of a batch differs from single calls";
    for (algorithm, case) in first {
        for (fault, expected) in [
            (CipherFault::FlipEncrypted, (case, "wrong answer")),
            (CipherFault::FlipDecrypted, (case, "wrong answer")),
            (CipherFault::AnyKey, ("key", "a key of a wrong length was not refused as such")),
            (CipherFault::AnyIv, (lengths, "encryption was not refused")),
            (CipherFault::ChangesRefused, (lengths, "refused data was changed")),
            (CipherFault::WrongBlock, ("lengths", "wrong length of a block")),
        ] {
            cipher_found(algorithm, fault, expected);
        }
        if algorithm != CipherAlgorithm::Null {
            cipher_found(algorithm, CipherFault::KeepsTheIv, (case, "wrong answer"));
            cipher_found(algorithm, CipherFault::BatchChainsIvs, ("batch", batch));
        }
    }
    let forgets = "encryption of a batch reports other results than single calls";
    cipher_found(CipherAlgorithm::AesCbc, CipherFault::BatchForgetsResults, ("batch", forgets));
    let refused = "accepted, or refused for another reason";
    cipher_found(CipherAlgorithm::DesCbc, CipherFault::AcceptsWeak, ("weak and semi-weak keys", refused));
    cipher_found(CipherAlgorithm::DesCbc, CipherFault::ComparesParity, ("weak and semi-weak keys", refused));
    cipher_found(CipherAlgorithm::TripleDesCbc, CipherFault::AcceptsWeak, ("equal keys", refused));
    cipher_found(CipherAlgorithm::TripleDesCbc, CipherFault::ComparesParity, ("equal keys", refused));
}

#[test]
fn broken_aeads_are_found() {
    let lengths = "wrong length of nonce or tag";
    for algorithm in common::AEADS {
        for (fault, expected) in [
            (AeadFault::FlipTag, ("GCM specification, test case 1", "wrong answer")),
            (AeadFault::FlipData, ("GCM specification, test case 2", "wrong answer")),
            (AeadFault::AnyTagLength, (lengths, "sealing was not refused")),
            (AeadFault::OpensShortTags, (lengths, "opening was not refused")),
            (AeadFault::IgnoresOneBit, ("forgery", "accepted")),
            (AeadFault::DecryptsFirst, (lengths, "refused data was changed")),
            (AeadFault::BatchStopsAtTheFirst, ("batch", "a batch reports the wrong result")),
        ] {
            let bad = BadAead { inner: default::provider().aead(algorithm).unwrap(), fault };
            let provider =
                CryptoProvider { aeads: Cow::Owned(vec![leak(bad) as &dyn Aead]), ..default::provider() };
            found(conformance::aeads, &provider, Subject::Aead(algorithm), expected);
        }
    }
}

/// With a seed: what is wrong for one public value in 256 is then found by the same check each time.
fn groups(bad: BadGroup) -> CryptoProvider {
    let random = Arc::new(default::SeededRandom::new(1));
    CryptoProvider { groups: Cow::Owned(vec![leak(bad) as &dyn DhGroup]), random, ..default::provider() }
}

#[test]
fn broken_groups_are_found() {
    let element = "0, 1, p - 1 or a value of p and more was not refused as such";
    let values = "public values";
    for (fault, expected) in [
        (GroupFault::FlipShared, ("exchange", "the two sides disagree")),
        (GroupFault::FlipPublic, ("exchange", "the two sides disagree")),
        (GroupFault::Accepts(0), (values, element)),
        (GroupFault::Accepts(1), (values, element)),
        (GroupFault::Accepts(2), (values, element)),
        (GroupFault::Accepts(3), (values, element)),
        (GroupFault::AcceptsShort, (values, "a value of a wrong length was not refused as such")),
        (GroupFault::SameExponent, ("start", "the same public value twice")),
        (
            GroupFault::HidesRandomFailure,
            ("start", "a failure of the random source was not reported as such"),
        ),
        (GroupFault::AnyGroup, ("exchange", "a public value of another group was not refused as such")),
        (GroupFault::UsedUp, ("exchange", "the two sides disagree")),
        (GroupFault::Unpadded, ("leading zero", "wrong answer")),
        (GroupFault::Additive, ("g^2x for the peer's value g^2", "wrong answer")),
    ] {
        let id = GroupId::MODP_768;
        let bad = BadGroup::new(common::group(id), id, fault);
        found(conformance::groups, &groups(bad), Subject::Group(id), expected);
    }
}

#[test]
fn broken_curves_are_found() {
    let values = "public values";
    for id in [GroupId::ECP_256, GroupId::ECP_384, GroupId::ECP_521] {
        for (fault, expected) in [
            (GroupFault::FlipShared, ("exchange", "the two sides disagree")),
            (GroupFault::FlipPublic, (values, "a good value was refused")),
            (GroupFault::AcceptsShort, (values, "a value of a wrong length was not refused as such")),
            (GroupFault::SameExponent, ("start", "the same public value twice")),
            (GroupFault::AnyGroup, ("exchange", "a public value of another group was not refused as such")),
            (GroupFault::UsedUp, ("exchange", "the two sides disagree")),
            (GroupFault::FlipBothShared, ("g^x for the peer's value g", "wrong answer")),
            (GroupFault::AcceptsPoint(0), (values, "0, 0 was not refused as such")),
            (GroupFault::AcceptsPoint(1), (values, "coordinates above the prime were not refused as such")),
            (GroupFault::AcceptsPoint(2), (values, "a point off the curve was not refused as such")),
            (GroupFault::AcceptsPoint(3), (values, "a coordinate above the prime was not refused as such")),
            (GroupFault::AcceptsPoint(4), (values, "a point of the twist was not refused as such")),
        ] {
            let bad = BadGroup::new(common::group(id), id, fault);
            found(conformance::groups, &groups(bad), Subject::Group(id), expected);
        }
        // Every second coordinate of the largest curve begins with a zero, so that an earlier check may find it.
        let bad = BadGroup::new(common::group(id), id, GroupFault::Unpadded);
        assert!(conformance::groups(&groups(bad)).is_err());
    }
}
