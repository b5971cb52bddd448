//! Phase 1 exchanges inside the engine: begun, gone on with, ended.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;
use crypto_provider::{Ticket, Work};
use isakmp_wire::MessageId;

use crate::engine::Engine;
use crate::engine::outbox::count;
use crate::engine::park::Waiting;
use crate::engine::table::{Entry, Live, Negotiation};
use crate::engine::timer::TimerKey;
use crate::error::{Abort, Incompatibility, LocalFailure, Misbehaviour, Reject};
use crate::event::{Cookies, Event};
use crate::exchange::duplicate::{Accepted, Seen};
use crate::exchange::flight::Flight;
use crate::exchange::incoming::Incoming;
use crate::input::{Answer, Request};
use crate::phase1::facts::{Established, exchange_type};
use crate::phase1::main_responder::Begun;
use crate::phase1::{
    Phase1, Step, Verdict, aggressive_initiator, aggressive_responder, main_initiator, main_responder,
};
use crate::phase2::{Ike, informational};
use crate::policy::{Mode, Path, Peer, Phase1Policy, Role};
use crate::sa::IkeSaId;

impl Engine {
    /// Traffic needs a tunnel: under an IKE SA that is there, or one that is on its way, or a new one.
    pub(super) fn initiate(&mut self, request: Request, answers: &[Answer]) {
        if self.parked.has_request(&request) {
            return;
        }
        let known: Vec<IkeSaId> = self.table.by_path(&request.path).collect();
        for id in known {
            match self.table.take(id) {
                // An SA that has used up its message ids is as good as none: a new one takes over.
                Some(Entry::Live(live)) if live.used_ids.len() < self.host.config.max_message_ids => {
                    self.table.put(id, Entry::Live(live));
                    return self.start_quick(id, request, answers);
                }
                Some(Entry::Negotiating(mut negotiation)) if negotiation.role == Role::Initiator => {
                    if !negotiation.waiting.contains(&request) {
                        negotiation.waiting.push(request);
                    }
                    return self.table.put(id, Entry::Negotiating(negotiation));
                }
                Some(entry) => self.table.put(id, entry),
                None => {}
            }
        }
        let policy = match self.host.cx(answers).phase1_policy(&Peer::new(&request.path, None), Mode::Main) {
            Work::Done(Some(policy)) => policy,
            Work::Done(None) => return self.request_failed(request, LocalFailure::NoPolicy.into()),
            Work::Pending(ticket) => return self.parked.park(ticket, Waiting::Request(request), answers),
        };
        self.start_phase1(request, policy);
    }

    fn start_phase1(&mut self, request: Request, policy: Arc<Phase1Policy>) {
        let id = self.table.new_ike_sa();
        let path = request.path;
        let mode = policy.mode;
        let cx = &mut self.host.cx(&[]);
        let begun = match mode {
            Mode::Main => main_initiator::begin(id, path, policy, cx)
                .map(|(state, datagram)| (state.cookies(), Phase1::from(state), datagram)),
            Mode::Aggressive => aggressive_initiator::begin(id, path, &policy, cx)
                .map(|(state, datagram)| (state.cookies(), Phase1::from(state), datagram)),
        };
        let (cookies, state, datagram) = match begun {
            Ok(begun) => begun,
            Err(why) => return self.request_failed(request, why),
        };
        self.started((id, mode), path, Role::Initiator);
        let negotiation = Negotiation {
            path,
            role: Role::Initiator,
            cookies,
            state,
            began: self.host.now,
            flight: Flight::expecting(datagram.clone(), self.host.now, &self.host.config),
            accepted: Accepted::default(),
            waiting: Vec::from([request]),
        };
        self.timers.set(TimerKey::Retransmit(id, MessageId::ZERO), negotiation.flight.next());
        self.table.put(id, Entry::Negotiating(Box::new(negotiation)));
        self.host.out.transmit(path, datagram);
    }

    fn started(&mut self, (ike_sa, mode): (IkeSaId, Mode), path: Path, role: Role) {
        let exchange = exchange_type(mode);
        self.host.out.event(Event::Started { ike_sa, path, exchange, message_id: MessageId::ZERO, role });
    }

    pub(super) fn request_failed(&mut self, request: Request, why: Abort) {
        count(&mut self.host.out.counters.failed);
        let Request { path, selectors } = request;
        self.host.out.event(Event::RequestFailed { path, selectors, why });
    }

    /// Message 1 of a peer.
    pub(super) fn first_message(&mut self, incoming: &Incoming, mode: Mode, answers: &[Answer]) {
        let path = incoming.path;
        let identity = match mode {
            Mode::Main => None,
            Mode::Aggressive => match incoming
                .clear()
                .and_then(|message| aggressive_responder::identity(&message).map_err(Reject::from))
            {
                Ok(identity) => Some(identity),
                Err(reject) => return self.reject(incoming, None, reject),
            },
        };
        let peer = Peer::new(&path, identity.as_ref());
        let policy = match self.host.cx(answers).phase1_policy(&peer, mode) {
            Work::Done(Some(policy)) => policy,
            Work::Done(None) => return self.reject(incoming, None, Incompatibility::UnknownPeer.into()),
            Work::Pending(ticket) => return self.park_datagram(ticket, incoming, answers),
        };
        let id = self.table.new_ike_sa();
        let cx = &mut self.host.cx(answers);
        let begun = match mode {
            Mode::Main => main_responder::begin(id, incoming, policy, cx),
            Mode::Aggressive => aggressive_responder::begin(id, incoming, policy, cx),
        };
        match begun {
            Begun::Answered(state, cookies, datagram) => {
                self.make_room(path);
                self.started((id, mode), path, Role::Responder);
                let mut accepted = Accepted::default();
                accepted.remember(incoming.digest);
                let negotiation = Negotiation {
                    path,
                    role: Role::Responder,
                    cookies,
                    state,
                    began: self.host.now,
                    flight: Flight::reply(datagram.clone()),
                    accepted,
                    waiting: Vec::new(),
                };
                self.half_open.insert(path.remote.ip(), id);
                let end = self.host.now.checked_add(self.host.config.half_open_life);
                self.timers.set(TimerKey::HalfOpen(id), end);
                self.table.put(id, Entry::Negotiating(Box::new(negotiation)));
                self.host.out.transmit(path, datagram);
            }
            Begun::Refused(why) => {
                self.refuse_in_clear(incoming, &why);
                self.reject(incoming, None, why);
            }
            Begun::Pending(ticket) => self.park_datagram(ticket, incoming, answers),
            Begun::Failed(why) => self.phase1_failed((id, mode), (path, Role::Responder), why),
        }
    }

    fn park_datagram(&mut self, ticket: Ticket, incoming: &Incoming, answers: &[Answer]) {
        let (path, octets) = (incoming.path, incoming.octets.clone());
        self.parked.park(ticket, Waiting::Datagram { path, octets }, answers);
    }

    fn make_room(&mut self, path: Path) {
        if let Some(oldest) = self.half_open.displaced(path.remote.ip(), &self.host.config) {
            count(&mut self.host.out.counters.displaced);
            self.end_negotiation(oldest, Abort::Displaced);
        }
    }

    /// A later message of phase 1.
    pub(super) fn negotiation_message(&mut self, id: IkeSaId, incoming: &Incoming, answers: &[Answer]) {
        let seen = match self.table.get(id) {
            Some(Entry::Negotiating(negotiation)) if negotiation.path.remote == incoming.path.remote => {
                if exchange_type(negotiation.state.mode()) != incoming.header.exchange {
                    return self.reject(incoming, Some(id), unexpected(incoming));
                }
                negotiation.accepted.seen(&incoming.digest)
            }
            Some(Entry::Live(live)) => match live.accepted.seen(&incoming.digest) {
                Seen::New => return self.reject(incoming, Some(id), unexpected(incoming)),
                seen => seen,
            },
            Some(_) | None => return self.reject(incoming, None, Misbehaviour::UnknownCookies.into()),
        };
        if seen != Seen::New {
            return self.duplicate(id, MessageId::ZERO, seen);
        }
        let Some(Entry::Negotiating(negotiation)) = self.table.take(id) else { return };
        let Negotiation { path, role, mut cookies, state, began, flight, mut accepted, waiting } =
            *negotiation;
        let mode = state.mode();
        match state.handle(incoming, &mut self.host.cx(answers)) {
            Verdict::Refused(state, why) => {
                self.keep(id, Negotiation { path, role, cookies, state, began, flight, accepted, waiting });
                self.reject(incoming, Some(id), why);
            }
            Verdict::Parked(state, ticket) => {
                self.keep(id, Negotiation { path, role, cookies, state, began, flight, accepted, waiting });
                self.park_datagram(ticket, incoming, answers);
            }
            Verdict::Went(Step::Wait { next, send }) => {
                accepted.remember(incoming.digest);
                cookies = Cookies { responder: incoming.header.responder_cookie, ..cookies };
                let flight = match role {
                    Role::Initiator => Flight::expecting(send.clone(), self.host.now, &self.host.config),
                    Role::Responder => Flight::reply(send.clone()),
                };
                self.timers.set(TimerKey::Retransmit(id, MessageId::ZERO), flight.next());
                self.keep(
                    id,
                    Negotiation { path, role, cookies, state: next, began, flight, accepted, waiting },
                );
                self.host.out.transmit(path, send);
            }
            Verdict::Went(Step::Done { established, send }) => {
                accepted.remember(incoming.digest);
                self.stop_phase1_timers(id, path);
                self.established((id, began), (*established, send), accepted, waiting);
            }
            Verdict::Ended(why) => {
                self.stop_phase1_timers(id, path);
                self.fail_waiting(waiting, &why);
                self.phase1_failed((id, mode), (path, role), why);
            }
        }
    }

    fn keep(&mut self, id: IkeSaId, negotiation: Negotiation) {
        self.table.put(id, Entry::Negotiating(Box::new(negotiation)));
    }

    fn stop_phase1_timers(&mut self, id: IkeSaId, path: Path) {
        self.timers.set(TimerKey::Retransmit(id, MessageId::ZERO), None);
        self.timers.set(TimerKey::HalfOpen(id), None);
        self.half_open.remove(path.remote.ip(), id);
    }

    /// Phase 1 is complete: the IKE SA is authenticated, then ready.
    fn established(
        &mut self,
        (id, began): (IkeSaId, Duration),
        (established, send): (Established, Option<Bytes>),
        accepted: Accepted,
        waiting: Vec<Request>,
    ) {
        let Established { offered, suite, keys, last_block, identity } = established;
        let now = self.host.now;
        let seconds = suite.chosen.lifetime.seconds;
        let expires = seconds.and_then(|seconds| now.checked_add(Duration::from_secs(seconds)));
        let (path, role, cookies) = (offered.path, offered.role, offered.cookies);
        if let Some(octets) = send.clone() {
            self.host.out.transmit(path, octets);
        }
        count(&mut self.host.out.counters.ike_sas);
        let (ike_sa, policy) = (id, offered.policy);
        self.host.out.event(Event::Authenticated {
            ike_sa,
            path,
            role,
            cookies,
            suite: suite.chosen.clone(),
            identity: identity.clone(),
        });
        let ike = Ike {
            id,
            path,
            role,
            cookies,
            policy,
            suite,
            keys,
            last_block,
            identity,
            began,
            established: now,
        };
        let live = Live {
            ike,
            ready: false,
            unconfirmed: role == Role::Initiator && send.is_some(),
            flight: send.map(Flight::reply),
            accepted,
            contact_obeyed: false,
            used_ids: BTreeSet::new(),
            quick: BTreeMap::new(),
            expires,
        };
        self.table.put(id, Entry::Live(Box::new(live)));
        self.timers.set(TimerKey::Expire(id), expires);
        self.timers
            .set(TimerKey::Reap(id, MessageId::ZERO), now.checked_add(self.host.config.reply_retention));
        self.first_contact(id);
        self.make_ready(id);
        for request in waiting {
            self.initiate(request, &[]);
        }
    }

    /// RFC 2407 4.6.3.3: whoever has nothing else with this peer says so, and the peer drops what it still has from before.
    fn first_contact(&mut self, id: IkeSaId) {
        let Some(mut live) = self.table.take_live(id) else { return };
        let (sas, bundles) = self.table.of_peer_before(&live.ike.identity, Duration::MAX);
        if sas.is_empty() && bundles.is_empty() && !live.ike.policy.quirks.no_initial_contact {
            let notify = isakmp_wire::NotifyType::INITIAL_CONTACT;
            let about = (isakmp_wire::ProtocolId::ISAKMP, informational::cookie_spi(&live.ike.cookies));
            let payload = informational::notify(notify, Some(about));
            if self.send_informational(&mut live, Vec::from([payload])) {
                let path = live.ike.path;
                self.host.out.event(Event::NotifySent { path, ike_sa: Some(id), notify });
            }
        }
        self.table.put(id, Entry::Live(live));
    }

    /// What must happen between authentication and the first Quick Mode would be waited for here; no policy of this
    /// engine asks for anything.
    fn make_ready(&mut self, id: IkeSaId) {
        if let Some(mut live) = self.table.take_live(id) {
            live.ready = true;
            self.table.put(id, Entry::Live(live));
            self.host.out.event(Event::Ready { ike_sa: id });
        }
    }

    /// Ends an incomplete phase 1.
    pub(super) fn end_negotiation(&mut self, id: IkeSaId, why: Abort) {
        match self.table.take(id) {
            Some(Entry::Negotiating(negotiation)) => {
                let Negotiation { path, role, waiting, state, .. } = *negotiation;
                self.stop_phase1_timers(id, path);
                self.fail_waiting(waiting, &why);
                self.phase1_failed((id, state.mode()), (path, role), why);
            }
            Some(entry) => self.table.put(id, entry),
            None => {}
        }
    }

    fn fail_waiting(&mut self, waiting: Vec<Request>, why: &Abort) {
        for request in waiting {
            self.request_failed(request, why.clone());
        }
    }

    fn phase1_failed(&mut self, (ike_sa, mode): (IkeSaId, Mode), (path, role): (Path, Role), why: Abort) {
        self.count_failure(&why);
        let exchange = exchange_type(mode);
        self.host.out.event(Event::Failed { ike_sa, path, exchange, message_id: MessageId::ZERO, role, why });
    }

    pub(super) fn count_failure(&mut self, why: &Abort) {
        let counters = &mut self.host.out.counters;
        count(if *why == Abort::TimedOut { &mut counters.timed_out } else { &mut counters.failed });
    }
}

/// A phase 1 message to an SA that is complete.
fn unexpected(incoming: &Incoming) -> Reject {
    Misbehaviour::UnexpectedExchange(incoming.header.exchange).into()
}
