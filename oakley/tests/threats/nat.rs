//! Rows T113 to T117: address translators, and those who pretend to be one.

use core::net::SocketAddr;
use core::time::Duration;

use bytes::Bytes;
use isakmp_wire::payload::{NatDiscovery, NatNumbering};
use isakmp_wire::{Message, Payload, PayloadKind};
use netsim::{Node, UdpDatagram};
use oakley::*;

use crate::pair::*;

mod lies;
mod moving;
mod nowhere;

const PUBLIC: [u8; 4] = [198, 51, 100, 7];
const GATEWAY: [u8; 4] = [192, 0, 2, 2];

fn end(ip: [u8; 4], port: u16) -> SocketAddr {
    SocketAddr::from((ip, port))
}

type Tamper = dyn Fn(bool, &[u8]) -> Option<Vec<u8>>;

/// Clients behind one translator, and a gateway outside. Datagrams are carried by hand.
struct Site {
    clients: Vec<(SocketAddr, Host)>,
    gateway: Host,
    now: Duration,
    /// What a client's port 500 and 4500 look like outside: this plus the client's index, times two, plus 0 or 1.
    first_port: u16,
    /// What went to the gateway, as it arrived there.
    seen: Vec<UdpDatagram>,
    /// Changes the payload of what goes to the gateway (true) or comes from it.
    tamper: Box<Tamper>,
}

fn crossing(me: u8, peer: u8) -> Policy {
    let mut policy = policy(me, peer);
    policy.nat = NatTraversal::default();
    policy
}

/// The policy of a client with this name, whose net is 10.`net`.0.0/24.
fn client(name: &str, net: u8) -> Policy {
    let mut policy = crossing(net, 2);
    policy.identity = Identity::Fqdn(name.into());
    policy.peer_identity = PeerIdentity::OneOf(vec![Identity::Address(end(GATEWAY, 0).ip())]);
    policy.quirks = Quirks::default();
    policy
}

fn gateway(names: &[&str]) -> Policy {
    let mut policy = crossing(2, 1);
    policy.peer_identity =
        PeerIdentity::OneOf(names.iter().map(|name| Identity::Fqdn((*name).into())).collect());
    policy.quirks = Quirks::default();
    if let Some(phase2) = &mut policy.phase2 {
        let all = "10.0.0.0".parse().unwrap()..="10.255.255.255".parse().unwrap();
        phase2.selectors.remote.addresses = all;
    }
    policy
}

impl Site {
    fn new(clients: Vec<Policy>, gateway: Policy) -> Self {
        let mut seed = 0;
        let mut host = |policy| {
            seed += 1;
            // As gateways have it: an exchange that nobody answers ends after half a minute.
            let mut config = Config::default();
            (config.retransmit_after, config.max_sends) = (Duration::from_secs(1), 5);
            Host::new(seed, policy, config)
        };
        let gateway = host(gateway);
        let clients = clients.into_iter().map(|policy| (end([10, 0, 0, 2], 0), host(policy))).collect();
        let tamper = Box::new(|_, _: &[u8]| None);
        Self { clients, gateway, now: Duration::ZERO, first_port: 20_000, seen: Vec::new(), tamper }
    }

    fn initiate(&mut self, index: usize, net: u8) {
        let (address, host) = &mut self.clients[index];
        let path = Path { local: end([10, 0, 0, 2], 500), remote: end(GATEWAY, 500) };
        assert_eq!(path.local.ip(), address.ip());
        let selectors = SelectorPair { local: crate::pair::net(net), remote: crate::pair::net(2) };
        host.engine.handle_input(self.now, Input::Initiate(Request { path, selectors })).unwrap();
        self.run();
    }

    fn outside(&self, index: usize, port: u16) -> SocketAddr {
        end(PUBLIC, self.first_port + 2 * index as u16 + u16::from(port == 4500))
    }

    /// Carries datagrams until there are none.
    fn run(&mut self) {
        loop {
            let mut quiet = true;
            for index in 0..self.clients.len() {
                while let Some((_, mut datagram)) = self.clients[index].1.poll_transmit() {
                    quiet = false;
                    datagram.source = self.outside(index, datagram.source.port());
                    if let Some(other) = (self.tamper)(true, &datagram.payload) {
                        datagram.payload = other;
                    }
                    self.seen.push(datagram.clone());
                    self.gateway.datagram(self.now, datagram.source, datagram.destination, &datagram.payload);
                }
            }
            while let Some((_, datagram)) = self.gateway.poll_transmit() {
                quiet = false;
                let inside = |site: &Self, index| {
                    [500, 4500].into_iter().find(|port| site.outside(index, *port) == datagram.destination)
                };
                // A port that the translator does not know leads nowhere.
                let found = (0..self.clients.len()).find_map(|index| Some((index, inside(self, index)?)));
                if let Some((index, port)) = found {
                    let payload = (self.tamper)(false, &datagram.payload).unwrap_or(datagram.payload);
                    let to = end([10, 0, 0, 2], port);
                    self.clients[index].1.datagram(self.now, datagram.source, to, &payload);
                }
            }
            if quiet {
                return;
            }
        }
    }

    /// What can be seen of the gateway, but for counters.
    fn state(&self) -> String {
        let snapshot = self.gateway.engine.snapshot();
        format!("{:?} {:?} {:?}", snapshot.ike_sas, snapshot.bundles, self.gateway.engine.poll_timeout())
    }

    fn gateway_paths(&self) -> Vec<Path> {
        self.gateway.engine.snapshot().bundles.iter().map(|bundle| bundle.path).collect()
    }

    /// The gateway gets something that must change nothing and draw no answer.
    fn quiet(&mut self, from: SocketAddr, to: SocketAddr, payload: &[u8]) {
        let before = self.state();
        self.gateway.datagram(self.now, from, to, payload);
        assert!(self.gateway.poll_transmit().is_none(), "answered: {payload:02x?}");
        assert_eq!(self.state(), before, "{payload:02x?}");
    }

    /// A datagram as the gateway has seen it, from another place.
    fn replay(&mut self, index: usize, from: SocketAddr) {
        let datagram = self.seen[index].clone();
        self.gateway.datagram(self.now, from, datagram.destination, &datagram.payload);
    }
}

fn one() -> Site {
    let mut site = Site::new(vec![client("one", 1)], gateway(&["one"]));
    site.initiate(0, 1);
    site
}

fn detected(host: &Host) -> Option<NatDetected> {
    host.engine.snapshot().ike_sas.first()?.nat
}

#[test]
fn a_client_behind_a_translator() {
    for aggressive in [false, true] {
        let with = |policy| Policy { aggressive, ..policy };
        let mut site = Site::new(vec![with(client("one", 1))], with(gateway(&["one"])));
        site.initiate(0, 1);
        let (inside, outside) = (detected(&site.clients[0].1).unwrap(), detected(&site.gateway).unwrap());
        assert_eq!((inside.local, inside.remote), (true, false));
        assert_eq!((outside.local, outside.remote), (false, true));
        let installed = &site.gateway.installed;
        assert_eq!(installed.len(), 2);
        for one in installed {
            assert_eq!(one.path, Path { local: end(GATEWAY, 4500), remote: site.outside(0, 4500) });
            assert_eq!((one.encapsulation, one.may_move), (Encapsulation::UdpTunnel, true));
        }
        // Ports as RFC 3947 4 has them: the first three or one between 500s, the others between 4500s.
        let ports: Vec<u16> = site.seen.iter().map(|datagram| datagram.destination.port()).collect();
        let clear = if aggressive { 1 } else { 2 };
        assert!(ports[..clear].iter().all(|port| *port == 500));
        assert!(ports[clear..].iter().all(|port| *port == 4500));
        for datagram in &site.seen {
            let is_marked = datagram.payload.starts_with(&[0; 4]);
            assert_eq!(is_marked, datagram.destination.port() == 4500);
        }
    }
}

/// RFC 3947 4: an IKE SA that begins where the last one was stays there. To the translator the port of the client is the one
/// that it gave to it, not 4500.
#[test]
fn a_successor_that_the_outside_begins_reaches_the_client() {
    let mut site = one();
    site.gateway.engine.handle_input(site.now, Input::Delete(Target::All)).unwrap();
    site.run();
    assert!(site.clients[0].1.engine.snapshot().ike_sas.is_empty());
    let path = Path { local: end(GATEWAY, 4500), remote: site.outside(0, 4500) };
    let selectors = SelectorPair { local: net(2), remote: net(1) };
    site.gateway.engine.handle_input(site.now, Input::Initiate(Request { path, selectors })).unwrap();
    site.run();
    assert_eq!((site.gateway.established().len(), site.clients[0].1.established().len()), (2, 2));
    assert_eq!(site.gateway_paths(), [path]);
}

/// RFC 3948 4: the inside keeps the mapping alive as long as something goes that way, the outside does not.
#[test]
fn keepalives_come_from_behind_the_translator_only() {
    let mut site = one();
    let keepalive = |host: &mut Host, now| {
        host.engine.handle_timeout(now);
        core::iter::from_fn(|| host.poll_transmit()).filter(|(_, sent)| sent.payload == [0xff]).count()
    };
    for tick in 1..=5 {
        let now = Duration::from_secs(20 * tick);
        assert_eq!(keepalive(&mut site.clients[0].1, now), 1, "{tick}");
        assert_eq!(keepalive(&mut site.gateway, now), 0);
    }
    let counters = site.clients[0].1.engine.snapshot().counters;
    assert_eq!((counters.keepalives_out, site.gateway.engine.snapshot().counters.keepalives_out), (5, 0));
    site.clients[0].1.engine.handle_input(Duration::from_secs(101), Input::Delete(Target::All)).unwrap();
    while site.clients[0].1.poll_transmit().is_some() {}
    assert_eq!(keepalive(&mut site.clients[0].1, Duration::from_secs(1000)), 0);
}

#[test]
fn forced_encapsulation_needs_no_translator() {
    let forced = |me, peer, forced| {
        let mut policy = crossing(me, peer);
        policy.nat.forced = forced;
        policy
    };
    for (a, b) in [(true, false), (false, true), (true, true)] {
        let mut pair = Pair::new(
            7,
            forced(1, 2, a),
            forced(2, 1, b),
            netsim::Link::new().delay(Duration::from_millis(10)),
        );
        pair.initiate();
        pair.run(5);
        pair.assert_agreement();
        for host in [pair.a(), pair.b()] {
            assert_eq!(host.installed.len(), 2);
            assert!(host.installed.iter().all(|one| one.encapsulation == Encapsulation::UdpTunnel));
            assert!(host.installed.iter().all(|one| one.path.local.port() == 4500));
        }
    }
}

#[test]
fn drafts_use_their_own_numbers() {
    for version in NatVersion::ALL {
        let with = |mut policy: Policy| {
            policy.nat.versions = vec![version];
            policy.key_log = true;
            policy
        };
        let mut site = Site::new(vec![with(client("one", 1))], with(gateway(&["one"])));
        site.initiate(0, 1);
        assert_eq!(detected(&site.gateway).unwrap().version, version);
        let message = Message::parse(Bytes::from(site.seen[1].payload.clone())).unwrap();
        let kind = if version == NatVersion::Rfc3947 { PayloadKind::NAT_D } else { PayloadKind::NAT_D_DRAFT };
        assert_eq!(message.of_kind(kind).count(), 2);
        let modes = site.gateway.events.iter().filter_map(|event| match event {
            Event::ComparedPhase2 { offered, .. } => offered.attribute(4_u16)?.value_u64(),
            _ => None,
        });
        let expected = if version == NatVersion::Rfc3947 { 3 } else { 61443 };
        assert_eq!(modes.collect::<Vec<_>>(), [expected]);
    }
}
