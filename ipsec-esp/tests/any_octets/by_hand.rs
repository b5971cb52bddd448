//! ESP packets made from the keys with a provider's primitives alone, and what a receiver must make of them. Nothing here uses
//! the code that seals, opens, pads or reads trailers.

use core::time::Duration;

use crypto_provider::{CipherAlgorithm, default};
use ipsec_core::{DropReason, InboundConfig, Mode, PacketBuf, Tunnel};
use ipsec_esp::{InboundSa, Suite, UdpEncapsulation};

use crate::common::{self, NOW, spi, transform};

/// In what an ESP packet travels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wire {
    pub(crate) is_transport: bool,
    pub(crate) over_v6: bool,
    pub(crate) in_udp: bool,
}

impl Wire {
    /// All eight of them.
    pub(crate) fn number(n: usize) -> Self {
        Self { is_transport: n & 1 != 0, over_v6: n & 2 != 0, in_udp: n & 4 != 0 }
    }

    fn mode(self) -> Mode {
        let (local, remote) =
            if self.over_v6 { ("2001:db8::1", "2001:db8::2") } else { ("192.0.2.1", "192.0.2.2") };
        let tunnel = Tunnel::new(local.parse().unwrap(), remote.parse().unwrap()).unwrap();
        if self.is_transport { Mode::Transport } else { Mode::Tunnel(tunnel) }
    }

    /// A receiver at the other end of the wire.
    pub(crate) fn receiver(self, suite: Suite) -> InboundSa {
        let sa = InboundSa::new(InboundConfig::new(spi(), self.mode(), None), transform(suite), NOW);
        if self.in_udp { sa.in_udp(UdpEncapsulation::default()) } else { sa }
    }

    /// The IP packet that carries an ESP packet.
    pub(crate) fn carry(self, esp: &[u8]) -> Vec<u8> {
        if !self.in_udp {
            return ip(self.over_v6, 50, esp);
        }
        let mut datagram = vec![0x11, 0x94, 0x11, 0x94];
        datagram.extend(u16::try_from(esp.len() + 8).unwrap().to_be_bytes());
        datagram.extend([0, 0]);
        datagram.extend(esp);
        ip(self.over_v6, 17, &datagram)
    }
}

/// An IP packet between two hosts, its header written octet by octet (RFC 791 3.1, RFC 8200 3).
pub(crate) fn ip(is_v6: bool, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let len = |octets: usize| u16::try_from(octets).unwrap().to_be_bytes();
    let mut packet;
    if is_v6 {
        packet = vec![0x60, 0, 0, 0];
        packet.extend(len(payload.len()));
        packet.extend([protocol, 64]);
        for last in [1, 2] {
            packet.extend([0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]);
        }
    } else {
        packet = vec![0x45, 0];
        packet.extend(len(payload.len() + 20));
        packet.extend([0, 1, 0, 0, 64, protocol, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2]);
        let words = packet.chunks(2).map(|word| u32::from(word[0]) * 256 + u32::from(word[1]));
        let sum: u32 = words.sum();
        let folded = (sum & 0xffff) + (sum >> 16);
        packet[10..12].copy_from_slice(&(!u16::try_from(folded).unwrap()).to_be_bytes());
    }
    packet.extend(payload);
    packet
}

/// The ESP packet of this number around a text, which has the right length for the cipher.
pub(crate) fn esp(suite: Suite, number: u32, text: &[u8]) -> Vec<u8> {
    let provider = default::provider();
    let keymat = common::keymat(&suite);
    let (encryption, integrity_key) = keymat.split_at(suite.encryption_key_len());
    let iv: Vec<u8> = (0..suite.iv_len()).map(|n| u8::try_from(n * 13 + 5).unwrap()).collect();
    let mut packet = common::SPI.to_be_bytes().to_vec();
    packet.extend(number.to_be_bytes());
    let head = packet.clone();
    packet.extend(&iv);
    let mut text = text.to_vec();
    match suite {
        Suite::Combined { aead, key_len } => {
            // RFC 4106 3.1, 4, 5: key and salt; salt and IV make the nonce; SPI and number are covered too.
            let (key, salt) = encryption.split_at(key_len);
            let mut tag = vec![0; suite.icv_len()];
            let key = provider.aead(aead).unwrap().key(key).unwrap();
            key.seal(&[salt, &iv].concat(), &head, &mut text, &mut tag).unwrap();
            packet.extend(text);
            packet.extend(tag);
            return packet;
        }
        Suite::Separate { cipher, key_len, .. } | Suite::EncryptionOnly { cipher, key_len } => {
            let (key, salt) = encryption.split_at(key_len);
            // RFC 3686 4: nonce, IV, and a block counter that begins with one.
            let block = if cipher == CipherAlgorithm::AesCtr {
                [salt, &iv, &[0, 0, 0, 1]].concat()
            } else {
                iv.clone()
            };
            provider.cipher(cipher).unwrap().key(key).unwrap().encrypt(&block, &mut text).unwrap();
            packet.extend(text);
        }
        other => panic!("{other:?}"),
    }
    if let Suite::Separate { integrity, .. } = suite {
        let mut icv = vec![0; integrity.icv_len];
        provider.prf(integrity.hash).unwrap().key(integrity_key).compute(&[&packet], &mut icv);
        packet.extend(icv);
    }
    packet
}

/// A payload, filled up so that `pad` octets of padding and the trailer end at the cipher's block.
pub(crate) fn text(suite: Suite, payload: &[u8], pad: u8, next_header: u8) -> Vec<u8> {
    let mut text = payload.to_vec();
    while !(text.len() + usize::from(pad) + 2).is_multiple_of(suite.alignment()) {
        text.push(0);
    }
    text.extend(1..=pad);
    text.extend([pad, next_header]);
    text
}

/// What a text says of itself: the payload and what it is (RFC 4303 2.4 to 2.6), read from its end.
pub(crate) fn trailer(text: &[u8]) -> Option<(&[u8], u8)> {
    let (&next_header, rest) = text.split_last()?;
    let (&said, mut rest) = rest.split_last()?;
    let mut expected = said;
    while expected > 0 {
        let (&last, shorter) = rest.split_last()?;
        if last != expected {
            return None;
        }
        expected -= 1;
        rest = shorter;
    }
    Some((rest, next_header))
}

/// What a receiver must make of a text whose ICV holds or that needs none; `None` where only an attempt shows it: any octets
/// in place of an inner packet.
pub(crate) fn outcome(wire: Wire, suite: Suite, text: &[u8]) -> Option<Result<Vec<u8>, DropReason>> {
    // RFC 4303 2.4: without an ICV every fault looks the same.
    let fault = |reason| Some(Err(if suite.icv_len() == 0 { DropReason::Trailer } else { reason }));
    let Some((payload, next_header)) = trailer(text) else { return fault(DropReason::Trailer) };
    match (next_header, wire.is_transport) {
        (59, _) => fault(DropReason::Dummy),
        (_, true) => Some(Ok(ip(wire.over_v6, next_header, payload))),
        (4 | 41, false) => None,
        (_, false) => fault(DropReason::NextHeader),
    }
}

/// Opens a packet and gives what came out.
pub(crate) fn open(sa: &mut InboundSa, packet: &[u8]) -> Result<Vec<u8>, DropReason> {
    let mut packet = PacketBuf::copy_of(packet);
    sa.open(&mut packet, Duration::ZERO).map(|_| packet.octets().to_vec())
}
