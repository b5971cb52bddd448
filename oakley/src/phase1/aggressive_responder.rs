//! Aggressive Mode as responder (RFC 2409 5).
//!
//! ```text
//!   HDR, SA, contribution, IDii          -->
//!                                        <--  HDR, SA, contribution, IDir, proof
//!   HDR[*], proof                        -->                                         AwaitLastProof
//! ```
//!
//! The proof in message 2 goes to whoever asked: with a pre-shared key that is material for guessing it at leisure. So a
//! policy must ask for this mode, and each answer is reported.

use alloc::sync::Arc;
use alloc::vec;

use bytes::Bytes;
use crypto_provider::Work;
use isakmp_wire::payload::{Identification, KeyExchange, SecurityAssociation};
use isakmp_wire::{Message, MessageId, PayloadKind};

use crate::context::Cx;
use crate::error::{Abort, IdentityFault, LocalFailure, Misbehaviour, Reject};
use crate::event::{Cookies, Event};
use crate::exchange::incoming::Incoming;
use crate::exchange::shape::AGGRESSIVE_OFFER;
use crate::identity::Identity;
use crate::keys::Suite;
use crate::phase1::contribution::{self, Made, Theirs};
use crate::phase1::facts::{Agreed, Exchanged, Offered};
use crate::phase1::finish::{self};
use crate::phase1::offer::Report;
use crate::phase1::proving::{self, Then};
use crate::phase1::{Begun, Step, offer};
use crate::policy::{Mode, Phase1Policy, Role};
use crate::sa::IkeSaId;
use crate::vendors::PeerVendors;

/// The identity in message 1, which the policy is asked about; `None` if it is encrypted on its own.
pub(crate) fn identity(message: &Message) -> Result<Option<Identity>, Misbehaviour> {
    let kind = PayloadKind::IDENTIFICATION;
    let payload = message.first(kind).ok_or(Misbehaviour::Missing(kind))?;
    let named =
        |body: &Identification| Identity::from_wire(body).ok_or(IdentityFault::NoPeer(body.id_type).into());
    payload.get().map(named).transpose()
}

/// Works on message 1.
pub(crate) fn begin(
    ike_sa: IkeSaId,
    incoming: &Incoming,
    policy: Arc<Phase1Policy>,
    cx: &mut Cx<'_>,
) -> Begun {
    let message = match incoming.clear() {
        Ok(message) => message,
        Err(reject) => return Begun::Refused(reject),
    };
    let answer = match answer(ike_sa, incoming, (&message, policy), cx) {
        Ok(answer) => answer,
        Err(Failed::Refused(reject)) => return Begun::Refused(reject),
        Err(Failed::Local(abort)) => return Begun::Failed(abort),
    };
    let theirs = match contribution::check(&answer.agreed, None, (&message, &incoming.path), cx) {
        Work::Done(Ok(theirs)) => theirs,
        Work::Done(Err(reject)) => return Begun::Refused(reject),
        Work::Pending(ticket) => return Begun::Pending(ticket),
    };
    let cookies = answer.agreed.offered.cookies;
    match reply(answer, theirs, cx) {
        Ok(step) => Begun::Answered(step, cookies),
        Err(abort) => Begun::Failed(abort),
    }
}

enum Failed {
    Refused(Reject),
    Local(Abort),
}

impl<T: Into<Reject>> From<T> for Failed {
    fn from(reject: T) -> Self {
        Self::Refused(reject.into())
    }
}

struct Answer {
    agreed: Agreed,
    sa_r: isakmp_wire::Payload,
}

fn answer(
    ike_sa: IkeSaId,
    incoming: &Incoming,
    (message, policy): (&Message, Arc<Phase1Policy>),
    cx: &mut Cx<'_>,
) -> Result<Answer, Failed> {
    let local = |failure: LocalFailure| Failed::Local(failure.into());
    AGGRESSIVE_OFFER.check(message)?;
    let payload = PayloadKind::SA;
    cx.out.event(Event::Processing { ike_sa, payload, message_id: MessageId::ZERO });
    let sa_i = message.first(payload).ok_or(Misbehaviour::Missing(payload))?;
    let sa_i_b = Bytes::copy_from_slice(sa_i.raw());
    let sa = message.get::<SecurityAssociation>().ok_or(Misbehaviour::Missing(payload))?;
    let public = message.get::<KeyExchange>().map(|body| &body.public[..]).unwrap_or_default();
    let public_of = offer::group_of_public(sa, public, cx.provider)?;
    let mut report = Report { ike_sa, path: incoming.path, out: &mut *cx.out };
    let (chosen, sa_r) = offer::choose(sa, &policy, public_of, &mut report)?;
    let responder = cx.cookie().map_err(local)?;
    let cookies = Cookies { initiator: incoming.header.initiator_cookie, responder };
    let (path, method) = (incoming.path, chosen.method);
    let vendors = PeerVendors::default();
    let offered = Offered {
        ike_sa,
        path,
        role: Role::Responder,
        mode: Mode::Aggressive,
        cookies,
        policy,
        sa_i_b,
        vendors,
        nat: None,
    };
    let suite = Suite::resolve(chosen, cx.provider).ok_or_else(|| local(LocalFailure::Algorithm))?;
    let authenticator = cx.authenticator(method).ok_or_else(|| local(LocalFailure::Method(method)))?;
    Ok(Answer { agreed: Agreed { offered, suite, authenticator }, sa_r })
}

/// Message 2.
fn reply(answer: Answer, theirs: Theirs, cx: &mut Cx<'_>) -> Result<Step, Abort> {
    let Answer { mut agreed, sa_r } = answer;
    contribution::report(&agreed, cx);
    let Theirs { contribution, public, credentials, vendors, .. } = theirs;
    agreed.offered.vendors = vendors;
    let Made { mine, ephemeral, payloads: sealed } = contribution::make(&agreed, cx)?;
    let g_xy = ephemeral.complete(&public).map_err(LocalFailure::Crypto)?;
    let exchanged = Exchanged { agreed, mine, theirs: contribution, credentials };
    let keyed = finish::key(exchanged, &g_xy, cx)?;
    finish::report_keys(&keyed, cx);
    let mut before = vec![sa_r];
    before.extend(sealed);
    before.extend(contribution::identity_beside(&keyed.exchanged));
    let agreed = &keyed.exchanged.agreed;
    let after = offer::vendor_ids(&agreed.offered).chain(agreed.nat_discovery()).collect();
    proving::start(keyed, Then::AggressiveResponder { before, after }, cx)
}
