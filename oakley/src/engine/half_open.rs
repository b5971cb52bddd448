//! What strangers can cost: the exchanges that they leave incomplete and the refusals that they get.

use alloc::collections::{BTreeMap, BTreeSet};
use core::net::IpAddr;
use core::time::Duration;

use crate::policy::Config;
use crate::sa::IkeSaId;

/// Exchanges that peers began and in which our cookie has not come back, oldest first: ids grow with time, so their order is
/// their age.
///
/// The source of such an exchange proves nothing, so nothing is counted by it: whoever forges first messages in a peer's name
/// would use up that peer's share. The oldest makes room whoever it is from, and a peer keeps its place as long as the bounds
/// divided by the rate of the flood are longer than its round trip.
#[derive(Default)]
pub(crate) struct Unreturned {
    /// With the octets of their first messages, which say how long the SA payload is that has to be kept.
    all: BTreeMap<IkeSaId, usize>,
    octets: usize,
}

impl Unreturned {
    /// Which exchange must make room before one more is kept whose first message has `octets`.
    pub(crate) fn displaced(&self, octets: usize, config: &Config) -> Option<IkeSaId> {
        let full = self.all.len() >= config.max_unreturned
            || self.octets.saturating_add(octets) > config.max_unreturned_octets;
        self.all.keys().next().copied().filter(|_| full)
    }

    pub(crate) fn insert(&mut self, id: IkeSaId, octets: usize) {
        self.remove(id);
        self.all.insert(id, octets);
        self.octets = self.octets.saturating_add(octets);
    }

    pub(crate) fn remove(&mut self, id: IkeSaId) {
        if let Some(octets) = self.all.remove(&id) {
            self.octets = self.octets.saturating_sub(octets);
        }
    }
}

/// Incomplete exchanges of peers whose address is real, oldest first.
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
