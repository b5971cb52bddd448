//! `crypto ca`: certification authorities and stored certificates.

use super::Origin;

/// One `crypto ca identity`, which later releases call `trustpoint`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CaIdentity {
    /// The local name of the CA.
    pub tag: String,
    /// `enrollment url`.
    pub enrollment_url: Option<String>,
    /// `enrollment mode ra`: the CA has a registration authority.
    pub registration_authority: bool,
    /// `enrollment retry period`, in minutes.
    pub retry_period: Option<u8>,
    /// `enrollment retry count`.
    pub retry_count: Option<u8>,
    /// `query url`: the LDAP server of the CA.
    pub query_url: Option<String>,
    /// `crl optional`: peers are accepted without a fresh CRL.
    pub crl_optional: bool,
    /// Where the block began.
    pub origin: Origin,
}

/// One `crypto ca certificate chain`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateChain {
    /// The CA's local name.
    pub tag: String,
    /// The certificates in order.
    pub certificates: Vec<Certificate>,
    /// Where the block began.
    pub origin: Origin,
}

/// Whose certificate it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CertificateOwner {
    /// This router's: `certificate SERIAL`.
    Own,
    /// The CA's: `certificate ca SERIAL`.
    Ca,
}

/// One stored certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Whose it is.
    pub owner: CertificateOwner,
    /// Its serial number, as octets of the hexadecimal text.
    pub serial: Vec<u8>,
    /// The certificate in DER (RFC 5280).
    pub der: Vec<u8>,
    /// Where the block began.
    pub origin: Origin,
}
