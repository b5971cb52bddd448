//! Telling a retransmission from a new message, before anything is decrypted (RFC 2408 5.1).

use alloc::vec::Vec;

use crypto_provider::{CryptoProvider, Digest};

/// Digests of the datagrams that an exchange accepted. No exchange accepts more than three, so this stays small.
#[derive(Default)]
pub(crate) struct Accepted {
    digests: Vec<Digest>,
}

/// What is known about a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Not accepted before.
    New,
    /// The one that was accepted last: its answer may have been lost.
    Latest,
    /// One that was accepted earlier: the peer has moved on since.
    Earlier,
}

impl Accepted {
    pub(crate) fn seen(&self, digest: &Digest) -> Seen {
        match self.digests.split_last() {
            Some((last, _)) if last == digest => Seen::Latest,
            Some((_, earlier)) if earlier.contains(digest) => Seen::Earlier,
            Some(_) | None => Seen::New,
        }
    }

    pub(crate) fn remember(&mut self, digest: Digest) {
        self.digests.push(digest);
    }
}

/// A digest of a whole datagram, by the last hash function that the provider lists: the strongest in the default
/// provider.
pub(crate) fn digest(provider: &CryptoProvider, datagram: &[u8]) -> Digest {
    provider.hashes.last().map_or_else(|| Digest::new(datagram), |hash| hash.digest(&[datagram]))
}
