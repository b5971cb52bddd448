//! Octets that replace our own choice, for replaying a recorded peer. A normal build has none of them.

#[cfg(feature = "test-support")]
use alloc::collections::VecDeque;
use alloc::vec::Vec;

use bytes::Bytes;
use isakmp_wire::Payload;

/// What a test wants said or held back.
#[derive(Default)]
pub(crate) struct Overrides {
    /// What a recorded peer said.
    #[cfg(feature = "test-support")]
    pub(crate) script: crate::test_support::Script,
    /// Whether authenticated IKE SAs wait before they are ready.
    #[cfg(feature = "test-support")]
    pub(crate) gate: bool,
}

#[cfg(feature = "test-support")]
impl Overrides {
    /// Body of the SA payload that a phase 1 initiator sends.
    pub(crate) fn phase1_sa(&mut self) -> Option<Bytes> {
        self.script.phase1_sa.take()
    }

    /// Body of the SA payload that a Quick Mode initiator sends.
    pub(crate) fn phase2_sa(&mut self) -> Option<Bytes> {
        self.script.phase2_sa.take()
    }

    /// Follow the payloads of our next contribution (KE and nonce).
    pub(crate) fn after_contribution(&mut self) -> Vec<Payload> {
        core::mem::take(&mut self.script.after_contribution)
    }

    /// Follow the payloads of our next phase 1 proof.
    pub(crate) fn after_proof(&mut self) -> Vec<Payload> {
        core::mem::take(&mut self.script.after_proof)
    }

    /// Padding of our next encrypted message.
    pub(crate) fn padding(&mut self) -> Option<Bytes> {
        VecDeque::pop_front(&mut self.script.padding)
    }

    pub(crate) fn gate_is_held(&self) -> bool {
        self.gate
    }
}

#[cfg(not(feature = "test-support"))]
#[expect(clippy::unused_self, reason = "the same calls as with the feature")]
impl Overrides {
    pub(crate) fn phase1_sa(&self) -> Option<Bytes> {
        None
    }

    pub(crate) fn phase2_sa(&self) -> Option<Bytes> {
        None
    }

    pub(crate) fn after_contribution(&self) -> Vec<Payload> {
        Vec::new()
    }

    pub(crate) fn after_proof(&self) -> Vec<Payload> {
        Vec::new()
    }

    pub(crate) fn padding(&self) -> Option<Bytes> {
        None
    }

    pub(crate) fn gate_is_held(&self) -> bool {
        false
    }
}
