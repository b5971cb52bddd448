//! Dead peer detection inside the engine (RFC 3706): who is asked when, what counts as life, and what goes with a dead peer.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

use isakmp_wire::NotifyType;
use isakmp_wire::payload::Notification;
use isakmp_wire::registry::KnownVendor;

use crate::dpd::Asking;
use crate::engine::Engine;
use crate::engine::outbox::count;
use crate::engine::table::{Entry, Live};
use crate::engine::timer::TimerKey;
use crate::error::{Abort, Misbehaviour, Reject};
use crate::event::Event;
use crate::exchange::incoming::Incoming;
use crate::identity::Identity;
use crate::phase2::dpd::Question;
use crate::phase2::{Ike, dpd};
use crate::policy::Path;
use crate::sa::{BundleId, Direction, IkeSaId, RemoveReason};

impl Ike {
    /// RFC 3706 5.1: only a peer that has announced it, as we have, is asked.
    pub(crate) fn asking(&self) -> Option<Asking> {
        self.policy.dpd.asking.filter(|_| self.may_ask())
    }

    /// Whether the peer answers questions.
    pub(crate) fn may_ask(&self) -> bool {
        self.policy.dpd.announced && self.vendors.announce(&KnownVendor::DPD)
    }
}

impl Live {
    /// When something last showed that the peer is alive: a message under this SA, or a packet of any bundle with it.
    fn last_life(&self) -> Duration {
        self.heard.max(self.liveness.opened)
    }
}

/// Whether two ways lead between the same hosts.
fn between_same(one: &Path, other: &Path) -> bool {
    (one.local.ip(), one.remote.ip()) == (other.local.ip(), other.remote.ip())
}

impl Engine {
    /// A question or an answer whose HASH holds. Only a number that cannot be old counts as life (RFC 3706 6).
    pub(super) fn liveness_message(
        &mut self,
        live: &mut Live,
        incoming: &Incoming,
        notification: &Notification,
    ) -> Result<(), Reject> {
        if !live.ike.vendors.announce(&KnownVendor::DPD) {
            return Err(Misbehaviour::Liveness("the peer has not announced it").into());
        }
        let number = dpd::number(notification, &live.ike.cookies)?;
        if notification.notify_type == NotifyType::R_U_THERE {
            let question = live.liveness.check_question(number)?;
            if question == Question::New {
                self.liveness_heard(live, incoming, notification);
                live.liveness.asked(number);
                live.heard = self.host.now;
                live.unconfirmed = false;
            }
            self.answer(live, incoming, (question, number));
        } else {
            live.liveness.check_answer(number)?;
            self.liveness_heard(live, incoming, notification);
            live.heard = self.host.now;
            live.unconfirmed = false;
            // It has the number of a question of a moment ago: it is not from before.
            self.follow(live, incoming.path);
            self.is_alive(live);
        }
        Ok(())
    }

    fn liveness_heard(&mut self, live: &mut Live, incoming: &Incoming, notification: &Notification) {
        self.protected(live, incoming.octets.len());
        let Notification { notify_type: notify, data, .. } = notification.clone();
        let (path, ike_sa) = (incoming.path, Some(live.ike.id));
        self.host.out.event(Event::Notified { path, ike_sa, protected: true, notify, data });
    }

    /// However often the peer asks, what we do for it is bounded. Anyone can repeat a question: what that costs is less, so
    /// that the peer's next one always has its answer.
    fn answer(&mut self, live: &mut Live, incoming: &Incoming, (question, number): (Question, u32)) {
        let (now, limit) = (self.host.now, self.host.config.liveness_answers_per_second);
        let is_within = question == Question::New || live.liveness.repeats.take(now, limit / 2);
        if !is_within || !live.liveness.answers.take(now, limit) {
            return count(&mut self.host.out.counters.notifies_suppressed);
        }
        // The question may be an old one, which moves nothing; so its answer goes where it came from.
        let from = live.ike.may_follow(&incoming.path).then_some(incoming.path);
        let path = from.unwrap_or(live.ike.path);
        self.send_liveness(live, path, NotifyType::R_U_THERE_ACK, number);
    }

    fn send_liveness(&mut self, live: &mut Live, path: Path, notify: NotifyType, number: u32) {
        let payload = dpd::payload(notify, &live.ike.cookies, number);
        if self.send_unlisted(live, path, Vec::from([payload])).is_some() {
            self.host.out.event(Event::NotifySent { path, ike_sa: Some(live.ike.id), notify });
        }
    }

    /// Packets of a bundle show that its peer is alive, or that it matters; that the peer has its own IKE SAs they do not show.
    pub(super) fn peer_traffic(&mut self, identity: &Identity, path: &Path, direction: Direction) {
        let sas: Vec<IkeSaId> = self.table.ike_of_peer(identity).collect();
        let now = self.host.now;
        for id in sas {
            let Some(mut live) = self.table.take_live(id) else { continue };
            if between_same(&live.ike.path, path) {
                match direction {
                    Direction::Inbound => live.liveness.opened = now,
                    Direction::Outbound => {
                        live.liveness.spoke = Some(now);
                        self.wait_for_life(&live);
                    }
                }
            }
            self.table.put(id, Entry::Live(live));
        }
    }

    /// A new IKE SA: from now on its peer is watched.
    pub(super) fn watch(&mut self, id: IkeSaId) {
        let Some(Entry::Live(live)) = self.table.get(id) else { return };
        if let Some(asking) = live.ike.asking().filter(|asking| asking.periodic) {
            self.timers.set(TimerKey::Liveness(id), self.host.now.checked_add(asking.idle));
        }
    }

    /// Something was sent, or a question was answered: when is the peer asked next?
    fn wait_for_life(&mut self, live: &Live) {
        let Some(asking) = live.ike.asking().filter(|_| live.liveness.round.is_none()) else { return };
        if asking.periodic {
            return;
        }
        // RFC 3706 5.5: of interest is a peer that something was sent to and that nothing came back from.
        let life = live.last_life();
        let waits = live.liveness.spoke.is_some_and(|spoke| spoke > life);
        let due = life.checked_add(asking.idle).map(|due| due.max(self.host.now));
        self.timers.set(TimerKey::Liveness(live.ike.id), due.filter(|_| waits));
    }

    /// No question waits for an answer any more.
    fn is_alive(&mut self, live: &mut Live) {
        live.liveness.round = None;
        match live.ike.asking() {
            Some(asking) if asking.periodic => {
                let due = self.host.now.checked_add(asking.idle);
                self.timers.set(TimerKey::Liveness(live.ike.id), due);
            }
            _ => self.wait_for_life(live),
        }
    }

    /// It is time to ask, to ask again, or to give a peer up.
    pub(super) fn liveness_due(&mut self, id: IkeSaId) {
        let Some(mut live) = self.table.take_live(id) else { return };
        let Some(asking) = live.ike.asking() else { return self.table.put(id, Entry::Live(live)) };
        let others = self.others_with(&live);
        // The newest IKE SA under which a peer is asked asks for all of them, and what came under any of them is life.
        let asks = |id| matches!(self.table.get(id), Some(Entry::Live(live)) if live.ike.asking().is_some());
        let is_newest = others.iter().all(|(other, _)| *other < id || !asks(*other));
        let heard = others.iter().map(|(_, heard)| *heard).fold(live.last_life(), Duration::max);
        live.liveness.opened = heard;
        let silent = self.host.now.saturating_sub(heard) >= asking.idle;
        let speaks = live.liveness.spoke.is_some_and(|spoke| spoke > heard);
        match live.liveness.round {
            Some(round) if heard > round.began => self.is_alive(&mut live),
            Some(round) if round.sends > asking.retries => return self.peer_is_dead(live, &others),
            Some(_) => self.ask(&mut live, asking),
            // The newest may end before this one.
            None if !is_newest => {
                self.timers.set(TimerKey::Liveness(id), self.host.now.checked_add(asking.idle));
            }
            None if asking.periodic || (silent && speaks) => self.ask(&mut live, asking),
            None => self.wait_for_life(&live),
        }
        self.table.put(id, Entry::Live(live));
    }

    fn ask(&mut self, live: &mut Live, asking: Asking) {
        self.question(live);
        // Without randomness no question leaves; it is tried again like one that was lost.
        let due = self.host.now.checked_add(asking.retry);
        self.timers.set(TimerKey::Liveness(live.ike.id), due);
    }

    /// Sends one question.
    pub(super) fn question(&mut self, live: &mut Live) {
        let random = self.host.cx(&[]).random(4).ok();
        let random = random.and_then(|octets| <[u8; 4]>::try_from(octets.as_slice()).ok());
        let number = live.liveness.ask(self.host.now, || random.map(u32::from_be_bytes));
        if let Some(number) = number {
            self.send_liveness(live, live.ike.path, NotifyType::R_U_THERE, number);
        }
    }

    /// Other IKE SAs between the same hosts with the same peer, and when something authentic came under them.
    fn others_with(&self, live: &Live) -> Vec<(IkeSaId, Duration)> {
        let others = self.table.ike_of_peer(&live.ike.identity).filter_map(|id| match self.table.get(id) {
            Some(Entry::Live(other)) if between_same(&other.ike.path, &live.ike.path) => {
                Some((id, other.last_life()))
            }
            _ => None,
        });
        others.collect()
    }

    /// RFC 3706 5.4: the SAs of a peer that does not answer are of no use. Nobody is told: nobody listens.
    fn peer_is_dead(&mut self, live: Box<Live>, others: &[(IkeSaId, Duration)]) {
        let (ike_sa, path, identity) = (live.ike.id, live.ike.path, live.ike.identity.clone());
        let of_peer =
            self.table.bundles_of_peer(&identity).filter(|bundle| between_same(&bundle.path, &path));
        let bundles: Vec<BundleId> = of_peer.map(|bundle| bundle.id).collect();
        self.host.out.event(Event::PeerDead { ike_sa, path, identity });
        for bundle in bundles {
            self.remove_bundle(bundle, RemoveReason::PeerDead);
        }
        self.end_live(*live, Abort::PeerDead);
        for (id, _) in others {
            if let Some(other) = self.table.take_live(*id) {
                self.end_live(*other, Abort::PeerDead);
            }
        }
    }
}
