//! The ICV comes before everything else.

use core::sync::atomic::{AtomicUsize, Ordering};

use crypto_provider::{
    Cipher, CipherAlgorithm, CipherKey, CryptoProvider, InvalidKey, InvalidLength, default,
};
use ipsec_core::{DropReason, InboundConfig, PacketBuf};
use ipsec_esp::{InboundSa, Integrity, Keys, Suite, Transform};

use crate::common::{self, NOW, clear, inbound, keymat, outbound, sealed, spi, suites, tunnel};
use crate::forged::{AES_SHA256, DES_ALONE, DES_MD5, forge, on_the_wire, reseat, text};

#[test]
fn t090_every_length_below_the_shortest_packet() {
    for suite in suites() {
        let shortest = 8 + suite.iv_len() + suite.alignment() + suite.icv_len();
        for len in 0..=80 {
            let mut esp = vec![0; len];
            esp.iter_mut().zip(common::SPI.to_be_bytes()).for_each(|(to, from)| *to = from);
            if len >= 8 {
                esp[7] = 1;
            }
            let mut sa = inbound(suite);
            let reason = sa.open(&mut on_the_wire(&esp), NOW).unwrap_err();
            if len < shortest {
                assert_eq!(reason, DropReason::TooShort, "{suite:?}, {len} octets");
            } else {
                assert!(matches!(reason, DropReason::Misaligned | DropReason::Icv | DropReason::Trailer));
            }
            assert_eq!(sa.snapshot(NOW).drops.get(reason), 1);
        }
        // Cut anywhere, also within the outer header.
        let whole = sealed(&mut outbound(suite), &clear(30));
        for len in 0..whole.len() {
            let mut cut = PacketBuf::copy_of(&whole.octets()[..len]);
            assert_eq!(inbound(suite).open(&mut cut, NOW), Err(DropReason::OuterHeader));
        }
    }
}

#[test]
fn t091_altered_packets_are_dropped_before_decryption() {
    let aes: &'static dyn Cipher =
        Box::leak(Box::new(Counting(default::provider().cipher(CipherAlgorithm::AesCbc).unwrap())));
    let provider = CryptoProvider { ciphers: vec![aes].into(), ..default::provider() };
    let keymat = keymat(&AES_SHA256);
    let keys = Keys::split(&AES_SHA256, &keymat).unwrap();
    let transform = Transform::new(AES_SHA256, keys, &provider).unwrap();
    let mut sa = InboundSa::new(InboundConfig::new(spi(), tunnel(), None), transform, NOW);
    let good = sealed(&mut outbound(AES_SHA256), &clear(50));
    for bit in 28 * 8..good.len() * 8 {
        let mut bad = PacketBuf::copy_of(good.octets());
        bad.octets_mut()[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(sa.open(&mut bad, NOW), Err(DropReason::Icv), "bit {bit}");
    }
    for cut in 1..16 {
        let mut bad = PacketBuf::copy_of(&good.octets()[..good.len() - cut]);
        reseat(&mut bad);
        assert_eq!(sa.open(&mut bad, NOW), Err(DropReason::Misaligned), "{cut} octets cut");
    }
    let mut bad = PacketBuf::copy_of(&good.octets()[..good.len() - 16]);
    reseat(&mut bad);
    assert_eq!(sa.open(&mut bad, NOW), Err(DropReason::Icv));
    let mut bad = PacketBuf::copy_of(good.octets());
    let icv = bad.len() - 16;
    bad.octets_mut()[icv..].fill(0);
    assert_eq!(sa.open(&mut bad, NOW), Err(DropReason::Icv));

    assert_eq!(CIPHER_CALLS.load(Ordering::Relaxed), 0);
    assert_eq!(sa.snapshot(NOW).sequence, 0);
    sa.open(&mut PacketBuf::copy_of(good.octets()), NOW).unwrap();
    assert_eq!(CIPHER_CALLS.load(Ordering::Relaxed), 1);
}

#[test]
fn t091_sha_256_of_96_and_128_bits_do_not_mix() {
    let with = |integrity| Suite::Separate { cipher: CipherAlgorithm::AesCbc, key_len: 16, integrity };
    let (full, short) = (with(Integrity::HMAC_SHA256_128), with(Integrity::HMAC_SHA256_96));
    for (from, to) in [(full, short), (short, full)] {
        let mut packet = sealed(&mut outbound(from), &clear(50));
        assert_eq!(inbound(to).open(&mut packet, NOW), Err(DropReason::Misaligned));
        let mut packet = sealed(&mut outbound(from), &clear(50));
        inbound(from).open(&mut packet, NOW).unwrap();
    }
}

#[test]
fn t092_one_reason_for_every_fault_behind_the_cipher() {
    let inner = clear(62);
    for said in 0..=255_u8 {
        let mut padded = text(DES_MD5, &inner, 4);
        let at = padded.len() - 2;
        let honest = padded[at];
        padded[at] = said;
        let (mut with_icv, mut alone) = (inbound(DES_MD5), inbound(DES_ALONE));
        let with_icv = with_icv.open(&mut forge(DES_MD5, &padded), NOW);
        let alone = alone.open(&mut forge(DES_ALONE, &padded), NOW);
        if said == honest || said == 0 {
            // No padding at all: what the padding was is stripped as traffic flow padding.
            assert!(with_icv.is_ok() && alone.is_ok(), "{said}");
        } else {
            assert_eq!((with_icv, alone), (Err(DropReason::Trailer), Err(DropReason::Trailer)), "{said}");
        }
    }
    // Next header, version, lengths, TTL, dummy: told apart only where nobody but the peer can have caused them.
    let mut lies = vec![(inner.clone(), 6), (inner.clone(), 41), (inner.clone(), 59)];
    for (at, value) in [(0, 0x44), (0, 0x65), (2, 0xff), (8, 0)] {
        let mut lie = inner.clone();
        lie[at] = value;
        lies.push((lie, 4));
    }
    for (lie, next_header) in lies {
        let padded = text(DES_ALONE, &lie, next_header);
        assert_eq!(inbound(DES_ALONE).open(&mut forge(DES_ALONE, &padded), NOW), Err(DropReason::Trailer));
        let reason = inbound(DES_MD5).open(&mut forge(DES_MD5, &padded), NOW).unwrap_err();
        assert_ne!(reason, DropReason::Trailer);
    }
}

static CIPHER_CALLS: AtomicUsize = AtomicUsize::new(0);

/// The provider's AES, its calls counted.
struct Counting(&'static dyn Cipher);

struct CountingKey(Box<dyn CipherKey>);

impl Cipher for Counting {
    fn algorithm(&self) -> CipherAlgorithm {
        self.0.algorithm()
    }
    fn block_len(&self) -> usize {
        self.0.block_len()
    }
    fn iv_len(&self) -> usize {
        self.0.iv_len()
    }
    fn key_lengths(&self) -> &'static [usize] {
        self.0.key_lengths()
    }
    fn key(&self, key: &[u8]) -> Result<Box<dyn CipherKey>, InvalidKey> {
        Ok(Box::new(CountingKey(self.0.key(key)?)))
    }
}

impl CipherKey for CountingKey {
    fn encrypt(&self, iv: &[u8], data: &mut [u8]) -> Result<(), InvalidLength> {
        self.0.encrypt(iv, data)
    }
    fn decrypt(&self, iv: &[u8], data: &mut [u8]) -> Result<(), InvalidLength> {
        CIPHER_CALLS.fetch_add(1, Ordering::Relaxed);
        self.0.decrypt(iv, data)
    }
}
