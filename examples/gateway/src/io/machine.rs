//! What others change on the machine: interfaces, addresses, routes and rules come and go, and we hear of it.

use core::time::Duration;
use std::io::{self, ErrorKind};
use std::os::fd::{AsRawFd, RawFd};

use netlink_packet_core::{NetlinkMessage, NetlinkPayload};
use netlink_packet_route::AddressFamily;
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::route::{RouteAddress, RouteAttribute, RouteMessage};
use netlink_sys::Socket;
use netlink_sys::protocols::NETLINK_ROUTE;

use super::guard::{Prefix, Protected};
use super::rules::LOCAL;
use super::table::is_within;

/// Groups of rtnetlink: interfaces, and addresses, routes and rules of both families.
const GROUPS: [u32; 7] = [1, 5, 7, 8, 9, 11, 19];
/// After a look at the machine the next one waits so long: somebody may change a lot.
const PAUSE: Duration = Duration::from_secs(1);
/// Octets of news that wait.
const NEWS: usize = 1 << 20;

/// Where news of the machine come from, and when to look at it.
pub(super) struct Machine {
    news: Socket,
    looked: Option<Duration>,
    due: Option<Duration>,
}

impl Machine {
    pub(super) fn open() -> io::Result<Self> {
        let mut news = Socket::new(NETLINK_ROUTE)?;
        news.bind_auto()?;
        news.set_non_blocking(true)?;
        // The kernel gives less where it has less.
        let _ = news.set_rx_buf_sz(NEWS);
        for group in GROUPS {
            // A machine without IPv6 or policy routing has no such news.
            let _ = news.add_membership(group);
        }
        Ok(Self { news, looked: None, due: None })
    }

    /// What to watch.
    pub(super) fn descriptor(&self) -> RawFd {
        self.news.as_raw_fd()
    }

    /// Hears one piece of news; whether there may be more.
    pub(super) fn listen(&mut self, now: Duration, protected: &Protected) -> bool {
        let octets = match self.news.recv_from_full() {
            Ok((octets, _)) => octets,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
            // More has happened than was kept for us.
            Err(_) => {
                self.look_at(now);
                return true;
            }
        };
        if NetlinkMessage::deserialize(&octets).map_or(true, |news| concerns(&news, protected)) {
            self.look_at(now);
        }
        true
    }

    /// Has the machine looked at, but not at once again.
    pub(super) fn look_at(&mut self, now: Duration) {
        let soonest = self.looked.map_or(now, |looked| looked.saturating_add(PAUSE).max(now));
        self.due = Some(self.due.map_or(soonest, |due| due.min(soonest)));
    }

    /// When to look at the machine.
    pub(super) const fn poll_timeout(&self) -> Option<Duration> {
        self.due
    }

    /// Whether it is time to look.
    pub(super) fn handle_timeout(&mut self, now: Duration) -> bool {
        let is_due = self.due.is_some_and(|due| due <= now);
        if is_due {
            (self.looked, self.due) = (Some(now), None);
        }
        is_due
    }
}

/// Whether news may be about what is ours: a machine with many routes has a lot of other news.
fn concerns(news: &NetlinkMessage<RouteNetlinkMessage>, protected: &Protected) -> bool {
    match &news.payload {
        NetlinkPayload::InnerMessage(
            RouteNetlinkMessage::NewRoute(route) | RouteNetlinkMessage::DelRoute(route),
        ) => {
            let to = destination(route);
            route.header.table != LOCAL && protected.remote.iter().any(|remote| is_within(to, *remote))
        }
        _ => true,
    }
}

fn destination(route: &RouteMessage) -> Prefix {
    let named = route.attributes.iter().find_map(|attribute| match attribute {
        RouteAttribute::Destination(RouteAddress::Inet(address)) => Some((*address).into()),
        RouteAttribute::Destination(RouteAddress::Inet6(address)) => Some((*address).into()),
        _ => None,
    });
    let any = if route.header.address_family == AddressFamily::Inet { [0; 4].into() } else { [0; 16].into() };
    (named.unwrap_or(any), route.header.destination_prefix_length)
}
