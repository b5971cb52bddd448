//! Cisco's IKE fragments: a long message leaves as several short datagrams, so that no router on the way has to cut it. No
//! RFC describes them.

pub(crate) mod reassembly;
pub(crate) mod split;

use bytes::Bytes;
use isakmp_wire::ExchangeType;
use isakmp_wire::registry::KnownVendor;
use thiserror::Error;

use crate::vendors::PeerVendors;

/// Octets of UDP payload in what every host takes: 576 with the headers of IP and UDP (RFC 791 3.1).
const DEFAULT_SIZE: usize = 548;

/// The shortest size: a part is mostly data.
const MIN_SIZE: usize = 200;

/// Parts of one message: the longest message in parts of 512 octets.
pub(crate) const MAX_FRAGMENTS: u8 = 128;

/// What follows the identifier, as the routers send it: Main and Aggressive Mode.
const CAPABILITIES: [u8; 4] = [0xc0, 0, 0, 0];

/// The capability without which a peer means other exchanges than ours.
const MAIN_AND_AGGRESSIVE: u8 = 0x80;

/// IKE fragments with one peer (Cisco's payload 132).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fragmentation {
    /// Whether we announce that we take them, and send them to a peer that announces the same.
    pub announced: bool,
    /// Octets of UDP payload above which a message leaves in parts, and which no part exceeds; below 200 it counts as 200.
    pub size: usize,
    /// Whether they are sent and taken though the peer has announced nothing: in the first message of an exchange too.
    /// Then whoever can send from an address of the peer can make us keep parts of messages, a bounded number of octets.
    pub forced: bool,
}

impl Default for Fragmentation {
    /// Neither announced nor sent nor taken.
    fn default() -> Self {
        Self { announced: false, size: DEFAULT_SIZE, forced: false }
    }
}

impl Fragmentation {
    /// Announced, and sent to peers that announce them, in the size that every path carries.
    #[must_use]
    pub fn announced() -> Self {
        Self { announced: true, ..Self::default() }
    }

    /// The VENDOR payload's body that announces them.
    pub(crate) fn announcement(&self) -> Option<Bytes> {
        self.announced.then(|| Bytes::from([KnownVendor::FRAGMENTATION.octets, &CAPABILITIES].concat()))
    }

    /// The size above which a message to a peer with these announcements leaves in parts, if it does.
    pub(crate) fn size_to(&self, peer: &PeerVendors) -> Option<usize> {
        let both = self.announced && takes(peer);
        (self.forced || both).then_some(self.size.max(MIN_SIZE))
    }

    /// Whether parts of a message are taken: `is_first` tells a first message, whose sender cannot know what we announce.
    pub(crate) fn is_taken(&self, is_first: bool) -> bool {
        self.forced || (self.announced && !is_first)
    }
}

/// A peer that says nothing about what it takes takes both exchanges of phase 1.
fn takes(peer: &PeerVendors) -> bool {
    let Some(body) = peer.announced(&KnownVendor::FRAGMENTATION) else { return false };
    match body.get(KnownVendor::FRAGMENTATION.octets.len()) {
        Some(capabilities) => capabilities & MAIN_AND_AGGRESSIVE != 0,
        None => true,
    }
}

/// What is wrong with a fragment, or with the message that was put together from fragments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FragmentFault {
    /// We have announced nothing to this peer.
    #[error("nothing of the kind was announced")]
    NotAnnounced,
    /// The message has other payloads beside it.
    #[error("it is not alone in its message")]
    NotAlone,
    /// It has no data.
    #[error("it is empty")]
    Empty,
    /// Its number is 0 or higher than any that is taken.
    #[error("number {0}")]
    Number(u8),
    /// Another one with this number had other data, or was not the last.
    #[error("number {0} came before, and differs")]
    Overlap(u8),
    /// A second one says that it is the last.
    #[error("number {0} is not the only last one")]
    TwoLast(u8),
    /// Its number is above that of the last one.
    #[error("number {0} is above the last")]
    BeyondLast(u8),
    /// The whole would be longer than a message can be.
    #[error("the whole is too long")]
    TooLong,
    /// As many messages as are kept are incomplete.
    #[error("too many messages are incomplete")]
    Full,
    /// The whole is a fragment itself.
    #[error("a fragment of a fragment")]
    Nested,
    /// The whole has other cookies than its fragments.
    #[error("the whole has other cookies")]
    Cookies,
    /// The whole belongs to another exchange than its fragments, by its type or its message id.
    #[error("the whole is of exchange {0}, or has another message id")]
    Exchange(ExchangeType),
}

#[cfg(test)]
mod tests {
    use isakmp_wire::payload::VendorId;
    use isakmp_wire::{Cookie, Message, MessageId, Payload};

    use super::*;
    use crate::event::Cookies;
    use crate::phase1::facts;

    fn peer(capabilities: Option<&[u8]>) -> PeerVendors {
        let cookies = Cookies { initiator: Cookie([1; 8]), responder: Cookie([2; 8]) };
        let header = facts::header(cookies, ExchangeType::IDENTITY_PROTECTION, MessageId::ZERO);
        let vendor = |octets: &[u8]| {
            let octets = [KnownVendor::FRAGMENTATION.octets, octets].concat().into();
            Payload::new(VendorId { octets })
        };
        let message = Message::new(header, capabilities.map(vendor).into_iter().collect());
        PeerVendors::default().and(&message)
    }

    #[test]
    fn only_a_peer_that_takes_them_gets_them() {
        let ours = Fragmentation::announced();
        for (capabilities, taken) in [
            (None, false),
            (Some(&[][..]), true),
            // racoon and strongSwan; Cisco; Base exchange only.
            (Some(&[0x80, 0, 0, 0]), true),
            (Some(&[0xc0, 0, 0, 0]), true),
            (Some(&[0x40, 0, 0, 0]), false),
        ] {
            let peer = peer(capabilities);
            assert_eq!(ours.size_to(&peer), taken.then_some(548), "{capabilities:?}");
            assert_eq!(Fragmentation::default().size_to(&peer), None);
            let forced = Fragmentation { size: 1000, forced: true, ..Fragmentation::default() };
            assert_eq!(forced.size_to(&peer), Some(1000));
            let least = Fragmentation { size: 0, ..forced };
            assert_eq!(least.size_to(&peer), Some(200));
        }
    }
}
