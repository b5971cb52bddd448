//! The random simulation: routers with random configurations on a network that a seed maltreats, and that then heals.
//!
//! ```text
//!   host -- router -- network -- router -- host        two or three routers, each the peer of all others,
//!                        |                             the first one perhaps behind a translator
//!                      router -- host
//! ```
//!
//! What is simulated is real but for the wires: configurations are parsed, IKE negotiates, ESP and AH protect. For some
//! minutes datagrams are lost, doubled, overtaken, cut and altered, links fail, SAs are cleared, routers start again, move
//! and have wrong clocks. Then all of that ends, and what hosts send has to arrive again: a direction in which it does not
//! for longer than [`MOST_DEAF`] is deaf.
#![allow(clippy::arithmetic_side_effects, reason = "small numbers of its own, none from outside")]

mod hosts;
mod node;
mod plan;
mod run;
mod setup;
mod stage;
mod story;
mod wire;

use core::fmt;
use core::time::Duration;

pub use run::run;

/// How long after the network has healed hosts may wait until what they send arrives again.
pub const MOST_DEAF: Duration = Duration::from_secs(120);

/// What came out of one run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome {
    /// Time from the healing of the network, or from the first packet after it, until what was sent arrived again: the worst of
    /// all directions.
    pub healing: Duration,
    /// The longest time in which nothing arrived after that: clocks that went wrong before may end SAs on one side first.
    pub gap: Duration,
    /// What must not be.
    pub faults: Vec<Fault>,
    /// Packets that hosts sent after the network had healed.
    pub sent: u64,
    /// Most IKE SAs that a router had with all peers, the incomplete ones too.
    pub most_ike_sas: usize,
    /// Most bundles that a flow had.
    pub most_bundles: usize,
}

/// What must not be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// What was sent from one router's host to another's was lost for so long after the network had healed.
    Deaf {
        /// The sender's router, from 0.
        from: usize,
        /// The receiver's.
        to: usize,
        /// How long.
        time: Duration,
    },
    /// A router sends under an SA that its peer does not have.
    Split {
        /// The sender, from 0.
        from: usize,
        /// The peer.
        to: usize,
        /// The SPI.
        spi: u32,
    },
    /// A packet of a protected flow was on the wire in clear.
    Clear,
    /// A table grew beyond what so many peers need.
    Grown {
        /// IKE SAs of one router.
        ike_sas: usize,
        /// Bundles of one flow.
        bundles: usize,
    },
    /// The simulation could not go on.
    Broken(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deaf { from, to, time } => {
                write!(f, "deaf: from {} to {} for {} s", name(*from), name(*to), time.as_secs())
            }
            Self::Split { from, to, spi } => {
                write!(
                    f,
                    "split: {} sends under SPI {spi:#010x}, which {} does not have",
                    name(*from),
                    name(*to)
                )
            }
            Self::Clear => f.write_str("clear: a packet of a protected flow was on the wire"),
            Self::Grown { ike_sas, bundles } => {
                write!(f, "grown: {ike_sas} IKE SAs, {bundles} bundles of a flow")
            }
            Self::Broken(why) => write!(f, "broken: {why}"),
        }
    }
}

/// What a router is called.
fn name(router: usize) -> char {
    ('A'..='Z').nth(router).unwrap_or('?')
}
