//! What peers do otherwise and what is read over: it changes nothing that is checked or agreed on.

use core::fmt;

use isakmp_wire::{Anomaly, PayloadKind};

/// Something odd in a message that was accepted nevertheless.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Oddity {
    /// Octets that the standards forbid and that mean nothing.
    Wire(Anomaly),
    /// A phase 1 identity with another protocol and port than RFC 2407 4.6.2 and RFC 3947 name: 17 and 0, as routers write
    /// behind address translators. The HASH covers the body, and the port protects nothing.
    IdentityPort {
        /// The protocol.
        protocol: u8,
        /// The port.
        port: u16,
    },
    /// An attribute of a transform that says nothing new, or sets no limit.
    Attribute {
        /// The attribute's class number.
        class: u16,
        /// Its value.
        value: u64,
        /// Why it may be read over.
        why: &'static str,
    },
    /// An answer that numbers the chosen proposal anew (RFC 2408 4.2: the responder SHOULD keep the number). Its attributes
    /// are those of a transform that was offered.
    ProposalNumber {
        /// The number in the offer.
        offered: u8,
        /// The number in the answer.
        answered: u8,
    },
    /// NAT-D payloads, or an encapsulation mode, under the numbers of the RFC where a draft was announced, or the reverse
    /// (RFC 3947 3.2, 5.1).
    NatNumbers,
    /// A payload that nothing is done with.
    Payload(PayloadKind),
}

impl fmt::Display for Oddity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wire(anomaly) => anomaly.fmt(f),
            Self::IdentityPort { protocol, port } => {
                write!(f, "identity with protocol {protocol} and port {port}")
            }
            Self::Attribute { class, value, why } => write!(f, "attribute {class} = {value}: {why}"),
            Self::ProposalNumber { offered, answered } => {
                write!(f, "proposal {offered} is answered as number {answered}")
            }
            Self::NatNumbers => f.write_str("NAT traversal under other numbers than were announced"),
            Self::Payload(kind) => write!(f, "{kind} payload that nothing is done with"),
        }
    }
}
