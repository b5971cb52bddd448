//! Interfaces and routes.

use core::net::IpAddr;

use super::Printer;
use crate::ios::grammar::mask_of;
use crate::ios::model::{Interface, NextHop, Route};

pub(super) fn print(interface: &Interface, out: &mut Printer) {
    out.line(format_args!("interface {}", interface.name));
    if let Some(description) = &interface.description {
        out.line(format_args!(" description {description}"));
    }
    if let Some(mtu) = interface.mtu {
        out.line(format_args!(" mtu {mtu}"));
    }
    for (index, address) in interface.addresses.iter().enumerate() {
        let secondary = if index == 0 { "" } else { " secondary" };
        out.line(format_args!(" ip address {} {}{secondary}", address.address, mask_of(address.prefix)));
    }
    if interface.addresses.is_empty() {
        out.line(" no ip address");
    }
    if let Some(mtu) = interface.ip_mtu {
        out.line(format_args!(" ip mtu {mtu}"));
    }
    for (address, length) in &interface.ipv6_addresses {
        out.line(format_args!(" ipv6 address {address}/{length}"));
    }
    for line in &interface.known {
        out.known_line(line, " ");
    }
    if interface.shutdown {
        out.line(" shutdown");
    }
    if let Some(map) = &interface.crypto_map {
        out.line(format_args!(" crypto map {}", map.value));
    }
}

pub(super) fn route(route: &Route, out: &mut Printer) {
    let destination = match route.destination {
        IpAddr::V4(address) => format!("ip route {address} {}", mask_of(route.prefix)),
        IpAddr::V6(address) => format!("ipv6 route {address}/{}", route.prefix),
    };
    let next_hop = match &route.next_hop {
        NextHop::Address(address) => address.to_string(),
        NextHop::Interface(name) => name.to_string(),
    };
    let distance = route.distance.map_or(String::new(), |distance| format!(" {distance}"));
    out.line(format_args!("{destination} {next_hop}{distance}"));
}
