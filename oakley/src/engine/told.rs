//! What a peer tells in an Informational about something else than the message itself: a Quick Mode that it refuses, a life that
//! it shortens (RFC 2409 5.7, RFC 2407 4.6.3).

use core::time::Duration;

use isakmp_wire::payload::Notification;
use isakmp_wire::{MessageId, NotifyType, ProtocolId};

use crate::engine::Engine;
use crate::engine::table::Live;
use crate::engine::timer::TimerKey;
use crate::error::{Abort, PeerRefusal};
use crate::phase1::offer::CLASSES as PHASE1_CLASSES;
use crate::phase2::transform::CLASSES as PHASE2_CLASSES;
use crate::phase2::{Quick, QuickSlot, informational, lifetime, transform};
use crate::policy::Lifetime;
use crate::renewal;
use crate::sa::{BundleId, Spi};

/// An IKE SA whose life a peer shortens lasts so much longer at least: long enough for a successor.
const GRACE: Duration = Duration::from_secs(30);

/// The SPI that a notify names, if it has the length of one.
fn spi(notification: &Notification) -> Option<Spi> {
    <[u8; 4]>::try_from(notification.spi.as_ref()).ok().map(u32::from_be_bytes).map(Spi)
}

impl Engine {
    /// The peer refused a Quick Mode of ours. The message id of an Informational is its own, and what peers write into the SPI
    /// differs: ours, theirs, zero, the cookies, nothing. So it is the Quick Mode whose SPI of ours is named, or the one that
    /// has waited longest for its answer.
    pub(super) fn peer_refused(&mut self, live: &mut Live, notification: &Notification) {
        let waits = live.quick.iter().filter(|(_, slot)| matches!(slot.state, Quick::AwaitReply(_)));
        let is_named = |slot: &QuickSlot| slot.spis.iter().any(|(_, ours)| Some(*ours) == spi(notification));
        let named = waits.clone().find(|(_, slot)| is_named(slot));
        let found = named.or_else(|| {
            // These two are about SAs that are there, or were.
            let is_other =
                matches!(notification.notify_type, NotifyType::INVALID_SPI | NotifyType::INVALID_COOKIE);
            let oldest = waits.min_by_key(|(_, slot)| slot.began);
            oldest.filter(|_| !is_other && self.named_outbound(live, notification).is_none())
        });
        let Some(message_id) = found.map(|(message_id, _): (&MessageId, _)| *message_id) else { return };
        if let Some(slot) = live.quick.remove(&message_id) {
            live.refused |= notification.notify_type == NotifyType::NO_PROPOSAL_CHOSEN;
            let why = Abort::Peer(PeerRefusal::Notified(notification.notify_type));
            self.end_slot(live, message_id, slot, why);
        }
    }

    /// RFC 2407 4.6.3.1: the peer lets an SA of either phase live for less long than was agreed on. Its life becomes ours, in
    /// so far as it is not too short to be one.
    pub(super) fn life_announced(&mut self, live: &mut Live, notification: &Notification) {
        if notification.protocol == ProtocolId::ISAKMP {
            let own = informational::cookie_spi(&live.ike.cookies);
            if notification.spi.is_empty() || notification.spi == own {
                self.shorten_ike_sa(live, lifetime::announced(&notification.data, &PHASE1_CLASSES));
            }
            return;
        }
        let told = lifetime::announced(&notification.data, &PHASE2_CLASSES);
        let named = transform::protocol(notification.protocol).zip(spi(notification));
        let bundle = named.and_then(|(protocol, spi)| {
            let theirs = self.table.by_outbound(&live.ike.identity, protocol, spi);
            theirs.or_else(|| self.table.by_inbound(&live.ike.identity, protocol, spi))
        });
        if let (Some(bundle), Some(told)) = (bundle, told) {
            self.shorten_bundle(bundle, told);
        }
    }

    fn shorten_ike_sa(&mut self, live: &mut Live, told: Option<Lifetime>) {
        let agreed = live.ike.suite.chosen.lifetime;
        let Some(shorter) = told.map(|told| agreed.lower(told)).filter(|shorter| *shorter != agreed) else {
            return;
        };
        live.ike.suite.chosen.lifetime = shorter;
        let end =
            shorter.seconds.map(Duration::from_secs).and_then(|life| live.ike.established.checked_add(life));
        let end = end.map(|end| end.max(self.host.now.saturating_add(GRACE)));
        live.expires = live.expires.into_iter().chain(end).min();
        self.bound_life(live);
    }

    /// The data path goes on by the limits that it has; a successor comes in time for the shorter ones.
    fn shorten_bundle(&mut self, id: BundleId, told: Lifetime) {
        let Some(bundle) = self.table.bundle(id) else { return };
        let shorter = bundle.lifetime.lower(told);
        if shorter == bundle.lifetime {
            return;
        }
        let spread = bundle.pairs.first().map_or(0, |pair| pair.inbound.0);
        let soft = renewal::soft(shorter, bundle.role, spread);
        let due = soft.seconds.map(Duration::from_secs).and_then(|life| bundle.established.checked_add(life));
        self.timers.set(TimerKey::Soft(id), due.map(|due| due.max(self.host.now)));
        self.table.shorten_bundle(id, shorter, soft);
    }
}
