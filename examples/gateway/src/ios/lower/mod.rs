//! From what a configuration says to what the engine and the router run by.
//!
//! The result uses the types of `oakley` and `ipsec-core` and knows nothing of IOS but names that `show` prints. What
//! cannot run is refused with the line to blame; what runs but should be known is a [`Warning`].

mod entry;
mod manual;
mod phase1;
mod policies;
mod runs;
mod selectors;
mod transform;
mod warning;

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::ops::RangeInclusive;
use core::time::Duration;
use std::collections::BTreeSet;

use oakley::{Asking, DeadPeerDetection, Encapsulation, Fragmentation, NatTraversal, SelectorPair};

use super::error::{ConfigError, ErrorKind, Refusal};
use super::model::{IkeFragmentation, Interface, InterfaceName, MapKind, Origin, RunningConfig, Version};
use super::reader::MAX_ERRORS;

pub use manual::{ManualAh, ManualEsp, ManualSas};
pub use policies::{AppliedMap, MapPolicy, MapRule, Policies, PolicyPeer, Protection, SharedKey, Vintage};
pub use runs::runs;
pub use warning::{Warning, WarningKind};

/// Seconds between questions that `crypto isakmp keepalive` does not say.
const KEEPALIVE_RETRY: u16 = 2;

/// Translates a configuration. `file` is the name that errors carry.
///
/// # Errors
/// Everything that does not run, at least one and at most [`MAX_ERRORS`], in the order of the file.
pub fn lower(config: &RunningConfig, file: &str) -> Result<Policies, Vec<ConfigError>> {
    let mut work = Lowering {
        config,
        vintage: Vintage::of(config.version.as_ref()),
        refusals: Vec::new(),
        warnings: Vec::new(),
    };
    let policies = work.policies();
    let Lowering { mut refusals, mut warnings, .. } = work;
    if refusals.is_empty() {
        warnings.sort_by_key(|warning| (warning.origin.line, warning.origin.column));
        // A map on several interfaces is looked at once for each.
        warnings.dedup_by(|one, other| one.kind == other.kind && one.origin.line == other.origin.line);
        return Ok(Policies { warnings, ..policies });
    }
    refusals.sort_by_key(|(origin, _)| (origin.line, origin.column));
    refusals.truncate(MAX_ERRORS);
    let error = |(origin, refusal): (Origin, Refusal)| ConfigError {
        file: file.to_owned(),
        line: origin.line,
        column: origin.column,
        kind: ErrorKind::Refused(refusal),
        excerpt: String::new(),
    };
    Err(refusals.into_iter().map(error).collect())
}

/// A translation under way.
struct Lowering<'a> {
    config: &'a RunningConfig,
    vintage: Vintage,
    refusals: Vec<(Origin, Refusal)>,
    warnings: Vec<Warning>,
}

impl Lowering<'_> {
    fn refuse(&mut self, origin: Origin, refusal: Refusal) {
        self.refusals.push((origin, refusal));
    }

    fn warn(&mut self, origin: Origin, kind: WarningKind) {
        self.warnings.push(Warning { origin, kind });
    }

    fn policies(&mut self) -> Policies {
        let config = self.config;
        self.whole_configuration();
        self.weak_sets();
        let suites = self.suites();
        let keys = self.keys();
        let maps = self.maps();
        self.something_to_negotiate_with(suites.is_empty());
        self.keys_for_peers(&keys, &maps);
        Policies {
            fqdn: config.fqdn(),
            vintage: self.vintage,
            default_life_unstated: config.version.as_ref().is_some_and(|version| version.major <= 11),
            suites,
            identity: config.isakmp.identity,
            keys,
            hosts: config.hosts.clone(),
            aggressive_mode: config.isakmp.aggressive_mode,
            dpd: dead_peer_detection(config),
            recovers_unknown_spi: config.isakmp.invalid_spi_recovery,
            fragmentation: fragmentation(config),
            nat: nat_traversal(config),
            df_bit: config.ipsec.df_bit,
            maps,
            warnings: Vec::new(),
        }
    }

    /// What concerns no single command.
    fn whole_configuration(&mut self) {
        let config = self.config;
        if let (Vintage::Ios1998, Some(version)) = (self.vintage, &config.version) {
            self.warn(version.origin, WarningKind::Vintage1998 { major: version.major });
        }
        for ca in &config.ca_identities {
            self.warn(ca.origin, WarningKind::Unused { what: "crypto ca identity" });
        }
        for chain in &config.certificate_chains {
            self.warn(chain.origin, WarningKind::Unused { what: "crypto ca certificate chain" });
        }
        for key in &config.public_keys {
            self.warn(key.origin, WarningKind::Unused { what: "a key of crypto key pubkey-chain rsa" });
        }
    }

    /// Every map is translated once for each interface that it is applied to; a map that is applied nowhere is
    /// translated as well, so that its mistakes show.
    fn maps(&mut self) -> Vec<AppliedMap> {
        let config = self.config;
        let mut out = Vec::new();
        for (name, map) in &config.crypto_maps {
            let entries = self.entries(name, map);
            let applied =
                |interface: &&Interface| interface.crypto_map.as_ref().is_some_and(|one| one.value == *name);
            let mut interfaces = config.interfaces.iter().filter(applied).peekable();
            if interfaces.peek().is_none() {
                let origin = map.entries.values().next().map_or(Origin::default(), |entry| entry.origin);
                self.warn(origin, WarningKind::NotApplied { map: name.clone() });
            }
            for interface in interfaces.filter(|interface| !interface.shutdown) {
                let (local_v4, local_v6) =
                    self.local(interface, map.local_address.as_ref().map(|one| &one.value));
                let applied = AppliedMap {
                    name: name.clone(),
                    interface: interface.name.clone(),
                    local_v4,
                    local_v6,
                    entries: entries.clone(),
                };
                self.local_ends(interface, &applied);
                self.transport_ends(&applied);
                out.push(applied);
            }
        }
        self.references(config);
        out
    }

    /// Names on interfaces and in maps that must exist.
    fn references(&mut self, config: &RunningConfig) {
        for interface in &config.interfaces {
            if let Some(map) =
                interface.crypto_map.as_ref().filter(|map| !config.crypto_maps.contains_key(&map.value))
            {
                self.refuse(map.origin, Refusal::Undefined { what: "crypto map", name: map.value.clone() });
            }
        }
        for map in config.crypto_maps.values() {
            if let Some(name) =
                map.local_address.as_ref().filter(|name| config.interface(&name.value).is_none())
            {
                self.refuse(
                    name.origin,
                    Refusal::Undefined { what: "interface", name: name.value.to_string() },
                );
            }
        }
    }

    /// The addresses of the map's own end.
    fn local(
        &self,
        applied: &Interface,
        named: Option<&InterfaceName>,
    ) -> (Option<Ipv4Addr>, Option<Ipv6Addr>) {
        let interface = named.and_then(|name| self.config.interface(name)).unwrap_or(applied);
        let v4 = interface.addresses.first().map(|address| address.address);
        let v6 = interface.ipv6_addresses.first().map(|&(address, _)| address);
        (v4, v6)
    }

    /// Each peer needs an own address of its family.
    fn local_ends(&mut self, interface: &Interface, applied: &AppliedMap) {
        let mut missing = BTreeSet::new();
        for peer in applied.entries.iter().flat_map(|entry| &entry.peers) {
            if applied.local(peer.address).is_none() {
                missing.insert(if peer.address.is_ipv4() { "IPv4" } else { "IPv6" });
            }
        }
        for family in missing {
            let interface_name = interface.name.to_string();
            let origin = interface.crypto_map.as_ref().map_or(interface.origin, |map| map.origin);
            self.refuse(origin, Refusal::NoLocalAddress { interface: interface_name, family });
        }
    }

    /// Transport mode is for what the two gateways say to each other; other flows are tunnelled, and that is said.
    fn transport_ends(&mut self, applied: &AppliedMap) {
        for entry in &applied.entries {
            let Protection::Negotiated { encapsulation: Encapsulation::Transport, .. } = &entry.protection
            else {
                continue;
            };
            let is_host =
                |range: &RangeInclusive<IpAddr>, host| *range.start() == host && *range.end() == host;
            let is_ours = |flow: &SelectorPair| {
                entry.peers.iter().any(|peer| {
                    let local = applied.local(peer.address);
                    local.is_some_and(|local| is_host(&flow.local.addresses, local))
                        && is_host(&flow.remote.addresses, peer.address)
                })
            };
            let mut flows = entry.rules.iter().filter_map(|rule| rule.flow.as_ref());
            if flows.any(|flow| !is_ours(flow)) {
                let (map, sequence) = (applied.name.clone(), entry.sequence);
                self.warn(entry.origin, WarningKind::TunnelInstead { map, sequence });
            }
        }
    }

    /// A map that negotiates needs a suite to offer.
    fn something_to_negotiate_with(&mut self, no_suites: bool) {
        let config = self.config;
        let entries = config.crypto_maps.values().flat_map(|map| map.entries.values());
        let Some(first) =
            entries.filter(|entry| entry.kind != MapKind::Manual).min_by_key(|entry| entry.origin.line)
        else {
            return;
        };
        if !config.isakmp.enabled {
            self.refuse(first.origin, Refusal::IsakmpDisabled);
        }
        // A policy that was refused has said so already.
        if no_suites && config.isakmp.policies.is_empty() {
            self.refuse(first.origin, Refusal::NoUsablePolicy);
        }
    }

    /// Without a key for a peer nothing can be negotiated with it; said once for each.
    fn keys_for_peers(&mut self, keys: &[SharedKey], maps: &[AppliedMap]) {
        let mut seen: BTreeSet<IpAddr> = BTreeSet::new();
        for entry in maps.iter().flat_map(|map| &map.entries) {
            for peer in &entry.peers {
                let negotiated = matches!(entry.protection, Protection::Negotiated { .. });
                if negotiated && seen.insert(peer.address) && !keys.iter().any(|key| key.is_for(peer.address))
                {
                    self.warn(peer.origin, WarningKind::NoKey { peer: peer.address });
                }
            }
        }
    }
}

/// Dead peer detection as configured. Releases before 12.2 do not know it, and a configuration of theirs does not announce it
/// unless it says so.
fn dead_peer_detection(config: &RunningConfig) -> DeadPeerDetection {
    let has_it = config.version.as_ref().is_none_or(Version::has_dead_peer_detection);
    let Some(keepalive) = config.isakmp.keepalive.as_ref().map(|one| one.value) else {
        return if has_it { DeadPeerDetection::default() } else { DeadPeerDetection::off() };
    };
    let seconds = |seconds: u16| Duration::from_secs(u64::from(seconds));
    let retry = keepalive.retry.unwrap_or(KEEPALIVE_RETRY);
    let mut asking = Asking::new(seconds(keepalive.seconds), seconds(retry));
    asking.periodic = keepalive.periodic;
    let mut dpd = DeadPeerDetection::default();
    dpd.asking = Some(asking);
    dpd
}

/// IKE fragments as configured: without the command none.
fn fragmentation(config: &RunningConfig) -> Fragmentation {
    let Some(IkeFragmentation { size, forced }) = config.isakmp.fragmentation else {
        return Fragmentation::default();
    };
    let mut fragmentation = Fragmentation::announced();
    fragmentation.size = size.map_or(fragmentation.size, usize::from);
    fragmentation.forced = forced;
    fragmentation
}

/// NAT traversal as configured. Releases before 12.2 have none, and a configuration of theirs gets none unless it says so.
fn nat_traversal(config: &RunningConfig) -> NatTraversal {
    let has_it = config.version.as_ref().is_none_or(Version::has_nat_traversal);
    if !config.ipsec.udp_encapsulation.unwrap_or(has_it) {
        return NatTraversal::off();
    }
    let mut nat = NatTraversal::default();
    if let Some(seconds) = &config.isakmp.nat_keepalive {
        nat.keepalive = Some(Duration::from_secs(u64::from(seconds.value)));
    }
    nat.forced = config.isakmp.nat_force_encapsulation;
    nat
}
