//! The story of one run, for whoever asks why it ended as it did.

use core::cell::RefCell;
use core::time::Duration;
use std::collections::BTreeMap;
use std::rc::Rc;

use isakmp_wire::Header;
use netsim::{Direction, Fate, Sighting};

use super::plan::{Act, Plan};
use super::wire::ike;
use super::{Fault, name};
use crate::cli::debug::{DebugLog, Switches};
use crate::router::Happening;

/// Lines by the time that they are about.
#[derive(Default)]
struct Lines {
    lines: Vec<(Duration, String)>,
    logs: BTreeMap<usize, DebugLog>,
    /// The last SPI seen in packets of a router to another address.
    spis: BTreeMap<(usize, bool, Vec<u8>), Vec<u8>>,
}

/// A story, shared by all who tell it; nothing is kept of one that nobody wants.
#[derive(Clone)]
pub(super) struct Story(Option<Rc<RefCell<Lines>>>);

impl Story {
    pub(super) fn new(wanted: bool) -> Self {
        Self(wanted.then(Rc::default))
    }

    pub(super) const fn is_told(&self) -> bool {
        self.0.is_some()
    }

    fn line(&self, at: Duration, line: impl FnOnce() -> String) {
        if let Some(lines) = &self.0 {
            let line = line();
            lines.borrow_mut().lines.push((at, line));
        }
    }

    pub(super) fn plan(&self, plan: &Plan) {
        self.line(Duration::ZERO, || format!("{:?}", plan.setup));
        self.line(Duration::ZERO, || format!("{:?}", plan.clocks));
        if self.is_told() {
            for router in 0..plan.setup.routers {
                self.line(Duration::ZERO, || plan.setup.config(router, false));
            }
        }
    }

    pub(super) fn act(&self, at: Duration, act: &Act) {
        self.line(at, || format!("==== {act:?}"));
    }

    pub(super) fn happening(&self, at: Duration, router: usize, happening: &Happening) {
        let Some(shared) = &self.0 else { return };
        let mut shared = shared.borrow_mut();
        let log = shared.logs.entry(router).or_insert_with(|| DebugLog::new(Switches::USEFUL));
        let lines = log.lines(happening);
        let plain = format!("{:?}", happening.what);
        let plain = plain.get(..420).unwrap_or(&plain);
        if lines.is_empty() || plain.contains("Rejected") || plain.contains("Failed") {
            shared.lines.push((at, format!("{}   ({plain})", name(router))));
        }
        shared.lines.extend(lines.into_iter().map(|line| (at, format!("{}   {line}", name(router)))));
    }

    /// IKE datagrams, and of ESP and AH the first packet of each SA and each lost one.
    pub(super) fn sighting(&self, router: usize, sighting: &Sighting<Vec<u8>>) {
        let Some(shared) = &self.0 else { return };
        let packet = &sighting.packet;
        let out = sighting.direction == Direction::AToB;
        let arrow = if out { "->" } else { "<-" };
        let fate = match sighting.fate {
            Fate::Dropped(cause) => format!("dropped: {cause}"),
            Fate::Carried { copy_arrives: Some(_), .. } => "twice".to_owned(),
            Fate::Carried { .. } => String::new(),
        };
        let ends = format!("{} {arrow} {}", name(router), end(packet, if out { 16 } else { 12 }));
        if let Some((_, message)) = ike(packet) {
            let what = Header::parse(message).map_or_else(
                |error| format!("{error}"),
                |header| {
                    format!(
                        "{} {:?} {:?} id {:?} {} octets",
                        header.exchange,
                        header.initiator_cookie,
                        header.responder_cookie,
                        header.message_id,
                        message.len()
                    )
                },
            );
            shared.borrow_mut().lines.push((sighting.at, format!("{ends} {what} {fate}")));
            return;
        }
        let at = match packet.get(9) {
            Some(17) => 28,
            Some(51) => 24,
            _ => 20,
        };
        let spi = packet.get(at..at + 4).unwrap_or_default().to_vec();
        let other = packet.get(if out { 16..20 } else { 12..16 }).unwrap_or_default().to_vec();
        let before = shared.borrow_mut().spis.insert((router, out, other), spi.clone());
        if before.as_ref() != Some(&spi) || !fate.is_empty() {
            let spi = spi.iter().map(|octet| format!("{octet:02x}")).collect::<String>();
            shared.borrow_mut().lines.push((sighting.at, format!("{ends} SPI {spi} {fate}")));
        }
    }

    /// A packet of a host that never came.
    pub(super) fn lost(&self, at: Duration, from: usize, to: usize) {
        self.line(at, || format!("     a packet from {} to {} never comes", name(from), name(to)));
    }

    pub(super) fn fault(&self, fault: &Fault) {
        self.line(Duration::MAX, || fault.to_string());
    }

    /// All lines in the order of time.
    pub(super) fn text(&self) -> String {
        let Some(shared) = &self.0 else { return String::new() };
        let mut lines = shared.borrow().lines.clone();
        lines.sort_by_key(|(at, _)| *at);
        let stamped = lines.iter().map(|(at, line)| match *at {
            Duration::MAX => format!("{line}\n"),
            at => format!("{:>9.3} {line}\n", at.as_secs_f64()),
        });
        stamped.collect()
    }
}

/// An address in an IPv4 header.
fn end(packet: &[u8], at: usize) -> String {
    let octets: Vec<_> = packet.iter().skip(at).take(4).map(ToString::to_string).collect();
    octets.join(".")
}
