//! What can go wrong with a simulation.

use core::time::Duration;
use std::io;

use crate::network::NodeId;
use crate::node::Port;

/// Result of the network's methods.
pub type Result<T> = core::result::Result<T, Error>;

/// Why a network refuses or gives up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// More steps were taken than the caller allowed, and something is still due.
    #[error("livelock: still busy at {at:?} after {steps} steps")]
    Livelock {
        /// Simulated time at which it was given up.
        at: Duration,
        /// Steps taken.
        steps: usize,
    },
    /// One node went on offering packets without end in a single drain.
    #[error("livelock: node {} sends without end at {at:?}", node.index())]
    EndlessOutput {
        /// The node.
        node: NodeId,
        /// Simulated time.
        at: Duration,
    },
    /// The id belongs to another network.
    #[error("no node {}", .0.index())]
    NoSuchNode(NodeId),
    /// A port has one link at most.
    #[error("port {} of node {} is connected already", port.0, node.index())]
    PortTaken {
        /// The node.
        node: NodeId,
        /// Its port.
        port: Port,
    },
    /// Writing a capture failed.
    #[error("capture: {0}")]
    Capture(#[from] io::Error),
}
