//! Diffie-Hellman groups.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::{CryptoError, GroupId, InvalidPublic, SecureRandom, SharedSecret};

/// A Diffie-Hellman group: MODP (RFC 2409 6, RFC 3526) or ECP (RFC 5903).
pub trait DhGroup: Send + Sync {
    /// The group's number.
    fn id(&self) -> GroupId;

    /// Octets of a public value, which is the body of a KE payload.
    fn public_len(&self) -> usize;

    /// Octets of a shared secret: those of a public value for MODP, half of them for ECP, which takes x alone
    /// (RFC 5903 9).
    fn shared_len(&self) -> usize {
        self.public_len()
    }

    /// Draws a fresh secret exponent, of at least twice the group's strength in bits (RFC 3526 8).
    ///
    /// # Errors
    /// [`CryptoError::Random`], or a failure of the provider.
    fn start(&self, random: &dyn SecureRandom) -> Result<Box<dyn EphemeralKey>, CryptoError>;

    /// Checks a peer's public value: length, range, and whatever else the group needs (RFC 6989 2).
    ///
    /// # Errors
    /// [`InvalidPublic`].
    fn peer_public(&self, octets: &[u8]) -> Result<PeerPublic, InvalidPublic>;
}

/// A secret exponent and its public value, for one exchange: completing consumes it.
pub trait EphemeralKey: Send + Sync {
    /// Our public value, with leading zeros to the group's length.
    fn public(&self) -> &[u8];

    /// The shared secret, with leading zeros to the group's length (ECP: x only, RFC 5903 9).
    ///
    /// May be called again within the same exchange: where a peer's public value comes with the proof that covers it
    /// (Aggressive Mode's second message), a forged one must not use the exponent up. Every value that gets here was checked,
    /// so repetition tells a forger nothing (RFC 6989 2).
    ///
    /// # Errors
    /// [`CryptoError::Unsupported`] if `peer` was checked by another group.
    fn agree(&self, peer: &PeerPublic) -> Result<SharedSecret, CryptoError>;

    /// The same, and the end of the exponent: what an exchange uses that needs it once.
    ///
    /// # Errors
    /// As [`EphemeralKey::agree`].
    fn complete(self: Box<Self>, peer: &PeerPublic) -> Result<SharedSecret, CryptoError> {
        self.agree(peer)
    }
}

/// A peer's public value that its group accepted: made by [`DhGroup::peer_public`] only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerPublic {
    group: GroupId,
    octets: Vec<u8>,
}

impl PeerPublic {
    /// For implementations of [`DhGroup`]: states that `octets` were checked for `group`.
    pub fn checked(group: GroupId, octets: &[u8]) -> Self {
        Self { group, octets: octets.to_vec() }
    }

    /// The group that checked it.
    pub fn group(&self) -> GroupId {
        self.group
    }

    /// The value as it travelled.
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }
}
