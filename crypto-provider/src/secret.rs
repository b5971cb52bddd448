//! Secrets: wiped when dropped, never shown, never compared by `==`, read by `expose()` only.

use alloc::vec::Vec;

use zeroize::Zeroizing;

/// Secret octets of any length: a pre-shared key, a derived key. Has no `Debug`, `Clone` or `PartialEq`.
pub struct SecretBytes(Zeroizing<Vec<u8>>);

impl SecretBytes {
    /// Takes the octets over; they are wiped when this is dropped.
    pub fn new(octets: Vec<u8>) -> Self {
        Self(Zeroizing::new(octets))
    }

    /// A copy of `octets`.
    pub fn copy_of(octets: &[u8]) -> Self {
        Self::new(octets.to_vec())
    }

    /// The octets. Each call is a place that an audit reads.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Number of octets.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The result of a Diffie-Hellman exchange, g^xy, padded to the group's length.
pub struct SharedSecret(SecretBytes);

impl SharedSecret {
    /// For implementations of [`EphemeralKey`](crate::EphemeralKey).
    pub fn new(octets: Vec<u8>) -> Self {
        Self(SecretBytes::new(octets))
    }

    /// The octets. Each call is a place that an audit reads.
    pub fn expose(&self) -> &[u8] {
        self.0.expose()
    }
}
