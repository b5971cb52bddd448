//! The commit bit (RFC 2408 3.1): the peer asks not to be sent packets before it has said CONNECTED.
//!
//! ```text
//!   HDR*, HASH(1), SA, Ni ...  -->
//!                              <--  HDR* (C), HASH(2), SA, Nr ...
//!   HDR*, HASH(3)              -->
//!                              <--  HDR*, HASH, N (CONNECTED)         AwaitConnected
//! ```
//!
//! RFC 2408 3.1 sends CONNECTED as an Informational under the message id of the exchange, RFC 2409 5.7 gives every
//! Informational an id of its own, and others send a fourth message of the Quick Mode: all are understood.
//!
//! The bit stands in the header, which nothing authenticates. It counts in message 2 only, whose HASH held, and concerns
//! only the SAs that this message makes. An initiator's bit in message 1 asks for what the responder does anyway: its outbound
//! SAs wait for message 3.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec;

use bytes::Bytes;
use isakmp_wire::payload::Notification;
use isakmp_wire::{ExchangeType, Message, NotifyType};

use crate::context::Cx;
use crate::error::{LocalFailure, Misbehaviour, Reject};
use crate::event::Bundle;
use crate::exchange::incoming::Incoming;
use crate::exchange::iv::{IvChain, PendingIv};
use crate::output::Output;
use crate::phase2::hash::{self, Formula};
use crate::phase2::{Failure, Ike, informational, transform};
use crate::sa::Installation;

/// Message 3 is sent and the inbound SAs are installed; the outbound ones wait.
pub(crate) struct AwaitConnected {
    bundle: Arc<Bundle>,
    outbound: Installation,
}

impl AwaitConnected {
    pub(crate) fn new(bundle: Arc<Bundle>, outbound: Installation) -> Self {
        Self { bundle, outbound }
    }

    pub(crate) fn bundle(&self) -> &Arc<Bundle> {
        &self.bundle
    }

    /// A message under the id of the exchange. Some go on with its IV chain, some begin anew as for an Informational.
    pub(crate) fn check(
        &self,
        ike: &Ike,
        chain: &IvChain,
        incoming: &Incoming,
        cx: &mut Cx<'_>,
    ) -> Result<PendingIv, Failure> {
        let mut why = Reject::from(Misbehaviour::Undecipherable);
        for chain in [*chain, ike.chain(incoming.header.message_id)] {
            let opened = ike.decrypt(&chain, incoming).and_then(|(message, iv)| {
                hash::verify(Formula::One, ike, &message, cx)?;
                Ok((message, iv))
            });
            match opened {
                Ok((message, iv)) if says_connected(&message) => return Ok(iv),
                Ok(_) => why = Misbehaviour::UnexpectedExchange(incoming.header.exchange).into(),
                Err(_) => {}
            }
        }
        Err(Failure::Quiet(why))
    }

    /// Installs the outbound SAs.
    pub(crate) fn advance(self: Box<Self>, cx: &mut Cx<'_>) -> Arc<Bundle> {
        let Self { bundle, outbound } = *self;
        cx.out.push(Output::Install(Box::new(outbound)));
        bundle
    }
}

fn says_connected(message: &Message) -> bool {
    message.all::<Notification>().any(|notification| notification.notify_type == NotifyType::CONNECTED)
}

/// CONNECTED, as RFC 2408 3.1 wants it: under the message id of the exchange, for the SA that its receiver sends with.
pub(crate) fn make(
    ike: &Ike,
    bundle: &Bundle,
    chain: &mut IvChain,
    cx: &mut Cx<'_>,
) -> Result<Bytes, LocalFailure> {
    let about = bundle.pairs.first().map(|pair| {
        let spi = Bytes::copy_from_slice(&pair.inbound.0.to_be_bytes());
        (transform::protocol_id(pair.transform.protocol), spi)
    });
    let payload = informational::notify(NotifyType::CONNECTED, about);
    let exchange = (ExchangeType::INFORMATIONAL, bundle.message_id);
    hash::protect(Formula::One, ike, exchange, vec![payload], (chain, cx))
}
