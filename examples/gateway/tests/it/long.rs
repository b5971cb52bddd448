//! What is long: fragments through tunnels and under policies with ports, path MTU, segment sizes, TTL.

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;

use gateway::router::datagram;
use ipsec_core::{
    DropReason, IcmpError, PacketBuf, PathMtu, Protocol, Reassembly, Scope, checksum, fragments, icmp_error,
};
use netsim::{Link, Network, Node, Port};

use crate::pair::{AH_ESP, CANARY, END_A, END_B, HOST_A, HOST_B, LAN, PRESHARE, Pair, WAN, packet, router};

const TRANSPORT: [&str; 2] =
    [include_str!("../../configs/transport-a.cfg"), include_str!("../../configs/transport-b.cfg")];
const IPV6: [&str; 2] = [include_str!("../../configs/ipv6-a.cfg"), include_str!("../../configs/ipv6-b.cfg")];
const MTU: usize = 1500;
/// The flow of these configurations is UDP from port 9 to port 9 and nothing else.
fn only_port_9() -> [String; 2] {
    let line = |config: &str, from: &str, to: &str| {
        let all = format!("permit ip {from} 0.0.0.255 {to} 0.0.0.255");
        assert!(config.contains(&all));
        config.replace(&all, &format!("permit udp {from} 0.0.0.255 eq 9 {to} 0.0.0.255 eq 9"))
    };
    [line(PRESHARE[0], "50.50.50.0", "60.60.60.0"), line(PRESHARE[1], "60.60.60.0", "50.50.50.0")]
}

fn text(len: usize) -> Vec<u8> {
    (0..len).map(|n| u8::try_from(n * 7 % 251).unwrap()).collect()
}

/// A datagram as a host puts it on an Ethernet.
fn cut(packet: &[u8]) -> Vec<Vec<u8>> {
    let cut = fragments(packet, MTU, 0).unwrap();
    cut.iter().map(|fragment| fragment.octets().to_vec()).collect()
}

/// A host behind router 0 sends a datagram; what the host behind router 1 makes of what arrives.
fn across(pair: &mut Pair, datagram: &[u8]) -> Vec<Vec<u8>> {
    pair.inside[1].clear();
    pair.wire.clear();
    for fragment in cut(datagram) {
        pair.send_inside(0, &fragment);
    }
    assert!(pair.wire.iter().all(|(_, packet)| packet.len() <= MTU), "the wire takes no more");
    pair.assert_nothing_in_clear();
    let mut host = Reassembly::new();
    let whole = pair.inside[1].iter().filter_map(|one| host.accept(one, Scope(0), pair.now).unwrap());
    whole.map(|packet| packet.octets()[28..].to_vec()).collect()
}

#[test]
fn datagrams_of_every_length_cross_a_tunnel() {
    for configs in [PRESHARE, AH_ESP] {
        let mut pair = Pair::up(configs);
        for len in (0..3000).step_by(7).chain(1380..1480).chain([4000, 20_000, 65_506, 65_507]) {
            let sent = text(len);
            let arrived = across(&mut pair, &packet(HOST_A, HOST_B, &sent));
            assert!(arrived == [sent], "{len} octets");
        }
        assert_eq!(pair.drops(0, DropReason::TooBig) + pair.drops(1, DropReason::Fragment), 0);
    }
}

#[test]
fn own_datagrams_of_every_length_cross_in_transport_mode() {
    let mut pair = Pair::new(TRANSPORT);
    for len in (0..3000).step_by(7).chain(1380..1480).chain([20_000, 65_000]) {
        let sent = datagram::udp((END_A, 9), (END_B, 9), 1, &text(len)).unwrap();
        pair.routers[0].originate(pair.now, &sent);
        pair.settle();
        assert_eq!(pair.routers[1].poll_local(), Some(sent), "{len} octets");
    }
    assert!(pair.wire.iter().all(|(_, packet)| packet.len() <= MTU));
    pair.assert_nothing_in_clear();
}

/// T105: all fragments of a packet under a policy with ports wait for the one that shows them.
#[test]
fn t105_fragments_without_ports_do_not_slip_past_a_policy_with_ports() {
    let configs = only_port_9();
    let mut pair = Pair::up([&configs[0], &configs[1]]);
    for len in [2000, 3000, 20_000] {
        let sent = text(len);
        assert_eq!(across(&mut pair, &packet(HOST_A, HOST_B, &sent)), [sent]);
    }
    // Later fragments alone, from inside and in clear from outside, go nowhere.
    let (wire, inside) = (pair.wire.len(), pair.inside[1].len());
    let mut long = packet(HOST_A, HOST_B, &[CANARY, &text(3000)].concat());
    long[5] = 77;
    for later in &cut(&long)[1..] {
        pair.send_inside(0, later);
        pair.send_outside(1, later);
    }
    assert_eq!((pair.wire.len(), pair.inside[1].len()), (wire, inside));
    pair.run_for(Reassembly::TIME);
    assert!(pair.drops(0, DropReason::Fragment) > 0, "they were given up");
    // All of them in clear from outside make a packet that should have been protected.
    let before = pair.drops(1, DropReason::Unprotected);
    for fragment in cut(&long) {
        pair.send_outside(1, &fragment);
    }
    assert_eq!(pair.drops(1, DropReason::Unprotected), before + 1);
    assert_eq!(pair.inside[1].len(), inside);
    // Another port is another packet: in fragments too it is not this flow's.
    let other = datagram::udp((HOST_A, 8), (HOST_B, 8), 78, &text(3000)).unwrap();
    let before = pair.routers[0].snapshot(pair.now).flows[0].counters.encaps;
    for fragment in cut(&other) {
        pair.send_inside(0, &fragment);
    }
    assert_eq!(pair.routers[0].snapshot(pair.now).flows[0].counters.encaps, before);
}

/// T105: outer fragments are put together before ESP, whatever a stranger mixes in, and strangers fill no memory.
#[test]
fn t105_outer_fragments_come_together_among_forged_ones() {
    let mut pair = Pair::up(PRESHARE);
    pair.connected = false;
    pair.send_inside(0, &packet(HOST_A, HOST_B, CANARY));
    let sealed = pair.wire.last().unwrap().1.clone();
    let inside = pair.inside[1].len();
    for n in 0..2000_u16 {
        let mut forged = datagram::ipv4(END_A, END_B, (Protocol::ESP, n), &text(64)).unwrap();
        forged[6] = 0x20;
        pair.send_outside(1, &forged);
    }
    let pieces = fragments(&sealed, 60, 0).unwrap();
    assert!(pieces.len() > 1);
    for piece in pieces.iter().rev() {
        pair.send_outside(1, piece.octets());
    }
    assert_eq!(pair.inside[1].len(), inside + 1);
    assert_eq!(pair.routers[1].snapshot(pair.now).flows[0].counters.receive_errors, 0);
}

fn unfragmented(len: usize) -> Vec<u8> {
    let mut packet = packet(HOST_A, HOST_B, &text(len - 28));
    packet[6] = 0x40;
    packet[10..12].fill(0);
    let sum = checksum(&packet[..20]).to_be_bytes();
    packet[10..12].copy_from_slice(&sum);
    packet
}

/// What a router on the way says about `sealed`.
fn too_big(sealed: &[u8], mtu: u16) -> Vec<u8> {
    too_big_to(END_A, sealed, mtu)
}

fn too_big_to(to: Ipv4Addr, sealed: &[u8], mtu: u16) -> Vec<u8> {
    let mut message = vec![3, 4, 0, 0, 0, 0];
    message.extend(mtu.to_be_bytes());
    message.extend(&sealed[..28]);
    let sum = checksum(&message).to_be_bytes();
    message[2..4].copy_from_slice(&sum);
    let from = [198, 51, 100, 9].into();
    datagram::ipv4(from, to, (Protocol::ICMP, 1), &message).unwrap()
}

/// What the host behind router 0 was told last.
fn told(pair: &mut Pair) -> usize {
    let message = pair.inside[0].pop().expect("a message");
    assert_eq!(message[20..22], [3, 4]);
    usize::from(u16::from_be_bytes([message[26], message[27]]))
}

#[test]
fn t106_a_smaller_path_is_learned_told_exactly_and_forgotten() {
    let mut pair = Pair::up(PRESHARE);
    pair.send_inside(0, &unfragmented(MTU));
    let at_first = told(&mut pair);
    pair.send_inside(0, &unfragmented(at_first));
    let sealed = pair.wire.last().unwrap().1.clone();
    let path = |pair: &Pair| pair.routers[0].snapshot(pair.now).flows[0].path_mtu;
    // Not ours, not sealed so, of an SPI or a number that was not used, or impossible: nothing changes.
    for (at, octet) in [(12, 1), (16, 1), (9, 6), (20, 0xff), (24, 0x80), (27, 0), (27, 0xff), (6, 0)] {
        let mut quote = sealed.clone();
        quote[at] = octet;
        pair.send_outside(0, &too_big(&quote, 1400));
        assert_eq!(path(&pair), MTU, "octet {at}");
    }
    // Told to another of its addresses, as if that one had sealed it.
    let inside = [50, 50, 50, 50];
    let mut quote = sealed.clone();
    quote[12..16].copy_from_slice(&inside);
    pair.send_outside(0, &too_big_to(inside.into(), &quote, 1400));
    assert_eq!(path(&pair), MTU);
    pair.send_outside(0, &too_big(&sealed, 65535));
    assert_eq!(path(&pair), MTU);
    pair.send_outside(0, &too_big(&sealed, 1400));
    assert_eq!(path(&pair), 1400);
    // A burst of forged ones takes no second step.
    for mtu in (0..1400).rev() {
        pair.send_outside(0, &too_big(&sealed, mtu));
    }
    assert_eq!(path(&pair), 1400);
    // A host that obeys gets through at its first retry, and one octet more does not.
    pair.send_inside(0, &unfragmented(at_first));
    let now_told = told(&mut pair);
    let arrived = pair.inside[1].len();
    pair.send_inside(0, &unfragmented(now_told));
    assert_eq!(pair.inside[1].len(), arrived + 1);
    assert!((1390..=1400).contains(&pair.wire.last().unwrap().1.len()));
    pair.send_inside(0, &unfragmented(now_told + 1));
    assert_eq!(pair.inside[1].len(), arrived + 1);
    // The lowest value leaves a tunnel that works, and ages.
    for known in [700, PathMtu::FLOOR_V4] {
        pair.run_for(PathMtu::QUIET);
        pair.send_outside(0, &too_big(&sealed, 68));
        assert_eq!(path(&pair), known);
    }
    pair.send_inside(0, &unfragmented(500));
    assert_eq!(pair.inside[1].len(), arrived + 2);
    pair.run_for(PathMtu::AGE);
    assert_eq!(path(&pair), MTU);
}

/// T106: what came out of a tunnel is repeated into the tunnel only.
#[test]
fn t106_an_error_about_decrypted_content_goes_back_through_the_tunnel_or_not_at_all() {
    let narrow = PRESHARE[1].replace("interface Ethernet0\n", "interface Ethernet0\n ip mtu 1000\n");
    let mut pair = Pair::up([PRESHARE[0], &narrow]);
    pair.wire.clear();
    pair.send_inside(0, &unfragmented(1200));
    assert_eq!(told(&mut pair), 1000);
    pair.assert_nothing_in_clear();
    // Where the policy is about another protocol, the error would leave in clear: it does not leave.
    let udp = |config: &str| config.replace(" permit ip ", " permit udp ");
    let mut pair = Pair::up([&udp(PRESHARE[0]), &udp(&narrow)]);
    pair.wire.clear();
    pair.inside[0].clear();
    pair.send_inside(0, &unfragmented(1200));
    assert!(pair.inside[0].is_empty());
    assert_eq!((pair.drops(1, DropReason::TooBig), pair.wire.len()), (1, 1));
}

/// T107: a TTL that runs out before the tunnel is told of inside; behind the tunnel it ends the packet quietly.
#[test]
fn t107_time_exceeded_goes_inside_only() {
    let mut pair = Pair::up(PRESHARE);
    pair.wire.clear();
    let with_ttl = |ttl| {
        let mut packet = unfragmented(100);
        packet[8] = ttl;
        packet[10..12].fill(0);
        let sum = checksum(&packet[..20]).to_be_bytes();
        packet[10..12].copy_from_slice(&sum);
        packet
    };
    pair.send_inside(0, &with_ttl(1));
    let told = pair.inside[0].pop().unwrap();
    assert_eq!((told[9], &told[20..22]), (1, &[11, 0][..]));
    assert_eq!((told[12..16].to_vec(), told[16..20].to_vec()), (vec![50, 50, 50, 50], vec![50, 50, 50, 1]));
    assert_eq!(told[28..], with_ttl(1));
    assert!(pair.wire.is_empty());
    pair.send_inside(0, &with_ttl(2));
    assert_eq!(pair.drops(1, DropReason::Ttl), 1);
    assert_eq!((pair.wire.len(), pair.inside[0].len()), (1, 0));
}

/// A SYN through a tunnel says what fits, in both directions, and its checksum holds. The narrower end decides, whether
/// it seals the SYN or opens it.
#[test]
fn segment_sizes_fit_the_tunnel() {
    let narrow = PRESHARE[1].replace("interface Serial0\n", "interface Serial0\n ip mtu 1400\n");
    let mut pair = Pair::up([PRESHARE[0], &narrow]);
    let mut back = unfragmented(MTU);
    back[12..20].copy_from_slice(&[60, 60, 60, 1, 50, 50, 50, 1]);
    pair.send_inside(1, &back);
    let message = pair.inside[1].pop().unwrap();
    let room = usize::from(u16::from_be_bytes([message[26], message[27]]));
    assert!((1300..1400).contains(&room));
    for (from, to, at) in [(HOST_A, HOST_B, 0), (HOST_B, HOST_A, 1)] {
        let mut tcp = vec![0, 80, 0, 81, 0, 0, 0, 1, 0, 0, 0, 0, 0x60, 2, 0x20, 0, 0, 0, 0, 0, 2, 4, 5, 0xb4];
        let sum = |tcp: &[u8]| {
            let pseudo = [&from.octets()[..], &to.octets(), &[0, 6, 0, 24]].concat();
            checksum(&[&pseudo, tcp].concat())
        };
        let valid = sum(&tcp).to_be_bytes();
        tcp[16..18].copy_from_slice(&valid);
        pair.send_inside(at, &datagram::ipv4(from, to, (Protocol::TCP, 3), &tcp).unwrap());
        let arrived = pair.inside[1 - at].last().unwrap();
        assert_eq!(usize::from(u16::from_be_bytes([arrived[42], arrived[43]])), room - 40);
        assert_eq!(sum(&arrived[20..]), 0);
    }
}

/// In clear a router cuts what may be cut and tells about the rest, as RFC 1812 4.2.2.7 and 4.3.2.3 say.
#[test]
fn clear_packets_are_cut_too() {
    let narrow = PRESHARE[0].replace("interface Serial0\n", "interface Serial0\n ip mtu 1000\n");
    let mut pair = Pair::new([&narrow, PRESHARE[1]]);
    pair.connected = false;
    let outside = [9, 9, 9, 9].into();
    pair.send_inside(0, &datagram::udp((HOST_A, 9), (outside, 9), 1, &text(1400)).unwrap());
    assert_eq!(pair.wire.iter().map(|(_, packet)| packet.len()).collect::<Vec<_>>(), [996, 452]);
    let mut whole = PacketBuf::copy_of(&unfragmented(1200));
    whole.octets_mut()[16..20].copy_from_slice(&[9, 9, 9, 9]);
    pair.send_inside(0, whole.octets());
    assert_eq!(told(&mut pair), 1000);
    assert_eq!(pair.wire.len(), 2);
    pair.run_for(Duration::from_secs(1));
}

/// A node of a simulated network: a router, or a host that keeps what it gets.
enum Place {
    Router(Box<gateway::router::Router>),
    Host(Vec<Vec<u8>>),
}

impl Node for Place {
    type Packet = Vec<u8>;

    fn handle_packet(&mut self, now: Duration, from: Port, packet: &Vec<u8>) {
        match self {
            Self::Router(router) => router.handle_packet(now, from, packet),
            Self::Host(kept) => kept.push(packet.clone()),
        }
    }

    fn handle_timeout(&mut self, now: Duration) {
        if let Self::Router(router) = self {
            router.handle_timeout(now);
        }
    }

    fn poll_timeout(&self) -> Option<Duration> {
        match self {
            Self::Router(router) => router.poll_timeout(),
            Self::Host(_) => None,
        }
    }

    fn poll_transmit(&mut self) -> Option<(Port, Vec<u8>)> {
        match self {
            Self::Router(router) => router.poll_transmit(),
            Self::Host(_) => None,
        }
    }
}

/// The link itself refuses what is longer than it takes, delays, and lets fragments overtake each other.
#[test]
fn datagrams_of_every_length_cross_a_simulated_link_of_1500() {
    for (configs, seed) in [(PRESHARE, 21), (AH_ESP, 22)] {
        let mut network = Network::new(seed);
        let left = network.add(Place::Router(Box::new(router("a.cfg", configs[0], 1))));
        let right = network.add(Place::Router(Box::new(router("b.cfg", configs[1], 2))));
        let host = network.add(Place::Host(Vec::new()));
        let wan = Link::new().delay(Duration::from_millis(5)).jitter(Duration::from_millis(4)).mtu(MTU);
        let wire = network.connect((left, WAN), (right, WAN), wan).unwrap();
        network.connect((right, LAN), (host, LAN), Link::new().mtu(MTU)).unwrap();
        // The tunnel comes up before what has several packets is sent.
        network.inject(left, LAN, packet(HOST_A, HOST_B, CANARY));
        network.drive_for(Duration::from_secs(5)).unwrap();
        let lengths: Vec<usize> = (0..3000).step_by(61).chain([1400, 1471, 1472, 1473, 65_507]).collect();
        for (n, len) in (2..).zip(&lengths) {
            let sent = datagram::udp((HOST_A, 9), (HOST_B, 9), n, &text(*len)).unwrap();
            for fragment in cut(&sent) {
                network.inject(left, LAN, fragment);
            }
            network.drive_for(Duration::from_millis(50)).unwrap();
        }
        let mut arrived = Reassembly::new();
        let Some(Place::Host(kept)) = network.get(host) else { panic!("no host") };
        let whole: Vec<usize> = kept
            .iter()
            .filter_map(|one| arrived.accept(one, Scope(0), network.now()).unwrap())
            // The first one brought the tunnel up.
            .skip(1)
            .map(|packet| {
                assert_eq!(packet.octets()[28..], text(packet.len() - 28)[..].to_vec(), "seed {seed}");
                packet.len() - 28
            })
            .collect();
        assert_eq!(whole, lengths, "seed {seed}");
        let counted = network.counters(wire).a_to_b;
        assert!(counted.sent > 100 && counted.too_big == 0, "seed {seed}: {counted:?}");
    }
}

/// Over IPv6 too: a host learns what fits and gets through, and what no host need cut (RFC 8200 5) crosses a narrow path
/// in outer fragments.
#[test]
fn ipv6_learns_and_cuts_outside() {
    let mut pair = Pair::new(IPV6);
    let [a, b]: [SocketAddr; 2] =
        ["[2001:db8:50::1]:9", "[2001:db8:60::1]:9"].map(|end| end.parse().unwrap());
    let of = |len: usize| datagram::udp_between(a, b, 1, &text(len - 48)).unwrap();
    pair.send_inside(0, &of(100));
    pair.run_for(Duration::from_secs(1));
    assert_eq!(pair.inside[1].len(), 1);
    pair.send_inside(0, &of(MTU));
    let told = |pair: &mut Pair| {
        let message = pair.inside[0].pop().expect("a message");
        assert_eq!(message[40], 2);
        usize::try_from(u32::from_be_bytes(message[44..48].try_into().unwrap())).unwrap()
    };
    let fits = told(&mut pair);
    pair.send_inside(0, &of(fits));
    assert_eq!(pair.inside[1].len(), 2);
    pair.send_inside(0, &of(fits + 1));
    assert_eq!((pair.inside[1].len(), told(&mut pair)), (2, fits));
    // A router on the way says that its link takes no more than any link must.
    let sealed = pair.wire.last().unwrap().1.clone();
    let way = "2001:db8:20::99".parse().unwrap();
    let said = icmp_error(&sealed, way, IcmpError::TooBig { mtu: 1280 }, 0).unwrap();
    pair.send_outside(0, &said);
    assert_eq!(pair.routers[0].snapshot(pair.now).flows[0].path_mtu, 1280);
    pair.send_inside(0, &of(1300));
    assert_eq!(told(&mut pair), 1280);
    pair.wire.clear();
    pair.send_inside(0, &of(1280));
    assert_eq!(pair.wire.len(), 2, "in two fragments");
    assert!(pair.wire.iter().all(|(_, packet)| packet.len() <= 1280 && packet[6] == 44));
    assert_eq!(pair.inside[1].len(), 3);
    assert_eq!(pair.inside[1].last().unwrap()[48..], text(1232));
}
