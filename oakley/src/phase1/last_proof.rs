//! The peer's proof as the last message: message 6 of Main Mode, which the initiator waits for, and message 3 of Aggressive
//! Mode, which the responder waits for and which may be in clear (RFC 2409 5).

use alloc::boxed::Box;

use crypto_provider::Work;

use crate::context::Cx;
use crate::error::{Abort, Reject};
use crate::exchange::incoming::Incoming;
use crate::phase1::facts::{Agreed, Keyed};
use crate::phase1::finish::{self, Proven, Reading};
use crate::phase1::{Phase1, Step, Waiting};
use crate::policy::{Mode, Role};

/// Our own proof is sent; the peer's ends the exchange.
pub(crate) struct AwaitLastProof {
    keyed: Keyed,
}

/// The state after our own proof.
pub(crate) fn await_last_proof(keyed: Keyed) -> Phase1 {
    Box::new(AwaitLastProof { keyed }).into()
}

impl AwaitLastProof {
    pub(crate) fn agreed(&self) -> &Agreed {
        &self.keyed.exchanged.agreed
    }

    /// Whose proof it is.
    pub(crate) fn prover(&self) -> Role {
        match self.agreed().offered.role {
            Role::Initiator => Role::Responder,
            Role::Responder => Role::Initiator,
        }
    }
}

impl Waiting for AwaitLastProof {
    type Checked = Proven;

    fn check(&self, incoming: &Incoming, cx: &mut Cx<'_>) -> Work<Result<Proven, Reject>> {
        let clear = self.agreed().offered.mode == Mode::Aggressive;
        finish::check_proof(&self.keyed, Reading { prover: self.prover(), clear }, incoming, cx)
    }

    fn advance(self: Box<Self>, proven: Proven, cx: &mut Cx<'_>) -> Result<Step, Abort> {
        let prover = self.prover();
        let Self { mut keyed } = *self;
        finish::report(&keyed.exchanged.agreed.offered, cx);
        if prover == Role::Initiator {
            finish::arrive(&mut keyed, &proven, cx);
        }
        finish::commit(&mut keyed, &proven);
        Ok(Step::Done { established: finish::establish(keyed, proven, cx)?, send: None })
    }
}
