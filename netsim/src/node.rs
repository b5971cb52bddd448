//! What can be put on the network.

use core::time::Duration;

use crate::packet::Packet;

/// A node's own name for one of its connections: an interface of a router, the only socket of an engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Port(pub u16);

/// A sans-IO node: all input comes by calls, all output is asked for, and time is an argument.
///
/// `now` is the time since the start of the run and never goes back.
pub trait Node {
    /// What travels between nodes of this network.
    type Packet: Packet;

    /// A packet has arrived on `from`.
    fn handle_packet(&mut self, now: Duration, from: Port, packet: &Self::Packet);

    /// The time that [`Node::poll_timeout`] named has come.
    ///
    /// Afterwards that deadline must have moved on or be gone: a node that names a past time for ever is reported as a livelock.
    fn handle_timeout(&mut self, now: Duration);

    /// When [`Node::handle_timeout`] wants to be called next.
    fn poll_timeout(&self) -> Option<Duration>;

    /// The next packet to send and the port it leaves by, in order, until there is none.
    fn poll_transmit(&mut self) -> Option<(Port, Self::Packet)>;
}

impl<N: Node + ?Sized> Node for Box<N> {
    type Packet = N::Packet;

    fn handle_packet(&mut self, now: Duration, from: Port, packet: &Self::Packet) {
        (**self).handle_packet(now, from, packet);
    }

    fn handle_timeout(&mut self, now: Duration) {
        (**self).handle_timeout(now);
    }

    fn poll_timeout(&self) -> Option<Duration> {
        (**self).poll_timeout()
    }

    fn poll_transmit(&mut self) -> Option<(Port, Self::Packet)> {
        (**self).poll_transmit()
    }
}
