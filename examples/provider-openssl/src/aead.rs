//! AES-GCM (RFC 4106).

use std::sync::Mutex;

use crypto_provider::{Aead, AeadAlgorithm, AeadKey, InvalidKey, InvalidLength, Mismatch};
use openssl::cipher::Cipher as Fetched;
use openssl::cipher_ctx::CipherCtx;
use openssl::error::ErrorStack;

use crate::context::Context;

pub(crate) struct Gcm(pub(crate) AeadAlgorithm);

/// Octets of a nonce: a salt of 4 and an explicit IV of 8 (RFC 4106 4).
const NONCE: usize = 12;

impl Aead for Gcm {
    fn algorithm(&self) -> AeadAlgorithm {
        self.0
    }

    fn nonce_len(&self) -> usize {
        NONCE
    }

    fn key_lengths(&self) -> &'static [usize] {
        &[16, 24, 32]
    }

    fn key(&self, key: &[u8]) -> Result<Box<dyn AeadKey>, InvalidKey> {
        let name = match key.len() {
            16 => "AES-128-GCM",
            24 => "AES-192-GCM",
            32 => "AES-256-GCM",
            _ => return Err(InvalidKey::Length(key.len())),
        };
        let made = || -> Result<GcmKey, ErrorStack> {
            let cipher = Fetched::fetch(None, name, None)?;
            let (mut seal, mut open) = (CipherCtx::new()?, CipherCtx::new()?);
            seal.encrypt_init(Some(&cipher), Some(key), None)?;
            open.decrypt_init(Some(&cipher), Some(key), None)?;
            Ok(GcmKey {
                tag: self.0.tag_len(),
                seal: Mutex::new(Context::new(seal)),
                open: Mutex::new(Context::new(open)),
            })
        };
        match made() {
            Ok(key) => Ok(Box::new(key)),
            Err(_) => Err(InvalidKey::Length(key.len())),
        }
    }
}

/// Both directions with the key scheduled; a call sets the nonce only.
struct GcmKey {
    tag: usize,
    seal: Mutex<Context>,
    open: Mutex<Context>,
}

impl AeadKey for GcmKey {
    fn seal(&self, nonce: &[u8], aad: &[u8], data: &mut [u8], tag: &mut [u8]) -> Result<(), InvalidLength> {
        if nonce.len() != NONCE || tag.len() != self.tag {
            return Err(InvalidLength);
        }
        let mut context = self.seal.lock().map_err(|_| InvalidLength)?;
        let mut sealed = || -> Result<(), ErrorStack> {
            context.inner.encrypt_init(None, None, Some(nonce))?;
            context.run(aad, data)?;
            context.inner.cipher_final(&mut [])?;
            context.inner.tag(tag)
        };
        sealed().map_err(|_| InvalidLength)
    }

    fn open(&self, nonce: &[u8], aad: &[u8], data: &mut [u8], tag: &[u8]) -> Result<(), Mismatch> {
        if nonce.len() != NONCE || tag.len() != self.tag {
            return Err(Mismatch);
        }
        let mut context = self.open.lock().map_err(|_| Mismatch)?;
        let mut opened = |data: &mut [u8]| -> Result<(), ErrorStack> {
            context.inner.decrypt_init(None, None, Some(nonce))?;
            context.inner.set_tag(tag)?;
            context.run(aad, data)?;
            context.inner.cipher_final(&mut []).map(|_| ())
        };
        opened(data).map_err(|_| {
            // OpenSSL decrypts before it knows: the same keystream again takes that back.
            let _ = opened(data);
            Mismatch
        })
    }
}
