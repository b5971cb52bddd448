//! AH: whatever arrives is opened or dropped; what was sealed opens to itself, once; what was changed on the way opens only if
//! the change was in a mutable field.
#![no_main]

use core::time::Duration;
use std::sync::LazyLock;

use crypto_provider::CryptoProvider;
use crypto_provider::default::provider;
use ipsec_ah::{InboundSa, Integrity, OutboundSa, Transform};
use ipsec_core::{DropReason, InboundConfig, Mode, OutboundConfig, PacketBuf, Spi, Tunnel};
use libfuzzer_sys::fuzz_target;

static PROVIDER: LazyLock<CryptoProvider> = LazyLock::new(provider);
const SPI: u32 = 0x1000;
const NOW: Duration = Duration::ZERO;

/// The fuzzer's choices, before the octets of the packet.
struct Choice {
    integrity: Integrity,
    tunnel: bool,
    at: usize,
    change: u8,
}

fn choose(octets: &[u8]) -> Option<(Choice, &[u8])> {
    let ([what, high, low, change], packet) = octets.split_first_chunk()?;
    let integrity = if what & 1 == 0 { Integrity::HMAC_SHA1_96 } else { Integrity::HMAC_SHA256_128 };
    let at = usize::from(u16::from_be_bytes([*high, *low]));
    Some((Choice { integrity, tunnel: what & 4 != 0, at, change: *change }, packet))
}

fn mode(tunnel: bool, inbound: bool) -> Mode {
    let (here, there) = if inbound { ("192.0.2.2", "192.0.2.1") } else { ("192.0.2.1", "192.0.2.2") };
    if tunnel {
        Mode::Tunnel(Tunnel::new(here.parse().unwrap(), there.parse().unwrap()).unwrap())
    } else {
        Mode::Transport
    }
}

fn transform(integrity: Integrity) -> Transform {
    let key = [7; 64];
    Transform::new(integrity, &key[..integrity.hash.output_len()], &PROVIDER).unwrap()
}

fn receiver(choice: &Choice) -> InboundSa {
    let config = InboundConfig::new(Spi::new(SPI).unwrap(), mode(choice.tunnel, true), None);
    InboundSa::new(config, transform(choice.integrity), NOW)
}

fuzz_target!(|octets: &[u8]| {
    let Some((choice, packet)) = choose(octets) else { return };

    // A stranger has no key: nothing that was not sealed opens.
    assert!(receiver(&choice).open(&mut PacketBuf::copy_of(packet), NOW).is_err());

    let config = OutboundConfig::new(Spi::new(SPI).unwrap(), mode(choice.tunnel, false));
    let mut sender = OutboundSa::new(config, transform(choice.integrity), NOW);
    let Ok(sequence) = sender.reserve(packet.len(), NOW) else { return };
    let mut sealed = PacketBuf::copy_of(packet);
    if sender.seal(sequence, &mut sealed).is_err() {
        return;
    }
    let wire = sealed.octets().to_vec();

    let mut sa = receiver(&choice);
    let mut opened = PacketBuf::copy_of(&wire);
    let verdict = sa.open(&mut opened, NOW);
    assert_ne!(verdict.as_ref().err(), Some(&DropReason::Icv), "our own packet");
    if verdict.is_ok() {
        assert_same(opened.octets(), packet);
        let again = sa.open(&mut PacketBuf::copy_of(&wire), NOW);
        assert_eq!(again.err(), Some(DropReason::Replayed));
    }

    let at = choice.at % wire.len();
    if choice.change != 0 && !may_change(&wire, at) {
        let mut changed = wire.clone();
        changed[at] ^= choice.change;
        let mut sa = receiver(&choice);
        assert!(sa.open(&mut PacketBuf::copy_of(&changed), NOW).is_err());
        let verdict = sa.open(&mut PacketBuf::copy_of(&wire), NOW);
        assert_ne!(verdict.err(), Some(DropReason::Replayed));
    }
});

/// RFC 4302 3.3.3.1: TOS, flags, fragment offset, TTL, checksum and some options of IPv4; class, flow, hop limit and some extension headers of IPv6.
fn may_change(wire: &[u8], at: usize) -> bool {
    if wire[0] >> 4 == 4 {
        let header = usize::from(wire[0] & 15) * 4;
        matches!(at, 1 | 6..=8 | 10 | 11) || (20..header).contains(&at)
    } else {
        matches!(at, 0..=3 | 7) || (wire[6] != 51 && at >= 40)
    }
}

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
