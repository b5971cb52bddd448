//! Phase 2 (RFC 2409 5.5, 5.7): Quick Mode and Informational exchanges under an IKE SA.
//!
//! ```text
//!   HDR*, HASH(1), SA, Ni [, KE ] [, IDci, IDcr ]  -->
//!                                                  <--  HDR*, HASH(2), SA, Nr [, KE ] [, IDci, IDcr ]
//!   HDR*, HASH(3)                                  -->
//! ```
//!
//! The responder installs its inbound SAs before message 2 leaves and its outbound SAs when message 3 has come; the
//! initiator installs both before message 3 leaves.

pub(crate) mod connected;
pub(crate) mod dpd;
pub(crate) mod hash;
pub(crate) mod informational;
pub(crate) mod keymat;
pub(crate) mod lifetime;
pub(crate) mod offer;
pub(crate) mod quick_initiator;
pub(crate) mod quick_responder;
pub(crate) mod selectors;
pub(crate) mod transform;

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;
use crypto_provider::CryptoProvider;
use isakmp_wire::payload::Nonce;
use isakmp_wire::{Body, Message, MessageId, Payload, PayloadKind};

use crate::context::Cx;
use crate::error::{Abort, Misbehaviour, Reject};
use crate::event::{Bundle, Cookies};
use crate::exchange::duplicate::Accepted;
use crate::exchange::flight::Flight;
use crate::exchange::incoming::Incoming;
use crate::exchange::iv::{Iv, IvChain, PendingIv};
use crate::identity::Identity;
use crate::input::Request;
use crate::keys::{Keys, Suite};
use crate::nat::{self, NatDetected};
use crate::phase1::contribution::NONCE_LEN;
use crate::policy::{Path, Peer, Phase1Policy, Phase2Policy, Phase2Proposal, Protocol, Role};
use crate::sa::{IkeSaId, Spi};
use crate::vendors::PeerVendors;

/// What every exchange under an IKE SA uses of it.
pub(crate) struct Ike {
    pub(crate) id: IkeSaId,
    /// Its ends; they follow a peer behind a translator.
    pub(crate) path: Path,
    /// The ends at the first message.
    pub(crate) home: Path,
    /// What NAT-D payloads told.
    pub(crate) nat: Option<NatDetected>,
    pub(crate) role: Role,
    pub(crate) cookies: Cookies,
    pub(crate) policy: Arc<Phase1Policy>,
    pub(crate) suite: Suite,
    pub(crate) keys: Keys,
    pub(crate) last_block: Iv,
    pub(crate) identity: Identity,
    /// What the peer announced during phase 1.
    pub(crate) vendors: PeerVendors,
    /// When phase 1 began: what is older than this is from before.
    pub(crate) began: Duration,
    pub(crate) established: Duration,
}

impl Ike {
    /// The peer, authenticated.
    pub(crate) fn peer(&self) -> Peer<'_> {
        Peer::new(&self.path, Some(&self.identity))
    }

    /// A policy as it is between these two peers: where there is a translator, packets travel in UDP, and AH does not pass
    /// (RFC 3947 5.1, RFC 3948 1).
    pub(crate) fn fitted(&self, policy: Arc<Phase2Policy>) -> Arc<Phase2Policy> {
        if !self.nat.is_some_and(|nat| nat.encapsulates()) {
            return policy;
        }
        let mut fitted = Phase2Policy::clone(&policy);
        fitted.encapsulation = nat::encapsulation(policy.encapsulation, self.nat);
        let has_ah = |proposal: &Phase2Proposal| {
            proposal.protections.iter().flatten().any(|transform| transform.protocol == Protocol::Ah)
        };
        fitted.proposals.retain(|proposal| !has_ah(proposal));
        Arc::new(fitted)
    }

    /// The number under which a policy's encapsulation travels to this peer.
    pub(crate) fn mode_number(&self, policy: &Phase2Policy) -> u16 {
        nat::mode_number(policy.encapsulation, self.nat)
    }

    /// A fresh chain for a message id.
    pub(crate) fn chain(&self, message_id: MessageId) -> IvChain {
        IvChain::for_message_id(self.suite.hash, &self.last_block, message_id)
    }

    /// Decrypts a message of an exchange under this SA; nothing of it is authentic yet. Whatever is wrong with it looks
    /// the same from outside.
    pub(crate) fn decrypt(
        &self,
        chain: &IvChain,
        incoming: &Incoming,
    ) -> Result<(Message, PendingIv), Reject> {
        let encrypted = incoming.encrypted()?;
        let (plaintext, iv) = chain.decrypt(&*self.keys.cipher, encrypted.ciphertext())?;
        let message = encrypted.decrypted(plaintext).map_err(|_| Misbehaviour::Undecipherable)?;
        Ok((message, iv))
    }
}

/// A Quick Mode with what every exchange has.
pub(crate) struct QuickSlot {
    pub(crate) state: Quick,
    pub(crate) role: Role,
    pub(crate) flight: Flight,
    pub(crate) accepted: Accepted,
    /// Where the peer of a Quick Mode that it began was then: an authentic first message may be an old one, which moves
    /// nothing, and its answer goes where it came from.
    pub(crate) from: Option<Path>,
    pub(crate) iv: IvChain,
    /// When it began.
    pub(crate) began: Duration,
    /// What it serves, if we began it: never lost, whatever ends the exchange.
    pub(crate) request: Option<Request>,
    /// The inbound SPIs that it holds.
    pub(crate) spis: Vec<(Protocol, Spi)>,
}

/// What an acceptable message leads to.
pub(crate) enum Progress {
    /// The bundle is complete; `send` is our last message, if we owe one.
    Complete { send: Option<Bytes>, bundle: Arc<Bundle> },
    /// Message 3 goes out, and CONNECTED is waited for.
    Commit { send: Bytes, next: Quick },
}

impl QuickSlot {
    /// Hands a message to the state that waits for it. A state that is not there any more has failed for good.
    pub(crate) fn step(
        &mut self,
        ike: &Ike,
        incoming: &Incoming,
        cx: &mut Cx<'_>,
    ) -> Result<Progress, Failure> {
        match core::mem::replace(&mut self.state, Quick::Complete) {
            Quick::AwaitReply(state) => match state.check(ike, &self.iv, incoming, cx) {
                Ok(reply) => state.advance(reply, ike, &mut self.iv, cx).map_err(Failure::Local),
                Err(failure) => {
                    self.state = Quick::AwaitReply(state);
                    Err(failure)
                }
            },
            Quick::AwaitHash3(state) => match state.check(ike, &self.iv, incoming, cx) {
                Ok(pending) => {
                    self.iv.commit(pending);
                    state.advance(ike, &mut self.iv, cx).map_err(Failure::Local)
                }
                Err(failure) => {
                    self.state = Quick::AwaitHash3(state);
                    Err(failure)
                }
            },
            Quick::AwaitConnected(state) => match state.check(ike, &self.iv, incoming, cx) {
                Ok(pending) => {
                    self.iv.commit(pending);
                    Ok(Progress::Complete { send: None, bundle: state.advance(cx) })
                }
                Err(failure) => {
                    self.state = Quick::AwaitConnected(state);
                    Err(failure)
                }
            },
            Quick::Complete => {
                Err(Failure::Quiet(Misbehaviour::UnexpectedExchange(incoming.header.exchange).into()))
            }
        }
    }
}

/// A Quick Mode between two messages.
pub(crate) enum Quick {
    /// Our message 1 is sent.
    AwaitReply(Box<quick_initiator::AwaitReply>),
    /// Our message 2 is sent.
    AwaitHash3(Box<quick_responder::AwaitHash3>),
    /// Our message 3 is sent, and the peer set the commit bit.
    AwaitConnected(Box<connected::AwaitConnected>),
    /// Complete; the last datagram is kept for a peer that lost it.
    Complete,
}

impl Quick {
    /// The bundle of which a half is installed already.
    pub(crate) fn half(&self) -> Option<&Arc<Bundle>> {
        match self {
            Self::AwaitHash3(state) => Some(state.bundle()),
            Self::AwaitConnected(state) => Some(state.bundle()),
            Self::AwaitReply(_) | Self::Complete => None,
        }
    }
}

/// What an authenticated but unacceptable message leads to: the exchange ends, and the peer is told.
pub(crate) struct Refused {
    pub(crate) why: Reject,
    /// The peer's SPI that the refusal is about, and its protocol, if there is one.
    pub(crate) about: Option<(isakmp_wire::ProtocolId, Bytes)>,
}

impl From<Reject> for Refused {
    fn from(why: Reject) -> Self {
        Self { why, about: None }
    }
}

impl From<Misbehaviour> for Refused {
    fn from(why: Misbehaviour) -> Self {
        Reject::from(why).into()
    }
}

/// Why a Quick Mode message did not lead on.
pub(crate) enum Failure {
    /// It is not authentic, or not ours: nothing has happened.
    Quiet(Reject),
    /// It is authentic and unacceptable: the exchange ends.
    Refused(Refused),
    /// Our own side failed.
    Local(Abort),
    /// An answer is outstanding; the message will be tried again.
    Pending(crypto_provider::Ticket),
}

/// The nonce of a Quick Mode message, of a legal length.
pub(crate) fn nonce(message: &Message) -> Result<Bytes, Misbehaviour> {
    let nonce = message.get::<Nonce>().ok_or(Misbehaviour::Missing(PayloadKind::NONCE))?;
    if !NONCE_LEN.contains(&nonce.octets.len()) {
        return Err(Misbehaviour::NonceLength(nonce.octets.len()));
    }
    Ok(nonce.octets.clone())
}

/// IDci and IDcr: both or none (RFC 2409 5.5).
pub(crate) fn client_ids(message: &Message) -> Result<Option<(Payload, Payload)>, Misbehaviour> {
    let ids: Vec<&Payload> = message.of_kind(PayloadKind::IDENTIFICATION).collect();
    match ids.as_slice() {
        [] => Ok(None),
        [ci, cr] => Ok(Some(((*ci).clone(), (*cr).clone()))),
        [_] => Err(Misbehaviour::Missing(PayloadKind::IDENTIFICATION)),
        _ => Err(Misbehaviour::Repeated(PayloadKind::IDENTIFICATION)),
    }
}

/// The identification in a payload that holds one.
pub(crate) fn identification(
    payload: &Payload,
) -> Result<&isakmp_wire::payload::Identification, Misbehaviour> {
    match payload.body() {
        Body::Identification(body) => Ok(body),
        _ => Err(Misbehaviour::Missing(PayloadKind::IDENTIFICATION)),
    }
}

/// Whether the provider can make keys for everything that was chosen.
pub(crate) fn available(provider: &CryptoProvider, transforms: &[crate::policy::Phase2Transform]) -> bool {
    use crate::policy::Confidentiality;
    transforms.iter().all(|transform| {
        let confidentiality = match transform.confidentiality {
            Confidentiality::None => true,
            Confidentiality::Cipher(cipher, _) => provider.cipher(cipher).is_some(),
            Confidentiality::Aead(aead, _) => provider.aead(aead).is_some(),
        };
        confidentiality && transform.integrity.is_none_or(|hash| provider.prf(hash).is_some())
    })
}
