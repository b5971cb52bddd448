//! What the engine asks of its caller: one queue, in order, because order carries meaning.

use alloc::boxed::Box;
use core::time::Duration;

use bytes::Bytes;

use crate::event::Event;
use crate::policy::Path;
use crate::sa::{BundleId, Installation, RemoveReason};

/// One output of [`Engine::poll_output`](crate::Engine::poll_output).
#[derive(Debug)]
#[non_exhaustive]
pub enum Output {
    /// Send this UDP payload as it is; on the port of NAT traversal it has its non-ESP marker already.
    Transmit {
        /// From where and to where.
        path: Path,
        /// The payload.
        octets: Bytes,
    },
    /// Install one direction of a bundle before anything that follows in the queue is done.
    Install(Box<Installation>),
    /// Remove both directions of a bundle.
    Remove(BundleId, RemoveReason),
    /// Send packets of a bundle to another address or port from here on.
    Move(BundleId, Path),
    /// Something happened.
    Event(Event),
    /// A datagram of another IKE version, untouched.
    NotOurs {
        /// Where from and where to.
        path: Path,
        /// The payload.
        octets: Bytes,
    },
}

/// When [`Engine::handle_timeout`](crate::Engine::handle_timeout) wants to be called, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Deadline {
    /// The time.
    pub at: Duration,
    /// The timer that runs out first.
    pub timer: TimerKind,
}

/// Why the engine wants to be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum TimerKind {
    /// A message is sent again, or its exchange ends.
    Retransmit,
    /// An exchange that a peer began is given up.
    HalfOpen,
    /// Replies kept for a finished exchange are let go.
    Reap,
    /// The life of an IKE SA ends.
    Expire,
    /// An IKE SA that has something under it, or a bundle whose life the peer has shortened, is to have a successor.
    Renew,
    /// A translator's mapping is kept alive.
    Keepalive,
    /// A peer is asked whether it is alive, or given up.
    Liveness,
    /// A bundle sends, and nothing comes back.
    Silence,
    /// Parts of messages that never were complete are let go.
    Fragments,
}
