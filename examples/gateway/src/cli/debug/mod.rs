//! `debug crypto ...`: events as the lines of the routers of 1998.
//!
//! The forms are those of the source document, its `SRC=` included; lines that it does not show (an initiator's,
//! a retransmission's) follow the releases after it. Time stands before a line as the configuration has it.

mod attributes;
mod crypto;
mod ipsec;
mod isakmp;
mod names;
mod stamp;

use isakmp_wire::MessageId;
use oakley::Event;

use crate::ios::model::Timestamps;
use crate::router::{Happening, Occurrence};

pub use attributes::attribute_words;
pub use stamp::Now;

pub use names::{phase1_words, selector_text, transform_words};

/// Which debugging is on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Switches {
    /// `debug crypto isakmp`.
    pub isakmp: bool,
    /// `debug crypto ipsec`.
    pub ipsec: bool,
    /// `debug crypto engine`.
    pub engine: bool,
    /// What the routers of 1998 do not print: notifications in both directions, and masks where those had not set theirs yet.
    pub notes: bool,
}

impl Switches {
    /// All that the document calls useful: `isakmp` and `ipsec`.
    pub const USEFUL: Self = Self { isakmp: true, ipsec: true, engine: false, notes: false };
    /// The same and all that is known beside it: what a gateway writes to its log.
    pub const LOG: Self = Self { notes: true, ..Self::USEFUL };
}

/// One router's debug output. Lines that begin with `%` come whatever is switched on.
#[derive(Debug, Default)]
pub struct DebugLog {
    switches: Switches,
    timestamps: Timestamps,
    /// A phase 2 transform that is being compared: its verdict comes with the last of its comparisons.
    open: Option<isakmp::OpenComparison>,
    /// The key engine's queue is being worked off: its line is printed once for a row of SPIs.
    queue_open: bool,
}

impl DebugLog {
    /// Output for these switches.
    #[must_use]
    pub const fn new(switches: Switches) -> Self {
        let timestamps = Timestamps { debug: None, log: None };
        Self { switches, timestamps, open: None, queue_open: false }
    }

    /// The same with the time before each line, as a configuration has it.
    #[must_use]
    pub fn with(self, timestamps: Timestamps) -> Self {
        Self { timestamps, ..self }
    }

    /// A line with the time before it; those that begin with `%` have their own setting.
    #[must_use]
    pub fn stamped(&self, line: &str, now: Now) -> String {
        let Timestamps { debug, log } = self.timestamps;
        let form = if line.starts_with('%') { log } else { debug };
        form.map_or_else(String::new, |form| stamp::stamp(form, now)) + line
    }

    /// The lines of one happening, each without its line end; a line may stand for several that belong together.
    pub fn lines(&mut self, happening: &Happening) -> Vec<String> {
        let mut out = Vec::new();
        match &happening.what {
            Occurrence::Ike(event) => self.event(happening, event, &mut out),
            Occurrence::Dropped(drop) => {
                self.close(&mut out);
                out.extend(crypto::dropped(drop));
            }
            Occurrence::InstallFailed(error) => {
                self.close(&mut out);
                if self.switches.ipsec {
                    out.push(format!("IPSEC(initialize_sas): failed: {error}"));
                }
            }
            Occurrence::Removed(sas, _) => {
                self.close(&mut out);
                if self.switches.ipsec {
                    out.extend(ipsec::removed(sas));
                }
            }
        }
        out
    }

    /// The lines that were waiting for more to come.
    pub fn finish(&mut self) -> Vec<String> {
        let mut out = Vec::new();
        self.close(&mut out);
        out
    }

    fn event(&mut self, happening: &Happening, event: &Event, out: &mut Vec<String>) {
        let Switches { isakmp: show_isakmp, ipsec: show_ipsec, engine: show_engine, notes } = self.switches;
        if let Some(comparison) = isakmp::OpenComparison::of(happening, event) {
            match &mut self.open {
                Some(open) if open.is_same(&comparison) => open.merge(&comparison),
                _ => {
                    self.close(out);
                    if show_isakmp {
                        out.extend(comparison.opening());
                    }
                    self.open = Some(comparison);
                }
            }
            return;
        }
        self.close(out);
        let spi = matches!(event, Event::SpiAllocated { .. });
        if show_ipsec && spi && !self.queue_open {
            out.push(ipsec::QUEUE_EVENT.to_owned());
        }
        self.queue_open = spi;
        if show_isakmp {
            out.extend(isakmp::lines(happening, event));
        }
        if notes {
            out.extend(isakmp::notes(happening, event));
        }
        if show_ipsec {
            out.extend(ipsec::lines(happening, event, notes));
        }
        if show_engine {
            out.extend(crypto::engine(happening, event));
        }
        out.extend(crypto::lines(event));
    }

    fn close(&mut self, out: &mut Vec<String>) {
        if let Some(open) = self.open.take()
            && self.switches.isakmp
        {
            out.push(open.verdict());
        }
    }
}

/// A message id as the routers print it: signed.
fn message_id(id: MessageId) -> i32 {
    id.0.cast_signed()
}

/// The connection that a line is about; 0 before it has a number.
fn connection(happening: &Happening) -> u32 {
    happening.connection.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use core::net::SocketAddr;
    use core::time::Duration;

    use isakmp_wire::ProtocolId;
    use isakmp_wire::payload::{Attribute, AttributeValue, Transform};
    use oakley::{IkeSaId, Path, Protocol, Spi};

    use super::*;

    fn happening(event: Event) -> Happening {
        Happening { at: Duration::ZERO, connection: Some(1), sas: Vec::new(), what: Occurrence::Ike(event) }
    }

    fn spi(protocol: Protocol, spi: u32) -> Happening {
        let path = Path {
            local: SocketAddr::from(([20, 20, 20, 21], 500)),
            remote: SocketAddr::from(([20, 20, 20, 20], 500)),
        };
        happening(Event::SpiAllocated { ike_sa: IkeSaId(1), path, protocol, spi: Spi(spi) })
    }

    /// The document's lines at 00:10:16.451 and after.
    #[test]
    fn the_queue_event_is_told_once_for_a_row_of_spis() {
        let mut log = DebugLog::new(Switches::USEFUL);
        let mut lines = log.lines(&spi(Protocol::Ah, 16_457_800));
        lines.extend(log.lines(&spi(Protocol::Esp, 305_534_655)));
        let document = [
            "IPSEC(key_engine): got a queue event...",
            "IPSEC(spi_response): getting spi 16457800 for SA from 20.20.20.20 to 20.20.20.21 for prot 2",
            "IPSEC(spi_response): getting spi 305534655 for SA from 20.20.20.20 to 20.20.20.21 for prot 3",
        ];
        assert_eq!(lines, document);
        log.lines(&happening(Event::Ready { ike_sa: IkeSaId(1) }));
        assert_eq!(log.lines(&spi(Protocol::Ah, 300)).len(), 2, "another row begins");
    }

    fn compared(protocol: ProtocolId, id: u8, attributes: &[(u16, u16)], more: bool) -> Vec<String> {
        let attribute = |(kind, value)| Attribute { kind, value: AttributeValue::Basic(value) };
        let event = Event::ComparedPhase2 {
            ike_sa: IkeSaId(1),
            message_id: MessageId(5),
            proposal: 1,
            protocol,
            offered: Transform {
                number: 2,
                id,
                attributes: attributes.iter().copied().map(attribute).collect(),
            },
            more,
            policy: None,
            first_difference: Some(oakley::Difference::Protocol),
        };
        let mut log = DebugLog::new(Switches::USEFUL);
        let mut lines = log.lines(&happening(event));
        lines.extend(log.finish());
        lines
    }

    /// The document has such a verdict in front of nothing (0) only; the number is that of the payload that follows.
    #[test]
    fn a_refusal_names_the_payload_that_follows() {
        for (more, next) in [(false, 0), (true, 3)] {
            let lines = compared(ProtocolId::ESP, 2, &[(4, 1)], more);
            let document = format!("ISAKMP (1): atts not acceptable. Next payload is {next}");
            assert_eq!(lines.last(), Some(&document));
        }
    }

    /// RFC 2407 4.5: attribute 5, 1 is HMAC-MD5 and 2 is HMAC-SHA. AH's transforms 2 and 3 are named by the HMAC already.
    #[test]
    fn an_hmac_that_the_transform_is_named_by_has_no_line() {
        let hmac = |protocol, id, value| compared(protocol, id, &[(5, value)], false).get(3).cloned();
        let verdict = Some("ISAKMP (1): atts not acceptable. Next payload is 0".to_owned());
        let shown = |name: &str| Some(format!("ISAKMP:      HMAC algorithm is {name}"));
        assert_eq!(hmac(ProtocolId::AH, 3, 2), verdict);
        assert_eq!(hmac(ProtocolId::AH, 2, 1), verdict);
        assert_eq!(hmac(ProtocolId::AH, 3, 1), shown("MD5"));
        assert_eq!(hmac(ProtocolId::AH, 2, 2), shown("SHA"));
        assert_eq!(hmac(ProtocolId::ESP, 2, 2), shown("SHA"));
    }

    #[test]
    fn what_is_not_switched_on_is_not_shown() {
        let mut log = DebugLog::new(Switches { isakmp: true, ..Switches::default() });
        assert!(log.lines(&spi(Protocol::Ah, 300)).is_empty());
        let skeyid = happening(Event::SkeyidGenerated { ike_sa: IkeSaId(1) });
        assert_eq!(log.lines(&skeyid), ["ISAKMP (1): SKEYID state generated"]);
        let mut log = DebugLog::new(Switches { engine: true, ..Switches::default() });
        assert_eq!(log.lines(&skeyid), ["Crypto engine 0: create ISAKMP SKEYID for conn id 1"]);
    }
}
