//! Limits of an SA in octets and time (RFC 4301 4.4.2.1), counted where the packets are.

use core::time::Duration;

use crate::Exhausted;

/// The limits of one SA. Times are counted from its installation. At a soft limit a successor should be
/// negotiated; at a hard limit nothing is sealed or opened any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Lifetime {
    /// Octets after which a successor is wanted.
    pub soft_octets: Option<u64>,
    /// Octets that the SA may process at most. A kilobyte of a negotiated lifetime is 1024 octets.
    pub hard_octets: Option<u64>,
    /// Time after which a successor is wanted.
    pub soft_time: Option<Duration>,
    /// Time after which the SA is not used.
    pub hard_time: Option<Duration>,
}

impl Lifetime {
    /// Octets that one key of a cipher with 64-bit blocks may process: 2^31 blocks, half of the number at which
    /// two equal ciphertext blocks are to be expected.
    pub const MAX_OCTETS_64_BIT_BLOCK: u64 = 1 << 34;

    /// The same limits, and no more than `octets` in all.
    #[must_use]
    pub fn capped(self, octets: u64) -> Self {
        Self { hard_octets: Some(self.hard_octets.map_or(octets, |hard| hard.min(octets))), ..self }
    }
}

/// What brought a limit about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// Octets processed.
    Octets,
    /// Time since installation.
    Time,
    /// Sequence numbers used.
    Sequence,
}

/// A limit that was reached. Each is reported once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limit {
    /// A successor is wanted.
    Soft(Cause),
    /// The SA is dead.
    Hard(Cause),
}

/// What is left of a lifetime.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Remaining {
    /// Octets until the hard limit, if there is one.
    pub octets: Option<u64>,
    /// Time until the hard limit, if there is one.
    pub time: Option<Duration>,
}

/// What an SA has processed, measured against its [`Lifetime`].
#[derive(Debug)]
pub struct Usage {
    lifetime: Lifetime,
    installed: Duration,
    latest: Duration,
    octets: u64,
    packets: u64,
    octets_refused: bool,
    soft_reported: bool,
    hard_reported: bool,
}

impl Usage {
    /// Nothing used yet, at `now`.
    pub const fn new(lifetime: Lifetime, now: Duration) -> Self {
        Self {
            lifetime,
            installed: now,
            latest: now,
            octets: 0,
            packets: 0,
            octets_refused: false,
            soft_reported: false,
            hard_reported: false,
        }
    }

    /// Counts one packet of `octets`.
    ///
    /// # Errors
    /// [`Exhausted::Octets`] or [`Exhausted::Time`] if it would go past a hard limit; it is not counted then.
    pub fn charge(&mut self, octets: u64, now: Duration) -> Result<(), Exhausted> {
        self.observe(now);
        if self.time_is_over() {
            return Err(Exhausted::Time);
        }
        let total = self.octets.checked_add(octets).ok_or(Exhausted::Octets)?;
        if self.lifetime.hard_octets.is_some_and(|hard| total > hard) {
            // The remainder is too small for this packet: the SA has done its work, even if a smaller one would fit.
            self.octets_refused = true;
            return Err(Exhausted::Octets);
        }
        self.octets = total;
        self.packets = self.packets.saturating_add(1);
        Ok(())
    }

    /// Whether the SA may still be used at all.
    ///
    /// # Errors
    /// As [`charge`](Self::charge).
    pub fn check(&mut self, now: Duration) -> Result<(), Exhausted> {
        self.observe(now);
        if self.time_is_over() {
            Err(Exhausted::Time)
        } else if self.octets_are_over() {
            Err(Exhausted::Octets)
        } else {
            Ok(())
        }
    }

    /// The next limit that was reached and not reported yet. A hard limit makes a soft one that is still
    /// unreported pointless, so that one is not reported after it.
    pub fn poll_limit(&mut self, now: Duration, sequence: Option<Limit>) -> Option<Limit> {
        self.observe(now);
        let hard = self.hard_cause().map(Limit::Hard);
        let hard = hard.or(sequence.filter(|limit| matches!(limit, Limit::Hard(_))));
        if let (Some(limit), false) = (hard, self.hard_reported) {
            (self.hard_reported, self.soft_reported) = (true, true);
            return Some(limit);
        }
        let soft = self.soft_cause().map(Limit::Soft).or(sequence);
        if let (Some(limit), false) = (soft, self.soft_reported) {
            self.soft_reported = true;
            return Some(limit);
        }
        None
    }

    /// When the next limit in time falls due, if one is still to be reported.
    pub fn next_deadline(&self) -> Option<Duration> {
        let soft = self.lifetime.soft_time.filter(|_| !self.soft_reported);
        let hard = self.lifetime.hard_time.filter(|_| !self.hard_reported);
        let first = match (soft, hard) {
            (Some(soft), Some(hard)) => soft.min(hard),
            (one, other) => one.or(other)?,
        };
        Some(self.installed.saturating_add(first))
    }

    /// What is left at `now`.
    pub fn remaining(&self, now: Duration) -> Remaining {
        let age = now.max(self.latest).saturating_sub(self.installed);
        Remaining {
            octets: self.lifetime.hard_octets.map(|hard| hard.saturating_sub(self.octets)),
            time: self.lifetime.hard_time.map(|hard| hard.saturating_sub(age)),
        }
    }

    /// Octets counted.
    pub fn octets(&self) -> u64 {
        self.octets
    }

    /// Packets counted.
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// A clock that steps back is taken to stand still.
    fn observe(&mut self, now: Duration) {
        self.latest = self.latest.max(now);
    }

    fn reached(&self, limit: Option<Duration>) -> bool {
        limit.is_some_and(|limit| self.latest.saturating_sub(self.installed) >= limit)
    }

    fn time_is_over(&self) -> bool {
        self.reached(self.lifetime.hard_time)
    }

    fn octets_are_over(&self) -> bool {
        self.octets_refused || self.lifetime.hard_octets.is_some_and(|hard| self.octets >= hard)
    }

    fn hard_cause(&self) -> Option<Cause> {
        if self.time_is_over() { Some(Cause::Time) } else { self.octets_are_over().then_some(Cause::Octets) }
    }

    fn soft_cause(&self) -> Option<Cause> {
        if self.lifetime.soft_octets.is_some_and(|soft| self.octets >= soft) {
            Some(Cause::Octets)
        } else {
            self.reached(self.lifetime.soft_time).then_some(Cause::Time)
        }
    }
}
