//! HASH_I and HASH_R (RFC 2409 5): the order of their inputs stands here and nowhere else.
//!
//! ```text
//! HASH_I = prf(SKEYID, g^xi | g^xr | CKY-I | CKY-R | SAi_b | IDii_b)
//! HASH_R = prf(SKEYID, g^xr | g^xi | CKY-R | CKY-I | SAi_b | IDir_b)
//! ```

use crypto_provider::{PrfKey, SecretBytes};

use crate::event::Cookies;
use crate::keys;
use crate::policy::Role;

/// What both hashes cover. All octets are as they travelled.
pub(crate) struct ProofInputs<'a> {
    pub(crate) g_xi: &'a [u8],
    pub(crate) g_xr: &'a [u8],
    pub(crate) cookies: &'a Cookies,
    /// SAi_b: the initiator's offer, in both hashes.
    pub(crate) sa_i_b: &'a [u8],
    /// Body of the prover's ID payload.
    pub(crate) id_b: &'a [u8],
}

impl<'a> ProofInputs<'a> {
    /// The inputs of the proof of `prover`, by name.
    pub(crate) fn named(&self, prover: Role) -> [(&'static str, &'a [u8]); 6] {
        let (i, r) = (&self.cookies.initiator.0[..], &self.cookies.responder.0[..]);
        match prover {
            Role::Initiator => [
                ("g^xi", self.g_xi),
                ("g^xr", self.g_xr),
                ("CKY-I", i),
                ("CKY-R", r),
                ("SAi_b", self.sa_i_b),
                ("IDii_b", self.id_b),
            ],
            Role::Responder => [
                ("g^xr", self.g_xr),
                ("g^xi", self.g_xi),
                ("CKY-R", r),
                ("CKY-I", i),
                ("SAi_b", self.sa_i_b),
                ("IDir_b", self.id_b),
            ],
        }
    }

    /// The hash that proves `prover`.
    pub(crate) fn hash(&self, prover: Role, skeyid: &dyn PrfKey, len: usize) -> SecretBytes {
        keys::compute(skeyid, len, &self.named(prover).map(|(_, octets)| octets))
    }
}
