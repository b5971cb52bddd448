//! What the engine hears of packets, so that it knows which peers are alive and which of them matter.

use core::time::Duration;

use oakley::{BundleId, Direction, Input, Installation};

use super::Router;

/// When packets of a bundle were last reported.
#[derive(Clone, Copy, Debug)]
pub(super) struct TrafficReports {
    every: Option<Duration>,
    inbound: Option<Duration>,
    outbound: Option<Duration>,
}

impl TrafficReports {
    pub(super) const fn new(installation: &Installation) -> Self {
        Self { every: installation.report_traffic, inbound: None, outbound: None }
    }

    /// How often packets are to be reported.
    pub(super) const fn every(&self) -> Option<Duration> {
        self.every
    }

    /// Whether a packet that passes now is to be reported. One report stands for all packets of its interval, but the first
    /// one that comes after a report of something sent is the answer to it.
    fn is_due(&mut self, direction: Direction, now: Duration) -> bool {
        let Some(every) = self.every else { return false };
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
