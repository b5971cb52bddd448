//! Inputs that wait for an answer of the caller's (see [`Work::Pending`](crypto_provider::Work::Pending)).
//!
//! A message is checked without changing anything, so an input whose check needs an answer is simply tried again, from the
//! start, when the answer is there. An exchange that ended meanwhile is not found then, and after a while nothing waits any
//! more.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;
use crypto_provider::Ticket;

use crate::engine::Engine;
use crate::error::{Abort, ApiMisuse};
use crate::input::{Answer, Request};
use crate::policy::Path;
use crate::sa::{BundleId, IkeSaId};

/// Inputs waiting at once; a stranger can cause look-ups, so there is an end. A peer repeats what found no room.
const MAX_PARKED: usize = 256;

/// What waits.
pub(crate) enum Waiting {
    Datagram {
        path: Path,
        octets: Bytes,
    },
    Request(Box<Request>),
    /// An exchange that owes its peer a proof.
    Proof(IkeSaId),
    /// An IKE SA that is to have a successor.
    Renewal(IkeSaId),
    /// A bundle that is to be replaced under a fresh phase 1.
    Replacement(BundleId),
    /// A peer that is to be met anew.
    Recovery(Path),
}

/// Waiting inputs by ticket, each with the answers that it has already.
#[derive(Default)]
pub(crate) struct Parked {
    by_ticket: BTreeMap<Ticket, Entry>,
}

struct Entry {
    waiting: Waiting,
    answers: Vec<Answer>,
    since: Duration,
}

impl Parked {
    /// Keeps an input until its answer comes; the input comes back if there is no room.
    fn park(&mut self, ticket: Ticket, entry: Entry) -> Result<(), Waiting> {
        if self.by_ticket.len() >= MAX_PARKED {
            return Err(entry.waiting);
        }
        self.by_ticket.insert(ticket, entry);
        Ok(())
    }

    /// What has waited since before `since` and waits no longer.
    fn expired(&mut self, since: Duration) -> Vec<Waiting> {
        let (gone, kept) =
            core::mem::take(&mut self.by_ticket).into_iter().partition(|(_, entry)| entry.since < since);
        self.by_ticket = kept;
        let gone: BTreeMap<Ticket, Entry> = gone;
        gone.into_values().map(|entry| entry.waiting).collect()
    }

    /// Whether this very datagram waits already.
    pub(crate) fn holds(&self, datagram: &[u8]) -> bool {
        self.by_ticket.values().any(|entry| match &entry.waiting {
            Waiting::Datagram { octets, .. } => octets == datagram,
            _ => false,
        })
    }

    pub(crate) fn has_recovery(&self, path: &Path) -> bool {
        self.by_ticket.values().any(|entry| matches!(&entry.waiting, Waiting::Recovery(held) if held == path))
    }

    pub(crate) fn has_request(&self, request: &Request) -> bool {
        self.by_ticket
            .values()
            .any(|entry| matches!(&entry.waiting, Waiting::Request(held) if **held == *request))
    }
}

impl Engine {
    pub(super) fn park(&mut self, ticket: Ticket, waiting: Waiting, answers: &[Answer]) {
        let entry = Entry { waiting, answers: answers.to_vec(), since: self.host.now };
        if let Err(Waiting::Request(request)) = self.parked.park(ticket, entry) {
            self.request_failed(*request, Abort::TimedOut);
        }
    }

    /// An answer that does not come within the life of a half-open exchange is not waited for.
    pub(super) fn expire_parked(&mut self) {
        let Some(since) = self.host.now.checked_sub(self.host.config.half_open_life) else { return };
        for waiting in self.parked.expired(since) {
            if let Waiting::Request(request) = waiting {
                self.request_failed(*request, Abort::TimedOut);
            }
        }
    }

    pub(super) fn completed(&mut self, ticket: Ticket, answer: Answer) -> Result<(), ApiMisuse> {
        let parked = self.parked.by_ticket.remove(&ticket);
        let Entry { waiting, mut answers, .. } = parked.ok_or(ApiMisuse::UnknownTicket(ticket))?;
        answers.push(answer);
        match waiting {
            Waiting::Datagram { path, octets } => self.dispatch(path, octets, &answers),
            Waiting::Request(request) => self.initiate(*request, &answers),
            Waiting::Proof(id) => self.proof_completed(id, &answers),
            Waiting::Renewal(id) => self.renew(id, &answers),
            Waiting::Replacement(id) => self.replacement_completed(id, &answers),
            Waiting::Recovery(path) => self.recover(path, &answers),
        }
        Ok(())
    }
}
