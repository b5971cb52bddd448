//! Hostile messages, by the numbers of the threat catalogue.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]
#![allow(clippy::cast_possible_truncation, missing_docs, dead_code, reason = "a test")]

#[path = "../common/mod.rs"]
mod common;

mod bodies;
mod bounds;
mod chain;
mod header;
mod lengths;
mod offer;
mod samples;
mod sweep;

#[global_allocator]
static ALLOC: test_alloc::TestAlloc = test_alloc::TestAlloc;
