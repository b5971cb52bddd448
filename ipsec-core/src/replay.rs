//! The anti-replay window (RFC 4303 3.4.3 and Appendix A).

use alloc::boxed::Box;
use alloc::vec;

use thiserror::Error;

use crate::{DropReason, SequenceWidth};

/// How many sequence numbers a window remembers: 32 to 4096.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WindowSize(u16);

impl WindowSize {
    /// The smallest that RFC 4303 3.4.3 allows.
    pub const MIN: Self = Self(32);
    /// What RFC 4303 3.4.3 prefers.
    pub const DEFAULT: Self = Self(64);
    /// The largest here.
    pub const MAX: Self = Self(4096);

    /// A window of `size` numbers.
    ///
    /// # Errors
    /// [`InvalidWindow`] outside 32 to 4096.
    pub const fn new(size: u16) -> Result<Self, InvalidWindow> {
        if size < Self::MIN.0 || size > Self::MAX.0 { Err(InvalidWindow(size)) } else { Ok(Self(size)) }
    }

    /// The number of sequence numbers.
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl Default for WindowSize {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// A window size outside 32 to 4096.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a replay window of {0} is not between 32 and 4096")]
pub struct InvalidWindow(pub u16);

/// Whether an inbound SA protects against replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReplayProtection {
    /// With a window of this size.
    Window(WindowSize),
    /// Not at all. Only for SAs without integrity and for keys set by hand; extended numbers cannot be guessed without
    /// a window once packets are reordered (RFC 4303 3.3.3).
    Off,
}

impl Default for ReplayProtection {
    fn default() -> Self {
        Self::Window(WindowSize::DEFAULT)
    }
}

/// A sequence number that the window has not seen: comes from [`ReplayWindow::check`] only, and is to be spent
/// by [`ReplayWindow::accept`] only after the ICV held.
#[derive(Debug)]
#[must_use]
pub struct Fresh(u64);

impl Fresh {
    /// The whole number, its high half guessed from the window if numbers are extended.
    pub fn number(&self) -> u64 {
        self.0
    }

    /// The half that is not sent.
    pub fn high(&self) -> u32 {
        (self.0 >> 32) as u32
    }
}

/// The numbers that an inbound SA has accepted, as far back as its size reaches.
///
/// The bits lie in a ring of words: number `n` is bit `n % 64` of word `(n / 64) % words`. The ring has one word
/// more than the window needs, so that moving right clears whole words and shifts nothing.
#[derive(Debug)]
pub struct ReplayWindow {
    ring: Box<[u64]>,
    highest: u64,
    size: u64,
    width: SequenceWidth,
    protection: ReplayProtection,
}

impl ReplayWindow {
    const WORD: u64 = 64;

    /// An empty window. Allocates its bits once.
    pub fn new(protection: ReplayProtection, width: SequenceWidth) -> Self {
        let (size, words) = match protection {
            ReplayProtection::Window(size) => {
                (u64::from(size.0), usize::from(size.0).div_ceil(64).saturating_add(1))
            }
            ReplayProtection::Off => (0, 0),
        };
        Self { ring: vec![0; words].into_boxed_slice(), highest: 0, size, width, protection }
    }

    /// The highest number accepted, 0 if none: the right edge of the window.
    pub fn highest(&self) -> u64 {
        self.highest
    }

    /// Whether and how widely it protects.
    pub fn protection(&self) -> ReplayProtection {
        self.protection
    }

    /// Looks a received number up and changes nothing: cheap, and before any cryptography.
    ///
    /// # Errors
    /// [`DropReason::SequenceZero`], [`DropReason::TooOld`], [`DropReason::Replayed`].
    pub fn check(&self, low: u32) -> Result<Fresh, DropReason> {
        let number = match self.width {
            SequenceWidth::Short => u64::from(low),
            SequenceWidth::Extended => self.extend(low).ok_or(DropReason::TooOld)?,
        };
        self.check_whole(number).map(|()| Fresh(number))
    }

    /// Remembers a number whose packet was authentic.
    ///
    /// # Errors
    /// As [`check`](Self::check): another packet with this number may have been accepted since.
    pub fn accept(&mut self, fresh: Fresh) -> Result<(), DropReason> {
        let Fresh(number) = fresh;
        self.check_whole(number)?;
        if number > self.highest {
            self.advance(number);
        }
        if let Some((word, bit)) = self.place(number)
            && let Some(word) = self.ring.get_mut(word)
        {
            *word |= bit;
        }
        Ok(())
    }

    fn check_whole(&self, number: u64) -> Result<(), DropReason> {
        if self.protection == ReplayProtection::Off {
            return Ok(());
        }
        if number == 0 {
            return Err(DropReason::SequenceZero);
        }
        if number > self.highest {
            return Ok(());
        }
        // RFC 4303 3.4.3: the window is the `size` numbers up to and including the highest.
        if self.highest.saturating_sub(number) >= self.size {
            return Err(DropReason::TooOld);
        }
        let seen = self.place(number).and_then(|(word, bit)| self.ring.get(word).map(|word| word & bit != 0));
        if seen == Some(true) { Err(DropReason::Replayed) } else { Ok(()) }
    }

    /// Clears the words between the old and the new right edge: at most the whole ring, however far the jump.
    fn advance(&mut self, number: u64) {
        let words = self.ring.len();
        let (old, new) = (self.highest / Self::WORD, number / Self::WORD);
        let passed = usize::try_from(new.saturating_sub(old)).unwrap_or(usize::MAX).min(words);
        for step in 0..passed {
            let word = new.saturating_sub(step as u64);
            let index = self.index(word);
            if let Some(word) = index.and_then(|index| self.ring.get_mut(index)) {
                *word = 0;
            }
        }
        self.highest = number;
    }

    fn index(&self, word: u64) -> Option<usize> {
        usize::try_from(word.checked_rem(self.ring.len() as u64)?).ok()
    }

    fn place(&self, number: u64) -> Option<(usize, u64)> {
        let index = self.index(number / Self::WORD)?;
        Some((index, 1 << (number % Self::WORD)))
    }

    /// RFC 4303 A2.1: the high half that puts the number nearest to the window; the ICV decides whether the guess
    /// was right. `None` if it would lie before number 0.
    fn extend(&self, low: u32) -> Option<u64> {
        const HALF: u64 = 1 << 32;
        let (top_high, top_low) = (self.highest / HALF, self.highest % HALF);
        let low = u64::from(low);
        let reach = self.size.saturating_sub(1);
        let high = if top_low >= reach {
            // Case A: the window lies within one subspace.
            if low >= top_low.saturating_sub(reach) { top_high } else { top_high.checked_add(1)? }
        } else if low >= top_low.saturating_add(HALF).saturating_sub(reach) {
            // Case B: the window reaches back into the subspace before; `low` lies in that part.
            top_high.checked_sub(1)?
        } else {
            top_high
        };
        high.checked_mul(HALF)?.checked_add(low)
    }
}
