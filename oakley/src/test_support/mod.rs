//! For tests only: replaying recorded peers, and a method that no peer has. Never in a normal build.

mod wrapped;

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use bytes::Bytes;
use isakmp_wire::Payload;

use crate::{Engine, IkeSaId};

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
        self.overrides().script = script;
    }

    /// From now on holds IKE SAs between authentication and the first Quick Mode: where a method waits that asks for a
    /// password, or for an address to use.
    pub fn hold_gate(&mut self) {
        self.overrides().gate = true;
    }

    /// What a held IKE SA waited for is there; requests that waited with it are served.
    pub fn release(&mut self, ike_sa: IkeSaId) {
        self.make_ready(ike_sa);
    }
}
