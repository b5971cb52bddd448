//! The keyed algorithms of one direction, applied to packets that are framed already.

use alloc::boxed::Box;
use core::array;

use crypto_provider::{
    AeadJob, AeadKey, CipherAlgorithm, CipherJob, CipherKey, CryptoProvider, MacJob, Mismatch, PrfKey,
};
use zeroize::Zeroizing;

use crate::{EspHeader, Integrity, Keys, Suite, SuiteError};

/// Packets that go through the provider's batch hooks together: what drivers hand over at a time. Larger batches are
/// cut. Smaller ones, one packet above all, pay for the places of [`SMALL_BATCH`] or of one.
pub(crate) const BATCH: usize = 32;
/// Packets of a batch that is not worth the places of a whole one.
pub(crate) const SMALL_BATCH: usize = 4;

/// A suite with its keys scheduled. It makes one SA, and has no `Debug` and no `Clone`.
pub struct Transform {
    suite: Suite,
    keyed: Keyed,
}

type Salt = Zeroizing<[u8; 4]>;

enum Keyed {
    Separate { cipher: Box<dyn CipherKey>, salt: Salt, mac: Option<Box<dyn PrfKey>> },
    Combined { aead: Box<dyn AeadKey>, salt: Salt },
}

impl Transform {
    /// Schedules the keys of `suite` with the algorithms of `provider`.
    ///
    /// # Errors
    /// [`SuiteError`].
    pub fn new(suite: Suite, keys: Keys<'_>, provider: &CryptoProvider) -> Result<Self, SuiteError> {
        suite.check()?;
        expect_len("encryption key", suite.encryption_key_len(), keys.encryption)?;
        expect_len("integrity key", suite.integrity_key_len(), keys.integrity)?;
        let key_len = suite.encryption_key_len().saturating_sub(suite.salt_len());
        let (key, tail) = keys.encryption.split_at_checked(key_len).unwrap_or_default();
        let salt = Zeroizing::new(tail.first_chunk::<4>().copied().unwrap_or_default());
        let keyed = match suite {
            Suite::Separate { cipher, integrity, .. } => {
                let mac = keyed_mac(integrity, keys.integrity, provider)?;
                Keyed::Separate { cipher: keyed_cipher(&suite, cipher, key, provider)?, salt, mac: Some(mac) }
            }
            Suite::EncryptionOnly { cipher, .. } => {
                Keyed::Separate { cipher: keyed_cipher(&suite, cipher, key, provider)?, salt, mac: None }
            }
            Suite::Combined { aead, .. } => {
                let found = provider.aead(aead).ok_or(SuiteError::Aead(aead))?;
                Keyed::Combined { aead: found.key(key)?, salt }
            }
        };
        Ok(Self { suite, keyed })
    }

    /// The algorithms.
    pub fn suite(&self) -> &Suite {
        &self.suite
    }

    /// Encrypts the text of up to `N` pieces and writes their ICVs.
    pub(crate) fn seal<const N: usize>(&self, pieces: &mut [Piece<'_>]) {
        match &self.keyed {
            // RFC 4303 3.3.2: encrypt, then compute the ICV over the ciphertext.
            Keyed::Separate { cipher, salt, mac } => {
                self.cipher_each::<N>(pieces, salt, |jobs| cipher.encrypt_each(jobs));
                if let Some(mac) = mac {
                    mac_each::<N>(pieces, mac.as_ref());
                }
            }
            Keyed::Combined { aead, salt } => aead_each::<N>(pieces, salt, |jobs| aead.seal_each(jobs)),
        }
    }

    /// Checks the ICVs of up to `N` pieces, then decrypts the text of those that hold.
    pub(crate) fn open<const N: usize>(&self, pieces: &mut [Piece<'_>]) {
        match &self.keyed {
            Keyed::Separate { cipher, salt, mac } => {
                if let Some(mac) = mac {
                    for piece in pieces.iter_mut() {
                        piece.verify(mac.as_ref());
                    }
                }
                self.cipher_each::<N>(pieces, salt, |jobs| cipher.decrypt_each(jobs));
            }
            Keyed::Combined { aead, salt } => aead_each::<N>(pieces, salt, |jobs| aead.open_each(jobs)),
        }
    }

    fn cipher_each<const N: usize>(
        &self,
        pieces: &mut [Piece<'_>],
        salt: &Salt,
        run: impl FnOnce(&mut [CipherJob<'_>]),
    ) {
        let counter_mode = self.suite.salt_len() != 0;
        let mut blocks = [[0; 16]; N];
        let mut jobs = array::from_fn::<_, N, _>(|_| CipherJob { iv: &[], data: &mut [], result: Ok(()) });
        let mut used: usize = 0;
        let fine = pieces.iter_mut().filter(|piece| piece.result.is_ok());
        for ((piece, job), block) in fine.zip(&mut jobs).zip(&mut blocks) {
            job.iv = piece.head.get(EspHeader::LEN..).unwrap_or_default();
            if counter_mode {
                *block = counter_block(salt, job.iv);
                job.iv = block;
            }
            job.data = piece.text;
            used = used.saturating_add(1);
        }
        run(jobs.get_mut(..used).unwrap_or_default());
        let results = jobs.map(|job| job.result);
        let fine = pieces.iter_mut().filter(|piece| piece.result.is_ok());
        for (piece, result) in fine.zip(results) {
            piece.result = result.map_err(|_| Fault::Provider);
        }
    }
}

/// One framed packet, cut where the algorithms see seams.
pub(crate) struct Piece<'a> {
    /// ESP header and IV.
    pub(crate) head: &'a [u8],
    /// Payload and trailer.
    pub(crate) text: &'a mut [u8],
    /// The ICV's place.
    pub(crate) icv: &'a mut [u8],
    /// The half of an extended sequence number that is covered but not sent.
    pub(crate) high: Option<[u8; 4]>,
    /// How it went. A piece that has failed is passed over.
    pub(crate) result: Result<(), Fault>,
}

/// Why a piece failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The ICV does not hold.
    Icv,
    /// The provider refused the lengths.
    Provider,
}

impl<'a> Piece<'a> {
    /// Nothing, to fill an array with.
    pub(crate) fn empty() -> Self {
        Self { head: &[], text: &mut [], icv: &mut [], high: None, result: Err(Fault::Provider) }
    }

    /// Cuts `packet`: ESP header at `esp`, text from `text` to `icv`, ICV from there to the end.
    pub(crate) fn cut(packet: &'a mut [u8], esp: usize, text: usize, icv: usize) -> Option<Self> {
        let (front, icv) = packet.split_at_mut_checked(icv)?;
        let (front, text) = front.split_at_mut_checked(text)?;
        Some(Self { head: front.get(esp..)?, text, icv, high: None, result: Ok(()) })
    }

    fn verify(&mut self, mac: &dyn PrfKey) {
        if self.result.is_ok() {
            let (parts, n) = covered(self.head, self.text, self.high.as_ref());
            let parts = parts.get(..n).unwrap_or_default();
            self.result = mac.verify(parts, self.icv).map_err(|Mismatch| Fault::Icv);
        }
    }

    /// RFC 4106 5: the additional authenticated data is SPI and sequence number, the high half before the low one.
    fn additional_data(&self) -> ([u8; 12], usize) {
        let Some(&[p0, p1, p2, p3, l0, l1, l2, l3]) = self.head.first_chunk::<{ EspHeader::LEN }>() else {
            return ([0; 12], 0);
        };
        match self.high {
            None => ([p0, p1, p2, p3, l0, l1, l2, l3, 0, 0, 0, 0], 8),
            Some([h0, h1, h2, h3]) => ([p0, p1, p2, p3, h0, h1, h2, h3, l0, l1, l2, l3], 12),
        }
    }
}

/// RFC 4303 2.8: the ICV covers the packet from SPI to next header, then the high half (2.2.1).
fn covered<'a>(head: &'a [u8], text: &'a [u8], high: Option<&'a [u8; 4]>) -> ([&'a [u8]; 3], usize) {
    match high {
        None => ([head, text, &[]], 2),
        Some(high) => ([head, text, high], 3),
    }
}

fn mac_each<const N: usize>(pieces: &mut [Piece<'_>], mac: &dyn PrfKey) {
    let mut parts = [([&[] as &[u8]; 3], 0); N];
    let mut icvs: [&mut [u8]; N] = array::from_fn(|_| Default::default());
    let mut used: usize = 0;
    let fine = pieces.iter_mut().filter(|piece| piece.result.is_ok());
    for ((piece, parts), icv) in fine.zip(&mut parts).zip(&mut icvs) {
        let Piece { head, text, icv: place, high, .. } = piece;
        *parts = covered(head, text, high.as_ref());
        *icv = place;
        used = used.saturating_add(1);
    }
    let mut jobs = array::from_fn::<_, N, _>(|_| MacJob { parts: &[], out: &mut [] });
    for ((job, (parts, n)), icv) in jobs.iter_mut().zip(&parts).zip(icvs) {
        *job = MacJob { parts: parts.get(..*n).unwrap_or_default(), out: icv };
    }
    mac.compute_each(jobs.get_mut(..used).unwrap_or_default());
}

fn aead_each<const N: usize>(pieces: &mut [Piece<'_>], salt: &Salt, run: impl FnOnce(&mut [AeadJob<'_>])) {
    let mut nonces = [[0; 12]; N];
    let mut aads = [([0; 12], 0); N];
    let mut jobs = array::from_fn::<_, N, _>(|_| AeadJob {
        nonce: &[],
        aad: &[],
        data: &mut [],
        tag: &mut [],
        result: Ok(()),
    });
    let mut used: usize = 0;
    for (((piece, nonce), aad), job) in pieces.iter_mut().zip(&mut nonces).zip(&mut aads).zip(&mut jobs) {
        let explicit = piece.head.get(EspHeader::LEN..).unwrap_or_default();
        for (to, from) in nonce.iter_mut().zip(salt.iter().chain(explicit)) {
            *to = *from;
        }
        *aad = piece.additional_data();
        *job = AeadJob {
            nonce,
            aad: aad.0.get(..aad.1).unwrap_or_default(),
            data: piece.text,
            tag: piece.icv,
            result: Ok(()),
        };
        used = used.saturating_add(1);
    }
    run(jobs.get_mut(..used).unwrap_or_default());
    let results = jobs.map(|job| job.result);
    for (piece, result) in pieces.iter_mut().zip(results) {
        piece.result = result.map_err(|Mismatch| Fault::Icv);
    }
}

/// RFC 3686 4: nonce, IV, and a block counter that begins with one.
fn counter_block(salt: &Salt, iv: &[u8]) -> [u8; 16] {
    let mut block = [0; 16];
    for (to, from) in block.iter_mut().zip(salt.iter().chain(iv)) {
        *to = *from;
    }
    if let Some(last) = block.last_mut() {
        *last = 1;
    }
    block
}

fn expect_len(field: &'static str, expected: usize, key: &[u8]) -> Result<(), SuiteError> {
    if key.len() == expected {
        Ok(())
    } else {
        Err(SuiteError::KeyLength { field, expected, actual: key.len() })
    }
}

fn keyed_cipher(
    suite: &Suite,
    name: CipherAlgorithm,
    key: &[u8],
    provider: &CryptoProvider,
) -> Result<Box<dyn CipherKey>, SuiteError> {
    let cipher = provider.cipher(name).ok_or(SuiteError::Cipher(name))?;
    let iv_len = if suite.salt_len() == 0 { suite.iv_len() } else { 16 };
    // A provider whose cipher has another block would make every packet wrong; say so at once.
    if cipher.iv_len() != iv_len || !suite.alignment().is_multiple_of(cipher.block_len()) {
        return Err(SuiteError::ProviderLengths);
    }
    Ok(cipher.key(key)?)
}

fn keyed_mac(
    integrity: Integrity,
    key: &[u8],
    provider: &CryptoProvider,
) -> Result<Box<dyn PrfKey>, SuiteError> {
    let prf = provider.prf(integrity.hash).ok_or(SuiteError::Hash(integrity.hash))?;
    Ok(prf.key(key))
}
