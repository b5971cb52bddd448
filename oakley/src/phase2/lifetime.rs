//! RESPONDER-LIFETIME (RFC 2407 4.6.3.1): how an initiator hears that the responder's policy is shorter than its offer.
//!
//! It may only lower a life, and it is believed only inside a message whose HASH held.

use alloc::vec::Vec;

use bytes::Bytes;
use isakmp_wire::payload::{Attribute, Notification};
use isakmp_wire::{Doi, Message, NotifyType, Payload, ProtocolId};

use crate::attributes::{self, Attributes, Classes};
use crate::policy::Lifetime;

/// The notify for one SA: `spi` is its receiver's, or the cookies for an IKE SA.
pub(crate) fn notify(
    classes: &Classes,
    lifetime: &Lifetime,
    (protocol, spi): (ProtocolId, Bytes),
) -> Payload {
    let attributes = attributes::life(classes, lifetime);
    Payload::new(Notification {
        doi: Doi::IPSEC,
        protocol,
        spi,
        notify_type: NotifyType::RESPONDER_LIFETIME,
        data: Attribute::encode_list(&attributes),
    })
}

/// The limits of all such notifies about `protocol` in an authentic message; one that cannot be read says nothing.
pub(crate) fn read(message: &Message, classes: &Classes, about: impl Fn(ProtocolId) -> bool) -> Lifetime {
    let notifies = message.all::<Notification>();
    let notifies = notifies
        .filter(|notify| notify.notify_type == NotifyType::RESPONDER_LIFETIME && about(notify.protocol));
    notifies.filter_map(|notify| announced(&notify.data, classes)).fold(Lifetime::default(), Lifetime::lower)
}

/// The limits in the data of one such notify, none below what a side may be made to negotiate at.
pub(crate) fn announced(data: &Bytes, classes: &Classes) -> Option<Lifetime> {
    let attributes: Vec<Attribute> = Attribute::parse_list(data).ok()?;
    Some(Attributes::read(&attributes, classes).ok()?.lifetime.floored())
}
