//! Hash functions.

use core::fmt;

use crate::HashAlgorithm;

/// A hash function.
pub trait Hash: Send + Sync {
    /// Which function this is; its output length follows from the name.
    fn algorithm(&self) -> HashAlgorithm;

    /// The hash of the concatenation of `parts`.
    fn digest(&self, parts: &[&[u8]]) -> Digest;
}

/// A hash value that is not secret, 1 to 64 octets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digest {
    octets: [u8; Self::MAX],
    len: usize,
}

impl Digest {
    /// Octets of the longest hash (SHA-512).
    pub const MAX: usize = 64;

    /// A digest of `octets`, of which no more than [`Digest::MAX`] are taken.
    pub fn new(octets: &[u8]) -> Self {
        let mut digest = Self { octets: [0; Self::MAX], len: octets.len().min(Self::MAX) };
        for (to, from) in digest.octets.iter_mut().zip(octets) {
            *to = *from;
        }
        digest
    }
}

impl AsRef<[u8]> for Digest {
    fn as_ref(&self) -> &[u8] {
        self.octets.get(..self.len).unwrap_or(&self.octets)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(")?;
        for octet in self.as_ref() {
            write!(f, "{octet:02x}")?;
        }
        f.write_str(")")
    }
}
