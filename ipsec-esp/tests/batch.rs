//! A batch is what its packets are one at a time, whatever goes wrong in it; a provider sees it whole; sizes end where they
//! should.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation,
    missing_docs,
    reason = "a test may panic"
)]

mod common;

use core::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

use common::{NOW, clear, inbound, keymat, outbound, random, sealed, spi, suites, transform, tunnel};
use crypto_provider::default::{SeededRandom, provider};
use crypto_provider::{
    Aead, AeadAlgorithm, AeadJob, AeadKey, Cipher, CipherAlgorithm, CipherJob, CipherKey, CryptoProvider,
    InvalidKey, InvalidLength, Mismatch,
};
use ipsec_core::{DropReason, InboundConfig, Mode, OutboundConfig, PacketBuf, SealError, Spi, Tunnel};
use ipsec_esp::{
    InboundSa, Integrity, Keys, OpenJob, OutboundSa, SealJob, Suite, Transform, UdpEncapsulation,
};
use proptest::prelude::*;

/// What becomes of one packet of a batch.
#[derive(Clone, Copy, Debug)]
enum Fault {
    None,
    NotIp,
    TooLong,
    NoRoom,
    BadIcv,
    Short,
    OtherSpi,
    Copy,
}

fn faults() -> impl Strategy<Value = Vec<Fault>> {
    use Fault::*;
    let one = prop_oneof![
        8 => Just(None), 1 => Just(NotIp), 1 => Just(TooLong), 1 => Just(NoRoom), 2 => Just(BadIcv), 1 => Just(Short),
        1 => Just(OtherSpi), 2 => Just(Copy)
    ];
    prop::collection::vec(one, 0..70)
}

fn to_seal(faults: &[Fault]) -> Vec<PacketBuf> {
    let make = |(n, fault): (usize, &Fault)| match fault {
        Fault::NotIp => PacketBuf::copy_of(&[0x75; 40]),
        Fault::TooLong => PacketBuf::copy_of(&clear(65_500)),
        Fault::NoRoom => {
            let mut packet = PacketBuf::with_capacity(8, 100);
            packet.append(60).unwrap().copy_from_slice(&clear(32));
            packet
        }
        _ => PacketBuf::copy_of(&clear(n * 13)),
    };
    faults.iter().enumerate().map(make).collect()
}

fn octets(packets: &[PacketBuf]) -> Vec<Vec<u8>> {
    packets.iter().map(|packet| packet.octets().to_vec()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(120) })]

    #[test]
    fn a_batch_is_its_packets_one_at_a_time(faults in faults(), suite in 0_usize..suites().len(), seed in any::<u64>()) {
        let suite = suites()[suite];
        let (mut one, mut each) = (outbound(suite), outbound(suite));
        let (mut singly, mut batch) = (to_seal(&faults), to_seal(&faults));
        let (r1, r2) = (SeededRandom::new(seed), SeededRandom::new(seed));
        let results: Vec<Result<(), SealError>> = singly.iter_mut().map(|packet| {
            let sequence = one.reserve(packet.len(), NOW)?;
            let result = one.seal(sequence, packet, &r1);
            if let Err(error) = result { one.count_drop(error.into()) }
            result
        }).collect();
        let mut jobs: Vec<_> = batch.iter_mut().map(SealJob::new).collect();
        each.seal_each(&mut jobs, NOW, &r2);
        prop_assert_eq!(jobs.iter().map(|job| job.result).collect::<Vec<_>>(), results);
        prop_assert_eq!(octets(&batch), octets(&singly));
        prop_assert_eq!(one.snapshot(NOW), each.snapshot(NOW));

        let mut wire: Vec<Vec<u8>> = Vec::new();
        for (fault, packet) in faults.iter().zip(&batch) {
            let mut packet = packet.octets().to_vec();
            let last = packet.len() - 1;
            match fault {
                Fault::BadIcv => packet[last] ^= 1,
                Fault::Short => packet.truncate(30),
                Fault::OtherSpi => packet[20] ^= 1,
                Fault::Copy => packet = wire.last().cloned().unwrap_or(packet),
                _ => {}
            }
            wire.push(packet);
        }
        let copies = || wire.iter().map(|packet| PacketBuf::copy_of(packet)).collect::<Vec<_>>();
        let (mut one, mut each) = (inbound(suite), inbound(suite));
        let (mut singly, mut batch) = (copies(), copies());
        let results: Vec<_> = singly.iter_mut().map(|packet| one.open(packet, NOW)).collect();
        let mut jobs: Vec<_> = batch.iter_mut().map(OpenJob::new).collect();
        each.open_each(&mut jobs, NOW);
        prop_assert_eq!(jobs.iter().map(|job| job.result).collect::<Vec<_>>(), results.clone());
        for ((single, batch), result) in singly.iter().zip(&batch).zip(&results) {
            prop_assert!(result.is_err() || single.octets() == batch.octets());
        }
        prop_assert_eq!(one.snapshot(NOW), each.snapshot(NOW));
    }
}

/// The largest batch that each hook was called with: encrypt, decrypt, seal, open.
#[derive(Default)]
struct Largest([AtomicUsize; 4]);

impl Largest {
    fn saw(&self, hook: usize, n: usize) {
        self.0[hook].fetch_max(n, Ordering::Relaxed);
    }

    fn get(&self) -> [usize; 4] {
        [0, 1, 2, 3].map(|hook| self.0[hook].load(Ordering::Relaxed))
    }
}

struct Watched<T: ?Sized + 'static>(Arc<Largest>, &'static T);

struct WatchedKey<T: ?Sized>(Arc<Largest>, Box<T>);

impl Cipher for Watched<dyn Cipher> {
    fn algorithm(&self) -> CipherAlgorithm {
        self.1.algorithm()
    }
    fn block_len(&self) -> usize {
        self.1.block_len()
    }
    fn iv_len(&self) -> usize {
        self.1.iv_len()
    }
    fn key_lengths(&self) -> &'static [usize] {
        self.1.key_lengths()
    }
    fn key(&self, key: &[u8]) -> Result<Box<dyn CipherKey>, InvalidKey> {
        Ok(Box::new(WatchedKey(Arc::clone(&self.0), self.1.key(key)?)))
    }
}

impl CipherKey for WatchedKey<dyn CipherKey> {
    fn encrypt(&self, iv: &[u8], data: &mut [u8]) -> Result<(), InvalidLength> {
        self.1.encrypt(iv, data)
    }
    fn decrypt(&self, iv: &[u8], data: &mut [u8]) -> Result<(), InvalidLength> {
        self.1.decrypt(iv, data)
    }
    fn encrypt_each(&self, jobs: &mut [CipherJob<'_>]) {
        self.0.saw(0, jobs.len());
        self.1.encrypt_each(jobs);
    }
    fn decrypt_each(&self, jobs: &mut [CipherJob<'_>]) {
        self.0.saw(1, jobs.len());
        self.1.decrypt_each(jobs);
    }
}

impl Aead for Watched<dyn Aead> {
    fn algorithm(&self) -> AeadAlgorithm {
        self.1.algorithm()
    }
    fn nonce_len(&self) -> usize {
        self.1.nonce_len()
    }
    fn key_lengths(&self) -> &'static [usize] {
        self.1.key_lengths()
    }
    fn key(&self, key: &[u8]) -> Result<Box<dyn AeadKey>, InvalidKey> {
        Ok(Box::new(WatchedKey(Arc::clone(&self.0), self.1.key(key)?)))
    }
}

impl AeadKey for WatchedKey<dyn AeadKey> {
    fn seal(&self, nonce: &[u8], aad: &[u8], data: &mut [u8], tag: &mut [u8]) -> Result<(), InvalidLength> {
        self.1.seal(nonce, aad, data, tag)
    }
    fn open(&self, nonce: &[u8], aad: &[u8], data: &mut [u8], tag: &[u8]) -> Result<(), Mismatch> {
        self.1.open(nonce, aad, data, tag)
    }
    fn seal_each(&self, jobs: &mut [AeadJob<'_>]) {
        self.0.saw(2, jobs.len());
        self.1.seal_each(jobs);
    }
    fn open_each(&self, jobs: &mut [AeadJob<'_>]) {
        self.0.saw(3, jobs.len());
        self.1.open_each(jobs);
    }
}

#[test]
fn a_provider_sees_32_packets_in_one_call() {
    let largest = Arc::new(Largest::default());
    let mut watched: CryptoProvider = provider();
    let find = |list: &[&'static dyn Cipher]| {
        *list.iter().find(|cipher| cipher.algorithm() == CipherAlgorithm::AesCbc).unwrap()
    };
    let cipher = find(&watched.ciphers);
    let aead = *watched.aeads.iter().find(|aead| aead.algorithm() == AeadAlgorithm::AesGcm16).unwrap();
    // A provider's algorithms live as long as the program.
    let cipher: &'static dyn Cipher = Box::leak(Box::new(Watched(Arc::clone(&largest), cipher)));
    let aead: &'static dyn Aead = Box::leak(Box::new(Watched(Arc::clone(&largest), aead)));
    watched.ciphers = vec![cipher].into();
    watched.aeads = vec![aead].into();
    let cbc =
        Suite::Separate { cipher: CipherAlgorithm::AesCbc, key_len: 16, integrity: Integrity::HMAC_SHA1_96 };
    let gcm = Suite::Combined { aead: AeadAlgorithm::AesGcm16, key_len: 32 };
    for (suite, expected) in [(cbc, [32, 32, 0, 0]), (gcm, [32, 32, 32, 32])] {
        let keys = keymat(&suite);
        let keyed = || Transform::new(suite, Keys::split(&suite, &keys).unwrap(), &watched).unwrap();
        let mut left = OutboundSa::new(OutboundConfig::new(spi(), tunnel()), keyed(), NOW);
        let mut right = InboundSa::new(InboundConfig::new(spi(), tunnel(), None), keyed(), NOW);
        let mut packets: Vec<_> = (0..32).map(|n| PacketBuf::copy_of(&clear(n * 40))).collect();
        let mut jobs: Vec<_> = packets.iter_mut().map(SealJob::new).collect();
        left.seal_each(&mut jobs, NOW, random().as_ref());
        assert!(jobs.iter().all(|job| job.result.is_ok()));
        let mut jobs: Vec<_> = packets.iter_mut().map(OpenJob::new).collect();
        right.open_each(&mut jobs, NOW);
        assert!(jobs.iter().all(|job| job.result.is_ok()));
        assert_eq!(largest.get(), expected);
    }
}

/// T106: what a host is told is exactly what fits: that many octets pass, one more does not. Every suite, both modes, over
/// IPv4 and IPv6, with and without UDP, for path MTUs of every residue.
#[test]
fn t106_the_largest_packet_fits_and_no_larger_one() {
    let v4 = tunnel();
    let v6 =
        Mode::Tunnel(Tunnel::new("2001:db8::1".parse().unwrap(), "2001:db8::2".parse().unwrap()).unwrap());
    for suite in suites() {
        for (mode, in_udp) in [(v4, false), (v4, true), (v6, false), (Mode::Transport, false)] {
            for mtu in (1280..1312).chain([576, 1500, 9000]) {
                let fresh = || {
                    let sa = OutboundSa::new(OutboundConfig::new(spi(), mode), transform(suite), NOW);
                    if in_udp {
                        sa.in_udp(UdpEncapsulation { local_port: 4500, remote_port: 4500 })
                    } else {
                        sa
                    }
                };
                // In transport mode the IP header stays outside.
                let header = if mode == Mode::Transport { 20 } else { 0 };
                let most = fresh().max_payload(mtu - header) + header;
                let len = |packet: usize| sealed(&mut fresh(), &clear(packet - 28)).len();
                assert!(len(most) <= mtu, "{suite:?} {mode:?} {mtu}: {most} gives {}", len(most));
                assert!(len(most + 1) > mtu, "{suite:?} {mode:?} {mtu}: {most} is not the most");
            }
        }
    }
}

/// What one SA has verified no other accepts, though its number is fresh there too.
#[test]
fn t093_a_verified_packet_of_another_sa_is_refused() {
    let suite = Suite::Combined { aead: AeadAlgorithm::AesGcm16, key_len: 16 };
    let mut packet = sealed(&mut outbound(suite), &clear(10));
    let verified = inbound(suite).verify(&mut packet).unwrap();
    let config = InboundConfig::new(Spi::new(0x1234_5678).unwrap(), tunnel(), None);
    let mut other = InboundSa::new(config, transform(suite), NOW);
    assert_eq!(other.accept(verified, NOW).unwrap_err(), DropReason::UnknownSpi);
    assert_eq!((other.snapshot(NOW).packets, other.snapshot(NOW).sequence), (0, 0));
}
