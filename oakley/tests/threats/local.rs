//! Rows T031, T073, T078, T141 and T144: a responder without the key, modes and groups that nobody offered, providers and
//! callers that fail.

use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;

use crypto_provider::default::provider;
use crypto_provider::{
    CryptoError, DhGroup, EphemeralKey, GroupId, InvalidPublic, PeerPublic, SecureRandom, SharedSecret,
    Ticket,
};
use isakmp_wire::payload::{AttributeValue, SecurityAssociation};
use isakmp_wire::{ExchangeType, Payload};
use netsim::Link;
use oakley::*;

use crate::forger::*;
use crate::pair::*;
use crate::phase2::{live, quick};

/// A responder that has no key and answers whatever it can: what it gets to guess a key from is one HASH, the same octets
/// until the end.
#[test]
fn t031_a_false_responder_gets_one_hash() {
    let wrong = Policy { keys: vec![b"another key".to_vec()], ..policy(2, 1) };
    let mut pair = Pair::new(60, policy(1, 2), wrong, Link::new());
    pair.initiate();
    pair.run(3600);
    let proofs: Vec<&Vec<u8>> = pair.a().sent.iter().filter(|octets| octets[19] & 1 == 1).collect();
    assert_eq!(proofs.len(), Config::default().max_sends as usize);
    assert!(proofs.iter().all(|proof| *proof == proofs[0]));
    assert_eq!(pair.a().failures(), [Abort::TimedOut]);
    assert!(pair.a().engine.snapshot().ike_sas.is_empty());
}

/// Tunnel is what the policy says and no translator was found: no other mode number is taken, by either side.
#[test]
fn t073_another_mode_is_refused() {
    const MODE: u16 = 4;
    let mut bench = live(61);
    for (index, mode) in [0_u16, 2, 3, 4, 5, 61_443, 61_444, u16::MAX].into_iter().enumerate() {
        let message = quick(&bench, 7500 + index as u32, |payloads| {
            let mut sa = payloads[0].get::<SecurityAssociation>().unwrap().clone();
            let attributes = &mut sa.proposals[0].transforms[0].attributes;
            let one = attributes.iter_mut().find(|one| one.kind == MODE).unwrap();
            one.value = AttributeValue::Basic(mode);
            payloads[0] = Payload::new(sa);
        });
        bench.deliver(B, &message);
        assert_eq!(bench.hosts[B].installed.len(), 2, "mode {mode}");
        assert!(is_no_proposal(bench.hosts[B].rejects().last()), "mode {mode}");
    }
    // A responder that says transport where tunnel was offered is not believed.
    let transport = |policy: Policy| Policy {
        phase2: policy
            .phase2
            .clone()
            .map(|phase2| Phase2Policy { encapsulation: Encapsulation::Transport, ..phase2 }),
        ..policy
    };
    for [a, b] in [[true, false], [false, true]] {
        let with = |policy: Policy, other: bool| if other { transport(policy) } else { policy };
        let mut bench = Bench::with(62, with(policy(1, 2), a), with(policy(2, 1), b));
        bench.initiate();
        bench.run(|_, _, _, _| {});
        assert!(bench.hosts.iter().all(|host| host.ready() == 1 && host.established().is_empty()));
    }
}

/// New Group Mode draws nothing and changes nothing, before and under an IKE SA, however well it is protected.
#[test]
fn t078_new_group_mode_is_refused() {
    const NEW_GROUP: ExchangeType = ExchangeType(33);
    let done = live(63);
    let message = |bench: &Bench, id: u32| {
        let header = bench.header(NEW_GROUP, id);
        let (_, first) = done.seen.iter().find(|(_, octets)| octets[18] == 2).unwrap();
        bench.protect(&header, &parse(first).payloads()[..1])
    };
    let recorded = message(&done, 70);
    let mut bench = Bench::new(63);
    bench.quiet(B, &recorded, "before anything");
    bench.initiate();
    bench.run(|bench, _, to, _| bench.quiet(to, &recorded, "during phase 1"));
    assert!(bench.complete());
    for to in [A, B] {
        let forged = message(&bench, 71);
        bench.quiet(to, &forged, "under the IKE SA");
        let last = bench.hosts[to].rejects().pop();
        assert_eq!(last, Some(Reject::Misbehaved(Misbehaviour::UnexpectedExchange(NEW_GROUP))));
    }
}

/// Group 1 of a provider whose operations fail from the `fails`th on.
struct Failing;

static LEFT: AtomicUsize = AtomicUsize::new(usize::MAX);

fn take() -> Result<(), CryptoError> {
    let left = LEFT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
    left.map(drop).map_err(|_| CryptoError::Store)
}

fn group_1() -> &'static dyn DhGroup {
    provider().group(GroupId::MODP_768).unwrap()
}

struct FailingKey(Box<dyn EphemeralKey>);

impl EphemeralKey for FailingKey {
    fn public(&self) -> &[u8] {
        self.0.public()
    }

    fn agree(&self, peer: &PeerPublic) -> Result<SharedSecret, CryptoError> {
        take()?;
        self.0.agree(peer)
    }
}

impl DhGroup for Failing {
    fn id(&self) -> GroupId {
        GroupId::MODP_768
    }

    fn public_len(&self) -> usize {
        group_1().public_len()
    }

    fn start(&self, random: &dyn SecureRandom) -> Result<Box<dyn EphemeralKey>, CryptoError> {
        take()?;
        Ok(Box::new(FailingKey(group_1().start(random)?)))
    }

    fn peer_public(&self, octets: &[u8]) -> Result<PeerPublic, InvalidPublic> {
        group_1().peer_public(octets)
    }
}

static FAILING: Failing = Failing;

/// Whichever operation fails, the exchange ends as a local failure without an SA, and the next one succeeds.
#[test]
fn t141_a_provider_that_fails_ends_the_exchange_and_nothing_else() {
    let with = |policy: Policy, aggressive| Policy {
        aggressive,
        phase2: policy.phase2.clone().map(|phase2| Phase2Policy { pfs: Some(suite().group), ..phase2 }),
        ..policy
    };
    let failing = || {
        let mut provider = provider();
        let groups = provider.groups.to_mut();
        groups.retain(|group| group.id() != GroupId::MODP_768);
        groups.push(&FAILING);
        provider
    };
    for aggressive in [false, true] {
        for me in [A, B] {
            // Exponent and secret of phase 1, and of the Quick Mode.
            for fails in 0..4 {
                let mut bench =
                    Bench::with(64, with(policy(1, 2), aggressive), with(policy(2, 1), aggressive));
                let own = with([policy(1, 2), policy(2, 1)][me].clone(), aggressive);
                bench.hosts[me] = Host::with_provider(65, own, Config::default(), failing());
                LEFT.store(fails, Ordering::Relaxed);
                bench.initiate();
                bench.run(|_, _, _, _| {});
                let what = format!("aggressive {aggressive}, host {me}, operation {fails}");
                assert!(!bench.complete(), "{what}");
                assert!(bench.hosts[me].established().is_empty(), "{what}");
                let local = |event: &Event| {
                    matches!(
                        event,
                        Event::Failed { why: Abort::Local(_), .. }
                            | Event::RequestFailed { why: Abort::Local(_), .. }
                            | Event::Rejected { .. }
                    )
                };
                assert!(bench.hosts[me].events.iter().any(local), "{what}");
                // It is over: a provider that works again serves the next request.
                LEFT.store(usize::MAX, Ordering::Relaxed);
                for _ in 0..200 {
                    bench.now += Duration::from_secs(1);
                    for host in [A, B] {
                        bench.hosts[host].engine.handle_timeout(bench.now);
                        bench.deliver(host, &[]);
                    }
                    bench.run(|_, _, _, _| {});
                }
                bench.initiate();
                bench.run(|_, _, _, _| {});
                // Two, where the peer's repetition was served before.
                assert!((1..=2).contains(&bench.hosts[me].established().len()), "{what}, afterwards");
            }
        }
    }
}

/// An input that names nothing, and the error that it is.
type Misuse = (Input<'static>, fn(ApiMisuse) -> bool);

/// What names nothing is an error of its caller; the engine is what it was.
#[test]
fn t144_misuse_is_an_error_and_changes_nothing() {
    let mut bench = live(66);
    bench.now = Duration::from_secs(10);
    bench.hosts[A].engine.handle_timeout(bench.now);
    bench.hosts[A].drain();
    let path = Path { local: address(1), remote: address(9) };
    let misuses: [Misuse; 6] = [
        (Input::Used { bundle: BundleId(99), limit: LimitReached::Hard }, |one| {
            matches!(one, ApiMisuse::UnknownBundle(_))
        }),
        (Input::InstallFailed(BundleId(99)), |one| matches!(one, ApiMisuse::UnknownBundle(_))),
        (Input::Moved { bundle: BundleId(99), path }, |one| matches!(one, ApiMisuse::UnknownBundle(_))),
        (Input::Delete(Target::Bundle(BundleId(99))), |one| matches!(one, ApiMisuse::UnknownBundle(_))),
        (Input::Delete(Target::IkeSa(IkeSaId(99))), |one| matches!(one, ApiMisuse::UnknownIkeSa(_))),
        (Input::Completed(Ticket(99), Answer::Phase1(None)), |one| {
            matches!(one, ApiMisuse::UnknownTicket(_))
        }),
    ];
    for (index, (misuse, expected)) in misuses.into_iter().enumerate() {
        let before = bench.state(A);
        let error = bench.hosts[A].engine.handle_input(bench.now, misuse).unwrap_err();
        assert!(expected(error), "misuse {index}: {error}");
        bench.hosts[A].drain();
        assert_eq!(bench.state(A), before, "misuse {index}");
    }
    assert!(bench.hosts[A].removed.is_empty());
}

/// Either side's installation fails, at once or later: the bundle goes whole, the peer is told, and both are in step.
#[test]
fn t144_an_installation_that_fails_leaves_nothing_behind() {
    let with = |me, peer| Policy {
        phase2: Some(phase2(me, peer, vec![proposal(&[ah(), esp()])])),
        ..policy(me, peer)
    };
    for host in [A, B] {
        for late in [false, true] {
            let mut bench = Bench::with(67, with(1, 2), with(2, 1));
            bench.initiate();
            bench.run(|_, _, _, _| {});
            assert!(bench.complete());
            let bundle = bench.hosts[host].engine.snapshot().bundles[0].id;
            if late {
                bench.now += Duration::from_secs(60);
            }
            bench.hosts[host].engine.handle_input(bench.now, Input::InstallFailed(bundle)).unwrap();
            bench.deliver(host, &[]);
            bench.run(|_, _, _, _| {});
            for one in &bench.hosts {
                assert!(one.engine.snapshot().bundles.is_empty());
                assert_eq!(one.removed.len(), 1);
                assert_eq!(one.ready(), 1);
            }
            // Said twice, it is of nothing.
            let again = bench.hosts[host].engine.handle_input(bench.now, Input::InstallFailed(bundle));
            assert_eq!(again, Err(ApiMisuse::UnknownBundle(bundle)));
        }
    }
}
