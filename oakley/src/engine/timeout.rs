//! What happens when a timer runs out.

use alloc::boxed::Box;

use isakmp_wire::MessageId;

use crate::engine::Engine;
use crate::engine::doubt::HASTY_SENDS;
use crate::engine::outbox::count;
use crate::engine::table::{Entry, Live};
use crate::engine::timer::TimerKey;
use crate::error::Abort;
use crate::event::Event;
use crate::input::{LimitReached, Request};
use crate::phase2::{Quick, QuickSlot, informational};
use crate::policy::Role;
use crate::sa::IkeSaId;

impl Engine {
    pub(super) fn timeout(&mut self, key: TimerKey) {
        match key {
            TimerKey::Retransmit(id, MessageId::ZERO) => self.retransmit_phase1(id),
            TimerKey::Retransmit(id, message_id) => self.retransmit_quick(id, message_id),
            TimerKey::HalfOpen(id) => self.end_negotiation(id, Abort::TimedOut),
            TimerKey::Reap(id, message_id) => self.reap(id, message_id),
            TimerKey::Expire(id) => self.expire(id),
            TimerKey::Renew(id) => self.renew(id, &[]),
            TimerKey::Keepalive(path) => self.keepalive_due(path),
            TimerKey::Liveness(id) => self.liveness_due(id),
            TimerKey::Soft(id) => {
                let _gone = self.used(id, LimitReached::Soft);
            }
            TimerKey::Silence(id) => self.silence_due(id),
            TimerKey::Fragments => self.fragments_due(),
        }
    }

    fn retransmit_phase1(&mut self, id: IkeSaId) {
        let Some(Entry::Negotiating(mut negotiation)) = self.table.take(id) else { return };
        let sent = negotiation.course.flight.resend(self.host.now, &self.host.config);
        let (path, sends, next) =
            (negotiation.course.path, negotiation.course.flight.sends, negotiation.course.flight.next());
        let size = negotiation.state.offered().fragment_size();
        self.table.put(id, Entry::Negotiating(negotiation));
        let Some(octets) = sent else { return self.end_negotiation(id, Abort::TimedOut) };
        self.timers.set(TimerKey::Retransmit(id, MessageId::ZERO), next);
        self.resent(id, MessageId::ZERO, sends);
        self.host.out.transmit(path, octets, size);
    }

    fn retransmit_quick(&mut self, id: IkeSaId, message_id: MessageId) {
        let Some(mut live) = self.table.take_live(id) else { return };
        if let Some(mut slot) = live.quick.remove(&message_id) {
            let path = slot.from.unwrap_or(live.ike.path);
            let size = live.ike.fragment_size();
            if self.is_mute_in_haste(&live, &slot) {
                return self.quick_timed_out(live, message_id, slot);
            }
            match slot.flight.resend(self.host.now, &self.host.config) {
                Some(octets) => {
                    self.timers.set(TimerKey::Retransmit(id, message_id), slot.flight.next());
                    self.resent(id, message_id, slot.flight.sends);
                    // After Aggressive Mode the responder cannot read this before it has our last message of phase 1.
                    if let Some(flight) = live.flight.as_ref().filter(|_| live.unconfirmed) {
                        self.host.out.transmit(path, flight.datagram.clone(), size);
                    }
                    self.host.out.transmit(path, octets, size);
                    live.quick.insert(message_id, slot);
                }
                None => return self.quick_timed_out(live, message_id, slot),
            }
        }
        self.table.put(id, Entry::Live(live));
    }

    /// Whether a Quick Mode was sent often enough without a word from the peer, where a fresh phase 1 is more likely to help: no
    /// message has ever passed under this IKE SA, which may be due to what it found out about translators, or the flow has SAs
    /// that the peer seems to have lost.
    fn is_mute_in_haste(&self, live: &Live, slot: &QuickSlot) -> bool {
        let is_first = live.has_nat_traversal() && !live.proven;
        let is_hasty = |request: &Request| is_first || self.is_hasty(live, &request.selectors);
        matches!(slot.state, Quick::AwaitReply(_))
            && slot.flight.sends >= HASTY_SENDS
            && live.heard <= slot.began
            && slot.request.as_ref().is_some_and(is_hasty)
    }

    /// A peer that let a Quick Mode that we want run out without a word since it began does not have the IKE SA any more: a new
    /// one is tried, once, for the same request.
    fn quick_timed_out(&mut self, mut live: Box<Live>, message_id: MessageId, mut slot: QuickSlot) {
        let id = live.ike.id;
        let is_wanted = match slot.role {
            Role::Initiator => matches!(slot.state, Quick::AwaitReply(_)),
            Role::Responder => slot.request.is_some(),
        };
        let mute = is_wanted && live.heard <= slot.began;
        let again = if mute { slot.request.take() } else { None };
        self.end_slot(&mut live, message_id, slot, Abort::TimedOut);
        if !mute {
            return self.table.put(id, Entry::Live(live));
        }
        self.end_live(*live, Abort::TimedOut);
        if let Some(request) = again {
            self.initiate(request, &[]);
        }
    }

    fn resent(&mut self, ike_sa: IkeSaId, message_id: MessageId, sends: u32) {
        count(&mut self.host.out.counters.retransmissions);
        self.host.out.event(Event::Retransmitted { ike_sa, message_id, sends });
    }

    /// The peer has had time enough to ask for a lost reply again.
    fn reap(&mut self, id: IkeSaId, message_id: MessageId) {
        let Some(mut live) = self.table.take_live(id) else { return };
        if message_id == MessageId::ZERO {
            let end = live.ike.established.checked_add(self.host.config.reply_retention);
            let over = end.is_none_or(|end| end <= self.host.now) && !live.unconfirmed;
            if over {
                live.flight = None;
            } else {
                let next = self.host.now.checked_add(self.host.config.sweep_interval);
                self.timers.set(TimerKey::Reap(id, message_id), next);
            }
            self.host.out.event(Event::Reaped { ike_sa: id });
        } else if live.quick.get(&message_id).is_some_and(|slot| matches!(slot.state, Quick::Complete)) {
            live.quick.remove(&message_id);
        }
        self.table.put(id, Entry::Live(live));
    }

    /// An IKE SA's life is over; its bundles live on.
    pub(super) fn expire(&mut self, id: IkeSaId) {
        let Some(mut live) = self.table.take_live(id) else { return };
        let payload = informational::delete_ike_sa(&live.ike.cookies);
        self.send_informational(&mut live, [payload].into());
        self.host.out.event(Event::IkeSaExpired { ike_sa: id });
        let requests = live.take_requests();
        self.drop_live(*live, &Abort::TimedOut);
        for request in requests {
            self.initiate(request, &[]);
        }
    }
}
