//! The router and its engine: inputs, and the one queue of outputs in its order.

use core::net::IpAddr;
use core::time::Duration;
use std::sync::Arc;

use ipsec_core::{DropReason, PacketBuf, PathMtu, SaId, SaSnapshot, Spi};
use oakley::{
    Abort, Bundle, BundleId, Direction, Event, Input, Installation, Output, Path, RemoveReason, Role,
    SelectorPair,
};

use super::data_path::DataPathAction;
use super::datagram;
use super::event::{Happening, Occurrence, RemovedSa, SaConnections, ike_sa, is_try};
use super::flows::{BundleState, FlowId, FlowState, Installed};
use super::install::{self, InstallError, Settings};
use super::traffic::TrafficReports;
use super::{DataPath, Router};

impl Router {
    /// Gives the engine one input and does what it asks for.
    pub(super) fn tell_engine(&mut self, now: Duration, input: Input<'_>) {
        // A misuse names something that is gone by now: a bundle that was removed while its limit was on the way.
        let _gone = self.engine.handle_input(now, input);
        self.drain_engine(now);
    }

    /// Does what the engine asks for, in its order.
    pub(super) fn drain_engine(&mut self, now: Duration) {
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Transmit { path, octets } => self.send_ike(now, path, &octets),
                Output::Install(installation) => {
                    let bundle = installation.bundle;
                    if let Err(error) = self.install(now, *installation) {
                        self.install_failed(now, bundle, error);
                    }
                }
                Output::Remove(bundle, reason) => self.remove(now, bundle, reason),
                Output::Move(bundle, path) => self.move_bundle(bundle, path),
                Output::Event(event) => self.handle_event(now, event),
                Output::NotOurs { .. } => self.counters.count_other_version(),
                _ => {}
            }
        }
    }

    fn send_ike(&mut self, now: Duration, path: Path, octets: &[u8]) {
        let identification = self.identification.draw();
        match datagram::udp_between(path.local, path.remote, identification, octets) {
            // The caller's socket cuts what is too long for the way.
            Some(packet) if self.data_path == DataPath::Caller => {
                match self.routing.egress(path.remote.ip()) {
                    Some(interface) => self.outbox.push_back((interface, packet)),
                    None => self.drop_unroutable(now, &PacketBuf::copy_of(&packet)),
                }
            }
            Some(packet) => {
                self.send_bypassing(now, path.remote.ip(), &PacketBuf::copy_of(&packet), usize::MAX);
            }
            None => self.drops.count(DropReason::TooBig),
        }
    }

    /// Puts one direction of a bundle into use.
    fn install(&mut self, now: Duration, installation: Installation) -> Result<(), InstallError> {
        let selector = install::selector(&installation.selectors)?;
        let flow = self.flows.covering(&installation.path, &selector).ok_or(InstallError::NoFlow)?;
        let settings = self.settings(flow).ok_or(InstallError::NoFlow)?;
        let id = installation.bundle;
        if self.flows.is_anothers(flow, &selector, &installation.identity) {
            return Err(InstallError::Taken);
        }
        let empty = BundleState {
            flow,
            path: installation.path,
            identity: installation.identity.clone(),
            may_move: installation.may_move,
            in_udp: install::udp(&installation).is_some(),
            selector,
            outbound: Vec::new(),
            inbound: Vec::new(),
            layers: Vec::new(),
            path_mtu: PathMtu::new(),
            reports: TrafficReports::new(&installation, settings.replay),
        };
        match installation.direction {
            Direction::Inbound => {
                let inbound = numbered(install::inbound(&installation, &settings, &self.provider, now)?);
                let destination = installation.path.local.ip();
                let layers: Vec<SaId> =
                    inbound.iter().map(|one| sa_id(one.sa.snapshot(now), destination)).collect();
                for (place, sa) in layers.iter().enumerate() {
                    self.flows.inbound.insert(*sa, (id, place));
                }
                let bundle = self.flows.bundles.entry(id).or_insert(empty);
                (bundle.inbound, bundle.layers) = (inbound, layers);
            }
            Direction::Outbound => {
                let outbound = numbered(install::outbound(&installation, &settings, &self.provider, now)?);
                let state = self.flows.bundles.entry(id).or_insert(empty);
                state.outbound = outbound;
                if let Some(outermost) = state.outermost() {
                    self.flows.outbound.insert(outermost, id);
                }
            }
        }
        if let Some(flow) = self.flows.flow_mut(flow)
            && !flow.bundles.contains(&id)
        {
            flow.bundles.push(id);
        }
        if let Some(keys) = &mut self.keys {
            keys.record_sas(&installation);
        }
        if settings.elsewhere {
            self.hand_over(now, flow, installation, &settings);
        }
        Ok(())
    }

    /// Packets of a bundle go to where its peer is now.
    fn move_bundle(&mut self, id: BundleId, path: Path) {
        let Some(state) = self.flows.bundles.get_mut(&id) else { return };
        let moved = state.outbound.iter_mut().try_for_each(|one| one.sa.move_to(path.remote));
        // A translator between address families is none of RFC 3948's: the old path is as good as any then.
        if moved.is_ok() {
            if let Some(before) = state.outermost() {
                self.flows.outbound.remove(&before);
            }
            state.path = path;
            // Another path takes what it takes.
            state.path_mtu = PathMtu::new();
            if let Some(after) = state.outermost() {
                self.flows.outbound.insert(after, id);
            }
            self.act(DataPathAction::Move(id, path));
        }
    }

    pub(super) fn install_failed(&mut self, now: Duration, bundle: BundleId, error: InstallError) {
        self.happened(now, Occurrence::InstallFailed(error));
        self.remove(now, bundle, RemoveReason::InstallFailed);
        // The outputs that follow are drained by whoever drains these.
        let _gone = self.engine.handle_input(now, Input::InstallFailed(bundle));
    }

    fn settings(&self, flow: FlowId) -> Option<Settings> {
        let entry = self.flows.entry(self.flows.flow(flow)?)?;
        Some(Settings {
            replay: entry.replay,
            df: entry.df,
            identification: Arc::clone(&self.identification),
            elsewhere: self.data_path == DataPath::Caller,
        })
    }

    /// Takes a bundle out of use, both directions.
    pub(super) fn remove(&mut self, now: Duration, bundle: BundleId, reason: RemoveReason) {
        let Some(state) = self.flows.remove(bundle) else { return };
        if reason == RemoveReason::PeerDead {
            self.flows.peer_died(state.flow, state.path.remote.ip());
        }
        self.act(DataPathAction::Remove(bundle));
        let (local, remote) = (state.path.local.ip(), state.path.remote.ip());
        let mut removed = Vec::new();
        for one in &state.inbound {
            removed.push(removed_sa(one, one.sa.snapshot(now).spi, local));
            let other =
                state.outbound.iter().filter(|other| other.transform.protocol == one.transform.protocol);
            removed.extend(other.map(|other| removed_sa(other, other.sa.snapshot(now).spi, remote)));
        }
        self.happened(now, Occurrence::Removed(removed, reason));
    }

    fn handle_event(&mut self, now: Duration, event: Event) {
        let id = ike_sa(&event);
        // A try that ends before there is an IKE SA has a number of its own.
        let connection = match id {
            Some(id) => Some(self.connections.ike(id)),
            None => is_try(&event).then(|| self.connections.fresh()),
        };
        let mut sas = Vec::new();
        let mut established = None;
        match &event {
            Event::Established(bundle) => {
                sas = self.number(bundle, now);
                established = self.flows.bundles.get(&bundle.id).map(|state| state.flow);
            }
            Event::IkeSaRemoved { ike_sa, .. } | Event::IkeSaExpired { ike_sa } => {
                self.connections.forget(*ike_sa)
            }
            // Phase 1 fails for every flow that waits for it, and so does a peer that has fallen silent; a Quick Mode that is
            // refused fails for its own flow only, which RequestFailed names.
            Event::Failed { ike_sa, message_id, path, role, why, .. } => {
                let is_phase1 = message_id.0 == 0;
                if is_phase1 {
                    self.connections.forget(*ike_sa);
                }
                if *role == Role::Initiator && (is_phase1 || *why == Abort::TimedOut) {
                    self.negotiation_failed(now, path, None);
                }
            }
            Event::RequestFailed { path, selectors, .. } => {
                self.negotiation_failed(now, path, Some(selectors))
            }
            Event::Derived(derivation) => {
                if let Some(keys) = &mut self.keys {
                    keys.record_derivation(derivation);
                }
            }
            Event::ComparedPhase1 { ike_sa, policy, first_difference: None, .. } => {
                if let Some(keys) = &mut self.keys {
                    keys.record_cipher(*ike_sa, policy.cipher);
                }
            }
            _ => {}
        }
        self.journal.push(Happening { at: now, connection, sas, what: Occurrence::Ike(event) });
        if let Some(flow) = established {
            self.send_waiting(now, flow);
        }
    }

    /// Connection ids for the SAs of a new bundle: for each protocol of the proposal the inbound SA, then the
    /// outbound one.
    fn number(&mut self, bundle: &Bundle, now: Duration) -> Vec<SaConnections> {
        let mut out = Vec::new();
        for pair in &bundle.pairs {
            let numbers =
                SaConnections { inbound: self.connections.fresh(), outbound: self.connections.fresh() };
            if let Some(state) = self.flows.bundles.get_mut(&bundle.id) {
                for one in &mut state.inbound {
                    if one.sa.snapshot(now).spi.get() == pair.inbound.0 {
                        one.connection = numbers.inbound;
                    }
                }
                for one in &mut state.outbound {
                    if one.sa.snapshot(now).spi.get() == pair.outbound.0 {
                        one.connection = numbers.outbound;
                    }
                }
            }
            out.push(numbers);
        }
        out
    }

    /// A negotiation of ours with a peer has failed, for one flow or for whatever waits for it.
    fn negotiation_failed(&mut self, now: Duration, path: &Path, selectors: Option<&SelectorPair>) {
        for id in self.flows.negotiating_with(path) {
            let is_its = |flow: &FlowState| selectors.is_none_or(|selectors| *selectors == flow.negotiated);
            if self.flows.flow(id).is_some_and(is_its) {
                self.give_up(now, id);
            }
        }
    }

    /// A flow gets no SAs now; what waited for them is dropped and counted.
    pub(super) fn give_up(&mut self, now: Duration, id: FlowId) {
        let entry = self.flows.flow(id).and_then(|flow| self.flows.entry(flow));
        let peers = entry.map_or(0, |entry| entry.peers.len());
        let Some(flow) = self.flows.flow_mut(id) else { return };
        for _ in 0..flow.give_up(now, peers) {
            flow.counters.count_send_error();
            self.drops.count(DropReason::NoSa);
        }
    }
}

fn numbered<T>(sas: Vec<(oakley::Phase2Transform, T)>) -> Vec<Installed<T>> {
    sas.into_iter().map(|(transform, sa)| Installed { sa, transform, connection: 0 }).collect()
}

fn sa_id(snapshot: SaSnapshot, destination: IpAddr) -> SaId {
    SaId { destination, protocol: snapshot.protocol, spi: snapshot.spi }
}

fn removed_sa<T>(one: &Installed<T>, spi: Spi, destination: IpAddr) -> RemovedSa {
    let Installed { transform, connection, .. } = one;
    RemovedSa { destination, spi: oakley::Spi(spi.get()), transform: *transform, connection: *connection }
}
