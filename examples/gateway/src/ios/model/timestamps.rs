//! `service timestamps`: what stands before the lines that a router prints.

/// Before the lines of `debug` and before `%` messages; each may have none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timestamps {
    /// `service timestamps debug`.
    pub debug: Option<Timestamp>,
    /// `service timestamps log`: before the messages that begin with `%`.
    pub log: Option<Timestamp>,
}

/// One form of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timestamp {
    /// `uptime`: the time since the router was started.
    Uptime,
    /// `datetime`: the date.
    Datetime {
        /// `msec`: thousandths of a second.
        msec: bool,
        /// `localtime`: kept; times are UTC.
        localtime: bool,
        /// `show-timezone`: the name of the zone behind the time.
        show_timezone: bool,
    },
}
