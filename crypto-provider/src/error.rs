//! Why a provider refuses.

use thiserror::Error;

/// An integrity check value, hash or signature that does not hold. It says no more on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("does not verify")]
pub struct Mismatch;

/// A symmetric key that its algorithm does not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidKey {
    /// The length is not one of the algorithm's.
    #[error("a key of {0} octets does not fit the algorithm")]
    Length(usize),
    /// A weak or semi-weak DES key (RFC 2409 Appendix A), or a triple DES key that is single DES (RFC 2451 2.3).
    #[error("a weak or semi-weak DES key")]
    Weak,
}

/// Data whose length is no multiple of the block, or an IV, nonce or tag of another length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("data, IV or tag of a length that the algorithm does not take")]
pub struct InvalidLength;

/// A peer's public value that must not be used (RFC 2409 5, RFC 6989 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidPublic {
    /// Not the length of the group's elements.
    #[error("{actual} octets where the group has {expected}")]
    Length {
        /// Octets of an element of this group.
        expected: usize,
        /// Octets received.
        actual: usize,
    },
    /// 0, 1, p-1, or not below p; for curves: not on the curve.
    #[error("not an acceptable element of the group")]
    Element,
}

/// The random source failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the random source failed")]
pub struct RandomFailed;

/// A failure of our own side's cryptography: nothing that a peer sent causes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CryptoError {
    /// See [`RandomFailed`].
    #[error(transparent)]
    Random(#[from] RandomFailed),
    /// See [`InvalidKey`].
    #[error(transparent)]
    Key(#[from] InvalidKey),
    /// See [`InvalidLength`].
    #[error(transparent)]
    Length(#[from] InvalidLength),
    /// The provider does not have this algorithm.
    #[error("the provider does not have this algorithm")]
    Unsupported,
    /// The key's own store (an HSM, another process) refused or failed.
    #[error("the key's store failed")]
    Store,
}
