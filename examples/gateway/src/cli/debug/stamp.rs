//! The time before a line, as `service timestamps` has it.

use core::time::Duration;

use crate::ios::model::Timestamp;

/// 1 March 1993: where a router without a set clock begins.
const UNSET: Duration = Duration::from_secs(730_944_000);

/// What a router knows of the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Since it was started.
    pub uptime: Duration,
    /// Since 1970, if its clock is set.
    pub clock: Option<Duration>,
}

/// The stamp and what parts it from the line.
pub(super) fn stamp(form: Timestamp, now: Now) -> String {
    match form {
        Timestamp::Uptime => uptime(now.uptime.as_secs()),
        Timestamp::Datetime { msec, show_timezone, .. } => {
            // A clock that was never set is marked.
            let mark = if now.clock.is_some() { "" } else { "*" };
            let time = now.clock.unwrap_or_else(|| UNSET.saturating_add(now.uptime));
            let (month, day) = date(time.as_secs() / DAY);
            let fraction = if msec { format!(".{:03}", time.subsec_millis()) } else { String::new() };
            let zone = if show_timezone { " UTC" } else { "" };
            format!("{mark}{month} {day:>2} {}{fraction}{zone}: ", clock(time.as_secs()))
        }
    }
}

const DAY: u64 = 86_400;

fn clock(seconds: u64) -> String {
    format!("{:02}:{:02}:{:02}", seconds % DAY / 3600, seconds % 3600 / 60, seconds % 60)
}

/// Hours, minutes and seconds on the first day; then the two greatest of weeks, days and hours.
fn uptime(seconds: u64) -> String {
    let (days, hours) = (seconds / DAY, seconds % DAY / 3600);
    match days {
        0 => format!("{}: ", clock(seconds)),
        1..7 => format!("{days}d{hours:02}h: "),
        _ => format!("{}w{}d: ", days / 7, days % 7),
    }
}

/// Month and day of the `days`th day after 1 January 1970.
fn date(days: u64) -> (&'static str, u64) {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut year = 1970;
    let mut left = days;
    loop {
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let february = if leap { 29 } else { 28 };
        let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        for (month, length) in MONTHS.into_iter().zip(lengths) {
            if left < length {
                return (month, left.saturating_add(1));
            }
            left = left.saturating_sub(length);
        }
        year = u64::saturating_add(year, 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn datetime(msec: bool) -> Timestamp {
        Timestamp::Datetime { msec, localtime: false, show_timezone: false }
    }

    fn unset(uptime: Duration) -> Now {
        Now { uptime, clock: None }
    }

    /// The document's first stamp, whose day the routers pad to two places.
    #[test]
    fn stamps_are_the_documents() {
        let at = unset(Duration::from_millis((14 * 60 + 48) * 1000 + 579));
        assert_eq!(stamp(datetime(true), at), "*Mar  1 00:14:48.579: ");
        assert_eq!(stamp(datetime(false), at), "*Mar  1 00:14:48: ");
        assert_eq!(stamp(Timestamp::Uptime, at), "00:14:48: ");
        // Its other lab: 21 March, at 20:58:34.503.
        let days = Duration::from_secs(20 * DAY + 20 * 3600 + 58 * 60 + 34);
        assert_eq!(stamp(datetime(true), unset(days + Duration::from_millis(503))), "*Mar 21 20:58:34.503: ");
        assert_eq!(stamp(Timestamp::Uptime, unset(days)), "2w6d: ");
        assert_eq!(stamp(Timestamp::Uptime, unset(Duration::from_secs(DAY + 7200))), "1d02h: ");
    }

    /// Against `date -u -d @N`.
    #[test]
    fn a_clock_that_is_set_is_not_marked() {
        for (seconds, text) in [
            (0, "Jan  1 00:00:00 UTC: "),
            (951_782_400, "Feb 29 00:00:00 UTC: "),
            (951_868_800, "Mar  1 00:00:00 UTC: "),
            (1_735_689_599, "Dec 31 23:59:59 UTC: "),
            (4_107_542_400, "Mar  1 00:00:00 UTC: "),
        ] {
            let now = Now { uptime: Duration::ZERO, clock: Some(Duration::from_secs(seconds)) };
            let form = Timestamp::Datetime { msec: false, localtime: true, show_timezone: true };
            assert_eq!(stamp(form, now), text);
        }
    }
}
