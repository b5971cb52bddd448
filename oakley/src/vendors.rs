//! What a peer announces about itself in VENDOR payloads (RFC 2408 3.16).

use alloc::vec::Vec;

use bytes::Bytes;
use isakmp_wire::Message;
use isakmp_wire::payload::VendorId;
use isakmp_wire::registry::KnownVendor;

/// Identifiers without a known meaning that are kept: for reports only. A peer may send hundreds.
const MAX_UNKNOWN: usize = 16;

/// Octets kept of one identifier: all that are known have at most 20, versions included.
const MAX_OCTETS: usize = 64;

/// The VENDOR payloads of one peer, of all phase 1 messages that were accepted.
///
/// They come in clear, and whoever is on the way can add and strip them. So they may switch on what else a message may
/// carry, never what is checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeerVendors {
    bodies: Vec<Bytes>,
}

impl PeerVendors {
    /// Whether the peer announces `vendor`, with whatever version behind it.
    #[must_use]
    pub fn announce(&self, vendor: &KnownVendor) -> bool {
        self.announced(vendor).is_some()
    }

    /// The body that announces `vendor`: versions and capabilities stand at its end. Of one kind the first is kept.
    #[must_use]
    pub fn announced(&self, vendor: &KnownVendor) -> Option<&Bytes> {
        self.bodies.iter().find(|body| vendor.matches(body))
    }

    /// All bodies that are kept, in the order in which they came; long ones are cut.
    pub fn bodies(&self) -> impl Iterator<Item = &Bytes> {
        self.bodies.iter()
    }

    /// With what one more message announces.
    pub(crate) fn and(&self, message: &Message) -> Self {
        let mut all = self.clone();
        for vendor in message.all::<VendorId>() {
            all.keep(vendor);
        }
        all
    }

    fn keep(&mut self, vendor: &VendorId) {
        let room = match vendor.known() {
            Some(known) => !self.announce(known),
            None => self.bodies.iter().filter(|body| KnownVendor::of(body).is_none()).count() < MAX_UNKNOWN,
        };
        let body = vendor.octets.get(..MAX_OCTETS).unwrap_or(&vendor.octets);
        if room && !self.bodies.iter().any(|kept| kept == body) {
            // A copy: a slice would keep the whole datagram alive.
            self.bodies.push(Bytes::copy_from_slice(body));
        }
    }
}

#[cfg(test)]
mod tests {
    use isakmp_wire::registry::KNOWN_VENDORS;

    use super::*;

    fn vendor(octets: &[u8]) -> VendorId {
        VendorId { octets: Bytes::copy_from_slice(octets) }
    }

    #[test]
    fn t085_vendor_ids_are_bounded_and_known_ones_never_crowded_out() {
        let mut peer = PeerVendors::default();
        for index in 0..1000_u16 {
            peer.keep(&vendor(&[&index.to_be_bytes()[..], &[0; 1000]].concat()));
        }
        for vendor in KNOWN_VENDORS {
            for version in 0..=255 {
                let version = if vendor.is_prefix { &[version][..] } else { &[] };
                peer.keep(&self::vendor(&[vendor.octets, version].concat()));
            }
        }
        for vendor in KNOWN_VENDORS {
            assert!(peer.announce(vendor), "{}", vendor.name);
        }
        assert_eq!(peer.bodies().count(), MAX_UNKNOWN + KNOWN_VENDORS.len());
        assert!(peer.bodies().all(|body| body.len() <= MAX_OCTETS));
        assert_eq!(peer.announced(&KnownVendor::DPD).and_then(|body| body.last()), Some(&0));
    }
}
