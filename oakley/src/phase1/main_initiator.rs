//! Main Mode as initiator (RFC 2409 5).
//!
//! ```text
//!   HDR, SA              -->
//!                        <--  HDR, SA                AwaitSa
//!   HDR, contribution    -->
//!                        <--  HDR, contribution      AwaitReply
//!   HDR*, proof          -->
//!                        <--  HDR*, proof            AwaitLastProof
//! ```

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec;

use bytes::Bytes;
use crypto_provider::{EphemeralKey, Work};
use isakmp_wire::payload::SecurityAssociation;
use isakmp_wire::{Cookie, MessageId, Payload, PayloadKind};

use crate::auth::Contribution;
use crate::context::Cx;
use crate::error::{Abort, LocalFailure, Misbehaviour, Reject};
use crate::event::{Cookies, Event};
use crate::exchange::incoming::Incoming;
use crate::exchange::shape::MAIN_OFFER;
use crate::keys::Suite;
use crate::phase1::contribution::{self, Made, Theirs};
use crate::phase1::facts::{Agreed, Exchanged, Offered, clear_message};
use crate::phase1::finish::{self};
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
    policy: Arc<Phase1Policy>,
    cx: &mut Cx<'_>,
) -> Result<(Box<AwaitSa>, Bytes), Abort> {
    let cookies = Cookies { initiator: cx.cookie()?, responder: Cookie::ZERO };
    let offer = offer::offer(&policy, cx)?;
    let sa_i_b = Bytes::copy_from_slice(offer.raw());
    let vendors = PeerVendors::default();
    let offered = Offered {
        ike_sa,
        path,
        role: Role::Initiator,
        mode: Mode::Main,
        cookies,
        policy,
        sa_i_b,
        vendors,
        nat: None,
    };
    let mut payloads = vec![offer.clone()];
    payloads.extend(offer::vendor_ids(&offered));
    let datagram = clear_message(offered.header(), payloads);
    Ok((Box::new(AwaitSa { offered, offer }), datagram))
}

/// Our offer is sent; waits for message 2.
pub(crate) struct AwaitSa {
    offered: Offered,
    offer: Payload,
}

impl AwaitSa {
    pub(crate) fn offered(&self) -> &Offered {
        &self.offered
    }
}

/// The peer's choice.
pub(crate) struct Chosen {
    responder_cookie: Cookie,
    suite: Phase1Suite,
    vendors: PeerVendors,
}

impl Waiting for AwaitSa {
    type Checked = Chosen;

    fn check(&self, incoming: &Incoming, cx: &mut Cx<'_>) -> Work<Result<Chosen, Reject>> {
        Work::Done(self.check_answer(incoming, cx))
    }

    fn advance(self: Box<Self>, chosen: Chosen, cx: &mut Cx<'_>) -> Result<Step, Abort> {
        let mut offered = self.offered;
        offered.cookies.responder = chosen.responder_cookie;
        offered.vendors = chosen.vendors;
        let method = chosen.suite.method;
        let suite = Suite::resolve(chosen.suite, cx.provider).ok_or(LocalFailure::Algorithm)?;
        let authenticator = cx.authenticator(method).ok_or(LocalFailure::Method(method))?;
        let agreed = Agreed { offered, suite, authenticator };
        let Made { mine, ephemeral, payloads } = contribution::make(&agreed, cx)?;
        let send = clear_message(agreed.offered.header(), payloads);
        Ok(Step::Wait { next: Box::new(AwaitReply { agreed, mine, ephemeral }).into(), send })
    }
}

impl AwaitSa {
    fn check_answer(&self, incoming: &Incoming, cx: &mut Cx<'_>) -> Result<Chosen, Reject> {
        let responder_cookie = incoming.header.responder_cookie;
        if responder_cookie == self.offered.cookies.initiator {
            return Err(Misbehaviour::Reflected("cookie").into());
        }
        let message = incoming.clear()?;
        MAIN_OFFER.check(&message)?;
        let ike_sa = self.offered.ike_sa;
        let payload = PayloadKind::SA;
        cx.out.event(Event::Processing { ike_sa, payload, message_id: MessageId::ZERO });
        let sa = message.get::<SecurityAssociation>().ok_or(Misbehaviour::Missing(PayloadKind::SA))?;
        let mut report = Report { ike_sa, path: incoming.path, out: &mut *cx.out };
        let suite = offer::accept(sa, &self.offer, &self.offered.policy, &mut report)?;
        Ok(Chosen { responder_cookie, suite, vendors: self.offered.vendors.and(&message) })
    }
}

/// Our contribution is sent; waits for message 4.
pub(crate) struct AwaitReply {
    agreed: Agreed,
    mine: Contribution,
    ephemeral: Box<dyn EphemeralKey>,
}

impl AwaitReply {
    pub(crate) fn agreed(&self) -> &Agreed {
        &self.agreed
    }
}

impl Waiting for AwaitReply {
    type Checked = Theirs;

    fn check(&self, incoming: &Incoming, cx: &mut Cx<'_>) -> Work<Result<Theirs, Reject>> {
        contribution::check_alone(&self.agreed, Some(&self.mine), incoming, cx)
    }

    fn advance(self: Box<Self>, theirs: Theirs, cx: &mut Cx<'_>) -> Result<Step, Abort> {
        let Self { mut agreed, mine, ephemeral } = *self;
        contribution::report(&agreed, cx);
        let Theirs { contribution, public, credentials, vendors, nat } = theirs;
        agreed.offered.vendors = vendors;
        agreed.offered.found(nat, cx);
        let exchanged = Exchanged { agreed, mine, theirs: contribution, credentials };
        let g_xy = ephemeral.complete(&public).map_err(LocalFailure::Crypto)?;
        let keyed = finish::key(exchanged, &g_xy, cx)?;
        finish::report_keys(&keyed, cx);
        proving::start(keyed, Then::MainInitiator, cx)
    }
}
