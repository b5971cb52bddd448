//! HMAC (RFC 2104): the `prf` of IKE and, truncated, the integrity check of ESP and AH.

use alloc::boxed::Box;
use core::marker::PhantomData;

use ::hmac::digest::{Digest, Key};
use ::hmac::{EagerHash, Hmac, KeyInit, Mac};
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use crate::{HashAlgorithm, Mismatch, Prf, PrfKey};

pub(super) static MD5: Function<md5::Md5> = Function::new(HashAlgorithm::Md5);
pub(super) static SHA1: Function<sha1::Sha1> = Function::new(HashAlgorithm::Sha1);
pub(super) static SHA256: Function<sha2::Sha256> = Function::new(HashAlgorithm::Sha256);
pub(super) static SHA384: Function<sha2::Sha384> = Function::new(HashAlgorithm::Sha384);
pub(super) static SHA512: Function<sha2::Sha512> = Function::new(HashAlgorithm::Sha512);

/// HMAC over a hash function, by its RustCrypto type.
pub(super) struct Function<D> {
    algorithm: HashAlgorithm,
    hash: PhantomData<D>,
}

impl<D> Function<D> {
    const fn new(algorithm: HashAlgorithm) -> Self {
        Self { algorithm, hash: PhantomData }
    }
}

impl<D> Prf for Function<D>
where
    D: EagerHash + Digest + Send + Sync + 'static,
    Hmac<D>: Mac + KeyInit + Clone + Send + Sync,
{
    fn algorithm(&self) -> HashAlgorithm {
        self.algorithm
    }

    fn key(&self, key: &[u8]) -> Box<dyn PrfKey> {
        // RFC 2104 2: a key longer than the block is hashed, a shorter one padded with zeros. Done here because
        // only the constructor that takes a whole block cannot fail.
        let mut block = Key::<Hmac<D>>::default();
        if key.len() > block.len() {
            let mut hashed = D::digest(key);
            block.iter_mut().zip(&hashed).for_each(|(to, from)| *to = *from);
            hashed.as_mut_slice().zeroize();
        } else {
            block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
        }
        let keyed = <Hmac<D> as KeyInit>::new(&block);
        block.as_mut_slice().zeroize();
        Box::new(HmacKey(keyed))
    }
}

/// The state after both padded keys: cloned onto the stack for each computation, wiped by its own crate.
struct HmacKey<M>(M);

impl<M: Mac + Clone> HmacKey<M> {
    fn full(&self, parts: &[&[u8]]) -> ::hmac::digest::Output<M> {
        let mut state = self.0.clone();
        for part in parts {
            state.update(part);
        }
        state.finalize().into_bytes()
    }
}

impl<M: Mac + Clone + Send + Sync> PrfKey for HmacKey<M> {
    fn compute(&self, parts: &[&[u8]], out: &mut [u8]) {
        let mut full = self.full(parts);
        let whole = full.iter().copied().chain(core::iter::repeat(0));
        out.iter_mut().zip(whole).for_each(|(to, from)| *to = from);
        full.as_mut_slice().zeroize();
    }

    fn verify(&self, parts: &[&[u8]], icv: &[u8]) -> Result<(), Mismatch> {
        let mut full = self.full(parts);
        // An empty prefix would always match.
        let matches = match full.get(..icv.len()) {
            Some(expected) if !icv.is_empty() => bool::from(expected.ct_eq(icv)),
            _ => false,
        };
        // What was expected of a forged packet is a valid code for it.
        full.as_mut_slice().zeroize();
        if matches { Ok(()) } else { Err(Mismatch) }
    }
}
