//! IDci and IDcr: flows on the wire and as ranges (RFC 2407 4.6.2, RFC 2409 5.5).

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::ops::RangeInclusive;

use isakmp_wire::payload::{Identification, IdentityValue};
use isakmp_wire::{IdType, Payload};

use crate::error::{IdentityFault, Misbehaviour};
use crate::phase2::identification;
use crate::policy::{Path, Role, SelectorPair, TrafficSelector};

/// The ID payload of one side of a flow, in the narrowest form that can say it: address, subnet, range.
pub(crate) fn to_wire(selector: &TrafficSelector) -> Payload {
    let (id_type, data) = match (*selector.addresses.start(), *selector.addresses.end()) {
        (IpAddr::V4(start), IpAddr::V4(end)) if start == end => (IdType::IPV4_ADDR, start.octets().to_vec()),
        (IpAddr::V6(start), IpAddr::V6(end)) if start == end => (IdType::IPV6_ADDR, start.octets().to_vec()),
        (IpAddr::V4(start), IpAddr::V4(end)) => {
            let (start, end) = (start.to_bits(), end.to_bits());
            let holes = start ^ end;
            let subnet = (holes & holes.wrapping_add(1)) == 0 && start & holes == 0 && end & holes == holes;
            let (id_type, second) =
                if subnet { (IdType::IPV4_ADDR_SUBNET, !holes) } else { (IdType::IPV4_ADDR_RANGE, end) };
            (id_type, [start.to_be_bytes(), second.to_be_bytes()].concat())
        }
        (start, end) => {
            let bits = |address| match address {
                IpAddr::V4(address) => Ipv4Addr::to_ipv6_mapped(&address).to_bits(),
                IpAddr::V6(address) => Ipv6Addr::to_bits(address),
            };
            let (start, end) = (bits(start), bits(end));
            let holes = start ^ end;
            let subnet = (holes & holes.wrapping_add(1)) == 0 && start & holes == 0 && end & holes == holes;
            let (id_type, second) =
                if subnet { (IdType::IPV6_ADDR_SUBNET, !holes) } else { (IdType::IPV6_ADDR_RANGE, end) };
            (id_type, [start.to_be_bytes(), second.to_be_bytes()].concat())
        }
    };
    let (protocol, port) = (selector.protocol, selector.port);
    Payload::new(Identification { id_type, protocol, port, data: data.into() })
}

/// One side of a flow out of its ID payload.
pub(crate) fn from_wire(payload: &Payload) -> Result<TrafficSelector, Misbehaviour> {
    Ok(read(identification(payload)?)?)
}

fn read(body: &Identification) -> Result<TrafficSelector, IdentityFault> {
    if body.protocol == 0 && body.port != 0 {
        return Err(IdentityFault::PortWithoutProtocol(body.port));
    }
    let size = IdentityFault::Size { id_type: body.id_type, octets: body.data.len() };
    let value = body.value().map_err(|_| size)?;
    let addresses = match value {
        IdentityValue::Ipv4(address) => one(IpAddr::V4(address)),
        IdentityValue::Ipv6(address) => one(IpAddr::V6(address)),
        IdentityValue::Ipv4Range { first, last } => IpAddr::V4(first)..=IpAddr::V4(last),
        IdentityValue::Ipv6Range { first, last } => IpAddr::V6(first)..=IpAddr::V6(last),
        IdentityValue::Ipv4Subnet { address, mask } => {
            let (address, holes) = (address.to_bits(), !mask.to_bits());
            if holes & holes.wrapping_add(1) != 0 {
                return Err(IdentityFault::Mask(IpAddr::V4(mask)));
            }
            let (first, last) = (address & !holes, address | holes);
            IpAddr::V4(Ipv4Addr::from_bits(first))..=IpAddr::V4(Ipv4Addr::from_bits(last))
        }
        IdentityValue::Ipv6Subnet { address, mask } => {
            let (address, holes) = (address.to_bits(), !mask.to_bits());
            if holes & holes.wrapping_add(1) != 0 {
                return Err(IdentityFault::Mask(IpAddr::V6(mask)));
            }
            let (first, last) = (address & !holes, address | holes);
            IpAddr::V6(Ipv6Addr::from_bits(first))..=IpAddr::V6(Ipv6Addr::from_bits(last))
        }
        _ => return Err(IdentityFault::NoFlow(body.id_type)),
    };
    if addresses.is_empty() {
        let (first, last) = (*addresses.start(), *addresses.end());
        return Err(IdentityFault::Backwards { first, last });
    }
    Ok(TrafficSelector { addresses, protocol: body.protocol, port: body.port })
}

fn one(address: IpAddr) -> RangeInclusive<IpAddr> {
    address..=address
}

/// The flow that a Quick Mode without client IDs is about: everything between the two peers.
pub(crate) fn of_path(path: &Path) -> SelectorPair {
    let host = |address| TrafficSelector { addresses: one(address), protocol: 0, port: 0 };
    SelectorPair { local: host(path.local.ip()), remote: host(path.remote.ip()) }
}

/// The flow of IDci and IDcr as seen by a side: the first is the initiator's.
pub(crate) fn pair(role: Role, ci: &Payload, cr: &Payload) -> Result<SelectorPair, Misbehaviour> {
    let (ci, cr) = (from_wire(ci)?, from_wire(cr)?);
    if ci.addresses.start().is_ipv4() != cr.addresses.start().is_ipv4() {
        return Err(IdentityFault::Families.into());
    }
    Ok(match role {
        Role::Initiator => SelectorPair { local: ci, remote: cr },
        Role::Responder => SelectorPair { local: cr, remote: ci },
    })
}

/// Whether `inner` asks for no more than `outer` allows.
pub(crate) fn within(inner: &SelectorPair, outer: &SelectorPair) -> bool {
    let side = |inner: &TrafficSelector, outer: &TrafficSelector| {
        outer.addresses.contains(inner.addresses.start())
            && outer.addresses.contains(inner.addresses.end())
            && (outer.protocol == 0 || outer.protocol == inner.protocol)
            && (outer.port == 0 || outer.port == inner.port)
    };
    side(&inner.local, &outer.local) && side(&inner.remote, &outer.remote)
}
