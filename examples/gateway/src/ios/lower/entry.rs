//! Entries of crypto maps.

use oakley::{Encapsulation, Lifetime};

use super::Lowering;
use super::policies::{MapPolicy, MapRule, PolicyPeer, Protection, Vintage};
use super::transform::Parts;
use super::warning::WarningKind;
use crate::ios::error::Refusal;
use crate::ios::model::{CryptoMap, Located, MapEntry, MapKind, PeerName, Pfs, TunnelMode};
use crypto_provider::GroupId;
use ipsec_core::{Rule, Selector};

/// Lifetime of IPsec SAs when none is configured: an hour.
const SECONDS: u32 = 3600;
/// The same by volume, in kilobytes: what 10 Mbit/s carry in that time, and the document's 0x0 0x46 0x50 0x0.
const KILOBYTES: u32 = 4_608_000;

/// Where an entry stands.
#[derive(Clone, Copy)]
struct Place<'a> {
    map: &'a str,
    sequence: u16,
    dynamic: Option<(&'a str, u16)>,
}

impl Lowering<'_> {
    /// All entries of a map, those of dynamic maps in place.
    pub(super) fn entries(&mut self, name: &str, map: &CryptoMap) -> Vec<MapPolicy> {
        let mut out = Vec::new();
        for (&sequence, entry) in &map.entries {
            let place = Place { map: name, sequence, dynamic: None };
            match &entry.kind {
                MapKind::Dynamic(dynamic) => out.extend(self.dynamic(place, dynamic)),
                MapKind::Isakmp | MapKind::Manual => out.extend(self.entry(place, entry)),
            }
        }
        self.overlaps(&out);
        out
    }

    fn dynamic(&mut self, place: Place<'_>, name: &Located<String>) -> Vec<MapPolicy> {
        let Some(map) = self.config.dynamic_maps.get(&name.value) else {
            self.refuse(name.origin, Refusal::Undefined { what: "dynamic map", name: name.value.clone() });
            return Vec::new();
        };
        let place = |sequence| Place { dynamic: Some((&name.value, sequence)), ..place };
        map.iter().filter_map(|(&sequence, entry)| self.entry(place(sequence), entry)).collect()
    }

    /// One entry; `None` if it was refused.
    fn entry(&mut self, place: Place<'_>, entry: &MapEntry) -> Option<MapPolicy> {
        let refused = self.refusals.len();
        let needed = place.dynamic.is_none();
        let mut missing = |what, is_missing| {
            if is_missing {
                let map = place.dynamic.map_or(place.map, |(name, _)| name).to_owned();
                let sequence = place.dynamic.map_or(place.sequence, |(_, sequence)| sequence);
                self.refuse(entry.origin, Refusal::IncompleteEntry { map, sequence, missing: what });
            }
        };
        missing("set peer", needed && entry.peers.is_empty());
        missing("match address", needed && entry.access_list.is_none());
        missing("set transform-set", entry.transform_sets.is_empty());
        let peers = self.peers(entry);
        let rules = entry.access_list.as_ref().and_then(|name| self.rules(name)).unwrap_or_default();
        let protection = self.protection(entry);
        if self.refusals.len() > refused {
            return None;
        }
        Some(MapPolicy {
            sequence: place.sequence,
            dynamic: place.dynamic.map(|(name, sequence)| (name.to_owned(), sequence)),
            peers,
            access_list: entry.access_list.as_ref().map(|name| name.value.to_string()),
            rules,
            transform_sets: entry.transform_sets.iter().map(|name| name.value.clone()).collect(),
            protection: protection?,
            origin: entry.origin,
        })
    }

    fn peers(&mut self, entry: &MapEntry) -> Vec<PolicyPeer> {
        let mut out = Vec::new();
        for peer in &entry.peers {
            let origin = peer.origin;
            match &peer.name {
                PeerName::Address(address) => out.push(PolicyPeer { address: *address, name: None, origin }),
                PeerName::Hostname(name) => {
                    let addresses = self.config.resolve(name);
                    if addresses.is_empty() {
                        self.refuse(origin, Refusal::Unresolved(name.clone()));
                    }
                    out.extend(addresses.iter().map(|&address| PolicyPeer {
                        address,
                        name: Some(name.clone()),
                        origin,
                    }));
                }
            }
        }
        if entry.kind == MapKind::Manual && out.len() > 1 {
            self.refuse(entry.origin, Refusal::OutOfPlace("a second peer of an ipsec-manual entry"));
        }
        out
    }

    fn protection(&mut self, entry: &MapEntry) -> Option<Protection> {
        let sets = self.sets(entry)?;
        if entry.kind == MapKind::Manual {
            let &[(parts, TunnelMode::Tunnel)] = sets.as_slice() else {
                self.refuse(
                    entry.origin,
                    Refusal::OutOfPlace("more than one transform set, or transport mode, with manual keys"),
                );
                return None;
            };
            return self.manual(entry, parts).map(Protection::Manual);
        }
        let mode = sets.first().map_or(TunnelMode::Tunnel, |(_, mode)| *mode);
        if sets.iter().any(|(_, other)| *other != mode) {
            self.refuse(entry.origin, Refusal::MixedModes);
        }
        let global = &self.config.ipsec;
        let seconds = entry.lifetime.seconds.or(global.lifetime.seconds).unwrap_or(SECONDS);
        let kilobytes = entry.lifetime.kilobytes.or(global.lifetime.kilobytes).unwrap_or(KILOBYTES);
        let replay = entry.replay.or(global.replay);
        Some(Protection::Negotiated {
            proposals: sets.into_iter().map(|(parts, _)| parts.proposal()).collect(),
            encapsulation: match mode {
                TunnelMode::Tunnel => Encapsulation::Tunnel,
                TunnelMode::Transport => Encapsulation::Transport,
            },
            lifetime: Lifetime { seconds: Some(u64::from(seconds)), kilobytes: Some(u64::from(kilobytes)) },
            pfs: self.pfs(entry),
            replay,
            per_host: entry.per_host,
        })
    }

    /// The transform sets of an entry with their modes; `None` if one was refused.
    fn sets(&mut self, entry: &MapEntry) -> Option<Vec<(Parts, TunnelMode)>> {
        let mut out = Vec::new();
        for name in &entry.transform_sets {
            let Some(set) = self.config.ipsec.transform_sets.get(&name.value) else {
                self.refuse(
                    name.origin,
                    Refusal::Undefined { what: "transform set", name: name.value.clone() },
                );
                continue;
            };
            if let Some(parts) = self.transform_set(set) {
                out.push((parts, set.mode.unwrap_or(TunnelMode::Tunnel)));
            }
        }
        (out.len() == entry.transform_sets.len()).then_some(out)
    }

    fn pfs(&mut self, entry: &MapEntry) -> Option<GroupId> {
        let pfs = entry.pfs?;
        let group = match (pfs.value, self.vintage) {
            (Pfs::Group(group), _) => group,
            (Pfs::Default, Vintage::Ios1998) => GroupId::MODP_768,
            (Pfs::Default, Vintage::Modern) => GroupId::MODP_2048,
        };
        let what = match group {
            GroupId::MODP_768 => "set pfs group1",
            GroupId::MODP_1024 => "set pfs group2",
            GroupId::MODP_1536 => "set pfs group5",
            _ => return Some(group),
        };
        self.warn(pfs.origin, WarningKind::Weak { what });
        Some(group)
    }

    /// Two entries that permit the same packets; the rules before them may still tell them apart.
    fn overlaps(&mut self, entries: &[MapPolicy]) {
        for (index, first) in entries.iter().enumerate() {
            for second in entries.iter().skip(index.saturating_add(1)) {
                let rules =
                    first.rules.iter().flat_map(|one| second.rules.iter().map(move |other| (one, other)));
                let denied = |selector: &Selector, before: &MapRule| {
                    let until = first.rules.iter().take_while(|rule| *rule != before);
                    until
                        .filter_map(|rule| match &rule.rule {
                            Rule::Deny(deny) => Some(deny),
                            Rule::Permit(_) => None,
                        })
                        .any(|deny| deny.covers(selector))
                };
                let clash = rules.into_iter().any(|(one, other)| match (&one.rule, &other.rule) {
                    (Rule::Permit(a), Rule::Permit(b)) => intersect(a, b) && !denied(b, one),
                    _ => false,
                });
                if clash && first.peers != second.peers {
                    let kind = WarningKind::Overlap { first: first.sequence, second: second.sequence };
                    self.warn(second.origin, kind);
                }
            }
        }
    }
}

/// Whether some packet is inside both.
fn intersect(a: &Selector, b: &Selector) -> bool {
    fn meet<T: PartialOrd>(a: &core::ops::RangeInclusive<T>, b: &core::ops::RangeInclusive<T>) -> bool {
        a.start() <= b.end() && b.start() <= a.end()
    }
    let same_protocol = match (a.protocol(), b.protocol()) {
        (Some(a), Some(b)) => a == b,
        _ => true,
    };
    same_protocol
        && meet(a.local(), b.local())
        && meet(a.remote(), b.remote())
        && meet(a.local_ports(), b.local_ports())
        && meet(a.remote_ports(), b.remote_ports())
}
