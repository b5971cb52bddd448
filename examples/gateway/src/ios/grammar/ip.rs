//! `ip ...` and `ipv6 ...` in global mode: names, routes, named access lists.

use core::net::IpAddr;

use super::{Commands, acl, address, go_on, host_name, interface, ipv4, ipv6_prefix, mask, network};
use crate::ios::lexer::{Fault, Words};
use crate::ios::model::{Host, ListKind, NextHop, Origin, Route};
use crate::ios::reader::Reader;

pub(crate) const COMMANDS: Commands = &[
    ("access-list", |reader, words| {
        let kind = list_kind(words)?;
        acl::enter(reader, words, kind)
    }),
    ("domain", |reader, words| go_on(DOMAIN, reader, words)),
    ("domain-lookup", |reader, words| domain_lookup(reader, words, true)),
    ("domain-name", domain_name),
    ("host", host),
    ("name-server", name_server),
    ("route", route),
];

pub(crate) const IPV6: Commands =
    &[("access-list", |reader, words| acl::enter(reader, words, ListKind::Ipv6)), ("route", ipv6_route)];

pub(crate) const NO: Commands = &[
    ("access-list", |reader, words| {
        let kind = list_kind(words)?;
        acl::remove_named(reader, words, kind)
    }),
    ("domain", |reader, words| go_on(NO_DOMAIN, reader, words)),
    ("domain-lookup", |reader, words| domain_lookup(reader, words, false)),
    ("domain-name", no_domain_name),
    ("host", no_host),
    ("name-server", no_name_server),
    ("route", no_route),
];

pub(crate) const NO_IPV6: Commands = &[
    ("access-list", |reader, words| acl::remove_named(reader, words, ListKind::Ipv6)),
    ("route", |reader, words| {
        let route = read_ipv6_route(words)?;
        remove_route(reader, words, &route)
    }),
];

const DOMAIN: Commands =
    &[("lookup", |reader, words| domain_lookup(reader, words, true)), ("name", domain_name)];

const NO_DOMAIN: Commands =
    &[("lookup", |reader, words| domain_lookup(reader, words, false)), ("name", no_domain_name)];

fn list_kind(words: &mut Words<'_>) -> Result<ListKind, Fault> {
    words.choose(&[("extended", ListKind::Extended), ("standard", ListKind::Standard)])
}

fn domain_lookup(reader: &mut Reader, words: &mut Words<'_>, on: bool) -> Result<(), Fault> {
    words.end()?;
    reader.config.domain_lookup = on;
    Ok(())
}

fn domain_name(reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    let name = host_name(words)?;
    words.end()?;
    reader.config.domain_name = Some(name);
    Ok(())
}

fn no_domain_name(reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    if words.peek().is_some() {
        host_name(words)?;
    }
    words.end()?;
    reader.config.domain_name = None;
    Ok(())
}

/// One to eight addresses, as IOS takes them.
fn addresses(words: &mut Words<'_>) -> Result<Vec<IpAddr>, Fault> {
    let mut out = Vec::new();
    while out.is_empty() || words.peek().is_some() {
        let address = address(words)?;
        if out.contains(&address) {
            return Err(words.invalid_before("this address is given twice"));
        }
        if out.len() == 8 {
            return Err(words.invalid_before("at most eight addresses"));
        }
        out.push(address);
    }
    Ok(out)
}

/// `ip host NAME ADDRESS...`; another line for the same name replaces it.
fn host(reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    let name = host_name(words)?;
    let addresses = addresses(words)?;
    let hosts = &mut reader.config.hosts;
    match hosts.iter_mut().find(|host| host.name.eq_ignore_ascii_case(&name)) {
        Some(host) => host.addresses = addresses,
        None => hosts.push(Host { name, addresses }),
    }
    Ok(())
}

fn no_host(reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    let name = host_name(words)?;
    if words.peek().is_some() {
        addresses(words)?;
    }
    reader.config.hosts.retain(|host| !host.name.eq_ignore_ascii_case(&name));
    Ok(())
}

fn name_server(reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    let addresses = addresses(words)?;
    let servers = &mut reader.config.name_servers;
    for address in addresses {
        if !servers.contains(&address) {
            servers.push(address);
        }
    }
    Ok(())
}

fn no_name_server(reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    let addresses = addresses(words)?;
    reader.config.name_servers.retain(|address| !addresses.contains(address));
    Ok(())
}

fn route(reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    let route = read_route(words)?;
    add_route(reader, route);
    Ok(())
}

fn ipv6_route(reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    let route = read_ipv6_route(words)?;
    add_route(reader, route);
    Ok(())
}

fn no_route(reader: &mut Reader, words: &mut Words<'_>) -> Result<(), Fault> {
    let route = read_route(words)?;
    remove_route(reader, words, &route)
}

fn add_route(reader: &mut Reader, route: Route) {
    let routes = &mut reader.config.routes;
    let same = |other: &Route| {
        other.destination == route.destination
            && other.prefix == route.prefix
            && other.next_hop == route.next_hop
    };
    match routes.iter_mut().find(|other| same(other)) {
        Some(other) => *other = route,
        None => routes.push(route),
    }
}

fn remove_route(reader: &mut Reader, words: &Words<'_>, route: &Route) -> Result<(), Fault> {
    let routes = &mut reader.config.routes;
    let Some(index) = routes.iter().position(|other| other == route) else {
        return Err(words.invalid_before("there is no such route"));
    };
    routes.remove(index);
    Ok(())
}

/// `A.B.C.D MASK NEXT-HOP|INTERFACE [DISTANCE]`.
fn read_route(words: &mut Words<'_>) -> Result<Route, Fault> {
    let origin = words.origin();
    let destination = IpAddr::V4(ipv4(words)?);
    let prefix = mask(words)?;
    if network(destination, prefix) != destination {
        return Err(words.invalid_before("inconsistent address and mask"));
    }
    let next_hop = match words.peek().and_then(|word| word.parse::<core::net::Ipv4Addr>().ok()) {
        Some(_) => NextHop::Address(IpAddr::V4(ipv4(words)?)),
        None => NextHop::Interface(interface::name(words).map_err(|fault| fault.also("A.B.C.D"))?),
    };
    finish_route(words, Route { destination, prefix, next_hop, distance: None, origin })
}

/// `X:X::X/<0-128> NEXT-HOP|INTERFACE [DISTANCE]`.
fn read_ipv6_route(words: &mut Words<'_>) -> Result<Route, Fault> {
    let origin: Origin = words.origin();
    let (destination, prefix) = ipv6_prefix(words)?;
    let destination = IpAddr::V6(destination);
    if network(destination, prefix) != destination {
        return Err(words.invalid_before("inconsistent address and prefix length"));
    }
    let next_hop = match words.peek().and_then(|word| word.parse::<core::net::Ipv6Addr>().ok()) {
        Some(_) => NextHop::Address(address(words)?),
        None => NextHop::Interface(interface::name(words).map_err(|fault| fault.also("X:X::X"))?),
    };
    finish_route(words, Route { destination, prefix, next_hop, distance: None, origin })
}

fn finish_route(words: &mut Words<'_>, mut route: Route) -> Result<Route, Fault> {
    if words.peek().is_some() {
        route.distance = Some(words.number(1..=255)?);
    }
    words.end()?;
    Ok(route)
}
