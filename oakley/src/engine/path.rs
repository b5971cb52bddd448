//! Peers behind address translators: where they are, how they are followed, what keeps the translator's mapping alive
//! (RFC 3947 4, 7; RFC 3948 4).

use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::engine::Engine;
use crate::engine::table::{Entry, Live};
use crate::engine::timer::TimerKey;
use crate::error::ApiMisuse;
use crate::event::{Bundle, Event};
use crate::identity::Identity;
use crate::nat;
use crate::output::Output;
use crate::phase2::Ike;
use crate::policy::{Encapsulation, Path};
use crate::sa::{BundleId, IkeSaId};

impl Ike {
    /// Whether the peer may be at the far end of `path` now: it is behind a translator, and we have left the old port.
    pub(crate) fn may_follow(&self, path: &Path) -> bool {
        self.nat.is_some_and(|nat| nat.remote) && leads_elsewhere(&self.path, path)
    }
}

/// Only the far end moves, and only to where one peer can be.
fn leads_elsewhere(from: &Path, to: &Path) -> bool {
    from.local == to.local && from.remote != to.remote && nat::is_possible(to)
}

impl Engine {
    /// Whether an exchange or SA has moved to the port of NAT traversal while this came to another one (RFC 3947 4).
    pub(super) fn has_left(&self, id: IkeSaId, path: &Path) -> bool {
        let nat_port = self.host.config.nat_port;
        path.local.port() != nat_port
            && self.table.get(id).is_some_and(|entry| entry.path().local.port() == nat_port)
    }

    /// The peer has proved afresh that it is at the far end of `to`.
    pub(super) fn follow(&mut self, live: &mut Live, to: Path) {
        if !live.ike.may_follow(&to) {
            return;
        }
        let from = core::mem::replace(&mut live.ike.path, to);
        self.host.out.event(Event::Moved { ike_sa: Some(live.ike.id), from, to });
        self.move_bundles(&live.ike.identity.clone(), &from, to);
    }

    /// The data path saw an authentic packet, newer than all before it, that came another way.
    pub(super) fn bundle_moved(&mut self, id: BundleId, to: Path) -> Result<(), ApiMisuse> {
        let bundle = Arc::clone(self.table.bundle(id).ok_or(ApiMisuse::UnknownBundle(id))?);
        let from = bundle.path;
        if !bundle.nat.is_some_and(|nat| nat.remote) || !leads_elsewhere(&from, &to) {
            return Ok(());
        }
        let of_peer = |id: &IkeSaId| matches!(self.table.get(*id), Some(Entry::Live(live)) if live.ike.identity == bundle.identity);
        let sas: Vec<IkeSaId> = self.table.by_path(&from).filter(of_peer).collect();
        for id in &sas {
            if let Some(mut live) = self.table.take_live(*id) {
                if live.ike.path == from {
                    live.ike.path = to;
                }
                self.table.put(*id, Entry::Live(live));
            }
        }
        self.host.out.event(Event::Moved { ike_sa: sas.first().copied(), from, to });
        self.move_bundles(&bundle.identity, &from, to);
        Ok(())
    }

    /// All bundles with a peer go where it went; another peer behind the same translator stays where it is.
    fn move_bundles(&mut self, identity: &Identity, from: &Path, to: Path) {
        let moved = |bundle: &&Arc<Bundle>| bundle.identity == *identity && bundle.path == *from;
        let moved: Vec<BundleId> = self.table.bundles().filter(moved).map(|bundle| bundle.id).collect();
        for id in moved {
            self.table.move_bundle(id, to);
            self.host.out.push(Output::Move(id, to));
        }
    }

    /// RFC 3948 4: a side behind a translator keeps its mapping alive. On any other port than that of NAT traversal the octet
    /// would be a message of IKE, and a bad one.
    pub(super) fn keep_alive(&mut self, id: IkeSaId) {
        let Some(Entry::Live(live)) = self.table.get(id) else { return };
        let (interval, path) = (live.ike.policy.nat.keepalive, live.ike.path);
        let is_behind = live.ike.nat.is_some_and(|nat| nat.local);
        let has_moved = path.local.port() == self.host.config.nat_port;
        if let Some(interval) = interval.filter(|_| is_behind && has_moved) {
            self.timers.set(TimerKey::Keepalive(path), self.host.now.checked_add(interval));
            self.table.set_keepalive(path, interval);
        }
    }

    /// As long as anything goes that way, also bundles whose IKE SA has ended.
    pub(super) fn keepalive_due(&mut self, path: Path) {
        let Some(interval) = self.table.keepalive(&path) else { return };
        let in_udp = |bundle: &Arc<Bundle>| {
            matches!(bundle.encapsulation, Encapsulation::UdpTunnel | Encapsulation::UdpTransport)
        };
        let is_live =
            |id: IkeSaId| matches!(self.table.get(id), Some(Entry::Live(live)) if live.ike.path == path);
        let is_used = self.table.by_path(&path).any(is_live)
            || self.table.bundles().any(|bundle| bundle.path == path && in_udp(bundle));
        if !is_used {
            return self.table.forget_keepalive(&path);
        }
        self.host.out.keepalive(path);
        // An interval of nothing would never end.
        let interval = interval.max(core::time::Duration::from_secs(1));
        self.timers.set(TimerKey::Keepalive(path), self.host.now.checked_add(interval));
    }
}
