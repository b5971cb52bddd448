use std::sync::Mutex;

use crypto_provider::{Cipher, CipherAlgorithm, CipherJob, CipherKey, InvalidKey, InvalidLength};

use super::flip;

#[derive(Clone, Copy, PartialEq)]
pub enum CipherFault {
    FlipEncrypted,
    FlipDecrypted,
    AnyKey,
    AnyIv,
    ChangesRefused,
    WrongBlock,
    KeepsTheIv,
    BatchChainsIvs,
    BatchForgetsResults,
    AcceptsWeak,
    ComparesParity,
}

pub struct BadCipher {
    pub inner: &'static dyn Cipher,
    pub fault: CipherFault,
}

impl Cipher for BadCipher {
    fn algorithm(&self) -> CipherAlgorithm {
        self.inner.algorithm()
    }

    fn block_len(&self) -> usize {
        self.inner.block_len() * if self.fault == CipherFault::WrongBlock { 2 } else { 1 }
    }

    fn iv_len(&self) -> usize {
        self.inner.iv_len()
    }

    fn key_lengths(&self) -> &'static [usize] {
        self.inner.key_lengths()
    }

    fn key(&self, key: &[u8]) -> Result<Box<dyn CipherKey>, InvalidKey> {
        let odd_parity = key.iter().all(|octet| octet.count_ones() % 2 == 1);
        let neighbours_equal = key.chunks(8).zip(key.chunks(8).skip(1)).any(|(one, next)| one == next);
        let inner = match (self.inner.key(key), self.fault) {
            (Err(InvalidKey::Length(len)), CipherFault::AnyKey) => {
                let mut other = key.to_vec();
                let fits = *self.inner.key_lengths().iter().find(|fits| **fits >= len).unwrap_or(&len);
                other.resize(fits, 3);
                other.truncate(self.inner.key_lengths()[0]);
                self.inner.key(&other)?
            }
            (Err(InvalidKey::Weak), CipherFault::AcceptsWeak) => self.inner.key(&other_key(key))?,
            (Err(InvalidKey::Weak), CipherFault::ComparesParity) if !odd_parity && !neighbours_equal => {
                self.inner.key(&other_key(key))?
            }
            (result, _) => result?,
        };
        let (iv_len, block) = (self.inner.iv_len(), self.inner.block_len());
        Ok(Box::new(BadCipherKey { inner, fault: self.fault, iv_len, block, iv: Mutex::default() }))
    }
}

fn other_key(key: &[u8]) -> Vec<u8> {
    (0..=u8::MAX).take(key.len()).map(|octet| octet ^ 0x55).collect()
}

struct BadCipherKey {
    inner: Box<dyn CipherKey>,
    fault: CipherFault,
    iv_len: usize,
    block: usize,
    iv: Mutex<Vec<u8>>,
}

impl BadCipherKey {
    fn apply(&self, iv: &[u8], data: &mut [u8], encrypt: bool) -> Result<(), InvalidLength> {
        let mut iv = iv.to_vec();
        if self.fault == CipherFault::AnyIv {
            iv.resize(self.iv_len, 0);
        }
        if self.fault == CipherFault::KeepsTheIv && encrypt && iv.len() == self.iv_len {
            let mut kept = self.iv.lock().unwrap();
            if !kept.is_empty() {
                iv.clone_from(&kept);
            }
            *kept = (0..=u8::MAX).take(self.iv_len).collect();
        }
        let result = if encrypt { self.inner.encrypt(&iv, data) } else { self.inner.decrypt(&iv, data) };
        let spoilt = match self.fault {
            CipherFault::FlipEncrypted => encrypt,
            CipherFault::FlipDecrypted => !encrypt,
            CipherFault::ChangesRefused => encrypt && result.is_err(),
            _ => false,
        };
        if spoilt {
            flip(data);
        }
        result
    }
}

impl CipherKey for BadCipherKey {
    fn encrypt(&self, iv: &[u8], data: &mut [u8]) -> Result<(), InvalidLength> {
        self.apply(iv, data, true)
    }

    fn decrypt(&self, iv: &[u8], data: &mut [u8]) -> Result<(), InvalidLength> {
        self.apply(iv, data, false)
    }

    fn encrypt_each(&self, jobs: &mut [CipherJob<'_>]) {
        let mut last = None;
        for job in jobs {
            let iv = last.as_deref().filter(|_| self.fault == CipherFault::BatchChainsIvs).unwrap_or(job.iv);
            let result = self.apply(iv, job.data, true);
            if result.is_ok() && job.data.len() >= self.block.max(self.iv_len) {
                last = Some(job.data[job.data.len() - self.iv_len..].to_vec());
            }
            if self.fault != CipherFault::BatchForgetsResults {
                job.result = result;
            }
        }
    }
}
