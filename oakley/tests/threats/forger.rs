//! A hand between two engines: it sees every message, may put forged ones before it, and knows the keys that the
//! engines logged.

use core::time::Duration;
use std::collections::VecDeque;

use bytes::Bytes;
use crypto_provider::default::provider;
use crypto_provider::{CipherAlgorithm, HashAlgorithm};
use isakmp_wire::payload::HashData;
use isakmp_wire::{
    Cookie, EncryptedMessage, Flags, Header, Message, MessageId, Payload, PayloadKind, encode_chain,
};
use oakley::*;

use crate::pair::*;

pub const A: usize = 0;
pub const B: usize = 1;

/// Two engines that are driven by hand, without time passing unless a test says so.
pub struct Bench {
    pub hosts: [Host; 2],
    /// To whom, and what: in the order of sending.
    pub flying: VecDeque<(usize, Vec<u8>)>,
    pub now: Duration,
    pub seen: Vec<(usize, Vec<u8>)>,
}

impl Bench {
    pub fn new(seed: u64) -> Self {
        Self::with(seed, policy(1, 2), policy(2, 1))
    }

    pub fn with(seed: u64, a: Policy, b: Policy) -> Self {
        let log = |policy| Policy { key_log: true, ..policy };
        let hosts =
            [Host::new(seed, log(a), Config::default()), Host::new(seed + 1000, log(b), Config::default())];
        Self { hosts, flying: VecDeque::new(), now: Duration::ZERO, seen: Vec::new() }
    }

    pub fn initiate(&mut self) {
        let request =
            Request { path: Pair::path(), selectors: SelectorPair { local: net(1), remote: net(2) } };
        self.hosts[A].engine.handle_input(self.now, Input::Initiate(request)).unwrap();
        self.collect(A);
    }

    fn collect(&mut self, from: usize) -> usize {
        let before = self.hosts[from].sent.len();
        self.hosts[from].drain();
        let new = self.hosts[from].sent[before..].to_vec();
        let count = new.len();
        self.flying.extend(new.into_iter().map(|octets| (1 - from, octets)));
        count
    }

    /// Delivers one datagram; how many answers it drew.
    pub fn deliver(&mut self, to: usize, octets: &[u8]) -> usize {
        let (me, peer) = (address(to as u8 + 1), address(2 - to as u8));
        let path = Path { local: me, remote: peer };
        self.hosts[to].engine.handle_input(self.now, Input::Datagram { path, octets }).unwrap();
        self.collect(to)
    }

    /// The next genuine message, taken off the wire.
    pub fn next(&mut self) -> Option<(usize, Vec<u8>)> {
        let next = self.flying.pop_front()?;
        self.seen.push(next.clone());
        Some(next)
    }

    /// Delivers genuine messages until none is left, calling `before` with the number of each (from 1) just before it.
    pub fn run(&mut self, mut before: impl FnMut(&mut Self, usize, usize, &[u8])) {
        let mut number = 0;
        while let Some((to, octets)) = self.next() {
            number += 1;
            assert!(number < 100, "livelock");
            before(self, number, to, &octets);
            self.deliver(to, &octets);
        }
    }

    /// Takes messages off the wire until `number` messages were delivered; the next one is left flying.
    pub fn run_to(&mut self, number: usize) {
        for _ in 0..number {
            let (to, octets) = self.next().unwrap();
            self.deliver(to, &octets);
        }
    }

    pub fn complete(&self) -> bool {
        self.hosts.iter().all(|host| host.established().len() == 1 && host.installed.len() == 2)
    }

    /// Delivers something that must be quiet: no answer, and the same state afterwards.
    pub fn quiet(&mut self, to: usize, octets: &[u8], what: &str) {
        let before = self.state(to);
        let installed = self.hosts[to].installed.len();
        assert_eq!(self.deliver(to, octets), 0, "{what}: answered");
        assert_eq!(self.state(to), before, "{what}: state changed");
        assert_eq!(self.hosts[to].installed.len(), installed, "{what}: installed");
    }

    /// Everything that a snapshot shows but counters.
    pub fn state(&self, of: usize) -> String {
        let snapshot = self.hosts[of].engine.snapshot();
        format!("{:?} {:?} {:?}", snapshot.ike_sas, snapshot.bundles, self.hosts[of].engine.poll_timeout())
    }

    /// A derivation that an engine logged, the last of its name (and message id).
    pub fn derived(&self, of: usize, name: &str, message_id: u32) -> Option<Bytes> {
        self.hosts[of].events.iter().rev().find_map(|event| match event {
            Event::Derived(derivation)
                if derivation.name == name && derivation.message_id.0 == message_id =>
            {
                Some(derivation.result.clone())
            }
            _ => None,
        })
    }

    pub fn decrypt(&self, datagram: &[u8], iv: &[u8]) -> Message {
        let key = self.derived(A, "Ka", 0).unwrap();
        let message = EncryptedMessage::parse(Bytes::copy_from_slice(datagram)).unwrap();
        let mut octets = message.ciphertext().to_vec();
        let cipher = provider().cipher(CipherAlgorithm::DesCbc).unwrap().key(&key).unwrap();
        cipher.decrypt(iv, &mut octets).unwrap();
        message.decrypted(octets.into()).unwrap()
    }

    pub fn encrypt(&self, header: &Header, payloads: &[Payload], iv: &[u8]) -> Vec<u8> {
        self.encrypt_octets(
            header,
            payloads.first().map_or(PayloadKind::NONE, Payload::kind),
            encode_chain(payloads),
            iv,
        )
    }

    pub fn encrypt_octets(
        &self,
        header: &Header,
        first: PayloadKind,
        mut octets: Vec<u8>,
        iv: &[u8],
    ) -> Vec<u8> {
        let key = self.derived(A, "Ka", 0).unwrap();
        octets.resize(octets.len().div_ceil(8) * 8, 0);
        let cipher = provider().cipher(CipherAlgorithm::DesCbc).unwrap().key(&key).unwrap();
        cipher.encrypt(iv, &mut octets).unwrap();
        EncryptedMessage::encode(Header { next_payload: first, ..*header }, &octets).to_vec()
    }

    /// The last ciphertext block of phase 1, or its IV if nothing was encrypted.
    pub fn last_block(&self) -> Vec<u8> {
        let phase1 = self.seen.iter().rev().find(|(_, octets)| {
            let header = Header::parse(octets).unwrap();
            header.message_id == MessageId::ZERO && header.is_encrypted()
        });
        match phase1 {
            Some((_, octets)) => octets[octets.len() - 8..].to_vec(),
            None => self.derived(A, "IV", 0).unwrap()[..8].to_vec(),
        }
    }

    /// The first IV of a message id.
    pub fn iv(&self, message_id: u32) -> Vec<u8> {
        let hash = provider().hash(HashAlgorithm::Sha1).unwrap();
        hash.digest(&[&self.last_block(), &message_id.to_be_bytes()]).as_ref()[..8].to_vec()
    }

    /// prf(SKEYID_a, parts).
    pub fn hash(&self, parts: &[&[u8]]) -> Vec<u8> {
        let key = self.derived(A, "SKEYID_a", 0).unwrap();
        let mut out = vec![0; 20];
        provider().prf(HashAlgorithm::Sha1).unwrap().key(&key).compute(parts, &mut out);
        out
    }

    /// The header of a forged message under the live IKE SA.
    pub fn header(&self, exchange: isakmp_wire::ExchangeType, message_id: u32) -> Header {
        let cookies = self.hosts[A].engine.snapshot().ike_sas[0].cookies;
        Header {
            initiator_cookie: cookies.initiator,
            responder_cookie: cookies.responder,
            next_payload: PayloadKind::NONE,
            version: isakmp_wire::Version::ISAKMP_1_0,
            exchange,
            flags: Flags::ENCRYPTION,
            message_id: MessageId(message_id),
            length: 0,
        }
    }

    /// A message with a good HASH(1): what an authenticated peer could send.
    pub fn protect(&self, header: &Header, payloads: &[Payload]) -> Vec<u8> {
        let rest = encode_chain(payloads);
        let hash = self.hash(&[&header.message_id.0.to_be_bytes(), &rest]);
        let mut all = vec![Payload::new(HashData { octets: hash.into() })];
        all.extend_from_slice(payloads);
        self.encrypt(header, &all, &self.iv(header.message_id.0))
    }
}

/// A clear message with its payloads changed.
pub fn rewrite(datagram: &[u8], change: impl FnOnce(&mut Vec<Payload>)) -> Vec<u8> {
    let message = Message::parse(Bytes::copy_from_slice(datagram)).unwrap();
    let mut payloads = message.payloads().to_vec();
    change(&mut payloads);
    Message::new(*message.header(), payloads).encode().to_vec()
}

pub fn parse(datagram: &[u8]) -> Message {
    Message::parse(Bytes::copy_from_slice(datagram)).unwrap()
}

/// A clear message with other cookies.
pub fn with_cookies(datagram: &[u8], initiator: [u8; 8], responder: [u8; 8]) -> Vec<u8> {
    let message = parse(datagram);
    let header = Header {
        initiator_cookie: Cookie(initiator),
        responder_cookie: Cookie(responder),
        ..*message.header()
    };
    Message::new(header, message.payloads().to_vec()).encode().to_vec()
}
