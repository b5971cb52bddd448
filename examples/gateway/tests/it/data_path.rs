//! Another data path beside the router: what it is told, and what the router does with what it tells.

use core::net::SocketAddr;
use core::time::Duration;
use std::sync::Arc;

use crypto_provider::CryptoProvider;
use crypto_provider::default::{SeededRandom, provider};
use gateway::ios::parse;
use gateway::router::{DataPath, DataPathAction, Handover, InstallError, Router, RouterOptions};
use ipsec_core::{Protocol, ReplayProtection};
use oakley::{BundleId, Direction, LimitReached};

use crate::pair::{AH_ESP, CANARY, END_A, HOST_A, HOST_B, PRESHARE, Pair, packet};

const SECOND: Duration = Duration::from_secs(1);
const FORCED: &str =
    "crypto ipsec nat-transparency udp-encapsulation\ncrypto isakmp nat force-encapsulation\n";

fn router(name: &str, config: &str, seed: u64) -> Router {
    let provider = CryptoProvider { random: Arc::new(SeededRandom::new(seed)), ..provider() };
    let mut options = RouterOptions::default();
    options.data_path = DataPath::Caller;
    Router::new(name, parse(name, config).unwrap(), provider, options).unwrap()
}

fn pair([a, b]: [&str; 2]) -> Pair {
    Pair { routers: [router("a.cfg", a, 1), router("b.cfg", b, 2)], ..Pair::new([a, b]) }
}

fn actions(router: &mut Router) -> Vec<DataPathAction> {
    core::iter::from_fn(|| router.poll_data_path()).collect()
}

fn number(router: &Router) -> u32 {
    router.flow_numbers().next().unwrap()
}

/// Asks for SAs at the first router; what both data paths are told then.
fn negotiate(pair: &mut Pair) -> [Vec<DataPathAction>; 2] {
    let flow = number(&pair.routers[0]);
    pair.routers[0].demanded(pair.now, flow);
    pair.settle();
    [0, 1].map(|at| actions(&mut pair.routers[at]))
}

fn handovers(actions: &[DataPathAction]) -> Vec<&Handover> {
    let installed = actions.iter().map(|action| match action {
        DataPathAction::Install(handover) => &**handover,
        other => panic!("{other:?}"),
    });
    installed.collect()
}

/// SPI and keys of each SA, innermost first.
fn keys(handover: &Handover) -> Vec<(u32, Vec<u8>, Vec<u8>)> {
    let layers = handover.layers().unwrap();
    let keys = layers
        .iter()
        .map(|sa| (sa.spi.0, sa.encryption_key.expose().to_vec(), sa.integrity_key.expose().to_vec()));
    keys.collect()
}

fn bundle(actions: &[DataPathAction]) -> BundleId {
    handovers(actions)[0].installation.bundle
}

#[test]
fn both_data_paths_get_the_same_keys_inbound_first() {
    let mut pair = pair(AH_ESP);
    let told = negotiate(&mut pair);
    let [a, b] = [0, 1].map(|at| handovers(&told[at]));
    for side in [&a, &b] {
        let directions: Vec<_> = side.iter().map(|one| one.installation.direction).collect();
        assert_eq!(directions, [Direction::Inbound, Direction::Outbound]);
    }
    for (inbound, outbound) in [(a[0], b[1]), (b[0], a[1])] {
        assert_eq!(keys(inbound), keys(outbound));
        assert_eq!(keys(inbound).len(), 2, "AH and ESP");
        assert!(inbound.is_tunnel() && inbound.ports().is_none());
        assert!(matches!(inbound.replay, ReplayProtection::Window(_)));
        let protocols: Vec<_> = inbound.layers().unwrap().iter().map(|sa| sa.transform.protocol).collect();
        assert_eq!(protocols, [oakley::Protocol::Esp, oakley::Protocol::Ah], "AH is outside");
    }
    // Nothing but IKE leaves the routers themselves.
    assert!(pair.wire.iter().all(|(_, packet)| packet[9] == Protocol::UDP.0));
}

#[test]
fn t101_the_router_seals_nothing_and_forwards_nothing_that_another_data_path_protects() {
    let mut pair = pair(PRESHARE);
    negotiate(&mut pair);
    let before = pair.wire.len();
    pair.send_inside(0, &packet(HOST_A, HOST_B, CANARY));
    pair.run_for(SECOND);
    assert_eq!(pair.wire.len(), before);
    assert!(pair.inside[1].is_empty());
    pair.assert_nothing_in_clear();
}

#[test]
fn a_packet_that_was_on_its_way_asks_for_nothing_and_a_later_one_does() {
    let mut pair = pair(PRESHARE);
    negotiate(&mut pair);
    for at in [0, 1] {
        let flow = number(&pair.routers[at]);
        pair.routers[at].demanded(pair.now, flow);
        pair.settle();
        assert!(actions(&mut pair.routers[at]).is_empty(), "router {at} began once more");
    }
    pair.run_for(10 * SECOND);
    let [a, _] = negotiate(&mut pair);
    assert_eq!(a.len(), 2, "somebody has taken the SAs away");
}

#[test]
fn limits_that_the_data_path_counts_renew_and_end_a_bundle() {
    let mut pair = pair(PRESHARE);
    let first = bundle(&negotiate(&mut pair)[0]);
    pair.routers[0].used(pair.now, first, LimitReached::Soft);
    pair.settle();
    let told = actions(&mut pair.routers[0]);
    let second = bundle(&told);
    assert!(told.len() == 2 && second != first);
    pair.routers[0].used(pair.now, first, LimitReached::Hard);
    pair.settle();
    let told = actions(&mut pair.routers[0]);
    assert!(matches!(told.as_slice(), [DataPathAction::Remove(gone)] if *gone == first), "{told:?}");
    let view = pair.routers[0].snapshot(pair.now);
    assert_eq!(view.flows[0].inbound.len(), 1);
}

#[test]
fn lives_in_seconds_end_without_a_word_of_the_data_path() {
    let line = "\ncrypto ipsec security-association lifetime seconds 120\nend";
    let configs = PRESHARE.map(|config| config.replacen("\nend", line, 1));
    let mut pair = pair([&configs[0], &configs[1]]);
    let first = bundle(&negotiate(&mut pair)[0]);
    pair.run_for(130 * SECOND);
    let told = actions(&mut pair.routers[0]);
    assert!(told.iter().any(|action| matches!(action, DataPathAction::Remove(gone) if *gone == first)));
    assert!(told.iter().any(|action| matches!(action, DataPathAction::Install(_))), "a successor");
}

#[test]
fn a_data_path_that_refuses_ends_the_bundle_at_both_ends() {
    let mut pair = pair(PRESHARE);
    let told = negotiate(&mut pair);
    let error = InstallError::Elsewhere("no such cipher".to_owned());
    pair.routers[0].not_installed(pair.now, bundle(&told[0]), error);
    pair.settle();
    for at in [0, 1] {
        let gone = actions(&mut pair.routers[at]);
        assert!(matches!(gone.as_slice(), [DataPathAction::Remove(_)]), "router {at}: {gone:?}");
        assert!(pair.routers[at].snapshot(pair.now).flows[0].inbound.is_empty());
    }
}

/// Without a replay window the kernel tells of every packet, however old.
#[test]
fn t115_a_peer_that_another_data_path_has_seen_elsewhere_is_followed_with_a_replay_window_only() {
    let followed = |more: &str| {
        let more = format!("{FORCED}{more}crypto isakmp policy 1\n");
        let configs = PRESHARE.map(|config| config.replace("crypto isakmp policy 1\n", &more));
        let mut pair = pair([&configs[0], &configs[1]]);
        let one = bundle(&negotiate(&mut pair)[1]);
        let elsewhere = SocketAddr::from((END_A, 50_000));
        pair.routers[1].moved(pair.now, one, elsewhere);
        pair.settle();
        match actions(&mut pair.routers[1]).as_slice() {
            [] => false,
            [DataPathAction::Move(moved, path)] => *moved == one && path.remote == elsewhere,
            other => panic!("{other:?}"),
        }
    };
    assert!(followed(""));
    assert!(!followed("crypto ipsec security-association replay disable\n"));
}

#[test]
fn what_the_data_path_counts_is_shown() {
    let mut pair = pair(AH_ESP);
    let one = bundle(&negotiate(&mut pair)[0]);
    let (now, router) = (pair.now, &mut pair.routers[0]);
    for protocol in [oakley::Protocol::Esp, oakley::Protocol::Ah] {
        router.counted(now, one, (Direction::Outbound, protocol), (7, 700));
        router.counted(now, one, (Direction::Outbound, protocol), (9, 900));
        router.counted(now, one, (Direction::Inbound, protocol), (3, 2048));
    }
    let flow = &router.snapshot(pair.now).flows[0];
    assert_eq!((flow.counters.encaps, flow.counters.encrypt, flow.counters.digest), (9, 9, 9));
    assert_eq!((flow.counters.decaps, flow.counters.decrypt, flow.counters.verify), (3, 3, 3));
    assert!(flow.outbound.iter().all(|sa| (sa.packets, sa.octets) == (9, 900)));
    assert!(flow.inbound.iter().all(|sa| sa.remaining_kilobytes == Some(4_608_000 - 2)));
}

#[test]
fn flows_keep_their_numbers_and_new_ones_get_fresh_ones() {
    let mut pair = pair(PRESHARE);
    negotiate(&mut pair);
    let before: Vec<u32> = pair.routers[0].flow_numbers().collect();
    let more = "access-list 133 permit ip host 50.50.50.7 host 60.60.60.7\naccess-list 133 permit";
    let config = PRESHARE[0].replacen("access-list 133 permit", more, 1);
    let config = parse("a.cfg", &config).unwrap();
    pair.routers[0].reconfigure(pair.now, "a.cfg", config).unwrap();
    let after: Vec<u32> = pair.routers[0].flow_numbers().collect();
    assert_eq!((before.as_slice(), after.len()), (&[0][..], 2));
    assert_eq!(after[1], 0, "the old flow, which is the second one now");
    assert_ne!(after[0], after[1]);
}

#[test]
fn counters_of_the_data_path_tell_whether_a_peer_is_alive() {
    let configs = PRESHARE.map(|config| {
        config.replacen("version 11.3", "version 12.4\ncrypto isakmp keepalive 10 2 on-demand", 1)
    });
    let asked_after = |sent, came: u64| {
        let mut pair = pair([&configs[0], &configs[1]]);
        let one = bundle(&negotiate(&mut pair)[0]);
        assert!(pair.routers[0].counting_interval().is_some());
        pair.run_for(20 * SECOND);
        let before = pair.wire.len();
        let now = pair.now;
        pair.routers[0].counted(now, one, (Direction::Outbound, oakley::Protocol::Esp), (sent, 100));
        pair.routers[0].counted(now, one, (Direction::Inbound, oakley::Protocol::Esp), (came, 100));
        pair.run_for(15 * SECOND);
        pair.wire.len() - before
    };
    assert_eq!(asked_after(0, 0), 0, "nobody minds");
    assert_eq!(asked_after(5, 5), 0, "it answers");
    assert_ne!(asked_after(5, 0), 0, "it is asked whether it is there");
    let mut plain = pair(PRESHARE);
    negotiate(&mut plain);
    // Without the command too: a bundle that sends while nothing comes back may be one that the peer has lost.
    assert_eq!(plain.routers[0].counting_interval(), Some(10 * SECOND));
}
