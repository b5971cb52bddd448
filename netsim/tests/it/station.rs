//! A small node for the tests of the network.

use core::time::Duration;
use netsim::{Node, Packet, Port};
use std::collections::VecDeque;

/// Sends packets at a fixed pace, keeps all that arrives, and sends it back if it is an echo.
pub(crate) struct Station<P = Vec<u8>> {
    waiting: VecDeque<P>,
    ready: VecDeque<P>,
    pace: Duration,
    next: Option<Duration>,
    pub(crate) arrived: Vec<(Duration, P)>,
    echo: bool,
}

impl<P> Station<P> {
    /// One packet every `pace`, from time zero.
    pub(crate) fn sender(pace: Duration, packets: impl IntoIterator<Item = P>) -> Self {
        Self { waiting: packets.into_iter().collect(), pace, next: Some(Duration::ZERO), ..Self::quiet() }
    }

    /// Sends nothing of its own.
    pub(crate) fn quiet() -> Self {
        Self {
            waiting: VecDeque::new(),
            ready: VecDeque::new(),
            pace: Duration::ZERO,
            next: None,
            arrived: Vec::new(),
            echo: false,
        }
    }

    /// Sends back what arrives.
    pub(crate) fn echo() -> Self {
        Self { echo: true, ..Self::quiet() }
    }
}

/// `count` packets of `octets` that begin with their number.
pub(crate) fn numbered(count: u32, octets: usize) -> Vec<Vec<u8>> {
    (0..count)
        .map(|number| {
            let mut packet = vec![0; octets];
            packet[..4].copy_from_slice(&number.to_be_bytes());
            packet
        })
        .collect()
}

/// The number that [`numbered`] gave a packet.
pub(crate) fn number_of(packet: &[u8]) -> u32 {
    u32::from_be_bytes(packet[..4].try_into().unwrap())
}

impl<P: Packet> Node for Station<P> {
    type Packet = P;

    fn handle_packet(&mut self, now: Duration, _from: Port, packet: &P) {
        self.arrived.push((now, packet.clone()));
        if self.echo {
            self.ready.push_back(packet.clone());
        }
    }

    fn handle_timeout(&mut self, now: Duration) {
        assert!(self.next.is_some_and(|at| at <= now), "woken too early");
        self.ready.extend(self.waiting.pop_front());
        self.next = (!self.waiting.is_empty()).then(|| now + self.pace);
    }

    fn poll_timeout(&self) -> Option<Duration> {
        self.next
    }

    fn poll_transmit(&mut self) -> Option<(Port, P)> {
        Some((Port(0), self.ready.pop_front()?))
    }
}
