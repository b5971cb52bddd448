//! Rows T113 to T117: address translators, and those who pretend to be one.

use core::net::SocketAddr;
use core::time::Duration;

use bytes::Bytes;
use isakmp_wire::payload::{NatDiscovery, NatNumbering};
use isakmp_wire::{Message, Payload, PayloadKind};
use netsim::{Node, UdpDatagram};
use oakley::*;

use crate::pair::*;

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
            Host::new(seed, policy, Config::default())
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

#[test]
fn t113_500_and_4500_are_not_mixed_up() {
    let mut site = one();
    let (ike, nat) = (end(GATEWAY, 500), end(GATEWAY, 4500));
    let (from_ike, from_nat) = (site.outside(0, 500), site.outside(0, 4500));
    for datagram in site.seen.clone() {
        let is_marked = datagram.destination.port() == 4500;
        if is_marked {
            // Without marker on 4500; on 500 with and without it: the peers have moved.
            let bare = datagram.payload[4..].to_vec();
            site.quiet(from_nat, nat, &bare);
            site.quiet(from_ike, ike, &bare);
            site.quiet(from_ike, ike, &datagram.payload);
        } else {
            site.quiet(from_nat, nat, &datagram.payload);
            site.quiet(from_ike, ike, &[&[0; 4], &datagram.payload[..]].concat());
        }
    }
    for len in 0..=8 {
        for fill in [0, 1, 0xff] {
            site.quiet(from_nat, nat, &vec![fill; len]);
            site.quiet(from_ike, ike, &vec![fill; len]);
        }
    }
    let old = |reject: &Reject| matches!(reject, Reject::Misbehaved(Misbehaviour::OldPort));
    assert!(site.gateway.rejects().iter().any(old));
}

#[test]
fn t114_keepalives_are_nothing() {
    let mut site = one();
    let counters = format!("{:?}", site.gateway.engine.snapshot().counters);
    let events = site.gateway.events.len();
    for from in [site.outside(0, 4500), end([203, 0, 113, 66], 4500)] {
        site.now += Duration::from_secs(1);
        for _ in 0..100_000 {
            site.gateway.datagram(site.now, from, end(GATEWAY, 4500), &[0xff]);
        }
        site.quiet(from, end(GATEWAY, 4500), &[0xff]);
    }
    assert_eq!(site.gateway.events.len(), events, "no event, no sign of life");
    assert_eq!(format!("{:?}", site.gateway.engine.snapshot().counters), counters);
    // On the port of IKE, or of two octets, they are malformed, and as quiet.
    site.quiet(site.outside(0, 500), end(GATEWAY, 500), &[0xff]);
    site.quiet(site.outside(0, 4500), end(GATEWAY, 4500), &[0xff, 0xff]);
}

#[test]
fn t115_what_was_heard_before_moves_nobody() {
    let mut site = one();
    let attacker = end([203, 0, 113, 66], 4500);
    let paths = site.gateway_paths();
    // The very first message is anybody's: from elsewhere it begins another exchange, which ends with it.
    for index in 1..site.seen.len() {
        site.replay(index, attacker);
        while let Some((_, answer)) = site.gateway.poll_transmit() {
            assert_ne!(answer.destination, attacker, "message {index}");
        }
        assert_eq!(site.gateway_paths(), paths, "message {index}");
    }
    // A Quick Mode message that the attacker held back is authentic and may be old: it is answered, and moves nothing.
    let before = site.seen.len();
    let (_, host) = &mut site.clients[0];
    let path = Path { local: end([10, 0, 0, 2], 500), remote: end(GATEWAY, 500) };
    let selectors = SelectorPair { local: net(1), remote: net(2) };
    host.engine.handle_input(site.now, Input::Initiate(Request { path, selectors })).unwrap();
    let (_, first) = host.poll_transmit().unwrap();
    site.gateway.datagram(site.now, attacker, first.destination, &first.payload);
    let (_, answer) = site.gateway.poll_transmit().unwrap();
    assert_eq!(answer.destination, attacker);
    assert_eq!((site.gateway_paths(), site.seen.len()), (paths, before));
    let sa = &site.gateway.engine.snapshot().ike_sas[0];
    assert_eq!(sa.path.remote, site.outside(0, 4500));
}

#[test]
fn t115_a_rebinding_is_followed() {
    let mut site = one();
    let old = site.outside(0, 4500);
    site.first_port = 30_000;
    let new = site.outside(0, 4500);
    // The next Quick Mode ends with a message that covers the gateway's nonce.
    site.initiate(0, 1);
    assert_ne!(old, new);
    let to = Path { local: end(GATEWAY, 4500), remote: new };
    assert_eq!(site.gateway_paths(), [to, to]);
    assert_eq!(site.gateway.moved.len(), 2);
    assert!(site.gateway.moved.iter().all(|(_, path)| *path == to));
    assert!(site.gateway.events.iter().any(|event| matches!(event, Event::Moved { .. })));
    // What comes from the old port now is old.
    site.replay(site.seen.len() - 1, old);
    assert_eq!(site.gateway_paths(), [to, to]);
}

/// The data path's word: only for a peer behind a translator, and only to where one peer can be.
#[test]
fn t115_the_data_path_moves_a_bundle_of_a_peer_behind_a_translator_only() {
    let mut site = one();
    let bundle = site.gateway.engine.snapshot().bundles[0].id;
    let to = |remote| Path { local: end(GATEWAY, 4500), remote };
    let moved = |site: &mut Site, path| {
        site.gateway.engine.handle_input(site.now, Input::Moved { bundle, path }).unwrap();
        site.gateway.drain();
        site.gateway.moved.len()
    };
    let before = site.gateway_paths();
    for remote in
        ["224.0.0.9:4500", "255.255.255.255:4500", "192.0.2.2:4500", "0.0.0.0:4500", "203.0.113.9:0"]
    {
        assert_eq!(moved(&mut site, to(remote.parse().unwrap())), 0, "{remote}");
    }
    let elsewhere = Path { local: end(GATEWAY, 500), remote: end([203, 0, 113, 9], 4500) };
    assert_eq!(moved(&mut site, elsewhere), 0);
    assert_eq!(site.gateway_paths(), before);
    let new = end([203, 0, 113, 9], 1024);
    assert_eq!(moved(&mut site, to(new)), 1);
    assert_eq!(site.gateway_paths(), [to(new)]);
    assert_eq!(site.gateway.engine.snapshot().ike_sas[0].path, to(new), "IKE goes there too");
    // The client's peer is behind none.
    let (_, host) = &mut site.clients[0];
    let bundle = host.engine.snapshot().bundles[0].clone();
    let path = Path { remote: end([203, 0, 113, 9], 4500), ..bundle.path };
    host.engine.handle_input(site.now, Input::Moved { bundle: bundle.id, path }).unwrap();
    host.drain();
    assert_eq!((host.moved.len(), host.engine.snapshot().bundles[0].path), (0, bundle.path));
}

/// Rewrites the payloads of a message in clear; encrypted ones go as they are.
fn rewrite_clear(octets: &[u8], change: impl Fn(&mut Vec<Payload>)) -> Option<Vec<u8>> {
    let message = Message::parse(Bytes::copy_from_slice(octets)).ok()?;
    if octets.starts_with(&[0; 4]) || message.header().is_encrypted() {
        return None;
    }
    let mut payloads = message.payloads().to_vec();
    change(&mut payloads);
    Some(Message::new(*message.header(), payloads).encode().to_vec())
}

fn nat_d(numbering: NatNumbering, fill: u8) -> Payload {
    Payload::new(NatDiscovery { numbering, hash: vec![fill; 20].into() })
}

/// Whatever is done to NAT-D: there is no SA, or one with the same peer for the same flow, in UDP or not.
#[test]
fn t116_altered_nat_d_costs_at_most_the_udp() {
    let is_nat_d = |payload: &Payload| payload.get::<NatDiscovery>().is_some();
    type Change = fn(&mut Vec<Payload>, fn(&Payload) -> bool);
    let changes: [(&str, Change); 7] = [
        ("missing", |payloads, is| payloads.retain(|one| !is(one))),
        ("only the first", |payloads, is| {
            if let Some(last) = payloads.iter().rposition(is) {
                payloads.remove(last);
            }
        }),
        ("altered", |payloads, is| {
            payloads.iter_mut().filter(|one| is(one)).for_each(|one| *one = nat_d(NatNumbering::Rfc, 7));
        }),
        ("short", |payloads, is| {
            let short = || Payload::new(NatDiscovery { numbering: NatNumbering::Rfc, hash: vec![1].into() });
            payloads.iter_mut().filter(|one| is(one)).for_each(|one| *one = short());
        }),
        ("many", |payloads, is| {
            if payloads.iter().any(is) {
                payloads.extend((0..40).map(|_| nat_d(NatNumbering::Rfc, 9)));
            }
        }),
        ("draft among them", |payloads, is| {
            if let Some(first) = payloads.iter().position(is) {
                payloads.insert(first, nat_d(NatNumbering::Draft, 9));
            }
        }),
        ("draft instead", |payloads, is| {
            payloads.iter_mut().filter(|one| is(one)).for_each(|one| *one = nat_d(NatNumbering::Draft, 9));
        }),
    ];
    for (what, change) in changes {
        for to_gateway in [true, false] {
            let mut site = Site::new(vec![client("one", 1)], gateway(&["one"]));
            site.tamper = Box::new(move |way, octets| {
                if way != to_gateway {
                    return None;
                }
                rewrite_clear(octets, |payloads| change(payloads, is_nat_d))
            });
            site.initiate(0, 1);
            for bundle in site.gateway.established() {
                assert_eq!(bundle.identity, Identity::Fqdn("one".into()), "{what}");
                let flow = SelectorPair { local: net(2), remote: net(1) };
                assert_eq!(bundle.selectors, flow, "{what}");
            }
            let kinds: Vec<_> = site.gateway.installed.iter().map(|one| one.encapsulation).collect();
            assert!(
                kinds.iter().all(|kind| matches!(kind, Encapsulation::Tunnel | Encapsulation::UdpTunnel)),
                "{what}"
            );
        }
    }
}

/// RFC 3948 1: AH does not pass. Neither side offers or accepts it behind a translator; ESP beside it is taken.
#[test]
fn t116_ah_is_refused_behind_a_translator() {
    let both = [proposal(&[ah(), esp()]), proposal(&[ah()])];
    let with = |mut policy: Policy, proposals: Vec<Phase2Proposal>| {
        if let Some(phase2) = &mut policy.phase2 {
            phase2.proposals = proposals;
        }
        policy
    };
    let mut site =
        Site::new(vec![with(client("one", 1), both.to_vec())], with(gateway(&["one"]), both.to_vec()));
    site.initiate(0, 1);
    let why = site.clients[0].1.events.iter().find_map(|event| match event {
        Event::RequestFailed { why, .. } => Some(why.clone()),
        _ => None,
    });
    assert_eq!(why, Some(Abort::Local(LocalFailure::AhBehindNat)));
    assert!(site.gateway.installed.is_empty());

    let mixed = [both.to_vec(), vec![proposal(&[esp()])]].concat();
    let mut site = Site::new(vec![with(client("one", 1), mixed.clone())], with(gateway(&["one"]), mixed));
    site.initiate(0, 1);
    assert_eq!(site.gateway.installed.len(), 2);
    assert!(site.gateway.installed.iter().all(|one| one.sas.len() == 1));
    // A client that is not told about the translator offers AH; the gateway knows better.
    let honest = with(client("one", 1), vec![proposal(&[ah()])]);
    let mut site = Site::new(vec![honest], with(gateway(&["one"]), vec![proposal(&[ah()])]));
    site.tamper = Box::new(|way, octets| {
        let lie = |payloads: &mut Vec<Payload>| payloads.retain(|one| one.get::<NatDiscovery>().is_none());
        if way { None } else { rewrite_clear(octets, lie) }
    });
    site.initiate(0, 1);
    assert!(site.gateway.installed.is_empty());
}

/// In transport mode the flow is what the packets show, whatever the client calls itself; NAT-OA is for checksums only.
#[test]
fn t116_nat_oa_is_for_checksums_only() {
    let host = |ip: [u8; 4]| {
        let ip = end(ip, 0).ip();
        TrafficSelector { addresses: ip..=ip, protocol: 17, port: 1701 }
    };
    let transport = |mut policy: Policy, local, remote| {
        policy.phase2 = policy.phase2.map(|phase2| Phase2Policy {
            encapsulation: Encapsulation::Transport,
            selectors: SelectorPair { local, remote },
            ..phase2
        });
        policy
    };
    let inside = transport(client("one", 1), host([10, 0, 0, 2]), host(GATEWAY));
    let outside = transport(gateway(&["one"]), host(GATEWAY), host(PUBLIC));
    let mut site = Site::new(vec![inside], outside);
    let path = Path { local: end([10, 0, 0, 2], 500), remote: end(GATEWAY, 500) };
    let selectors = SelectorPair { local: host([10, 0, 0, 2]), remote: host(GATEWAY) };
    let request = Input::Initiate(Request { path, selectors });
    site.clients[0].1.engine.handle_input(site.now, request).unwrap();
    site.run();
    let [inbound, outbound] = site.gateway.installed.as_slice() else {
        panic!("{:?}", site.gateway.rejects())
    };
    for one in [inbound, outbound] {
        assert_eq!(one.encapsulation, Encapsulation::UdpTransport);
        assert_eq!(one.selectors, SelectorPair { local: host(GATEWAY), remote: host(PUBLIC) });
        let original = NatOriginal { local: end(GATEWAY, 0).ip(), remote: end([10, 0, 0, 2], 0).ip() };
        assert_eq!(one.nat_original, Some(original));
    }
    let theirs = site.clients[0].1.installed[0].nat_original;
    assert_eq!(theirs, Some(NatOriginal { local: end(PUBLIC, 0).ip(), remote: end(GATEWAY, 0).ip() }));
}

#[test]
fn t117_two_clients_behind_one_translator_do_not_knock_each_other_out() {
    let mut site = Site::new(vec![client("one", 1), client("two", 3)], gateway(&["one", "two"]));
    site.initiate(0, 1);
    site.initiate(1, 3);
    let identities: Vec<_> =
        site.gateway.established().iter().map(|bundle| bundle.identity.clone()).collect();
    assert_eq!(identities, [Identity::Fqdn("one".into()), Identity::Fqdn("two".into())]);
    assert!(site.gateway.removed.is_empty(), "INITIAL-CONTACT is about an identity, not an address");
    let paths = [0, 1].map(|index| Path { local: end(GATEWAY, 4500), remote: site.outside(index, 4500) });
    assert_eq!(site.gateway_paths(), paths);
    // One moves, one deletes: the other stays as it is.
    let first = site.gateway.engine.snapshot().bundles[0].id;
    let to = Path { local: end(GATEWAY, 4500), remote: end(PUBLIC, 40_000) };
    site.gateway.engine.handle_input(site.now, Input::Moved { bundle: first, path: to }).unwrap();
    site.gateway.drain();
    assert_eq!(site.gateway_paths(), [to, paths[1]]);
    site.clients[1].1.engine.handle_input(site.now, Input::Delete(Target::All)).unwrap();
    site.run();
    assert_eq!(site.gateway_paths(), [to]);
    // What the gateway deletes of the first goes to the first.
    site.gateway.engine.handle_input(site.now, Input::Delete(Target::Bundle(first))).unwrap();
    let (_, delete) = site.gateway.poll_transmit().unwrap();
    assert_eq!(delete.destination, to.remote);
}

/// Two clients that call themselves by the same private address as somebody outside has: another identity.
#[test]
fn t117_an_address_behind_a_translator_is_not_the_address_outside() {
    let mut inside = client("one", 1);
    inside.identity = Identity::Address(end([10, 0, 0, 2], 0).ip());
    let mut outside = gateway(&[]);
    outside.peer_identity = PeerIdentity::PathAddress;
    let mut site = Site::new(vec![inside], outside);
    site.initiate(0, 1);
    let behind = Identity::Behind { address: end([10, 0, 0, 2], 0).ip(), translator: end(PUBLIC, 0).ip() };
    assert_eq!(site.gateway.established()[0].identity, behind);
}
