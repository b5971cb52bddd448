//! KE and nonce: making ours, accepting the peer's (RFC 2409 5).

use alloc::boxed::Box;
use alloc::vec::Vec;

use bytes::Bytes;
use crypto_provider::{EphemeralKey, PeerPublic, Work};
use isakmp_wire::{Message, MessageId, Payload, PayloadKind};

use crate::auth::{AuthCx, Contribution, Credentials, IdentitySlot};
use crate::context::Cx;
use crate::error::{Abort, LocalFailure, Misbehaviour, Reject};
use crate::event::Event;
use crate::exchange::incoming::Incoming;
use crate::identity::Identity;
use crate::nat::NatDetected;
use crate::phase1::facts::{Agreed, Exchanged};
use crate::phase1::finish;
use crate::policy::{Mode, Path};
use crate::vendors::PeerVendors;

/// RFC 2409 5: the length of a nonce.
pub(crate) const NONCE_LEN: core::ops::RangeInclusive<usize> = 8..=256;

/// Our contribution with the exponent behind it, and its payloads.
pub(crate) struct Made {
    pub(crate) mine: Contribution,
    pub(crate) ephemeral: Box<dyn EphemeralKey>,
    pub(crate) payloads: Vec<Payload>,
}

/// A fresh exponent and a fresh nonce for this exchange and no other.
pub(crate) fn make(agreed: &Agreed, cx: &mut Cx<'_>) -> Result<Made, Abort> {
    let ephemeral = agreed.suite.group.start(&*cx.provider.random).map_err(LocalFailure::Crypto)?;
    let nonce = cx.random(agreed.offered.policy.nonce_len)?;
    // In Aggressive Mode the identity goes with the contribution whatever the method.
    let identity = match (agreed.offered.mode, agreed.authenticator.identity_slot()) {
        (Mode::Main, IdentitySlot::WithProof) => None,
        (Mode::Aggressive, _) | (_, IdentitySlot::WithContribution) => {
            Some(finish::our_identity(&agreed.offered))
        }
    };
    let public = Bytes::copy_from_slice(ephemeral.public());
    let mine = Contribution { public, nonce: nonce.into(), identity };
    let mut payloads = agreed.authenticator.seal(&mine, cx)?;
    let scripted = cx.overrides.after_contribution();
    // In Aggressive Mode NAT-D goes with the proof: in message 1 nothing is agreed on.
    if agreed.offered.mode == Mode::Main && scripted.is_empty() {
        payloads.extend(agreed.nat_discovery());
    }
    payloads.extend(scripted);
    Ok(Made { mine, ephemeral, payloads })
}

/// The peer's contribution, checked, with what is known about the peer.
pub(crate) struct Theirs {
    pub(crate) contribution: Contribution,
    pub(crate) public: PeerPublic,
    pub(crate) credentials: Credentials,
    /// What the peer has announced up to this message.
    pub(crate) vendors: PeerVendors,
    /// What its NAT-D payloads tell.
    pub(crate) nat: Option<NatDetected>,
}

/// Checks message 3 or 4 of Main Mode. `mine` is our own contribution, if it was sent already.
pub(crate) fn check_alone(
    agreed: &Agreed,
    mine: Option<&Contribution>,
    incoming: &Incoming,
    cx: &mut Cx<'_>,
) -> Work<Result<Theirs, Reject>> {
    match incoming.clear() {
        Ok(message) => check(agreed, mine, (&message, &incoming.path), cx),
        Err(reject) => Work::Done(Err(reject)),
    }
}

/// Checks the contribution in a message, and the identity where it comes with it.
pub(crate) fn check(
    agreed: &Agreed,
    mine: Option<&Contribution>,
    (message, path): (&Message, &Path),
    cx: &mut Cx<'_>,
) -> Work<Result<Theirs, Reject>> {
    if let Err(misbehaviour) = agreed.authenticator.contribution_shape().check(message) {
        return Work::Done(Err(misbehaviour.into()));
    }
    let contribution = match agreed.authenticator.open(message, cx) {
        Work::Done(Ok(contribution)) => contribution,
        Work::Done(Err(reject)) => return Work::Done(Err(reject)),
        Work::Pending(ticket) => return Work::Pending(ticket),
    };
    let checked = with_identity(agreed, contribution, message).and_then(|contribution| {
        let public = check_values(agreed, mine, &contribution)?;
        Ok((contribution, public))
    });
    let (contribution, public) = match checked {
        Ok(checked) => checked,
        Err(misbehaviour) => return Work::Done(Err(misbehaviour.into())),
    };
    let identity = contribution.identity.as_ref().and_then(|id| id.get()).and_then(Identity::from_wire);
    let peer = AuthCx { path: &agreed.offered.path, peer: identity.as_ref() };
    let credentials = agreed.authenticator.credentials(&peer, cx);
    let vendors = agreed.offered.vendors.and(message);
    let nat = agreed.read_nat(&vendors, (message, path), cx);
    credentials.map(|credentials| {
        let credentials = credentials?;
        // What follows costs an exponentiation, and the peer has proved nothing.
        cx.may_exponentiate(path.remote.ip())?;
        Ok(Theirs { contribution, public, credentials, vendors, nat })
    })
}

/// In Aggressive Mode the identity is beside the contribution, unless the method had it sealed in there.
fn with_identity(
    agreed: &Agreed,
    theirs: Contribution,
    message: &Message,
) -> Result<Contribution, Misbehaviour> {
    let kind = PayloadKind::IDENTIFICATION;
    match (agreed.offered.mode, &theirs.identity) {
        (Mode::Main, _) | (Mode::Aggressive, Some(_)) => Ok(theirs),
        (Mode::Aggressive, None) => {
            let id = message.first(kind).ok_or(Misbehaviour::Missing(kind))?;
            // A copy, for the same reason as in the contribution.
            let copy = Bytes::copy_from_slice(id.raw());
            let id = Payload::from_raw(kind, copy).map_err(|_| Misbehaviour::Missing(kind))?;
            Ok(Contribution { identity: Some(id), ..theirs })
        }
    }
}

fn check_values(
    agreed: &Agreed,
    mine: Option<&Contribution>,
    theirs: &Contribution,
) -> Result<PeerPublic, Misbehaviour> {
    if !NONCE_LEN.contains(&theirs.nonce.len()) {
        return Err(Misbehaviour::NonceLength(theirs.nonce.len()));
    }
    // Meadows 1999: a peer that only returns what we sent must not come further.
    if mine.is_some_and(|mine| mine.public == theirs.public) {
        return Err(Misbehaviour::Reflected("public value"));
    }
    if mine.is_some_and(|mine| mine.nonce == theirs.nonce) {
        return Err(Misbehaviour::Reflected("nonce"));
    }
    Ok(agreed.suite.group.peer_public(&theirs.public)?)
}

/// Reports the payloads of an accepted contribution. In Aggressive Mode the identity is one of them: a pre-shared key is
/// found by it, and SKEYID depends on the key (RFC 2409 5).
pub(crate) fn report(agreed: &Agreed, cx: &mut Cx<'_>) {
    let identity = (agreed.offered.mode == Mode::Aggressive).then_some(PayloadKind::IDENTIFICATION);
    for payload in [PayloadKind::KEY_EXCHANGE, PayloadKind::NONCE].into_iter().chain(identity) {
        cx.out.event(Event::Processing {
            ike_sa: agreed.offered.ike_sa,
            payload,
            message_id: MessageId::ZERO,
        });
    }
}

/// Our ID payload where it goes with the contribution and the method does not seal it: Aggressive Mode.
pub(crate) fn identity_beside(exchanged: &Exchanged) -> Option<Payload> {
    match exchanged.agreed.authenticator.identity_slot() {
        IdentitySlot::WithProof => exchanged.mine.identity.clone(),
        IdentitySlot::WithContribution => None,
    }
}
