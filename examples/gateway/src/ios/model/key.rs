//! `crypto key pubkey-chain rsa`: peers' public keys, typed in by hand.

use core::net::IpAddr;

use super::Origin;

/// Whose public key it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PublicKeyOwner {
    /// `named-key NAME`.
    Name(String),
    /// `addressed-key ADDRESS`.
    Address(IpAddr),
}

/// What a key serves for; a general-purpose key serves for both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyUsage {
    /// `encryption`.
    Encryption,
    /// `signature`.
    Signature,
}

/// A peer's public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerPublicKey {
    /// Whose it is.
    pub owner: PublicKeyOwner,
    /// What it serves for; `None` is general purpose.
    pub usage: Option<KeyUsage>,
    /// `address` inside a `named-key`.
    pub address: Option<IpAddr>,
    /// `key-string`: a SubjectPublicKeyInfo in DER (RFC 5280 4.1); empty until it was given.
    pub key: Vec<u8>,
    /// Where the block began.
    pub origin: Origin,
}
