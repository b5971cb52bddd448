//! Two routers, a host behind each, and the links between them.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
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
const MOST_TRIED: u128 = 1024;

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
    /// A router that is the host itself.
    Both(Box<Router>, Box<Host>),
}

/// Where everything is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places {
    /// The routers: initiator, responder.
    pub(super) routers: [NodeId; 2],
    /// The hosts behind them.
    pub(super) hosts: [NodeId; 2],
    /// The hosts' addresses.
    pub(super) addresses: [IpAddr; 2],
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
    /// `None` if the host is the router itself.
    lan: Option<InterfaceIndex>,
    host: IpAddr,
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
    let (wans, addresses, ends) =
        ([first.wan, second.wan], [first.host, second.host], [first.end, second.end]);
    let [router_a, router_b] = routers;
    let (a, host_a) = add(&mut network, router_a, &first, "host-a").map_err(failed)?;
    let wan = Link::new()
        .delay(WAN_DELAY)
        .loss(Chance::percent(trouble.loss))
        .reorder(Chance::percent(trouble.reorder), HOLD);
    let (b, host_b) = add(&mut network, router_b, &second, "host-b").map_err(failed)?;
    let [wan_a, wan_b] = wans;
    let wan = network.connect((a, Port(wan_a.0)), (b, Port(wan_b.0)), wan).map_err(failed)?;
    let places = Places { routers: [a, b], hosts: [host_a, host_b], addresses, ends, wan };
    Ok((network, places))
}

/// Adds a router and the host behind it, or in it.
fn add(
    network: &mut Network<DemoNode>,
    router: Router,
    side: &Side,
    name: &'static str,
) -> netsim::Result<(NodeId, NodeId)> {
    let (router, host) = (Box::new(router), Box::new(Host::new(name, side.host)));
    let Some(lan) = side.lan else {
        let both = network.add(DemoNode::Both(router, host));
        return Ok((both, both));
    };
    let (router, host) = (network.add(DemoNode::Router(router)), network.add(DemoNode::Host(host)));
    network.connect((host, Port(0)), (router, Port(lan.0)), Link::new().delay(LAN_DELAY))?;
    Ok((router, host))
}

/// The first router's first flow decides who talks to whom.
fn sides(routers: &[Router; 2]) -> Result<[Side; 2], TopologyError> {
    let [first, second] = routers;
    let no_map = || TopologyError::NoMap(first.hostname().to_owned());
    let (map, entry, flow) = first.maps().iter().find_map(first_flow).ok_or_else(no_map)?;
    let peer = *entry.peers.first().ok_or_else(no_map)?;
    let end = map.local(peer).ok_or_else(no_map)?;
    let not_peers = || TopologyError::NotPeers(second.hostname().to_owned(), end);
    let names_back = |other: &&MapConfig| {
        other.locals.contains(&peer) && other.entries.iter().any(|entry| entry.peers.contains(&end))
    };
    let other = second.maps().iter().find(names_back).ok_or_else(not_peers)?;
    let first = side(first, (map.interface, end), &flow.local.addresses)?;
    Ok([first, side(second, (other.interface, peer), &flow.remote.addresses)?])
}

fn first_flow(map: &MapConfig) -> Option<(&MapConfig, &crate::router::EntryConfig, &SelectorPair)> {
    map.entries.iter().find_map(|entry| {
        let flow = entry.lines.iter().find_map(|line| line.negotiated.as_ref())?;
        Some((map, entry, flow))
    })
}

/// A host's address: the first of the flow's that a net behind another interface has and that is not the router's.
fn side(
    router: &Router,
    (wan, end): (InterfaceIndex, IpAddr),
    range: &core::ops::RangeInclusive<IpAddr>,
) -> Result<Side, TopologyError> {
    let (start, last) = (*range.start(), *range.end());
    let no_host = || TopologyError::NoHost(router.hostname().to_owned(), start, last);
    // RFC 4301 4.1: a flow of the router's own, which transport mode is for.
    if start == end && last == end {
        return Ok(Side { end, wan, lan: None, host: end });
    }
    let interfaces = &router.routing().interfaces;
    for (index, interface) in interfaces.iter().enumerate() {
        let index = InterfaceIndex(u16::try_from(index).map_err(|_| no_host())?);
        if index == wan {
            continue;
        }
        for net in interface.nets.iter().filter_map(|net| net.range()) {
            // Addresses of the other family are greater or less than all of the net's, and so never in it.
            let candidates = (0..MOST_TRIED).filter_map(|step| later((*net.start()).max(start), step));
            let is_free = |ip: &IpAddr| {
                // The first and last addresses of a net are not a host's (RFC 1122 3.2.1.3, RFC 4291 2.6.1).
                ip != net.start()
                    && net.contains(ip)
                    && ip != net.end()
                    && range.contains(ip)
                    && !interface.is_own(*ip)
            };
            if let Some(host) = candidates.into_iter().find(is_free) {
                return Ok(Side { end, wan, lan: Some(index), host });
            }
        }
    }
    Err(no_host())
}

/// The address `step` after another.
fn later(address: IpAddr, step: u128) -> Option<IpAddr> {
    Some(match address {
        IpAddr::V4(v4) => Ipv4Addr::from_bits(v4.to_bits().checked_add(u32::try_from(step).ok()?)?).into(),
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits().checked_add(step)?).into(),
    })
}

impl DemoNode {
    pub(super) fn router(&self) -> Option<&Router> {
        match self {
            Self::Router(router) | Self::Both(router, _) => Some(router),
            Self::Host(_) => None,
        }
    }

    pub(super) fn router_mut(&mut self) -> Option<&mut Router> {
        match self {
            Self::Router(router) | Self::Both(router, _) => Some(router),
            Self::Host(_) => None,
        }
    }

    pub(super) fn host(&self) -> Option<&Host> {
        match self {
            Self::Host(host) | Self::Both(_, host) => Some(host),
            Self::Router(_) => None,
        }
    }

    pub(super) fn host_mut(&mut self) -> Option<&mut Host> {
        match self {
            Self::Host(host) | Self::Both(_, host) => Some(host),
            Self::Router(_) => None,
        }
    }

    /// Hands on what a router and the host in it have for each other.
    pub(super) fn settle(&mut self, now: Duration) {
        let Self::Both(router, host) = self else { return };
        while let Some(packet) = router.poll_local() {
            host.handle_packet(now, &packet);
        }
        while let Some(packet) = host.poll_transmit() {
            router.originate(now, &packet);
        }
    }
}

impl Node for DemoNode {
    type Packet = Vec<u8>;

    fn handle_packet(&mut self, now: Duration, from: Port, packet: &Vec<u8>) {
        match self {
            Self::Router(router) | Self::Both(router, _) => router.handle_packet(now, from, packet),
            Self::Host(host) => host.handle_packet(now, packet),
        }
        self.settle(now);
    }

    fn handle_timeout(&mut self, now: Duration) {
        if let Some(host) = self.host_mut() {
            host.handle_timeout(now);
        }
        if let Some(router) = self.router_mut() {
            router.handle_timeout(now);
        }
        self.settle(now);
    }

    fn poll_timeout(&self) -> Option<Duration> {
        let router = self.router().and_then(Node::poll_timeout);
        router.into_iter().chain(self.host().and_then(Host::poll_timeout)).min()
    }

    fn poll_transmit(&mut self) -> Option<(Port, Vec<u8>)> {
        match self {
            Self::Router(router) | Self::Both(router, _) => router.poll_transmit(),
            Self::Host(host) => host.poll_transmit().map(|packet| (Port(0), packet)),
        }
    }
}
