//! Access lists as rules of a policy database.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::ops::RangeInclusive;

use ipsec_core::{Protocol, Rule, Selector};
use oakley::{SelectorPair, TrafficSelector};

use super::Lowering;
use super::policies::MapRule;
use super::warning::WarningKind;
use crate::ios::error::Refusal;
use crate::ios::model::{AclAction, AclLine, AclName, AclRule, Endpoint, ListKind, Located, PortMatch};

impl Lowering<'_> {
    /// The rules of the access list that `name` refers to; `None` if it was refused.
    pub(super) fn rules(&mut self, name: &Located<AclName>) -> Option<Vec<MapRule>> {
        let text = name.value.to_string();
        let Some(list) = self.config.access_lists.get(&name.value) else {
            self.refuse(name.origin, Refusal::Undefined { what: "access list", name: text });
            return None;
        };
        if list.kind == ListKind::Standard {
            self.refuse(name.origin, Refusal::StandardList(text));
            return None;
        }
        let rules = list.lines.iter().filter_map(|line| match line {
            AclLine::Rule(rule) => Some(rule),
            AclLine::Remark(_) => None,
        });
        let mut out = Vec::new();
        let refused = self.refusals.len();
        let mut permits = false;
        for rule in rules {
            let permit = rule.action == AclAction::Permit;
            permits |= permit;
            match translate(rule, list.kind) {
                Ok(rules) => {
                    self.never_reached(&out, &rules, &text);
                    out.extend(rules);
                }
                Err(refusal) => self.refuse(rule.origin, refusal),
            }
            if permit
                && rule.protocol.is_none()
                && rule.source == Endpoint::Any
                && rule.destination == Endpoint::Any
            {
                self.warn(rule.origin, WarningKind::PermitAny { list: text.clone() });
            }
        }
        if !permits {
            self.refuse(name.origin, Refusal::NothingPermitted(text));
        }
        (self.refusals.len() == refused).then_some(out)
    }

    /// Warns of permits that one deny line before them leaves nothing of.
    fn never_reached(&mut self, before: &[MapRule], rules: &[MapRule], list: &str) {
        let is_denied = |permitted: &Selector| {
            let mut denied = before.iter().filter_map(|rule| match &rule.rule {
                Rule::Deny(denied) => Some(denied),
                Rule::Permit(_) => None,
            });
            denied.any(|denied| denied.covers(permitted))
        };
        for rule in rules {
            if let Rule::Permit(permitted) = &rule.rule
                && is_denied(permitted)
            {
                self.warn(rule.origin, WarningKind::NeverReached { list: list.to_owned() });
            }
        }
    }
}

/// One rule for each combination of port ranges: `neq` is two ranges.
fn translate(rule: &AclRule, kind: ListKind) -> Result<Vec<MapRule>, Refusal> {
    let local = range(rule.source, kind)?;
    let remote = range(rule.destination, kind)?;
    let permit = rule.action == AclAction::Permit;
    let mut out = Vec::new();
    for local_ports in ports(rule.source_ports) {
        for remote_ports in ports(rule.destination_ports) {
            let mut selector = Selector::new(local.clone(), remote.clone())
                .map_err(|_| Refusal::OutOfPlace("two address families"))?;
            if let Some(protocol) = rule.protocol {
                selector = selector.with_protocol(Protocol(protocol));
            }
            let selector = selector
                .with_ports(local_ports.clone(), remote_ports.clone())
                .map_err(|_| Refusal::OutOfPlace("a port"))?;
            let flow = if permit {
                let side = |addresses: &RangeInclusive<IpAddr>, ports: &RangeInclusive<u16>| {
                    Ok(TrafficSelector {
                        addresses: addresses.clone(),
                        protocol: rule.protocol.unwrap_or(0),
                        port: port(ports).ok_or(Refusal::PortRange)?,
                    })
                };
                Some(SelectorPair {
                    local: side(&local, &local_ports)?,
                    remote: side(&remote, &remote_ports)?,
                })
            } else {
                None
            };
            let rule_of = if permit { Rule::Permit } else { Rule::Deny };
            out.push(MapRule { rule: rule_of(selector), flow, origin: rule.origin });
        }
    }
    Ok(out)
}

/// RFC 2407 4.6.2: an ID payload has one port, and 0 is any; port 0 itself cannot be said.
fn port(range: &RangeInclusive<u16>) -> Option<u16> {
    match (*range.start(), *range.end()) {
        (0, u16::MAX) => Some(0),
        (low, high) if low == high && low != 0 => Some(low),
        _ => None,
    }
}

fn ports(condition: Option<PortMatch>) -> Vec<RangeInclusive<u16>> {
    match condition {
        None => vec![0..=u16::MAX],
        Some(PortMatch::Eq(port)) => vec![port..=port],
        Some(PortMatch::Lt(port)) => port.checked_sub(1).map(|last| 0..=last).into_iter().collect(),
        Some(PortMatch::Gt(port)) => port.checked_add(1).map(|first| first..=u16::MAX).into_iter().collect(),
        Some(PortMatch::Range(low, high)) => vec![low..=high],
        Some(PortMatch::Neq(port)) => {
            let below = port.checked_sub(1).map(|last| 0..=last);
            let above = port.checked_add(1).map(|first| first..=u16::MAX);
            below.into_iter().chain(above).collect()
        }
    }
}

fn range(endpoint: Endpoint, kind: ListKind) -> Result<RangeInclusive<IpAddr>, Refusal> {
    Ok(match endpoint {
        Endpoint::Any if kind == ListKind::Ipv6 => {
            IpAddr::V6(Ipv6Addr::UNSPECIFIED)..=IpAddr::V6(Ipv6Addr::from_bits(u128::MAX))
        }
        Endpoint::Any => IpAddr::V4(Ipv4Addr::UNSPECIFIED)..=IpAddr::V4(Ipv4Addr::BROADCAST),
        Endpoint::Host(address) => IpAddr::V4(address)..=IpAddr::V4(address),
        Endpoint::Ipv6Host(address) => IpAddr::V6(address)..=IpAddr::V6(address),
        Endpoint::Wildcard(address, wildcard) => {
            let bits = wildcard.to_bits();
            // A wildcard without holes is a row of ones at the end.
            if bits.trailing_ones() != bits.count_ones() {
                return Err(Refusal::WildcardHoles(wildcard));
            }
            IpAddr::V4(address)..=IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() | bits))
        }
        Endpoint::Ipv6Prefix(address, length) => {
            let prefix = Selector::prefix(IpAddr::V6(address), length);
            prefix.ok_or(Refusal::OutOfPlace("a prefix of that length"))?
        }
    })
}
