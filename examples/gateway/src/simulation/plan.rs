//! What is done to a network, and when: all of it drawn from one seed before the run begins.

use core::time::Duration;

use netsim::Rng;

use super::node::Clock;
use super::setup::{Setup, below, one_in, pick};

/// Who sends to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pattern {
    Quiet,
    Both,
    /// One of the two sends and hears nothing back.
    One(usize),
    /// One of the two sends and the other one answers.
    Asks(usize),
}

/// How a router's link behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Weather {
    /// Percent lost on the way to the network and back.
    pub(super) loss: [u32; 2],
    pub(super) duplicated: u32,
    pub(super) reordered: u32,
    /// Percent altered or cut on the way.
    pub(super) altered: u32,
    pub(super) delay: Duration,
    pub(super) jitter: Duration,
}

/// One thing that is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// `clear crypto sa`.
    ClearSas(usize),
    /// `clear crypto isakmp`.
    ClearIsakmp(usize),
    /// A router loses all that it knew and starts again.
    Restart(usize),
    /// A router's clock, or all that it does, makes a leap.
    Leap(usize, Duration),
    /// A router's link is cut, or mended.
    Link(usize, bool),
    Weather(usize, Weather),
    /// One bit of the next NAT-D payload on a router's link is changed.
    AlterNatD(usize),
    /// The translator forgets its mappings.
    Rebind,
    /// The first router, or its translator, has its other address.
    Move,
    /// Two routers' hosts talk so from here on, each `interval`.
    Talk {
        pair: (usize, usize),
        pattern: Pattern,
        interval: Duration,
    },
    /// The network is perfect from here on.
    Heal,
}

/// A whole run.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) setup: Setup,
    pub(super) clocks: Vec<Clock>,
    /// In order of time.
    pub(super) acts: Vec<(Duration, Act)>,
    pub(super) healed: Duration,
    pub(super) end: Duration,
}

/// How long the network is watched after it has healed: until every SA of a short life was renewed.
const WATCHED: Duration = Duration::from_secs(400);

const FINE: Weather = Weather {
    loss: [0; 2],
    duplicated: 0,
    reordered: 0,
    altered: 0,
    delay: Duration::from_millis(10),
    jitter: Duration::ZERO,
};

impl Plan {
    pub(super) fn draw(seed: u64) -> Self {
        let mut rng = Rng::stream(seed, 1);
        let setup = Setup::draw(&mut rng);
        let healed = seconds(60 + rng.below(340));
        let clocks = (0..setup.routers).map(|_| Clock {
            ahead: seconds(rng.below(100_000)),
            slow: if one_in(&mut rng, 2) { u32::try_from(rng.below(50_000)).unwrap_or(0) } else { 0 },
        });
        let clocks = clocks.collect();
        let mut acts = Vec::new();
        for router in 0..setup.routers {
            acts.push((Duration::ZERO, Act::Weather(router, weather(&mut rng))));
        }
        for pair in pairs(setup.routers) {
            acts.push((Duration::ZERO, talk(&mut rng, &setup, pair, 5_000)));
        }
        for _ in 0..3 + rng.below(20) {
            let at = rng.up_to(healed);
            disturb(&mut rng, &setup, at, &mut acts);
        }
        acts.retain(|(at, _)| *at < healed);
        acts.push((healed, Act::Heal));
        for pair in pairs(setup.routers) {
            let late = if one_in(&mut rng, 4) { rng.up_to(seconds(150)) } else { Duration::ZERO };
            acts.push((healed.saturating_add(late), talk(&mut rng, &setup, pair, 1_500)));
        }
        acts.sort_by_key(|(at, _)| *at);
        Self { setup, clocks, acts, healed, end: healed.saturating_add(WATCHED) }
    }
}

/// Every two routers.
pub(super) fn pairs(routers: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..routers).flat_map(move |first| (first.saturating_add(1)..routers).map(move |second| (first, second)))
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Nobody can begin to talk to whom a translator hides, neither host nor router: there the hidden side speaks.
fn talk(rng: &mut Rng, setup: &Setup, pair: (usize, usize), longest: u64) -> Act {
    let side = if setup.is_translated(pair.0) { 0 } else { below(rng, 2) };
    let patterns = [Pattern::Both, Pattern::Both, Pattern::One(side), Pattern::Asks(side), Pattern::Quiet];
    let pattern = pick(rng, &patterns).copied().unwrap_or(Pattern::Both);
    Act::Talk { pair, pattern, interval: Duration::from_millis(300 + rng.below(longest)) }
}

fn weather(rng: &mut Rng) -> Weather {
    let loss = |rng: &mut Rng| pick(rng, &[0, 0, 5, 20, 40, 70, 100]).copied().unwrap_or(0);
    Weather {
        loss: [loss(rng), loss(rng)],
        duplicated: pick(rng, &[0, 0, 5, 20]).copied().unwrap_or(0),
        reordered: pick(rng, &[0, 0, 10, 30]).copied().unwrap_or(0),
        altered: pick(rng, &[0, 0, 0, 3, 10]).copied().unwrap_or(0),
        delay: pick(rng, &[1, 20, 150]).map_or(Duration::ZERO, |delay| Duration::from_millis(*delay)),
        jitter: pick(rng, &[0, 10, 200]).map_or(Duration::ZERO, |jitter| Duration::from_millis(*jitter)),
    }
}

/// One more thing that goes wrong at a moment, and for some of them the end of it.
fn disturb(rng: &mut Rng, setup: &Setup, at: Duration, acts: &mut Vec<(Duration, Act)>) {
    let router = below(rng, setup.routers);
    let later = at.saturating_add(rng.up_to(seconds(90)));
    let pair = pairs(setup.routers).nth(below(rng, pairs(setup.routers).count())).unwrap_or((0, 1));
    let act = match rng.below(13) {
        0 => Act::ClearSas(router),
        1 => Act::ClearIsakmp(router),
        2 | 3 => Act::Restart(router),
        4 => Act::Leap(router, rng.up_to(seconds(60))),
        5 | 6 => {
            acts.push((later, Act::Link(router, true)));
            Act::Link(router, false)
        }
        7 => {
            acts.push((later, Act::Weather(router, FINE)));
            Act::Weather(router, weather(rng))
        }
        8 => Act::Weather(router, weather(rng)),
        9 => Act::AlterNatD(router),
        10 if setup.translator => Act::Rebind,
        11 => Act::Move,
        _ => talk(rng, setup, pair, 5_000),
    };
    acts.push((at, act));
}

impl Weather {
    /// What the network is like after it has healed.
    pub(super) const fn fine() -> Self {
        FINE
    }
}
