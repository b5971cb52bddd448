//! Sets of packets as the kernel writes them: a prefix on either side, ports with a mask.

use core::net::IpAddr;
use core::ops::RangeInclusive;

use ipsec_core::Selector;

use crate::io::guard::prefix_of;

/// Bits of a port.
const PORT_BITS: u32 = 16;

/// Which way packets go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// From our side to the peer's.
    Out,
    /// From the peer's side to ours.
    In,
}

/// The kernel's selectors for a set of packets: several where it names ranges of ports, none where its addresses are no
/// prefix.
pub(super) fn of(packets: &Selector, way: Way) -> Vec<netlink_packet_xfrm::Selector> {
    let prefix = |range: &RangeInclusive<IpAddr>| prefix_of(*range.start(), *range.end());
    let (Some(local), Some(remote)) = (prefix(packets.local()), prefix(packets.remote())) else {
        return Vec::new();
    };
    let (source, destination) = match way {
        Way::Out => ((local, packets.local_ports()), (remote, packets.remote_ports())),
        Way::In => ((remote, packets.remote_ports()), (local, packets.local_ports())),
    };
    let mut plain = netlink_packet_xfrm::Selector::default();
    plain.source_prefix(&source.0.0, source.0.1);
    plain.destination_prefix(&destination.0.0, destination.0.1);
    plain.proto = packets.protocol().map_or(0, |protocol| protocol.0);
    let mut selectors = Vec::new();
    for (sport, sport_mask) in blocks(source.1) {
        for (dport, dport_mask) in blocks(destination.1) {
            selectors.push(netlink_packet_xfrm::Selector { sport, sport_mask, dport, dport_mask, ..plain });
        }
    }
    selectors
}

/// A range of ports as ports with masks.
fn blocks(ports: &RangeInclusive<u16>) -> Vec<(u16, u16)> {
    let mut blocks = Vec::new();
    let (mut next, last) = (u32::from(*ports.start()), u32::from(*ports.end()));
    while next <= last {
        // The largest block that begins here and does not go past the end.
        let fits = |bits: &u32| {
            let size = 1_u32.checked_shl(*bits).unwrap_or(u32::MAX);
            next.checked_rem(size) == Some(0) && next.saturating_add(size).saturating_sub(1) <= last
        };
        let bits = (0..=PORT_BITS).rev().find(fits).unwrap_or(0);
        let size = 1_u32.checked_shl(bits).unwrap_or(1);
        let mask = u16::MAX.checked_shl(bits).unwrap_or(0);
        blocks.push((u16::try_from(next).unwrap_or(u16::MAX), mask));
        next = next.saturating_add(size);
    }
    blocks
}

/// The packets that are in both sets.
pub(super) fn meet(one: &Selector, other: &Selector) -> Option<Selector> {
    let protocol = match (one.protocol(), other.protocol()) {
        (Some(one), Some(other)) if one != other => return None,
        (one, other) => one.or(other),
    };
    let both =
        Selector::new(common(one.local(), other.local())?, common(one.remote(), other.remote())?).ok()?;
    let both = match protocol {
        Some(protocol) => both.with_protocol(protocol),
        None => both,
    };
    let local_ports = common(one.local_ports(), other.local_ports())?;
    let remote_ports = common(one.remote_ports(), other.remote_ports())?;
    both.with_ports(local_ports, remote_ports).ok()
}

fn common<T: Copy + Ord>(one: &RangeInclusive<T>, other: &RangeInclusive<T>) -> Option<RangeInclusive<T>> {
    let range = *one.start().max(other.start())..=*one.end().min(other.end());
    (!range.is_empty()).then_some(range)
}

#[cfg(test)]
mod tests {
    use ipsec_core::Protocol;

    use super::*;

    #[test]
    fn ranges_of_ports_are_blocks_that_hold_them_exactly() {
        assert_eq!(blocks(&(0..=u16::MAX)), [(0, 0)]);
        assert_eq!(blocks(&(80..=80)), [(80, u16::MAX)]);
        assert_eq!(blocks(&(u16::MAX..=u16::MAX)), [(u16::MAX, u16::MAX)]);
        for range in [0..=1023, 1024..=u16::MAX, 1..=6, 7..=1000, 0..=65534, 1..=u16::MAX] {
            let blocks = blocks(&range);
            for port in 0..=u16::MAX {
                let hits = blocks.iter().filter(|(base, mask)| port & mask == *base).count();
                assert_eq!(hits, usize::from(range.contains(&port)), "{port} in {range:?}");
            }
        }
    }

    #[test]
    fn sets_of_packets_meet() {
        let prefix = |address: [u8; 4], len| Selector::prefix(address.into(), len).unwrap();
        let wide = Selector::new(prefix([10, 1, 0, 0], 16), prefix([10, 2, 0, 0], 24)).unwrap();
        let narrow = Selector::new(prefix([10, 1, 3, 0], 24), prefix([10, 0, 0, 0], 8))
            .unwrap()
            .with_protocol(Protocol::UDP)
            .with_ports(0..=u16::MAX, 53..=53)
            .unwrap();
        let both = meet(&wide, &narrow).unwrap();
        assert_eq!(both.local(), &prefix([10, 1, 3, 0], 24));
        assert_eq!(both.remote(), &prefix([10, 2, 0, 0], 24));
        assert_eq!((both.protocol(), both.remote_ports()), (Some(Protocol::UDP), &(53..=53)));
        assert_eq!(meet(&narrow, &wide), Some(both));
        let other = Selector::new(prefix([10, 9, 0, 0], 16), prefix([10, 2, 0, 0], 24)).unwrap();
        assert_eq!(meet(&wide, &other), None);
        let tcp = wide.clone().with_protocol(Protocol::TCP);
        assert_eq!(meet(&tcp, &narrow), None);
    }
}
