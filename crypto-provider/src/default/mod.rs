//! The default provider: pure Rust, on the RustCrypto crates, with the operating system's random source.
//!
//! Hashes, HMACs, AES and the groups run in constant time with respect to their secrets. DES and triple
//! DES do not: they are table look-ups, and are here for peers that speak nothing else.

mod cbc;
mod ctr;
mod ecp;
mod gcm;
mod hash;
mod hmac;
mod modp;
mod null;
mod random;

use alloc::borrow::Cow;
use alloc::sync::Arc;

pub use random::{OsRandom, SeededRandom};

use crate::{Aead, Cipher, CryptoProvider, DhGroup, Hash, Prf};

/// Every algorithm of this module and [`OsRandom`].
pub fn provider() -> CryptoProvider {
    CryptoProvider {
        random: Arc::new(OsRandom),
        hashes: Cow::Borrowed(&HASHES),
        prfs: Cow::Borrowed(&PRFS),
        ciphers: Cow::Borrowed(&CIPHERS),
        aeads: Cow::Borrowed(&AEADS),
        groups: Cow::Borrowed(&GROUPS),
    }
}

static HASHES: [&dyn Hash; 5] = [&hash::MD5, &hash::SHA1, &hash::SHA256, &hash::SHA384, &hash::SHA512];

static PRFS: [&dyn Prf; 5] = [&hmac::MD5, &hmac::SHA1, &hmac::SHA256, &hmac::SHA384, &hmac::SHA512];

static CIPHERS: [&dyn Cipher; 5] = [&cbc::Aes, &ctr::AesCtr, &cbc::TripleDes, &cbc::Des, &null::Null];

static AEADS: [&dyn Aead; 3] = [&gcm::AES_GCM_16, &gcm::AES_GCM_12, &gcm::AES_GCM_8];

static GROUPS: [&dyn DhGroup; 11] = [
    &modp::MODP_768,
    &modp::MODP_1024,
    &modp::MODP_1536,
    &modp::MODP_2048,
    &modp::MODP_3072,
    &modp::MODP_4096,
    &modp::MODP_6144,
    &modp::MODP_8192,
    &ecp::ECP_256,
    &ecp::ECP_384,
    &ecp::ECP_521,
];
