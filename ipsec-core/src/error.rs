//! Why a packet could not be sealed.

use thiserror::Error;

use crate::{DropReason, NoRoom};

/// An outbound SA gives no more sequence numbers: its successor must take over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Exhausted {
    /// All numbers are used; a number never comes twice (RFC 4303 3.3.3).
    #[error("all sequence numbers are used")]
    Sequence,
    /// The packet would go past the hard limit in octets (RFC 4301 4.4.2.1).
    #[error("the hard limit in octets is reached")]
    Octets,
    /// The hard limit in time has passed (RFC 4301 4.4.2.1).
    #[error("the hard limit in time is reached")]
    Time,
}

impl From<Exhausted> for DropReason {
    fn from(exhausted: Exhausted) -> Self {
        match exhausted {
            Exhausted::Sequence => Self::SequenceExhausted,
            Exhausted::Octets | Exhausted::Time => Self::Expired,
        }
    }
}

/// Why a packet was not sealed. It must be dropped: it may be changed in part, and it must never leave clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SealError {
    /// See [`Exhausted`].
    #[error(transparent)]
    Exhausted(#[from] Exhausted),
    /// See [`NoRoom`]; the packet is unchanged.
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
    /// The result would exceed 65535 octets.
    #[error("the sealed packet would exceed 65535 octets")]
    TooBig,
    /// What was given is not a whole IP packet.
    #[error("not a well-formed IP packet")]
    NotIp,
    /// Transport mode is never applied to a fragment (RFC 4303 3.3.4, RFC 4302 3.3.4).
    #[error("a fragment in transport mode")]
    Fragment,
    /// An option or extension header that AH cannot cover.
    #[error("IP options that AH cannot cover")]
    Options,
    /// The sequence number was reserved at an SA with another SPI.
    #[error("the sequence number belongs to another SA")]
    ForeignSequence,
    /// The random source failed: without a random IV nothing is sent (RFC 3602 3).
    #[error("the random source failed")]
    Random,
    /// The provider refused lengths that its own description promised.
    #[error("the cryptographic provider failed")]
    Provider,
}

impl From<SealError> for DropReason {
    fn from(error: SealError) -> Self {
        match error {
            SealError::Exhausted(exhausted) => exhausted.into(),
            SealError::NoRoom(_) => Self::NoRoom,
            SealError::TooBig => Self::TooBig,
            SealError::NotIp => Self::InnerHeader,
            SealError::Fragment => Self::Fragment,
            SealError::Options => Self::Options,
            SealError::Random => Self::Random,
            SealError::ForeignSequence | SealError::Provider => Self::Provider,
        }
    }
}
