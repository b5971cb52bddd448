//! Recorded messages with another dissector's fields, and tools to spoil messages.

use bytes::Bytes;
use core::ops::Range;
use isakmp_wire::{EncryptedMessage, Message};

/// A message out of `tests/data`.
pub(crate) struct Recorded {
    /// File and number.
    pub(crate) name: String,
    pub(crate) datagram: Bytes,
    /// What the ciphertext was decrypted to, if the message is encrypted and its key known.
    pub(crate) plaintext: Option<Bytes>,
    /// The fields that tshark found.
    pub(crate) fields: Vec<Reference>,
}

/// A field as tshark found it.
pub(crate) struct Reference {
    pub(crate) range: Range<usize>,
    pub(crate) name: String,
    pub(crate) octets: Vec<u8>,
}

impl Recorded {
    pub(crate) fn is_encrypted(&self) -> bool {
        self.datagram[19] & 1 != 0
    }

    /// The message, decrypted if need be; `None` when its key is not known.
    pub(crate) fn message(&self) -> Option<Message> {
        if !self.is_encrypted() {
            return Some(Message::parse(self.datagram.clone()).expect(&self.name));
        }
        let plaintext = self.plaintext.clone()?;
        let encrypted = EncryptedMessage::parse(self.datagram.clone()).expect(&self.name);
        Some(encrypted.decrypted(plaintext).expect(&self.name))
    }
}

/// The captures of sound messages.
pub(crate) const SOUND: &[&str] = &[
    "built",
    "handshake-main-psk",
    "handshake-main-rsa-encryption-cisco",
    "recording-aggressive-aes128-sha1-modp1024-rsa2048",
    "recording-aggressive-des-sha1-modp768",
    "recording-k-ah-sha1-tunnel",
    "recording-k-esp-des-sha1-transport",
    "recording-main-3des-sha1-modp1024-psk",
    "recording-main-3des-sha1-modp1024-rsa1024",
    "recording-main-aes128-sha1-modp1024-ctr",
    "recording-main-aes128-sha1-modp1536-pfs",
    "recording-main-aes128-sha256-ecp256-ctr",
    "recording-main-aes256-sha256-modp2048-gcm",
    "recording-main-aes256-sha384-ecp384-pfs",
    "recording-main-aes256-sha512-ecp521",
    "recording-main-des-md5-modp768-psk",
    "recording-racoon-main-ah-esp",
    "recording-v6-main-aes128-sha1-modp1024",
    "tcpdump-ISAKMP_sa_setup",
    "tcpdump-isakmp4500",
];

/// The messages of one file.
pub(crate) fn load(name: &str) -> Vec<Recorded> {
    let path = format!("{}/tests/data/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect(&path);
    let mut messages: Vec<Recorded> = Vec::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        match words[0] {
            "message" => messages.push(Recorded {
                name: format!("{name} message {}", words[1]),
                datagram: Bytes::new(),
                plaintext: None,
                fields: Vec::new(),
            }),
            "datagram" => messages.last_mut().unwrap().datagram = hex::decode(words[1]).unwrap().into(),
            "plaintext" => {
                messages.last_mut().unwrap().plaintext = Some(hex::decode(words[1]).unwrap().into())
            }
            "field" => messages.last_mut().unwrap().fields.push(Reference {
                range: words[1].parse().unwrap()..words[2].parse().unwrap(),
                name: words[3].into(),
                octets: hex::decode(words[4]).unwrap(),
            }),
            other => panic!("{path}: {other}"),
        }
    }
    messages
}

/// All sound messages.
pub(crate) fn sound() -> Vec<Recorded> {
    SOUND.iter().flat_map(|name| load(name)).collect()
}

/// `octets` with the header's length field set to their number.
pub(crate) fn with_true_length(mut octets: Vec<u8>) -> Bytes {
    let length = u32::try_from(octets.len()).unwrap();
    octets[24..28].copy_from_slice(&length.to_be_bytes());
    octets.into()
}

/// A clear Informational message with one chain.
pub(crate) fn clear(first: u8, chain: &[u8]) -> Bytes {
    let mut octets = vec![1; 8];
    octets.extend([2; 8]);
    octets.extend([first, 0x10, 5, 0, 0, 0, 0, 9, 0, 0, 0, 0]);
    octets.extend(chain);
    with_true_length(octets)
}

/// A payload with its generic header.
pub(crate) fn payload(next: u8, body: &[u8]) -> Vec<u8> {
    let mut octets = vec![next, 0];
    octets.extend(u16::try_from(body.len() + 4).unwrap().to_be_bytes());
    octets.extend(body);
    octets
}

/// Messages near 64 KiB that are made of as many things as the caps allow, by name.
pub(crate) fn largest() -> Vec<(&'static str, Bytes)> {
    let attributes = [0x80, 1, 0, 1].repeat(60);
    let transform = |next| payload(next, &[&[1, 3, 0, 0], &attributes[..]].concat());
    let proposal = |next: u8, number: u8| {
        payload(next, &[&[number, 3, 0, 2][..], &transform(3), &transform(0)].concat())
    };
    let mut proposals = Vec::new();
    for number in 0..127 {
        proposals.extend(proposal(if number == 126 { 0 } else { 2 }, number));
    }
    let sa = payload(0, &[&[0, 0, 0, 1, 0, 0, 0, 1], &proposals[..]].concat());
    let vendors: Vec<u8> =
        (0..512).flat_map(|at| payload(if at == 511 { 0 } else { 13 }, &[0x5a; 100])).collect();
    let delete = payload(0, &[&[0, 0, 0, 1, 3, 15, 0x10, 0], &vec![1; 15 * 4096][..]].concat());
    let opaque = payload(0, &vec![0x33; 65_000]);
    vec![
        ("proposals, transforms, attributes", clear(1, &sa)),
        ("vendor identifiers", clear(13, &vendors)),
        ("SPIs", clear(12, &delete)),
        ("one payload", clear(43, &opaque)),
    ]
}
