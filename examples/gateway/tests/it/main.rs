#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation,
    missing_docs,
    reason = "a test may panic"
)]

mod data_path;
mod dead_peer;
mod debug_lines;
mod demo;
mod guards;
mod ike_fragments;
mod ipv6;
mod life;
mod long;
mod names;
mod nat;
mod own_traffic;
mod pair;
mod policy;
mod random;
mod secrets;
mod show;
mod threats;
mod transcript;
mod translator;
mod two_peers;
