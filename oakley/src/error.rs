//! Failures by blame, and the one table of what a peer is told about them.

use core::time::Duration;

use crypto_provider::{CryptoError, InvalidPublic, Ticket};
use isakmp_wire::{ExchangeType, NotifyType, ParseError, PayloadKind};
use thiserror::Error;

use crate::fragments::FragmentFault;
use crate::identity::Identity;
use crate::policy::AuthMethod;
use crate::sa::{BundleId, IkeSaId};

/// A message that is refused. The state that it was meant for is untouched.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum Reject {
    /// It is not a well-formed ISAKMP message.
    #[error("malformed: {0}")]
    Malformed(#[from] ParseError),
    /// It is well formed and breaks a rule of the protocol.
    #[error("misbehaved: {0}")]
    Misbehaved(#[from] Misbehaviour),
    /// It keeps the rules and asks for what our policy does not allow.
    #[error("incompatible: {0}")]
    Incompatible(#[from] Incompatibility),
}

/// A rule of the protocol that a message breaks.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Misbehaviour {
    /// No SA or exchange has these cookies or this message id.
    #[error("no SA or exchange with these cookies")]
    UnknownCookies,
    /// A major version that is neither ours nor IKEv2's.
    #[error("ISAKMP major version {0}")]
    Version(u8),
    /// An exchange type that this engine does not speak or that does not fit the state.
    #[error("exchange {0} is not expected")]
    UnexpectedExchange(ExchangeType),
    /// Clear where encryption is required, or the reverse.
    #[error("the encryption flag is not what this message requires")]
    EncryptionFlag,
    /// A payload is missing (RFC 2409 5).
    #[error("the {0} payload is missing")]
    Missing(PayloadKind),
    /// A payload occurs more often than it may.
    #[error("the {0} payload is repeated")]
    Repeated(PayloadKind),
    /// A payload that this exchange does not carry.
    #[error("a {0} payload does not belong here")]
    Foreign(PayloadKind),
    /// A payload is not where RFC 2409 requires it (SA first; in Quick Mode HASH, then SA).
    #[error("the {0} payload is not in its place")]
    Misplaced(PayloadKind),
    /// The message does not decrypt to a payload chain, or its HASH or ID is not the peer's: one reason for
    /// all, because the parts must not be told apart.
    #[error("undecipherable")]
    Undecipherable,
    /// Our own cookie, nonce or public value came back.
    #[error("our own {0} came back")]
    Reflected(&'static str),
    /// A nonce shorter than 8 or longer than 256 octets (RFC 2409 5).
    #[error("a nonce of {0} octets")]
    NonceLength(usize),
    /// A public value that the group refuses.
    #[error("public value: {0}")]
    PublicValue(#[from] InvalidPublic),
    /// An answer that was not among the offers.
    #[error("the answer was not offered: {0}")]
    NotOffered(&'static str),
    /// An SPI of a wrong size or below 256 (RFC 4303 2.1).
    #[error("an SPI that must not be used")]
    Spi,
    /// A proposal list that breaks RFC 2408 4.2.
    #[error("proposals out of order: number {0} returns after another")]
    ProposalOrder(u8),
    /// An identity other than it must be: protocol and port, or the echo of IDci and IDcr.
    #[error("an identity that must not stand here: {0}")]
    Identity(&'static str),
    /// The exchange has moved to the port of NAT traversal, and this came to the old one (RFC 3947 4).
    #[error("not the port of NAT traversal, to which the peers have moved")]
    OldPort,
    /// A fragment of a message, or a message made of fragments, that cannot be (Cisco's payload 132).
    #[error("fragment: {0}")]
    Fragment(#[from] FragmentFault),
    /// A question or an answer of dead peer detection that proves nothing (RFC 3706 6).
    #[error("dead peer detection: {0}")]
    Liveness(&'static str),
    /// Unproven peers ask for more exponentiations than are spent on them in one second.
    #[error("more exchanges in one second than are worked at")]
    TooFast,
    /// Not IKE, on the port of NAT traversal (RFC 3948 2.2).
    #[error("no non-ESP marker")]
    Marker,
    /// A message id of 0 outside phase 1, or one that was used before.
    #[error("message id 0 or used before")]
    MessageId,
}

/// What our policy does not allow.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Incompatibility {
    /// No policy for this peer and exchange.
    #[error("no policy for this peer")]
    UnknownPeer,
    /// No offered proposal fits.
    #[error("no proposal fits")]
    NoProposalChosen,
    /// Another DOI than IPsec's.
    #[error("DOI {0}")]
    Doi(u32),
    /// Another situation than identity only (RFC 2407 4.2).
    #[error("situation {0:#x}")]
    Situation(u32),
    /// No pre-shared key for this peer: of the name that it gave in Aggressive Mode, or in Main Mode (`None`) of its
    /// address.
    #[error("no pre-shared key for this peer")]
    NoKey(Option<Identity>),
    /// The peer proved an identity that is not the configured one.
    #[error("the peer's identity is not the configured one")]
    Identity,
    /// No phase 2 policy for this flow.
    #[error("no policy for this flow")]
    Selectors,
    /// The IKE SA cannot name another exchange.
    #[error("the IKE SA has used up its message ids")]
    MessageIdsExhausted,
}

/// Why an exchange ended without its SA.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum Abort {
    /// The authenticated peer refused, or broke a rule at a point where nothing else can follow.
    #[error("the peer refused: {0}")]
    Peer(#[from] PeerRefusal),
    /// Our own side cannot go on.
    #[error("local failure: {0}")]
    Local(#[from] LocalFailure),
    /// Nothing acceptable came in time.
    #[error("no acceptable answer")]
    TimedOut,
    /// The caller or the peer deleted the SA.
    #[error("deleted")]
    Deleted,
    /// Half-open exchanges were too many and this was the oldest.
    #[error("made room for a newer half-open exchange")]
    Displaced,
    /// The peer did not answer any more (RFC 3706 5.4).
    #[error("the peer is dead")]
    PeerDead,
}

/// How an authenticated peer refuses.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum PeerRefusal {
    /// A protected notify.
    #[error("{0}")]
    Notified(NotifyType),
    /// A message of an authenticated peer that cannot be accepted, and after which nothing else can follow.
    #[error(transparent)]
    Rejected(#[from] Reject),
}

/// Why our own side cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LocalFailure {
    /// The provider failed.
    #[error("cryptography: {0}")]
    Crypto(#[from] CryptoError),
    /// No authenticator for this method.
    #[error("authentication by {0:?} is not available")]
    Method(AuthMethod),
    /// No suite of the policy can be used: the provider lacks an algorithm of each, or there is none.
    #[error("the provider lacks an algorithm of the policy")]
    Algorithm,
    /// No policy or key for a request of ours.
    #[error("no policy for the request")]
    NoPolicy,
    /// No free SPI or message id was found in a bounded number of tries.
    #[error("no free number was found")]
    NumbersExhausted,
    /// A message would exceed what its length fields can say.
    #[error("a message would be too long")]
    TooLong,
    /// AH cannot pass an address translator (RFC 3948 1).
    #[error("AH does not pass an address translator")]
    AhBehindNat,
    /// An installation failed.
    #[error("the installation failed")]
    Install,
}

impl From<FragmentFault> for Reject {
    fn from(fault: FragmentFault) -> Self {
        Self::Misbehaved(fault.into())
    }
}

impl From<crypto_provider::RandomFailed> for LocalFailure {
    fn from(failed: crypto_provider::RandomFailed) -> Self {
        Self::Crypto(CryptoError::Random(failed))
    }
}

/// The caller used the API in a way that it does not allow; the engine is unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ApiMisuse {
    /// No such IKE SA.
    #[error("no IKE SA {0:?}")]
    UnknownIkeSa(IkeSaId),
    /// No such bundle.
    #[error("no bundle {0:?}")]
    UnknownBundle(BundleId),
    /// Nothing waits for this ticket.
    #[error("nothing waits for {0:?}")]
    UnknownTicket(Ticket),
    /// `now` lies before an earlier `now`; the earlier one was used.
    #[error("time went back by {0:?}")]
    TimeWentBack(Duration),
}

impl Reject {
    /// What an authenticated peer is told: the whole notify policy stands here (RFC 2408 3.14.1).
    ///
    /// A peer that has proved nothing is told nothing, but for NO-PROPOSAL-CHOSEN in answer to the first message
    /// of a configured peer; that rule stands where the message is sent.
    pub fn notify(&self) -> Option<NotifyType> {
        match self {
            Self::Malformed(_) => Some(NotifyType::PAYLOAD_MALFORMED),
            Self::Misbehaved(misbehaviour) => misbehaviour.notify(),
            Self::Incompatible(incompatibility) => incompatibility.notify(),
        }
    }
}

impl Misbehaviour {
    fn notify(&self) -> Option<NotifyType> {
        match self {
            Self::OldPort | Self::Marker | Self::Liveness(_) | Self::Fragment(_) | Self::TooFast => None,
            Self::UnknownCookies | Self::Undecipherable | Self::Reflected(_) | Self::EncryptionFlag => None,
            Self::Version(_) => Some(NotifyType::INVALID_MAJOR_VERSION),
            Self::UnexpectedExchange(_) => Some(NotifyType::UNSUPPORTED_EXCHANGE_TYPE),
            Self::Missing(_) | Self::Repeated(_) | Self::Misplaced(_) | Self::NonceLength(_) => {
                Some(NotifyType::PAYLOAD_MALFORMED)
            }
            Self::Foreign(_) => Some(NotifyType::INVALID_PAYLOAD_TYPE),
            Self::PublicValue(_) => Some(NotifyType::INVALID_KEY_INFORMATION),
            Self::NotOffered(_) | Self::ProposalOrder(_) => Some(NotifyType::BAD_PROPOSAL_SYNTAX),
            Self::Spi => Some(NotifyType::INVALID_SPI),
            Self::Identity(_) => Some(NotifyType::INVALID_ID_INFORMATION),
            Self::MessageId => Some(NotifyType::INVALID_MESSAGE_ID),
        }
    }
}

impl Incompatibility {
    fn notify(&self) -> Option<NotifyType> {
        match self {
            Self::UnknownPeer | Self::NoKey(_) => None,
            Self::NoProposalChosen => Some(NotifyType::NO_PROPOSAL_CHOSEN),
            Self::Doi(_) => Some(NotifyType::DOI_NOT_SUPPORTED),
            Self::Situation(_) => Some(NotifyType::SITUATION_NOT_SUPPORTED),
            Self::Identity | Self::Selectors => Some(NotifyType::INVALID_ID_INFORMATION),
            Self::MessageIdsExhausted => Some(NotifyType::INVALID_MESSAGE_ID),
        }
    }
}
