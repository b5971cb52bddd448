//! `crypto map` and `crypto dynamic-map`.

use core::fmt;
use core::net::IpAddr;
use std::collections::BTreeMap;

use crypto_provider::GroupId;

use super::{AclName, ConfigSecret, InterfaceName, IpsecLifetime, Located, Origin, Replay};

/// One crypto map.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CryptoMap {
    /// `crypto map NAME local-address INTERFACE`: whose address is the local end.
    pub local_address: Option<Located<InterfaceName>>,
    /// Entries by sequence number; the lowest is tried first.
    pub entries: BTreeMap<u16, MapEntry>,
}

/// How the SAs of an entry come about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum MapKind {
    /// `ipsec-isakmp`: negotiated.
    #[default]
    Isakmp,
    /// `ipsec-manual`: keys stand in the configuration.
    Manual,
    /// `ipsec-isakmp dynamic NAME`: negotiated as a dynamic map allows.
    Dynamic(Located<String>),
}

/// One entry of a crypto map or dynamic map.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MapEntry {
    /// How its SAs come about; always `Isakmp` in a dynamic map.
    pub kind: MapKind,
    /// `description`.
    pub description: Option<String>,
    /// `set peer`, in order; several are alternatives.
    pub peers: Vec<Peer>,
    /// `set transform-set`, in order of preference.
    pub transform_sets: Vec<Located<String>>,
    /// `match address`.
    pub access_list: Option<Located<AclName>>,
    /// `set pfs`.
    pub pfs: Option<Located<Pfs>>,
    /// `set security-association lifetime`.
    pub lifetime: IpsecLifetime,
    /// `set security-association level per-host`: one SA pair for each pair of hosts.
    pub per_host: bool,
    /// `set security-association replay`.
    pub replay: Option<Replay>,
    /// `set session-key`.
    pub session_keys: SessionKeys,
    /// Where the entry began.
    pub origin: Origin,
}

/// One `set peer`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Address or name.
    pub name: PeerName,
    /// Where it stood.
    pub origin: Origin,
}

/// How a peer is named.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PeerName {
    /// By address.
    Address(IpAddr),
    /// By a name that `ip host` resolves.
    Hostname(String),
}

/// `set pfs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pfs {
    /// Without a group: the version's default.
    Default,
    /// A group by number.
    Group(GroupId),
}

/// `set session-key`: the four keys that a manual entry can have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionKeys {
    /// `inbound ah`.
    pub inbound_ah: Option<SpiKey>,
    /// `outbound ah`.
    pub outbound_ah: Option<SpiKey>,
    /// `inbound esp`.
    pub inbound_esp: Option<EspSessionKey>,
    /// `outbound esp`.
    pub outbound_esp: Option<EspSessionKey>,
}

impl SessionKeys {
    /// Whether none is set.
    pub fn is_empty(&self) -> bool {
        let Self { inbound_ah, outbound_ah, inbound_esp, outbound_esp } = self;
        inbound_ah.is_none() && outbound_ah.is_none() && inbound_esp.is_none() && outbound_esp.is_none()
    }
}

/// A manual AH key.
#[derive(Clone, PartialEq, Eq)]
pub struct SpiKey {
    /// SPI, 256 or more (RFC 4302 2.4).
    pub spi: u32,
    /// The key's octets.
    pub key: ConfigSecret,
    /// Where it stood.
    pub origin: Origin,
}

impl fmt::Debug for SpiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { spi, key: _, origin } = self;
        f.debug_struct("SpiKey").field("spi", spi).field("origin", origin).finish_non_exhaustive()
    }
}

/// Manual ESP keys.
#[derive(Clone, PartialEq, Eq)]
pub struct EspSessionKey {
    /// SPI, 256 or more (RFC 4303 2.1).
    pub spi: u32,
    /// The cipher's key.
    pub cipher: ConfigSecret,
    /// The authenticator's key.
    pub authenticator: Option<ConfigSecret>,
    /// Where it stood.
    pub origin: Origin,
}

impl fmt::Debug for EspSessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { spi, cipher: _, authenticator: _, origin } = self;
        f.debug_struct("EspSessionKey").field("spi", spi).field("origin", origin).finish_non_exhaustive()
    }
}
