//! From what was negotiated to what protects packets: the only file that knows both worlds.

use core::time::Duration;
use std::sync::Arc;

use crypto_provider::{CryptoProvider, HashAlgorithm, Integrity};
use ipsec_core::{
    DfPolicy, IdentificationCounter, InboundConfig, InboundState, InvalidSelector, Lifetime, MixedFamilies,
    Mode, OutboundConfig, OutboundState, Protocol, ReplayProtection, ReservedSpi, Selector, Spi, Tunnel,
};
use ipsec_esp::{Keys, Suite, SuiteError, UdpEncapsulation};
use oakley::{
    Confidentiality, Encapsulation, Installation, KeyedSa, Phase2Transform, SelectorPair, TrafficSelector,
};
use thiserror::Error;

use super::sa::{Elsewhere, InboundSa, OutboundSa};

/// A kilobyte of a negotiated lifetime (RFC 2407 4.5).
const KILOBYTE: u64 = 1024;

/// What the configuration says about the SAs of a flow beyond what is negotiated.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) replay: ReplayProtection,
    pub(super) df: DfPolicy,
    pub(super) identification: Arc<IdentificationCounter>,
    /// Whether packets are sealed and opened elsewhere.
    pub(super) elsewhere: bool,
}

/// Why a negotiated SA cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InstallError {
    /// See [`ReservedSpi`].
    #[error(transparent)]
    Spi(#[from] ReservedSpi),
    /// See [`InvalidSelector`].
    #[error("selectors: {0}")]
    Selector(#[from] InvalidSelector),
    /// See [`MixedFamilies`].
    #[error(transparent)]
    Tunnel(#[from] MixedFamilies),
    /// See [`SuiteError`].
    #[error("ESP: {0}")]
    Suite(#[from] SuiteError),
    /// See [`ipsec_ah::IntegrityError`].
    #[error("AH: {0}")]
    Integrity(#[from] ipsec_ah::IntegrityError),
    /// Another encapsulation than this router knows, or AH in UDP (RFC 3948 1).
    #[error("an encapsulation that is not available")]
    Encapsulation,
    /// Another peer has SAs for the same packets.
    #[error("another peer has SAs for these packets")]
    Taken,
    /// AH without a hash, or two SAs of one protocol.
    #[error("a combination of protocols that makes no bundle")]
    Bundle,
    /// The data path beside the router does not take them, and why.
    #[error("{0}")]
    Elsewhere(String),
    /// No configured flow covers the negotiated one.
    #[error("no crypto map entry covers the negotiated flow")]
    NoFlow,
}

/// The outbound SAs of a bundle in the order in which they seal: ESP builds the outer header, AH goes over it.
pub(super) fn outbound(
    installation: &Installation,
    settings: &Settings,
    provider: &CryptoProvider,
    now: Duration,
) -> Result<Vec<(Phase2Transform, OutboundSa)>, InstallError> {
    let mut innermost = true;
    let mut out = Vec::new();
    for sa in layers(installation)? {
        let mut config = OutboundConfig::new(Spi::new(sa.spi.0)?, mode(installation, settings, innermost)?);
        config.lifetime = lifetime(installation);
        config.identification = Arc::clone(&settings.identification);
        if settings.elsewhere {
            let state = OutboundState::new(config, now);
            let suite = suite_elsewhere(sa, installation)?;
            out.push((sa.transform, OutboundSa::Elsewhere(Elsewhere::new(state, suite))));
            innermost = false;
            continue;
        }
        let sealed = match keyed(sa, installation, provider)? {
            Keyed::Esp(transform) => {
                let sa = ipsec_esp::OutboundSa::new(config, transform, now);
                OutboundSa::Esp(match udp(installation) {
                    Some(udp) => sa.in_udp(udp),
                    None => sa,
                })
            }
            Keyed::Ah(_) if udp(installation).is_some() => return Err(InstallError::Encapsulation),
            Keyed::Ah(transform) => OutboundSa::Ah(ipsec_ah::OutboundSa::new(config, transform, now)),
        };
        out.push((sa.transform, sealed));
        innermost = false;
    }
    Ok(out)
}

/// The inbound SAs of a bundle in the order in which they open: outermost first.
pub(super) fn inbound(
    installation: &Installation,
    settings: &Settings,
    provider: &CryptoProvider,
    now: Duration,
) -> Result<Vec<(Phase2Transform, InboundSa)>, InstallError> {
    let mut innermost = true;
    let mut out = Vec::new();
    for sa in layers(installation)? {
        let selector = if innermost { Some(selector(&installation.selectors)?) } else { None };
        let mut config =
            InboundConfig::new(Spi::new(sa.spi.0)?, mode(installation, settings, innermost)?, selector);
        config.lifetime = lifetime(installation);
        config.replay = settings.replay;
        if settings.elsewhere {
            let state = InboundState::new(config, now);
            let suite = suite_elsewhere(sa, installation)?;
            out.push((sa.transform, InboundSa::Elsewhere(Elsewhere::new(state, suite))));
            innermost = false;
            continue;
        }
        let opened = match keyed(sa, installation, provider)? {
            Keyed::Esp(transform) => {
                let sa = ipsec_esp::InboundSa::new(config, transform, now);
                let sa = match udp(installation) {
                    Some(udp) => sa.in_udp(udp),
                    None => sa,
                };
                InboundSa::Esp(match installation.nat_original {
                    Some(original) => sa.sent_between((original.remote, original.local)),
                    None => sa,
                })
            }
            Keyed::Ah(_) if udp(installation).is_some() => return Err(InstallError::Encapsulation),
            Keyed::Ah(transform) => InboundSa::Ah(ipsec_ah::InboundSa::new(config, transform, now)),
        };
        out.push((sa.transform, opened));
        innermost = false;
    }
    out.reverse();
    Ok(out)
}

/// The SAs of a direction, innermost first. RFC 2401 4.3: on the wire AH is always outside ESP.
pub(super) fn layers(installation: &Installation) -> Result<Vec<&KeyedSa>, InstallError> {
    let mut layers: Vec<&KeyedSa> = installation.sas.iter().collect();
    layers.sort_by_key(|sa| core::cmp::Reverse(sa.transform.protocol));
    match layers.as_slice() {
        [_] => Ok(layers),
        [inner, outer] if inner.transform.protocol != outer.transform.protocol => Ok(layers),
        _ => Err(InstallError::Bundle),
    }
}

/// The ports of ESP in UDP; `None` outside UDP.
pub(super) fn udp(installation: &Installation) -> Option<UdpEncapsulation> {
    let oakley::Path { local, remote } = installation.path;
    match installation.encapsulation {
        Encapsulation::UdpTunnel | Encapsulation::UdpTransport => {
            Some(UdpEncapsulation { local_port: local.port(), remote_port: remote.port() })
        }
        _ => None,
    }
}

/// Only the innermost SA makes a tunnel: the others work on the header that it has built (RFC 2401 4.3).
fn mode(installation: &Installation, settings: &Settings, innermost: bool) -> Result<Mode, InstallError> {
    match installation.encapsulation {
        Encapsulation::Tunnel | Encapsulation::UdpTunnel if innermost => {
            let path = &installation.path;
            let mut tunnel = Tunnel::new(path.local.ip(), path.remote.ip())?;
            tunnel.df = settings.df;
            Ok(Mode::Tunnel(tunnel))
        }
        Encapsulation::Tunnel
        | Encapsulation::UdpTunnel
        | Encapsulation::Transport
        | Encapsulation::UdpTransport => Ok(Mode::Transport),
        _ => Err(InstallError::Encapsulation),
    }
}

/// The suite of an ESP SA; None for AH.
pub(super) fn esp_suite(sa: &KeyedSa, installation: &Installation) -> Option<Suite> {
    let is_esp = sa.transform.protocol == oakley::Protocol::Esp;
    is_esp.then(|| suite(&sa.transform, installation.sha256_icv_len))
}

/// The same for an SA that is used elsewhere.
fn suite_elsewhere(sa: &KeyedSa, installation: &Installation) -> Result<Option<Suite>, InstallError> {
    let suite = esp_suite(sa, installation);
    match suite {
        None if udp(installation).is_some() => Err(InstallError::Encapsulation),
        None if sa.transform.integrity.is_none() => Err(InstallError::Bundle),
        _ => Ok(suite),
    }
}

enum Keyed {
    Esp(ipsec_esp::Transform),
    Ah(ipsec_ah::Transform),
}

fn keyed(
    sa: &KeyedSa,
    installation: &Installation,
    provider: &CryptoProvider,
) -> Result<Keyed, InstallError> {
    let sha256_icv_len = installation.sha256_icv_len;
    Ok(match sa.transform.protocol {
        oakley::Protocol::Esp => {
            let keys = Keys { encryption: sa.encryption_key.expose(), integrity: sa.integrity_key.expose() };
            Keyed::Esp(ipsec_esp::Transform::new(suite(&sa.transform, sha256_icv_len), keys, provider)?)
        }
        oakley::Protocol::Ah => {
            let hash = sa.transform.integrity.ok_or(InstallError::Bundle)?;
            let integrity = integrity(hash, sha256_icv_len);
            Keyed::Ah(ipsec_ah::Transform::new(integrity, sa.integrity_key.expose(), provider)?)
        }
    })
}

/// The ESP suite of a negotiated transform.
pub(super) fn suite(transform: &Phase2Transform, sha256_icv_len: usize) -> Suite {
    let integrity = transform.integrity.map(|hash| integrity(hash, sha256_icv_len));
    let (cipher, key_len) = match transform.confidentiality {
        Confidentiality::Aead(aead, key_len) => return Suite::Combined { aead, key_len },
        Confidentiality::Cipher(cipher, key_len) => (cipher, key_len),
        _ => (crypto_provider::CipherAlgorithm::Null, 0),
    };
    match integrity {
        Some(integrity) => Suite::Separate { cipher, key_len, integrity },
        None => Suite::EncryptionOnly { cipher, key_len },
    }
}

/// RFC 2403, 2404: 96 bits; RFC 4868: half of the hash, and for SHA-256 what the peer uses.
pub(super) const fn integrity(hash: HashAlgorithm, sha256_icv_len: usize) -> Integrity {
    match hash {
        HashAlgorithm::Sha256 => Integrity { hash, icv_len: sha256_icv_len },
        HashAlgorithm::Sha384 => Integrity::HMAC_SHA384_192,
        HashAlgorithm::Sha512 => Integrity::HMAC_SHA512_256,
        _ => Integrity { hash, icv_len: Integrity::MIN_ICV },
    }
}

/// The limits of a bundle, in octets.
pub(super) fn lifetime(installation: &Installation) -> Lifetime {
    let octets = |kilobytes: u64| kilobytes.saturating_mul(KILOBYTE);
    let Installation { lifetime, soft, .. } = installation;
    Lifetime {
        soft_octets: soft.kilobytes.map(octets),
        hard_octets: lifetime.kilobytes.map(octets),
        soft_time: soft.seconds.map(Duration::from_secs),
        hard_time: lifetime.seconds.map(Duration::from_secs),
    }
}

/// A negotiated flow as a set of packets.
pub(super) fn selector(pair: &SelectorPair) -> Result<Selector, InvalidSelector> {
    let SelectorPair { local, remote } = pair;
    let selector = Selector::new(local.addresses.clone(), remote.addresses.clone())?;
    // RFC 2407 4.6.2: 0 is any protocol, and any port.
    let selector = match local.protocol {
        0 => selector,
        protocol => selector.with_protocol(Protocol(protocol)),
    };
    let ports = |side: &TrafficSelector| match side.port {
        0 => 0..=u16::MAX,
        port => port..=port,
    };
    selector.with_ports(ports(local), ports(remote))
}
