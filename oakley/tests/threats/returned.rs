//! Incomplete exchanges of peers whose address is real, because our cookie came back: bounded all the same.

use core::net::SocketAddr;
use core::time::Duration;

use oakley::*;

use crate::pair::*;

/// Brings message 3 of a new peer at `from` to the responder, which answers or not.
fn contribute(responder: &mut Host, index: u64, from: SocketAddr, now: Duration) -> usize {
    let gateway = address(2);
    let mut peer = Host::new(3000 + index, policy(1, 2), Config::default());
    let path = Path { local: from, remote: gateway };
    let request = Request { path, selectors: SelectorPair { local: net(1), remote: net(2) } };
    peer.engine.handle_input(now, Input::Initiate(request)).unwrap();
    peer.drain();
    responder.datagram(now, from, gateway, &peer.sent[0]);
    let second = responder.sent.last().unwrap().clone();
    peer.datagram(now, gateway, from, &second);
    let before = responder.sent.len();
    responder.datagram(now, from, gateway, &peer.sent[1]);
    responder.sent.len() - before
}

fn responder(change: impl FnOnce(&mut Config)) -> Host {
    let mut config = Config::default();
    change(&mut config);
    Host::new(3, policy(2, 1), config)
}

#[test]
fn t080_returned_cookies_are_bounded() {
    let mut host = responder(|config| config.max_half_open = 4);
    for index in 0..8_u8 {
        let from = SocketAddr::from(([10, 7, 0, index], 500));
        assert_eq!(contribute(&mut host, index.into(), from, Duration::ZERO), 1);
    }
    let snapshot = host.engine.snapshot();
    assert_eq!((snapshot.ike_sas.len(), snapshot.counters.displaced), (4, 4));
    // The oldest have made room.
    let last: Vec<u8> =
        snapshot.ike_sas.iter().map(|sa| sa.path.remote.to_string().as_bytes()[7] - b'0').collect();
    assert_eq!(last, [4, 5, 6, 7]);
}

#[test]
fn t080_returned_cookies_of_one_source_are_bounded() {
    let mut host = responder(|config| config.max_half_open_per_source = 2);
    for index in 0..6_u16 {
        let from = SocketAddr::from(([10, 7, 0, 1], 5000 + index));
        assert_eq!(contribute(&mut host, index.into(), from, Duration::ZERO), 1);
    }
    let other = SocketAddr::from(([10, 7, 0, 2], 500));
    assert_eq!(contribute(&mut host, 90, other, Duration::ZERO), 1);
    let ports: Vec<u16> = host.engine.snapshot().ike_sas.iter().map(|sa| sa.path.remote.port()).collect();
    assert_eq!(ports, [5004, 5005, 500]);
}

/// What an exchange may take is counted from its first message; the third, which costs the peer nothing, buys no more time.
#[test]
fn t083_message_3_does_not_renew_the_life_of_a_half_open_exchange() {
    let life = Config::default().half_open_life;
    let mut host = responder(|_| {});
    let gateway = address(2);
    let mut peer = Host::new(3100, policy(1, 2), Config::default());
    let from = address(1);
    let request = Request { path: Pair::path(), selectors: SelectorPair { local: net(1), remote: net(2) } };
    peer.engine.handle_input(Duration::ZERO, Input::Initiate(request)).unwrap();
    peer.drain();
    host.datagram(Duration::ZERO, from, gateway, &peer.sent[0]);
    peer.datagram(Duration::ZERO, gateway, from, &host.sent[0]);
    let late = life - Duration::from_secs(1);
    host.engine.handle_timeout(late);
    host.datagram(late, from, gateway, &peer.sent[1]);
    assert_eq!(host.sent.len(), 2, "message 4");
    assert_eq!(host.engine.snapshot().ike_sas.len(), 1);
    host.engine.handle_timeout(life);
    host.drain();
    assert!(host.engine.snapshot().ike_sas.is_empty());
    assert_eq!(host.failures(), [Abort::TimedOut]);
}
