//! What a router looks like from outside: plain data for `show` and for checks, without keys.

use core::net::IpAddr;
use core::time::Duration;

use ipsec_core::{Mode, ReplayProtection, SaSnapshot};
use oakley::{IkeSaState, Phase2Transform, Role, SelectorPair};

use super::Router;
use super::counters::FlowCounters;
use super::flows::{BundleState, FlowState, Installed};
use super::sa::{InboundSa, OutboundSa};

/// A router at one moment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RouterSnapshot {
    /// Its name.
    pub hostname: String,
    /// IKE SAs, the incomplete ones too.
    pub ike_sas: Vec<IkeSaView>,
    /// Flows of all applied maps in their order.
    pub flows: Vec<FlowView>,
    /// What the engine has counted.
    pub ike: oakley::Counters,
}

/// One IKE SA.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct IkeSaView {
    /// The responder's address.
    pub destination: IpAddr,
    /// The initiator's address.
    pub source: IpAddr,
    /// How far it is.
    pub state: IkeSaState,
    /// Its connection id.
    pub connection: u32,
}

/// One flow that a crypto map protects.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FlowView {
    /// The interface that carries the map.
    pub interface: String,
    /// The map's name.
    pub map: String,
    /// The entry's number.
    pub sequence: u16,
    /// Our end.
    pub local: IpAddr,
    /// The peer that is used or tried.
    pub peer: IpAddr,
    /// The flow, as seen from here.
    pub selectors: SelectorPair,
    /// What it counted.
    pub counters: FlowCounters,
    /// Octets of the largest packet that the interface takes.
    pub mtu: usize,
    /// Octets of the largest packet that reaches the peer in one piece, as far as is known.
    pub path_mtu: usize,
    /// SAs whose SPI is ours; the newest bundle first, in each the outermost SA first.
    pub inbound: Vec<SaView>,
    /// SAs whose SPI is the peer's, in the same order.
    pub outbound: Vec<SaView>,
}

/// One IPsec SA.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct SaView {
    /// Protocol and algorithms.
    pub transform: Phase2Transform,
    /// Its SPI.
    pub spi: u32,
    /// Packets sealed or opened.
    pub packets: u64,
    /// Octets that count for its lifetime.
    pub octets: u64,
    /// Kilobytes of 1024 octets that are left, if there is a limit.
    pub remaining_kilobytes: Option<u64>,
    /// Seconds that are left, if there is a limit.
    pub remaining_seconds: Option<u64>,
    /// Its connection id.
    pub connection: u32,
    /// Tunnel, or transport; of a bundle what the whole of it is.
    pub is_tunnel: bool,
    /// Whether its packets travel in UDP.
    pub in_udp: bool,
    /// Octets of an IV in each packet; `None` for AH.
    pub iv_len: Option<usize>,
    /// Whether a replay window guards it, or for an outbound SA whether it counts for one.
    pub replay_detection: bool,
}

impl Router {
    /// The router as it is at `now`.
    #[must_use]
    pub fn snapshot(&self, now: Duration) -> RouterSnapshot {
        let engine = self.engine.snapshot();
        let ike_sas = engine.ike_sas.iter().map(|sa| {
            let (local, remote) = (sa.path.local.ip(), sa.path.remote.ip());
            let (source, destination) = match sa.role {
                Role::Initiator => (local, remote),
                Role::Responder => (remote, local),
            };
            let connection = self.connections.known(sa.id).unwrap_or(0);
            IkeSaView { destination, source, state: sa.state, connection }
        });
        RouterSnapshot {
            hostname: self.hostname.clone(),
            ike_sas: ike_sas.collect(),
            flows: self.flows.flows.iter().filter_map(|flow| self.flow_view(flow, now)).collect(),
            ike: engine.counters,
        }
    }

    fn flow_view(&self, flow: &FlowState, now: Duration) -> Option<FlowView> {
        let map = self.flows.maps.get(flow.map)?;
        let entry = self.flows.entry(flow)?;
        let (local, tried) = self.flows.ends(flow)?;
        let interface = self.routing.interface(map.interface)?;
        let bundles: Vec<&BundleState> =
            flow.bundles.iter().rev().filter_map(|id| self.flows.bundles.get(id)).collect();
        let newest = flow.bundles.last();
        let replay = entry.replay != ReplayProtection::Off;
        let inbound =
            bundles.iter().flat_map(|bundle| bundle.inbound.iter().map(|one| inbound_view(one, bundle, now)));
        // Sealing begins inside, `show` outside.
        let outbound = bundles.iter().flat_map(|bundle| {
            bundle.outbound.iter().rev().map(move |one| outbound_view(one, bundle, replay, now))
        });
        Some(FlowView {
            interface: interface.name.clone(),
            map: map.name.clone(),
            sequence: entry.sequence,
            local,
            peer: bundles.first().map_or(tried, |bundle| bundle.path.remote.ip()),
            selectors: flow.negotiated.clone(),
            counters: flow.counters,
            mtu: interface.mtu,
            path_mtu: newest.and_then(|id| self.path_mtu(now, *id)).unwrap_or(interface.mtu),
            inbound: inbound.collect(),
            outbound: outbound.collect(),
        })
    }
}

fn inbound_view(one: &Installed<InboundSa>, bundle: &BundleState, now: Duration) -> SaView {
    let sa = one.sa.snapshot(now);
    SaView {
        connection: one.connection,
        iv_len: one.sa.iv_len(),
        replay_detection: matches!(sa.replay, Some(ReplayProtection::Window(_))),
        ..view(one.transform, &sa, bundle, now)
    }
}

fn outbound_view(one: &Installed<OutboundSa>, bundle: &BundleState, replay: bool, now: Duration) -> SaView {
    let iv_len = match &one.sa {
        OutboundSa::Esp(esp) => Some(esp.suite().iv_len()),
        OutboundSa::Ah(_) => None,
        OutboundSa::Elsewhere(sa) => sa.suite.map(|suite| suite.iv_len()),
    };
    let view = view(one.transform, &one.sa.snapshot(now), bundle, now);
    SaView { connection: one.connection, iv_len, replay_detection: replay, ..view }
}

fn view(transform: Phase2Transform, sa: &SaSnapshot, bundle: &BundleState, now: Duration) -> SaView {
    SaView {
        transform,
        spi: sa.spi.get(),
        packets: sa.packets,
        octets: sa.octets,
        remaining_kilobytes: sa.remaining.octets.map(|octets| octets / 1024),
        remaining_seconds: sa.remaining.time.map(|time| time.as_secs()),
        connection: 0,
        is_tunnel: bundle.inbound.iter().any(|one| matches!(one.sa.snapshot(now).mode, Mode::Tunnel(_))),
        in_udp: bundle.in_udp,
        iv_len: None,
        replay_detection: false,
    }
}
