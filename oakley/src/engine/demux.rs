//! From a datagram to the exchange that it is for. The version is looked at before anything else; cookies and exchange
//! type decide; nothing is decrypted here.

use alloc::vec::Vec;

use bytes::Bytes;
use isakmp_wire::payload::Notification;
use isakmp_wire::{Cookie, ExchangeType, Header, Message, MessageId, Payload, PayloadKind, peek_version};

use crate::engine::Engine;
use crate::engine::outbox::count;
use crate::engine::table::Entry;
use crate::error::{Incompatibility, Misbehaviour, Reject};
use crate::event::{Cookies, Event};
use crate::exchange::duplicate::{Seen, digest};
use crate::exchange::incoming::Incoming;
use crate::input::Answer;
use crate::nat::NatPayload;
use crate::oddity::Oddity;
use crate::policy::{Mode, Path, Role};
use crate::sa::IkeSaId;

/// IKEv2, whose datagrams share the port (RFC 7296 2.5).
const IKEV2: u8 = 2;

impl Engine {
    pub(super) fn datagram(&mut self, path: Path, octets: &[u8]) {
        let message = if path.local.port() == self.host.config.nat_port {
            match NatPayload::of(octets) {
                // RFC 3948 2.3: no answer, no sign of life, no state.
                NatPayload::Keepalive => return,
                NatPayload::Ike(message) => message,
                NatPayload::Esp(_) | NatPayload::Short => {
                    count(&mut self.host.out.counters.datagrams_in);
                    return self.rejected(path, None, None, Misbehaviour::Marker.into());
                }
            }
        } else {
            octets
        };
        count(&mut self.host.out.counters.datagrams_in);
        let message = self.message_in(path, message);
        if peek_version(message).is_some_and(|version| version.major == IKEV2) {
            count(&mut self.host.out.counters.not_ours);
            self.host.out.not_ours(path, octets);
            return;
        }
        if self.parked.holds(message) {
            return;
        }
        self.dispatch(path, Bytes::copy_from_slice(message), &[]);
    }

    /// A datagram without the zeros that a peer pads it with behind the end of the message.
    fn message_in<'a>(&mut self, path: Path, datagram: &'a [u8]) -> &'a [u8] {
        let message = Header::within(datagram);
        if message.len() < datagram.len()
            && let Ok((_, anomalies)) = Header::parse_with_anomalies(datagram)
        {
            self.host.out.read_over(path, None, anomalies.into_iter().map(Oddity::Wire));
        }
        message
    }

    pub(super) fn dispatch(&mut self, path: Path, octets: Bytes, answers: &[Answer]) {
        let header = match Header::parse(&octets) {
            Ok(header) => header,
            Err(error) => return self.rejected(path, None, None, error.into()),
        };
        let digest = digest(&self.host.provider, &octets);
        let incoming = Incoming { path, header, octets, digest };
        if let Some(id) = self.table.by_cookies(&cookies(&incoming))
            && self.has_left(id, &path)
        {
            return self.reject(&incoming, Some(id), Misbehaviour::OldPort.into());
        }
        if incoming.header.next_payload == PayloadKind::FRAGMENT {
            return self.fragment(&incoming, answers);
        }
        self.deliver(&incoming, answers);
    }

    /// Hands a whole message to what it is for.
    pub(super) fn deliver(&mut self, incoming: &Incoming, answers: &[Answer]) {
        match incoming.header.exchange {
            ExchangeType::IDENTITY_PROTECTION => self.phase1_datagram(incoming, Mode::Main, answers),
            ExchangeType::AGGRESSIVE => self.phase1_datagram(incoming, Mode::Aggressive, answers),
            ExchangeType::QUICK => self.quick_datagram(incoming, answers),
            ExchangeType::INFORMATIONAL => self.informational_datagram(incoming),
            other => {
                let id = self.table.by_cookies(&cookies(incoming));
                self.reject(incoming, id, Misbehaviour::UnexpectedExchange(other).into());
            }
        }
    }

    fn phase1_datagram(&mut self, incoming: &Incoming, mode: Mode, answers: &[Answer]) {
        let header = &incoming.header;
        if header.message_id != MessageId::ZERO {
            return self.reject(incoming, None, Misbehaviour::MessageId.into());
        }
        if header.initiator_cookie.is_zero() {
            return self.reject(incoming, None, Misbehaviour::UnknownCookies.into());
        }
        let by_initiator = self.table.by_initiator(header.initiator_cookie, incoming.path.remote);
        if header.responder_cookie.is_zero() {
            return match by_initiator {
                Some(id) => self.again(id, incoming),
                None => self.first_message(incoming, mode, answers),
            };
        }
        // Message 2 tells us CKY-R; until then CKY-I and the address find the exchange, and both cookies from then on.
        let unanswered = by_initiator.filter(|id| self.table.is_unanswered(*id));
        match self.table.by_cookies(&cookies(incoming)).or(unanswered) {
            Some(id) => self.negotiation_message(id, incoming, answers),
            None => self.reject(incoming, None, Misbehaviour::UnknownCookies.into()),
        }
    }

    /// A first message whose CKY-I is known: a repetition, or our own come back.
    fn again(&mut self, id: IkeSaId, incoming: &Incoming) {
        let (role, seen) = match self.table.get(id) {
            Some(Entry::Negotiating(negotiation)) => {
                (negotiation.course.role, negotiation.course.accepted.seen(&incoming.digest))
            }
            Some(Entry::Live(live)) => (live.ike.role, live.accepted.seen(&incoming.digest)),
            None => return,
        };
        match (role, seen) {
            (Role::Initiator, _) => self.reject(incoming, Some(id), Misbehaviour::Reflected("cookie").into()),
            (Role::Responder, Seen::New) => {
                self.reject(incoming, Some(id), Misbehaviour::UnknownCookies.into());
            }
            (Role::Responder, seen) => self.duplicate(id, MessageId::ZERO, seen),
        }
    }

    /// A datagram that was accepted before. Only the answer to the latest one is sent again.
    pub(super) fn duplicate(&mut self, id: IkeSaId, message_id: MessageId, seen: Seen) {
        let found = match self.table.get(id) {
            Some(Entry::Negotiating(negotiation)) => {
                Some((negotiation.course.path, Some(&negotiation.course.flight)))
            }
            Some(Entry::Live(live)) if message_id == MessageId::ZERO => {
                Some((live.ike.path, live.flight.as_ref()))
            }
            Some(Entry::Live(live)) => live
                .quick
                .get(&message_id)
                .map(|slot| (slot.from.unwrap_or(live.ike.path), Some(&slot.flight))),
            None => None,
        };
        let Some((path, flight)) = found else { return };
        let answer = flight.filter(|flight| seen == Seen::Latest && flight.answers_duplicates);
        let answer = answer.map(|flight| flight.datagram.clone());
        count(&mut self.host.out.counters.duplicates);
        self.host.out.event(Event::Duplicate { ike_sa: id, answered: answer.is_some() });
        if let Some(octets) = answer {
            let size = self.table.get(id).and_then(Entry::fragment_size);
            self.host.out.transmit(path, octets, size);
        }
    }

    /// An authenticated SA for a message under it, whatever the exchange; refuses the message otherwise.
    pub(super) fn live_sa(&mut self, incoming: &Incoming) -> Option<IkeSaId> {
        let found = self.table.by_cookies(&cookies(incoming));
        let id = found.filter(|id| matches!(self.table.get(*id), Some(Entry::Live(_))));
        if id.is_none() {
            self.reject(incoming, found, Misbehaviour::UnknownCookies.into());
        }
        id
    }

    pub(super) fn reject(&mut self, incoming: &Incoming, ike_sa: Option<IkeSaId>, why: Reject) {
        self.rejected(incoming.path, ike_sa, Some(incoming.header.exchange), why);
    }

    /// One event and one counter for each refused datagram.
    pub(super) fn rejected(
        &mut self,
        path: Path,
        ike_sa: Option<IkeSaId>,
        exchange: Option<ExchangeType>,
        why: Reject,
    ) {
        let counters = &mut self.host.out.counters;
        match &why {
            Reject::Malformed(_) => count(&mut counters.malformed),
            Reject::Misbehaved(misbehaviour) => {
                count(&mut counters.misbehaved);
                if *misbehaviour == Misbehaviour::Undecipherable {
                    count(&mut counters.undecipherable);
                }
            }
            Reject::Incompatible(_) => count(&mut counters.incompatible),
        }
        self.host.out.event(Event::Rejected { path, ike_sa, exchange, why });
    }

    /// NO-PROPOSAL-CHOSEN in clear, to message 1 of a configured peer: rate-limited, and shorter than the shortest
    /// message that has a transform to refuse.
    pub(super) fn refuse_in_clear(&mut self, incoming: &Incoming, why: &Reject) {
        if !matches!(why, Reject::Incompatible(Incompatibility::NoProposalChosen { .. })) {
            return;
        }
        if !self.refusals.take(self.host.now, self.host.config.clear_notifies_per_second) {
            count(&mut self.host.out.counters.notifies_suppressed);
            return;
        }
        let notify = isakmp_wire::NotifyType::NO_PROPOSAL_CHOSEN;
        let payload = crate::phase2::informational::notify(notify, None);
        let header = crate::phase1::facts::header(
            Cookies { initiator: incoming.header.initiator_cookie, responder: Cookie::ZERO },
            ExchangeType::INFORMATIONAL,
            MessageId::ZERO,
        );
        let octets = crate::phase1::facts::clear_message(header, Vec::from([payload]));
        self.host.out.transmit(incoming.path, octets, None);
        self.host.out.event(Event::NotifySent { path: incoming.path, ike_sa: None, notify });
    }

    /// A NOTIFY in clear: anyone could have sent it, so it is an event and nothing else (RFC 2409 5.7).
    pub(super) fn clear_informational(&mut self, incoming: &Incoming) {
        let header = &incoming.header;
        let ike_sa = self.table.by_cookies(&cookies(incoming));
        let ike_sa =
            ike_sa.or_else(|| self.table.by_initiator(header.initiator_cookie, incoming.path.remote));
        let message = match incoming.clear().map(|message: Message| message.payloads().to_vec()) {
            Ok(payloads) => payloads,
            Err(reject) => return self.reject(incoming, ike_sa, reject),
        };
        let notifications = message.iter().filter_map(|payload: &Payload| match payload.body() {
            isakmp_wire::Body::Notification(notification) => Some(notification),
            _ => None,
        });
        let Some(Notification { notify_type, data, .. }) = notifications.into_iter().next() else {
            return self.reject(incoming, ike_sa, Misbehaviour::EncryptionFlag.into());
        };
        let (path, notify, data) = (incoming.path, *notify_type, data.clone());
        self.host.out.event(Event::Notified { path, ike_sa, protected: false, notify, data });
    }
}

/// The cookies in a header.
pub(super) fn cookies(incoming: &Incoming) -> Cookies {
    Cookies { initiator: incoming.header.initiator_cookie, responder: incoming.header.responder_cookie }
}
