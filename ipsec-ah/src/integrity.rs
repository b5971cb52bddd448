//! Which algorithm authenticates an SA, and its key.

use alloc::boxed::Box;

use crypto_provider::{CryptoProvider, HashAlgorithm, PrfKey};
use thiserror::Error;

/// An HMAC cut to a length. The length is data, because peers differ in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Integrity {
    /// The hash under the HMAC.
    pub hash: HashAlgorithm,
    /// Octets of the integrity check value, padding not counted.
    pub icv_len: usize,
}

impl Integrity {
    /// HMAC-MD5-96 (RFC 2403).
    pub const HMAC_MD5_96: Self = Self { hash: HashAlgorithm::Md5, icv_len: 12 };
    /// HMAC-SHA1-96 (RFC 2404).
    pub const HMAC_SHA1_96: Self = Self { hash: HashAlgorithm::Sha1, icv_len: 12 };
    /// HMAC-SHA-256-128 (RFC 4868).
    pub const HMAC_SHA256_128: Self = Self { hash: HashAlgorithm::Sha256, icv_len: 16 };
    /// HMAC-SHA-256 cut to 96 bits: what some peers do where RFC 4868 says 128.
    pub const HMAC_SHA256_96: Self = Self { hash: HashAlgorithm::Sha256, icv_len: 12 };
    /// HMAC-SHA-384-192 (RFC 4868).
    pub const HMAC_SHA384_192: Self = Self { hash: HashAlgorithm::Sha384, icv_len: 24 };
    /// HMAC-SHA-512-256 (RFC 4868).
    pub const HMAC_SHA512_256: Self = Self { hash: HashAlgorithm::Sha512, icv_len: 32 };

    /// The longest ICV, in octets.
    pub const MAX_ICV: usize = 32;
    /// The shortest: 96 bits.
    pub const MIN_ICV: usize = 12;

    /// Octets of the key, which is all of KEYMAT that AH needs: those of the hash's output (RFC 2403 2, 2404 3,
    /// 4868 2.1.1).
    pub const fn key_len(self) -> usize {
        self.hash.output_len()
    }
}

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
        let longest = integrity.hash.output_len().min(Integrity::MAX_ICV);
        if !(Integrity::MIN_ICV..=longest).contains(&integrity.icv_len)
            || !integrity.icv_len.is_multiple_of(4)
        {
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
