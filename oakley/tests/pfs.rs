//! Keys of phase 2 (RFC 2409 5.5), computed a second time from what the Diffie-Hellman groups gave.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "a test may panic"
)]

#[path = "common/formulas.rs"]
#[allow(dead_code, reason = "not every test uses all")]
mod formulas;
mod pair;

use std::sync::{Arc, Mutex};

use crypto_provider::default::provider;
use crypto_provider::{
    CryptoError, CryptoProvider, DhGroup, EphemeralKey, GroupId, HashAlgorithm, InvalidPublic, PeerPublic,
    SecureRandom, SharedSecret,
};
use netsim::Link;
use oakley::*;
use pair::*;

/// What a group gave, in order.
type Shared = Arc<Mutex<Vec<Vec<u8>>>>;

/// A group that keeps what both ends of its exchanges share.
struct Watched {
    group: &'static dyn DhGroup,
    shared: Shared,
}

impl DhGroup for Watched {
    fn id(&self) -> GroupId {
        self.group.id()
    }

    fn public_len(&self) -> usize {
        self.group.public_len()
    }

    fn start(&self, random: &dyn SecureRandom) -> Result<Box<dyn EphemeralKey>, CryptoError> {
        Ok(Box::new(WatchedKey { key: self.group.start(random)?, shared: self.shared.clone() }))
    }

    fn peer_public(&self, octets: &[u8]) -> Result<PeerPublic, InvalidPublic> {
        self.group.peer_public(octets)
    }
}

struct WatchedKey {
    key: Box<dyn EphemeralKey>,
    shared: Shared,
}

impl EphemeralKey for WatchedKey {
    fn public(&self) -> &[u8] {
        self.key.public()
    }

    fn agree(&self, peer: &PeerPublic) -> Result<SharedSecret, CryptoError> {
        let shared = self.key.agree(peer)?;
        self.shared.lock().unwrap().push(shared.expose().to_vec());
        Ok(shared)
    }
}

fn watched(shared: &Shared) -> CryptoProvider {
    let group = |group: &&'static dyn DhGroup| -> &'static dyn DhGroup {
        Box::leak(Box::new(Watched { group: *group, shared: shared.clone() }))
    };
    let provider = provider();
    CryptoProvider { groups: provider.groups.iter().map(group).collect::<Vec<_>>().into(), ..provider }
}

/// Two routers, the responder's groups watched, and what they shared: in phase 1, and in phase 2 if `pfs`.
fn negotiated(pfs: Option<GroupId>) -> (Pair, Vec<Vec<u8>>) {
    let with = |me, peer| {
        let base = policy(me, peer);
        let phase2 = Phase2Policy { pfs, ..base.phase2.clone().unwrap() };
        Policy { phase2: Some(phase2), key_log: true, ..base }
    };
    let mut pair = Pair::new(8, with(1, 2), with(2, 1), Link::new());
    let shared = Shared::default();
    let host = Host::with_provider(9, with(2, 1), Config::default(), watched(&shared));
    pair.network.command(pair.b, "watched groups", move |old, _| *old = host).unwrap();
    pair.initiate();
    pair.run(5);
    pair.assert_agreement();
    let shared = shared.lock().unwrap().clone();
    (pair, shared)
}

/// Every KEYMAT that a side derived is the formula's, over SKEYID_d, the protocol, the SPI, both nonces and `g_qm_xy`; the keys
/// that its data path got are those.
fn assert_keymat(host: &Host, g_qm_xy: &[u8]) {
    let derivations: Vec<_> = host
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Derived(derivation) => Some(derivation),
            _ => None,
        })
        .collect();
    let skeyid_d = &derivations.iter().find(|one| one.name == "SKEYID_d").unwrap().result;
    let keymats: Vec<_> = derivations.iter().filter(|one| one.name == "KEYMAT").collect();
    let keys: Vec<Vec<u8>> = host
        .installed
        .iter()
        .flat_map(|installation| &installation.sas)
        .map(|sa| [sa.encryption_key.expose(), sa.integrity_key.expose()].concat())
        .collect();
    assert!(keymats.len() > 1);
    for derivation in keymats {
        let input = |name: &str| derivation.inputs.iter().find(|(of, _)| *of == name).unwrap().1.to_vec();
        let (protocol, spi) = derivation.sa.unwrap();
        let number = match protocol {
            Protocol::Ah => 2,
            Protocol::Esp => 3,
        };
        let seed = [g_qm_xy, &[number], &spi.0.to_be_bytes(), &input("Ni_b"), &input("Nr_b")].concat();
        let keymat = formulas::keymat(HashAlgorithm::Sha1, skeyid_d, &seed, derivation.result.len());
        assert_eq!(keymat, derivation.result.to_vec(), "{protocol:?} {spi:?}");
        assert!(keys.contains(&keymat), "{protocol:?} {spi:?}: installed");
    }
}

/// S019: with perfect forward secrecy a fresh exchange, whose result is in KEYMAT.
#[test]
fn perfect_forward_secrecy_uses_its_own_exponents() {
    let (pair, shared) = negotiated(Some(GroupId::MODP_1024));
    assert_eq!(pair.b().established()[0].pfs, Some(GroupId::MODP_1024));
    let [g_xy, g_qm_xy] = &shared[..] else { panic!("{} exchanges", shared.len()) };
    assert_ne!(g_xy, g_qm_xy);
    assert_keymat(pair.a(), g_qm_xy);
    assert_keymat(pair.b(), g_qm_xy);
}

/// S019, S020: without it one exchange, and KEYMAT from SKEYID_d and the nonces alone.
#[test]
fn without_forward_secrecy_keys_follow_from_phase_1() {
    let (pair, shared) = negotiated(None);
    assert_eq!((pair.b().established()[0].pfs, shared.len()), (None, 1));
    assert_keymat(pair.a(), &[]);
    assert_keymat(pair.b(), &[]);
}
