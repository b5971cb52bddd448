//! The MODP groups (RFC 2409 6, RFC 3526).

use crypto_provider::{
    CryptoError, DhGroup, EphemeralKey, GroupId, InvalidPublic, PeerPublic, RandomFailed, SecureRandom,
    SharedSecret,
};
use openssl::bn::{BigNum, BigNumContext};
use openssl::error::ErrorStack;
use zeroize::{Zeroize as _, Zeroizing};

type Prime = fn() -> Result<BigNum, ErrorStack>;

/// The groups, their primes, and the octets of an exponent (RFC 3526 8).
pub(crate) const GROUPS: [(GroupId, Prime, usize); 8] = [
    (GroupId::MODP_768, BigNum::get_rfc2409_prime_768, 32),
    (GroupId::MODP_1024, BigNum::get_rfc2409_prime_1024, 32),
    (GroupId::MODP_1536, BigNum::get_rfc3526_prime_1536, 32),
    (GroupId::MODP_2048, BigNum::get_rfc3526_prime_2048, 40),
    (GroupId::MODP_3072, BigNum::get_rfc3526_prime_3072, 56),
    (GroupId::MODP_4096, BigNum::get_rfc3526_prime_4096, 64),
    (GroupId::MODP_6144, BigNum::get_rfc3526_prime_6144, 72),
    (GroupId::MODP_8192, BigNum::get_rfc3526_prime_8192, 80),
];

pub(crate) struct Modp {
    id: GroupId,
    prime: Vec<u8>,
    exponent_len: usize,
}

impl Modp {
    pub(crate) fn new(id: GroupId, prime: Prime, exponent_len: usize) -> Result<Self, ErrorStack> {
        Ok(Self { id, prime: prime()?.to_vec(), exponent_len })
    }
}

/// `base` to the power of `exponent`, with leading zeros to the prime's length.
fn power(base: &[u8], exponent: &[u8], prime: &[u8]) -> Result<Zeroizing<Vec<u8>>, ErrorStack> {
    let mut secret = BigNum::new_secure()?;
    secret.copy_from_slice(exponent)?;
    secret.set_const_time();
    let (base, prime_number) = (BigNum::from_slice(base)?, BigNum::from_slice(prime)?);
    let mut result = BigNum::new_secure()?;
    result.mod_exp(&base, &secret, &prime_number, &mut *BigNumContext::new_secure()?)?;
    let octets = result.to_vec_padded(i32::try_from(prime.len()).unwrap_or(i32::MAX))?;
    result.clear();
    Ok(Zeroizing::new(octets))
}

/// RFC 6989 2.1: 1 < y < p - 1, where both have the same length.
fn is_acceptable(public: &[u8], prime: &[u8]) -> bool {
    let above_one =
        public.split_last().is_some_and(|(last, rest)| *last > 1 || rest.iter().any(|octet| *octet != 0));
    // Every prime here is odd: p - 1 differs from p in its last bit only.
    let mut largest = prime.to_vec();
    if let Some(last) = largest.last_mut() {
        *last &= 0xfe;
    }
    above_one && public < largest.as_slice()
}

impl DhGroup for Modp {
    fn id(&self) -> GroupId {
        self.id
    }

    fn public_len(&self) -> usize {
        self.prime.len()
    }

    fn start(&self, random: &dyn SecureRandom) -> Result<Box<dyn EphemeralKey>, CryptoError> {
        let mut exponent = Zeroizing::new(vec![0; self.exponent_len]);
        random.fill(&mut exponent)?;
        let public = power(&[2], &exponent, &self.prime).map_err(|_| CryptoError::Unsupported)?;
        if !is_acceptable(&public, &self.prime) {
            return Err(RandomFailed.into());
        }
        Ok(Box::new(Ephemeral {
            group: self.id,
            prime: self.prime.clone(),
            exponent,
            public: public.to_vec(),
        }))
    }

    fn peer_public(&self, octets: &[u8]) -> Result<PeerPublic, InvalidPublic> {
        if octets.len() != self.prime.len() {
            return Err(InvalidPublic::Length { expected: self.prime.len(), actual: octets.len() });
        }
        if !is_acceptable(octets, &self.prime) {
            return Err(InvalidPublic::Element);
        }
        Ok(PeerPublic::checked(self.id, octets))
    }
}

struct Ephemeral {
    group: GroupId,
    prime: Vec<u8>,
    exponent: Zeroizing<Vec<u8>>,
    public: Vec<u8>,
}

impl EphemeralKey for Ephemeral {
    fn public(&self) -> &[u8] {
        &self.public
    }

    fn agree(&self, peer: &PeerPublic) -> Result<SharedSecret, CryptoError> {
        // Another implementation of the same group may have checked less.
        let fits = peer.octets().len() == self.prime.len() && is_acceptable(peer.octets(), &self.prime);
        if peer.group() != self.group || !fits {
            return Err(CryptoError::Unsupported);
        }
        let mut shared =
            power(peer.octets(), &self.exponent, &self.prime).map_err(|_| CryptoError::Unsupported)?;
        let secret = SharedSecret::new(shared.to_vec());
        shared.zeroize();
        Ok(secret)
    }
}
