//! A method that is awkward in every way in which a later one may be: it wraps KE and nonce, puts the identity beside
//! them, has two forms of SKEYID, and answers nothing at once. It is no cryptography: a mask is no encryption.

use alloc::vec;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use crypto_provider::{SecretBytes, Signature, Ticket, Work};
use isakmp_wire::payload::{HashData, KeyExchange, Nonce, SealedIdentification};
use isakmp_wire::{Message, Payload, PayloadKind};

use crate::auth::pre_shared::verify_hash;
use crate::auth::{AuthCx, Authenticator, Contribution, Credentials, HASH_PROOF, IdentitySlot, KeyInputs};
use crate::context::Cx;
use crate::error::{Abort, LocalFailure, Misbehaviour, Reject};
use crate::exchange::shape::Shape;
use crate::input::Answer;
use crate::policy::{AuthMethod, KeyQuery};

/// Tickets of proofs have this bit, tickets of openings have not.
const PROOF: u64 = 1 << 32;

/// The method, in the place of RSA encryption.
#[derive(Debug, Default)]
pub struct Wrapped {
    /// Whether the second form of SKEYID is the likelier one.
    pub second_form_first: bool,
    issued: AtomicU64,
}

impl Wrapped {
    /// How many tickets were issued so far, the first of them being 1.
    pub fn issued(&self) -> u64 {
        self.issued.load(Ordering::Relaxed)
    }

    /// The tickets of the work with this number: that of an opening and that of a proof, one of which was issued.
    pub fn tickets(number: u64) -> [(Ticket, Answer); 2] {
        [
            (Ticket(number), Answer::Decrypted(Ok(Bytes::from_static(&[MASK])))),
            (Ticket(number | PROOF), Answer::Signature(Ok(Signature(Vec::new())))),
        ]
    }

    fn issue(&self, kind: u64) -> Ticket {
        Ticket(self.issued.fetch_add(1, Ordering::Relaxed).wrapping_add(1) | kind)
    }
}

const MASK: u8 = 0x5a;

fn masked(octets: &[u8], mask: u8) -> Bytes {
    octets.iter().map(|octet| octet ^ mask).collect()
}

impl Authenticator for Wrapped {
    fn method(&self) -> AuthMethod {
        AuthMethod::RsaEncryption
    }

    fn identity_slot(&self) -> IdentitySlot {
        IdentitySlot::WithContribution
    }

    fn contribution_shape(&self) -> Shape {
        Shape {
            required: &[PayloadKind::KEY_EXCHANGE, PayloadKind::IDENTIFICATION, PayloadKind::NONCE],
            optional: &[],
            leading: &[],
        }
    }

    fn proof_shape(&self) -> Shape {
        HASH_PROOF
    }

    fn credentials(&self, peer: &AuthCx<'_>, cx: &Cx<'_>) -> Work<Result<Credentials, Reject>> {
        cx.pre_shared_keys(KeyQuery::Address(peer.path.remote.ip()))
            .map(|keys| Ok(Credentials::PreShared(keys)))
    }

    fn seal(&self, mine: &Contribution, _: &mut Cx<'_>) -> Result<Vec<Payload>, Abort> {
        let id = mine.identity.as_ref().ok_or(LocalFailure::NoPolicy)?;
        Ok(vec![
            Payload::new(KeyExchange { public: masked(&mine.public, MASK) }),
            Payload::new(SealedIdentification { octets: masked(id.raw(), MASK) }),
            Payload::new(Nonce { octets: masked(&mine.nonce, MASK) }),
        ])
    }

    fn open(&self, message: &Message, cx: &Cx<'_>) -> Work<Result<Contribution, Reject>> {
        let answer = cx.answers.iter().find_map(|answer| match answer {
            Answer::Decrypted(Ok(octets)) => octets.first().copied(),
            _ => None,
        });
        let Some(mask) = answer else {
            return Work::Pending(self.issue(0));
        };
        Work::Done(open(message, mask))
    }

    fn skeyid(&self, inputs: &KeyInputs<'_>) -> Result<Vec<SecretBytes>, Abort> {
        let suite = inputs.suite;
        let cookies = [&inputs.cookies.initiator.0[..], &inputs.cookies.responder.0[..]];
        let nonces = [inputs.ni_b, inputs.nr_b].concat();
        let hashed = suite.hash.digest(&[&nonces]);
        let mut forms = vec![suite.prf(hashed.as_ref(), &cookies), suite.prf(&nonces, &cookies)];
        if self.second_form_first {
            forms.reverse();
        }
        Ok(forms)
    }

    fn prove(&self, hash: &[u8], cx: &mut Cx<'_>) -> Work<Result<Vec<Payload>, Abort>> {
        if !cx.answers.iter().any(|answer| matches!(answer, Answer::Signature(Ok(_)))) {
            return Work::Pending(self.issue(PROOF));
        }
        Work::Done(Ok(vec![Payload::new(HashData { octets: Bytes::copy_from_slice(hash) })]))
    }

    fn verify(&self, hash: &[u8], message: &Message, _: &Cx<'_>) -> Work<Result<(), Reject>> {
        Work::Done(verify_hash(hash, message))
    }
}

fn open(message: &Message, mask: u8) -> Result<Contribution, Reject> {
    let missing = Misbehaviour::Missing;
    let public = message.get::<KeyExchange>().ok_or(missing(PayloadKind::KEY_EXCHANGE))?;
    let nonce = message.get::<Nonce>().ok_or(missing(PayloadKind::NONCE))?;
    let id = message.first(PayloadKind::IDENTIFICATION).ok_or(missing(PayloadKind::IDENTIFICATION))?;
    Ok(Contribution {
        public: masked(&public.public, mask),
        nonce: masked(&nonce.octets, mask),
        identity: Some(Payload::from_raw(PayloadKind::IDENTIFICATION, masked(id.raw(), mask))?),
    })
}

impl crate::Engine {
    /// Adds the method to the engine's.
    pub fn add_wrapped(&mut self, method: &'static Wrapped) {
        self.add_authenticator(method);
    }
}
