//! Whether the outcome is the one that the scenario is for.

use core::fmt;

use oakley::{Confidentiality, IkeSaState};

use super::observer::Observer;
use super::scenario::Expectation;
use super::stage::{Facts, Stage};
use super::topology::Trouble;
use crate::router::{FlowCounters, RouterSnapshot};

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
pub(super) fn outcome(stage: &Stage<'_>, observer: &Observer, expectation: Expectation, trouble: Trouble) -> Vec<Check> {
    let snapshots = stage.snapshots();
    let [first, second] = snapshots.as_slice() else { return vec![Check::new(false, "two routers are there")] };
    let mut checks = match expectation {
        Expectation::Tunnel => {
            let mut checks = tunnel(first, second);
            checks.extend(traffic(stage, trouble));
            checks.extend(counts(first, second, observer, trouble));
            checks
        }
        Expectation::Phase2Refused => phase2_refused(first, second, stage.facts),
        Expectation::NotAuthenticated => not_authenticated(first, second, stage.facts),
    };
    if expectation != Expectation::Tunnel {
        let [there, back] = observer.tunnel();
        checks.push(Check::new(there.sent == 0 && back.sent == 0, "no packet went through a tunnel"));
        let errors: u64 = first.flows.iter().map(|flow| flow.counters.send_errors).sum();
        checks.push(Check::new(errors > 0, format!("{} packets of the host were given up as send errors", errors)));
    }
    checks.extend(secrecy(stage, observer, &snapshots));
    checks
}

fn is_ready(router: &RouterSnapshot) -> bool {
    router.ike_sas.iter().any(|sa| sa.state == IkeSaState::Ready)
}

fn has_sas(router: &RouterSnapshot) -> bool {
    router.flows.iter().any(|flow| !flow.inbound.is_empty() || !flow.outbound.is_empty())
}

fn tunnel(first: &RouterSnapshot, second: &RouterSnapshot) -> Vec<Check> {
    let mut checks = Vec::new();
    for router in [first, second] {
        checks.push(Check::new(is_ready(router), format!("{} has an IKE SA in QM_IDLE", router.hostname)));
    }
    let spis = |router: &RouterSnapshot, inbound: bool| {
        let sas = router.flows.iter().flat_map(|flow| if inbound { &flow.inbound } else { &flow.outbound });
        let mut spis: Vec<_> = sas.map(|sa| (sa.transform.protocol, sa.spi)).collect();
        spis.sort_unstable();
        spis
    };
    let crossed = spis(first, true) == spis(second, false) && spis(first, false) == spis(second, true);
    let some = has_sas(first) && has_sas(second);
    checks.push(Check::new(crossed && some, "what is inbound at one router is outbound at the other, SPI for SPI"));
    checks
}

fn traffic(stage: &Stage<'_>, trouble: Trouble) -> Vec<Check> {
    let mut checks = Vec::new();
    for (host, other) in [(0, 1), (1, 0)] {
        let (Some(host), Some(other)) = (stage.host(host), stage.host(other)) else { continue };
        let (asked, answered) = (host.asked(), host.answered());
        let all = trouble.loss > 0 || answered == asked;
        checks.push(Check::new(
            answered > 0 && all,
            format!("{}: {answered} of {asked} pings to {} were answered", host.name(), other.name()),
        ));
        let (sent, arrived) = (host.streamed_to_peer(), other.streamed());
        checks.push(Check::new(
            arrived > 0 && (trouble.loss > 0 || arrived == usize::from(sent)),
            format!("{}: {arrived} of {sent} datagrams of its UDP stream reached {}", host.name(), other.name()),
        ));
    }
    checks
}

fn total(router: &RouterSnapshot) -> FlowCounters {
    router.flows.iter().fold(FlowCounters::default(), |sum, flow| FlowCounters {
        encaps: sum.encaps.saturating_add(flow.counters.encaps),
        encrypt: sum.encrypt.saturating_add(flow.counters.encrypt),
        digest: sum.digest.saturating_add(flow.counters.digest),
        decaps: sum.decaps.saturating_add(flow.counters.decaps),
        decrypt: sum.decrypt.saturating_add(flow.counters.decrypt),
        verify: sum.verify.saturating_add(flow.counters.verify),
        send_errors: sum.send_errors.saturating_add(flow.counters.send_errors),
        receive_errors: sum.receive_errors.saturating_add(flow.counters.receive_errors),
    })
}

fn counts(first: &RouterSnapshot, second: &RouterSnapshot, observer: &Observer, trouble: Trouble) -> Vec<Check> {
    let mut checks = Vec::new();
    let [there, back] = observer.tunnel();
    for (from, to, wire) in [(first, second, there), (second, first, back)] {
        let (sent, received) = (total(from), total(to));
        let (encaps, decaps) = (sent.encaps, received.decaps);
        checks.push(Check::new(
            encaps == wire.sent,
            format!("{} counts {encaps} packets sealed, {} were on the wire", from.hostname, wire.sent),
        ));
        checks.push(Check::new(
            encaps.checked_sub(decaps) == Some(wire.lost),
            format!("{} counts {decaps} packets opened, the network lost {}", to.hostname, wire.lost),
        ));
        checks.push(Check::new(
            received.receive_errors == 0,
            format!("{} counts {} receive errors", to.hostname, received.receive_errors),
        ));
    }
    if trouble.loss == 0 {
        let (a, b) = (total(first), total(second));
        let equal = a.encaps == b.encaps && a.decaps == b.decaps && a.encaps == a.decaps;
        checks.push(Check::new(equal, "both routers count the same number of packets both ways"));
    }
    checks
}

fn phase2_refused(first: &RouterSnapshot, second: &RouterSnapshot, [a, b]: [Facts; 2]) -> Vec<Check> {
    vec![
        Check::new(a.authenticated > 0 && b.authenticated > 0, "phase 1 succeeded at both routers"),
        Check::new(b.phase2_refused > 0, format!("{} found no acceptable proposal", second.hostname)),
        Check::new(a.quick_failed > 0, format!("{}'s Quick Mode failed", first.hostname)),
        Check::new(!has_sas(first) && !has_sas(second), "no IPsec SA was made"),
        Check::new(a.established == 0 && b.established == 0, "no Quick Mode completed"),
    ]
}

fn not_authenticated(first: &RouterSnapshot, second: &RouterSnapshot, [a, b]: [Facts; 2]) -> Vec<Check> {
    vec![
        Check::new(a.phase1_failed > 0, format!("{}'s Main Mode failed", first.hostname)),
        Check::new(
            b.undecipherable > 0,
            format!("{} could not decipher {} messages", second.hostname, b.undecipherable),
        ),
        Check::new(a.authenticated == 0 && b.authenticated == 0, "nobody was authenticated"),
        Check::new(!is_ready(first) && !is_ready(second), "no IKE SA was made"),
        Check::new(!has_sas(first) && !has_sas(second), "no IPsec SA was made"),
    ]
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
        checks.push(Check::new(canaries == 0, format!("{canaries} packets on the wire showed the hosts' text")));
    }
    checks
}
