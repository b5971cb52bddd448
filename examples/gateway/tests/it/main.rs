#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation,
    missing_docs,
    reason = "a test may panic"
)]

<<<<<<< HEAD
mod dead_peer;
=======
mod data_path;
>>>>>>> cdbb693 (gateway run --backend kernel: the SAs and crypto maps go to Linux's own ESP and AH by netlink XFRM)
mod debug_lines;
mod demo;
mod ike_fragments;
mod ipv6;
mod life;
mod long;
mod nat;
mod own_traffic;
mod pair;
mod policy;
mod secrets;
mod threats;
mod translator;
mod two_peers;
