//! Whatever octets arrive, with a right ICV or a wrong one: a receiver ends with exactly the packet that was meant or with a
//! reason, and never with a panic. The packets are made from the key with HMAC alone, not by the code that seals.
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

use common::{ALGORITHMS, NOW, spi, transform};
use crypto_provider::default::provider;
use ipsec_ah::{InboundSa, Integrity};
use ipsec_core::{DropReason, InboundConfig, Mode, PacketBuf, Tunnel};
use proptest::prelude::*;

/// Addresses that both ends of every packet here have.
const V6: [u8; 32] = {
    let mut octets = [0; 32];
    (octets[0], octets[1], octets[15]) = (0xfd, 1, 1);
    (octets[16], octets[17], octets[31]) = (0xfd, 1, 2);
    octets
};

/// An IP header written octet by octet (RFC 791 3.1, RFC 8200 3). The fields that routers change are as `masked` has them.
fn header(is_v6: bool, protocol: u8, payload_len: usize, masked: bool) -> Vec<u8> {
    let (class, hops) = if masked { (0, 0) } else { (0x88, 61) };
    if is_v6 {
        let mut header = vec![0x60 | class >> 4, class << 4, 0, if masked { 0 } else { 7 }];
        header.extend(u16::try_from(payload_len).unwrap().to_be_bytes());
        header.extend([protocol, hops]);
        header.extend(V6);
        return header;
    }
    let mut header = vec![0x45, class];
    header.extend(u16::try_from(payload_len + 20).unwrap().to_be_bytes());
    header.extend([0, 9, if masked { 0 } else { 0x40 }, 0, hops, protocol, 0, 0]);
    header.extend([192, 0, 2, 1, 192, 0, 2, 2]);
    if !masked {
        let sum: u32 = header.chunks(2).map(|word| u32::from(word[0]) * 256 + u32::from(word[1])).sum();
        let folded = u16::try_from((sum & 0xffff) + (sum >> 16)).unwrap();
        header[10..12].copy_from_slice(&(!folded).to_be_bytes());
    }
    header
}

fn packet(is_v6: bool, protocol: u8, payload: &[u8]) -> Vec<u8> {
    [header(is_v6, protocol, payload.len(), false), payload.to_vec()].concat()
}

/// What an authenticated peer can send: this payload behind AH, the ICV right (RFC 4302 3.3.3).
fn by_hand(integrity: Integrity, is_v6: bool, next_header: u8, payload: &[u8]) -> Vec<u8> {
    let multiple = if is_v6 { 8 } else { 4 };
    let ah_len = (12 + integrity.icv_len).next_multiple_of(multiple);
    let mut ah = vec![next_header, u8::try_from(ah_len / 4 - 2).unwrap(), 0, 0];
    ah.extend(common::SPI.to_be_bytes());
    ah.extend(1_u32.to_be_bytes());
    ah.resize(ah_len, 0);
    let whole = ah.len() + payload.len();
    let covered = [header(is_v6, 51, whole, true), ah.clone(), payload.to_vec()].concat();
    let key = vec![0x5b; integrity.key_len()];
    let mut icv = vec![0; integrity.icv_len];
    let hmac = provider().prf(integrity.hash).unwrap().key(&key);
    hmac.compute(&[&covered], &mut icv);
    ah[12..12 + icv.len()].copy_from_slice(&icv);
    [header(is_v6, 51, whole, false), ah, payload.to_vec()].concat()
}

fn receiver(integrity: Integrity, is_transport: bool, is_v6: bool) -> InboundSa {
    let (local, remote) = if is_v6 { ("fd01::1", "fd01::2") } else { ("192.0.2.1", "192.0.2.2") };
    let tunnel = Tunnel::new(local.parse().unwrap(), remote.parse().unwrap()).unwrap();
    let mode = if is_transport { Mode::Transport } else { Mode::Tunnel(tunnel) };
    InboundSa::new(InboundConfig::new(spi(), mode, None), transform(integrity), NOW)
}

fn open(sa: &mut InboundSa, octets: &[u8]) -> Result<Vec<u8>, DropReason> {
    let mut packet = PacketBuf::copy_of(octets);
    sa.open(&mut packet, NOW).map(|_| packet.octets().to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1500) })]

    #[test]
    fn t090_an_authentic_packet_of_any_octets(
        payload in prop::collection::vec(any::<u8>(), 0..300),
        next_header in prop_oneof![Just(4_u8), Just(41), Just(50), any::<u8>()],
        algorithm in 0_usize..ALGORITHMS.len(),
        (is_transport, is_v6, inner_is_v6, is_whole) in any::<(bool, bool, bool, bool)>(),
    ) {
        let integrity = ALGORITHMS[algorithm];
        let inner = packet(inner_is_v6, 17, &payload);
        let payload = if is_whole { &inner } else { &payload };
        let sent = by_hand(integrity, is_v6, next_header, payload);
        let mut sa = receiver(integrity, is_transport, is_v6);
        let result = open(&mut sa, &sent);
        let names_it = next_header == if inner_is_v6 { 41 } else { 4 };
        // RFC 2401 4.3: the outer header of a tunnel is that of the ESP inside, if there is one.
        if is_transport || next_header == 50 {
            prop_assert_eq!(result, Ok(packet(is_v6, next_header, payload)));
        } else if !matches!(next_header, 4 | 41) {
            prop_assert_eq!(result, Err(DropReason::NextHeader));
        } else if is_whole && names_it {
            prop_assert_eq!(result, Ok(inner.clone()));
        } else if is_whole {
            prop_assert_eq!(result, Err(DropReason::InnerHeader));
        } else {
            prop_assert!(!matches!(result, Err(DropReason::Icv | DropReason::TooShort | DropReason::Misaligned)), "{:?}", result);
        }
        // Delivered or not, an authentic number is used up.
        prop_assert_eq!(open(&mut sa, &sent), Err(DropReason::Replayed));
    }

    #[test]
    fn t091_one_changed_octet_is_noticed_unless_routers_change_it(
        payload in prop::collection::vec(any::<u8>(), 0..100),
        algorithm in 0_usize..ALGORITHMS.len(),
        is_v6 in any::<bool>(), at in any::<prop::sample::Index>(), mask in 1_u8..,
    ) {
        let integrity = ALGORITHMS[algorithm];
        let mut sent = by_hand(integrity, is_v6, 17, &payload);
        let at = at.index(sent.len());
        sent[at] ^= mask;
        let mut sa = receiver(integrity, true, is_v6);
        let result = open(&mut sa, &sent);
        // RFC 4302 3.3.3.1: class, flow label, hop limit; type of service, flags, offset, TTL, checksum.
        let is_mutable = if is_v6 { at == 7 || (1..4).contains(&at) || (at == 0 && mask < 16) } else { matches!(at, 1 | 6..=8 | 10 | 11) };
        let is_fragment = !is_v6 && matches!(at, 6 | 7) && result == Err(DropReason::Fragment);
        prop_assert_eq!(result.is_ok(), is_mutable && !is_fragment, "octet {} {:?}", at, result);
        prop_assert_eq!(sa.snapshot(NOW).sequence, u64::from(result.is_ok()));
    }

    /// Neither the IP header nor anything behind it need be what it says.
    #[test]
    fn t090_any_octets_instead_of_a_packet(
        mut octets in prop::collection::vec(any::<u8>(), 0..200), help in 0_u8..4,
        algorithm in 0_usize..ALGORITHMS.len(), (is_transport, is_v6) in any::<(bool, bool)>(),
    ) {
        let integrity = ALGORITHMS[algorithm];
        // The more of it is right, the further it gets.
        if help >= 1 && octets.len() >= 12 {
            octets[1] = ((12 + integrity.icv_len).next_multiple_of(if is_v6 { 8 } else { 4 }) / 4 - 2) as u8;
            octets[4..8].copy_from_slice(&common::SPI.to_be_bytes());
            octets[8..12].copy_from_slice(&[0, 0, 0, 1]);
        }
        if help >= 2 {
            octets = packet(is_v6, 51, &octets);
        }
        if help >= 3 {
            // Any protocol, and options or extension headers where there are none.
            let (field, first) = if is_v6 { (6, 0x60) } else { (9, 0x40 | octets[octets.len() / 2] & 0x0f) };
            octets[0] = first;
            octets[field] = [0, 43, 44, 50, 51, 60, 51, 4][usize::from(octets[octets.len() - 1]) % 8];
        }
        let mut sa = receiver(integrity, is_transport, is_v6);
        let reason = open(&mut sa, &octets).unwrap_err();
        prop_assert_eq!(sa.snapshot(NOW).drops.get(reason), 1);
    }
}
