//! Routers behind one address translator and the peer of all of them (RFC 3948 5).

use core::net::Ipv4Addr;
use core::time::Duration;

use gateway::router::{InstallError, Occurrence, Router, datagram};
use ipsec_core::Protocol;
use netsim::{Addressed, Nat, Node, OUTSIDE, Port};
use oakley::{Event, RemoveReason};

use crate::pair::{CANARY, LAN, WAN, packet, router};

const SERVER: &str = include_str!("../../configs/nat-b.cfg");
const CLIENT: &str = include_str!("../../configs/nat-a.cfg");
const PUBLIC: Ipv4Addr = Ipv4Addr::new(20, 20, 20, 21);
const END: Ipv4Addr = Ipv4Addr::new(20, 20, 20, 20);
const SERVER_HOST: Ipv4Addr = Ipv4Addr::new(60, 60, 60, 1);
const HOSTS: [Ipv4Addr; 2] = [Ipv4Addr::new(50, 50, 50, 1), Ipv4Addr::new(50, 50, 51, 1)];
const ENDS: [Ipv4Addr; 2] = [Ipv4Addr::new(10, 1, 1, 2), Ipv4Addr::new(10, 1, 1, 3)];

/// Two clients, a translator and the server.
struct Lab {
    clients: [Router; 2],
    nat: Nat<Vec<u8>>,
    server: Router,
    now: Duration,
    /// What came out behind the clients and behind the server.
    inside: [Vec<Vec<u8>>; 3],
    /// What the server reported.
    told: Vec<Occurrence>,
    /// What was on the outside of the translator.
    wire: Vec<Vec<u8>>,
}

impl Lab {
    fn new(clients: [&str; 2], server: &str) -> Self {
        Self {
            clients: [router("a.cfg", clients[0], 1), router("b.cfg", clients[1], 2)],
            nat: Nat::new(PUBLIC, Duration::from_secs(60), 7),
            server: router("server.cfg", server, 3),
            now: Duration::ZERO,
            inside: [Vec::new(), Vec::new(), Vec::new()],
            told: Vec::new(),
            wire: Vec::new(),
        }
    }

    fn settle(&mut self) {
        let (now, mut quiet) = (self.now, false);
        while !quiet {
            quiet = true;
            for client in [0, 1] {
                while let Some((port, packet)) = self.clients[client].poll_transmit() {
                    quiet = false;
                    match port {
                        LAN => self.inside[client].push(packet),
                        _ => self.nat.handle_packet(now, Port([1, 2][client]), &packet),
                    }
                }
            }
            while let Some((port, packet)) = self.server.poll_transmit() {
                quiet = false;
                if port == LAN {
                    self.inside[2].push(packet);
                } else {
                    self.wire.push(packet.clone());
                    self.nat.handle_packet(now, OUTSIDE, &packet);
                }
            }
            while let Some((port, packet)) = self.nat.poll_transmit() {
                quiet = false;
                match port {
                    OUTSIDE => {
                        self.wire.push(packet.clone());
                        self.server.handle_packet(now, WAN, &packet);
                    }
                    Port(client) => {
                        self.clients[usize::from(client) - 1].handle_packet(now, WAN, &packet);
                    }
                }
            }
            while let Some(happening) = self.server.poll_happening() {
                self.told.push(happening.what);
            }
        }
    }

    fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            let routers = || self.clients.iter().chain([&self.server]);
            let next = routers().filter_map(Node::poll_timeout).min().filter(|next| *next <= end);
            self.now = next.unwrap_or(end).max(self.now);
            let now = self.now;
            for router in self.clients.iter_mut().chain([&mut self.server]) {
                if router.poll_timeout().is_some_and(|at| at <= now) {
                    router.handle_timeout(now);
                }
            }
            self.settle();
            if next.is_none() {
                return;
            }
        }
    }

    /// A host behind a client sends to the server's, and that answers.
    fn talk(&mut self, client: usize) {
        let before = (self.inside[2].len(), self.inside[client].len());
        self.clients[client].handle_packet(self.now, LAN, &packet(HOSTS[client], SERVER_HOST, CANARY));
        self.settle();
        self.run_for(Duration::from_secs(1));
        assert_eq!(self.inside[2].len(), before.0 + 1, "client {client} does not reach the server");
        self.answer(client);
        assert_eq!(self.inside[client].len(), before.1 + 1, "the server does not reach client {client}");
        assert_eq!(self.inside[client].last().unwrap()[16..20], HOSTS[client].octets());
    }

    fn answer(&mut self, client: usize) {
        self.server.handle_packet(self.now, LAN, &packet(SERVER_HOST, HOSTS[client], CANARY));
        self.settle();
    }

    fn removed(&self) -> Vec<RemoveReason> {
        let reason = |what: &Occurrence| match what {
            Occurrence::Ike(Event::BundleRemoved { reason, .. }) => Some(*reason),
            _ => None,
        };
        self.told.iter().filter_map(reason).collect()
    }

    fn assert_nothing_in_clear(&self) {
        for packet in &self.wire {
            assert!(packet.ends().is_some(), "something without ports passed the translator");
            assert!(!packet.windows(CANARY.len()).any(|window| window == CANARY), "text in clear");
        }
    }
}

/// The second client: another host behind the same translator, with another net behind it.
fn second() -> String {
    let own = CLIENT.replace("wan2511", "wan2512").replace("10.1.1.2", "10.1.1.3");
    own.replace("50.50.50.50", "50.50.51.50").replace("50.50.50.0", "50.50.51.0")
}

/// The server knows both nets, and that both are at the translator's address.
fn server() -> String {
    let entry = "crypto map test 20 ipsec-isakmp\n set peer 20.20.20.21\n set transform-set auth2\n match address 145\n!\n";
    let list = "access-list 145 permit ip 60.60.60.0 0.0.0.255 50.50.51.0 0.0.0.255\n!\nend";
    SERVER.replacen("!\ninterface", &format!("!\n{entry}interface"), 1).replacen("!\nend", list, 1)
}

/// An entry that names two addresses has one peer at either of them.
#[test]
fn a_client_whose_translator_has_moved_takes_its_flow_along() {
    let moved = Ipv4Addr::new(20, 20, 20, 22);
    let twice = |text: String, line: &str| {
        assert!(text.contains(line));
        let again = line.replace("20.20.20.21", &moved.to_string());
        text.replacen(line, &format!("{line}\n{again}"), 1)
    };
    let server = twice(SERVER.to_owned(), "crypto isakmp key sharedkey address 20.20.20.21");
    let mut lab = Lab::new([CLIENT, CLIENT], &twice(server, " set peer 20.20.20.21"));
    lab.talk(0);
    lab.nat.move_to(moved);
    lab.clients[0] = router("a.cfg", CLIENT, 9);
    lab.talk(0);
    lab.assert_nothing_in_clear();
}

/// A name that the server gives to the translator's address is one more that a client may prove, not one fewer.
#[test]
fn a_name_for_the_translators_address_keeps_nobody_out() {
    let named = SERVER
        .replace("crypto isakmp policy 1", "ip host wan2511.cisco.com 20.20.20.21\ncrypto isakmp policy 1");
    assert_ne!(named, SERVER);
    Lab::new([CLIENT, CLIENT], &named).talk(0);
}

#[test]
fn two_clients_behind_one_translator_have_tunnels_of_their_own() {
    let mut lab = Lab::new([CLIENT, &second()], &server());
    for client in [0, 1, 0, 1] {
        lab.talk(client);
    }
    // Nobody knocked anybody out, though both have one address.
    assert_eq!(lab.removed(), []);
    assert_eq!(lab.server.snapshot(lab.now).ike_sas.len(), 2);
    // A quiet time that only keepalives outlast.
    lab.run_for(Duration::from_secs(300));
    for client in [1, 0] {
        let before = lab.inside[client].len();
        lab.answer(client);
        assert_eq!(lab.inside[client].len(), before + 1, "client {client} has been forgotten");
    }
    // New ports for both: each is followed to its own.
    lab.nat.rebind();
    for client in [1, 0, 1, 0] {
        lab.talk(client);
    }
    assert_eq!(lab.removed(), []);
    lab.assert_nothing_in_clear();
}

/// RFC 3948 5.1: the same addresses behind two clients.
#[test]
fn the_second_of_two_clients_with_the_same_net_does_not_get_what_is_meant_for_the_first() {
    let same = second().replace("50.50.51.", "50.50.50.");
    let mut lab = Lab::new([CLIENT, &same], SERVER);
    lab.talk(0);
    lab.clients[1].handle_packet(lab.now, LAN, &packet(HOSTS[0], SERVER_HOST, CANARY));
    lab.settle();
    lab.run_for(Duration::from_secs(30));
    let taken = |what: &&Occurrence| matches!(what, Occurrence::InstallFailed(InstallError::Taken));
    assert!(lab.told.iter().any(|what| taken(&what)), "{:?}", lab.told);
    assert!(lab.inside[1].is_empty());
    let before = lab.inside[0].len();
    lab.answer(0);
    assert_eq!((lab.inside[0].len(), lab.inside[1].len()), (before + 1, 0));
    lab.talk(0);
}

/// The routers' own packets, with ports, in both directions.
fn transport(config: &str, rule: &str) -> String {
    let config = config.replacen("esp-des esp-sha-hmac\n", "esp-des esp-sha-hmac\n mode transport\n", 1);
    let list = config.lines().find(|line| line.starts_with("access-list")).unwrap().to_owned();
    let number = list.split(' ').nth(1).unwrap();
    config.replacen(&list, &format!("access-list {number} permit {rule}"), 1)
}

fn own(from: Ipv4Addr, to: Ipv4Addr) -> Vec<u8> {
    datagram::udp((from, 1701), (to, 1701), 1, CANARY).unwrap()
}

/// RFC 3948 3.1.2, 5.2: what comes out has the addresses that the other side sees, and a sum that fits them; two clients
/// that look the same cannot both be served, and the first one is not harmed.
#[test]
fn transport_mode_passes_a_translator_for_one_client_and_the_second_is_refused() {
    let client = transport(CLIENT, "udp host 10.1.1.2 host 20.20.20.20");
    let other = transport(&second(), "udp host 10.1.1.3 host 20.20.20.20");
    let mut lab = Lab::new([&client, &other], &transport(SERVER, "udp host 20.20.20.20 host 20.20.20.21"));
    for _ in 0..3 {
        let now = lab.now;
        lab.clients[0].originate(now, &own(ENDS[0], END));
        lab.settle();
        lab.run_for(Duration::from_secs(1));
        let received = lab.server.poll_local().expect("the server receives the client's packet");
        assert_eq!(received[12..], own(PUBLIC, END)[12..], "the sum fits the addresses that the server sees");
        let now = lab.now;
        lab.server.originate(now, &own(END, PUBLIC));
        lab.settle();
        let received = lab.clients[0].poll_local().expect("the client receives the server's packet");
        assert_eq!(
            received[12..],
            own(END, ENDS[0])[12..],
            "the sum fits the addresses that the client sees"
        );
    }
    let now = lab.now;
    lab.clients[1].originate(now, &own(ENDS[1], END));
    lab.settle();
    lab.run_for(Duration::from_secs(30));
    assert!(lab.server.poll_local().is_none());
    let now = lab.now;
    lab.server.originate(now, &own(END, PUBLIC));
    lab.settle();
    assert!(lab.clients[0].poll_local().is_some() && lab.clients[1].poll_local().is_none());
    lab.assert_nothing_in_clear();
    assert!(lab.wire.iter().all(|packet| packet[9] == Protocol::UDP.0));
}
