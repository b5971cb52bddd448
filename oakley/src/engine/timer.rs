//! All timers of an engine in one total order.

use alloc::collections::{BTreeMap, BTreeSet};
use core::time::Duration;

use isakmp_wire::MessageId;

use crate::output::{Deadline, TimerKind};
use crate::policy::Path;
use crate::sa::{BundleId, IkeSaId};

/// What a timer is for. An exchange has at most one of each kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TimerKey {
    /// An exchange sends its last message again, or ends. Message id 0 is phase 1.
    Retransmit(IkeSaId, MessageId),
    /// A half-open exchange is given up.
    HalfOpen(IkeSaId),
    /// The replies of a finished exchange are let go.
    Reap(IkeSaId, MessageId),
    /// An IKE SA ends.
    Expire(IkeSaId),
    /// The end of an IKE SA is near.
    Renew(IkeSaId),
    /// A translator's mapping on the way to a peer is kept alive.
    Keepalive(Path),
    /// A peer is asked whether it is alive, or given up.
    Liveness(IkeSaId),
    /// The peer has shortened the life of a bundle: its successor is due.
    Soft(BundleId),
    /// Nothing comes back under a bundle.
    Silence(BundleId),
    /// Parts of messages that never were complete are let go.
    Fragments,
}

impl TimerKey {
    fn kind(self) -> TimerKind {
        match self {
            Self::Retransmit(..) => TimerKind::Retransmit,
            Self::HalfOpen(_) => TimerKind::HalfOpen,
            Self::Reap(..) => TimerKind::Reap,
            Self::Expire(_) => TimerKind::Expire,
            Self::Renew(_) | Self::Soft(_) => TimerKind::Renew,
            Self::Keepalive(_) => TimerKind::Keepalive,
            Self::Liveness(_) => TimerKind::Liveness,
            Self::Silence(_) => TimerKind::Silence,
            Self::Fragments => TimerKind::Fragments,
        }
    }
}

/// Timers by time, and by what they are for.
#[derive(Default)]
pub(crate) struct Timers {
    order: BTreeSet<(Duration, TimerKey)>,
    at: BTreeMap<TimerKey, Duration>,
}

impl Timers {
    /// Sets, moves or (with `None`) stops a timer.
    pub(crate) fn set(&mut self, key: TimerKey, at: Option<Duration>) {
        if let Some(before) = self.at.remove(&key) {
            self.order.remove(&(before, key));
        }
        if let Some(at) = at {
            self.at.insert(key, at);
            self.order.insert((at, key));
        }
    }

    pub(crate) fn next(&self) -> Option<Deadline> {
        self.order.first().map(|(at, key)| Deadline { at: *at, timer: key.kind() })
    }

    /// The first timer that is due; it is stopped.
    pub(crate) fn pop_due(&mut self, now: Duration) -> Option<TimerKey> {
        let (at, key) = *self.order.first().filter(|(at, _)| *at <= now)?;
        self.order.remove(&(at, key));
        self.at.remove(&key);
        Some(key)
    }
}
