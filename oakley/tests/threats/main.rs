//! The catalogue of threats, as far as two engines and a forger between them can show it. Test names begin with the row's id.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation,
    missing_docs,
    unreachable_pub,
    reason = "a test may panic"
)]

#[path = "../pair/mod.rs"]
mod pair;

mod aggressive;
mod answers;
mod bounds;
mod budget;
mod commit;
mod dpd;
mod forger;
mod fragments;
mod load;
mod local;
mod missing;
mod mixed;
mod nat;
mod numbers;
mod phase1;
mod phase2;
mod proofs;
mod returned;
mod sizes;
mod source;
mod told;
mod transforms;
