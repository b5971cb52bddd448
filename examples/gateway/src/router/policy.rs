//! From a lowered configuration to what the engine asks and what the router runs by.

use core::net::IpAddr;
use std::sync::Arc;

use crypto_provider::{CipherAlgorithm, SecretBytes, Work};
use ipsec_core::{Decision, DfPolicy, ReplayProtection, Rule, Selector, WindowSize};
use oakley::{
    Confidentiality, Encapsulation, KeyQuery, Mode, Path, Peer, Phase1Policy, Phase2Policy, Phase2Transform,
    PolicySource, Quirks, SelectorPair,
};

use super::flows::{EntryConfig, LineConfig, MapConfig};
use super::install::selector;
use super::routes::{Interface, InterfaceIndex, InterfaceNet, Route, RoutingTable, Via};
use crate::ios::model::{DfBit, NextHop, Replay, RunningConfig};
use crate::ios::{MapPolicy, MapRule, Policies, Protection, Warning, WarningKind};

/// Octets of our nonces: those of SHA-1's output, within the 8 to 256 of RFC 2409 5.
const NONCE_LEN: usize = 20;
/// What an interface takes whose configuration says nothing (RFC 894).
const DEFAULT_MTU: usize = 1500;

/// A configuration as the engine asks for it.
pub struct ConfiguredPolicy {
    policies: Policies,
    key_log: bool,
}

impl ConfiguredPolicy {
    /// `key_log` makes the engine report derivations, keys included.
    #[must_use]
    pub const fn new(policies: Policies, key_log: bool) -> Self {
        Self { policies, key_log }
    }

    /// What the configuration knows of a peer's habits. A transform set that encrypts and protects the integrity of nothing
    /// is used because it is written; reading it has warned.
    fn quirks(&self, local: IpAddr, peer: IpAddr) -> Quirks {
        let bare = |transform: &Phase2Transform| {
            let encrypts = matches!(transform.confidentiality, Confidentiality::Cipher(cipher, _) if cipher != CipherAlgorithm::Null);
            encrypts && transform.integrity.is_none()
        };
        let mut quirks = Quirks::default();
        quirks.encryption_without_integrity =
            self.policies.entries_for(local, peer).any(|(_, entry)| match &entry.protection {
                Protection::Negotiated { proposals, .. } => {
                    proposals.iter().any(|proposal| proposal.protections.iter().flatten().all(bare))
                }
                Protection::Manual(_) => false,
            });
        quirks.default_life_unstated = self.policies.default_life_unstated;
        quirks
    }

    /// The entry and rule that cover a wanted flow, as [`Phase2Policy`].
    fn flow(&self, path: &Path, wanted: &SelectorPair) -> Option<Phase2Policy> {
        let packets = selector(wanted).ok()?;
        let entries = self.policies.entries_for(path.local.ip(), path.remote.ip());
        entries
            .filter_map(|(_, entry)| Some((&entry.protection, permitted(&entry.rules, &packets)?)))
            .find_map(|(protection, flow)| match protection {
                Protection::Negotiated { proposals, encapsulation, lifetime, pfs, .. } => {
                    Some(Phase2Policy {
                        proposals: proposals.clone(),
                        encapsulation: encapsulation_for(
                            *encapsulation,
                            (path.local.ip(), path.remote.ip()),
                            flow,
                        ),
                        selectors: flow.clone(),
                        lifetime: *lifetime,
                        pfs: *pfs,
                    })
                }
                Protection::Manual(_) => None,
            })
    }
}

/// The rule that all of `packets` are inside, if it permits them.
fn permitted<'a>(rules: &'a [MapRule], packets: &Selector) -> Option<&'a SelectorPair> {
    match Rule::first_covering(rules.iter().map(|rule| &rule.rule), packets) {
        Decision::Permit(place) => rules.get(place)?.flow.as_ref(),
        Decision::Deny | Decision::None | Decision::Opaque => None,
    }
}

/// Transport mode is for the two gateways' own traffic; what only passes through is tunnelled (RFC 4301 4.1).
pub(super) fn encapsulation_for(
    configured: Encapsulation,
    (local, remote): (IpAddr, IpAddr),
    flow: &SelectorPair,
) -> Encapsulation {
    let is_host = |range: &core::ops::RangeInclusive<IpAddr>, host: IpAddr| {
        *range.start() == host && *range.end() == host
    };
    let own = is_host(&flow.local.addresses, local) && is_host(&flow.remote.addresses, remote);
    if own { configured } else { Encapsulation::Tunnel }
}

impl PolicySource for ConfiguredPolicy {
    fn phase1(&self, peer: &Peer<'_>, mode: Mode) -> Work<Option<Arc<Phase1Policy>>> {
        let (local, peer) = (peer.path.local.ip(), peer.path.remote.ip());
        let known = self.policies.entries_for(local, peer).next().is_some();
        // The mode that we start is ours to choose; what a peer starts is asked for here.
        if !known || !(self.policies.answers(peer, mode) || self.policies.mode(peer) == mode) {
            return Work::Done(None);
        }
        // RFC 2409 5.4: Main Mode finds its key by address alone. Where there is none, nothing need be begun.
        let by_address = self.policies.mode(peer) == Mode::Main && mode == Mode::Main;
        if by_address && self.policies.keys_for(KeyQuery::Address(peer)).is_empty() {
            return Work::Done(None);
        }
        let mut policy = Phase1Policy::new(self.policies.suites.clone(), self.policies.identity(local));
        policy.peer_identity = self.policies.peer_identity(peer);
        policy.mode = self.policies.mode(peer);
        policy.nonce_len = NONCE_LEN;
        policy.quirks = self.quirks(local, peer);
        policy.nat = self.policies.nat.clone();
        policy.dpd = self.policies.dpd.clone();
        policy.recovers_unknown_spi = self.policies.recovers_unknown_spi;
        policy.fragmentation = self.policies.fragmentation.clone();
        policy.key_log = self.key_log;
        Work::Done(Some(Arc::new(policy)))
    }

    fn pre_shared_keys(&self, query: KeyQuery<'_>) -> Work<Arc<[SecretBytes]>> {
        Work::Done(self.policies.keys_for(query).into())
    }

    fn phase2(&self, peer: &Peer<'_>, wanted: &SelectorPair) -> Work<Option<Arc<Phase2Policy>>> {
        Work::Done(self.flow(peer.path, wanted).map(Arc::new))
    }
}

/// Interfaces and routes; an interface that is shut down has no addresses.
pub(super) fn routing(config: &RunningConfig) -> RoutingTable {
    let interfaces = config.interfaces.iter().map(|interface| {
        let v4 = interface
            .addresses
            .iter()
            .map(|net| InterfaceNet { address: net.address.into(), prefix: net.prefix });
        let v6 = interface
            .ipv6_addresses
            .iter()
            .map(|&(address, prefix)| InterfaceNet { address: address.into(), prefix });
        Interface {
            name: interface.name.to_string(),
            nets: if interface.shutdown { Vec::new() } else { v4.chain(v6).collect() },
            mtu: interface.ip_mtu.or(interface.mtu).map_or(DEFAULT_MTU, usize::from),
        }
    });
    let interfaces: Vec<_> = interfaces.collect();
    let routes = config.routes.iter().filter_map(|route| {
        let via = match &route.next_hop {
            NextHop::Address(address) => Via::NextHop(*address),
            NextHop::Interface(name) => Via::Interface(index(&interfaces, name.as_str())?),
        };
        let distance = route.distance.unwrap_or(1);
        Some(Route { destination: route.destination, prefix: route.prefix, via, distance })
    });
    let routes = routes.collect();
    RoutingTable { interfaces, routes }
}

/// Warnings about peers and nets of crypto maps that no route leads to: SAs come up, and nothing is ever sent under them. A rule
/// about every address says nothing about a net.
pub(crate) fn without_route(config: &RunningConfig, policies: &Policies) -> Vec<Warning> {
    let routing = routing(config);
    let entries = policies.maps.iter().flat_map(|map| map.entries.iter().map(move |entry| (map, entry)));
    let mut warnings = Vec::new();
    for (map, entry) in entries {
        let peers = entry.peers.iter().map(|peer| (peer.address, peer.origin));
        let flows =
            entry.rules.iter().filter_map(|rule| Some((&rule.flow.as_ref()?.remote.addresses, rule.origin)));
        let nets = flows.filter(|(net, _)| !net.start().is_unspecified());
        for (to, origin) in peers.chain(nets.map(|(net, origin)| (*net.start(), origin))) {
            if routing.egress(to).is_none() {
                let kind = WarningKind::NoRoute { map: map.name.clone(), sequence: entry.sequence, to };
                warnings.push(Warning { origin, kind });
            }
        }
    }
    warnings
}

fn index(interfaces: &[Interface], name: &str) -> Option<InterfaceIndex> {
    let index = interfaces.iter().position(|interface| interface.name == name)?;
    u16::try_from(index).ok().map(InterfaceIndex)
}

/// The crypto maps of all interfaces, of policies that [`runs`](crate::ios::runs) has found nothing in.
pub(super) fn maps(policies: &Policies, routing: &RoutingTable) -> Vec<MapConfig> {
    let df = match policies.df_bit {
        Some(DfBit::Set) => DfPolicy::Set,
        Some(DfBit::Clear) => DfPolicy::Clear,
        _ => DfPolicy::Copy,
    };
    let mut out = Vec::new();
    for map in &policies.maps {
        let locals = map.local_v4.map(IpAddr::V4).into_iter().chain(map.local_v6.map(IpAddr::V6)).collect();
        let Some(interface) = index(&routing.interfaces, map.interface.as_str()) else { continue };
        let entries = map.entries.iter().map(|one| entry(one, df)).collect();
        out.push(MapConfig { name: map.name.clone(), interface, locals, entries });
    }
    out
}

fn entry(entry: &MapPolicy, df: DfPolicy) -> EntryConfig {
    let (replay, proposals, encapsulation) = match &entry.protection {
        Protection::Negotiated { replay, proposals, encapsulation, .. } => {
            (*replay, proposals.clone(), *encapsulation)
        }
        Protection::Manual(_) => (None, Vec::new(), Encapsulation::Tunnel),
    };
    let lines = entry.rules.iter().filter_map(|rule| match (&rule.rule, &rule.flow) {
        (Rule::Permit(selector), Some(flow)) => {
            Some(LineConfig { selector: selector.clone(), negotiated: Some(flow.clone()) })
        }
        (Rule::Deny(selector), _) => Some(LineConfig { selector: selector.clone(), negotiated: None }),
        (Rule::Permit(_), None) => None,
    });
    EntryConfig {
        sequence: entry.sequence,
        peers: entry.peers.iter().map(|peer| peer.address).collect(),
        lines: lines.collect(),
        replay: match replay {
            Some(Replay::Disabled) => ReplayProtection::Off,
            Some(Replay::Window(size)) => ReplayProtection::Window(WindowSize::new(size).unwrap_or_default()),
            _ => ReplayProtection::default(),
        },
        df,
        proposals,
        encapsulation,
    }
}
