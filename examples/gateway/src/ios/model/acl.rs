//! Access lists.

use core::fmt;
use core::net::{Ipv4Addr, Ipv6Addr};

use super::Origin;

/// Number or name of an access list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AclName {
    /// 1-99 and 1300-1999 are standard lists, 100-199 and 2000-2699 extended ones.
    Number(u16),
    /// A name; never all digits.
    Name(String),
}

impl AclName {
    /// What kind of list a number stands for; `None` for a name or a number of neither kind.
    pub fn numbered_kind(&self) -> Option<ListKind> {
        match self {
            Self::Number(1..=99 | 1300..=1999) => Some(ListKind::Standard),
            Self::Number(100..=199 | 2000..=2699) => Some(ListKind::Extended),
            Self::Number(_) | Self::Name(_) => None,
        }
    }
}

impl fmt::Display for AclName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// What an access list can look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListKind {
    /// IPv4 source only.
    Standard,
    /// IPv4 source, destination, protocol and ports.
    Extended,
    /// The same for IPv6.
    Ipv6,
}

/// One access list; lines in order, the first match decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessList {
    /// What it can look at.
    pub kind: ListKind,
    /// Its lines.
    pub lines: Vec<AclLine>,
    /// Where it began.
    pub origin: Origin,
}

/// One line of an access list.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AclLine {
    /// `remark TEXT`.
    Remark(String),
    /// `permit` or `deny`.
    Rule(AclRule),
}

/// What happens to a packet that a rule matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AclAction {
    /// In a crypto map: protect.
    Permit,
    /// In a crypto map: this entry does not concern the packet.
    Deny,
}

/// A `permit` or `deny` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AclRule {
    /// What happens to a packet that matches.
    pub action: AclAction,
    /// IP protocol number; `None` is any.
    pub protocol: Option<u8>,
    /// Source address.
    pub source: Endpoint,
    /// Source ports of TCP or UDP.
    pub source_ports: Option<PortMatch>,
    /// Destination address; `Any` in a standard list.
    pub destination: Endpoint,
    /// Destination ports of TCP or UDP.
    pub destination_ports: Option<PortMatch>,
    /// `log`.
    pub log: bool,
    /// Where the line began.
    pub origin: Origin,
}

/// One side of a rule. Bits that do not count are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Endpoint {
    /// `any`.
    Any,
    /// `host A.B.C.D`.
    Host(Ipv4Addr),
    /// `A.B.C.D WILDCARD`: bits set in the wildcard do not count.
    Wildcard(Ipv4Addr, Ipv4Addr),
    /// `host X:X::X`.
    Ipv6Host(Ipv6Addr),
    /// `X:X::X/<0-128>`.
    Ipv6Prefix(Ipv6Addr, u8),
}

/// A condition on a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PortMatch {
    /// `eq`.
    Eq(u16),
    /// `neq`.
    Neq(u16),
    /// `lt`, never 0.
    Lt(u16),
    /// `gt`, never 65535.
    Gt(u16),
    /// `range`, lower end first.
    Range(u16, u16),
}
