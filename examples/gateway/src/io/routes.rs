//! Routes and interfaces of the machine, by rtnetlink.

use core::net::IpAddr;
use std::io::{self, ErrorKind};

use netlink_packet_core::{NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, NLM_F_REPLACE, NLM_F_REQUEST};
use netlink_packet_route::link::{LinkAttribute, LinkFlags, LinkMessage};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteFlags, RouteHeader, RouteMessage, RouteProtocol, RouteScope, RouteType,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};

use super::guard::Prefix;
use super::netlink::{Netlink, OURS};

/// The table that the machine looks at when no rule says otherwise.
pub(super) const MAIN: u32 = RouteHeader::RT_TABLE_MAIN as u32;

/// Where a route leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    /// Out of an interface, with `source` as the sender of what the host itself sends there.
    Device { index: u32, gateway: Option<IpAddr>, source: Option<IpAddr> },
    /// Nowhere: the sender is told that the destination is unreachable.
    Nowhere,
}

/// One route of one table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Route {
    pub(super) to: Prefix,
    /// Of two routes to one prefix that with the smaller number counts.
    pub(super) metric: u32,
    pub(super) way: Way,
}

/// What becomes of a route to the same prefix that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Present {
    /// It stays beside the new one; the very same one is no error.
    Stays,
    /// It stays, and the new one is refused.
    Wins,
    /// It goes if it has the same metric.
    Goes,
}

impl Route {
    fn message(&self, table: u32) -> RouteMessage {
        let (to, len) = self.to;
        let mut route = RouteMessage::default();
        route.header = RouteHeader {
            address_family: if to.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 },
            destination_prefix_length: len,
            table: u8::try_from(table).unwrap_or(RouteHeader::RT_TABLE_UNSPEC),
            protocol: OURS,
            scope: RouteScope::Universe,
            kind: RouteType::Unicast,
            ..RouteHeader::default()
        };
        let attributes = &mut route.attributes;
        attributes.push(RouteAttribute::Destination(address(to)));
        attributes.push(RouteAttribute::Table(table));
        attributes.extend((self.metric != 0).then_some(RouteAttribute::Priority(self.metric)));
        match self.way {
            Way::Nowhere => route.header.kind = RouteType::Unreachable,
            Way::Device { index, gateway, source } => {
                attributes.push(RouteAttribute::Oif(index));
                attributes.extend(source.map(|source| RouteAttribute::PrefSource(address(source))));
                match gateway {
                    // A gateway is not looked for among the routes: it is where the route says.
                    Some(gateway) => {
                        attributes.push(RouteAttribute::Gateway(address(gateway)));
                        route.header.flags = RouteFlags::Onlink;
                    }
                    None => route.header.scope = RouteScope::Link,
                }
            }
        }
        route
    }

    /// A route in the machine's words; `None` for what has no place here, such as several ways at once.
    fn read(message: &RouteMessage) -> Option<Self> {
        let is_v4 = message.header.address_family == AddressFamily::Inet;
        let mut to = if is_v4 { IpAddr::from([0; 4]) } else { IpAddr::from([0; 16]) };
        let (mut metric, mut index, mut gateway, mut source) = (0, None, None, None);
        for attribute in &message.attributes {
            match attribute {
                RouteAttribute::Destination(address) => to = ip(address)?,
                RouteAttribute::Priority(number) => metric = *number,
                RouteAttribute::Oif(number) => index = Some(*number),
                RouteAttribute::Gateway(address) => gateway = Some(ip(address)?),
                RouteAttribute::PrefSource(address) => source = Some(ip(address)?),
                RouteAttribute::Via(_) | RouteAttribute::MultiPath(_) | RouteAttribute::Encap(_) => {
                    return None;
                }
                _ => {}
            }
        }
        let way = match message.header.kind {
            RouteType::Unicast => Way::Device { index: index?, gateway, source },
            RouteType::Unreachable => Way::Nowhere,
            _ => return None,
        };
        Some(Self { to: (to, message.header.destination_prefix_length), metric, way })
    }
}

fn address(address: IpAddr) -> RouteAddress {
    match address {
        IpAddr::V4(address) => RouteAddress::Inet(address),
        IpAddr::V6(address) => RouteAddress::Inet6(address),
    }
}

const fn ip(address: &RouteAddress) -> Option<IpAddr> {
    match address {
        RouteAddress::Inet(address) => Some(IpAddr::V4(*address)),
        RouteAddress::Inet6(address) => Some(IpAddr::V6(*address)),
        _ => None,
    }
}

impl Netlink {
    /// The routes of a table, of both families, with who made them.
    pub(super) fn routes(&self, table: u32) -> io::Result<Vec<(RouteProtocol, Route)>> {
        let all = RouteNetlinkMessage::GetRoute(RouteMessage::default());
        let mut routes = Vec::new();
        for answer in self.ask(all, NLM_F_REQUEST | NLM_F_DUMP)? {
            let RouteNetlinkMessage::NewRoute(message) = answer else { continue };
            // What the machine has only noted about one destination is no route of anybody's.
            let is_note = message.header.flags.contains(RouteFlags::Cloned);
            if !is_note && message.attributes.contains(&RouteAttribute::Table(table)) {
                routes.extend(Route::read(&message).map(|route| (message.header.protocol, route)));
            }
        }
        Ok(routes)
    }

    /// Adds a route of ours to a table.
    pub(super) fn add_route(&self, table: u32, route: &Route, present: Present) -> io::Result<()> {
        let flags = match present {
            Present::Stays => 0,
            Present::Wins => NLM_F_EXCL,
            Present::Goes => NLM_F_REPLACE,
        };
        let request = RouteNetlinkMessage::NewRoute(route.message(table));
        match self.ask(request, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | flags) {
            Err(error) if present == Present::Stays && error.kind() == ErrorKind::AlreadyExists => Ok(()),
            answer => answer.map(|_| ()),
        }
    }

    /// Takes a route of ours back.
    pub(super) fn remove_route(&self, table: u32, route: &Route) -> io::Result<()> {
        let mut message = route.message(table);
        message.header.scope = RouteScope::NoWhere;
        self.ask(RouteNetlinkMessage::DelRoute(message), NLM_F_REQUEST | NLM_F_ACK).map(|_| ())
    }

    /// Removes what a gateway that was killed has left on an interface that outlives it.
    pub(super) fn remove_stale_routes(&self, interface: u32) -> io::Result<()> {
        for (protocol, route) in self.routes(MAIN)? {
            if protocol == OURS && matches!(route.way, Way::Device { index, .. } if index == interface) {
                self.remove_route(MAIN, &route)?;
            }
        }
        Ok(())
    }

    fn links(&self) -> io::Result<impl Iterator<Item = LinkMessage>> {
        let all = RouteNetlinkMessage::GetLink(LinkMessage::default());
        let links = self.ask(all, NLM_F_REQUEST | NLM_F_DUMP)?;
        Ok(links.into_iter().filter_map(|message| match message {
            RouteNetlinkMessage::NewLink(link) => Some(link),
            _ => None,
        }))
    }

    /// The name of an interface.
    pub(super) fn name_of(&self, index: u32) -> io::Result<Option<String>> {
        let link = self.links()?.find(|link| link.header.index == index);
        let names = link.into_iter().flat_map(|link| link.attributes);
        Ok(names
            .filter_map(|attribute| match attribute {
                LinkAttribute::IfName(name) => Some(name),
                _ => None,
            })
            .next())
    }

    /// Whether an interface is up; `None` if there is none of this number.
    pub(super) fn is_up(&self, index: u32) -> io::Result<Option<bool>> {
        let link = self.links()?.find(|link| link.header.index == index);
        Ok(link.map(|link| link.header.flags.contains(LinkFlags::Up)))
    }
}
