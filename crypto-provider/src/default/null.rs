//! The NULL cipher (RFC 2410).

use alloc::boxed::Box;

use crate::{Cipher, CipherAlgorithm, CipherKey, InvalidKey, InvalidLength};

/// Leaves the data as it is.
pub(super) struct Null;

impl Cipher for Null {
    fn algorithm(&self) -> CipherAlgorithm {
        CipherAlgorithm::Null
    }

    fn block_len(&self) -> usize {
        1
    }

    fn iv_len(&self) -> usize {
        0
    }

    fn key_lengths(&self) -> &'static [usize] {
        &[0]
    }

    fn key(&self, key: &[u8]) -> Result<Box<dyn CipherKey>, InvalidKey> {
        if key.is_empty() { Ok(Box::new(Self)) } else { Err(InvalidKey::Length(key.len())) }
    }
}

impl CipherKey for Null {
    fn encrypt(&self, iv: &[u8], _data: &mut [u8]) -> Result<(), InvalidLength> {
        if iv.is_empty() { Ok(()) } else { Err(InvalidLength) }
    }

    fn decrypt(&self, iv: &[u8], data: &mut [u8]) -> Result<(), InvalidLength> {
        self.encrypt(iv, data)
    }
}
