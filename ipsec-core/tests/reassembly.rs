//! Reassembly against a model, in every order, and within its bounds.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation,
    missing_docs,
    reason = "a test may panic"
)]

use core::time::Duration;

use ipsec_core::{
    DropReason, Ipv4Header, Ipv6Header, PacketBuf, Protocol, Reassembly, Scope, checksum, fragments,
};
use proptest::prelude::*;

const HERE: Scope = Scope(1);
const NOW: Duration = Duration::from_secs(1);

fn v4(id: u16, payload: &[u8]) -> Vec<u8> {
    let header = Ipv4Header {
        header_len: 20,
        tos: 0,
        total_len: 20 + payload.len() as u16,
        identification: id,
        dont_fragment: false,
        more_fragments: false,
        fragment_offset: 0,
        ttl: 60,
        protocol: Protocol::UDP,
        source: "10.1.0.7".parse().unwrap(),
        destination: "10.2.0.9".parse().unwrap(),
    };
    [&header.encode()[..], payload].concat()
}

fn v6(payload: &[u8]) -> Vec<u8> {
    let header = Ipv6Header {
        traffic_class: 0,
        flow_label: 7,
        payload_len: 8 + payload.len() as u16,
        next_header: Protocol::HOP_BY_HOP,
        hop_limit: 60,
        source: "2001:db8:1::7".parse().unwrap(),
        destination: "2001:db8:2::9".parse().unwrap(),
    };
    // A hop-by-hop header of padding stays before the fragment header (RFC 8200 4.5).
    [&header.encode()[..], &[17, 0, 1, 4, 0, 0, 0, 0], payload].concat()
}

/// A fragment by hand: offset in octets.
fn piece(id: u16, offset: usize, more: bool, payload: &[u8]) -> Vec<u8> {
    let mut packet = v4(id, payload);
    let field = (offset / 8) as u16 | (u16::from(more) << 13);
    packet[6..8].copy_from_slice(&field.to_be_bytes());
    packet[10..12].fill(0);
    let sum = checksum(&packet[..20]).to_be_bytes();
    packet[10..12].copy_from_slice(&sum);
    packet
}

fn body(len: usize) -> Vec<u8> {
    (0..len).map(|n| (n * 7 % 251) as u8).collect()
}

fn octets(packets: &[PacketBuf]) -> Vec<Vec<u8>> {
    packets.iter().map(|packet| packet.octets().to_vec()).collect()
}

/// RFC 791 3.2 in the words of a map from octets to fragments, judged when all has come.
fn model(sent: &[(usize, bool, Vec<u8>)]) -> Option<Vec<u8>> {
    let mut owner: Vec<Option<u8>> = vec![None; 70_000];
    let mut seen: Vec<&(usize, bool, Vec<u8>)> = Vec::new();
    let mut total = None;
    for fragment in sent {
        if seen.contains(&fragment) {
            continue;
        }
        let (offset, more, payload) = fragment;
        for (at, octet) in payload.iter().enumerate() {
            if owner[offset + at].replace(*octet).is_some() {
                return None;
            }
        }
        let end = offset + payload.len();
        if !more && total.replace(end).is_some() {
            return None;
        }
        seen.push(fragment);
        let highest = owner.iter().rposition(Option::is_some).unwrap() + 1;
        if total.is_some_and(|total| highest > total) {
            return None;
        }
        if let Some(total) = total
            && owner[..total].iter().all(Option::is_some)
        {
            return Some(owner[..total].iter().map(|octet| octet.unwrap()).collect());
        }
    }
    None
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn fragments_come_together_in_every_order(
        len in 1_usize..6000, mtu in 68_usize..1500, over_v6 in any::<bool>(), order in any::<u64>(), copies in 0_usize..4,
    ) {
        let packet = if over_v6 { v6(&body(len)) } else { v4(9, &body(len)) };
        let mtu = if over_v6 { mtu + 40 } else { mtu };
        let mut cut = octets(&fragments(&packet, mtu, 77).unwrap());
        prop_assume!(cut.len() <= Reassembly::MAX_FRAGMENTS);
        prop_assert!(cut.iter().all(|fragment| fragment.len() <= mtu));
        for copy in 0..copies.min(cut.len()) {
            // A copy of the last one to come would begin another packet.
            cut.insert(0, cut[copy].clone());
        }
        let mut state = order | 1;
        for n in (1..cut.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            cut.swap(n, (state >> 33) as usize % (n + 1));
        }
        let mut reassembly = Reassembly::new();
        let mut whole = Vec::new();
        for fragment in &cut {
            whole.extend(reassembly.accept(fragment, HERE, NOW).unwrap());
        }
        // Copies may make it a second time.
        prop_assert!(!whole.is_empty() && whole.len() <= copies + 1);
        for one in whole {
            prop_assert_eq!(one.octets(), &packet[..]);
        }
    }

    #[test]
    fn t105_overlaps_end_the_packet_as_the_model_says(
        sent in prop::collection::vec((0_usize..6, 1_usize..4, any::<bool>(), 0_u8..2), 1..9),
    ) {
        // Small offsets, so that overlaps, copies, contradicting ends and whole packets all are common.
        let sent: Vec<_> = sent.into_iter().map(|(at, len, more, fill)| {
            (at * 8, more || at == 0, vec![fill; len * 8])
        }).collect();
        let mut reassembly = Reassembly::new();
        let mut whole = None;
        for (offset, more, payload) in &sent {
            let result = reassembly.accept(&piece(3, *offset, *more, payload), HERE, NOW);
            if let Ok(Some(packet)) = result {
                whole = Some(packet.octets()[20..].to_vec());
                break;
            }
        }
        prop_assert_eq!(whole, model(&sent));
    }

    #[test]
    fn t145_noise_as_fragments_never_panics(noise in prop::collection::vec((any::<u16>(), prop::collection::vec(any::<u8>(), 0..64)), 0..40)) {
        let mut reassembly = Reassembly::new();
        for (flags, payload) in noise {
            let mut packet = v4(1, &payload);
            packet[6..8].copy_from_slice(&flags.to_be_bytes());
            let _ = reassembly.accept(&packet, HERE, NOW);
            let mut over_v6 = v6(&payload);
            over_v6[40] = 44;
            let _ = reassembly.accept(&over_v6, HERE, NOW);
        }
        prop_assert!(reassembly.octets() <= Reassembly::MAX_OCTETS);
    }
}

/// Each of two overlapping fragments, in each order, with and without a third that would complete the packet.
#[test]
fn t105_an_overlap_drops_the_whole_in_every_order() {
    let parts = [(0, true, 16), (8, true, 16), (24, false, 8)];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let mut reassembly = Reassembly::new();
        let mut refused = 0;
        for (offset, more, len) in order.map(|n| parts[n]) {
            match reassembly.accept(&piece(1, offset, more, &body(len)), HERE, NOW) {
                Ok(whole) => assert!(whole.is_none(), "{order:?}"),
                Err(reason) => {
                    assert_eq!(reason, DropReason::Fragment);
                    refused += 1;
                }
            }
        }
        assert!(refused > 0, "{order:?}");
        // RFC 5722 4: also what comes later belongs to the packet that is gone.
        for (offset, more, len) in [(0, true, 8), (8, false, 8)] {
            assert_eq!(
                reassembly.accept(&piece(1, offset, more, &body(len)), HERE, NOW).unwrap_err(),
                DropReason::Fragment
            );
        }
        assert_eq!(reassembly.expire(NOW + Reassembly::TIME), 1);
        assert!(reassembly.is_empty());
        assert_eq!(reassembly.octets(), 0);
    }
}

#[test]
fn t105_a_teardrop_and_lengths_that_cannot_be_are_refused() {
    let mut reassembly = Reassembly::new();
    // Beyond 65535 octets (the "ping of death"), cut at no multiple of 8, without octets.
    for packet in [
        piece(1, 65_528, false, &body(8)),
        piece(1, 0, true, &body(9)),
        piece(1, 0, true, &[]),
        piece(1, 8, false, &[]),
    ] {
        assert_eq!(reassembly.accept(&packet, HERE, NOW).unwrap_err(), DropReason::Fragment);
    }
    assert!(reassembly.is_empty());
    // What the first and the last fragment and one behind them have in all is as much as the packet would have.
    let mut reassembly = Reassembly::new();
    reassembly.accept(&piece(4, 0, true, &body(8)), HERE, NOW).unwrap();
    reassembly.accept(&piece(4, 32, true, &body(8)), HERE, NOW).unwrap();
    let last = reassembly.accept(&piece(4, 16, false, &body(8)), HERE, NOW);
    assert_eq!(last.unwrap_err(), DropReason::Fragment);
    // Teardrop: the second lies within the first. Two that both say they are the last. One behind the last.
    for second in [(8, false, 8), (32, true, 8), (40, false, 8)] {
        let mut reassembly = Reassembly::new();
        let (offset, more, len) = second;
        reassembly.accept(&piece(2, 0, true, &body(24)), HERE, NOW).unwrap();
        reassembly.accept(&piece(2, 24, false, &body(8)), HERE, NOW).unwrap_or_default();
        let late = reassembly.accept(&piece(2, offset, more, &body(len)), HERE, NOW);
        assert!(late.as_ref().is_ok_and(Option::is_none), "a packet of its own: {late:?}");
        let mut reassembly = Reassembly::new();
        reassembly.accept(&piece(2, 0, true, &body(16)), HERE, NOW).unwrap();
        reassembly.accept(&piece(2, 24, false, &body(8)), HERE, NOW).unwrap();
        let late = reassembly.accept(&piece(2, offset, more, &body(len)), HERE, NOW);
        assert_eq!(late.unwrap_err(), DropReason::Fragment, "{second:?}");
    }
}

#[test]
fn t105_first_fragments_without_end_take_bounded_memory() {
    let mut reassembly = Reassembly::new();
    let mut most = 0;
    for n in 0..100_000_u32 {
        let mut packet = piece(n as u16, 0, true, &body(1480));
        packet[12..16].copy_from_slice(&(0x0a00_0000 | n).to_be_bytes());
        assert!(reassembly.accept(&packet, HERE, NOW).unwrap().is_none());
        most = most.max(reassembly.octets());
        assert!(reassembly.len() <= Reassembly::MAX_PACKETS);
    }
    assert!(most <= Reassembly::MAX_OCTETS && most > Reassembly::MAX_PACKETS * 1480, "{most}");
    // The bound in octets by itself: few packets with much in each.
    for n in 0..64_u16 {
        for at in 0..40 {
            let _ = reassembly.accept(&piece(n, at * 1480, true, &body(1480)), HERE, NOW);
            assert!(reassembly.octets() <= Reassembly::MAX_OCTETS);
        }
    }
    // Who comes later is served all the same.
    reassembly.accept(&piece(0xabcd, 0, true, &body(8)), Scope(2), NOW).unwrap();
    assert!(reassembly.accept(&piece(0xabcd, 8, false, &body(8)), Scope(2), NOW).unwrap().is_some());
    // One packet has no more fragments than the bound says.
    let mut reassembly = Reassembly::new();
    let refused =
        (0..200).filter(|at| reassembly.accept(&piece(1, at * 16, true, &body(8)), HERE, NOW).is_err());
    assert_eq!(refused.count(), 200 - Reassembly::MAX_FRAGMENTS);
    assert!(reassembly.octets() <= Reassembly::OVERHEAD);
}

#[test]
fn t105_what_is_never_completed_goes_after_a_while() {
    let mut reassembly = Reassembly::new();
    reassembly.accept(&piece(1, 0, true, &body(8)), HERE, NOW).unwrap();
    let due = NOW + Reassembly::TIME;
    assert_eq!(reassembly.next_deadline(), Some(due));
    assert_eq!(reassembly.expire(due - Duration::from_nanos(1)), 0);
    // The rest comes too late, and does not even find the beginning.
    assert!(reassembly.accept(&piece(1, 8, false, &body(8)), HERE, due).unwrap().is_none());
    assert_eq!(reassembly.len(), 1);
}

#[test]
fn t105_fragments_of_two_scopes_protocols_or_hosts_do_not_mix() {
    let rest = piece(1, 8, false, &body(8));
    let mut other_protocol = rest.clone();
    other_protocol[9] = 6;
    let mut other_host = rest.clone();
    other_host[15] ^= 1;
    let mut reassembly = Reassembly::new();
    reassembly.accept(&piece(1, 0, true, &body(8)), HERE, NOW).unwrap();
    for (packet, scope) in [(&rest, Scope(2)), (&other_protocol, HERE), (&other_host, HERE)] {
        assert!(reassembly.accept(packet, scope, NOW).unwrap().is_none());
    }
    assert!(reassembly.accept(&rest, HERE, NOW).unwrap().is_some());
}

/// RFC 3168 5.3: a mark on one fragment marks the packet, and a packet that cannot carry one is dropped.
#[test]
fn t107_congestion_marks_on_fragments() {
    for (first, second, expected) in
        [(2, 3, Ok(3)), (3, 1, Ok(3)), (2, 2, Ok(2)), (0, 0, Ok(0)), (0, 3, Err(DropReason::Congestion))]
    {
        let mut packets = [piece(1, 0, true, &body(8)), piece(1, 8, false, &body(8))];
        packets[0][1] = first;
        packets[1][1] = second;
        let mut reassembly = Reassembly::new();
        reassembly.accept(&packets[0], HERE, NOW).unwrap();
        let result = reassembly.accept(&packets[1], HERE, NOW);
        assert_eq!(result.map(|whole| whole.unwrap().octets()[1]), expected);
    }
}

/// RFC 6946 4: a fragment that is whole is a packet, whatever else has its identification.
#[test]
fn an_atomic_fragment_is_a_packet() {
    let packet = v6(&body(8));
    let mut fragment = packet.clone();
    fragment[40] = 44;
    fragment.splice(48..48, [17, 0, 0, 0, 0, 0, 0, 1]);
    fragment[5] += 8;
    let mut reassembly = Reassembly::new();
    let whole = reassembly.accept(&fragment, HERE, NOW).unwrap().unwrap();
    assert_eq!(whole.octets(), packet);
    assert!(reassembly.is_empty());
}

/// RFC 791 3.1: an option with the copied flag stands in every fragment, another one in the first only.
#[test]
fn options_are_copied_as_they_say() {
    let mut packet = v4(1, &body(64));
    // Router alert (copied), no operation, record route of one hop (not copied), end.
    packet.splice(20..20, [0x94, 4, 0, 0, 1, 7, 7, 4, 0, 0, 0, 0]);
    packet[0] = 0x48;
    packet[3] += 12;
    let cut = octets(&fragments(&packet, 68, 0).unwrap());
    assert_eq!((cut[0][0], &cut[0][20..32]), (0x48, &packet[20..32]));
    for later in &cut[1..] {
        assert_eq!((later[0], &later[20..24]), (0x46, &[0x94, 4, 0, 0][..]));
        assert_eq!(checksum(&later[..24]), 0);
    }
    let mut reassembly = Reassembly::new();
    let whole: Vec<_> =
        cut.iter().filter_map(|fragment| reassembly.accept(fragment, HERE, NOW).unwrap()).collect();
    packet[10..12].fill(0);
    let sum = checksum(&packet[..32]).to_be_bytes();
    packet[10..12].copy_from_slice(&sum);
    assert_eq!(octets(&whole), [packet]);
}

/// A fragment may be cut again: RFC 791 3.2 keeps its offset and its MF.
#[test]
fn a_fragment_of_a_fragment() {
    let packet = v4(5, &body(3000));
    let mut reassembly = Reassembly::new();
    let mut whole = Vec::new();
    for fragment in fragments(&packet, 1500, 0).unwrap() {
        for again in fragments(fragment.octets(), 1400, 0).unwrap() {
            whole.extend(reassembly.accept(again.octets(), HERE, NOW).unwrap());
        }
    }
    assert_eq!(octets(&whole), core::slice::from_ref(&packet));
    // Over IPv6 only the source cuts.
    let cut = fragments(&v6(&body(3000)), 1500, 1).unwrap();
    assert_eq!(fragments(cut[0].octets(), 1280, 1).unwrap_err(), DropReason::Fragment);
    // No room for 8 octets.
    assert_eq!(fragments(&packet, 27, 0).unwrap_err(), DropReason::TooBig);
    assert_eq!(fragments(&packet, 28, 0).unwrap()[0].len(), 28);
}
