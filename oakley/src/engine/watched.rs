//! A random source that is watched: what stands still is not used.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicU32, Ordering};

use crypto_provider::{RandomFailed, SecureRandom};

/// Octets at the beginning of a draw that must differ from those of the draw before. Shorter draws are not looked at.
const WATCHED: usize = 8;

/// Fails when a draw begins as the one before did, or with nothing but zeros: a healthy source does either once in 2^64
/// draws.
pub(crate) struct Watched {
    source: Arc<dyn SecureRandom>,
    last: [AtomicU32; 2],
}

impl Watched {
    pub(crate) fn new(source: Arc<dyn SecureRandom>) -> Self {
        Self { source, last: Default::default() }
    }
}

impl SecureRandom for Watched {
    fn fill(&self, out: &mut [u8]) -> Result<(), RandomFailed> {
        self.source.fill(out)?;
        let Some(begin) = out.first_chunk::<WATCHED>() else { return Ok(()) };
        let (words, _) = begin.as_chunks::<4>();
        // Zeros are where `last` begins, so that they are refused too.
        let mut same = true;
        let mut zero = true;
        for (word, last) in words.iter().zip(&self.last) {
            let word = u32::from_ne_bytes(*word);
            same &= last.swap(word, Ordering::Relaxed) == word;
            zero &= word == 0;
        }
        if same || zero {
            out.fill(0);
            return Err(RandomFailed);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use alloc::vec;
    use alloc::vec::Vec;

    use super::*;

    /// Gives one octet per draw, the next one each time.
    struct Script(Vec<u8>, AtomicU32);

    impl SecureRandom for Script {
        fn fill(&self, out: &mut [u8]) -> Result<(), RandomFailed> {
            let at = self.1.fetch_add(1, Ordering::Relaxed) as usize;
            out.fill(self.0.get(at).copied().ok_or(RandomFailed)?);
            Ok(())
        }
    }

    #[test]
    fn t142_repetitions_and_zeros_are_failures() {
        let watched = Watched::new(Arc::new(Script(vec![1, 2, 2, 3, 0, 4, 3], AtomicU32::new(0))));
        let drawn: Vec<bool> = (0..8).map(|_| watched.fill(&mut [0; 20]).is_ok()).collect();
        assert_eq!(drawn, [true, true, false, true, false, true, true, false]);
        // Short draws repeat by nature.
        let watched = Watched::new(Arc::new(Script(vec![5, 5], AtomicU32::new(0))));
        assert!(watched.fill(&mut [0; 4]).is_ok() && watched.fill(&mut [0; 4]).is_ok());
    }
}
