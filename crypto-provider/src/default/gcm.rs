//! AES-GCM with tags of 8, 12 and 16 octets (RFC 4106).

use alloc::boxed::Box;
use core::marker::PhantomData;

use aes_gcm::aead::{AeadInOut, KeyInit, array::Array, consts};
use aes_gcm::{AesGcm, TagSize};

use crate::{Aead, AeadAlgorithm, AeadKey, InvalidKey, InvalidLength, Mismatch};

pub(super) static AES_GCM_8: Gcm<consts::U8> = Gcm::new(AeadAlgorithm::AesGcm8);
pub(super) static AES_GCM_12: Gcm<consts::U12> = Gcm::new(AeadAlgorithm::AesGcm12);
pub(super) static AES_GCM_16: Gcm<consts::U16> = Gcm::new(AeadAlgorithm::AesGcm16);

/// AES-GCM with one length of tag.
pub(super) struct Gcm<Tag> {
    algorithm: AeadAlgorithm,
    tag: PhantomData<Tag>,
}

impl<Tag> Gcm<Tag> {
    const fn new(algorithm: AeadAlgorithm) -> Self {
        Self { algorithm, tag: PhantomData }
    }
}

impl<Tag: TagSize + Send + Sync + 'static> Aead for Gcm<Tag> {
    fn algorithm(&self) -> AeadAlgorithm {
        self.algorithm
    }

    fn nonce_len(&self) -> usize {
        12
    }

    fn key_lengths(&self) -> &'static [usize] {
        &[16, 24, 32]
    }

    fn key(&self, key: &[u8]) -> Result<Box<dyn AeadKey>, InvalidKey> {
        match key.len() {
            16 => schedule::<AesGcm<aes::Aes128, consts::U12, Tag>>(key),
            24 => schedule::<AesGcm<aes::Aes192, consts::U12, Tag>>(key),
            _ => schedule::<AesGcm<aes::Aes256, consts::U12, Tag>>(key),
        }
    }
}

fn schedule<A>(key: &[u8]) -> Result<Box<dyn AeadKey>, InvalidKey>
where
    A: KeyInit + AeadInOut + Send + Sync + 'static,
{
    match A::new_from_slice(key) {
        Ok(aead) => Ok(Box::new(GcmKey(aead))),
        Err(_) => Err(InvalidKey::Length(key.len())),
    }
}

/// A key schedule and the hash key; their own crates wipe them.
struct GcmKey<A>(A);

impl<A: AeadInOut + Send + Sync> AeadKey for GcmKey<A> {
    fn seal(&self, nonce: &[u8], aad: &[u8], data: &mut [u8], tag: &mut [u8]) -> Result<(), InvalidLength> {
        let nonce = <&Array<u8, A::NonceSize>>::try_from(nonce).map_err(|_| InvalidLength)?;
        let tag = <&mut Array<u8, A::TagSize>>::try_from(tag).map_err(|_| InvalidLength)?;
        *tag = self.0.encrypt_inout_detached(nonce, aad, data.into()).map_err(|_| InvalidLength)?;
        Ok(())
    }

    fn open(&self, nonce: &[u8], aad: &[u8], data: &mut [u8], tag: &[u8]) -> Result<(), Mismatch> {
        let nonce = <&Array<u8, A::NonceSize>>::try_from(nonce).map_err(|_| Mismatch)?;
        let tag = <&Array<u8, A::TagSize>>::try_from(tag).map_err(|_| Mismatch)?;
        self.0.decrypt_inout_detached(nonce, aad, data.into(), tag).map_err(|_| Mismatch)
    }
}
