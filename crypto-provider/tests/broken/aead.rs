use crypto_provider::{Aead, AeadAlgorithm, AeadJob, AeadKey, InvalidKey, InvalidLength, Mismatch};

use super::flip;

#[derive(Clone, Copy, PartialEq)]
pub enum AeadFault {
    FlipTag,
    FlipData,
    AnyTagLength,
    OpensShortTags,
    IgnoresOneBit,
    DecryptsFirst,
    BatchStopsAtTheFirst,
}

pub struct BadAead {
    pub inner: &'static dyn Aead,
    pub fault: AeadFault,
}

impl Aead for BadAead {
    fn algorithm(&self) -> AeadAlgorithm {
        self.inner.algorithm()
    }

    fn nonce_len(&self) -> usize {
        self.inner.nonce_len()
    }

    fn key_lengths(&self) -> &'static [usize] {
        self.inner.key_lengths()
    }

    fn key(&self, key: &[u8]) -> Result<Box<dyn AeadKey>, InvalidKey> {
        let tag_len = self.inner.algorithm().tag_len();
        Ok(Box::new(BadAeadKey { inner: self.inner.key(key)?, fault: self.fault, tag_len }))
    }
}

struct BadAeadKey {
    inner: Box<dyn AeadKey>,
    fault: AeadFault,
    tag_len: usize,
}

impl BadAeadKey {
    /// The tag that belongs to `data`, which is encrypted.
    fn tag_of(&self, nonce: &[u8], aad: &[u8], data: &[u8]) -> Result<(Vec<u8>, Vec<u8>), InvalidLength> {
        // Counter mode: encrypting twice decrypts.
        let (mut plain, mut tag) = (data.to_vec(), vec![0; self.tag_len]);
        self.inner.seal(nonce, aad, &mut plain, &mut tag)?;
        let mut again = plain.clone();
        self.inner.seal(nonce, aad, &mut again, &mut tag)?;
        Ok((plain, tag))
    }
}

impl AeadKey for BadAeadKey {
    fn seal(&self, nonce: &[u8], aad: &[u8], data: &mut [u8], tag: &mut [u8]) -> Result<(), InvalidLength> {
        let mut own = vec![0; self.tag_len];
        if self.fault == AeadFault::AnyTagLength {
            self.inner.seal(nonce, aad, data, &mut own)?;
            let len = tag.len().min(own.len());
            tag[..len].copy_from_slice(&own[..len]);
            return Ok(());
        }
        self.inner.seal(nonce, aad, data, tag)?;
        match self.fault {
            AeadFault::FlipTag => flip(tag),
            AeadFault::FlipData => flip(data),
            _ => {}
        }
        Ok(())
    }

    fn open(&self, nonce: &[u8], aad: &[u8], data: &mut [u8], tag: &[u8]) -> Result<(), Mismatch> {
        let Ok((plain, full)) = self.tag_of(nonce, aad, data) else { return Err(Mismatch) };
        if self.fault == AeadFault::OpensShortTags && full.starts_with(tag) {
            data.copy_from_slice(&plain);
            return Ok(());
        }
        if self.fault == AeadFault::IgnoresOneBit && tag.len() == self.tag_len {
            let mut close = tag.to_vec();
            close[0] = close[0] & !1 | full[0] & 1;
            return self.inner.open(nonce, aad, data, &close);
        }
        let opened = self.inner.open(nonce, aad, data, tag);
        if opened.is_err() && self.fault == AeadFault::DecryptsFirst {
            data.copy_from_slice(&plain);
        }
        opened
    }

    fn open_each(&self, jobs: &mut [AeadJob<'_>]) {
        let mut failed = false;
        for job in jobs {
            if failed && self.fault == AeadFault::BatchStopsAtTheFirst {
                return;
            }
            job.result = self.open(job.nonce, job.aad, job.data, job.tag);
            failed |= job.result.is_err();
        }
    }
}
