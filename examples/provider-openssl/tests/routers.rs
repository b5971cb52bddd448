//! Routers with this provider and routers with the default one negotiate and exchange packets, each in both roles.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "a test may panic")]

use std::sync::Arc;
use std::time::Duration;

use crypto_provider::{CryptoProvider, default};
use gateway::ios::parse;
use gateway::router::{Router, RouterOptions};
use netsim::{Node as _, Port};

/// Two routers as the document's pair has them, and the wire between their second interfaces.
struct Pair {
    routers: [Router; 2],
    now: Duration,
    delivered: [Vec<Vec<u8>>; 2],
}

const LAN: Port = Port(0);
const WIRE: Port = Port(1);

impl Pair {
    fn new(configs: [&str; 2], providers: [CryptoProvider; 2]) -> Self {
        let mut names = ["a.cfg", "b.cfg"].into_iter();
        let mut router = |config: &str, provider: CryptoProvider, seed| {
            let provider = CryptoProvider { random: Arc::new(default::SeededRandom::new(seed)), ..provider };
            let name = names.next().unwrap();
            Router::new(name, parse(name, config).unwrap(), provider, RouterOptions::default()).unwrap()
        };
        let [a, b] = providers;
        let routers = [router(configs[0], a, 1), router(configs[1], b, 2)];
        Self { routers, now: Duration::ZERO, delivered: [Vec::new(), Vec::new()] }
    }

    /// Lets everything cross that is on its way, then a second pass.
    fn run(&mut self) {
        for _ in 0..10 {
            let mut moved = true;
            while moved {
                moved = false;
                for side in 0..2 {
                    while let Some((port, packet)) = self.routers[side].poll_transmit() {
                        moved = true;
                        if port == WIRE {
                            self.routers[1 - side].handle_packet(self.now, WIRE, &packet);
                        } else {
                            self.delivered[side].push(packet);
                        }
                    }
                }
            }
            self.now += Duration::from_millis(100);
            for router in &mut self.routers {
                router.handle_timeout(self.now);
            }
        }
    }

    fn send(&mut self, side: usize, packet: &[u8]) {
        self.routers[side].handle_packet(self.now, LAN, &packet.to_vec());
        self.run();
    }
}

/// An IPv4 packet with a text in UDP's place, its checksum right.
fn packet(source: [u8; 4], destination: [u8; 4], text: &[u8]) -> Vec<u8> {
    let len = u16::try_from(20 + text.len()).unwrap().to_be_bytes();
    let mut packet = vec![0x45, 0, len[0], len[1], 0, 1, 0, 0, 64, 253, 0, 0];
    packet.extend(source);
    packet.extend(destination);
    let sum: u32 = packet.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
    let folded = !u16::try_from((sum & 0xffff) + (sum >> 16)).unwrap();
    packet[10..12].copy_from_slice(&folded.to_be_bytes());
    packet.extend(text);
    packet
}

const HOSTS: [[u8; 4]; 2] = [[50, 50, 50, 1], [60, 60, 60, 1]];
const CONFIGS: [&str; 2] = [
    include_str!("../../gateway/configs/preshare-a.cfg"),
    include_str!("../../gateway/configs/preshare-b.cfg"),
];
const AGGRESSIVE: [&str; 2] = [
    include_str!("../../gateway/configs/aggressive-a.cfg"),
    include_str!("../../gateway/configs/aggressive-b.cfg"),
];

/// Encryption, hash, group of phase 1; transform set; group of perfect forward secrecy.
const SUITES: [(&str, &str, u16, &str, Option<u16>); 9] = [
    ("des", "md5", 1, "esp-des esp-md5-hmac", None),
    ("des", "sha", 2, "ah-sha-hmac esp-des esp-sha-hmac", Some(1)),
    ("3des", "sha", 2, "esp-3des esp-sha-hmac", Some(2)),
    ("aes 128", "sha", 5, "esp-aes esp-sha-hmac", Some(5)),
    ("aes 256", "sha256", 14, "esp-aes 256 esp-sha256-hmac", Some(14)),
    ("aes 256", "sha384", 20, "esp-gcm 256", Some(20)),
    ("aes 128", "sha512", 21, "ah-sha512-hmac", Some(21)),
    ("aes 192", "sha256", 19, "esp-null esp-sha384-hmac", Some(19)),
    ("aes 128", "sha256", 15, "ah-md5-hmac esp-gcm", Some(15)),
];

/// A packet crosses in both directions; whoever sends the first one is the initiator.
fn crosses(configs: [&str; 2], providers: [CryptoProvider; 2], what: &str) {
    let mut pair = Pair::new(configs, providers);
    for (from, to) in [(0, 1), (1, 0)] {
        let text = [what.as_bytes(), &[7; 300]].concat();
        pair.send(from, &packet(HOSTS[from], HOSTS[to], &text));
        assert_eq!(pair.delivered[to].len(), 1, "{what}, from {from}");
        // All but TTL and checksum, which a router changes.
        assert_eq!(pair.delivered[to][0][12..], packet(HOSTS[from], HOSTS[to], &text)[12..], "{what}");
    }
}

fn providers(first_is_openssl: bool) -> [CryptoProvider; 2] {
    let (openssl, other) = (provider_openssl::provider().unwrap(), default::provider());
    if first_is_openssl { [openssl, other] } else { [other, openssl] }
}

#[test]
fn each_provider_negotiates_with_the_other_in_both_roles() {
    for first_is_openssl in [true, false] {
        for (encryption, hash, group, set, pfs) in SUITES {
            let configs = CONFIGS.map(|config| {
                let policy = format!(" encryption {encryption}\n hash {hash}\n group {group}\n");
                let secrecy = pfs.map_or(String::new(), |group| format!(" set pfs group{group}\n"));
                config
                    .replace(" group 2\n", &policy)
                    .replace("auth2 esp-des esp-sha-hmac", &format!("auth2 {set}"))
                    .replace(" set transform-set", &format!("{secrecy} set transform-set"))
            });
            let what = format!("{encryption} {hash} {group}, {set}");
            crosses([&configs[0], &configs[1]], providers(first_is_openssl), &what);
        }
        crosses(AGGRESSIVE, providers(first_is_openssl), "aggressive");
    }
}
