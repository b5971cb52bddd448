//! What a message under the right keys must still prove: that it answers ours and not itself, that it is the next one, that it
//! is one of its peer's flows.

use core::net::SocketAddr;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;

use bytes::Bytes;
use crypto_provider::default::provider;
use crypto_provider::{Cipher, CipherAlgorithm, CipherKey, CryptoProvider, InvalidKey, InvalidLength};
use isakmp_wire::payload::{
    HashData, Identification, NatDiscovery, NatNumbering, Nonce, SecurityAssociation,
};
use isakmp_wire::{Header, IdType, NotifyType, Payload, PayloadKind, encode_chain};
use oakley::*;

use crate::forger::*;
use crate::pair::*;
use crate::phase2::{notify, quick};

fn reflected(what: &'static str) -> Reject {
    Reject::Misbehaved(Misbehaviour::Reflected(what))
}

/// A public value of its own does not make an answer of our nonce.
#[test]
fn t024_our_own_nonce_is_no_answer() {
    let mut bench = Bench::new(90);
    bench.initiate();
    bench.run_to(3);
    let ours = parse(&bench.seen[2].1).get::<Nonce>().unwrap().clone();
    let (to, genuine) = bench.next().unwrap();
    let forged = rewrite(&genuine, |payloads| {
        let nonce = payloads.iter_mut().find(|payload| payload.kind() == PayloadKind::NONCE).unwrap();
        *nonce = Payload::new(ours);
    });
    bench.quiet(to, &forged, "our own nonce");
    assert_eq!(bench.hosts[A].rejects(), [reflected("nonce")]);
    bench.deliver(to, &genuine);
    bench.run(|_, _, _, _| {});
    assert!(bench.complete());
}

/// The last block of a message: the IV of the next one of its exchange.
fn last_block(datagram: &[u8]) -> &[u8] {
    &datagram[datagram.len() - 8..]
}

/// A Quick Mode whose two nonces are one has half of the freshness, however well its HASH(2) holds.
#[test]
fn t024_our_own_nonce_is_no_answer_in_quick_mode() {
    let mut bench = Bench::new(91);
    bench.initiate();
    bench.run_to(7);
    let offer = bench.seen[6].1.clone();
    let message_id = Header::parse(&offer).unwrap().message_id.0;
    let ni = bench.decrypt(&offer, &bench.iv(message_id)).get::<Nonce>().unwrap().clone();
    let (to, genuine) = bench.next().unwrap();
    let message = bench.decrypt(&genuine, last_block(&offer));
    let mut payloads = message.payloads()[1..].to_vec();
    let nonce = payloads.iter_mut().find(|payload| payload.kind() == PayloadKind::NONCE).unwrap();
    *nonce = Payload::new(ni.clone());
    let hash = bench.hash(&[&message_id.to_be_bytes(), &ni.octets, &encode_chain(&payloads)]);
    payloads.insert(0, Payload::new(HashData { octets: hash.into() }));
    let forged = bench.encrypt(message.header(), &payloads, last_block(&offer));
    bench.deliver(to, &forged);
    assert_eq!(bench.hosts[A].rejects(), [reflected("nonce")]);
    assert!(bench.hosts[A].installed.is_empty());
}

/// HASH(3) covers nothing that stands in its message, so nothing else may stand before it, nor a second one behind.
#[test]
fn t061_hash_3_comes_first_and_alone() {
    let mut bench = Bench::new(92);
    bench.initiate();
    bench.run_to(8);
    let (to, genuine) = bench.next().unwrap();
    let iv = last_block(&bench.seen[7].1).to_vec();
    let message = bench.decrypt(&genuine, &iv);
    let hash = message.payloads()[0].clone();
    assert_eq!(hash.kind(), PayloadKind::HASH);
    let other = Payload::new(HashData { octets: vec![1; 20].into() });
    for payloads in
        [[notify(NotifyType::INITIAL_CONTACT), hash.clone()], [hash.clone(), other.clone()], [other, hash]]
    {
        let forged = bench.encrypt(message.header(), &payloads, &iv);
        bench.quiet(to, &forged, "HASH(3) in the wrong place");
    }
    bench.deliver(to, &genuine);
    assert!(bench.complete());
}

/// A peer that has moved on to message 3 does not get the answer to message 1 again; who repeats the latest does.
#[test]
fn t041_only_the_latest_message_draws_its_answer_again() {
    let mut bench = Bench::new(93);
    bench.initiate();
    bench.run_to(3);
    let [first, _, third] = [0, 1, 2].map(|index: usize| bench.seen[index].1.clone());
    bench.quiet(B, &first, "message 1 after message 3");
    assert_eq!(bench.deliver(B, &third), 1);
    let duplicates: Vec<bool> = bench.hosts[B]
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Duplicate { answered, .. } => Some(*answered),
            _ => None,
        })
        .collect();
    assert_eq!(duplicates, [false, true]);
}

/// Without a translator a peer is where phase 1 found it, also when its fresh and authentic message comes from elsewhere.
#[test]
fn t115_only_a_peer_behind_a_translator_moves() {
    let mut bench = Bench::new(94);
    bench.initiate();
    bench.run_to(8);
    let (_, third) = bench.next().unwrap();
    let path = Path { local: address(2), remote: SocketAddr::from(([203, 0, 113, 9], 4500)) };
    bench.hosts[B].engine.handle_input(bench.now, Input::Datagram { path, octets: &third }).unwrap();
    bench.hosts[B].drain();
    let snapshot = bench.hosts[B].engine.snapshot();
    assert_eq!(snapshot.ike_sas[0].path.remote, address(1));
    assert_eq!(snapshot.bundles[0].path.remote, address(1));
    assert!(!bench.hosts[B].events.iter().any(|event| matches!(event, Event::Moved { .. })));
    assert!(bench.hosts[B].moved.is_empty());
}

/// A policy for one protocol and port lets in a flow of just that, and no other.
#[test]
fn t067_a_flow_has_the_protocol_and_port_of_its_policy() {
    let mut dns = policy(2, 1);
    if let Some(phase2) = &mut dns.phase2 {
        phase2.selectors.local = TrafficSelector { protocol: 17, port: 53, ..net(2) };
    }
    let mut bench = Bench::with(95, policy(1, 2), dns);
    bench.initiate();
    bench.run(|_, _, _, _| {});
    assert_eq!(bench.hosts[B].ready(), 1);
    let flow = |protocol, port| {
        let data = Bytes::from_static(&[10, 2, 0, 0, 255, 255, 255, 0]);
        Payload::new(Identification { id_type: IdType::IPV4_ADDR_SUBNET, protocol, port, data })
    };
    let wanted = [(17, 53), (17, 80), (17, 0), (6, 53), (0, 0)];
    let installed = wanted.map(|(protocol, port)| {
        let id = 8000 + u32::from(protocol) * 100 + u32::from(port);
        let message = quick(&bench, id, |payloads| payloads[3] = flow(protocol, port));
        let before = bench.hosts[B].installed.len();
        bench.deliver(B, &message);
        bench.hosts[B].installed.len() > before
    });
    assert_eq!(installed, [true, false, false, false, false]);
}

/// What names no flow is refused for what it is, not because the policy happens to be narrower.
#[test]
fn t067_what_names_no_flow_is_refused_whatever_the_policy_allows() {
    let every = TrafficSelector {
        addresses: "0.0.0.0".parse().unwrap()..="255.255.255.255".parse().unwrap(),
        protocol: 0,
        port: 0,
    };
    let mut wide = policy(2, 1);
    if let Some(phase2) = &mut wide.phase2 {
        phase2.selectors = SelectorPair { local: every.clone(), remote: every };
    }
    let mut bench = Bench::with(99, policy(1, 2), wide);
    bench.initiate();
    bench.run(|_, _, _, _| {});
    assert!(bench.complete());
    let id = |id_type, port, data: &[u8]| {
        Payload::new(Identification { id_type, protocol: 0, port, data: Bytes::copy_from_slice(data) })
    };
    let v4 = |port, data: &[u8]| id(IdType::IPV4_ADDR_SUBNET, port, data);
    let good = || v4(0, &[10, 1, 0, 0, 255, 255, 255, 0]);
    let bad = [
        vec![good()],
        vec![good(), v4(0, &[10, 2, 0, 0, 255, 0, 255, 0])],
        vec![good(), v4(80, &[10, 2, 0, 0, 255, 255, 255, 0])],
        vec![good(), id(IdType::IPV4_ADDR_RANGE, 0, &[10, 2, 0, 9, 10, 2, 0, 1])],
        vec![good(), id(IdType::IPV6_ADDR, 0, &[0x20; 16])],
        vec![good(), id(IdType::FQDN, 0, b"gw.example.com")],
        vec![good(), good(), good()],
    ];
    for (index, ids) in bad.into_iter().enumerate() {
        let message = quick(&bench, 8800 + index as u32, |payloads| {
            payloads.truncate(2);
            payloads.extend(ids);
        });
        bench.deliver(B, &message);
        assert_eq!(bench.hosts[B].installed.len(), 2, "pair {index}");
        let why = bench.hosts[B].rejects().pop().unwrap();
        let of_identity = matches!(
            why,
            Reject::Misbehaved(Misbehaviour::Identity(_))
                | Reject::Misbehaved(Misbehaviour::Missing(PayloadKind::IDENTIFICATION))
                | Reject::Misbehaved(Misbehaviour::Repeated(PayloadKind::IDENTIFICATION))
        );
        assert!(of_identity, "pair {index}: {why:?}");
    }
}

/// A caller's clock that goes back counts as standing still.
#[test]
fn t088_time_never_goes_back_inside() {
    let mut bench = Bench::new(96);
    let config = Config::default();
    bench.hosts[A].engine.handle_timeout(Duration::from_secs(1000));
    bench.initiate();
    let due = bench.hosts[A].engine.poll_timeout().unwrap().at;
    assert_eq!(due, Duration::from_secs(1000) + config.retransmit_after);
    bench.hosts[A].engine.handle_timeout(Duration::from_secs(10));
    assert_eq!(bench.hosts[A].engine.poll_timeout().unwrap().at, due);
}

/// What NAT-D says counts where it belongs: behind the proof of Main Mode, which the peer alone can have written, it moves nothing.
#[test]
fn t116_nat_d_behind_the_proof_of_main_mode_tells_nothing() {
    let crossing = |policy: Policy| Policy { nat: NatTraversal::default(), ..policy };
    let mut bench = Bench::with(118, crossing(policy(1, 2)), crossing(policy(2, 1)));
    bench.initiate();
    bench.run_to(4);
    let nat = |bench: &Bench| bench.hosts[B].engine.snapshot().ike_sas[0].nat;
    let told = nat(&bench);
    assert!(told.is_some_and(|nat| !nat.local && !nat.remote));
    let (to, genuine) = bench.next().unwrap();
    let iv = bench.derived(A, "IV", 0).unwrap()[..8].to_vec();
    let message = bench.decrypt(&genuine, &iv);
    let lie = || Payload::new(NatDiscovery { numbering: NatNumbering::Rfc, hash: vec![7; 20].into() });
    let mut payloads = message.payloads().to_vec();
    payloads.extend([lie(), lie()]);
    let forged = bench.encrypt(message.header(), &payloads, &iv);
    assert_eq!(bench.deliver(to, &forged), 1);
    assert_eq!((bench.hosts[B].ready(), nat(&bench)), (1, told));
}

/// The shortest offer that can be refused is longer than the refusal.
#[test]
fn t081_a_refusal_is_shorter_than_any_offer() {
    let mut bench = Bench::new(119);
    bench.initiate();
    let (to, genuine) = bench.next().unwrap();
    let shortest = rewrite(&genuine, |payloads| {
        let mut sa = payloads[0].get::<SecurityAssociation>().unwrap().clone();
        sa.proposals[0].transforms.truncate(1);
        sa.proposals[0].transforms[0].attributes.clear();
        *payloads = vec![Payload::new(sa)];
    });
    assert_eq!(bench.deliver(to, &shortest), 1);
    assert!(bench.hosts[B].sent[0].len() < shortest.len());
}

/// INITIAL-CONTACT is about what was before its IKE SA: said again later, it takes nothing that has come up meanwhile.
#[test]
fn t047_said_again_initial_contact_finds_nothing_more() {
    let mut bench = Bench::new(120);
    bench.initiate();
    bench.run(|_, _, _, _| {});
    for id in 1..=3 {
        bench.now = Duration::from_secs(id.into());
        let header = bench.header(isakmp_wire::ExchangeType::INFORMATIONAL, id);
        let contact = bench.protect(&header, &[notify(NotifyType::INITIAL_CONTACT)]);
        bench.deliver(B, &contact);
        let more = quick(&bench, 8600 + id, |_| {});
        assert_eq!(bench.deliver(B, &more), 1);
    }
    assert!(bench.hosts[B].removed.is_empty());
    assert_eq!((bench.hosts[B].ready(), bench.hosts[B].engine.snapshot().bundles.len()), (1, 1));
}

/// DES, and how often it has decrypted.
struct Counting(AtomicUsize);

static COUNTING: Counting = Counting(AtomicUsize::new(0));

fn des() -> &'static dyn Cipher {
    provider().cipher(CipherAlgorithm::DesCbc).unwrap()
}

impl Cipher for Counting {
    fn algorithm(&self) -> CipherAlgorithm {
        CipherAlgorithm::DesCbc
    }

    fn block_len(&self) -> usize {
        des().block_len()
    }

    fn iv_len(&self) -> usize {
        des().iv_len()
    }

    fn key_lengths(&self) -> &'static [usize] {
        des().key_lengths()
    }

    fn key(&self, key: &[u8]) -> Result<Box<dyn CipherKey>, InvalidKey> {
        Ok(Box::new(CountingKey(des().key(key)?)))
    }
}

struct CountingKey(Box<dyn CipherKey>);

impl CipherKey for CountingKey {
    fn encrypt(&self, iv: &[u8], data: &mut [u8]) -> Result<(), InvalidLength> {
        self.0.encrypt(iv, data)
    }

    fn decrypt(&self, iv: &[u8], data: &mut [u8]) -> Result<(), InvalidLength> {
        COUNTING.0.fetch_add(1, Ordering::Relaxed);
        self.0.decrypt(iv, data)
    }
}

/// While a key is being changed a proof is tried under every key, whichever it is that holds: how long it takes does not tell
/// which one a peer has.
#[test]
fn t033_every_key_is_tried_whichever_holds() {
    let keys = |good: usize| -> Vec<Vec<u8>> {
        (0..3)
            .map(|index| if index == good { b"sharedkey".to_vec() } else { vec![index as u8; 12] })
            .collect()
    };
    let decryptions = [0, 1, 2].map(|good| {
        let mut bench = Bench::new(97);
        // The first of its name is taken.
        let standard = provider();
        let ciphers =
            [&COUNTING as &dyn Cipher].into_iter().chain(standard.ciphers.iter().copied()).collect();
        let counting = CryptoProvider { ciphers, ..standard };
        let responder = Policy { key_log: true, keys: keys(good), ..policy(2, 1) };
        bench.hosts[B] = Host::with_provider(1097, responder, Config::default(), counting);
        bench.initiate();
        bench.run_to(4);
        let before = COUNTING.0.load(Ordering::Relaxed);
        let (to, fifth) = bench.next().unwrap();
        assert_eq!(bench.deliver(to, &fifth), 1, "key {good}");
        let decryptions = COUNTING.0.load(Ordering::Relaxed) - before;
        bench.run(|_, _, _, _| {});
        assert!(bench.complete());
        decryptions
    });
    assert_eq!(decryptions, [3, 3, 3]);
}
