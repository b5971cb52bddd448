//! ICMP errors, the path MTU that is learned from them, and the segment size: against packets that scapy made.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation,
    missing_docs,
    reason = "a test may panic"
)]

use core::net::IpAddr;
use core::time::Duration;

use ipsec_core::{IcmpError, PathMtu, Protocol, SaId, Spi, TooBig, checksum, clamp_mss, icmp_error};

fn packet(name: &str) -> Vec<u8> {
    let rows = include_str!("data/packets.txt").lines().filter(|line| !line.starts_with('#'));
    let row = rows.map(|line| line.split(" | ").collect::<Vec<_>>()).find(|row| row[0] == name).unwrap();
    hex::decode(row[2]).unwrap()
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn gateway(v6: bool) -> IpAddr {
    address(if v6 { "2001:db8:1::1" } else { "10.1.0.1" })
}

#[test]
fn errors_are_those_that_scapy_makes() {
    for (about, v6) in [("udp-v4", false), ("udp-v6", true)] {
        for (name, error) in
            [("too-big", IcmpError::TooBig { mtu: 1390 }), ("time-exceeded", IcmpError::TimeExceeded)]
        {
            let made = icmp_error(&packet(about), gateway(v6), error, 0x1234).unwrap();
            let family = if v6 { "v6" } else { "v4" };
            assert_eq!(
                hex::encode(made),
                hex::encode(packet(&format!("{name}-{family}"))),
                "{name} {family}"
            );
        }
    }
}

#[test]
fn t106_no_error_about_an_error_a_later_fragment_or_what_went_to_many() {
    let too_big = IcmpError::TooBig { mtu: 1390 };
    let refused = |packet: &[u8], error| icmp_error(packet, gateway(packet[0] >> 4 == 6), error, 1).is_none();
    for name in ["too-big-v4", "time-exceeded-v4", "too-big-v6", "time-exceeded-v6"] {
        let mut error = packet(name);
        if error[0] >> 4 == 4 {
            error[6] |= 0x40;
        }
        assert!(refused(&error, too_big) && refused(&error, IcmpError::TimeExceeded), "{name}");
    }
    let with = |name: &str, at: usize, octets: &[u8]| {
        let mut changed = packet(name);
        changed[at..at + octets.len()].copy_from_slice(octets);
        changed
    };
    // A later fragment; to and from many; from nobody.
    for changed in [
        with("udp-v4", 7, &[1]),
        with("udp-v4", 16, &[224, 0, 0, 1]),
        with("udp-v4", 16, &[255; 4]),
        with("udp-v4", 12, &[224, 0, 0, 1]),
        with("udp-v4", 12, &[255; 4]),
        with("udp-v4", 12, &[0; 4]),
        with("udp-v4", 12, &[127, 0, 0, 1]),
        with("udp-v6", 8, &[0xff, 2]),
        with("udp-v6", 8, &[0; 16]),
    ] {
        assert!(refused(&changed, too_big) && refused(&changed, IcmpError::TimeExceeded));
    }
    // Who gave leave to fragment is not told; who sent to many over IPv6 is told of size only.
    assert!(refused(&with("udp-v4", 6, &[0]), too_big));
    let to_many = with("udp-v6", 24, &[0xff, 2]);
    assert!(!refused(&to_many, too_big) && refused(&to_many, IcmpError::TimeExceeded));
    // Another family than the gateway's address.
    assert!(icmp_error(&packet("udp-v4"), gateway(true), too_big, 1).is_none());
}

/// RFC 1812 4.3.2.3, RFC 4443 2.4 (c): never longer than what every host takes.
#[test]
fn errors_repeat_no_more_than_fits() {
    for (name, most) in [("udp-v4", 576), ("udp-v6", 1280)] {
        let mut about = packet(name);
        about.resize(1500, 0x55);
        let len = if most == 576 { (2, 1500_u16) } else { (4, 1460) };
        about[len.0..len.0 + 2].copy_from_slice(&len.1.to_be_bytes());
        let error = icmp_error(&about, gateway(most == 1280), IcmpError::TooBig { mtu: 1280 }, 1).unwrap();
        assert_eq!(error.len(), most);
    }
    // RFC 8200 5: no host is told to send less than 1280 octets over IPv6.
    let told = icmp_error(&packet("udp-v6"), gateway(true), IcmpError::TooBig { mtu: 576 }, 1).unwrap();
    assert_eq!(told[44..48], [0, 0, 5, 0]);
}

fn said(name: &str) -> Option<TooBig> {
    TooBig::parse(&packet(name))
}

#[test]
fn t106_a_quote_must_be_one_that_can_have_been() {
    let spi = Spi::from_wire(0x0abc_def0);
    let sa = |protocol| SaId { destination: address("192.0.2.2"), protocol, spi };
    let esp = said("said-esp").unwrap();
    assert_eq!((esp.sa, esp.mtu, esp.quoted), (sa(Protocol::ESP), 1400, 1492));
    assert_eq!(esp.source, address("192.0.2.1"));
    assert_eq!(said("said-ah").unwrap().sa, sa(Protocol::AH));
    assert_eq!(said("said-udp").unwrap().sa, sa(Protocol::ESP));
    for name in ["said-esp", "said-ah", "said-udp", "said-esp-v6"] {
        assert_eq!(said(name).unwrap().sequence, 7, "{name}");
    }
    let over_v6 = said("said-esp-v6").unwrap();
    assert_eq!((over_v6.sa.destination, over_v6.mtu, over_v6.quoted), (address("2001:db8::2"), 1300, 1492));
    for name in [
        "said-udp-short",
        "said-ah-short",
        "said-tcp",
        "said-not-ours",
        "said-no-df",
        "said-later",
        "said-fits",
        "said-cut",
        "time-exceeded-v4",
        "too-big-v4",
        "udp-v4",
        "ack",
    ] {
        assert_eq!(said(name), None, "{name}");
    }
    // Every bit of the ICMP message is under its checksum.
    for (name, from) in [("said-esp", 20), ("said-esp-v6", 40)] {
        let good = packet(name);
        assert!(TooBig::is_too_big(&good));
        for bit in from * 8..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(TooBig::parse(&bad), None, "{name} bit {bit}");
        }
    }
}

#[test]
fn t106_forged_sizes_lower_to_a_floor_and_for_a_time() {
    const LINK: usize = 1500;
    let at = Duration::from_secs(100);
    let esp = said("said-esp").unwrap();
    let after = |mtu: usize, quoted: usize| {
        let mut path = PathMtu::new();
        path.lower(&TooBig { mtu, quoted, ..esp }, LINK, at);
        path.octets(LINK, at)
    };
    // RFC 1191 5, 7.1: a router that does not say: the next plateau below the quoted packet.
    assert_eq!((after(0, 1500), after(0, 1492), after(0, 1006)), (1492, 1006, 750));
    // No step is longer than half of what was known.
    assert_eq!((after(68, 1500), after(749, 1500), after(750, 1500), after(751, 1500)), (750, 750, 750, 751));
    assert_eq!((after(1499, 1500), after(1400, 1500)), (1499, 1400));
    let mut path = PathMtu::new();
    let steps: Vec<_> = (0..4)
        .map(|n| {
            let now = at + PathMtu::QUIET * n;
            path.lower(&TooBig { mtu: 68, quoted: path.octets(LINK, now), ..esp }, LINK, now);
            path.octets(LINK, now)
        })
        .collect();
    assert_eq!(steps, [750, PathMtu::FLOOR_V4, PathMtu::FLOOR_V4, PathMtu::FLOOR_V4]);
    // No packet was ever longer than the link takes; nothing raises.
    assert_eq!((after(65535, 65535), after(1400, 1501), after(1500, 1500)), (LINK, LINK, LINK));
    let v6 = TooBig { mtu: 68, ..said("said-esp-v6").unwrap() };
    let mut path = PathMtu::new();
    assert!(path.lower(&v6, LINK, at));
    assert_eq!(path.octets(LINK, at), PathMtu::FLOOR_V6);
    // A link narrower than the floor stays what it is.
    assert_eq!(path.octets(1200, at), 1200);
}

#[test]
fn t106_ten_thousand_forged_messages_take_one_step_a_second_and_age() {
    const LINK: usize = 1500;
    let at = Duration::from_secs(100);
    let esp = TooBig { quoted: 1500, ..said("said-esp").unwrap() };
    let mut path = PathMtu::new();
    let mut steps = 0;
    for n in 0..10_000 {
        steps += usize::from(path.lower(&TooBig { mtu: 1490 - n % 900, ..esp }, LINK, at));
    }
    assert_eq!((steps, path.octets(LINK, at)), (1, 1490));
    let later = at + PathMtu::QUIET;
    assert!(!path.lower(&TooBig { mtu: 1400, ..esp }, LINK, later - Duration::from_nanos(1)));
    assert!(path.lower(&TooBig { mtu: 1400, ..esp }, LINK, later));
    // Higher than what is known says nothing; the same again keeps it.
    assert!(!path.lower(&TooBig { mtu: 1450, ..esp }, LINK, later + PathMtu::QUIET));
    assert_eq!(path.octets(LINK, later + PathMtu::AGE - Duration::from_nanos(1)), 1400);
    let mut kept = path;
    let again = later + PathMtu::AGE / 2;
    assert!(!kept.lower(&TooBig { mtu: 1400, ..esp }, LINK, again));
    assert_eq!(path.octets(LINK, later + PathMtu::AGE), LINK);
    assert_eq!(kept.octets(LINK, later + PathMtu::AGE), 1400);
    assert_eq!(kept.octets(LINK, again + PathMtu::AGE), LINK);
}

#[test]
fn segment_sizes_are_lowered_as_scapy_would_have_written_them() {
    for (name, before, after, limit) in [
        ("syn-v4", 1460, 1360, 1400),
        // The option stands at an odd offset, so that its value lies in two words of the checksum.
        ("synack-odd", 1460, 1360, 1400),
        // RFC 6691 2: the option counts neither IP options nor extension headers.
        ("syn-v6", 1440, 1340, 1400),
    ] {
        let mut segment = packet(&format!("{name}-{before}"));
        assert_eq!(clamp_mss(&mut segment, limit), Some(after), "{name}");
        assert_eq!(hex::encode(&segment), hex::encode(packet(&format!("{name}-{after}"))), "{name}");
        assert_eq!(clamp_mss(&mut segment, limit), None, "it fits");
        // A checksum that was wrong stays wrong.
        let mut wrong = packet(&format!("{name}-{before}"));
        let sum = wrong.len() - (wrong.len() - if name == "syn-v6" { 64 } else { 36 });
        wrong[sum] ^= 0x40;
        clamp_mss(&mut wrong, limit).unwrap();
        assert_ne!(wrong[sum..sum + 2], segment[sum..sum + 2]);
    }
    for name in ["ack", "syn-ao", "udp-v4", "udp-v6", "said-esp"] {
        let mut other = packet(name);
        assert_eq!(clamp_mss(&mut other, 600), None, "{name}");
        assert_eq!(other, packet(name));
    }
}

#[test]
fn t145_options_that_lie_change_nothing() {
    let good = packet("syn-v4-1460");
    let mut changed = good.clone();
    changed[6..8].copy_from_slice(&[0, 1]);
    assert_eq!(clamp_mss(&mut changed, 600), None, "a later fragment");
    for at in 32..good.len() {
        for value in 0..=255 {
            let mut bad = good.clone();
            bad[at] = value;
            let before = bad.clone();
            if clamp_mss(&mut bad, 1400).is_none() {
                assert_eq!(bad, before, "octet {at} = {value}");
            }
        }
    }
    for limit in 0..80 {
        let mut segment = good.clone();
        let changed = clamp_mss(&mut segment, limit);
        assert_eq!(changed, limit.checked_sub(40).filter(|mss| *mss > 0).map(|mss| mss as u16));
        assert_eq!(checksum(&segment[..20]), 0);
    }
}
