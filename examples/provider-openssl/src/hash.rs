//! Hash functions.

use crypto_provider::{Digest, Hash, HashAlgorithm};
use openssl::hash::{Hasher, MessageDigest};

pub(crate) struct Function(pub(crate) HashAlgorithm);

impl Hash for Function {
    fn algorithm(&self) -> HashAlgorithm {
        self.0
    }

    fn digest(&self, parts: &[&[u8]]) -> Digest {
        let Some(digest) = message_digest(self.0) else { return Digest::new(&[]) };
        let whole = || {
            let mut hasher = Hasher::new(digest)?;
            for part in parts {
                hasher.update(part)?;
            }
            hasher.finish()
        };
        // An empty value is no hash of anything: whoever compares it, or keys with it, fails at once.
        whole().map_or_else(|_| Digest::new(&[]), |octets| Digest::new(&octets))
    }
}

/// OpenSSL's name; the list of names grows, and OpenSSL may not follow.
pub(crate) fn message_digest(algorithm: HashAlgorithm) -> Option<MessageDigest> {
    match algorithm {
        HashAlgorithm::Md5 => Some(MessageDigest::md5()),
        HashAlgorithm::Sha1 => Some(MessageDigest::sha1()),
        HashAlgorithm::Sha256 => Some(MessageDigest::sha256()),
        HashAlgorithm::Sha384 => Some(MessageDigest::sha384()),
        HashAlgorithm::Sha512 => Some(MessageDigest::sha512()),
        _ => None,
    }
}
