//! Diffie-Hellman over the MODP groups (RFC 2409 6, RFC 3526).

mod primes;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::marker::PhantomData;

use crypto_bigint::modular::{ConstMontyForm, ConstMontyParams};
use crypto_bigint::{U640, Uint};
use zeroize::{Zeroize, Zeroizing};

use crate::{
    CryptoError, DhGroup, EphemeralKey, GroupId, InvalidPublic, PeerPublic, RandomFailed, SecureRandom,
    SharedSecret,
};

// RFC 3526 8: an exponent has at least twice the group's strength in bits. Octets, by the higher of the two
// estimates there; the groups of RFC 2409 get what group 5 gets, which is far above their strength.
pub(super) static MODP_768: Modp<primes::Prime768, { limbs(768) }> = Modp::new(GroupId::MODP_768, 32);
pub(super) static MODP_1024: Modp<primes::Prime1024, { limbs(1024) }> = Modp::new(GroupId::MODP_1024, 32);
pub(super) static MODP_1536: Modp<primes::Prime1536, { limbs(1536) }> = Modp::new(GroupId::MODP_1536, 32);
pub(super) static MODP_2048: Modp<primes::Prime2048, { limbs(2048) }> = Modp::new(GroupId::MODP_2048, 40);
pub(super) static MODP_3072: Modp<primes::Prime3072, { limbs(3072) }> = Modp::new(GroupId::MODP_3072, 56);
pub(super) static MODP_4096: Modp<primes::Prime4096, { limbs(4096) }> = Modp::new(GroupId::MODP_4096, 64);
pub(super) static MODP_6144: Modp<primes::Prime6144, { limbs(6144) }> = Modp::new(GroupId::MODP_6144, 72);
pub(super) static MODP_8192: Modp<primes::Prime8192, { limbs(8192) }> = Modp::new(GroupId::MODP_8192, 80);

const fn limbs(bits: u32) -> usize {
    bits.div_ceil(crypto_bigint::Limb::BITS) as usize
}

/// A group whose prime is `P`; its Montgomery parameters are computed at compile time.
pub(super) struct Modp<P, const LIMBS: usize> {
    id: GroupId,
    /// Octets of a secret exponent.
    exponent_len: usize,
    prime: PhantomData<P>,
}

impl<P, const LIMBS: usize> Modp<P, LIMBS> {
    const fn new(id: GroupId, exponent_len: usize) -> Self {
        Self { id, exponent_len, prime: PhantomData }
    }
}

impl<P: ConstMontyParams<LIMBS>, const LIMBS: usize> DhGroup for Modp<P, LIMBS> {
    fn id(&self) -> GroupId {
        self.id
    }

    fn public_len(&self) -> usize {
        Uint::<LIMBS>::BYTES
    }

    fn start(&self, random: &dyn SecureRandom) -> Result<Box<dyn EphemeralKey>, CryptoError> {
        let mut octets = Zeroizing::new([0; EXPONENT_MAX]);
        let (_, drawn) = octets.split_at_mut(EXPONENT_MAX.saturating_sub(self.exponent_len));
        random.fill(drawn)?;
        let exponent = Zeroizing::new(U640::from_be_slice(&*octets));
        let public = power::<P, LIMBS, _>(&Uint::from(GENERATOR), &exponent, self.exponent_len);
        // A source that yields zeros is broken; its public value would be 1.
        if !is_acceptable::<P, LIMBS>(&public) {
            return Err(RandomFailed.into());
        }
        Ok(Box::new(Ephemeral::<P, LIMBS> {
            group: self.id,
            exponent,
            exponent_len: self.exponent_len,
            public: public.to_be_bytes().as_ref().to_vec(),
            prime: PhantomData,
        }))
    }

    fn peer_public(&self, octets: &[u8]) -> Result<PeerPublic, InvalidPublic> {
        // RFC 2409 5: a KE payload has the group's length, with leading zeros where the value needs them.
        if octets.len() != Uint::<LIMBS>::BYTES {
            return Err(InvalidPublic::Length { expected: Uint::<LIMBS>::BYTES, actual: octets.len() });
        }
        if !is_acceptable::<P, LIMBS>(&Uint::from_be_slice(octets)) {
            return Err(InvalidPublic::Element);
        }
        Ok(PeerPublic::checked(self.id, octets))
    }
}

/// A secret exponent, which is wiped when dropped, and its public value.
struct Ephemeral<P, const LIMBS: usize> {
    group: GroupId,
    exponent: Zeroizing<U640>,
    /// Its length, which is public and bounds the work.
    exponent_len: usize,
    public: Vec<u8>,
    prime: PhantomData<P>,
}

impl<P: ConstMontyParams<LIMBS>, const LIMBS: usize> EphemeralKey for Ephemeral<P, LIMBS> {
    fn public(&self) -> &[u8] {
        &self.public
    }

    fn agree(&self, peer: &PeerPublic) -> Result<SharedSecret, CryptoError> {
        if peer.group() != self.group || peer.octets().len() != Uint::<LIMBS>::BYTES {
            return Err(CryptoError::Unsupported);
        }
        let public = Uint::from_be_slice(peer.octets());
        // Another implementation of the same group may have checked less.
        if !is_acceptable::<P, LIMBS>(&public) {
            return Err(CryptoError::Unsupported);
        }
        let mut shared = power::<P, LIMBS, _>(&public, &self.exponent, self.exponent_len);
        // RFC 2409 5: the secret enters the key derivation with its leading zeros.
        let mut encoded = shared.to_be_bytes();
        shared.zeroize();
        let secret = SharedSecret::new(encoded.as_ref().to_vec());
        encoded.zeroize();
        Ok(secret)
    }
}

/// RFC 6989 2.1: 1 < y < p - 1. No more is needed, since every other element of a safe prime's group has an
/// order of at least (p - 1) / 2.
fn is_acceptable<P: ConstMontyParams<LIMBS>, const LIMBS: usize>(public: &Uint<LIMBS>) -> bool {
    let largest = P::PARAMS.modulus().as_ref().wrapping_sub(&Uint::from(2_u8));
    *public > Uint::ONE && *public <= largest
}

/// `base` to the power of the last `octets` octets of `exponent`, in a time that depends on their number only.
fn power<P: ConstMontyParams<LIMBS>, const LIMBS: usize, const EXPONENT: usize>(
    base: &Uint<LIMBS>,
    exponent: &Uint<EXPONENT>,
    octets: usize,
) -> Uint<LIMBS> {
    let bits = u32::try_from(octets.saturating_mul(8)).unwrap_or(u32::MAX).min(Uint::<EXPONENT>::BITS);
    let mut result = ConstMontyForm::<P, LIMBS>::new(base).pow_bounded_exp(exponent, bits);
    let value = result.retrieve();
    result.zeroize();
    value
}

const GENERATOR: u8 = 2;

/// Octets of the longest exponent.
const EXPONENT_MAX: usize = 80;

#[cfg(test)]
mod tests;
