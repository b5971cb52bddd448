//! From contributions to an authenticated IKE SA: keys, proofs, identities (RFC 2409 5).

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use bytes::Bytes;
use crypto_provider::{EphemeralKey, PeerPublic, Work};
use isakmp_wire::payload::Identification;
use isakmp_wire::{EncryptedMessage, Message, MessageId, Payload, PayloadKind};

use crate::auth::{IdentitySlot, KeyInputs};
use crate::context::Cx;
use crate::error::{Abort, Incompatibility, LocalFailure, Misbehaviour, Reject};
use crate::event::Event;
use crate::exchange::incoming::Incoming;
use crate::exchange::iv::{IvChain, PendingIv, padding_len};
use crate::identity::Identity;
use crate::keys::Keys;
use crate::phase1::facts::{Candidate, Established, Exchanged, Keyed, Offered};
use crate::policy::{PeerIdentity, Role};

/// UDP, and the ports of IKE: all that a phase 1 identity may name beside 0 and 0 (RFC 2407 4.6.2, RFC 3947).
const UDP: u8 = 17;
const IKE_PORT: u16 = 500;
const IKE_NAT_PORT: u16 = 4500;

/// Computes g^xy and everything that follows from it.
pub(crate) fn key(
    exchanged: Exchanged,
    ephemeral: Box<dyn EphemeralKey>,
    public: &PeerPublic,
    cx: &mut Cx<'_>,
) -> Result<Keyed, Abort> {
    let g_xy = ephemeral.complete(public).map_err(LocalFailure::Crypto)?;
    let agreed = &exchanged.agreed;
    let (i, r) = exchanged.by_role();
    let cookies = agreed.offered.cookies;
    let skeyids = agreed.authenticator.skeyid(&KeyInputs {
        suite: &agreed.suite,
        credentials: &exchanged.credentials,
        ni_b: &i.nonce,
        nr_b: &r.nonce,
        g_xy: g_xy.expose(),
        cookies: &cookies,
    })?;
    let hash = agreed.suite.chosen.hash;
    let ids = (agreed.offered.ike_sa, cookies);
    let mut log = cx.key_log(&agreed.offered.policy, ids, MessageId::ZERO, hash);
    let mut candidates = Vec::with_capacity(skeyids.len());
    for skeyid in &skeyids {
        log.record("SKEYID", &[("Ni_b", &i.nonce), ("Nr_b", &r.nonce)], skeyid.expose());
        let keys = Keys::derive(&agreed.suite, skeyid, &g_xy, &cookies, &mut log)?;
        let iv = IvChain::phase1(agreed.suite.hash, &i.public, &r.public, keys.block_len);
        log.record("IV", &[("g^xi", &i.public), ("g^xr", &r.public)], iv.current().octets());
        candidates.push(Candidate { keys, iv });
    }
    if candidates.is_empty() {
        return Err(LocalFailure::NoPolicy.into());
    }
    cx.out.event(Event::SkeyidGenerated { ike_sa: agreed.offered.ike_sa });
    Ok(Keyed { exchanged, candidates })
}

/// Our ID payload.
pub(crate) fn our_identity(offered: &Offered) -> Payload {
    let quirks = &offered.policy.quirks;
    let (protocol, port) = if quirks.identity_without_port { (0, 0) } else { (UDP, IKE_PORT) };
    Payload::new(offered.policy.identity.to_wire(protocol, port))
}

/// Message 5 or 6: our identity and our proof, encrypted under the chosen candidate.
pub(crate) fn send_proof(keyed: &mut Keyed, chosen: usize, cx: &mut Cx<'_>) -> Result<Bytes, Abort> {
    let Keyed { exchanged, candidates } = keyed;
    let candidate = candidates.get_mut(chosen).ok_or(LocalFailure::NoPolicy)?;
    let offered = &exchanged.agreed.offered;
    let suite = &exchanged.agreed.suite;
    let id = exchanged.mine.identity.clone().unwrap_or_else(|| our_identity(offered));
    let inputs = exchanged.proof_inputs(id.raw());
    let hash = inputs.hash(offered.role, &*candidate.keys.skeyid, suite.prf_len());
    let name = hash_name(offered.role);
    let ids = (offered.ike_sa, offered.cookies);
    cx.key_log(&offered.policy, ids, MessageId::ZERO, suite.chosen.hash).record(
        name,
        &inputs.named(offered.role),
        hash.expose(),
    );
    let proof = match exchanged.agreed.authenticator.prove(hash.expose(), cx) {
        Work::Done(proof) => proof?,
        Work::Pending(_) => return Err(LocalFailure::Method(exchanged.agreed.authenticator.method()).into()),
    };
    let mut payloads = match exchanged.agreed.authenticator.identity_slot() {
        IdentitySlot::WithProof => vec![id],
        IdentitySlot::WithContribution => Vec::new(),
    };
    payloads.extend(proof);
    Ok(encrypt(&payloads, offered.header(), (&candidate.keys, &mut candidate.iv), cx)?)
}

fn hash_name(prover: Role) -> &'static str {
    match prover {
        Role::Initiator => "HASH_I",
        Role::Responder => "HASH_R",
    }
}

/// Pads, encrypts and frames a chain of payloads.
pub(crate) fn encrypt(
    payloads: &[Payload],
    mut header: isakmp_wire::Header,
    (keys, iv): (&Keys, &mut IvChain),
    cx: &mut Cx<'_>,
) -> Result<Bytes, LocalFailure> {
    let mut plaintext = isakmp_wire::encode_chain(payloads);
    match cx.overrides.padding.pop_front() {
        Some(padding) => plaintext.extend_from_slice(&padding),
        // RFC 2409 Appendix B: zeros; a receiver never looks at them.
        None => plaintext.resize(plaintext.len() + padding_len(plaintext.len(), keys.block_len), 0),
    }
    header.next_payload = payloads.first().map_or(PayloadKind::NONE, Payload::kind);
    let ciphertext = iv.encrypt(&*keys.cipher, plaintext)?;
    Ok(EncryptedMessage::encode(header, &ciphertext))
}

/// A peer that proved itself.
pub(crate) struct Proven {
    pub(crate) identity: Identity,
    /// Which candidate's keys hold.
    pub(crate) candidate: usize,
    pub(crate) iv: PendingIv,
}

/// Checks message 5 or 6 of the peer whose role is `prover` under every candidate.
///
/// Until a HASH has held, every failure is the same: undecipherable. Whoever sends garbage learns nothing.
pub(crate) fn check_proof(
    keyed: &Keyed,
    prover: Role,
    incoming: &Incoming,
    cx: &mut Cx<'_>,
) -> Work<Result<Proven, Reject>> {
    let encrypted = match incoming.encrypted() {
        Ok(encrypted) => encrypted,
        Err(reject) => return Work::Done(Err(reject)),
    };
    let mut verdict = Err(Misbehaviour::Undecipherable.into());
    for (index, candidate) in keyed.candidates.iter().enumerate() {
        match check_candidate(keyed, candidate, prover, &encrypted, cx) {
            Work::Pending(ticket) => return Work::Pending(ticket),
            Work::Done(Ok((id, iv))) if verdict.is_err() => verdict = Ok((id, index, iv)),
            Work::Done(_) => {}
        }
    }
    let (id, candidate, iv) = match verdict {
        Ok(held) => held,
        Err(reject) => return Work::Done(Err(reject)),
    };
    Work::Done(accept_identity(&id, keyed).map(|identity| Proven { identity, candidate, iv }))
}

fn check_candidate(
    keyed: &Keyed,
    candidate: &Candidate,
    prover: Role,
    encrypted: &EncryptedMessage,
    cx: &mut Cx<'_>,
) -> Work<Result<(Payload, PendingIv), Reject>> {
    let agreed = &keyed.exchanged.agreed;
    let opened = decrypt(candidate, encrypted).and_then(|(message, iv)| {
        agreed.authenticator.proof_shape().check(&message)?;
        let id = match &keyed.exchanged.theirs.identity {
            Some(id) => id.clone(),
            None => message
                .first(PayloadKind::IDENTIFICATION)
                .cloned()
                .ok_or(Misbehaviour::Missing(PayloadKind::IDENTIFICATION))?,
        };
        Ok((message, iv, id))
    });
    let (message, iv, id) = match opened {
        Ok(opened) => opened,
        Err(reject) => return Work::Done(Err(reject)),
    };
    let inputs = keyed.exchanged.proof_inputs(id.raw());
    let hash = inputs.hash(prover, &*candidate.keys.skeyid, agreed.suite.prf_len());
    let verified = agreed.authenticator.verify(hash.expose(), &message, cx);
    if let Work::Done(Ok(())) = verified {
        let ids = (agreed.offered.ike_sa, agreed.offered.cookies);
        cx.key_log(&agreed.offered.policy, ids, MessageId::ZERO, agreed.suite.chosen.hash).record(
            hash_name(prover),
            &inputs.named(prover),
            hash.expose(),
        );
    }
    verified.map(|verified| verified.map(|()| (id, iv)))
}

fn decrypt(candidate: &Candidate, encrypted: &EncryptedMessage) -> Result<(Message, PendingIv), Reject> {
    let (plaintext, iv) = candidate.iv.decrypt(&*candidate.keys.cipher, encrypted.ciphertext())?;
    Ok((encrypted.decrypted(plaintext)?, iv))
}

/// The proved identity must be one that the policy expects (RFC 2407 4.6.2, RFC 4945 3.1).
fn accept_identity(id: &Payload, keyed: &Keyed) -> Result<Identity, Reject> {
    let isakmp_wire::Body::Identification(body) = id.body() else {
        return Err(Misbehaviour::Missing(PayloadKind::IDENTIFICATION).into());
    };
    check_ports(body)?;
    let identity = Identity::from_wire(body).ok_or(Misbehaviour::Identity("its type names no peer"))?;
    let offered = &keyed.exchanged.agreed.offered;
    let expected = match &offered.policy.peer_identity {
        PeerIdentity::PathAddress => identity == Identity::Address(offered.path.remote.ip()),
        PeerIdentity::OneOf(identities) => identities.contains(&identity),
    };
    if expected { Ok(identity) } else { Err(Incompatibility::Identity.into()) }
}

fn check_ports(body: &Identification) -> Result<(), Misbehaviour> {
    match (body.protocol, body.port) {
        (0, 0) | (UDP, IKE_PORT | IKE_NAT_PORT) => Ok(()),
        _ => Err(Misbehaviour::Identity("its protocol and port are not IKE's")),
    }
}

/// The end: the candidate that held becomes the IKE SA, the others are dropped and wiped.
pub(crate) fn establish(
    mut keyed: Keyed,
    chosen: usize,
    identity: Identity,
) -> Result<Box<Established>, Abort> {
    if chosen >= keyed.candidates.len() {
        return Err(LocalFailure::NoPolicy.into());
    }
    let Candidate { keys, iv } = keyed.candidates.swap_remove(chosen);
    let agreed = keyed.exchanged.agreed;
    Ok(Box::new(Established {
        offered: agreed.offered,
        suite: agreed.suite,
        keys,
        last_block: *iv.current(),
        identity,
    }))
}

/// Reports the payloads of an accepted proof.
pub(crate) fn report(offered: &Offered, cx: &mut Cx<'_>) {
    for payload in [PayloadKind::IDENTIFICATION, PayloadKind::HASH] {
        cx.out.event(Event::Processing { ike_sa: offered.ike_sa, payload, message_id: MessageId::ZERO });
    }
}
