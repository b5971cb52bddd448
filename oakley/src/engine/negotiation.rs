//! Phase 1 exchanges inside the engine: begun, gone on with, ended.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crypto_provider::{Ticket, Work};
use isakmp_wire::MessageId;

use crate::engine::Engine;
use crate::engine::outbox::count;
use crate::engine::park::Waiting;
use crate::engine::table::{Course, Entry, Negotiation};
use crate::engine::timer::TimerKey;
use crate::error::{Abort, Incompatibility, LocalFailure, Misbehaviour, Reject};
use crate::event::Event;
use crate::exchange::duplicate::{Accepted, Seen};
use crate::exchange::flight::Flight;
use crate::exchange::incoming::Incoming;
use crate::input::{Answer, Request};
use crate::phase1::facts::exchange_type;
use crate::phase1::{
    Begun, Phase1, Step, Verdict, aggressive_initiator, aggressive_responder, main_initiator, main_responder,
};
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
                // An SA that is about to end is as good as none: a new one takes over.
                Some(Entry::Live(mut live))
                    if !live.is_spent(self.host.now, &self.host.config)
                        && !live.is_suspect(self.host.now) =>
                {
                    if !live.ready {
                        if !live.waiting.contains(&request) {
                            live.waiting.push(request);
                        }
                        return self.table.put(id, Entry::Live(live));
                    }
                    self.table.put(id, Entry::Live(live));
                    return self.start_quick(id, request, answers);
                }
                Some(Entry::Negotiating(mut negotiation)) if negotiation.course.role == Role::Initiator => {
                    if !negotiation.course.waiting.contains(&request) {
                        negotiation.course.waiting.push(request);
                    }
                    return self.table.put(id, Entry::Negotiating(negotiation));
                }
                Some(entry) => self.table.put(id, entry),
                None => {}
            }
        }
        let policy = match self.host.cx(answers).phase1_policy(&Peer::new(&request.path, None), Mode::Main) {
            Work::Done(Some(policy)) => policy,
            Work::Done(None) => {
                count(&mut self.host.out.counters.failed);
                return self.request_failed(request, LocalFailure::NoPolicy.into());
            }
            Work::Pending(ticket) => return self.park(ticket, Waiting::Request(Box::new(request)), answers),
        };
        self.start_phase1(request.path, policy, Vec::from([request]));
    }

    /// Phase 1, and what is to be negotiated under it.
    pub(super) fn start_phase1(&mut self, path: Path, policy: Arc<Phase1Policy>, waiting: Vec<Request>) {
        let id = self.table.new_ike_sa();
        let mode = policy.mode;
        let cx = &mut self.host.cx(&[]);
        let begun = match mode {
            Mode::Main => main_initiator::begin(id, path, policy, cx)
                .map(|(state, datagram)| (Phase1::from(state), datagram)),
            Mode::Aggressive => aggressive_initiator::begin(id, path, &policy, cx)
                .map(|(state, datagram)| (Phase1::from(state), datagram)),
        };
        let (state, datagram) = match begun {
            Ok(begun) => begun,
            Err(why) => {
                count(&mut self.host.out.counters.failed);
                return self.fail_waiting(waiting, &why);
            }
        };
        self.started((id, mode), path, Role::Initiator);
        let course = Course {
            path,
            home: path,
            role: Role::Initiator,
            mode,
            cookies: state.offered().cookies,
            began: self.host.now,
            flight: Flight::expecting(datagram.clone(), self.host.now, &self.host.config),
            accepted: Accepted::default(),
            waiting,
        };
        self.timers.set(TimerKey::Retransmit(id, MessageId::ZERO), course.flight.next());
        let size = state.offered().fragment_size();
        self.keep(id, course, state);
        self.host.out.transmit(path, datagram, size);
    }

    fn started(&mut self, (ike_sa, mode): (IkeSaId, Mode), path: Path, role: Role) {
        let exchange = exchange_type(mode);
        self.host.out.event(Event::Started { ike_sa, path, exchange, message_id: MessageId::ZERO, role });
    }

    /// Says that a request is not served. The exchange that failed it, if there was one, is counted where it ended.
    pub(super) fn request_failed(&mut self, request: Request, why: Abort) {
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
                Ok(identity) => identity,
                Err(reject) => return self.reject(incoming, None, reject),
            },
        };
        let peer = Peer::new(&path, identity.as_ref());
        let policy = match self.host.cx(answers).phase1_policy(&peer, mode) {
            Work::Done(Some(policy)) => policy,
            Work::Done(None) => {
                return self.reject(incoming, None, Incompatibility::UnknownPeer { identity, mode }.into());
            }
            Work::Pending(ticket) => return self.park_datagram(ticket, incoming, answers),
        };
        let id = self.table.new_ike_sa();
        let cx = &mut self.host.cx(answers);
        let begun = match mode {
            Mode::Main => main_responder::begin(id, incoming, policy, cx),
            Mode::Aggressive => aggressive_responder::begin(id, incoming, policy, cx),
        };
        match begun {
            Begun::Answered(step, cookies) => {
                let octets = incoming.octets.len();
                self.make_room(octets);
                self.started((id, mode), path, Role::Responder);
                let course = Course {
                    path,
                    home: path,
                    role: Role::Responder,
                    mode,
                    cookies,
                    began: self.host.now,
                    flight: Flight::silent(),
                    accepted: Accepted::default(),
                    waiting: Vec::new(),
                };
                self.unreturned.insert(id, octets);
                let end = self.host.now.checked_add(self.host.config.half_open_life);
                self.timers.set(TimerKey::HalfOpen(id), end);
                self.went(id, course, step, Some(incoming));
            }
            Begun::Refused(why) => {
                self.refuse_in_clear(incoming, &why);
                self.reject(incoming, None, why);
            }
            Begun::Pending(ticket) => self.park_datagram(ticket, incoming, answers),
            Begun::Failed(why) => self.phase1_failed((id, mode), (path, Role::Responder), why),
        }
    }

    pub(super) fn park_datagram(&mut self, ticket: Ticket, incoming: &Incoming, answers: &[Answer]) {
        let (path, octets) = (incoming.path, incoming.octets.clone());
        self.park(ticket, Waiting::Datagram { path, octets }, answers);
    }

    fn make_room(&mut self, octets: usize) {
        while let Some(oldest) = self.unreturned.displaced(octets, &self.host.config) {
            self.displace(oldest);
        }
    }

    fn displace(&mut self, id: IkeSaId) {
        count(&mut self.host.out.counters.displaced);
        self.end_negotiation(id, Abort::Displaced);
        self.unreturned.remove(id);
    }

    /// Our cookie came back, so the peer is where it says: forged first messages push it out no more. What real addresses
    /// leave incomplete is bounded in its own right.
    fn cookie_returned(&mut self, id: IkeSaId, path: Path) {
        let source = path.remote.ip();
        self.unreturned.remove(id);
        self.returned.remove(source, id);
        if let Some(oldest) = self.returned.displaced(source, &self.host.config) {
            self.displace(oldest);
        }
        self.returned.insert(source, id);
    }

    /// A later message of phase 1.
    pub(super) fn negotiation_message(&mut self, id: IkeSaId, incoming: &Incoming, answers: &[Answer]) {
        let seen = match self.table.get(id) {
            Some(Entry::Negotiating(negotiation))
                if negotiation.course.path.remote == incoming.path.remote
                    || negotiation.state.may_arrive_elsewhere() =>
            {
                if exchange_type(negotiation.course.mode) != incoming.header.exchange {
                    return self.reject(incoming, Some(id), unexpected(incoming));
                }
                negotiation.course.accepted.seen(&incoming.digest)
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
        let Negotiation { course, state } = *negotiation;
        match state.handle(incoming, &mut self.host.cx_among(answers, &self.table)) {
            Verdict::Refused(state, why) => {
                self.keep(id, course, state);
                self.reject(incoming, Some(id), why);
            }
            Verdict::Parked(state, ticket) => {
                self.keep(id, course, state);
                self.park_datagram(ticket, incoming, answers);
            }
            Verdict::Went(step) => self.went(id, course, step, Some(incoming)),
            Verdict::Ended(why) => self.ended(id, course, why),
        }
    }

    /// Our own proof is there at last.
    pub(super) fn proof_completed(&mut self, id: IkeSaId, answers: &[Answer]) {
        let Some(Entry::Negotiating(negotiation)) = self.table.take(id) else { return };
        let Negotiation { course, state } = *negotiation;
        match state {
            Phase1::Proving(state) => match state.resume(&mut self.host.cx_among(answers, &self.table)) {
                Ok(step) => self.went(id, course, step, None),
                Err(why) => self.ended(id, course, why),
            },
            state => self.keep(id, course, state),
        }
    }

    /// Goes on after an accepted message, or after our own proof came (`incoming` is `None` then).
    fn went(&mut self, id: IkeSaId, mut course: Course, step: Step, incoming: Option<&Incoming>) {
        if let Some(incoming) = incoming {
            if course.role == Role::Responder && !incoming.header.responder_cookie.is_zero() {
                self.cookie_returned(id, course.home);
            }
            course.accepted.remember(incoming.digest);
            if course.role == Role::Initiator {
                course.cookies.responder = incoming.header.responder_cookie;
            }
        }
        match step {
            Step::Wait { next, send } => {
                course.path = next.offered().path;
                course.flight = match course.role {
                    Role::Initiator => Flight::expecting(send.clone(), self.host.now, &self.host.config),
                    Role::Responder => Flight::reply(send.clone()),
                };
                self.timers.set(TimerKey::Retransmit(id, MessageId::ZERO), course.flight.next());
                if course.role == Role::Initiator {
                    self.timers.set(TimerKey::HalfOpen(id), None);
                }
                let (path, size) = (course.path, next.offered().fragment_size());
                self.keep(id, course, next);
                self.host.out.transmit(path, send, size);
            }
            Step::Park { next, ticket } => {
                // Whatever was sent before has been answered; how long the proof may take is bounded.
                course.path = next.offered().path;
                course.flight.settle();
                self.timers.set(TimerKey::Retransmit(id, MessageId::ZERO), None);
                if course.role == Role::Initiator {
                    let end = self.host.now.checked_add(self.host.config.half_open_life);
                    self.timers.set(TimerKey::HalfOpen(id), end);
                }
                self.keep(id, course, next);
                self.park(ticket, Waiting::Proof(id), &[]);
            }
            Step::Done { established, send } => {
                self.stop_phase1_timers(id, course.home);
                self.established(id, (*established, send), course);
            }
        }
    }

    fn ended(&mut self, id: IkeSaId, course: Course, why: Abort) {
        let Course { path, home, role, mode, waiting, .. } = course;
        self.stop_phase1_timers(id, home);
        if role == Role::Initiator && why == Abort::TimedOut {
            self.nobody_answers(&waiting);
        }
        self.fail_waiting(waiting, &why);
        self.phase1_failed((id, mode), (path, role), why);
    }

    fn keep(&mut self, id: IkeSaId, course: Course, state: Phase1) {
        self.table.put(id, Entry::Negotiating(Box::new(Negotiation { course, state })));
    }

    fn stop_phase1_timers(&mut self, id: IkeSaId, path: Path) {
        self.timers.set(TimerKey::Retransmit(id, MessageId::ZERO), None);
        self.timers.set(TimerKey::HalfOpen(id), None);
        self.unreturned.remove(id);
        self.returned.remove(path.remote.ip(), id);
    }

    /// Ends an incomplete phase 1.
    pub(super) fn end_negotiation(&mut self, id: IkeSaId, why: Abort) {
        match self.table.take(id) {
            Some(Entry::Negotiating(negotiation)) => self.ended(id, negotiation.course, why),
            Some(entry) => self.table.put(id, entry),
            None => {}
        }
    }

    pub(super) fn fail_waiting(&mut self, waiting: Vec<Request>, why: &Abort) {
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
