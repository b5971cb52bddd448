#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod drive;
mod error;
mod lane;
mod link;
mod nat;
mod network;
mod node;
mod packet;
mod pcap;
mod recording;
mod rng;
mod tap;

pub use drive::Step;
pub use error::{Error, Result};
pub use link::{Chance, Counters, DropCause, Link, LinkCounters};
pub use nat::{Addressed, Nat, OUTSIDE};
pub use network::{Direction, LinkId, Network, NodeId, Verdict};
pub use node::{Node, Port};
pub use packet::{Packet, UdpDatagram};
pub use pcap::PcapWriter;
pub use recording::{Entry, Input, Recording, RecordingError};
pub use rng::Rng;
pub use tap::{Fate, Sighting, write_pcap};
