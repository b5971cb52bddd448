//! Whether the outcome is the one that the scenario is for.

mod features;
mod refused;
mod tunnel;

use core::fmt;
use core::net::IpAddr;

use oakley::{Confidentiality, IkeSaState};

use super::observer::Observer;
use super::scenario::{Expectation, Scenario};
use super::stage::Stage;
use super::topology::{Leg, Trouble};
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
    observers: &[Observer],
    scenario: &Scenario,
    trouble: Trouble,
) -> Vec<Check> {
    let snapshots = stage.snapshots();
    let mut checks = Vec::new();
    for (leg, observer) in stage.places.legs.iter().zip(observers) {
        let Some([first, second]) = views(&snapshots, *leg) else {
            return vec![Check::new(false, "two routers are there")];
        };
        checks.extend(match scenario.expectation {
            Expectation::Tunnel => tunnel::checks((stage, *leg), [&first, &second], observer, trouble),
            refusal => refused::checks(refusal, [&first, &second], stage.pair(*leg), observer),
        });
        checks.extend(secrecy(*leg, observer, &[first, second]));
    }
    checks.extend(scenario.features.iter().flat_map(|feature| features::checks(*feature, stage, trouble)));
    checks
}

/// What the two routers of a leg have with each other.
fn views(snapshots: &[RouterSnapshot], leg: Leg) -> Option<[RouterSnapshot; 2]> {
    let [first, second] = leg.routers.map(|router| snapshots.get(router));
    let [end, peer] = leg.ends;
    Some([view(first?, peer), view(second?, end)])
}

fn view(router: &RouterSnapshot, peer: IpAddr) -> RouterSnapshot {
    let mut router = router.clone();
    router.flows.retain(|flow| flow.peer == peer);
    router.ike_sas.retain(|sa| [sa.source, sa.destination].contains(&peer));
    router
}

fn is_ready(router: &RouterSnapshot) -> bool {
    router.ike_sas.iter().any(|sa| sa.state == IkeSaState::Ready)
}

fn has_sas(router: &RouterSnapshot) -> bool {
    router.flows.iter().any(|flow| !flow.inbound.is_empty() || !flow.outbound.is_empty())
}

/// What must never be seen. The hosts' text may be read only where the configuration asks for integrity alone.
fn secrecy(leg: Leg, observer: &Observer, snapshots: &[RouterSnapshot]) -> Vec<Check> {
    let strangers = observer.strangers(leg.ends);
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
