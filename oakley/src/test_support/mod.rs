//! For tests only: replaying recorded peers, and a method that no peer has. Never in a normal build.

mod wrapped;

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use bytes::Bytes;
use isakmp_wire::Payload;

use crate::Engine;

pub use wrapped::Wrapped;

/// Octets that an engine sends instead of its own choice, or beside it.
#[derive(Clone, Debug, Default)]
pub struct Script {
    /// Body of the SA payload of our phase 1 message 1.
    pub phase1_sa: Option<Bytes>,
    /// Body of the SA payload of our first Quick Mode.
    pub phase2_sa: Option<Bytes>,
    /// Payloads behind KE and nonce of our first phase 1: NAT-D, for one.
    pub after_contribution: Vec<Payload>,
    /// Payloads behind the proof of our first phase 1: a NOTIFY, for one.
    pub after_proof: Vec<Payload>,
    /// The padding of each encrypted message of ours, in their order.
    pub padding: VecDeque<Bytes>,
}

impl Engine {
    /// Makes the engine speak as a recorded peer spoke.
    pub fn set_script(&mut self, script: Script) {
        let Script { phase1_sa, phase2_sa, after_contribution, after_proof, padding } = script;
        let overrides = self.overrides();
        overrides.phase1_sa = phase1_sa;
        overrides.phase2_sa = phase2_sa;
        overrides.after_contribution = after_contribution;
        overrides.after_proof = after_proof;
        overrides.padding = padding;
    }
}
