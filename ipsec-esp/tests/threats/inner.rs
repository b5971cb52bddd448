//! What was inside.

use ipsec_core::{DropReason, Lifetime, PacketBuf, SealError, checksum};

use crate::common::{NOW, clear, inbound, inbound_with, outbound, random, sealed, suites};
use crate::forged::{AES_SHA256, forge, selector, text};

#[test]
fn t099_each_field_outside_the_selectors() {
    let open = |inner: &[u8]| {
        let mut sa = inbound_with(AES_SHA256, Lifetime::default(), Some(selector()));
        let result = sa.open(&mut sealed(&mut outbound(AES_SHA256), inner), NOW).map(|_| ());
        let snapshot = sa.snapshot(NOW);
        result.inspect_err(|reason| assert_eq!(snapshot.drops.get(*reason), 1))
    };
    assert_eq!(open(&clear(8)), Ok(()));
    // Source, destination, protocol, source port, destination port.
    for (at, value) in [(14, 9), (18, 9), (9, 6), (9, 50), (9, 51), (21, 0xe9), (23, 0xd1)] {
        let mut inner = clear(8);
        inner[at] = value;
        assert_eq!(open(&inner), Err(DropReason::Selectors), "octet {at}");
    }
    let mut v6 = vec![0x60, 0, 0, 0, 0, 8, 17, 64];
    v6.extend([0xfd; 32]);
    v6.extend([0x03, 0xe8, 0x07, 0xd0, 0, 8, 0, 0]);
    assert_eq!(open(&v6), Err(DropReason::Selectors));
    // RFC 4301 7 (test): a later fragment shows no ports and does not get in by that.
    let mut fragment = clear(8);
    fragment[7] = 5;
    assert_eq!(open(&fragment), Err(DropReason::OpaquePorts));
}

#[test]
fn t100_an_inner_header_that_lies() {
    let open = |inner: &[u8], next_header| {
        let mut packet = forge(AES_SHA256, &text(AES_SHA256, inner, next_header));
        inbound(AES_SHA256).open(&mut packet, NOW).map(|_| packet.octets().to_vec())
    };
    let with = |at: usize, value: u8| {
        let mut inner = clear(20);
        inner[at] = value;
        inner
    };
    assert_eq!(open(&clear(20), 4), Ok(clear(20)));
    assert_eq!(open(&with(0, 0x44), 4), Err(DropReason::InnerHeader), "IHL 4");
    assert_eq!(open(&with(0, 0x4f), 4), Err(DropReason::InnerHeader), "IHL 15 of 48 octets");
    assert_eq!(open(&with(3, 49), 4), Err(DropReason::InnerHeader), "one octet more than there is");
    assert_eq!(open(&with(3, 19), 4), Err(DropReason::InnerHeader), "less than the header");
    assert_eq!(open(&with(8, 0), 4), Err(DropReason::Ttl));
    assert_eq!(open(&clear(20), 41), Err(DropReason::InnerHeader), "IPv4 that is said to be IPv6");
    assert_eq!(open(&clear(20), 59), Err(DropReason::Dummy));
    assert_eq!(open(&clear(20), 17), Err(DropReason::NextHeader));
    assert_eq!(open(&[], 4), Err(DropReason::InnerHeader));
    // RFC 4303 2.7 (test): what follows the inner packet is padding and goes.
    let mut longer = clear(20);
    longer.extend([0xcc; 33]);
    assert_eq!(open(&longer, 4), Ok(clear(20)));
}

#[test]
fn t100_the_largest_packet_and_no_more() {
    for suite in suites() {
        let sa = outbound(suite);
        let largest = sa.max_payload(65535);
        for (len, fits) in [(largest, true), (largest + 1, false)] {
            let inner = clear(len - 28);
            let mut packet = PacketBuf::copy_of(&inner);
            let mut sa = outbound(suite);
            let sequence = sa.reserve(len, NOW).unwrap();
            let result = sa.seal(sequence, &mut packet, random().as_ref());
            if fits {
                assert_eq!(result, Ok(()), "{suite:?}");
                assert!(packet.len() <= 65535 && packet.len() + suite.alignment() > 65535);
                inbound(suite).open(&mut packet, NOW).unwrap();
                assert_eq!(packet.octets(), inner);
            } else {
                assert_eq!((result, packet.len()), (Err(SealError::TooBig), len), "{suite:?}");
            }
        }
        // A buffer that is too small is left alone.
        let inner = clear(100);
        for (headroom, tailroom) in [(0, 100), (27, 100), (100, 0), (100, 1)] {
            let mut packet = PacketBuf::with_capacity(headroom, inner.len() + tailroom);
            packet.append(inner.len()).unwrap().copy_from_slice(&inner);
            let mut sa = outbound(suite);
            let sequence = sa.reserve(inner.len(), NOW).unwrap();
            let result = sa.seal(sequence, &mut packet, random().as_ref());
            assert!(matches!(result, Err(SealError::NoRoom(_))), "{suite:?}: {result:?}");
            assert_eq!(packet.octets(), inner);
        }
    }
}

#[test]
fn t107_all_sixteen_congestion_pairs() {
    // RFC 6040 4.2, figure 4 (test): rows are the inner field, columns the outer one: Not-ECT, ECT(1), ECT(0), CE.
    const NOT: Option<u8> = Some(0);
    const ECT1: Option<u8> = Some(1);
    const ECT0: Option<u8> = Some(2);
    const CE: Option<u8> = Some(3);
    let table = [
        (0, [NOT, NOT, NOT, None]),
        (1, [ECT1, ECT1, ECT1, CE]),
        (2, [ECT0, ECT1, ECT0, CE]),
        (3, [CE, CE, CE, CE]),
    ];
    for (inner_ecn, row) in table {
        for (outer_ecn, expected) in (0..).zip(row) {
            let mut inner = clear(9);
            inner[1] = 0xb8 | inner_ecn;
            let sum = {
                inner[10..12].fill(0);
                checksum(&inner[..20])
            };
            inner[10..12].copy_from_slice(&sum.to_be_bytes());
            let mut packet = sealed(&mut outbound(AES_SHA256), &inner);
            assert_eq!(packet.octets()[1], 0xb8 | inner_ecn, "copied at encapsulation");
            packet.octets_mut()[1] = outer_ecn;
            let result = inbound(AES_SHA256).open(&mut packet, NOW);
            match expected {
                None => assert_eq!(result, Err(DropReason::Congestion)),
                Some(ecn) => {
                    result.unwrap();
                    assert_eq!(packet.octets()[1], 0xb8 | ecn, "{inner_ecn} in {outer_ecn}");
                    assert_eq!(checksum(&packet.octets()[..20]), 0);
                }
            }
        }
    }
}

#[test]
fn t107_inner_options_stay_inside() {
    let mut inner = vec![0x46, 0, 0, 24, 0, 1, 0, 0, 64, 17, 0, 0, 10, 1, 0, 7, 10, 2, 0, 9, 148, 4, 0, 0];
    let sum = checksum(&inner);
    inner[10..12].copy_from_slice(&sum.to_be_bytes());
    let mut packet = sealed(&mut outbound(AES_SHA256), &inner);
    assert_eq!(packet.octets()[0], 0x45);
    inbound(AES_SHA256).open(&mut packet, NOW).unwrap();
    assert_eq!(packet.octets(), inner);
}
