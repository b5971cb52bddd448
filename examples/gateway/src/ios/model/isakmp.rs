//! `crypto isakmp`: phase 1.

use core::fmt;
use core::net::IpAddr;
use std::collections::BTreeMap;

use crypto_provider::GroupId;

use super::{ConfigSecret, Located, Origin};

/// All `crypto isakmp` commands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Isakmp {
    /// `no crypto isakmp enable` makes this false.
    pub enabled: bool,
    /// `crypto isakmp identity`.
    pub identity: IdentityKind,
    /// `crypto isakmp aggressive-mode disable` makes this false.
    pub aggressive_mode: bool,
    /// `crypto isakmp keepalive` (RFC 3706).
    pub keepalive: Option<Located<Keepalive>>,
    /// `crypto isakmp invalid-spi-recovery`.
    pub invalid_spi_recovery: bool,
    /// `crypto isakmp fragmentation`.
    pub fragmentation: Option<IkeFragmentation>,
    /// `crypto isakmp nat keepalive`, in seconds (RFC 3948 4).
    pub nat_keepalive: Option<Located<u16>>,
    /// `crypto isakmp nat force-encapsulation`: ESP in UDP where no translator is.
    pub nat_force_encapsulation: bool,
    /// Policies by priority, 1 to 10000; 1 is tried first.
    pub policies: BTreeMap<u16, IsakmpPolicy>,
    /// Pre-shared keys, one for each owner.
    pub keys: Vec<PreSharedKey>,
}

impl Default for Isakmp {
    fn default() -> Self {
        Self {
            enabled: true,
            identity: IdentityKind::Address,
            aggressive_mode: true,
            keepalive: None,
            invalid_spi_recovery: false,
            fragmentation: None,
            nat_keepalive: None,
            nat_force_encapsulation: false,
            policies: BTreeMap::new(),
            keys: Vec::new(),
        }
    }
}

/// How this router names itself in phase 1 (RFC 2407 4.6.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum IdentityKind {
    /// By the address of the interface (ID_IPV4_ADDR or ID_IPV6_ADDR).
    #[default]
    Address,
    /// By `hostname.domain-name` (ID_FQDN).
    Hostname,
}

/// One `crypto isakmp policy`; what was not written is `None` and gets the default of the configuration's version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IsakmpPolicy {
    /// `encryption`.
    pub encryption: Option<Located<Encryption>>,
    /// `hash`.
    pub hash: Option<Located<Hash>>,
    /// `authentication`.
    pub authentication: Option<Located<Authentication>>,
    /// `group`.
    pub group: Option<Located<GroupId>>,
    /// `lifetime`, in seconds.
    pub lifetime: Option<u32>,
    /// Where the policy began.
    pub origin: Origin,
}

/// Encryption of phase 1 (RFC 2409 Appendix A).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Encryption {
    /// DES-CBC.
    Des,
    /// 3DES-CBC.
    TripleDes,
    /// AES-CBC with a key of so many bits: 128, 192 or 256.
    Aes(u16),
}

/// Hash of phase 1 (RFC 2409 Appendix A, RFC 4868).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hash {
    /// MD5.
    Md5,
    /// SHA-1.
    Sha,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

/// Authentication of phase 1 (RFC 2409 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Authentication {
    /// A pre-shared key (RFC 2409 5.4).
    PreShare,
    /// RSA signatures (RFC 2409 5.1).
    RsaSig,
    /// RSA-encrypted nonces (RFC 2409 5.2).
    RsaEncr,
}

/// `crypto isakmp keepalive`: dead peer detection (RFC 3706).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keepalive {
    /// Seconds without traffic until the peer is asked.
    pub seconds: u16,
    /// Seconds between questions that were not answered.
    pub retry: Option<u16>,
    /// Whether the peer is asked even while traffic arrives.
    pub periodic: bool,
}

/// `crypto isakmp fragmentation`: long messages of IKE in parts, as Cisco's routers cut them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IkeFragmentation {
    /// Octets of UDP payload above which a message is cut.
    pub size: Option<u16>,
    /// Whether they are sent to, and first messages taken in parts from, peers that announce nothing.
    pub forced: bool,
}

/// Whose pre-shared key it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyOwner {
    /// Every peer in a prefix: `address A.B.C.D [MASK]` or `address ipv6 PREFIX`.
    Prefix {
        /// First address.
        address: IpAddr,
        /// Length in bits, 32 or 128 for one peer.
        length: u8,
    },
    /// The peer that gives this name as its identity: `hostname NAME`.
    Hostname(String),
}

/// One `crypto isakmp key`.
#[derive(Clone, PartialEq, Eq)]
pub struct PreSharedKey {
    /// The key.
    pub secret: ConfigSecret,
    /// Whose it is.
    pub owner: KeyOwner,
    /// `no-xauth`: the peer is never asked for a user.
    pub no_xauth: bool,
    /// Where the command stood.
    pub origin: Origin,
}

impl fmt::Debug for PreSharedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { secret: _, owner, no_xauth, origin } = self;
        f.debug_struct("PreSharedKey")
            .field("owner", owner)
            .field("no_xauth", no_xauth)
            .field("origin", origin)
            .finish_non_exhaustive()
    }
}
