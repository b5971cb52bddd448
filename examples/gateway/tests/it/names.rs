//! Row T140: names of peers. A name is resolved by the configuration alone, and whoever is at its address must still prove who
//! he is.

use core::time::Duration;

use ipsec_core::Protocol;
use oakley::{Event, Incompatibility, Reject};

use gateway::router::Occurrence;

use super::pair::{CANARY, HOST_A, HOST_B, PRESHARE, Pair, packet};

/// A router whose peer has a name, which the configuration resolves to the address of the router at the other end.
fn named(key_of: &str, key: &str) -> String {
    let text = PRESHARE[0]
        .replace(
            "crypto isakmp key sharedkey address 20.20.20.20",
            &format!("crypto isakmp key {key} {key_of}\nip host b.example 20.20.20.20"),
        )
        .replace("set peer 20.20.20.20", "set peer b.example");
    assert!(text.contains("set peer b.example") && text.contains(key_of));
    text
}

/// Both routers ask for a tunnel; whether there is one.
fn comes_up(configs: [&str; 2]) -> (bool, Pair) {
    let mut pair = Pair::new(configs);
    pair.send_inside(0, &packet(HOST_A, HOST_B, CANARY));
    pair.run_for(Duration::from_secs(20));
    pair.send_inside(1, &packet(HOST_B, HOST_A, CANARY));
    pair.run_for(Duration::from_secs(200));
    pair.assert_nothing_in_clear();
    let up = pair.inside.iter().any(|inside| !inside.is_empty());
    assert_eq!(up, !pair.on_wire(0, Protocol::ESP).is_empty());
    (up, pair)
}

/// The resolver's lie is an address at which somebody else is: nothing is sent to him, for he does not have the key of the name.
#[test]
fn t140_whoever_is_at_the_address_of_a_name_must_prove_it() {
    for aggressive in ["", "crypto isakmp aggressive-mode disable\n"] {
        let with = |key: &str| {
            named("hostname b.example", key).replace("version 11.3\n", &format!("version 11.3\n{aggressive}"))
        };
        let other = PRESHARE[1].replace("version 11.3\n", &format!("version 11.3\n{aggressive}"));
        let (up, pair) = comes_up([&with("anotherkeyofthename"), &other]);
        assert!(!up, "{aggressive}");
        for snapshot in pair.routers.iter().map(|router| router.snapshot(pair.now)) {
            assert!(snapshot.flows.iter().all(|flow| flow.inbound.is_empty() && flow.outbound.is_empty()));
        }
    }
    // The same in Main Mode with the key of the name: the router at that address is the one that was meant.
    let truth = named("hostname b.example", "sharedkey")
        .replace("version 11.3\n", "version 11.3\ncrypto isakmp aggressive-mode disable\n");
    let (up, _) = comes_up([&truth, PRESHARE[1]]);
    assert!(up);
}

/// The key of a name is that of the addresses which the configuration gives to it: what an address is called elsewhere makes no
/// key its own.
#[test]
fn t140_no_key_is_chosen_by_the_name_of_an_address() {
    let here = PRESHARE[0].replace(
        "crypto isakmp key sharedkey address 20.20.20.20",
        "crypto isakmp key sharedkey hostname b.example\nip host b.example 20.20.20.99\nip host other.example 20.20.20.20",
    );
    assert_ne!(here, PRESHARE[0]);
    let (up, pair) = comes_up([&here, PRESHARE[1]]);
    assert!(!up);
    let no_key = |one: &&gateway::router::Happening| {
        let Occurrence::Ike(Event::Rejected { why, .. }) = &one.what else { return false };
        matches!(why, Reject::Incompatible(Incompatibility::NoKey(_) | Incompatibility::UnknownPeer { .. }))
    };
    assert!(pair.happenings[0].iter().any(|one| no_key(&one)));
}
