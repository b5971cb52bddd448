//! Two engines, each with a data path that sends a packet each second and looks at the SPI of what comes: enough of a router to
//! see on which side packets vanish.

use core::net::SocketAddr;
use core::time::Duration;

use netsim::{Direction as Way, Link, LinkId, Network, Node, NodeId, Port, UdpDatagram, Verdict};
use oakley::*;

use crate::pair::*;

/// Packets of the data path travel on this port, their SPI in front.
const DATA: u16 = 9;
const SECOND: Duration = Duration::from_secs(1);

/// What a side does with its flow.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Habit {
    /// Sends a packet each second, whatever comes.
    Sends,
    /// Answers each packet.
    Answers,
    /// Only takes packets.
    Listens,
}

/// An engine with a data path.
pub struct Router {
    pub host: Host,
    me: u8,
    peer: u8,
    pub habit: Habit,
    /// Whether packets under unknown SPIs are told of.
    pub tells: bool,
    next: Duration,
    seen: (usize, usize),
    inbound: Vec<(BundleId, u32)>,
    outbound: Vec<(BundleId, u32)>,
    out: Vec<UdpDatagram>,
    /// When packets were opened.
    pub opened: Vec<Duration>,
    pub unknown: usize,
}

impl Router {
    pub fn new(seed: u64, (me, peer): (u8, u8), policy: Policy, habit: Habit) -> Self {
        let mut config = Config::default();
        config.retransmit_after = SECOND;
        config.max_sends = 5;
        Self {
            host: Host::new(seed, policy, config),
            me,
            peer,
            habit,
            tells: true,
            next: SECOND,
            seen: (0, 0),
            inbound: Vec::new(),
            outbound: Vec::new(),
            out: Vec::new(),
            opened: Vec::new(),
            unknown: 0,
        }
    }

    pub fn request(&self) -> Request {
        let path = Path { local: address(self.me), remote: address(self.peer) };
        Request { path, selectors: SelectorPair { local: net(self.me), remote: net(self.peer) } }
    }

    fn follow(&mut self) {
        self.host.drain();
        let (installed, removed) = self.seen;
        for sa in &self.host.installed[installed..] {
            let one = (sa.bundle, sa.sas[0].spi.0);
            match sa.direction {
                Direction::Inbound => self.inbound.push(one),
                Direction::Outbound => self.outbound.push(one),
            }
        }
        for (bundle, _) in &self.host.removed[removed..] {
            self.inbound.retain(|(other, _)| other != bundle);
            self.outbound.retain(|(other, _)| other != bundle);
        }
        self.seen = (self.host.installed.len(), self.host.removed.len());
    }

    fn input(&mut self, now: Duration, input: Input<'_>) {
        self.host.engine.handle_input(now, input).unwrap();
        self.follow();
    }

    fn send(&mut self, now: Duration) {
        let Some((bundle, spi)) = self.outbound.last().copied() else {
            let request = self.request();
            return self.input(now, Input::Initiate(request));
        };
        let end = |index| SocketAddr::new(address(index).ip(), DATA);
        self.out.push(UdpDatagram::new(end(self.me), end(self.peer), spi.to_be_bytes().to_vec()));
        self.input(now, Input::Traffic { bundle, direction: Direction::Outbound });
    }

    fn data(&mut self, now: Duration, octets: &[u8]) {
        let spi = u32::from_be_bytes(octets.try_into().unwrap());
        let Some((bundle, _)) = self.inbound.iter().find(|(_, ours)| *ours == spi).copied() else {
            self.unknown += 1;
            if self.tells {
                let Request { path, .. } = self.request();
                self.input(now, Input::UnknownSpi { path, protocol: Protocol::Esp, spi: Spi(spi) });
            }
            return;
        };
        self.opened.push(now);
        self.input(now, Input::Traffic { bundle, direction: Direction::Inbound });
        if self.habit == Habit::Answers {
            self.send(now);
        }
    }
}

impl Node for Router {
    type Packet = UdpDatagram;

    fn handle_packet(&mut self, now: Duration, port: Port, packet: &UdpDatagram) {
        if packet.destination.port() == DATA {
            return self.data(now, &packet.payload);
        }
        self.host.handle_packet(now, port, packet);
        self.follow();
    }

    fn handle_timeout(&mut self, now: Duration) {
        self.host.handle_timeout(now);
        self.follow();
        if now >= self.next {
            self.next = now + SECOND;
            if self.habit == Habit::Sends {
                self.send(now);
            }
        }
    }

    fn poll_timeout(&self) -> Option<Duration> {
        self.host.poll_timeout().into_iter().chain([self.next]).min()
    }

    fn poll_transmit(&mut self) -> Option<(Port, UdpDatagram)> {
        if let Some(packet) = self.out.pop() {
            return Some((Port(0), packet));
        }
        self.host.poll_transmit()
    }
}

/// Two routers and the wire between them.
pub struct Flow {
    pub network: Network<Router>,
    pub nodes: [NodeId; 2],
    pub wire: LinkId,
}

impl Flow {
    pub fn new(seed: u64, policies: [Policy; 2], habits: [Habit; 2]) -> Self {
        let mut network = Network::new(seed);
        let [a, b] = policies;
        let nodes = [
            network.add(Router::new(seed * 2 + 1, (1, 2), a, habits[0])),
            network.add(Router::new(seed * 2 + 2, (2, 1), b, habits[1])),
        ];
        let link = Link::new().delay(Duration::from_millis(20));
        let wire = network.connect((nodes[0], Port(0)), (nodes[1], Port(0)), link).unwrap();
        Self { network, nodes, wire }
    }

    pub fn run(&mut self, seconds: u64) {
        self.network.drive_for(Duration::from_secs(seconds)).unwrap();
    }

    pub fn side(&self, side: usize) -> &Router {
        self.network.get(self.nodes[side]).unwrap()
    }

    pub fn change(&mut self, side: usize, change: impl FnOnce(&mut Router, Duration)) {
        self.network.command(self.nodes[side], "change", change).unwrap();
    }

    pub fn input(&mut self, side: usize, input: Input<'static>) {
        self.change(side, |router, now| router.input(now, input));
    }

    /// A side loses all that it had, without a word.
    pub fn restart(&mut self, side: usize, policy: Policy) {
        self.change(side, |router, now| {
            let ends = (router.me, router.peer);
            let fresh = Router::new(now.as_secs() + 1000, ends, policy, router.habit);
            *router = Router { tells: router.tells, next: now + SECOND, ..fresh };
        });
    }

    /// Lets no message of IKE by that `drops` names, until told otherwise.
    pub fn filter(&mut self, drops: impl Fn(Duration, Way, &[u8]) -> bool + 'static) {
        self.network.set_filter(self.wire, move |now, way, packet| {
            let is_ike = packet.destination.port() != DATA;
            if is_ike && drops(now, way, &packet.payload) { Verdict::Drop } else { Verdict::Pass }
        });
    }

    /// Seconds from now until packets arrive on a side for a quarter of a minute on end.
    pub fn heals(&mut self, side: usize, within: u64) -> u64 {
        let from = self.network.now();
        for second in 0..within + 15 {
            self.run(1);
            let now = self.network.now();
            let recent = |ago: u64| {
                let (since, until) = (now - Duration::from_secs(ago + 1), now - Duration::from_secs(ago));
                since >= from && self.side(side).opened.iter().any(|at| (since..until).contains(at))
            };
            if (0..15).all(recent) {
                return second.saturating_sub(15);
            }
        }
        panic!("side {side} is deaf after {within} s");
    }
}
