#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]
#![doc = include_str!("../README.md")]

extern crate alloc;

mod aead;
mod algorithm;
mod cipher;
#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg(feature = "default-provider")]
pub mod default;
mod error;
mod group;
mod hash;
mod integrity;
mod prf;
#[cfg(any(feature = "default-provider", feature = "conformance"))]
mod primes;
mod provider;
mod random;
mod rsa;
mod secret;
mod work;

pub use aead::{Aead, AeadJob, AeadKey};
pub use algorithm::{AeadAlgorithm, CipherAlgorithm, GroupId, HashAlgorithm};
pub use cipher::{Cipher, CipherJob, CipherKey};
pub use error::{CryptoError, InvalidKey, InvalidLength, InvalidPublic, Mismatch, RandomFailed};
pub use group::{DhGroup, EphemeralKey, PeerPublic};
pub use hash::{Digest, Hash};
pub use integrity::Integrity;
pub use prf::{MacJob, Prf, PrfKey};
pub use provider::{CryptoProvider, List};
pub use random::SecureRandom;
pub use rsa::{DecryptionKey, EncryptionPublicKey, Signature, SignatureScheme, SigningKey, VerifyingKey};
pub use secret::{SecretBytes, SharedSecret};
pub use work::{Ticket, Work};
