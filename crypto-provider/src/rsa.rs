//! Asymmetric keys, by purpose: a signature key does not decrypt, an encryption key does not sign.

use alloc::vec::Vec;

use crate::{CryptoError, HashAlgorithm, Mismatch, SecretBytes, SecureRandom, Work};

/// How a digest becomes a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SignatureScheme {
    /// PKCS#1 v1.5 type 1 over the bare hash, without DigestInfo: IKE's own form (RFC 2409 5.1).
    Pkcs1Raw,
    /// PKCS#1 v1.5 with DigestInfo: certificates (RFC 8017 8.2).
    Pkcs1(HashAlgorithm),
}

/// A signature as it travels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature(pub Vec<u8>);

/// A private key that signs.
pub trait SigningKey: Send + Sync {
    /// Signs `digest`.
    ///
    /// # Errors
    /// [`CryptoError`] inside the work; a signature that does not verify under the own public key never leaves.
    fn sign(
        &self,
        scheme: SignatureScheme,
        digest: &[u8],
        random: &dyn SecureRandom,
    ) -> Work<Result<Signature, CryptoError>>;
}

/// A public key that verifies.
pub trait VerifyingKey: Send + Sync {
    /// Checks `signature` by re-encoding the whole block, in constant time.
    ///
    /// # Errors
    /// [`Mismatch`].
    fn verify(&self, scheme: SignatureScheme, digest: &[u8], signature: &[u8]) -> Result<(), Mismatch>;
}

/// A private key that decrypts (RFC 2409 5.2: PKCS#1 v1.5 type 2).
pub trait DecryptionKey: Send + Sync {
    /// Octets of the modulus, which every ciphertext has.
    fn modulus_len(&self) -> usize;

    /// Decrypts with blinding and implicit rejection: wrong padding yields a synthetic message, never an error
    /// that a peer could tell from a good one.
    ///
    /// # Errors
    /// [`CryptoError`] inside the work, for failures of our own side only.
    fn decrypt(&self, ciphertext: &[u8], random: &dyn SecureRandom)
    -> Work<Result<SecretBytes, CryptoError>>;
}

/// A public key that encrypts (RFC 2409 5.2).
pub trait EncryptionPublicKey: Send + Sync {
    /// Octets of the modulus.
    fn modulus_len(&self) -> usize;

    /// Encrypts `message` with PKCS#1 v1.5 type 2 padding.
    ///
    /// # Errors
    /// [`CryptoError::Length`] if it does not fit the modulus; [`CryptoError::Random`].
    fn encrypt(&self, message: &[u8], random: &dyn SecureRandom) -> Result<Vec<u8>, CryptoError>;
}
