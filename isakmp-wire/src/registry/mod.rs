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
