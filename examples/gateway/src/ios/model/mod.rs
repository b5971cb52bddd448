//! What a configuration says, as plain data.
//!
//! Every part is public and without behaviour beyond look-ups. Two configurations are equal when they say the same:
//! where a command stood ([`Origin`]) takes no part in the comparison.

mod acl;
mod ca;
mod crypto_map;
mod interface;
mod ipsec;
mod isakmp;
mod key;
mod known;
mod secret;
mod timestamps;

use core::net::IpAddr;
use std::collections::BTreeMap;

pub use acl::{AccessList, AclAction, AclLine, AclName, AclRule, Endpoint, ListKind, PortMatch};
pub use ca::{CaIdentity, Certificate, CertificateChain, CertificateOwner};
pub use crypto_map::{CryptoMap, EspSessionKey, MapEntry, MapKind, Peer, PeerName, Pfs, SessionKeys, SpiKey};
pub use interface::{Interface, InterfaceAddress, InterfaceName, NextHop, Route};
pub use ipsec::{DfBit, Ipsec, IpsecLifetime, Replay, Transform, TransformSet, TunnelMode};
pub use isakmp::{
    Authentication, Encryption, Hash, IdentityKind, IkeFragmentation, Isakmp, IsakmpPolicy, Keepalive,
    KeyOwner, PreSharedKey,
};
pub use key::{KeyUsage, PeerPublicKey, PublicKeyOwner};
pub use known::{KnownLine, Section};
pub use secret::ConfigSecret;
pub use timestamps::{Timestamp, Timestamps};

/// Where something stood in its file; both numbers start at 1. All origins are equal, because a position is not part
/// of what a configuration says.
#[derive(Clone, Copy, Debug, Default, Eq)]
pub struct Origin {
    /// Line of the file.
    pub line: u32,
    /// Column of the first character, counted in characters.
    pub column: u32,
}

impl PartialEq for Origin {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// A value and where it was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Located<T> {
    /// What was written.
    pub value: T,
    /// Where.
    pub origin: Origin,
}

/// The `version` line: the release that wrote the configuration, `11.3` for example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// First number, which alone decides about defaults.
    pub major: u16,
    /// Everything after the first point, `3` or `4T`; may be empty.
    pub rest: String,
    /// Where it stood.
    pub origin: Origin,
}

impl Version {
    /// NAT traversal came with 12.2.
    #[must_use]
    pub fn has_nat_traversal(&self) -> bool {
        self.is_since(12, 2)
    }

    /// Dead peer detection came with 12.2.
    #[must_use]
    pub fn has_dead_peer_detection(&self) -> bool {
        self.is_since(12, 2)
    }

    fn is_since(&self, major: u16, minor: u16) -> bool {
        let digits = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        let own = self.rest.get(..digits).and_then(|digits| digits.parse::<u16>().ok());
        (self.major, own.unwrap_or(0)) >= (major, minor)
    }
}

/// One `ip host` line: a name and its addresses, at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// The name as written.
    pub name: String,
    /// Its addresses in order.
    pub addresses: Vec<IpAddr>,
}

/// A whole configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunningConfig {
    /// `version`, when there is one.
    pub version: Option<Version>,
    /// `service timestamps`.
    pub timestamps: Timestamps,
    /// `hostname`.
    pub hostname: Option<String>,
    /// `ip domain-name`.
    pub domain_name: Option<String>,
    /// `no ip domain-lookup` makes this false.
    pub domain_lookup: bool,
    /// `ip host` lines in order, one for each name.
    pub hosts: Vec<Host>,
    /// `ip name-server` addresses in order.
    pub name_servers: Vec<IpAddr>,
    /// The `crypto isakmp` commands.
    pub isakmp: Isakmp,
    /// The `crypto ipsec` commands.
    pub ipsec: Ipsec,
    /// Crypto maps by name.
    pub crypto_maps: BTreeMap<String, CryptoMap>,
    /// Dynamic crypto maps by name, their entries by sequence number.
    pub dynamic_maps: BTreeMap<String, BTreeMap<u16, MapEntry>>,
    /// Access lists by number or name.
    pub access_lists: BTreeMap<AclName, AccessList>,
    /// Interfaces in the order of the file.
    pub interfaces: Vec<Interface>,
    /// Static routes in the order of the file.
    pub routes: Vec<Route>,
    /// `crypto key pubkey-chain rsa`: peers' public keys.
    pub public_keys: Vec<PeerPublicKey>,
    /// `crypto ca identity` blocks.
    pub ca_identities: Vec<CaIdentity>,
    /// `crypto ca certificate chain` blocks.
    pub certificate_chains: Vec<CertificateChain>,
    /// Commands that are known and have no effect here, by their place in the printed configuration.
    pub known: BTreeMap<Section, Vec<KnownLine>>,
}

impl Default for RunningConfig {
    fn default() -> Self {
        Self {
            version: None,
            timestamps: Timestamps::default(),
            hostname: None,
            domain_name: None,
            domain_lookup: true,
            hosts: Vec::new(),
            name_servers: Vec::new(),
            isakmp: Isakmp::default(),
            ipsec: Ipsec::default(),
            crypto_maps: BTreeMap::new(),
            dynamic_maps: BTreeMap::new(),
            access_lists: BTreeMap::new(),
            interfaces: Vec::new(),
            routes: Vec::new(),
            public_keys: Vec::new(),
            ca_identities: Vec::new(),
            certificate_chains: Vec::new(),
            known: BTreeMap::new(),
        }
    }
}

impl RunningConfig {
    /// `hostname.domain-name`, or the host name alone: the name that keys and FQDN identities carry.
    pub fn fqdn(&self) -> Option<String> {
        let host = self.hostname.as_ref()?;
        Some(match &self.domain_name {
            Some(domain) => format!("{host}.{domain}"),
            None => host.clone(),
        })
    }

    /// Addresses that `ip host` gives to `name`; letter case does not matter (RFC 4343).
    pub fn resolve(&self, name: &str) -> &[IpAddr] {
        self.hosts
            .iter()
            .find(|host| host.name.eq_ignore_ascii_case(name))
            .map_or(&[], |host| &host.addresses)
    }

    /// The interface of that name.
    pub fn interface(&self, name: &InterfaceName) -> Option<&Interface> {
        self.interfaces.iter().find(|interface| interface.name == *name)
    }

    /// Every known line without effect, those inside interfaces too, in the order of the file.
    pub fn known_lines(&self) -> Vec<&KnownLine> {
        let global = self.known.values().flatten();
        let inside = self.interfaces.iter().flat_map(|interface| &interface.known);
        let mut lines: Vec<_> =
            global.chain(inside).flat_map(|line| core::iter::once(line).chain(&line.body)).collect();
        lines.sort_by_key(|line| (line.origin.line, line.origin.column));
        lines
    }
}
