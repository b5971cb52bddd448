//! From a finished Quick Mode to keyed SAs (RFC 2409 5.5, RFC 4301 4.5.2).

use alloc::vec::Vec;

use bytes::Bytes;
use crypto_provider::{CipherAlgorithm, SecretBytes, SharedSecret};
use isakmp_wire::MessageId;

use crate::context::Cx;
use crate::engine::doubt::REPORTS;
use crate::event::Bundle;
use crate::keys::{self, KeymatInputs, protocol_number};
use crate::phase2::Ike;
use crate::policy::{Confidentiality, Phase2Transform};
use crate::sa::{Direction, Installation, KeyedSa, Spi};

/// Octets of salt that counter modes take from KEYMAT after their key (RFC 3686 5.1, RFC 4106 8.1).
const SALT_LEN: usize = 4;

/// The nonces of a Quick Mode and, with perfect forward secrecy, its shared secret.
pub(crate) struct Secrets {
    pub(crate) ni_b: Bytes,
    pub(crate) nr_b: Bytes,
    pub(crate) g_qm_xy: Option<SharedSecret>,
}

/// Octets of encryption key (with salt) and of integrity key.
fn lengths(transform: &Phase2Transform) -> (usize, usize) {
    let encryption = match transform.confidentiality {
        Confidentiality::None => 0,
        Confidentiality::Cipher(CipherAlgorithm::AesCtr, octets) | Confidentiality::Aead(_, octets) => {
            octets.saturating_add(SALT_LEN)
        }
        Confidentiality::Cipher(_, octets) => octets,
    };
    (encryption, transform.integrity.map_or(0, crypto_provider::HashAlgorithm::output_len))
}

/// One direction of a bundle with its keys. Each SA has its own KEYMAT, made with its own protocol and SPI; the
/// encryption key comes first.
pub(crate) fn installation(
    ike: &Ike,
    bundle: &Bundle,
    direction: Direction,
    secrets: &Secrets,
    cx: &mut Cx<'_>,
) -> Installation {
    let mut sas = Vec::with_capacity(bundle.pairs.len());
    for pair in &bundle.pairs {
        let spi = match direction {
            Direction::Inbound => pair.inbound,
            Direction::Outbound => pair.outbound,
        };
        sas.push(keyed_sa(ike, (bundle.message_id, spi), pair.transform, secrets, cx));
    }
    Installation {
        bundle: bundle.id,
        ike_sa: ike.id,
        direction,
        path: bundle.path,
        selectors: bundle.selectors.clone(),
        identity: bundle.identity.clone(),
        encapsulation: bundle.encapsulation,
        nat_original: bundle.nat_original,
        may_move: bundle.nat.is_some_and(|nat| nat.remote),
        report_traffic: Some(ike.asking().map_or(REPORTS, |asking| asking.report_interval().min(REPORTS))),
        lifetime: bundle.lifetime,
        soft: bundle.soft,
        sha256_icv_len: ike.policy.quirks.sha256_icv_len,
        sas,
    }
}

fn keyed_sa(
    ike: &Ike,
    (message_id, spi): (MessageId, Spi),
    transform: Phase2Transform,
    secrets: &Secrets,
    cx: &mut Cx<'_>,
) -> KeyedSa {
    let (encryption, integrity) = lengths(&transform);
    let Secrets { ni_b, nr_b, g_qm_xy } = secrets;
    let inputs = KeymatInputs { g_qm_xy: g_qm_xy.as_ref(), protocol: transform.protocol, spi, ni_b, nr_b };
    let keymat = keys::keymat(&ike.keys, &inputs, encryption.saturating_add(integrity));
    let named: [(&'static str, &[u8]); 5] = [
        ("g(qm)^xy", g_qm_xy.as_ref().map_or(&[], SharedSecret::expose)),
        ("protocol", &[protocol_number(transform.protocol)]),
        ("SPI", &spi.0.to_be_bytes()),
        ("Ni_b", ni_b),
        ("Nr_b", nr_b),
    ];
    let ids = (ike.id, ike.cookies);
    cx.key_log(&ike.policy, ids, message_id, ike.suite.chosen.hash).record_sa(
        "KEYMAT",
        &named,
        keymat.expose(),
        Some((transform.protocol, spi)),
    );
    let (encryption_key, integrity_key) = keymat.expose().split_at_checked(encryption).unwrap_or_default();
    KeyedSa {
        spi,
        transform,
        encryption_key: SecretBytes::copy_of(encryption_key),
        integrity_key: SecretBytes::copy_of(integrity_key),
    }
}
