//! Quick Mode as responder (RFC 2409 5.5).
//!
//! ```text
//!   HDR*, HASH(1), SA, Ni [, KE ] [, IDci, IDcr ]  -->
//!                                                  <--  HDR*, HASH(2), SA, Nr [, KE ] [, IDci, IDcr ]
//!   HDR*, HASH(3)                                  -->                                                  AwaitHash3
//! ```

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use bytes::Bytes;
use crypto_provider::{GroupId, PeerPublic, Work};
use isakmp_wire::payload::{Nonce, SecurityAssociation};
use isakmp_wire::{ExchangeType, Flags, Message, MessageId, Payload, PayloadKind, ProtocolId};

use crate::context::Cx;
use crate::error::{Abort, Incompatibility, LocalFailure, Misbehaviour, Reject};
use crate::event::{Bundle, Event};
use crate::exchange::incoming::Incoming;
use crate::exchange::iv::{IvChain, PendingIv};
use crate::exchange::shape::{HASH_FIRST, QUICK_OFFER};
use crate::nat::{self, NatOriginal};
use crate::output::Output;
use crate::phase2::hash::{self, Formula};
use crate::phase2::keymat::{self, Secrets};
use crate::phase2::offer::{self, Chosen, Report};
use crate::phase2::quick_initiator::{
    chosen_event, key_exchange, pairs, peer_public, soft, spi_of, start, unavailable,
};
use crate::phase2::transform::{CLASSES, ENCAPSULATION, describe, protocol_id};
use crate::phase2::{
    Failure, Ike, Progress, Refused, available, client_ids, connected, lifetime, nonce, selectors,
};
use crate::policy::{Encapsulation, Phase2Policy, Protocol, Role, SelectorPair};
use crate::sa::{BundleId, Direction, Installation, Spi};

/// An authentic and acceptable message 1.
pub(crate) struct Wanted {
    message_id: MessageId,
    chosen: Chosen,
    policy: Arc<Phase2Policy>,
    selectors: SelectorPair,
    ids: Option<(Payload, Payload)>,
    ni_b: Bytes,
    group: Option<GroupId>,
    nat_original: Option<NatOriginal>,
    public: Option<PeerPublic>,
    iv: PendingIv,
}

/// Message 2 is sent; waits for message 3.
pub(crate) struct AwaitHash3 {
    bundle: Arc<Bundle>,
    outbound: Installation,
    ni_b: Bytes,
    nr_b: Bytes,
}

/// Works on message 1. Nothing is kept of a message whose HASH(1) does not hold.
pub(crate) fn check(
    ike: &Ike,
    chain: &IvChain,
    incoming: &Incoming,
    cx: &mut Cx<'_>,
) -> Result<Box<Wanted>, Failure> {
    let (message, iv) = ike.decrypt(chain, incoming).map_err(Failure::Quiet)?;
    hash::verify(Formula::One, ike, &message, cx).map_err(|quiet| Failure::Quiet(quiet.into()))?;
    // The header is not authenticated: an Informational whose exchange type was changed on the way must not cost its id.
    if message.first(PayloadKind::SA).is_none() {
        return Err(Failure::Quiet(Misbehaviour::Missing(PayloadKind::SA).into()));
    }
    let about = first_spi(&message);
    let refused = |why: Reject| Failure::Refused(Refused { why, about: about.clone() });
    let (selectors, ids) = flow(ike, &message).map_err(|why| refused(why.into()))?;
    let policy = match cx.phase2_policy(&ike.peer(), &selectors) {
        Work::Done(Some(policy)) => ike.fitted(policy),
        Work::Done(None) => return Err(refused(not_allowed(selectors, None).into())),
        Work::Pending(ticket) => return Err(Failure::Pending(ticket)),
    };
    if !selectors::within(&selectors, &policy.selectors) {
        return Err(refused(not_allowed(selectors, Some(policy.selectors.clone())).into()));
    }
    check_authentic(ike, &message, (policy, selectors, ids), iv, cx).map(Box::new).map_err(refused)
}

fn not_allowed(wanted: SelectorPair, allowed: Option<SelectorPair>) -> Incompatibility {
    Incompatibility::Selectors { wanted: Box::new(wanted), allowed: allowed.map(Box::new) }
}

fn flow(ike: &Ike, message: &Message) -> Result<(SelectorPair, Option<(Payload, Payload)>), Misbehaviour> {
    QUICK_OFFER.check(message)?;
    let ids = client_ids(message)?;
    let selectors = match &ids {
        Some((ci, cr)) => through_translators(ike, message, selectors::pair(Role::Responder, ci, cr)?),
        None => selectors::of_path(&ike.path),
    };
    Ok((selectors, ids))
}

/// In transport mode the identities are the two hosts as the initiator knows them. Packets come in with the addresses that
/// translators gave them, so those are what is asked for; NAT-OA has no say in it (RFC 3947 5.2, RFC 3948 5.2).
fn through_translators(ike: &Ike, message: &Message, mut flow: SelectorPair) -> SelectorPair {
    let Some(nat) = ike.nat.filter(|nat| nat.encapsulates()) else { return flow };
    let transport = nat::mode_number(Encapsulation::UdpTransport, ike.nat);
    let offered =
        message.get::<SecurityAssociation>().and_then(|sa| sa.proposals.first()?.transforms.first());
    let offered = offered.and_then(|transform| transform.attribute(ENCAPSULATION)?.value_u64());
    if !offered.is_some_and(|offered| nat::is_same_mode(offered, u64::from(transport))) {
        return flow;
    }
    let ends =
        [(nat.local, &mut flow.local, ike.path.local), (nat.remote, &mut flow.remote, ike.path.remote)];
    for (translated, side, end) in ends {
        if translated && side.addresses.start() == side.addresses.end() {
            side.addresses = end.ip()..=end.ip();
        }
    }
    flow
}

/// The SPI and protocol of the first proposal: what a refusal names.
fn first_spi(message: &Message) -> Option<(ProtocolId, Bytes)> {
    let sa = message.get::<SecurityAssociation>()?;
    sa.proposals.first().map(|proposal| (proposal.protocol, proposal.spi.clone()))
}

fn check_authentic(
    ike: &Ike,
    message: &Message,
    (policy, selectors, ids): (Arc<Phase2Policy>, SelectorPair, Option<(Payload, Payload)>),
    iv: PendingIv,
    cx: &mut Cx<'_>,
) -> Result<Wanted, Reject> {
    let message_id = message.header().message_id;
    let (ike_sa, quirks) = (ike.id, &ike.policy.quirks);
    let mode = ike.mode_number(&policy);
    let processing =
        |cx: &mut Cx<'_>, payload| cx.out.event(Event::Processing { ike_sa, payload, message_id });
    processing(cx, PayloadKind::SA);
    let sa = message.get::<SecurityAssociation>().ok_or(Misbehaviour::Missing(PayloadKind::SA))?;
    let mut report = Report { ike_sa, path: ike.path, message_id, quirks, mode, out: &mut *cx.out };
    let chosen = offer::choose(sa, &policy, &mut report)?;
    let transforms: Vec<_> = chosen.parts.iter().map(|part| part.transform).collect();
    if !available(cx.provider, &transforms) {
        let names = transforms.iter().map(describe).collect::<Vec<_>>().join(" and ");
        return Err(
            Incompatibility::NoProposalChosen { nearest: Some(unavailable("transform", names)) }.into()
        );
    }
    cx.out.event(chosen_event(ike, message_id, &chosen, &policy, &selectors));
    processing(cx, PayloadKind::NONCE);
    let ni_b = nonce(message)?;
    if ids.is_some() {
        processing(cx, PayloadKind::IDENTIFICATION);
        processing(cx, PayloadKind::IDENTIFICATION);
    }
    let group = offer::pfs_group(&chosen)?;
    let public = peer_public(message, group, cx)?;
    let nat_original = nat::read_original(message, policy.encapsulation, (Role::Responder, &ike.path));
    Ok(Wanted { message_id, chosen, policy, selectors, ids, ni_b, group, nat_original, public, iv })
}

impl Wanted {
    /// The peer's SPIs.
    pub(crate) fn peer_spis(&self) -> impl Iterator<Item = (Protocol, Spi)> {
        self.chosen.parts.iter().map(|part| (part.transform.protocol, part.spi))
    }

    /// The protocols that need an SPI of ours.
    pub(crate) fn protocols(&self) -> impl Iterator<Item = Protocol> {
        self.chosen.parts.iter().map(|part| part.transform.protocol)
    }

    /// Installs the inbound SAs and makes message 2.
    pub(crate) fn answer(
        self,
        ike: &Ike,
        (id, spis): (BundleId, &[(Protocol, Spi)]),
        chain: &mut IvChain,
        cx: &mut Cx<'_>,
    ) -> Result<(Box<AwaitHash3>, Bytes), Abort> {
        chain.commit(self.iv);
        let nr_b = Bytes::from(cx.random(ike.policy.nonce_len)?);
        let ephemeral = match self.group {
            Some(group) => Some(start(group, cx)?),
            None => None,
        };
        let answer = self.chosen.answer(|protocol| spi_of(spis, protocol));
        let mut payloads = vec![answer, Payload::new(Nonce { octets: nr_b.clone() })];
        payloads.extend(ephemeral.as_deref().map(key_exchange));
        if let Some((ci, cr)) = &self.ids {
            payloads.extend([ci.clone(), cr.clone()]);
        }
        let side = (Role::Responder, &ike.path);
        payloads.extend(nat::original_addresses(self.policy.encapsulation, ike.nat, side));
        if self.chosen.lifetime != self.chosen.offered {
            payloads.extend(shorter_life(&self.chosen, spis));
        }
        let g_qm_xy = match (ephemeral, &self.public) {
            (Some(ephemeral), Some(public)) => {
                Some(ephemeral.complete(public).map_err(LocalFailure::Crypto)?)
            }
            _ => None,
        };
        let secrets = Secrets { ni_b: self.ni_b, nr_b, g_qm_xy };
        let pairs = pairs(&self.chosen, spis);
        let bundle = Arc::new(Bundle {
            id,
            ike_sa: ike.id,
            message_id: self.message_id,
            role: Role::Responder,
            path: ike.path,
            home: ike.home,
            nat: ike.nat,
            identity: ike.identity.clone(),
            established: cx.now,
            selectors: self.selectors,
            encapsulation: self.policy.encapsulation,
            nat_original: self.nat_original,
            lifetime: self.chosen.lifetime,
            soft: soft(self.chosen.lifetime, Role::Responder, &pairs),
            pfs: self.group,
            pairs,
        });
        let exchange = (ExchangeType::QUICK, self.message_id);
        let formula = Formula::Two { ni_b: &secrets.ni_b };
        let flags = if ike.policy.quirks.commit { Flags::COMMIT } else { Flags::NONE };
        let datagram = hash::protect_flagged(formula, ike, (exchange, flags), payloads, (chain, &mut *cx))?;
        let inbound = keymat::installation(ike, &bundle, Direction::Inbound, &secrets, cx);
        let outbound = keymat::installation(ike, &bundle, Direction::Outbound, &secrets, cx);
        cx.out.push(Output::Install(Box::new(inbound)));
        let Secrets { ni_b, nr_b, .. } = secrets;
        Ok((Box::new(AwaitHash3 { bundle, outbound, ni_b, nr_b }), datagram))
    }
}

/// RFC 2407 4.5.4, 4.6.3.1: our policy is shorter than the offer, whose attributes we must not change.
fn shorter_life(chosen: &Chosen, spis: &[(Protocol, Spi)]) -> Vec<Payload> {
    let one = |part: &offer::ChosenPart| {
        let protocol = part.transform.protocol;
        let spi = Bytes::copy_from_slice(&spi_of(spis, protocol).0.to_be_bytes());
        lifetime::notify(&CLASSES, &chosen.lifetime, (protocol_id(protocol), spi))
    };
    chosen.parts.iter().map(one).collect()
}

impl AwaitHash3 {
    pub(crate) fn bundle(&self) -> &Arc<Bundle> {
        &self.bundle
    }

    pub(crate) fn check(
        &self,
        ike: &Ike,
        chain: &IvChain,
        incoming: &Incoming,
        cx: &mut Cx<'_>,
    ) -> Result<PendingIv, Failure> {
        let (message, iv) = ike.decrypt(chain, incoming).map_err(Failure::Quiet)?;
        HASH_FIRST.check(&message).map_err(|_| Failure::Quiet(Misbehaviour::Undecipherable.into()))?;
        let formula = Formula::Three { ni_b: &self.ni_b, nr_b: &self.nr_b };
        hash::verify(formula, ike, &message, cx).map_err(|quiet| Failure::Quiet(quiet.into()))?;
        Ok(iv)
    }

    /// Installs the outbound SAs, and says so if we had set the commit bit.
    pub(crate) fn advance(
        self: Box<Self>,
        ike: &Ike,
        chain: &mut IvChain,
        cx: &mut Cx<'_>,
    ) -> Result<Progress, Abort> {
        let Self { bundle, outbound, .. } = *self;
        let connected = ike.policy.quirks.commit.then(|| connected::make(ike, &bundle, chain, cx));
        let send = connected.transpose()?;
        cx.out.push(Output::Install(Box::new(outbound)));
        Ok(Progress::Complete { send, bundle })
    }
}
