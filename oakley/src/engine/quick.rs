//! Quick Modes inside the engine.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use bytes::Bytes;
use crypto_provider::Work;
use isakmp_wire::{ExchangeType, MessageId};

use crate::context::Cx;
use crate::engine::Engine;
use crate::engine::outbox::count;
use crate::engine::park::Waiting;
use crate::engine::table::{Entry, Live, Table};
use crate::engine::timer::TimerKey;
use crate::error::{Abort, Incompatibility, LocalFailure, Misbehaviour, Reject};
use crate::event::{Bundle, Event};
use crate::exchange::duplicate::{Accepted, Seen};
use crate::exchange::flight::Flight;
use crate::exchange::incoming::Incoming;
use crate::input::{Answer, Request};
use crate::output::Output;
use crate::phase2::quick_initiator::{self, Plan};
use crate::phase2::quick_responder::{self, Wanted};
use crate::phase2::{Failure, Progress, Quick, QuickSlot, Refused, available, offer};
use crate::policy::{Phase2Policy, Protocol, Role};
use crate::sa::{BundleId, IkeSaId, RemoveReason, Spi};

impl Engine {
    /// Starts a Quick Mode of ours under an IKE SA that is there.
    pub(super) fn start_quick(&mut self, id: IkeSaId, request: Request, answers: &[Answer]) {
        let Some(mut live) = self.table.take_live(id) else { return };
        let started = self.try_start(&mut live, &request, answers);
        self.table.put(id, Entry::Live(live));
        match started {
            Ok(()) => {}
            Err(Failure::Pending(ticket)) => self.park(ticket, Waiting::Request(Box::new(request)), answers),
            Err(Failure::Local(why)) => {
                self.count_failure(&why);
                self.request_failed(request, why);
            }
            Err(Failure::Quiet(why) | Failure::Refused(Refused { why, .. })) => {
                self.request_failed(request, Abort::Peer(why.into()));
            }
        }
    }

    fn try_start(&mut self, live: &mut Live, request: &Request, answers: &[Answer]) -> Result<(), Failure> {
        let running = live.quick.values_mut().find(|slot| match &slot.state {
            Quick::AwaitReply(state) => *state.selectors() == request.selectors,
            state => state.half().is_some_and(|bundle| bundle.selectors == request.selectors),
        });
        // One that the peer began serves as well; if it fails, the request has failed with it.
        if let Some(slot) = running {
            slot.request.get_or_insert_with(|| request.clone());
            return Ok(());
        }
        if !live.ready {
            return Err(Failure::Local(LocalFailure::NoPolicy.into()));
        }
        let policy = match self.host.cx(answers).phase2_policy(&live.ike.peer(), &request.selectors) {
            Work::Done(Some(policy)) => policy,
            Work::Done(None) => return Err(Failure::Local(LocalFailure::NoPolicy.into())),
            Work::Pending(ticket) => return Err(Failure::Pending(ticket)),
        };
        let local = |failure: LocalFailure| Failure::Local(failure.into());
        let has_any = !policy.proposals.is_empty();
        let policy = live.ike.fitted(policy);
        if has_any && policy.proposals.is_empty() {
            // Whether there is a translator was found out without protection: a new IKE SA looks again.
            live.refused = true;
            return Err(local(LocalFailure::AhBehindNat));
        }
        let usable = offer::usable(&policy, &live.ike.policy.quirks);
        let transforms: Vec<_> =
            usable.flat_map(|proposal| &proposal.protections).flatten().copied().collect();
        if transforms.is_empty() || !available(&self.host.provider, &transforms) {
            return Err(local(LocalFailure::Algorithm));
        }
        let message_id = fresh_id(live, 0, &self.host.cx(answers)).map_err(local)?;
        let bundle = self.table.new_bundle();
        let protocols = offer::protocols(&policy, &live.ike.policy.quirks);
        let spis = allocate(&self.table, protocols.into_iter(), &self.host.cx(answers)).map_err(local)?;
        self.begin_quick(live, (message_id, bundle, policy), request, spis).map_err(Failure::Local)
    }

    fn begin_quick(
        &mut self,
        live: &mut Live,
        (message_id, bundle, policy): (MessageId, BundleId, Arc<Phase2Policy>),
        request: &Request,
        spis: Vec<(Protocol, Spi)>,
    ) -> Result<(), Abort> {
        let ike = &live.ike;
        let (id, path) = (ike.id, ike.path);
        self.quick_started(live, message_id, Role::Initiator);
        self.report_spis(live, &spis);
        let plan =
            Plan { message_id, bundle, policy, selectors: request.selectors.clone(), spis: spis.clone() };
        let mut iv = ike.chain(message_id);
        let (state, datagram) = quick_initiator::begin(ike, plan, &mut iv, &mut self.host.cx(&[]))?;
        live.used_ids.insert(message_id);
        self.protected(live, datagram.len());
        self.table.hold(bundle, &spis);
        let flight = Flight::expecting(datagram.clone(), self.host.now, &self.host.config);
        self.timers.set(TimerKey::Retransmit(id, message_id), flight.next());
        let (state, accepted) = (Quick::AwaitReply(state), Accepted::default());
        live.quick.insert(
            message_id,
            QuickSlot {
                state,
                role: Role::Initiator,
                flight,
                accepted,
                from: None,
                iv,
                began: self.host.now,
                request: Some(request.clone()),
                spis,
            },
        );
        self.host.out.transmit(path, datagram, live.ike.fragment_size());
        Ok(())
    }

    fn quick_started(&mut self, live: &Live, message_id: MessageId, role: Role) {
        let (ike_sa, path) = (live.ike.id, live.ike.path);
        let exchange = ExchangeType::QUICK;
        self.host.out.event(Event::Started { ike_sa, path, exchange, message_id, role });
    }

    fn report_spis(&mut self, live: &Live, spis: &[(Protocol, Spi)]) {
        for (protocol, spi) in spis {
            let (ike_sa, path) = (live.ike.id, live.ike.path);
            self.host.out.event(Event::SpiAllocated { ike_sa, path, protocol: *protocol, spi: *spi });
        }
    }

    /// A Quick Mode message of a peer.
    pub(super) fn quick_datagram(&mut self, incoming: &Incoming, answers: &[Answer]) {
        let Some(id) = self.live_sa(incoming) else { return };
        let Some(mut live) = self.table.take_live(id) else { return };
        let message_id = incoming.header.message_id;
        let slot = live.quick.remove(&message_id);
        let seen = slot.as_ref().map_or(Seen::New, |slot| slot.accepted.seen(&incoming.digest));
        let failure = match slot {
            Some(slot) if seen != Seen::New => {
                live.quick.insert(message_id, slot);
                self.table.put(id, Entry::Live(live));
                return self.duplicate(id, message_id, seen);
            }
            Some(slot) => self.quick_message(&mut live, slot, incoming, answers),
            None => self.first_quick_message(&mut live, incoming, answers),
        };
        if let Err(Failure::Refused(refused)) = &failure
            && let Some(answer) = self.refuse(&mut live, refused)
        {
            self.keep_refusal(&mut live, incoming, answer);
        }
        self.table.put(id, Entry::Live(live));
        match failure {
            Ok(()) => {}
            Err(Failure::Quiet(why)) => self.reject(incoming, Some(id), why),
            Err(Failure::Refused(Refused { why, .. })) => self.reject(incoming, Some(id), why),
            Err(Failure::Local(_)) => {}
            Err(Failure::Pending(ticket)) => {
                let octets = incoming.octets.clone();
                self.park(ticket, Waiting::Datagram { path: incoming.path, octets }, answers);
            }
        }
    }

    /// Message 1.
    fn first_quick_message(
        &mut self,
        live: &mut Live,
        incoming: &Incoming,
        answers: &[Answer],
    ) -> Result<(), Failure> {
        let quiet = |why: Reject| Err(Failure::Quiet(why));
        let message_id = incoming.header.message_id;
        if !live.ready {
            return quiet(Misbehaviour::UnexpectedExchange(incoming.header.exchange).into());
        }
        self.may_begin(live, message_id).map_err(Failure::Quiet)?;
        let mut iv = live.ike.chain(message_id);
        let wanted = quick_responder::check(&live.ike, &iv, incoming, &mut self.host.cx(answers));
        if !matches!(wanted, Err(Failure::Quiet(_) | Failure::Pending(_))) {
            live.used_ids.insert(message_id);
        }
        let wanted = match wanted.and_then(|wanted| self.check_spis(live, wanted)) {
            Ok(wanted) => wanted,
            Err(failure) => {
                if let Failure::Refused(refused) = &failure {
                    let why = Abort::Peer(refused.why.clone().into());
                    self.quick_failed(live, (message_id, Role::Responder), why);
                }
                return Err(failure);
            }
        };
        self.quick_started(live, message_id, Role::Responder);
        let answered = self.answer_quick(live, *wanted, &mut iv, answers);
        let (spis, state, flight) = match answered {
            Ok(answered) => answered,
            Err(why) => {
                self.quick_failed(live, (message_id, Role::Responder), why.clone());
                return Err(Failure::Local(why));
            }
        };
        live.unconfirmed = false;
        live.heard = self.host.now;
        self.protected(live, incoming.octets.len().saturating_add(flight.datagram.len()));
        let mut accepted = Accepted::default();
        accepted.remember(incoming.digest);
        self.timers.set(TimerKey::Retransmit(live.ike.id, message_id), flight.next());
        let from = live.ike.may_follow(&incoming.path).then_some(incoming.path);
        let (path, size) = (from.unwrap_or(live.ike.path), live.ike.fragment_size());
        self.host.out.transmit(path, flight.datagram.clone(), size);
        live.quick.insert(
            message_id,
            QuickSlot {
                state,
                role: Role::Responder,
                flight,
                accepted,
                from,
                iv,
                began: self.host.now,
                request: None,
                spis,
            },
        );
        Ok(())
    }

    /// Whether one more Quick Mode may run under an IKE SA.
    fn may_begin(&self, live: &Live, message_id: MessageId) -> Result<(), Reject> {
        let config = &self.host.config;
        if message_id == MessageId::ZERO || live.used_ids.contains(&message_id) {
            return Err(Misbehaviour::MessageId.into());
        }
        if live.quick.len() >= config.max_quick_modes {
            return Err(Misbehaviour::TooFast.into());
        }
        if live.used_ids.len() >= config.max_message_ids {
            return Err(Incompatibility::MessageIdsExhausted.into());
        }
        Ok(())
    }

    fn answer_quick(
        &mut self,
        live: &Live,
        wanted: Wanted,
        iv: &mut crate::exchange::iv::IvChain,
        answers: &[Answer],
    ) -> Result<Answered, Abort> {
        let bundle = self.table.new_bundle();
        let spis = allocate(&self.table, wanted.protocols(), &self.host.cx(answers))?;
        self.report_spis(live, &spis);
        let (state, datagram) = wanted.answer(&live.ike, (bundle, &spis), iv, &mut self.host.cx(answers))?;
        self.table.hold(bundle, &spis);
        let flight = Flight::answer_expecting(datagram, self.host.now, &self.host.config);
        Ok((spis, Quick::AwaitHash3(state), flight))
    }

    /// Message 2 or 3. The slot goes back unless the exchange is over.
    fn quick_message(
        &mut self,
        live: &mut Live,
        mut slot: QuickSlot,
        incoming: &Incoming,
        answers: &[Answer],
    ) -> Result<(), Failure> {
        let message_id = incoming.header.message_id;
        match slot.step(&live.ike, incoming, &mut self.host.cx(answers)) {
            Ok(progress) => {
                self.protected(live, incoming.octets.len());
                live.unconfirmed = false;
                live.heard = self.host.now;
                slot.accepted.remember(incoming.digest);
                slot.from = None;
                let complete = self.progress(live, &mut slot, progress);
                self.timers.set(TimerKey::Retransmit(live.ike.id, message_id), slot.flight.next());
                live.quick.insert(message_id, slot);
                if let Some(bundle) = complete {
                    self.quick_complete(live, message_id, bundle);
                }
                // Messages after the first cover a nonce of ours: they are not from before.
                self.follow(live, incoming.path);
                Ok(())
            }
            Err(failure) => {
                let why = match &failure {
                    Failure::Quiet(_) | Failure::Pending(_) => None,
                    Failure::Refused(refused) => Some(Abort::Peer(refused.why.clone().into())),
                    Failure::Local(why) => Some(why.clone()),
                };
                match why {
                    Some(why) => self.end_slot(live, message_id, slot, why),
                    None => {
                        live.quick.insert(message_id, slot);
                    }
                }
                Err(failure)
            }
        }
    }

    /// Sends what an accepted message leads to; the bundle, if it is complete.
    fn progress(&mut self, live: &mut Live, slot: &mut QuickSlot, progress: Progress) -> Option<Arc<Bundle>> {
        let (path, size) = (live.ike.path, live.ike.fragment_size());
        match progress {
            Progress::Complete { send: Some(datagram), bundle } => {
                self.protected(live, datagram.len());
                self.host.out.transmit(path, datagram.clone(), size);
                slot.flight = Flight::reply(datagram);
                Some(bundle)
            }
            Progress::Complete { send: None, bundle } => {
                slot.flight.settle();
                Some(bundle)
            }
            // Message 3 is repeated until CONNECTED comes, a bounded number of times.
            Progress::Commit { send, next } => {
                self.protected(live, send.len());
                self.host.out.transmit(path, send.clone(), size);
                slot.flight = Flight::answer_expecting(send, self.host.now, &self.host.config);
                slot.state = next;
                None
            }
        }
    }

    /// RFC 4303 2.1, and common sense: an SPI of the peer's names one SA.
    fn check_spis(&self, live: &Live, wanted: Box<Wanted>) -> Result<Box<Wanted>, Failure> {
        let taken = |(protocol, spi): &(Protocol, Spi)| {
            self.table.by_outbound(&live.ike.identity, *protocol, *spi).is_some()
        };
        let taken = wanted.peer_spis().find(taken);
        match taken {
            Some((_, spi)) => {
                let octets = Bytes::copy_from_slice(&spi.0.to_be_bytes());
                Err(Failure::Refused(Misbehaviour::Spi(octets).into()))
            }
            None => Ok(wanted),
        }
    }

    pub(super) fn quick_complete(&mut self, live: &mut Live, message_id: MessageId, bundle: Arc<Bundle>) {
        let id = live.ike.id;
        self.timers.set(TimerKey::Retransmit(id, message_id), None);
        let reap = self.host.now.checked_add(self.host.config.reply_retention);
        self.timers.set(TimerKey::Reap(id, message_id), reap);
        count(&mut self.host.out.counters.bundles);
        // SPIs that were offered for a protocol that was not chosen are free again.
        if let Some(slot) = live.quick.get(&message_id) {
            self.table.release(&slot.spis);
        }
        self.table.insert_bundle(Arc::clone(&bundle));
        self.host.out.event(Event::Established(Arc::clone(&bundle)));
        (live.proven, live.refused) = (true, false);
        self.replaced(live, &bundle);
        self.bound_bundles(live, &bundle);
    }

    /// Ends an incomplete Quick Mode and whatever it had installed; the peer hears of a half that it could be using.
    pub(super) fn end_slot(&mut self, live: &mut Live, message_id: MessageId, slot: QuickSlot, why: Abort) {
        let QuickSlot { state, role, request, spis, .. } = slot;
        self.timers.set(TimerKey::Retransmit(live.ike.id, message_id), None);
        self.table.release(&spis);
        if let Some(bundle) = state.half() {
            self.host.out.push(Output::Remove(bundle.id, RemoveReason::Incomplete));
            self.send_informational(live, crate::phase2::informational::delete_bundle(bundle));
        }
        self.quick_failed(live, (message_id, role), why.clone());
        if let Some(request) = request {
            self.request_failed(request, why);
        }
    }

    /// The peer takes back its half of a bundle that is not complete here.
    pub(super) fn peer_deletes_half(&mut self, live: &mut Live, protocol: Protocol, spi: Spi) {
        let half = |slot: &QuickSlot| {
            let mut pairs = slot.state.half().into_iter().flat_map(|bundle| &bundle.pairs);
            pairs.any(|pair| pair.transform.protocol == protocol && pair.outbound == spi)
        };
        let found = live.quick.iter().find(|(_, slot)| half(slot)).map(|(message_id, _)| *message_id);
        if let Some((message_id, slot)) = found.and_then(|id| Some((id, live.quick.remove(&id)?))) {
            self.end_slot(live, message_id, slot, Abort::Deleted);
        }
    }

    pub(super) fn quick_failed(&mut self, live: &Live, (message_id, role): (MessageId, Role), why: Abort) {
        self.count_failure(&why);
        let (ike_sa, path) = (live.ike.id, live.ike.path);
        self.host.out.event(Event::Failed {
            ike_sa,
            path,
            exchange: ExchangeType::QUICK,
            message_id,
            role,
            why,
        });
    }

    /// An authenticated peer is told why its message was refused.
    fn refuse(&mut self, live: &mut Live, refused: &Refused) -> Option<Bytes> {
        let notify = refused.why.notify()?;
        let payload = crate::phase2::informational::notify(notify, refused.about.clone());
        let sent = self.send_informational(live, Vec::from([payload]))?;
        let (path, ike_sa) = (live.ike.path, Some(live.ike.id));
        self.host.out.event(Event::NotifySent { path, ike_sa, notify });
        Some(sent)
    }

    /// A peer that lost our refusal repeats its message and gets the same octets again (RFC 2408 5.1).
    fn keep_refusal(&mut self, live: &mut Live, incoming: &Incoming, answer: Bytes) {
        let (id, message_id) = (live.ike.id, incoming.header.message_id);
        let mut accepted = Accepted::default();
        accepted.remember(incoming.digest);
        let slot = QuickSlot {
            state: Quick::Complete,
            role: Role::Responder,
            flight: Flight::reply(answer),
            accepted,
            from: live.ike.may_follow(&incoming.path).then_some(incoming.path),
            iv: live.ike.chain(message_id),
            began: self.host.now,
            request: None,
            spis: Vec::new(),
        };
        live.quick.insert(message_id, slot);
        let reap = self.host.now.checked_add(self.host.config.reply_retention);
        self.timers.set(TimerKey::Reap(id, message_id), reap);
    }
}

/// Our SPIs, the state after message 2, and message 2.
type Answered = (Vec<(Protocol, Spi)>, Quick, Flight);

/// A message id that this IKE SA has not used (RFC 2408 3.1).
pub(super) fn fresh_id(live: &Live, beyond: usize, cx: &Cx<'_>) -> Result<MessageId, LocalFailure> {
    if live.used_ids.len() >= cx.config.max_message_ids.saturating_add(beyond) {
        return Err(LocalFailure::NumbersExhausted);
    }
    cx.draw(|octets| {
        let message_id = MessageId(u32::from_be_bytes(octets));
        (message_id != MessageId::ZERO && !live.used_ids.contains(&message_id)).then_some(message_id)
    })
}

/// One free SPI of ours for each protocol. The last of all is left to data paths that need one for themselves.
fn allocate(
    table: &Table,
    protocols: impl Iterator<Item = Protocol>,
    cx: &Cx<'_>,
) -> Result<Vec<(Protocol, Spi)>, LocalFailure> {
    protocols
        .map(|protocol| {
            let spi = cx.draw(|octets| {
                let spi = Spi(u32::from_be_bytes(octets));
                ((offer::MIN_SPI..u32::MAX).contains(&spi.0) && !table.is_held(protocol, spi)).then_some(spi)
            })?;
            Ok((protocol, spi))
        })
        .collect()
}
