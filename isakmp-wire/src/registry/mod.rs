//! The number registries of RFC 2407, 2408 and 2409 with IANA's later additions.
//!
//! Every registry is a newtype over its number with named constants, not an enumeration: numbers that nobody
//! has registered travel through this crate unchanged, and one number has one spelling only.

#[macro_use]
mod macros;

mod certificate;
mod config;
mod doi;
mod exchange;
mod identification;
mod notify;
mod payload_kind;
pub mod phase1;
pub mod phase2;
mod vendor;

pub use certificate::CertificateEncoding;
pub use config::{ConfigAttributeClass, ConfigMessageType, XauthType};
pub use doi::{Doi, ProtocolId};
pub use exchange::ExchangeType;
pub use identification::IdType;
pub use notify::NotifyType;
pub use payload_kind::PayloadKind;
pub use vendor::{KNOWN_VENDORS, KnownVendor};

/// A registry number of one fixed width, as the reader needs it.
pub(crate) trait Code: core::fmt::Display + Sized {
    /// Width of the field in octets: 1, 2 or 4.
    const WIDTH: usize;
    /// From a number that was read from `WIDTH` octets.
    fn from_number(number: u32) -> Self;
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::ToString;

    /// Numbers with their names as the RFCs' own tables have them; not those of this crate's sources.
    #[test]
    fn numbers_are_those_of_the_rfcs() {
        assert_eq!(NotifyType(14).to_string(), "NO-PROPOSAL-CHOSEN");
        assert_eq!(NotifyType(30).to_string(), "UNEQUAL-PAYLOAD-LENGTHS");
        assert_eq!(NotifyType(24578).to_string(), "INITIAL-CONTACT");
        assert_eq!(ExchangeType(32).to_string(), "Quick Mode");
        assert_eq!(PayloadKind(20).to_string(), "NAT-D");
        assert_eq!(IdType(11).to_string(), "ID_KEY_ID");
        assert_eq!(ProtocolId(3).to_string(), "PROTO_IPSEC_ESP");
        assert_eq!(phase1::Encryption(5).to_string(), "3DES-CBC");
        assert_eq!(phase1::GroupDescription(14).to_string(), "2048-bit MODP group");
        assert_eq!(phase2::EspTransform(12).to_string(), "ESP_AES-CBC");
        assert_eq!(phase2::AhTransform(3).to_string(), "AH_SHA");
        assert_eq!(phase2::AuthenticationAlgorithm(5).to_string(), "HMAC-SHA2-256");
    }

    #[test]
    fn unregistered_numbers_pass_unchanged() {
        assert_eq!((NotifyType(9999).name(), NotifyType(9999).to_string()), (None, "9999".to_string()));
        assert_eq!(
            format!("{:?} {:?}", NotifyType(9999), NotifyType::CONNECTED),
            "NotifyType(9999) NotifyType(16384 CONNECTED)"
        );
        assert_eq!(u16::from(NotifyType::from(9999)), 9999);
    }

    #[test]
    fn names_are_in_order_and_each_number_stands_once() {
        fn check<C: Copy + Ord + core::fmt::Debug>(names: &[(C, &str)]) {
            assert!(names.windows(2).all(|pair| pair[0].0 < pair[1].0), "{names:?}");
            let mut texts: alloc::vec::Vec<_> = names.iter().map(|(_, text)| *text).collect();
            texts.sort_unstable();
            assert!(texts.windows(2).all(|pair| pair[0] != pair[1]), "{texts:?}");
        }
        check(PayloadKind::NAMES);
        check(ExchangeType::NAMES);
        check(NotifyType::NAMES);
        check(Doi::NAMES);
        check(ProtocolId::NAMES);
        check(IdType::NAMES);
        check(CertificateEncoding::NAMES);
        check(ConfigMessageType::NAMES);
        check(ConfigAttributeClass::NAMES);
        check(XauthType::NAMES);
        check(phase1::AttributeClass::NAMES);
        check(phase1::Encryption::NAMES);
        check(phase1::HashAlgorithm::NAMES);
        check(phase1::AuthMethod::NAMES);
        check(phase1::GroupDescription::NAMES);
        check(phase1::GroupType::NAMES);
        check(phase1::LifeType::NAMES);
        check(phase1::TransformId::NAMES);
        check(phase2::AttributeClass::NAMES);
        check(phase2::LifeType::NAMES);
        check(phase2::EncapsulationMode::NAMES);
        check(phase2::AuthenticationAlgorithm::NAMES);
        check(phase2::EspTransform::NAMES);
        check(phase2::AhTransform::NAMES);
        check(phase2::IpcompTransform::NAMES);
    }
}
