//! Whether the outcome is the one that the scenario is for.

mod features;
mod refused;
mod tunnel;

use core::fmt;

use oakley::{Confidentiality, IkeSaState};

use super::observer::Observer;
use super::scenario::{Expectation, Scenario};
use super::stage::Stage;
use super::topology::Trouble;
use crate::router::RouterSnapshot;

/// One statement about the outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Check {
    holds: bool,
    statement: String,
}

impl Check {
    fn new(holds: bool, statement: impl Into<String>) -> Self {
        Self { holds, statement: statement.into() }
    }

    pub(super) const fn holds(&self) -> bool {
        self.holds
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}  {}", if self.holds { "ok    " } else { "FAILED" }, self.statement)
    }
}

/// All statements that must hold.
pub(super) fn outcome(
    stage: &Stage<'_>,
    observer: &Observer,
    scenario: &Scenario,
    trouble: Trouble,
) -> Vec<Check> {
    let snapshots = stage.snapshots();
    let [first, second] = snapshots.as_slice() else {
        return vec![Check::new(false, "two routers are there")];
    };
    let mut checks = match scenario.expectation {
        Expectation::Tunnel => tunnel::checks(stage, [first, second], observer, trouble),
        refusal => refused::checks(refusal, [first, second], stage.facts, observer),
    };
    checks.extend(scenario.features.iter().flat_map(|feature| features::checks(*feature, stage, trouble)));
    checks.extend(secrecy(stage, observer, &snapshots));
    checks
}

fn is_ready(router: &RouterSnapshot) -> bool {
    router.ike_sas.iter().any(|sa| sa.state == IkeSaState::Ready)
}

fn has_sas(router: &RouterSnapshot) -> bool {
    router.flows.iter().any(|flow| !flow.inbound.is_empty() || !flow.outbound.is_empty())
}

/// What must never be seen. The hosts' text may be read only where the configuration asks for integrity alone.
fn secrecy(stage: &Stage<'_>, observer: &Observer, snapshots: &[RouterSnapshot]) -> Vec<Check> {
    let strangers = observer.strangers(stage.places.ends);
    let mut checks =
        vec![Check::new(strangers == 0, format!("{strangers} packets on the wire showed a host's address"))];
    let sas = snapshots.iter().flat_map(|router| &router.flows).flat_map(|flow| &flow.outbound);
    let hides = |confidentiality| match confidentiality {
        Confidentiality::Cipher(cipher, _) => cipher != crypto_provider::CipherAlgorithm::Null,
        Confidentiality::Aead(..) => true,
        _ => false,
    };
    let mut sas = sas.peekable();
    if sas.peek().is_none() || sas.any(|sa| hides(sa.transform.confidentiality)) {
        let canaries = observer.canaries();
        checks.push(Check::new(
            canaries == 0,
            format!("{canaries} packets on the wire showed the hosts' text"),
        ));
    }
    checks
}
