#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "a test may panic"
)]
//! Random sources.

mod common;

use std::collections::BTreeSet;
use std::sync::Arc;

use crypto_provider::default::{OsRandom, SeededRandom};
use crypto_provider::{CryptoProvider, SecureRandom, default};

fn draw<const N: usize>(source: &dyn SecureRandom) -> [u8; N] {
    let mut out = [0; N];
    source.fill(&mut out).unwrap();
    out
}

#[test]
fn the_operating_system_does_not_repeat_itself() {
    let draws: BTreeSet<[u8; 32]> = (0..100).map(|_| draw(&OsRandom)).collect();
    assert_eq!(draws.len(), 100);
}

/// SHA-256 over seed and counter of blocks, eight octets each: a recording stays replayable as long as this holds.
#[test]
fn a_seed_gives_the_same_octets_in_every_version() {
    let source = SeededRandom::new(0x0123_4567_89ab_cdef);
    let first = draw::<40>(&source);
    let second = draw::<8>(&source);
    let block = |number: u64| {
        let hash = default::provider().hash(crypto_provider::HashAlgorithm::Sha256).unwrap();
        hash.digest(&[&0x0123_4567_89ab_cdef_u64.to_be_bytes(), &number.to_be_bytes()]).as_ref().to_vec()
    };
    assert_eq!(first.to_vec(), [block(0), block(1)].concat()[..40]);
    assert_eq!(second.to_vec(), block(2)[..8]);
    // By `printf '0123456789abcdef0000000000000000' | xxd -r -p | sha256sum`.
    assert_eq!(hex::encode(&first[..32]), SEEDED);
}

const SEEDED: &str = "0da8f9452a1b91c54e29751ccc4b78e0c7d39490900713003d64faeae3147318";

#[test]
fn seeds_and_draws_differ() {
    let (one, same, other) = (SeededRandom::new(1), SeededRandom::new(1), SeededRandom::new(2));
    let draws = |source: &SeededRandom| [draw::<16>(source), draw(source), draw(source)];
    let first = draws(&one);
    assert_eq!(first, draws(&same));
    let all: BTreeSet<[u8; 16]> = first.into_iter().chain(draws(&one)).chain(draws(&other)).collect();
    assert_eq!(all.len(), 9);
}

#[test]
fn threads_share_no_block() {
    let source = Arc::new(SeededRandom::new(7));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let source = Arc::clone(&source);
            std::thread::spawn(move || (0..500).map(|_| draw::<64>(&*source)).collect::<Vec<_>>())
        })
        .collect();
    let blocks: BTreeSet<Vec<u8>> = threads
        .into_iter()
        .flat_map(|thread| thread.join().unwrap())
        .flat_map(|draw| [draw[..32].to_vec(), draw[32..].to_vec()])
        .collect();
    assert_eq!(blocks.len(), 4 * 500 * 2);
}

#[test]
fn a_field_of_the_provider_can_be_replaced() {
    let seeded = || CryptoProvider { random: Arc::new(SeededRandom::new(3)), ..default::provider() };
    let public = |provider: &CryptoProvider| {
        let group = provider.group(crypto_provider::GroupId::MODP_768).unwrap();
        group.start(&*provider.random).unwrap().public().to_vec()
    };
    assert_eq!(public(&seeded()), public(&seeded()));
    assert_ne!(public(&default::provider()), public(&default::provider()));
}
