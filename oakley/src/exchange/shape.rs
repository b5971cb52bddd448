//! Which payloads a message must carry: checked before anything of it is used.
//!
//! Payloads that are neither required nor dangerous to repeat are left alone: a peer may add VENDOR, NOTIFICATION,
//! CERTIFICATE REQUEST or kinds that nobody here knows to any message (RFC 2408 5.2 would have unknown kinds refused;
//! skipping them breaks nothing and keeps old peers talking).

use isakmp_wire::{Message, PayloadKind};

use crate::error::Misbehaviour;

/// The payloads of one message that are there exactly once.
pub(crate) struct Shape {
    /// Must be there, once.
    pub(crate) required: &'static [PayloadKind],
    /// May be there, once.
    pub(crate) optional: &'static [PayloadKind],
    /// Must open the message, in this order.
    pub(crate) leading: &'static [PayloadKind],
}

/// Kinds of which a second one would make it a matter of taste which one counts.
const SINGLE: &[PayloadKind] = &[
    PayloadKind::SA,
    PayloadKind::KEY_EXCHANGE,
    PayloadKind::NONCE,
    PayloadKind::HASH,
    PayloadKind::SIGNATURE,
];

/// Messages 1 and 2 of Main Mode.
pub(crate) const MAIN_OFFER: Shape =
    Shape { required: &[PayloadKind::SA], optional: &[], leading: &[PayloadKind::SA] };

/// Messages 1 and 2 of Aggressive Mode; the method adds the payloads of contribution and proof.
pub(crate) const AGGRESSIVE_OFFER: Shape = Shape {
    required: &[PayloadKind::SA, PayloadKind::IDENTIFICATION],
    optional: &[],
    leading: &[PayloadKind::SA],
};

/// Quick Mode, messages 1 and 2. IDci and IDcr are counted where they are read.
pub(crate) const QUICK_OFFER: Shape = Shape {
    required: &[PayloadKind::HASH, PayloadKind::SA, PayloadKind::NONCE],
    optional: &[PayloadKind::KEY_EXCHANGE],
    leading: &[PayloadKind::HASH, PayloadKind::SA],
};

/// Quick Mode, message 3, and every Informational under an IKE SA.
pub(crate) const HASH_FIRST: Shape =
    Shape { required: &[PayloadKind::HASH], optional: &[], leading: &[PayloadKind::HASH] };

impl Shape {
    /// Checks `message` against this shape.
    pub(crate) fn check(&self, message: &Message) -> Result<(), Misbehaviour> {
        for (kind, payload) in self.leading.iter().zip(message.payloads()) {
            if payload.kind() != *kind {
                return Err(Misbehaviour::Misplaced(*kind));
            }
        }
        for kind in self.required {
            if message.of_kind(*kind).next().is_none() {
                return Err(Misbehaviour::Missing(*kind));
            }
        }
        for kind in SINGLE.iter().chain(self.required).chain(self.optional) {
            if message.of_kind(*kind).nth(1).is_some() {
                return Err(Misbehaviour::Repeated(*kind));
            }
        }
        Ok(())
    }
}
