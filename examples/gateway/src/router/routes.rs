//! Interfaces, and which of them a destination is behind.

use core::net::{IpAddr, Ipv4Addr};
use core::ops::RangeInclusive;

use ipsec_core::Selector;

/// An interface by its place in the configuration; also its port on a simulated network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InterfaceIndex(pub u16);

/// An address of an interface and the net around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InterfaceNet {
    /// The interface's own address.
    pub address: IpAddr,
    /// Bits that the net's addresses share.
    pub prefix: u8,
}

impl InterfaceNet {
    /// The net's addresses.
    #[must_use]
    pub fn range(&self) -> Option<RangeInclusive<IpAddr>> {
        Selector::prefix(self.address, self.prefix)
    }

    fn contains(&self, address: IpAddr) -> bool {
        self.range().is_some_and(|range| range.contains(&address))
    }
}

/// One interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its name in the configuration.
    pub name: String,
    /// Its own addresses; none while it is shut down.
    pub nets: Vec<InterfaceNet>,
    /// Octets of the largest packet that it takes.
    pub mtu: usize,
}

impl Interface {
    /// Whether `address` is one of its own.
    #[must_use]
    pub fn is_own(&self, address: IpAddr) -> bool {
        self.nets.iter().any(|net| net.address == address)
    }

    /// The first of its IPv4 addresses.
    #[must_use]
    pub fn own_v4(&self) -> Option<Ipv4Addr> {
        self.nets.iter().find_map(|net| match net.address {
            IpAddr::V4(address) => Some(address),
            IpAddr::V6(_) => None,
        })
    }

    /// Whether `address` is a neighbour's, or the interface's own.
    #[must_use]
    pub fn is_on_net(&self, address: IpAddr) -> bool {
        self.nets.iter().any(|net| net.contains(address))
    }
}

/// Where a route leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// To a neighbour.
    NextHop(IpAddr),
    /// To whatever is behind an interface.
    Interface(InterfaceIndex),
}

/// One static route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// First address of the destination.
    pub destination: IpAddr,
    /// Bits of the destination that count.
    pub prefix: u8,
    /// Where it leads.
    pub via: Via,
    /// Of routes with one prefix the lowest wins.
    pub distance: u8,
}

/// Interfaces and static routes of one router.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoutingTable {
    /// In the order of the configuration.
    pub interfaces: Vec<Interface>,
    /// In the order of the configuration.
    pub routes: Vec<Route>,
}

impl RoutingTable {
    /// The interface of that number.
    #[must_use]
    pub fn interface(&self, index: InterfaceIndex) -> Option<&Interface> {
        self.interfaces.get(usize::from(index.0))
    }

    /// The interface that `address` is an own address of.
    #[must_use]
    pub fn owner(&self, address: IpAddr) -> Option<InterfaceIndex> {
        self.find(|interface| interface.is_own(address))
    }

    /// The interface that packets to `destination` leave by: the net that it is on, else the route with the longest
    /// prefix whose next hop can be reached (RFC 1812 5.2.4.3).
    #[must_use]
    pub fn egress(&self, destination: IpAddr) -> Option<InterfaceIndex> {
        self.find(|interface| interface.is_on_net(destination)).or_else(|| {
            let fitting = self.routes.iter().filter(|route| {
                Selector::prefix(route.destination, route.prefix)
                    .is_some_and(|range| range.contains(&destination))
            });
            let reachable = fitting.filter_map(|route| Some((route, self.resolve(route.via)?)));
            // The first of several equal routes stays: `min_by_key` keeps it.
            let best =
                reachable.min_by_key(|(route, _)| (u8::MAX.saturating_sub(route.prefix), route.distance));
            best.map(|(_, interface)| interface)
        })
    }

    /// A next hop that is on no connected net leads nowhere: routes do not resolve through other routes.
    fn resolve(&self, via: Via) -> Option<InterfaceIndex> {
        match via {
            Via::NextHop(address) => self.find(|interface| interface.is_on_net(address)),
            Via::Interface(index) => {
                self.interface(index).filter(|interface| !interface.nets.is_empty()).map(|_| index)
            }
        }
    }

    fn find(&self, wanted: impl Fn(&Interface) -> bool) -> Option<InterfaceIndex> {
        let index = self.interfaces.iter().position(wanted)?;
        u16::try_from(index).ok().map(InterfaceIndex)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> RoutingTable {
        let interface = |name: &str, address: [u8; 4]| Interface {
            name: name.to_owned(),
            nets: vec![InterfaceNet { address: IpAddr::from(address), prefix: 24 }],
            mtu: 1500,
        };
        let route = |destination: [u8; 4], prefix, next_hop: [u8; 4]| Route {
            destination: IpAddr::from(destination),
            prefix,
            via: Via::NextHop(IpAddr::from(next_hop)),
            distance: 1,
        };
        RoutingTable {
            interfaces: vec![
                interface("Ethernet0", [50, 50, 50, 50]),
                interface("Serial0", [20, 20, 20, 21]),
            ],
            // As in wan2511: the default route's next hop is on no connected net.
            routes: vec![
                route([0, 0, 0, 0], 0, [10, 11, 19, 254]),
                route([60, 0, 0, 0], 8, [20, 20, 20, 20]),
            ],
        }
    }

    fn egress(table: &RoutingTable, to: [u8; 4]) -> Option<u16> {
        table.egress(IpAddr::V4(Ipv4Addr::from(to))).map(|index| index.0)
    }

    #[test]
    fn a_route_with_an_unreachable_next_hop_is_not_used() {
        let mut table = table();
        assert_eq!(egress(&table, [50, 50, 50, 7]), Some(0));
        assert_eq!(egress(&table, [20, 20, 20, 20]), Some(1));
        assert_eq!(egress(&table, [60, 60, 60, 60]), Some(1));
        assert_eq!(egress(&table, [9, 9, 9, 9]), None);
        table.interfaces[1].nets.clear();
        assert_eq!(egress(&table, [60, 60, 60, 60]), None);
    }

    #[test]
    fn the_longest_prefix_wins_then_the_distance_then_the_order() {
        let mut table = table();
        let via = |destination: [u8; 4], prefix, interface, distance| Route {
            destination: IpAddr::from(destination),
            prefix,
            via: Via::Interface(InterfaceIndex(interface)),
            distance,
        };
        table.routes.push(via([60, 60, 0, 0], 16, 0, 1));
        assert_eq!(egress(&table, [60, 60, 60, 60]), Some(0));
        assert_eq!(egress(&table, [60, 61, 60, 60]), Some(1));
        table.routes =
            vec![via([60, 0, 0, 0], 8, 0, 200), via([60, 0, 0, 0], 8, 1, 1), via([60, 0, 0, 0], 8, 0, 1)];
        assert_eq!(egress(&table, [60, 60, 60, 60]), Some(1));
    }
}
