//! Public values and nonces of every size: what does not fit is refused before anything is computed.

use core::sync::atomic::{AtomicUsize, Ordering};

use crypto_provider::default::provider;
use crypto_provider::{
    CryptoError, CryptoProvider, DhGroup, EphemeralKey, GroupId, InvalidPublic, PeerPublic, SecureRandom,
    SharedSecret,
};
use isakmp_wire::Payload;
use isakmp_wire::payload::{KeyExchange, Nonce};
use oakley::*;

use crate::forger::*;
use crate::pair::*;

/// A group that counts what is computed in it.
struct Counting {
    group: &'static dyn DhGroup,
    computed: &'static AtomicUsize,
}

impl DhGroup for Counting {
    fn id(&self) -> GroupId {
        self.group.id()
    }

    fn public_len(&self) -> usize {
        self.group.public_len()
    }

    fn start(&self, random: &dyn SecureRandom) -> Result<Box<dyn EphemeralKey>, CryptoError> {
        self.computed.fetch_add(1, Ordering::Relaxed);
        Ok(Box::new(CountingKey { key: self.group.start(random)?, computed: self.computed }))
    }

    fn peer_public(&self, octets: &[u8]) -> Result<PeerPublic, InvalidPublic> {
        self.group.peer_public(octets)
    }
}

struct CountingKey {
    key: Box<dyn EphemeralKey>,
    computed: &'static AtomicUsize,
}

impl EphemeralKey for CountingKey {
    fn public(&self) -> &[u8] {
        self.key.public()
    }

    fn agree(&self, peer: &PeerPublic) -> Result<SharedSecret, CryptoError> {
        self.computed.fetch_add(1, Ordering::Relaxed);
        self.key.agree(peer)
    }
}

/// A bench whose engines count what they compute, together.
fn counting(seed: u64) -> (Bench, &'static AtomicUsize) {
    let computed: &'static AtomicUsize = Box::leak(Box::default());
    let group = provider().group(GroupId::MODP_768).unwrap();
    let groups: &'static dyn DhGroup = Box::leak(Box::new(Counting { group, computed }));
    let provider = || CryptoProvider { groups: vec![groups].into(), ..provider() };
    let mut bench = Bench::new(seed);
    let policies = [(seed, policy(1, 2)), (seed + 1000, policy(2, 1))];
    for (host, (seed, policy)) in bench.hosts.iter_mut().zip(policies) {
        *host = Host::with_provider(seed, Policy { key_log: true, ..policy }, Config::default(), provider());
    }
    (bench, computed)
}

fn public(genuine: &[u8], len: usize) -> Vec<u8> {
    rewrite(genuine, |payloads| payloads[0] = Payload::new(KeyExchange { public: vec![3; len].into() }))
}

fn nonce(genuine: &[u8], len: usize) -> Vec<u8> {
    rewrite(genuine, |payloads| payloads[1] = Payload::new(Nonce { octets: vec![3; len].into() }))
}

#[test]
fn t015_sizes_of_public_values_and_nonces() {
    let (mut bench, computed) = counting(21);
    bench.initiate();
    bench.run(|bench, number, to, genuine| {
        if !(3..=4).contains(&number) {
            return;
        }
        let before = computed.load(Ordering::Relaxed);
        for len in [0, 1, 95, 97, 192, 65_000] {
            bench.quiet(to, &public(genuine, len), &format!("message {number}, KE of {len}"));
        }
        // RFC 2409 5: 8 to 256 octets.
        for len in [0, 1, 7, 257, 1000, 60_000] {
            bench.quiet(to, &nonce(genuine, len), &format!("message {number}, nonce of {len}"));
            let why = bench.hosts[to].rejects().pop();
            assert_eq!(why, Some(Reject::Misbehaved(Misbehaviour::NonceLength(len))), "message {number}");
        }
        assert_eq!(computed.load(Ordering::Relaxed), before, "message {number}");
    });
    assert!(bench.complete() && computed.load(Ordering::Relaxed) >= 4);
}

#[test]
fn t015_the_shortest_and_the_longest_nonce_are_taken() {
    for len in [8, 256] {
        let (mut bench, computed) = counting(22);
        bench.initiate();
        bench.run_to(2);
        let before = computed.load(Ordering::Relaxed);
        let (to, genuine) = bench.next().unwrap();
        assert_eq!(bench.deliver(to, &nonce(&genuine, len)), 1, "{len} octets are answered");
        assert!(computed.load(Ordering::Relaxed) > before);
    }
}
