//! Topology, clock, taps and commands.

use core::ops::{Index, IndexMut};
use core::time::Duration;
use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::lane::Lane;
use crate::link::{DropCause, Link, LinkCounters};
use crate::node::{Node, Port};
use crate::packet::Packet;
use crate::recording::{Entry, Input, Recording};
use crate::rng::Rng;
use crate::tap::{Fate, Sighting};

/// A node of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(usize);

impl NodeId {
    pub(crate) const fn new(index: usize) -> Self {
        Self(index)
    }

    /// Its place in the order of adding, from 0.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0
    }
}

/// A link of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(usize);

/// A way along a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// From the end named first when the link was made.
    AToB,
    /// From the end named second.
    BToA,
}

/// What a filter does with a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict<P> {
    /// Goes on.
    Pass,
    /// Is taken off the wire.
    Drop,
    /// Another one goes on in its place.
    Replace(P),
}

type End = (NodeId, Port);
type Filter<P> = Box<dyn FnMut(Duration, Direction, &P) -> Verdict<P>>;
type Tap<P> = Box<dyn FnMut(&Sighting<P>)>;

struct Wire<P> {
    ends: [End; 2],
    lanes: [Lane; 2],
    filter: Option<Filter<P>>,
}

/// A packet on its way.
pub(crate) struct Flight<P> {
    pub(crate) to: End,
    /// The wire and lane that count it, and its number there; none for injected packets.
    pub(crate) lane: Option<(LinkId, Direction, u64)>,
    pub(crate) packet: P,
}

/// Nodes, links and a clock. One seed decides the fate of every packet.
pub struct Network<N: Node> {
    pub(crate) now: Duration,
    seed: u64,
    pub(crate) nodes: Vec<N>,
    wires: Vec<Wire<N::Packet>>,
    plugs: BTreeMap<End, (LinkId, Direction)>,
    /// By time of arrival, then in the order in which they were sent.
    pub(crate) flights: BTreeMap<(Duration, u64), Flight<N::Packet>>,
    launched: u64,
    unplugged: u64,
    taps: Vec<Tap<N::Packet>>,
    capture: Option<Vec<Sighting<N::Packet>>>,
    recording: Option<Recording>,
}

impl<N: Node> Network<N> {
    /// An empty network at time zero.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            now: Duration::ZERO,
            seed,
            nodes: Vec::new(),
            wires: Vec::new(),
            plugs: BTreeMap::new(),
            flights: BTreeMap::new(),
            launched: 0,
            unplugged: 0,
            taps: Vec::new(),
            capture: None,
            recording: None,
        }
    }

    /// Adds a node without links.
    pub fn add(&mut self, node: N) -> NodeId {
        self.nodes.push(node);
        NodeId(self.nodes.len().saturating_sub(1))
    }

    /// Joins two ports by a link that behaves alike both ways.
    ///
    /// # Errors
    /// [`Error::PortTaken`], [`Error::NoSuchNode`].
    pub fn connect(&mut self, a: (NodeId, Port), b: (NodeId, Port), link: Link) -> Result<LinkId> {
        for (node, port) in [a, b] {
            if node.0 >= self.nodes.len() {
                return Err(Error::NoSuchNode(node));
            }
            if a == b || self.plugs.contains_key(&(node, port)) {
                return Err(Error::PortTaken { node, port });
            }
        }
        let id = LinkId(self.wires.len());
        let stream = |side| {
            let label = u64::try_from(id.0).unwrap_or(u64::MAX).wrapping_mul(2).wrapping_add(side);
            Rng::stream(self.seed, label)
        };
        let lanes = [Lane::new(link.clone(), stream(0)), Lane::new(link, stream(1))];
        self.wires.push(Wire { ends: [a, b], lanes, filter: None });
        self.plugs.insert(a, (id, Direction::AToB));
        self.plugs.insert(b, (id, Direction::BToA));
        Ok(id)
    }

    /// Changes the behaviour of one direction from here on.
    pub fn set_link(&mut self, id: LinkId, direction: Direction, link: Link) {
        if let Some(lane) = self.lane_mut(id, direction) {
            lane.set_link(link);
        }
    }

    /// Takes a link down, or up again, in both directions. What is in flight still arrives.
    pub fn set_up(&mut self, id: LinkId, up: bool) {
        for direction in [Direction::AToB, Direction::BToA] {
            if let Some(lane) = self.lane_mut(id, direction) {
                lane.up = up;
            }
        }
    }

    /// Puts something in the middle of a link that sees each packet before the link's own faults do, and may drop or replace it.
    /// One per link; a second takes the place of the first.
    pub fn set_filter(
        &mut self,
        id: LinkId,
        filter: impl FnMut(Duration, Direction, &N::Packet) -> Verdict<N::Packet> + 'static,
    ) {
        if let Some(wire) = self.wires.get_mut(id.0) {
            wire.filter = Some(Box::new(filter));
        }
    }

    /// Takes the filter off a link.
    pub fn clear_filter(&mut self, id: LinkId) {
        if let Some(wire) = self.wires.get_mut(id.0) {
            wire.filter = None;
        }
    }

    /// Calls `tap` for every packet put on any wire.
    pub fn tap(&mut self, tap: impl FnMut(&Sighting<N::Packet>) + 'static) {
        self.taps.push(Box::new(tap));
    }

    /// Keeps every packet put on any wire from here on, for [`Network::captured`].
    pub fn capture(&mut self) {
        self.capture.get_or_insert_default();
    }

    /// What was kept since [`Network::capture`].
    #[must_use]
    pub fn captured(&self) -> &[Sighting<N::Packet>] {
        self.capture.as_deref().unwrap_or_default()
    }

    /// Writes down every input of every node from here on, for [`Network::recording`].
    pub fn record(&mut self) {
        let seed = self.seed;
        self.recording.get_or_insert_with(|| Recording { seed, entries: Vec::new() });
    }

    /// What was written down since [`Network::record`].
    #[must_use]
    pub const fn recording(&self) -> Option<&Recording> {
        self.recording.as_ref()
    }

    /// Carries out an application's wish on a node and sends what the node then has to send.
    ///
    /// `line` is how the recording shows it; it should say all that is needed to do it again.
    ///
    /// # Errors
    /// [`Error::NoSuchNode`], [`Error::EndlessOutput`].
    pub fn command<R>(
        &mut self,
        id: NodeId,
        line: &str,
        act: impl FnOnce(&mut N, Duration) -> R,
    ) -> Result<R> {
        self.write_down(id, || Input::Command(line.to_owned()));
        let now = self.now;
        let node = self.nodes.get_mut(id.0).ok_or(Error::NoSuchNode(id))?;
        let result = act(node, now);
        self.drain(id)?;
        Ok(result)
    }

    /// Lets a packet arrive at a node now, without a link: a forger's, or one of a host that is not simulated.
    pub fn inject(&mut self, to: NodeId, port: Port, packet: N::Packet) {
        self.launch(self.now, Flight { to: (to, port), lane: None, packet });
    }

    /// Simulated time since the start.
    #[must_use]
    pub const fn now(&self) -> Duration {
        self.now
    }

    /// The seed that the network was made with, to be printed when a test fails.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// What a link has counted; zeros for a link of another network.
    #[must_use]
    pub fn counters(&self, id: LinkId) -> LinkCounters {
        self.wires.get(id.0).map_or_else(LinkCounters::default, |wire| {
            let [a, b] = &wire.lanes;
            LinkCounters { a_to_b: a.counters, b_to_a: b.counters }
        })
    }

    /// Packets that nodes sent by ports without a link.
    #[must_use]
    pub const fn unplugged(&self) -> u64 {
        self.unplugged
    }

    /// A node, if the id is of this network.
    #[must_use]
    pub fn get(&self, id: NodeId) -> Option<&N> {
        self.nodes.get(id.0)
    }

    /// All nodes, in the order of adding.
    #[must_use]
    pub fn nodes(&self) -> &[N] {
        &self.nodes
    }

    /// Puts a packet on the wire of `port`.
    pub(crate) fn transmit(&mut self, from: NodeId, port: Port, packet: N::Packet) {
        let Some(&(id, direction)) = self.plugs.get(&(from, port)) else {
            self.unplugged = self.unplugged.saturating_add(1);
            return;
        };
        let now = self.now;
        let Some(wire) = self.wires.get_mut(id.0) else { return };
        let verdict = wire.filter.as_mut().map_or(Verdict::Pass, |filter| filter(now, direction, &packet));
        let ([near, far], [there, back]) = (wire.ends, &mut wire.lanes);
        let (lane, to) = match direction {
            Direction::AToB => (there, far),
            Direction::BToA => (back, near),
        };
        let number = lane.count_sent(packet.wire_len());
        let (fate, carried) = match verdict {
            Verdict::Drop => (lane.drop(DropCause::Filter), None),
            Verdict::Pass => (lane.carry(now, packet.wire_len()), None),
            Verdict::Replace(other) => (lane.carry(now, other.wire_len()), Some(other)),
        };
        if let Fate::Carried { arrives, copy_arrives } = fate {
            for at in core::iter::once(arrives).chain(copy_arrives) {
                let packet = carried.as_ref().unwrap_or(&packet).clone();
                self.launch(at, Flight { to, lane: Some((id, direction, number)), packet });
            }
        }
        self.show(Sighting { at: now, link: id, direction, fate, packet });
    }

    /// Hands a packet to its node.
    pub(crate) fn land(&mut self, flight: &Flight<N::Packet>) {
        let (id, port) = flight.to;
        if let Some((link, direction, number)) = flight.lane
            && let Some(lane) = self.lane_mut(link, direction)
        {
            lane.count_delivered(number);
        }
        self.write_down(id, || Input::Packet { port, octets: flight.packet.to_wire().into_owned() });
        if let Some(node) = self.nodes.get_mut(id.0) {
            node.handle_packet(self.now, port, &flight.packet);
        }
    }

    pub(crate) fn write_down(&mut self, node: NodeId, input: impl FnOnce() -> Input) {
        if let Some(recording) = &mut self.recording {
            recording.entries.push(Entry { at: self.now, node, input: input() });
        }
    }

    fn launch(&mut self, at: Duration, flight: Flight<N::Packet>) {
        self.flights.insert((at, self.launched), flight);
        self.launched = self.launched.saturating_add(1);
    }

    fn show(&mut self, sighting: Sighting<N::Packet>) {
        for tap in &mut self.taps {
            tap(&sighting);
        }
        if let Some(capture) = &mut self.capture {
            capture.push(sighting);
        }
    }

    fn lane_mut(&mut self, id: LinkId, direction: Direction) -> Option<&mut Lane> {
        let [there, back] = &mut self.wires.get_mut(id.0)?.lanes;
        Some(match direction {
            Direction::AToB => there,
            Direction::BToA => back,
        })
    }
}

/// The node of an id that this network gave out; as with any `Index`, an id of another network may panic.
impl<N: Node> Index<NodeId> for Network<N> {
    type Output = N;

    #[expect(
        clippy::indexing_slicing,
        reason = "a foreign id is a mistake in the caller's program, not an input"
    )]
    fn index(&self, id: NodeId) -> &N {
        &self.nodes[id.0]
    }
}

/// For looking and setting up; wishes that a recording should show go by [`Network::command`].
impl<N: Node> IndexMut<NodeId> for Network<N> {
    #[expect(
        clippy::indexing_slicing,
        reason = "a foreign id is a mistake in the caller's program, not an input"
    )]
    fn index_mut(&mut self, id: NodeId) -> &mut N {
        &mut self.nodes[id.0]
    }
}
