//! Threats to the data path's policy; the numbers are those of the threat catalogue.

use core::net::Ipv4Addr;
use core::time::Duration;

use gateway::router::{Occurrence, datagram};
use ipsec_core::{DropReason, Protocol, checksum};

use crate::pair::{AH_ESP, CANARY, END_A, END_B, Forger, HOST_A, HOST_B, Layer, PRESHARE, Pair, packet};

const SECOND: Duration = Duration::from_secs(1);
/// Far above what a test has sent, and within the reach of a forger's counter.
const FRESH: u64 = 100;

fn reported(pair: &Pair, at: usize, reason: DropReason) -> usize {
    let is_it = |happening: &&gateway::router::Happening| matches!(&happening.what, Occurrence::Dropped(drop) if drop.reason == reason);
    pair.happenings[at].iter().filter(is_it).count()
}

/// T099: what comes out of a tunnel must be inside the flow that the tunnel is for.
#[test]
fn t099_an_inner_packet_outside_its_flow_is_dropped() {
    let mut pair = Pair::up(PRESHARE);
    let forger = Forger::new(&pair.routers[1]);
    let good = packet(HOST_B, HOST_A, CANARY);
    let wrap = |inner: &[u8], number| forger.wrap((END_B, END_A), inner, &[Layer::EspTunnel(0)], number);
    let outside = Ipv4Addr::new(9, 9, 9, 9);
    let bad = [
        packet(outside, HOST_A, CANARY),
        packet(HOST_B, outside, CANARY),
        packet(HOST_A, HOST_A, CANARY),
        packet(HOST_A, HOST_B, CANARY),
        packet(END_B, HOST_A, CANARY),
        packet(HOST_B, END_A, CANARY),
    ];
    let before = pair.inside[0].len();
    for (number, inner) in (FRESH..).zip(&bad) {
        pair.send_outside(0, &wrap(inner, number));
    }
    assert_eq!(pair.drops(0, DropReason::Selectors), bad.len() as u64);
    assert_eq!(pair.inside[0].len(), before);
    assert_eq!(pair.routers[0].snapshot(pair.now).flows[0].counters.receive_errors, bad.len() as u64);
    assert_eq!(reported(&pair, 0, DropReason::Selectors), 1, "one event, however many packets");
    pair.send_outside(0, &wrap(&good, FRESH + 50));
    assert_eq!(pair.inside[0].len(), before + 1);
}

/// T101: a clear packet where policy says protect is dropped, in both directions and at every stage.
#[test]
fn t101_a_clear_packet_of_a_protected_flow_is_dropped() {
    let mut pair = Pair::new(PRESHARE);
    let clear = packet(HOST_B, HOST_A, CANARY);
    pair.send_outside(0, &clear);
    assert_eq!(pair.drops(0, DropReason::Unprotected), 1, "before a tunnel");
    assert!(pair.wire.is_empty(), "a stranger's packet started a negotiation");
    pair.send_inside(0, &packet(HOST_A, HOST_B, CANARY));
    pair.run_for(SECOND);
    pair.send_outside(0, &clear);
    assert_eq!(pair.drops(0, DropReason::Unprotected), 2, "beside a tunnel");
    assert!(pair.inside[0].is_empty());
    // Another protocol and a fragment of the same flow are no different: the map says ip.
    let mut fragment = clear.clone();
    fragment[6..8].copy_from_slice(&[0x00, 0x10]);
    fragment[10..12].fill(0);
    let sum = checksum(&fragment[..20]).to_be_bytes();
    fragment[10..12].copy_from_slice(&sum);
    pair.send_outside(0, &fragment);
    assert_eq!(pair.drops(0, DropReason::Unprotected), 3);
    // What no map wants protected may pass.
    let other = Ipv4Addr::new(9, 9, 9, 9);
    pair.send_outside(0, &packet(other, HOST_A, b"public"));
    assert_eq!(pair.inside[0].len(), 1);
    pair.assert_nothing_in_clear();
}

/// T102: the layers and their order must be the policy's, and all of one bundle.
#[test]
fn t102_a_stripped_swapped_or_mixed_bundle_is_dropped() {
    let mut pair = Pair::up(AH_ESP);
    // A second bundle of the same flow, so that there are layers to mix.
    pair.run_for(3580 * SECOND);
    pair.send_inside(0, &packet(HOST_A, HOST_B, CANARY));
    pair.run_for(SECOND);
    assert_eq!(pair.routers[1].snapshot(pair.now).flows[0].inbound.len(), 4, "two bundles of two");
    let forger = Forger::new(&pair.routers[0]);
    let inner = packet(HOST_A, HOST_B, CANARY);
    let before = pair.inside[1].len();
    let bad: [(&str, &[Layer]); 9] = [
        ("ESP alone", &[Layer::EspTunnel(0)]),
        ("AH alone", &[Layer::AhTunnel(0)]),
        ("AH over the bare packet", &[Layer::AhTransport(0)]),
        ("ESP over AH", &[Layer::AhTunnel(0), Layer::EspTransport(0)]),
        ("ESP tunnel around AH tunnel", &[Layer::AhTunnel(0), Layer::EspTunnel(0)]),
        ("AH twice", &[Layer::EspTunnel(0), Layer::AhTransport(0), Layer::AhTransport(0)]),
        ("ESP twice", &[Layer::EspTunnel(0), Layer::EspTransport(0)]),
        ("AH of the old bundle over ESP of the new one", &[Layer::EspTunnel(1), Layer::AhTransport(0)]),
        ("AH of the new bundle over ESP of the old one", &[Layer::EspTunnel(0), Layer::AhTransport(1)]),
    ];
    for (number, (what, layers)) in (FRESH..).zip(bad) {
        let dropped = pair.routers[1].drops().total();
        pair.send_outside(1, &forger.wrap((END_A, END_B), &inner, layers, number));
        assert_eq!(pair.inside[1].len(), before, "{what} was delivered");
        assert_eq!(pair.routers[1].drops().total(), dropped + 1, "{what} was not counted");
    }
    assert!(pair.drops(1, DropReason::Bundle) >= 3, "{}", pair.drops(1, DropReason::Bundle));
    // The forger's keys are right: the true order is delivered, from either bundle.
    for (number, bundle) in [(FRESH + 40, 0), (FRESH + 41, 1)] {
        let good = [Layer::EspTunnel(bundle), Layer::AhTransport(bundle)];
        pair.send_outside(1, &forger.wrap((END_A, END_B), &inner, &good, number));
    }
    assert_eq!(pair.inside[1].len(), before + 2);
}

fn permit_any() -> [String; 2] {
    PRESHARE.map(|config| {
        let lines = config.lines().map(|line| match line.strip_prefix("access-list ") {
            Some(rest) => format!("access-list {} permit ip any any", rest.split(' ').next().unwrap()),
            None => line.to_owned(),
        });
        lines.collect::<Vec<_>>().join("\n")
    })
}

/// T103, T133: a map that wants everything does not want its own tunnel's packets, nor IKE's.
#[test]
fn t103_a_tunnel_is_not_led_into_itself() {
    let configs = permit_any();
    let mut pair = Pair::up([&configs[0], &configs[1]]);
    let before = pair.wire.len();
    pair.send_inside(0, &packet(HOST_A, HOST_B, CANARY));
    assert_eq!(pair.wire.len(), before + 1, "one packet in, one packet out");
    assert_eq!(pair.inside[1].len(), 2);
    // A peer nests packets for us inside packets for us: one tunnel is opened, what is in it is not.
    let forger = Forger::new(&pair.routers[0]);
    let inner = packet(HOST_A, HOST_B, CANARY);
    let nested = [
        Layer::EspTunnel(0),
        Layer::EspTunnel(0),
        Layer::EspTunnel(0),
        Layer::EspTunnel(0),
        Layer::EspTunnel(0),
    ];
    let before = pair.wire.len();
    pair.send_outside(1, &forger.wrap((END_A, END_B), &inner, &nested, FRESH));
    assert_eq!(pair.inside[1].len(), 2, "a nested packet was delivered");
    assert_eq!(pair.wire.len(), before, "a nested packet was answered");
}

#[test]
fn t133_permit_any_any_leaves_ike_outside_the_tunnel() {
    let configs = permit_any();
    let mut pair = Pair::up([&configs[0], &configs[1]]);
    // IKE goes on beside the tunnel: a successor is negotiated through the same map.
    pair.run_for(3580 * SECOND);
    assert_eq!(pair.routers[0].snapshot(pair.now).flows[0].inbound.len(), 2, "no successor");
    let in_clear = pair.on_wire(0, Protocol::UDP);
    assert!(in_clear.len() > 5 && in_clear.iter().all(|packet| packet[22..24] == 500_u16.to_be_bytes()));
    pair.assert_nothing_in_clear();
}

#[test]
fn t133_a_deny_line_above_a_permit_sends_those_packets_clear_and_no_others() {
    let configs = PRESHARE.map(|config| {
        let lines = config.lines().flat_map(|line| {
            let deny = line.strip_prefix("access-list ").map(|rest| {
                let list = rest.split(' ').next().unwrap();
                let (a, b) = ("host 50.50.50.7", "60.60.60.0 0.0.0.255");
                let (source, destination) = if list == "133" { (a, b) } else { (b, a) };
                format!("access-list {list} deny ip {source} {destination}")
            });
            deny.into_iter().chain([line.to_owned()])
        });
        lines.collect::<Vec<_>>().join("\n")
    });
    let mut pair = Pair::up([&configs[0], &configs[1]]);
    pair.assert_nothing_in_clear();
    let before = pair.wire.len();
    let denied = Ipv4Addr::new(50, 50, 50, 7);
    pair.send_inside(0, &packet(denied, HOST_B, b"public"));
    assert_eq!(pair.wire.len(), before + 1);
    assert_eq!(pair.wire[before].1[9], Protocol::UDP.0);
    assert_eq!(pair.inside[1].len(), 2, "the other router's map agrees");
    // Inside the tunnel the denied host's packets are strangers.
    let forger = Forger::new(&pair.routers[0]);
    let smuggled =
        forger.wrap((END_A, END_B), &packet(denied, HOST_B, CANARY), &[Layer::EspTunnel(0)], FRESH);
    pair.send_outside(1, &smuggled);
    assert_eq!(pair.drops(1, DropReason::Selectors), 1);
    assert_eq!(pair.inside[1].len(), 2);
}

/// T108: nobody learns or gains anything by guessing SPIs.
#[test]
fn t108_unknown_spis_are_counted_and_not_answered() {
    let mut pair = Pair::up(PRESHARE);
    let before = pair.wire.len();
    for number in 0..10_000_u32 {
        let source = Ipv4Addr::from_bits(0x0a00_0000 + number);
        let mut esp = number.wrapping_mul(0x9e37_79b9).to_be_bytes().to_vec();
        esp.extend([0; 60]);
        let protocol = if number % 2 == 0 { Protocol::ESP } else { Protocol::AH };
        pair.send_outside(1, &datagram::ipv4(source, END_B, (protocol, 1), &esp).unwrap());
    }
    assert_eq!(pair.drops(1, DropReason::UnknownSpi), 10_000);
    assert_eq!(pair.wire.len(), before, "a stranger was answered");
    assert_eq!(reported(&pair, 1, DropReason::UnknownSpi), 1, "the log is not a stranger's to fill");
    // The right SPI with the wrong destination or protocol is unknown too.
    let good = pair.on_wire(0, Protocol::ESP).remove(0);
    let mut wrong = good.clone();
    wrong[9] = Protocol::AH.0;
    pair.send_outside(1, &wrong);
    let inside_address =
        datagram::ipv4(END_A, Ipv4Addr::new(60, 60, 60, 60), (Protocol::ESP, 1), &good[20..]).unwrap();
    pair.send_outside(1, &inside_address);
    assert_eq!(pair.drops(1, DropReason::UnknownSpi), 10_002);
}

/// T093 at the router: a recorded packet is delivered once.
#[test]
fn t093_a_repeated_tunnel_packet_is_delivered_once() {
    let mut pair = Pair::up(AH_ESP);
    let recorded = pair.on_wire(0, Protocol::AH).remove(0);
    for _ in 0..3 {
        pair.send_outside(1, &recorded);
    }
    assert_eq!(pair.inside[1].len(), 1);
    assert_eq!(pair.drops(1, DropReason::Replayed), 3);
    assert_eq!(pair.routers[1].snapshot(pair.now).flows[0].counters.decaps, 1);
}

/// T139: who is inside may not speak for others, start negotiations for them, or speak IKE.
#[test]
fn t139_spoofed_sources_and_ike_from_inside_are_dropped() {
    let mut pair = Pair::new(PRESHARE);
    let spoofed = [
        HOST_B,
        END_A,
        END_B,
        Ipv4Addr::new(50, 50, 50, 50),
        Ipv4Addr::new(127, 0, 0, 1),
        Ipv4Addr::new(0, 0, 0, 0),
        Ipv4Addr::new(224, 0, 0, 1),
        Ipv4Addr::new(255, 255, 255, 255),
        Ipv4Addr::new(9, 9, 9, 9),
    ];
    for source in spoofed {
        pair.send_inside(0, &packet(source, HOST_B, CANARY));
    }
    assert_eq!(pair.routers[0].counters().spoofed, spoofed.len() as u64);
    assert!(pair.wire.is_empty(), "a spoofed packet went out or started a negotiation");
    // IKE is spoken where a map is applied, and there with the map's own address only.
    let ike = datagram::udp((HOST_A, 500), (END_A, 500), 1, &[0; 28]).unwrap();
    pair.send_inside(0, &ike);
    let to_inside_address =
        datagram::udp((END_B, 500), (Ipv4Addr::new(50, 50, 50, 50), 500), 1, &[0; 28]).unwrap();
    pair.send_outside(0, &to_inside_address);
    assert_eq!(pair.routers[0].snapshot(pair.now).ike.datagrams_in, 0);
    // Outside, our own address is nobody's source but ours, and some addresses are nobody's anywhere.
    let nobodys = [[50, 50, 50, 50], [127, 0, 0, 1], [0, 0, 0, 0], [224, 0, 0, 1], [240, 0, 0, 1], [255; 4]];
    for source in nobodys {
        pair.send_outside(0, &packet(Ipv4Addr::from(source), HOST_A, CANARY));
    }
    assert_eq!(pair.routers[0].counters().spoofed, (spoofed.len() + nobodys.len()) as u64);
    // Nor does anyone outside speak for a net that is routed inside.
    pair.send_outside(0, &packet(Ipv4Addr::new(50, 50, 50, 5), HOST_A, CANARY));
    assert_eq!(pair.routers[0].counters().spoofed, (spoofed.len() + nobodys.len() + 1) as u64);
    assert!(pair.wire.is_empty() && pair.inside[0].is_empty());
}

/// A tunnel's packets are opened where a map is applied, not where hosts are.
#[test]
fn t139_a_tunnel_packet_from_inside_is_not_opened() {
    let mut pair = Pair::up(PRESHARE);
    let forger = Forger::new(&pair.routers[0]);
    let mut sealed =
        forger.wrap((END_A, END_B), &packet(HOST_A, HOST_B, CANARY), &[Layer::EspTunnel(0)], FRESH);
    let genuine = sealed.clone();
    // ESP does not cover the outer header: a host behind the router can put its own address there.
    sealed[12..16].copy_from_slice(&HOST_B.octets());
    sealed[10..12].fill(0);
    let sum = checksum(&sealed[..20]).to_be_bytes();
    sealed[10..12].copy_from_slice(&sum);
    let before = pair.inside[1].len();
    pair.send_inside(1, &sealed);
    assert_eq!(pair.inside[1].len(), before);
    pair.send_outside(1, &genuine);
    assert_eq!(pair.inside[1].len(), before + 1);
}

/// Hosts may protect their own packets too: what is inside a tunnel is opened no further.
#[test]
fn ipsec_between_hosts_passes_through_a_tunnel() {
    let mut pair = Pair::up(AH_ESP);
    for protocol in [Protocol::ESP, Protocol::AH] {
        let inner = datagram::ipv4(HOST_A, HOST_B, (protocol, 1), &[7; 64]).unwrap();
        pair.send_inside(0, &inner);
        assert_eq!(pair.inside[1].last().map(|packet| packet[20..].to_vec()), Some(vec![7; 64]));
    }
    assert_eq!(pair.inside[1].len(), 3);
}

#[test]
fn t100_packets_that_lie_about_their_length_are_dropped() {
    let mut pair = Pair::up(PRESHARE);
    let good = packet(HOST_A, HOST_B, CANARY);
    let (wire, inside) = (pair.wire.len(), pair.inside[1].len());
    let mut lies = vec![Vec::new(), vec![0x45], good[..19].to_vec(), good[..good.len() - 1].to_vec()];
    for (at, value) in [(0, 0x44), (0, 0x4f), (0, 0x55), (3, 19), (3, 255), (2, 255)] {
        let mut lie = good.clone();
        lie[at] = value;
        lies.push(lie);
    }
    for lie in &lies {
        pair.send_inside(0, lie);
        pair.send_outside(0, lie);
    }
    assert_eq!((pair.wire.len(), pair.inside[1].len()), (wire, inside));
    // What a link has added behind a packet does not travel on.
    let padded = [good.as_slice(), &[0; 18]].concat();
    pair.send_inside(0, &padded);
    assert_eq!(pair.inside[1].last().map(Vec::len), Some(good.len()));
    let public = packet(HOST_A, Ipv4Addr::new(9, 9, 9, 9), b"public");
    pair.send_inside(0, &[public.as_slice(), &[0; 18]].concat());
    assert_eq!(pair.wire.last().map(|(_, packet)| packet.len()), Some(public.len()));
}

#[test]
fn t107_a_ttl_that_runs_out_goes_nowhere() {
    let mut pair = Pair::up(PRESHARE);
    let before = pair.wire.len();
    for ttl in [0, 1] {
        let mut dying = packet(HOST_A, HOST_B, CANARY);
        dying[8] = ttl;
        dying[10..12].fill(0);
        let sum = checksum(&dying[..20]).to_be_bytes();
        dying[10..12].copy_from_slice(&sum);
        pair.send_inside(0, &dying);
    }
    assert_eq!(pair.drops(0, DropReason::Ttl), 2);
    assert_eq!(pair.wire.len(), before);
    // Two routers on the way take one each; the tunnel itself takes none.
    assert_eq!(pair.inside[1][0][8], 62);
}

/// A datagram of `len` octets that must not be fragmented.
fn whole(len: usize) -> Vec<u8> {
    let mut packet = packet(HOST_A, HOST_B, &vec![0; len - 28]);
    packet[6] = 0x40;
    packet[10..12].fill(0);
    let sum = checksum(&packet[..20]).to_be_bytes();
    packet[10..12].copy_from_slice(&sum);
    packet
}

/// T106, T107: a packet that would be too long once it is sealed is not counted as sent; its host, and nobody else, learns
/// what fits, and that is exactly what fits.
#[test]
fn t106_t107_what_is_too_long_for_a_tunnel_is_told_to_its_host_only() {
    for configs in [PRESHARE, AH_ESP] {
        let mut pair = Pair::up(configs);
        let (wire, mut sent) = (pair.wire.len(), pair.inside[1].len());
        let flow = |pair: &Pair| pair.routers[0].snapshot(pair.now).flows[0].counters;
        let before = flow(&pair);
        pair.send_inside(0, &whole(1500));
        assert_eq!((flow(&pair).encaps, flow(&pair).send_errors), (before.encaps, before.send_errors + 1));
        assert_eq!((pair.wire.len(), pair.drops(0, DropReason::TooBig)), (wire, 1));
        let told = pair.inside[0].pop().unwrap();
        assert_eq!(
            (told[9], &told[12..20], &told[20..22]),
            (1, &[50, 50, 50, 50, 50, 50, 50, 1][..], &[3, 4][..])
        );
        assert_eq!(checksum(&told[20..]), 0);
        let mtu = usize::from(u16::from_be_bytes([told[26], told[27]]));
        pair.send_inside(0, &whole(mtu));
        sent += 1;
        assert_eq!(pair.inside[1].len(), sent, "{mtu} octets fit");
        assert!(pair.wire.last().unwrap().1.len() <= 1500);
        pair.send_inside(0, &whole(mtu + 1));
        assert_eq!((pair.inside[1].len(), pair.drops(0, DropReason::TooBig)), (sent, 2));
        // A burst is answered with a few messages; the next second has its own.
        for _ in 0..100 {
            pair.send_inside(0, &whole(1500));
        }
        assert_eq!(pair.inside[0].len(), 9);
        pair.run_for(SECOND);
        pair.send_inside(0, &whole(1500));
        assert_eq!(pair.inside[0].len(), 10);
        // Without DF there is nothing to tell: it goes in two pieces.
        pair.send_inside(0, &packet(HOST_A, HOST_B, &[0; 1472]));
        assert_eq!((pair.inside[0].len(), pair.inside[1].len()), (10, sent + 2));
        assert_eq!(flow(&pair).encaps, before.encaps + 3);
    }
}
