//! Rows T082, T085 and T142: what strangers may cost, and randomness that can be trusted.

use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use crypto_provider::default::{SeededRandom, provider};
use crypto_provider::{
    CryptoError, CryptoProvider, DhGroup, EphemeralKey, GroupId, InvalidPublic, PeerPublic, RandomFailed,
    SecureRandom,
};
use isakmp_wire::payload::{KeyExchange, Nonce};
use oakley::*;

use crate::forger::*;
use crate::load::{first_message, stranger};
use crate::pair::*;

/// Group 1 that counts how often an exponent is made: one exponentiation each.
struct Counting;

static STARTS: AtomicUsize = AtomicUsize::new(0);

impl DhGroup for Counting {
    fn id(&self) -> GroupId {
        GroupId::MODP_768
    }

    fn public_len(&self) -> usize {
        96
    }

    fn start(&self, random: &dyn SecureRandom) -> Result<Box<dyn EphemeralKey>, CryptoError> {
        STARTS.fetch_add(1, Ordering::Relaxed);
        group_1().start(random)
    }

    fn peer_public(&self, octets: &[u8]) -> Result<PeerPublic, InvalidPublic> {
        group_1().peer_public(octets)
    }
}

static COUNTING: Counting = Counting;

/// Takes the answers of strangers away, so that a bench sees its own messages only.
fn from_stranger(bench: &mut Bench, from: u32, octets: &[u8]) -> Option<Vec<u8>> {
    let sent = bench.hosts[B].sent.len();
    bench.hosts[B].datagram(bench.now, stranger(from), address(2), octets);
    let answer = bench.hosts[B].sent.get(sent).cloned();
    bench.hosts[B].sent.truncate(sent);
    bench.hosts[B].events.clear();
    answer
}

/// Strangers with real addresses flood with whole first halves of Main Mode. Each source has its share, all together have
/// theirs, and a peer that asks again in the next second is served.
#[test]
fn t082_exponentiations_for_strangers_have_a_budget() {
    let config = Config::default();
    let (all, each) =
        (config.exponentiations_per_second as usize, config.exponentiations_per_second_per_source as usize);
    let provider = || {
        let mut provider = provider();
        let groups = provider.groups.to_mut();
        groups.retain(|group| group.id() != GroupId::MODP_768);
        groups.push(&COUNTING);
        provider
    };
    let open = policy(2, 1);
    let mut bench = Bench::with(40, policy(1, 2), open.clone());
    bench.hosts[B] = Host::with_provider(41, open, Config::default(), provider());
    let contribution = {
        let mut other = Bench::new(42);
        other.initiate();
        other.run_to(2);
        other.next().unwrap().1
    };
    let template = first_message();
    let flood = |bench: &mut Bench, sources: core::ops::Range<u32>, rounds: u32| {
        let before = STARTS.load(Ordering::Relaxed);
        let mut answered = 0;
        for source in sources {
            for round in 0..rounds {
                let mut first = template.clone();
                first[..4].copy_from_slice(&(source * 1000 + round + 1).to_be_bytes());
                let Some(second) = from_stranger(bench, source, &first) else { continue };
                let mut third = contribution.clone();
                third[..16].copy_from_slice(&second[..16]);
                answered += usize::from(from_stranger(bench, source, &third).is_some());
            }
        }
        (STARTS.load(Ordering::Relaxed) - before, answered)
    };
    bench.now = Duration::from_secs(1);
    assert_eq!(flood(&mut bench, 7..8, 200), (each, each), "one source");
    assert_eq!(flood(&mut bench, 8..9, 3), (3, 3), "another source has its own share");
    bench.now = Duration::from_secs(2);
    assert_eq!(flood(&mut bench, 100..1100, 2), (all, all), "all together");
    let refused = bench.hosts[B].engine.snapshot().counters.misbehaved;
    assert_eq!(refused as usize, 200 - each + 2000 - all);
    // The genuine peer in the midst of it: nothing in this second, everything in the next.
    bench.initiate();
    bench.run(|_, _, _, _| {});
    assert!(!bench.complete());
    bench.now = Duration::from_secs(3);
    assert_eq!(flood(&mut bench, 200..220, 2).0, 40);
    for _ in 0..3 {
        bench.now += Duration::from_secs(2);
        for host in [A, B] {
            bench.hosts[host].engine.handle_timeout(bench.now);
        }
        // What was due by then leaves with the next input.
        bench.deliver(A, &[]);
        bench.deliver(B, &[]);
        bench.run(|_, _, _, _| {});
    }
    assert_eq!(bench.hosts[B].ready(), 1);
    assert!(bench.hosts.iter().all(|host| host.installed.len() == 2));
}

/// In Aggressive Mode each forged second message would make the initiator compute: a budget for that, too.
#[test]
fn t082_forged_answers_in_aggressive_mode_have_a_budget() {
    let with = |policy| Policy { aggressive: true, ..policy };
    let mut bench = Bench::with(43, with(policy(1, 2)), with(policy(2, 1)));
    bench.initiate();
    bench.run_to(1);
    let (_, answer) = bench.next().unwrap();
    let each = Config::default().exponentiations_per_second_per_source as usize;
    for round in 0..10 * each {
        let mut forged = answer.clone();
        let last = forged.len() - 1;
        forged[last] ^= 1 + (round % 200) as u8;
        bench.deliver(A, &forged);
    }
    let why = bench.hosts[A].rejects();
    let undecipherable = Reject::Misbehaved(Misbehaviour::Undecipherable);
    assert_eq!(why.iter().filter(|one| **one == undecipherable).count(), each);
    assert_eq!(why.iter().filter(|one| **one == Reject::Misbehaved(Misbehaviour::TooFast)).count(), 9 * each);
    // The genuine answer comes again in the next second.
    bench.now = Duration::from_secs(1);
    bench.deliver(A, &answer);
    bench.run(|_, _, _, _| {});
    assert!(bench.complete());
}

/// A caller that never comes: what strangers bring about ends at a bound and is counted; SAs are told of, in order.
#[test]
fn t085_outputs_that_nobody_takes_are_bounded_and_counted() {
    let mut bench = Bench::new(44);
    let template = first_message();
    let path = |index: u32| Path { local: address(2), remote: stranger(index) };
    let kinds: [&dyn Fn(u32) -> Vec<u8>; 4] = [
        &|index| [&index.to_be_bytes(), &template[4..]].concat(),
        &|_| vec![1; 40],
        // IKEv2.
        &|_| [&template[..17], &[0x20], &template[18..]].concat(),
        // Cookies that nobody has.
        &|index| [&[7; 16][..], &template[16..20], &index.to_be_bytes(), &template[24..]].concat(),
    ];
    let engine = &mut bench.hosts[B].engine;
    for index in 1..=5_000_u32 {
        for kind in kinds {
            engine
                .handle_input(Duration::ZERO, Input::Datagram { path: path(index), octets: &kind(index) })
                .unwrap();
        }
    }
    let mut waiting = 0;
    while engine.poll_output().is_some() {
        waiting += 1;
    }
    let counters = engine.snapshot().counters;
    assert!((4096..4200).contains(&waiting), "{waiting}");
    assert_eq!(counters.datagrams_in, 20_000);
    // The first datagrams are told of in whole; of all others what was not is counted.
    assert!(counters.outputs_suppressed > 20_000, "{}", counters.outputs_suppressed);

    // A negotiation of a peer whose caller is as slow: both SAs come out, the inbound one first.
    let mut bench = Bench::new(45);
    bench.initiate();
    let silent = |bench: &mut Bench| {
        for index in 0..3000 {
            let octets = vec![1; 40];
            bench.hosts[B]
                .engine
                .handle_input(bench.now, Input::Datagram { path: path(index), octets: &octets })
                .unwrap();
        }
    };
    bench.run_to(6);
    silent(&mut bench);
    bench.run(|_, _, _, _| {});
    assert!(bench.complete());
}

/// Writes down what is drawn.
struct Written {
    source: SeededRandom,
    draws: Mutex<Vec<Vec<u8>>>,
}

impl SecureRandom for Written {
    fn fill(&self, out: &mut [u8]) -> Result<(), RandomFailed> {
        self.source.fill(out)?;
        self.draws.lock().unwrap().push(out.to_vec());
        Ok(())
    }
}

/// Checkoway 2016: a nonce shows what the source gives, so it is a draw of its own, no longer than it must be, and comes after
/// the exponent. Nothing else that leaves is a draw, but for cookies, SPIs and message ids.
#[test]
fn t142_exponent_and_nonce_are_drawn_apart_and_in_order() {
    for (me, role) in [(A, "initiator"), (B, "responder")] {
        let mut bench = Bench::new(46);
        let written = Arc::new(Written { source: SeededRandom::new(47), draws: Mutex::default() });
        let own = [policy(1, 2), policy(2, 1)][me].clone();
        let provider = CryptoProvider { random: written.clone(), ..provider() };
        bench.hosts[me].engine = Engine::new(Config::default(), provider, Arc::new(own));
        bench.hosts[1 - me] = Host::new(48, [policy(2, 1), policy(1, 2)][me].clone(), Config::default());
        bench.initiate();
        bench.run(|_, _, _, _| {});
        assert!(bench.complete());
        let mine = &bench.seen[2 + me].1;
        let nonce: Bytes = parse(mine).get::<Nonce>().unwrap().octets.clone();
        let public: Bytes = parse(mine).get::<KeyExchange>().unwrap().public.clone();
        let draws = written.draws.lock().unwrap();
        let at = draws.iter().position(|draw| **draw == *nonce).expect("the nonce is one whole draw");
        assert_eq!(nonce.len(), 32, "{role}: no longer than the policy says");
        // The draw before it made the exponent: its public value is that of the KE.
        let exponent = &draws[at - 1];
        let replay = Replay(Mutex::new(exponent.clone()));
        let again = group_1().start(&replay).unwrap();
        assert_eq!(again.public(), &public[..], "{role}");
        // No octet of it, and of no other long draw but cookie and nonces, is on the wire.
        let shown = |draw: &[u8]| {
            bench.hosts[me].sent.iter().any(|sent| sent.windows(draw.len()).any(|octets| octets == draw))
        };
        let long: Vec<_> = draws.iter().filter(|draw| draw.len() >= 8 && shown(draw)).collect();
        assert_eq!(long.iter().map(|draw| draw.len()).collect::<Vec<_>>(), [8, 32], "{role}");
        let distinct: std::collections::BTreeSet<_> = draws.iter().collect();
        assert_eq!(distinct.len(), draws.len());
    }
}

/// Gives nothing but ones for each first and second draw of a number.
struct High(SeededRandom, AtomicUsize);

impl SecureRandom for High {
    fn fill(&self, out: &mut [u8]) -> Result<(), RandomFailed> {
        self.0.fill(out)?;
        if out.len() == 4 && self.1.fetch_add(1, Ordering::Relaxed) % 3 != 2 {
            out.fill(u8::MAX);
        }
        Ok(())
    }
}

/// Data paths may have a use of their own for the last SPI; nobody else can choose ours.
#[test]
fn the_last_spi_is_never_ours() {
    let mut bench = Bench::new(49);
    let random = Arc::new(High(SeededRandom::new(50), AtomicUsize::new(0)));
    let provider = CryptoProvider { random: random.clone(), ..provider() };
    bench.hosts[B].engine = Engine::new(Config::default(), provider, Arc::new(policy(2, 1)));
    bench.initiate();
    bench.run(|_, _, _, _| {});
    assert!(bench.complete(), "{:?}", bench.hosts[B].events);
    let ours = bench.hosts[B].installed.iter().filter(|half| half.direction == Direction::Inbound);
    let spis: Vec<u32> = ours.flat_map(|half| &half.sas).map(|sa| sa.spi.0).collect();
    assert!(!spis.is_empty() && !spis.contains(&u32::MAX), "{spis:x?}");
    assert_eq!(random.1.load(Ordering::Relaxed), 3, "two draws were of the last one");
}

fn group_1() -> &'static dyn DhGroup {
    provider().group(GroupId::MODP_768).unwrap()
}

/// Gives what was drawn once.
struct Replay(Mutex<Vec<u8>>);

impl SecureRandom for Replay {
    fn fill(&self, out: &mut [u8]) -> Result<(), RandomFailed> {
        let drawn = self.0.lock().unwrap();
        out.copy_from_slice(drawn.get(..out.len()).ok_or(RandomFailed)?);
        Ok(())
    }
}
