//! Random sources.

use core::sync::atomic::{AtomicUsize, Ordering};

use sha2::{Digest, Sha256};
use zeroize::Zeroize;

use crate::{RandomFailed, SecureRandom};

/// The operating system's random source.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsRandom;

impl SecureRandom for OsRandom {
    fn fill(&self, out: &mut [u8]) -> Result<(), RandomFailed> {
        getrandom::fill(out).map_err(|_| RandomFailed)
    }
}

/// The same octets for the same seed, in the same order of calls: for tests, simulations and the replay of
/// recordings.
///
/// **Never for live keys**: whoever knows or guesses the 64 bits of the seed knows every secret.
///
/// Octets are SHA-256 over the seed and a counter of blocks; each call starts a new block. Calls from several
/// threads get distinct blocks, in an order that is theirs.
#[derive(Debug)]
pub struct SeededRandom {
    seed: u64,
    next: AtomicUsize,
}

impl SeededRandom {
    /// Starts the sequence that belongs to `seed`.
    pub const fn new(seed: u64) -> Self {
        Self { seed, next: AtomicUsize::new(0) }
    }
}

impl SecureRandom for SeededRandom {
    fn fill(&self, out: &mut [u8]) -> Result<(), RandomFailed> {
        let blocks = out.len().div_ceil(BLOCK);
        let first = self.next.fetch_add(blocks, Ordering::Relaxed);
        for (index, piece) in out.chunks_mut(BLOCK).enumerate() {
            let number = u64::try_from(first.wrapping_add(index)).map_err(|_| RandomFailed)?;
            let mut block = Sha256::new()
                .chain_update(self.seed.to_be_bytes())
                .chain_update(number.to_be_bytes())
                .finalize();
            piece.iter_mut().zip(&block).for_each(|(to, from)| *to = *from);
            block.as_mut_slice().zeroize();
        }
        Ok(())
    }
}

/// Octets of one SHA-256.
const BLOCK: usize = 32;
