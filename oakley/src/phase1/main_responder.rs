//! Main Mode as responder (RFC 2409 5).
//!
//! ```text
//!   HDR, SA              -->
//!                        <--  HDR, SA
//!   HDR, contribution    -->                         AwaitContribution
//!                        <--  HDR, contribution
//!   HDR*, proof          -->                         AwaitInitiatorProof
//!                        <--  HDR*, proof
//! ```

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec;

use bytes::Bytes;
use crypto_provider::{EphemeralKey, PeerPublic, Work};
use isakmp_wire::payload::SecurityAssociation;
use isakmp_wire::{MessageId, PayloadKind};

use crate::context::Cx;
use crate::error::{Abort, LocalFailure, Misbehaviour, Reject};
use crate::event::{Cookies, Event};
use crate::exchange::incoming::Incoming;
use crate::exchange::shape::MAIN_OFFER;
use crate::keys::Suite;
use crate::phase1::contribution::{self, Made, Theirs};
use crate::phase1::facts::{Agreed, Exchanged, Keyed, Offered, clear_message};
use crate::phase1::finish::{self, Proven, Reading};
use crate::phase1::offer::Report;
use crate::phase1::proving::{self, Then};
use crate::phase1::{Begun, Step, Waiting, offer};
use crate::policy::{Mode, Phase1Policy, Role};
use crate::sa::IkeSaId;
use crate::vendors::PeerVendors;

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
    if let Err(misbehaviour) = MAIN_OFFER.check(&message) {
        return Begun::Refused(misbehaviour.into());
    }
    let payload = PayloadKind::SA;
    cx.out.event(Event::Processing { ike_sa, payload, message_id: MessageId::ZERO });
    let (Some(sa), Some(sa_i)) = (message.get::<SecurityAssociation>(), message.first(PayloadKind::SA))
    else {
        return Begun::Refused(Misbehaviour::Missing(PayloadKind::SA).into());
    };
    let mut report = Report { ike_sa, path: incoming.path, out: &mut *cx.out };
    let (chosen, answer) = match offer::choose(sa, &policy, None, &mut report) {
        Ok(chosen) => chosen,
        Err(reject) => return Begun::Refused(reject),
    };
    let responder = match cx.cookie() {
        Ok(cookie) => cookie,
        Err(failure) => return Begun::Failed(failure.into()),
    };
    let cookies = Cookies { initiator: incoming.header.initiator_cookie, responder };
    let (path, sa_i_b) = (incoming.path, Bytes::copy_from_slice(sa_i.raw()));
    let vendors = PeerVendors::default().and(&message);
    let offered = Offered {
        ike_sa,
        path,
        role: Role::Responder,
        mode: Mode::Main,
        cookies,
        policy,
        sa_i_b,
        vendors,
        nat: None,
    };
    let method = chosen.method;
    let Some(suite) = Suite::resolve(chosen, cx.provider) else {
        return Begun::Failed(LocalFailure::Algorithm.into());
    };
    let Some(authenticator) = cx.authenticator(method) else {
        return Begun::Failed(LocalFailure::Method(method).into());
    };
    let mut payloads = vec![answer];
    payloads.extend(offer::vendor_ids(&offered));
    let datagram = clear_message(offered.header(), payloads);
    let state = Box::new(AwaitContribution { agreed: Agreed { offered, suite, authenticator } });
    Begun::Answered(Step::Wait { next: state.into(), send: datagram }, cookies)
}

/// Our choice is sent; waits for message 3.
pub(crate) struct AwaitContribution {
    agreed: Agreed,
}

impl AwaitContribution {
    pub(crate) fn agreed(&self) -> &Agreed {
        &self.agreed
    }
}

impl Waiting for AwaitContribution {
    type Checked = Theirs;

    fn check(&self, incoming: &Incoming, cx: &mut Cx<'_>) -> Work<Result<Theirs, Reject>> {
        contribution::check_alone(&self.agreed, None, incoming, cx)
    }

    fn advance(self: Box<Self>, theirs: Theirs, cx: &mut Cx<'_>) -> Result<Step, Abort> {
        let Self { mut agreed } = *self;
        let Theirs { contribution, public, credentials, vendors, nat } = theirs;
        agreed.offered.vendors = vendors;
        agreed.offered.found(nat, cx);
        contribution::report(&agreed, cx);
        let Made { mine, ephemeral, payloads } = contribution::make(&agreed, cx)?;
        let send = clear_message(agreed.offered.header(), payloads);
        let exchanged = Exchanged { agreed, mine, theirs: contribution, credentials };
        let stage = Stage::Contributed(exchanged, ephemeral, public);
        Ok(Step::Wait { next: Box::new(AwaitInitiatorProof { stage }).into(), send })
    }
}

/// Our contribution is sent; waits for message 5.
pub(crate) struct AwaitInitiatorProof {
    stage: Stage,
}

/// g^xy is computed when the first message 5 comes, and only once: messages 1 and 3 of a stranger cost one
/// exponentiation, and forged messages 5 nothing more.
enum Stage {
    Contributed(Exchanged, Box<dyn EphemeralKey>, PeerPublic),
    Keyed(Keyed),
}

impl AwaitInitiatorProof {
    pub(crate) fn agreed(&self) -> &Agreed {
        match &self.stage {
            Stage::Contributed(exchanged, ..) => &exchanged.agreed,
            Stage::Keyed(keyed) => &keyed.exchanged.agreed,
        }
    }
}

impl Waiting for AwaitInitiatorProof {
    type Checked = Proven;

    fn prepare(self: Box<Self>, cx: &mut Cx<'_>) -> Result<Box<Self>, Abort> {
        let keyed = match self.stage {
            Stage::Contributed(exchanged, ephemeral, public) => {
                let g_xy = ephemeral.complete(&public).map_err(LocalFailure::Crypto)?;
                let keyed = finish::key(exchanged, &g_xy, cx)?;
                finish::report_keys(&keyed, cx);
                keyed
            }
            Stage::Keyed(keyed) => keyed,
        };
        Ok(Box::new(Self { stage: Stage::Keyed(keyed) }))
    }

    fn check(&self, incoming: &Incoming, cx: &mut Cx<'_>) -> Work<Result<Proven, Reject>> {
        let Stage::Keyed(keyed) = &self.stage else {
            return Work::Done(Err(Misbehaviour::Undecipherable.into()));
        };
        finish::check_proof(keyed, Reading { prover: Role::Initiator, clear: false }, incoming, cx)
    }

    fn advance(self: Box<Self>, proven: Proven, cx: &mut Cx<'_>) -> Result<Step, Abort> {
        let Stage::Keyed(mut keyed) = self.stage else {
            return Err(LocalFailure::NoPolicy.into());
        };
        finish::report(&keyed.exchanged.agreed.offered, cx);
        finish::arrive(&mut keyed, &proven, cx);
        finish::commit(&mut keyed, &proven);
        proving::start(keyed, Then::MainResponder(proven), cx)
    }
}
