//! Policy routing rules by rtnetlink, which drop clear packets when they arrive.
//!
//! ```text
//!   0:  from 10.2.0.0/24 to 10.1.0.0/24 iif eth0 proto 149 blackhole      ours, first of all
//!   0:  from all lookup local                                            the machine's, as it always was
//!   3:  from all iif eth0 lookup local proto 149                          where what may pass goes on
//! ```
//!
//! Where a map covers an address of ours, what would drop every protocol would also keep the machine from answering ARP, for
//! which it looks up a way too, without a protocol. There each protocol is dropped by itself:
//!
//! ```text
//!   0:  from 10.9.0.2 to 10.9.0.1 iif eth0 goto 2 proto 149
//!   1:  from all iif eth0 goto 3 proto 149
//!   2:  from all iif eth0 ipproto 1 proto 149 blackhole                  and so on to 255
//! ```
//!
//! What came through the tunnel arrives by another device and is not concerned. The machine's rule for its own addresses
//! has number 0, and rules of one number stand in the order in which they were made: it is made anew behind ours. At each
//! moment there is one. Rules outlive the process that made them; the next one on this device finds them by the protocol
//! number, and makes them its own.

use std::io;

use netlink_packet_core::{NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_REQUEST};
use netlink_packet_route::rule::{RuleAction, RuleAttribute, RuleFlags, RuleMessage, RulePortRange};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};

use super::clear::{ClearRule, askable};
use super::guard::Prefix;
use super::netlink::{Netlink, OURS};

/// Numbers of our rules: those that look for what to drop, the one around the next, those for each protocol, and where what
/// may pass goes on.
const FIRST: u32 = 0;
const AROUND: u32 = 1;
const EACH: u32 = 2;
const ONWARDS: u32 = 3;
/// The table of the machine's own addresses.
pub(super) const LOCAL: u8 = 255;

impl Netlink {
    /// Makes our rules of a device and a family these, in this order. If that fails, those that stood before still do.
    pub(super) fn replace_rules(&self, device: &str, is_v6: bool, rules: &[ClearRule]) -> io::Result<()> {
        let family = if is_v6 { AddressFamily::Inet6 } else { AddressFamily::Inet };
        let present = self.rules(family)?;
        if !rules.is_empty() {
            // What others lead to comes first.
            self.add_rule(onwards(device, family))?;
            if rules.iter().any(|rule| rule.spares_arp) {
                each_protocol(device, family).try_for_each(|rule| self.add_rule(rule))?;
            }
            for rule in rules.iter().filter_map(|rule| message(device, family, rule)) {
                self.add_rule(rule)?;
            }
            let locals: Vec<_> = present.iter().filter(|rule| is_local(rule)).collect();
            // A machine whose own rule stands elsewhere has it behind ours already.
            locals.first().map(|local| self.add_rule(RuleMessage::clone(local))).transpose()?;
            // More than one is what a process left that was killed in the middle of this.
            locals.into_iter().try_for_each(|local| self.remove_rule(local.clone()))?;
        }
        // Of two that are alike the machine takes the older one.
        present.into_iter().filter(|rule| is_ours(rule, device)).try_for_each(|rule| self.remove_rule(rule))
    }

    /// Our rules of a device and a family, and the machine's own for its addresses, in their order.
    pub(super) fn rules_of(&self, device: &str, is_v6: bool) -> io::Result<Vec<RuleMessage>> {
        let family = if is_v6 { AddressFamily::Inet6 } else { AddressFamily::Inet };
        let all = self.rules(family)?.into_iter();
        Ok(all.filter(|rule| is_ours(rule, device) || is_local(rule)).collect())
    }

    /// Whether a rule of a gateway that keeps packets out is there.
    pub(super) fn has_rules_of_ours(&self) -> bool {
        let families = [AddressFamily::Inet, AddressFamily::Inet6];
        let ours = RuleAttribute::Protocol(OURS);
        families
            .into_iter()
            .filter_map(|family| self.rules(family).ok())
            .flatten()
            .any(|rule| rule.attributes.contains(&ours))
    }

    /// All rules of a family, in their order.
    pub(super) fn rules(&self, family: AddressFamily) -> io::Result<Vec<RuleMessage>> {
        let mut request = RuleMessage::default();
        request.header.family = family;
        let answers = self.ask(RouteNetlinkMessage::GetRule(request), NLM_F_REQUEST | NLM_F_DUMP)?;
        let rules = answers.into_iter().filter_map(|answer| match answer {
            RouteNetlinkMessage::NewRule(rule) if rule.header.family == family => Some(rule),
            _ => None,
        });
        // The machine does not say number 0, and tells what is the state of a rule.
        let spoken = rules.map(|mut rule| {
            rule.header.flags &= RuleFlags::Invert;
            if !rule.attributes.iter().any(|attribute| matches!(attribute, RuleAttribute::Priority(_))) {
                rule.attributes.push(RuleAttribute::Priority(FIRST));
            }
            rule
        });
        Ok(spoken.collect())
    }

    pub(super) fn add_rule(&self, rule: RuleMessage) -> io::Result<()> {
        let flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE;
        self.ask(RouteNetlinkMessage::NewRule(rule), flags).map(|_| ())
    }

    pub(super) fn remove_rule(&self, rule: RuleMessage) -> io::Result<()> {
        self.ask(RouteNetlinkMessage::DelRule(rule), NLM_F_REQUEST | NLM_F_ACK).map(|_| ())
    }
}

fn is_ours(rule: &RuleMessage, device: &str) -> bool {
    let named = RuleAttribute::Iifname(device.to_owned());
    rule.attributes.contains(&RuleAttribute::Protocol(OURS)) && rule.attributes.contains(&named)
}

/// The machine's rule for its own addresses, at its place.
fn is_local(rule: &RuleMessage) -> bool {
    let table = RuleAttribute::Table(LOCAL.into());
    let plain = |attribute: &RuleAttribute| match attribute {
        RuleAttribute::Priority(number) => *number == FIRST,
        RuleAttribute::SuppressPrefixLen(len) => *len == u32::MAX,
        RuleAttribute::Protocol(_) => true,
        other => *other == table,
    };
    rule.header.action == RuleAction::ToTable
        && rule.attributes.contains(&table)
        && rule.attributes.iter().all(plain)
}

/// A rule in the machine's words; `None` if it cannot fit a packet.
fn message(device: &str, family: AddressFamily, rule: &ClearRule) -> Option<RuleMessage> {
    let area = rule.area;
    let (source, destination) = (askable(area.source_ports)?, askable(area.destination_ports)?);
    let ports = |(start, end)| RulePortRange { start, end };
    let mut message = begin(device, family, FIRST);
    let goto = if rule.pass { Some(ONWARDS) } else { rule.spares_arp.then_some(EACH) };
    message.header.action = if goto.is_some() { RuleAction::Goto } else { RuleAction::Blackhole };
    (message.header.src_len, message.header.dst_len) = (area.from.1, area.to.1);
    let attributes = &mut message.attributes;
    let address = |prefix: Prefix| (prefix.1 != 0).then_some(prefix.0);
    attributes.extend(goto.map(RuleAttribute::Goto));
    attributes.extend(address(area.from).map(RuleAttribute::Source));
    attributes.extend(address(area.to).map(RuleAttribute::Destination));
    attributes.extend(area.protocol.map(|protocol| RuleAttribute::IpProtocol(protocol.into())));
    attributes.extend(source.map(ports).map(RuleAttribute::SourcePortRange));
    attributes.extend(destination.map(ports).map(RuleAttribute::DestinationPortRange));
    Some(message)
}

/// Drops all that has a protocol; only those rules come here that lead here.
fn each_protocol(device: &str, family: AddressFamily) -> impl Iterator<Item = RuleMessage> {
    let rule = move |number, action, more| {
        let mut message = begin(device, family, number);
        message.header.action = action;
        message.attributes.push(more);
        message
    };
    let around = rule(AROUND, RuleAction::Goto, RuleAttribute::Goto(ONWARDS));
    let drop =
        move |protocol: u8| rule(EACH, RuleAction::Blackhole, RuleAttribute::IpProtocol(protocol.into()));
    core::iter::once(around).chain((1..=u8::MAX).map(drop))
}

fn onwards(device: &str, family: AddressFamily) -> RuleMessage {
    let mut message = begin(device, family, ONWARDS);
    message.header.action = RuleAction::ToTable;
    message.header.table = LOCAL;
    message
}

fn begin(device: &str, family: AddressFamily, number: u32) -> RuleMessage {
    let mut message = RuleMessage::default();
    message.header.family = family;
    message.attributes = vec![
        RuleAttribute::Priority(number),
        RuleAttribute::Iifname(device.to_owned()),
        RuleAttribute::Protocol(OURS),
    ];
    message
}
