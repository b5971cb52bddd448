//! Row T149: any order of any messages of many sessions.

use core::time::Duration;

use netsim::{Node, Rng, UdpDatagram};
use oakley::*;

use crate::pair::*;

const HOSTS: u8 = 3;

/// Engines that are all peers of each other, and somebody who has every datagram that was ever sent.
struct World {
    rng: Rng,
    now: Duration,
    hosts: Vec<Host>,
    flying: Vec<UdpDatagram>,
    past: Vec<UdpDatagram>,
}

/// The policy of host `me` towards all others.
fn towards_all(me: u8) -> Policy {
    let mut policy = policy(me, 1);
    if let Some(phase2) = &mut policy.phase2 {
        phase2.selectors.remote.addresses = "10.0.0.0".parse().unwrap()..="10.255.255.255".parse().unwrap();
    }
    policy
}

impl World {
    fn new(seed: u64) -> Self {
        let host = |me| Host::new(seed * 16 + u64::from(me), towards_all(me), Config::default());
        let hosts = (1..=HOSTS).map(host).collect();
        Self { rng: Rng::new(seed), now: Duration::ZERO, hosts, flying: Vec::new(), past: Vec::new() }
    }

    fn one_of(&mut self, count: usize) -> usize {
        self.rng.below(count as u64) as usize
    }

    fn address(&mut self) -> core::net::SocketAddr {
        address(self.rng.below(HOSTS.into()) as u8 + 1)
    }

    fn initiate(&mut self) {
        let (from, step) =
            (self.rng.below(HOSTS.into()) as u8, self.rng.below(u64::from(HOSTS) - 1) as u8 + 1);
        let (me, peer) = (from + 1, (from + step) % HOSTS + 1);
        let path = Path { local: address(me), remote: address(peer) };
        let request = Request { path, selectors: SelectorPair { local: net(me), remote: net(peer) } };
        self.hosts[usize::from(from)].engine.handle_input(self.now, Input::Initiate(request)).unwrap();
    }

    fn deliver(&mut self, datagram: &UdpDatagram) {
        let to = (1..=HOSTS).position(|host| address(host) == datagram.destination);
        let now = self.now;
        if let Some(to) = to.filter(|_| datagram.source != datagram.destination) {
            self.hosts[to].datagram(now, datagram.source, datagram.destination, &datagram.payload);
        }
    }

    /// What the engines have to send flies from here on.
    fn collect(&mut self) {
        for host in &mut self.hosts {
            while let Some((_, datagram)) = host.poll_transmit() {
                self.past.push(datagram.clone());
                self.flying.push(datagram);
            }
        }
    }

    /// One of the datagrams that were ever sent, changed in one of the ways that need no key.
    fn forged(&mut self) -> Option<UdpDatagram> {
        if self.past.is_empty() {
            return None;
        }
        let (one, other) = (self.one_of(self.past.len()), self.one_of(self.past.len()));
        let mut datagram = self.past[one].clone();
        let other = &self.past[other].payload;
        match self.rng.below(5) {
            // Played again.
            0 => {}
            // To somebody else, or in somebody else's name.
            1 => datagram.destination = self.address(),
            2 => datagram.source = self.address(),
            // Reflected.
            3 => (datagram.source, datagram.destination) = (datagram.destination, datagram.source),
            // Under the cookies of another session, or the message id of another exchange.
            _ => {
                let part = if self.rng.below(2) == 0 { 0..16 } else { 20..24 };
                datagram.payload[part.clone()].copy_from_slice(&other[part]);
            }
        }
        Some(datagram)
    }

    fn step(&mut self) {
        match self.rng.below(12) {
            0 => self.initiate(),
            1 => {
                self.now += self.rng.up_to(Duration::from_secs(3));
                self.hosts.iter_mut().for_each(|host| host.engine.handle_timeout(self.now));
            }
            2..5 => {
                if let Some(datagram) = self.forged() {
                    self.deliver(&datagram);
                }
            }
            _ if self.flying.is_empty() => {}
            _ => {
                let next = self.one_of(self.flying.len());
                let datagram = self.flying.swap_remove(next);
                self.deliver(&datagram);
            }
        }
        self.collect();
    }

    /// The half of an SA whose SPI `to` drew, as it was put into use there.
    fn inbound(&self, to: &Path, spi: Spi) -> Option<&Installation> {
        let at = (1..=HOSTS).position(|host| address(host) == to.remote)?;
        let is_it = |one: &&Installation| one.direction == Direction::Inbound && one.sas[0].spi == spi;
        self.hosts[at].installed.iter().filter(is_it).find(|one| one.path.remote == to.local)
    }

    /// Whoever sends under an SA has the peer that it names, who receives under it: same keys, same algorithms, same packets.
    /// How many such SAs there are.
    fn agree(&self, seed: u64) -> usize {
        let mut keys = Vec::new();
        let installed = self.hosts.iter().flat_map(|host| &host.installed);
        for ours in installed.filter(|one| one.direction == Direction::Outbound) {
            let what = format!("seed {seed}: {} to {}", ours.path.local, ours.path.remote);
            let theirs =
                self.inbound(&ours.path, ours.sas[0].spi).unwrap_or_else(|| panic!("{what}: no other end"));
            assert_eq!(ours.identity, Identity::Address(ours.path.remote.ip()), "{what}");
            assert_eq!(theirs.identity, Identity::Address(ours.path.local.ip()), "{what}");
            assert_eq!(ours.selectors.local, theirs.selectors.remote, "{what}");
            assert_eq!(ours.selectors.remote, theirs.selectors.local, "{what}");
            for (one, other) in ours.sas.iter().zip(&theirs.sas) {
                assert_eq!((one.spi, one.transform), (other.spi, other.transform), "{what}");
                assert_eq!(one.encryption_key.expose(), other.encryption_key.expose(), "{what}");
                assert_eq!(one.integrity_key.expose(), other.integrity_key.expose(), "{what}");
                keys.push(one.encryption_key.expose().to_vec());
            }
        }
        let count = keys.len();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), count, "seed {seed}: two SAs under one key");
        count
    }
}

#[test]
fn t149_no_order_of_messages_gives_an_sa_that_its_ends_see_differently() {
    let mut found = 0;
    for seed in 0..40 {
        let mut world = World::new(seed);
        for _ in 0..400 {
            world.step();
        }
        found += world.agree(seed);
    }
    assert!(found > 100, "only {found} SAs");
}
