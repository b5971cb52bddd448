//! What keeps a router from serving whom it should not, and from losing what it should keep, when its configuration changes.

use core::net::Ipv4Addr;
use core::time::Duration;

use gateway::ios::parse;
use gateway::router::{Occurrence, RouterError, datagram};
use ipsec_core::Protocol;
use oakley::{Event, Incompatibility, Reject};

use crate::pair::{CANARY, END_A, END_B, HOST_A, HOST_B, PRESHARE, Pair, packet};

const SECOND: Duration = Duration::from_secs(1);
/// An address that no map of the configurations names.
const STRANGER: Ipv4Addr = Ipv4Addr::new(20, 20, 20, 99);

fn edited(config: &str, from: &str, to: &str) -> String {
    assert!(config.contains(from), "{from}");
    config.replace(from, to)
}

/// T033: a key for everybody lets nobody in whom no map names: the peer that holds it gets an answer, a stranger silence.
#[test]
fn t033_a_wildcard_key_makes_nobody_a_peer() {
    let everybody = edited(PRESHARE[0], "sharedkey address 20.20.20.20", "sharedkey address 0.0.0.0 0.0.0.0");
    let mut pair = Pair::new([&everybody, PRESHARE[1]]);
    pair.connected = false;
    pair.send_inside(1, &packet(HOST_B, HOST_A, CANARY));
    let first = pair.on_wire(1, Protocol::UDP).remove(0)[28..].to_vec();
    for (from, answers) in [(STRANGER, 0), (END_B, 1)] {
        pair.send_outside(0, &datagram::udp((from, 500), (END_A, 500), 7, &first).unwrap());
        assert_eq!(pair.on_wire(0, Protocol::UDP).len(), answers, "{from}");
        assert_eq!(pair.routers[0].snapshot(pair.now).ike_sas.len(), answers, "{from}");
    }
    let refused = pair.happenings[0].iter().filter(|happening| {
        matches!(&happening.what, Occurrence::Ike(Event::Rejected {
            path,
            why: Reject::Incompatible(Incompatibility::UnknownPeer { .. }),
            ..
        }) if path.remote.ip() == STRANGER)
    });
    assert_eq!(refused.count(), 1);
}

/// Each router's IKE SAs and bundles.
fn counts(pair: &Pair) -> [(usize, usize); 2] {
    [0, 1].map(|at| {
        let view = pair.routers[at].snapshot(pair.now);
        (view.ike_sas.len(), view.flows[0].inbound.len())
    })
}

/// Whoever knows only the key for everybody is not the peer that has a key of its own, though it has that address.
#[test]
fn t033_the_key_for_everybody_does_not_open_a_host_that_has_its_own() {
    let own = "crypto isakmp key sharedkey address 20.20.20.20";
    let both =
        edited(PRESHARE[0], own, &format!("{own}\ncrypto isakmp key everybodys address 0.0.0.0 0.0.0.0"));
    let member = edited(PRESHARE[1], "key sharedkey", "key everybodys");
    for (peer, bundles) in [(PRESHARE[1], 1), (member.as_str(), 0)] {
        let mut pair = Pair::new([&both, peer]);
        pair.send_inside(1, &packet(HOST_B, HOST_A, CANARY));
        pair.run_for(10 * SECOND);
        assert_eq!(counts(&pair).map(|(_, bundles)| bundles), [bundles; 2]);
    }
}

/// A key that was changed may have been lost to somebody: what was negotiated under it ends, here and at the peer.
#[test]
fn a_changed_key_ends_what_was_negotiated_under_the_former() {
    let mut pair = Pair::up(PRESHARE);
    let text = edited(PRESHARE[0], "key sharedkey", "key anotherkey");
    assert_eq!(counts(&pair), [(1, 1); 2]);
    pair.routers[0].reconfigure(pair.now, "a.cfg", parse("a.cfg", &text).unwrap()).unwrap();
    pair.settle();
    pair.run_for(SECOND);
    assert_eq!(counts(&pair), [(0, 0); 2]);
    // Nothing passes until the peer has the new key, and nothing in clear.
    let inside = pair.inside[1].len();
    pair.send_inside(0, &packet(HOST_A, HOST_B, CANARY));
    pair.run_for(10 * SECOND);
    assert_eq!(pair.inside[1].len(), inside);
    pair.assert_nothing_in_clear();
}

/// A configuration that cannot run leaves the former in force, SAs and all.
#[test]
fn a_configuration_that_cannot_run_changes_nothing() {
    let cannot_run = [
        // Certificates are not there yet.
        edited(PRESHARE[0], "authentication pre-share", "authentication rsa-sig"),
        edited(PRESHARE[0], "set transform-set auth2", "set transform-set missing"),
    ];
    for text in cannot_run {
        let mut pair = Pair::up(PRESHARE);
        let (before, wire) = (counts(&pair), pair.wire.len());
        let refused = pair.routers[0].reconfigure(pair.now, "a.cfg", parse("a.cfg", &text).unwrap());
        assert!(matches!(refused, Err(RouterError::Config(_))), "{refused:?}");
        pair.settle();
        assert_eq!(*pair.routers[0].config(), parse("a.cfg", PRESHARE[0]).unwrap());
        assert_eq!((counts(&pair), pair.wire.len()), (before, wire), "the peer was told of nothing");
        let inside = pair.inside[1].len();
        pair.send_inside(0, &packet(HOST_A, HOST_B, CANARY));
        assert_eq!(pair.inside[1].len(), inside + 1, "the SAs carry on");
    }
}
