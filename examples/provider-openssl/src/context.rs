//! A scheduled key of OpenSSL, and room to work in.

use openssl::cipher_ctx::CipherCtx;
use openssl::error::ErrorStack;
use zeroize::Zeroizing;

/// OpenSSL wants a block of room behind what it writes, which a packet has not: it writes here, and what it wrote is
/// copied back. The room grows to the longest packet and stays.
pub(crate) struct Context {
    pub(crate) inner: CipherCtx,
    room: Zeroizing<Vec<u8>>,
}

impl Context {
    pub(crate) fn new(inner: CipherCtx) -> Self {
        Self { inner, room: Zeroizing::new(Vec::new()) }
    }

    /// Authenticates `aad` and transforms `data` in place, under the IV that was set before.
    pub(crate) fn run(&mut self, aad: &[u8], data: &mut [u8]) -> Result<(), ErrorStack> {
        if !aad.is_empty() {
            self.inner.cipher_update(aad, None)?;
        }
        if data.is_empty() {
            return Ok(());
        }
        let needed = data.len().saturating_add(self.inner.block_size());
        if self.room.len() < needed {
            self.room.resize(needed, 0);
        }
        let written = self.inner.cipher_update(data, Some(&mut self.room))?;
        let whole = self.room.iter().take(written);
        data.iter_mut().zip(whole).for_each(|(to, from)| *to = *from);
        Ok(())
    }
}
