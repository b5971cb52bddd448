//! Why a packet was dropped: one closed list, and a counter for each.

use core::fmt;

/// Why a packet was dropped. The list is closed, so that every reason has its counter and its line in `show`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum DropReason {
    /// Shorter than headers, IV, one block and ICV together.
    TooShort,
    /// The outer IP header is malformed.
    OuterHeader,
    /// A fragment where a whole packet is needed (RFC 4303 3.3.4, RFC 4302 3.3.4).
    Fragment,
    /// The packet does not carry the protocol of this SA.
    Protocol,
    /// No SA has this SPI, destination and protocol (RFC 4301 5.2).
    UnknownSpi,
    /// Sequence number 0, which no sender uses (RFC 4303 2.2).
    SequenceZero,
    /// This sequence number was accepted before (RFC 4303 3.4.3).
    Replayed,
    /// The sequence number lies left of the replay window (RFC 4303 3.4.3).
    TooOld,
    /// The ciphertext is no multiple of the cipher's block and of 4 octets, or the length of AH does not fit its ICV.
    Misaligned,
    /// The integrity check value does not hold.
    Icv,
    /// Pad length or padding is wrong; for a suite without integrity also every later fault of the contents,
    /// so that the reason tells nothing about the plaintext.
    Trailer,
    /// The next header is none that the mode allows.
    NextHeader,
    /// A dummy packet for traffic flow confidentiality (RFC 4303 2.6): no fault, but nothing to deliver.
    Dummy,
    /// The inner IP header is malformed, or its lengths lie.
    InnerHeader,
    /// The TTL or hop limit has run out.
    Ttl,
    /// Outer congestion mark on an inner packet that is not ECN-capable (RFC 6040 4.2).
    Congestion,
    /// The inner packet is outside the selectors of the SA that carried it (RFC 4301 5.2 step 4).
    Selectors,
    /// A clear packet that policy wants protected (RFC 4301 5.2).
    Unprotected,
    /// Policy says discard.
    PolicyDiscard,
    /// No policy matches (RFC 4301 4.4.1: then discard).
    NoPolicy,
    /// A fragment without ports met a policy that names ports (RFC 4301 7).
    OpaquePorts,
    /// Policy says protect and there is no SA yet.
    NoSa,
    /// The layers of protection are not those, or not in the order, that policy names (RFC 2401 5.2.1).
    Bundle,
    /// More nested layers than any policy has.
    TooManyLayers,
    /// The SA is past a hard limit in octets or time (RFC 4301 4.4.2.1).
    Expired,
    /// The SA has no sequence number left (RFC 4303 3.3.3).
    SequenceExhausted,
    /// The packet buffer has no room for headers or trailer.
    NoRoom,
    /// The packet would exceed 65535 octets.
    TooBig,
    /// An IP option or extension header that AH cannot cover: malformed, too long, or a source route to refuse.
    Options,
    /// The random source failed; nothing is sent under a predictable IV.
    Random,
    /// The cryptographic provider refused.
    Provider,
    /// No route leads to its destination.
    NoRoute,
    /// From a source that cannot be where it came from (RFC 2827, RFC 1812 5.3.8).
    Source,
}

impl DropReason {
    /// Every reason, in the order of their numbers.
    pub const ALL: [Self; 33] = [
        Self::TooShort,
        Self::OuterHeader,
        Self::Fragment,
        Self::Protocol,
        Self::UnknownSpi,
        Self::SequenceZero,
        Self::Replayed,
        Self::TooOld,
        Self::Misaligned,
        Self::Icv,
        Self::Trailer,
        Self::NextHeader,
        Self::Dummy,
        Self::InnerHeader,
        Self::Ttl,
        Self::Congestion,
        Self::Selectors,
        Self::Unprotected,
        Self::PolicyDiscard,
        Self::NoPolicy,
        Self::OpaquePorts,
        Self::NoSa,
        Self::Bundle,
        Self::TooManyLayers,
        Self::Expired,
        Self::SequenceExhausted,
        Self::NoRoom,
        Self::TooBig,
        Self::Options,
        Self::Random,
        Self::Provider,
        Self::NoRoute,
        Self::Source,
    ];

    /// A short name for tables and metrics: lower case, words joined by hyphens.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TooShort => "too-short",
            Self::OuterHeader => "outer-header",
            Self::Fragment => "fragment",
            Self::Protocol => "protocol",
            Self::UnknownSpi => "unknown-spi",
            Self::SequenceZero => "sequence-zero",
            Self::Replayed => "replayed",
            Self::TooOld => "too-old",
            Self::Misaligned => "misaligned",
            Self::Icv => "icv",
            Self::Trailer => "trailer",
            Self::NextHeader => "next-header",
            Self::Dummy => "dummy",
            Self::InnerHeader => "inner-header",
            Self::Ttl => "ttl",
            Self::Congestion => "congestion",
            Self::Selectors => "selectors",
            Self::Unprotected => "unprotected",
            Self::PolicyDiscard => "policy-discard",
            Self::NoPolicy => "no-policy",
            Self::OpaquePorts => "opaque-ports",
            Self::NoSa => "no-sa",
            Self::Bundle => "bundle",
            Self::TooManyLayers => "too-many-layers",
            Self::Expired => "expired",
            Self::SequenceExhausted => "sequence-exhausted",
            Self::NoRoom => "no-room",
            Self::TooBig => "too-big",
            Self::Options => "options",
            Self::Random => "random",
            Self::Provider => "provider",
            Self::NoRoute => "no-route",
            Self::Source => "source",
        }
    }
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl core::error::Error for DropReason {}

/// Dropped packets by reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counters([u64; DropReason::ALL.len()]);

impl Counters {
    /// All zero.
    pub const fn new() -> Self {
        Self([0; DropReason::ALL.len()])
    }

    /// Counts one packet. A counter at its end stays there.
    pub fn count(&mut self, reason: DropReason) {
        if let Some(counter) = self.0.get_mut(usize::from(reason as u8)) {
            *counter = counter.saturating_add(1);
        }
    }

    /// Packets dropped for this reason.
    pub fn get(&self, reason: DropReason) -> u64 {
        self.0.get(usize::from(reason as u8)).copied().unwrap_or_default()
    }

    /// Packets dropped for any reason.
    pub fn total(&self) -> u64 {
        self.0.iter().fold(0, |sum, n| sum.saturating_add(*n))
    }

    /// Every reason with its count, in the order of [`DropReason::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (DropReason, u64)> + '_ {
        DropReason::ALL.into_iter().zip(self.0.iter().copied())
    }
}

impl Default for Counters {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::{Counters, DropReason};

    #[test]
    fn numbers_index_the_list() {
        for (index, reason) in DropReason::ALL.into_iter().enumerate() {
            assert_eq!(usize::from(reason as u8), index);
        }
    }

    #[test]
    fn names_are_distinct() {
        for a in DropReason::ALL {
            assert_eq!(DropReason::ALL.into_iter().filter(|b| b.name() == a.name()).count(), 1, "{a}");
        }
    }

    #[test]
    fn each_reason_has_its_own_counter() {
        let mut counters = Counters::new();
        for (times, reason) in DropReason::ALL.into_iter().enumerate() {
            for _ in 0..times {
                counters.count(reason);
            }
        }
        for (index, (reason, n)) in counters.iter().enumerate() {
            assert_eq!(n, index as u64, "{reason}");
            assert_eq!(counters.get(reason), n);
        }
        assert_eq!(counters.total(), (0..DropReason::ALL.len() as u64).sum());
    }
}
