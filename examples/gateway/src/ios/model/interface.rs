//! Interfaces and static routes.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{KnownLine, Located, Origin};

/// Name of an interface in IOS's full form, `Ethernet0` for example.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct InterfaceName(String);

impl InterfaceName {
    /// The types of interfaces that a name can begin with.
    pub const KINDS: &[&str] = &[
        "ATM",
        "Async",
        "BRI",
        "Dialer",
        "Ethernet",
        "FastEthernet",
        "Fddi",
        "GigabitEthernet",
        "Group-Async",
        "Hssi",
        "Loopback",
        "Null",
        "POS",
        "Port-channel",
        "Serial",
        "TenGigabitEthernet",
        "TokenRing",
        "Tunnel",
        "Virtual-Template",
        "Vlan",
    ];

    /// An interface by its type, one of [`KINDS`](Self::KINDS), and its number: digits, joined by `/`, then perhaps
    /// a point and the number of a sub-interface.
    pub fn new(kind: &str, unit: &str) -> Option<Self> {
        let is_number =
            |part: &str| (1..=4).contains(&part.len()) && part.bytes().all(|octet| octet.is_ascii_digit());
        let (slots, sub) = match unit.split_once('.') {
            Some((slots, sub)) => (slots, Some(sub)),
            None => (unit, None),
        };
        let is_unit =
            slots.split('/').count() <= 3 && slots.split('/').all(is_number) && sub.is_none_or(is_number);
        (is_unit && Self::KINDS.contains(&kind)).then(|| Self(format!("{kind}{unit}")))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for InterfaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One `interface`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its name.
    pub name: InterfaceName,
    /// `description`.
    pub description: Option<String>,
    /// `ip address`: the primary one first, then the `secondary` ones.
    pub addresses: Vec<InterfaceAddress>,
    /// `ipv6 address`, with the length of the prefix.
    pub ipv6_addresses: Vec<(Ipv6Addr, u8)>,
    /// `mtu`, in octets.
    pub mtu: Option<u16>,
    /// `ip mtu`, in octets.
    pub ip_mtu: Option<u16>,
    /// `shutdown`.
    pub shutdown: bool,
    /// `crypto map`: the one map that is applied.
    pub crypto_map: Option<Located<String>>,
    /// Lines without effect.
    pub known: Vec<KnownLine>,
    /// Where the block began.
    pub origin: Origin,
}

impl Interface {
    /// An interface of which nothing is said.
    pub fn new(name: InterfaceName, origin: Origin) -> Self {
        Self {
            name,
            description: None,
            addresses: Vec::new(),
            ipv6_addresses: Vec::new(),
            mtu: None,
            ip_mtu: None,
            shutdown: false,
            crypto_map: None,
            known: Vec::new(),
            origin,
        }
    }

    /// The address of its own that a peer of that family sees: the primary one, or the first IPv6 address.
    pub fn local_address(&self, ipv6: bool) -> Option<IpAddr> {
        if ipv6 {
            self.ipv6_addresses.first().map(|&(address, _)| IpAddr::V6(address))
        } else {
            self.addresses.first().map(|address| IpAddr::V4(address.address))
        }
    }
}

/// One `ip address`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InterfaceAddress {
    /// The interface's own address.
    pub address: Ipv4Addr,
    /// Length of the network's prefix in bits.
    pub prefix: u8,
}

/// One `ip route` or `ipv6 route`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// First address of the destination.
    pub destination: IpAddr,
    /// Length of the destination's prefix in bits.
    pub prefix: u8,
    /// Where packets go.
    pub next_hop: NextHop,
    /// Administrative distance; the lower one wins. `None` is 1.
    pub distance: Option<u8>,
    /// Where the command stood.
    pub origin: Origin,
}

/// The other end of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NextHop {
    /// A neighbour of the destination's family.
    Address(IpAddr),
    /// Whatever is behind an interface.
    Interface(InterfaceName),
}
