//! Vectors from `tests/data`, and scripted random sources.
#![allow(dead_code, unreachable_pub, reason = "each test uses some of it")]

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Mutex;

use crypto_provider::{
    AeadAlgorithm, CipherAlgorithm, GroupId, HashAlgorithm, RandomFailed, SecureRandom, default,
};
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error};

/// Octets that are written in hexadecimal.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Hex(pub Vec<u8>);

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        hex::decode(&text).map(Self).map_err(D::Error::custom)
    }
}

impl core::ops::Deref for Hex {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

#[derive(Deserialize)]
struct File<T> {
    cases: Vec<T>,
}

#[derive(Deserialize)]
pub struct MacCase {
    pub name: String,
    pub algorithm: String,
    pub key: Hex,
    pub data: Hex,
    pub mac: Hex,
    #[serde(default = "yes")]
    pub valid: bool,
}

#[derive(Deserialize)]
pub struct HashCase {
    pub algorithm: String,
    pub data: Hex,
    pub digest: Hex,
}

#[derive(Deserialize)]
pub struct CipherCase {
    pub name: String,
    #[serde(default)]
    pub algorithm: String,
    pub key: Hex,
    pub iv: Hex,
    pub plain: Hex,
    pub cipher: Hex,
    #[serde(default = "yes")]
    pub valid: bool,
}

#[derive(Deserialize)]
pub struct AeadCase {
    pub name: String,
    pub key: Hex,
    pub nonce: Hex,
    pub aad: Hex,
    pub plain: Hex,
    pub cipher: Hex,
    pub tag: Hex,
    pub valid: bool,
}

#[derive(Deserialize)]
pub struct ExchangeCase {
    pub name: String,
    pub group: u16,
    pub private: Hex,
    pub public: Hex,
    pub peer: Hex,
    pub shared: Hex,
}

#[derive(Deserialize)]
pub struct PointCase {
    pub name: String,
    pub group: u16,
    pub private: Hex,
    pub public: Hex,
    pub shared: Hex,
    pub valid: bool,
}

#[derive(Deserialize)]
pub struct PrimeCase {
    pub group: u16,
    pub bits: usize,
    pub generator: u8,
    pub prime: Hex,
}

#[derive(Deserialize)]
pub struct OpenSsl {
    pub hashes: Vec<HashCase>,
    pub macs: Vec<MacCase>,
    pub ciphers: Vec<CipherCase>,
    pub aeads: Vec<AeadCase>,
}

fn yes() -> bool {
    true
}

fn read<T: DeserializeOwned>(name: &str) -> T {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name);
    let text = std::fs::read_to_string(&path).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The cases of a file of `tests/data`; a number guards against a file that lost some.
pub fn cases<T: DeserializeOwned>(name: &str, number: usize) -> Vec<T> {
    let cases = read::<File<T>>(name).cases;
    assert_eq!(cases.len(), number, "{name}");
    cases
}

pub fn openssl() -> OpenSsl {
    read("openssl.json")
}

pub const HASHES: [HashAlgorithm; 5] = [
    HashAlgorithm::Md5,
    HashAlgorithm::Sha1,
    HashAlgorithm::Sha256,
    HashAlgorithm::Sha384,
    HashAlgorithm::Sha512,
];

pub const CIPHERS: [CipherAlgorithm; 5] = [
    CipherAlgorithm::Null,
    CipherAlgorithm::DesCbc,
    CipherAlgorithm::TripleDesCbc,
    CipherAlgorithm::AesCbc,
    CipherAlgorithm::AesCtr,
];

pub const AEADS: [AeadAlgorithm; 3] =
    [AeadAlgorithm::AesGcm8, AeadAlgorithm::AesGcm12, AeadAlgorithm::AesGcm16];

pub const GROUPS: [GroupId; 11] = [
    GroupId::MODP_768,
    GroupId::MODP_1024,
    GroupId::MODP_1536,
    GroupId::MODP_2048,
    GroupId::MODP_3072,
    GroupId::MODP_4096,
    GroupId::MODP_6144,
    GroupId::MODP_8192,
    GroupId::ECP_256,
    GroupId::ECP_384,
    GroupId::ECP_521,
];

pub fn hash_named(name: &str) -> HashAlgorithm {
    HASHES.into_iter().find(|hash| format!("{hash:?}") == name).unwrap()
}

pub fn cipher_named(name: &str) -> CipherAlgorithm {
    CIPHERS.into_iter().find(|cipher| format!("{cipher:?}") == name).unwrap()
}

/// The default provider's group.
pub fn group(id: GroupId) -> &'static dyn crypto_provider::DhGroup {
    default::provider().group(id).unwrap()
}

/// Yields the given octets, each draw as long as one of them, and fails when there are no more.
pub struct Scripted(Mutex<VecDeque<Vec<u8>>>);

impl Scripted {
    pub fn new(draws: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self(Mutex::new(draws.into_iter().collect()))
    }
}

impl SecureRandom for Scripted {
    fn fill(&self, out: &mut [u8]) -> Result<(), RandomFailed> {
        let draw = self.0.lock().unwrap().pop_front().ok_or(RandomFailed)?;
        assert_eq!(draw.len(), out.len(), "the exponent has another length than expected");
        out.copy_from_slice(&draw);
        Ok(())
    }
}
