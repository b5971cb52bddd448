//! Rows T086 and T147, as far as types and source show them: secrets cannot be compared by accident, nothing is found by a hash
//! that a stranger can aim at.

use core::fmt::{Debug, Display};
use core::marker::PhantomData;
use core::ops::Deref;
use std::fs;
use std::path::{Path as Directory, PathBuf};

use crypto_provider::{SecretBytes, SharedSecret};
use isakmp_wire::Payload;
use isakmp_wire::payload::SecurityAssociation;
use oakley::*;

use crate::forger::*;

/// Whether a type implements a trait: an inherent constant, which is there only if it does, comes before that of a trait.
macro_rules! implements {
    ($type:ty: $($bound:tt)+) => {{
        struct Probe<T>(PhantomData<T>);
        #[allow(dead_code, reason = "where the inherent one is there, this one is not used")]
        trait Lacks {
            const HAS: bool = false;
        }
        impl<T> Lacks for Probe<T> {}
        #[allow(dead_code, reason = "what is found is what matters")]
        impl<T: $($bound)+> Probe<T> {
            const HAS: bool = true;
        }
        let _unused = PhantomData::<Probe<$type>>;
        <Probe<$type>>::HAS
    }};
}

/// Neither `==` nor a copy nor a text exists of what is secret.
#[test]
fn t147_secrets_have_no_comparison_copy_or_text() {
    // The probe sees what is there.
    assert!(implements!(Vec<u8>: PartialEq) && implements!(Vec<u8>: Clone) && implements!(Vec<u8>: Debug));
    assert!(implements!(Vec<u8>: Deref) && implements!(String: Display));
    macro_rules! is_secret {
        ($type:ty) => {
            assert!(!implements!($type: PartialEq), "==");
            assert!(!implements!($type: PartialEq<[u8]>), "== with octets");
            assert!(!implements!($type: PartialOrd), "<");
            assert!(!implements!($type: core::hash::Hash), "hash");
            assert!(!implements!($type: Clone), "copy");
            assert!(!implements!($type: Debug) && !implements!($type: Display), "text");
            assert!(!implements!($type: Deref) && !implements!($type: AsRef<[u8]>), "octets without expose()");
        };
    }
    is_secret!(SecretBytes);
    is_secret!(SharedSecret);
    // What holds secrets has no comparison and no copy either; its text shows none (T148).
    assert!(!implements!(Installation: PartialEq) && !implements!(Installation: Clone));
    assert!(!implements!(KeyedSa: PartialEq) && !implements!(KeyedSa: Clone));
}

/// The files of a crate's source.
fn source(directory: &Directory, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            source(&path, out);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            out.push(path);
        }
    }
}

/// Lines of this crate's source, without comments, that `is` finds.
fn lines(is: impl Fn(&str) -> bool) -> Vec<String> {
    let mut files = Vec::new();
    source(&Directory::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    assert!(files.len() > 40, "the source is there");
    let found = files.iter().flat_map(|file| {
        let text = fs::read_to_string(file).unwrap();
        let lines = text.lines().filter(|line| !line.trim_start().starts_with("//") && is(line));
        lines.map(|line| format!("{}: {}", file.display(), line.trim())).collect::<Vec<_>>()
    });
    found.collect()
}

/// Octets that were exposed are compared in constant time or not at all: HASH, and what a method proves itself with.
#[test]
fn t147_exposed_octets_are_compared_in_constant_time() {
    let exposed = lines(|line| {
        line.contains("expose()") && (line.contains("==") || line.contains("!=")) && !line.contains("ct_eq")
    });
    assert!(exposed.is_empty(), "{exposed:#?}");
    let constant = lines(|line| line.contains(".ct_eq("));
    assert_eq!(constant.len(), 2, "HASH of phase 1 and of what is under an IKE SA: {constant:#?}");
}

/// Cookies, SPIs, ids, addresses and names that others choose are found in ordered maps: no choice makes them collide.
#[test]
fn t086_nothing_is_found_by_a_hash() {
    let hashed = lines(|line| {
        ["HashMap", "HashSet", "hashbrown", "hash::Hasher"].iter().any(|word| line.contains(word))
    });
    assert!(hashed.is_empty(), "{hashed:#?}");
}

/// Twice the transforms are twice the comparisons, whatever stands behind them in the policy.
#[test]
fn t086_comparisons_grow_with_the_offer() {
    let comparisons = |transforms: u8| {
        let mut bench = Bench::new(98);
        bench.initiate();
        let (to, first) = bench.next().unwrap();
        let offer = rewrite(&first, |payloads| {
            let mut sa = payloads[0].get::<SecurityAssociation>().unwrap().clone();
            let transform = sa.proposals[0].transforms[0].clone();
            sa.proposals[0].transforms = (1..=transforms)
                .map(|number| {
                    let mut other = transform.clone();
                    other.number = number;
                    // None is acceptable, and each is so for the last attribute that is looked at.
                    for attribute in other.attributes.iter_mut().filter(|attribute| attribute.kind == 3) {
                        attribute.value =
                            isakmp_wire::payload::AttributeValue::Basic(60_000 + u16::from(number));
                    }
                    other
                })
                .collect();
            payloads[0] = Payload::new(sa);
        });
        bench.deliver(to, &offer);
        let compared = |event: &&Event| matches!(event, Event::ComparedPhase1 { .. });
        bench.hosts[to].events.iter().filter(compared).count()
    };
    let (one, two) = (comparisons(60), comparisons(120));
    assert!(one >= 60 && two * 10 < one * 22, "{one} and {two}");
}
