//! What a flow and a router count.

use core::time::Duration;

/// Packets of one flow, as `show crypto ipsec sa` names them. Counters saturate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlowCounters {
    /// Packets that were protected and sent.
    pub encaps: u64,
    /// Of these, encrypted.
    pub encrypt: u64,
    /// Of these, given an integrity check value.
    pub digest: u64,
    /// Packets that were opened and delivered.
    pub decaps: u64,
    /// Of these, decrypted.
    pub decrypt: u64,
    /// Of these, with an integrity check value that held.
    pub verify: u64,
    /// Packets that the flow should have carried and that were not sent.
    pub send_errors: u64,
    /// Packets of the flow's SAs that were not delivered.
    pub receive_errors: u64,
}

/// What the layers of one packet did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Work {
    pub(super) encrypted: bool,
    pub(super) digested: bool,
}

impl FlowCounters {
    pub(super) const fn count_sent(&mut self, work: Work) {
        count(&mut self.encaps, true);
        count(&mut self.encrypt, work.encrypted);
        count(&mut self.digest, work.digested);
    }

    pub(super) const fn count_received(&mut self, work: Work) {
        count(&mut self.decaps, true);
        count(&mut self.decrypt, work.encrypted);
        count(&mut self.verify, work.digested);
    }

    /// What another data path has sent.
    pub(super) const fn add_sent(&mut self, work: Work, packets: u64) {
        add(&mut self.encaps, true, packets);
        add(&mut self.encrypt, work.encrypted, packets);
        add(&mut self.digest, work.digested, packets);
    }

    /// What another data path has delivered.
    pub(super) const fn add_received(&mut self, work: Work, packets: u64) {
        add(&mut self.decaps, true, packets);
        add(&mut self.decrypt, work.encrypted, packets);
        add(&mut self.verify, work.digested, packets);
    }

    pub(super) const fn count_send_error(&mut self) {
        count(&mut self.send_errors, true);
    }

    pub(super) const fn count_receive_error(&mut self) {
        count(&mut self.receive_errors, true);
    }
}

const fn count(counter: &mut u64, happened: bool) {
    add(counter, happened, 1);
}

const fn add(counter: &mut u64, happened: bool, times: u64) {
    if happened {
        *counter = counter.saturating_add(times);
    }
}

/// Packets of a router that belong to no flow. Counters saturate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RouterCounters {
    /// Forwarded in clear.
    pub forwarded: u64,
    /// Without a route to their destination.
    pub unroutable: u64,
    /// From a source that cannot be where they came from.
    pub spoofed: u64,
    /// Delivered to the router itself in clear, IKE among them.
    pub local: u64,
    /// Datagrams of another IKE version.
    pub other_versions: u64,
}

impl RouterCounters {
    pub(super) const fn count_forwarded(&mut self) {
        count(&mut self.forwarded, true);
    }

    pub(super) const fn count_unroutable(&mut self) {
        count(&mut self.unroutable, true);
    }

    pub(super) const fn count_spoofed(&mut self) {
        count(&mut self.spoofed, true);
    }

    pub(super) const fn count_local(&mut self) {
        count(&mut self.local, true);
    }

    pub(super) const fn count_other_version(&mut self) {
        count(&mut self.other_versions, true);
    }
}

/// ICMP errors in a second: enough for every host to learn, too few to be a tool against one (RFC 1812 4.3.2.8).
const MOST_ERRORS: u32 = 10;

/// How many ICMP errors were sent in the second that runs.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ErrorRate {
    since: Duration,
    sent: u32,
}

impl ErrorRate {
    /// Whether one more may be sent; if so it is counted.
    pub(super) fn may_tell(&mut self, now: Duration) -> bool {
        if now >= self.since.saturating_add(Duration::from_secs(1)) {
            *self = Self { since: now, sent: 0 };
        }
        let may = self.sent < MOST_ERRORS;
        self.sent = self.sent.saturating_add(u32::from(may));
        may
    }
}
