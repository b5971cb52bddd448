//! What a scenario shows of the negotiation, beside the tunnel.

use super::{Check, Stage, Trouble};
use crate::demo::observer::Observer;
use crate::demo::scenario::Feature;

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
    }
}

fn aggressive_mode(stage: &Stage<'_>) -> Vec<Check> {
    let [a, b] = stage.facts;
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
    let [a, b] = stage.facts;
    vec![Check::new(
        all,
        format!("{} and {} Quick Modes, each with an exchange of its own", a.established, b.established),
    )]
}

fn successors(stage: &Stage<'_>) -> Vec<Check> {
    let [a, b] = stage.facts;
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
    let (since, before) = stage.stream;
    let mut during = Observer::default();
    let sightings = stage.network.captured().iter();
    for sighting in sightings.filter(|sighting| sighting.link == stage.places.wan && sighting.at >= since) {
        during.look(sighting);
    }
    let [there, back] = during.tunnel();
    let [(sent_a, got_a), (sent_b, got_b)] = before;
    for ((host, sent_before), (other, got_before), wire) in
        [((0, sent_a), (1, got_b), there), ((1, sent_b), (0, got_a), back)]
    {
        let (Some(host), Some(other)) = (stage.host(host), stage.host(other)) else { continue };
        let sent = u64::from(host.streamed_to_peer().saturating_sub(sent_before));
        let arrived = other.streamed().saturating_sub(got_before) as u64;
        checks.push(Check::new(
            wire.sent == sent && arrived.checked_add(wire.lost) == Some(sent),
            format!(
                "{}: {arrived} of {sent} datagrams of the long stream reached {}, the network lost {}",
                host.name(),
                other.name(),
                wire.lost
            ),
        ));
    }
    checks
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
    let on_wan = |sighting: &&netsim::Sighting<Vec<u8>>| sighting.link == stage.places.wan;
    let wire = || stage.network.captured().iter().filter(on_wan);
    let is_v6 =
        |packet: &[u8]| matches!(ipsec_core::IpHeader::parse(packet), Ok(ipsec_core::IpHeader::V6(_)));
    let (all, v6) = (wire().count(), wire().filter(|sighting| is_v6(&sighting.packet)).count());
    let hosts = stage.places.addresses;
    vec![
        Check::new(v6 > 0 && v6 == all, format!("{v6} of {all} packets between the routers are IPv6")),
        Check::new(hosts.iter().all(|host| host.is_ipv6()), "so are the hosts"),
    ]
}

fn initial_contact(stage: &Stage<'_>, trouble: Trouble) -> Vec<Check> {
    let [first, _] = stage.facts;
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
