//! Keyed functions: the `prf` of RFC 2409 and the integrity algorithms of ESP and AH are both HMACs.

use alloc::boxed::Box;

use crate::{HashAlgorithm, Mismatch};

/// A keyed pseudo-random function, today always an HMAC (RFC 2104).
pub trait Prf: Send + Sync {
    /// The hash under the HMAC. The output has [`HashAlgorithm::output_len`] octets.
    fn algorithm(&self) -> HashAlgorithm;

    /// Prepares `key`, of any length, for many computations.
    fn key(&self, key: &[u8]) -> Box<dyn PrfKey>;
}

/// A key of a [`Prf`], scheduled once. No call allocates.
pub trait PrfKey: Send + Sync {
    /// Writes the first `out.len()` octets of the function over the concatenation of `parts`.
    ///
    /// `out` may be shorter than the function's output (HMAC-SHA1-96, RFC 2404). If it is longer, the
    /// octets beyond the output are set to zero.
    fn compute(&self, parts: &[&[u8]], out: &mut [u8]);

    /// Checks a possibly truncated value in constant time.
    ///
    /// # Errors
    /// [`Mismatch`] if it differs, is empty, or is longer than the output.
    fn verify(&self, parts: &[&[u8]], icv: &[u8]) -> Result<(), Mismatch>;

    /// Computes several independent values. Loops by default; what a fast provider overrides.
    fn compute_each(&self, jobs: &mut [MacJob<'_>]) {
        for job in jobs {
            self.compute(job.parts, job.out);
        }
    }
}

/// One computation of [`PrfKey::compute_each`].
pub struct MacJob<'a> {
    /// The input, in parts.
    pub parts: &'a [&'a [u8]],
    /// Receives the possibly truncated output.
    pub out: &'a mut [u8],
}
