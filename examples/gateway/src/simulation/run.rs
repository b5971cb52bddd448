//! One run from its seed to its outcome.

use core::net::IpAddr;
use core::time::Duration;
use std::collections::BTreeMap;
use std::io::Write;

use super::plan::{Plan, pairs};
use super::setup::lan;
use super::stage::{Failure, Stage};
use super::story::Story;
use super::{Fault, MOST_DEAF, Outcome};
use crate::router::{FlowView, RouterSnapshot};

/// What was sent in the last moments may still be on its way, or wait for SAs that are being negotiated.
const ON_ITS_WAY: Duration = Duration::from_secs(15);
/// A disagreement that lasts no longer is a Quick Mode that runs.
const PASSING: Duration = Duration::from_secs(8);
/// IKE SAs that a router may have with each peer: the one in use, its successor, those that begin, and those that a peer
/// that has started again has forgotten.
const MOST_IKE_SAS: usize = 20;
/// Bundles that a flow may have.
const MOST_BUNDLES: usize = 20;

/// Runs the simulation of one seed. `log` gets the story: what was done, what the routers said, and what was on the wires.
pub fn run(seed: u64, log: Option<&mut dyn Write>) -> Outcome {
    follow(seed, &Plan::draw(seed), log)
}

/// Carries out a plan; the seed decides what it leaves open.
fn follow(seed: u64, plan: &Plan, log: Option<&mut dyn Write>) -> Outcome {
    let story = Story::new(log.is_some());
    story.plan(plan);
    let mut outcome = Outcome::default();
    match Stage::new(seed, plan, story.clone()) {
        Ok(mut stage) => {
            if let Err(error) = play(&mut stage, plan, &mut outcome) {
                outcome.faults.push(Fault::Broken(error.to_string()));
            }
            judge(&stage, plan, &mut outcome);
        }
        Err(error) => outcome.faults.push(Fault::Broken(error.to_string())),
    }
    if let Some(log) = log {
        // Whoever stops reading does not want the rest.
        let _unread = log.write_all(story.text().as_bytes());
    }
    outcome
}

fn play(stage: &mut Stage, plan: &Plan, outcome: &mut Outcome) -> Result<(), Failure> {
    let by = plan.healed.saturating_add(MOST_DEAF);
    let mut checked = false;
    for (at, act) in &plan.acts {
        if *at > by && !checked {
            checked = true;
            stage.run_until(by)?;
            agree(stage, outcome)?;
        }
        stage.run_until(*at)?;
        count(stage, outcome);
        stage.act(*act)?;
    }
    if !checked {
        stage.run_until(by)?;
        agree(stage, outcome)?;
    }
    stage.run_until(plan.end)?;
    count(stage, outcome);
    agree(stage, outcome)
}

fn snapshots(stage: &Stage) -> Vec<RouterSnapshot> {
    (0..stage.len())
        .filter_map(|index| stage.router(index))
        .map(|(router, now)| router.snapshot(now))
        .collect()
}

/// Takes note of how much the routers keep.
fn count(stage: &Stage, outcome: &mut Outcome) {
    for snapshot in snapshots(stage) {
        outcome.most_ike_sas = outcome.most_ike_sas.max(snapshot.ike_sas.len());
        for flow in &snapshot.flows {
            outcome.most_bundles = outcome.most_bundles.max(flow.inbound.len());
        }
    }
}

/// Every router whose host is sending now must send under an SA that its peer has.
fn agree(stage: &mut Stage, outcome: &mut Outcome) -> Result<(), Failure> {
    let mut split = splits(stage);
    let end = stage.network.now().saturating_add(PASSING);
    while !split.is_empty() && stage.network.now() < end {
        stage.run_until(stage.network.now().saturating_add(Duration::from_secs(1)))?;
        let still = splits(stage);
        split.retain(|one| still.contains(one));
    }
    for one in split {
        if !outcome.faults.contains(&one) {
            outcome.faults.push(one);
        }
    }
    Ok(())
}

/// SAs that somebody sends under and that the other one does not have.
fn splits(stage: &Stage) -> Vec<Fault> {
    let snapshots = snapshots(stage);
    let mut faults = Vec::new();
    for (first, second) in pairs(stage.len()) {
        for (from, to) in [(first, second), (second, first)] {
            let flow = |at: usize, peer: usize| -> Option<&FlowView> {
                let remote = IpAddr::V4(lan(peer, 0));
                let flows = &snapshots.get(at)?.flows;
                flows.iter().find(|flow| *flow.selectors.remote.addresses.start() == remote)
            };
            let (Some(sends), Some(receives)) = (flow(from, to), flow(to, from)) else { continue };
            let talks = stage.host(from).is_some_and(|host| {
                let late = stage.network.now().saturating_sub(Duration::from_secs(5));
                host.sent
                    .iter()
                    .rev()
                    .take_while(|sent| sent.at >= late)
                    .any(|sent| stage.whose(sent.to) == Some(to))
            });
            if let Some(used) = sends.outbound.first().filter(|_| talks)
                && receives.inbound.iter().all(|held| held.spi != used.spi)
            {
                faults.push(Fault::Split { from, to, spi: used.spi });
            }
        }
    }
    faults
}

/// What one host sent to another, in order.
#[derive(Clone, Copy, Debug)]
struct Way {
    first: Duration,
    /// When the datagram was sent since which all were lost.
    silent: Option<Duration>,
    /// The silence that began with the first one.
    healing: Duration,
    /// The longest of all others.
    gap: Duration,
}

impl Way {
    const fn new(first: Duration) -> Self {
        Self { first, silent: None, healing: Duration::ZERO, gap: Duration::ZERO }
    }

    fn lost(&mut self, at: Duration) {
        let since = *self.silent.get_or_insert(at);
        let (time, is_first) = (at.saturating_sub(since), since == self.first);
        let longest = if is_first { &mut self.healing } else { &mut self.gap };
        *longest = time.max(*longest);
    }

    /// A datagram of `at` arrived: the silence before it is over.
    fn arrived(&mut self, at: Duration) {
        if self.silent.is_some() {
            self.lost(at);
        }
        self.silent = None;
    }
}

fn judge(stage: &Stage, plan: &Plan, outcome: &mut Outcome) {
    let counted = stage.network.now().saturating_sub(ON_ITS_WAY);
    let mut ways = BTreeMap::new();
    for from in 0..stage.len() {
        let Some(host) = stage.host(from) else { continue };
        for sent in host.sent.iter().filter(|sent| sent.at >= plan.healed && sent.at <= counted) {
            outcome.sent = outcome.sent.saturating_add(1);
            let Some(to) = stage.whose(sent.to) else { continue };
            let way = ways.entry((from, to)).or_insert(Way::new(sent.at));
            let arrived = stage
                .host(to)
                .is_some_and(|other| other.received.contains(&(host.address.into(), sent.number)));
            if arrived {
                way.arrived(sent.at);
            } else {
                way.lost(sent.at);
                stage.story.lost(sent.at, from, to);
            }
        }
    }
    for ((from, to), way) in ways {
        outcome.healing = outcome.healing.max(way.healing);
        outcome.gap = outcome.gap.max(way.gap);
        let time = way.healing.max(way.gap);
        if time > MOST_DEAF {
            outcome.faults.push(Fault::Deaf { from, to, time });
        }
    }
    if *stage.clear.borrow() > 0 {
        outcome.faults.push(Fault::Clear);
    }
    let most = MOST_IKE_SAS.saturating_mul(stage.len().saturating_sub(1));
    if outcome.most_ike_sas > most || outcome.most_bundles > MOST_BUNDLES {
        let (ike_sas, bundles) = (outcome.most_ike_sas, outcome.most_bundles);
        outcome.faults.push(Fault::Grown { ike_sas, bundles });
    }
    for fault in &outcome.faults {
        stage.story.fault(fault);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulation::plan::Act;

    /// The story from the first thing that is done.
    fn story(seed: u64, plan: &Plan) -> (Outcome, String) {
        let mut out = Vec::new();
        let outcome = follow(seed, plan, Some(&mut out));
        let out = String::from_utf8(out).unwrap();
        (outcome, out[out.find("====").unwrap()..].to_owned())
    }

    /// The order in which a configuration names its peers decides nothing, and neither does anything but the seed.
    #[test]
    fn t150_one_seed_one_story_whatever_the_order_of_the_peers() {
        let three = (1..).map(|seed| (seed, Plan::draw(seed))).filter(|(_, plan)| plan.setup.routers == 3);
        for (seed, plan) in three.take(3) {
            let mut other = plan.clone();
            other.setup.backwards = true;
            assert_ne!(plan.setup.config(0, false), other.setup.config(0, false));
            let told = story(seed, &plan);
            assert!(told.1.lines().count() > 500);
            assert!(told == story(seed, &plan), "seed {seed}: another story");
            assert!(
                told == story(seed, &other),
                "seed {seed}: another story with the peers in another order"
            );
            assert!(told.1 != story(seed + 1, &plan).1, "seed {seed} decides nothing");
        }
    }

    #[test]
    fn what_does_not_heal_is_noticed() {
        let seed = 3;
        let mut plan = Plan::draw(seed);
        let healed = plan.healed;
        plan.acts.push((healed.saturating_add(Duration::from_secs(30)), Act::Link(1, false)));
        plan.acts.sort_by_key(|(at, _)| *at);
        let (outcome, told) = story(seed, &plan);
        assert!(
            outcome.faults.iter().any(|fault| matches!(fault, Fault::Deaf { .. })),
            "{:?}",
            outcome.faults
        );
        assert!(told.contains("never comes") && told.contains("deaf: "));
    }
}
