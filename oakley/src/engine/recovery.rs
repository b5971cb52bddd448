//! Meeting a peer anew that sends under SPIs of a former life of ours: it cannot know that they are gone, and we have no IKE
//! SA under which to say so. INITIAL-CONTACT says it (RFC 2407 4.6.3.3).

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::net::IpAddr;
use core::time::Duration;

use crypto_provider::Work;

use crate::engine::Engine;
use crate::engine::outbox::count;
use crate::engine::park::Waiting;
use crate::engine::table::Entry;
use crate::input::Answer;
use crate::policy::{Mode, Path, Peer, Role};

/// Peers that are met anew in one interval: packets from made-up sources must not make many datagrams out of few.
const MAX_RECOVERIES: usize = 64;

/// Peers that were met anew in the interval that runs.
#[derive(Default)]
pub(crate) struct Recoveries {
    began: BTreeMap<IpAddr, Duration>,
}

impl Recoveries {
    /// Whether this peer may be met anew now.
    fn take(&mut self, peer: IpAddr, now: Duration, interval: Duration) -> bool {
        self.began.retain(|_, began| now.saturating_sub(*began) < interval);
        if self.began.contains_key(&peer) || self.began.len() >= MAX_RECOVERIES {
            return false;
        }
        self.began.insert(peer, now);
        true
    }
}

impl Engine {
    /// Begins an IKE SA with a peer that sends under unknown SPIs, if policy wants that.
    pub(super) fn recover(&mut self, path: Path, answers: &[Answer]) {
        if self.begins_phase1(&path) {
            return;
        }
        let policy = match self.host.cx(answers).phase1_policy(&Peer::new(&path, None), Mode::Main) {
            Work::Done(policy) => policy.filter(|policy| policy.recovers_unknown_spi),
            Work::Pending(ticket) if !self.parked.has_recovery(&path) => {
                return self.park(ticket, Waiting::Recovery(path), answers);
            }
            Work::Pending(_) => None,
        };
        let Some(policy) = policy else { return };
        if self.recoveries.take(path.remote.ip(), self.host.now, self.host.config.recovery_interval) {
            self.start_phase1(path, policy, Vec::new());
        } else {
            count(&mut self.host.out.counters.notifies_suppressed);
        }
    }

    /// Whether an exchange of ours by this path is on its way.
    pub(super) fn begins_phase1(&self, path: &Path) -> bool {
        let is_ours = |id| matches!(self.table.get(id), Some(Entry::Negotiating(it)) if it.course.role == Role::Initiator);
        self.table.by_path(path).any(is_ours)
    }
}
