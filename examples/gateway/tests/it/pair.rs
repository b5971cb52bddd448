//! Two routers back to back, and a forger between them who knows the keys.

use core::net::Ipv4Addr;
use core::time::Duration;
use std::sync::Arc;

use crypto_provider::default::{SeededRandom, provider};
use crypto_provider::CryptoProvider;
use gateway::ios::parse;
use gateway::router::datagram;
use gateway::router::{Happening, Router, RouterOptions};
use ipsec_core::{DropReason, Ipv4Header, Protocol};
use netsim::{Node, Port};

pub(crate) const LAN: Port = Port(0);
pub(crate) const WAN: Port = Port(1);
pub(crate) const HOST_A: Ipv4Addr = Ipv4Addr::new(50, 50, 50, 1);
pub(crate) const HOST_B: Ipv4Addr = Ipv4Addr::new(60, 60, 60, 1);
pub(crate) const END_A: Ipv4Addr = Ipv4Addr::new(20, 20, 20, 21);
pub(crate) const END_B: Ipv4Addr = Ipv4Addr::new(20, 20, 20, 20);
pub(crate) const CANARY: &[u8] = b"must not be seen on the wire";

pub(crate) const AH_ESP: [&str; 2] =
    [include_str!("../../configs/ah-esp-a.cfg"), include_str!("../../configs/ah-esp-b.cfg")];
pub(crate) const PRESHARE: [&str; 2] =
    [include_str!("../../configs/preshare-a.cfg"), include_str!("../../configs/preshare-b.cfg")];

pub(crate) struct Pair {
    pub(crate) routers: [Router; 2],
    pub(crate) now: Duration,
    /// All that was put on the wire between the routers: who sent it, and what.
    pub(crate) wire: Vec<(usize, Vec<u8>)>,
    /// What came out on the inside of each router.
    pub(crate) inside: [Vec<Vec<u8>>; 2],
    /// Whether the wire carries packets at all.
    pub(crate) connected: bool,
    /// What the routers reported.
    pub(crate) happenings: [Vec<Happening>; 2],
}

pub(crate) fn router(name: &str, config: &str, seed: u64) -> Router {
    let provider = CryptoProvider { random: Arc::new(SeededRandom::new(seed)), ..provider() };
    let mut options = RouterOptions::default();
    options.key_log = true;
    Router::new(name, parse(name, config).unwrap(), provider, options).unwrap()
}

impl Pair {
    /// The routers have Ethernet0 inside and Serial0 outside.
    pub(crate) fn new([a, b]: [&str; 2]) -> Self {
        Self {
            routers: [router("a.cfg", a, 1), router("b.cfg", b, 2)],
            now: Duration::ZERO,
            wire: Vec::new(),
            inside: [Vec::new(), Vec::new()],
            connected: true,
            happenings: [Vec::new(), Vec::new()],
        }
    }

    /// The same with a tunnel that has carried one packet.
    pub(crate) fn up(configs: [&str; 2]) -> Self {
        let mut pair = Self::new(configs);
        pair.send_inside(0, &packet(HOST_A, HOST_B, CANARY));
        pair.run_for(Duration::from_secs(1));
        assert_eq!(pair.inside[1].len(), 1, "the tunnel did not come up");
        pair
    }

    /// A host behind router `at` sends a packet.
    pub(crate) fn send_inside(&mut self, at: usize, packet: &[u8]) {
        self.routers[at].handle_packet(self.now, LAN, &packet.to_vec());
        self.settle();
    }

    /// A packet arrives at router `at` on the outside.
    pub(crate) fn send_outside(&mut self, at: usize, packet: &[u8]) {
        self.routers[at].handle_packet(self.now, WAN, &packet.to_vec());
        self.settle();
    }

    /// Carries packets until none are left.
    pub(crate) fn settle(&mut self) {
        for _ in 0..10_000 {
            let mut quiet = true;
            for from in [0, 1] {
                while let Some((port, packet)) = self.routers[from].poll_transmit() {
                    quiet = false;
                    if port == LAN {
                        self.inside[from].push(packet);
                        continue;
                    }
                    self.wire.push((from, packet.clone()));
                    if self.connected {
                        self.routers[1 - from].handle_packet(self.now, WAN, &packet);
                    }
                }
                while let Some(happening) = self.routers[from].poll_happening() {
                    self.happenings[from].push(happening);
                }
            }
            if quiet {
                return;
            }
        }
        panic!("the routers never stop sending");
    }

    /// Lets time pass, deadline by deadline.
    pub(crate) fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        for _ in 0..100_000 {
            let next = self.routers.iter().filter_map(Node::poll_timeout).min();
            let Some(next) = next.filter(|next| *next <= end) else {
                self.now = end;
                return;
            };
            self.now = self.now.max(next);
            for router in &mut self.routers {
                if router.poll_timeout().is_some_and(|at| at <= self.now) {
                    router.handle_timeout(self.now);
                }
            }
            self.settle();
        }
        panic!("a deadline never moves");
    }

    pub(crate) fn drops(&self, at: usize, reason: DropReason) -> u64 {
        self.routers[at].drops().get(reason)
    }

    /// No packet on the wire shows a host's address or text.
    pub(crate) fn assert_nothing_in_clear(&self) {
        for (from, packet) in &self.wire {
            let header = Ipv4Header::parse(packet).unwrap();
            let ends = [END_A, END_B];
            assert!(ends.contains(&header.source) && ends.contains(&header.destination), "router {from}: {header:?}");
            assert!(!packet.windows(CANARY.len()).any(|window| window == CANARY), "router {from}: text in clear");
        }
    }

    /// Packets of a protocol that a router put on the wire.
    pub(crate) fn on_wire(&self, from: usize, protocol: Protocol) -> Vec<Vec<u8>> {
        let of = |(sender, packet): &&(usize, Vec<u8>)| {
            *sender == from && Ipv4Header::parse(packet).unwrap().protocol == protocol
        };
        self.wire.iter().filter(of).map(|(_, packet)| packet.clone()).collect()
    }
}

/// A UDP datagram between two hosts.
pub(crate) fn packet(from: Ipv4Addr, to: Ipv4Addr, payload: &[u8]) -> Vec<u8> {
    datagram::udp((from, 9), (to, 9), 1, payload).unwrap()
}

/// SAs made from a router's key log: what an authenticated peer that lies can make.
pub(crate) struct Forger {
    lines: Vec<Vec<String>>,
    provider: CryptoProvider,
}

/// A layer that a forger puts around a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layer {
    /// ESP of the n-th negotiated bundle, as a tunnel.
    EspTunnel(usize),
    /// ESP of the n-th bundle over the header that is there.
    EspTransport(usize),
    /// AH of the n-th bundle, as a tunnel.
    AhTunnel(usize),
    /// AH of the n-th bundle over the header that is there.
    AhTransport(usize),
}

impl Forger {
    pub(crate) fn new(router: &Router) -> Self {
        let text = router.key_log().unwrap().keys_txt();
        let lines = text.lines().map(|line| line.split(' ').map(str::to_owned).collect()).collect();
        Self { lines, provider: provider() }
    }

    fn line(&self, kind: &str, source: Ipv4Addr, bundle: usize) -> &[String] {
        let source = source.to_string();
        self.lines.iter().filter(|line| line[0] == kind && line[1] == source).nth(bundle).unwrap()
    }

    /// Wraps `packet` in layers, innermost first, as if `source` had sent it to `destination`. `number` is the
    /// sequence number of every layer.
    pub(crate) fn wrap(&self, (source, destination): (Ipv4Addr, Ipv4Addr), packet: &[u8], layers: &[Layer], number: u64) -> Vec<u8> {
        let mut buffer = ipsec_core::PacketBuf::copy_of(packet);
        for layer in layers {
            let tunnel = ipsec_core::Mode::Tunnel(ipsec_core::Tunnel::new(source.into(), destination.into()).unwrap());
            let transport = ipsec_core::Mode::Transport;
            match *layer {
                Layer::EspTunnel(bundle) => self.esp((source, bundle), tunnel, &mut buffer, number),
                Layer::EspTransport(bundle) => self.esp((source, bundle), transport, &mut buffer, number),
                Layer::AhTunnel(bundle) => self.ah((source, bundle), tunnel, &mut buffer, number),
                Layer::AhTransport(bundle) => self.ah((source, bundle), transport, &mut buffer, number),
            }
        }
        buffer.octets().to_vec()
    }

    fn esp(
        &self,
        (source, bundle): (Ipv4Addr, usize),
        mode: ipsec_core::Mode,
        packet: &mut ipsec_core::PacketBuf,
        number: u64,
    ) {
        let line = self.line("esp", source, bundle);
        assert_eq!((line[4].as_str(), line[6].as_str()), ("DES_CBC", "HMAC_SHA1_96"));
        let (encryption, integrity) = (unhex(&line[5]), unhex(&line[7]));
        let suite = ipsec_esp::Suite::Separate {
            cipher: crypto_provider::CipherAlgorithm::DesCbc,
            key_len: 8,
            integrity: ipsec_esp::Integrity::HMAC_SHA1_96,
        };
        let keys = ipsec_esp::Keys { encryption: &encryption, integrity: &integrity };
        let transform = ipsec_esp::Transform::new(suite, keys, &self.provider).unwrap();
        let config = ipsec_core::OutboundConfig::new(spi(&line[3]), mode);
        let mut sa = ipsec_esp::OutboundSa::new(config, transform, Duration::ZERO);
        for _ in 1..number {
            let _skipped = sa.reserve(0, Duration::ZERO).unwrap();
        }
        let sequence = sa.reserve(0, Duration::ZERO).unwrap();
        sa.seal(sequence, packet, self.provider.random.as_ref()).unwrap();
    }

    fn ah(
        &self,
        (source, bundle): (Ipv4Addr, usize),
        mode: ipsec_core::Mode,
        packet: &mut ipsec_core::PacketBuf,
        number: u64,
    ) {
        let line = self.line("ah", source, bundle);
        assert_eq!(line[4], "HMAC_SHA1_96");
        let integrity = ipsec_ah::Integrity::HMAC_SHA1_96;
        let transform = ipsec_ah::Transform::new(integrity, &unhex(&line[5]), &self.provider).unwrap();
        let config = ipsec_core::OutboundConfig::new(spi(&line[3]), mode);
        let mut sa = ipsec_ah::OutboundSa::new(config, transform, Duration::ZERO);
        for _ in 1..number {
            let _skipped = sa.reserve(0, Duration::ZERO).unwrap();
        }
        let sequence = sa.reserve(0, Duration::ZERO).unwrap();
        sa.seal(sequence, packet).unwrap();
    }
}

fn spi(text: &str) -> ipsec_core::Spi {
    ipsec_core::Spi::new(u32::from_str_radix(text.trim_start_matches("0x"), 16).unwrap()).unwrap()
}

fn unhex(text: &str) -> Vec<u8> {
    text.as_bytes().chunks(2).map(|pair| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}
