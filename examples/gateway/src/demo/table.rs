//! What was offered beside what is accepted, from the comparisons that the routers reported.

use core::fmt;

use isakmp_wire::ProtocolId;
use oakley::Event;

use crate::cli::debug::{attribute_words, phase1_words, transform_words};
use crate::cli::printable;

/// One comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    router: String,
    offered: String,
    accepted: String,
    verdict: String,
}

/// All comparisons in which something may have differed.
#[derive(Clone, Debug, Default)]
pub(super) struct OfferTable {
    lines: Vec<Line>,
}

impl OfferTable {
    /// Takes note of an event, if it is a comparison. The same comparison is noted once.
    pub(super) fn note(&mut self, router: &str, event: &Event) {
        let (offered, accepted, difference) = match event {
            Event::ComparedPhase1 { offered, policy, first_difference, .. } => (
                format!("phase 1, transform {}: {}", offered.number, attribute_words(ProtocolId::ISAKMP, offered)),
                format!("policy {}: {}", policy.priority, phase1_words(policy)),
                first_difference,
            ),
            Event::ComparedPhase2 { proposal, protocol, offered, policy, first_difference, .. } => (
                format!("phase 2, proposal {proposal}: {}", attribute_words(*protocol, offered)),
                policy.as_ref().map_or_else(|| "nothing for this protocol".to_owned(), transform_words),
                first_difference,
            ),
            _ => return,
        };
        let verdict = match difference {
            None => "acceptable".to_owned(),
            Some(difference) => printable(&difference.to_string()),
        };
        let line = Line { router: router.to_owned(), offered, accepted, verdict };
        if !self.lines.contains(&line) {
            self.lines.push(line);
        }
    }
}

impl fmt::Display for OfferTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |column: fn(&Line) -> &str, title: &str| {
            self.lines.iter().map(|line| column(line).len()).chain([title.len()]).max().unwrap_or(0)
        };
        let router = width(|line| &line.router, "at");
        let offered = width(|line| &line.offered, "offered");
        let accepted = width(|line| &line.accepted, "accepted");
        writeln!(f, "{:<router$}  {:<offered$}  {:<accepted$}  verdict", "at", "offered", "accepted")?;
        for line in &self.lines {
            writeln!(
                f,
                "{:<router$}  {:<offered$}  {:<accepted$}  {}",
                line.router, line.offered, line.accepted, line.verdict
            )?;
        }
        Ok(())
    }
}
