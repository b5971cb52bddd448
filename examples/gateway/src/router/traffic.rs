//! What the engine hears of packets, so that it knows which peers are alive and which of them matter.

use core::time::Duration;

use ipsec_core::ReplayProtection;
use oakley::{BundleId, Direction, Input, Installation};

use super::Router;

/// When packets of a bundle were last reported.
#[derive(Clone, Copy, Debug)]
pub(super) struct TrafficReports {
    every: Option<Duration>,
    /// Whether an opened packet is a new one. Without a replay window it may be an old one that somebody repeats, which
    /// neither shows that the peer is alive nor where it is (RFC 3706 6, RFC 3947 7).
    is_fresh: bool,
    inbound: Option<Duration>,
    outbound: Option<Duration>,
}

impl TrafficReports {
    pub(super) const fn new(installation: &Installation, replay: ReplayProtection) -> Self {
        let is_fresh = !matches!(replay, ReplayProtection::Off);
        Self { every: installation.report_traffic, is_fresh, inbound: None, outbound: None }
    }

    /// Whether an opened packet is a new one.
    pub(super) const fn is_fresh(&self) -> bool {
        self.is_fresh
    }

    /// How often packets are to be reported.
    pub(super) const fn every(&self) -> Option<Duration> {
        self.every
    }

    /// Whether a packet that passes now is to be reported. One report stands for all packets of its interval, but the first
    /// one that comes after a report of something sent is the answer to it.
    fn is_due(&mut self, direction: Direction, now: Duration) -> bool {
        let Some(every) = self.every.filter(|_| self.is_fresh || direction == Direction::Outbound) else {
            return false;
        };
        let is_answer = direction == Direction::Inbound && self.outbound > self.inbound;
        let last = match direction {
            Direction::Inbound => &mut self.inbound,
            Direction::Outbound => &mut self.outbound,
        };
        let is_due = is_answer || last.is_none_or(|last| now >= last.saturating_add(every));
        if is_due {
            *last = Some(now);
        }
        is_due
    }
}

impl Router {
    /// Packets of a bundle have been sealed and sent, or opened and accepted.
    pub(super) fn report_traffic(&mut self, now: Duration, bundle: BundleId, direction: Direction) {
        let state = self.flows.bundles.get_mut(&bundle);
        if state.is_some_and(|state| state.reports.is_due(direction, now)) {
            self.tell_engine(now, Input::Traffic { bundle, direction });
        }
    }
}
