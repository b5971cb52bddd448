//! Two engines on a simulated network, and what they did.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    dead_code,
    reason = "a test may panic, and not every test uses all"
)]

use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use std::collections::VecDeque;
use std::sync::Arc;

use crypto_provider::default::{SeededRandom, provider};
use crypto_provider::{CipherAlgorithm, CryptoProvider, GroupId, HashAlgorithm, SecretBytes, Work};
use netsim::{Link, LinkId, Network, Node, NodeId, Port, UdpDatagram};
use oakley::*;

/// A policy that a test can change in every part.
#[derive(Clone)]
pub struct Policy {
    pub suites: Vec<Phase1Suite>,
    pub identity: Identity,
    pub peer_identity: PeerIdentity,
    pub keys: Vec<Vec<u8>>,
    pub phase2: Option<Phase2Policy>,
    pub known: Option<SocketAddr>,
    pub key_log: bool,
    /// Off, so that a test can count payloads and knows the ports.
    pub nat: NatTraversal,
    /// Off, so that a test can count payloads and messages.
    pub dpd: DeadPeerDetection,
    /// Off, so that a test can count payloads and messages.
    pub fragmentation: Fragmentation,
    pub nonce_len: usize,
    /// Whether Aggressive Mode is on for the peer, and begun by us.
    pub aggressive: bool,
    pub quirks: Quirks,
    /// VENDOR payloads of our first message.
    pub vendor_ids: Vec<Vec<u8>>,
    /// Keys that are found by identity only.
    pub named_keys: Vec<(Identity, Vec<u8>)>,
    pub recovers_unknown_spi: bool,
}

impl PolicySource for Policy {
    fn phase1(&self, peer: &Peer<'_>, mode: Mode) -> Work<Option<Arc<Phase1Policy>>> {
        let wanted = (mode == Mode::Main || self.aggressive)
            && self.known.is_none_or(|known| known == peer.path.remote);
        let mut policy = Phase1Policy::new(self.suites.clone(), self.identity.clone());
        policy.peer_identity = self.peer_identity.clone();
        policy.key_log = self.key_log;
        policy.nat = self.nat.clone();
        policy.dpd = self.dpd.clone();
        policy.recovers_unknown_spi = self.recovers_unknown_spi;
        policy.fragmentation = self.fragmentation.clone();
        policy.nonce_len = self.nonce_len;
        policy.mode = if self.aggressive { Mode::Aggressive } else { Mode::Main };
        policy.quirks = self.quirks.clone();
        policy.vendor_ids = self.vendor_ids.iter().map(|octets| octets.clone().into()).collect();
        Work::Done(wanted.then(|| Arc::new(policy)))
    }

    fn pre_shared_keys(&self, query: KeyQuery<'_>) -> Work<Arc<[SecretBytes]>> {
        if let KeyQuery::Identity(identity) = query
            && !self.named_keys.is_empty()
        {
            let keys = self.named_keys.iter().filter(|(name, _)| name == identity);
            return Work::Done(keys.map(|(_, key)| SecretBytes::copy_of(key)).collect());
        }
        Work::Done(self.keys.iter().map(|key| SecretBytes::copy_of(key)).collect())
    }

    fn phase2(&self, _: &Peer<'_>, _: &SelectorPair) -> Work<Option<Arc<Phase2Policy>>> {
        Work::Done(self.phase2.clone().map(Arc::new))
    }
}

pub fn address(index: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, index], 500))
}

pub fn suite() -> Phase1Suite {
    Phase1Suite {
        priority: 1,
        cipher: CipherAlgorithm::DesCbc,
        key_len: 8,
        hash: HashAlgorithm::Sha1,
        method: AuthMethod::PreShared,
        group: GroupId::MODP_768,
        lifetime: Lifetime { seconds: Some(86_400), kilobytes: None },
    }
}

pub fn net(octet: u8) -> TrafficSelector {
    let ip = |last| IpAddr::from([10, octet, 0, last]);
    TrafficSelector { addresses: ip(0)..=ip(255), protocol: 0, port: 0 }
}

pub fn esp() -> Phase2Transform {
    Phase2Transform {
        protocol: Protocol::Esp,
        confidentiality: Confidentiality::Cipher(CipherAlgorithm::DesCbc, 8),
        integrity: Some(HashAlgorithm::Sha1),
    }
}

pub fn ah() -> Phase2Transform {
    Phase2Transform {
        protocol: Protocol::Ah,
        confidentiality: Confidentiality::None,
        integrity: Some(HashAlgorithm::Sha1),
    }
}

pub fn proposal(transforms: &[Phase2Transform]) -> Phase2Proposal {
    Phase2Proposal { protections: transforms.iter().map(|transform| vec![*transform]).collect() }
}

pub fn phase2(me: u8, peer: u8, proposals: Vec<Phase2Proposal>) -> Phase2Policy {
    Phase2Policy {
        proposals,
        selectors: SelectorPair { local: net(me), remote: net(peer) },
        encapsulation: Encapsulation::Tunnel,
        lifetime: Lifetime { seconds: Some(3600), kilobytes: Some(4_608_000) },
        pfs: None,
    }
}

/// The policy of router `me` towards router `peer`.
pub fn policy(me: u8, peer: u8) -> Policy {
    Policy {
        suites: vec![suite()],
        identity: Identity::Address(address(me).ip()),
        peer_identity: PeerIdentity::PathAddress,
        keys: vec![b"sharedkey".to_vec()],
        phase2: Some(phase2(me, peer, vec![proposal(&[esp()])])),
        known: None,
        key_log: false,
        nat: NatTraversal::off(),
        dpd: DeadPeerDetection::off(),
        fragmentation: Fragmentation::default(),
        nonce_len: 32,
        aggressive: false,
        quirks: silent(),
        vendor_ids: Vec::new(),
        named_keys: Vec::new(),
        recovers_unknown_spi: false,
    }
}

/// Without INITIAL-CONTACT, so that a test can count messages.
pub fn silent() -> Quirks {
    let mut quirks = Quirks::default();
    quirks.no_initial_contact = true;
    quirks
}

/// Whether a message was refused because no proposal fits.
pub fn is_no_proposal(why: Option<&Reject>) -> bool {
    matches!(why, Some(Reject::Incompatible(Incompatibility::NoProposalChosen { .. })))
}

/// An engine on the network, with everything that it put out.
pub struct Host {
    pub engine: Engine,
    pub events: Vec<Event>,
    pub installed: Vec<Installation>,
    pub removed: Vec<(BundleId, RemoveReason)>,
    pub moved: Vec<(BundleId, Path)>,
    pub sent: Vec<Vec<u8>>,
    out: VecDeque<UdpDatagram>,
}

impl Host {
    pub fn new(seed: u64, policy: impl PolicySource + 'static, config: Config) -> Self {
        Self::with_provider(seed, policy, config, provider())
    }

    /// A host that computes by `provider`, its randomness apart.
    pub fn with_provider(
        seed: u64,
        policy: impl PolicySource + 'static,
        config: Config,
        provider: CryptoProvider,
    ) -> Self {
        let provider = CryptoProvider { random: Arc::new(SeededRandom::new(seed)), ..provider };
        let engine = Engine::new(config, provider, Arc::new(policy));
        let (events, installed, removed, sent) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { engine, events, installed, removed, moved: Vec::new(), sent, out: VecDeque::new() }
    }

    pub fn drain(&mut self) {
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Transmit { path, octets } => {
                    self.sent.push(octets.to_vec());
                    self.out.push_back(UdpDatagram::new(path.local, path.remote, octets.to_vec()));
                }
                Output::Install(installation) => self.installed.push(*installation),
                Output::Remove(bundle, reason) => self.removed.push((bundle, reason)),
                Output::Move(bundle, path) => self.moved.push((bundle, path)),
                Output::Event(event) => self.events.push(event),
                other => panic!("{other:?}"),
            }
        }
    }

    pub fn datagram(&mut self, now: Duration, from: SocketAddr, to: SocketAddr, octets: &[u8]) {
        let path = Path { local: to, remote: from };
        self.engine.handle_input(now, Input::Datagram { path, octets }).unwrap();
        self.drain();
    }

    pub fn established(&self) -> Vec<Arc<Bundle>> {
        self.events
            .iter()
            .filter_map(|event| match event {
                Event::Established(bundle) => Some(Arc::clone(bundle)),
                _ => None,
            })
            .collect()
    }

    pub fn ready(&self) -> usize {
        self.engine.snapshot().ike_sas.iter().filter(|sa| sa.state == IkeSaState::Ready).count()
    }

    pub fn rejects(&self) -> Vec<Reject> {
        self.events
            .iter()
            .filter_map(|event| match event {
                Event::Rejected { why, .. } => Some(why.clone()),
                _ => None,
            })
            .collect()
    }

    pub fn failures(&self) -> Vec<Abort> {
        self.events
            .iter()
            .filter_map(|event| match event {
                Event::Failed { why, .. } => Some(why.clone()),
                _ => None,
            })
            .collect()
    }
}

impl Node for Host {
    type Packet = UdpDatagram;

    fn handle_packet(&mut self, now: Duration, _: Port, packet: &UdpDatagram) {
        let path = Path { local: packet.destination, remote: packet.source };
        self.engine.handle_input(now, Input::Datagram { path, octets: &packet.payload }).unwrap();
    }

    fn handle_timeout(&mut self, now: Duration) {
        self.engine.handle_timeout(now);
    }

    fn poll_timeout(&self) -> Option<Duration> {
        self.engine.poll_timeout().map(|deadline| deadline.at)
    }

    fn poll_transmit(&mut self) -> Option<(Port, UdpDatagram)> {
        self.drain();
        self.out.pop_front().map(|packet| (Port(0), packet))
    }
}

/// Routers 1 and 2 and the wire between them.
pub struct Pair {
    pub network: Network<Host>,
    pub a: NodeId,
    pub b: NodeId,
    pub wire: LinkId,
}

impl Pair {
    pub fn new(seed: u64, a: Policy, b: Policy, link: Link) -> Self {
        Self::with_config(seed, (a, b), link, &Config::default())
    }

    pub fn with_config(seed: u64, (a, b): (Policy, Policy), link: Link, config: &Config) -> Self {
        let mut network = Network::new(seed);
        let a = network.add(Host::new(seed.wrapping_mul(2), a, config.clone()));
        let b = network.add(Host::new(seed.wrapping_mul(2) + 1, b, config.clone()));
        let wire = network.connect((a, Port(0)), (b, Port(0)), link).unwrap();
        Self { network, a, b, wire }
    }

    /// The plain case: one key, one suite, one proposal.
    pub fn plain(seed: u64) -> Self {
        Self::new(seed, policy(1, 2), policy(2, 1), Link::new().delay(Duration::from_millis(10)))
    }

    pub fn path() -> Path {
        Path { local: address(1), remote: address(2) }
    }

    /// Traffic of router 1 needs a tunnel to router 2.
    pub fn initiate(&mut self) {
        self.initiate_flow(SelectorPair { local: net(1), remote: net(2) });
    }

    pub fn initiate_flow(&mut self, selectors: SelectorPair) {
        let request = Request { path: Self::path(), selectors };
        self.network
            .command(self.a, "initiate", |host, now| host.engine.handle_input(now, Input::Initiate(request)))
            .unwrap()
            .unwrap();
    }

    /// Lets `seconds` go by.
    pub fn run(&mut self, seconds: u64) {
        self.network.drive_for(Duration::from_secs(seconds)).unwrap();
    }

    pub fn input(&mut self, id: NodeId, input: Input<'static>) {
        self.network.command(id, "input", |host, now| host.engine.handle_input(now, input)).unwrap().unwrap();
    }

    pub fn a(&self) -> &Host {
        self.network.get(self.a).unwrap()
    }

    pub fn b(&self) -> &Host {
        self.network.get(self.b).unwrap()
    }

    /// Both sides hold the same SAs under the same keys, crosswise.
    pub fn assert_agreement(&self) {
        for (one, other) in [(self.a(), self.b()), (self.b(), self.a())] {
            for inbound in one.installed.iter().filter(|sa| sa.direction == Direction::Inbound) {
                let outbound = other
                    .installed
                    .iter()
                    .find(|sa| sa.direction == Direction::Outbound && sa.sas[0].spi == inbound.sas[0].spi);
                let outbound = outbound.expect("the other side's outbound half");
                assert_eq!(inbound.sas.len(), outbound.sas.len());
                for (inbound, outbound) in inbound.sas.iter().zip(&outbound.sas) {
                    assert_eq!(inbound.spi, outbound.spi);
                    assert_eq!(inbound.transform, outbound.transform);
                    assert_eq!(inbound.encryption_key.expose(), outbound.encryption_key.expose());
                    assert_eq!(inbound.integrity_key.expose(), outbound.integrity_key.expose());
                    let key = inbound.encryption_key.expose();
                    assert!(key.is_empty() || key.iter().any(|octet| *octet != 0));
                }
                assert_eq!(inbound.selectors.local, outbound.selectors.remote);
                assert_eq!(inbound.selectors.remote, outbound.selectors.local);
                assert_eq!(inbound.lifetime, outbound.lifetime);
            }
        }
    }
}
