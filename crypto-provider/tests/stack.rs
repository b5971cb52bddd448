//! What a computation leaves behind on the stack, as the kernel sees it: the shared secret, its encoding, and the code that a
//! forged packet should have had.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "a test may panic"
)]

mod common;

use core::hint::black_box;
use std::fs::{File, read_to_string};
use std::os::unix::fs::FileExt;
use std::thread;

use crypto_provider::default::{SeededRandom, provider};
use crypto_provider::{GroupId, HashAlgorithm};

/// How often the stack below this frame holds `pattern` after `work`. Everything that needs a stack itself is done before.
#[inline(never)]
fn left_on_stack(pattern: &[u8], work: impl FnOnce()) -> usize {
    let here = 0_u8;
    let end = core::ptr::from_ref(&here).addr();
    let maps = read_to_string("/proc/self/maps").unwrap();
    let start = maps.lines().find_map(|line| {
        let (start, rest) = line.split_once('-')?;
        let address = |text: &str| usize::from_str_radix(text, 16).ok();
        let (start, stop) = (address(start)?, address(rest.split(' ').next()?)?);
        (start..stop).contains(&end).then_some(start)
    });
    let start = start.unwrap();
    let memory = File::open("/proc/self/mem").unwrap();
    let mut octets = vec![0; end - start];
    deep(work);
    memory.read_exact_at(&mut octets, start as u64).unwrap();
    octets.windows(pattern.len()).filter(|window| *window == pattern).count()
}

/// Far enough down that reading the stack does not write over what is left there.
#[inline(never)]
fn deep(work: impl FnOnce()) {
    let room = [0_u8; 16384];
    black_box(&room);
    work();
    black_box(&room);
}

/// The result of `work` on a stack of its own, so that making it leaves nothing on ours.
fn elsewhere(work: impl FnOnce() -> Vec<u8> + Send) -> Vec<u8> {
    thread::scope(|scope| scope.spawn(work).join().unwrap())
}

#[inline(never)]
fn careless(secret: &[u8]) {
    // Deep enough that reading the stack does not write over it.
    let mut copy = [0_u8; 8192];
    copy[..secret.len()].copy_from_slice(secret);
    copy[4096..4096 + secret.len()].copy_from_slice(secret);
    black_box(&copy);
}

#[test]
fn t148_an_unwiped_copy_on_the_stack_would_be_found() {
    let secret = elsewhere(|| (100..132).collect());
    assert_ne!(left_on_stack(&secret, || careless(&secret)), 0);
}

/// Of other hashes the hash crate itself leaves a copy on the stack, which nobody else can wipe.
#[test]
fn t148_the_code_that_was_expected_is_wiped() {
    let hash = HashAlgorithm::Sha1;
    let prf = || provider().prf(hash).unwrap().key(&[7; 20]);
    let expected = elsewhere(|| {
        let mut out = vec![0; 16];
        prf().compute(&[b"a forged packet"], &mut out);
        out
    });
    let key = prf();
    let found = left_on_stack(&expected, || {
        key.verify(&[b"a forged packet"], &[1; 12]).unwrap_err();
    });
    assert_eq!(found, 0, "{hash:?}");
    let mut out = vec![0; 12];
    let found = left_on_stack(&expected, || key.compute(&[b"a forged packet"], &mut out));
    assert_eq!(found, 0, "{hash:?}");
}

/// The secret as a number in the order of the machine's words, and as it enters the key derivation. Values of larger groups are moved
/// by copying, which leaves one that only the compiler knows of.
#[test]
fn t148_shared_secrets_are_wiped_from_the_stack() {
    let id = GroupId::MODP_768;
    let group = common::group(id);
    let pair = || {
        let random = SeededRandom::new(5);
        (group.start(&random).unwrap(), group.start(&random).unwrap())
    };
    let encoded = elsewhere(|| {
        let (ours, theirs) = pair();
        let theirs = group.peer_public(theirs.public()).unwrap();
        ours.agree(&theirs).unwrap().expose().to_vec()
    });
    let number: Vec<u8> = encoded.iter().rev().copied().collect();
    let (ours, theirs) = pair();
    let theirs = group.peer_public(theirs.public()).unwrap();
    for pattern in [&encoded[..32], &number[..32]] {
        assert_eq!(left_on_stack(pattern, || drop(ours.agree(&theirs).unwrap())), 0, "{id:?}");
    }
}
