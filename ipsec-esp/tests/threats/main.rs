//! Rows of the threat catalogue that concern ESP, named by their numbers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::too_many_lines,
    missing_docs,
    reason = "a test may panic"
)]

#[path = "../common/mod.rs"]
mod common;

mod forged;
mod inner;
mod integrity;
mod lifetime;
mod nonces;
mod outer;
mod sequence;
