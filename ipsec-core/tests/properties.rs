//! Properties: the replay window is a set, a selector is the product of its ranges, a tunnel header is what RFC 4301 says.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::too_many_lines,
    missing_docs,
    reason = "a test may panic"
)]

use core::net::{IpAddr, Ipv4Addr};
use std::collections::BTreeSet;

use ipsec_core::{
    DfPolicy, Direction, DropReason, DscpPolicy, EcnPolicy, Flow, FlowPorts, IpHeader, Match, PacketBuf,
    Protocol, ReplayProtection, ReplayWindow, Selector, SequenceWidth, Tunnel, WindowSize, checksum,
    decapsulate,
};
use proptest::prelude::*;

/// RFC 4303 3.4.3 in the words of sets: everything that was accepted, and the highest of it.
#[derive(Default)]
struct Model {
    seen: BTreeSet<u64>,
}

impl Model {
    fn accept(&mut self, number: u64, size: u64) -> Result<(), DropReason> {
        let highest = self.seen.last().copied().unwrap_or(0);
        if number == 0 {
            Err(DropReason::SequenceZero)
        } else if highest >= size && number <= highest - size {
            Err(DropReason::TooOld)
        } else if self.seen.insert(number) {
            Ok(())
        } else {
            Err(DropReason::Replayed)
        }
    }
}

/// How the next number lies to the highest one.
fn steps() -> impl Strategy<Value = Vec<i64>> {
    let step = prop_oneof![
        4 => -70_i64..70,
        3 => -4200_i64..4200,
        1 => Just(64_i64),
        1 => Just(-64_i64),
        1 => 0_i64..1 << 33,
        1 => Just(1_i64 << 31),
    ];
    prop::collection::vec(step, 1..300)
}

fn sizes() -> impl Strategy<Value = u16> {
    prop_oneof![
        Just(32_u16),
        Just(63),
        Just(64),
        Just(65),
        Just(128),
        Just(1024),
        Just(4095),
        Just(4096),
        32_u16..4096
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn t093_replay_window_is_a_set(size in sizes(), steps in steps(), start in prop_oneof![Just(0_u64), 0_u64..0xffff_ffff]) {
        let protection = ReplayProtection::Window(WindowSize::new(size).unwrap());
        let mut window = ReplayWindow::new(protection, SequenceWidth::Short);
        let mut model = Model::default();
        let mut highest = start;
        for step in steps {
            let number = highest.saturating_add_signed(step).min(0xffff_ffff);
            let low = u32::try_from(number).unwrap();
            let result = window.check(low).and_then(|fresh| window.accept(fresh));
            prop_assert_eq!(result, model.accept(number, size.into()), "{} after {}", number, highest);
            highest = model.seen.last().copied().unwrap_or(start);
        }
        prop_assert_eq!(window.highest(), model.seen.last().copied().unwrap_or(0));
    }

    /// RFC 4303 A2: as long as numbers move by less than 2^31 and the receiver has seen what came before, the high half
    /// is guessed right.
    #[test]
    fn t094_extended_numbers_are_guessed_right(size in sizes(), steps in steps()) {
        let protection = ReplayProtection::Window(WindowSize::new(size).unwrap());
        let mut window = ReplayWindow::new(protection, SequenceWidth::Extended);
        let mut model = Model::default();
        let mut highest = 0_u64;
        for step in steps {
            let step = step.min((1 << 31) - 1);
            let number = highest.saturating_add_signed(step);
            if number == 0 || (highest >= u64::from(size) && number <= highest - u64::from(size)) {
                // Left of the window the guess is a number of the next round, which no ICV will confirm.
                continue;
            }
            let low = u32::try_from(number & 0xffff_ffff).unwrap();
            let fresh = window.check(low);
            if let Ok(fresh) = &fresh {
                prop_assert_eq!(fresh.number(), number);
                prop_assert_eq!(u64::from(fresh.high()), number >> 32);
            }
            let result = fresh.and_then(|fresh| window.accept(fresh));
            prop_assert_eq!(result, model.accept(number, size.into()));
            highest = model.seen.last().copied().unwrap_or(0);
        }
    }

    #[test]
    fn selectors_are_products_of_ranges(
        ends in prop::array::uniform4(0_u32..40),
        ports in prop::array::uniform4(0_u16..40),
        with_ports in any::<bool>(),
        packet in (0_u32..40, 0_u32..40, 0_u16..40, 0_u16..40),
        outbound in any::<bool>(),
        kind in 0..3,
    ) {
        let range = |a: u32, b: u32| Ipv4Addr::from_bits(a.min(b)).into()..=Ipv4Addr::from_bits(a.max(b)).into();
        let port_range = |a: u16, b: u16| a.min(b)..=a.max(b);
        let mut selector = Selector::new(range(ends[0], ends[1]), range(ends[2], ends[3])).unwrap()
            .with_protocol(Protocol::TCP);
        if with_ports {
            selector = selector.with_ports(port_range(ports[0], ports[1]), port_range(ports[2], ports[3])).unwrap();
        }
        let (local, remote, local_port, remote_port) = packet;
        let ((source, source_port), (destination, destination_port)) = if outbound {
            ((local, local_port), (remote, remote_port))
        } else {
            ((remote, remote_port), (local, local_port))
        };
        let flow = Flow {
            source: IpAddr::V4(Ipv4Addr::from_bits(source)),
            destination: IpAddr::V4(Ipv4Addr::from_bits(destination)),
            protocol: if kind == 2 { Protocol::UDP } else { Protocol::TCP },
            ports: if kind == 1 {
                FlowPorts::Opaque
            } else {
                FlowPorts::Known { source: source_port, destination: destination_port }
            },
        };
        let between = |n: u32, a: u32, b: u32| (a..=b).contains(&n) || (b..=a).contains(&n);
        let inside = between(local, ends[0], ends[1]) && between(remote, ends[2], ends[3]) && kind != 2;
        let port = |n: u16, a: u16, b: u16| between(n.into(), a.into(), b.into());
        let ports_inside = port(local_port, ports[0], ports[1]) && port(remote_port, ports[2], ports[3]);
        let expected = match (inside, with_ports, kind) {
            (false, ..) => Match::No,
            (true, false, _) => Match::Yes,
            (true, true, 1) => Match::Opaque,
            (true, true, _) if ports_inside => Match::Yes,
            (true, true, _) => Match::No,
        };
        let direction = if outbound { Direction::Outbound } else { Direction::Inbound };
        prop_assert_eq!(selector.matches(&flow, direction), expected);
    }

    #[test]
    fn prefixes_are_their_addresses(bits in any::<u32>(), len in 0_u8..=32, other in any::<u32>()) {
        let range = Selector::prefix(Ipv4Addr::from_bits(bits).into(), len).unwrap();
        let shift = 32 - u32::from(len);
        let same = u64::from(bits) >> shift == u64::from(other) >> shift;
        prop_assert_eq!(range.contains(&IpAddr::V4(Ipv4Addr::from_bits(other))), same);
    }

    #[test]
    fn t145_noise_is_no_packet_and_no_panic(octets in prop::collection::vec(any::<u8>(), 0..120), first in 0_u8..4) {
        let mut octets = octets;
        if let Some(octet) = octets.first_mut() {
            *octet = [0x45, 0x46, 0x60, *octet][usize::from(first)];
        }
        let _ = IpHeader::parse(&octets);
        let _ = Flow::of(&octets);
        for protocol in [Protocol::IPV4, Protocol::IPV6, Protocol::UDP] {
            let _ = decapsulate(&mut PacketBuf::copy_of(&octets), protocol, 3);
        }
    }
}

/// An inner header: version, class, DF.
fn inner(v6: bool, class: u8, df: bool) -> Vec<u8> {
    if v6 {
        let mut packet = vec![0x60 | (class >> 4), class << 4, 0, 0, 0, 0, 59, 9];
        packet.extend([0xfd; 32]);
        return packet;
    }
    let mut packet =
        vec![0x45, class, 0, 20, 0, 1, if df { 0x40 } else { 0 }, 0, 9, 17, 0, 0, 10, 1, 0, 7, 10, 2, 0, 9];
    let sum = checksum(&packet);
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    packet
}

#[test]
fn outer_headers_by_rule() {
    // RFC 4301 5.1.2.1, 5.1.2.2; RFC 6040 4.1 (test)
    let ends = |v6: bool| if v6 { ("fd09::1", "fd09::2") } else { ("192.0.2.1", "192.0.2.2") };
    let policies = [DfPolicy::Copy, DfPolicy::Set, DfPolicy::Clear];
    let dscps = [DscpPolicy::Copy, DscpPolicy::Set(0x0a)];
    let ecns = [EcnPolicy::Normal, EcnPolicy::Compatibility];
    for n in 0..2 * 2 * 2 * 4 * 3 * 2 * 2 {
        let [outer_v6, inner_v6, df] = [n & 1, n & 2, n & 4].map(|bit| bit != 0);
        let ecn = (n >> 3 & 3) as u8;
        let (rest, class) = (n >> 5, 0xb8 | ecn);
        let (df_policy, dscp, ecn_policy) = (policies[rest % 3], dscps[rest / 3 % 2], ecns[rest / 6 % 2]);
        let (local, remote) = ends(outer_v6);
        let mut tunnel = Tunnel::new(local.parse().unwrap(), remote.parse().unwrap()).unwrap();
        (tunnel.df, tunnel.dscp, tunnel.ecn, tunnel.ttl) = (df_policy, dscp, ecn_policy, 77);

        let clear = inner(inner_v6, class, df);
        let mut packet = PacketBuf::copy_of(&clear);
        let outer = tunnel.outer(&IpHeader::parse(&clear).unwrap());
        outer.prepend(&mut packet, Protocol::ESP, 0xabcd).unwrap();
        let header = IpHeader::parse(packet.octets()).unwrap();
        assert_eq!((header.source(), header.destination()), (tunnel.local(), tunnel.remote()));
        assert_eq!(
            (header.ttl(), header.protocol()),
            (77, Protocol::ESP),
            "the TTL is constructed, never the inner one"
        );
        assert_eq!(header.total_len(), packet.len());
        assert_eq!(&packet.octets()[tunnel.header_len()..], clear);
        let expected_dscp = if dscp == DscpPolicy::Copy { 0x2e } else { 0x0a };
        let expected_ecn = if ecn_policy == EcnPolicy::Normal { ecn } else { 0 };
        assert_eq!(header.traffic_class(), expected_dscp << 2 | expected_ecn);
        if let IpHeader::V4(v4) = header {
            let expected = match df_policy {
                DfPolicy::Copy => inner_v6 || df,
                DfPolicy::Set => true,
                DfPolicy::Clear => false,
            };
            assert_eq!((v4.dont_fragment, v4.identification, v4.header_len), (expected, 0xabcd, 20));
            assert_eq!(checksum(&packet.octets()[..20]), 0);
        }
    }
}

#[test]
fn t107_all_sixteen_congestion_pairs_over_ipv6() {
    // RFC 6040 4.2, figure 4 (test): rows are the inner field, columns the outer one: Not-ECT, ECT(1), ECT(0), CE.
    let table = [
        [Some(0), Some(0), Some(0), None],
        [Some(1), Some(1), Some(1), Some(3)],
        [Some(2), Some(1), Some(2), Some(3)],
        [Some(3), Some(3), Some(3), Some(3)],
    ];
    for (inner_ecn, row) in (0..).zip(table) {
        for (outer_ecn, expected) in (0..).zip(row) {
            let mut packet = PacketBuf::copy_of(&inner(true, 0xb8 | inner_ecn, false));
            let result = decapsulate(&mut packet, Protocol::IPV6, 0x04 | outer_ecn);
            match expected {
                None => assert_eq!(result, Err(DropReason::Congestion)),
                Some(ecn) => {
                    let before = result.unwrap();
                    let after = IpHeader::parse(packet.octets()).unwrap();
                    assert_eq!(after.traffic_class(), 0xb8 | ecn);
                    assert_eq!((after.source(), after.ttl()), (before.source(), before.ttl()));
                }
            }
        }
    }
}

#[test]
fn selectors_that_make_no_sense() {
    use ipsec_core::InvalidSelector;
    let address = |text: &str| text.parse::<IpAddr>().unwrap();
    let one = |text: &str| address(text)..=address(text);
    let mixed = Selector::new(one("10.0.0.1"), one("fd00::1"));
    assert_eq!(mixed.unwrap_err(), InvalidSelector::MixedFamilies);
    let mixed = Selector::new(address("10.0.0.1")..=address("fd00::1"), one("10.0.0.2"));
    assert_eq!(mixed.unwrap_err(), InvalidSelector::MixedFamilies);
    let reversed = Selector::new(address("10.0.0.2")..=address("10.0.0.1"), one("10.0.0.3"));
    assert_eq!(reversed.unwrap_err(), InvalidSelector::EmptyRange);
    let good = Selector::new(one("10.0.0.1"), one("10.0.0.2")).unwrap();
    let any = 0..=u16::MAX;
    assert_eq!(
        good.clone().with_ports(5..=5, any.clone()).unwrap_err(),
        InvalidSelector::PortsWithoutProtocol
    );
    let icmp = good.clone().with_protocol(Protocol::ICMP);
    assert_eq!(
        icmp.clone().with_ports(5..=5, any.clone()).unwrap_err(),
        InvalidSelector::PortsWithoutProtocol
    );
    assert!(icmp.clone().with_ports(any.clone(), any).is_ok());
    assert!(good.covers(&icmp) && !icmp.covers(&good));
    assert!(
        Selector::prefix(address("10.0.0.1"), 33).is_none()
            && Selector::prefix(address("fd00::1"), 129).is_none()
    );
    let everything = Selector::prefix(address("fd00::1"), 0).unwrap();
    assert_eq!(everything, address("::")..=address("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"));
}
