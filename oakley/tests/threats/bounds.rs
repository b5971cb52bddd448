//! Rows T075 and T085: what an authenticated peer that means no good can fill.

use core::time::Duration;

use netsim::Link;
use oakley::*;

use crate::pair::*;

fn unbounded() -> Config {
    let mut config = Config::default();
    config.max_bundles_per_flow = usize::MAX;
    config.max_bundles_per_peer = usize::MAX;
    config.max_ike_sas_per_peer = usize::MAX;
    config.max_quick_modes = usize::MAX;
    config
}

/// Router 1 has no bounds of its own, router 2 the usual ones.
fn greedy(seed: u64) -> Pair {
    let mut pair = Pair::new(seed, policy(1, 2), policy(2, 1), Link::new());
    let host = Host::new(seed + 500, policy(1, 2), unbounded());
    let a = pair.a;
    pair.network.command(a, "unbound", |old, _| *old = host).unwrap();
    pair
}

/// One host of each net; there are 65,536 such flows.
fn flow(index: u32) -> SelectorPair {
    let [_, _, ours, theirs] = index.to_be_bytes();
    let mut selectors = SelectorPair { local: net(1), remote: net(2) };
    for (side, net, host) in [(&mut selectors.local, 1, ours), (&mut selectors.remote, 2, theirs)] {
        let host = core::net::IpAddr::from([10, net, 0, host]);
        side.addresses = host..=host;
    }
    selectors
}

#[test]
fn t075_a_thousand_quick_modes_for_one_flow_leave_a_few() {
    let mut pair = greedy(60);
    pair.initiate();
    pair.run(1);
    for _ in 0..1000 {
        pair.initiate();
        pair.run(1);
    }
    let most = Config::default().max_bundles_per_flow;
    let (ours, theirs) = (pair.a().engine.snapshot().bundles, pair.b().engine.snapshot().bundles);
    assert!(pair.a().established().len() > 900, "the flow is renewed all the time");
    assert_eq!((ours.len(), theirs.len()), (most, most));
    // The newest are left, and the peer knows which.
    assert_eq!(ours.last().unwrap().pairs[0].outbound, theirs.last().unwrap().pairs[0].inbound);
    let displaced = pair.b().removed.iter().filter(|(_, why)| *why == RemoveReason::Displaced);
    assert_eq!(displaced.count() + most, pair.b().established().len());
}

#[test]
fn t085_quick_modes_for_many_flows_are_bounded_for_each_peer() {
    let mut pair = greedy(61);
    pair.initiate();
    pair.run(1);
    let config = Config::default();
    for round in 0..15 {
        for index in 0..200 {
            pair.initiate_flow(flow(round * 200 + index));
        }
        pair.run(20);
        let snapshot = pair.b().engine.snapshot();
        assert!(snapshot.bundles.len() <= config.max_bundles_per_peer, "{}", snapshot.bundles.len());
        assert!(snapshot.ike_sas.iter().all(|sa| sa.exchanges.len() <= config.max_quick_modes));
    }
    let all = pair.b().established().len();
    assert!(
        all > config.max_bundles_per_peer,
        "{all}: the bound was never reached, {:?}",
        pair.a().failures()
    );
}

#[test]
fn t085_main_modes_of_one_peer_leave_a_few_ike_sas() {
    let mut pair = Pair::new(62, policy(1, 2), policy(2, 1), Link::new());
    for round in 0..60 {
        let fresh = Host::new(1000 + round, policy(1, 2), Config::default());
        let a = pair.a;
        pair.network.command(a, "restart", |host, _| *host = fresh).unwrap();
        pair.initiate();
        pair.run(2);
        assert_eq!(pair.a().ready(), 1, "the newest is served");
        assert!(pair.b().ready() <= Config::default().max_ike_sas_per_peer);
    }
    assert_eq!(pair.b().ready(), Config::default().max_ike_sas_per_peer);
    // And all of it is quiet: nothing is done before the first of them ends.
    let idle = pair.b().engine.poll_timeout().unwrap().at - pair.network.now();
    assert!(idle > Duration::from_secs(1), "{idle:?}");
}
