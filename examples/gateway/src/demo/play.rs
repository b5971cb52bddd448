//! What the hosts and routers do, scene by scene.

use core::net::IpAddr;
use core::time::Duration;

use super::hosts::Host;
use super::run::DemoError;
use super::scenario::{Expectation, Play, Scenario};
use super::stage::Stage;
use super::topology::Leg;
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
/// How long two routers may take to notice that a peer is dead: ten seconds of silence, a question and five repetitions of
/// it two seconds apart, and some.
const DEATH: Duration = Duration::from_secs(24);
/// Six times what a translator remembers.
const SILENCE: Duration = Duration::from_secs(180);
/// Pings to a router that has forgotten what they are sealed with, or that no wire leads to.
const VAIN_PINGS: u16 = 3;

/// The play: a first ping brings the tunnel up, then the scenario's own part, then the routers are watched for a
/// while. `fresh` makes the second router anew.
pub(super) fn act(
    stage: &mut Stage<'_>,
    scenario: &Scenario,
    fresh: impl FnOnce() -> Result<Router, DemoError>,
) -> Result<(), DemoError> {
    let first = stage.first_leg();
    bring_up(stage, first, 0, |stage| stage.has_occurred(scenario.expectation))?;
    if stage.has_occurred(Expectation::Tunnel) {
        talk(stage, first)?;
        match scenario.play {
            Play::Talk => {}
            Play::TalkOn => stream(stage, &[first], MANY_DATAGRAMS, LONG_INTERVAL)?,
            Play::Restart => restart(stage, first, fresh()?)?,
            Play::Outage => outage(stage, first)?,
            Play::DeadPeer => dead_peer(stage, first)?,
            Play::Translated => translated(stage, first)?,
        }
    }
    wait(stage, AFTERMATH)
}

fn wait(stage: &mut Stage<'_>, time: Duration) -> Result<(), DemoError> {
    let end = stage.now().saturating_add(time);
    stage.run_until(end, |_| false)?;
    Ok(())
}

/// Pings from the host on one side of a leg until what is waited for has happened, or has failed too often.
fn bring_up(
    stage: &mut Stage<'_>,
    leg: Leg,
    side: usize,
    is_done: impl Fn(&Stage<'_>) -> bool,
) -> Result<(), DemoError> {
    let Some((host, to)) = ways(leg).get(side).copied() else { return Ok(()) };
    let Some(name) = stage.host(host).map(|host| host.name().to_owned()) else { return Ok(()) };
    let router = leg.routers.get(side).copied().unwrap_or_default();
    for attempt in 1..=ATTEMPTS {
        stage.transcript.say(&format!("{name} pings {to}."))?;
        ping(stage, (host, to), 1)?;
        let end = stage.now().saturating_add(ATTEMPT_TIME);
        let before = failures(stage, router);
        stage.run_until(end, |stage| is_done(stage) || failures(stage, router) > before)?;
        if is_done(stage) || attempt == ATTEMPTS {
            break;
        }
        wait(stage, PAUSE)?;
    }
    Ok(())
}

/// The same until both routers of the leg have SAs that they did not have before.
fn bring_up_anew(stage: &mut Stage<'_>, leg: Leg, side: usize) -> Result<(), DemoError> {
    let before = stage.pair(leg);
    bring_up(stage, leg, side, |stage| {
        stage.pair(leg).iter().zip(&before).all(|(now, before)| now.established > before.established)
    })
}

/// Negotiations of a router that failed.
fn failures(stage: &Stage<'_>, router: usize) -> u32 {
    stage.facts.get(router).map_or(0, |facts| facts.phase1_failed.saturating_add(facts.quick_failed))
}

/// Who sends to whom on a leg, both ways.
const fn ways(leg: Leg) -> [(usize, IpAddr); 2] {
    let ([first, second], [a, b]) = (leg.hosts, leg.addresses);
    [(first, b), (second, a)]
}

fn ping(stage: &mut Stage<'_>, (host, to): (usize, IpAddr), count: u16) -> Result<(), DemoError> {
    let line = format!("ping {to} {count}");
    stage.tell_host(host, &line, |host, now| host.ping(now, to, count, PING_INTERVAL))
}

fn names(stage: &Stage<'_>, leg: Leg) -> [String; 2] {
    leg.hosts.map(|host| stage.host(host).map_or("", Host::name).to_owned())
}

fn talk(stage: &mut Stage<'_>, leg: Leg) -> Result<(), DemoError> {
    // The reply to the first ping comes first.
    let end = stage.now().saturating_add(PING_INTERVAL);
    stage.run_until(end, |stage| {
        leg.hosts
            .into_iter()
            .all(|host| stage.host(host).is_some_and(|host| host.asked() == 0 || host.answered() > 0))
    })?;
    let [a, b] = names(stage, leg);
    stage.transcript.say(&format!("{a} and {b} ping each other."))?;
    for (host, to) in ways(leg) {
        let asked = stage.host(host).map_or(0, |host| u16::try_from(host.asked()).unwrap_or(PINGS));
        ping(stage, (host, to), PINGS.saturating_sub(asked))?;
    }
    wait(stage, PING_INTERVAL.saturating_mul(u32::from(PINGS)))?;
    stream(stage, &[leg], DATAGRAMS, DATAGRAM_INTERVAL)
}

/// Both hosts of each leg send each other numbered datagrams.
fn stream(stage: &mut Stage<'_>, legs: &[Leg], datagrams: u16, interval: Duration) -> Result<(), DemoError> {
    stage.begin_stream();
    for leg in legs {
        let [a, b] = names(stage, *leg);
        stage.transcript.say(&format!("{a} and {b} send each other a UDP stream."))?;
        for (host, to) in ways(*leg) {
            let line = format!("stream {to} {datagrams}");
            stage.tell_host(host, &line, |host, now| host.stream(now, to, datagrams, interval))?;
        }
    }
    wait(stage, interval.saturating_mul(u32::from(datagrams)))?;
    // The last ones are still on their way.
    wait(stage, PING_INTERVAL)
}

/// The second router is replaced. Nobody tells the first one, which goes on sealing; the first packet from the other
/// side brings a negotiation and with it the news.
fn restart(stage: &mut Stage<'_>, leg: Leg, fresh: Router) -> Result<(), DemoError> {
    stage.transcript.say("The second router starts again. It had been here:")?;
    if let Some(snapshot) = stage.snapshots().get(1) {
        let text = show::ipsec_sa(snapshot);
        stage.transcript.command(1, "show crypto ipsec sa", &text)?;
    }
    stage.replace_router(1, fresh)?;
    let [there, _] = ways(leg);
    let text = format!("host-a pings {}, through SAs that the new router does not have.", there.1);
    stage.transcript.say(&text)?;
    ping_in_vain(stage, there)?;
    talk_anew(stage, leg, 1)
}

/// One side brings new SAs up, and all is said again.
fn talk_anew(stage: &mut Stage<'_>, leg: Leg, side: usize) -> Result<(), DemoError> {
    bring_up_anew(stage, leg, side)?;
    wait(stage, PING_INTERVAL)?;
    let [there, back] = ways(leg);
    stage.transcript.say("host-a pings again.")?;
    ping(stage, there, PINGS)?;
    ping(stage, back, PINGS)?;
    wait(stage, PING_INTERVAL.saturating_mul(u32::from(PINGS)))?;
    stream(stage, &[leg], DATAGRAMS, DATAGRAM_INTERVAL)
}

/// The wire breaks, and nobody tells the routers. Each notices by itself: the first one because something was sent that
/// nothing came back for, the second one because it asks regularly.
fn dead_peer(stage: &mut Stage<'_>, leg: Leg) -> Result<(), DemoError> {
    let [there, _] = ways(leg);
    stage.transcript.say("The wire between the routers breaks.")?;
    stage.network.set_up(leg.wan, false);
    ping_in_vain(stage, there)?;
    let end = stage.now().saturating_add(DEATH);
    stage.run_until(end, |stage| stage.pair(leg).iter().all(|facts| facts.peer_dead > 0))?;
    for (router, snapshot) in stage.snapshots().iter().enumerate() {
        stage.transcript.command(router, "show crypto isakmp sa", &show::isakmp_sa(snapshot))?;
    }
    stage.transcript.say("The wire is mended.")?;
    stage.network.set_up(leg.wan, true);
    talk_anew(stage, leg, 0)
}

/// Nothing but keepalives passes for a while, and still the second host reaches the first one. When the translator has
/// forgotten all it knew, the first packet from inside shows where the first router is now.
fn translated(stage: &mut Stage<'_>, leg: Leg) -> Result<(), DemoError> {
    let [there, back] = ways(leg);
    stage.transcript.say("Nobody says anything for three minutes. Then host-b pings host-a.")?;
    wait(stage, SILENCE)?;
    ping(stage, back, PINGS)?;
    wait(stage, PING_INTERVAL.saturating_mul(u32::from(PINGS)))?;
    stage.transcript.say("The translator forgets everything. host-a pings host-b.")?;
    stage.rebind()?;
    ping(stage, there, PINGS)?;
    wait(stage, PING_INTERVAL.saturating_mul(u32::from(PINGS)))?;
    stream(stage, &[leg], DATAGRAMS, DATAGRAM_INTERVAL)
}

fn ping_in_vain(stage: &mut Stage<'_>, way: (usize, IpAddr)) -> Result<(), DemoError> {
    stage.pings_in_vain(way.0, VAIN_PINGS);
    ping(stage, way, VAIN_PINGS)?;
    wait(stage, PING_INTERVAL.saturating_mul(u32::from(VAIN_PINGS)))
}

/// The other legs come up; then the wire of the first one breaks, and its host is called in vain while the others'
/// talk. In the end the wire is mended.
fn outage(stage: &mut Stage<'_>, first: Leg) -> Result<(), DemoError> {
    let others: Vec<_> = stage.places.legs.iter().skip(1).copied().collect();
    // By turns the first router asks and is asked.
    for (leg, side) in others.iter().zip([1, 0].into_iter().cycle()) {
        bring_up_anew(stage, *leg, side)?;
        talk(stage, *leg)?;
    }
    let [there, back] = ways(first);
    stage.transcript.say(&format!("The wire to {} breaks.", back.1))?;
    stage.network.set_up(first.wan, false);
    ping_in_vain(stage, there)?;
    stream(stage, &others, DATAGRAMS, DATAGRAM_INTERVAL)?;
    stage.transcript.say("The wire is mended.")?;
    stage.network.set_up(first.wan, true);
    ping(stage, there, PINGS)?;
    ping(stage, back, PINGS)?;
    wait(stage, PING_INTERVAL.saturating_mul(u32::from(PINGS)))
}
