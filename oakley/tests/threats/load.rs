//! Rows T080 to T089 and T142: floods, mute peers, strange clocks, failing randomness.

use core::net::SocketAddr;
use core::time::Duration;
use std::sync::Arc;

use crypto_provider::default::provider;
use crypto_provider::{CryptoProvider, RandomFailed, SecureRandom};
use isakmp_wire::payload::VendorId;
use isakmp_wire::{Message, Payload};
use netsim::{Link, Rng};
use oakley::*;

use crate::forger::*;
use crate::pair::*;

pub fn stranger(index: u32) -> SocketAddr {
    let [_, b, c, d] = index.to_be_bytes();
    SocketAddr::from(([10, b, c, d], 500))
}

/// A first message of a genuine engine, with its cookie replaced.
pub fn first_message() -> Vec<u8> {
    let mut bench = Bench::new(1);
    bench.initiate();
    bench.next().unwrap().1
}

/// The message with 60,000 octets of VENDOR payload more.
fn long(octets: &[u8]) -> Vec<u8> {
    let message = parse(octets);
    let mut payloads = message.payloads().to_vec();
    payloads.push(Payload::new(VendorId { octets: vec![7; 60_000].into() }));
    Message::new(*message.header(), payloads).encode().to_vec()
}

/// First messages of a flood, each from an address of its own or all from `source`.
struct Flood {
    template: Vec<u8>,
    sent: u32,
}

impl Flood {
    fn new() -> Self {
        Self { template: first_message(), sent: 0 }
    }

    /// So many reach B. Their answers go nowhere: nobody is where they say.
    fn reaches(&mut self, bench: &mut Bench, count: u32, source: Option<SocketAddr>) {
        let sent = bench.hosts[B].sent.len();
        for _ in 0..count {
            self.sent += 1;
            let mut octets = self.template.clone();
            octets[..4].copy_from_slice(&self.sent.to_be_bytes());
            let remote = source.unwrap_or_else(|| stranger(self.sent));
            let path = Path { local: address(2), remote };
            bench.hosts[B].engine.handle_input(bench.now, Input::Datagram { path, octets: &octets }).unwrap();
            while bench.hosts[B].engine.poll_output().is_some() {}
        }
        assert_eq!(bench.hosts[B].sent.len(), sent);
    }
}

/// A round trip of 50 ms in a flood of 50,000 a second: so many come between two messages of one side.
const IN_A_ROUND_TRIP: u32 = 2_500;

#[test]
fn t080_a_flood_of_first_messages() {
    let config = Config::default();
    let mut bench = Bench::new(2);
    // A known peer's tunnel is up before.
    bench.initiate();
    bench.run(|_, _, _, _| {});
    assert!(bench.complete());
    let mut flood = Flood::new();
    let places = config.max_unreturned;
    flood.reaches(&mut bench, 20_000, None);
    let snapshot = bench.hosts[B].engine.snapshot();
    assert_eq!(snapshot.ike_sas.len(), places + 1);
    assert_eq!(snapshot.counters.displaced, 20_000 - places as u64);
    assert_eq!(bench.hosts[B].ready(), 1);
    // One source alone takes no more.
    flood.reaches(&mut bench, 20_000, Some(stranger(1)));
    assert_eq!(bench.hosts[B].engine.snapshot().ike_sas.len(), places + 1);
    // A rekeying under the live SA goes on.
    let bundle = bench.hosts[A].engine.snapshot().bundles[0].id;
    let used = Input::Used { bundle, limit: LimitReached::Soft };
    bench.hosts[A].engine.handle_input(bench.now, used).unwrap();
    bench.deliver(A, &[]);
    bench.run(|_, _, _, _| {});
    assert_eq!(bench.hosts[A].established().len(), 2);
    // And it all ends by itself.
    bench.hosts[B].engine.handle_timeout(Duration::from_secs(600));
    bench.hosts[B].drain();
    assert_eq!(bench.hosts[B].engine.snapshot().ike_sas.len(), 1);
}

/// A new peer comes up in the middle of the flood at its first try, whosever names the forged messages are in. The places are
/// taken when its first message comes, and its cookie is under way for a whole round trip.
#[test]
fn t080_a_new_peer_in_the_middle_of_a_flood() {
    for source in [None, Some(address(1)), Some(stranger(1))] {
        let mut bench = Bench::new(11);
        let mut flood = Flood::new();
        flood.reaches(&mut bench, 20_000, source);
        bench.initiate();
        bench.run(|bench, number, to, _| {
            // Messages 1 and 3 of Main Mode are what a stranger could send: around each, a round trip of flood.
            if to == B && number <= 3 {
                flood.reaches(bench, IN_A_ROUND_TRIP, source);
            }
        });
        assert!(bench.complete(), "{source:?}");
        assert_eq!(bench.hosts[A].sent.len(), 5, "{source:?}: nothing was sent twice");
    }
}

/// Long first messages take the places of several: what is kept is bounded in octets too.
#[test]
fn t080_long_first_messages_are_bounded_in_octets() {
    let mut config = Config::default();
    config.max_unreturned_octets = 100_000;
    let mut bench = Bench::new(12);
    bench.hosts[B] = Host::new(12, policy(2, 1), config);
    let mut flood = Flood::new();
    let len = flood.template.len();
    flood.reaches(&mut bench, 2_000, None);
    assert_eq!(bench.hosts[B].engine.snapshot().ike_sas.len(), 100_000 / len);
    // One that is as long as all of them leaves no other.
    flood.template = long(&flood.template);
    flood.reaches(&mut bench, 1, None);
    let left = (100_000 - flood.template.len()) / len;
    assert_eq!(bench.hosts[B].engine.snapshot().ike_sas.len(), left + 1);
    flood.reaches(&mut bench, 1, None);
    assert_eq!(bench.hosts[B].engine.snapshot().ike_sas.len(), 1);
}

/// Forged exchanges in the name of a peer cost our own requests to it nothing.
#[test]
fn t080_a_request_to_a_peer_in_whose_name_others_flood() {
    let mut bench = Bench::new(13);
    Flood::new().reaches(&mut bench, 20_000, Some(address(1)));
    let path = Path { local: address(2), remote: address(1) };
    let selectors = SelectorPair { local: net(2), remote: net(1) };
    let request = Request { path, selectors };
    bench.hosts[B].engine.handle_input(bench.now, Input::Initiate(request)).unwrap();
    bench.deliver(B, &[]);
    bench.run(|_, _, _, _| {});
    assert!(bench.complete());
}

#[test]
fn t080_forged_first_messages_do_not_push_a_known_peer_out() {
    let mut bench = Bench::new(10);
    bench.initiate();
    // Message 3 has brought our cookie back; then come first messages in the peer's own name.
    bench.run_to(4);
    Flood::new().reaches(&mut bench, 20_000, Some(address(1)));
    bench.run(|_, _, _, _| {});
    assert!(bench.complete());
}

#[test]
fn t081_one_datagram_in_one_datagram_out() {
    let message = first_message();
    let mut bench = Bench::new(3);
    bench.hosts[B].datagram(Duration::ZERO, stranger(7), address(2), &message);
    let octets: usize = bench.hosts[B].sent.iter().map(Vec::len).sum();
    assert!(octets <= 3 * message.len());
    // An hour of silence: nothing is sent again.
    for second in 0..3600 {
        bench.hosts[B].engine.handle_timeout(Duration::from_secs(second));
        bench.hosts[B].drain();
    }
    assert_eq!(bench.hosts[B].sent.len(), 1);
    // A refusal is no larger than what it answers, and rate-limited.
    let other = Policy { suites: vec![Phase1Suite { key_len: 32, ..suite() }], ..policy(2, 1) };
    let other = Policy {
        suites: vec![Phase1Suite {
            cipher: crypto_provider::CipherAlgorithm::AesCbc,
            ..other.suites[0].clone()
        }],
        ..other
    };
    let mut host = Host::new(4, other, Config::default());
    for index in 0..1000 {
        let mut message = message.clone();
        message[..4].copy_from_slice(&(index + 1_u32).to_be_bytes());
        host.datagram(Duration::from_secs(10), stranger(index), address(2), &message);
    }
    assert_eq!(host.sent.len(), Config::default().clear_notifies_per_second as usize);
    assert!(host.sent.iter().all(|sent| sent.len() <= message.len()));
    assert_eq!(host.engine.snapshot().counters.notifies_suppressed, 1000 - host.sent.len() as u64);
}

#[test]
fn t083_bad_datagrams_do_not_keep_an_exchange_alive() {
    let end = |drip: bool| {
        let mut bench = Bench::new(5);
        bench.initiate();
        let (_, message) = bench.next().unwrap();
        bench.deliver(B, &message);
        let cookies = bench.hosts[B].engine.snapshot().ike_sas[0].cookies;
        let mut bad = with_cookies(&message, cookies.initiator.0, cookies.responder.0);
        let last = bad.len() - 1;
        bad[last] ^= 1;
        (1..1000).find(|second| {
            bench.now = Duration::from_secs(*second);
            bench.hosts[B].engine.handle_timeout(bench.now);
            if drip {
                bench.deliver(B, &bad);
            }
            bench.hosts[B].engine.snapshot().ike_sas.is_empty()
        })
    };
    assert_eq!(end(true), end(false));
    assert!(end(true).is_some());
}

/// A peer begins a Quick Mode and falls mute. What asks for the same flow here waits for that one, and for no longer than it lasts.
#[test]
fn t084_a_peer_that_falls_mute_in_a_quick_mode_of_its_own() {
    let mut bench = Bench::new(14);
    bench.initiate();
    bench.run_to(7);
    let path = Path { local: address(2), remote: address(1) };
    let request = Request { path, selectors: SelectorPair { local: net(2), remote: net(1) } };
    let b = &mut bench.hosts[B];
    b.engine.handle_input(bench.now, Input::Initiate(request)).unwrap();
    b.drain();
    let begun = |host: &Host| {
        let ours = |event: &&Event| matches!(event, Event::Started { role: Role::Initiator, .. });
        host.events.iter().filter(ours).count()
    };
    assert_eq!(begun(b), 0);
    // Until its messages have been sent as often as they are.
    while let Some(next) = b.engine.poll_timeout().map(|next| next.at).filter(|next| next.as_secs() < 200) {
        b.engine.handle_timeout(next);
        b.drain();
    }
    assert!(
        b.engine.snapshot().ike_sas.iter().all(|sa| sa.state != IkeSaState::Ready),
        "an SA that nobody has"
    );
    assert_eq!(begun(b), 1, "a new phase 1");
}

#[test]
fn t084_a_mute_peer() {
    let mut network = Pair::new(6, policy(1, 2), policy(2, 1), Link::new());
    network.network.set_up(network.wire, false);
    network.initiate();
    network.run(3600);
    assert_eq!(network.a().sent.len(), Config::default().max_sends as usize);
    assert_eq!(network.a().failures(), [Abort::TimedOut]);
    assert!(network.a().engine.poll_timeout().is_none());
    assert!(network.a().engine.snapshot().ike_sas.is_empty());
}

#[test]
fn t087_packets_to_a_dead_peer_start_one_negotiation() {
    let mut network = Pair::new(7, policy(1, 2), policy(2, 1), Link::new());
    network.network.set_up(network.wire, false);
    for _ in 0..1000 {
        network.initiate();
    }
    assert_eq!(network.a().sent.len(), 1);
    assert_eq!(network.a().engine.snapshot().ike_sas.len(), 1);
}

/// Ten years.
const DECADE: Duration = Duration::from_secs(315_576_000);

/// The next reading of a strange clock.
fn strange(rng: &mut Rng, now: Duration) -> Duration {
    match rng.below(16) {
        0 => now,
        1 => now / 2,
        2 => Duration::ZERO,
        3 => now.saturating_add(DECADE),
        4 if rng.below(4) == 0 => Duration::from_secs(u64::MAX),
        5 => now.saturating_add(Duration::from_secs(3600)),
        _ => now.saturating_add(rng.up_to(Duration::from_secs(60))),
    }
}

/// Time stands, steps back, leaps: deadlines always lie ahead, one step sends a handful of datagrams, nothing piles up, and
/// what is past its life is gone at once.
#[test]
fn t088_strange_clocks() {
    let (mut tunnels, mut ends) = (0, 0);
    for seed in 0..30 {
        let (mut rng, mut bench, mut latest) = (Rng::new(seed), Bench::new(seed), Duration::ZERO);
        for step in 0..60 {
            bench.now = strange(&mut rng, bench.now);
            let leapt = bench.now.saturating_sub(latest) >= DECADE;
            latest = latest.max(bench.now);
            for host in [A, B] {
                let sent = bench.hosts[host].sent.len();
                bench.hosts[host].engine.handle_timeout(bench.now);
                // Nothing that is read: takes what the engine has to send.
                bench.deliver(host, &[]);
                let what = format!("seed {seed}, step {step}, host {host}");
                assert!(bench.hosts[host].sent.len() - sent <= 8, "{what}: a storm");
                let snapshot = bench.hosts[host].engine.snapshot();
                assert!(snapshot.ike_sas.len() <= 4, "{what}: {:?}", snapshot.ike_sas);
                let next = bench.hosts[host].engine.poll_timeout();
                assert!(next.is_none_or(|next| next.at > latest), "{what}: {next:?}");
                if leapt {
                    // Bundles end by what their data path reports.
                    assert_eq!(bench.hosts[host].ready(), 0, "{what}: past its life");
                    ends += 1;
                }
            }
            if rng.below(3) == 0 {
                bench.initiate();
            }
            bench.run(|_, _, _, _| {});
        }
        tunnels += bench.hosts[A].established().len();
    }
    assert!(tunnels > 100 && ends > 60, "{tunnels} tunnels, {ends} ends");
}

struct Failing(core::sync::atomic::AtomicU32, u32, bool);

impl SecureRandom for Failing {
    fn fill(&self, out: &mut [u8]) -> Result<(), RandomFailed> {
        let call = self.0.fetch_add(1, core::sync::atomic::Ordering::Relaxed);
        out.fill(if call < self.1 { call as u8 + 1 } else { 0 });
        if call >= self.1 && self.2 { Err(RandomFailed) } else { Ok(()) }
    }
}

#[test]
fn t142_failing_randomness_sends_nothing() {
    for fails in 0..6 {
        for error in [true, false] {
            let random = Arc::new(Failing(0.into(), fails, error));
            let provider = CryptoProvider { random, ..provider() };
            let engine = Engine::new(Config::default(), provider, Arc::new(policy(1, 2)));
            let mut bench = Bench::new(9);
            bench.hosts[A].engine = engine;
            bench.initiate();
            bench.run(|_, _, _, _| {});
            // Zeros are as good as an error, unless what is drawn is short: an SPI.
            if error || fails < 4 {
                assert!(!bench.complete(), "failure {fails}");
                let failed = bench.hosts[A].events.iter().any(|event| {
                    matches!(
                        event,
                        Event::RequestFailed { why: Abort::Local(_), .. }
                            | Event::Failed { why: Abort::Local(_), .. }
                    )
                });
                assert!(failed, "failure {fails}");
            }
        }
    }
}
