//! What the maps protect, as routes see it, and the routes that the kernel's policies need.

use core::net::IpAddr;
use std::collections::BTreeSet;
use std::io::ErrorKind;

use ipsec_core::Selector;

use super::error::{NET_ADMIN, RunError};
use super::netlink::Netlink;
use super::routes::{MAIN, Present, Route, Way};
use crate::router::{InterfaceIndex, Router};

/// A destination and the bits of it that count.
pub(super) type Prefix = (IpAddr, u8);

/// What the maps protect, seen from the machine.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Protected {
    /// What is behind the peers.
    pub(super) remote: BTreeSet<Prefix>,
    /// Whether a peer itself is among it, as in transport mode.
    pub(super) covers_a_peer: bool,
    /// Addresses of ours outside that no map protects as a sender.
    pub(super) open: BTreeSet<IpAddr>,
}

impl Protected {
    /// By all maps, or by that of one interface.
    pub(super) fn of(router: &Router, only: Option<InterfaceIndex>) -> Self {
        let mut this = Self::default();
        let maps = router.maps().iter().filter(|map| only.is_none_or(|only| map.interface == only));
        let lines = || maps.clone().flat_map(|map| &map.entries).flat_map(|entry| &entry.lines);
        let covers = |own: &IpAddr| {
            lines().filter_map(|line| line.negotiated.as_ref()).any(|flow| flow.local.addresses.contains(own))
        };
        this.open.extend(maps.clone().flat_map(|map| &map.locals).filter(|own| !covers(own)));
        for entry in maps.flat_map(|map| &map.entries) {
            for flow in entry.lines.iter().filter_map(|line| line.negotiated.as_ref()) {
                let range = &flow.remote.addresses;
                let covers = entry.peers.iter().any(|peer| range.contains(peer));
                this.covers_a_peer |= covers;
                // The machine has a way to the peer already, and to what is around it.
                if only.is_none() || !covers {
                    this.remote.extend(prefix_of(*range.start(), *range.end()));
                }
            }
        }
        this
    }
}

/// The prefix that is exactly this range: access lists name no other ranges.
pub(super) fn prefix_of(first: IpAddr, last: IpAddr) -> Option<Prefix> {
    let bits = if first.is_ipv4() { 32 } else { 128 };
    (0..=bits)
        .rev()
        .find(|prefix| Selector::prefix(first, *prefix).is_some_and(|range| range == (first..=last)))
        .map(|prefix| (first, prefix))
}

/// Routes that the kernel's policies need: what the maps call remote must be on its way out of the outside device. The
/// device stays when we are gone, and an operator may have routes there.
pub(super) struct Guard {
    netlink: Netlink,
    interface: u32,
    source: Option<IpAddr>,
    routes: BTreeSet<Prefix>,
}

impl Guard {
    /// `source` is the address that the host should send from into tunnels, where it has one inside.
    pub(super) fn new(netlink: Netlink, interface: u32, source: Option<IpAddr>) -> Self {
        // What cannot be removed is in nobody's way.
        let _ = netlink.remove_stale_routes(interface);
        Self { netlink, interface, source, routes: BTreeSet::new() }
    }

    fn route(&self, to: Prefix) -> Route {
        let source = self.source.filter(|source| source.is_ipv4() == to.0.is_ipv4());
        Route { to, metric: 0, way: Way::Device { index: self.interface, gateway: None, source } }
    }

    /// Makes the machine's routes those of `protected`, and takes back the others of ours.
    pub(super) fn apply(&mut self, protected: &Protected) -> Result<(), RunError> {
        for prefix in self.routes.difference(&protected.remote) {
            // It may be gone with what it led to.
            let _ = self.netlink.remove_route(MAIN, &self.route(*prefix));
        }
        self.routes.retain(|prefix| protected.remote.contains(prefix));
        for prefix @ (address, len) in &protected.remote {
            if self.routes.contains(prefix) {
                continue;
            }
            match self.netlink.add_route(MAIN, &self.route(*prefix), Present::Wins) {
                Ok(()) => {
                    self.routes.insert(*prefix);
                }
                // An operator's route serves as well.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => {
                    return Err(RunError::of(format!("the route to {address}/{len}"), NET_ADMIN, error));
                }
            }
        }
        Ok(())
    }

    /// Takes all routes back.
    pub(super) fn release(&mut self) {
        for prefix in core::mem::take(&mut self.routes) {
            // It may be gone with what it led to.
            let _ = self.netlink.remove_route(MAIN, &self.route(prefix));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_prefixes() {
        let prefix = |first: &str, last: &str| prefix_of(first.parse().unwrap(), last.parse().unwrap());
        assert_eq!(prefix("60.60.60.0", "60.60.60.255"), Some(("60.60.60.0".parse().unwrap(), 24)));
        assert_eq!(prefix("10.9.0.2", "10.9.0.2"), Some(("10.9.0.2".parse().unwrap(), 32)));
        assert_eq!(prefix("0.0.0.0", "255.255.255.255"), Some(("0.0.0.0".parse().unwrap(), 0)));
        assert_eq!(prefix("fd02::", "fd02::ffff:ffff:ffff:ffff"), Some(("fd02::".parse().unwrap(), 64)));
        assert_eq!(prefix("10.0.0.1", "10.0.0.2"), None);
    }
}
