//! Two routers, a host behind each, and the links between them.

use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;

use netsim::{Chance, Link, LinkId, Network, Node, NodeId, Port};
use oakley::SelectorPair;
use thiserror::Error;

use super::hosts::Host;
use crate::router::{InterfaceIndex, MapConfig, Router};

/// Time from host to router.
const LAN_DELAY: Duration = Duration::from_micros(500);
/// Time from router to router: a leased line across a country.
const WAN_DELAY: Duration = Duration::from_millis(20);
/// How long a packet is held back that others are to overtake.
const HOLD: Duration = Duration::from_millis(120);
/// Addresses that are tried for a host.
const MOST_TRIED: u32 = 1024;

/// Why two configurations make no network.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TopologyError {
    /// No crypto map is applied.
    #[error("{0}: no crypto map with a permit line is applied to an interface")]
    NoMap(String),
    /// The routers do not name each other.
    #[error("{0}: no crypto map entry has the other router's address {1} as peer")]
    NotPeers(String, IpAddr),
    /// No interface leads to the protected side.
    #[error("{0}: no interface but the one with the map has a free address between {1} and {2}")]
    NoHost(String, IpAddr, IpAddr),
    /// The simulation refused.
    #[error("network: {0}")]
    Network(String),
}

/// A node of the demo's network.
pub(super) enum DemoNode {
    Router(Box<Router>),
    Host(Box<Host>),
}

/// Where everything is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places {
    /// The routers: initiator, responder.
    pub(super) routers: [NodeId; 2],
    /// The hosts behind them.
    pub(super) hosts: [NodeId; 2],
    /// The hosts' addresses.
    pub(super) addresses: [Ipv4Addr; 2],
    /// The routers' ends of the tunnel.
    pub(super) ends: [IpAddr; 2],
    /// The link between the routers.
    pub(super) wan: LinkId,
}

/// How the link between the routers behaves.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Trouble {
    /// Packets lost, percent.
    pub(super) loss: u32,
    /// Packets that later ones overtake, percent.
    pub(super) reorder: u32,
}

/// One side of the demo, found in its router's configuration.
struct Side {
    end: IpAddr,
    wan: InterfaceIndex,
    lan: InterfaceIndex,
    host: Ipv4Addr,
}

/// Builds the network.
pub(super) fn build(
    seed: u64,
    routers: [Router; 2],
    trouble: Trouble,
) -> Result<(Network<DemoNode>, Places), TopologyError> {
    let [first, second] = sides(&routers)?;
    let failed = |error: netsim::Error| TopologyError::Network(error.to_string());
    let mut network = Network::new(seed);
    let [a, b] = routers.map(|router| network.add(DemoNode::Router(Box::new(router))));
    let host_a = network.add(DemoNode::Host(Box::new(Host::new("host-a", first.host))));
    let host_b = network.add(DemoNode::Host(Box::new(Host::new("host-b", second.host))));
    let lan = Link::new().delay(LAN_DELAY);
    network.connect((host_a, Port(0)), (a, Port(first.lan.0)), lan.clone()).map_err(failed)?;
    let wan = Link::new()
        .delay(WAN_DELAY)
        .loss(Chance::percent(trouble.loss))
        .reorder(Chance::percent(trouble.reorder), HOLD);
    let wan = network.connect((a, Port(first.wan.0)), (b, Port(second.wan.0)), wan).map_err(failed)?;
    network.connect((b, Port(second.lan.0)), (host_b, Port(0)), lan).map_err(failed)?;
    let places = Places {
        routers: [a, b],
        hosts: [host_a, host_b],
        addresses: [first.host, second.host],
        ends: [first.end, second.end],
        wan,
    };
    Ok((network, places))
}

/// The first router's first flow decides who talks to whom.
fn sides(routers: &[Router; 2]) -> Result<[Side; 2], TopologyError> {
    let [first, second] = routers;
    let no_map = || TopologyError::NoMap(first.hostname().to_owned());
    let (map, entry, flow) = first.maps().iter().find_map(first_flow).ok_or_else(no_map)?;
    let peer = *entry.peers.first().ok_or_else(no_map)?;
    let not_peers = || TopologyError::NotPeers(second.hostname().to_owned(), map.local);
    let names_back = |other: &&MapConfig| {
        other.local == peer && other.entries.iter().any(|entry| entry.peers.contains(&map.local))
    };
    let other = second.maps().iter().find(names_back).ok_or_else(not_peers)?;
    Ok([side(first, map, &flow.local.addresses)?, side(second, other, &flow.remote.addresses)?])
}

fn first_flow(map: &MapConfig) -> Option<(&MapConfig, &crate::router::EntryConfig, &SelectorPair)> {
    map.entries.iter().find_map(|entry| {
        let flow = entry.lines.iter().find_map(|line| line.negotiated.as_ref())?;
        Some((map, entry, flow))
    })
}

/// A host's address: the first of the flow's that a net behind another interface has and that is not the router's.
fn side(router: &Router, map: &MapConfig, range: &core::ops::RangeInclusive<IpAddr>) -> Result<Side, TopologyError> {
    let (start, end) = (*range.start(), *range.end());
    let no_host = || TopologyError::NoHost(router.hostname().to_owned(), start, end);
    let interfaces = &router.routing().interfaces;
    for (index, interface) in interfaces.iter().enumerate() {
        let index = InterfaceIndex(u16::try_from(index).map_err(|_| no_host())?);
        if index == map.interface {
            continue;
        }
        for net in interface.nets.iter().filter_map(|net| net.range()) {
            let (IpAddr::V4(net_start), IpAddr::V4(flow_start)) = (*net.start(), start) else { continue };
            let lowest = net_start.to_bits().max(flow_start.to_bits());
            let candidates = (0..MOST_TRIED).map(|step| Ipv4Addr::from_bits(lowest.saturating_add(step)));
            let is_free = |address: &Ipv4Addr| {
                let ip = IpAddr::V4(*address);
                // The first and last addresses of a net are not a host's (RFC 1122 3.2.1.3).
                ip != *net.start() && net.contains(&ip) && ip != *net.end() && range.contains(&ip) && !interface.is_own(ip)
            };
            if let Some(host) = candidates.into_iter().find(is_free) {
                return Ok(Side { end: map.local, wan: map.interface, lan: index, host });
            }
        }
    }
    Err(no_host())
}

impl DemoNode {
    pub(super) fn router(&self) -> Option<&Router> {
        match self {
            Self::Router(router) => Some(router),
            Self::Host(_) => None,
        }
    }

    pub(super) fn router_mut(&mut self) -> Option<&mut Router> {
        match self {
            Self::Router(router) => Some(router),
            Self::Host(_) => None,
        }
    }

    pub(super) fn host(&self) -> Option<&Host> {
        match self {
            Self::Host(host) => Some(host),
            Self::Router(_) => None,
        }
    }

    pub(super) fn host_mut(&mut self) -> Option<&mut Host> {
        match self {
            Self::Host(host) => Some(host),
            Self::Router(_) => None,
        }
    }
}

impl Node for DemoNode {
    type Packet = Vec<u8>;

    fn handle_packet(&mut self, now: Duration, from: Port, packet: &Vec<u8>) {
        match self {
            Self::Router(router) => router.handle_packet(now, from, packet),
            Self::Host(host) => host.handle_packet(now, packet),
        }
    }

    fn handle_timeout(&mut self, now: Duration) {
        match self {
            Self::Router(router) => router.handle_timeout(now),
            Self::Host(host) => host.handle_timeout(now),
        }
    }

    fn poll_timeout(&self) -> Option<Duration> {
        match self {
            Self::Router(router) => router.poll_timeout(),
            Self::Host(host) => host.poll_timeout(),
        }
    }

    fn poll_transmit(&mut self) -> Option<(Port, Vec<u8>)> {
        match self {
            Self::Router(router) => router.poll_transmit(),
            Self::Host(host) => host.poll_transmit().map(|packet| (Port(0), packet)),
        }
    }
}
