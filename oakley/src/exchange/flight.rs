//! The datagram that an exchange sent last, and when it is sent again.

use core::time::Duration;

use bytes::Bytes;

use crate::policy::Config;

/// The last datagram of one side of an exchange.
pub(crate) struct Flight {
    pub(crate) datagram: Bytes,
    /// How often it went out, duplicates' answers not counted.
    pub(crate) sends: u32,
    /// When it goes out again; `None` if no answer is expected.
    next: Option<Duration>,
    /// Whether a peer that repeats its last message gets it again. If both sides did that with every message, one
    /// duplicate would go round for ever; so only answers do it, and the last message of an exchange.
    pub(crate) answers_duplicates: bool,
}

impl Flight {
    /// Nothing was sent yet.
    pub(crate) fn silent() -> Self {
        Self { datagram: Bytes::new(), sends: 0, next: None, answers_duplicates: false }
    }

    /// A datagram that expects an answer.
    pub(crate) fn expecting(datagram: Bytes, now: Duration, config: &Config) -> Self {
        let next = now.checked_add(config.retransmit_after);
        Self { datagram, sends: 1, next, answers_duplicates: false }
    }

    /// An answer that expects one itself: message 2 of Quick Mode.
    pub(crate) fn answer_expecting(datagram: Bytes, now: Duration, config: &Config) -> Self {
        Self { answers_duplicates: true, ..Self::expecting(datagram, now, config) }
    }

    /// A datagram that goes out again only when the peer repeats itself: what a peer that has proved nothing gets
    /// (one datagram in, one out), and what ends an exchange.
    pub(crate) fn reply(datagram: Bytes) -> Self {
        Self { datagram, sends: 1, next: None, answers_duplicates: true }
    }

    pub(crate) fn next(&self) -> Option<Duration> {
        self.next
    }

    /// No answer is expected any more.
    pub(crate) fn settle(&mut self) {
        self.next = None;
        self.answers_duplicates = false;
    }

    /// The timer ran out. Each wait is twice as long as the one before; `None` after the last one.
    pub(crate) fn resend(&mut self, now: Duration, config: &Config) -> Option<Bytes> {
        if self.sends >= config.max_sends {
            self.next = None;
            return None;
        }
        let wait = config.retransmit_after.saturating_mul(2u32.saturating_pow(self.sends.min(16)));
        self.sends = self.sends.saturating_add(1);
        self.next = now.checked_add(wait);
        Some(self.datagram.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_end() {
        let config = Config { max_sends: 4, ..Config::default() };
        let mut flight = Flight::expecting(Bytes::from_static(b"x"), Duration::ZERO, &config);
        let mut waits = std::vec::Vec::new();
        while let Some(at) = flight.next() {
            let sent = flight.resend(at, &config);
            if sent.is_some() {
                waits.push(flight.next().map(|next| (next - at).as_secs()));
            }
        }
        // Sent at 0, 2, 6 and 14 seconds; given up at 30.
        assert_eq!(waits, [Some(4), Some(8), Some(16)]);
        assert_eq!(flight.sends, 4);
    }
}
