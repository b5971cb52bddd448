//! CONNECTED in an Informational of its own message id (RFC 2408 3.1, RFC 2409 5.7).

use isakmp_wire::MessageId;
use isakmp_wire::payload::Notification;

use crate::engine::Engine;
use crate::engine::table::Live;
use crate::phase2::{Quick, QuickSlot};
use crate::sa::Spi;

impl Live {
    /// Whether the Quick Mode with this id waits for CONNECTED.
    pub(super) fn awaits_connected(&self, message_id: MessageId) -> bool {
        self.quick.get(&message_id).is_some_and(|slot| matches!(slot.state, Quick::AwaitConnected(_)))
    }
}

impl Engine {
    /// The Quick Mode is the one that an SPI of either side names; without an SPI it can only be told if one waits alone.
    pub(super) fn connected(&mut self, live: &mut Live, notification: &Notification) {
        let spi = <[u8; 4]>::try_from(notification.spi.as_ref()).ok().map(u32::from_be_bytes).map(Spi);
        let named = |slot: &QuickSlot| match (&slot.state, spi) {
            (Quick::AwaitConnected(state), Some(spi)) => {
                state.bundle().pairs.iter().any(|pair| pair.inbound == spi || pair.outbound == spi)
            }
            (Quick::AwaitConnected(_), None) => true,
            _ => false,
        };
        let mut waiting = live.quick.iter().filter(|(_, slot)| named(slot)).map(|(id, _)| *id);
        let (Some(message_id), None) = (waiting.next(), waiting.next()) else { return };
        let Some(mut slot) = live.quick.remove(&message_id) else { return };
        match core::mem::replace(&mut slot.state, Quick::Complete) {
            Quick::AwaitConnected(state) => {
                let bundle = state.advance(&mut self.host.cx(&[]));
                slot.flight.settle();
                live.quick.insert(message_id, slot);
                self.quick_complete(live, message_id, bundle);
            }
            state => {
                slot.state = state;
                live.quick.insert(message_id, slot);
            }
        }
    }
}
