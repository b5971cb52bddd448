//! SAs and packets that the tests share.

use crypto_provider::{CipherAlgorithm, default};
use ipsec_core::{PacketBuf, Protocol, Selector, checksum};
use ipsec_esp::{Integrity, Keys, Suite};

use crate::common::{self, keymat};

pub(crate) const DES_MD5: Suite =
    Suite::Separate { cipher: CipherAlgorithm::DesCbc, key_len: 8, integrity: Integrity::HMAC_MD5_96 };

pub(crate) const AES_SHA256: Suite =
    Suite::Separate { cipher: CipherAlgorithm::AesCbc, key_len: 16, integrity: Integrity::HMAC_SHA256_128 };

pub(crate) const DES_ALONE: Suite = Suite::EncryptionOnly { cipher: CipherAlgorithm::DesCbc, key_len: 8 };

/// A suite's keys used directly, to seal texts that no honest sender makes.
pub(crate) fn forge(suite: Suite, text: &[u8]) -> PacketBuf {
    let provider = default::provider();
    let keymat = keymat(&suite);
    let keys = Keys::split(&suite, &keymat).unwrap();
    let mut esp = common::SPI.to_be_bytes().to_vec();
    esp.extend(1_u32.to_be_bytes());
    esp.extend(vec![0x77; suite.iv_len()]);
    let mut text = text.to_vec();
    let (name, integrity) = match suite {
        Suite::Separate { cipher, integrity, .. } => (cipher, Some(integrity)),
        Suite::EncryptionOnly { cipher, .. } => (cipher, None),
        other => panic!("{other:?}"),
    };
    let key = provider.cipher(name).unwrap().key(keys.encryption).unwrap();
    key.encrypt(&esp[8..], &mut text).unwrap();
    esp.extend(text);
    if let Some(integrity) = integrity {
        let mut icv = vec![0; integrity.icv_len];
        provider.prf(integrity.hash).unwrap().key(keys.integrity).compute(&[&esp], &mut icv);
        esp.extend(icv);
    }
    on_the_wire(&esp)
}

pub(crate) fn on_the_wire(esp: &[u8]) -> PacketBuf {
    let mut packet = vec![0x45, 0, 0, 0, 0, 1, 0, 0, 64, 50, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2];
    packet.extend(esp);
    let len = u16::try_from(packet.len()).unwrap();
    packet[2..4].copy_from_slice(&len.to_be_bytes());
    let sum = checksum(&packet[..20]);
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    PacketBuf::copy_of(&packet)
}

pub(crate) fn reseat(packet: &mut PacketBuf) {
    let len = u16::try_from(packet.len()).unwrap();
    packet.octets_mut()[2..4].copy_from_slice(&len.to_be_bytes());
}

/// A text of `inner`, padding and trailer, aligned.
pub(crate) fn text(suite: Suite, inner: &[u8], next_header: u8) -> Vec<u8> {
    let mut text = inner.to_vec();
    let pad = (suite.alignment() - (inner.len() + 2) % suite.alignment()) % suite.alignment();
    text.extend((1..).take(pad));
    text.extend([u8::try_from(pad).unwrap(), next_header]);
    text
}

/// What `clear` makes, seen from its receiver.
pub(crate) fn selector() -> Selector {
    let prefix = |address: &str| Selector::prefix(address.parse().unwrap(), 24).unwrap();
    Selector::new(prefix("10.2.0.0"), prefix("10.1.0.0"))
        .unwrap()
        .with_protocol(Protocol::UDP)
        .with_ports(2000..=2000, 1000..=1000)
        .unwrap()
}
