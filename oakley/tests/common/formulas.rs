//! RFC 2409's formulas written down a second time, over a provider's primitives alone.

use crypto_provider::default::provider;
use crypto_provider::{CipherAlgorithm, HashAlgorithm};

pub fn prf(hash: HashAlgorithm, key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut out = vec![0; hash.output_len()];
    provider().prf(hash).unwrap().key(key).compute(&[&parts.concat()], &mut out);
    out
}

pub fn digest(hash: HashAlgorithm, parts: &[&[u8]]) -> Vec<u8> {
    provider().hash(hash).unwrap().digest(&[&parts.concat()]).as_ref().to_vec()
}

/// RFC 2409 5.5: KEYMAT is stretched by feeding each block into the next.
pub fn keymat(hash: HashAlgorithm, skeyid_d: &[u8], seed: &[u8], octets: usize) -> Vec<u8> {
    let mut all = Vec::new();
    let mut block = Vec::new();
    while all.len() < octets {
        block = prf(hash, skeyid_d, &[&block, seed]);
        all.extend_from_slice(&block);
    }
    all.truncate(octets);
    all
}

/// RFC 2409 Appendix B: Ka is stretched from a prf over one zero octet, without SKEYID_e itself.
pub fn ka(hash: HashAlgorithm, skeyid_e: &[u8], octets: usize) -> Vec<u8> {
    if skeyid_e.len() >= octets {
        return skeyid_e[..octets].to_vec();
    }
    let mut block = prf(hash, skeyid_e, &[&[0]]);
    let mut all = block.clone();
    while all.len() < octets {
        block = prf(hash, skeyid_e, &[&block]);
        all.extend_from_slice(&block);
    }
    all.truncate(octets);
    all
}

pub fn block_len(cipher: CipherAlgorithm) -> usize {
    provider().cipher(cipher).unwrap().block_len()
}

pub fn decrypt(cipher: CipherAlgorithm, key: &[u8], iv: &[u8], octets: &[u8]) -> Vec<u8> {
    let mut octets = octets.to_vec();
    provider().cipher(cipher).unwrap().key(key).unwrap().decrypt(iv, &mut octets).unwrap();
    octets
}

pub fn encrypt(cipher: CipherAlgorithm, key: &[u8], iv: &[u8], octets: &[u8]) -> Vec<u8> {
    let mut octets = octets.to_vec();
    provider().cipher(cipher).unwrap().key(key).unwrap().encrypt(iv, &mut octets).unwrap();
    octets
}
