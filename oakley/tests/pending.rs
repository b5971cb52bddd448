//! Policies that answer later: `Work::Pending` with late, missing and cancelled completion.
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
use std::sync::{Arc, Mutex};

use crypto_provider::{SecretBytes, Ticket, Work};
use netsim::{Link, Network, NodeId, Port};
use oakley::*;
use pair::*;

/// Questions that wait, with the answers that they will get.
#[derive(Default)]
struct Desk {
    last: u64,
    open: Vec<(Ticket, Answer)>,
}

/// Answers everything later.
#[derive(Clone)]
struct Slow {
    policy: Policy,
    desk: Arc<Mutex<Desk>>,
}

impl Slow {
    fn new(policy: Policy) -> Self {
        Self { policy, desk: Arc::default() }
    }

    fn later<T>(&self, work: Work<T>, answer: impl FnOnce(T) -> Answer) -> Work<T> {
        let Work::Done(value) = work else { panic!("the inner policy answers at once") };
        let mut desk = self.desk.lock().unwrap();
        desk.last += 1;
        let ticket = Ticket(desk.last);
        desk.open.push((ticket, answer(value)));
        Work::Pending(ticket)
    }
}

impl PolicySource for Slow {
    fn phase1(&self, peer: &Peer<'_>, mode: Mode) -> Work<Option<Arc<Phase1Policy>>> {
        self.later(self.policy.phase1(peer, mode), Answer::Phase1)
    }

    fn pre_shared_keys(&self, query: KeyQuery<'_>) -> Work<Arc<[SecretBytes]>> {
        self.later(self.policy.pre_shared_keys(query), Answer::PreSharedKeys)
    }

    fn phase2(&self, peer: &Peer<'_>, wanted: &SelectorPair) -> Work<Option<Arc<Phase2Policy>>> {
        self.later(self.policy.phase2(peer, wanted), Answer::Phase2)
    }
}

struct Bench {
    network: Network<Host>,
    nodes: [NodeId; 2],
    policies: [Slow; 2],
}

impl Bench {
    fn new(a: Policy, b: Policy) -> Self {
        let policies = [Slow::new(a), Slow::new(b)];
        let mut network = Network::new(1);
        let hosts =
            [0, 1].map(|index: usize| Host::new(index as u64, policies[index].clone(), Config::default()));
        let nodes = hosts.map(|host| network.add(host));
        network
            .connect((nodes[0], Port(0)), (nodes[1], Port(0)), Link::new().delay(Duration::from_millis(10)))
            .unwrap();
        let mut bench = Self { network, nodes, policies };
        let request =
            Request { path: Pair::path(), selectors: SelectorPair { local: net(1), remote: net(2) } };
        bench.input(0, Input::Initiate(request)).unwrap();
        bench
    }

    fn input(&mut self, index: usize, input: Input<'static>) -> Result<(), ApiMisuse> {
        let node = self.nodes[index];
        self.network.command(node, "input", |host, now| host.engine.handle_input(now, input)).unwrap()
    }

    fn run(&mut self, milliseconds: u64) {
        self.network.drive_for(Duration::from_millis(milliseconds)).unwrap();
    }

    /// Answers what waits at one side; how much that was.
    fn answer(&mut self, index: usize) -> usize {
        let open = core::mem::take(&mut self.policies[index].desk.lock().unwrap().open);
        let count = open.len();
        for (ticket, answer) in open {
            self.input(index, Input::Completed(ticket, answer)).unwrap();
        }
        count
    }

    fn host(&self, index: usize) -> &Host {
        self.network.get(self.nodes[index]).unwrap()
    }
}

#[test]
fn every_answer_may_come_late() {
    for (aggressive, cut) in [(false, false), (true, false), (false, true), (true, true)] {
        let mut fragmentation = if cut { Fragmentation::announced() } else { Fragmentation::default() };
        fragmentation.size = 200;
        let with =
            |policy| Policy { aggressive, nonce_len: 256, fragmentation: fragmentation.clone(), ..policy };
        let mut bench = Bench::new(with(policy(1, 2)), with(policy(2, 1)));
        let mut answered = 0;
        // Three seconds each: longer than the first retransmission, so repetitions come while an answer is outstanding.
        for _ in 0..40 {
            bench.run(3000);
            answered += bench.answer(0) + bench.answer(1);
        }
        for host in [bench.host(0), bench.host(1)] {
            assert_eq!(host.established().len(), 1, "aggressive {aggressive}");
        }
        // Policy, keys and flow on both sides; repetitions while one waits ask nothing again.
        assert_eq!(answered, 6, "aggressive {aggressive}, cut {cut}");
        assert_eq!(bench.host(1).engine.snapshot().counters.fragments_in > 0, cut);
    }
}

#[test]
fn a_successor_waits_for_its_policy_too() {
    let short = |policy: Policy| {
        let lifetime = Lifetime { seconds: Some(600), kilobytes: None };
        Policy { suites: vec![Phase1Suite { lifetime, ..suite() }], ..policy }
    };
    let mut bench = Bench::new(short(policy(1, 2)), short(policy(2, 1)));
    for _ in 0..700 {
        bench.run(1000);
        bench.answer(0);
        bench.answer(1);
    }
    for host in [bench.host(0), bench.host(1)] {
        assert_eq!((host.ready(), host.established().len()), (1, 1));
    }
}

/// Parts of a first message too wait for the policy: none is taken before it says that it forces them.
#[test]
fn fragments_wait_for_the_policy() {
    for forced in [true, false] {
        let mut fragmentation = Fragmentation::announced();
        (fragmentation.size, fragmentation.forced) = (200, true);
        let a =
            Policy { aggressive: true, nonce_len: 256, fragmentation: fragmentation.clone(), ..policy(1, 2) };
        fragmentation.forced = forced;
        let b = Policy { aggressive: true, nonce_len: 256, fragmentation, ..policy(2, 1) };
        let mut bench = Bench::new(a, b);
        bench.run(100);
        bench.answer(0);
        bench.run(100);
        assert!(bench.host(0).sent.len() >= 2);
        assert_eq!(bench.host(1).engine.snapshot().counters.fragments_in, 0);
        // Each part asks, and then the whole, which carries a name.
        assert_eq!(bench.answer(1), bench.host(0).sent.len());
        assert_eq!(bench.answer(1), usize::from(forced));
        for _ in 0..20 {
            bench.run(3000);
            bench.answer(0);
            bench.answer(1);
        }
        assert_eq!(bench.host(1).established().len(), usize::from(forced), "forced {forced}");
    }
}

#[test]
fn an_answer_of_nothing_refuses() {
    let mut bench = Bench::new(policy(1, 2), policy(2, 1));
    bench.run(100);
    bench.answer(0);
    bench.run(100);
    let open = core::mem::take(&mut bench.policies[1].desk.lock().unwrap().open);
    let [(ticket, _)] = open.as_slice() else { panic!("one question") };
    bench.input(1, Input::Completed(*ticket, Answer::Phase1(None))).unwrap();
    assert!(bench.host(1).sent.is_empty());
    let unknown = Incompatibility::UnknownPeer { identity: None, mode: Mode::Main };
    assert_eq!(bench.host(1).rejects(), [Reject::Incompatible(unknown)]);
    // The same ticket twice is the caller's mistake, and harmless.
    let again = bench.input(1, Input::Completed(*ticket, Answer::Phase1(None)));
    assert_eq!(again, Err(ApiMisuse::UnknownTicket(*ticket)));
}

#[test]
fn an_answer_after_the_end_finds_nothing() {
    let mut bench = Bench::new(policy(1, 2), policy(2, 1));
    for _ in 0..2 {
        bench.run(100);
        bench.answer(0);
        bench.run(100);
        bench.answer(1);
    }
    // The initiator's key is looked up and not found until both sides have given the exchange up.
    bench.run(200_000);
    let late = core::mem::take(&mut bench.policies[0].desk.lock().unwrap().open);
    assert_eq!(late.len(), 1);
    let sent = bench.host(0).sent.len();
    for (ticket, answer) in late {
        let result = bench.input(0, Input::Completed(ticket, answer));
        assert_eq!(result, Err(ApiMisuse::UnknownTicket(ticket)));
    }
    assert_eq!(bench.host(0).sent.len(), sent);
    for index in [0, 1] {
        assert!(bench.host(index).engine.snapshot().ike_sas.is_empty());
    }
    assert!(bench.host(0).failures().contains(&Abort::TimedOut));
}

#[test]
fn t085_questions_that_are_never_answered_do_not_pile_up() {
    let mut bench = Bench::new(policy(1, 2), policy(2, 1));
    // The initiator's own question is never answered: its request fails in the end, and may be made again.
    bench.run(100_000);
    bench.input(0, Input::Delete(Target::All)).unwrap();
    let failed =
        bench.host(0).events.iter().filter(|event| matches!(event, Event::RequestFailed { .. })).count();
    assert_eq!(failed, 1);
    let request = Request { path: Pair::path(), selectors: SelectorPair { local: net(1), remote: net(2) } };
    bench.input(0, Input::Initiate(request)).unwrap();
    assert_eq!(bench.policies[0].desk.lock().unwrap().open.len(), 2);
}
