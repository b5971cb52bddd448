//! Quick Mode as initiator (RFC 2409 5.5).
//!
//! ```text
//!   HDR*, HASH(1), SA, Ni [, KE ] [, IDci, IDcr ]  -->
//!                                                  <--  HDR*, HASH(2), SA, Nr [, KE ] [, IDci, IDcr ]   AwaitReply
//!   HDR*, HASH(3)                                  -->
//! ```

use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use bytes::Bytes;
use crypto_provider::{EphemeralKey, GroupId, PeerPublic};
use isakmp_wire::payload::{KeyExchange, Nonce, SecurityAssociation};
use isakmp_wire::{ExchangeType, Flags, Message, MessageId, Payload, PayloadKind, ProtocolId};

use crate::context::Cx;
use crate::error::{Abort, IdentityFault, Incompatibility, LocalFailure, Misbehaviour, NotOffered, Reject};
use crate::event::{Bundle, Difference, Event, SpiPair};
use crate::exchange::incoming::Incoming;
use crate::exchange::iv::{IvChain, PendingIv};
use crate::exchange::shape::QUICK_OFFER;
use crate::nat::{self, NatOriginal};
use crate::output::Output;
use crate::phase2::connected::AwaitConnected;
use crate::phase2::hash::{self, Formula};
use crate::phase2::keymat::{self, Secrets};
use crate::phase2::lifetime;
use crate::phase2::offer::{self, Chosen, Report};
use crate::phase2::transform::CLASSES;
use crate::phase2::{Failure, Ike, Progress, Quick, client_ids, nonce, selectors};
use crate::policy::{Lifetime, Phase2Policy, Protocol, Role, SelectorPair};
use crate::renewal;
use crate::sa::{BundleId, Direction, Spi};

/// What a Quick Mode of ours is about.
pub(crate) struct Plan {
    pub(crate) message_id: MessageId,
    pub(crate) bundle: BundleId,
    pub(crate) policy: Arc<Phase2Policy>,
    pub(crate) selectors: SelectorPair,
    /// Our inbound SPIs, one per protocol of the policy.
    pub(crate) spis: Vec<(Protocol, Spi)>,
}

impl Plan {
    fn spi(&self, protocol: Protocol) -> Spi {
        spi_of(&self.spis, protocol)
    }
}

/// The SPI of a protocol among those that were allocated for all protocols of a policy.
pub(crate) fn spi_of(spis: &[(Protocol, Spi)], protocol: Protocol) -> Spi {
    spis.iter().find(|(of, _)| *of == protocol).map_or(Spi(0), |(_, spi)| *spi)
}

/// Message 1 is sent; waits for message 2.
pub(crate) struct AwaitReply {
    plan: Plan,
    offer: Payload,
    ni_b: Bytes,
    ids: (Payload, Payload),
    ephemeral: Option<Box<dyn EphemeralKey>>,
}

/// An acceptable message 2.
pub(crate) struct Reply {
    chosen: Chosen,
    selectors: SelectorPair,
    nr_b: Bytes,
    nat_original: Option<NatOriginal>,
    public: Option<PeerPublic>,
    iv: PendingIv,
    /// Whether the peer set the commit bit.
    commit: bool,
}

/// Makes message 1.
pub(crate) fn begin(
    ike: &Ike,
    plan: Plan,
    chain: &mut IvChain,
    cx: &mut Cx<'_>,
) -> Result<(Box<AwaitReply>, Bytes), Abort> {
    let offer = match cx.overrides.phase2_sa() {
        Some(octets) => Payload::from_raw(PayloadKind::SA, octets).map_err(|_| LocalFailure::NoPolicy)?,
        None => {
            let mode = ike.mode_number(&plan.policy);
            offer::offer((&plan.policy, mode), &ike.policy.quirks, |protocol| plan.spi(protocol))
        }
    };
    let ni_b = Bytes::from(cx.random(ike.policy.nonce_len)?);
    let ephemeral = match plan.policy.pfs {
        Some(group) => Some(start(group, cx)?),
        None => None,
    };
    let ids = (selectors::to_wire(&plan.selectors.local), selectors::to_wire(&plan.selectors.remote));
    let mut payloads = vec![offer.clone(), Payload::new(Nonce { octets: ni_b.clone() })];
    payloads.extend(ephemeral.as_deref().map(key_exchange));
    payloads.extend([ids.0.clone(), ids.1.clone()]);
    let side = (Role::Initiator, &ike.path);
    payloads.extend(nat::original_addresses(plan.policy.encapsulation, ike.nat, side));
    let exchange = (ExchangeType::QUICK, plan.message_id);
    let datagram = hash::protect(Formula::One, ike, exchange, payloads, (chain, cx))?;
    Ok((Box::new(AwaitReply { plan, offer, ni_b, ids, ephemeral }), datagram))
}

/// A fresh exponent for perfect forward secrecy.
pub(crate) fn start(group: GroupId, cx: &Cx<'_>) -> Result<Box<dyn EphemeralKey>, LocalFailure> {
    let group = cx.provider.group(group).ok_or(LocalFailure::Algorithm)?;
    Ok(group.start(&*cx.provider.random)?)
}

pub(crate) fn key_exchange(ephemeral: &dyn EphemeralKey) -> Payload {
    Payload::new(KeyExchange { public: Bytes::copy_from_slice(ephemeral.public()) })
}

/// The peer's public value: there exactly if a group was agreed on (RFC 2409 5.5).
pub(crate) fn peer_public(
    message: &Message,
    group: Option<GroupId>,
    cx: &Cx<'_>,
) -> Result<Option<PeerPublic>, Reject> {
    match (message.get::<KeyExchange>(), group) {
        (None, None) => Ok(None),
        (Some(_), None) => Err(Misbehaviour::from(NotOffered::PublicValue).into()),
        (None, Some(_)) => Err(Misbehaviour::Missing(PayloadKind::KEY_EXCHANGE).into()),
        (Some(body), Some(group)) => {
            let lacking = || Incompatibility::NoProposalChosen { nearest: Some(unavailable("group", group)) };
            let group = cx.provider.group(group).ok_or_else(lacking)?;
            Ok(Some(group.peer_public(&body.public).map_err(Misbehaviour::PublicValue)?))
        }
    }
}

/// What fits our policy and not our provider.
pub(crate) fn unavailable(property: &'static str, offered: impl ToString) -> Difference {
    Difference::Value { property, offered: offered.to_string(), accepted: "one that the provider has".into() }
}

/// The soft limits of a bundle. Our SPI is a random number that was drawn for this bundle alone.
pub(crate) fn soft(hard: Lifetime, role: Role, pairs: &[SpiPair]) -> Lifetime {
    renewal::soft(hard, role, pairs.first().map_or(0, |pair| pair.inbound.0))
}

/// The pairs of SPIs of what was chosen.
pub(crate) fn pairs(chosen: &Chosen, ours: &[(Protocol, Spi)]) -> Vec<SpiPair> {
    let pair = |part: &offer::ChosenPart| SpiPair {
        transform: part.transform,
        inbound: spi_of(ours, part.transform.protocol),
        outbound: part.spi,
    };
    chosen.parts.iter().map(pair).collect()
}

impl AwaitReply {
    pub(crate) fn selectors(&self) -> &SelectorPair {
        &self.plan.selectors
    }

    pub(crate) fn check(
        &self,
        ike: &Ike,
        chain: &IvChain,
        incoming: &Incoming,
        cx: &mut Cx<'_>,
    ) -> Result<Reply, Failure> {
        let (message, iv) = ike.decrypt(chain, incoming).map_err(Failure::Quiet)?;
        let formula = Formula::Two { ni_b: &self.ni_b };
        hash::verify(formula, ike, &message, cx).map_err(|quiet| Failure::Quiet(quiet.into()))?;
        self.check_authentic(ike, &message, iv, cx).map_err(|why| Failure::Refused(why.into()))
    }

    fn check_authentic(
        &self,
        ike: &Ike,
        message: &Message,
        iv: PendingIv,
        cx: &mut Cx<'_>,
    ) -> Result<Reply, Reject> {
        QUICK_OFFER.check(message)?;
        let message_id = self.plan.message_id;
        let (ike_sa, quirks) = (ike.id, &ike.policy.quirks);
        let mode = ike.mode_number(&self.plan.policy);
        cx.out.event(Event::Processing { ike_sa, payload: PayloadKind::SA, message_id });
        let sa = message.get::<SecurityAssociation>().ok_or(Misbehaviour::Missing(PayloadKind::SA))?;
        let mut report = Report { ike_sa, path: ike.path, message_id, quirks, mode, out: &mut *cx.out };
        let mut chosen = offer::accept(sa, &self.offer, &self.plan.policy, &mut report)?;
        let selectors = self.answered_flow(message, quirks.narrowed_identities);
        let shown = selectors.as_ref().unwrap_or(&self.plan.selectors);
        cx.out.event(chosen_event(ike, message_id, &chosen, &self.plan.policy, shown));
        let nr_b = nonce(message)?;
        cx.out.event(Event::Processing { ike_sa, payload: PayloadKind::NONCE, message_id });
        if nr_b == self.ni_b {
            return Err(Misbehaviour::Reflected("nonce").into());
        }
        let selectors = selectors?;
        for _ in 0..2 {
            cx.out.event(Event::Processing { ike_sa, payload: PayloadKind::IDENTIFICATION, message_id });
        }
        let public = peer_public(message, self.plan.policy.pfs, cx)?;
        let told = lifetime::read(message, &CLASSES, |protocol| protocol != ProtocolId::ISAKMP);
        chosen.lifetime = chosen.lifetime.lower(told);
        // RFC 2408 3.1: the HASH of this message held, so its flag is as good as the peer's word; whoever flips it could as
        // well have dropped the message.
        let commit = message.header().flags.contains(Flags::COMMIT);
        let side = (Role::Initiator, &ike.path);
        let nat_original = nat::read_original(message, self.plan.policy.encapsulation, side);
        Ok(Reply { chosen, selectors, nr_b, nat_original, public, iv, commit })
    }

    /// The flow that the answer names.
    fn answered_flow(&self, message: &Message, may_narrow: bool) -> Result<SelectorPair, Misbehaviour> {
        // RFC 2409 5.5: the responder repeats the identities; it must not change them.
        let changed = |answered: Option<SelectorPair>| {
            let sent = Box::new(self.plan.selectors.clone());
            Misbehaviour::from(IdentityFault::Changed { sent, answered: answered.map(Box::new) })
        };
        let Some((ci, cr)) = client_ids(message)? else { return Err(changed(None)) };
        if ci.raw() == self.ids.0.raw() && cr.raw() == self.ids.1.raw() {
            return Ok(self.plan.selectors.clone());
        }
        let narrowed = selectors::pair(Role::Initiator, &ci, &cr)?;
        if may_narrow && selectors::within(&narrowed, &self.plan.selectors) {
            return Ok(narrowed);
        }
        Err(changed(Some(narrowed)))
    }

    /// Installs both directions, but for the outbound one if the peer wants it to wait, and makes message 3.
    pub(crate) fn advance(
        self: Box<Self>,
        reply: Reply,
        ike: &Ike,
        chain: &mut IvChain,
        cx: &mut Cx<'_>,
    ) -> Result<Progress, Abort> {
        let Self { plan, ni_b, ephemeral, .. } = *self;
        let Reply { chosen, selectors, nr_b, nat_original, public, iv, commit } = reply;
        chain.commit(iv);
        let g_qm_xy = match (ephemeral, &public) {
            (Some(ephemeral), Some(public)) => {
                Some(ephemeral.complete(public).map_err(LocalFailure::Crypto)?)
            }
            _ => None,
        };
        let secrets = Secrets { ni_b, nr_b, g_qm_xy };
        let pairs = pairs(&chosen, &plan.spis);
        let bundle = Arc::new(Bundle {
            id: plan.bundle,
            ike_sa: ike.id,
            message_id: plan.message_id,
            role: Role::Initiator,
            path: ike.path,
            home: ike.home,
            nat: ike.nat,
            identity: ike.identity.clone(),
            established: cx.now,
            encapsulation: plan.policy.encapsulation,
            nat_original,
            lifetime: chosen.lifetime,
            soft: soft(chosen.lifetime, Role::Initiator, &pairs),
            pfs: plan.policy.pfs,
            pairs,
            selectors,
        });
        let formula = Formula::Three { ni_b: &secrets.ni_b, nr_b: &secrets.nr_b };
        let exchange = (ExchangeType::QUICK, plan.message_id);
        let datagram = hash::protect(formula, ike, exchange, Vec::new(), (chain, &mut *cx))?;
        let inbound = keymat::installation(ike, &bundle, Direction::Inbound, &secrets, cx);
        cx.out.push(Output::Install(Box::new(inbound)));
        let outbound = keymat::installation(ike, &bundle, Direction::Outbound, &secrets, cx);
        if commit {
            let next = Quick::AwaitConnected(Box::new(AwaitConnected::new(bundle, outbound)));
            return Ok(Progress::Commit { send: datagram, next });
        }
        cx.out.push(Output::Install(Box::new(outbound)));
        Ok(Progress::Complete { send: Some(datagram), bundle })
    }
}

/// Says which proposal was chosen.
pub(crate) fn chosen_event(
    ike: &Ike,
    message_id: MessageId,
    chosen: &Chosen,
    policy: &Phase2Policy,
    selectors: &SelectorPair,
) -> Event {
    Event::Phase2Chosen {
        ike_sa: ike.id,
        message_id,
        path: ike.path,
        transforms: chosen.parts.iter().map(|part| part.transform).collect(),
        encapsulation: policy.encapsulation,
        selectors: selectors.clone(),
    }
}
