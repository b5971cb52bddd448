//! Informational exchanges inside the engine: what a peer says about its SAs, and what we say about ours
//! (RFC 2409 5.7, RFC 2408 3.14, 3.15).

use alloc::vec::Vec;

use bytes::Bytes;
use isakmp_wire::payload::{Delete, Notification};
use isakmp_wire::{Body, Message, MessageId, NotifyType, Payload, ProtocolId};

use crate::engine::Engine;
use crate::engine::quick::fresh_id;
use crate::engine::table::{Entry, Live};
use crate::error::{Abort, Misbehaviour, Reject};
use crate::event::Event;
use crate::exchange::incoming::Incoming;
use crate::phase2::{dpd, informational, transform};
use crate::policy::Path;
use crate::sa::{BundleId, RemoveReason, Spi};

/// Notify types below this are errors (RFC 2408 3.14.1).
const FIRST_STATUS: u16 = 16384;

/// Message ids beyond [`Config::max_message_ids`](crate::Config) that only Informationals may use: an SA that is full must
/// still be able to hear and to say that it ends.
const RESERVED_IDS: usize = 256;

impl Engine {
    pub(super) fn informational_datagram(&mut self, incoming: &Incoming) {
        if !incoming.header.is_encrypted() {
            return self.clear_informational(incoming);
        }
        let Some(id) = self.live_sa(incoming) else { return };
        let Some(mut live) = self.table.take_live(id) else { return };
        let message_id = incoming.header.message_id;
        if live.awaits_connected(message_id) {
            self.table.put(id, Entry::Live(live));
            return self.quick_datagram(incoming, &[]);
        }
        let opened = if message_id == MessageId::ZERO || live.used_ids.contains(&message_id) {
            Err(Misbehaviour::MessageId.into())
        } else {
            informational::open(&live.ike, incoming, &mut self.host.cx(&[]))
                .and_then(|message| self.has_room(&live, message))
        };
        let message = match opened {
            Ok(message) => message,
            Err(why) => {
                self.table.put(id, Entry::Live(live));
                return self.reject(incoming, Some(id), why);
            }
        };
        if let Some(notification) = dpd::of(&message) {
            let result = self.liveness_message(&mut live, incoming, notification);
            self.table.put(id, Entry::Live(live));
            return result.unwrap_or_else(|why| self.reject(incoming, Some(id), why));
        }
        live.used_ids.insert(message_id);
        self.protected(&mut live, incoming.octets.len());
        live.unconfirmed = false;
        live.heard = self.host.now;
        let mut suspects = Vec::new();
        for payload in message.payloads() {
            let ended = match payload.body() {
                Body::Notification(notification) => {
                    suspects.extend(self.notified(&mut live, notification));
                    false
                }
                Body::Delete(delete) => self.peer_deletes(&mut live, delete),
                _ => false,
            };
            // What follows a DELETE of the SA that protects it is not looked at any more.
            if ended {
                if live.ike.policy.quirks.delete_takes_children {
                    self.remove_children(&live);
                }
                return self.end_live(*live, Abort::Deleted);
            }
        }
        self.table.put(id, Entry::Live(live));
        suspects.into_iter().for_each(|bundle| self.suspected(bundle));
    }

    /// An SA that is full takes nothing that it would have to remember.
    fn has_room(&self, live: &Live, message: Message) -> Result<Message, Reject> {
        let most = self.host.config.max_message_ids.saturating_add(RESERVED_IDS);
        if live.used_ids.len() >= most && dpd::of(&message).is_none() {
            return Err(crate::error::Incompatibility::MessageIdsExhausted.into());
        }
        Ok(message)
    }

    /// What an authenticated peer tells; a bundle of which it says that it does not have it.
    fn notified(&mut self, live: &mut Live, notification: &Notification) -> Option<BundleId> {
        let (path, ike_sa, notify) = (live.ike.path, Some(live.ike.id), notification.notify_type);
        let data = notification.data.clone();
        self.host.out.event(Event::Notified { path, ike_sa, protected: true, notify, data });
        if notify == NotifyType::INITIAL_CONTACT {
            self.initial_contact(live);
        }
        if notify == NotifyType::CONNECTED {
            self.connected(live, notification);
        }
        if notify == NotifyType::INVALID_SPI
            && let Some(bundle) = self.named_outbound(live, notification)
        {
            return Some(bundle);
        }
        if notify == NotifyType::RESPONDER_LIFETIME {
            self.life_announced(live, notification);
        }
        if notify.0 < FIRST_STATUS {
            self.peer_refused(live, notification);
        }
        None
    }

    /// The peer has nothing from before this SA: what we still have with the same identity is of no use (RFC 2407
    /// 4.6.3.3). The identity decides, never the address: two peers may share one. What came up while this SA was being
    /// negotiated is not from before: both sides may have begun at once, and must not end each other's SA. Said again under the
    /// same SA it finds nothing more.
    pub(super) fn initial_contact(&mut self, live: &Live) {
        let (sas, bundles) = self.table.of_peer_before(&live.ike.identity, live.ike.began);
        for bundle in bundles {
            self.remove_bundle(bundle, RemoveReason::PeerRestarted);
        }
        for id in sas {
            if let Some(old) = self.table.take_live(id) {
                self.end_live(*old, Abort::Deleted);
            }
        }
    }

    /// What a peer of that habit takes with an IKE SA: nothing that can belong to another.
    fn remove_children(&mut self, live: &Live) {
        if self.table.ike_of_peer(&live.ike.identity).next().is_some() {
            return;
        }
        let of_peer = self.table.bundles_of_peer(&live.ike.identity);
        let children = of_peer.filter(|bundle| bundle.ike_sa == live.ike.id).map(|bundle| bundle.id);
        for bundle in children.collect::<Vec<_>>() {
            self.remove_bundle(bundle, RemoveReason::PeerDeleted);
        }
    }

    /// Only SAs of this peer: by the SPI that the peer receives under, or by the cookies of the SA that protects the
    /// message (RFC 2408 3.15). Returns whether that SA itself is over.
    fn peer_deletes(&mut self, live: &mut Live, delete: &Delete) -> bool {
        if delete.protocol == ProtocolId::ISAKMP {
            return delete.spis.iter().any(|spi| *spi == informational::cookie_spi(&live.ike.cookies));
        }
        let Some(protocol) = transform::protocol(delete.protocol) else { return false };
        for spi in &delete.spis {
            let Ok(spi) = <[u8; 4]>::try_from(spi.as_ref()) else { continue };
            let spi = Spi(u32::from_be_bytes(spi));
            match self.table.by_outbound(&live.ike.identity, protocol, spi) {
                Some(bundle) => self.remove_bundle(bundle, RemoveReason::PeerDeleted),
                None => self.peer_deletes_half(live, protocol, spi),
            }
        }
        false
    }

    /// Sends payloads under an IKE SA; `None` if it cannot name another exchange.
    pub(super) fn send_informational(&mut self, live: &mut Live, payloads: Vec<Payload>) -> Option<Bytes> {
        let message_id = fresh_id(live, RESERVED_IDS, &self.host.cx(&[])).ok()?;
        live.used_ids.insert(message_id);
        self.send_under(live, live.ike.path, message_id, payloads)
    }

    /// Sends what does without the memory of message ids, because it has numbers of its own.
    pub(super) fn send_unlisted(
        &mut self,
        live: &mut Live,
        path: Path,
        payloads: Vec<Payload>,
    ) -> Option<Bytes> {
        let message_id = fresh_id(live, usize::MAX, &self.host.cx(&[])).ok()?;
        self.send_under(live, path, message_id, payloads)
    }

    fn send_under(
        &mut self,
        live: &mut Live,
        path: Path,
        message_id: MessageId,
        payloads: Vec<Payload>,
    ) -> Option<Bytes> {
        let made = informational::make(&live.ike, message_id, payloads, &mut self.host.cx(&[]));
        let octets = made.ok()?;
        self.protected(live, octets.len());
        self.host.out.transmit(path, octets.clone(), live.ike.fragment_size());
        Some(octets)
    }
}
