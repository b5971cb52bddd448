//! What a caller does to SAs, and what it can see of them.

use alloc::sync::Arc;
use alloc::vec::Vec;

use isakmp_wire::{ExchangeType, MessageId};

use crate::engine::Engine;
use crate::engine::table::{Entry, Live};
use crate::engine::timer::TimerKey;
use crate::error::{Abort, ApiMisuse};
use crate::event::{Bundle, Event};
use crate::input::{LimitReached, Request, Target};
use crate::output::Output;
use crate::phase2::{Quick, QuickSlot, informational};
use crate::renewal;
use crate::sa::{BundleId, IkeSaId, RemoveReason};
use crate::snapshot::{Counters, IkeSaSnapshot, IkeSaState, Snapshot};

impl Engine {
    /// The state of everything, without keys.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            ike_sas: self.table.entries().map(|(id, entry)| ike_sa(id, entry)).collect(),
            bundles: self.table.bundles().map(|bundle| Bundle::clone(bundle)).collect(),
            reassembling: self.fragments.incomplete(),
            counters: Counters { fragments_lost: self.fragments.lost, ..self.host.out.counters.clone() },
        }
    }

    pub(super) fn used(&mut self, id: BundleId, limit: LimitReached) -> Result<(), ApiMisuse> {
        let bundle = Arc::clone(self.table.bundle(id).ok_or(ApiMisuse::UnknownBundle(id))?);
        match limit {
            LimitReached::Hard => self.delete_bundle(&bundle, RemoveReason::Expired),
            LimitReached::Soft => {
                let of_peer = &bundle.identity;
                let superseded =
                    self.table.bundles_of_peer(of_peer).any(|other| renewal::supersedes(other, &bundle));
                if !superseded {
                    let request =
                        Request { path: bundle.request_path(), selectors: bundle.selectors.clone() };
                    self.initiate(request, &[]);
                }
            }
        }
        Ok(())
    }

    pub(super) fn install_failed(&mut self, id: BundleId) -> Result<(), ApiMisuse> {
        if let Some(bundle) = self.table.bundle(id).cloned() {
            self.delete_bundle(&bundle, RemoveReason::InstallFailed);
            return Ok(());
        }
        let waits = |live: &Live| {
            let waiting = live.quick.iter();
            let half = |slot: &QuickSlot| slot.state.half().is_some_and(|bundle| bundle.id == id);
            waiting.filter(|(_, slot)| half(slot)).map(|(message_id, _)| *message_id).next()
        };
        let found = self.table.entries().find_map(|(ike_sa, entry)| match entry {
            Entry::Live(live) => waits(live).map(|message_id| (ike_sa, message_id)),
            Entry::Negotiating(_) => None,
        });
        let (ike_sa, message_id) = found.ok_or(ApiMisuse::UnknownBundle(id))?;
        if let Some(mut live) = self.table.take_live(ike_sa) {
            if let Some(slot) = live.quick.remove(&message_id) {
                let why = Abort::Local(crate::error::LocalFailure::Install);
                self.end_slot(&mut live, message_id, slot, why);
            }
            self.table.put(ike_sa, Entry::Live(live));
        }
        Ok(())
    }

    pub(super) fn delete(&mut self, target: Target) -> Result<(), ApiMisuse> {
        match target {
            Target::Bundle(id) => {
                let bundle = Arc::clone(self.table.bundle(id).ok_or(ApiMisuse::UnknownBundle(id))?);
                self.delete_bundle(&bundle, RemoveReason::Requested);
            }
            Target::IkeSa(id) => {
                self.table.get(id).ok_or(ApiMisuse::UnknownIkeSa(id))?;
                self.delete_ike_sa(id);
            }
            Target::All => {
                let ids: Vec<IkeSaId> = self.table.entries().map(|(id, _)| id).collect();
                let bundles: Vec<BundleId> = self.table.bundles().map(|bundle| bundle.id).collect();
                for bundle in bundles {
                    if let Some(bundle) = self.table.bundle(bundle).cloned() {
                        self.delete_bundle(&bundle, RemoveReason::Requested);
                    }
                }
                for id in ids {
                    self.delete_ike_sa(id);
                }
            }
        }
        Ok(())
    }

    /// An IKE SA on request: with everything under it, and the peer is told.
    fn delete_ike_sa(&mut self, id: IkeSaId) {
        let children: Vec<Arc<Bundle>> =
            self.table.bundles().filter(|bundle| bundle.ike_sa == id).cloned().collect();
        for bundle in children {
            self.delete_bundle(&bundle, RemoveReason::IkeSaDeleted);
        }
        match self.table.take_live(id) {
            Some(mut live) => {
                let payload = informational::delete_ike_sa(&live.ike.cookies);
                self.send_informational(&mut live, [payload].into());
                self.end_live(*live, Abort::Deleted);
            }
            None => self.end_negotiation(id, Abort::Deleted),
        }
    }

    /// Removes a bundle and tells the peer, if an IKE SA with it is there.
    fn delete_bundle(&mut self, bundle: &Bundle, reason: RemoveReason) {
        // Under any IKE SA with this peer: of two peers behind one translator only the identity tells which.
        let is_with = |id: &IkeSaId| matches!(self.table.get(*id), Some(Entry::Live(live)) if live.ike.identity == bundle.identity);
        let live = Some(bundle.ike_sa).filter(is_with);
        let live = live.or_else(|| self.table.by_path(&bundle.path).find(is_with));
        if let Some((id, mut live)) = live.and_then(|id| Some((id, self.table.take_live(id)?))) {
            self.send_informational(&mut live, informational::delete_bundle(bundle));
            self.table.put(id, Entry::Live(live));
        }
        self.remove_bundle(bundle.id, reason);
    }

    /// Removes a bundle, both protocols and both directions.
    pub(super) fn remove_bundle(&mut self, bundle: BundleId, reason: RemoveReason) {
        if self.table.remove_bundle(bundle).is_some() {
            self.doubts.forget(bundle);
            self.timers.set(TimerKey::Silence(bundle), None);
            self.timers.set(TimerKey::Soft(bundle), None);
            self.host.out.push(Output::Remove(bundle, reason));
            self.host.out.event(Event::BundleRemoved { bundle, reason });
        }
    }

    /// Ends an IKE SA that was taken out of the table.
    pub(super) fn end_live(&mut self, live: Live, why: Abort) {
        let ike_sa = live.ike.id;
        self.drop_live(live, &why);
        self.host.out.event(Event::IkeSaRemoved { ike_sa, why });
    }

    /// Stops everything that runs under an IKE SA; requests of ours are not lost without a word.
    pub(super) fn drop_live(&mut self, mut live: Live, why: &Abort) {
        let id = live.ike.id;
        self.timers.set(TimerKey::Expire(id), None);
        self.timers.set(TimerKey::Renew(id), None);
        self.timers.set(TimerKey::Liveness(id), None);
        self.timers.set(TimerKey::Reap(id, MessageId::ZERO), None);
        self.fail_waiting(core::mem::take(&mut live.waiting), why);
        for (message_id, slot) in core::mem::take(&mut live.quick) {
            self.timers.set(TimerKey::Reap(id, message_id), None);
            if !matches!(slot.state, Quick::Complete) {
                self.end_slot(&mut live, message_id, slot, why.clone());
            }
        }
    }
}

fn ike_sa(id: IkeSaId, entry: &Entry) -> IkeSaSnapshot {
    match entry {
        Entry::Negotiating(negotiation) => IkeSaSnapshot {
            id,
            path: negotiation.course.path,
            role: negotiation.course.role,
            state: negotiation.state.state(),
            cookies: negotiation.course.cookies,
            suite: negotiation.state.suite().cloned(),
            identity: None,
            nat: negotiation.state.offered().nat,
            vendors: negotiation.state.offered().vendors.clone(),
            fragment_size: entry.fragment_size(),
            established: None,
            expires: None,
            exchanges: Vec::new(),
        },
        Entry::Live(live) => IkeSaSnapshot {
            id,
            path: live.ike.path,
            role: live.ike.role,
            state: if live.ready { IkeSaState::Ready } else { IkeSaState::Authenticated },
            cookies: live.ike.cookies,
            suite: Some(live.ike.suite.chosen.clone()),
            identity: Some(live.ike.identity.clone()),
            nat: live.ike.nat,
            vendors: live.ike.vendors.clone(),
            fragment_size: entry.fragment_size(),
            established: Some(live.ike.established),
            expires: live.expires,
            exchanges: live
                .quick
                .iter()
                .filter(|(_, slot)| !matches!(slot.state, Quick::Complete))
                .map(|(message_id, _)| (ExchangeType::QUICK, *message_id))
                .collect(),
        },
    }
}
