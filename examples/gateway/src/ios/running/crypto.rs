//! `crypto ...`.

use core::net::IpAddr;

use super::Printer;
use crate::ios::grammar::{map_entry, mask_of, transform_set};
use crate::ios::model::{
    Authentication, CaIdentity, Certificate, CertificateOwner, ConfigSecret, DfBit, Encryption, Hash,
    IdentityKind, IkeFragmentation, IpsecLifetime, IsakmpPolicy, KeyOwner, KeyUsage, Located, MapEntry,
    MapKind, PeerName, PeerPublicKey, Pfs, PreSharedKey, PublicKeyOwner, Replay, RunningConfig, SessionKeys,
    Transform, TransformSet, TunnelMode,
};

pub(super) fn print(config: &RunningConfig, out: &mut Printer) {
    out.separator();
    isakmp(config, out);
    out.separator();
    ipsec(config, out);
    for (name, map) in &config.dynamic_maps {
        out.separator();
        for (sequence, entry) in map {
            out.line(format_args!("crypto dynamic-map {name} {sequence}"));
            map_entry(entry, out);
        }
    }
    for (name, map) in &config.crypto_maps {
        out.separator();
        if let Some(interface) = &map.local_address {
            out.line(format_args!("crypto map {name} local-address {}", interface.value));
        }
        for (sequence, entry) in &map.entries {
            let kind = match &entry.kind {
                MapKind::Isakmp => "ipsec-isakmp".to_owned(),
                MapKind::Manual => "ipsec-manual".to_owned(),
                MapKind::Dynamic(name) => format!("ipsec-isakmp dynamic {}", name.value),
            };
            out.line(format_args!("crypto map {name} {sequence} {kind}"));
            map_entry(entry, out);
        }
    }
    out.separator();
    config.ca_identities.iter().for_each(|ca| ca_identity(ca, out));
    for chain in &config.certificate_chains {
        out.line(format_args!("crypto ca certificate chain {}", chain.tag));
        chain.certificates.iter().for_each(|one| certificate(one, out));
    }
    if !config.public_keys.is_empty() {
        out.line("crypto key pubkey-chain rsa");
        config.public_keys.iter().for_each(|key| public_key(key, out));
    }
    out.separator();
}

fn isakmp(config: &RunningConfig, out: &mut Printer) {
    let isakmp = &config.isakmp;
    if !isakmp.enabled {
        out.line("no crypto isakmp enable");
    }
    for (priority, one) in &isakmp.policies {
        out.line(format_args!("crypto isakmp policy {priority}"));
        policy(one, out);
    }
    isakmp.keys.iter().for_each(|key| pre_shared_key(key, out));
    if isakmp.identity == IdentityKind::Hostname {
        out.line("crypto isakmp identity hostname");
    }
    if let Some(Located { value: keepalive, .. }) = &isakmp.keepalive {
        let retry = keepalive.retry.map_or(String::new(), |retry| format!(" {retry}"));
        let periodic = if keepalive.periodic { " periodic" } else { "" };
        out.line(format_args!("crypto isakmp keepalive {}{retry}{periodic}", keepalive.seconds));
    }
    if isakmp.invalid_spi_recovery {
        out.line("crypto isakmp invalid-spi-recovery");
    }
    if let Some(IkeFragmentation { size, forced }) = isakmp.fragmentation {
        let size = size.map_or(String::new(), |size| format!(" {size}"));
        let force = if forced { " force" } else { "" };
        out.line(format_args!("crypto isakmp fragmentation{size}{force}"));
    }
    if let Some(Located { value: seconds, .. }) = isakmp.nat_keepalive {
        out.line(format_args!("crypto isakmp nat keepalive {seconds}"));
    }
    if isakmp.nat_force_encapsulation {
        out.line("crypto isakmp nat force-encapsulation");
    }
    if !isakmp.aggressive_mode {
        out.line("crypto isakmp aggressive-mode disable");
    }
}

fn policy(policy: &IsakmpPolicy, out: &mut Printer) {
    let IsakmpPolicy { encryption, hash, authentication, group, lifetime, origin: _ } = policy;
    match encryption.map(|encryption| encryption.value) {
        None => {}
        Some(Encryption::Des) => out.line(" encryption des"),
        Some(Encryption::TripleDes) => out.line(" encryption 3des"),
        Some(Encryption::Aes(bits)) => out.line(format_args!(" encryption aes {bits}")),
    }
    let hash = hash.map(|hash| match hash.value {
        Hash::Md5 => "md5",
        Hash::Sha => "sha",
        Hash::Sha256 => "sha256",
        Hash::Sha384 => "sha384",
        Hash::Sha512 => "sha512",
    });
    if let Some(hash) = hash {
        out.line(format_args!(" hash {hash}"));
    }
    let authentication = authentication.map(|authentication| match authentication.value {
        Authentication::PreShare => "pre-share",
        Authentication::RsaSig => "rsa-sig",
        Authentication::RsaEncr => "rsa-encr",
    });
    if let Some(authentication) = authentication {
        out.line(format_args!(" authentication {authentication}"));
    }
    if let Some(group) = group {
        out.line(format_args!(" group {}", group.value));
    }
    if let Some(lifetime) = lifetime {
        out.line(format_args!(" lifetime {lifetime}"));
    }
}

fn pre_shared_key(key: &PreSharedKey, out: &mut Printer) {
    let secret = key.secret.expose_text();
    // A secret that reads like the type of a secret needs its own type before it.
    let kind = if matches!(secret.as_ref(), "0" | "6") { "0 " } else { "" };
    let owner = match &key.owner {
        KeyOwner::Hostname(name) => format!("hostname {name}"),
        KeyOwner::Prefix { address: IpAddr::V6(address), length } => {
            format!("address ipv6 {address}/{length}")
        }
        // 0.0.0.0 alone means every peer, so that a key for that very address carries its mask.
        KeyOwner::Prefix { address, length: 32 } if !address.is_unspecified() => format!("address {address}"),
        KeyOwner::Prefix { address, length } => format!("address {address} {}", mask_of(*length)),
    };
    let no_xauth = if key.no_xauth { " no-xauth" } else { "" };
    out.line(format_args!("crypto isakmp key {kind}{secret} {owner}{no_xauth}"));
}

fn ipsec(config: &RunningConfig, out: &mut Printer) {
    let ipsec = &config.ipsec;
    lifetime(&ipsec.lifetime, "crypto ipsec", out);
    if let Some(replay) = ipsec.replay {
        out.line(format_args!("crypto ipsec security-association {}", self::replay(replay)));
    }
    match ipsec.df_bit {
        None => {}
        Some(DfBit::Clear) => out.line("crypto ipsec df-bit clear"),
        Some(DfBit::Copy) => out.line("crypto ipsec df-bit copy"),
        Some(DfBit::Set) => out.line("crypto ipsec df-bit set"),
    }
    if let Some(on) = ipsec.udp_encapsulation {
        let no = if on { "" } else { "no " };
        out.line(format_args!("{no}crypto ipsec nat-transparency udp-encapsulation"));
    }
    for (name, set) in &ipsec.transform_sets {
        transform_set(name, set, out);
    }
}

fn lifetime(lifetime: &IpsecLifetime, before: &str, out: &mut Printer) {
    if let Some(seconds) = lifetime.seconds {
        out.line(format_args!("{before} security-association lifetime seconds {seconds}"));
    }
    if let Some(kilobytes) = lifetime.kilobytes {
        out.line(format_args!("{before} security-association lifetime kilobytes {kilobytes}"));
    }
}

fn replay(replay: Replay) -> String {
    match replay {
        Replay::Disabled => "replay disable".to_owned(),
        Replay::Window(packets) => format!("replay window-size {packets}"),
    }
}

fn transform_set(name: &str, set: &TransformSet, out: &mut Printer) {
    let words: Vec<String> =
        set.transforms.iter().map(|transform| transform_words(transform.value)).collect();
    out.line(format_args!("crypto ipsec transform-set {name} {}", words.join(" ")));
    match set.mode {
        None => {}
        Some(TunnelMode::Tunnel) => out.line(" mode tunnel"),
        Some(TunnelMode::Transport) => out.line(" mode transport"),
    }
    if let Some(size) = set.iv_size {
        out.line(format_args!(" initialization-vector size {}", size.value));
    }
}

pub(crate) fn transform_words(transform: Transform) -> String {
    let (table, bits) = match transform {
        Transform::EspAes(bits) => (Transform::EspAes(128), format!(" {bits}")),
        Transform::EspGcm(bits) => (Transform::EspGcm(128), format!(" {bits}")),
        other => (other, String::new()),
    };
    let name = transform_set::TRANSFORMS.iter().find(|(_, one)| *one == table).map_or("", |(name, _)| name);
    format!("{name}{bits}")
}

fn map_entry(entry: &MapEntry, out: &mut Printer) {
    if let Some(description) = &entry.description {
        out.line(format_args!(" description {description}"));
    }
    for peer in &entry.peers {
        match &peer.name {
            PeerName::Address(address) => out.line(format_args!(" set peer {address}")),
            PeerName::Hostname(name) => out.line(format_args!(" set peer {name}")),
        }
    }
    session_keys(&entry.session_keys, out);
    lifetime(&entry.lifetime, " set", out);
    if entry.per_host {
        out.line(" set security-association level per-host");
    }
    if let Some(replay) = entry.replay {
        out.line(format_args!(" set security-association {}", self::replay(replay)));
    }
    if !entry.transform_sets.is_empty() {
        let names: Vec<&str> = entry.transform_sets.iter().map(|name| name.value.as_str()).collect();
        out.line(format_args!(" set transform-set {}", names.join(" ")));
    }
    match entry.pfs.as_ref().map(|pfs| pfs.value) {
        None => {}
        Some(Pfs::Default) => out.line(" set pfs"),
        Some(Pfs::Group(group)) => {
            let name =
                map_entry::PFS_GROUPS.iter().find(|(_, one)| *one == group).map_or("", |(name, _)| name);
            out.line(format_args!(" set pfs {name}"));
        }
    }
    if let Some(list) = &entry.access_list {
        out.line(format_args!(" match address {}", list.value));
    }
}

fn session_keys(keys: &SessionKeys, out: &mut Printer) {
    let SessionKeys { inbound_ah, outbound_ah, inbound_esp, outbound_esp } = keys;
    for (way, key) in [("inbound", inbound_ah), ("outbound", outbound_ah)] {
        if let Some(key) = key {
            out.line(format_args!(" set session-key {way} ah {} {}", key.spi, hex(&key.key)));
        }
    }
    for (way, key) in [("inbound", inbound_esp), ("outbound", outbound_esp)] {
        if let Some(key) = key {
            let authenticator = match &key.authenticator {
                Some(authenticator) => format!(" authenticator {}", hex(authenticator)),
                None => String::new(),
            };
            out.line(format_args!(
                " set session-key {way} esp {} cipher {}{authenticator}",
                key.spi,
                hex(&key.cipher)
            ));
        }
    }
}

fn hex(secret: &ConfigSecret) -> String {
    secret.expose().iter().map(|octet| format!("{octet:02x}")).collect()
}

fn ca_identity(ca: &CaIdentity, out: &mut Printer) {
    out.line(format_args!("crypto ca identity {}", ca.tag));
    if ca.registration_authority {
        out.line(" enrollment mode ra");
    }
    if let Some(minutes) = ca.retry_period {
        out.line(format_args!(" enrollment retry period {minutes}"));
    }
    if let Some(count) = ca.retry_count {
        out.line(format_args!(" enrollment retry count {count}"));
    }
    if let Some(url) = &ca.enrollment_url {
        out.line(format_args!(" enrollment url {url}"));
    }
    if let Some(url) = &ca.query_url {
        out.line(format_args!(" query url {url}"));
    }
    if ca.crl_optional {
        out.line(" crl optional");
    }
}

fn certificate(certificate: &Certificate, out: &mut Printer) {
    let owner = match certificate.owner {
        CertificateOwner::Own => "",
        CertificateOwner::Ca => "ca ",
    };
    let serial: String = certificate.serial.iter().map(|octet| format!("{octet:02X}")).collect();
    out.line(format_args!(" certificate {owner}{serial}"));
    hex_lines(&certificate.der, out);
    out.line(" quit");
}

fn public_key(key: &PeerPublicKey, out: &mut Printer) {
    let usage = match key.usage {
        None => "",
        Some(KeyUsage::Encryption) => " encryption",
        Some(KeyUsage::Signature) => " signature",
    };
    match &key.owner {
        PublicKeyOwner::Name(name) => out.line(format_args!(" named-key {name}{usage}")),
        PublicKeyOwner::Address(address) => out.line(format_args!(" addressed-key {address}{usage}")),
    }
    if let Some(address) = key.address {
        out.line(format_args!(" address {address}"));
    }
    if !key.key.is_empty() {
        out.line(" key-string");
        hex_lines(&key.key, out);
        out.line(" quit");
    }
}

/// Eight words of four octets to a line.
fn hex_lines(octets: &[u8], out: &mut Printer) {
    for line in octets.chunks(32) {
        let words: Vec<String> =
            line.chunks(4).map(|word| word.iter().map(|octet| format!("{octet:02X}")).collect()).collect();
        out.line(format_args!("  {}", words.join(" ")));
    }
}
