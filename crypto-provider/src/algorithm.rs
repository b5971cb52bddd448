//! Names of algorithms, apart from their implementations.
//!
//! A name says what two peers agreed on; whether a provider has it is another question, answered by
//! [`CryptoProvider`](crate::CryptoProvider)'s look-ups.

use core::fmt;

/// A hash function (RFC 2409 Appendix A, RFC 4868). The same name stands for its HMAC where a
/// [`Prf`](crate::Prf) is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum HashAlgorithm {
    /// MD5, 16 octets (RFC 1321).
    Md5,
    /// SHA-1, 20 octets (FIPS 180-4).
    Sha1,
    /// SHA-256, 32 octets (FIPS 180-4).
    Sha256,
    /// SHA-384, 48 octets (FIPS 180-4).
    Sha384,
    /// SHA-512, 64 octets (FIPS 180-4).
    Sha512,
}

impl HashAlgorithm {
    /// Length of the output in octets.
    pub const fn output_len(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

/// An unauthenticated cipher: CBC or counter mode, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum CipherAlgorithm {
    /// No encryption (RFC 2410).
    Null,
    /// DES in CBC mode, key of 8 octets (RFC 2405).
    DesCbc,
    /// Three-key triple DES in CBC mode, key of 24 octets (RFC 2451).
    TripleDesCbc,
    /// AES in CBC mode, key of 16, 24 or 32 octets (RFC 3602).
    AesCbc,
    /// AES in counter mode (RFC 3686); the 4-octet nonce is not part of the key.
    AesCtr,
}

/// A cipher that authenticates as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum AeadAlgorithm {
    /// AES-GCM with an ICV of 8 octets (RFC 4106).
    AesGcm8,
    /// AES-GCM with an ICV of 12 octets (RFC 4106).
    AesGcm12,
    /// AES-GCM with an ICV of 16 octets (RFC 4106).
    AesGcm16,
}

impl AeadAlgorithm {
    /// Length of the integrity check value in octets.
    pub const fn tag_len(self) -> usize {
        match self {
            Self::AesGcm8 => 8,
            Self::AesGcm12 => 12,
            Self::AesGcm16 => 16,
        }
    }
}

/// A Diffie-Hellman group by its number in the IKE registry (RFC 2409 6, RFC 3526, RFC 5903).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId(pub u16);

impl GroupId {
    /// First Oakley group, 768 bits (RFC 2409 6.1).
    pub const MODP_768: Self = Self(1);
    /// Second Oakley group, 1024 bits (RFC 2409 6.2).
    pub const MODP_1024: Self = Self(2);
    /// 1536 bits (RFC 3526 2).
    pub const MODP_1536: Self = Self(5);
    /// 2048 bits (RFC 3526 3).
    pub const MODP_2048: Self = Self(14);
    /// 3072 bits (RFC 3526 4).
    pub const MODP_3072: Self = Self(15);
    /// 4096 bits (RFC 3526 5).
    pub const MODP_4096: Self = Self(16);
    /// 6144 bits (RFC 3526 6).
    pub const MODP_6144: Self = Self(17);
    /// 8192 bits (RFC 3526 7).
    pub const MODP_8192: Self = Self(18);
    /// NIST P-256 (RFC 5903 3.1).
    pub const ECP_256: Self = Self(19);
    /// NIST P-384 (RFC 5903 3.2).
    pub const ECP_384: Self = Self(20);
    /// NIST P-521 (RFC 5903 3.3).
    pub const ECP_521: Self = Self(21);
}

impl fmt::Debug for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GroupId({})", self.0)
    }
}

impl fmt::Display for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
