//! Which algorithms protect an SA, as names and lengths.

use crypto_provider::{AeadAlgorithm, CipherAlgorithm, HashAlgorithm, Integrity, InvalidKey};
use thiserror::Error;

/// The algorithms of an ESP SA.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Suite {
    /// A cipher, [`CipherAlgorithm::Null`] among them, and an integrity algorithm of its own.
    Separate {
        /// The cipher.
        cipher: CipherAlgorithm,
        /// Octets of its key, salt not counted.
        key_len: usize,
        /// The integrity algorithm.
        integrity: Integrity,
    },
    /// A cipher that authenticates as well.
    Combined {
        /// The cipher.
        aead: AeadAlgorithm,
        /// Octets of its key, salt not counted.
        key_len: usize,
    },
    /// A cipher alone: what a transform set of 1998 without an `hmac` word means. Whoever can change packets can
    /// also read them (CVE-2005-0039), so nothing offers this by itself. Such an SA has no replay protection.
    EncryptionOnly {
        /// A CBC cipher.
        cipher: CipherAlgorithm,
        /// Octets of its key.
        key_len: usize,
    },
}

impl Suite {
    /// Octets of all keys and salts of one direction.
    pub const fn keymat_len(&self) -> usize {
        self.encryption_key_len().saturating_add(self.integrity_key_len())
    }

    /// Octets of the encryption key with its salt (RFC 3686 5.1, RFC 4106 8.1: the salt comes last).
    pub const fn encryption_key_len(&self) -> usize {
        match self {
            Self::Separate { key_len, .. }
            | Self::Combined { key_len, .. }
            | Self::EncryptionOnly { key_len, .. } => key_len.saturating_add(self.salt_len()),
        }
    }

    /// Octets of the integrity key.
    pub const fn integrity_key_len(&self) -> usize {
        match self {
            Self::Separate { integrity, .. } => integrity.key_len(),
            Self::Combined { .. } | Self::EncryptionOnly { .. } => 0,
        }
    }

    /// Octets of the ICV.
    pub const fn icv_len(&self) -> usize {
        match self {
            Self::Separate { integrity, .. } => integrity.icv_len,
            Self::Combined { aead, .. } => aead.tag_len(),
            Self::EncryptionOnly { .. } => 0,
        }
    }

    /// Octets of the IV that each packet carries.
    pub const fn iv_len(&self) -> usize {
        match self.cipher() {
            Some(CipherAlgorithm::Null) => 0,
            Some(CipherAlgorithm::AesCbc) => 16,
            // DES and triple DES: a block. Counter mode and GCM: the explicit part of the nonce.
            Some(_) | None => 8,
        }
    }

    /// The text is padded to a multiple of this: the cipher's block, and at least 4 octets (RFC 4303 2.4).
    pub const fn alignment(&self) -> usize {
        match self.cipher() {
            Some(CipherAlgorithm::DesCbc | CipherAlgorithm::TripleDesCbc) => 8,
            Some(CipherAlgorithm::AesCbc) => 16,
            Some(_) | None => 4,
        }
    }

    /// Whether blocks have 64 bits, so that one key must not process much.
    pub const fn has_64_bit_block(&self) -> bool {
        matches!(self.cipher(), Some(CipherAlgorithm::DesCbc | CipherAlgorithm::TripleDesCbc))
    }

    pub(crate) const fn is_cbc(&self) -> bool {
        matches!(
            self.cipher(),
            Some(CipherAlgorithm::DesCbc | CipherAlgorithm::TripleDesCbc | CipherAlgorithm::AesCbc)
        )
    }

    pub(crate) const fn salt_len(&self) -> usize {
        match self.cipher() {
            Some(CipherAlgorithm::AesCtr) | None => 4,
            Some(_) => 0,
        }
    }

    const fn cipher(&self) -> Option<CipherAlgorithm> {
        match self {
            Self::Separate { cipher, .. } | Self::EncryptionOnly { cipher, .. } => Some(*cipher),
            Self::Combined { .. } => None,
        }
    }

    /// Whether the combination is one that protects.
    pub(crate) fn check(&self) -> Result<(), SuiteError> {
        match self {
            Self::Separate { integrity, .. } if !integrity.is_valid() => {
                Err(SuiteError::IcvLength(integrity.icv_len))
            }
            // RFC 4303 3.2: never neither; RFC 3686 1: counter mode is trivially changed without integrity.
            Self::EncryptionOnly { .. } if !self.is_cbc() => Err(SuiteError::NoIntegrity),
            Self::Separate { .. } | Self::EncryptionOnly { .. } | Self::Combined { .. } => Ok(()),
        }
    }
}

/// The keys of one direction.
#[derive(Clone, Copy)]
pub struct Keys<'a> {
    /// Encryption key, with its salt behind it.
    pub encryption: &'a [u8],
    /// Integrity key, empty if the suite has none.
    pub integrity: &'a [u8],
}

impl<'a> Keys<'a> {
    /// Cuts KEYMAT: the encryption key from its first octets, the integrity key from those after (RFC 4301 4.5.2).
    /// Octets beyond are not used.
    ///
    /// # Errors
    /// [`SuiteError::KeyLength`] if there are fewer octets than the suite needs.
    pub fn split(suite: &Suite, keymat: &'a [u8]) -> Result<Self, SuiteError> {
        let short =
            SuiteError::KeyLength { field: "KEYMAT", expected: suite.keymat_len(), actual: keymat.len() };
        let (encryption, rest) = keymat.split_at_checked(suite.encryption_key_len()).ok_or(short)?;
        let integrity = rest.get(..suite.integrity_key_len()).ok_or(short)?;
        Ok(Self { encryption, integrity })
    }
}

/// Why a suite and its keys make no SA.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SuiteError {
    /// The provider does not have the cipher.
    #[error("the provider has no cipher {0:?}")]
    Cipher(CipherAlgorithm),
    /// The provider does not have the AEAD cipher.
    #[error("the provider has no cipher {0:?}")]
    Aead(AeadAlgorithm),
    /// The provider does not have the HMAC.
    #[error("the provider has no HMAC over {0:?}")]
    Hash(HashAlgorithm),
    /// A key of the wrong length.
    #[error("{field} has {actual} octets where the suite needs {expected}")]
    KeyLength {
        /// Which key.
        field: &'static str,
        /// Octets that the suite needs.
        expected: usize,
        /// Octets given.
        actual: usize,
    },
    /// The cipher refuses the key.
    #[error("encryption key: {0}")]
    Key(#[from] InvalidKey),
    /// Neither integrity nor a cipher, or a cipher that is worthless without integrity.
    #[error("the suite needs integrity")]
    NoIntegrity,
    /// An ICV that is too short, too long, or no multiple of 4 octets.
    #[error("an ICV of {0} octets")]
    IcvLength(usize),
    /// The provider's cipher has other lengths than its name says.
    #[error("the provider's cipher does not have the lengths of its name")]
    ProviderLengths,
}
