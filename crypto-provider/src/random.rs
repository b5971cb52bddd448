//! Randomness as an argument.

use crate::RandomFailed;

/// A cryptographic random source. It is an argument wherever randomness is needed, so that a seeded one makes
/// a whole negotiation reproducible.
pub trait SecureRandom: Send + Sync {
    /// Fills `out`.
    ///
    /// # Errors
    /// [`RandomFailed`]; `out` must not be used then.
    fn fill(&self, out: &mut [u8]) -> Result<(), RandomFailed>;
}
