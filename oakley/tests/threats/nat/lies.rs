//! Rows T116 and T117: what is told of addresses, and two clients behind one of them.

use core::cell::Cell;
use std::rc::Rc;

use super::*;

/// Rewrites the payloads of a message in clear; encrypted ones go as they are.
pub(super) fn rewrite_clear(octets: &[u8], change: impl Fn(&mut Vec<Payload>)) -> Option<Vec<u8>> {
    let message = Message::parse(Bytes::copy_from_slice(octets)).ok()?;
    if octets.starts_with(&[0; 4]) || message.header().is_encrypted() {
        return None;
    }
    let mut payloads = message.payloads().to_vec();
    change(&mut payloads);
    Some(Message::new(*message.header(), payloads).encode().to_vec())
}

pub(super) fn nat_d(numbering: NatNumbering, fill: u8) -> Payload {
    Payload::new(NatDiscovery { numbering, hash: vec![fill; 20].into() })
}

impl Site {
    /// What the newest bundle of both sides travels in, if both have the same.
    fn shared(&self) -> Option<Encapsulation> {
        let newest = |host: &Host| host.engine.snapshot().bundles.last().cloned();
        let (ours, theirs) = (newest(&self.gateway)?, newest(&self.clients[0].1)?);
        let same =
            ours.pairs[0].inbound == theirs.pairs[0].outbound && ours.encapsulation == theirs.encapsulation;
        same.then_some(ours.encapsulation)
    }

    /// Two minutes in which the client sends each second. A translator lets only what is in UDP through.
    fn two_minutes(&mut self) {
        for _ in 0..120 {
            self.now += Duration::from_secs(1);
            let newest = |host: &Host| host.engine.snapshot().bundles.last().map(|bundle| bundle.id);
            match newest(&self.clients[0].1) {
                None => self.initiate(0, 1),
                Some(bundle) => {
                    let answered = self.shared() == Some(Encapsulation::UdpTunnel);
                    let directions = [(true, Direction::Outbound), (answered, Direction::Inbound)];
                    for (_, direction) in directions.into_iter().filter(|(is_seen, _)| *is_seen) {
                        let traffic = Input::Traffic { bundle, direction };
                        self.clients[0].1.engine.handle_input(self.now, traffic).unwrap();
                    }
                }
            }
            self.clients[0].1.engine.handle_timeout(self.now);
            self.gateway.engine.handle_timeout(self.now);
            self.run();
        }
    }
}

type Change = fn(&mut Vec<Payload>, fn(&Payload) -> bool);

fn flip(payloads: &mut [Payload], is: fn(&Payload) -> bool, from_end: bool) {
    let found = if from_end { payloads.iter().rposition(is) } else { payloads.iter().position(is) };
    let Some(payload) = found.and_then(|at| payloads.get_mut(at)) else { return };
    if let Some(NatDiscovery { numbering, hash }) = payload.get::<NatDiscovery>() {
        let mut hash = hash.to_vec();
        hash[7] ^= 1;
        *payload = Payload::new(NatDiscovery { numbering: *numbering, hash: hash.into() });
    }
}

const CHANGES: [(&str, Change); 9] = [
    ("missing", |payloads, is| payloads.retain(|one| !is(one))),
    ("only the first", |payloads, is| {
        if let Some(last) = payloads.iter().rposition(is) {
            payloads.remove(last);
        }
    }),
    ("altered", |payloads, is| {
        payloads.iter_mut().filter(|one| is(one)).for_each(|one| *one = nat_d(NatNumbering::Rfc, 7));
    }),
    ("one bit of the first", |payloads, is| flip(payloads, is, false)),
    ("one bit of the last", |payloads, is| flip(payloads, is, true)),
    ("short", |payloads, is| {
        let short = || Payload::new(NatDiscovery { numbering: NatNumbering::Rfc, hash: vec![1].into() });
        payloads.iter_mut().filter(|one| is(one)).for_each(|one| *one = short());
    }),
    ("many", |payloads, is| {
        if payloads.iter().any(is) {
            payloads.extend((0..40).map(|_| nat_d(NatNumbering::Rfc, 9)));
        }
    }),
    ("draft among them", |payloads, is| {
        if let Some(first) = payloads.iter().position(is) {
            payloads.insert(first, nat_d(NatNumbering::Draft, 9));
        }
    }),
    ("draft instead", |payloads, is| {
        payloads.iter_mut().filter(|one| is(one)).for_each(|one| *one = nat_d(NatNumbering::Draft, 9));
    }),
];

/// Whatever is done to NAT-D: it costs the SA for as long as it is done, or nothing. The peer and the flow are the same, and
/// two minutes after it has ended packets pass.
#[test]
fn t116_altered_nat_d_costs_nothing_once_it_has_ended() {
    let is_nat_d = |payload: &Payload| payload.get::<NatDiscovery>().is_some();
    let mut disturbed = 0;
    for (what, change) in CHANGES {
        for to_gateway in [true, false] {
            let mut site = Site::new(vec![client("one", 1)], gateway(&["one"]));
            let changed = Rc::new(Cell::new(0));
            let count = Rc::clone(&changed);
            site.tamper = Box::new(move |way, octets| {
                if way != to_gateway {
                    return None;
                }
                let other = rewrite_clear(octets, |payloads| change(payloads, is_nat_d))?;
                count.set(count.get() + usize::from(other != octets));
                Some(other)
            });
            site.initiate(0, 1);
            assert!(changed.get() > 0, "{what}: nothing was changed");
            disturbed += usize::from(site.shared() != Some(Encapsulation::UdpTunnel));
            site.tamper = Box::new(|_, _| None);
            site.two_minutes();
            assert_eq!(site.shared(), Some(Encapsulation::UdpTunnel), "{what}, to the gateway: {to_gateway}");
            for bundle in site.gateway.established() {
                assert_eq!(bundle.identity, Identity::Fqdn("one".into()), "{what}");
                let flow = SelectorPair { local: net(2), remote: net(1) };
                assert_eq!(bundle.selectors, flow, "{what}");
            }
        }
    }
    // Either numbering is read, so that few changes hide the translator.
    assert!(disturbed >= 2, "{disturbed} changes had an effect at all");
}

/// Some peers announce RFC 3947 and number by a draft, or the reverse: the hashes tell, whatever number they travel under.
#[test]
fn t116_the_hash_tells_and_not_the_number() {
    for numbering in [NatNumbering::Rfc, NatNumbering::Draft] {
        let mut site = Site::new(vec![client("one", 1)], gateway(&["one"]));
        site.tamper = Box::new(move |_, octets| {
            rewrite_clear(octets, |payloads| {
                for payload in payloads {
                    if let Some(NatDiscovery { hash, .. }) = payload.get::<NatDiscovery>() {
                        *payload = Payload::new(NatDiscovery { numbering, hash: hash.clone() });
                    }
                }
            })
        });
        site.initiate(0, 1);
        for host in [&site.gateway, &site.clients[0].1] {
            assert!(detected(host).is_some(), "{numbering:?}");
        }
    }
}

/// RFC 3948 1: AH does not pass. Neither side offers or accepts it behind a translator; ESP beside it is taken.
#[test]
fn t116_ah_is_refused_behind_a_translator() {
    let both = [proposal(&[ah(), esp()]), proposal(&[ah()])];
    let with = |mut policy: Policy, proposals: Vec<Phase2Proposal>| {
        if let Some(phase2) = &mut policy.phase2 {
            phase2.proposals = proposals;
        }
        policy
    };
    let mut site =
        Site::new(vec![with(client("one", 1), both.to_vec())], with(gateway(&["one"]), both.to_vec()));
    site.initiate(0, 1);
    let why = site.clients[0].1.events.iter().find_map(|event| match event {
        Event::RequestFailed { why, .. } => Some(why.clone()),
        _ => None,
    });
    assert_eq!(why, Some(Abort::Local(LocalFailure::AhBehindNat)));
    assert!(site.gateway.installed.is_empty());

    let mixed = [both.to_vec(), vec![proposal(&[esp()])]].concat();
    let mut site = Site::new(vec![with(client("one", 1), mixed.clone())], with(gateway(&["one"]), mixed));
    site.initiate(0, 1);
    assert_eq!(site.gateway.installed.len(), 2);
    assert!(site.gateway.installed.iter().all(|one| one.sas.len() == 1));
    // A client that is not told about the translator offers AH; the gateway knows better.
    let honest = with(client("one", 1), vec![proposal(&[ah()])]);
    let mut site = Site::new(vec![honest], with(gateway(&["one"]), vec![proposal(&[ah()])]));
    site.tamper = Box::new(|way, octets| {
        let lie = |payloads: &mut Vec<Payload>| payloads.retain(|one| one.get::<NatDiscovery>().is_none());
        if way { None } else { rewrite_clear(octets, lie) }
    });
    site.initiate(0, 1);
    assert!(site.gateway.installed.is_empty());
}

/// In transport mode the flow is what the packets show, whatever the client calls itself; NAT-OA is for checksums only.
#[test]
fn t116_nat_oa_is_for_checksums_only() {
    let host = |ip: [u8; 4]| {
        let ip = end(ip, 0).ip();
        TrafficSelector { addresses: ip..=ip, protocol: 17, port: 1701 }
    };
    let transport = |mut policy: Policy, local, remote| {
        policy.phase2 = policy.phase2.map(|phase2| Phase2Policy {
            encapsulation: Encapsulation::Transport,
            selectors: SelectorPair { local, remote },
            ..phase2
        });
        policy
    };
    let inside = transport(client("one", 1), host([10, 0, 0, 2]), host(GATEWAY));
    let outside = transport(gateway(&["one"]), host(GATEWAY), host(PUBLIC));
    let mut site = Site::new(vec![inside], outside);
    let path = Path { local: end([10, 0, 0, 2], 500), remote: end(GATEWAY, 500) };
    let selectors = SelectorPair { local: host([10, 0, 0, 2]), remote: host(GATEWAY) };
    let request = Input::Initiate(Request { path, selectors });
    site.clients[0].1.engine.handle_input(site.now, request).unwrap();
    site.run();
    let [inbound, outbound] = site.gateway.installed.as_slice() else {
        panic!("{:?}", site.gateway.rejects())
    };
    for one in [inbound, outbound] {
        assert_eq!(one.encapsulation, Encapsulation::UdpTransport);
        assert_eq!(one.selectors, SelectorPair { local: host(GATEWAY), remote: host(PUBLIC) });
        let original = NatOriginal { local: end(GATEWAY, 0).ip(), remote: end([10, 0, 0, 2], 0).ip() };
        assert_eq!(one.nat_original, Some(original));
    }
    let theirs = site.clients[0].1.installed[0].nat_original;
    assert_eq!(theirs, Some(NatOriginal { local: end(PUBLIC, 0).ip(), remote: end(GATEWAY, 0).ip() }));
}

#[test]
fn t047_t117_two_clients_behind_one_translator_do_not_knock_each_other_out() {
    let mut site = Site::new(vec![client("one", 1), client("two", 3)], gateway(&["one", "two"]));
    site.initiate(0, 1);
    // What the second one's INITIAL-CONTACT is about is what was there before it.
    site.now += Duration::from_secs(1);
    site.initiate(1, 3);
    let heard = site.gateway.events.iter().filter(|event| {
        matches!(
            event,
            Event::Notified { protected: true, notify: isakmp_wire::NotifyType::INITIAL_CONTACT, .. }
        )
    });
    assert_eq!(heard.count(), 2);
    let identities: Vec<_> =
        site.gateway.established().iter().map(|bundle| bundle.identity.clone()).collect();
    assert_eq!(identities, [Identity::Fqdn("one".into()), Identity::Fqdn("two".into())]);
    assert!(site.gateway.removed.is_empty(), "INITIAL-CONTACT is about an identity, not an address");
    let paths = [0, 1].map(|index| Path { local: end(GATEWAY, 4500), remote: site.outside(index, 4500) });
    assert_eq!(site.gateway_paths(), paths);
    // One moves, one deletes: the other stays as it is.
    let first = site.gateway.engine.snapshot().bundles[0].id;
    let to = Path { local: end(GATEWAY, 4500), remote: end(PUBLIC, 40_000) };
    site.gateway.engine.handle_input(site.now, Input::Moved { bundle: first, path: to }).unwrap();
    site.gateway.drain();
    assert_eq!(site.gateway_paths(), [to, paths[1]]);
    site.clients[1].1.engine.handle_input(site.now, Input::Delete(Target::All)).unwrap();
    site.run();
    assert_eq!(site.gateway_paths(), [to]);
    // What the gateway deletes of the first goes to the first.
    site.gateway.engine.handle_input(site.now, Input::Delete(Target::Bundle(first))).unwrap();
    let (_, delete) = site.gateway.poll_transmit().unwrap();
    assert_eq!(delete.destination, to.remote);
}

/// Two clients that call themselves by the same private address as somebody outside has: another identity.
#[test]
fn t117_an_address_behind_a_translator_is_not_the_address_outside() {
    let mut inside = client("one", 1);
    inside.identity = Identity::Address(end([10, 0, 0, 2], 0).ip());
    let mut outside = gateway(&[]);
    outside.peer_identity = PeerIdentity::PathAddress;
    let mut site = Site::new(vec![inside], outside);
    site.initiate(0, 1);
    let behind = Identity::Behind { address: end([10, 0, 0, 2], 0).ip(), translator: end(PUBLIC, 0).ip() };
    assert_eq!(site.gateway.established()[0].identity, behind);
}
