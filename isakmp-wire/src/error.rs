//! Why octets are not a message: which payload, which field, at which offset.

use core::fmt;

use crate::header::Version;
use crate::registry::{NotifyType, PayloadKind};

/// The part of a message that an error or an anomaly is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Place {
    /// The ISAKMP header, or the octets of the message as a whole.
    Header,
    /// A payload; proposals and transforms inside an SA have payload kinds of their own.
    Payload(PayloadKind),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header => f.write_str("ISAKMP header"),
            Self::Payload(kind) => write!(f, "{kind} payload"),
        }
    }
}

/// Octets that were refused: the place, the field, its offset and the reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}, {field} at octet {offset}: {reason}")]
pub struct ParseError {
    pub(crate) place: Place,
    pub(crate) field: &'static str,
    pub(crate) offset: usize,
    pub(crate) reason: Reason,
}

impl ParseError {
    /// The header or the payload that the field belongs to.
    #[must_use]
    pub const fn place(&self) -> Place {
        self.place
    }

    /// The payload that the field belongs to, or `None` for the header.
    #[must_use]
    pub const fn payload(&self) -> Option<PayloadKind> {
        match self.place {
            Place::Header => None,
            Place::Payload(kind) => Some(kind),
        }
    }

    /// The field, by the name that its RFC gives it.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        self.field
    }

    /// Where the field begins: octets from the start of the ISAKMP header, or from the start of the octets that were
    /// given when a body or an attribute list was parsed alone.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// What is wrong with the field.
    #[must_use]
    pub const fn reason(&self) -> &Reason {
        &self.reason
    }

    /// The notify type that the RFC has for this failure. Whether anything is sent is the caller's decision.
    #[must_use]
    pub fn notify_type(&self) -> NotifyType {
        match (&self.reason, self.place) {
            (Reason::UnsupportedVersion(version), _) if version.major != Version::ISAKMP_1_0.major => {
                NotifyType::INVALID_MAJOR_VERSION
            }
            (Reason::UnsupportedVersion(_), _) => NotifyType::INVALID_MINOR_VERSION,
            // RFC 2408 5.1: the header's length is not that of the datagram.
            (Reason::LengthMismatch { .. }, Place::Header) => NotifyType::UNEQUAL_PAYLOAD_LENGTHS,
            (Reason::Encrypted | Reason::NotEncrypted, _) => NotifyType::INVALID_FLAGS,
            // RFC 2408 5.5, 5.6: faults inside an SA
            (_, Place::Payload(PayloadKind::PROPOSAL | PayloadKind::TRANSFORM)) => {
                NotifyType::BAD_PROPOSAL_SYNTAX
            }
            (Reason::UnexpectedPayload(_), _) => NotifyType::INVALID_PAYLOAD_TYPE,
            // RFC 2408 5.8
            (_, Place::Payload(PayloadKind::IDENTIFICATION)) => NotifyType::INVALID_ID_INFORMATION,
            _ => NotifyType::PAYLOAD_MALFORMED,
        }
    }
}

/// What is wrong with a field. Sizes and lengths are in octets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// The field, or what its length announces, does not fit in what is left.
    #[error("{needed} octets needed, {available} left")]
    Truncated {
        /// What the field needs.
        needed: usize,
        /// What is left.
        available: usize,
    },
    /// A length field is smaller than the least that is possible.
    #[error("length is {stated}, at least {minimum} is needed")]
    TooShort {
        /// The field's value.
        stated: usize,
        /// The least possible value.
        minimum: usize,
    },
    /// A length field and the octets that are there disagree.
    #[error("says {stated} octets where there are {actual}")]
    LengthMismatch {
        /// The field's value, or the product of a size and a count.
        stated: u64,
        /// What is there.
        actual: u64,
    },
    /// A count and the number of items that are there disagree.
    #[error("says {stated} where there are {found}")]
    CountMismatch {
        /// The field's value.
        stated: usize,
        /// What is there.
        found: usize,
    },
    /// Octets are left behind the end of a chain or a list.
    #[error("{count} octets left over")]
    Trailing {
        /// How many.
        count: usize,
    },
    /// A fixed size of the field's type was not met.
    #[error("{actual} octets where the type takes {expected}")]
    WrongSize {
        /// What the type takes.
        expected: usize,
        /// What is there.
        actual: usize,
    },
    /// Nothing where something must be.
    #[error("must not be empty")]
    Empty,
    /// A payload type that must not stand here.
    #[error("payload type {0} must not stand here")]
    UnexpectedPayload(PayloadKind),
    /// A number that the field does not take.
    #[error("value {0} is not possible here")]
    Value(u64),
    /// RFC 2408 4.2: proposals of one number are not adjacent.
    #[error("proposal number {0} returns after another")]
    ScatteredProposal(u8),
    /// A cap of [`limits`](crate::limits) is exceeded.
    #[error("more than {limit}")]
    LimitExceeded {
        /// The cap.
        limit: usize,
    },
    /// Another version than ISAKMP 1.0.
    #[error("version {0} is not ISAKMP 1.0")]
    UnsupportedVersion(Version),
    /// A clear message was expected and the encryption flag is set.
    #[error("the encryption flag is set on what should be clear")]
    Encrypted,
    /// An encrypted message was expected and the encryption flag is not set.
    #[error("the encryption flag is not set on what should be encrypted")]
    NotEncrypted,
}

/// Something that the standards forbid and that was read over: reported, never trusted.
///
/// RFC 2408 5.3 wants such messages discarded, peers send some of them, and in a decrypted message they are the first
/// sign of a wrong key: so the caller decides.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Anomaly {
    /// The header or the payload that it is in.
    pub place: Place,
    /// The field, by its RFC's name.
    pub field: &'static str,
    /// Where the field begins: octets from the start of the ISAKMP header.
    pub offset: usize,
    /// What is odd.
    pub kind: AnomalyKind,
}

impl fmt::Display for Anomaly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {} at octet {}: {}", self.place, self.field, self.offset, self.kind)
    }
}

/// What is odd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AnomalyKind {
    /// A reserved field is not zero; its value (big-endian, the first eight octets of longer fields).
    ReservedNotZero(u64),
    /// Flags of the header that nobody has defined.
    UnknownFlags(u8),
    /// RFC 2408 4.2: proposal and transform numbers must increase. The number that does not.
    NotIncreasing(u8),
    /// Padding inside a labelled situation is not zero (RFC 2407 4.6.1).
    PaddingNotZero,
    /// Zeros that fill up a clear message to a multiple of four octets (RFC 2408 5.3 knows none); how many.
    Padded(usize),
    /// Zeros behind the end of the message that the header's length states (RFC 2408 5.1 has such a datagram discarded); how
    /// many.
    ZerosBeyond(usize),
}

impl fmt::Display for AnomalyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReservedNotZero(value) => write!(f, "reserved, but {value:#x}"),
            Self::UnknownFlags(bits) => write!(f, "unknown flags {bits:#04x}"),
            Self::NotIncreasing(number) => write!(f, "number {number} does not increase"),
            Self::PaddingNotZero => f.write_str("padding is not zero"),
            Self::Padded(count) => write!(f, "{count} octets of padding in a clear message"),
            Self::ZerosBeyond(count) => write!(f, "{count} zero octets behind the end of the message"),
        }
    }
}

/// A body that cannot be written so that a reader would find the same body again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} payload cannot be written: {problem}")]
pub struct EncodeError {
    pub(crate) kind: PayloadKind,
    pub(crate) problem: EncodeProblem,
}

impl EncodeError {
    /// The payload.
    #[must_use]
    pub const fn kind(&self) -> PayloadKind {
        self.kind
    }

    /// Why not.
    #[must_use]
    pub const fn problem(&self) -> &EncodeProblem {
        &self.problem
    }
}

/// Why a body cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeProblem {
    /// The octets would be refused by a reader.
    #[error("a reader would refuse it: {0}")]
    Refused(ParseError),
    /// The octets would be read as another body, because a value does not fit in its field.
    #[error("a value does not fit in its field")]
    Altered,
    /// More octets than a payload's 16-bit length can tell.
    #[error("{0} octets do not fit in one payload")]
    TooLong(usize),
}
