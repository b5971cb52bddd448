//! Inputs that wait for an answer of the caller's (see [`Work::Pending`](crypto_provider::Work::Pending)).
//!
//! A message is checked without changing anything, so an input whose check needs an answer is simply tried again, from the
//! start, when the answer is there. An exchange that ended meanwhile is not found then: nothing else cancels.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use bytes::Bytes;
use crypto_provider::Ticket;

use crate::engine::Engine;
use crate::error::ApiMisuse;
use crate::input::{Answer, Request};
use crate::policy::Path;
use crate::sa::IkeSaId;

/// Inputs waiting at once; a stranger can cause look-ups, so there is an end. A peer repeats what found no room.
const MAX_PARKED: usize = 256;

/// What waits.
pub(crate) enum Waiting {
    Datagram {
        path: Path,
        octets: Bytes,
    },
    Request(Request),
    /// An exchange that owes its peer a proof.
    Proof(IkeSaId),
}

/// Waiting inputs by ticket, each with the answers that it has already.
#[derive(Default)]
pub(crate) struct Parked {
    by_ticket: BTreeMap<Ticket, (Waiting, Vec<Answer>)>,
}

impl Parked {
    pub(crate) fn park(&mut self, ticket: Ticket, waiting: Waiting, answers: &[Answer]) {
        if self.by_ticket.len() < MAX_PARKED {
            self.by_ticket.insert(ticket, (waiting, answers.to_vec()));
        }
    }

    /// Whether this very datagram waits already.
    pub(crate) fn holds(&self, datagram: &[u8]) -> bool {
        self.by_ticket.values().any(|(waiting, _)| match waiting {
            Waiting::Datagram { octets, .. } => octets == datagram,
            Waiting::Request(_) | Waiting::Proof(_) => false,
        })
    }

    pub(crate) fn has_request(&self, request: &Request) -> bool {
        self.by_ticket
            .values()
            .any(|(waiting, _)| matches!(waiting, Waiting::Request(held) if held == request))
    }
}

impl Engine {
    pub(super) fn completed(&mut self, ticket: Ticket, answer: Answer) -> Result<(), ApiMisuse> {
        let parked = self.parked.by_ticket.remove(&ticket);
        let (waiting, mut answers) = parked.ok_or(ApiMisuse::UnknownTicket(ticket))?;
        answers.push(answer);
        match waiting {
            Waiting::Datagram { path, octets } => self.dispatch(path, octets, &answers),
            Waiting::Request(request) => self.initiate(request, &answers),
            Waiting::Proof(id) => self.proof_completed(id, &answers),
        }
        Ok(())
    }
}
