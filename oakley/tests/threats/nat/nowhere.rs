//! A translator that is seen where none is: a bit of NAT-D changed on the way (RFC 3947 3.2 protects nothing).

use isakmp_wire::ExchangeType;

use super::lies::{nat_d, rewrite_clear};
use super::*;
use crate::forger::*;

/// Two peers on a plain wire, of which the responder takes itself (NAT-D 0) or the initiator (NAT-D 1) to be behind a translator.
fn misled(seed: u64, proposals: &[Phase2Proposal], altered: usize) -> Bench {
    let with = |me, peer| {
        let mut policy = policy(me, peer);
        policy.nat = NatTraversal::default();
        policy.phase2 = policy.phase2.map(|phase2| Phase2Policy { proposals: proposals.to_vec(), ..phase2 });
        policy
    };
    let mut bench = Bench::with(seed, with(1, 2), with(2, 1));
    bench.initiate();
    bench.run_to(2);
    let (to, octets) = bench.next().unwrap();
    let altered = rewrite_clear(&octets, |payloads| {
        let mut found = payloads.iter_mut().filter(|one| one.get::<NatDiscovery>().is_some());
        *found.nth(altered).unwrap() = nat_d(NatNumbering::Rfc, 7);
    });
    bench.deliver(to, &altered.unwrap());
    bench.run(|_, _, _, _| {});
    assert!(!bench.complete(), "they agree all the same");
    bench
}

fn ask(bench: &mut Bench, from: usize) {
    let (me, peer) = (from as u8 + 1, 2 - from as u8);
    let path = Path { local: address(me), remote: address(peer) };
    let selectors = SelectorPair { local: net(me), remote: net(peer) };
    let request = Input::Initiate(Request { path, selectors });
    bench.hosts[from].engine.handle_input(bench.now, request).unwrap();
    bench.deliver(from, &[]);
    bench.run(|_, _, _, _| {});
}

fn begun(bench: &Bench) -> usize {
    let main = ExchangeType::IDENTITY_PROTECTION;
    let begun = |event: &&Event| matches!(event, Event::Started { exchange, .. } if *exchange == main);
    bench.hosts.iter().map(|host| host.events.iter().filter(begun).count()).sum()
}

/// Keepalives are for the port of NAT traversal: a responder that takes itself to be behind a translator stays at port 500, where
/// they would be bad messages (RFC 3948 2.3).
#[test]
fn t114_no_keepalive_leaves_from_port_500() {
    let mut bench = misled(61, &[proposal(&[esp()])], 0);
    assert!(bench.hosts[B].engine.snapshot().ike_sas.iter().all(|sa| sa.path.local.port() == 500));
    for second in 0..120 {
        bench.now = Duration::from_secs(second);
        bench.hosts[B].engine.handle_timeout(bench.now);
        bench.hosts[B].drain();
    }
    assert!(bench.hosts[B].sent.iter().all(|octets| octets.len() > 1));
}

/// Whoever is refused, and whoever can offer nothing, looks again under a new IKE SA: not at once, for policies that do not fit
/// look the same, but within half a minute.
#[test]
fn t116_a_translator_that_is_not_there_is_looked_for_again() {
    for (proposals, from) in
        [(vec![proposal(&[esp()])], A), (vec![proposal(&[ah()])], A), (vec![proposal(&[ah()])], B)]
    {
        let mut bench = misled(60, &proposals, 1);
        ask(&mut bench, from);
        assert_eq!(begun(&bench), 2, "one Main Mode, and both ends tell of it");
        assert!(bench.hosts.iter().all(|host| host.installed.is_empty()), "{proposals:?}");
        bench.now += Duration::from_secs(30);
        ask(&mut bench, from);
        assert!(bench.complete(), "{proposals:?} from {from}: {:?}", bench.hosts[from].events.last());
        let plain = |sa: &Installation| sa.encapsulation == Encapsulation::Tunnel;
        assert!(bench.hosts.iter().flat_map(|host| &host.installed).all(plain));
    }
}
