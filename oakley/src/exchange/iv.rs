//! IV chains (RFC 2409 Appendix B).
//!
//! ```text
//! phase 1:        hash(g^xi | g^xr), then the last ciphertext block of the message before, in either direction
//! each message id: hash(last block of phase 1 | M-ID), then the same rule
//! ```
//!
//! Decryption does not move the chain: it yields a [`PendingIv`], which is committed after the message has proved
//! authentic. A forged message therefore cannot put the two sides out of step.

use alloc::vec::Vec;

use bytes::Bytes;
use crypto_provider::{CipherKey, Hash};
use isakmp_wire::MessageId;

use crate::error::{LocalFailure, Misbehaviour};

/// Octets of the longest block.
const MAX_BLOCK: usize = 16;

/// An initialisation vector, or the ciphertext block that takes its place.
#[derive(Clone, Copy)]
pub(crate) struct Iv {
    octets: [u8; MAX_BLOCK],
    len: usize,
}

impl Iv {
    /// The first `len` octets of `from`.
    fn first(from: &[u8], len: usize) -> Self {
        let mut iv = Self { octets: [0; MAX_BLOCK], len: len.min(MAX_BLOCK) };
        for (to, octet) in iv.octets.iter_mut().zip(from.iter().take(len)) {
            *to = *octet;
        }
        iv
    }

    pub(crate) fn octets(&self) -> &[u8] {
        self.octets.get(..self.len).unwrap_or(&self.octets)
    }
}

/// The IV of the next message.
#[derive(Clone, Copy)]
pub(crate) struct IvChain {
    current: Iv,
}

/// The IV after a message that is not yet known to be authentic.
#[must_use = "an authentic message moves the chain"]
#[derive(Clone, Copy)]
pub(crate) struct PendingIv(Iv);

impl IvChain {
    pub(crate) fn phase1(hash: &dyn Hash, g_xi: &[u8], g_xr: &[u8], block_len: usize) -> Self {
        Self { current: Iv::first(hash.digest(&[g_xi, g_xr]).as_ref(), block_len) }
    }

    /// The chain of a message id, from the last block of phase 1.
    pub(crate) fn for_message_id(hash: &dyn Hash, last_phase1: &Iv, message_id: MessageId) -> Self {
        let digest = hash.digest(&[last_phase1.octets(), &message_id.0.to_be_bytes()]);
        Self { current: Iv::first(digest.as_ref(), last_phase1.len) }
    }

    pub(crate) fn current(&self) -> &Iv {
        &self.current
    }

    /// Decrypts without moving the chain.
    pub(crate) fn decrypt(
        &self,
        key: &dyn CipherKey,
        ciphertext: &[u8],
    ) -> Result<(Bytes, PendingIv), Misbehaviour> {
        let last = ciphertext.len().checked_sub(self.current.len).and_then(|start| ciphertext.get(start..));
        let last = last.filter(|_| !ciphertext.is_empty()).ok_or(Misbehaviour::Undecipherable)?;
        let mut plaintext = ciphertext.to_vec();
        key.decrypt(self.current.octets(), &mut plaintext).map_err(|_| Misbehaviour::Undecipherable)?;
        Ok((Bytes::from(plaintext), PendingIv(Iv::first(last, self.current.len))))
    }

    /// Encrypts our own padded message and moves the chain.
    pub(crate) fn encrypt(
        &mut self,
        key: &dyn CipherKey,
        mut padded: Vec<u8>,
    ) -> Result<Vec<u8>, LocalFailure> {
        key.encrypt(self.current.octets(), &mut padded).map_err(crypto_provider::CryptoError::Length)?;
        let start = padded.len().saturating_sub(self.current.len);
        self.current = Iv::first(padded.get(start..).unwrap_or_default(), self.current.len);
        Ok(padded)
    }

    pub(crate) fn commit(&mut self, pending: PendingIv) {
        self.current = pending.0;
    }
}

/// How many octets bring `len` to a multiple of `block_len`; 0 if it is one.
pub(crate) fn padding_len(len: usize, block_len: usize) -> usize {
    let over = len.checked_rem(block_len).unwrap_or(0);
    if over == 0 { 0 } else { block_len.saturating_sub(over) }
}
