//! What an observer of the wires sees.

use core::time::Duration;
use std::io;

use crate::link::DropCause;
use crate::network::{Direction, LinkId};
use crate::packet::Packet;
use crate::pcap::PcapWriter;

/// What a link did with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It never arrives.
    Dropped(DropCause),
    /// It arrives, once or twice.
    Carried {
        /// When.
        arrives: Duration,
        /// When the copy does, if the link makes one.
        copy_arrives: Option<Duration>,
    },
}

/// A packet as it was put on a wire, also when it was lost afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting<P> {
    /// When its sender put it there.
    pub at: Duration,
    /// The link.
    pub link: LinkId,
    /// Which way it goes.
    pub direction: Direction,
    /// What becomes of it.
    pub fate: Fate,
    /// The packet as sent, before any filter changed it.
    pub packet: P,
}

/// Writes sightings as a capture: one interface per name, the link's index choosing the name; lost packets carry a comment.
///
/// Links without a name are left out, which is how one link alone is captured. `epoch` is the wall-clock time of the start of the run, as time since 1970.
///
/// # Errors
/// What `out` reports.
pub fn write_pcap<'a, P: Packet + 'a>(
    out: impl io::Write,
    names: &[(LinkId, &str)],
    epoch: Duration,
    sightings: impl IntoIterator<Item = &'a Sighting<P>>,
) -> io::Result<()> {
    let mut writer = PcapWriter::new(out)?;
    let mut interfaces = Vec::new();
    for (link, name) in names {
        interfaces.push((*link, writer.interface(name)?));
    }
    for sighting in sightings {
        let Some((_, interface)) = interfaces.iter().find(|(link, _)| *link == sighting.link) else {
            continue;
        };
        let comment = match sighting.fate {
            Fate::Dropped(cause) => Some(format!("dropped: {cause}")),
            Fate::Carried { copy_arrives: Some(_), .. } => Some(String::from("arrives twice")),
            Fate::Carried { copy_arrives: None, .. } => None,
        };
        let at = epoch.saturating_add(sighting.at);
        writer.packet(*interface, at, &sighting.packet.to_wire(), comment.as_deref())?;
    }
    writer.finish()
}
