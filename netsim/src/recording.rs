//! A run as text: the seed, and every input of every node with its time.
//!
//! ```text
//! netsim-recording 1
//! seed 7
//! 0.000000000 0 command initiate 192.0.2.2
//! 0.020000000 1 packet 0 4500001c...
//! 30.000000000 1 timeout
//! ```
//!
//! A sans-IO node is a function of its inputs. Its configuration, its seed and its lines of this file are therefore enough to run it again,
//! octet for octet, without the rest of the network.

use core::fmt::{self, Write as _};
use core::str::FromStr;
use core::time::Duration;

use crate::network::NodeId;
use crate::node::{Node, Port};
use crate::packet::Packet;

const FIRST_LINE: &str = "netsim-recording 1";

/// What a node was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A packet arrived.
    Packet {
        /// On this port.
        port: Port,
        /// With these octets on the wire.
        octets: Vec<u8>,
    },
    /// Its deadline came.
    Timeout,
    /// The application asked for something, in words that it understands itself; one line.
    Command(String),
}

/// One input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Time since the start.
    pub at: Duration,
    /// Whose input.
    pub node: NodeId,
    /// Which.
    pub input: Input,
}

/// A whole run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recording {
    /// The network's seed.
    pub seed: u64,
    /// In the order in which nodes were called.
    pub entries: Vec<Entry>,
}

/// Which line of a recording cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct RecordingError {
    /// From 1.
    pub line: usize,
    /// What was expected.
    pub reason: &'static str,
}

impl Recording {
    /// Gives `target` all inputs of `node` again and returns what it sent, with the times.
    ///
    /// `command` carries out a line that the application wrote. Packets that `target`'s type of packet cannot hold are left out.
    pub fn replay<N: Node>(
        &self,
        node: NodeId,
        target: &mut N,
        mut command: impl FnMut(&mut N, Duration, &str),
    ) -> Vec<(Duration, Port, N::Packet)> {
        let mut sent = Vec::new();
        for entry in self.entries.iter().filter(|entry| entry.node == node) {
            match &entry.input {
                Input::Packet { port, octets } => {
                    if let Some(packet) = N::Packet::from_wire(octets) {
                        target.handle_packet(entry.at, *port, &packet);
                    }
                }
                Input::Timeout => target.handle_timeout(entry.at),
                Input::Command(line) => command(target, entry.at, line),
            }
            while let Some((port, packet)) = target.poll_transmit() {
                sent.push((entry.at, port, packet));
            }
        }
        sent
    }
}

impl fmt::Display for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{FIRST_LINE}")?;
        writeln!(f, "seed {}", self.seed)?;
        for Entry { at, node, input } in &self.entries {
            write!(f, "{}.{:09} {} ", at.as_secs(), at.subsec_nanos(), node.index())?;
            match input {
                Input::Packet { port, octets } => writeln!(f, "packet {} {}", port.0, hex(octets))?,
                Input::Timeout => writeln!(f, "timeout")?,
                // A line break inside a command would begin another line.
                Input::Command(line) => writeln!(f, "command {}", line.replace(['\r', '\n'], " "))?,
            }
        }
        Ok(())
    }
}

impl FromStr for Recording {
    type Err = RecordingError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut lines = text.lines().zip(1..=usize::MAX);
        let fail = |line, reason| RecordingError { line, reason };
        if lines.next().is_none_or(|(line, _)| line != FIRST_LINE) {
            return Err(fail(1, "expected netsim-recording 1"));
        }
        let seed = lines
            .next()
            .and_then(|(line, _)| line.strip_prefix("seed ")?.parse().ok())
            .ok_or_else(|| fail(2, "expected seed and a number"))?;
        let mut entries = Vec::new();
        for (line, number) in lines {
            entries.push(entry(line).map_err(|reason| fail(number, reason))?);
        }
        Ok(Self { seed, entries })
    }
}

fn entry(line: &str) -> Result<Entry, &'static str> {
    let (at, rest) = line.split_once(' ').ok_or("expected a time")?;
    let (node, rest) = rest.split_once(' ').ok_or("expected a node's number")?;
    let at = time(at).ok_or("expected seconds with nine decimals")?;
    let node = node.parse().map(NodeId::new).map_err(|_| "expected a node's number")?;
    let input = if let Some(command) = rest.strip_prefix("command ") {
        Input::Command(command.to_owned())
    } else if let Some(packet) = rest.strip_prefix("packet ") {
        let (port, octets) = packet.split_once(' ').ok_or("expected a port and octets")?;
        Input::Packet {
            port: port.parse().map(Port).map_err(|_| "expected a port's number")?,
            octets: unhex(octets).ok_or("expected octets in hexadecimal")?,
        }
    } else if rest == "timeout" {
        Input::Timeout
    } else {
        return Err("expected packet, timeout or command");
    };
    Ok(Entry { at, node, input })
}

fn time(text: &str) -> Option<Duration> {
    let (seconds, nanoseconds) = text.split_once('.')?;
    if nanoseconds.len() != 9 {
        return None;
    }
    Some(Duration::new(seconds.parse().ok()?, nanoseconds.parse().ok()?))
}

fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::new(), |mut text, octet| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{octet:02x}");
        text
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.chars().map(|c| c.to_digit(16)?.try_into().ok()).collect::<Option<_>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|[high, low]| (high << 4) | low).collect())
}
