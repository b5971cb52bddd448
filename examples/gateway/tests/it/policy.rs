//! What a configuration may ask for, and what several interfaces, maps and flows mean for each other.

use core::net::Ipv4Addr;
use core::time::Duration;

use gateway::check;
use ipsec_core::{DropReason, Protocol};
use netsim::{Node as _, Port};

use crate::pair::{AH_ESP, CANARY, HOST_A, HOST_B, PRESHARE, Pair, packet, router};

const SECOND: Duration = Duration::from_secs(1);
/// A second interface with a map of its own, beside Serial0.
const SECOND_MAP: &str = "
crypto map other 10 ipsec-isakmp
 set peer 30.30.30.30
 set transform-set auth2
 match address 134
crypto isakmp key sharedkey address 30.30.30.30
interface Serial1
 ip address 30.30.30.31 255.255.255.0
 crypto map other
ip route 70.70.70.0 255.255.255.0 30.30.30.30
access-list 134 permit ip 50.50.50.0 0.0.0.255 70.70.70.0 0.0.0.255
";

/// T101, T139: what one map wants protected is not let in by the interface of another map.
#[test]
fn t101_a_clear_packet_is_not_let_in_by_the_interface_of_another_map() {
    let config = PRESHARE[0].replace("\nend\n", SECOND_MAP);
    let mut router = router("a.cfg", &config, 1);
    let (lan, other) = (Port(0), Port(2));
    let mut arrives = |source: [u8; 4]| {
        router.handle_packet(Duration::ZERO, other, &packet(Ipv4Addr::from(source), HOST_A, CANARY));
        let delivered =
            core::iter::from_fn(|| router.poll_transmit()).filter(|(port, _)| *port == lan).count();
        (delivered, router.counters().spoofed, router.drops().get(DropReason::Unprotected))
    };
    assert_eq!(arrives([60, 60, 60, 1]), (0, 1, 0), "protected by the map of Serial0");
    assert_eq!(arrives([50, 50, 50, 5]), (0, 2, 0), "a net inside");
    assert_eq!(arrives([70, 70, 70, 1]), (0, 2, 1), "protected by this map");
    assert_eq!(arrives([30, 30, 30, 9]), (1, 2, 1), "a neighbour that no map speaks of");
}

fn with_set(set: &str) -> [String; 2] {
    PRESHARE.map(|config| config.replace("auth2 esp-des esp-sha-hmac", &format!("auth2 {set}")))
}

/// Every transform set that `check` accepts is negotiated and carries a packet.
#[test]
fn every_set_that_check_accepts_carries_packets() {
    let ahs = [
        "",
        "ah-md5-hmac",
        "ah-sha-hmac",
        "ah-sha256-hmac",
        "ah-sha384-hmac",
        "ah-sha512-hmac",
        "ah-rfc1828",
    ];
    let ciphers = [
        "",
        "esp-des",
        "esp-3des",
        "esp-aes",
        "esp-aes 192",
        "esp-aes 256",
        "esp-gcm",
        "esp-gcm 256",
        "esp-null",
        "esp-rfc1829",
    ];
    let authenticators =
        ["", "esp-md5-hmac", "esp-sha-hmac", "esp-sha256-hmac", "esp-sha384-hmac", "esp-sha512-hmac"];
    let mut accepted = Vec::new();
    for ah in ahs {
        for cipher in ciphers {
            for authenticator in authenticators {
                let set = [ah, cipher, authenticator].join(" ");
                let configs = with_set(set.trim());
                if check::load("a.cfg", configs[0].as_bytes()).is_err() {
                    continue;
                }
                let mut pair = Pair::new([&configs[0], &configs[1]]);
                pair.send_inside(0, &packet(HOST_A, HOST_B, CANARY));
                pair.run_for(SECOND);
                assert_eq!(pair.inside[1].len(), 1, "'{set}' negotiates nothing");
                pair.send_inside(1, &packet(HOST_B, HOST_A, CANARY));
                assert_eq!(pair.inside[0].len(), 1, "'{set}' carries nothing back");
                accepted.push(set.trim().to_owned());
            }
        }
    }
    // AH alone; each of five ciphers with an authenticator or none, GCM without, NULL with one; beside each AH or none.
    assert!(accepted.iter().any(|set| set == "esp-des"), "{accepted:?}");
    assert!(!accepted.iter().any(|set| set.ends_with("esp-null")), "{accepted:?}");
    assert_eq!(accepted.len(), 5 + 6 * 5 * 6 + 6 * 2 + 6 * 5, "{accepted:?}");
}

/// A Quick Mode that the peer refuses is the end of its own flow's packets, and of no others.
#[test]
fn a_refused_quick_mode_fails_its_own_flow_only() {
    // The second line of the first router's list has no counterpart at the second router.
    let [a, b] = PRESHARE;
    let line = "access-list 133 permit ip 50.50.50.0 0.0.0.255 60.60.60.0 0.0.0.255\n";
    let more = format!("{line}access-list 133 permit ip 50.50.50.0 0.0.0.255 80.80.80.0 0.0.0.255\n");
    let a = a.replace(line, &more);
    let mut pair = Pair::new([&a, b]);
    // Both wait for phase 1; the one that will be refused asks first.
    pair.connected = false;
    pair.send_inside(0, &packet(HOST_A, Ipv4Addr::new(80, 80, 80, 1), CANARY));
    pair.send_inside(0, &packet(HOST_A, HOST_B, CANARY));
    pair.connected = true;
    pair.run_for(10 * SECOND);
    let flows = pair.routers[0].snapshot(pair.now).flows;
    assert_eq!(flows.iter().map(|flow| flow.counters.send_errors).collect::<Vec<_>>(), [0, 1]);
    assert_eq!((flows[0].counters.encaps, pair.inside[1].len()), (1, 1));
}

/// Every group that a configuration can name carries both phases.
#[test]
fn every_group_carries_both_phases() {
    for group in [1, 2, 5, 14, 15, 19, 20, 21] {
        let configs = PRESHARE.map(|config| {
            config
                .replace("group 2\n", &format!("group {group}\n"))
                .replace(" set transform-set", &format!(" set pfs group{group}\n set transform-set"))
        });
        let mut pair = Pair::new([&configs[0], &configs[1]]);
        pair.send_inside(0, &packet(HOST_A, HOST_B, CANARY));
        pair.run_for(SECOND);
        assert_eq!(pair.inside[1].len(), 1, "group {group}");
    }
}

/// S124: an interface that is shut down has no address, so its map is not used; what it would have protected is dropped.
#[test]
fn an_interface_that_is_shut_down_carries_nothing() {
    let down = PRESHARE[0].replace("interface Serial0\n", "interface Serial0\n shutdown\n");
    assert_ne!(down, PRESHARE[0]);
    let mut pair = Pair::new([&down, PRESHARE[1]]);
    pair.send_inside(0, &packet(HOST_A, HOST_B, CANARY));
    pair.run_for(SECOND);
    assert!(pair.wire.is_empty() && pair.inside[1].is_empty());
}

/// S023: UDP between ports 500, and protocol 50 or 51, are all that filters between the routers must let through.
#[test]
fn udp_500_and_protocols_50_and_51_are_all_that_is_on_the_wire() {
    for (configs, outermost) in [(PRESHARE, Protocol::ESP), (AH_ESP, Protocol::AH)] {
        let pair = Pair::up(configs);
        let ike = pair.on_wire(0, Protocol::UDP);
        assert!(ike.iter().all(|packet| packet[20..24] == [1, 0xf4, 1, 0xf4]) && !ike.is_empty());
        let protected = pair.on_wire(0, outermost).len();
        assert_eq!(protected, 1);
        let sent = pair.wire.iter().filter(|(from, _)| *from == 0).count();
        assert_eq!(sent, ike.len() + protected);
    }
}
