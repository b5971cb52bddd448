//! What is around, and noise.

use crypto_provider::{CipherAlgorithm, HashAlgorithm, default};
use ipsec_core::{DropReason, InboundConfig, OutboundConfig, PacketBuf, SealError};
use ipsec_esp::{InboundSa, Integrity, Keys, OutboundSa, Suite, Transform};

use crate::common::{
    self, NOW, clear, inbound, keymat, outbound, random, sealed, spi, suites, transform, tunnel,
};
use crate::forged::{AES_SHA256, reseat};

#[test]
fn t105_esp_on_a_fragment_is_dropped() {
    let good = sealed(&mut outbound(AES_SHA256), &clear(50));
    for (at, bits) in [(6, 0x20), (6, 0x01), (7, 0x01), (6, 0x3f)] {
        let mut fragment = PacketBuf::copy_of(good.octets());
        fragment.octets_mut()[at] |= bits;
        assert_eq!(inbound(AES_SHA256).open(&mut fragment, NOW), Err(DropReason::Fragment));
    }
    // RFC 4303 3.3.4 (test): transport mode never seals one.
    let config = OutboundConfig::new(spi(), ipsec_core::Mode::Transport);
    let mut sa = OutboundSa::new(config, transform(AES_SHA256), NOW);
    let mut inner = clear(50);
    inner[6] = 0x20;
    let mut packet = PacketBuf::copy_of(&inner);
    let sequence = sa.reserve(packet.len(), NOW).unwrap();
    assert_eq!(sa.seal(sequence, &mut packet, random().as_ref()), Err(SealError::Fragment));
}

#[test]
fn t108_another_spi_or_protocol() {
    let good = sealed(&mut outbound(AES_SHA256), &clear(50));
    let mut sa = inbound(AES_SHA256);
    for spi in [0, 1, 255, common::SPI + 1, u32::MAX] {
        let mut packet = PacketBuf::copy_of(good.octets());
        packet.octets_mut()[20..24].copy_from_slice(&spi.to_be_bytes());
        assert_eq!(sa.open(&mut packet, NOW), Err(DropReason::UnknownSpi));
    }
    for protocol in (0..=255).filter(|protocol| *protocol != 50) {
        let mut packet = PacketBuf::copy_of(good.octets());
        packet.octets_mut()[9] = protocol;
        assert_eq!(sa.open(&mut packet, NOW), Err(DropReason::Protocol));
    }
    assert_eq!(sa.snapshot(NOW).drops.total(), 5 + 255);
}

#[test]
fn t113_udp_lengths_that_lie() {
    let udp = ipsec_esp::UdpEncapsulation::default();
    let config = OutboundConfig::new(spi(), tunnel());
    let mut left = OutboundSa::new(config, transform(AES_SHA256), NOW).in_udp(udp);
    let good = sealed(&mut left, &clear(50));
    let config = InboundConfig::new(spi(), tunnel(), None);
    let mut right = InboundSa::new(config, transform(AES_SHA256), NOW).in_udp(udp);
    for len in (0..=u16::MAX).filter(|len| usize::from(*len) != good.len() - 20) {
        let mut packet = PacketBuf::copy_of(good.octets());
        packet.octets_mut()[24..26].copy_from_slice(&len.to_be_bytes());
        assert_eq!(right.open(&mut packet, NOW), Err(DropReason::OuterHeader), "{len}");
    }
    // Keepalives and other short datagrams.
    for len in 0..8 {
        let mut short = PacketBuf::copy_of(&good.octets()[..28 + len]);
        reseat(&mut short);
        short.octets_mut()[24..26].copy_from_slice(&u16::try_from(8 + len).unwrap().to_be_bytes());
        assert_eq!(right.open(&mut short, NOW), Err(DropReason::TooShort), "{len}");
    }
    right.open(&mut PacketBuf::copy_of(good.octets()), NOW).unwrap();
}

#[test]
fn t071_suites_that_do_not_protect_are_refused() {
    let refused = |suite: Suite| {
        let keymat = keymat(&suite);
        let keys = Keys::split(&suite, &keymat).unwrap();
        Transform::new(suite, keys, &default::provider()).is_err()
    };
    assert!(refused(Suite::EncryptionOnly { cipher: CipherAlgorithm::Null, key_len: 0 }));
    assert!(refused(Suite::EncryptionOnly { cipher: CipherAlgorithm::AesCtr, key_len: 16 }));
    for icv_len in [0, 1, 4, 8, 11, 13, 20, 33, 64] {
        let integrity = Integrity { hash: HashAlgorithm::Md5, icv_len };
        assert!(
            refused(Suite::Separate { cipher: CipherAlgorithm::DesCbc, key_len: 8, integrity }),
            "{icv_len}"
        );
    }
    for (cipher, key_len) in
        [(CipherAlgorithm::DesCbc, 7), (CipherAlgorithm::AesCbc, 20), (CipherAlgorithm::Null, 1)]
    {
        assert!(refused(Suite::Separate { cipher, key_len, integrity: Integrity::HMAC_SHA1_96 }));
    }
    // RFC 4301 4.5.2 (test): too little KEYMAT is no keys at all.
    assert!(Keys::split(&AES_SHA256, &[0; 47]).is_err());
    assert!(Keys::split(&AES_SHA256, &[0; 48]).is_ok());
}

#[test]
fn t145_noise_never_panics() {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut sas: Vec<_> = suites().into_iter().map(inbound).collect();
    let packet = sealed(&mut outbound(AES_SHA256), &clear(60));
    for _ in 0..20_000 {
        let mut octets = packet.octets().to_vec();
        for _ in 0..next() % 6 {
            let at = usize::try_from(next()).unwrap() % octets.len();
            octets[at] = next().to_be_bytes()[0];
        }
        octets.truncate(usize::try_from(next()).unwrap() % (octets.len() + 1));
        let which = usize::try_from(next()).unwrap() % sas.len();
        let _ = sas[which].open(&mut PacketBuf::copy_of(&octets), NOW);
    }
}
