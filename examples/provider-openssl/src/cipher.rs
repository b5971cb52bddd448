//! CBC, counter mode and NULL.

mod weak;

use std::sync::Mutex;

use crypto_provider::{Cipher, CipherAlgorithm, CipherKey, InvalidKey, InvalidLength};
use openssl::cipher::Cipher as Fetched;
use openssl::cipher_ctx::CipherCtx;
use openssl::error::ErrorStack;

use crate::context::Context;

pub(crate) struct Mode(pub(crate) CipherAlgorithm);

impl Mode {
    /// OpenSSL's name for a key of this length.
    fn name(&self, key_len: usize) -> Option<&'static str> {
        Some(match (self.0, key_len) {
            (CipherAlgorithm::DesCbc, 8) => "DES-CBC",
            (CipherAlgorithm::TripleDesCbc, 24) => "DES-EDE3-CBC",
            (CipherAlgorithm::AesCbc, 16) => "AES-128-CBC",
            (CipherAlgorithm::AesCbc, 24) => "AES-192-CBC",
            (CipherAlgorithm::AesCbc, 32) => "AES-256-CBC",
            (CipherAlgorithm::AesCtr, 16) => "AES-128-CTR",
            (CipherAlgorithm::AesCtr, 24) => "AES-192-CTR",
            (CipherAlgorithm::AesCtr, 32) => "AES-256-CTR",
            _ => return None,
        })
    }
}

impl Cipher for Mode {
    fn algorithm(&self) -> CipherAlgorithm {
        self.0
    }

    fn block_len(&self) -> usize {
        match self.0 {
            CipherAlgorithm::DesCbc | CipherAlgorithm::TripleDesCbc => 8,
            CipherAlgorithm::AesCbc => 16,
            _ => 1,
        }
    }

    fn iv_len(&self) -> usize {
        match self.0 {
            CipherAlgorithm::DesCbc | CipherAlgorithm::TripleDesCbc => 8,
            CipherAlgorithm::AesCbc | CipherAlgorithm::AesCtr => 16,
            _ => 0,
        }
    }

    fn key_lengths(&self) -> &'static [usize] {
        match self.0 {
            CipherAlgorithm::DesCbc => &[8],
            CipherAlgorithm::TripleDesCbc => &[24],
            CipherAlgorithm::AesCbc | CipherAlgorithm::AesCtr => &[16, 24, 32],
            _ => &[0],
        }
    }

    fn key(&self, key: &[u8]) -> Result<Box<dyn CipherKey>, InvalidKey> {
        let refused = InvalidKey::Length(key.len());
        if self.0 == CipherAlgorithm::Null {
            return if key.is_empty() { Ok(Box::new(Null)) } else { Err(refused) };
        }
        let name = self.name(key.len()).ok_or(refused)?;
        // OpenSSL takes any key of the right length.
        match self.0 {
            CipherAlgorithm::DesCbc if weak::is_weak(key) => return Err(InvalidKey::Weak),
            CipherAlgorithm::TripleDesCbc if weak::reduces_to_single_des(key) => {
                return Err(InvalidKey::Weak);
            }
            _ => {}
        }
        match Contexts::new(name, key) {
            Ok(contexts) => Ok(Box::new(Key { block: self.block_len(), iv: self.iv_len(), contexts })),
            Err(_) => Err(refused),
        }
    }
}

/// Both directions with the key scheduled; a call sets the IV only.
struct Contexts {
    encrypt: Mutex<Context>,
    decrypt: Mutex<Context>,
}

impl Contexts {
    fn new(name: &str, key: &[u8]) -> Result<Self, ErrorStack> {
        let cipher = Fetched::fetch(None, name, None)?;
        let (mut encrypt, mut decrypt) = (CipherCtx::new()?, CipherCtx::new()?);
        encrypt.encrypt_init(Some(&cipher), Some(key), None)?;
        decrypt.decrypt_init(Some(&cipher), Some(key), None)?;
        // RFC 2406 2.4: ESP pads by itself.
        encrypt.set_padding(false);
        decrypt.set_padding(false);
        Ok(Self { encrypt: Mutex::new(Context::new(encrypt)), decrypt: Mutex::new(Context::new(decrypt)) })
    }
}

struct Key {
    block: usize,
    iv: usize,
    contexts: Contexts,
}

impl Key {
    fn fits(&self, iv: &[u8], data: &[u8]) -> Result<(), InvalidLength> {
        if iv.len() == self.iv && data.len().is_multiple_of(self.block) { Ok(()) } else { Err(InvalidLength) }
    }
}

impl CipherKey for Key {
    fn encrypt(&self, iv: &[u8], data: &mut [u8]) -> Result<(), InvalidLength> {
        self.fits(iv, data)?;
        let mut context = self.contexts.encrypt.lock().map_err(|_| InvalidLength)?;
        context.inner.encrypt_init(None, None, Some(iv)).map_err(|_| InvalidLength)?;
        context.run(&[], data).map_err(|_| InvalidLength)
    }

    fn decrypt(&self, iv: &[u8], data: &mut [u8]) -> Result<(), InvalidLength> {
        self.fits(iv, data)?;
        let mut context = self.contexts.decrypt.lock().map_err(|_| InvalidLength)?;
        context.inner.decrypt_init(None, None, Some(iv)).map_err(|_| InvalidLength)?;
        context.run(&[], data).map_err(|_| InvalidLength)
    }
}

struct Null;

impl CipherKey for Null {
    fn encrypt(&self, iv: &[u8], _data: &mut [u8]) -> Result<(), InvalidLength> {
        if iv.is_empty() { Ok(()) } else { Err(InvalidLength) }
    }

    fn decrypt(&self, iv: &[u8], data: &mut [u8]) -> Result<(), InvalidLength> {
        self.encrypt(iv, data)
    }
}
