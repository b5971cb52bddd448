//! When a peer is asked whether it is alive (RFC 3706): what a policy says about it.

use core::time::Duration;

use bytes::Bytes;
use isakmp_wire::registry::KnownVendor;

/// The version behind the identifier (RFC 3706 5.1).
const VERSION: [u8; 2] = [1, 0];

/// How often a question is repeated before its peer is taken for dead.
const RETRIES: u32 = 5;

/// Traffic is reported so much more often than its absence would be noticed.
const REPORTS_IN_IDLE: u32 = 4;
const REPORTS_IN_RETRY: u32 = 2;

/// Dead peer detection with one peer (RFC 3706).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeadPeerDetection {
    /// Whether we announce it. A peer that announces it is answered either way.
    pub announced: bool,
    /// When the peer is asked, if both sides announce it; `None`: never.
    pub asking: Option<Asking>,
}

impl Default for DeadPeerDetection {
    /// Announced; peers are answered and not asked.
    fn default() -> Self {
        Self { announced: true, asking: None }
    }
}

impl DeadPeerDetection {
    /// Neither announced nor used.
    #[must_use]
    pub const fn off() -> Self {
        Self { announced: false, asking: None }
    }

    /// The VENDOR payload's body that announces it.
    pub(crate) fn announcement(&self) -> Option<Bytes> {
        self.announced.then(|| Bytes::from([KnownVendor::DPD.octets, &VERSION].concat()))
    }
}

/// When and how often a peer is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Asking {
    /// How long nothing has come from the peer before it is asked; if [`periodic`](Self::periodic), the time from one
    /// question to the next.
    pub idle: Duration,
    /// How long an answer is waited for before the question is repeated.
    pub retry: Duration,
    /// How often it is repeated. The peer is dead when the last one has no answer either.
    pub retries: u32,
    /// Whether the peer is asked though nothing is sent to it, or though something comes from it. Otherwise it is asked only
    /// when it is of interest: something was sent, and nothing came back (RFC 3706 5.5).
    pub periodic: bool,
}

impl Asking {
    /// On demand, with five repetitions.
    #[must_use]
    pub const fn new(idle: Duration, retry: Duration) -> Self {
        Self { idle, retry, retries: RETRIES, periodic: false }
    }

    /// How often the data path should say that it has seen traffic: often enough for what it comes after not to be missed.
    pub(crate) fn report_interval(&self) -> Duration {
        let part = |time: Duration, parts| time.checked_div(parts).unwrap_or(time);
        part(self.idle, REPORTS_IN_IDLE).min(part(self.retry, REPORTS_IN_RETRY))
    }
}
