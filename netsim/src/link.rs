//! What a link does to packets, and what it counts.

use core::fmt;
use core::time::Duration;

use crate::rng::Rng;

/// A probability in parts per million, so that equal settings are equal numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Chance(u32);

const MILLION: u32 = 1_000_000;

impl Chance {
    /// Never.
    pub const NEVER: Self = Self(0);
    /// Always.
    pub const ALWAYS: Self = Self(MILLION);

    /// `percent` in a hundred; more than a hundred is always.
    #[must_use]
    pub const fn percent(percent: u32) -> Self {
        Self::per_million(percent.saturating_mul(MILLION / 100))
    }

    /// `parts` in a million; more than a million is always.
    #[must_use]
    pub const fn per_million(parts: u32) -> Self {
        Self(if parts > MILLION { MILLION } else { parts })
    }

    /// Draws once, also when the answer is certain: a changed setting must not shift the draws that follow.
    pub(crate) fn draw(self, rng: &mut Rng) -> bool {
        rng.below(u64::from(MILLION)) < u64::from(self.0)
    }
}

/// One direction's behaviour. The default is perfect: no delay, no loss, any size.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    pub(crate) delay: Duration,
    pub(crate) jitter: Duration,
    pub(crate) loss: Chance,
    pub(crate) duplicate: Chance,
    pub(crate) reorder: Chance,
    pub(crate) hold: Duration,
    pub(crate) mtu: Option<usize>,
    pub(crate) rate: Option<u64>,
    pub(crate) queue: Option<Duration>,
}

impl Link {
    /// A perfect link.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Time from end to end.
    #[must_use]
    pub const fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Up to this much more, evenly spread. Jitter alone does not change the order: a packet waits for the one before it.
    #[must_use]
    pub const fn jitter(mut self, jitter: Duration) -> Self {
        self.jitter = jitter;
        self
    }

    /// How often a packet is lost.
    #[must_use]
    pub const fn loss(mut self, chance: Chance) -> Self {
        self.loss = chance;
        self
    }

    /// How often a packet arrives twice.
    #[must_use]
    pub const fn duplicate(mut self, chance: Chance) -> Self {
        self.duplicate = chance;
        self
    }

    /// How often a packet is held back by `hold`, so that later ones overtake it.
    #[must_use]
    pub const fn reorder(mut self, chance: Chance, hold: Duration) -> Self {
        self.reorder = chance;
        self.hold = hold;
        self
    }

    /// Largest packet in octets, IP header included; longer ones are dropped.
    #[must_use]
    pub const fn mtu(mut self, octets: usize) -> Self {
        self.mtu = Some(octets);
        self
    }

    /// Bits per second; packets wait for each other, at most for `queue`, and are dropped beyond that. A rate of 0 carries nothing.
    #[must_use]
    pub const fn rate(mut self, bits_per_second: u64, queue: Duration) -> Self {
        self.rate = Some(bits_per_second);
        self.queue = Some(queue);
        self
    }
}

/// Why a link dropped a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DropCause {
    /// By chance.
    Loss,
    /// Longer than the MTU.
    Mtu,
    /// The queue before a limited rate was full.
    Queue,
    /// The link was down.
    Down,
    /// A filter took it.
    Filter,
}

impl fmt::Display for DropCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Loss => "loss",
            Self::Mtu => "mtu",
            Self::Queue => "queue",
            Self::Down => "down",
            Self::Filter => "filter",
        })
    }
}

/// What one direction of a link has done so far.
///
/// At rest, `sent + duplicated == delivered + dropped()`; in between the difference is in flight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Packets that the node put on the wire.
    pub sent: u64,
    /// Octets of those packets.
    pub sent_octets: u64,
    /// Copies that the link added.
    pub duplicated: u64,
    /// Packets and copies that were handed to the node at the other end.
    pub delivered: u64,
    /// Of the delivered ones, those that came after a packet sent later.
    pub reordered: u64,
    /// Dropped by chance.
    pub lost: u64,
    /// Dropped because longer than the MTU.
    pub too_big: u64,
    /// Dropped because the queue was full.
    pub queue_full: u64,
    /// Dropped because the link was down.
    pub while_down: u64,
    /// Dropped by a filter.
    pub filtered: u64,
}

impl Counters {
    /// All that was dropped, for whatever cause.
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.lost
            .saturating_add(self.too_big)
            .saturating_add(self.queue_full)
            .saturating_add(self.while_down)
            .saturating_add(self.filtered)
    }

    /// On the way.
    #[must_use]
    pub const fn in_flight(&self) -> u64 {
        self.sent
            .saturating_add(self.duplicated)
            .saturating_sub(self.delivered)
            .saturating_sub(self.dropped())
    }

    pub(crate) const fn count_drop(&mut self, cause: DropCause) {
        let counter = match cause {
            DropCause::Loss => &mut self.lost,
            DropCause::Mtu => &mut self.too_big,
            DropCause::Queue => &mut self.queue_full,
            DropCause::Down => &mut self.while_down,
            DropCause::Filter => &mut self.filtered,
        };
        *counter = counter.saturating_add(1);
    }
}

/// Counters of both directions of a link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkCounters {
    /// From the end named first when the link was made.
    pub a_to_b: Counters,
    /// From the end named second.
    pub b_to_a: Counters,
}
