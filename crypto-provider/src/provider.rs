//! The provider: a bag of algorithms, each replaceable.

use alloc::borrow::Cow;
use alloc::sync::Arc;

use crate::{
    Aead, AeadAlgorithm, Cipher, CipherAlgorithm, DhGroup, GroupId, Hash, HashAlgorithm, Prf, SecureRandom,
};

/// Implementations in the order in which a look-up tries them.
pub type List<T> = Cow<'static, [&'static T]>;

/// What the protocol crates need of cryptography. Every field can be replaced:
/// `CryptoProvider { random, ..default::provider() }`.
#[derive(Clone)]
pub struct CryptoProvider {
    /// The random source; `Arc`, because a seeded one belongs to one engine.
    pub random: Arc<dyn SecureRandom>,
    /// Hash functions.
    pub hashes: List<dyn Hash>,
    /// HMACs.
    pub prfs: List<dyn Prf>,
    /// Ciphers without integrity.
    pub ciphers: List<dyn Cipher>,
    /// Ciphers with integrity.
    pub aeads: List<dyn Aead>,
    /// Diffie-Hellman groups.
    pub groups: List<dyn DhGroup>,
}

impl CryptoProvider {
    /// The hash function of this name, if the provider has it.
    pub fn hash(&self, algorithm: HashAlgorithm) -> Option<&'static dyn Hash> {
        self.hashes.iter().copied().find(|hash| hash.algorithm() == algorithm)
    }

    /// The HMAC over this hash, if the provider has it.
    pub fn prf(&self, algorithm: HashAlgorithm) -> Option<&'static dyn Prf> {
        self.prfs.iter().copied().find(|prf| prf.algorithm() == algorithm)
    }

    /// The cipher of this name, if the provider has it.
    pub fn cipher(&self, algorithm: CipherAlgorithm) -> Option<&'static dyn Cipher> {
        self.ciphers.iter().copied().find(|cipher| cipher.algorithm() == algorithm)
    }

    /// The AEAD cipher of this name, if the provider has it.
    pub fn aead(&self, algorithm: AeadAlgorithm) -> Option<&'static dyn Aead> {
        self.aeads.iter().copied().find(|aead| aead.algorithm() == algorithm)
    }

    /// The group of this number, if the provider has it.
    pub fn group(&self, id: GroupId) -> Option<&'static dyn DhGroup> {
        self.groups.iter().copied().find(|group| group.id() == id)
    }
}
