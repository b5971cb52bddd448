//! Sequence numbers: given out once, never again.

use crate::{Exhausted, Spi};

/// How many bits a sequence number has (RFC 4303 2.2, 2.2.1). On the wire it always has 32.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum SequenceWidth {
    /// 32 bits.
    #[default]
    Short,
    /// 64 bits, extended sequence numbers: the high half is covered by the ICV, not sent.
    Extended,
}

impl SequenceWidth {
    /// Whether numbers have 64 bits.
    pub const fn is_extended(self) -> bool {
        matches!(self, Self::Extended)
    }

    /// The last number that may be used.
    pub const fn last(self) -> u64 {
        match self {
            Self::Short => 0xffff_ffff,
            Self::Extended => u64::MAX,
        }
    }
}

/// A sequence number that was reserved for one packet. Sealing consumes it and it cannot be copied, so no two
/// packets of an SA carry the same one.
///
/// ```compile_fail,E0599
/// fn twice(sequence: ipsec_core::Sequence) -> (ipsec_core::Sequence, ipsec_core::Sequence) {
///     (sequence.clone(), sequence)
/// }
/// ```
#[derive(Debug)]
#[must_use]
pub struct Sequence {
    pub(crate) spi: Spi,
    pub(crate) number: u64,
    pub(crate) identification: u16,
}

impl Sequence {
    /// The whole number.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The half that is sent.
    #[expect(clippy::cast_possible_truncation, reason = "the low half is what is meant")]
    pub fn low(&self) -> u32 {
        self.number as u32
    }

    /// The half that is not sent, 0 without extended numbers.
    pub fn high(&self) -> u32 {
        (self.number >> 32) as u32
    }

    /// The IPv4 identification drawn together with the number, for an outer header.
    pub fn identification(&self) -> u16 {
        self.identification
    }
}

/// Counts the packets of an outbound SA.
#[derive(Debug)]
pub struct SequenceCounter {
    used: u64,
    width: SequenceWidth,
}

impl SequenceCounter {
    /// Numbers that are left when the soft limit is reported: one in sixteen of 2^32.
    const RESERVE: u64 = 1 << 28;
    /// Numbers that count as given out lately: what a fast SA sends within a round trip or two.
    const LATELY: u32 = 1 << 16;

    /// A counter whose first number is 1 (RFC 4303 2.2).
    pub const fn new(width: SequenceWidth) -> Self {
        Self::resume(width, 0)
    }

    /// A counter of which numbers up to `used` are gone already.
    pub(crate) const fn resume(width: SequenceWidth, used: u64) -> Self {
        Self { used, width }
    }

    /// The last number given out, 0 if none.
    pub fn used(&self) -> u64 {
        self.used
    }

    /// Whether a successor should be negotiated.
    pub fn nearly_exhausted(&self) -> bool {
        self.width.last().saturating_sub(self.used) < Self::RESERVE
    }

    /// Whether a number, of which `low` is the half that is sent, is one of the last 65536 that were given out.
    #[expect(clippy::cast_possible_truncation, reason = "the low half is what is compared")]
    pub fn sent_lately(&self, low: u32) -> bool {
        let age = (self.used as u32).wrapping_sub(low);
        age < Self::LATELY && u64::from(age) < self.used
    }

    /// Whether there is another number.
    ///
    /// # Errors
    /// [`Exhausted::Sequence`] at the end.
    pub fn check(&self) -> Result<(), Exhausted> {
        if self.used < self.width.last() { Ok(()) } else { Err(Exhausted::Sequence) }
    }

    /// The next number.
    ///
    /// # Errors
    /// [`Exhausted::Sequence`] at the end. It never wraps (RFC 4303 3.3.3).
    pub fn take(&mut self) -> Result<u64, Exhausted> {
        self.check()?;
        self.used = self.used.saturating_add(1);
        Ok(self.used)
    }
}

#[cfg(test)]
mod tests {
    use super::{SequenceCounter, SequenceWidth};
    use crate::Exhausted;

    #[test]
    fn t095_sequence_ends_without_wrapping() {
        // RFC 4303 3.3.3 (test)
        let mut counter = SequenceCounter::resume(SequenceWidth::Short, 0xffff_fffd);
        assert!(counter.nearly_exhausted());
        assert_eq!(counter.take(), Ok(0xffff_fffe));
        assert_eq!(counter.take(), Ok(0xffff_ffff));
        for _ in 0..3 {
            assert_eq!(counter.take(), Err(Exhausted::Sequence));
        }
        assert_eq!(counter.used(), 0xffff_ffff);

        let mut counter = SequenceCounter::resume(SequenceWidth::Extended, 0xffff_ffff);
        assert!(!counter.nearly_exhausted());
        assert_eq!(counter.take(), Ok(1 << 32));
        let mut counter = SequenceCounter::resume(SequenceWidth::Extended, u64::MAX - 1);
        assert_eq!(counter.take(), Ok(u64::MAX));
        assert_eq!(counter.take(), Err(Exhausted::Sequence));
    }

    #[test]
    fn t106_only_the_last_numbers_were_sent_lately() {
        let counter = |used| SequenceCounter::resume(SequenceWidth::Extended, used);
        // Nothing was sent; one packet was.
        assert_eq!([0, 1, u32::MAX].map(|low| counter(0).sent_lately(low)), [false; 3]);
        assert_eq!([0, 1, 2, u32::MAX].map(|low| counter(1).sent_lately(low)), [false, true, false, false]);
        let many = counter(100_000);
        let lows = [34_464, 34_465, 100_000, 100_001];
        assert_eq!(lows.map(|low| many.sent_lately(low)), [false, true, true, false]);
        // Across the place where the half that is sent begins anew.
        let over = counter((1 << 32) + 5);
        let lows = [0xffff_0005, 0xffff_0006, 0xffff_ffff, 0, 5, 6];
        assert_eq!(lows.map(|low| over.sent_lately(low)), [false, true, true, true, true, false]);
    }

    #[test]
    fn first_number_is_one() {
        let mut counter = SequenceCounter::new(SequenceWidth::Short);
        assert!(!counter.nearly_exhausted());
        assert_eq!(counter.take(), Ok(1));
    }
}
