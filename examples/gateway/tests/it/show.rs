//! The show tables of a negotiated tunnel against facts that no router computed: the configurations, the packets on the wire,
//! the packets that the test sent, and the document's own tables.

use core::time::Duration;

use gateway::cli::show::{connections, ipsec_sa, isakmp_sa};
use ipsec_core::{Ipv4Header, Protocol};

use crate::pair::{AH_ESP, END_A, END_B, HOST_A, HOST_B, Pair, packet};

/// The document's routers, as its tables have them: the responder is wan2511.
const DOCUMENT: &str = include_str!("../data/show-wan2511.txt");

/// The document's pair, begun by the second router as there, with `packets` more both ways.
fn pair(packets: usize) -> Pair {
    let mut pair = Pair::new(AH_ESP);
    pair.send_inside(1, &packet(HOST_B, HOST_A, &[7; 72]));
    pair.run_for(Duration::from_secs(1));
    pair.send_inside(0, &packet(HOST_A, HOST_B, &[7; 72]));
    for _ in 0..packets {
        pair.send_inside(0, &packet(HOST_A, HOST_B, &[7; 72]));
        pair.send_inside(1, &packet(HOST_B, HOST_A, &[7; 72]));
    }
    pair
}

/// The output of a command in the document.
fn document(command: &str) -> String {
    let (_, rest) = DOCUMENT.split_once(&format!("wan2511#{command}\n")).unwrap();
    let (text, _) = rest.split_once("wan2511#").unwrap();
    text.to_owned()
}

/// SPIs that a router put on the wire: of AH, and of the ESP inside it.
fn on_wire(pair: &Pair, from: usize) -> [u32; 2] {
    let packet = pair.on_wire(from, Protocol::AH).pop().unwrap();
    let number = |at: usize| u32::from_be_bytes(packet[at..at + 4].try_into().unwrap());
    let header = Ipv4Header::parse(&packet).unwrap();
    assert_eq!((packet[0] & 15, header.protocol), (5, Protocol::AH));
    // RFC 4302 2: length in 32-bit words less 2; the ICV of 96 bits makes 24 octets.
    assert_eq!((packet[20], packet[21]), (50, 4));
    [number(24), number(20 + 24)]
}

/// A table of the document with other values in it: each of `changes` must be there.
fn with(mut text: String, changes: &[(String, String)]) -> String {
    for (from, to) in changes {
        assert!(text.contains(from), "{from}\n{text}");
        text = text.replace(from, to);
    }
    text
}

/// S303, S603: `dst` is the responder and `src` the initiator, on both routers alike.
#[test]
fn an_ike_sa_is_shown_from_responder_to_initiator_on_both_routers() {
    let pair = pair(0);
    for router in &pair.routers {
        let text = isakmp_sa(&router.snapshot(pair.now));
        // The first connection of each router; the document's is its seventh.
        let document = document("show crypto isakmp sa");
        assert!(document.contains(&format!("{END_A}     {END_B}     QM_IDLE")), "{document}");
        assert_eq!(text, with(document, &[("     7 ".into(), "     1 ".into())]));
    }
    let other_way = Pair::up(AH_ESP);
    for router in &other_way.routers {
        let text = isakmp_sa(&router.snapshot(other_way.now));
        assert!(text.contains(&format!("{END_B}     {END_A}     QM_IDLE")), "{text}");
    }
}

/// What the wire and the test know of the responder's SAs, put into the document's table.
fn expected(pair: &Pair, packets: usize, seconds: u64, lines: &[(&str, &str)]) -> String {
    let [out_ah, out_esp] = on_wire(pair, 0);
    let [in_ah, in_esp] = on_wire(pair, 1);
    let spi = |document: &str, spi: u32| (document.to_owned(), format!("0x{spi:X}({spi})"));
    let mut changes = vec![
        spi("0x1925112F(421859631)", in_esp),
        spi("0x12050DD2(302321106)", in_ah),
        spi("0x3262313(52830995)", out_esp),
        spi("0x6625CD(6694349)", out_ah),
        ("outbound spi: 6625CD".into(), format!("outbound spi: {out_ah:X}")),
        ("320".into(), packets.to_string()),
        ("/3354".into(), format!("/{seconds}")),
    ];
    // Connection ids follow the IKE SA's, which is 1 here and 7 there; the document's row has a gap.
    changes.extend((9..=12).map(|id| (format!("conn id: {id},"), format!("conn id: {},", id - 7))));
    changes.extend(lines.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())));
    with(document("show crypto ipsec sa"), &changes)
}

/// Kilobytes that are left after `packets` of so many octets.
fn left(packets: usize, octets: usize) -> String {
    let used = packets * octets;
    ((4_608_000 * 1024 - used) / 1024).to_string()
}

/// S304 to S307, S308, S604, S605: the document's table of its router, of a tunnel that carries the same 100-octet packets; the
/// volume that AH counts is the larger one (RFC 4302 2: 24 octets more, and the outer header).
#[test]
fn the_sas_of_a_live_tunnel_are_the_documents_table() {
    const PACKETS: usize = 320;
    let pair = pair(PACKETS - 1);
    // A datagram of 72 octets in UDP and IP has 100; with padding to 8 and two octets of trailer 104; ESP adds SPI, number,
    // IV and a 96-bit ICV.
    let esp = 8 + 8 + 104 + 12;
    let ah = pair.on_wire(1, Protocol::AH).pop().unwrap().len();
    assert_eq!(ah, 20 + 24 + esp, "the packet on the wire");
    let text = ipsec_sa(&pair.routers[0].snapshot(pair.now));
    let numbers: Vec<&str> =
        text.split("(k/sec): (").skip(1).map(|rest| rest.split_once('/').unwrap().0).collect();
    let [in_esp, in_ah, out_esp, out_ah] = numbers[..] else { panic!("{text}") };
    assert_eq!((in_esp, in_ah), (out_esp, out_ah));
    assert!(in_ah < in_esp);
    // What RFC 2407 4.5 counts is not laid down: at least what was protected, at most the packet on the wire.
    for (number, least, most) in [(in_esp, 100, 20 + esp), (in_ah, esp, ah)] {
        let bounds = (left(PACKETS, most), left(PACKETS, least));
        assert!(bounds.0.as_str() <= number && number <= bounds.1.as_str(), "{number} {bounds:?}");
    }
    let document = expected(&pair, PACKETS, 3600 - 1, &[("4607971", in_esp), ("4607958", in_ah)]);
    assert_eq!(text, document);
}

/// S306: the path's MTU is the medium's as long as nothing smaller is known; both are the interface's.
/// S307: replay detection and IV size are those of the transform set and the map.
#[test]
fn mtu_iv_and_replay_are_those_of_interface_and_configuration() {
    let shown = |change: &dyn Fn(&str) -> String| {
        let configs = AH_ESP.map(change);
        let mut pair = Pair::new([&configs[0], &configs[1]]);
        pair.send_inside(1, &packet(HOST_B, HOST_A, b"x"));
        pair.run_for(Duration::from_secs(1));
        ipsec_sa(&pair.routers[0].snapshot(pair.now))
    };
    let count = |text: &str, what: &str| text.matches(what).count();
    let plain = shown(&str::to_owned);
    assert_eq!(count(&plain, "path mtu 1500, media mtu 1500"), 1, "{plain}");
    assert_eq!((count(&plain, "IV size: 8 bytes"), count(&plain, "IV size")), (2, 2));
    assert_eq!(
        (count(&plain, "replay detection support: Y"), count(&plain, "replay detection support: N")),
        (4, 0)
    );
    let small = shown(&|text| {
        text.replace(" crypto map test\n!\nip route", " mtu 1400\n crypto map test\n!\nip route")
    });
    assert_eq!(count(&small, "path mtu 1400, media mtu 1400"), 1, "{small}");
    let aes = shown(&|text| text.replace("esp-des ", "esp-aes "));
    assert_eq!((count(&aes, "IV size: 16 bytes"), count(&aes, "IV size")), (2, 2), "{aes}");
    let off = shown(&|text| {
        text.replace(" match address", " set security-association replay disable\n match address")
    });
    assert_eq!(
        (count(&off, "replay detection support: Y"), count(&off, "replay detection support: N")),
        (0, 4),
        "{off}"
    );
}

/// S312: the two SAs of AH with the packets that the test sent, inbound and outbound.
#[test]
fn connections_count_the_packets_that_were_sent() {
    let pair = pair(239);
    let text = connections(&pair.routers[0].snapshot(pair.now));
    let document = document("show crypto engine connections active");
    let document = with(
        document,
        &[("   9 Serial0".into(), "   2 Serial0".into()), ("  10 Serial0".into(), "   3 Serial0".into())],
    );
    assert_eq!(text.trim_end(), document.trim_end());
    assert_eq!(document.matches("240").count(), 2);
}

/// S120: nothing happens to packets as long as no interface carries the map.
#[test]
fn a_map_that_no_interface_carries_protects_nothing() {
    let [applied, peer] = AH_ESP;
    let unapplied = applied.replace(" crypto map test\n!\nip route", "!\nip route");
    assert_ne!(unapplied, applied);
    let mut pair = Pair::new([&unapplied, peer]);
    let inner = packet(HOST_A, HOST_B, &[7; 72]);
    pair.send_inside(0, &inner);
    let [(0, outside)] = &pair.wire[..] else { panic!("{:?}", pair.wire) };
    let header = Ipv4Header::parse(outside).unwrap();
    assert_eq!((header.source, header.destination, header.protocol), (HOST_A, HOST_B, Protocol::UDP));
    assert_eq!(ipsec_sa(&pair.routers[0].snapshot(pair.now)), "");
}
