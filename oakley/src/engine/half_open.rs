//! What strangers can cost: the exchanges that they leave incomplete and the refusals that they get.

use alloc::collections::{BTreeMap, BTreeSet};
use core::net::IpAddr;
use core::time::Duration;

use crate::policy::Config;
use crate::sa::IkeSaId;

/// Incomplete exchanges that peers began, oldest first. Ids grow with time, so their order is their age.
#[derive(Default)]
pub(crate) struct HalfOpen {
    all: BTreeSet<IkeSaId>,
    by_source: BTreeSet<(IpAddr, IkeSaId)>,
}

impl HalfOpen {
    /// Which exchange must make room before one more from `source` is kept.
    pub(crate) fn displaced(&self, source: IpAddr, config: &Config) -> Option<IkeSaId> {
        let from_source = self.by_source.range((source, IkeSaId(0))..=(source, IkeSaId(u64::MAX)));
        if from_source.clone().count() >= config.max_half_open_per_source {
            return from_source.clone().next().map(|(_, id)| *id);
        }
        if self.all.len() >= config.max_half_open { self.all.first().copied() } else { None }
    }

    pub(crate) fn insert(&mut self, source: IpAddr, id: IkeSaId) {
        self.all.insert(id);
        self.by_source.insert((source, id));
    }

    pub(crate) fn remove(&mut self, source: IpAddr, id: IkeSaId) {
        self.all.remove(&id);
        self.by_source.remove(&(source, id));
    }
}

/// Messages per second: refusals in clear for all strangers together, answers to one peer.
#[derive(Default)]
pub(crate) struct RateLimit {
    second: u64,
    used: u32,
}

impl RateLimit {
    /// Whether one more may be sent now.
    pub(crate) fn take(&mut self, now: Duration, limit: u32) -> bool {
        if now.as_secs() != self.second {
            *self = Self { second: now.as_secs(), used: 0 };
        }
        if self.used >= limit {
            return false;
        }
        self.used = self.used.saturating_add(1);
        true
    }
}

/// Exponentiations per second that unproven peers cause.
#[derive(Default)]
pub(crate) struct Budget {
    all: RateLimit,
    /// The sources of this second: no more of them than exponentiations.
    sources: BTreeMap<IpAddr, u32>,
}

impl Budget {
    /// Whether one more may be computed now for `source`.
    pub(crate) fn take(&mut self, now: Duration, source: IpAddr, config: &Config) -> bool {
        if now.as_secs() != self.all.second {
            self.sources.clear();
        }
        let used = self.sources.get(&source).copied().unwrap_or(0);
        if used >= config.exponentiations_per_second_per_source
            || !self.all.take(now, config.exponentiations_per_second)
        {
            return false;
        }
        self.sources.insert(source, used.saturating_add(1));
        true
    }
}
