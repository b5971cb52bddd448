//! An address translator: what it lets through, under which ports, and for how long.

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;

use netsim::{Addressed, Nat, Node, OUTSIDE, Port, UdpDatagram};

const ADDRESS: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 7);
const ONE: Port = Port(1);
const TWO: Port = Port(2);

fn end(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn nat(seed: u64) -> Nat<UdpDatagram> {
    Nat::new(ADDRESS, Duration::from_secs(30), seed)
}

/// What becomes of a datagram at a time in seconds.
fn through(
    nat: &mut Nat<UdpDatagram>,
    at: u64,
    from: Port,
    ends: (SocketAddr, SocketAddr),
) -> Option<(Port, UdpDatagram)> {
    let datagram = UdpDatagram::new(ends.0, ends.1, b"payload".to_vec());
    nat.handle_packet(Duration::from_secs(at), from, &datagram);
    nat.poll_transmit()
}

#[test]
fn only_those_who_were_asked_may_answer() {
    let mut nat = nat(1);
    let (inside, server, other) = (end("10.0.0.2:500"), end("203.0.113.1:500"), end("203.0.113.2:500"));
    let (port, sent) = through(&mut nat, 0, ONE, (inside, server)).unwrap();
    assert_eq!((port, sent.destination, sent.source.ip()), (OUTSIDE, server, ADDRESS.into()));
    assert!(through(&mut nat, 1, OUTSIDE, (other, sent.source)).is_none());
    assert!(through(&mut nat, 1, OUTSIDE, (server, end("198.51.100.7:1"))).is_none());
    assert!(through(&mut nat, 1, OUTSIDE, (server, end("203.0.113.9:500"))).is_none());
    let (port, answer) = through(&mut nat, 1, OUTSIDE, (server, sent.source)).unwrap();
    assert_eq!((port, answer.source, answer.destination), (ONE, server, inside));
    // The same inside end keeps its port whatever it sends to.
    let (_, again) = through(&mut nat, 2, ONE, (inside, other)).unwrap();
    assert_eq!(again.source, sent.source);
    assert!(through(&mut nat, 3, OUTSIDE, (other, sent.source)).is_some());
    assert_eq!(nat.refused(), 3);
}

/// Two hosts with one private address, on two inside ports, are told apart.
#[test]
fn equal_addresses_inside_have_ports_of_their_own() {
    let mut nat = nat(2);
    let (inside, server) = (end("10.0.0.2:500"), end("203.0.113.1:500"));
    let sources = [ONE, TWO].map(|port| through(&mut nat, 0, port, (inside, server)).unwrap().1.source);
    assert_ne!(sources[0], sources[1]);
    for (source, expected) in sources.into_iter().zip([ONE, TWO]) {
        assert_eq!(through(&mut nat, 1, OUTSIDE, (server, source)).unwrap().0, expected);
    }
}

#[test]
fn mappings_end_with_time_or_on_command_and_use_keeps_them() {
    let mut nat = nat(3);
    let (inside, server) = (end("10.0.0.2:500"), end("203.0.113.1:500"));
    let first = through(&mut nat, 0, ONE, (inside, server)).unwrap().1.source;
    // Either direction keeps it.
    assert!(through(&mut nat, 30, OUTSIDE, (server, first)).is_some());
    assert_eq!(through(&mut nat, 60, ONE, (inside, server)).unwrap().1.source, first);
    assert!(through(&mut nat, 91, OUTSIDE, (server, first)).is_none());
    let second = through(&mut nat, 92, ONE, (inside, server)).unwrap().1.source;
    nat.rebind();
    assert!(through(&mut nat, 93, OUTSIDE, (server, second)).is_none());
    let third = through(&mut nat, 94, ONE, (inside, server)).unwrap().1.source;
    assert_ne!(second, third);
    assert_eq!(nat.mappings().collect::<Vec<_>>(), [(inside, third.port())]);
}

#[test]
fn one_seed_draws_the_same_ports() {
    let ports = |seed| {
        let mut nat = nat(seed);
        (1..20_u16)
            .map(|host| {
                let inside = SocketAddr::from(([10, 0, 0, host as u8], 500));
                through(&mut nat, 0, ONE, (inside, end("203.0.113.1:500"))).unwrap().1.source.port()
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(ports(7), ports(7));
    assert_ne!(ports(7), ports(8));
}

/// A packet by hand: both sums are those that the RFCs give for the new ends, and none stays none.
#[test]
fn whole_packets_get_sums_that_hold() {
    fn folded(octets: &[u8], mut total: u32) -> u32 {
        for pair in octets.chunks(2) {
            total += u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
        }
        while total > 0xffff {
            total = (total >> 16) + (total & 0xffff);
        }
        total
    }
    let mut packet = hex("4500 0021 0001 0000 4011 0000 0a000002 cb007101 01f4 01f4 000d 0000 68656c6c6f");
    let source = end("198.51.100.7:50000");
    let server = end("203.0.113.1:500");
    assert_eq!(packet.ends(), Some((end("10.0.0.2:500"), server)));
    let bare = packet.between(source, server).unwrap();
    assert_eq!((bare.ends(), &bare[26..28]), (Some((source, server)), &[0, 0][..]));
    packet[26] = 1;
    let summed = packet.between(source, server).unwrap();
    for packet in [&bare, &summed] {
        assert_eq!(folded(&packet[..20], 0), 0xffff);
    }
    assert_eq!(folded(&summed[20..], folded(&summed[12..20], 17 + 13)), 0xffff);
    // ESP, a fragment, and what is cut short do not pass.
    for (at, value) in [(9, 50), (7, 1), (6, 0x20), (3, 0x22)] {
        let mut other = packet.clone();
        other[at] = value;
        assert_eq!((other.ends(), other.between(source, server)), (None, None));
    }
}

fn hex(text: &str) -> Vec<u8> {
    let digits: String = text.split_whitespace().collect();
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}
