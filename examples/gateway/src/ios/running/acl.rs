//! Access lists.

use super::Printer;
use crate::ios::grammar::ports;
use crate::ios::model::{AccessList, AclAction, AclLine, AclName, AclRule, Endpoint, ListKind, PortMatch};

pub(super) fn print(name: &AclName, list: &AccessList, out: &mut Printer) {
    let before = match (name, list.kind) {
        (AclName::Number(number), _) if !list.lines.is_empty() => format!("access-list {number} "),
        (name, kind) => {
            let head = match kind {
                ListKind::Standard => "ip access-list standard",
                ListKind::Extended => "ip access-list extended",
                ListKind::Ipv6 => "ipv6 access-list",
            };
            out.line(format_args!("{head} {name}"));
            " ".to_owned()
        }
    };
    for line in &list.lines {
        match line {
            AclLine::Remark(text) => out.line(format_args!("{before}remark {text}")),
            AclLine::Rule(rule) => out.line(format_args!("{before}{}", rule_words(rule, list.kind))),
        }
    }
}

fn rule_words(rule: &AclRule, kind: ListKind) -> String {
    let action = match rule.action {
        AclAction::Permit => "permit",
        AclAction::Deny => "deny",
    };
    let mut words = vec![action.to_owned()];
    if kind == ListKind::Standard {
        words.push(endpoint(rule.source));
    } else {
        let names = if kind == ListKind::Ipv6 { ports::IPV6_PROTOCOLS } else { ports::PROTOCOLS };
        words.push(name_or_number(names, rule.protocol, || {
            rule.protocol.map_or(String::new(), |number| number.to_string())
        }));
        words.push(endpoint(rule.source));
        words.extend(rule.source_ports.map(|ports| port_words(ports, rule.protocol)));
        words.push(endpoint(rule.destination));
        words.extend(rule.destination_ports.map(|ports| port_words(ports, rule.protocol)));
    }
    if rule.log {
        words.push("log".to_owned());
    }
    words.join(" ")
}

fn endpoint(endpoint: Endpoint) -> String {
    match endpoint {
        Endpoint::Any => "any".to_owned(),
        Endpoint::Host(address) => format!("host {address}"),
        Endpoint::Wildcard(address, wildcard) => format!("{address} {wildcard}"),
        Endpoint::Ipv6Host(address) => format!("host {address}"),
        Endpoint::Ipv6Prefix(address, length) => format!("{address}/{length}"),
    }
}

fn port_words(match_: PortMatch, protocol: Option<u8>) -> String {
    let names = ports::names(protocol).unwrap_or_default();
    let name = |port: u16| name_or_number(names, port, || port.to_string());
    match match_ {
        PortMatch::Eq(port) => format!("eq {}", name(port)),
        PortMatch::Neq(port) => format!("neq {}", name(port)),
        PortMatch::Lt(port) => format!("lt {}", name(port)),
        PortMatch::Gt(port) => format!("gt {}", name(port)),
        PortMatch::Range(low, high) => format!("range {} {}", name(low), name(high)),
    }
}

fn name_or_number<T: PartialEq>(
    names: &'static [(&'static str, T)],
    wanted: T,
    number: impl FnOnce() -> String,
) -> String {
    names.iter().find(|(_, one)| *one == wanted).map_or_else(number, |(name, _)| (*name).to_owned())
}
