//! The end of an IKE SA comes in sight: what it protects is counted, new exchanges go to a successor, and nothing that runs
//! is lost.

use core::time::Duration;

use alloc::vec::Vec;

use crypto_provider::Work;

use crate::engine::Engine;
use crate::engine::park::Waiting;
use crate::engine::table::{Entry, Live};
use crate::engine::timer::TimerKey;
use crate::identity::Identity;
use crate::input::{Answer, Request};
use crate::phase2::Quick;
use crate::policy::{Config, Mode, Path, Peer, Role};
use crate::renewal;
use crate::sa::IkeSaId;

/// Octets of the unit in which lives are negotiated (RFC 2409 Appendix A).
const KILOBYTE: u64 = 1024;

impl Live {
    /// Whether a new exchange should rather run under a new IKE SA: this one is about to end, or has no message ids left.
    pub(super) fn is_spent(&self, now: Duration, config: &Config) -> bool {
        let hard = self.ike.suite.chosen.lifetime;
        let soft = renewal::soft(hard, self.ike.role, 0);
        let over = |limit: Option<u64>, used: u64| limit.is_some_and(|limit| used >= limit);
        self.used_ids.len() >= config.max_message_ids
            || over(soft.seconds, now.saturating_sub(self.ike.established).as_secs())
            || over(soft.kilobytes, self.protected / KILOBYTE)
    }

    /// When a successor is due; the side that answered leaves that to the other.
    fn renews(&self) -> Option<Duration> {
        let Role::Initiator = self.ike.role else { return None };
        let [a, b, c, d, ..] = self.ike.cookies.initiator.0;
        let soft =
            renewal::soft(self.ike.suite.chosen.lifetime, self.ike.role, u32::from_be_bytes([a, b, c, d]));
        self.ike.established.checked_add(Duration::from_secs(soft.seconds?))
    }

    /// Requests of ours whose Quick Modes have no answer yet.
    pub(super) fn take_requests(&mut self) -> Vec<Request> {
        let unanswered = self.quick.values_mut().filter(|slot| matches!(slot.state, Quick::AwaitReply(_)));
        unanswered.filter_map(|slot| slot.request.take()).collect()
    }
}

impl Engine {
    /// From here on an IKE SA has an end, and a successor before it.
    pub(super) fn bound_life(&mut self, live: &Live) {
        self.timers.set(TimerKey::Renew(live.ike.id), live.renews());
        self.timers.set(TimerKey::Expire(live.ike.id), live.expires);
    }

    /// An IKE SA that has bundles gets a successor before it ends: there are peers for which the end of an IKE SA is the end of
    /// its bundles, unless they can belong to another.
    pub(super) fn renew(&mut self, id: IkeSaId, answers: &[Answer]) {
        let Some(Entry::Live(live)) = self.table.get(id) else { return };
        let (path, identity) = (live.ike.home, live.ike.identity.clone());
        let is_used = self.table.bundles_of_peer(&identity).next().is_some();
        if !is_used || self.has_successor(id, &path, &identity) {
            return;
        }
        match self.host.cx(answers).phase1_policy(&Peer::new(&path, None), Mode::Main) {
            Work::Done(Some(policy)) => self.start_phase1(path, policy, Vec::new()),
            // A peer that is not to be spoken to any more.
            Work::Done(None) => {}
            Work::Pending(ticket) => self.park(ticket, Waiting::Renewal(id), answers),
        }
    }

    /// Whether a newer IKE SA is there or on its way. Only an exchange of ours is: anybody can begin one in a peer's name.
    fn has_successor(&self, id: IkeSaId, path: &Path, identity: &Identity) -> bool {
        let begun = |other: IkeSaId| matches!(self.table.get(other), Some(Entry::Negotiating(it)) if it.course.role == Role::Initiator);
        self.table.ike_of_peer(identity).any(|other| other > id) || self.table.by_path(path).any(begun)
    }

    /// Counts what an IKE SA has protected: its life may be bounded in kilobytes too.
    pub(super) fn protected(&mut self, live: &mut Live, octets: usize) {
        live.protected = live.protected.saturating_add(u64::try_from(octets).unwrap_or(u64::MAX));
        let limit = live.ike.suite.chosen.lifetime.kilobytes.map(|limit| limit.saturating_mul(KILOBYTE));
        if limit.is_some_and(|limit| live.protected >= limit) {
            self.timers.set(TimerKey::Expire(live.ike.id), Some(self.host.now));
        }
    }
}
