//! The result: plain data, and the look-ups that a policy source needs.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crypto_provider::{GroupId, SecretBytes};
use oakley::{
    DeadPeerDetection, Encapsulation, Fragmentation, Identity, KeyQuery, Lifetime, Mode, NatTraversal,
    PeerIdentity, Phase1Suite, Phase2Proposal, SelectorPair,
};

use super::manual::ManualSas;
use super::warning::Warning;
use crate::ios::model::{
    ConfigSecret, DfBit, Host, IdentityKind, InterfaceName, KeyOwner, Origin, Replay, Version,
};

/// Which defaults hold where a configuration says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vintage {
    /// `version` 12 or lower: DES, SHA, group 1.
    Ios1998,
    /// A later version or none: AES-128, SHA-256, group 14.
    Modern,
}

impl Vintage {
    pub(crate) fn of(version: Option<&Version>) -> Self {
        match version {
            Some(version) if version.major <= 12 => Self::Ios1998,
            _ => Self::Modern,
        }
    }
}

/// A configuration as policies.
#[derive(Clone, Debug)]
pub struct Policies {
    /// `hostname.domain-name`.
    pub fqdn: Option<String>,
    /// Which defaults held.
    pub vintage: Vintage,
    /// Whether an offer leaves the life of phase 1 out where it is the default of a day, as releases 11 do.
    pub default_life_unstated: bool,
    /// Suites of phase 1 in order of priority.
    pub suites: Vec<Phase1Suite>,
    /// How this router names itself.
    pub identity: IdentityKind,
    /// Pre-shared keys.
    pub keys: Vec<SharedKey>,
    /// `ip host`.
    pub hosts: Vec<Host>,
    /// Whether Aggressive Mode may be used at all.
    pub aggressive_mode: bool,
    /// Dead peer detection, with all peers.
    pub dpd: DeadPeerDetection,
    /// Whether packets of a peer under unknown SPIs begin an IKE SA with it.
    pub recovers_unknown_spi: bool,
    /// IKE fragments, with all peers.
    pub fragmentation: Fragmentation,
    /// NAT traversal, with all peers.
    pub nat: NatTraversal,
    /// The Don't Fragment bit of outer headers; `None` is copy.
    pub df_bit: Option<DfBit>,
    /// Maps on interfaces that are up.
    pub maps: Vec<AppliedMap>,
    /// What the operator should know.
    pub warnings: Vec<Warning>,
}

impl Policies {
    /// Who we are towards peers of the interface with this address (RFC 2407 4.6.2).
    pub fn identity(&self, local: IpAddr) -> Identity {
        match (&self.identity, &self.fqdn) {
            (IdentityKind::Hostname, Some(fqdn)) => Identity::Fqdn(fqdn.clone()),
            _ => Identity::Address(local),
        }
    }

    /// The exchange that we start. RFC 2409 5.4: Main Mode finds a pre-shared key by address only, so that a name on
    /// either side needs Aggressive Mode.
    pub fn mode(&self, peer: IpAddr) -> Mode {
        let by_address = self.keys.iter().any(|key| key.is_address_key() && key.is_for(peer));
        let by_name = self.identity == IdentityKind::Hostname
            || !by_address && self.keys.iter().any(|key| key.is_for(peer));
        if self.aggressive_mode && by_name { Mode::Aggressive } else { Mode::Main }
    }

    /// Whether an exchange that `peer` starts may have this mode. Aggressive Mode is answered only where a name is
    /// configured: our own for this peer, or a key by hostname that fits its address or has none.
    pub fn answers(&self, peer: IpAddr, mode: Mode) -> bool {
        let named = || {
            self.identity == IdentityKind::Hostname && self.keys.iter().any(|key| key.is_for(peer))
                || self
                    .keys
                    .iter()
                    .any(|key| !key.is_address_key() && (key.addresses.is_empty() || key.is_for(peer)))
        };
        mode == Mode::Main || self.aggressive_mode && named()
    }

    /// Whom `peer` must prove to be: its address, or a name that `ip host` or a key gives to that address.
    pub fn peer_identity(&self, peer: IpAddr) -> PeerIdentity {
        let mut names: Vec<Identity> = vec![Identity::Address(peer)];
        let hosts = self.hosts.iter().filter(|host| host.addresses.contains(&peer)).map(|host| &host.name);
        let roaming = self.keys.iter().filter_map(|key| match &key.owner {
            KeyOwner::Hostname(name) if key.addresses.is_empty() => Some(name),
            _ => None,
        });
        for name in hosts.chain(roaming) {
            let identity = Identity::Fqdn(name.clone());
            if !names.contains(&identity) {
                names.push(identity);
            }
        }
        if names.len() == 1 { PeerIdentity::PathAddress } else { PeerIdentity::OneOf(names) }
    }

    /// The pre-shared keys that may hold: of those that fit, the narrowest alone. A key for everybody is no key of a
    /// host that has its own, or every member of the group could pass as that host. Several keys of the same breadth
    /// all stay, for the time in which a key is changed.
    pub fn keys_for(&self, query: KeyQuery<'_>) -> Vec<SecretBytes> {
        let fitting: Vec<&SharedKey> = match query {
            KeyQuery::Address(address) | KeyQuery::Identity(&Identity::Address(address)) => {
                self.keys.iter().filter(|key| key.is_for(address)).collect()
            }
            KeyQuery::Identity(Identity::Fqdn(name)) => {
                self.keys.iter().filter(|key| key.is_named(name)).collect()
            }
            _ => Vec::new(),
        };
        let narrowest = fitting.iter().map(|key| key.breadth()).min();
        let kept = fitting.into_iter().filter(|key| Some(key.breadth()) == narrowest);
        kept.map(|key| SecretBytes::copy_of(key.secret.expose())).collect()
    }

    /// The entries that a negotiation with `peer` on `local` may serve, in order, with their map.
    pub fn entries_for(
        &self,
        local: IpAddr,
        peer: IpAddr,
    ) -> impl Iterator<Item = (&AppliedMap, &MapPolicy)> {
        let maps = self.maps.iter().filter(move |map| map.local(peer) == Some(local));
        maps.flat_map(move |map| {
            map.entries.iter().filter(move |entry| entry.takes(peer)).map(move |entry| (map, entry))
        })
    }
}

/// A pre-shared key and whom it is for.
#[derive(Clone)]
pub struct SharedKey {
    /// As configured.
    pub owner: KeyOwner,
    /// For a hostname: its addresses from `ip host`.
    pub addresses: Vec<IpAddr>,
    /// The key.
    pub secret: ConfigSecret,
    /// Where the command stood.
    pub origin: Origin,
}

impl SharedKey {
    /// Whether the key is for the peer at `address`.
    pub fn is_for(&self, address: IpAddr) -> bool {
        match &self.owner {
            KeyOwner::Hostname(_) => self.addresses.contains(&address),
            KeyOwner::Prefix { address: first, length } => {
                let range = ipsec_core::Selector::prefix(*first, *length);
                first.is_ipv4() == address.is_ipv4() && range.is_some_and(|range| range.contains(&address))
            }
        }
    }

    /// Whether the key is for the peer of that name; letter case does not matter (RFC 4343).
    pub fn is_named(&self, name: &str) -> bool {
        matches!(&self.owner, KeyOwner::Hostname(own) if own.eq_ignore_ascii_case(name))
    }

    fn is_address_key(&self) -> bool {
        matches!(self.owner, KeyOwner::Prefix { .. })
    }

    /// How many bits of an address the key leaves open.
    fn breadth(&self) -> u8 {
        match &self.owner {
            KeyOwner::Hostname(_) => 0,
            KeyOwner::Prefix { address: IpAddr::V4(_), length } => 32_u8.saturating_sub(*length),
            KeyOwner::Prefix { address: IpAddr::V6(_), length } => 128_u8.saturating_sub(*length),
        }
    }
}

impl fmt::Debug for SharedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { owner, addresses, secret: _, origin } = self;
        f.debug_struct("SharedKey")
            .field("owner", owner)
            .field("addresses", addresses)
            .field("origin", origin)
            .finish_non_exhaustive()
    }
}

/// A crypto map on one interface.
#[derive(Clone, Debug)]
pub struct AppliedMap {
    /// The map's name.
    pub name: String,
    /// The interface.
    pub interface: InterfaceName,
    /// Our end towards IPv4 peers.
    pub local_v4: Option<Ipv4Addr>,
    /// Our end towards IPv6 peers.
    pub local_v6: Option<Ipv6Addr>,
    /// Entries in order of sequence; those of dynamic maps stand where the map refers to them.
    pub entries: Vec<MapPolicy>,
}

impl AppliedMap {
    /// Our end towards `peer`.
    pub fn local(&self, peer: IpAddr) -> Option<IpAddr> {
        if peer.is_ipv4() { self.local_v4.map(IpAddr::V4) } else { self.local_v6.map(IpAddr::V6) }
    }
}

/// One entry.
#[derive(Clone, Debug)]
pub struct MapPolicy {
    /// Sequence number in the map.
    pub sequence: u16,
    /// Name and sequence number in the dynamic map that the entry comes from: it answers and never starts.
    pub dynamic: Option<(String, u16)>,
    /// Peers in order; none in a dynamic entry means anyone who authenticates.
    pub peers: Vec<PolicyPeer>,
    /// Name of the access list, for `show`.
    pub access_list: Option<String>,
    /// Its rules in order; none in a dynamic entry means whatever the peer proposes.
    pub rules: Vec<MapRule>,
    /// Names of the transform sets, for `show`.
    pub transform_sets: Vec<String>,
    /// What protects the packets that the rules permit.
    pub protection: Protection,
    /// Where the entry began.
    pub origin: Origin,
}

impl MapPolicy {
    /// Whether `peer` is one of the entry's.
    pub fn takes(&self, peer: IpAddr) -> bool {
        self.peers.is_empty() || self.peers.iter().any(|one| one.address == peer)
    }
}

/// One peer of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyPeer {
    /// Its address.
    pub address: IpAddr,
    /// The name by which it was configured.
    pub name: Option<String>,
    /// Where.
    pub origin: Origin,
}

/// One rule of an access list, as seen from this side: source is local.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapRule {
    /// For the policy database. `Deny` means that this entry does not concern the packet; the next one is asked.
    pub rule: ipsec_core::Rule,
    /// For a permit: the flow that is negotiated.
    pub flow: Option<SelectorPair>,
    /// Where the line stood.
    pub origin: Origin,
}

/// What protects packets.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Protection {
    /// SAs that IKE negotiates.
    Negotiated {
        /// One for each transform set, most wanted first; AH stands before ESP in each.
        proposals: Vec<Phase2Proposal>,
        /// Tunnel or transport. Transport is for flows whose ends are the two gateways themselves; other flows are
        /// tunnelled whatever is configured (RFC 4301 4.1).
        encapsulation: Encapsulation,
        /// Limits, both set.
        lifetime: Lifetime,
        /// The group for perfect forward secrecy.
        pfs: Option<GroupId>,
        /// Replay protection; `None` is on with the library's window.
        replay: Option<Replay>,
        /// One SA pair for each pair of hosts.
        per_host: bool,
    },
    /// SAs whose keys were configured.
    Manual(ManualSas),
}
