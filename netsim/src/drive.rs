//! Running a network: one event after another, with a bound on everything that could go on for ever.

use core::time::Duration;

use crate::error::{Error, Result};
use crate::network::{Network, NodeId};
use crate::node::{Node, Port};
use crate::recording::Input;

/// Packets that one node may offer in one go. No real node comes near it; a node that never stops is found at once.
const MAX_DRAIN: usize = 1_000_000;
/// Events at one moment of simulated time before it counts as a livelock.
const MAX_AT_ONE_TIME: usize = 1_000_000;

/// What one step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A packet was handed to a node.
    Arrival {
        /// To whom.
        node: NodeId,
        /// On which port.
        port: Port,
    },
    /// A node's deadline came.
    Timeout {
        /// Whose.
        node: NodeId,
    },
    /// Nothing is in flight and no deadline is set.
    Idle,
}

impl<N: Node> Network<N> {
    /// Sends what nodes have to send, jumps to the next event, and lets it happen.
    ///
    /// At one moment packets come before deadlines, packets in the order of sending, deadlines in the order of nodes.
    ///
    /// # Errors
    /// [`Error::EndlessOutput`].
    pub fn step(&mut self) -> Result<Step> {
        self.drain_all()?;
        let arrival = self.flights.first_key_value().map(|(&(at, _), _)| at);
        let timeout = self.next_timeout();
        match (arrival, timeout) {
            (None, None) => Ok(Step::Idle),
            (Some(at), Some((_, deadline))) if at > deadline => self.expire(timeout),
            (None, Some(_)) => self.expire(timeout),
            (Some(_), _) => self.arrive(),
        }
    }

    /// Runs until nothing is in flight and no deadline is set; the number of steps.
    ///
    /// # Errors
    /// [`Error::Livelock`] after `most` steps, [`Error::EndlessOutput`].
    pub fn drive_bounded(&mut self, most: usize) -> Result<usize> {
        for steps in 0..=most {
            if self.next_event()?.is_none() {
                return Ok(steps);
            }
            if steps < most {
                self.step()?;
            }
        }
        Err(Error::Livelock { at: self.now, steps: most })
    }

    /// Runs until nothing is in flight and no deadline is set, however long simulated time that takes.
    ///
    /// # Errors
    /// [`Error::Livelock`] after a hundred thousand steps, [`Error::EndlessOutput`].
    pub fn drive(&mut self) -> Result<usize> {
        self.drive_bounded(100_000)
    }

    /// Runs all that is due up to and including `end`, and sets the clock to it: for nodes that always have a timer running.
    ///
    /// # Errors
    /// [`Error::Livelock`] when time stands still under a million events, [`Error::EndlessOutput`].
    pub fn drive_until(&mut self, end: Duration) -> Result<usize> {
        let (mut steps, mut here, mut at) = (0_usize, 0_usize, self.now);
        while self.next_event()?.is_some_and(|next| next <= end) {
            self.step()?;
            steps = steps.saturating_add(1);
            here = if self.now == at { here.saturating_add(1) } else { 0 };
            at = self.now;
            if here >= MAX_AT_ONE_TIME {
                return Err(Error::Livelock { at, steps });
            }
        }
        self.now = self.now.max(end);
        Ok(steps)
    }

    /// Runs for `time` from now.
    ///
    /// # Errors
    /// As [`Network::drive_until`].
    pub fn drive_for(&mut self, time: Duration) -> Result<usize> {
        self.drive_until(self.now.saturating_add(time))
    }

    /// Runs until `done` says so, asked before every step; whether it did before the network fell idle.
    ///
    /// # Errors
    /// [`Error::Livelock`] after `most` steps, [`Error::EndlessOutput`].
    pub fn drive_to(&mut self, most: usize, mut done: impl FnMut(&Self) -> bool) -> Result<bool> {
        for _ in 0..most {
            if done(self) {
                return Ok(true);
            }
            if self.step()? == Step::Idle {
                return Ok(done(self));
            }
        }
        if done(self) { Ok(true) } else { Err(Error::Livelock { at: self.now, steps: most }) }
    }

    /// When the next thing happens, once nodes have sent what they have to send.
    ///
    /// # Errors
    /// [`Error::EndlessOutput`].
    pub fn next_event(&mut self) -> Result<Option<Duration>> {
        self.drain_all()?;
        let arrival = self.flights.first_key_value().map(|(&(at, _), _)| at);
        let timeout = self.next_timeout().map(|(_, at)| at);
        Ok(arrival.into_iter().chain(timeout).min().map(|at| at.max(self.now)))
    }

    pub(crate) fn drain(&mut self, id: NodeId) -> Result<()> {
        for _ in 0..MAX_DRAIN {
            let Some((port, packet)) = self.nodes.get_mut(id.index()).and_then(Node::poll_transmit) else {
                return Ok(());
            };
            self.transmit(id, port, packet);
        }
        Err(Error::EndlessOutput { node: id, at: self.now })
    }

    fn drain_all(&mut self) -> Result<()> {
        (0..self.nodes.len()).try_for_each(|index| self.drain(NodeId::new(index)))
    }

    fn next_timeout(&self) -> Option<(NodeId, Duration)> {
        let deadlines = self.nodes.iter().enumerate();
        deadlines
            .filter_map(|(index, node)| Some((NodeId::new(index), node.poll_timeout()?)))
            .min_by_key(|(_, at)| *at)
    }

    fn arrive(&mut self) -> Result<Step> {
        let Some(((at, _), flight)) = self.flights.pop_first() else {
            return Ok(Step::Idle);
        };
        self.now = self.now.max(at);
        self.land(&flight);
        let (node, port) = flight.to;
        self.drain(node)?;
        Ok(Step::Arrival { node, port })
    }

    fn expire(&mut self, timeout: Option<(NodeId, Duration)>) -> Result<Step> {
        let Some((id, at)) = timeout else {
            return Ok(Step::Idle);
        };
        self.now = self.now.max(at);
        self.write_down(id, || Input::Timeout);
        if let Some(node) = self.nodes.get_mut(id.index()) {
            node.handle_timeout(self.now);
        }
        self.drain(id)?;
        Ok(Step::Timeout { node: id })
    }
}
