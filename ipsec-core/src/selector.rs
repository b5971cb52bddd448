//! Selectors (RFC 4301 4.4.1.1).

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::ops::RangeInclusive;

use thiserror::Error;

use crate::{Flow, FlowPorts, Protocol};

/// Which way a packet goes through the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the protected side: the packet's source is local.
    Outbound,
    /// To the protected side: the packet's source is remote.
    Inbound,
}

/// Whether a packet is inside a selector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Match {
    /// It is.
    Yes,
    /// It is not.
    No,
    /// It may be: everything that can be seen fits, but the selector names ports and the packet shows none.
    Opaque,
}

/// A set of packets: ranges of addresses on both sides, one protocol or any, ranges of ports.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Selector {
    local: RangeInclusive<IpAddr>,
    remote: RangeInclusive<IpAddr>,
    protocol: Option<Protocol>,
    local_ports: RangeInclusive<u16>,
    remote_ports: RangeInclusive<u16>,
}

impl Selector {
    const ANY_PORT: RangeInclusive<u16> = 0..=u16::MAX;

    /// All packets between two ranges of addresses of one family.
    ///
    /// # Errors
    /// [`InvalidSelector`] if a range is empty or the four ends are not of one family.
    pub fn new(
        local: RangeInclusive<IpAddr>,
        remote: RangeInclusive<IpAddr>,
    ) -> Result<Self, InvalidSelector> {
        let ends = [local.start(), local.end(), remote.start(), remote.end()];
        if ends.iter().any(|end| end.is_ipv4() != local.start().is_ipv4()) {
            return Err(InvalidSelector::MixedFamilies);
        }
        if local.is_empty() || remote.is_empty() {
            return Err(InvalidSelector::EmptyRange);
        }
        Ok(Self { local, remote, protocol: None, local_ports: Self::ANY_PORT, remote_ports: Self::ANY_PORT })
    }

    /// The same, for one protocol only.
    #[must_use]
    pub fn with_protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = Some(protocol);
        self
    }

    /// The same, for these ports only.
    ///
    /// # Errors
    /// [`InvalidSelector`] if a range is empty, or the protocol is not set or has no ports.
    pub fn with_ports(
        mut self,
        local: RangeInclusive<u16>,
        remote: RangeInclusive<u16>,
    ) -> Result<Self, InvalidSelector> {
        if local.is_empty() || remote.is_empty() {
            return Err(InvalidSelector::EmptyRange);
        }
        let any = local == Self::ANY_PORT && remote == Self::ANY_PORT;
        if !any && !self.protocol.is_some_and(Protocol::has_ports) {
            return Err(InvalidSelector::PortsWithoutProtocol);
        }
        (self.local_ports, self.remote_ports) = (local, remote);
        Ok(self)
    }

    /// The range of addresses that share the first `len` bits with `address`; `None` if it has fewer bits.
    pub fn prefix(address: IpAddr, len: u8) -> Option<RangeInclusive<IpAddr>> {
        let len = u32::from(len);
        match address {
            IpAddr::V4(address) => {
                let host = u32::MAX.checked_shr(len).unwrap_or(0);
                let first = (len <= 32).then_some(address.to_bits() & !host)?;
                Some(Ipv4Addr::from_bits(first).into()..=Ipv4Addr::from_bits(first | host).into())
            }
            IpAddr::V6(address) => {
                let host = u128::MAX.checked_shr(len).unwrap_or(0);
                let first = (len <= 128).then_some(address.to_bits() & !host)?;
                Some(Ipv6Addr::from_bits(first).into()..=Ipv6Addr::from_bits(first | host).into())
            }
        }
    }

    /// Addresses on our side.
    pub fn local(&self) -> &RangeInclusive<IpAddr> {
        &self.local
    }

    /// Addresses on the peer's side.
    pub fn remote(&self) -> &RangeInclusive<IpAddr> {
        &self.remote
    }

    /// The protocol, `None` for any.
    pub fn protocol(&self) -> Option<Protocol> {
        self.protocol
    }

    /// Ports on our side.
    pub fn local_ports(&self) -> &RangeInclusive<u16> {
        &self.local_ports
    }

    /// Ports on the peer's side.
    pub fn remote_ports(&self) -> &RangeInclusive<u16> {
        &self.remote_ports
    }

    /// Whether only some ports are inside.
    pub fn names_ports(&self) -> bool {
        self.local_ports != Self::ANY_PORT || self.remote_ports != Self::ANY_PORT
    }

    /// Whether a packet that goes `direction` is inside.
    pub fn matches(&self, flow: &Flow, direction: Direction) -> Match {
        let (local, remote) = match direction {
            Direction::Outbound => (&flow.source, &flow.destination),
            Direction::Inbound => (&flow.destination, &flow.source),
        };
        if !self.local.contains(local)
            || !self.remote.contains(remote)
            || self.protocol.is_some_and(|protocol| protocol != flow.protocol)
        {
            return Match::No;
        }
        if !self.names_ports() {
            return Match::Yes;
        }
        let (local, remote) = match (flow.ports, direction) {
            (FlowPorts::None, _) => return Match::No,
            // RFC 4301 7: a fragment without ports must not slip past a policy that names them.
            (FlowPorts::Opaque, _) => return Match::Opaque,
            (FlowPorts::Known { source, destination }, Direction::Outbound) => (source, destination),
            (FlowPorts::Known { source, destination }, Direction::Inbound) => (destination, source),
        };
        if self.local_ports.contains(&local) && self.remote_ports.contains(&remote) {
            Match::Yes
        } else {
            Match::No
        }
    }

    /// Whether every packet inside `other` is inside this one too.
    pub fn covers(&self, other: &Self) -> bool {
        fn within<T: PartialOrd>(outer: &RangeInclusive<T>, inner: &RangeInclusive<T>) -> bool {
            outer.contains(inner.start()) && outer.contains(inner.end())
        }
        within(&self.local, &other.local)
            && within(&self.remote, &other.remote)
            && self.protocol.is_none_or(|protocol| other.protocol == Some(protocol))
            && within(&self.local_ports, &other.local_ports)
            && within(&self.remote_ports, &other.remote_ports)
    }
}

/// Values that make no selector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidSelector {
    /// IPv4 and IPv6 in one selector.
    #[error("addresses of two families")]
    MixedFamilies,
    /// A range whose end lies before its start.
    #[error("an empty range")]
    EmptyRange,
    /// Ports need a protocol that has ports (RFC 2407 4.6.2).
    #[error("ports without a protocol that has them")]
    PortsWithoutProtocol,
}
