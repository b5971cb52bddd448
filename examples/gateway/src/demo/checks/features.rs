//! What a scenario shows of the negotiation, beside the tunnel.

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::BTreeSet;

use super::{Check, Leg, Stage, Trouble};
use crate::demo::observer::Kind;
use crate::demo::scenario::Feature;
use crate::router::NAT_PORT;

/// Bundles of a stream that outlives two of them.
const BUNDLES: u32 = 3;

/// The feature was there.
pub(super) fn checks(feature: Feature, stage: &Stage<'_>, trouble: Trouble) -> Vec<Check> {
    match feature {
        Feature::AggressiveMode => aggressive_mode(stage),
        Feature::ForwardSecrecy => forward_secrecy(stage),
        Feature::Successors => successors(stage),
        Feature::TransportMode => transport_mode(stage),
        Feature::Ipv6 => ipv6(stage),
        Feature::InitialContact => initial_contact(stage, trouble),
        Feature::SeveralPeers => several_peers(stage),
        Feature::DeadPeers => dead_peers(stage),
        Feature::AddressTranslation => address_translation(stage),
        Feature::IkeFragments => ike_fragments(stage),
    }
}

fn aggressive_mode(stage: &Stage<'_>) -> Vec<Check> {
    let [a, b] = stage.pair(stage.first_leg());
    vec![
        Check::new(
            a.aggressive > 0 && b.aggressive > 0 && a.main == 0 && b.main == 0,
            "phase 1 was Aggressive Mode and nothing else",
        ),
        Check::new(
            a.by_name > 0 && b.by_name > 0 && a.by_name == a.authenticated && b.by_name == b.authenticated,
            "both routers proved names",
        ),
    ]
}

fn forward_secrecy(stage: &Stage<'_>) -> Vec<Check> {
    let all =
        stage.facts.iter().all(|facts| facts.forward_secret > 0 && facts.forward_secret == facts.established);
    let [a, b] = stage.pair(stage.first_leg());
    vec![Check::new(
        all,
        format!("{} and {} Quick Modes, each with an exchange of its own", a.established, b.established),
    )]
}

fn successors(stage: &Stage<'_>) -> Vec<Check> {
    let [a, b] = stage.pair(stage.first_leg());
    let mut checks = vec![
        Check::new(
            a.established >= BUNDLES && b.established >= BUNDLES,
            format!("{} and {} bundles were established, one after the other", a.established, b.established),
        ),
        Check::new(a.gaps == 0 && b.gaps == 0, "none ended before its successor was there"),
        Check::new(
            a.ike_sas_ended > 0 && b.ike_sas_ended > 0,
            format!(
                "{} and {} IKE SAs ended meanwhile, and nothing with them",
                a.ike_sas_ended, b.ike_sas_ended
            ),
        ),
    ];
    checks.extend(last_stream(stage, stage.first_leg(), "long stream"));
    checks
}

/// The last stream lost nothing but what the network dropped.
fn last_stream(stage: &Stage<'_>, leg: Leg, what: &str) -> Vec<Check> {
    let mut checks = Vec::new();
    let (since, before) = &stage.stream;
    let [there, back] = stage.observe(leg, *since).tunnel();
    let [a, b] = leg.hosts;
    for (from, to, wire) in [(a, b, there), (b, a, back)] {
        let (Some(host), Some(other)) = (stage.host(from), stage.host(to)) else { continue };
        let earlier = |host: usize| before.get(host).copied().unwrap_or_default();
        let sent = u64::from(host.streamed_to_peer().saturating_sub(earlier(from).0));
        let arrived = other.streamed().saturating_sub(earlier(to).1) as u64;
        checks.push(Check::new(
            sent > 0 && wire.sent == sent && arrived.checked_add(wire.lost) == Some(sent),
            format!(
                "{}: {arrived} of {sent} datagrams of the {what} reached {}, the network lost {}",
                host.name(),
                other.name(),
                wire.lost
            ),
        ));
    }
    checks
}

fn several_peers(stage: &Stage<'_>) -> Vec<Check> {
    let legs = &stage.places.legs;
    let hub = stage.snapshots().into_iter().next();
    let flows = hub.map(|hub| hub.flows).unwrap_or_default();
    let own = |leg: &Leg| {
        let mut theirs = flows.iter().filter(|flow| flow.peer == leg.ends[1]);
        theirs.next().is_some_and(|flow| !flow.inbound.is_empty() && !flow.outbound.is_empty())
            && theirs.next().is_none()
    };
    let maps: BTreeSet<_> = flows.iter().map(|flow| (&flow.map, &flow.interface)).collect();
    let mut checks = vec![
        Check::new(
            legs.len() > 2 && flows.len() == legs.len() && legs.iter().all(own),
            format!("{} flows at the first router, each with a peer and SAs of its own", flows.len()),
        ),
        Check::new(maps.len() == 2, format!("they belong to {} maps", maps.len())),
    ];
    let seen: Vec<BTreeSet<_>> =
        legs.iter().map(|leg| stage.observe(*leg, Duration::ZERO).spis().collect()).collect();
    let all: BTreeSet<_> = seen.iter().flatten().collect();
    checks.push(Check::new(
        !all.is_empty() && all.len() == seen.iter().map(BTreeSet::len).sum::<usize>(),
        format!("none of the {} SPIs on the wires was seen on two of them", all.len()),
    ));
    let lost = stage.observe(stage.first_leg(), Duration::ZERO).tunnel()[0].lost;
    checks.push(Check::new(
        lost > 0,
        format!("{lost} packets for the first peer were lost, most on a broken wire"),
    ));
    for leg in legs.iter().skip(1) {
        checks.extend(last_stream(stage, *leg, "stream meanwhile"));
    }
    checks
}

fn dead_peers(stage: &Stage<'_>) -> Vec<Check> {
    let [a, b] = stage.pair(stage.first_leg());
    let bundles = [a.established, b.established];
    vec![
        Check::new(a.peer_dead > 0 && b.peer_dead > 0, "both routers noticed that the other one was silent"),
        Check::new(a.gaps > 0 && b.gaps > 0, "the SAs with it went, and there were none meanwhile"),
        Check::new(
            bundles.iter().all(|bundles| *bundles > 1),
            format!("{} and {} bundles were established, one after the other", a.established, b.established),
        ),
    ]
}

fn address_translation(stage: &Stage<'_>) -> Vec<Check> {
    let observer = stage.observe(stage.first_leg(), Duration::ZERO);
    let in_udp = observer.count(|kind| matches!(kind, Kind::EspInUdp(_)));
    let bare = observer.count(|kind| matches!(kind, Kind::Esp(_) | Kind::Ah(_)));
    let keepalives = observer.count(|kind| kind == Kind::Keepalive);
    let ports = observer.ports();
    let (inner, mapped) = (SocketAddr::new(stage.first_leg().inner, NAT_PORT), stage.mapped());
    let now = mapped.iter().find(|(inside, _)| *inside == inner).map(|(_, port)| *port);
    vec![
        Check::new(
            in_udp > 0 && bare == 0,
            format!("{in_udp} packets of ESP in UDP were on the wire, and none without"),
        ),
        Check::new(keepalives > 0, format!("{keepalives} keepalives reminded the translator")),
        Check::new(
            ports.len() == 2 && !ports.contains(&NAT_PORT) && now.is_some_and(|port| ports.contains(&port)),
            format!(
                "the first router was seen at {} ports, the last one the translator's own choice",
                ports.len()
            ),
        ),
    ]
}

fn ike_fragments(stage: &Stage<'_>) -> Vec<Check> {
    let leg = stage.first_leg();
    let ([a, b], observer) = (stage.pair(leg), stage.observe(leg, Duration::ZERO));
    let (parts, whole) = (a.fragmented.min(b.fragmented), a.reassembled.min(b.reassembled));
    let is_too_long = |sighting: &&netsim::Sighting<Vec<u8>>| {
        sighting.fate == netsim::Fate::Dropped(netsim::DropCause::Mtu)
    };
    let vanished = stage.network.captured().iter().filter(is_too_long).count();
    vec![
        Check::new(parts > 0, format!("{} and {} IKE messages left in parts", a.fragmented, b.fragmented)),
        Check::new(whole > 0, format!("{} and {} were put together", a.reassembled, b.reassembled)),
        Check::new(vanished == 0, format!("{vanished} packets were too long for the wire")),
        Check::new(
            observer.longest(Kind::Ike) > 300,
            format!("the longest packet of IKE has {} octets", observer.longest(Kind::Ike)),
        ),
    ]
}

fn transport_mode(stage: &Stage<'_>) -> Vec<Check> {
    let snapshots = stage.snapshots();
    let flows = snapshots.iter().flat_map(|router| &router.flows);
    let sas: Vec<_> = flows.flat_map(|flow| flow.inbound.iter().chain(&flow.outbound)).collect();
    let transport = sas.iter().filter(|sa| !sa.is_tunnel).count();
    vec![Check::new(
        transport > 0 && transport == sas.len(),
        format!("{transport} of {} SAs are in transport mode", sas.len()),
    )]
}

fn ipv6(stage: &Stage<'_>) -> Vec<Check> {
    let on_wan = |sighting: &&netsim::Sighting<Vec<u8>>| sighting.link == stage.first_leg().wan;
    let wire = || stage.network.captured().iter().filter(on_wan);
    let is_v6 =
        |packet: &[u8]| matches!(ipsec_core::IpHeader::parse(packet), Ok(ipsec_core::IpHeader::V6(_)));
    let (all, v6) = (wire().count(), wire().filter(|sighting| is_v6(&sighting.packet)).count());
    let hosts = stage.first_leg().addresses;
    vec![
        Check::new(v6 > 0 && v6 == all, format!("{v6} of {all} packets between the routers are IPv6")),
        Check::new(hosts.iter().all(|host| host.is_ipv6()), "so are the hosts"),
    ]
}

fn initial_contact(stage: &Stage<'_>, trouble: Trouble) -> Vec<Check> {
    let [first, _] = stage.pair(stage.first_leg());
    let replaced = !stage.former.is_empty();
    // One message carries the news, and nothing repeats it.
    let told = first.peer_restarted > 0 || trouble.loss > 0;
    let ended = first.peer_restarted;
    vec![
        Check::new(replaced, "the second router was replaced"),
        Check::new(
            told,
            format!("{ended} old bundles ended at the first router when it heard INITIAL-CONTACT"),
        ),
    ]
}
