//! Packets under SPIs that we do not have: their sender is told.

use alloc::vec::Vec;
use core::time::Duration;

use isakmp_wire::payload::Notification;
use isakmp_wire::{NotifyType, ProtocolId};

use crate::engine::Engine;
use crate::engine::table::{Entry, Live};
use crate::event::Event;
use crate::phase2::{informational, transform};
use crate::policy::{Path, Protocol};
use crate::sa::{BundleId, IkeSaId, Spi};

/// How often a peer is told under one IKE SA before the time between doubles.
const AT_ONE_RATE: u32 = 8;
/// The longest time between: in the life of an IKE SA the peer must not run out of message ids because of packets that
/// anybody can send in its name.
const SLOWEST: Duration = Duration::from_secs(60);

/// How often a peer was told of packets that it should not send.
#[derive(Default)]
pub(crate) struct Told {
    times: u32,
    next: Duration,
}

impl Told {
    /// Whether it may be told once more now.
    fn take(&mut self, now: Duration) -> bool {
        if now < self.next {
            return false;
        }
        let gap = Duration::from_secs(1).saturating_mul(2_u32.saturating_pow(self.times / AT_ONE_RATE));
        self.times = self.times.saturating_add(1);
        self.next = now.saturating_add(gap.min(SLOWEST));
        true
    }
}

impl Engine {
    /// A packet came whose SA we do not have. Anybody may have sent it, so nothing is believed; but it is true that the SA is
    /// not here, and whoever is at the other end of an IKE SA may know it. DELETE is what every peer acts upon (RFC 2408
    /// 3.15), INVALID-SPI says why (RFC 2408 3.14.1).
    pub(super) fn unknown_spi(&mut self, path: Path, (protocol, spi): (Protocol, Spi)) {
        if self.table.is_held(protocol, spi) {
            return;
        }
        let newest = self.table.by_path(&path).filter_map(|id| match self.table.get(id) {
            Some(Entry::Live(live)) if live.ready && live.ike.path == path => Some((live.heard, id)),
            _ => None,
        });
        match newest.max() {
            Some((_, id)) => self.tell_unknown(id, (protocol, spi)),
            None => self.recover(path, &[]),
        }
    }

    fn tell_unknown(&mut self, id: IkeSaId, (protocol, spi): (Protocol, Spi)) {
        let Some(mut live) = self.table.take_live(id) else { return };
        if live.told.take(self.host.now) {
            let protocol = transform::protocol_id(protocol);
            let payloads = informational::unknown_spi(protocol, spi);
            if self.send_informational(&mut live, payloads).is_some() {
                let (path, notify) = (live.ike.path, NotifyType::INVALID_SPI);
                self.host.out.event(Event::NotifySent { path, ike_sa: Some(id), notify });
            }
        }
        self.table.put(id, Entry::Live(live));
    }

    /// The bundle whose outbound SPI a notify names, in its own field or in its data, under whatever protocol.
    pub(super) fn named_outbound(&self, live: &Live, notification: &Notification) -> Option<BundleId> {
        let fields = [notification.spi.as_ref(), notification.data.as_ref()];
        let spis = fields.into_iter().filter_map(|octets| <[u8; 4]>::try_from(octets).ok());
        let spis: Vec<Spi> = spis.map(u32::from_be_bytes).map(Spi).collect();
        let protocols = match notification.protocol {
            ProtocolId::AH => [Protocol::Ah, Protocol::Esp],
            _ => [Protocol::Esp, Protocol::Ah],
        };
        let pairs = spis.iter().flat_map(|spi| protocols.map(|protocol| (protocol, *spi)));
        pairs.filter_map(|(protocol, spi)| self.table.by_outbound(&live.ike.identity, protocol, spi)).next()
    }
}
