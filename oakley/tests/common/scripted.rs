//! Randomness and exponents that were recorded.

use std::collections::VecDeque;
use std::sync::Mutex;

use crypto_provider::{
    CryptoError, DhGroup, EphemeralKey, GroupId, InvalidPublic, PeerPublic, RandomFailed, SecureRandom,
    SharedSecret,
};
use num_bigint::BigUint;
use serde_json::Value;

use super::{text, unhex};

/// A random source that gives what a recorded peer drew, piece by piece. A draw of another length fails.
pub struct Scripted(Mutex<VecDeque<Vec<u8>>>);

impl Scripted {
    pub fn new(draws: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self(Mutex::new(draws.into_iter().collect()))
    }

    /// How many draws were not made.
    pub fn left(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

impl SecureRandom for Scripted {
    fn fill(&self, out: &mut [u8]) -> Result<(), RandomFailed> {
        let mut draws = self.0.lock().unwrap();
        if draws.front().is_none_or(|draw| draw.len() != out.len()) {
            return Err(RandomFailed);
        }
        out.copy_from_slice(&draws.pop_front().unwrap());
        Ok(())
    }
}

/// What is known of one side of a recorded Diffie-Hellman exchange.
#[derive(Clone)]
pub enum Secret {
    /// The private value: public value and shared secret are computed, by another implementation than the provider's.
    Private(Vec<u8>),
    /// Only what came out of it.
    Outcome { public: Vec<u8>, peer: Vec<u8>, g_xy: Vec<u8> },
}

/// A group whose exponents were recorded, first come first served.
pub struct Recorded {
    id: GroupId,
    len: usize,
    secrets: Mutex<VecDeque<Secret>>,
}

impl Recorded {
    pub fn new(id: GroupId, secrets: impl IntoIterator<Item = Secret>) -> Self {
        let len = match id {
            GroupId::MODP_768 => 96,
            GroupId::MODP_1024 => 128,
            GroupId::MODP_1536 => 192,
            GroupId::MODP_2048 => 256,
            // RFC 5903 7: both coordinates.
            GroupId::ECP_256 => 64,
            GroupId::ECP_384 => 96,
            GroupId::ECP_521 => 132,
            other => panic!("{other}"),
        };
        Self { id, len, secrets: Mutex::new(secrets.into_iter().collect()) }
    }
}

/// The prime of a group, from its formula (see the README of the data).
pub fn prime(id: GroupId) -> BigUint {
    let file: Value = serde_json::from_str(&text("modp-primes.json")).unwrap();
    let groups = file["groups"].as_array().unwrap();
    let group = groups.iter().find(|group| group["group"] == u64::from(id.0)).expect("the group's prime");
    assert_eq!(group["generator"], 2);
    BigUint::from_bytes_be(&unhex(group["prime"].as_str().unwrap()))
}

/// base^exponent, with leading zeros to `len` octets.
pub fn power(base: &BigUint, exponent: &[u8], prime: &BigUint, len: usize) -> Vec<u8> {
    let value = base.modpow(&BigUint::from_bytes_be(exponent), prime).to_bytes_be();
    [vec![0; len - value.len()], value].concat()
}

impl DhGroup for Recorded {
    fn id(&self) -> GroupId {
        self.id
    }

    fn public_len(&self) -> usize {
        self.len
    }

    fn start(&self, _: &dyn SecureRandom) -> Result<Box<dyn EphemeralKey>, CryptoError> {
        let secret = self.secrets.lock().unwrap().pop_front().ok_or(CryptoError::Store)?;
        let public = match &secret {
            Secret::Private(x) => power(&BigUint::from(2u8), x, &prime(self.id), self.len),
            Secret::Outcome { public, .. } => public.clone(),
        };
        Ok(Box::new(RecordedKey { group: self.id, len: self.len, secret, public }))
    }

    fn peer_public(&self, octets: &[u8]) -> Result<PeerPublic, InvalidPublic> {
        if octets.len() != self.len {
            return Err(InvalidPublic::Length { expected: self.len, actual: octets.len() });
        }
        if BigUint::from_bytes_be(octets) <= BigUint::from(1u8) {
            return Err(InvalidPublic::Element);
        }
        Ok(PeerPublic::checked(self.id, octets))
    }
}

struct RecordedKey {
    group: GroupId,
    len: usize,
    secret: Secret,
    public: Vec<u8>,
}

impl EphemeralKey for RecordedKey {
    fn public(&self) -> &[u8] {
        &self.public
    }

    fn agree(&self, peer: &PeerPublic) -> Result<SharedSecret, CryptoError> {
        let g_xy = match &self.secret {
            Secret::Private(x) => {
                power(&BigUint::from_bytes_be(peer.octets()), x, &prime(self.group), self.len)
            }
            Secret::Outcome { peer: recorded, g_xy, .. } if recorded == peer.octets() => g_xy.clone(),
            Secret::Outcome { .. } => return Err(CryptoError::Store),
        };
        Ok(SharedSecret::new(g_xy))
    }
}
