use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crypto_provider::default::{OsRandom, SeededRandom};
use crypto_provider::{
    CryptoError, DhGroup, EphemeralKey, GroupId, InvalidPublic, PeerPublic, SecureRandom, SharedSecret,
};
use num_bigint::BigUint;

use super::flip;
use crate::common::{PrimeCase, cases};

#[derive(Clone, Copy, PartialEq)]
pub enum GroupFault {
    None,
    FlipShared,
    /// Alike on both sides.
    FlipBothShared,
    FlipPublic,
    /// 0, 1, p - 1 or p by its number here.
    Accepts(usize),
    AcceptsShort,
    /// The refused value of this number, in the order of the checks of a curve.
    AcceptsPoint(usize),
    SameExponent,
    HidesRandomFailure,
    AnyGroup,
    Unpadded,
    UsedUp,
    /// Multiplies instead of raising: both sides agree, and anyone can compute the secret.
    Additive,
}

pub struct BadGroup {
    pub inner: &'static dyn DhGroup,
    pub id: GroupId,
    pub fault: GroupFault,
    /// Refused values of the right length so far.
    pub refused: AtomicUsize,
}

impl BadGroup {
    pub fn new(inner: &'static dyn DhGroup, id: GroupId, fault: GroupFault) -> Self {
        Self { inner, id, fault, refused: AtomicUsize::new(0) }
    }

    fn prime(&self) -> BigUint {
        let primes = cases::<PrimeCase>("modp-primes.json", 8);
        let case = primes.iter().find(|case| case.group == self.inner.id().0).unwrap();
        BigUint::from_bytes_be(&case.prime)
    }
}

fn padded(number: &BigUint, len: usize) -> Vec<u8> {
    let octets = number.to_bytes_be();
    [vec![0; len - octets.len()], octets].concat()
}

impl DhGroup for BadGroup {
    fn id(&self) -> GroupId {
        self.id
    }

    fn public_len(&self) -> usize {
        self.inner.public_len()
    }

    fn shared_len(&self) -> usize {
        self.inner.shared_len()
    }

    fn start(&self, random: &dyn SecureRandom) -> Result<Box<dyn EphemeralKey>, CryptoError> {
        if self.fault == GroupFault::Additive {
            let mut exponent = [0; 32];
            random.fill(&mut exponent)?;
            let exponent = BigUint::from_bytes_be(&exponent);
            let prime = self.prime();
            let public = padded(&(&exponent * 2_u32 % &prime), self.public_len());
            return Ok(Box::new(Additive { group: self.id, exponent, prime, public }));
        }
        let inner = match self.fault {
            GroupFault::SameExponent => {
                random.fill(&mut [0])?;
                self.inner.start(&SeededRandom::new(1))?
            }
            GroupFault::HidesRandomFailure => {
                self.inner.start(random).or_else(|_| self.inner.start(&OsRandom))?
            }
            _ => self.inner.start(random)?,
        };
        let mut public = inner.public().to_vec();
        if self.fault == GroupFault::FlipPublic {
            flip(&mut public);
        }
        Ok(Box::new(BadKey {
            inner,
            inner_id: self.inner.id(),
            id: self.id,
            fault: self.fault,
            public,
            used: AtomicBool::new(false),
        }))
    }

    fn peer_public(&self, octets: &[u8]) -> Result<PeerPublic, InvalidPublic> {
        let checked = Ok(PeerPublic::checked(self.id, octets));
        let number = BigUint::from_bytes_be(octets);
        match self.fault {
            GroupFault::Accepts(which) => {
                let prime = self.prime();
                let bad = [BigUint::ZERO, BigUint::from(1_u32), &prime - 1_u32, prime];
                if octets.len() == self.public_len() && number == bad[which] {
                    return checked;
                }
            }
            GroupFault::AcceptsPoint(which)
                if octets.len() == self.public_len()
                    && self.inner.peer_public(octets).is_err()
                    && self.refused.fetch_add(1, Ordering::Relaxed) == which =>
            {
                return checked;
            }
            GroupFault::AcceptsShort if octets.len() + 1 == self.public_len() => return checked,
            _ => {}
        }
        self.inner.peer_public(octets)?;
        checked
    }
}

struct BadKey {
    inner: Box<dyn EphemeralKey>,
    inner_id: GroupId,
    id: GroupId,
    fault: GroupFault,
    public: Vec<u8>,
    used: AtomicBool,
}

impl EphemeralKey for BadKey {
    fn public(&self) -> &[u8] {
        &self.public
    }

    fn agree(&self, peer: &PeerPublic) -> Result<SharedSecret, CryptoError> {
        if peer.group() != self.id && self.fault != GroupFault::AnyGroup {
            return Err(CryptoError::Unsupported);
        }
        let shared = self.inner.agree(&PeerPublic::checked(self.inner_id, peer.octets()))?;
        let mut octets = shared.expose().to_vec();
        match self.fault {
            // Differs between the two sides.
            GroupFault::FlipShared => {
                octets.iter_mut().zip(&self.public).for_each(|(octet, mine)| *octet ^= mine)
            }
            GroupFault::FlipBothShared => flip(&mut octets),
            GroupFault::Unpadded => {
                let zeros = octets.iter().take_while(|octet| **octet == 0).count();
                octets.drain(..zeros);
            }
            GroupFault::UsedUp if self.used.swap(true, Ordering::Relaxed) => flip(&mut octets),
            _ => {}
        }
        Ok(SharedSecret::new(octets))
    }
}

struct Additive {
    group: GroupId,
    exponent: BigUint,
    prime: BigUint,
    public: Vec<u8>,
}

impl EphemeralKey for Additive {
    fn public(&self) -> &[u8] {
        &self.public
    }

    fn agree(&self, peer: &PeerPublic) -> Result<SharedSecret, CryptoError> {
        if peer.group() != self.group {
            return Err(CryptoError::Unsupported);
        }
        let product = BigUint::from_bytes_be(peer.octets()) * &self.exponent % &self.prime;
        Ok(SharedSecret::new(padded(&product, self.public.len())))
    }
}
