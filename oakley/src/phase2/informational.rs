//! Informational exchanges under an IKE SA (RFC 2409 5.7): one message, HDR*, HASH(1), N or D.

use alloc::vec::Vec;

use bytes::Bytes;
use isakmp_wire::payload::{Delete, Notification};
use isakmp_wire::{Doi, ExchangeType, Message, MessageId, NotifyType, Payload, PayloadKind, ProtocolId};

use crate::context::Cx;
use crate::error::{LocalFailure, Misbehaviour, Reject};
use crate::event::{Bundle, Cookies};
use crate::exchange::incoming::Incoming;
use crate::phase2::hash::{self, Formula};
use crate::phase2::{Ike, transform};
use crate::sa::Spi;

/// What an Informational carries beside HASH.
const CARRIED: [PayloadKind; 3] = [PayloadKind::NOTIFICATION, PayloadKind::DELETE, PayloadKind::VENDOR_ID];

/// Opens an Informational. Nothing of it is acted upon unless its HASH holds.
pub(crate) fn open(ike: &Ike, incoming: &Incoming, cx: &mut Cx<'_>) -> Result<Message, Reject> {
    let chain = ike.chain(incoming.header.message_id);
    let (message, _) = ike.decrypt(&chain, incoming)?;
    hash::verify(Formula::One, ike, &message, cx)?;
    // The header is not authenticated, and HASH(1) of Quick Mode has the same formula: a man in the middle could turn a first
    // Quick Mode message into an Informational and so use up its message id.
    let foreign = message.payloads().iter().skip(1).map(Payload::kind).find(|kind| !CARRIED.contains(kind));
    match foreign {
        Some(kind) => Err(Misbehaviour::Foreign(kind).into()),
        None => Ok(message),
    }
}

/// Makes an Informational of its own message id.
pub(crate) fn make(
    ike: &Ike,
    message_id: MessageId,
    payloads: Vec<Payload>,
    cx: &mut Cx<'_>,
) -> Result<Bytes, LocalFailure> {
    let mut chain = ike.chain(message_id);
    hash::protect(Formula::One, ike, (ExchangeType::INFORMATIONAL, message_id), payloads, (&mut chain, cx))
}

/// A NOTIFY without data. `about` is the SPI that it concerns; without one it concerns the IKE SA (RFC 2407 4.6.3).
pub(crate) fn notify(notify_type: NotifyType, about: Option<(ProtocolId, Bytes)>) -> Payload {
    let (protocol, spi) = about.unwrap_or((ProtocolId::ISAKMP, Bytes::new()));
    Payload::new(Notification { doi: Doi::IPSEC, protocol, spi, notify_type, data: Bytes::new() })
}

/// The DELETEs of a bundle: our inbound SPIs, one payload per protocol (RFC 2408 3.15).
pub(crate) fn delete_bundle(bundle: &Bundle) -> Vec<Payload> {
    let one = |pair: &crate::event::SpiPair| {
        Payload::new(Delete {
            doi: Doi::IPSEC,
            protocol: transform::protocol_id(pair.transform.protocol),
            spi_size: 4,
            spis: [Bytes::copy_from_slice(&pair.inbound.0.to_be_bytes())].into(),
        })
    };
    bundle.pairs.iter().map(one).collect()
}

/// Says that an SPI of ours is no SA: DELETE, and why.
pub(crate) fn unknown_spi(protocol: ProtocolId, spi: Spi) -> Vec<Payload> {
    let spi = Bytes::copy_from_slice(&spi.0.to_be_bytes());
    let delete = Delete { doi: Doi::IPSEC, protocol, spi_size: 4, spis: [spi.clone()].into() };
    [Payload::new(delete), notify(NotifyType::INVALID_SPI, Some((protocol, spi)))].into()
}

/// The DELETE of an IKE SA: both cookies.
pub(crate) fn delete_ike_sa(cookies: &Cookies) -> Payload {
    let spi = cookie_spi(cookies);
    Payload::new(Delete { doi: Doi::IPSEC, protocol: ProtocolId::ISAKMP, spi_size: 16, spis: [spi].into() })
}

/// The SPI of an IKE SA where a payload needs one: CKY-I | CKY-R.
pub(crate) fn cookie_spi(cookies: &Cookies) -> Bytes {
    Bytes::from([cookies.initiator.0, cookies.responder.0].concat())
}
