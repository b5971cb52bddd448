//! What strangers cause is told within bounds: a little of each source and second in full, the rest in one line with its count.

use core::net::IpAddr;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use oakley::{Event, IkeSaId, Role};

use crate::router::{Happening, Occurrence};

/// What is counted together.
const WINDOW: Duration = Duration::from_secs(1);
/// Lines of one source in a window: more than an honest phase 1 has.
const PER_SOURCE: u32 = 64;
/// Lines of all of them in a window.
const IN_ALL: u32 = 256;
/// Sources that are told apart in a window; a sender may write any address it likes.
const SOURCES: usize = 32;
/// IKE SAs to be that are remembered with their source.
const UNPROVEN: usize = 4096;

/// What of a source was told in a window, and how much was not.
#[derive(Default)]
struct Told {
    lines: u32,
    hushed: u64,
}

/// Who has proved nothing, and what was told of them.
#[derive(Default)]
pub(super) struct Strangers {
    unproven: BTreeMap<IkeSaId, IpAddr>,
    since: Duration,
    sources: BTreeMap<IpAddr, Told>,
    /// Of sources beyond those.
    others: Told,
    /// Messages of this window, each of which is told once.
    messages: BTreeSet<String>,
    lines: u32,
}

impl Strangers {
    /// The source of a happening, if a stranger may have caused it.
    pub(super) fn source(&mut self, happening: &Happening) -> Option<IpAddr> {
        let Occurrence::Ike(event) = &happening.what else { return None };
        match event {
            Event::Started { ike_sa, path, role: Role::Responder, message_id, .. } if message_id.0 == 0 => {
                if self.unproven.len() >= UNPROVEN {
                    self.unproven.pop_first();
                }
                self.unproven.insert(*ike_sa, path.remote.ip());
                Some(path.remote.ip())
            }
            Event::Authenticated { ike_sa, .. } => {
                self.unproven.remove(ike_sa);
                None
            }
            Event::Failed { ike_sa, .. } | Event::IkeSaRemoved { ike_sa, .. } => self.unproven.remove(ike_sa),
            // Cookies are no secret: anybody can name an IKE SA.
            Event::Rejected { path, .. }
            | Event::Notified { path, protected: false, .. }
            | Event::NotifySent { path, ike_sa: None, .. }
            | Event::Reassembled { path, ike_sa: None, .. } => Some(path.remote.ip()),
            _ => crate::router::ike_sa(event).and_then(|id| self.unproven.get(&id).copied()),
        }
    }

    /// Whether something about a source may be told; if not, it is counted.
    pub(super) fn may_tell(&mut self, now: Duration, source: IpAddr) -> bool {
        if self.poll_timeout().is_none() {
            self.since = now;
        }
        let full = self.lines >= IN_ALL;
        let told = self.told(source);
        let may = !full && told.lines < PER_SOURCE;
        if !may {
            told.hushed = told.hushed.saturating_add(1);
        }
        may
    }

    /// Whether a line about a source is told: a message only once.
    pub(super) fn tells(&mut self, source: IpAddr, line: &str) -> bool {
        let is_new = !line.starts_with('%') || self.messages.insert(line.to_owned());
        self.lines = self.lines.saturating_add(u32::from(is_new));
        let told = self.told(source);
        if is_new {
            told.lines = told.lines.saturating_add(1);
        } else {
            told.hushed = told.hushed.saturating_add(1);
        }
        is_new
    }

    fn told(&mut self, source: IpAddr) -> &mut Told {
        if self.sources.len() >= SOURCES && !self.sources.contains_key(&source) {
            return &mut self.others;
        }
        self.sources.entry(source).or_default()
    }

    /// When a window ends of which something is to be said.
    pub(super) fn poll_timeout(&self) -> Option<Duration> {
        let is_open = self.lines > 0 || self.others.hushed > 0 || !self.sources.is_empty();
        is_open.then(|| self.since.saturating_add(WINDOW))
    }

    /// What is said at the end of a window, if it has come.
    pub(super) fn handle_timeout(&mut self, now: Duration) -> Vec<String> {
        if self.poll_timeout().is_none_or(|end| now < end) {
            return Vec::new();
        }
        self.lines = 0;
        self.messages.clear();
        let told = |who: &str, told: &Told| {
            let Told { hushed, .. } = told;
            let hushed = (*hushed > 0).then_some(hushed)?;
            Some(format!("%CRYPTO-4-IKMP_HUSHED: {hushed} more messages or lines about {who} in one second"))
        };
        let sources = core::mem::take(&mut self.sources);
        let others = core::mem::take(&mut self.others);
        sources
            .iter()
            .filter_map(|(source, one)| told(&source.to_string(), one))
            .chain(told("other sources", &others))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use oakley::{Misbehaviour, Path, Reject};

    use super::*;

    fn rejected(host: u8) -> Happening {
        let path = Path { local: ([10, 0, 0, 1], 500).into(), remote: ([10, 0, 1, host], 4321).into() };
        let why = Reject::Misbehaved(Misbehaviour::UnknownCookies);
        let what = Occurrence::Ike(Event::Rejected { path, ike_sa: None, exchange: None, why });
        Happening { at: Duration::ZERO, connection: None, sas: Vec::new(), what }
    }

    /// Lines that are told of so many datagrams, from so many hosts in turn, in one second.
    fn told(datagrams: u32, hosts: u8, line: &str) -> (u32, Vec<String>) {
        let mut strangers = Strangers::default();
        let now = Duration::from_secs(10);
        let mut lines = 0;
        for number in 0..datagrams {
            let host = u8::try_from(number % u32::from(hosts)).unwrap();
            let source = strangers.source(&rejected(host)).unwrap();
            lines += u32::from(strangers.may_tell(now, source) && strangers.tells(source, line));
        }
        assert_eq!(strangers.poll_timeout(), Some(Duration::from_secs(11)));
        assert!(strangers.handle_timeout(Duration::from_millis(10_999)).is_empty());
        (lines, strangers.handle_timeout(Duration::from_secs(11)))
    }

    #[test]
    fn a_source_has_a_line_for_each_message_and_its_count() {
        let (lines, said) = told(20_000, 1, "%CRYPTO-4-SOMETHING: from one");
        assert_eq!(lines, 1);
        assert_eq!(
            said,
            ["%CRYPTO-4-IKMP_HUSHED: 19999 more messages or lines about 10.0.1.0 in one second"]
        );
    }

    #[test]
    fn debug_lines_are_bounded_per_source_and_in_all() {
        let (lines, said) = told(20_000, 1, "ISAKMP: something");
        assert_eq!((lines, said.len()), (PER_SOURCE, 1));
        let (lines, said) = told(20_000, 200, "ISAKMP: something");
        assert_eq!(lines, IN_ALL);
        assert_eq!(said.len(), SOURCES + 1, "the sources beyond have one line together");
    }
}
