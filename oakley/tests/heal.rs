//! After any loss or restart both sides have working SAs again, and soon: no side seals for long under an SA that the other
//! does not have.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "a test may panic"
)]

#[path = "heal/flow.rs"]
mod flow;
mod pair;

use core::time::Duration;

use flow::{Flow, Habit};
use oakley::*;
use pair::*;

/// The bound for everything here, in seconds.
const SOON: u64 = 120;
const QUICK: u8 = 32;
const INFORMATIONAL: u8 = 5;

fn talking(me: u8, peer: u8) -> Policy {
    Policy { quirks: Quirks::default(), dpd: DeadPeerDetection::default(), ..policy(me, peer) }
}

fn policies() -> [Policy; 2] {
    [talking(1, 2), talking(2, 1)]
}

/// A flow that is up, on both sides as `habits` say.
fn up(seed: u64, policies: [Policy; 2], habits: [Habit; 2]) -> Flow {
    let mut flow = Flow::new(seed, policies, habits);
    flow.run(30);
    assert!(flow.side(1).opened.len() > 20, "the flow does not come up");
    flow
}

fn exchanges(flow: &Flow, side: usize, exchange: u8) -> usize {
    flow.side(side).host.sent.iter().filter(|octets| octets[18] == exchange).count()
}

fn removed(flow: &Flow, side: usize, why: RemoveReason) -> usize {
    flow.side(side).host.removed.iter().filter(|(_, reason)| *reason == why).count()
}

/// Both sides begin a Quick Mode at once, and nothing passes from the second messages on: each has the bundle that it began
/// and gives up the half of the other. What either says about that is lost too.
fn split(seed: u64, tells: bool) -> Flow {
    let mut flow = up(seed, policies(), [Habit::Sends, Habit::Sends]);
    for side in [0, 1] {
        flow.change(side, |router, _| router.tells = tells);
    }
    let cut = flow.network.now() + Duration::from_millis(35);
    flow.filter(move |now, _, _| now > cut && now < cut + Duration::from_secs(40));
    for side in [0, 1] {
        let old: Vec<BundleId> =
            flow.side(side).host.engine.snapshot().bundles.iter().map(|bundle| bundle.id).collect();
        let request = flow.side(side).request();
        flow.input(side, Input::Initiate(request));
        for bundle in old {
            flow.input(side, Input::Used { bundle, limit: LimitReached::Hard });
        }
    }
    flow.run(38);
    let spis = |side: usize, outbound: bool| -> Vec<Spi> {
        let bundles = flow.side(side).host.engine.snapshot().bundles;
        bundles
            .iter()
            .map(|one| if outbound { one.pairs[0].outbound } else { one.pairs[0].inbound })
            .collect()
    };
    for side in [0, 1] {
        assert!(!spis(side, true).is_empty());
        assert!(
            spis(side, true).iter().all(|spi| !spis(1 - side, false).contains(spi)),
            "they are not split"
        );
    }
    flow
}

#[test]
fn sides_that_send_under_different_sas_agree_again() {
    for seed in 0..20 {
        for tells in [true, false] {
            let mut flow = split(seed, tells);
            let healed = [0, 1].map(|side| flow.heals(side, SOON));
            // Whoever is told knows at once; else silence tells.
            assert!(!tells || healed[0] <= 10, "seed {seed}: {healed:?}");
            flow.run(600);
            // And it stays so without another word.
            let before = [0, 1].map(|side| (flow.side(side).opened.len(), exchanges(&flow, side, QUICK)));
            flow.run(60);
            for (side, (opened, quick)) in before.into_iter().enumerate() {
                assert!(flow.side(side).opened.len() >= opened + 59, "seed {seed}");
                assert_eq!(exchanges(&flow, side, QUICK), quick, "seed {seed}");
            }
        }
    }
}

#[test]
fn a_delete_that_nobody_hears_is_found_out() {
    for (side, tells) in [(0, true), (0, false), (1, true), (1, false)] {
        for habits in [[Habit::Sends, Habit::Answers], [Habit::Sends, Habit::Sends]] {
            let mut flow = up(7, policies(), habits);
            flow.change(side, |router, _| router.tells = tells);
            flow.filter(|now, _, octets| octets[18] == INFORMATIONAL && now < Duration::from_secs(31));
            let bundle = flow.side(side).host.engine.snapshot().bundles[0].id;
            flow.input(side, Input::Delete(Target::Bundle(bundle)));
            flow.heals(1, SOON);
            if habits[1] == Habit::Answers {
                flow.heals(0, SOON);
            }
        }
    }
}

#[test]
fn a_restarted_side_that_only_answers_is_reached() {
    for seed in 0..5 {
        let mut flow = up(seed, policies(), [Habit::Sends, Habit::Answers]);
        flow.restart(1, talking(2, 1));
        let healed = flow.heals(0, SOON);
        assert!(healed <= 60, "{healed}");
    }
}

/// Nobody is where the peer was: what was in doubt goes, so that the flow may look elsewhere, and the peer is found when it is back.
#[test]
fn a_peer_that_is_nowhere_is_given_up_and_found_again() {
    let mut flow = up(12, policies(), [Habit::Sends, Habit::Answers]);
    let wire = flow.wire;
    flow.network.set_up(wire, false);
    flow.run(SOON);
    assert_eq!(removed(&flow, 0, RemoveReason::PeerDead), 1);
    flow.network.set_up(wire, true);
    flow.heals(0, SOON);
}

/// Older bundles of the flow, under which packets would leave next, do not have to be doubted one after the other.
#[test]
fn older_bundles_go_with_the_one_that_was_in_doubt() {
    let mut flow = up(14, policies(), [Habit::Sends, Habit::Answers]);
    let bundle = flow.side(0).host.engine.snapshot().bundles[0].id;
    flow.input(0, Input::Used { bundle, limit: LimitReached::Soft });
    flow.run(5);
    assert_eq!(flow.side(0).host.engine.snapshot().bundles.len(), 2);
    let wire = flow.wire;
    flow.network.set_up(wire, false);
    flow.run(SOON);
    assert_eq!(removed(&flow, 0, RemoveReason::PeerDead), 2);
}

/// As a flow of log messages is: nothing ever comes back. It is not disturbed, and costs little.
#[test]
fn a_flow_that_goes_one_way_costs_little() {
    let mut flow = up(3, policies(), [Habit::Sends, Habit::Listens]);
    flow.run(3000);
    let quick = exchanges(&flow, 0, QUICK);
    // Three sends of each Quick Mode: half a minute, half, one, two, four, eight, ten, and ten again and again.
    assert!((2 * 7..2 * 12).contains(&quick), "{quick} Quick Mode messages");
    let questions = exchanges(&flow, 0, INFORMATIONAL);
    assert!(questions < 3000 / 15 + 30, "{questions}");
    assert!(flow.side(1).opened.len() >= 3000, "a packet was lost");
    assert_eq!(flow.side(1).unknown, 0);
    for side in [0, 1] {
        assert_eq!(flow.side(side).host.engine.snapshot().bundles.len(), 1);
        assert!(flow.side(side).host.engine.snapshot().ike_sas.len() <= 2);
    }
    // With an answer all doubt is over.
    flow.change(1, |router, _| router.habit = Habit::Answers);
    flow.run(30);
    let before = exchanges(&flow, 0, QUICK);
    flow.run(3000);
    assert!(exchanges(&flow, 0, QUICK) <= before, "a flow with answers is left alone");
}

#[test]
fn a_restart_at_the_far_end_of_a_one_way_flow_is_noticed() {
    for (seed, dpd) in [(4, true), (5, false)] {
        let with = |policy: Policy| match dpd {
            true => policy,
            false => Policy { dpd: DeadPeerDetection::off(), ..policy },
        };
        let [a, b] = policies().map(with);
        let mut flow = up(seed, [a, b.clone()], [Habit::Sends, Habit::Listens]);
        flow.run(2000);
        flow.restart(1, b);
        flow.heals(1, SOON);
    }
}

/// Packets under a bundle do not show that the peer has an IKE SA: one under which nobody answers is given up.
#[test]
fn packets_do_not_keep_an_ike_sa_alive_that_the_peer_has_lost() {
    let mut brief = talking(2, 1);
    brief.suites[0].lifetime.seconds = Some(300);
    let mut flow = up(6, [talking(1, 2), brief], [Habit::Sends, Habit::Answers]);
    // The far end's IKE SA ends before the near one's, which does not hear of it.
    let end = Duration::from_secs(305);
    flow.filter(move |now, _, _| now < end);
    flow.run(290);
    assert!(flow.side(1).host.engine.snapshot().ike_sas.is_empty());
    assert_eq!(flow.side(0).host.engine.snapshot().ike_sas.len(), 1);
    let bundle = flow.side(0).host.engine.snapshot().bundles[0].id;
    flow.input(0, Input::Used { bundle, limit: LimitReached::Soft });
    flow.run(SOON);
    assert_eq!(flow.side(0).host.established().len(), 2);
    assert_eq!(flow.side(0).unknown + flow.side(1).unknown, 0);
}

#[test]
fn t108_packets_under_made_up_spis_are_answered_within_bounds() {
    let mut flow = up(9, policies(), [Habit::Sends, Habit::Answers]);
    let Request { path, .. } = flow.side(1).request();
    let before = exchanges(&flow, 1, INFORMATIONAL);
    // Of an SPI that is known nothing is said.
    let known = flow.side(1).host.engine.snapshot().bundles[0].pairs[0].inbound;
    flow.input(1, Input::UnknownSpi { path, protocol: Protocol::Esp, spi: known });
    assert_eq!(exchanges(&flow, 1, INFORMATIONAL), before);
    // A million packets in the peer's name, and some in the names of strangers.
    for second in 0..1000_u32 {
        flow.change(1, |router, now| {
            for index in 0..1000 {
                let spi = Spi(0x1_0000 + second * 1000 + index);
                let known = Input::UnknownSpi { path, protocol: Protocol::Esp, spi };
                router.host.engine.handle_input(now, known).unwrap();
                let stranger = Path { remote: address((index % 200) as u8 + 10), ..path };
                let unknown = Input::UnknownSpi { path: stranger, protocol: Protocol::Ah, spi };
                router.host.engine.handle_input(now, unknown).unwrap();
            }
        });
        flow.run(1);
    }
    let told = exchanges(&flow, 1, INFORMATIONAL) - before;
    assert!((8..80).contains(&told), "{told}");
    assert!(flow.side(0).host.removed.is_empty() && flow.side(1).host.removed.is_empty());
    assert_eq!(flow.side(1).host.engine.snapshot().ike_sas.len(), 1, "nobody was met");
}

/// With the policy for it, a restarted side that is only sent to finds its peer itself, and not often.
#[test]
fn t108_a_restarted_side_meets_its_peer_anew_if_policy_wants_it() {
    let recovering = || Policy { recovers_unknown_spi: true, known: Some(address(1)), ..talking(2, 1) };
    let mut flow = up(10, [talking(1, 2), recovering()], [Habit::Sends, Habit::Listens]);
    flow.restart(1, recovering());
    assert!(flow.heals(1, SOON) <= 5);
    assert_eq!(removed(&flow, 0, RemoveReason::PeerRestarted), 1);
    // A peer that does not answer is tried once in a minute, and strangers never.
    let mut flow = Flow::new(11, [talking(1, 2), recovering()], [Habit::Listens, Habit::Listens]);
    flow.filter(|_, _, _| true);
    let Request { path, .. } = flow.side(1).request();
    for second in 0..300_u32 {
        for remote in [address(1), address(77)] {
            let path = Path { remote, ..path };
            flow.input(1, Input::UnknownSpi { path, protocol: Protocol::Esp, spi: Spi(0x1000 + second) });
        }
        flow.run(1);
    }
    let sent = flow.side(1).host.sent.len();
    assert!((5 * 4..=5 * 6).contains(&sent), "{sent} first messages in five minutes");
}
