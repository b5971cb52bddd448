//! The attributes of a transform, one line each, in the order received.

use core::fmt::Write as _;

use isakmp_wire::ProtocolId;
use isakmp_wire::payload::{Attribute, AttributeValue, Transform};
use isakmp_wire::registry::{phase1, phase2};

/// A whole transform in one line, for a table: without the words that only say where it stands.
#[must_use]
pub fn attribute_words(protocol: ProtocolId, transform: &Transform) -> String {
    let mut words = Vec::new();
    if protocol != ProtocolId::ISAKMP {
        words.push(transform_name(protocol, transform.id));
    }
    let of_phase = |attribute| {
        if protocol == ProtocolId::ISAKMP { phase1_words(attribute) } else { phase2_words(attribute) }
    };
    words.extend(transform.attributes.iter().filter(|attribute| !is_life(protocol, attribute)).map(of_phase));
    words.join(", ")
}

/// Lifetimes are never a reason to refuse: the lower one holds.
fn is_life(protocol: ProtocolId, attribute: &Attribute) -> bool {
    if protocol == ProtocolId::ISAKMP {
        let class = phase1::AttributeClass(attribute.kind);
        matches!(class, phase1::AttributeClass::LIFE_TYPE | phase1::AttributeClass::LIFE_DURATION)
    } else {
        let class = phase2::AttributeClass(attribute.kind);
        matches!(class, phase2::AttributeClass::LIFE_TYPE | phase2::AttributeClass::LIFE_DURATION)
    }
}

/// Attributes of a phase 1 transform (RFC 2409 Appendix A).
pub(super) fn phase1(transform: &Transform) -> Vec<String> {
    transform.attributes.iter().map(|attribute| format!("ISAKMP:      {}", phase1_words(attribute))).collect()
}

fn phase1_words(attribute: &Attribute) -> String {
    use phase1::AttributeClass as Class;
    let number = number(attribute);
    match Class(attribute.kind) {
        Class::ENCRYPTION_ALGORITHM => format!("encryption {}", phase1::Encryption(number)),
        Class::HASH_ALGORITHM => format!("hash {}", hash_words(number)),
        Class::AUTHENTICATION_METHOD => format!("auth {}", method_words(number)),
        Class::GROUP_DESCRIPTION => format!("default group {number}"),
        Class::LIFE_TYPE => format!("life type in {}", phase1::LifeType(number)),
        Class::LIFE_DURATION => format!("life duration {}", duration(attribute)),
        Class::KEY_LENGTH => format!("keylength of {number}"),
        class => format!("{class} of {}", value(attribute)),
    }
}

fn hash_words(number: u16) -> String {
    match phase1::HashAlgorithm(number) {
        phase1::HashAlgorithm::SHA2_256 => "SHA256".to_owned(),
        phase1::HashAlgorithm::SHA2_384 => "SHA384".to_owned(),
        phase1::HashAlgorithm::SHA2_512 => "SHA512".to_owned(),
        hash => hash.to_string(),
    }
}

fn method_words(number: u16) -> String {
    match phase1::AuthMethod(number) {
        phase1::AuthMethod::PRE_SHARED_KEY => "pre-share".to_owned(),
        phase1::AuthMethod::RSA_SIGNATURES => "RSA sig".to_owned(),
        phase1::AuthMethod::RSA_ENCRYPTION => "RSA encr".to_owned(),
        method => method.to_string(),
    }
}

/// The first line of a phase 2 transform and its attributes (RFC 2407 4.5).
pub(super) fn phase2(protocol: ProtocolId, transform: &Transform) -> Vec<String> {
    let mut out = vec![
        format!("ISAKMP: transform {}, {}", transform.number, transform_name(protocol, transform.id)),
        "ISAKMP:   attributes in transform:".to_owned(),
    ];
    let shown =
        transform.attributes.iter().filter(|attribute| !is_in_the_name(protocol, transform.id, attribute));
    out.extend(shown.map(|attribute| format!("ISAKMP:      {}", phase2_words(attribute))));
    out
}

/// Whether an attribute says again what the name of an AH transform says: the routers of 1998 print no line for it.
fn is_in_the_name(protocol: ProtocolId, id: u8, attribute: &Attribute) -> bool {
    use phase2::{AhTransform, AuthenticationAlgorithm as Algorithm};
    let named = match AhTransform(id) {
        AhTransform::MD5 => Algorithm::HMAC_MD5,
        AhTransform::SHA => Algorithm::HMAC_SHA,
        _ => return false,
    };
    let class = phase2::AttributeClass(attribute.kind);
    protocol == ProtocolId::AH
        && class == phase2::AttributeClass::AUTHENTICATION_ALGORITHM
        && attribute.value_u64() == Some(u64::from(named.0))
}

/// The document's names: the standard's, with the HMAC of an AH transform spelt out.
fn transform_name(protocol: ProtocolId, id: u8) -> String {
    match protocol {
        ProtocolId::AH => match phase2::AhTransform(id) {
            phase2::AhTransform::MD5 => "AH_MD5_HMAC".to_owned(),
            phase2::AhTransform::SHA => "AH_SHA_HMAC".to_owned(),
            transform => transform.to_string(),
        },
        ProtocolId::ESP => phase2::EspTransform(id).to_string(),
        ProtocolId::IPCOMP => phase2::IpcompTransform(id).to_string(),
        protocol => format!("protocol {protocol} transform {id}"),
    }
}

fn phase2_words(attribute: &Attribute) -> String {
    use phase2::AttributeClass as Class;
    let number = number(attribute);
    match Class(attribute.kind) {
        Class::LIFE_TYPE => format!("SA life type in {}", phase2::LifeType(number)),
        Class::LIFE_DURATION => format!("SA life duration {}", duration(attribute)),
        Class::GROUP_DESCRIPTION => format!("group is {number}"),
        Class::ENCAPSULATION_MODE => format!("encaps is {number}"),
        Class::AUTHENTICATION_ALGORITHM => format!("HMAC algorithm is {}", hmac_words(number)),
        Class::KEY_LENGTH => format!("key length is {number}"),
        class => format!("{class} is {}", value(attribute)),
    }
}

fn hmac_words(number: u16) -> String {
    match phase2::AuthenticationAlgorithm(number) {
        phase2::AuthenticationAlgorithm::HMAC_MD5 => "MD5".to_owned(),
        phase2::AuthenticationAlgorithm::HMAC_SHA => "SHA".to_owned(),
        phase2::AuthenticationAlgorithm::HMAC_SHA2_256 => "SHA256".to_owned(),
        phase2::AuthenticationAlgorithm::HMAC_SHA2_384 => "SHA384".to_owned(),
        phase2::AuthenticationAlgorithm::HMAC_SHA2_512 => "SHA512".to_owned(),
        algorithm => algorithm.to_string(),
    }
}

/// A duration names its form: `(basic) of 240`, or `(VPI) of 0x0 0x46 0x50 0x0` octet by octet.
fn duration(attribute: &Attribute) -> String {
    match &attribute.value {
        AttributeValue::Basic(number) => format!("(basic) of {number}"),
        AttributeValue::Variable(_) => format!("(VPI) of {}", value(attribute)),
    }
}

/// Octets of a variable attribute that are shown.
const MOST_OCTETS: usize = 16;

fn value(attribute: &Attribute) -> String {
    match &attribute.value {
        AttributeValue::Basic(number) => number.to_string(),
        AttributeValue::Variable(octets) => {
            let mut out = String::new();
            for octet in octets.iter().take(MOST_OCTETS) {
                let blank = if out.is_empty() { "" } else { " " };
                // Writing to a String cannot fail.
                let _ = write!(out, "{blank}0x{octet:X}");
            }
            if octets.len() > MOST_OCTETS {
                out.push_str(" ...");
            }
            out
        }
    }
}

/// A basic value; of a variable one what fits, since registries hold 16 bits.
fn number(attribute: &Attribute) -> u16 {
    match &attribute.value {
        AttributeValue::Basic(number) => *number,
        AttributeValue::Variable(_) => {
            attribute.value_u64().and_then(|value| u16::try_from(value).ok()).unwrap_or(u16::MAX)
        }
    }
}
