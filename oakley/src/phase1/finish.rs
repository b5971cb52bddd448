//! From contributions to an authenticated IKE SA: keys, proofs, identities (RFC 2409 5).

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use bytes::Bytes;
use crypto_provider::{SharedSecret, Work};
use isakmp_wire::{EncryptedMessage, Message, MessageId, Payload, PayloadKind};

use crate::auth::KeyInputs;
use crate::context::Cx;
use crate::error::{Abort, LocalFailure, Misbehaviour, PeerRefusal, Reject};
use crate::event::Event;
use crate::exchange::incoming::Incoming;
use crate::exchange::iv::{IvChain, PendingIv, padding_len};
use crate::keys::Keys;
use crate::nat::{self, NatDetected};
use crate::phase1::beside::{self, Beside};
use crate::phase1::facts::{Agreed, Candidate, Established, Exchanged, Keyed, Offered};
use crate::policy::{Mode, Path, Role};

/// UDP, and the ports of IKE: all that a phase 1 identity may name beside 0 and 0 (RFC 2407 4.6.2, RFC 3947).
pub(crate) const UDP: u8 = 17;
pub(crate) const IKE_PORT: u16 = 500;
pub(crate) const IKE_NAT_PORT: u16 = 4500;

/// Computes everything that follows from g^xy.
pub(crate) fn key(exchanged: Exchanged, g_xy: &SharedSecret, cx: &mut Cx<'_>) -> Result<Keyed, Abort> {
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
        let keys = Keys::derive(&agreed.suite, skeyid, g_xy, &cookies, &mut log)?;
        let iv = IvChain::phase1(agreed.suite.hash, &i.public, &r.public, keys.block_len);
        log.record("IV", &[("g^xi", &i.public), ("g^xr", &r.public)], iv.current().octets());
        candidates.push(Candidate { keys, iv });
    }
    if candidates.is_empty() {
        return Err(LocalFailure::NoPolicy.into());
    }
    Ok(Keyed { exchanged, candidates, contact_said: false })
}

/// Says that the keys are there.
pub(crate) fn report_keys(keyed: &Keyed, cx: &mut Cx<'_>) {
    cx.out.event(Event::SkeyidGenerated { ike_sa: keyed.exchanged.agreed.offered.ike_sa });
}

/// A side that must commit itself to one form of SKEYID before the peer has proved any takes the first.
pub(crate) const MOST_LIKELY: usize = 0;

/// Our ID payload.
pub(crate) fn our_identity(offered: &Offered) -> Payload {
    let quirks = &offered.policy.quirks;
    let (protocol, port) = if quirks.identity_without_port { (0, 0) } else { (UDP, IKE_PORT) };
    Payload::new(offered.policy.identity.to_wire(protocol, port))
}

/// Our proof, encrypted under the chosen candidate.
pub(crate) fn encrypt_proof(
    keyed: &mut Keyed,
    chosen: usize,
    payloads: &[Payload],
    cx: &mut Cx<'_>,
) -> Result<Bytes, Abort> {
    let header = keyed.exchanged.agreed.offered.header();
    let candidate = keyed.candidates.get_mut(chosen).ok_or(LocalFailure::NoPolicy)?;
    Ok(encrypt(payloads, header, (&candidate.keys, &mut candidate.iv), cx)?)
}

/// Our proof under the chosen candidate, and our identity unless it went with the contribution.
pub(crate) fn prove(keyed: &Keyed, chosen: usize, cx: &mut Cx<'_>) -> Result<Work<Vec<Payload>>, Abort> {
    let Keyed { exchanged, candidates, .. } = keyed;
    let candidate = candidates.get(chosen).ok_or(LocalFailure::NoPolicy)?;
    let offered = &exchanged.agreed.offered;
    let suite = &exchanged.agreed.suite;
    let (id, mut payloads) = match exchanged.mine.identity.clone() {
        Some(id) => (id, Vec::new()),
        None => {
            let id = our_identity(offered);
            (id.clone(), vec![id])
        }
    };
    let inputs = exchanged.proof_inputs(id.raw());
    let hash = inputs.hash(offered.role, &*candidate.keys.skeyid, suite.prf_len());
    let ids = (offered.ike_sa, offered.cookies);
    cx.key_log(&offered.policy, ids, MessageId::ZERO, suite.chosen.hash).record(
        hash_name(offered.role),
        &inputs.named(offered.role),
        hash.expose(),
    );
    match exchanged.agreed.authenticator.prove(hash.expose(), cx) {
        Work::Done(proof) => {
            payloads.extend(proof?);
            payloads.extend(cx.overrides.after_proof());
            Ok(Work::Done(payloads))
        }
        Work::Pending(ticket) => Ok(Work::Pending(ticket)),
    }
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
    match cx.overrides.padding() {
        Some(padding) => plaintext.extend_from_slice(&padding),
        // RFC 2409 Appendix B: zeros; a receiver never looks at them.
        None => {
            let padding = padding_len(plaintext.len(), keys.block_len);
            plaintext.resize(plaintext.len().saturating_add(padding), 0);
        }
    }
    header.next_payload = payloads.first().map_or(PayloadKind::NONE, Payload::kind);
    let ciphertext = iv.encrypt(&*keys.cipher, plaintext)?;
    Ok(EncryptedMessage::encode(header, &ciphertext))
}

/// A peer that proved itself.
pub(crate) struct Proven {
    /// The ID payload that its HASH covered.
    pub(crate) id: Payload,
    /// Which candidate's keys hold.
    pub(crate) candidate: usize,
    /// Where the chain goes on, if the proof was encrypted.
    pub(crate) iv: Option<PendingIv>,
    /// What NAT-D payloads beside an Aggressive Mode initiator's proof tell.
    pub(crate) nat: Option<NatDetected>,
    /// Which way it came.
    pub(crate) path: Path,
    /// All that came with it.
    pub(crate) message: Message,
}

/// How a proof is read.
#[derive(Clone, Copy)]
pub(crate) struct Reading {
    /// Whose proof it is.
    pub(crate) prover: Role,
    /// Whether it may come in clear as well: Aggressive Mode's third message.
    pub(crate) clear: bool,
}

/// Checks a message that is the peer's proof, under every candidate.
///
/// Until a HASH has held, every failure is the same: undecipherable. Whoever sends garbage learns nothing.
pub(crate) fn check_proof(
    keyed: &Keyed,
    reading: Reading,
    incoming: &Incoming,
    cx: &mut Cx<'_>,
) -> Work<Result<Proven, Reject>> {
    if reading.clear && !incoming.header.is_encrypted() {
        return match incoming.clear() {
            Ok(message) => check_clear_proof(keyed, reading.prover, (&message, &incoming.path), cx),
            Err(reject) => Work::Done(Err(reject)),
        };
    }
    let encrypted = match incoming.encrypted() {
        Ok(encrypted) => encrypted,
        Err(reject) => return Work::Done(Err(reject)),
    };
    let path = &incoming.path;
    choose(keyed, path, cx, |candidate, cx| match decrypt(candidate, &encrypted) {
        Ok((message, iv)) => verify(keyed, candidate, (reading.prover, &message), cx).map(|id| {
            let id = id?;
            let nat = told(keyed, (reading.prover, &message), path, cx);
            Ok(Held { id, iv: Some(iv), nat, message })
        }),
        Err(reject) => Work::Done(Err(reject)),
    })
}

/// Checks a proof that came in clear: Aggressive Mode.
pub(crate) fn check_clear_proof(
    keyed: &Keyed,
    prover: Role,
    (message, path): (&Message, &Path),
    cx: &mut Cx<'_>,
) -> Work<Result<Proven, Reject>> {
    choose(keyed, path, cx, |candidate, cx| {
        verify(keyed, candidate, (prover, message), cx).map(|id| {
            let id = id?;
            let nat = told(keyed, (prover, message), path, cx);
            Ok(Held { id, iv: None, nat, message: message.clone() })
        })
    })
}

/// A message that holds under one candidate.
struct Held {
    id: Payload,
    iv: Option<PendingIv>,
    nat: Option<NatDetected>,
    message: Message,
}

/// RFC 3947 3.2: in Aggressive Mode the initiator's NAT-D payloads are in message 3.
fn told(
    keyed: &Keyed,
    (prover, message): (Role, &Message),
    path: &Path,
    cx: &mut Cx<'_>,
) -> Option<NatDetected> {
    let agreed = &keyed.exchanged.agreed;
    let is_third = agreed.offered.mode == Mode::Aggressive && prover == Role::Initiator;
    if is_third { agreed.read_nat(&agreed.offered.vendors, (message, path), cx) } else { None }
}

/// The candidate whose HASH holds. All are always tried.
fn choose(
    keyed: &Keyed,
    path: &Path,
    cx: &mut Cx<'_>,
    check: impl Fn(&Candidate, &mut Cx<'_>) -> Work<Result<Held, Reject>>,
) -> Work<Result<Proven, Reject>> {
    let mut verdict = Err(Misbehaviour::Undecipherable.into());
    for (index, candidate) in keyed.candidates.iter().enumerate() {
        match check(candidate, cx) {
            Work::Pending(ticket) => return Work::Pending(ticket),
            Work::Done(Ok(held)) if verdict.is_err() => verdict = Ok((held, index)),
            Work::Done(_) => {}
        }
    }
    Work::Done(verdict.map(|(Held { id, iv, nat, message }, candidate)| Proven {
        id,
        candidate,
        iv,
        nat,
        path: *path,
        message,
    }))
}

/// Whether a message proves its sender under one candidate; its ID payload.
fn verify(
    keyed: &Keyed,
    candidate: &Candidate,
    (prover, message): (Role, &Message),
    cx: &mut Cx<'_>,
) -> Work<Result<Payload, Reject>> {
    let agreed = &keyed.exchanged.agreed;
    if let Err(misbehaviour) = agreed.authenticator.proof_shape().check(message) {
        return Work::Done(Err(misbehaviour.into()));
    }
    let known = keyed.exchanged.theirs.identity.clone();
    let Some(id) = known.or_else(|| message.first(PayloadKind::IDENTIFICATION).cloned()) else {
        return Work::Done(Err(Misbehaviour::Missing(PayloadKind::IDENTIFICATION).into()));
    };
    let inputs = keyed.exchanged.proof_inputs(id.raw());
    let hash = inputs.hash(prover, &*candidate.keys.skeyid, agreed.suite.prf_len());
    let verified = agreed.authenticator.verify(hash.expose(), message, cx);
    if let Work::Done(Ok(())) = verified {
        let ids = (agreed.offered.ike_sa, agreed.offered.cookies);
        cx.key_log(&agreed.offered.policy, ids, MessageId::ZERO, agreed.suite.chosen.hash).record(
            hash_name(prover),
            &inputs.named(prover),
            hash.expose(),
        );
    }
    verified.map(|verified| verified.map(|()| id))
}

fn decrypt(candidate: &Candidate, encrypted: &EncryptedMessage) -> Result<(Message, PendingIv), Reject> {
    let (plaintext, iv) = candidate.iv.decrypt(&*candidate.keys.cipher, encrypted.ciphertext())?;
    Ok((encrypted.decrypted(plaintext)?, iv))
}

/// The initiator has proved itself: with NAT traversal it is from now on where its proof came from (RFC 3947 4).
pub(crate) fn arrive(keyed: &mut Keyed, proven: &Proven, cx: &mut Cx<'_>) {
    let offered = &mut keyed.exchanged.agreed.offered;
    if proven.nat.is_some() {
        offered.found(proven.nat, cx);
    }
    if offered.nat.is_some() && nat::is_possible(&proven.path) {
        offered.path = proven.path;
    }
}

/// Moves the chain of the candidate that held past the peer's proof.
pub(crate) fn commit(keyed: &mut Keyed, proven: &Proven) {
    if let (Some(candidate), Some(iv)) = (keyed.candidates.get_mut(proven.candidate), proven.iv) {
        candidate.iv.commit(iv);
    }
}

/// The end: the candidate that held becomes the IKE SA, the others are dropped and wiped.
pub(crate) fn establish(
    mut keyed: Keyed,
    proven: Proven,
    cx: &mut Cx<'_>,
) -> Result<Box<Established>, Abort> {
    let chosen = proven.candidate;
    // The HASH held, so this is no stranger: a wrong identity ends the exchange (RFC 2407 4.6.2).
    let identity = beside::accept_identity(&proven.id, &keyed).map_err(PeerRefusal::Rejected)?;
    if chosen >= keyed.candidates.len() {
        return Err(LocalFailure::NoPolicy.into());
    }
    let Candidate { keys, iv } = keyed.candidates.swap_remove(chosen);
    let Agreed { mut offered, mut suite, .. } = keyed.exchanged.agreed;
    let Beside { first_contact, lifetime } = beside::read(&mut offered, &proven, cx);
    suite.chosen.lifetime = suite.chosen.lifetime.lower(lifetime);
    Ok(Box::new(Established {
        offered,
        suite,
        keys,
        last_block: *iv.current(),
        identity,
        contact_said: keyed.contact_said,
        contact_heard: first_contact,
    }))
}

/// Reports the payloads of an accepted proof. Only Main Mode has the identity beside it.
pub(crate) fn report(offered: &Offered, cx: &mut Cx<'_>) {
    let identity = (offered.mode == Mode::Main).then_some(PayloadKind::IDENTIFICATION);
    for payload in identity.into_iter().chain([PayloadKind::HASH]) {
        cx.out.event(Event::Processing { ike_sa: offered.ike_sa, payload, message_id: MessageId::ZERO });
    }
}
