use core::net::Ipv4Addr;
use core::time::Duration;
use std::sync::Arc;

use crypto_provider::CryptoProvider;
use crypto_provider::default::{SeededRandom, provider};
use netsim::{Node, Port};
use oakley::{Input, LimitReached, Target};

use crate::ios::parse;
use crate::router::{Router, RouterOptions, datagram};

const CONFIGS: [&str; 2] =
    [include_str!("../../../configs/preshare-a.cfg"), include_str!("../../../configs/preshare-b.cfg")];
const LAN: Port = Port(0);

/// Two routers with a tunnel between them that has carried a packet.
fn pair() -> [Router; 2] {
    let mut routers = [0, 1].map(|index| {
        let random = Arc::new(SeededRandom::new(index as u64));
        let config = parse("router.cfg", CONFIGS[index]).unwrap();
        let provider = CryptoProvider { random, ..provider() };
        Router::new("router.cfg", config, provider, RouterOptions::default()).unwrap()
    });
    let hosts = [Ipv4Addr::new(50, 50, 50, 1), Ipv4Addr::new(60, 60, 60, 1)];
    let packet = datagram::udp((hosts[0], 9), (hosts[1], 9), 1, b"text").unwrap();
    routers[0].handle_packet(Duration::ZERO, LAN, &packet);
    let mut inside = 0;
    for _ in 0..20 {
        for from in [0, 1] {
            while let Some((port, packet)) = routers[from].poll_transmit() {
                match port {
                    LAN => inside += 1,
                    port => routers[1 - from].handle_packet(Duration::ZERO, port, &packet),
                }
            }
        }
    }
    assert_eq!(inside, 1);
    routers
}

/// RFC 4301 4.4.2.1: a hard limit ends the SAs of the data path, whatever the engine knows of them.
#[test]
fn past_a_hard_limit_sas_go_that_the_engine_has_forgotten() {
    let [mut router, _] = pair();
    let bundle = *router.flows.bundles.keys().next().unwrap();
    router.engine.handle_input(Duration::ZERO, Input::Delete(Target::Bundle(bundle))).unwrap();
    // What the engine says of it is lost.
    while router.engine.poll_output().is_some() {}
    router.tell_used(Duration::ZERO, bundle, LimitReached::Soft);
    assert!(router.flows.bundles.contains_key(&bundle));
    router.tell_used(Duration::ZERO, bundle, LimitReached::Hard);
    assert!(!router.flows.bundles.contains_key(&bundle));
}
