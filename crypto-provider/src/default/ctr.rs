//! AES in counter mode (RFC 3686).

use alloc::boxed::Box;

use ::ctr::cipher::{BlockCipherEncrypt, BlockSizeUser, InnerIvInit, KeyInit, StreamCipherCore, consts::U16};
use ::ctr::{CtrCore, flavors::Ctr32BE};

use crate::{Cipher, CipherAlgorithm, CipherKey, InvalidKey, InvalidLength};

/// AES with keys of 128, 192 and 256 bits.
pub(super) struct AesCtr;

impl Cipher for AesCtr {
    fn algorithm(&self) -> CipherAlgorithm {
        CipherAlgorithm::AesCtr
    }

    fn block_len(&self) -> usize {
        1
    }

    fn iv_len(&self) -> usize {
        16
    }

    fn key_lengths(&self) -> &'static [usize] {
        &[16, 24, 32]
    }

    fn key(&self, key: &[u8]) -> Result<Box<dyn CipherKey>, InvalidKey> {
        match key.len() {
            16 => schedule::<aes::Aes128>(key),
            24 => schedule::<aes::Aes192>(key),
            _ => schedule::<aes::Aes256>(key),
        }
    }
}

fn schedule<C>(key: &[u8]) -> Result<Box<dyn CipherKey>, InvalidKey>
where
    C: KeyInit + BlockCipherEncrypt + BlockSizeUser<BlockSize = U16> + Send + Sync + 'static,
{
    match C::new_from_slice(key) {
        Ok(cipher) => Ok(Box::new(Counter(cipher))),
        Err(_) => Err(InvalidKey::Length(key.len())),
    }
}

/// A key schedule, used in counter mode; the cipher's own crate wipes it.
struct Counter<C>(C);

impl<C> CipherKey for Counter<C>
where
    C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16> + Send + Sync,
{
    fn encrypt(&self, iv: &[u8], data: &mut [u8]) -> Result<(), InvalidLength> {
        // RFC 3686 4: the last 32 bits count, the nonce and IV before them never change.
        let core = CtrCore::<&C, Ctr32BE>::inner_iv_slice_init(&self.0, iv).map_err(|_| InvalidLength)?;
        core.try_apply_keystream_partial(data.into()).map_err(|_| InvalidLength)
    }

    fn decrypt(&self, iv: &[u8], data: &mut [u8]) -> Result<(), InvalidLength> {
        self.encrypt(iv, data)
    }
}
