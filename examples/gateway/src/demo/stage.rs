//! Running the network step by step, telling what happens as it happens, and noting what checks need.

use core::net::SocketAddr;
use core::time::Duration;
use std::io;

use isakmp_wire::{ExchangeType, NotifyType};
use netsim::{Network, NodeId};
use oakley::{Event, Identity, Incompatibility, Misbehaviour, Reject, RemoveReason, Role};

use super::hosts::{Host, HostEvent};
use super::observer::Observer;
use super::run::DemoError;
use super::scenario::Expectation;
use super::table::OfferTable;
use super::topology::{DemoNode, Leg, Places};
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
    /// Aggressive Modes begun or answered.
    pub(super) aggressive: u32,
    /// Main Modes begun or answered.
    pub(super) main: u32,
    /// Peers that proved a name.
    pub(super) by_name: u32,
    /// Names for which there was no key.
    pub(super) no_key: u32,
    /// Of the bundles established, those with perfect forward secrecy.
    pub(super) forward_secret: u32,
    /// IKE SAs that ended, by their own clock or by the peer's.
    pub(super) ike_sas_ended: u32,
    /// Bundles in use.
    pub(super) bundles: u32,
    /// How often the last bundle went before it had a successor.
    pub(super) gaps: u32,
    /// Bundles that went because the peer had started again.
    pub(super) peer_restarted: u32,
    /// IKE messages that were sent in parts.
    pub(super) fragmented: u32,
    /// IKE messages that were put together from parts.
    pub(super) reassembled: u32,
    /// Peers that did not answer the question whether they are alive.
    pub(super) peer_dead: u32,
}

/// A router that was replaced.
pub(super) struct Former {
    pub(super) index: usize,
    /// As it was at last.
    pub(super) snapshot: RouterSnapshot,
    pub(super) router: Box<Router>,
}

/// The stage with everyone on it.
pub(super) struct Stage<'a> {
    pub(super) network: Network<DemoNode>,
    pub(super) places: Places,
    pub(super) transcript: Transcript<'a>,
    pub(super) table: OfferTable,
    pub(super) facts: Vec<Facts>,
    pub(super) former: Vec<Former>,
    /// Of each host, the echo requests that nobody could answer: their way was known to be broken.
    pub(super) vain: Vec<u16>,
    /// When the last stream began, and how many datagrams each host had sent and received before.
    pub(super) stream: (Duration, Vec<(u16, usize)>),
}

impl<'a> Stage<'a> {
    pub(super) fn new(network: Network<DemoNode>, places: Places, transcript: Transcript<'a>) -> Self {
        let (routers, hosts) = (places.routers.len(), places.hosts.len());
        Self {
            network,
            places,
            transcript,
            table: OfferTable::default(),
            facts: vec![Facts::default(); routers],
            former: Vec::new(),
            vain: vec![0; hosts],
            stream: (Duration::ZERO, vec![(0, 0); hosts]),
        }
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
            node.settle(now);
        })?;
        self.tell()?;
        Ok(())
    }

    /// Puts another router in the place of one. It starts with what is in its configuration, and with nothing else.
    pub(super) fn replace_router(&mut self, index: usize, fresh: Router) -> Result<(), DemoError> {
        let Some(id) = self.places.routers.get(index).copied() else { return Ok(()) };
        let now = self.now();
        let mut fresh = Box::new(fresh);
        self.network.command(id, "restart", |node, _| {
            if let DemoNode::Router(router) = node {
                core::mem::swap(router, &mut fresh);
            }
        })?;
        let snapshot = fresh.snapshot(now);
        self.former.push(Former { index, snapshot, router: fresh });
        self.tell()?;
        Ok(())
    }

    /// The translator forgets where everyone is.
    pub(super) fn rebind(&mut self) -> Result<(), DemoError> {
        let Some(id) = self.places.translator else { return Ok(()) };
        self.network.command(id, "rebind", |node, _| {
            if let DemoNode::Translator(translator) = node {
                translator.rebind();
            }
        })?;
        Ok(())
    }

    /// The ports by which the outside knows what is behind the translator, oldest inside end first.
    pub(super) fn mapped(&self) -> Vec<(SocketAddr, u16)> {
        let translator = self.places.translator.and_then(|id| self.network.get(id)?.translator());
        translator.map_or(Vec::new(), |translator| translator.mappings().collect())
    }

    /// Takes note of what was sent before a stream.
    pub(super) fn begin_stream(&mut self) {
        let count =
            |host: usize| self.host(host).map_or((0, 0), |host| (host.streamed_to_peer(), host.streamed()));
        self.stream = (self.now(), (0..self.places.hosts.len()).map(count).collect());
    }

    /// Runs until `done` says so or `end` has come; whether `done` did.
    pub(super) fn run_until(
        &mut self,
        end: Duration,
        done: impl Fn(&Self) -> bool,
    ) -> Result<bool, DemoError> {
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
        let [first, second] = self.pair(self.first_leg());
        match expectation {
            Expectation::Tunnel => first.established > 0 && second.established > 0,
            Expectation::Phase2Refused => first.quick_failed > 0 && second.phase2_refused > 0,
            Expectation::NotAuthenticated => first.phase1_failed > 0 && second.undecipherable > 0,
            Expectation::NameUnknown => first.phase1_failed > 0 && second.no_key > 0,
        }
    }

    pub(super) fn now(&self) -> Duration {
        self.network.now()
    }

    /// The leg that is there in every scenario.
    #[expect(clippy::indexing_slicing, reason = "a network without a leg is not built")]
    pub(super) fn first_leg(&self) -> Leg {
        self.places.legs[0]
    }

    /// What both routers of a leg reported; the first one's part is about all of its legs.
    pub(super) fn pair(&self, leg: Leg) -> [Facts; 2] {
        leg.routers.map(|router| self.facts.get(router).copied().unwrap_or_default())
    }

    /// Takes note of a host's echo requests that cannot be answered.
    pub(super) fn pings_in_vain(&mut self, host: usize, count: u16) {
        if let Some(vain) = self.vain.get_mut(host) {
            *vain = vain.saturating_add(count);
        }
    }

    pub(super) fn host(&self, host: usize) -> Option<&Host> {
        self.places.hosts.get(host).and_then(|id| self.network.get(*id)?.host())
    }

    pub(super) fn router(&self, router: usize) -> Option<&Router> {
        self.places.routers.get(router).and_then(|id| self.network.get(*id)?.router())
    }

    /// What somebody has seen on a leg's wire since a moment.
    pub(super) fn observe(&self, leg: Leg, since: Duration) -> Observer {
        let mut observer = Observer::default();
        let sightings = self.network.captured().iter();
        for sighting in sightings.filter(|sighting| sighting.link == leg.wan && sighting.at >= since) {
            observer.look(sighting);
        }
        observer
    }

    /// All routers as they are now.
    pub(super) fn snapshots(&self) -> Vec<RouterSnapshot> {
        let now = self.now();
        (0..self.places.routers.len()).filter_map(|router| Some(self.router(router)?.snapshot(now))).collect()
    }

    #[expect(clippy::indexing_slicing, reason = "the id is one that this network gave out")]
    fn node(&mut self, id: NodeId) -> &mut DemoNode {
        &mut self.network[id]
    }

    fn tell(&mut self) -> io::Result<()> {
        for (index, id) in self.places.routers.clone().into_iter().enumerate() {
            self.tell_router(index, id)?;
        }
        for id in self.places.hosts.clone() {
            self.tell_host_events(id)?;
        }
        Ok(())
    }

    fn tell_router(&mut self, index: usize, id: NodeId) -> io::Result<()> {
        while let Some((name, happening)) = self.node(id).router_mut().and_then(|router| {
            let happening = router.poll_happening()?;
            Some((router.hostname().to_owned(), happening))
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
        while let Some((name, event)) = self.node(id).host_mut().and_then(|host| {
            let event = host.poll_event()?;
            Some((host.name().to_owned(), event))
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
        match event {
            Event::Established(_) => self.bundles = self.bundles.saturating_add(1),
            Event::BundleRemoved { .. } => {
                self.bundles = self.bundles.saturating_sub(1);
                self.gaps = self.gaps.saturating_add(u32::from(self.bundles == 0));
            }
            _ => {}
        }
        for counter in self.counters(event).into_iter().flatten() {
            *counter = counter.saturating_add(1);
        }
    }

    /// Whatever counts an event.
    fn counters(&mut self, event: &Event) -> [Option<&mut u32>; 2] {
        let one = match event {
            Event::Started { exchange: ExchangeType::AGGRESSIVE, .. } => &mut self.aggressive,
            Event::Started { exchange: ExchangeType::IDENTITY_PROTECTION, .. } => &mut self.main,
            Event::Authenticated { identity, .. } => {
                let by_name = matches!(identity, Identity::Fqdn(_)).then_some(&mut self.by_name);
                return [Some(&mut self.authenticated), by_name];
            }
            Event::Established(bundle) => {
                return [Some(&mut self.established), bundle.pfs.map(|_| &mut self.forward_secret)];
            }
            Event::IkeSaExpired { .. } | Event::IkeSaRemoved { .. } => &mut self.ike_sas_ended,
            Event::BundleRemoved { reason: RemoveReason::PeerRestarted, .. } => &mut self.peer_restarted,
            Event::Fragmented { .. } => &mut self.fragmented,
            Event::Reassembled { .. } => &mut self.reassembled,
            Event::PeerDead { .. } => &mut self.peer_dead,
            Event::Phase2Refused { .. } => &mut self.phase2_refused,
            Event::Failed { role: Role::Initiator, exchange: ExchangeType::QUICK, .. } => {
                &mut self.quick_failed
            }
            Event::Failed { role: Role::Initiator, .. } => &mut self.phase1_failed,
            Event::Rejected { why: Reject::Misbehaved(Misbehaviour::Undecipherable), .. } => {
                &mut self.undecipherable
            }
            Event::Rejected { why: Reject::Incompatible(Incompatibility::NoKey(Some(_))), .. } => {
                &mut self.no_key
            }
            Event::Notified { protected: true, notify: NotifyType::NO_PROPOSAL_CHOSEN, .. } => {
                &mut self.no_proposal_chosen
            }
            _ => return [None, None],
        };
        [Some(one), None]
    }
}
