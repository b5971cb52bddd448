//! `debug crypto isakmp`: the negotiation.

use isakmp_wire::payload::Transform;
use isakmp_wire::{ExchangeType, MessageId, PayloadKind, ProtocolId};
use oakley::{Abort, Bundle, Event, Identity, Incompatibility, LocalFailure, Path, Reject, Role};

use super::{attributes, connection, message_id};
use crate::router::{Happening, SaConnections};

pub(super) fn lines(happening: &Happening, event: &Event) -> Vec<String> {
    let conn = connection(happening);
    match event {
        Event::Started { exchange, message_id: id, role: Role::Initiator, .. } => {
            started(conn, *exchange, *id).into_iter().collect()
        }
        Event::Processing { payload, message_id: id, .. } => payload_name(*payload)
            .map(|name| {
                format!("ISAKMP ({conn}): processing {name} payload. message ID = {}", message_id(*id))
            })
            .into_iter()
            .collect(),
        Event::ComparedPhase1 { offered, more, policy, first_difference, .. } => {
            compared(conn, offered, (policy.priority, first_difference.is_none(), *more))
        }
        Event::Phase2Refused { .. } => vec![format!("ISAKMP ({conn}): SA not acceptable!")],
        Event::SkeyidGenerated { .. } => vec![format!("ISAKMP ({conn}): SKEYID state generated")],
        Event::Authenticated { .. } => vec![format!("ISAKMP ({conn}): SA has been authenticated")],
        Event::Established(bundle) => creating(conn, bundle, &happening.sas),
        Event::Retransmitted { message_id: id, .. } if id.0 == 0 => {
            vec![format!("ISAKMP ({conn}): retransmitting phase 1...")]
        }
        Event::Retransmitted { message_id: id, .. } => {
            vec![format!("ISAKMP ({conn}): retransmitting phase 2 {}...", message_id(*id))]
        }
        Event::Duplicate { .. } => {
            vec![format!("ISAKMP ({conn}): phase packet is a duplicate of a previous packet.")]
        }
        Event::RequestFailed { why: Abort::Local(why), path, .. } => {
            not_begun(conn, why, path).into_iter().collect()
        }
        Event::Rejected { why: Reject::Incompatible(Incompatibility::NoKey(Some(identity))), .. } => {
            vec![no_key(identity)]
        }
        Event::Rejected {
            path,
            why: Reject::Incompatible(why @ Incompatibility::UnknownPeer { .. }),
            ..
        } => {
            vec![format!("ISAKMP: peer at {}: {why}", path.remote.ip())]
        }
        Event::ReadOver { oddity, .. } => vec![format!("ISAKMP ({conn}): read over: {oddity}")],
        Event::Fragmented { fragments, octets, .. } => parts(conn, "sent in", (*fragments, *octets)),
        Event::Reassembled { fragments, octets, .. } => {
            parts(conn, "put together from", (*fragments, *octets))
        }
        Event::PeerDead { path, .. } => {
            vec![format!("ISAKMP ({conn}): peer {} not responding!", path.remote.ip())]
        }
        Event::IkeSaRemoved { .. } => {
            vec![format!("ISADB: reaper checking SA, conn_id = {conn}  DELETE IT!")]
        }
        Event::IkeSaExpired { .. } => {
            vec![format!("ISADB: reaper checking SA, conn_id = {conn}  DELETE IT!")]
        }
        Event::Reaped { .. } => vec![format!("ISADB: reaper checking SA, conn_id = {conn}")],
        _ => Vec::new(),
    }
}

/// Lines about notifications, which the routers of 1998 do not tell of.
pub(super) fn notes(happening: &Happening, event: &Event) -> Option<String> {
    let conn = connection(happening);
    match event {
        Event::Notified { protected, notify, .. } => {
            let kind = if *protected { "protected" } else { "unprotected" };
            Some(format!("ISAKMP ({conn}): received {kind} NOTIFY {notify}"))
        }
        Event::NotifySent { notify, .. } => Some(format!("ISAKMP ({conn}): sending NOTIFY {notify}")),
        _ => None,
    }
}

fn parts(conn: u32, how: &str, (fragments, octets): (usize, usize)) -> Vec<String> {
    vec![format!("ISAKMP ({conn}): message of {octets} octets {how} {fragments} fragments")]
}

fn compared(conn: u32, offered: &Transform, (priority, fits, more): (u32, bool, bool)) -> Vec<String> {
    let transform = offered.number;
    let mut out = vec![format!(
        "ISAKMP ({conn}): Checking ISAKMP transform {transform} against priority {priority} policy"
    )];
    out.extend(attributes::phase1(offered));
    out.push(verdict(conn, fits, next_payload(more), true));
    out
}

/// Why a negotiation that traffic asked for cannot begin.
fn not_begun(conn: u32, why: &LocalFailure, path: &Path) -> Option<String> {
    match why {
        LocalFailure::NoPolicy => Some(format!(
            "ISAKMP: No cert, and no keys (public or pre-shared) with remote peer {}",
            path.remote.ip()
        )),
        LocalFailure::Method(_) | LocalFailure::Algorithm => {
            Some(format!("ISAKMP ({conn}): incorrect policy settings. Unable to initiate."))
        }
        _ => None,
    }
}

/// The document's line for a name; an address is named as one.
fn no_key(identity: &Identity) -> String {
    let by = match identity {
        Identity::Address(_) => "address",
        _ => "hostname",
    };
    format!("ISAKMP: no pre-shared key based on {by} {identity}!")
}

fn started(conn: u32, exchange: ExchangeType, id: MessageId) -> Option<String> {
    match exchange {
        ExchangeType::IDENTITY_PROTECTION => Some(format!("ISAKMP ({conn}): beginning Main Mode exchange")),
        ExchangeType::AGGRESSIVE => Some(format!("ISAKMP ({conn}): beginning Aggressive Mode exchange")),
        ExchangeType::QUICK => {
            Some(format!("ISAKMP ({conn}): beginning Quick Mode exchange, M-ID of {}", message_id(id)))
        }
        _ => None,
    }
}

/// Payloads that the routers of 1998 announce; vendor ids and later payloads pass without a line.
fn payload_name(kind: PayloadKind) -> Option<&'static str> {
    Some(match kind {
        PayloadKind::SA => "SA",
        PayloadKind::KEY_EXCHANGE => "KE",
        PayloadKind::IDENTIFICATION => "ID",
        PayloadKind::CERTIFICATE => "CERT",
        PayloadKind::CERTIFICATE_REQUEST => "CERT_REQ",
        PayloadKind::HASH => "HASH",
        PayloadKind::SIGNATURE => "SIG",
        PayloadKind::NONCE => "NONCE",
        PayloadKind::NOTIFICATION => "NOTIFY",
        PayloadKind::DELETE => "DELETE",
        _ => return None,
    })
}

/// The number that a transform payload has in a chain (RFC 2408 3.1).
const TRANSFORM: u8 = 3;

/// What a transform payload names as next: another transform, or nothing.
const fn next_payload(more: bool) -> u8 {
    if more { TRANSFORM } else { 0 }
}

/// The two phases end their comparisons in different words: phase 2 names what follows only when it refuses.
fn verdict(conn: u32, acceptable: bool, next: u8, names_next: bool) -> String {
    match (acceptable, names_next) {
        (true, true) => format!("ISAKMP ({conn}): atts are acceptable. Next payload is {next}"),
        (true, false) => format!("ISAKMP ({conn}): atts are acceptable."),
        (false, _) => format!("ISAKMP ({conn}): atts not acceptable. Next payload is {next}"),
    }
}

fn creating(conn: u32, bundle: &Bundle, connections: &[SaConnections]) -> Vec<String> {
    let (local, remote) = (bundle.path.local.ip(), bundle.path.remote.ip());
    let (near, far) = (bundle.selectors.local.addresses.start(), bundle.selectors.remote.addresses.start());
    let mut out = Vec::new();
    for (pair, SaConnections { inbound, outbound }) in bundle.pairs.iter().zip(connections) {
        out.push(format!("ISAKMP ({conn}): Creating IPSec SAs"));
        out.push(format!(
            "        inbound SA from {remote:<15} to {local:<15} (proxy {far:<15} to {near:<15} )"
        ));
        out.extend(sa_lines(pair.inbound.0, *inbound, bundle));
        out.push(format!(
            "        outbound SA from {local:<15} to {remote:<15} (proxy {near:<15} to {far:<15} )"
        ));
        out.extend(sa_lines(pair.outbound.0, *outbound, bundle));
    }
    out
}

fn sa_lines(spi: u32, connection: u32, bundle: &Bundle) -> Vec<String> {
    let mut out = vec![format!("        has spi {spi} and conn_id {connection} and flags 4")];
    if let Some(seconds) = bundle.lifetime.seconds {
        out.push(format!("        lifetime of {seconds} seconds"));
    }
    if let Some(kilobytes) = bundle.lifetime.kilobytes {
        out.push(format!("        lifetime of {kilobytes} kilobytes"));
    }
    out
}

/// One transform of a phase 2 offer while it is compared with the policy's alternatives, one event each: the
/// routers print the transform once and one verdict.
#[derive(Debug)]
pub(super) struct OpenComparison {
    conn: u32,
    message_id: MessageId,
    proposal: u8,
    protocol: ProtocolId,
    offered: Transform,
    more: bool,
    acceptable: bool,
}

impl OpenComparison {
    pub(super) fn of(happening: &Happening, event: &Event) -> Option<Self> {
        let Event::ComparedPhase2 { message_id, proposal, protocol, offered, more, first_difference, .. } =
            event
        else {
            return None;
        };
        Some(Self {
            conn: connection(happening),
            message_id: *message_id,
            proposal: *proposal,
            protocol: *protocol,
            offered: offered.clone(),
            more: *more,
            acceptable: first_difference.is_none(),
        })
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        (self.conn, self.message_id, self.proposal, self.protocol)
            == (other.conn, other.message_id, other.proposal, other.protocol)
            && self.offered == other.offered
            // Two equal transforms in one offer are two: what fits is not compared again.
            && !self.acceptable
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.acceptable |= other.acceptable;
    }

    pub(super) fn opening(&self) -> Vec<String> {
        let mut out = vec![format!("ISAKMP ({}): Checking IPSec proposal {}", self.conn, self.proposal)];
        out.extend(attributes::phase2(self.protocol, &self.offered));
        out
    }

    pub(super) fn verdict(&self) -> String {
        verdict(self.conn, self.acceptable, next_payload(self.more), false)
    }
}
