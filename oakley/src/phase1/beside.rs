//! Who has proved himself, and what he says beside his proof.

use isakmp_wire::payload::{Identification, Notification};
use isakmp_wire::{NotifyType, Payload, PayloadKind, ProtocolId};

use crate::context::Cx;
use crate::error::{IdentityFault, Incompatibility, Misbehaviour, Reject};
use crate::event::Event;
use crate::identity::Identity;
use crate::oddity::Oddity;
use crate::phase1::facts::{Keyed, Offered};
use crate::phase1::finish::{IKE_NAT_PORT, IKE_PORT, Proven, UDP};
use crate::phase1::offer;
use crate::phase2::{informational, lifetime};
use crate::policy::{Lifetime, PeerIdentity};

/// The proved identity must be one that the policy expects (RFC 2407 4.6.2, RFC 4945 3.1).
pub(crate) fn accept_identity(id: &Payload, keyed: &Keyed) -> Result<Identity, Reject> {
    let isakmp_wire::Body::Identification(body) = id.body() else {
        return Err(Misbehaviour::Missing(PayloadKind::IDENTIFICATION).into());
    };
    odd_port(body).map_err(Misbehaviour::from)?;
    let named = Identity::from_wire(body).ok_or(IdentityFault::NoPeer(body.id_type));
    let identity = named.map_err(Misbehaviour::from)?;
    let offered = &keyed.exchanged.agreed.offered;
    let translator = offered.path.remote.ip();
    let (is_expected, by_address) = match &offered.policy.peer_identity {
        PeerIdentity::PathAddress => (identity == Identity::Address(translator), true),
        PeerIdentity::OneOf(identities) => {
            (identities.contains(&identity), identities.contains(&Identity::Address(translator)))
        }
    };
    // Behind a translator a peer does not know the address by which we know it.
    if let Identity::Address(address) = identity
        && !is_expected
        && by_address
        && offered.nat.is_some_and(|nat| nat.remote)
    {
        return Ok(Identity::Behind { address, translator });
    }
    match is_expected {
        true => Ok(identity),
        false => {
            let expected = offered.policy.peer_identity.clone();
            Err(Incompatibility::Identity { proved: identity, expected }.into())
        }
    }
}

/// The protocol and port of a phase 1 identity. The HASH covers them and they protect nothing, so 17 and 0 are read over:
/// routers write that as soon as there is a translator.
fn odd_port(body: &Identification) -> Result<Option<Oddity>, IdentityFault> {
    let Identification { protocol, port, .. } = *body;
    match (protocol, port) {
        (0, 0) | (UDP, IKE_PORT | IKE_NAT_PORT) => Ok(None),
        (UDP, 0) => Ok(Some(Oddity::IdentityPort { protocol, port })),
        _ => Err(IdentityFault::Port { protocol, port }),
    }
}

/// INITIAL-CONTACT (RFC 2407 4.6.3.3) for our last proof: whoever has nothing with this peer yet says so where the peer is
/// sure to read it, since a message of its own may overtake the proof. `identity` is that of a peer that has proved itself;
/// before that it is one that the policy expects.
pub(crate) fn first_contact(keyed: &mut Keyed, proven: Option<&Proven>, cx: &mut Cx<'_>) -> Option<Payload> {
    let Offered { ike_sa, path, cookies, policy, .. } = &keyed.exchanged.agreed.offered;
    if policy.quirks.no_initial_contact || policy.quirks.initial_contact_apart {
        return None;
    }
    let is_known = match (proven, &policy.peer_identity) {
        (Some(proven), _) => cx.peers.is_known(&accept_identity(&proven.id, keyed).ok()?),
        (None, PeerIdentity::PathAddress) => cx.peers.is_known_at(path.remote.ip()),
        (None, PeerIdentity::OneOf(identities)) => identities.iter().any(|one| match one {
            Identity::Address(address) => cx.peers.is_known_at(*address),
            other => cx.peers.is_known(other),
        }),
    };
    if is_known {
        return None;
    }
    let notify = NotifyType::INITIAL_CONTACT;
    let about = (ProtocolId::ISAKMP, informational::cookie_spi(cookies));
    cx.out.event(Event::NotifySent { path: *path, ike_sa: Some(*ike_sa), notify });
    keyed.contact_said = true;
    Some(informational::notify(notify, Some(about)))
}

/// What the peer says beside its proof. An encrypted message is whole if its HASH holds: whoever changes one block garbles
/// the one before. In clear anybody can add payloads, so nothing of them is acted upon (RFC 2409 5).
pub(crate) struct Beside {
    /// The peer has nothing else with us.
    pub(crate) first_contact: bool,
    /// The limits that it sets for the IKE SA (RFC 2407 4.6.3.1).
    pub(crate) lifetime: Lifetime,
}

pub(crate) fn read(offered: &mut Offered, proven: &Proven, cx: &mut Cx<'_>) -> Beside {
    let Proven { id, iv, path, message, .. } = proven;
    let (path, ike_sa, protected) = (*path, Some(offered.ike_sa), iv.is_some());
    offered.vendors = offered.vendors.and(message);
    let wire = message.anomalies().iter().cloned().map(Oddity::Wire);
    let unused = message.payloads().iter().map(Payload::kind).filter(|kind| !USED.contains(kind));
    let port = id.get().and_then(|body| odd_port(body).ok().flatten());
    cx.out.read_over(path, ike_sa, port.into_iter().chain(unused.map(Oddity::Payload)).chain(wire));
    let mut first_contact = false;
    for Notification { notify_type: notify, data, .. } in message.all() {
        cx.out.event(Event::Notified { path, ike_sa, protected, notify: *notify, data: data.clone() });
        first_contact |= protected && *notify == NotifyType::INITIAL_CONTACT;
    }
    let told = lifetime::read(message, &offer::CLASSES, |protocol| protocol == ProtocolId::ISAKMP);
    Beside { first_contact, lifetime: if protected { told } else { Lifetime::default() } }
}

/// The payloads that are read, in any message that is a proof.
const USED: [PayloadKind; 10] = [
    PayloadKind::SA,
    PayloadKind::KEY_EXCHANGE,
    PayloadKind::NONCE,
    PayloadKind::IDENTIFICATION,
    PayloadKind::HASH,
    PayloadKind::SIGNATURE,
    PayloadKind::NOTIFICATION,
    PayloadKind::VENDOR_ID,
    PayloadKind::NAT_D,
    PayloadKind::NAT_D_DRAFT,
];
