//! Recorded negotiations: read, opened with their recorded keys, checked, and repeated by an engine.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation,
    missing_docs,
    unreachable_pub,
    dead_code,
    reason = "a test may panic, and not every test uses all"
)]

pub mod capture;
pub mod formulas;
pub mod keyfile;
pub mod recording;
pub mod replay;
pub mod scripted;
pub mod sources;

/// The text of a file of `tests/data`.
pub fn text(name: &str) -> String {
    let path = format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).expect(&path)
}

/// The octets of a file of `tests/data`.
pub fn octets(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).expect(&path)
}

pub fn unhex(text: &str) -> Vec<u8> {
    hex::decode(text).expect(text)
}
