//! Ciphers with integrity (RFC 4106).

use alloc::boxed::Box;

use crate::{AeadAlgorithm, InvalidKey, InvalidLength, Mismatch};

/// An AEAD cipher, from which keys are made.
pub trait Aead: Send + Sync {
    /// Which cipher; its tag length follows from the name.
    fn algorithm(&self) -> AeadAlgorithm;

    /// Octets of a nonce (12 for GCM: a salt of 4 and an explicit IV of 8).
    fn nonce_len(&self) -> usize;

    /// The key lengths that [`Aead::key`] takes, in octets without salt, shortest first.
    fn key_lengths(&self) -> &'static [usize];

    /// Schedules a key.
    ///
    /// # Errors
    /// [`InvalidKey::Length`].
    fn key(&self, key: &[u8]) -> Result<Box<dyn AeadKey>, InvalidKey>;
}

/// A scheduled AEAD key. No call allocates.
pub trait AeadKey: Send + Sync {
    /// Encrypts `data` in place and writes the tag over `data` and `aad`.
    ///
    /// # Errors
    /// [`InvalidLength`] for a nonce or tag of another length.
    fn seal(&self, nonce: &[u8], aad: &[u8], data: &mut [u8], tag: &mut [u8]) -> Result<(), InvalidLength>;

    /// Checks the tag in constant time, then decrypts `data` in place.
    ///
    /// # Errors
    /// [`Mismatch`] if the tag does not hold or a length is wrong; `data` is then unchanged.
    fn open(&self, nonce: &[u8], aad: &[u8], data: &mut [u8], tag: &[u8]) -> Result<(), Mismatch>;

    /// Seals several packets: each job's tag is written, its result set. Loops by default.
    fn seal_each(&self, jobs: &mut [AeadJob<'_>]) {
        for job in jobs {
            job.result = self.seal(job.nonce, job.aad, job.data, job.tag).map_err(|InvalidLength| Mismatch);
        }
    }

    /// Opens several packets: each job's tag is checked, its result set. Loops by default.
    fn open_each(&self, jobs: &mut [AeadJob<'_>]) {
        for job in jobs {
            job.result = self.open(job.nonce, job.aad, job.data, job.tag);
        }
    }
}

/// One packet of [`AeadKey::seal_each`] or [`AeadKey::open_each`].
pub struct AeadJob<'a> {
    /// Salt and explicit IV.
    pub nonce: &'a [u8],
    /// Authenticated, not encrypted.
    pub aad: &'a [u8],
    /// Changed in place.
    pub data: &'a mut [u8],
    /// Written when sealing, read when opening.
    pub tag: &'a mut [u8],
    /// Set by the call.
    pub result: Result<(), Mismatch>,
}
