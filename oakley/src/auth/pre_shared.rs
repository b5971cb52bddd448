//! Pre-shared keys (RFC 2409 5.4).
//!
//! ```text
//! SKEYID = prf(pre-shared-key, Ni_b | Nr_b)
//! HDR, KE, Ni          -->
//!                      <--  HDR, KE, Nr
//! HDR*, IDii, HASH_I   -->
//!                      <--  HDR*, IDir, HASH_R
//! ```

use alloc::vec;
use alloc::vec::Vec;

use bytes::Bytes;
use crypto_provider::{SecretBytes, Work};
use isakmp_wire::payload::{HashData, KeyExchange, Nonce};
use isakmp_wire::{Message, Payload, PayloadKind};
use subtle::ConstantTimeEq;

use crate::auth::{
    AuthCx, Authenticator, Contribution, Credentials, HASH_PROOF, IdentitySlot, KeyInputs, PLAIN_CONTRIBUTION,
};
use crate::context::Cx;
use crate::error::{Abort, Incompatibility, Misbehaviour, Reject};
use crate::exchange::shape::Shape;
use crate::policy::{AuthMethod, KeyQuery};

/// The method.
pub(crate) struct PreShared;

impl Authenticator for PreShared {
    fn method(&self) -> AuthMethod {
        AuthMethod::PreShared
    }

    fn identity_slot(&self) -> IdentitySlot {
        IdentitySlot::WithProof
    }

    fn proof_can_be_guessed_at(&self) -> bool {
        true
    }

    fn contribution_shape(&self) -> Shape {
        PLAIN_CONTRIBUTION
    }

    fn proof_shape(&self) -> Shape {
        HASH_PROOF
    }

    fn credentials(&self, peer: &AuthCx<'_>, cx: &Cx<'_>) -> Work<Result<Credentials, Reject>> {
        // RFC 2409 5.4: where the identity comes encrypted, after the key is needed, the address is all there is.
        let query = peer.peer.map_or(KeyQuery::Address(peer.path.remote.ip()), KeyQuery::Identity);
        cx.pre_shared_keys(query).map(|keys| {
            if keys.is_empty() {
                return Err(Incompatibility::NoKey(peer.peer.cloned()).into());
            }
            Ok(Credentials::PreShared(keys))
        })
    }

    fn seal(&self, mine: &Contribution, _: &mut Cx<'_>) -> Result<Vec<Payload>, Abort> {
        Ok(plain_contribution(mine))
    }

    fn open(&self, message: &Message, _: &Cx<'_>) -> Work<Result<Contribution, Reject>> {
        Work::Done(read_plain_contribution(message))
    }

    fn skeyid(&self, inputs: &KeyInputs<'_>) -> Result<Vec<SecretBytes>, Abort> {
        let Credentials::PreShared(keys) = inputs.credentials;
        Ok(keys.iter().map(|key| inputs.suite.prf(key.expose(), &[inputs.ni_b, inputs.nr_b])).collect())
    }

    fn prove(&self, hash: &[u8], _: &mut Cx<'_>) -> Work<Result<Vec<Payload>, Abort>> {
        Work::Done(Ok(vec![Payload::new(HashData { octets: hash.to_vec().into() })]))
    }

    fn verify(&self, hash: &[u8], message: &Message, _: &Cx<'_>) -> Work<Result<(), Reject>> {
        Work::Done(verify_hash(hash, message))
    }
}

/// The HASH payload equals `hash`, compared in constant time and at full length.
pub(crate) fn verify_hash(hash: &[u8], message: &Message) -> Result<(), Reject> {
    let received = message.get::<HashData>().ok_or(Misbehaviour::Missing(PayloadKind::HASH))?;
    if bool::from(hash.ct_eq(&received.octets)) { Ok(()) } else { Err(Misbehaviour::Undecipherable.into()) }
}

/// KE and nonce in clear.
pub(crate) fn plain_contribution(mine: &Contribution) -> Vec<Payload> {
    vec![
        Payload::new(KeyExchange { public: mine.public.clone() }),
        Payload::new(Nonce { octets: mine.nonce.clone() }),
    ]
}

/// KE and nonce out of clear payloads.
pub(crate) fn read_plain_contribution(message: &Message) -> Result<Contribution, Reject> {
    let public = message.get::<KeyExchange>().ok_or(Misbehaviour::Missing(PayloadKind::KEY_EXCHANGE))?;
    let nonce = message.get::<Nonce>().ok_or(Misbehaviour::Missing(PayloadKind::NONCE))?;
    // Copies: a slice would keep the whole datagram alive, and a stranger may pad that.
    let copy = |octets: &Bytes| Bytes::copy_from_slice(octets);
    Ok(Contribution { public: copy(&public.public), nonce: copy(&nonce.octets), identity: None })
}
