//! What one authenticated peer may fill: it has proved who it is, not that it means well.

use alloc::vec::Vec;

use crate::engine::Engine;
use crate::engine::table::Live;
use crate::event::Bundle;
use crate::phase2::informational;
use crate::sa::{BundleId, IkeSaId, RemoveReason};

impl Engine {
    /// A new IKE SA is there: of too many with its peer the oldest ends, as if its life were over.
    pub(super) fn bound_ike_sas(&mut self, new: IkeSaId) {
        let Some(identity) = self.table.identity(new) else { return };
        let sas: Vec<IkeSaId> = self.table.ike_of_peer(&identity).collect();
        let too_many = sas.len().saturating_sub(self.host.config.max_ike_sas_per_peer.max(1));
        for id in sas.into_iter().filter(|id| *id != new).take(too_many) {
            self.expire(id);
        }
    }

    /// A new bundle is there: of too many for its flow, or with its peer, the oldest go.
    pub(super) fn bound_bundles(&mut self, live: &mut Live, new: &Bundle) {
        let (per_flow, per_peer) =
            (self.host.config.max_bundles_per_flow, self.host.config.max_bundles_per_peer);
        let of_peer = || self.table.bundles_of_peer(&new.identity).filter(|bundle| bundle.id != new.id);
        let of_flow = || of_peer().filter(|bundle| bundle.selectors == new.selectors);
        let surplus = |count: usize, most: usize| count.saturating_add(1).saturating_sub(most.max(1));
        let flow = of_flow().take(surplus(of_flow().count(), per_flow));
        let mut gone: Vec<BundleId> = flow.map(|bundle| bundle.id).collect();
        let left = of_peer().count().saturating_sub(gone.len());
        let others = of_peer().map(|bundle| bundle.id).filter(|id| !gone.contains(id));
        let more: Vec<BundleId> = others.take(surplus(left, per_peer)).collect();
        gone.extend(more);
        for id in gone {
            if let Some(bundle) = self.table.bundle(id).cloned() {
                self.send_informational(live, informational::delete_bundle(&bundle));
                self.remove_bundle(id, RemoveReason::Displaced);
            }
        }
    }
}
