//! The network seen from outside.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation,
    missing_docs,
    reason = "a test may panic"
)]

mod capture;
mod drive;
mod link;
mod nat;
mod station;
