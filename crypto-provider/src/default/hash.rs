//! Hash functions.

use core::marker::PhantomData;

use crate::{Digest, Hash, HashAlgorithm};

pub(super) static MD5: Function<md5::Md5> = Function::new(HashAlgorithm::Md5);
pub(super) static SHA1: Function<sha1::Sha1> = Function::new(HashAlgorithm::Sha1);
pub(super) static SHA256: Function<sha2::Sha256> = Function::new(HashAlgorithm::Sha256);
pub(super) static SHA384: Function<sha2::Sha384> = Function::new(HashAlgorithm::Sha384);
pub(super) static SHA512: Function<sha2::Sha512> = Function::new(HashAlgorithm::Sha512);

/// A hash function by its RustCrypto type.
pub(super) struct Function<D> {
    algorithm: HashAlgorithm,
    function: PhantomData<D>,
}

impl<D> Function<D> {
    const fn new(algorithm: HashAlgorithm) -> Self {
        Self { algorithm, function: PhantomData }
    }
}

impl<D: ::hmac::digest::Digest + Send + Sync> Hash for Function<D> {
    fn algorithm(&self) -> HashAlgorithm {
        self.algorithm
    }

    fn digest(&self, parts: &[&[u8]]) -> Digest {
        let mut state = D::new();
        for part in parts {
            state.update(part);
        }
        Digest::new(&state.finalize())
    }
}
