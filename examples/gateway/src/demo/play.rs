//! What the hosts and routers do, scene by scene.

use core::time::Duration;

use super::hosts::Host;
use super::run::DemoError;
use super::scenario::{Expectation, Play, Scenario};
use super::stage::Stage;
use crate::cli::show;
use crate::router::Router;

/// Echo requests of each host.
const PINGS: u16 = 5;
/// Time between them.
const PING_INTERVAL: Duration = Duration::from_secs(1);
/// Datagrams of each host's stream.
const DATAGRAMS: u16 = 20;
/// Time between them.
const DATAGRAM_INTERVAL: Duration = Duration::from_millis(50);
/// Datagrams and time of a stream that outlives its SAs: 700 s, twice and a third the five minutes of theirs.
const MANY_DATAGRAMS: u16 = 1400;
const LONG_INTERVAL: Duration = Duration::from_millis(500);
/// How long one attempt may take before the first ping is sent again, and how often it is sent.
const ATTEMPT_TIME: Duration = Duration::from_secs(100);
const ATTEMPTS: u32 = 8;
/// Between attempts: longer than a router waits after a failed negotiation.
const PAUSE: Duration = Duration::from_secs(6);
/// How long the routers are watched after the last packet: longer than the 20 s after which one checks its SAs.
const AFTERMATH: Duration = Duration::from_secs(30);
/// Pings to a router that has forgotten what they are sealed with.
pub(super) const VAIN_PINGS: u16 = 3;

/// The play: a first ping brings the tunnel up, then the scenario's own part, then the routers are watched for a
/// while. `fresh` makes the second router anew.
pub(super) fn act(
    stage: &mut Stage<'_>,
    scenario: &Scenario,
    fresh: impl FnOnce() -> Result<Router, DemoError>,
) -> Result<(), DemoError> {
    bring_up(stage, 0, |stage| stage.has_occurred(scenario.expectation))?;
    if stage.has_occurred(Expectation::Tunnel) {
        talk(stage)?;
        match scenario.play {
            Play::Talk => {}
            Play::TalkOn => stream(stage, MANY_DATAGRAMS, LONG_INTERVAL)?,
            Play::Restart => restart(stage, fresh()?)?,
        }
    }
    wait(stage, AFTERMATH)
}

fn wait(stage: &mut Stage<'_>, time: Duration) -> Result<(), DemoError> {
    let end = stage.now().saturating_add(time);
    stage.run_until(end, |_| false)?;
    Ok(())
}

/// Pings from one host until what is waited for has happened, or has failed too often.
fn bring_up(
    stage: &mut Stage<'_>,
    host: usize,
    is_done: impl Fn(&Stage<'_>) -> bool,
) -> Result<(), DemoError> {
    let (Some(name), Some(to)) = (stage.host(host).map(Host::name), stage.opposite(host)) else {
        return Ok(());
    };
    for attempt in 1..=ATTEMPTS {
        stage.transcript.say(&format!("{name} pings {to}."))?;
        stage.tell_host(host, &format!("ping {to} 1"), |host, now| host.ping(now, to, 1, PING_INTERVAL))?;
        let end = stage.now().saturating_add(ATTEMPT_TIME);
        let before = failures(stage, host);
        stage.run_until(end, |stage| is_done(stage) || failures(stage, host) > before)?;
        if is_done(stage) || attempt == ATTEMPTS {
            break;
        }
        wait(stage, PAUSE)?;
    }
    Ok(())
}

/// Negotiations of a router that failed.
fn failures(stage: &Stage<'_>, router: usize) -> u32 {
    stage.facts.get(router).map_or(0, |facts| facts.phase1_failed.saturating_add(facts.quick_failed))
}

fn talk(stage: &mut Stage<'_>) -> Result<(), DemoError> {
    let [a, b] = stage.places.addresses;
    // The reply to the first ping comes first.
    let end = stage.now().saturating_add(PING_INTERVAL);
    stage.run_until(end, |stage| {
        [0, 1]
            .into_iter()
            .all(|host| stage.host(host).is_some_and(|host| host.asked() == 0 || host.answered() > 0))
    })?;
    stage.transcript.say("Both hosts ping each other.")?;
    for (host, to) in [(0, b), (1, a)] {
        let asked = stage.host(host).map_or(0, |host| u16::try_from(host.asked()).unwrap_or(PINGS));
        let more = PINGS.saturating_sub(asked);
        stage.tell_host(host, &format!("ping {to} {more}"), |host, now| {
            host.ping(now, to, more, PING_INTERVAL)
        })?;
    }
    wait(stage, PING_INTERVAL.saturating_mul(u32::from(PINGS)))?;
    stream(stage, DATAGRAMS, DATAGRAM_INTERVAL)
}

/// Both hosts send each other numbered datagrams, and nothing else is sent meanwhile.
fn stream(stage: &mut Stage<'_>, datagrams: u16, interval: Duration) -> Result<(), DemoError> {
    let [a, b] = stage.places.addresses;
    stage.transcript.say("Both hosts send each other a UDP stream.")?;
    stage.begin_stream();
    for (host, to) in [(0, b), (1, a)] {
        let line = format!("stream {to} {datagrams}");
        stage.tell_host(host, &line, |host, now| host.stream(now, to, datagrams, interval))?;
    }
    wait(stage, interval.saturating_mul(u32::from(datagrams)))?;
    // The last ones are still on their way.
    wait(stage, PING_INTERVAL)
}

/// The second router is replaced. Nobody tells the first one, which goes on sealing; the first packet from the other
/// side brings a negotiation and with it the news.
fn restart(stage: &mut Stage<'_>, fresh: Router) -> Result<(), DemoError> {
    stage.transcript.say("The second router starts again. It had been here:")?;
    if let Some(snapshot) = stage.snapshots().get(1) {
        let text = show::ipsec_sa(snapshot);
        stage.transcript.command(1, "show crypto ipsec sa", &text)?;
    }
    stage.replace_router(1, fresh)?;
    let [a, b] = stage.places.addresses;
    stage.transcript.say(&format!("host-a pings {b}, through SAs that the new router does not have."))?;
    let line = format!("ping {b} {VAIN_PINGS}");
    stage.tell_host(0, &line, |host, now| host.ping(now, b, VAIN_PINGS, PING_INTERVAL))?;
    wait(stage, PING_INTERVAL.saturating_mul(u32::from(VAIN_PINGS)))?;
    let [first, second] = stage.facts;
    let is_done = |stage: &Stage<'_>| {
        let [now_first, now_second] = stage.facts;
        now_first.established > first.established && now_second.established > second.established
    };
    bring_up(stage, 1, is_done)?;
    wait(stage, PING_INTERVAL)?;
    stage.transcript.say("host-a pings again.")?;
    let line = format!("ping {b} {PINGS}");
    stage.tell_host(0, &line, |host, now| host.ping(now, b, PINGS, PING_INTERVAL))?;
    let line = format!("ping {a} {PINGS}");
    stage.tell_host(1, &line, |host, now| host.ping(now, a, PINGS, PING_INTERVAL))?;
    wait(stage, PING_INTERVAL.saturating_mul(u32::from(PINGS)))?;
    stream(stage, DATAGRAMS, DATAGRAM_INTERVAL)
}
