//! `show crypto map`.

use core::fmt::{self, Write as _};
use core::net::Ipv4Addr;

use crate::ios::model::{
    AccessList, AclAction, AclLine, AclName, AclRule, CryptoMap, Endpoint, MapEntry, MapKind, PeerName, Pfs,
    PortMatch, RunningConfig,
};

/// What a lifetime is where nothing is configured.
pub(super) const DEFAULT_SECONDS: u32 = 3600;
/// The same for the volume.
pub(super) const DEFAULT_KILOBYTES: u32 = 4_608_000;

/// The entries of all crypto maps. The current peer is the first one configured.
#[must_use]
pub fn crypto_map(config: &RunningConfig) -> String {
    let mut out = String::new();
    for (name, map) in &config.crypto_maps {
        // Writing to a String cannot fail.
        let _ = entries(&mut out, config, name, map);
    }
    out
}

/// The entries of all dynamic maps: templates, most of them without a peer.
#[must_use]
pub fn dynamic_map(config: &RunningConfig) -> String {
    let mut out = String::new();
    for (name, map) in &config.dynamic_maps {
        for (sequence, entry) in map {
            // Writing to a String cannot fail.
            let _ = writeln!(out, "Crypto Map Template \"{name}\" {sequence}");
            let _ = body(&mut out, config, entry);
        }
    }
    out
}

fn entries(out: &mut String, config: &RunningConfig, name: &str, map: &CryptoMap) -> fmt::Result {
    for (sequence, entry) in &map.entries {
        let kind = match &entry.kind {
            MapKind::Manual => "ipsec-manual",
            _ => "ipsec-isakmp",
        };
        writeln!(out, "Crypto Map \"{name}\" {sequence} {kind}")?;
        if let MapKind::Dynamic(dynamic) = &entry.kind {
            writeln!(out, "        Dynamic map template tag: {}", dynamic.value)?;
        }
        body(out, config, entry)?;
    }
    Ok(())
}

fn body(out: &mut String, config: &RunningConfig, entry: &MapEntry) -> fmt::Result {
    for peer in &entry.peers {
        writeln!(out, "        Peer = {}", peer_text(&peer.name))?;
    }
    if let Some(list) = &entry.access_list {
        access_list(out, &list.value, config.access_lists.get(&list.value))?;
    }
    if let Some(peer) = entry.peers.first() {
        writeln!(out, "        Current peer: {}", peer_text(&peer.name))?;
    }
    tail(out, config, entry)
}

fn tail(out: &mut String, config: &RunningConfig, entry: &MapEntry) -> fmt::Result {
    let wider = &config.ipsec.lifetime;
    let kilobytes = entry.lifetime.kilobytes.or(wider.kilobytes).unwrap_or(DEFAULT_KILOBYTES);
    let seconds = entry.lifetime.seconds.or(wider.seconds).unwrap_or(DEFAULT_SECONDS);
    writeln!(out, "        Session key lifetime: {kilobytes} kilobytes/{seconds} seconds")?;
    writeln!(out, "        PFS (Y/N): {}", if entry.pfs.is_some() { "Y" } else { "N" })?;
    if let Some(Pfs::Group(group)) = entry.pfs.map(|pfs| pfs.value) {
        writeln!(out, "        DH group:  group{group}")?;
    }
    write!(out, "        Transform proposals={{ ")?;
    for set in &entry.transform_sets {
        write!(out, "{}, ", set.value)?;
    }
    writeln!(out, "}}")
}

fn peer_text(peer: &PeerName) -> String {
    match peer {
        PeerName::Address(address) => address.to_string(),
        PeerName::Hostname(name) => name.clone(),
    }
}

fn access_list(out: &mut String, name: &AclName, list: Option<&AccessList>) -> fmt::Result {
    writeln!(out, "        Extended IP access list {name}")?;
    let lines = list.map(|list| list.lines.as_slice()).unwrap_or_default();
    for rule in lines {
        if let AclLine::Rule(rule) = rule {
            line(out, name, rule)?;
        }
    }
    Ok(())
}

fn line(out: &mut String, name: &AclName, rule: &AclRule) -> fmt::Result {
    let action = if rule.action == AclAction::Permit { "permit" } else { "deny" };
    let protocol = match rule.protocol {
        None => "ip".to_owned(),
        Some(1) => "icmp".to_owned(),
        Some(6) => "tcp".to_owned(),
        Some(17) => "udp".to_owned(),
        Some(number) => number.to_string(),
    };
    writeln!(out, "            access-list {name} {action} {protocol}")?;
    writeln!(out, "                source: {}", side(rule.source, rule.source_ports))?;
    writeln!(out, "                dest:   {}", side(rule.destination, rule.destination_ports))
}

fn side(endpoint: Endpoint, ports: Option<PortMatch>) -> String {
    let address = match endpoint {
        Endpoint::Any => format!("{}/{}", Ipv4Addr::UNSPECIFIED, Ipv4Addr::BROADCAST),
        Endpoint::Host(host) => format!("{host}/{}", Ipv4Addr::UNSPECIFIED),
        Endpoint::Wildcard(net, wildcard) => format!("{net}/{wildcard}"),
        Endpoint::Ipv6Host(host) => format!("{host}/128"),
        Endpoint::Ipv6Prefix(net, prefix) => format!("{net}/{prefix}"),
    };
    let port = match ports {
        None => String::new(),
        Some(PortMatch::Eq(port)) => format!(" port = {port}"),
        Some(PortMatch::Neq(port)) => format!(" port != {port}"),
        Some(PortMatch::Lt(port)) => format!(" port < {port}"),
        Some(PortMatch::Gt(port)) => format!(" port > {port}"),
        Some(PortMatch::Range(first, last)) => format!(" port range {first}-{last}"),
    };
    format!("addr = {address}{port}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::show::tests::document;
    use crate::ios::parse;

    #[test]
    fn as_the_document_shows_it() {
        let config = parse("wan2511.cfg", include_str!("../../../tests/data/wan2511.cfg")).unwrap();
        assert_eq!(crypto_map(&config), document("show crypto map tag test"));
        assert_eq!(dynamic_map(&config), "");
    }

    /// A template says the same as an entry that has no peer.
    #[test]
    fn a_dynamic_map_is_shown_as_an_entry_without_peer() {
        let text = include_str!("../../../tests/data/wan2511.cfg").replace(
            "crypto map test 10 ipsec-isakmp\n set peer 20.20.20.20\n",
            "crypto dynamic-map roaming 20\n",
        );
        let config = parse("wan2511.cfg", &text.replace(" crypto map test\n", "")).unwrap();
        let document = document("show crypto map tag test");
        let lines = document.lines().filter(|line| !line.to_lowercase().contains("peer"));
        let expected = lines.map(|line| format!("{line}\n")).collect::<String>();
        let expected =
            expected.replace("Crypto Map \"test\" 10 ipsec-isakmp", "Crypto Map Template \"roaming\" 20");
        assert_eq!(dynamic_map(&config), expected);
    }
}
