#![doc = include_str!("../README.md")]

use core::alloc::{GlobalAlloc, Layout};
use core::cell::Cell;
use core::slice;
use std::alloc::System;

/// The allocator: the system's, with counting, poisoning and watching. Register it as `#[global_allocator]`.
pub struct TestAlloc;

/// What new memory holds.
pub const FRESH: u8 = 0xa5;
/// What freed memory holds.
pub const FREED: u8 = 0xdd;

/// What one thread allocated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Usage {
    /// Calls that asked for memory, growing included.
    pub allocations: u64,
    /// Octets asked for.
    pub octets: u64,
}

/// Octets of the longest pattern that can be watched for.
pub const MAX_PATTERN: usize = 64;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    static OCTETS: Cell<u64> = const { Cell::new(0) };
    static FREED_OCTETS: Cell<u64> = const { Cell::new(0) };
    static PATTERN: Cell<([u8; MAX_PATTERN], usize)> = const { Cell::new(([0; MAX_PATTERN], 0)) };
    static FOUND: Cell<u64> = const { Cell::new(0) };
}

/// Runs `work` and says what this thread allocated meanwhile.
pub fn measure<T>(work: impl FnOnce() -> T) -> (T, Usage) {
    let before = usage();
    let result = work();
    let after = usage();
    let used = Usage {
        allocations: after.allocations.wrapping_sub(before.allocations),
        octets: after.octets.wrapping_sub(before.octets),
    };
    (result, used)
}

/// What this thread has allocated since it began.
pub fn usage() -> Usage {
    Usage { allocations: ALLOCATIONS.get(), octets: OCTETS.get() }
}

/// Octets that this thread has allocated and not freed since it began. Memory that one thread allocates and another frees
/// counts for both.
pub fn live() -> u64 {
    OCTETS.get().saturating_sub(FREED_OCTETS.get())
}

/// From now on looks for `pattern`, of which the first [`MAX_PATTERN`] octets count, in whatever this thread frees.
/// An empty pattern ends it. Resets [`found`].
pub fn watch(pattern: &[u8]) {
    let mut octets = [0; MAX_PATTERN];
    for (to, from) in octets.iter_mut().zip(pattern) {
        *to = *from;
    }
    PATTERN.set((octets, pattern.len().min(MAX_PATTERN)));
    FOUND.set(0);
}

/// Freed blocks that held the watched pattern.
pub fn found() -> u64 {
    FOUND.get()
}

// A thread that ends may free memory after its counters are gone: `try_with` then does nothing.

fn count(octets: usize) {
    let _ = ALLOCATIONS.try_with(|counter| counter.set(counter.get().wrapping_add(1)));
    let _ = OCTETS.try_with(|counter| counter.set(counter.get().wrapping_add(octets as u64)));
}

fn search(block: &[u8]) {
    let (octets, len) = PATTERN.try_with(Cell::get).unwrap_or(([0; MAX_PATTERN], 0));
    let pattern = octets.get(..len).unwrap_or_default();
    if !pattern.is_empty() && block.windows(pattern.len()).any(|window| window == pattern) {
        let _ = FOUND.try_with(|counter| counter.set(counter.get().wrapping_add(1)));
    }
}

#[expect(unsafe_code, reason = "the trait is unsafe; every block says why it is sound")]
// SAFETY: memory comes from and goes back to `System` with the caller's own layouts; the methods only read and write
// inside the block, neither unwind nor allocate.
unsafe impl GlobalAlloc for TestAlloc {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller gives a layout of non-zero size, which is what `System` asks for.
        let block = unsafe { System.alloc(layout) };
        if !block.is_null() {
            // SAFETY: `System` has just given `layout.size()` octets at `block`, and nobody else knows them.
            unsafe { block.write_bytes(FRESH, layout.size()) };
        }
        block
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: as in `alloc`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let _ =
            FREED_OCTETS.try_with(|counter| counter.set(counter.get().wrapping_add(layout.size() as u64)));
        if PATTERN.try_with(|pattern| pattern.get().1 > 0).unwrap_or(false) {
            // `alloc` and `alloc_zeroed` have written the whole block, so spare room and padding are initialised unless a
            // typed copy brought padding of its own in; compilers to date read such octets as they lie.
            // SAFETY: the caller gives back `layout.size()` octets at `block`, which nobody else uses any more.
            search(unsafe { slice::from_raw_parts(block, layout.size()) });
        }
        // SAFETY: the block is still ours until `System` takes it.
        unsafe { block.write_bytes(FREED, layout.size()) };
        // SAFETY: `block` came from `System` with this layout.
        unsafe { System.dealloc(block, layout) };
    }

    // `realloc` is the trait's own: allocate, copy, free, so that what a growing vector leaves behind is searched too.
}
