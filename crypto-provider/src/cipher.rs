//! Ciphers without integrity: CBC (RFC 2405, 2451, 3602), counter mode (RFC 3686), NULL (RFC 2410).

use alloc::boxed::Box;

use crate::{CipherAlgorithm, InvalidKey, InvalidLength};

/// A cipher, from which keys are made.
pub trait Cipher: Send + Sync {
    /// Which cipher and mode.
    fn algorithm(&self) -> CipherAlgorithm;

    /// Data must be a multiple of this many octets; 1 for NULL and counter mode.
    fn block_len(&self) -> usize;

    /// Octets of the `iv` argument of [`CipherKey`]: a block for CBC, 16 (the whole first counter block)
    /// for counter mode, 0 for NULL.
    fn iv_len(&self) -> usize;

    /// The key lengths that [`Cipher::key`] takes, in octets, shortest first; `&[0]` for NULL.
    fn key_lengths(&self) -> &'static [usize];

    /// Schedules a key.
    ///
    /// # Errors
    /// [`InvalidKey::Length`]; [`InvalidKey::Weak`] for the weak and semi-weak DES keys and for triple DES keys
    /// whose first or last two parts are equal, with any parity bits.
    fn key(&self, key: &[u8]) -> Result<Box<dyn CipherKey>, InvalidKey>;
}

/// A scheduled key. No call allocates.
pub trait CipherKey: Send + Sync {
    /// Encrypts `data` in place.
    ///
    /// # Errors
    /// [`InvalidLength`] if `data` is no multiple of the block or `iv` has another length; `data` is unchanged.
    fn encrypt(&self, iv: &[u8], data: &mut [u8]) -> Result<(), InvalidLength>;

    /// Decrypts `data` in place.
    ///
    /// # Errors
    /// As [`CipherKey::encrypt`].
    fn decrypt(&self, iv: &[u8], data: &mut [u8]) -> Result<(), InvalidLength>;

    /// Encrypts several independent pieces. Loops by default; what a fast provider overrides.
    fn encrypt_each(&self, jobs: &mut [CipherJob<'_>]) {
        for job in jobs {
            job.result = self.encrypt(job.iv, job.data);
        }
    }

    /// Decrypts several independent pieces. Loops by default; what a fast provider overrides.
    fn decrypt_each(&self, jobs: &mut [CipherJob<'_>]) {
        for job in jobs {
            job.result = self.decrypt(job.iv, job.data);
        }
    }
}

/// One piece of [`CipherKey::encrypt_each`] or [`CipherKey::decrypt_each`].
pub struct CipherJob<'a> {
    /// The initialisation vector.
    pub iv: &'a [u8],
    /// The data, changed in place.
    pub data: &'a mut [u8],
    /// Set by the call.
    pub result: Result<(), InvalidLength>,
}
