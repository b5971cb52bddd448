//! A hub with three peers: two entries of one map, and a second map on another interface.

use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;
use std::collections::BTreeSet;

use gateway::router::{Happening, Occurrence, Router, datagram};
use ipsec_core::{IpHeader, Protocol};
use netsim::{Node, Port};
use oakley::{Event, Incompatibility, Reject};

use super::pair::{CANARY, router};

const HUB_LAN: Port = Port(0);
const HUB_HOST: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
/// Ends of the spokes; the first two are neighbours behind Serial0, the third is behind Serial1.
const ENDS: [Ipv4Addr; 3] =
    [Ipv4Addr::new(20, 0, 0, 1), Ipv4Addr::new(20, 0, 0, 2), Ipv4Addr::new(30, 0, 0, 3)];
const HOSTS: [Ipv4Addr; 3] =
    [Ipv4Addr::new(11, 0, 0, 1), Ipv4Addr::new(12, 0, 0, 1), Ipv4Addr::new(13, 0, 0, 1)];

const HUB: &str = include_str!("../../configs/two-peers-hub.cfg");
const SPOKES: [&str; 3] = [
    include_str!("../../configs/two-peers-1.cfg"),
    include_str!("../../configs/two-peers-2.cfg"),
    include_str!("../../configs/two-peers-3.cfg"),
];

struct Star {
    hub: Router,
    /// `None` is down.
    spokes: [Option<Router>; 3],
    now: Duration,
    /// Protected packets between hub and spokes.
    wire: Vec<Vec<u8>>,
    /// What came out behind each spoke, and behind the hub.
    inside: [Vec<Vec<u8>>; 4],
}

impl Star {
    fn new(down: Option<usize>) -> Self {
        let spokes = [0, 1, 2]
            .map(|which| (down != Some(which)).then(|| router("spoke.cfg", SPOKES[which], which as u64 + 2)));
        let hub = router("hub.cfg", HUB, 1);
        Self { hub, spokes, now: Duration::ZERO, wire: Vec::new(), inside: Default::default() }
    }

    fn hub_sends(&mut self, to: usize) {
        let packet = datagram::udp((HUB_HOST, 9), (HOSTS[to], 9), 1, CANARY).unwrap();
        self.hub.handle_packet(self.now, HUB_LAN, &packet);
        self.settle();
    }

    fn spoke_sends(&mut self, from: usize) {
        let packet = datagram::udp((HOSTS[from], 9), (HUB_HOST, 9), 1, CANARY).unwrap();
        self.spokes[from].as_mut().unwrap().handle_packet(self.now, Port(0), &packet);
        self.settle();
    }

    fn settle(&mut self) {
        let mut quiet = false;
        while !quiet {
            quiet = true;
            while let Some((port, packet)) = self.hub.poll_transmit() {
                quiet = false;
                if port == HUB_LAN {
                    self.inside[3].push(packet);
                    continue;
                }
                let header = self.note(&packet);
                let to = ENDS.iter().position(|end| IpAddr::V4(*end) == header.destination());
                let to = to.expect("nothing leaves but what is for a spoke");
                assert_eq!(port, if to == 2 { Port(2) } else { Port(1) });
                if let Some(spoke) = &mut self.spokes[to] {
                    spoke.handle_packet(self.now, Port(1), &packet);
                }
            }
            for which in 0..3 {
                while let Some((port, packet)) =
                    self.spokes[which].as_mut().and_then(|spoke| spoke.poll_transmit())
                {
                    quiet = false;
                    if port == Port(0) {
                        self.inside[which].push(packet);
                    } else {
                        self.note(&packet);
                        let port = if which == 2 { Port(2) } else { Port(1) };
                        self.hub.handle_packet(self.now, port, &packet);
                    }
                }
            }
        }
    }

    fn note(&mut self, packet: &[u8]) -> IpHeader {
        let header = IpHeader::parse(packet).unwrap();
        if header.protocol() == Protocol::ESP {
            self.wire.push(packet.to_vec());
        }
        assert!(packet.windows(CANARY.len()).all(|window| window != CANARY));
        header
    }

    fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            let routers = || self.spokes.iter().flatten().chain([&self.hub]);
            let next = routers().filter_map(Node::poll_timeout).min();
            let Some(next) = next.filter(|next| *next <= end) else { break };
            self.now = self.now.max(next);
            for router in self.spokes.iter_mut().flatten().chain([&mut self.hub]) {
                router.handle_timeout(self.now);
            }
            self.settle();
        }
        self.now = end;
    }
}

#[test]
fn each_flow_has_sas_of_its_own_and_nothing_crosses() {
    let mut star = Star::new(None);
    // Two are asked by the hub, one asks.
    star.hub_sends(0);
    star.spoke_sends(1);
    star.hub_sends(2);
    star.run_for(Duration::from_secs(2));
    for which in 0..3 {
        star.hub_sends(which);
        star.spoke_sends(which);
    }
    let arrived = star.inside.iter().map(Vec::len).collect::<Vec<_>>();
    assert_eq!(arrived, [2, 1, 2, 4]);
    for (which, host) in HOSTS.iter().enumerate() {
        let is_its = |packet: &Vec<u8>| IpHeader::parse(packet).unwrap().destination() == IpAddr::V4(*host);
        assert!(star.inside[which].iter().all(is_its));
    }
    let mut hub = star.hub.snapshot(star.now);
    hub.flows.sort_by_key(|flow| flow.peer);
    assert_eq!(hub.flows.len(), 3);
    let mut spis = BTreeSet::new();
    for (flow, end) in hub.flows.iter().zip(ENDS) {
        assert_eq!((flow.peer, flow.inbound.len(), flow.outbound.len()), (IpAddr::V4(end), 1, 1));
        assert!(spis.insert(flow.inbound[0].spi));
        // What was on the wire with the peer went under the SAs of its own flow.
        for packet in &star.wire {
            let header = IpHeader::parse(packet).unwrap();
            let spi = u32::from_be_bytes(packet[20..24].try_into().unwrap());
            if header.source() == IpAddr::V4(end) {
                assert_eq!(spi, flow.inbound[0].spi);
            } else if header.destination() == IpAddr::V4(end) {
                assert_eq!(spi, flow.outbound[0].spi);
            }
        }
    }
    let counts =
        hub.flows.iter().map(|flow| (flow.counters.encaps, flow.counters.decaps)).collect::<Vec<_>>();
    assert_eq!(counts, [(2, 1), (1, 2), (2, 1)]);
    // One spoke's packet at another is nobody's.
    let mut stray = star.wire.iter().find(|packet| packet[16..20] == ENDS[0].octets()).unwrap().clone();
    stray[16..20].copy_from_slice(&ENDS[1].octets());
    stray[10..12].fill(0);
    let sum = ipsec_core::checksum(&stray[..20]).to_be_bytes();
    stray[10..12].copy_from_slice(&sum);
    star.spokes[1].as_mut().unwrap().handle_packet(star.now, Port(1), &stray);
    star.settle();
    assert_eq!(star.inside[1].len(), 1);
}

#[test]
fn a_peer_that_is_down_harms_no_other() {
    let mut star = Star::new(Some(0));
    star.hub_sends(0);
    for _ in 0..3 {
        star.hub_sends(1);
        star.hub_sends(2);
        star.run_for(Duration::from_secs(1));
    }
    assert_eq!(star.inside.iter().map(Vec::len).collect::<Vec<_>>(), [0, 3, 3, 0]);
    star.run_for(Duration::from_secs(100));
    star.spoke_sends(1);
    star.spoke_sends(2);
    assert_eq!(star.inside[3].len(), 2);
    let mut hub = star.hub.snapshot(star.now);
    hub.flows.sort_by_key(|flow| flow.peer);
    let errors = hub.flows.iter().map(|flow| flow.counters.send_errors).collect::<Vec<_>>();
    assert_eq!(errors, [1, 0, 0]);
}

/// T068: a spoke that asks for its neighbour's net is refused, and what is for the neighbour goes to the neighbour.
#[test]
fn t068_a_peer_gets_its_own_flows_only() {
    for net in ["12.0.0.0 0.255.255.255", "0.0.0.0 255.255.255.255", "8.0.0.0 7.255.255.255"] {
        let mut star = Star::new(None);
        star.hub_sends(1);
        star.run_for(Duration::from_secs(2));
        let liar = SPOKES[0]
            .replace("permit ip 11.0.0.0 0.255.255.255", &format!("permit ip {net}"))
            .replace("ip address 11.0.0.254", "ip address 12.0.0.253");
        assert_ne!(liar, SPOKES[0]);
        star.spokes[0] = Some(router("liar.cfg", &liar, 9));
        let packet = datagram::udp((Ipv4Addr::new(12, 0, 0, 9), 9), (HUB_HOST, 9), 1, CANARY).unwrap();
        star.spokes[0].as_mut().unwrap().handle_packet(star.now, Port(0), &packet);
        star.settle();
        star.run_for(Duration::from_secs(5));
        let happened: Vec<_> = core::iter::from_fn(|| star.hub.poll_happening()).collect();
        let refused = |one: &Happening| {
            matches!(
                &one.what,
                Occurrence::Ike(Event::Rejected {
                    why: Reject::Incompatible(Incompatibility::Selectors { .. }),
                    ..
                })
            )
        };
        assert!(happened.iter().any(refused), "{net}");
        assert!(!happened.iter().any(|one| matches!(one.what, Occurrence::InstallFailed(_))), "{net}");
        let hub = star.hub.snapshot(star.now);
        let with_liar = hub.flows.iter().filter(|flow| flow.peer == IpAddr::V4(ENDS[0]));
        assert!(with_liar.clone().all(|flow| flow.inbound.is_empty() && flow.outbound.is_empty()), "{net}");
        assert_eq!(hub.ike_sas.len(), 2, "the liar is authenticated, as itself");
        let before = star.inside[1].len();
        star.hub_sends(1);
        assert_eq!((star.inside[0].len(), star.inside[1].len()), (0, before + 1), "{net}");
    }
}
