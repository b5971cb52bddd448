//! The layers of protection that one packet had.

use crate::{DropReason, SaId};

/// The SAs that opened one packet, outermost first. At the end the list must be the policy's own (RFC 2401 5.2.1):
/// a packet with one layer too few, or with the right layers in another order, is dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Layers {
    opened: [Option<SaId>; Self::MAX],
    len: usize,
}

impl Layers {
    /// Layers that a packet may have: AH and ESP, once nested in another such pair. The bound ends tunnels that
    /// lead into themselves.
    pub const MAX: usize = 4;

    /// No layer yet.
    pub const fn new() -> Self {
        Self { opened: [None; Self::MAX], len: 0 }
    }

    /// Notes that `sa` opened the packet.
    ///
    /// # Errors
    /// [`DropReason::TooManyLayers`].
    pub fn push(&mut self, sa: SaId) -> Result<(), DropReason> {
        let slot = self.opened.get_mut(self.len).ok_or(DropReason::TooManyLayers)?;
        *slot = Some(sa);
        self.len = self.len.saturating_add(1);
        Ok(())
    }

    /// Layers noted.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the packet came in clear.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The SAs, outermost first.
    pub fn iter(&self) -> impl Iterator<Item = SaId> + '_ {
        self.opened.iter().copied().flatten()
    }

    /// Whether these are exactly the layers that policy names, in its order, outermost first.
    ///
    /// # Errors
    /// [`DropReason::Bundle`].
    pub fn check(&self, expected: &[SaId]) -> Result<(), DropReason> {
        if self.iter().eq(expected.iter().copied()) { Ok(()) } else { Err(DropReason::Bundle) }
    }
}
