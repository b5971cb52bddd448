//! What runs, but should be known.

use core::fmt;
use core::net::IpAddr;

use crate::ios::model::Origin;

/// A warning and the line that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The line.
    pub origin: Origin,
    /// What it is about.
    pub kind: WarningKind,
}

impl fmt::Display for Warning {
    /// `line:column: warning: reason`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: warning: {}", self.origin.line, self.origin.column, self.kind)
    }
}

/// What a warning is about.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WarningKind {
    /// The version switches the defaults of 1998 on.
    Vintage1998 {
        /// First number of the version.
        major: u16,
    },
    /// An algorithm that RFC 8247 or RFC 8221 advises against.
    Weak {
        /// As IOS writes it.
        what: &'static str,
    },
    /// A transform set without integrity.
    NoIntegrity {
        /// The set.
        set: String,
    },
    /// A pre-shared key that can be guessed.
    ShortKey,
    /// One key for all addresses.
    KeyForEveryone,
    /// A name that makes Aggressive Mode necessary.
    AggressiveMode,
    /// A peer without a key.
    NoKey {
        /// The peer.
        peer: IpAddr,
    },
    /// A peer or a net behind it that no route leads to.
    NoRoute {
        /// The map.
        map: String,
        /// The entry.
        sequence: u16,
        /// Where no route leads: the first address of the net.
        to: IpAddr,
    },
    /// A rule that protects everything.
    PermitAny {
        /// The access list.
        list: String,
    },
    /// Two entries want the same packets; the first one gets them.
    Overlap {
        /// Sequence number of the entry that comes first.
        first: u16,
        /// Sequence number of the other.
        second: u16,
    },
    /// A crypto map that no interface carries.
    NotApplied {
        /// The map.
        map: String,
    },
    /// A permit line all of whose packets a deny line before it takes out.
    NeverReached {
        /// The access list.
        list: String,
    },
    /// `mode transport` for packets that only pass through.
    TunnelInstead {
        /// The map.
        map: String,
        /// The entry.
        sequence: u16,
    },
    /// Something that is read and kept and not used.
    Unused {
        /// What.
        what: &'static str,
    },
}

impl fmt::Display for WarningKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vintage1998 { major } => write!(
                f,
                "version {major} means the defaults of 1998 (DES, SHA, group 1); a later version or none means AES-128, \
                 SHA-256, group 14"
            ),
            Self::Weak { what } => write!(f, "{what} is weak and used only because the configuration asks for it"),
            Self::NoIntegrity { set } => {
                write!(f, "transform set {set} encrypts without integrity: packets can be changed on their way")
            }
            Self::ShortKey => {
                f.write_str("a pre-shared key of fewer than 20 characters can be guessed; use 20 random ones or more")
            }
            Self::KeyForEveryone => f.write_str("this key is for every address: each peer can pose as any other"),
            Self::AggressiveMode => f.write_str(
                "a name on either side means Aggressive Mode, which gives strangers material to guess the key from",
            ),
            Self::NoKey { peer } => write!(f, "no pre-shared key for peer {peer}: nothing can be negotiated with it"),
            Self::NoRoute { map, sequence, to } => {
                write!(f, "crypto map {map} {sequence}: no route leads to {to}: what is sent there is dropped")
            }
            Self::PermitAny { list } => {
                write!(f, "access list {list} permits any to any: everything but IKE itself must be protected")
            }
            Self::Overlap { first, second } => {
                write!(f, "entries {first} and {second} want the same packets; entry {first} gets them")
            }
            Self::NotApplied { map } => {
                write!(f, "crypto map {map} is applied to no interface: nothing is protected by it")
            }
            Self::NeverReached { list } => write!(
                f,
                "access list {list}: a deny line above takes all packets of this permit line; none of them is protected"
            ),
            Self::TunnelInstead { map, sequence } => write!(
                f,
                "crypto map {map} {sequence}: transport mode is for packets between the two routers themselves; \
                 others are tunnelled"
            ),
            Self::Unused { what } => write!(f, "{what} is read and kept, but certificates and RSA keys are not used yet"),
        }
    }
}
