//! The routing table that leads what the maps protect into the TUN interface, and nowhere without it.
//!
//! ```text
//!   4:  from 20.20.20.21 goto 6 proto 149            our address outside, unless a map protects it
//!   5:  not from all fwmark 0x49500000 lookup N proto 149
//!   6:  from all nop proto 149
//!
//!   table N:  60.60.60.0/24 dev ipsec0 metric 1
//!             unreachable 60.60.60.0/24 metric 4294967295
//!             60.60.60.128/25 dev eth1               a copy from table main: a net that is not outside
//! ```
//!
//! The unreachable routes and the rules outlive the TUN interface and this process, however it ends: what the maps protect
//! leaves as they say or not at all. A regular stop takes them back. The rules stand before those of others, so that no
//! route of theirs leads around the tunnel; what leads from a part of a remote net to another interface than an outside
//! one is copied, since no map of ours is on that way. Our own sockets carry the mark: what is the tunnel passes whatever a
//! map covers.
//!
//! N comes from the name of the TUN interface, which one gateway of a machine has: the next start under that name finds the
//! table of the former one, and makes it its own.

use core::net::IpAddr;
use std::collections::BTreeSet;
use std::io::{self, ErrorKind};

use ipsec_core::Selector;
use netlink_packet_route::AddressFamily;
use netlink_packet_route::rule::{RuleAction, RuleAttribute, RuleFlags, RuleMessage};

use super::error::{NET_ADMIN, RunError};
use super::guard::{Prefix, Protected};
use super::keep_out::is_unsupported;
use super::netlink::{Netlink, OURS};
use super::routes::{MAIN, Present, Route, Way};

/// What our sockets put on their packets. Its octets are "IP" and nothing, in a range that other programs leave alone.
pub(super) const MARK: u32 = 0x4950_0000;
/// Tables are this and a number from the name of the TUN interface.
const TABLES: u32 = 0x4950_0000;
/// Numbers of our rules, behind those that keep clear packets out.
const OPEN: u32 = 4;
const LOOK: u32 = 5;
const BEHIND: u32 = 6;
/// Metrics of the routes into the TUN interface and of the last resort.
const FIRST: u32 = 1;
const LAST: u32 = u32::MAX;
const FAMILIES: [AddressFamily; 2] = [AddressFamily::Inet, AddressFamily::Inet6];

/// What the machine's routes are to be.
pub(super) struct Wanted<'a> {
    pub(super) protected: &'a Protected,
    /// The number of the TUN interface.
    pub(super) interface: u32,
    /// The address that the host should send from into tunnels, where it has one inside.
    pub(super) source: Option<IpAddr>,
    /// The numbers of the outside interfaces.
    pub(super) outside: &'a BTreeSet<u32>,
}

/// Our table and the rules that lead to it.
pub(super) struct Table {
    netlink: Netlink,
    number: u32,
    /// Whether routes of ours stand in the machine's own table, for want of rules.
    is_in_main: bool,
    gaps: Vec<String>,
}

impl Table {
    /// That of the gateway with a TUN interface of this name; nothing is changed yet.
    pub(super) fn of(netlink: Netlink, tun: &str) -> Self {
        // FNV-1a, folded: any even spread of names over the numbers would do.
        let hash = tun
            .bytes()
            .fold(0x811c_9dc5_u32, |hash, octet| (hash ^ u32::from(octet)).wrapping_mul(0x0100_0193));
        Self {
            netlink,
            number: TABLES | ((hash >> 16) ^ (hash & 0xffff)),
            is_in_main: false,
            gaps: Vec::new(),
        }
    }

    /// Whether a gateway that was killed has left something here.
    pub(super) fn is_there(&self) -> bool {
        self.netlink.routes(self.number).is_ok_and(|routes| routes.iter().any(|(by, _)| *by == OURS))
    }

    /// What of the machine stays open without us, in words for whoever runs it.
    pub(super) fn gaps(&self) -> &[String] {
        &self.gaps
    }

    /// Makes table and rules what is wanted. What is right already is not touched; at no moment is anything open that was
    /// closed and is to stay so.
    pub(super) fn apply(&mut self, wanted: &Wanted<'_>) -> Result<(), RunError> {
        let failed = |error| RunError::of("routes to what the maps protect", NET_ADMIN, error);
        self.gaps.clear();
        for family in FAMILIES {
            let is_wanted = wanted.protected.remote.iter().any(|prefix| is_of(*prefix, family));
            match self.apply_to(family, wanted) {
                Ok(()) => {}
                Err(error) if is_unsupported(&error) && !is_wanted => {}
                Err(error) if is_unsupported(&error) => self.without_rules(family, wanted).map_err(failed)?,
                Err(error) => return Err(failed(error)),
            }
        }
        Ok(())
    }

    fn apply_to(&self, family: AddressFamily, wanted: &Wanted<'_>) -> io::Result<()> {
        let main = self.netlink.routes(MAIN)?;
        let copies = main.iter().filter_map(|(_, route)| is_copied(route, wanted).then_some(*route));
        let last = |to: &Prefix| Route { to: *to, metric: LAST, way: Way::Nowhere };
        let remote = || wanted.protected.remote.iter();
        let routes = remote().map(last).chain(remote().map(|to| first(*to, FIRST, wanted))).chain(copies);
        let routes: Vec<_> = routes.filter(|route| is_of(route.to, family)).collect();
        self.make_routes(self.number, family, &routes, Present::Stays)?;
        let rules = if routes.is_empty() { Vec::new() } else { self.rules(family, wanted.protected) };
        self.make_rules(family, &rules)
    }

    /// Without rules for a table of our own the routes stand among the others. One that leads nowhere would catch the
    /// tunnel's own packets where a map covers a peer.
    fn without_rules(&mut self, family: AddressFamily, wanted: &Wanted<'_>) -> io::Result<()> {
        let remote = || wanted.protected.remote.iter().filter(|prefix| is_of(**prefix, family));
        let metric = if family == AddressFamily::Inet { 0 } else { FIRST };
        let last = |to: &Prefix| Route { to: *to, metric: metric.saturating_add(1), way: Way::Nowhere };
        let covers = wanted.protected.covers_a_peer;
        let routes: Vec<_> = remote()
            .filter(|_| !covers)
            .map(last)
            .chain(remote().map(|to| first(*to, metric, wanted)))
            .collect();
        self.gaps.extend(covers.then(|| {
            format!(
                "ATTENTION: this machine has no policy routing for {}: without this process and its TUN interface, \
                 packets to what the maps protect leave in clear",
                if family == AddressFamily::Inet { "IPv4" } else { "IPv6" }
            )
        }));
        self.is_in_main = true;
        self.make_routes(MAIN, family, &routes, Present::Goes)
    }

    /// Makes our routes of a table these: first the new ones, in this order, then those that are too many go.
    fn make_routes(
        &self,
        table: u32,
        family: AddressFamily,
        wanted: &[Route],
        present: Present,
    ) -> io::Result<()> {
        let ours = self.netlink.routes(table)?.into_iter().filter(|(by, _)| *by == OURS);
        let there: BTreeSet<Route> =
            ours.map(|(_, route)| route).filter(|route| is_of(route.to, family)).collect();
        for route in wanted.iter().filter(|route| !there.contains(route)) {
            match self.netlink.add_route(table, route, present) {
                // A copy of what has just gone, or of what the machine takes from nobody but itself: the last resort and the
                // tunnel are there for it.
                Err(error) if is_copy(route, wanted) && !is_unsupported(&error) => {}
                answer => answer?,
            }
        }
        for route in there.iter().filter(|route| !wanted.contains(route)) {
            match self.netlink.remove_route(table, route) {
                // It has gone with its interface.
                Err(error) if is_gone(&error) => {}
                answer => answer?,
            }
        }
        Ok(())
    }

    /// The rules in their order: at the end the one that matters, when all that it passes over is there.
    fn rules(&self, family: AddressFamily, protected: &Protected) -> Vec<RuleMessage> {
        let rule = |number, action, more: Vec<RuleAttribute>| {
            let mut rule = RuleMessage::default();
            rule.header.family = family;
            rule.header.action = action;
            // On rules that look nowhere it only says whose they are.
            let own = [RuleAttribute::Table(self.number), RuleAttribute::Protocol(OURS)];
            rule.attributes = vec![RuleAttribute::Priority(number)];
            rule.attributes.extend(own.into_iter().chain(more));
            rule
        };
        let mut rules = vec![rule(BEHIND, RuleAction::Nop, Vec::new())];
        for own in protected.open.iter().filter(|own| is_of((**own, 0), family)) {
            let mut open =
                rule(OPEN, RuleAction::Goto, vec![RuleAttribute::Goto(BEHIND), RuleAttribute::Source(*own)]);
            open.header.src_len = if own.is_ipv4() { 32 } else { 128 };
            rules.push(open);
        }
        let mut look = rule(LOOK, RuleAction::ToTable, vec![RuleAttribute::FwMark(MARK)]);
        look.header.flags = RuleFlags::Invert;
        rules.push(look);
        rules
    }

    fn make_rules(&self, family: AddressFamily, wanted: &[RuleMessage]) -> io::Result<()> {
        let ours: Vec<_> =
            self.netlink.rules(family)?.into_iter().filter(|rule| self.is_ours(rule)).collect();
        for rule in wanted.iter().filter(|rule| !ours.iter().any(|there| is_same(there, rule))) {
            self.netlink.add_rule(rule.clone())?;
        }
        let is_too_many = |there: &RuleMessage| !wanted.iter().any(|rule| is_same(there, rule));
        ours.into_iter().filter(is_too_many).try_for_each(|rule| self.netlink.remove_rule(rule))
    }

    fn is_ours(&self, rule: &RuleMessage) -> bool {
        rule.attributes.contains(&RuleAttribute::Protocol(OURS))
            && rule.attributes.contains(&RuleAttribute::Table(self.number))
    }

    /// Takes everything back.
    pub(super) fn release(&self) {
        for family in FAMILIES {
            // What cannot be removed now could not be removed later.
            let _ = self.make_rules(family, &[]);
            let _ = self.make_routes(self.number, family, &[], Present::Stays);
            if self.is_in_main {
                let _ = self.make_routes(MAIN, family, &[], Present::Stays);
            }
        }
    }
}

/// The route into the TUN interface.
fn first(to: Prefix, metric: u32, wanted: &Wanted<'_>) -> Route {
    let source = wanted.source.filter(|source| source.is_ipv4() == to.0.is_ipv4());
    Route { to, metric, way: Way::Device { index: wanted.interface, gateway: None, source } }
}

/// Whether a route of the machine's leads from a part of a remote net to where no map of ours is, or to neighbours, which
/// are never behind a peer (RFC 4291 2.5.6).
fn is_copied(route: &Route, wanted: &Wanted<'_>) -> bool {
    let Way::Device { index, .. } = route.way else { return false };
    let remote = &wanted.protected.remote;
    let inside = remote.iter().any(|prefix| is_within(route.to, *prefix));
    let elsewhere = index != wanted.interface && !wanted.outside.contains(&index);
    let to_neighbours = matches!(route.to, (IpAddr::V6(address), 10..) if address.is_unicast_link_local());
    inside && !remote.contains(&route.to) && (elsewhere || to_neighbours)
}

/// Whether a route is neither the first nor the last to a prefix, of which there are both.
fn is_copy(route: &Route, all: &[Route]) -> bool {
    !all.iter().any(|other| other.to == route.to && other.way == Way::Nowhere)
}

pub(super) fn is_within((address, len): Prefix, wide: Prefix) -> bool {
    len >= wide.1 && Selector::prefix(wide.0, wide.1).is_some_and(|range| range.contains(&address))
}

fn is_of(prefix: Prefix, family: AddressFamily) -> bool {
    prefix.0.is_ipv4() == (family == AddressFamily::Inet)
}

/// Whether a rule that is there is a wanted one, however much more the machine tells of it.
fn is_same(there: &RuleMessage, wanted: &RuleMessage) -> bool {
    (there.header.action, there.header.flags, there.header.src_len)
        == (wanted.header.action, wanted.header.flags, wanted.header.src_len)
        && wanted.attributes.iter().all(|attribute| there.attributes.contains(attribute))
}

/// The machine's numbers for "no such process", which it says of routes, and "no such device".
fn is_gone(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(3 | 19)) || error.kind() == ErrorKind::NotFound
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(text: &str) -> Prefix {
        let (address, len) = text.split_once('/').unwrap();
        (address.parse().unwrap(), len.parse().unwrap())
    }

    #[test]
    fn what_is_not_outside_is_copied() {
        let remote = ["10.0.0.0/8", "10.7.0.0/16", "::/0"].map(prefix).into_iter().collect();
        let protected = Protected { remote, ..Protected::default() };
        let wanted =
            Wanted { protected: &protected, interface: 9, source: None, outside: &BTreeSet::from([2]) };
        let is_copied = |to: &str, index| {
            let way = Way::Device { index, gateway: None, source: None };
            is_copied(&Route { to: prefix(to), metric: 0, way }, &wanted)
        };
        assert!(is_copied("10.1.0.0/24", 3), "a net inside");
        assert!(!is_copied("10.1.0.0/24", 2), "a way around the tunnel");
        assert!(!is_copied("10.7.0.0/16", 3), "itself a remote net");
        assert!(!is_copied("10.0.0.0/7", 3), "no part of a remote net");
        assert!(!is_copied("10.1.0.0/24", 9), "our own");
        assert!(is_copied("fe80::/64", 2), "neighbours outside");
        assert!(!is_copied("::/0", 2));
    }

    #[test]
    fn two_gateways_have_two_tables() {
        let number = |name: &str| Table::of(Netlink::open().unwrap(), name).number;
        assert_eq!(number("ipsec0") & 0xffff_0000, TABLES);
        assert_eq!(number("ipsec0"), number("ipsec0"));
        assert_ne!(number("ipsec0"), number("ipsec1"));
    }
}
