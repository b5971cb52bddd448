//! HMAC (RFC 2104).

use crypto_provider::{HashAlgorithm, Mismatch, Prf, PrfKey};
use openssl::error::ErrorStack;
use openssl::memcmp;
use openssl::pkey::{PKey, Private};
use openssl::sign::Signer;
use zeroize::Zeroizing;

use crate::hash::message_digest;

pub(crate) struct Function(pub(crate) HashAlgorithm);

/// Octets of the shortest block of a hash function.
const SHORTEST_BLOCK: usize = 64;

impl Prf for Function {
    fn algorithm(&self) -> HashAlgorithm {
        self.0
    }

    fn key(&self, key: &[u8]) -> Box<dyn PrfKey> {
        // OpenSSL refuses an empty key. RFC 2104 2: a key is filled up with zeros, so that these are the same.
        let mut padded = Zeroizing::new(key.to_vec());
        padded.resize(key.len().max(SHORTEST_BLOCK), 0);
        Box::new(HmacKey { algorithm: self.0, key: PKey::hmac(&padded).ok() })
    }
}

/// The signer needs a context for each message; OpenSSL's interface for keeping one has no safe form.
struct HmacKey {
    algorithm: HashAlgorithm,
    key: Option<PKey<Private>>,
}

/// Octets of the longest value.
const MAX: usize = 64;

impl HmacKey {
    /// The whole value, or `None` if OpenSSL fails.
    fn whole(&self, parts: &[&[u8]]) -> Option<Zeroizing<[u8; MAX]>> {
        let (key, digest) = (self.key.as_ref()?, message_digest(self.algorithm)?);
        let sign = |out: &mut [u8]| -> Result<usize, ErrorStack> {
            let mut signer = Signer::new(digest, key)?;
            for part in parts {
                signer.update(part)?;
            }
            signer.sign(out)
        };
        let mut out = Zeroizing::new([0; MAX]);
        let len = sign(&mut *out).ok()?;
        (len == self.algorithm.output_len()).then_some(out)
    }
}

impl PrfKey for HmacKey {
    fn compute(&self, parts: &[&[u8]], out: &mut [u8]) {
        out.fill(0);
        // Zeros if OpenSSL fails: no peer computes the same, and nothing verifies.
        if let Some(whole) = self.whole(parts) {
            let len = out.len().min(self.algorithm.output_len());
            if let (Some(to), Some(from)) = (out.get_mut(..len), whole.get(..len)) {
                to.copy_from_slice(from);
            }
        }
    }

    fn verify(&self, parts: &[&[u8]], icv: &[u8]) -> Result<(), Mismatch> {
        if icv.is_empty() || icv.len() > self.algorithm.output_len() {
            return Err(Mismatch);
        }
        let whole = self.whole(parts).ok_or(Mismatch)?;
        let expected = whole.get(..icv.len()).ok_or(Mismatch)?;
        if memcmp::eq(expected, icv) { Ok(()) } else { Err(Mismatch) }
    }
}
