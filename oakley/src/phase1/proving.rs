//! Our proof, which may take its time: an HSM signs, or another thread does.
//!
//! Every place that proves goes through [`start`]. If the proof is there at once, the exchange goes on at once; otherwise it
//! waits here, and [`Proving::resume`] goes on from the same facts when the answer has come. What follows the proof is data.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crypto_provider::Work;
use isakmp_wire::Payload;
use isakmp_wire::payload::NatDiscovery;

use crate::context::Cx;
use crate::error::Abort;
use crate::event::Event;
use crate::phase1::facts::{Keyed, clear_message};
use crate::phase1::finish::{self, MOST_LIKELY, Proven};
use crate::phase1::last_proof::await_last_proof;
use crate::phase1::{Step, beside};

/// Waits for our own proof.
pub(crate) struct Proving {
    keyed: Keyed,
    then: Then,
}

/// What our proof is for.
pub(crate) enum Then {
    /// Message 5 of Main Mode; the peer's proof is still to come.
    MainInitiator,
    /// Message 6 of Main Mode; the peer has proved itself.
    MainResponder(Proven),
    /// Message 3 of Aggressive Mode; the peer has proved itself.
    AggressiveInitiator(Proven),
    /// Message 2 of Aggressive Mode, between these payloads.
    AggressiveResponder { before: Vec<Payload>, after: Vec<Payload> },
}

impl Then {
    /// Under which form of SKEYID we prove ourselves: the one that the peer has proved, or the most likely one.
    fn candidate(&self) -> usize {
        match self {
            Self::MainInitiator | Self::AggressiveResponder { .. } => MOST_LIKELY,
            Self::MainResponder(proven) | Self::AggressiveInitiator(proven) => proven.candidate,
        }
    }
}

/// Proves, and goes on or waits.
pub(crate) fn start(keyed: Keyed, then: Then, cx: &mut Cx<'_>) -> Result<Step, Abort> {
    match finish::prove(&keyed, then.candidate(), cx)? {
        Work::Done(payloads) => complete(keyed, then, payloads, cx),
        Work::Pending(ticket) => Ok(Step::Park { next: Box::new(Proving { keyed, then }).into(), ticket }),
    }
}

fn complete(mut keyed: Keyed, then: Then, mut proof: Vec<Payload>, cx: &mut Cx<'_>) -> Result<Step, Abort> {
    let candidate = then.candidate();
    match then {
        Then::MainInitiator => {
            proof.extend(beside::first_contact(&mut keyed, None, cx));
            let send = finish::encrypt_proof(&mut keyed, candidate, &proof, cx)?;
            keyed.candidates.truncate(1);
            Ok(Step::Wait { next: await_last_proof(keyed), send })
        }
        Then::MainResponder(proven) => {
            proof.extend(beside::first_contact(&mut keyed, Some(&proven), cx));
            let send = finish::encrypt_proof(&mut keyed, candidate, &proof, cx)?;
            Ok(Step::Done { established: finish::establish(keyed, proven, cx)?, send: Some(send) })
        }
        Then::AggressiveInitiator(proven) => {
            if !proof.iter().any(|payload| payload.get::<NatDiscovery>().is_some()) {
                proof.extend(keyed.exchanged.agreed.nat_discovery());
            }
            let send = if keyed.exchanged.agreed.offered.policy.quirks.aggressive_proof_in_clear {
                clear_message(keyed.exchanged.agreed.offered.header(), proof)
            } else {
                proof.extend(beside::first_contact(&mut keyed, Some(&proven), cx));
                finish::encrypt_proof(&mut keyed, candidate, &proof, cx)?
            };
            Ok(Step::Done { established: finish::establish(keyed, proven, cx)?, send: Some(send) })
        }
        Then::AggressiveResponder { before, after } => {
            let payloads = before.into_iter().chain(proof).chain(after).collect();
            keyed.candidates.truncate(1);
            let offered = &keyed.exchanged.agreed.offered;
            let send = clear_message(offered.header(), payloads);
            if keyed.exchanged.agreed.authenticator.proof_can_be_guessed_at() {
                let (ike_sa, path) = (offered.ike_sa, offered.path);
                cx.out.event(Event::AggressivePreShared { ike_sa, path });
            }
            Ok(Step::Wait { next: await_last_proof(keyed), send })
        }
    }
}

impl Proving {
    /// The answer has come: it is among the answers of `cx`.
    pub(crate) fn resume(self: Box<Self>, cx: &mut Cx<'_>) -> Result<Step, Abort> {
        let Self { keyed, then } = *self;
        start(keyed, then, cx)
    }

    pub(crate) fn keyed(&self) -> &Keyed {
        &self.keyed
    }
}
