//! Routes that lead what the maps protect to us.

use core::net::IpAddr;
use std::collections::BTreeSet;
use std::io::ErrorKind;

use ipsec_core::Selector;

use super::error::{NET_ADMIN, RunError};
use super::netlink::Netlink;
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
}

impl Protected {
    /// By all maps, or by that of one interface.
    pub(super) fn of(router: &Router, only: Option<InterfaceIndex>) -> Self {
        let mut this = Self::default();
        let maps = router.maps().iter().filter(|map| only.is_none_or(|only| map.interface == only));
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

/// Into which interface routes lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leads {
    /// The TUN interface, which goes with us.
    Tun,
    /// The outside device, on whose way the kernel's policies wait. It stays when we are gone, and an operator may have
    /// routes there.
    Device,
}

/// Routes into the TUN interface, or those that the kernel's policies need.
pub(super) struct Guard {
    netlink: Netlink,
    interface: u32,
    source: Option<IpAddr>,
    into: Leads,
    routes: BTreeSet<Prefix>,
}

impl Guard {
    /// `source` is the address that the host should send from into tunnels, where it has one inside.
    pub(super) fn new(netlink: Netlink, (into, interface): (Leads, u32), source: Option<IpAddr>) -> Self {
        if into == Leads::Device {
            // What cannot be removed is in nobody's way.
            let _ = netlink.remove_stale_routes(interface);
        }
        Self { netlink, interface, source, into, routes: BTreeSet::new() }
    }

    /// Makes the machine's routes those of `protected`, and takes back the others of ours.
    pub(super) fn apply(&mut self, protected: &Protected) -> Result<(), RunError> {
        for prefix in self.routes.difference(&protected.remote) {
            // It may be gone with what it led to.
            let _ = self.netlink.remove_route(*prefix, self.interface);
        }
        self.routes.retain(|prefix| protected.remote.contains(prefix));
        for prefix @ (address, len) in &protected.remote {
            if self.routes.contains(prefix) {
                continue;
            }
            let source = self.source.filter(|source| source.is_ipv4() == address.is_ipv4());
            match self.netlink.add_route(*prefix, self.interface, (source, self.into == Leads::Device)) {
                Ok(()) => {
                    self.routes.insert(*prefix);
                }
                // An operator's route serves as well.
                Err(error) if self.into == Leads::Device && error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => {
                    return Err(RunError::of(format!("the route to {address}/{len}"), NET_ADMIN, error));
                }
            }
        }
        Ok(())
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        for prefix in &self.routes {
            // They go with the interface as well.
            let _ = self.netlink.remove_route(*prefix, self.interface);
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
