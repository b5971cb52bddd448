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

/// Two peers whose policies do not fit begin no more than two IKE SAs a minute because of that.
const SUSPECT_AFTER: Duration = Duration::from_secs(30);

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

    /// Whether the sides may disagree about translators: nothing protects NAT-D (RFC 3947 3.2), and what a peer that sees none
    /// makes of an offer of ESP in UDP is a refusal, as long as the IKE SA lives.
    pub(super) fn is_suspect(&self, now: Duration) -> bool {
        self.refused && self.has_nat_traversal() && now.saturating_sub(self.ike.established) >= SUSPECT_AFTER
    }

    /// Whether phase 1 looked for translators.
    pub(super) fn has_nat_traversal(&self) -> bool {
        self.ike.policy.nat.spoken(&self.ike.vendors).is_some()
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
        let renews = live.renews().map(|at| at.max(self.host.now));
        self.timers.set(TimerKey::Renew(live.ike.id), renews);
        self.timers.set(TimerKey::Expire(live.ike.id), live.expires);
    }

    /// An IKE SA that has bundles gets a successor before it ends: there are peers for which the end of an IKE SA is the end of
    /// its bundles, unless they can belong to another.
    pub(super) fn renew(&mut self, id: IkeSaId, answers: &[Answer]) {
        let Some(Entry::Live(live)) = self.table.get(id) else { return };
        let (path, identity, end) = (live.ike.home, live.ike.identity.clone(), live.expires);
        let is_used = self.table.bundles_of_peer(&identity).next().is_some();
        if !is_used || self.has_successor(end.unwrap_or(self.host.now), &path, &identity) {
            return;
        }
        match self.host.cx(answers).phase1_policy(&Peer::new(&path, None), Mode::Main) {
            Work::Done(Some(policy)) => self.start_phase1(path, policy, Vec::new()),
            // A peer that is not to be spoken to any more.
            Work::Done(None) => {}
            Work::Pending(ticket) => self.park(ticket, Waiting::Renewal(id), answers),
        }
    }

    /// Whether an IKE SA with the peer is there that will do at the `end` of this one, or is on its way: of two that both sides
    /// began at once neither succeeds the other. Only an exchange of ours is on its way: anybody can begin one in a peer's name.
    fn has_successor(&self, end: Duration, path: &Path, identity: &Identity) -> bool {
        let lasts = |other| matches!(self.table.get(other), Some(Entry::Live(it)) if !it.is_spent(end, &self.host.config));
        let begun = |other| matches!(self.table.get(other), Some(Entry::Negotiating(it)) if it.course.role == Role::Initiator);
        self.table.ike_of_peer(identity).any(lasts) || self.table.by_path(path).any(begun)
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
