//! Running the network step by step, telling what happens as it happens, and noting what checks need.

use core::time::Duration;
use std::io;

use isakmp_wire::{ExchangeType, NotifyType};
use netsim::{Network, NodeId};
use oakley::{Event, Misbehaviour, Reject, Role};

use super::hosts::{Host, HostEvent};
use super::run::DemoError;
use super::scenario::Expectation;
use super::table::OfferTable;
use super::topology::{DemoNode, Places};
use super::transcript::Transcript;
use crate::router::{Occurrence, Router, RouterSnapshot};

/// What a router reported, as far as a check asks for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// IKE SAs authenticated.
    pub(super) authenticated: u32,
    /// Bundles established.
    pub(super) established: u32,
    /// Main or Aggressive Modes of its own that failed.
    pub(super) phase1_failed: u32,
    /// Quick Modes of its own that failed.
    pub(super) quick_failed: u32,
    /// Quick Modes of the peer's that it refused.
    pub(super) phase2_refused: u32,
    /// Messages that it could not decipher.
    pub(super) undecipherable: u32,
    /// NO-PROPOSAL-CHOSEN that came protected.
    pub(super) no_proposal_chosen: u32,
}

/// The stage with everyone on it.
pub(super) struct Stage<'a> {
    pub(super) network: Network<DemoNode>,
    pub(super) places: Places,
    pub(super) transcript: Transcript<'a>,
    pub(super) table: OfferTable,
    pub(super) facts: [Facts; 2],
}

impl<'a> Stage<'a> {
    pub(super) fn new(network: Network<DemoNode>, places: Places, transcript: Transcript<'a>) -> Self {
        Self { network, places, transcript, table: OfferTable::default(), facts: [Facts::default(); 2] }
    }

    /// Lets a host do something.
    pub(super) fn tell_host(
        &mut self,
        host: usize,
        line: &str,
        act: impl FnOnce(&mut Host, Duration),
    ) -> Result<(), DemoError> {
        let Some(id) = self.places.hosts.get(host).copied() else { return Ok(()) };
        self.network.command(id, line, |node, now| {
            if let Some(host) = node.host_mut() {
                act(host, now);
            }
        })?;
        self.tell()?;
        Ok(())
    }

    /// Runs until `done` says so or `end` has come; whether `done` did.
    pub(super) fn run_until(&mut self, end: Duration, done: impl Fn(&Self) -> bool) -> Result<bool, DemoError> {
        loop {
            if done(self) {
                return Ok(true);
            }
            match self.network.next_event()? {
                Some(at) if at <= end => {
                    self.network.step()?;
                    self.tell()?;
                }
                _ => {
                    self.network.drive_until(end)?;
                    return Ok(done(self));
                }
            }
        }
    }

    /// Whether what a scenario is for has happened.
    pub(super) fn has_occurred(&self, expectation: Expectation) -> bool {
        let [first, second] = &self.facts;
        match expectation {
            Expectation::Tunnel => first.established > 0 && second.established > 0,
            Expectation::Phase2Refused => first.quick_failed > 0 && second.phase2_refused > 0,
            Expectation::NotAuthenticated => first.phase1_failed > 0 && second.undecipherable > 0,
        }
    }

    pub(super) fn now(&self) -> Duration {
        self.network.now()
    }

    pub(super) fn host(&self, host: usize) -> Option<&Host> {
        self.places.hosts.get(host).and_then(|id| self.network.get(*id)?.host())
    }

    pub(super) fn router(&self, router: usize) -> Option<&Router> {
        self.places.routers.get(router).and_then(|id| self.network.get(*id)?.router())
    }

    /// Both routers as they are now.
    pub(super) fn snapshots(&self) -> Vec<RouterSnapshot> {
        let now = self.now();
        [0, 1].into_iter().filter_map(|router| Some(self.router(router)?.snapshot(now))).collect()
    }

    fn tell(&mut self) -> io::Result<()> {
        for (index, id) in self.places.routers.into_iter().enumerate() {
            self.tell_router(index, id)?;
        }
        for id in self.places.hosts {
            self.tell_host_events(id)?;
        }
        Ok(())
    }

    fn tell_router(&mut self, index: usize, id: NodeId) -> io::Result<()> {
        while let Some((name, happening)) = self.network[id].router_mut().and_then(|router| {
            let name = router.hostname().to_owned();
            router.poll_happening().map(|happening| (name, happening))
        }) {
            if let Occurrence::Ike(event) = &happening.what {
                self.table.note(&name, event);
                if let Some(facts) = self.facts.get_mut(index) {
                    facts.note(event);
                }
            }
            self.transcript.happening(index, &happening)?;
        }
        Ok(())
    }

    fn tell_host_events(&mut self, id: NodeId) -> io::Result<()> {
        while let Some((name, event)) = self.network[id].host_mut().and_then(|host| {
            let name = host.name();
            host.poll_event().map(|event| (name, event))
        }) {
            if let HostEvent::Reply { from, sequence, octets, ttl, time } = event {
                let milliseconds = time.as_secs_f64() * 1000.0;
                self.transcript.say(&format!(
                    "{name}: {octets} octets from {from}: echo reply {sequence}, ttl {ttl}, {milliseconds:.1} ms"
                ))?;
            }
        }
        Ok(())
    }
}

impl Facts {
    fn note(&mut self, event: &Event) {
        let counter = match event {
            Event::Authenticated { .. } => &mut self.authenticated,
            Event::Established(_) => &mut self.established,
            Event::Phase2Refused { .. } => &mut self.phase2_refused,
            Event::Failed { role: Role::Initiator, exchange: ExchangeType::QUICK, .. } => &mut self.quick_failed,
            Event::Failed { role: Role::Initiator, .. } => &mut self.phase1_failed,
            Event::Rejected { why: Reject::Misbehaved(Misbehaviour::Undecipherable), .. } => &mut self.undecipherable,
            Event::Notified { protected: true, notify: NotifyType::NO_PROPOSAL_CHOSEN, .. } => {
                &mut self.no_proposal_chosen
            }
            _ => return,
        };
        *counter = counter.saturating_add(1);
    }
}
