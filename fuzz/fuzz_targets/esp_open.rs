//! ESP: whatever arrives is opened or dropped; what was sealed opens to itself, once; what was changed on the way does not open.
#![no_main]

use core::time::Duration;
use std::sync::LazyLock;

use crypto_provider::default::{SeededRandom, provider};
use crypto_provider::{CipherAlgorithm, CryptoProvider};
use ipsec_core::{DropReason, InboundConfig, Mode, OutboundConfig, PacketBuf, Spi, Tunnel};
use ipsec_esp::{InboundSa, Integrity, Keys, OutboundSa, Suite, Transform};
use libfuzzer_sys::fuzz_target;

static PROVIDER: LazyLock<CryptoProvider> = LazyLock::new(provider);
const SPI: u32 = 0x1000;
const NOW: Duration = Duration::ZERO;
const KEYMAT: [u8; 64] = {
    let mut keymat = [0; 64];
    let mut i = 0;
    while i < 64 {
        keymat[i] = 3 * i as u8 + 1;
        i += 1;
    }
    keymat
};

/// The fuzzer's choices, before the octets of the packet.
struct Choice {
    suite: Suite,
    tunnel: bool,
    at: usize,
    change: u8,
}

fn choose(octets: &[u8]) -> Option<(Choice, &[u8])> {
    let ([what, high, low, change], packet) = octets.split_first_chunk()?;
    let suite = match what % 4 {
        // Without an ICV the fuzzer's own octets reach the trailer and the inner header.
        0 => Suite::EncryptionOnly { cipher: CipherAlgorithm::DesCbc, key_len: 8 },
        1 => {
            Suite::Separate { cipher: CipherAlgorithm::Null, key_len: 0, integrity: Integrity::HMAC_SHA1_96 }
        }
        2 => Suite::Separate {
            cipher: CipherAlgorithm::AesCbc,
            key_len: 16,
            integrity: Integrity::HMAC_SHA256_128,
        },
        _ => {
            Suite::Separate { cipher: CipherAlgorithm::DesCbc, key_len: 8, integrity: Integrity::HMAC_MD5_96 }
        }
    };
    let at = usize::from(u16::from_be_bytes([*high, *low]));
    Some((Choice { suite, tunnel: what & 4 != 0, at, change: *change }, packet))
}

fn mode(tunnel: bool, inbound: bool) -> Mode {
    let (here, there) = if inbound { ("192.0.2.2", "192.0.2.1") } else { ("192.0.2.1", "192.0.2.2") };
    if tunnel {
        Mode::Tunnel(Tunnel::new(here.parse().unwrap(), there.parse().unwrap()).unwrap())
    } else {
        Mode::Transport
    }
}

fn transform(suite: &Suite) -> Transform {
    Transform::new(*suite, Keys::split(suite, &KEYMAT).unwrap(), &PROVIDER).unwrap()
}

fn receiver(choice: &Choice) -> InboundSa {
    let config = InboundConfig::new(Spi::new(SPI).unwrap(), mode(choice.tunnel, true), None);
    InboundSa::new(config, transform(&choice.suite), NOW)
}

fuzz_target!(|octets: &[u8]| {
    let Some((choice, packet)) = choose(octets) else { return };

    let mut sa = receiver(&choice);
    let mut stranger = PacketBuf::copy_of(packet);
    if sa.open(&mut stranger, NOW).is_ok() {
        assert!(!stranger.is_empty() && stranger.len() < packet.len());
    }

    let random = SeededRandom::new(u64::from(choice.change));
    let config = OutboundConfig::new(Spi::new(SPI).unwrap(), mode(choice.tunnel, false));
    let mut sender = OutboundSa::new(config, transform(&choice.suite), NOW);
    let Ok(sequence) = sender.reserve(packet.len(), NOW) else { return };
    let mut sealed = PacketBuf::copy_of(packet);
    if sender.seal(sequence, &mut sealed, &random).is_err() {
        return;
    }
    let wire = sealed.octets().to_vec();

    let mut sa = receiver(&choice);
    let mut opened = PacketBuf::copy_of(&wire);
    if sa.open(&mut opened, NOW).is_ok() {
        assert_same(opened.octets(), packet);
        if choice.suite.icv_len() > 0 {
            let again = sa.open(&mut PacketBuf::copy_of(&wire), NOW);
            assert_eq!(again.err(), Some(DropReason::Replayed));
        }
    }

    // RFC 4303 2: the ICV covers everything from the SPI on.
    let behind_ip = if wire[0] >> 4 == 4 { usize::from(wire[0] & 15) * 4 } else { return };
    if choice.suite.icv_len() > 0 && choice.change != 0 {
        let mut changed = wire.clone();
        let at = behind_ip + choice.at % (wire.len() - behind_ip);
        changed[at] ^= choice.change;
        let mut sa = receiver(&choice);
        assert!(sa.open(&mut PacketBuf::copy_of(&changed), NOW).is_err());
        // And the genuine packet is still welcome, if it ever was.
        let verdict = sa.open(&mut PacketBuf::copy_of(&wire), NOW);
        assert_ne!(verdict.err(), Some(DropReason::Replayed));
    }
});

/// What came out is what went in; octets behind the IP packet's own length never were part of it.
fn assert_same(opened: &[u8], packet: &[u8]) {
    assert!(opened.len() <= packet.len());
    if opened[0] >> 4 == 4 {
        // The header checksum is made anew.
        assert_eq!(opened[..10], packet[..10]);
        assert_eq!(opened[12..], packet[12..opened.len()]);
    } else {
        assert_eq!(opened, &packet[..opened.len()]);
    }
}
