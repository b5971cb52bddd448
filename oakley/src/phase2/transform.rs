//! Phase 2 transforms: numbers on the wire and what they mean (RFC 2407 4.4.3, 4.4.4, 4.5; RFC 3602, 3686, 4106,
//! 4868).

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;

use crypto_provider::{AeadAlgorithm, CipherAlgorithm, HashAlgorithm};
use isakmp_wire::ProtocolId;
use isakmp_wire::payload::Transform;
use isakmp_wire::registry::phase2::{
    AhTransform, AttributeClass, AuthenticationAlgorithm, EncapsulationMode, EspTransform,
};

use crate::attributes::{self, Attributes, Classes};
use crate::event::Difference;
use crate::phase1::offer::fixed_bits;
use crate::policy::{Confidentiality, Phase2Policy, Phase2Transform, Protocol};
use crate::quirks::Quirks;

pub(crate) const CLASSES: Classes = Classes {
    life_type: AttributeClass::LIFE_TYPE.0,
    life_duration: AttributeClass::LIFE_DURATION.0,
    basic: &[
        GROUP,
        ENCAPSULATION,
        AUTHENTICATION,
        KEY_LENGTH,
        AttributeClass::KEY_ROUNDS.0,
        AttributeClass::ECN_TUNNEL.0,
        AttributeClass::EXTENDED_SEQUENCE_NUMBER.0,
    ],
};

pub(crate) const GROUP: u16 = AttributeClass::GROUP_DESCRIPTION.0;
pub(crate) const ENCAPSULATION: u16 = AttributeClass::ENCAPSULATION_MODE.0;
const AUTHENTICATION: u16 = AttributeClass::AUTHENTICATION_ALGORITHM.0;
const KEY_LENGTH: u16 = AttributeClass::KEY_LENGTH.0;

/// The mode of a transform that names none.
pub(crate) const TUNNEL: u64 = EncapsulationMode::TUNNEL.0 as u64;

/// A transform in the order in which the routers of 1998 write it.
pub(crate) fn to_wire(
    number: u8,
    meaning: &Phase2Transform,
    (policy, mode): (&Phase2Policy, u16),
) -> Transform {
    let mut attributes = vec![attributes::basic(ENCAPSULATION, mode)];
    attributes.extend(attributes::life(&CLASSES, &policy.lifetime));
    if let Some(hash) = meaning.integrity {
        attributes.push(attributes::basic(AUTHENTICATION, authentication_number(hash)));
    }
    if let Some(bits) = key_bits(meaning.confidentiality) {
        attributes.push(attributes::basic(KEY_LENGTH, bits));
    }
    if let Some(group) = policy.pfs {
        attributes.push(attributes::basic(GROUP, group.0));
    }
    Transform { number, id: transform_id(meaning), attributes }
}

/// The meaning of a transform, or what keeps it from having one here. What it states beyond need is read over if it is so
/// anyway, and refused by its name if it means something else.
pub(crate) fn from_wire(
    protocol: ProtocolId,
    id: u8,
    attributes: &mut Attributes,
    quirks: &Quirks,
) -> Result<Phase2Transform, Difference> {
    attributes.redundant((AttributeClass::KEY_ROUNDS.0, "key rounds"), &[], "")?;
    // RFC 3168 9.2.1.2: allowed or forbidden. The outer header's mark is never copied into a packet that carries none.
    attributes.redundant((AttributeClass::ECN_TUNNEL.0, "ECN tunnel"), &[1, 2], "advice about ECN")?;
    // RFC 4304 2: 1 is 64 bits, which both sides would have to count by.
    let extended = (AttributeClass::EXTENDED_SEQUENCE_NUMBER.0, "extended sequence numbers");
    attributes.redundant(extended, &[0], "the sequence numbers that are used anyway")?;
    let integrity = match attributes.get(AUTHENTICATION) {
        None => None,
        Some(number) => {
            let unknown = problem(AUTHENTICATION, "an authentication algorithm that is not supported");
            Some(authentication(number).ok_or(unknown)?)
        }
    };
    match protocol {
        ProtocolId::AH => ah(id, integrity, attributes, quirks),
        ProtocolId::ESP => esp(id, integrity, attributes),
        _ => Err(Difference::Protocol),
    }
}

fn ah(
    id: u8,
    integrity: Option<HashAlgorithm>,
    attributes: &mut Attributes,
    quirks: &Quirks,
) -> Result<Phase2Transform, Difference> {
    let hash = match AhTransform(id) {
        AhTransform::MD5 => HashAlgorithm::Md5,
        AhTransform::SHA => HashAlgorithm::Sha1,
        AhTransform::SHA2_256 => HashAlgorithm::Sha256,
        AhTransform::SHA2_384 => HashAlgorithm::Sha384,
        AhTransform::SHA2_512 => HashAlgorithm::Sha512,
        _ => return Err(differs("AH transform", AhTransform(id).to_string())),
    };
    // RFC 2407 4.4.3: the attribute must be there and match. Routers of 1998 print an AH offer without it.
    let matches = integrity == Some(hash);
    if !(matches || integrity.is_none() && quirks.ah_without_authentication_attribute) {
        return Err(problem(AUTHENTICATION, "missing, or not the one of the AH transform"));
    }
    let bits = u64::try_from(hash.output_len().saturating_mul(8)).unwrap_or_default();
    attributes.redundant((KEY_LENGTH, "key length"), &[bits], "the length that the hash's keys have")?;
    Ok(Phase2Transform {
        protocol: Protocol::Ah,
        confidentiality: Confidentiality::None,
        integrity: Some(hash),
    })
}

fn esp(
    id: u8,
    integrity: Option<HashAlgorithm>,
    attributes: &mut Attributes,
) -> Result<Phase2Transform, Difference> {
    let bits = attributes.get(KEY_LENGTH);
    let aes_octets = || match bits {
        Some(128) => Ok(16),
        Some(192) => Ok(24),
        Some(256) => Ok(32),
        // RFC 3602 5.3: the attribute must be there.
        _ => Err(problem(KEY_LENGTH, "missing, or not 128, 192 or 256")),
    };
    let cipher = |cipher, octets| Confidentiality::Cipher(cipher, octets);
    let confidentiality = match EspTransform(id) {
        EspTransform::DES => cipher(CipherAlgorithm::DesCbc, 8),
        EspTransform::TRIPLE_DES => cipher(CipherAlgorithm::TripleDesCbc, 24),
        EspTransform::NULL => cipher(CipherAlgorithm::Null, 0),
        EspTransform::AES_CBC => cipher(CipherAlgorithm::AesCbc, aes_octets()?),
        EspTransform::AES_CTR => cipher(CipherAlgorithm::AesCtr, aes_octets()?),
        EspTransform::AES_GCM_8 => Confidentiality::Aead(AeadAlgorithm::AesGcm8, aes_octets()?),
        EspTransform::AES_GCM_12 => Confidentiality::Aead(AeadAlgorithm::AesGcm12, aes_octets()?),
        EspTransform::AES_GCM_16 => Confidentiality::Aead(AeadAlgorithm::AesGcm16, aes_octets()?),
        _ => return Err(differs("ESP transform", EspTransform(id).to_string())),
    };
    if let Confidentiality::Cipher(cipher, _) = confidentiality
        && key_bits(confidentiality).is_none()
    {
        let fixed = if cipher == CipherAlgorithm::Null { &[0] } else { fixed_bits(cipher) };
        attributes.redundant((KEY_LENGTH, "key length"), fixed, "the length that the cipher's keys have")?;
    }
    if matches!(confidentiality, Confidentiality::Aead(..)) && integrity.is_some() {
        return Err(problem(AUTHENTICATION, "given beside a combined cipher"));
    }
    Ok(Phase2Transform { protocol: Protocol::Esp, confidentiality, integrity })
}

fn problem(class: u16, problem: &'static str) -> Difference {
    Difference::Attribute { class, problem }
}

fn differs(property: &'static str, offered: String) -> Difference {
    Difference::Value { property, offered, accepted: "one that is supported".to_string() }
}

pub(crate) fn protocol_id(protocol: Protocol) -> ProtocolId {
    match protocol {
        Protocol::Ah => ProtocolId::AH,
        Protocol::Esp => ProtocolId::ESP,
    }
}

pub(crate) fn protocol(id: ProtocolId) -> Option<Protocol> {
    match id {
        ProtocolId::AH => Some(Protocol::Ah),
        ProtocolId::ESP => Some(Protocol::Esp),
        _ => None,
    }
}

/// Bits of the key of ciphers that have several lengths.
fn key_bits(confidentiality: Confidentiality) -> Option<u16> {
    match confidentiality {
        Confidentiality::Cipher(CipherAlgorithm::AesCbc | CipherAlgorithm::AesCtr, octets)
        | Confidentiality::Aead(_, octets) => u16::try_from(octets.saturating_mul(8)).ok(),
        Confidentiality::Cipher(..) | Confidentiality::None => None,
    }
}

fn authentication(number: u64) -> Option<HashAlgorithm> {
    const HASHES: [HashAlgorithm; 5] = [
        HashAlgorithm::Md5,
        HashAlgorithm::Sha1,
        HashAlgorithm::Sha256,
        HashAlgorithm::Sha384,
        HashAlgorithm::Sha512,
    ];
    HASHES.into_iter().find(|hash| u64::from(authentication_number(*hash)) == number)
}

fn authentication_number(hash: HashAlgorithm) -> u16 {
    match hash {
        HashAlgorithm::Md5 => AuthenticationAlgorithm::HMAC_MD5.0,
        HashAlgorithm::Sha1 => AuthenticationAlgorithm::HMAC_SHA.0,
        HashAlgorithm::Sha256 => AuthenticationAlgorithm::HMAC_SHA2_256.0,
        HashAlgorithm::Sha384 => AuthenticationAlgorithm::HMAC_SHA2_384.0,
        HashAlgorithm::Sha512 => AuthenticationAlgorithm::HMAC_SHA2_512.0,
        _ => 0,
    }
}

/// 0 is reserved and never accepted: what a meaning gets that has no number.
fn transform_id(meaning: &Phase2Transform) -> u8 {
    match (meaning.confidentiality, meaning.integrity) {
        (Confidentiality::None, Some(hash)) => match hash {
            HashAlgorithm::Md5 => AhTransform::MD5.0,
            HashAlgorithm::Sha1 => AhTransform::SHA.0,
            HashAlgorithm::Sha256 => AhTransform::SHA2_256.0,
            HashAlgorithm::Sha384 => AhTransform::SHA2_384.0,
            HashAlgorithm::Sha512 => AhTransform::SHA2_512.0,
            _ => 0,
        },
        (Confidentiality::Cipher(cipher, _), _) => match cipher {
            CipherAlgorithm::Null => EspTransform::NULL.0,
            CipherAlgorithm::DesCbc => EspTransform::DES.0,
            CipherAlgorithm::TripleDesCbc => EspTransform::TRIPLE_DES.0,
            CipherAlgorithm::AesCbc => EspTransform::AES_CBC.0,
            CipherAlgorithm::AesCtr => EspTransform::AES_CTR.0,
            _ => 0,
        },
        (Confidentiality::Aead(aead, _), _) => match aead {
            AeadAlgorithm::AesGcm8 => EspTransform::AES_GCM_8.0,
            AeadAlgorithm::AesGcm12 => EspTransform::AES_GCM_12.0,
            AeadAlgorithm::AesGcm16 => EspTransform::AES_GCM_16.0,
            _ => 0,
        },
        (Confidentiality::None, None) => 0,
    }
}

/// The transform in the standards' words.
pub(crate) fn describe(meaning: &Phase2Transform) -> String {
    let id = transform_id(meaning);
    let name = match meaning.protocol {
        Protocol::Ah => AhTransform(id).to_string(),
        Protocol::Esp => EspTransform(id).to_string(),
    };
    let bits = key_bits(meaning.confidentiality).map_or_else(String::new, |bits| format!(" {bits}"));
    let integrity = meaning.integrity.map_or_else(String::new, |hash| {
        format!(" with {}", AuthenticationAlgorithm(authentication_number(hash)))
    });
    format!("{name}{bits}{integrity}")
}
