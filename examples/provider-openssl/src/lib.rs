#![forbid(unsafe_code)]
#![doc = include_str!("../README.md")]

mod aead;
mod cipher;
mod context;
mod ecp;
mod hash;
mod hmac;
mod modp;
mod random;

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use crypto_provider::{
    Aead, AeadAlgorithm, Cipher, CipherAlgorithm, CryptoProvider, DhGroup, Hash, HashAlgorithm, Prf,
};
use openssl::error::ErrorStack;
use openssl::provider::Provider;

/// Every algorithm that OpenSSL and the protocol crates have in common, and OpenSSL's random source.
///
/// # Errors
/// OpenSSL's, if it cannot load its provider of old algorithms (DES, MD5), or lacks one of them: the distribution may
/// have left them out.
pub fn provider() -> Result<CryptoProvider, ErrorStack> {
    load_old_algorithms()?;
    let hashes = [
        HashAlgorithm::Md5,
        HashAlgorithm::Sha1,
        HashAlgorithm::Sha256,
        HashAlgorithm::Sha384,
        HashAlgorithm::Sha512,
    ];
    let ciphers = [
        CipherAlgorithm::Null,
        CipherAlgorithm::DesCbc,
        CipherAlgorithm::TripleDesCbc,
        CipherAlgorithm::AesCbc,
        CipherAlgorithm::AesCtr,
    ];
    let aeads = [AeadAlgorithm::AesGcm8, AeadAlgorithm::AesGcm12, AeadAlgorithm::AesGcm16];
    let mut groups: Vec<&'static dyn DhGroup> = Vec::new();
    for (id, prime, exponent_len) in modp::GROUPS {
        groups.push(kept(modp::Modp::new(id, prime, exponent_len)?));
    }
    for (id, curve, bits) in ecp::CURVES {
        groups.push(kept(ecp::Ecp::new(id, curve, bits)?));
    }
    Ok(CryptoProvider {
        random: Arc::new(random::OpensslRandom),
        hashes: Cow::Owned(hashes.map(|name| kept(hash::Function(name)) as &'static dyn Hash).to_vec()),
        prfs: Cow::Owned(hashes.map(|name| kept(hmac::Function(name)) as &'static dyn Prf).to_vec()),
        ciphers: Cow::Owned(ciphers.map(|name| kept(cipher::Mode(name)) as &'static dyn Cipher).to_vec()),
        aeads: Cow::Owned(aeads.map(|name| kept(aead::Gcm(name)) as &'static dyn Aead).to_vec()),
        groups: Cow::Owned(groups),
    })
}

/// A provider holds its algorithms for the life of the program; it is made once.
fn kept<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

/// OpenSSL 3 has moved single DES to a module that must be asked for by name.
fn load_old_algorithms() -> Result<(), ErrorStack> {
    static LOADED: OnceLock<Result<(Provider, Provider), ErrorStack>> = OnceLock::new();
    let load = || Ok((Provider::load(None, "legacy")?, Provider::load(None, "default")?));
    match LOADED.get_or_init(load) {
        Ok(_) => Ok(()),
        Err(error) => Err(error.clone()),
    }
}
