//! Failures by blame, and the one table of what a peer is told about them.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;
use core::net::IpAddr;
use core::time::Duration;

use bytes::Bytes;
use crypto_provider::{CryptoError, InvalidPublic, Ticket};
use isakmp_wire::{ExchangeType, IdType, NotifyType, ParseError, PayloadKind, ProtocolId};
use thiserror::Error;

use crate::event::Difference;
use crate::fragments::FragmentFault;
use crate::identity::Identity;
use crate::policy::{AuthMethod, Mode, PeerIdentity, SelectorPair};
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
    NotOffered(#[from] NotOffered),
    /// An SPI of a wrong size, below 256 (RFC 4303 2.1), or of another SA.
    #[error("an SPI that must not be used: 0x{}", hex(.0))]
    Spi(Bytes),
    /// An identity other than it must be.
    #[error("an identity that must not stand here: {0}")]
    Identity(#[from] IdentityFault),
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
    #[error("no policy for {} that asks for {mode:?} Mode", named(identity))]
    UnknownPeer {
        /// Who it says it is, where that comes in clear: Aggressive Mode.
        identity: Option<Identity>,
        /// What it asked for.
        mode: Mode,
    },
    /// No offered proposal fits.
    #[error("no proposal fits: {}", nearest.as_ref().map_or(&"there is none" as &dyn fmt::Display, |nearest| nearest))]
    NoProposalChosen {
        /// In what the proposal differs that came nearest; `None` if nothing was compared.
        nearest: Option<Difference>,
    },
    /// Another DOI than IPsec's.
    #[error("DOI {0}")]
    Doi(u32),
    /// Another situation than identity only (RFC 2407 4.2).
    #[error("situation {0:#x}")]
    Situation(u32),
    /// No pre-shared key for this peer: of the name that it gave in Aggressive Mode, or in Main Mode (`None`) of its
    /// address.
    #[error("no pre-shared key for {}", named(.0))]
    NoKey(Option<Identity>),
    /// The peer proved an identity that is not the configured one.
    #[error("the peer proved to be {proved}, expected is {expected}")]
    Identity {
        /// The identity that it proved.
        proved: Identity,
        /// What the policy expects.
        expected: PeerIdentity,
    },
    /// No phase 2 policy for this flow, or one for less than was asked for.
    #[error("no policy for the flow {wanted}{}", narrower(allowed))]
    Selectors {
        /// The flow that the peer asked for, as seen from here.
        wanted: Box<SelectorPair>,
        /// What the policy has, if it has anything near.
        allowed: Option<Box<SelectorPair>>,
    },
    /// The IKE SA cannot name another exchange.
    #[error("the IKE SA has used up its message ids")]
    MessageIdsExhausted,
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn named(identity: &Option<Identity>) -> &dyn fmt::Display {
    identity.as_ref().map_or(&"the peer's address", |identity| identity)
}

fn narrower(allowed: &Option<Box<SelectorPair>>) -> String {
    allowed.as_ref().map_or_else(String::new, |allowed| format!(", only for {allowed}"))
}

/// In what an answer is not one of the offers (RFC 2408 4.2).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NotOffered {
    /// It has more or fewer proposals than any offer has under one number.
    #[error("{answered} proposals under one number, none of which were offered together")]
    Proposals {
        /// How many.
        answered: usize,
    },
    /// It has more or fewer than one transform in a proposal.
    #[error("{0} transforms where one is chosen")]
    Transforms(usize),
    /// It has a protocol that was not offered here.
    #[error("protocol {0}")]
    Protocol(ProtocolId),
    /// It has a protocol twice.
    #[error("protocol {0} twice")]
    ProtocolTwice(ProtocolId),
    /// Its SPI is longer than both cookies: octets.
    #[error("an SPI of {0} octets in phase 1")]
    SpiLength(usize),
    /// Its transform id is in none of the offers.
    #[error("transform id {0}")]
    TransformId(u8),
    /// An attribute is not that of the offer that comes nearest.
    #[error("attribute {class}: offered {}, answered {}", shown(offered), shown(answered))]
    Attribute {
        /// The attribute's class number.
        class: u16,
        /// What we offered; `None` if we did not state it, or not as a number.
        offered: Option<u64>,
        /// What the answer has.
        answered: Option<u64>,
    },
    /// A public value although no group was agreed on.
    #[error("a public value without a group")]
    PublicValue,
    /// It was offered, and the provider or the policy has it no more.
    #[error("nothing that can be used any more")]
    Unusable,
}

fn shown(value: &Option<u64>) -> String {
    value.map_or_else(|| "nothing".to_string(), |value| value.to_string())
}

/// In what an ID payload is not what it must be (RFC 2407 4.6.2).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum IdentityFault {
    /// Phase 1: a type that names no peer, or contents that are not the type's.
    #[error("type {0} names no peer, or what it holds is not of that type")]
    NoPeer(IdType),
    /// Phase 2: a type that names no flow.
    #[error("type {0} names no flow")]
    NoFlow(IdType),
    /// Phase 1: a protocol and port that are not IKE's.
    #[error("protocol {protocol} and port {port}, which are not IKE's")]
    Port {
        /// The protocol.
        protocol: u8,
        /// The port.
        port: u16,
    },
    /// Phase 2: a port of no protocol.
    #[error("port {0} without a protocol")]
    PortWithoutProtocol(u16),
    /// Phase 2: contents of another size than the type's.
    #[error("{octets} octets are not the size of type {id_type}")]
    Size {
        /// The type.
        id_type: IdType,
        /// The octets that are there.
        octets: usize,
    },
    /// Phase 2: a netmask with holes.
    #[error("a mask with holes: {0}")]
    Mask(IpAddr),
    /// Phase 2: a range that ends before it begins.
    #[error("the range from {first} to {last} ends before it begins")]
    Backwards {
        /// The first address.
        first: IpAddr,
        /// The last address.
        last: IpAddr,
    },
    /// Phase 2: IPv4 on one side and IPv6 on the other.
    #[error("IPv4 on one side and IPv6 on the other")]
    Families,
    /// Phase 2: an answer with other identities than were sent (RFC 2409 5.5).
    #[error("sent was {sent}, answered was {}", answered.as_ref().map_or(&"nothing" as &dyn fmt::Display, |flow| flow))]
    Changed {
        /// The flow that was asked for.
        sent: Box<SelectorPair>,
        /// The flow that was answered, if it can be read.
        answered: Option<Box<SelectorPair>>,
    },
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
            Self::NotOffered(_) => Some(NotifyType::BAD_PROPOSAL_SYNTAX),
            Self::Spi(_) => Some(NotifyType::INVALID_SPI),
            Self::Identity(_) => Some(NotifyType::INVALID_ID_INFORMATION),
            Self::MessageId => Some(NotifyType::INVALID_MESSAGE_ID),
        }
    }
}

impl Incompatibility {
    fn notify(&self) -> Option<NotifyType> {
        match self {
            Self::UnknownPeer { .. } | Self::NoKey(_) => None,
            Self::NoProposalChosen { .. } => Some(NotifyType::NO_PROPOSAL_CHOSEN),
            Self::Doi(_) => Some(NotifyType::DOI_NOT_SUPPORTED),
            Self::Situation(_) => Some(NotifyType::SITUATION_NOT_SUPPORTED),
            Self::Identity { .. } | Self::Selectors { .. } => Some(NotifyType::INVALID_ID_INFORMATION),
            Self::MessageIdsExhausted => Some(NotifyType::INVALID_MESSAGE_ID),
        }
    }
}
