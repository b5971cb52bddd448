//! What ESP and AH authenticate packets with.

use crate::HashAlgorithm;

/// An HMAC cut to a length. The length is data, because peers differ in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Integrity {
    /// The hash under the HMAC.
    pub hash: HashAlgorithm,
    /// Octets of the integrity check value, AH's padding not counted.
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

    /// Octets of the key: those of the hash's output (RFC 2403 2, 2404 3, 4868 2.1.1).
    pub const fn key_len(self) -> usize {
        self.hash.output_len()
    }

    /// Whether packets can carry such an ICV: it is neither too short nor longer than the hash, and a multiple of 4 octets.
    pub const fn is_valid(self) -> bool {
        let hash = self.hash.output_len();
        let longest = if hash < Self::MAX_ICV { hash } else { Self::MAX_ICV };
        self.icv_len >= Self::MIN_ICV && self.icv_len <= longest && self.icv_len.is_multiple_of(4)
    }
}
