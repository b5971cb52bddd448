//! The one ordered queue of outputs, and what is counted on the way.

use alloc::collections::VecDeque;
use alloc::sync::Arc;

use bytes::Bytes;
use crypto_provider::HashAlgorithm;
use isakmp_wire::{MessageId, NotifyType};

use crate::event::{Cookies, Derivation, Event};
use crate::fragments::split::split;
use crate::nat;
use crate::oddity::Oddity;
use crate::output::Output;
use crate::policy::{Path, Protocol};
use crate::sa::{IkeSaId, Spi};
use crate::snapshot::Counters;

/// Outputs in their order, and counters.
#[derive(Default)]
pub(crate) struct Outbox {
    queue: VecDeque<Output>,
    pub(crate) counters: Counters,
    /// The port on which IKE needs a non-ESP marker.
    nat_port: u16,
}

impl Outbox {
    pub(crate) fn new(nat_port: u16) -> Self {
        Self { nat_port, ..Self::default() }
    }

    pub(crate) fn push(&mut self, output: Output) {
        self.queue.push_back(output);
    }

    pub(crate) fn pop(&mut self) -> Option<Output> {
        self.queue.pop_front()
    }

    /// RFC 3948 2.3, 4: one octet, no marker.
    pub(crate) fn keepalive(&mut self, path: Path) {
        count(&mut self.counters.keepalives_out);
        self.push(Output::Transmit { path, octets: Bytes::from_static(nat::KEEPALIVE) });
    }

    /// Tells of something. What strangers can bring about without end is only counted while the queue is long.
    pub(crate) fn event(&mut self, event: Event) {
        if self.queue.len() >= MAX_QUEUED && may_be_suppressed(&event) {
            return count(&mut self.counters.outputs_suppressed);
        }
        self.push(Output::Event(event));
    }

    /// Tells what was read over in an acceptable message: no more than a few of one message.
    pub(crate) fn read_over(
        &mut self,
        path: Path,
        ike_sa: Option<IkeSaId>,
        oddities: impl IntoIterator<Item = Oddity>,
    ) {
        for oddity in oddities.into_iter().take(MAX_ODDITIES) {
            self.event(Event::ReadOver { path, ike_sa, oddity });
        }
    }

    /// Hands a datagram of another protocol back, as it came.
    pub(crate) fn not_ours(&mut self, path: Path, octets: &[u8]) {
        if self.queue.len() >= MAX_QUEUED {
            return count(&mut self.counters.outputs_suppressed);
        }
        self.push(Output::NotOurs { path, octets: Bytes::copy_from_slice(octets) });
    }

    /// Sends a message: as fragments if it is longer than `fragment_size`, the octets of UDP payload that the peer's policy
    /// allows.
    pub(crate) fn transmit(&mut self, path: Path, message: Bytes, fragment_size: Option<usize>) {
        let marker = if path.local.port() == self.nat_port { nat::MARKER_LEN } else { 0 };
        let parts = fragment_size.and_then(|size| split(&message, size.saturating_sub(marker)));
        let Some(parts) = parts else { return self.transmit_datagram(path, message) };
        self.event(Event::Fragmented { path, fragments: parts.len(), octets: message.len() });
        for part in parts {
            count(&mut self.counters.fragments_out);
            self.transmit_datagram(path, part);
        }
    }

    fn transmit_datagram(&mut self, path: Path, octets: Bytes) {
        // A caller that does not come for its outputs loses datagrams as on any wire: they are sent again or asked for again.
        if self.queue.len() >= MAX_QUEUED {
            return count(&mut self.counters.outputs_suppressed);
        }
        count(&mut self.counters.datagrams_out);
        // RFC 3948 2.2. This is the one place where the marker is put on; `Engine::datagram` takes it off.
        let octets = if path.local.port() == self.nat_port { nat::marked(&octets) } else { octets };
        self.push(Output::Transmit { path, octets });
    }
}

/// Oddities of one message that are told of: it may have hundreds of payloads.
const MAX_ODDITIES: usize = 8;

/// Outputs that wait for the caller before those are let go that nobody would miss. One input rarely makes more than twenty.
const MAX_QUEUED: usize = 4096;

/// SAs, and whatever ends a request or an SA of the caller's, are always told of.
const fn may_be_suppressed(event: &Event) -> bool {
    matches!(
        event,
        Event::Started { .. }
            | Event::Processing { .. }
            | Event::ComparedPhase1 { .. }
            | Event::ComparedPhase2 { .. }
            | Event::Failed { .. }
            | Event::Rejected { .. }
            | Event::ReadOver { .. }
            | Event::Duplicate { .. }
            | Event::Retransmitted { .. }
            | Event::NotifySent { .. }
            | Event::Notified { protected: false, .. }
            | Event::Notified { notify: NotifyType::R_U_THERE | NotifyType::R_U_THERE_ACK, .. }
            | Event::Derived(_)
            | Event::Fragmented { .. }
            | Event::Reassembled { .. }
    )
}

/// Counters never wrap.
pub(crate) fn count(counter: &mut u64) {
    *counter = counter.saturating_add(1);
}

/// Reports derivations of one exchange, if the policy wants a key log.
pub(crate) struct KeyLog<'a> {
    out: Option<&'a mut Outbox>,
    ike_sa: IkeSaId,
    cookies: Cookies,
    message_id: MessageId,
    hash: HashAlgorithm,
}

impl<'a> KeyLog<'a> {
    pub(crate) fn new(
        out: Option<&'a mut Outbox>,
        (ike_sa, cookies): (IkeSaId, Cookies),
        message_id: MessageId,
        hash: HashAlgorithm,
    ) -> Self {
        Self { out, ike_sa, cookies, message_id, hash }
    }

    pub(crate) fn record(&mut self, name: &'static str, inputs: &[(&'static str, &[u8])], result: &[u8]) {
        self.record_sa(name, inputs, result, None);
    }

    pub(crate) fn record_sa(
        &mut self,
        name: &'static str,
        inputs: &[(&'static str, &[u8])],
        result: &[u8],
        sa: Option<(Protocol, Spi)>,
    ) {
        let Some(out) = self.out.as_deref_mut() else { return };
        out.event(Event::Derived(Arc::new(Derivation {
            ike_sa: self.ike_sa,
            cookies: self.cookies,
            message_id: self.message_id,
            name,
            hash: self.hash,
            inputs: inputs.iter().map(|(name, octets)| (*name, Bytes::copy_from_slice(octets))).collect(),
            result: Bytes::copy_from_slice(result),
            sa,
        })));
    }
}
