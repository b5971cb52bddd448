//! Two engines and a hostile link: the fuzzer's octets say what happens to each datagram. Nothing panics, nobody talks without end, and
//! keys that both ends installed under one SPI are the same keys.
#![no_main]

use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crypto_provider::default::{SeededRandom, provider};
use crypto_provider::{CipherAlgorithm, CryptoProvider, GroupId, HashAlgorithm, SecretBytes, Work};
use libfuzzer_sys::fuzz_target;
use netsim::{Chance, Link, Network, Node, Port, UdpDatagram, Verdict};
use oakley::*;

/// More than any exchange sends in the simulated time, retransmissions included.
const MAX_SENT: usize = 200;
/// Parts of the longest message, where messages leave in parts.
const PARTS: usize = 4;
const MINUTES: Duration = Duration::from_secs(600);

#[derive(Clone)]
struct Policy {
    me: u8,
    peer: u8,
    mode: Mode,
    cuts: bool,
}

fn address(index: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, index], 500))
}

fn selectors(me: u8, peer: u8) -> SelectorPair {
    let net = |octet| TrafficSelector {
        addresses: IpAddr::from([10, octet, 0, 0])..=IpAddr::from([10, octet, 0, 255]),
        protocol: 0,
        port: 0,
    };
    SelectorPair { local: net(me), remote: net(peer) }
}

impl PolicySource for Policy {
    fn phase1(&self, _: &Peer<'_>, mode: Mode) -> Work<Option<Arc<Phase1Policy>>> {
        let suite = Phase1Suite {
            priority: 1,
            cipher: CipherAlgorithm::DesCbc,
            key_len: 8,
            hash: HashAlgorithm::Sha1,
            method: AuthMethod::PreShared,
            group: GroupId::MODP_768,
            lifetime: Lifetime { seconds: Some(400), kilobytes: None },
        };
        let mut policy = Phase1Policy::new(vec![suite], Identity::Address(address(self.me).ip()));
        policy.mode = self.mode;
        if self.cuts {
            policy.nonce_len = 256;
            policy.fragmentation = Fragmentation::announced();
            (policy.fragmentation.size, policy.fragmentation.forced) = (200, true);
        }
        let wanted = mode == Mode::Main || mode == self.mode;
        Work::Done(wanted.then(|| Arc::new(policy)))
    }

    fn pre_shared_keys(&self, _: KeyQuery<'_>) -> Work<Arc<[SecretBytes]>> {
        Work::Done([SecretBytes::copy_of(b"sharedkey")].into())
    }

    fn phase2(&self, _: &Peer<'_>, _: &SelectorPair) -> Work<Option<Arc<Phase2Policy>>> {
        let esp = Phase2Transform {
            protocol: Protocol::Esp,
            confidentiality: Confidentiality::Cipher(CipherAlgorithm::DesCbc, 8),
            integrity: Some(HashAlgorithm::Sha1),
        };
        let ah = Phase2Transform {
            protocol: Protocol::Ah,
            confidentiality: Confidentiality::None,
            integrity: Some(HashAlgorithm::Sha1),
        };
        Work::Done(Some(Arc::new(Phase2Policy {
            proposals: vec![Phase2Proposal { protections: vec![vec![ah], vec![esp]] }],
            selectors: selectors(self.me, self.peer),
            encapsulation: Encapsulation::Tunnel,
            lifetime: Lifetime { seconds: Some(3600), kilobytes: None },
            pfs: None,
        })))
    }
}

/// An engine on the network.
struct Host {
    engine: Engine,
    out: VecDeque<UdpDatagram>,
    sent: usize,
    established: usize,
    keys: BTreeMap<(Direction, Spi), (Vec<u8>, Vec<u8>)>,
}

impl Host {
    fn new(me: u8, peer: u8, (mode, cuts): (Mode, bool)) -> Self {
        let provider = CryptoProvider { random: Arc::new(SeededRandom::new(me.into())), ..provider() };
        let engine = Engine::new(Config::default(), provider, Arc::new(Policy { me, peer, mode, cuts }));
        Self { engine, out: VecDeque::new(), sent: 0, established: 0, keys: BTreeMap::new() }
    }

    fn drain(&mut self) {
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Transmit { path, octets } => {
                    self.sent += 1;
                    self.out.push_back(UdpDatagram::new(path.local, path.remote, octets.to_vec()));
                }
                Output::Install(installation) => {
                    for sa in &installation.sas {
                        let keys = (sa.encryption_key.expose().to_vec(), sa.integrity_key.expose().to_vec());
                        self.keys.insert((installation.direction, sa.spi), keys);
                    }
                }
                Output::Event(Event::Established(_)) => self.established += 1,
                _ => {}
            }
        }
    }
}

impl Node for Host {
    type Packet = UdpDatagram;

    fn handle_packet(&mut self, now: Duration, _: Port, packet: &UdpDatagram) {
        let path = Path { local: packet.destination, remote: packet.source };
        self.engine.handle_input(now, Input::Datagram { path, octets: &packet.payload }).unwrap();
        self.drain();
    }

    fn handle_timeout(&mut self, now: Duration) {
        self.engine.handle_timeout(now);
        self.drain();
    }

    fn poll_timeout(&self) -> Option<Duration> {
        self.engine.poll_timeout().map(|deadline| deadline.at)
    }

    fn poll_transmit(&mut self) -> Option<(Port, UdpDatagram)> {
        Some((Port(0), self.out.pop_front()?))
    }
}

/// What the next four octets do to a datagram.
fn act(script: &mut VecDeque<u8>, packet: &UdpDatagram) -> Verdict<UdpDatagram> {
    let mut next = || script.pop_front();
    let (Some(what), Some(high), Some(low), Some(value)) = (next(), next(), next(), next()) else {
        return Verdict::Pass;
    };
    let mut other = packet.clone();
    let len = other.payload.len();
    if len == 0 {
        return Verdict::Pass;
    }
    let at = usize::from(u16::from_be_bytes([high, low])) % len;
    match what % 8 {
        0..=2 => return Verdict::Pass,
        3 => return Verdict::Drop,
        4 => other.payload[at] ^= value,
        5 => other.payload.truncate(at),
        6 => {
            other.payload.truncate(at);
            other.payload.extend(script.drain(..script.len().min(value.into())));
        }
        _ => other.source.set_port(u16::from(value)),
    }
    Verdict::Replace(other)
}

fuzz_target!(|octets: &[u8]| {
    let Some(([what, seed], script)) = octets.split_first_chunk() else { return };
    let mode = if what & 1 == 0 { Mode::Main } else { Mode::Aggressive };
    let cuts = what & 4 != 0;
    let mut network = Network::new(u64::from(*seed));
    let a = network.add(Host::new(1, 2, (mode, cuts)));
    let b = network.add(Host::new(2, 1, (mode, cuts)));
    let mut link = Link::new().delay(Duration::from_millis(20));
    if what & 2 != 0 {
        link = link.duplicate(Chance::percent(30)).reorder(Chance::percent(30), Duration::from_millis(50));
    }
    let wire = network.connect((a, Port(0)), (b, Port(0)), link).unwrap();
    let quiet = script.chunks(4).all(|act| act[0] % 8 <= 2);
    let mut script: VecDeque<u8> = script.iter().copied().collect();
    network.set_filter(wire, move |_, _, packet| act(&mut script, packet));

    let request =
        Request { path: Path { local: address(1), remote: address(2) }, selectors: selectors(1, 2) };
    let initiate = |host: &mut Host, now| {
        host.engine.handle_input(now, Input::Initiate(request)).unwrap();
        host.drain();
    };
    network.command(a, "initiate", initiate).unwrap();
    network.drive_for(MINUTES).unwrap();

    let most = if cuts { MAX_SENT * PARTS } else { MAX_SENT };
    for id in [a, b] {
        assert!(network[id].sent <= most, "{} messages", network[id].sent);
    }
    if quiet {
        assert_eq!((network[a].established, network[b].established), (1, 1));
    }
    for (here, there) in [(a, b), (b, a)] {
        for ((direction, spi), keys) in &network[here].keys {
            if *direction == Direction::Outbound
                && let Some(theirs) = network[there].keys.get(&(Direction::Inbound, *spi))
            {
                assert!(keys == theirs, "both ends have {spi:?}, with different keys");
            }
        }
    }
});
