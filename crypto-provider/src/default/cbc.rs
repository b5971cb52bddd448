//! AES, triple DES and DES in CBC mode (RFC 3602, 2451, 2405).

mod lanes;
mod weak;

use alloc::boxed::Box;

use ::cbc::cipher::array::Array;
use ::cbc::cipher::{
    BlockCipherDecrypt, BlockCipherEncrypt, BlockModeDecrypt, BlockModeEncrypt, InnerIvInit, KeyInit,
};
use ::cbc::{Decryptor, Encryptor};

use crate::{Cipher, CipherAlgorithm, CipherJob, CipherKey, InvalidKey, InvalidLength};

/// AES with keys of 128, 192 and 256 bits.
pub(super) struct Aes;

impl Cipher for Aes {
    fn algorithm(&self) -> CipherAlgorithm {
        CipherAlgorithm::AesCbc
    }

    fn block_len(&self) -> usize {
        16
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

/// Three-key triple DES, encrypt-decrypt-encrypt.
pub(super) struct TripleDes;

impl Cipher for TripleDes {
    fn algorithm(&self) -> CipherAlgorithm {
        CipherAlgorithm::TripleDesCbc
    }

    fn block_len(&self) -> usize {
        8
    }

    fn iv_len(&self) -> usize {
        8
    }

    fn key_lengths(&self) -> &'static [usize] {
        &[24]
    }

    fn key(&self, key: &[u8]) -> Result<Box<dyn CipherKey>, InvalidKey> {
        // RFC 2451 2.3: equal neighbours are single DES under another name, and must be refused; a weak DES key
        // among three others does no harm and need not be.
        if weak::reduces_to_single_des(key) {
            return Err(InvalidKey::Weak);
        }
        schedule::<des::TdesEde3>(key)
    }
}

/// Single DES.
pub(super) struct Des;

impl Cipher for Des {
    fn algorithm(&self) -> CipherAlgorithm {
        CipherAlgorithm::DesCbc
    }

    fn block_len(&self) -> usize {
        8
    }

    fn iv_len(&self) -> usize {
        8
    }

    fn key_lengths(&self) -> &'static [usize] {
        &[8]
    }

    fn key(&self, key: &[u8]) -> Result<Box<dyn CipherKey>, InvalidKey> {
        // RFC 2409 Appendix A: a weak or semi-weak key must not be used.
        if weak::is_weak(key) {
            return Err(InvalidKey::Weak);
        }
        schedule::<des::Des>(key)
    }
}

fn schedule<C>(key: &[u8]) -> Result<Box<dyn CipherKey>, InvalidKey>
where
    C: KeyInit + BlockCipherEncrypt + BlockCipherDecrypt + Send + Sync + 'static,
{
    match C::new_from_slice(key) {
        Ok(cipher) => Ok(Box::new(Cbc(cipher))),
        Err(_) => Err(InvalidKey::Length(key.len())),
    }
}

/// A key schedule, used in CBC mode; the cipher's own crate wipes it.
struct Cbc<C>(C);

impl<C> CipherKey for Cbc<C>
where
    C: BlockCipherEncrypt + BlockCipherDecrypt + Send + Sync,
{
    fn encrypt(&self, iv: &[u8], data: &mut [u8]) -> Result<(), InvalidLength> {
        let mut mode = Encryptor::inner_iv_slice_init(&self.0, iv).map_err(|_| InvalidLength)?;
        let (blocks, []) = Array::slice_as_chunks_mut(data) else { return Err(InvalidLength) };
        mode.encrypt_blocks(blocks);
        Ok(())
    }

    fn decrypt(&self, iv: &[u8], data: &mut [u8]) -> Result<(), InvalidLength> {
        let mut mode = Decryptor::inner_iv_slice_init(&self.0, iv).map_err(|_| InvalidLength)?;
        let (blocks, []) = Array::slice_as_chunks_mut(data) else { return Err(InvalidLength) };
        mode.decrypt_blocks(blocks);
        Ok(())
    }
    fn encrypt_each(&self, jobs: &mut [CipherJob<'_>]) {
        lanes::encrypt_each(&self.0, jobs);
    }
}
