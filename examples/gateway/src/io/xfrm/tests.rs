//! Our messages against those that iproute2 sends for the same wish.

use core::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use crypto_provider::{AeadAlgorithm, CipherAlgorithm, HashAlgorithm};
use ipsec_core::{DfPolicy, Lifetime, Protocol, ReplayProtection, Selector, WindowSize};
use ipsec_esp::{Integrity, Suite};
use netlink_packet_core::Emitable;
use netlink_packet_xfrm::UserPolicyId;

use super::policy::{self, Piece};
use super::selector::{self, Way};
use super::spd::Ask;
use super::state::State;
use super::*;
use crate::io::netlink::Forget;

/// A kernel that does what it is asked, as long as it likes.
#[derive(Default)]
pub(super) struct Obliging {
    asked: RefCell<Vec<XfrmMessage>>,
    pub(super) patience: Cell<Option<usize>>,
}

impl Obliging {
    pub(super) fn asked(&self) -> Vec<XfrmMessage> {
        self.asked.take()
    }
}

impl Ask for Obliging {
    fn ask(&self, message: XfrmMessage, _: u16) -> Result<Vec<XfrmMessage>, Refusal> {
        if let Some(left) = self.patience.get() {
            let left = left.checked_sub(1).ok_or_else(|| io::Error::from(ErrorKind::OutOfMemory))?;
            self.patience.set(Some(left));
        }
        self.asked.borrow_mut().push(message);
        Ok(Vec::new())
    }
}

/// Commands and the payloads that they send, in hexadecimal.
const RECORDED: &str = include_str!("../../../tests/data/iproute2-xfrm.txt");

/// The payload of the one command that contains all of these words.
fn recorded(words: &[&str]) -> Vec<u8> {
    let lines: Vec<&str> = RECORDED.lines().filter(|line| !line.starts_with('#')).collect();
    let has_all = |command: &str| {
        let command: Vec<&str> = command.split(' ').collect();
        words.iter().all(|word| command.contains(word))
    };
    let found: Vec<_> = lines.chunks(2).filter(|pair| has_all(pair[0])).collect();
    assert_eq!(found.len(), 1, "{words:?}");
    hex::decode(found[0][1].trim()).unwrap()
}

fn octets(message: &impl Emitable) -> Vec<u8> {
    let mut octets = vec![0; message.buffer_len()];
    message.emit(&mut octets);
    octets
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn packets(local: &str, remote: &str) -> Selector {
    let range = |text: &str| {
        let (net, len) = text.split_once('/').unwrap();
        Selector::prefix(address(net), len.parse().unwrap()).unwrap()
    };
    Selector::new(range(local), range(remote)).unwrap()
}

fn outward(packets: &Selector) -> Option<netlink_packet_xfrm::Selector> {
    let found = selector::of(packets, Way::Out);
    assert_eq!(found.len(), 1);
    found.first().copied()
}

const KEY: [u8; 64] = {
    let mut key = [0; 64];
    let mut place = 0_u8;
    while place < 64 {
        key[place as usize] = place;
        place += 1;
    }
    key
};

fn separate(cipher: CipherAlgorithm, key_len: usize, hash: HashAlgorithm, icv_len: usize) -> Protection {
    Protection::Esp(Suite::Separate { cipher, key_len, integrity: Integrity { hash, icv_len } })
}

/// A state from 10.9.0.1 to 10.9.0.2 whose keys are counted up from 0.
fn plain(spi: u32, protection: Protection) -> State<'static> {
    let (encryption, integrity) = protection.key_lens();
    State {
        ends: (address("10.9.0.1"), address("10.9.0.2")),
        spi,
        protection,
        keys: (&KEY[..encryption], &KEY[..integrity]),
        tunnel: false,
        reqid: policy::reqid(0),
        lifetime: Lifetime::default(),
        selector: None,
        any_family: false,
        replay: None,
        df: DfPolicy::Copy,
        ports: None,
    }
}

#[test]
fn states_are_those_of_iproute2() {
    let nets = packets("10.1.0.0/24", "10.2.0.0/24");
    let window = |size| Some(ReplayProtection::Window(WindowSize::new(size).unwrap()));
    let octets_of = |state: State<'_>| octets(&*state.message().unwrap());

    let mut des = plain(0x1234_5678, separate(CipherAlgorithm::DesCbc, 8, HashAlgorithm::Sha1, 12));
    des.keys.0 = &[0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef];
    (des.tunnel, des.selector, des.replay) = (true, outward(&nets), window(32));
    des.lifetime.soft_octets = Some(4_194_304);
    des.lifetime.hard_octets = Some(4_718_592);
    des.lifetime.hard_time = Some(Duration::from_secs(3600));
    assert_eq!(octets_of(des), recorded(&["cbc(des)"]));

    let mut ah = plain(0x1000, Protection::Ah(Integrity::HMAC_SHA256_128));
    ah.ends = (ah.ends.1, ah.ends.0);
    (ah.reqid, ah.replay) = (policy::reqid(1), Some(ReplayProtection::Off));
    assert_eq!(octets_of(ah), recorded(&["hmac(sha256)"]));

    let gcm = Suite::Combined { aead: AeadAlgorithm::AesGcm16, key_len: 16 };
    let mut gcm = plain(0xffff_fffe, Protection::Esp(gcm));
    gcm.ends = (address("fd09::1"), address("fd09::2"));
    let dns = packets("fd01::/64", "fd02::/64").with_protocol(Protocol::UDP);
    let dns = dns.with_ports(53..=53, 0..=u16::MAX).unwrap();
    (gcm.tunnel, gcm.df, gcm.selector) = (true, DfPolicy::Clear, outward(&dns));
    gcm.lifetime.hard_time = Some(Duration::from_secs(28_800));
    assert_eq!(octets_of(gcm), recorded(&["rfc4106(gcm(aes))"]));

    let triple = separate(CipherAlgorithm::TripleDesCbc, 24, HashAlgorithm::Md5, 12);
    let mut triple = plain(0x100, triple);
    triple.selector = outward(&packets("10.9.0.1/32", "10.9.0.2/32"));
    triple.replay = window(64);
    assert_eq!(octets_of(triple), recorded(&["cbc(des3_ede)"]));

    let mut ctr = plain(0x100, separate(CipherAlgorithm::AesCtr, 16, HashAlgorithm::Sha512, 32));
    (ctr.tunnel, ctr.selector, ctr.ports) = (true, outward(&nets), Some((4500, 1024)));
    assert_eq!(octets_of(ctr), recorded(&["espinudp"]));

    let mut outer = plain(0x101, Protection::Ah(Integrity::HMAC_SHA384_192));
    outer.any_family = true;
    assert_eq!(octets_of(outer), recorded(&["hmac(sha384)"]));
}

#[test]
fn policies_are_those_of_iproute2() {
    let shape = Shape::bundle(
        (address("10.9.0.1"), address("10.9.0.2")),
        true,
        &[oakley::Protocol::Ah, oakley::Protocol::Esp],
    );
    let pieces = [Piece { packets: packets("10.1.0.0/24", "10.2.0.0/24"), flow: Some(0) }];
    let made = policy::messages(&[], &pieces, &BTreeMap::from([(0, shape)])).unwrap();
    assert_eq!(made.len(), 3);
    for (made, direction) in made.iter().zip(["out", "in", "fwd"]) {
        assert_eq!(octets(made), recorded(&["policy", "add", direction, "esp", "ah"]), "{direction}");
    }
    let known = made[0].user_policy_info;
    let gone = UserPolicyId { selector: known.selector, direction: known.direction, index: 0 };
    assert_eq!(octets(&gone), recorded(&["policy", "delete"]));
}

#[test]
fn ike_and_the_search_for_neighbours_stay_clear() {
    let made =
        policy::messages(&policy::bypasses(&[address("10.9.0.1")], &[500, 4500]), &[], &BTreeMap::new());
    let made = made.unwrap();
    assert_eq!(octets(&made[0]), recorded(&["udp", "out", "500"]));
    assert_eq!(made.len(), 2 * 3, "two ports, three directions");
    let v6 = policy::messages(&policy::bypasses(&[address("fd09::1")], &[]), &[], &BTreeMap::new()).unwrap();
    assert_eq!(octets(&v6[0]), recorded(&["ipv6-icmp", "out"]));
    assert!(v6.iter().all(|policy| policy.user_policy_info.selector.proto == 58), "nothing but ICMPv6");
}

/// What a kernel would be asked for, an algorithm at a time: names by which Linux knows them.
#[test]
fn every_suite_has_a_name() {
    for (cipher, key_len) in [
        (CipherAlgorithm::Null, 0),
        (CipherAlgorithm::DesCbc, 8),
        (CipherAlgorithm::TripleDesCbc, 24),
        (CipherAlgorithm::AesCbc, 32),
        (CipherAlgorithm::AesCtr, 32),
    ] {
        for hash in [
            HashAlgorithm::Md5,
            HashAlgorithm::Sha1,
            HashAlgorithm::Sha256,
            HashAlgorithm::Sha384,
            HashAlgorithm::Sha512,
        ] {
            let protection = separate(cipher, key_len, hash, 12);
            assert!(protection.name().is_some() && plain(300, protection).message().is_some());
        }
    }
}

#[test]
fn keys_do_not_stay_in_messages() {
    let state = plain(300, separate(CipherAlgorithm::AesCbc, 16, HashAlgorithm::Sha1, 12));
    let has_keys = |message: &XfrmMessage| octets(message).windows(12).any(|window| window == &KEY[4..16]);
    for request in [XfrmMessage::AddSa, XfrmMessage::UpdateSa] {
        let mut message = request(state.message().unwrap().into_message());
        assert!(has_keys(&message));
        message.forget();
        assert!(!has_keys(&message));
    }
}
