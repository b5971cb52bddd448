//! `show ip traffic`, as far as it is a gateway's: packets in clear, and every reason for which one was dropped.

use core::fmt::Write as _;

use ipsec_core::{Counters, DropReason};

use crate::router::RouterCounters;

/// What was forwarded and delivered, and a line for each reason that has dropped a packet.
#[must_use]
pub fn ip_traffic(counters: &RouterCounters, drops: &Counters) -> String {
    let RouterCounters { forwarded, local, .. } = counters;
    let mut out =
        format!("IP statistics:\n  Rcvd:  {local} local destination\n  Sent:  {forwarded} forwarded\n");
    // Writing to a String cannot fail.
    let _ = writeln!(out, "  Drop:  {} in all", drops.total());
    for reason in DropReason::ALL {
        if drops.get(reason) > 0 {
            let _ = writeln!(out, "         {} {reason}", drops.get(reason));
        }
    }
    out
}
