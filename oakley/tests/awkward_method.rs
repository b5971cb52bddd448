//! A method that wraps the contributions, sends the identity beside them, has two forms of SKEYID and answers late
//! completes both modes in both roles: the seam that later methods need.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "a test may panic"
)]

mod pair;

use core::time::Duration;

use netsim::Link;
use oakley::test_support::Wrapped;
use oakley::*;
use pair::*;

fn awkward(policy: Policy, aggressive: bool) -> Policy {
    let suites = vec![Phase1Suite { method: AuthMethod::RsaEncryption, ..suite() }];
    Policy { suites, aggressive, ..policy }
}

/// Answers everything that waits at one side.
fn answer(pair: &mut Pair, side: netsim::NodeId, method: &Wrapped, answered: &mut u64) {
    while *answered < method.issued() {
        *answered += 1;
        let results = Wrapped::tickets(*answered).map(|(ticket, answer)| {
            pair.network
                .command(side, "answer", |host, now| {
                    host.engine.handle_input(now, Input::Completed(ticket, answer))
                })
                .unwrap()
        });
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    }
}

#[test]
fn it_completes_every_mode_in_every_role() {
    for aggressive in [false, true] {
        for forms in [[false, false], [false, true], [true, false]] {
            let methods = forms.map(|second_form_first| {
                let mut method = Wrapped::default();
                method.second_form_first = second_form_first;
                &*Box::leak(Box::new(method))
            });
            let link = Link::new().delay(Duration::from_millis(10));
            let mut pair =
                Pair::new(1, awkward(policy(1, 2), aggressive), awkward(policy(2, 1), aggressive), link);
            for (id, method) in [(pair.a, methods[0]), (pair.b, methods[1])] {
                pair.network.command(id, "method", |host, _| host.engine.add_wrapped(method)).unwrap();
            }
            pair.initiate();
            let mut answered = [0, 0];
            let [a, b] = [pair.a, pair.b];
            // Each answer takes three seconds, so repetitions come while one is outstanding.
            for _ in 0..10 {
                pair.run(3);
                answer(&mut pair, a, methods[0], &mut answered[0]);
                answer(&mut pair, b, methods[1], &mut answered[1]);
            }
            pair.run(5);
            for host in [pair.a(), pair.b()] {
                assert_eq!(
                    host.established().len(),
                    1,
                    "aggressive {aggressive} forms {forms:?}: {:?}",
                    host.rejects()
                );
            }
            pair.assert_agreement();
            // One opening and one proof at each side: repetitions asked for nothing.
            assert_eq!(answered, [2, 2]);
        }
    }
}

#[test]
fn a_proof_that_never_comes_ends_the_exchange() {
    let method: &'static Wrapped = Box::leak(Box::default());
    let mut pair = Pair::new(2, awkward(policy(1, 2), false), awkward(policy(2, 1), false), Link::new());
    for id in [pair.a, pair.b] {
        pair.network.command(id, "method", |host, _| host.engine.add_wrapped(method)).unwrap();
    }
    pair.initiate();
    pair.run(600);
    for host in [pair.a(), pair.b()] {
        assert!(host.engine.snapshot().ike_sas.is_empty());
        assert!(host.engine.poll_timeout().is_none());
        assert!(host.failures().contains(&Abort::TimedOut));
    }
}
