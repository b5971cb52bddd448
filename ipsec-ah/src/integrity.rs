//! Which algorithm authenticates an SA, and its key.

use alloc::boxed::Box;

use crypto_provider::{CryptoProvider, HashAlgorithm, Integrity, PrfKey};
use thiserror::Error;

/// An integrity algorithm with its key scheduled. It makes one SA, and has no `Debug` and no `Clone`.
pub struct Transform {
    pub(crate) integrity: Integrity,
    pub(crate) key: Box<dyn PrfKey>,
}

impl Transform {
    /// Schedules `key`, of which octets beyond [`Integrity::key_len`] are not used, with the HMAC of `provider`.
    ///
    /// # Errors
    /// [`IntegrityError`].
    pub fn new(integrity: Integrity, key: &[u8], provider: &CryptoProvider) -> Result<Self, IntegrityError> {
        if !integrity.is_valid() {
            return Err(IntegrityError::IcvLength(integrity.icv_len));
        }
        let expected = integrity.key_len();
        let key = key.get(..expected).ok_or(IntegrityError::KeyLength { expected, actual: key.len() })?;
        let prf = provider.prf(integrity.hash).ok_or(IntegrityError::Hash(integrity.hash))?;
        Ok(Self { integrity, key: prf.key(key) })
    }

    /// The algorithm.
    pub fn integrity(&self) -> Integrity {
        self.integrity
    }
}

/// Why an algorithm and its key make no SA.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum IntegrityError {
    /// The provider does not have the HMAC.
    #[error("the provider has no HMAC over {0:?}")]
    Hash(HashAlgorithm),
    /// Too few octets of key.
    #[error("the key has {actual} octets where the algorithm needs {expected}")]
    KeyLength {
        /// Octets that the algorithm needs.
        expected: usize,
        /// Octets given.
        actual: usize,
    },
    /// An ICV that is too short, too long, or no multiple of 4 octets.
    #[error("an ICV of {0} octets")]
    IcvLength(usize),
}
