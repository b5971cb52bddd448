//! Which clear packets the machine must not take or forward, as rules in an order.
//!
//! The first rule that fits a packet decides; what none fits may pass. They say what the maps say (RFC 4301 5.2), in words
//! that the machine's policy routing knows: prefixes, a protocol, ranges of ports.

use core::net::IpAddr;
use core::ops::RangeInclusive;
use std::collections::BTreeSet;

use ipsec_core::{Protocol, Selector};

use super::guard::{Prefix, prefix_of};
use crate::router::{EntryConfig, MapConfig};

/// More rules than this make every packet slow: a map that needs them does not run.
pub(super) const MOST_RULES: usize = 1024;
/// The lowest and highest port that the machine can be asked for in a range.
const PORTS: (u16, u16) = (1, 65_534);
const ALL_PORTS: (u16, u16) = (0, u16::MAX);
/// IPv6 headers that hide what is behind them when the machine does not walk them: routing and destination options. Options
/// for each hop are the first header or not valid (RFC 8200 4.1).
const HIDING: [u8; 2] = [43, 60];

/// Some clear packets and what becomes of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ClearRule {
    pub(super) area: Area,
    pub(super) pass: bool,
    /// Whether ARP is spared: the machine looks up the way of who asks for its address (RFC 826) as it does for packets, and
    /// where it would drop them it does not answer.
    pub(super) spares_arp: bool,
}

impl ClearRule {
    const fn new(area: Area, pass: bool) -> Self {
        Self { area, pass, spares_arp: false }
    }
}

/// A set of packets as they arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Area {
    pub(super) from: Prefix,
    pub(super) to: Prefix,
    pub(super) protocol: Option<u8>,
    /// First and last.
    pub(super) source_ports: (u16, u16),
    pub(super) destination_ports: (u16, u16),
}

impl Area {
    fn of(selector: &Selector) -> Option<Self> {
        let prefix = |range: &RangeInclusive<IpAddr>| prefix_of(*range.start(), *range.end());
        let ends = |range: &RangeInclusive<u16>| (*range.start(), *range.end());
        Some(Self {
            from: prefix(selector.remote())?,
            to: prefix(selector.local())?,
            protocol: selector.protocol().map(|protocol| protocol.0),
            source_ports: ends(selector.remote_ports()),
            destination_ports: ends(selector.local_ports()),
        })
    }

    /// What two areas share.
    fn within(&self, other: &Self) -> Option<Self> {
        let overlap =
            |(a, b): (u16, u16), (c, d): (u16, u16)| (a.max(c) <= b.min(d)).then(|| (a.max(c), b.min(d)));
        let protocol = match (self.protocol, other.protocol) {
            (Some(one), Some(other)) if one != other => return None,
            (one, other) => one.or(other),
        };
        Some(Self {
            from: narrower(self.from, other.from)?,
            to: narrower(self.to, other.to)?,
            protocol,
            source_ports: overlap(self.source_ports, other.source_ports)?,
            destination_ports: overlap(self.destination_ports, other.destination_ports)?,
        })
    }

    fn with_protocol(&self, protocol: u8) -> Self {
        let (source_ports, destination_ports) = (ALL_PORTS, ALL_PORTS);
        Self { protocol: Some(protocol), source_ports, destination_ports, ..*self }
    }

    /// The same without the ports that the machine cannot be asked for.
    fn askable(&self) -> Self {
        let clip = |(first, last): (u16, u16)| (first.max(PORTS.0), last.min(PORTS.1));
        let (source_ports, destination_ports) = (clip(self.source_ports), clip(self.destination_ports));
        Self { source_ports, destination_ports, ..*self }
    }

    /// Whether what asks for an address by ARP, which has no protocol, is in it.
    fn has_arp_for(&self, own: IpAddr) -> bool {
        own.is_ipv4() && self.protocol.is_none() && narrower(self.to, (own, 32)) == Some((own, 32))
    }

    fn names_ports(&self) -> bool {
        self.source_ports != ALL_PORTS || self.destination_ports != ALL_PORTS
    }
}

/// Of two prefixes the one inside the other.
fn narrower(one: Prefix, other: Prefix) -> Option<Prefix> {
    let (wide, narrow) = if one.1 <= other.1 { (one, other) } else { (other, one) };
    Selector::prefix(wide.0, wide.1)?.contains(&narrow.0).then_some(narrow)
}

/// The rules of a map; `ports` are ours for IKE and for ESP in UDP. `None` if there would be too many.
pub(super) fn rules(map: &MapConfig, ports: (u16, u16)) -> Option<Vec<ClearRule>> {
    let mut lines = Vec::new();
    for range in [(IpAddr::from([0; 4]), 0), (IpAddr::from([0; 16]), 0)] {
        let (protocol, source_ports, destination_ports) = (None, ALL_PORTS, ALL_PORTS);
        let all = Area { from: range, to: range, protocol, source_ports, destination_ports };
        flatten(&map.entries, &all, &mut lines)?;
    }
    let dropped: Vec<Area> = lines.iter().filter(|rule| !rule.pass).map(|rule| rule.area).collect();
    let own = own(map, ports, &dropped).into_iter().map(|area| ClearRule::new(area, true));
    let mut rules: Vec<_> = own.collect();
    let mut before = Vec::new();
    for mut line in lines {
        if line.pass && line.area.names_ports() {
            line.area = line.area.askable();
        } else if line.pass {
            let shared: Vec<_> = before.iter().filter_map(|area: &Area| area.within(&line.area)).collect();
            rules.extend(hidden(&shared));
        }
        before.extend((!line.pass).then_some(line.area));
        line.spares_arp = !line.pass && map.locals.iter().any(|own| line.area.has_arp_for(*own));
        rules.push(line);
    }
    rules.extend(hidden(&dropped));
    (rules.len() <= MOST_RULES).then_some(rules)
}

/// What the entries drop of an area, line by line. What a line denies is for the entries behind its own.
fn flatten(entries: &[EntryConfig], area: &Area, out: &mut Vec<ClearRule>) -> Option<()> {
    let Some((entry, later)) = entries.split_first() else { return Some(()) };
    for line in &entry.lines {
        let Some(area) = Area::of(&line.selector).and_then(|line| line.within(area)) else { continue };
        let pass = line.negotiated.is_none();
        if pass {
            flatten(later, &area, out)?;
        }
        out.push(ClearRule::new(area, pass));
        if out.len() > MOST_RULES {
            return None;
        }
    }
    flatten(later, area, out)
}

/// What comes for the gateway itself, where a map covers its own address: it is judged by the gateway. Of IPv6 that
/// includes ICMPv6, because without neighbour discovery nothing would arrive (RFC 4861).
fn own(map: &MapConfig, (port, nat_port): (u16, u16), dropped: &[Area]) -> BTreeSet<Area> {
    let mut own = BTreeSet::new();
    for local in &map.locals {
        let host = (*local, if local.is_ipv4() { 32 } else { 128 });
        for area in dropped.iter().filter(|area| narrower(area.to, host) == Some(host)) {
            let area = Area { to: host, ..*area };
            let fits = |protocol: Protocol| area.protocol.is_none_or(|wanted| wanted == protocol.0);
            let whole =
                [Protocol::ESP, Protocol::AH].into_iter().chain(local.is_ipv6().then_some(Protocol::ICMPV6));
            own.extend(
                whole.filter(|protocol| fits(*protocol)).map(|protocol| area.with_protocol(protocol.0)),
            );
            for port in [port, nat_port].into_iter().filter(|_| fits(Protocol::UDP)) {
                own.insert(Area { destination_ports: (port, port), ..area.with_protocol(Protocol::UDP.0) });
            }
        }
    }
    own
}

/// A packet in pieces shows the machine no ports, and one with many IPv6 headers no protocol: what could be among what
/// was to be dropped is dropped, behind the lines that drop and before one that lets pass (RFC 4301 7).
fn hidden(dropped: &[Area]) -> Vec<ClearRule> {
    let mut rules = Vec::new();
    let whole: BTreeSet<Area> = dropped
        .iter()
        .filter(|area| area.names_ports())
        .filter_map(|area| Some(area.with_protocol(area.protocol?)))
        .collect();
    for area in &whole {
        let with_ports = Area { source_ports: PORTS, destination_ports: PORTS, ..*area };
        rules.push(ClearRule::new(with_ports, true));
    }
    rules.extend(whole.iter().map(|area| ClearRule::new(*area, false)));
    let narrow = dropped.iter().filter(|area| area.from.0.is_ipv6() && area.protocol.is_some());
    let hiding: BTreeSet<Area> =
        narrow.flat_map(|area| HIDING.map(|header| area.with_protocol(header))).collect();
    rules.extend(hiding.into_iter().map(|area| ClearRule::new(area, false)));
    rules
}

/// The ports of a range that the machine can be asked for: none of them (`Some(None)`) means that it is not to ask,
/// `None` that no port is left.
pub(super) fn askable((first, last): (u16, u16)) -> Option<Option<(u16, u16)>> {
    if (first, last) == ALL_PORTS {
        return Some(None);
    }
    let clipped = (first.max(PORTS.0), last.min(PORTS.1));
    (clipped.0 <= clipped.1).then_some(Some(clipped))
}

#[cfg(test)]
mod tests;
