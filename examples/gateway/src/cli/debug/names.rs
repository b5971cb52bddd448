//! The routers' words for algorithms and flows.

use core::net::{IpAddr, Ipv4Addr};

use crypto_provider::{AeadAlgorithm, CipherAlgorithm, HashAlgorithm};
use oakley::{AuthMethod, Confidentiality, Phase1Suite, Phase2Transform, Protocol, TrafficSelector};

/// A transform in the words of a transform set: `ah-sha-hmac`, `esp-des esp-sha-hmac`.
#[must_use]
pub fn transform_words(transform: &Phase2Transform) -> String {
    let hash = transform.integrity.map(hash_word);
    match transform.protocol {
        Protocol::Ah => format!("ah-{}-hmac", hash.unwrap_or("null")),
        Protocol::Esp => {
            let cipher = cipher_words(transform.confidentiality);
            hash.map_or_else(|| cipher.clone(), |hash| format!("{cipher} esp-{hash}-hmac"))
        }
    }
}

/// A suite of phase 1 in the words of `attribute_words`.
#[must_use]
pub fn phase1_words(suite: &Phase1Suite) -> String {
    let cipher = match suite.cipher {
        CipherAlgorithm::DesCbc => "DES-CBC".to_owned(),
        CipherAlgorithm::TripleDesCbc => "3DES-CBC".to_owned(),
        CipherAlgorithm::AesCbc => format!("AES-CBC of {}", suite.key_len.saturating_mul(8)),
        other => format!("{other:?}"),
    };
    let method = match suite.method {
        AuthMethod::PreShared => "pre-share",
        AuthMethod::RsaSignature => "RSA sig",
        AuthMethod::RsaEncryption => "RSA encr",
        _ => "another method",
    };
    let hash = hash_word(suite.hash).to_uppercase();
    format!("encryption {cipher}, hash {hash}, default group {}, auth {method}", suite.group)
}

fn cipher_words(confidentiality: Confidentiality) -> String {
    match confidentiality {
        Confidentiality::Cipher(CipherAlgorithm::Null, _) | Confidentiality::None => "esp-null".to_owned(),
        Confidentiality::Cipher(CipherAlgorithm::DesCbc, _) => "esp-des".to_owned(),
        Confidentiality::Cipher(CipherAlgorithm::TripleDesCbc, _) => "esp-3des".to_owned(),
        Confidentiality::Cipher(CipherAlgorithm::AesCbc, 16) => "esp-aes".to_owned(),
        Confidentiality::Cipher(CipherAlgorithm::AesCbc, octets) => format!("esp-{}-aes", octets.saturating_mul(8)),
        Confidentiality::Aead(AeadAlgorithm::AesGcm16, octets) => format!("esp-gcm {}", octets.saturating_mul(8)),
        other => format!("{other:?}"),
    }
}

const fn hash_word(hash: HashAlgorithm) -> &'static str {
    match hash {
        HashAlgorithm::Md5 => "md5",
        HashAlgorithm::Sha1 => "sha",
        HashAlgorithm::Sha256 => "sha256",
        HashAlgorithm::Sha384 => "sha384",
        HashAlgorithm::Sha512 => "sha512",
        _ => "unknown",
    }
}

/// The key size that the key engine names: 0 where the cipher has only one.
pub(super) const fn key_size(transform: &Phase2Transform) -> usize {
    match transform.confidentiality {
        Confidentiality::Cipher(CipherAlgorithm::AesCbc | CipherAlgorithm::AesCtr, octets)
        | Confidentiality::Aead(_, octets) => octets.saturating_mul(8),
        _ => 0,
    }
}

/// A proxy as `address/mask/protocol/port`; a range that no mask describes is shown by its ends.
#[must_use]
pub fn selector_text(selector: &TrafficSelector) -> String {
    let TrafficSelector { addresses, protocol, port } = selector;
    let (first, last) = (addresses.start(), addresses.end());
    let net = match (first, last) {
        (IpAddr::V4(first), IpAddr::V4(last)) => match mask(*first, *last) {
            Some(mask) => format!("{first}/{mask}"),
            None => format!("{first}-{last}"),
        },
        _ if first == last => format!("{first}/128"),
        _ => format!("{first}-{last}"),
    };
    format!("{net}/{protocol}/{port}")
}

/// The mask that makes exactly this range of its first address.
fn mask(first: Ipv4Addr, last: Ipv4Addr) -> Option<Ipv4Addr> {
    let (first, last) = (first.to_bits(), last.to_bits());
    let host = first ^ last;
    let is_suffix_of_ones = host & host.wrapping_add(1) == 0;
    (is_suffix_of_ones && first & host == 0).then(|| Ipv4Addr::from_bits(!host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selector(first: [u8; 4], last: [u8; 4]) -> TrafficSelector {
        TrafficSelector { addresses: IpAddr::from(first)..=IpAddr::from(last), protocol: 0, port: 0 }
    }

    #[test]
    fn a_net_is_shown_by_its_mask_and_a_range_by_its_ends() {
        let cases = [
            ([60, 60, 60, 0], [60, 60, 60, 255], "60.60.60.0/255.255.255.0/0/0"),
            ([1, 2, 3, 4], [1, 2, 3, 4], "1.2.3.4/255.255.255.255/0/0"),
            ([0, 0, 0, 0], [255, 255, 255, 255], "0.0.0.0/0.0.0.0/0/0"),
            ([10, 0, 0, 1], [10, 0, 0, 2], "10.0.0.1-10.0.0.2/0/0"),
            ([10, 0, 0, 4], [10, 0, 0, 11], "10.0.0.4-10.0.0.11/0/0"),
        ];
        for (first, last, text) in cases {
            assert_eq!(selector_text(&selector(first, last)), text);
        }
    }
}
