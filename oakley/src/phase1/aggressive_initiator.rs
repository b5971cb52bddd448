//! Aggressive Mode as initiator (RFC 2409 5).
//!
//! ```text
//!   HDR, SA, contribution, IDii          -->
//!                                        <--  HDR, SA, contribution, IDir, proof     AwaitReply
//!   HDR[*], proof                        -->
//! ```
//!
//! The group and the method are fixed with the first message, so only suites that share them are offered.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec;

use bytes::Bytes;
use crypto_provider::{EphemeralKey, Work};
use isakmp_wire::payload::SecurityAssociation;
use isakmp_wire::{Cookie, Message, MessageId, Payload, PayloadKind};

use crate::auth::{Contribution, IdentitySlot};
use crate::context::Cx;
use crate::error::{Abort, LocalFailure, Misbehaviour, NotOffered, Reject};
use crate::event::{Cookies, Event};
use crate::exchange::incoming::Incoming;
use crate::exchange::shape::AGGRESSIVE_OFFER;
use crate::keys::Suite;
use crate::phase1::contribution::{self, Made, Theirs};
use crate::phase1::facts::{Agreed, Exchanged, Keyed, Offered, clear_message};
use crate::phase1::finish::{self, Proven};
use crate::phase1::offer::Report;
use crate::phase1::proving::{self, Then};
use crate::phase1::{Step, Waiting, offer};
use crate::policy::{Mode, Path, Phase1Policy, Phase1Suite, Role};
use crate::sa::IkeSaId;
use crate::vendors::PeerVendors;

/// Sends message 1.
pub(crate) fn begin(
    ike_sa: IkeSaId,
    path: Path,
    policy: &Phase1Policy,
    cx: &mut Cx<'_>,
) -> Result<(Box<AwaitReply>, Bytes), Abort> {
    let first = policy.suites.first().ok_or(LocalFailure::Algorithm)?;
    let shared = |suite: &&Phase1Suite| suite.group == first.group && suite.method == first.method;
    let suites = policy.suites.iter().filter(shared).cloned().collect();
    let policy = Arc::new(Phase1Policy { suites, ..policy.clone() });
    let cookies = Cookies { initiator: cx.cookie()?, responder: Cookie::ZERO };
    let offer = offer::offer(&policy, cx)?;
    let sa_i_b = Bytes::copy_from_slice(offer.raw());
    let vendors = PeerVendors::default();
    let offered = Offered {
        ike_sa,
        path,
        role: Role::Initiator,
        mode: Mode::Aggressive,
        cookies,
        policy,
        sa_i_b,
        vendors,
        nat: None,
    };
    let suite = Suite::resolve(first.clone(), cx.provider).ok_or(LocalFailure::Algorithm)?;
    let authenticator = cx.authenticator(first.method).ok_or(LocalFailure::Method(first.method))?;
    let provisional = Agreed { offered, suite, authenticator };
    let Made { mine, ephemeral, payloads: contribution } = contribution::make(&provisional, cx)?;
    let offered = &provisional.offered;
    let mut payloads = vec![offer.clone()];
    payloads.extend(contribution);
    if provisional.authenticator.identity_slot() == IdentitySlot::WithProof {
        payloads.extend(mine.identity.clone());
    }
    payloads.extend(offer::vendor_ids(offered));
    let datagram = clear_message(offered.header(), payloads);
    Ok((Box::new(AwaitReply { provisional, offer, mine, ephemeral }), datagram))
}

/// Message 1 is sent; waits for message 2.
pub(crate) struct AwaitReply {
    /// With the first suite of the offer, whose group and method all others share.
    provisional: Agreed,
    offer: Payload,
    mine: Contribution,
    ephemeral: Box<dyn EphemeralKey>,
}

impl AwaitReply {
    pub(crate) fn offered(&self) -> &Offered {
        &self.provisional.offered
    }
}

/// An acceptable message 2, with the keys under which it held.
pub(crate) struct Replied {
    keyed: Keyed,
    proven: Proven,
}

impl Waiting for AwaitReply {
    type Checked = Replied;

    fn check(&self, incoming: &Incoming, cx: &mut Cx<'_>) -> Work<Result<Replied, Reject>> {
        let (message, agreed) = match self.check_answer(incoming, cx) {
            Ok(answer) => answer,
            Err(reject) => return Work::Done(Err(reject)),
        };
        let theirs = match contribution::check(&agreed, Some(&self.mine), (&message, &incoming.path), cx) {
            Work::Done(Ok(theirs)) => theirs,
            Work::Done(Err(reject)) => return Work::Done(Err(reject)),
            Work::Pending(ticket) => return Work::Pending(ticket),
        };
        match self.key(agreed, theirs, cx) {
            Ok(keyed) => finish::check_clear_proof(&keyed, Role::Responder, (&message, &incoming.path), cx)
                .map(|proven| Ok(Replied { keyed, proven: proven? })),
            // Keys that cannot be made prove nothing: the peer's next answer may be the genuine one.
            Err(_) => Work::Done(Err(Misbehaviour::Undecipherable.into())),
        }
    }

    fn advance(self: Box<Self>, replied: Replied, cx: &mut Cx<'_>) -> Result<Step, Abort> {
        let Replied { mut keyed, proven } = replied;
        contribution::report(&keyed.exchanged.agreed, cx);
        let offered = &mut keyed.exchanged.agreed.offered;
        offered.found(offered.nat, cx);
        finish::report_keys(&keyed, cx);
        finish::report(&keyed.exchanged.agreed.offered, cx);
        proving::start(keyed, Then::AggressiveInitiator(proven), cx)
    }
}

impl AwaitReply {
    fn check_answer(&self, incoming: &Incoming, cx: &mut Cx<'_>) -> Result<(Message, Agreed), Reject> {
        let mut offered = self.provisional.offered.clone();
        let responder_cookie = incoming.header.responder_cookie;
        if responder_cookie == offered.cookies.initiator {
            return Err(Misbehaviour::Reflected("cookie").into());
        }
        offered.cookies.responder = responder_cookie;
        let message = incoming.clear()?;
        AGGRESSIVE_OFFER.check(&message)?;
        let (ike_sa, payload) = (offered.ike_sa, PayloadKind::SA);
        cx.out.event(Event::Processing { ike_sa, payload, message_id: MessageId::ZERO });
        let sa = message.get::<SecurityAssociation>().ok_or(Misbehaviour::Missing(PayloadKind::SA))?;
        let mut report = Report { ike_sa, path: incoming.path, out: &mut *cx.out };
        let chosen = offer::accept(sa, &self.offer, &offered.policy, &mut report)?;
        let unusable = || Misbehaviour::from(NotOffered::Unusable);
        let suite = Suite::resolve(chosen, cx.provider).ok_or_else(unusable)?;
        Ok((message, Agreed { offered, suite, authenticator: self.provisional.authenticator }))
    }

    fn key(&self, mut agreed: Agreed, theirs: Theirs, cx: &mut Cx<'_>) -> Result<Keyed, Abort> {
        let Theirs { contribution, public, credentials, vendors, nat } = theirs;
        (agreed.offered.vendors, agreed.offered.nat) = (vendors, nat);
        let g_xy = self.ephemeral.agree(&public).map_err(LocalFailure::Crypto)?;
        let exchanged = Exchanged { agreed, mine: self.mine.clone(), theirs: contribution, credentials };
        finish::key(exchanged, &g_xy, cx)
    }
}
