//! The only clock.

use core::time::Duration;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Time since the gateway was started, for the router, and time of day, for captures.
pub(super) struct Clock(Instant);

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "the one place where the gateway reads a clock")]
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }

    /// Never goes back.
    pub(super) fn now(&self) -> Duration {
        self.0.elapsed()
    }

    /// Since 1970; zero if the machine's clock is before that.
    #[expect(clippy::disallowed_methods, reason = "the one place where the gateway reads a clock")]
    pub(super) fn time_of_day() -> Duration {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }
}
