//! Scenarios in which no tunnel comes up, each for its own reason.

use super::{Check, Expectation, Observer, has_sas, is_ready};
use crate::demo::stage::Facts;
use crate::router::RouterSnapshot;

/// The failure is the one that is expected, nobody has SAs, and nothing was sent.
pub(super) fn checks(
    expectation: Expectation,
    [first, second]: [&RouterSnapshot; 2],
    facts: [Facts; 2],
    observer: &Observer,
) -> Vec<Check> {
    let mut checks = match expectation {
        Expectation::Phase2Refused => phase2_refused(first, second, facts),
        Expectation::NameUnknown => name_unknown(first, second, facts),
        Expectation::NotAuthenticated | Expectation::Tunnel => not_authenticated(first, second, facts),
    };
    let [there, back] = observer.tunnel();
    checks.push(Check::new(there.sent == 0 && back.sent == 0, "no packet went through a tunnel"));
    let errors: u64 = first.flows.iter().map(|flow| flow.counters.send_errors).sum();
    let text = format!("{errors} packets of the host were given up as send errors");
    checks.push(Check::new(errors > 0, text));
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
    let mut checks = vec![
        Check::new(a.phase1_failed > 0, format!("{}'s Main Mode failed", first.hostname)),
        Check::new(
            b.undecipherable > 0,
            format!("{} could not decipher {} messages", second.hostname, b.undecipherable),
        ),
    ];
    checks.extend(nothing_made(first, second, [a, b]));
    checks
}

fn name_unknown(first: &RouterSnapshot, second: &RouterSnapshot, [a, b]: [Facts; 2]) -> Vec<Check> {
    let mut checks = vec![
        Check::new(a.aggressive > 0 && a.main == 0, format!("{} began Aggressive Mode", first.hostname)),
        Check::new(a.phase1_failed > 0, format!("{}'s Aggressive Mode failed", first.hostname)),
        Check::new(
            b.no_key > 0,
            format!("{} had no key of that name for {} messages", second.hostname, b.no_key),
        ),
        Check::new(b.aggressive == 0, format!("{} answered none of them", second.hostname)),
    ];
    checks.extend(nothing_made(first, second, [a, b]));
    checks
}

fn nothing_made(first: &RouterSnapshot, second: &RouterSnapshot, [a, b]: [Facts; 2]) -> [Check; 3] {
    [
        Check::new(a.authenticated == 0 && b.authenticated == 0, "nobody was authenticated"),
        Check::new(!is_ready(first) && !is_ready(second), "no IKE SA was made"),
        Check::new(!has_sas(first) && !has_sas(second), "no IPsec SA was made"),
    ]
}
