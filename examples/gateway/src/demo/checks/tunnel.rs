//! The tunnel and what went through it.

use ipsec_core::DropReason;

use super::{Check, Observer, Stage, Trouble, has_sas, is_ready};
use crate::demo::topology::Leg;
use crate::router::{FlowCounters, RouterSnapshot};

/// Both routers hold the same SAs, the hosts reached each other, and every packet is accounted for.
pub(super) fn checks(
    (stage, leg): (&Stage<'_>, Leg),
    [first, second]: [&RouterSnapshot; 2],
    observer: &Observer,
    trouble: Trouble,
) -> Vec<Check> {
    let mut checks = agreement(stage, [first, second], trouble);
    checks.extend(traffic(stage, leg, trouble));
    checks.extend(counts((stage, leg), [first, second], observer, trouble));
    checks
}

fn agreement(stage: &Stage<'_>, [first, second]: [&RouterSnapshot; 2], trouble: Trouble) -> Vec<Check> {
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
    let [(mine_in, mine_out), (theirs_in, theirs_out)] =
        [first, second].map(|router| (spis(router, true), spis(router, false)));
    // INITIAL-CONTACT is one message that nobody answers: when the network lost it, what it would have ended stays until
    // its life is over.
    let stale = !stage.former.is_empty() && trouble.loss > 0;
    let crossed = if stale {
        theirs_out.iter().all(|spi| mine_in.contains(spi))
            && theirs_in.iter().all(|spi| mine_out.contains(spi))
    } else {
        mine_in == theirs_out && mine_out == theirs_in
    };
    checks.push(Check::new(
        crossed && has_sas(first) && has_sas(second),
        "what is inbound at one router is outbound at the other, SPI for SPI",
    ));
    checks
}

fn traffic(stage: &Stage<'_>, leg: Leg, trouble: Trouble) -> Vec<Check> {
    let mut checks = Vec::new();
    let [a, b] = leg.hosts;
    for (index, other) in [(a, b), (b, a)] {
        let (Some(host), Some(other)) = (stage.host(index), stage.host(other)) else { continue };
        let (asked, answered) = (host.asked(), host.answered());
        let expected = asked.saturating_sub(stage.vain.get(index).map_or(0, |vain| usize::from(*vain)));
        let all = trouble.loss > 0 || answered == expected;
        checks.push(Check::new(
            answered > 0 && all,
            format!("{}: {answered} of {asked} pings to {} were answered", host.name(), other.name()),
        ));
        let (sent, arrived) = (host.streamed_to_peer(), other.streamed());
        checks.push(Check::new(
            arrived > 0 && (trouble.loss > 0 || arrived == usize::from(sent)),
            format!(
                "{}: {arrived} of {sent} datagrams of its UDP stream reached {}",
                host.name(),
                other.name()
            ),
        ));
    }
    checks
}

/// What a router has counted, those before it among them that it took the place of.
fn total(stage: &Stage<'_>, index: usize, router: &RouterSnapshot) -> FlowCounters {
    let former = stage.former.iter().filter(|former| former.index == index).map(|former| &former.snapshot);
    let flows = former.chain([router]).flat_map(|router| &router.flows);
    flows.fold(FlowCounters::default(), |sum, flow| FlowCounters {
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

fn counts(
    (stage, leg): (&Stage<'_>, Leg),
    [first, second]: [&RouterSnapshot; 2],
    observer: &Observer,
    trouble: Trouble,
) -> Vec<Check> {
    let mut checks = Vec::new();
    let [there, back] = observer.tunnel();
    let [i, j] = leg.routers;
    for ((i, from), (j, to), wire) in [((i, first), (j, second), there), ((j, second), (i, first), back)] {
        let (sent, received) = (total(stage, i, from), total(stage, j, to));
        let forgotten = forgotten(stage, j);
        let (encaps, decaps) = (sent.encaps, received.decaps);
        checks.push(Check::new(
            encaps == wire.sent,
            format!("{} counts {encaps} packets sealed, {} were on the wire", from.hostname, wire.sent),
        ));
        checks.push(Check::new(
            encaps.checked_sub(decaps) == Some(wire.lost.saturating_add(forgotten)),
            format!("{} counts {decaps} packets opened, the network lost {}", to.hostname, wire.lost),
        ));
        if forgotten > 0 {
            let text = format!("{} dropped {forgotten} packets of SAs that it had forgotten", to.hostname);
            checks.push(Check::new(true, text));
        }
        checks.push(Check::new(
            received.receive_errors == 0,
            format!("{} counts {} receive errors", to.hostname, received.receive_errors),
        ));
    }
    if trouble.loss == 0 && there.lost == 0 && back.lost == 0 {
        let (a, b) = (total(stage, i, first), total(stage, j, second));
        let forgotten = forgotten(stage, j);
        let equal = a.encaps.checked_sub(forgotten) == Some(b.encaps)
            && a.decaps == b.encaps
            && b.decaps.checked_add(forgotten) == Some(a.encaps);
        checks.push(Check::new(equal, "both routers count the same number of packets both ways"));
    }
    checks
}

/// Packets that a router dropped because its predecessor alone knew their SA.
fn forgotten(stage: &Stage<'_>, index: usize) -> u64 {
    let is_new = stage.former.iter().any(|former| former.index == index);
    let router = stage.router(index).filter(|_| is_new);
    router.map_or(0, |router| router.drops().get(DropReason::UnknownSpi))
}
