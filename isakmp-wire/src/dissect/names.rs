//! Names and values of attributes and transforms, by the registry that their context says.

use core::fmt::{self, Display as _};
use core::net::{Ipv4Addr, Ipv6Addr};

use crate::payload::{Attribute, AttributeSpace, AttributeValue};
use crate::reader::Hex;
use crate::registry::{ConfigAttributeClass as Config, ProtocolId, XauthType, phase1, phase2};

/// The name of an attribute class.
pub(crate) struct ClassName(pub(crate) AttributeSpace, pub(crate) u16);

/// The value of an attribute.
pub(crate) struct ValueText<'a>(pub(crate) AttributeSpace, pub(crate) &'a Attribute);

/// The name of a transform identifier.
pub(crate) struct TransformName(pub(crate) ProtocolId, pub(crate) u8);

impl fmt::Display for ClassName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(space, kind) = *self;
        match space {
            AttributeSpace::Phase1 => phase1::AttributeClass(kind).fmt(f),
            AttributeSpace::Phase2 => phase2::AttributeClass(kind).fmt(f),
            AttributeSpace::Config => Config(kind).fmt(f),
        }
    }
}

impl fmt::Display for TransformName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(protocol, id) = *self;
        match protocol {
            ProtocolId::ISAKMP => phase1::TransformId(id).fmt(f),
            ProtocolId::AH => phase2::AhTransform(id).fmt(f),
            ProtocolId::ESP => phase2::EspTransform(id).fmt(f),
            ProtocolId::IPCOMP => phase2::IpcompTransform(id).fmt(f),
            _ => id.fmt(f),
        }
    }
}

impl fmt::Display for ValueText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(space, attribute) = *self;
        match (space, &attribute.value) {
            (AttributeSpace::Config, AttributeValue::Variable(octets)) => {
                config(Config(attribute.kind), octets, f)
            }
            (_, AttributeValue::Variable(octets)) => number_or_hex(attribute, octets, f),
            (AttributeSpace::Phase1, AttributeValue::Basic(value)) => phase1_value(attribute.kind, *value, f),
            (AttributeSpace::Phase2, AttributeValue::Basic(value)) => phase2_value(attribute.kind, *value, f),
            (AttributeSpace::Config, AttributeValue::Basic(value)) => match Config(attribute.kind) {
                Config::XAUTH_TYPE => named(&XauthType(*value), *value, f),
                class if class.is_credential() => f.write_str("(hidden)"),
                _ => value.fmt(f),
            },
        }
    }
}

fn phase1_value(kind: u16, value: u16, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    use phase1::AttributeClass as Class;
    match Class(kind) {
        Class::ENCRYPTION_ALGORITHM => named(&phase1::Encryption(value), value, f),
        Class::HASH_ALGORITHM => named(&phase1::HashAlgorithm(value), value, f),
        Class::AUTHENTICATION_METHOD => named(&phase1::AuthMethod(value), value, f),
        Class::GROUP_DESCRIPTION => named(&phase1::GroupDescription(value), value, f),
        Class::GROUP_TYPE => named(&phase1::GroupType(value), value, f),
        Class::LIFE_TYPE => named(&phase1::LifeType(value), value, f),
        _ => value.fmt(f),
    }
}

fn phase2_value(kind: u16, value: u16, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    use phase2::AttributeClass as Class;
    match Class(kind) {
        Class::LIFE_TYPE => named(&phase2::LifeType(value), value, f),
        Class::GROUP_DESCRIPTION => named(&phase2::GroupDescription(value), value, f),
        Class::ENCAPSULATION_MODE => named(&phase2::EncapsulationMode(value), value, f),
        Class::AUTHENTICATION_ALGORITHM => named(&phase2::AuthenticationAlgorithm(value), value, f),
        _ => value.fmt(f),
    }
}

fn named(name: &dyn fmt::Display, value: u16, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{name} ({value})")
}

/// A lifetime of more than 16 bits is a number; a prime is not read as one.
fn number_or_hex(attribute: &Attribute, octets: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match attribute.value_u64() {
        Some(number) if octets.len() <= size_of::<u64>() => number.fmt(f),
        _ => Hex(octets).fmt(f),
    }
}

fn config(class: Config, octets: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if octets.is_empty() {
        return f.write_str("(empty)");
    }
    if class.is_credential() {
        return write!(f, "({} octets, hidden)", octets.len());
    }
    match class {
        Config::INTERNAL_IP4_ADDRESS
        | Config::INTERNAL_IP4_NETMASK
        | Config::INTERNAL_IP4_DNS
        | Config::INTERNAL_IP4_NBNS
        | Config::INTERNAL_IP4_DHCP => address::<4, Ipv4Addr>(octets, f),
        Config::INTERNAL_IP6_ADDRESS
        | Config::INTERNAL_IP6_NETMASK
        | Config::INTERNAL_IP6_DNS
        | Config::INTERNAL_IP6_NBNS
        | Config::INTERNAL_IP6_DHCP => address::<16, Ipv6Addr>(octets, f),
        Config::APPLICATION_VERSION
        | Config::XAUTH_USER_NAME
        | Config::XAUTH_MESSAGE
        | Config::XAUTH_DOMAIN
        | Config::UNITY_BANNER
        | Config::UNITY_DEF_DOMAIN
        | Config::UNITY_SPLITDNS_NAME => octets.escape_ascii().fmt(f),
        _ => Hex(octets).fmt(f),
    }
}

fn address<const N: usize, A: From<[u8; N]> + fmt::Display>(
    octets: &[u8],
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    match <[u8; N]>::try_from(octets) {
        Ok(octets) => A::from(octets).fmt(f),
        Err(_) => Hex(octets).fmt(f),
    }
}
