//! A recorded negotiation, opened with its recorded keys, and the check of every message of it.

use core::net::SocketAddr;
use std::collections::BTreeMap;

use bytes::Bytes;
use crypto_provider::{GroupId, HashAlgorithm};
use isakmp_wire::payload::{HashData, KeyExchange, Nonce, SecurityAssociation};
use isakmp_wire::{
    EncryptedMessage, ExchangeType, Header, Message, MessageId, Payload, PayloadKind, encode_chain,
};
use oakley::{
    Encapsulation, Identity, Lifetime, Mode, Phase1Suite, Phase2Transform, Protocol, Role, TrafficSelector,
};

use super::formulas::{block_len, decrypt, digest, encrypt, ka, keymat, prf};
use super::scripted::Secret;

/// A message as it travelled, and what was in it.
pub struct Recorded {
    pub from: Role,
    /// Of both ends: 500, or 4500 after the move of RFC 3947 4.
    pub port: u16,
    pub datagram: Bytes,
    pub message: Message,
    /// What it was encrypted with.
    pub iv: Option<Vec<u8>>,
}

impl Recorded {
    pub fn header(&self) -> &Header {
        self.message.header()
    }

    pub fn is_phase1(&self) -> bool {
        self.header().message_id == MessageId::ZERO
    }

    pub fn of_exchange(&self, exchange: ExchangeType) -> bool {
        self.header().exchange == exchange
    }
}

/// How the peers proved themselves.
pub enum Proof {
    PreShared(Vec<u8>),
    /// The HASH is signed; signatures are not checked here.
    Signature,
}

/// The keys of the IKE SA as the daemons logged them.
#[derive(Default)]
pub struct Secrets {
    pub g_xy: Vec<u8>,
    /// g(qm)^xy, where the Quick Mode has KE and it was logged.
    pub quick_g_xy: Option<Vec<u8>>,
    pub skeyid: Vec<u8>,
    pub skeyid_d: Vec<u8>,
    pub skeyid_a: Vec<u8>,
    pub skeyid_e: Vec<u8>,
    pub ka: Vec<u8>,
    pub iv: Vec<u8>,
}

/// One SA of the Quick Mode as it was logged.
pub struct Sa {
    pub protocol: Protocol,
    /// Who receives under it, and so chose its SPI.
    pub receiver: Role,
    pub spi: u32,
    pub encryption: Vec<u8>,
    pub integrity: Vec<u8>,
}

/// One derivation that the recording names, in the notation of RFC 2409.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Known {
    pub name: &'static str,
    pub message_id: u32,
    pub sa: Option<(Protocol, u32)>,
    pub result: Vec<u8>,
    /// The concatenated inputs, where they were recorded.
    pub inputs: Option<Vec<u8>>,
}

impl Known {
    pub fn new(name: &'static str, message_id: u32, result: &[u8]) -> Self {
        Self { name, message_id, sa: None, result: result.to_vec(), inputs: None }
    }

    pub fn of(self, inputs: &[u8]) -> Self {
        Self { inputs: Some(inputs.to_vec()), ..self }
    }
}

/// How the daemons were configured: what a policy must say to negotiate the same.
pub struct Setting {
    /// Initiator, responder.
    pub identities: [Identity; 2],
    pub identity_without_port: bool,
    pub initial_contact: bool,
    pub narrowed_identities: bool,
    /// The protocols of the one proposal.
    pub protections: Vec<Phase2Transform>,
    pub encapsulation: Encapsulation,
    pub pfs: Option<GroupId>,
    pub phase2_lifetime: Lifetime,
    /// What the initiator asked for: its side, the responder's.
    pub flow: [TrafficSelector; 2],
}

pub struct Recording {
    pub name: &'static str,
    pub mode: Mode,
    pub suite: Phase1Suite,
    pub proof: Proof,
    /// Addresses of initiator and responder.
    pub ends: [SocketAddr; 2],
    pub messages: Vec<Recorded>,
    pub secrets: Secrets,
    pub sas: Vec<Sa>,
    /// Everything that was derived in phase 1 and, where the daemons logged it, in phase 2.
    pub known: Vec<Known>,
    /// What is known of the exponents of initiator and responder.
    pub exponents: [Secret; 2],
    pub setting: Setting,
}

/// The index of a role in pairs of initiator and responder.
pub fn side(role: Role) -> usize {
    match role {
        Role::Initiator => 0,
        Role::Responder => 1,
    }
}

pub fn other(role: Role) -> Role {
    match role {
        Role::Initiator => Role::Responder,
        Role::Responder => Role::Initiator,
    }
}

/// Decrypts what is encrypted, by the IV chains of RFC 2409 Appendix B.
pub fn open(datagrams: Vec<(Role, u16, Vec<u8>)>, suite: &Phase1Suite, secrets: &Secrets) -> Vec<Recorded> {
    let block = block_len(suite.cipher);
    let mut phase1 = secrets.iv.clone();
    let mut chains: BTreeMap<u32, Vec<u8>> = BTreeMap::new();
    let open_one = |(from, port, datagram): (Role, u16, Vec<u8>)| {
        let datagram = Bytes::from(datagram);
        let header = Header::parse(&datagram).unwrap();
        if !header.is_encrypted() {
            let message = Message::parse(datagram.clone()).unwrap();
            return Recorded { from, port, datagram, message, iv: None };
        }
        let encrypted = EncryptedMessage::parse(datagram.clone()).unwrap();
        let id = header.message_id.0;
        let iv = match id {
            0 => &mut phase1,
            _ => chains
                .entry(id)
                .or_insert_with(|| digest(suite.hash, &[&phase1, &id.to_be_bytes()])[..block].to_vec()),
        };
        let plaintext = decrypt(suite.cipher, &secrets.ka, iv, encrypted.ciphertext());
        let last = encrypted.ciphertext()[encrypted.ciphertext().len() - block..].to_vec();
        let iv = core::mem::replace(iv, last);
        let message = encrypted.decrypted(plaintext.into()).unwrap();
        Recorded { from, port, datagram, message, iv: Some(iv) }
    };
    datagrams.into_iter().map(open_one).collect()
}

impl Recording {
    pub fn hash(&self) -> HashAlgorithm {
        self.suite.hash
    }

    /// The first payload of a kind that a side sent in phase 1.
    pub fn phase1(&self, from: Role, kind: PayloadKind) -> Option<&Payload> {
        let of_side = self.messages.iter().filter(|recorded| recorded.from == from && recorded.is_phase1());
        of_side.filter_map(|recorded| recorded.message.first(kind)).next()
    }

    pub fn public(&self, from: Role) -> Vec<u8> {
        self.phase1(from, PayloadKind::KEY_EXCHANGE).unwrap().raw().to_vec()
    }

    pub fn nonce(&self, from: Role) -> Vec<u8> {
        self.phase1(from, PayloadKind::NONCE).unwrap().raw().to_vec()
    }

    pub fn cookies(&self) -> [Vec<u8>; 2] {
        let header = self.messages[1].header();
        [header.initiator_cookie.0.to_vec(), header.responder_cookie.0.to_vec()]
    }

    /// The messages of the one Quick Mode.
    pub fn quick(&self) -> Vec<&Recorded> {
        self.messages.iter().filter(|recorded| recorded.of_exchange(ExchangeType::QUICK)).collect()
    }

    /// The inputs of HASH_I and HASH_R.
    pub fn proof_inputs(&self, prover: Role) -> Vec<u8> {
        let verifier = other(prover);
        let cookies = self.cookies();
        let sa_i = self.phase1(Role::Initiator, PayloadKind::SA).unwrap();
        let id = self.phase1(prover, PayloadKind::IDENTIFICATION).unwrap();
        [
            &self.public(prover)[..],
            &self.public(verifier),
            &cookies[side(prover)],
            &cookies[side(verifier)],
            sa_i.raw(),
            id.raw(),
        ]
        .concat()
    }

    /// Everything that the recording says, computed again from as little of it as possible: the shared secrets, the
    /// pre-shared key and the messages.
    pub fn verify(&self) {
        for recorded in &self.messages {
            self.verify_octets(recorded);
        }
        self.verify_phase1();
        for recorded in &self.messages {
            if recorded.of_exchange(ExchangeType::INFORMATIONAL) {
                let id = recorded.header().message_id.0.to_be_bytes();
                let rest = recorded.message.octets_after_first();
                self.verify_hash("Informational", recorded, &[&id, &rest]);
            }
        }
        self.verify_quick();
    }

    /// What was parsed is written again, to the same octets: from raw payloads and from typed bodies, padded and encrypted.
    fn verify_octets(&self, recorded: &Recorded) {
        let Recorded { datagram, message, iv, .. } = recorded;
        let again: Vec<Payload> =
            message.payloads().iter().map(|payload| Payload::new(payload.body().clone())).collect();
        let mut octets = encode_chain(&again);
        assert_eq!(octets, message.encode_payloads(), "{}: {message:?}", self.name);
        let Some(iv) = iv else {
            assert_eq!(Message::new(*message.header(), again).encode(), datagram, "{}", self.name);
            return;
        };
        octets.extend_from_slice(message.padding());
        let ciphertext = encrypt(self.suite.cipher, &self.secrets.ka, iv, &octets);
        assert_eq!(EncryptedMessage::encode(*message.header(), &ciphertext), datagram, "{}", self.name);
    }

    fn verify_phase1(&self) {
        let Secrets { g_xy, skeyid, skeyid_d, skeyid_a, skeyid_e, ka: key, iv, .. } = &self.secrets;
        let (name, hash) = (self.name, self.hash());
        let [cky_i, cky_r] = self.cookies();
        let nonces = [self.nonce(Role::Initiator), self.nonce(Role::Responder)].concat();
        let expected = match &self.proof {
            Proof::PreShared(key) => prf(hash, key, &[&nonces]),
            Proof::Signature => prf(hash, &nonces, &[g_xy]),
        };
        assert_eq!(*skeyid, expected, "{name}: SKEYID");
        assert_eq!(*skeyid_d, prf(hash, skeyid, &[g_xy, &cky_i, &cky_r, &[0]]), "{name}: SKEYID_d");
        assert_eq!(*skeyid_a, prf(hash, skeyid, &[skeyid_d, g_xy, &cky_i, &cky_r, &[1]]), "{name}: SKEYID_a");
        assert_eq!(*skeyid_e, prf(hash, skeyid, &[skeyid_a, g_xy, &cky_i, &cky_r, &[2]]), "{name}: SKEYID_e");
        assert_eq!(*key, ka(hash, skeyid_e, self.suite.key_len), "{name}: Ka");
        let publics = [self.public(Role::Initiator), self.public(Role::Responder)];
        let first_iv = digest(hash, &[&publics[0], &publics[1]]);
        assert_eq!(*iv, first_iv[..block_len(self.suite.cipher)], "{name}: IV");
        for (prover, which) in [(Role::Initiator, "HASH_I"), (Role::Responder, "HASH_R")] {
            let value = prf(hash, skeyid, &[&self.proof_inputs(prover)]);
            let logged = self.known.iter().find(|known| known.name == which).unwrap();
            assert_eq!(logged.result, value, "{name}: {which}");
            assert!(
                logged.inputs.as_ref().is_none_or(|inputs| *inputs == self.proof_inputs(prover)),
                "{name}"
            );
            match self.proof {
                Proof::PreShared(_) => {
                    let sent = self.phase1(prover, PayloadKind::HASH).unwrap();
                    assert_eq!(sent.raw(), &value, "{name}: {which} as sent");
                }
                Proof::Signature => assert!(self.phase1(prover, PayloadKind::SIGNATURE).is_some(), "{name}"),
            }
        }
    }

    fn verify_hash(&self, what: &str, recorded: &Recorded, parts: &[&[u8]]) {
        let first = recorded.message.payloads()[0].get::<HashData>().expect("HASH comes first");
        assert_eq!(first.octets, prf(self.hash(), &self.secrets.skeyid_a, parts), "{}: {what}", self.name);
    }

    /// The nonces of the Quick Mode.
    pub fn quick_nonces(&self) -> [Vec<u8>; 2] {
        let quick = self.quick();
        [0, 1].map(|at: usize| quick[at].message.get::<Nonce>().unwrap().octets.to_vec())
    }

    fn verify_quick(&self) {
        let quick = self.quick();
        let [one, two, three] = quick[..] else { panic!("{}: not three messages", self.name) };
        let id = one.header().message_id.0.to_be_bytes();
        let [ni, nr] = self.quick_nonces();
        self.verify_hash("HASH(1)", one, &[&id, &one.message.octets_after_first()]);
        self.verify_hash("HASH(2)", two, &[&id, &ni, &two.message.octets_after_first()]);
        self.verify_hash("HASH(3)", three, &[&[0], &id, &ni, &nr]);
        assert_eq!(three.message.payloads().len(), 1, "{}", self.name);
        // RFC 2408 2.4: each side names the SPI that it receives under.
        for (role, recorded) in [(Role::Initiator, one), (Role::Responder, two)] {
            let proposals = &recorded.message.get::<SecurityAssociation>().unwrap().proposals;
            let mut named: Vec<Vec<u8>> = proposals.iter().map(|proposal| proposal.spi.to_vec()).collect();
            let of_role = self.sas.iter().filter(|sa| sa.receiver == role);
            let mut logged: Vec<Vec<u8>> = of_role.map(|sa| sa.spi.to_be_bytes().to_vec()).collect();
            named.sort();
            logged.sort();
            assert_eq!(named, logged, "{}: SPIs", self.name);
        }
        let public = [one, two].map(|recorded| recorded.message.get::<KeyExchange>().is_some());
        assert_eq!(public, [self.setting.pfs.is_some(); 2], "{}: KE", self.name);
        if self.knows_keymat() {
            for sa in &self.sas {
                let logged = [&sa.encryption[..], &sa.integrity].concat();
                let seed = self.keymat_inputs(sa);
                let computed = keymat(self.hash(), &self.secrets.skeyid_d, &seed, logged.len());
                assert_eq!(logged, computed, "{}: KEYMAT of {:#x}", self.name, sa.spi);
            }
        }
    }

    /// Whether nothing that goes into KEYMAT is unknown.
    pub fn knows_keymat(&self) -> bool {
        self.setting.pfs.is_none() || self.secrets.quick_g_xy.is_some()
    }

    /// What KEYMAT of an SA is made of.
    pub fn keymat_inputs(&self, sa: &Sa) -> Vec<u8> {
        let [ni, nr] = self.quick_nonces();
        let protocol = match sa.protocol {
            Protocol::Ah => 2,
            Protocol::Esp => 3,
        };
        // RFC 2409 5.5: g(qm)^xy comes first, if there is one.
        let g_xy = self.secrets.quick_g_xy.as_deref().unwrap_or_default();
        [g_xy, &[protocol], &sa.spi.to_be_bytes(), &ni, &nr].concat()
    }
}
