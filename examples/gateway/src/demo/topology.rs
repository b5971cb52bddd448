//! Routers that are peers of one, hosts behind each, and the links between them.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::time::Duration;
use std::collections::BTreeMap;

use netsim::{Chance, Link, LinkId, Nat, Network, Node, NodeId, OUTSIDE, Port, Rng};
use oakley::SelectorPair;
use thiserror::Error;

use super::hosts::Host;
use super::scenario::Wire;
use super::switch::Switch;
use crate::router::{InterfaceIndex, MapConfig, Router};

/// Time from host to router.
const LAN_DELAY: Duration = Duration::from_micros(500);
/// Time from router to router: a leased line across a country.
const WAN_DELAY: Duration = Duration::from_millis(20);
/// How long a packet is held back that others are to overtake.
const HOLD: Duration = Duration::from_millis(120);
/// How long a translator remembers what nothing uses: no longer than those of homes.
const MEMORY: Duration = Duration::from_secs(30);
/// The translator's stream of random numbers: no router has this number.
const TRANSLATOR: u64 = u64::MAX;
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
    /// A router that is its own host has more than one peer.
    #[error("{0}: flows of the router's own with one of several peers")]
    OneHost(String),
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
    Switch(Switch),
    Translator(Nat<Vec<u8>>),
}

/// Where everything is: a star of routers, the first of them in its middle.
#[derive(Clone, Debug)]
pub(super) struct Places {
    /// The routers: the first one and its peers.
    pub(super) routers: Vec<NodeId>,
    /// The hosts, those of one leg after those of another.
    pub(super) hosts: Vec<NodeId>,
    /// One for each peer of the first router; there is at least one.
    pub(super) legs: Vec<Leg>,
    /// What the first router is behind.
    pub(super) translator: Option<NodeId>,
}

/// Two routers that are peers, and a host behind each. The first router's side comes first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leg {
    /// Which routers.
    pub(super) routers: [usize; 2],
    /// Which hosts.
    pub(super) hosts: [usize; 2],
    /// The hosts' addresses.
    pub(super) addresses: [IpAddr; 2],
    /// The routers' ends of the tunnel, as the wire to the peer shows them.
    pub(super) ends: [IpAddr; 2],
    /// The first router's end as it knows it itself: a translator gives it another one.
    pub(super) inner: IpAddr,
    /// The link to the peer.
    pub(super) wan: LinkId,
}

/// How the links between the routers behave.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Trouble {
    /// Packets lost, percent.
    pub(super) loss: u32,
    /// Packets that later ones overtake, percent.
    pub(super) reorder: u32,
}

/// One side of a leg, found in its router's configuration.
struct Side {
    end: IpAddr,
    wan: InterfaceIndex,
    /// `None` if the host is the router itself.
    lan: Option<InterfaceIndex>,
    host: IpAddr,
}

/// Something that is to be wired to a port of the first router.
struct Plug {
    port: InterfaceIndex,
    node: (NodeId, Port),
    address: IpAddr,
    link: Link,
}

/// Builds the network. The first router is in the middle, behind the translator if there is one.
pub(super) fn build(
    seed: u64,
    routers: Vec<Router>,
    between: Wire,
    trouble: Trouble,
) -> Result<(Network<DemoNode>, Places), TopologyError> {
    let outside = between.translator;
    let sides = sides(&routers, outside.map(IpAddr::V4))?;
    let failed = |error: netsim::Error| TopologyError::Network(error.to_string());
    let mut network = Network::new(seed);
    let mut routers = routers.into_iter();
    let hub = routers.next().ok_or_else(|| TopologyError::Network("no router".to_owned()))?;
    let hosts: Vec<_> = sides
        .iter()
        .enumerate()
        .map(|(leg, [first, _])| Host::new(host_name(leg.saturating_mul(2)), first.host))
        .collect();
    let (hub, mut hub_hosts, lans) = add_hub(&mut network, hub, &sides, hosts);
    wire(&mut network, hub, lans).map_err(failed)?;
    let mut places = Places { routers: vec![hub], hosts: Vec::new(), legs: Vec::new(), translator: None };
    let (mut wans, mut beyond) = (Vec::new(), None);
    if let Some(outside) = outside {
        let seed = Rng::stream(seed, TRANSLATOR).next_u64();
        places.translator = Some(network.add(DemoNode::Translator(Nat::new(outside, MEMORY, seed))));
    }
    for (leg, (router, [first, second])) in routers.zip(&sides).enumerate() {
        let name = host_name(leg.saturating_mul(2).saturating_add(1));
        let (router, host) = add(&mut network, router, second, name).map_err(failed)?;
        let link = between
            .mtu
            .map_or(Link::new(), |mtu| Link::new().mtu(mtu))
            .delay(WAN_DELAY)
            .loss(Chance::percent(trouble.loss))
            .reorder(Chance::percent(trouble.reorder), HOLD);
        let (port, peer) = (first.wan, (router, Port(second.wan.0)));
        let plug = |node, link| Plug { port, node, address: second.end, link };
        wans.push(match places.translator {
            Some(translator) => {
                beyond = Some(network.connect((translator, OUTSIDE), peer, link).map_err(failed)?);
                plug((translator, Port(1)), Link::new().delay(LAN_DELAY))
            }
            None => plug(peer, link),
        });
        places.routers.push(router);
        places.hosts.extend(hub_hosts.next());
        places.hosts.push(host);
    }
    let wans = wire(&mut network, hub, wans).map_err(failed)?;
    for (leg, (wan, [first, second])) in wans.into_iter().zip(&sides).enumerate() {
        places.legs.push(Leg {
            routers: [0, leg.saturating_add(1)],
            hosts: [leg.saturating_mul(2), leg.saturating_mul(2).saturating_add(1)],
            addresses: [first.host, second.host],
            ends: [outside.map_or(first.end, IpAddr::V4), second.end],
            inner: first.end,
            wan: beyond.unwrap_or(wan),
        });
    }
    Ok((network, places))
}

/// `host-a`, `host-b` and so on.
fn host_name(index: usize) -> String {
    ('a'..='z').nth(index).map_or_else(|| format!("host-{index}"), |letter| format!("host-{letter}"))
}

/// Adds the first router and the hosts behind it, or in it, one for each leg.
fn add_hub(
    network: &mut Network<DemoNode>,
    router: Router,
    sides: &[[Side; 2]],
    hosts: Vec<Host>,
) -> (NodeId, std::vec::IntoIter<NodeId>, Vec<Plug>) {
    let router = Box::new(router);
    let mut hosts = hosts.into_iter();
    if let [[Side { lan: None, .. }, _]] = sides
        && let Some(host) = hosts.next()
    {
        let both = network.add(DemoNode::Both(router, Box::new(host)));
        return (both, vec![both].into_iter(), Vec::new());
    }
    let hub = network.add(DemoNode::Router(router));
    let (mut ids, mut plugs) = (Vec::new(), Vec::new());
    for (host, [side, _]) in hosts.zip(sides) {
        let id = network.add(DemoNode::Host(Box::new(host)));
        ids.push(id);
        let link = Link::new().delay(LAN_DELAY);
        plugs.extend(side.lan.map(|port| Plug { port, node: (id, Port(0)), address: side.host, link }));
    }
    (hub, ids.into_iter(), plugs)
}

/// Adds a peer and the host behind it, or in it.
fn add(
    network: &mut Network<DemoNode>,
    router: Router,
    side: &Side,
    name: String,
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

/// Wires everything to the first router, with a switch where several share a port; the links in the plugs' order, each
/// of them to what was plugged in.
fn wire(network: &mut Network<DemoNode>, hub: NodeId, plugs: Vec<Plug>) -> netsim::Result<Vec<LinkId>> {
    let mut switches = BTreeMap::new();
    for plug in &plugs {
        let addresses: Vec<_> =
            plugs.iter().filter(|other| other.port == plug.port).map(|other| other.address).collect();
        if addresses.len() > 1 && !switches.contains_key(&plug.port.0) {
            let switch = network.add(DemoNode::Switch(Switch::new(addresses)));
            network.connect((hub, Port(plug.port.0)), (switch, Port(0)), Link::new())?;
            switches.insert(plug.port.0, (switch, 0_u16));
        }
    }
    let mut links = Vec::new();
    for plug in plugs {
        let from = match switches.get_mut(&plug.port.0) {
            Some((switch, used)) => {
                *used = used.saturating_add(1);
                (*switch, Port(*used))
            }
            None => (hub, Port(plug.port.0)),
        };
        links.push(network.connect(from, plug.node, plug.link)?);
    }
    Ok(links)
}

/// The first router's flows decide who talks to whom: with each of the others the first flow that has it as peer.
fn sides(routers: &[Router], outside: Option<IpAddr>) -> Result<Vec<[Side; 2]>, TopologyError> {
    let [first, others @ ..] = routers else { return Ok(Vec::new()) };
    let mut legs: Vec<[Side; 2]> = Vec::new();
    for other in others {
        let taken: Vec<_> = legs.iter().map(|[side, _]| side.host).collect();
        let leg = leg(first, other, outside, &taken)?;
        if leg[0].lan.is_none() && !legs.is_empty() || legs.iter().any(|[side, _]| side.lan.is_none()) {
            return Err(TopologyError::OneHost(first.hostname().to_owned()));
        }
        legs.push(leg);
    }
    Ok(legs)
}

fn leg(
    first: &Router,
    second: &Router,
    outside: Option<IpAddr>,
    taken: &[IpAddr],
) -> Result<[Side; 2], TopologyError> {
    let no_map = || TopologyError::NoMap(first.hostname().to_owned());
    let mut asked = None;
    for (map, peer, flow) in first.maps().iter().flat_map(first_flows) {
        let end = map.local(peer).ok_or_else(no_map)?;
        let seen = outside.unwrap_or(end);
        asked = asked.or(Some(seen));
        let names_back = |other: &&MapConfig| {
            other.locals.contains(&peer) && other.entries.iter().any(|entry| entry.peers.contains(&seen))
        };
        if let Some(other) = second.maps().iter().find(names_back) {
            let first = side(first, (map.interface, end), &flow.local.addresses, taken)?;
            return Ok([first, side(second, (other.interface, peer), &flow.remote.addresses, &[])?]);
        }
    }
    let end = asked.ok_or_else(no_map)?;
    Err(TopologyError::NotPeers(second.hostname().to_owned(), end))
}

/// Of each entry the first peer and the first flow.
fn first_flows(map: &MapConfig) -> impl Iterator<Item = (&MapConfig, IpAddr, &SelectorPair)> {
    map.entries.iter().filter_map(move |entry| {
        let flow = entry.lines.iter().find_map(|line| line.negotiated.as_ref())?;
        Some((map, *entry.peers.first()?, flow))
    })
}

/// A host's address: the first of the flow's that a net behind another interface has and that is not the router's.
fn side(
    router: &Router,
    (wan, end): (InterfaceIndex, IpAddr),
    range: &core::ops::RangeInclusive<IpAddr>,
    taken: &[IpAddr],
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
                    && !taken.contains(ip)
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
            Self::Host(_) | Self::Switch(_) | Self::Translator(_) => None,
        }
    }

    pub(super) fn translator(&self) -> Option<&Nat<Vec<u8>>> {
        if let Self::Translator(translator) = self { Some(translator) } else { None }
    }

    pub(super) fn router_mut(&mut self) -> Option<&mut Router> {
        match self {
            Self::Router(router) | Self::Both(router, _) => Some(router),
            Self::Host(_) | Self::Switch(_) | Self::Translator(_) => None,
        }
    }

    pub(super) fn host(&self) -> Option<&Host> {
        match self {
            Self::Host(host) | Self::Both(_, host) => Some(host),
            Self::Router(_) | Self::Switch(_) | Self::Translator(_) => None,
        }
    }

    pub(super) fn host_mut(&mut self) -> Option<&mut Host> {
        match self {
            Self::Host(host) | Self::Both(_, host) => Some(host),
            Self::Router(_) | Self::Switch(_) | Self::Translator(_) => None,
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
            Self::Switch(switch) => switch.handle_packet(from, packet),
            Self::Translator(translator) => translator.handle_packet(now, from, packet),
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
            Self::Switch(switch) => switch.poll_transmit(),
            Self::Translator(translator) => translator.poll_transmit(),
        }
    }
}
