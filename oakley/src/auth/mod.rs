//! Authentication methods, apart from the exchanges that carry them.
//!
//! The exchanges never match on the method; a method never knows the exchange. What RSA encryption changes in messages 3
//! and 4 (how KE, nonce and identity travel) is why [`Authenticator::seal`] and [`Authenticator::open`] exist.

pub(crate) mod pre_shared;
pub(crate) mod proof;

use alloc::sync::Arc;
use alloc::vec::Vec;

use bytes::Bytes;
use crypto_provider::{SecretBytes, Work};
use isakmp_wire::{Message, Payload, PayloadKind};

use crate::context::Cx;
use crate::error::{Abort, Reject};
use crate::event::Cookies;
use crate::exchange::shape::Shape;
use crate::identity::Identity;
use crate::keys::Suite;
use crate::policy::{AuthMethod, Path};

/// The methods that an engine has.
pub(crate) const AUTHENTICATORS: &[&dyn Authenticator] = &[&pre_shared::PreShared];

/// With which act the identity travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IdentitySlot {
    /// With KE and nonce: both RSA encryptions.
    #[cfg_attr(
        not(feature = "test-support"),
        expect(dead_code, reason = "RSA encryption is the method that needs it")
    )]
    WithContribution,
    /// With the proof: pre-shared keys and signatures.
    WithProof,
}

/// What one side contributes to the keys.
#[derive(Clone)]
pub(crate) struct Contribution {
    /// Body of the KE payload.
    pub(crate) public: Bytes,
    /// Body of the NONCE payload, decrypted.
    pub(crate) nonce: Bytes,
    /// The ID payload, where it travels with the contribution.
    pub(crate) identity: Option<Payload>,
}

/// What a method knows about the peer before keys are made.
#[derive(Clone)]
pub(crate) enum Credentials {
    /// Pre-shared keys, most likely first.
    PreShared(Arc<[SecretBytes]>),
}

/// What SKEYID is made of (RFC 2409 5).
pub(crate) struct KeyInputs<'a> {
    pub(crate) suite: &'a Suite,
    pub(crate) credentials: &'a Credentials,
    pub(crate) ni_b: &'a [u8],
    pub(crate) nr_b: &'a [u8],
    /// g^xy, padded to the group's length: signatures.
    #[expect(dead_code, reason = "signatures are the method that needs it")]
    pub(crate) g_xy: &'a [u8],
    /// RSA encryption.
    #[cfg_attr(
        not(feature = "test-support"),
        expect(dead_code, reason = "RSA encryption is the method that needs it")
    )]
    pub(crate) cookies: &'a Cookies,
}

/// Who is to be authenticated, and where.
pub(crate) struct AuthCx<'a> {
    pub(crate) path: &'a Path,
    /// The peer's identity, where it is known already.
    pub(crate) peer: Option<&'a Identity>,
}

/// An authentication method.
pub(crate) trait Authenticator: Send + Sync {
    fn method(&self) -> AuthMethod;

    fn identity_slot(&self) -> IdentitySlot;

    /// Whether whoever sees a proof of this method can try keys against it.
    fn proof_can_be_guessed_at(&self) -> bool {
        false
    }

    /// The payloads of a contribution.
    fn contribution_shape(&self) -> Shape;

    /// The payloads of a proof.
    fn proof_shape(&self) -> Shape;

    /// What is needed to know the peer: looked up before the exponentiation that a stranger could cause.
    fn credentials(&self, peer: &AuthCx<'_>, cx: &Cx<'_>) -> Work<Result<Credentials, Reject>>;

    /// KE, nonce and perhaps identity as payloads.
    fn seal(&self, mine: &Contribution, cx: &mut Cx<'_>) -> Result<Vec<Payload>, Abort>;

    /// The peer's contribution out of its payloads.
    fn open(&self, message: &Message, cx: &Cx<'_>) -> Work<Result<Contribution, Reject>>;

    /// SKEYID, in each form that may hold; the HASH will choose. All are always computed.
    fn skeyid(&self, inputs: &KeyInputs<'_>) -> Result<Vec<SecretBytes>, Abort>;

    /// What proves us: HASH, or certificates and SIG over it.
    fn prove(&self, hash: &[u8], cx: &mut Cx<'_>) -> Work<Result<Vec<Payload>, Abort>>;

    /// Checks what should prove the peer against the hash that it must have computed.
    fn verify(&self, hash: &[u8], message: &Message, cx: &Cx<'_>) -> Work<Result<(), Reject>>;
}

/// Messages 3 and 4 where nothing is encrypted.
pub(crate) const PLAIN_CONTRIBUTION: Shape =
    Shape { required: &[PayloadKind::KEY_EXCHANGE, PayloadKind::NONCE], optional: &[], leading: &[] };

/// A proof by HASH. The identity may be here or have come before; more than one is never right.
pub(crate) const HASH_PROOF: Shape =
    Shape { required: &[PayloadKind::HASH], optional: &[PayloadKind::IDENTIFICATION], leading: &[] };
