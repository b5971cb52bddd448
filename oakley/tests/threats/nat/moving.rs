//! Rows T113 to T115: ports, keepalives, and peers that move or seem to.

use super::*;

#[test]
fn t113_500_and_4500_are_not_mixed_up() {
    let mut site = one();
    let (ike, nat) = (end(GATEWAY, 500), end(GATEWAY, 4500));
    let (from_ike, from_nat) = (site.outside(0, 500), site.outside(0, 4500));
    for datagram in site.seen.clone() {
        let is_marked = datagram.destination.port() == 4500;
        if is_marked {
            // Without marker on 4500; on 500 with and without it: the peers have moved.
            let bare = datagram.payload[4..].to_vec();
            site.quiet(from_nat, nat, &bare);
            site.quiet(from_ike, ike, &bare);
            site.quiet(from_ike, ike, &datagram.payload);
        } else {
            site.quiet(from_nat, nat, &datagram.payload);
            site.quiet(from_ike, ike, &[&[0; 4], &datagram.payload[..]].concat());
        }
    }
    for len in 0..=8 {
        for fill in [0, 1, 0xff] {
            site.quiet(from_nat, nat, &vec![fill; len]);
            site.quiet(from_ike, ike, &vec![fill; len]);
        }
    }
    let old = |reject: &Reject| matches!(reject, Reject::Misbehaved(Misbehaviour::OldPort));
    assert!(site.gateway.rejects().iter().any(old));
}

#[test]
fn t114_keepalives_are_nothing() {
    let mut site = one();
    let counters = format!("{:?}", site.gateway.engine.snapshot().counters);
    let events = site.gateway.events.len();
    for from in [site.outside(0, 4500), end([203, 0, 113, 66], 4500)] {
        site.now += Duration::from_secs(1);
        for _ in 0..100_000 {
            site.gateway.datagram(site.now, from, end(GATEWAY, 4500), &[0xff]);
        }
        site.quiet(from, end(GATEWAY, 4500), &[0xff]);
    }
    assert_eq!(site.gateway.events.len(), events, "no event, no sign of life");
    assert_eq!(format!("{:?}", site.gateway.engine.snapshot().counters), counters);
    // On the port of IKE, or of two octets, they are malformed, and as quiet.
    site.quiet(site.outside(0, 500), end(GATEWAY, 500), &[0xff]);
    site.quiet(site.outside(0, 4500), end(GATEWAY, 4500), &[0xff, 0xff]);
}

#[test]
fn t115_what_was_heard_before_moves_nobody() {
    let mut site = one();
    let attacker = end([203, 0, 113, 66], 4500);
    let paths = site.gateway_paths();
    // The very first message is anybody's: from elsewhere it begins another exchange, which ends with it.
    for index in 1..site.seen.len() {
        site.replay(index, attacker);
        while let Some((_, answer)) = site.gateway.poll_transmit() {
            assert_ne!(answer.destination, attacker, "message {index}");
        }
        assert_eq!(site.gateway_paths(), paths, "message {index}");
    }
    // A Quick Mode message that the attacker held back is authentic and may be old: it is answered, and moves nothing.
    let before = site.seen.len();
    let (_, host) = &mut site.clients[0];
    let path = Path { local: end([10, 0, 0, 2], 500), remote: end(GATEWAY, 500) };
    let selectors = SelectorPair { local: net(1), remote: net(2) };
    host.engine.handle_input(site.now, Input::Initiate(Request { path, selectors })).unwrap();
    let (_, first) = host.poll_transmit().unwrap();
    site.gateway.datagram(site.now, attacker, first.destination, &first.payload);
    let (_, answer) = site.gateway.poll_transmit().unwrap();
    assert_eq!(answer.destination, attacker);
    assert_eq!((site.gateway_paths(), site.seen.len()), (paths, before));
    let sa = &site.gateway.engine.snapshot().ike_sas[0];
    assert_eq!(sa.path.remote, site.outside(0, 4500));
}

#[test]
fn t115_a_rebinding_is_followed() {
    let mut site = one();
    let old = site.outside(0, 4500);
    site.first_port = 30_000;
    let new = site.outside(0, 4500);
    // The next Quick Mode ends with a message that covers the gateway's nonce.
    site.initiate(0, 1);
    assert_ne!(old, new);
    let to = Path { local: end(GATEWAY, 4500), remote: new };
    assert_eq!(site.gateway_paths(), [to, to]);
    assert_eq!(site.gateway.moved.len(), 2);
    assert!(site.gateway.moved.iter().all(|(_, path)| *path == to));
    assert!(site.gateway.events.iter().any(|event| matches!(event, Event::Moved { .. })));
    // What comes from the old port now is old.
    site.replay(site.seen.len() - 1, old);
    assert_eq!(site.gateway_paths(), [to, to]);
}

/// The data path's word: only for a peer behind a translator, and only to where one peer can be.
#[test]
fn t115_the_data_path_moves_a_bundle_of_a_peer_behind_a_translator_only() {
    let mut site = one();
    let bundle = site.gateway.engine.snapshot().bundles[0].id;
    let to = |remote| Path { local: end(GATEWAY, 4500), remote };
    let moved = |site: &mut Site, path| {
        site.gateway.engine.handle_input(site.now, Input::Moved { bundle, path }).unwrap();
        site.gateway.drain();
        site.gateway.moved.len()
    };
    let before = site.gateway_paths();
    for remote in
        ["224.0.0.9:4500", "255.255.255.255:4500", "192.0.2.2:4500", "0.0.0.0:4500", "203.0.113.9:0"]
    {
        assert_eq!(moved(&mut site, to(remote.parse().unwrap())), 0, "{remote}");
    }
    let elsewhere = Path { local: end(GATEWAY, 500), remote: end([203, 0, 113, 9], 4500) };
    assert_eq!(moved(&mut site, elsewhere), 0);
    assert_eq!(site.gateway_paths(), before);
    let new = end([203, 0, 113, 9], 1024);
    assert_eq!(moved(&mut site, to(new)), 1);
    assert_eq!(site.gateway_paths(), [to(new)]);
    assert_eq!(site.gateway.engine.snapshot().ike_sas[0].path, to(new), "IKE goes there too");
    // The client's peer is behind none.
    let (_, host) = &mut site.clients[0];
    let bundle = host.engine.snapshot().bundles[0].clone();
    let path = Path { remote: end([203, 0, 113, 9], 4500), ..bundle.path };
    host.engine.handle_input(site.now, Input::Moved { bundle: bundle.id, path }).unwrap();
    host.drain();
    assert_eq!((host.moved.len(), host.engine.snapshot().bundles[0].path), (0, bundle.path));
}
