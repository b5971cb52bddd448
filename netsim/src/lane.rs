//! One direction of a link at work.

use core::time::Duration;

use crate::link::{Counters, DropCause, Link};
use crate::rng::Rng;
use crate::tap::Fate;

pub(crate) struct Lane {
    link: Link,
    rng: Rng,
    pub(crate) up: bool,
    pub(crate) counters: Counters,
    /// When a limited rate has sent all that waits.
    idle_at: Duration,
    /// Arrival of the last packet that was not held back: the next one does not come before it.
    last_arrival: Duration,
    /// Highest number that has arrived.
    highest: u64,
}

impl Lane {
    pub(crate) fn new(link: Link, rng: Rng) -> Self {
        Self {
            link,
            rng,
            up: true,
            counters: Counters::default(),
            idle_at: Duration::ZERO,
            last_arrival: Duration::ZERO,
            highest: 0,
        }
    }

    pub(crate) fn set_link(&mut self, link: Link) {
        self.link = link;
    }

    /// Counts a packet as put on the wire; its number among those of this direction, from 1.
    pub(crate) fn count_sent(&mut self, octets: usize) -> u64 {
        self.counters.sent = self.counters.sent.saturating_add(1);
        let octets = u64::try_from(octets).unwrap_or(u64::MAX);
        self.counters.sent_octets = self.counters.sent_octets.saturating_add(octets);
        self.counters.sent
    }

    /// Decides what happens to a packet of `octets` that leaves now.
    pub(crate) fn carry(&mut self, now: Duration, octets: usize) -> Fate {
        // Every packet takes the same number of draws, so that its fate does not depend on the settings it did not meet.
        let lost = self.link.loss.draw(&mut self.rng);
        let doubled = self.link.duplicate.draw(&mut self.rng);
        let held = self.link.reorder.draw(&mut self.rng);
        let jitter = self.rng.up_to(self.link.jitter);
        let copy_jitter = self.rng.up_to(self.link.jitter);

        if !self.up {
            return self.drop(DropCause::Down);
        }
        if self.link.mtu.is_some_and(|mtu| octets > mtu) {
            return self.drop(DropCause::Mtu);
        }
        let Some(leaves) = self.leave(now, octets) else {
            return self.drop(DropCause::Queue);
        };
        if lost {
            return self.drop(DropCause::Loss);
        }
        let earliest = leaves.saturating_add(self.link.delay);
        let mut arrives = earliest.saturating_add(jitter);
        if held {
            arrives = arrives.saturating_add(self.link.hold);
        } else {
            arrives = arrives.max(self.last_arrival);
            self.last_arrival = arrives;
        }
        let copy_arrives = doubled.then(|| {
            self.counters.duplicated = self.counters.duplicated.saturating_add(1);
            arrives.saturating_add(copy_jitter)
        });
        Fate::Carried { arrives, copy_arrives }
    }

    pub(crate) fn drop(&mut self, cause: DropCause) -> Fate {
        self.counters.count_drop(cause);
        Fate::Dropped(cause)
    }

    pub(crate) fn count_delivered(&mut self, number: u64) {
        self.counters.delivered = self.counters.delivered.saturating_add(1);
        if number < self.highest {
            self.counters.reordered = self.counters.reordered.saturating_add(1);
        }
        self.highest = self.highest.max(number);
    }

    /// When the last bit is out; `None` when the queue is full.
    fn leave(&mut self, now: Duration, octets: usize) -> Option<Duration> {
        let Some(rate) = self.link.rate else {
            return Some(now);
        };
        let starts = self.idle_at.max(now);
        if self.link.queue.is_some_and(|queue| starts.saturating_sub(now) > queue) {
            return None;
        }
        let bits = u128::try_from(octets).unwrap_or(u128::MAX).saturating_mul(8);
        let nanoseconds = bits.saturating_mul(1_000_000_000).checked_div(u128::from(rate))?;
        self.idle_at =
            starts.saturating_add(Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX)));
        Some(self.idle_at)
    }
}
