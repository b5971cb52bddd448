//! OpenSSL's random source.

use crypto_provider::{RandomFailed, SecureRandom};

pub(crate) struct OpensslRandom;

impl SecureRandom for OpensslRandom {
    fn fill(&self, out: &mut [u8]) -> Result<(), RandomFailed> {
        openssl::rand::rand_bytes(out).map_err(|_| RandomFailed)
    }
}
