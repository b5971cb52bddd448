//! The rules, read as the machine reads them, against the policy database that the router asks.

use ipsec_core::{DfPolicy, Flow, FlowPorts, Policy, ReplayProtection, Spd, Unmatched};
use oakley::{Encapsulation, SelectorPair, TrafficSelector};
use proptest::prelude::*;

use super::*;
use crate::router::{InterfaceIndex, LineConfig};

const IKE: (u16, u16) = (500, 4500);

fn prefix(text: &str) -> RangeInclusive<IpAddr> {
    let (address, len) = text.split_once('/').unwrap();
    Selector::prefix(address.parse().unwrap(), len.parse().unwrap()).unwrap()
}

/// A line: permit or deny, local and remote prefix, protocol, local and remote ports.
fn line(
    permit: bool,
    (local, remote): (&str, &str),
    protocol: Option<u8>,
    ports: [RangeInclusive<u16>; 2],
) -> LineConfig {
    let mut selector = Selector::new(prefix(local), prefix(remote)).unwrap();
    if let Some(protocol) = protocol {
        let [local, remote] = ports;
        selector = selector.with_protocol(Protocol(protocol)).with_ports(local, remote).unwrap();
    }
    // What is negotiated does not matter here, only whether something is.
    let side = |addresses: &RangeInclusive<IpAddr>| TrafficSelector {
        addresses: addresses.clone(),
        protocol: 0,
        port: 0,
    };
    let pair = SelectorPair { local: side(selector.local()), remote: side(selector.remote()) };
    LineConfig { selector, negotiated: permit.then_some(pair) }
}

fn any() -> [RangeInclusive<u16>; 2] {
    [0..=u16::MAX, 0..=u16::MAX]
}

fn map(locals: &[&str], entries: Vec<Vec<LineConfig>>) -> MapConfig {
    let entry = |lines| EntryConfig {
        sequence: 10,
        peers: Vec::new(),
        lines,
        replay: ReplayProtection::Off,
        df: DfPolicy::Copy,
        encapsulation: Encapsulation::Tunnel,
        proposals: Vec::new(),
    };
    MapConfig {
        name: "test".to_owned(),
        interface: InterfaceIndex(0),
        locals: locals.iter().map(|local| local.parse().unwrap()).collect(),
        entries: entries.into_iter().map(entry).collect(),
    }
}

/// What the machine does: a packet in pieces has no ports for it.
fn dropped(rules: &[ClearRule], flow: &Flow) -> bool {
    let (source, destination) = match flow.ports {
        FlowPorts::Known { source, destination } => (source, destination),
        FlowPorts::None | FlowPorts::Opaque => (0, 0),
    };
    let inside = |range: (u16, u16), port: u16| match askable(range) {
        None => false,
        Some(None) => true,
        Some(Some((first, last))) => (first..=last).contains(&port),
    };
    let has = |prefix: Prefix, address| Selector::prefix(prefix.0, prefix.1).unwrap().contains(&address);
    let fits = |rule: &&ClearRule| {
        let area = rule.area;
        has(area.from, flow.source)
            && has(area.to, flow.destination)
            && area.protocol.is_none_or(|protocol| protocol == flow.protocol.0)
            && inside(area.source_ports, source)
            && inside(area.destination_ports, destination)
    };
    rules.iter().find(fits).is_some_and(|rule| !rule.pass)
}

fn flow(source: &str, destination: &str, protocol: u8, ports: FlowPorts) -> Flow {
    let (source, destination) = (source.parse().unwrap(), destination.parse().unwrap());
    Flow { source, destination, protocol: Protocol(protocol), ports }
}

/// T101, T103: in transport mode the map covers the gateway's own packets.
#[test]
fn t103_ike_esp_and_neighbour_discovery_pass_and_nothing_else() {
    let one = line(true, ("20.0.0.1/32", "20.0.0.2/32"), None, any());
    let six = line(true, ("fd20::1/128", "fd20::2/128"), None, any());
    let rules = rules(&map(&["20.0.0.1", "fd20::1"], vec![vec![one, six]]), IKE).unwrap();
    let udp = |port| FlowPorts::Known { source: 500, destination: port };
    for (from, to) in [("20.0.0.2", "20.0.0.1"), ("fd20::2", "fd20::1")] {
        for (protocol, ports) in
            [(50, FlowPorts::None), (51, FlowPorts::None), (17, udp(500)), (17, udp(4500))]
        {
            assert!(!dropped(&rules, &flow(from, to, protocol, ports)), "{protocol} {ports:?}");
        }
        for (protocol, ports) in
            [(6, udp(500)), (17, udp(501)), (17, FlowPorts::Opaque), (1, FlowPorts::None)]
        {
            assert!(dropped(&rules, &flow(from, to, protocol, ports)), "{protocol} {ports:?}");
        }
        assert_eq!(dropped(&rules, &flow(from, to, 58, FlowPorts::None)), from == "20.0.0.2");
    }
    assert!(!dropped(&rules, &flow("20.0.0.3", "20.0.0.1", 6, udp(80))));
}

/// Where the machine has no protocol to ask for, in ARP, a rule that drops fits all the same.
#[test]
fn who_asks_for_our_address_by_arp_is_answered() {
    let arp = |locals: &[&str], local, remote, protocol| {
        let rules =
            rules(&map(locals, vec![vec![line(true, (local, remote), protocol, any())]]), IKE).unwrap();
        let drop: Vec<_> = rules.iter().filter(|rule| !rule.pass && rule.area.protocol.is_none()).collect();
        drop.iter().map(|rule| rule.spares_arp).collect::<Vec<_>>()
    };
    let own = ["20.0.0.1", "fd20::1"];
    assert_eq!(arp(&own, "20.0.0.1/32", "20.0.0.2/32", None), [true], "a peer");
    assert_eq!(arp(&own, "0.0.0.0/0", "0.0.0.0/0", None), [true], "a router before all peers");
    assert_eq!(arp(&own, "10.1.0.0/24", "20.0.0.0/24", None), [false], "for none of ours outside");
    assert_eq!(arp(&own, "20.0.0.1/32", "20.0.0.2/32", Some(6)), [false; 0], "no rule fits ARP");
    assert_eq!(arp(&own, "fd20::1/128", "fd20::2/128", None), [false], "IPv6 has no ARP");
}

#[test]
fn headers_that_hide_a_protocol_are_dropped() {
    let tcp = line(true, ("fd01::/64", "fd02::/64"), Some(6), any());
    let rules = rules(&map(&[], vec![vec![tcp]]), IKE).unwrap();
    for (protocol, is_dropped) in [(6, true), (43, true), (60, true), (17, false)] {
        assert_eq!(
            dropped(&rules, &flow("fd02::1", "fd01::1", protocol, FlowPorts::None)),
            is_dropped,
            "{protocol}"
        );
    }
}

#[test]
fn a_map_that_needs_too_many_rules_is_refused() {
    let denied = |net: u8| line(false, (&format!("10.{net}.0.0/16"), "0.0.0.0/0"), None, any());
    let permitted = line(true, ("10.0.0.0/8", "0.0.0.0/0"), None, any());
    // Each line that is denied goes on to all that are behind it.
    let entry: Vec<_> = (0..100).map(denied).chain([permitted]).collect();
    assert!(rules(&map(&[], vec![entry.clone(); 2]), IKE).is_some());
    assert!(rules(&map(&[], vec![entry; 30]), IKE).is_none());
}

fn lines() -> impl Strategy<Value = LineConfig> {
    let nets = || {
        prop::sample::select(vec![
            "0.0.0.0/0",
            "10.0.0.0/8",
            "10.1.0.0/16",
            "10.1.1.1/32",
            "10.2.0.0/16",
            "20.0.0.0/8",
        ])
    };
    let ports = || prop::sample::select(vec![0..=u16::MAX, 23..=23, 1024..=u16::MAX, 0..=1023, 100..=30_000]);
    let protocol = prop::sample::select(vec![None, Some(6), Some(17)]);
    let permit = prop::bool::weighted(0.6);
    (permit, nets(), nets(), protocol, ports(), ports()).prop_map(
        |(permit, local, remote, protocol, ours, theirs)| {
            line(permit, (local, remote), protocol, [ours, theirs])
        },
    )
}

proptest! {
    /// T101: what the router would not take in clear the machine does not take, and what it would the machine does. Only
    /// pieces of packets, and the two ports that the machine cannot be asked for, are dropped more often.
    #[test]
    fn t101_the_machine_drops_what_the_policy_database_refuses(
        entries in prop::collection::vec(prop::collection::vec(lines(), 1..4), 1..4),
        packets in prop::collection::vec((0..4_usize, 0..4_usize, 0..3_usize, 0..7_usize, 0..7_usize), 64),
    ) {
        const ADDRESSES: [&str; 4] = ["10.1.1.1", "10.1.1.2", "10.2.3.4", "20.3.4.5"];
        // One of each range that lines tell apart.
        const SOME: [u16; 7] = [0, 23, 50, 500, 1024, 40_000, u16::MAX];
        let config = map(&[], entries);
        let mut spd = Spd::new(Unmatched::Bypass);
        for (number, entry) in config.entries.iter().enumerate() {
            let lines = entry.lines.iter().map(|line| (line.selector.clone(), line.negotiated.as_ref().map(|_| number)));
            Policy::access_list(lines).into_iter().for_each(|policy| spd.push(policy));
        }
        let rules = rules(&config, IKE).unwrap();
        for (source, destination, protocol, theirs, ours) in packets {
            let protocol = [6, 17, 47][protocol];
            let of = |ports| flow(ADDRESSES[source], ADDRESSES[destination], protocol, ports);
            let known = |theirs, ours| of(FlowPorts::Known { source: theirs, destination: ours });
            let refused = |flow: &Flow| spd.inbound_clear(flow).is_err();
            let exact = protocol == 47 || ![theirs, ours].iter().any(|port| [0, 6].contains(port));
            let whole = if protocol == 47 { of(FlowPorts::None) } else { known(SOME[theirs], SOME[ours]) };
            let is_dropped = dropped(&rules, &whole);
            prop_assert!(is_dropped || !refused(&whole), "{whole:?} was let past by {rules:#?}");
            prop_assert!(!exact || is_dropped == refused(&whole), "{whole:?} was dropped by {rules:#?}");
            // A piece of a packet that would be refused for some ports.
            let some = SOME.iter().any(|theirs| SOME.iter().any(|ours| refused(&known(*theirs, *ours))));
            let piece = of(FlowPorts::Opaque);
            prop_assert!(protocol == 47 || !some || dropped(&rules, &piece), "{piece:?} was let past by {rules:#?}");
        }
    }
}
