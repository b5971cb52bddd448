//! The allocator sees what it claims to see.
#![allow(missing_docs, reason = "a test may do without")]

use test_alloc::{TestAlloc, found, measure, watch};

#[global_allocator]
static ALLOCATOR: TestAlloc = TestAlloc;

#[test]
fn counts_this_thread_only() {
    let ((), used) = measure(|| {
        std::thread::scope(|scope| {
            scope.spawn(|| drop(vec![1_u8; 1_000_000]));
        });
    });
    assert!(used.octets < 1_000_000);
    let (vector, used) = measure(|| vec![1_u8; 1000]);
    assert_eq!((used.allocations, used.octets), (1, 1000));
    let ((), used) = measure(|| drop(vector));
    assert_eq!((used.allocations, used.octets), (0, 0));
}

#[test]
fn growing_counts() {
    let (len, used) = measure(|| {
        let mut vector = Vec::with_capacity(4);
        vector.extend([1_u8, 2, 3, 4]);
        vector.reserve_exact(60);
        vector.len()
    });
    assert_eq!((len, used.allocations, used.octets), (4, 2, 68));
}

#[test]
fn a_pattern_that_was_not_wiped_is_found() {
    watch(b"secret octets");
    let mut wiped = b"-- secret octets --".to_vec();
    wiped.fill(0);
    drop(wiped);
    assert_eq!(found(), 0);
    drop(b"-- secret octets --".to_vec());
    assert_eq!(found(), 1);
    let mut grown = Vec::with_capacity(13);
    grown.extend_from_slice(b"secret octets");
    grown.reserve_exact(1000);
    assert_eq!(found(), 2, "what a growing vector leaves behind");
    watch(b"");
    drop(grown);
    assert_eq!(found(), 0);
}
