//! What peers are known to do otherwise: one file for each kind of reading that is too strict. The peer is altered by hand, or
//! says what a script makes it say.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation,
    missing_docs,
    unreachable_pub,
    dead_code,
    reason = "a test may panic"
)]

#[path = "../pair/mod.rs"]
mod pair;

#[path = "../threats/forger.rs"]
mod forger;

mod advice;
mod peer;
mod proof;
mod reasons;
mod whole;
