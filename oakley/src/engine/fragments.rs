//! IKE fragments inside the engine: whose are taken, and what becomes of the message that they make.

use bytes::Bytes;
use crypto_provider::Work;
use isakmp_wire::payload::Fragment;
use isakmp_wire::{EncryptedMessage, ExchangeType, Header, Message, MessageId, PayloadKind};

use crate::engine::Engine;
use crate::engine::demux::cookies;
use crate::engine::outbox::count;
use crate::engine::table::Entry;
use crate::engine::timer::TimerKey;
use crate::error::{Misbehaviour, Reject};
use crate::event::Event;
use crate::exchange::duplicate::digest;
use crate::exchange::incoming::Incoming;
use crate::fragments::reassembly::{Key, Standing, Whole};
use crate::fragments::{FragmentFault, Fragmentation};
use crate::input::Answer;
use crate::phase1::facts::Offered;
use crate::phase2::Ike;
use crate::policy::{Mode, Peer, Role};
use crate::sa::IkeSaId;

impl Offered {
    /// The size above which our messages leave as fragments, if they do: not before the peer has announced them.
    pub(crate) fn fragment_size(&self) -> Option<usize> {
        self.policy.fragmentation.size_to(&self.vendors)
    }
}

impl Ike {
    /// The size above which our messages leave as fragments, if they do.
    pub(crate) fn fragment_size(&self) -> Option<usize> {
        self.policy.fragmentation.size_to(&self.vendors)
    }
}

impl Entry {
    /// The size above which our messages leave as fragments, if they do.
    pub(crate) fn fragment_size(&self) -> Option<usize> {
        match self {
            Self::Negotiating(negotiation) => negotiation.state.offered().fragment_size(),
            Self::Live(live) => live.ike.fragment_size(),
        }
    }

    fn fragmentation(&self) -> &Fragmentation {
        match self {
            Self::Negotiating(negotiation) => &negotiation.state.offered().policy.fragmentation,
            Self::Live(live) => &live.ike.policy.fragmentation,
        }
    }

    fn began_by_peer(&self) -> bool {
        matches!(self, Self::Negotiating(negotiation) if negotiation.course.role == Role::Responder)
    }
}

impl Engine {
    /// A part of a message. The message that it completes goes the way of every datagram.
    pub(super) fn fragment(&mut self, incoming: &Incoming, answers: &[Answer]) {
        let id = self.exchange_of(incoming);
        let part = match part(incoming) {
            Ok(part) => part,
            Err(why) => return self.reject(incoming, id, why),
        };
        let admitted = match id.and_then(|id| self.table.get(id)) {
            Some(entry) => admitted(entry, incoming),
            None => match self.first_admitted(incoming, answers) {
                Work::Done(admitted) => admitted,
                Work::Pending(ticket) => return self.park_datagram(ticket, incoming, answers),
            },
        };
        let whole = admitted.and_then(|standing| self.add_fragment(standing, incoming, &part));
        self.timers.set(TimerKey::Fragments, self.fragments.next());
        match whole {
            Ok(Some(whole)) => self.reassembled(id, incoming, whole),
            Ok(None) => {}
            Err(why) => self.reject(incoming, id, why),
        }
    }

    /// The exchange or IKE SA that a fragment's header names.
    fn exchange_of(&self, incoming: &Incoming) -> Option<IkeSaId> {
        let header = &incoming.header;
        let by_initiator = || self.table.by_initiator(header.initiator_cookie, incoming.path.remote);
        if header.responder_cookie.is_zero() {
            return by_initiator();
        }
        // Message 2 tells us CKY-R, in parts too.
        let unanswered = || by_initiator().filter(|id| self.table.is_unanswered(*id));
        self.table.by_cookies(&cookies(incoming)).or_else(unanswered)
    }

    /// Part of a first message: taken only from a peer with a policy that forces fragments, since it knows nothing of us.
    fn first_admitted(&self, incoming: &Incoming, answers: &[Answer]) -> Work<Result<Standing, Reject>> {
        let header = &incoming.header;
        let mode = match header.exchange {
            ExchangeType::IDENTITY_PROTECTION => Some(Mode::Main),
            ExchangeType::AGGRESSIVE => Some(Mode::Aggressive),
            _ => None,
        };
        let is_first = header.responder_cookie.is_zero() && !header.initiator_cookie.is_zero();
        let Some(mode) = mode.filter(|_| is_first) else {
            return Work::Done(Err(Misbehaviour::UnknownCookies.into()));
        };
        let known = answers.iter().find_map(|answer| match answer {
            Answer::Phase1(policy) => Some(policy.clone()),
            _ => None,
        });
        let asked = || self.host.policy.phase1(&Peer::new(&incoming.path, None), mode);
        match known.map_or_else(asked, Work::Done) {
            Work::Done(Some(policy)) if policy.fragmentation.is_taken(true) => {
                Work::Done(Ok(Standing::Stranger))
            }
            Work::Done(_) => Work::Done(Err(FragmentFault::NotAnnounced.into())),
            Work::Pending(ticket) => Work::Pending(ticket),
        }
    }

    fn add_fragment(
        &mut self,
        standing: Standing,
        incoming: &Incoming,
        part: &Fragment,
    ) -> Result<Option<Whole>, Reject> {
        count(&mut self.host.out.counters.fragments_in);
        let key = Key {
            source: incoming.path.remote.ip(),
            cookies: cookies(incoming),
            message_id: incoming.header.message_id,
            fragment_id: part.id,
        };
        let added = self.fragments.add((key, standing), part, self.host.now, &self.host.config);
        added.map_err(Reject::from)
    }

    fn reassembled(&mut self, id: Option<IkeSaId>, fragment: &Incoming, whole: Whole) {
        let Whole { octets, fragments } = whole;
        let path = fragment.path;
        count(&mut self.host.out.counters.reassembled);
        self.host.out.event(Event::Reassembled { path, ike_sa: id, fragments, octets: octets.len() });
        let header = match fits(&fragment.header, &octets) {
            Ok(header) => header,
            Err(why) => return self.reject(fragment, id, why),
        };
        if self.parked.holds(&octets) {
            return;
        }
        let digest = digest(&self.host.provider, &octets);
        self.deliver(&Incoming { path, header, octets, digest }, &[]);
    }

    /// Messages of which no more has come.
    pub(super) fn fragments_due(&mut self) {
        self.fragments.expire(self.host.now);
        self.timers.set(TimerKey::Fragments, self.fragments.next());
    }
}

/// Whether an exchange takes fragments, and in whose room.
fn admitted(entry: &Entry, incoming: &Incoming) -> Result<Standing, Reject> {
    let is_first = incoming.header.responder_cookie.is_zero();
    if !entry.fragmentation().is_taken(is_first) {
        return Err(FragmentFault::NotAnnounced.into());
    }
    let elsewhere = entry.path().remote.ip() != incoming.path.remote.ip();
    Ok(match entry.began_by_peer() {
        _ if is_first || elsewhere => Standing::Stranger,
        true => Standing::Returned,
        false => Standing::Known,
    })
}

/// The one payload of a fragment's message. It is in clear; some peers copy the flags of the whole nevertheless.
fn part(incoming: &Incoming) -> Result<Fragment, Reject> {
    let message = if incoming.header.is_encrypted() {
        let message = EncryptedMessage::parse(incoming.octets.clone())?;
        message.decrypted(message.ciphertext().clone())?
    } else {
        Message::parse(incoming.octets.clone())?
    };
    let alone = message.payloads().len() == 1 && message.padding().is_empty();
    let part = message.get::<Fragment>().filter(|_| alone);
    Ok(part.ok_or(FragmentFault::NotAlone)?.clone())
}

/// Whether a message may be what its fragments say. All else is checked where it is checked of every datagram.
fn fits(fragment: &Header, octets: &Bytes) -> Result<Header, Reject> {
    let whole = Header::parse(octets)?;
    if whole.next_payload == PayloadKind::FRAGMENT {
        return Err(FragmentFault::Nested.into());
    }
    let cookies = |header: &Header| (header.initiator_cookie, header.responder_cookie);
    if cookies(&whole) != cookies(fragment) {
        return Err(FragmentFault::Cookies.into());
    }
    // Some peers have 0 for the message id of every fragment (racoon), and some its exchange as well (strongSwan).
    let is_phase1 = |header: &Header| {
        matches!(header.exchange, ExchangeType::IDENTITY_PROTECTION | ExchangeType::AGGRESSIVE)
    };
    let of_exchange = whole.exchange == fragment.exchange || (is_phase1(fragment) && !is_phase1(&whole));
    let has_id = whole.message_id == fragment.message_id || fragment.message_id == MessageId::ZERO;
    if !of_exchange || !has_id {
        return Err(FragmentFault::Exchange(whole.exchange).into());
    }
    Ok(whole)
}
