//! The ECP groups (RFC 5903): a public value is x | y, a shared secret is x alone.

use crypto_provider::{
    CryptoError, DhGroup, EphemeralKey, GroupId, InvalidPublic, PeerPublic, RandomFailed, SecureRandom,
    SharedSecret,
};
use openssl::bn::{BigNum, BigNumContext};
use openssl::ec::{EcGroup, EcPoint};
use openssl::error::ErrorStack;
use openssl::nid::Nid;
use zeroize::Zeroizing;

/// The groups, OpenSSL's names of their curves, and the bits of a coordinate.
pub(crate) const CURVES: [(GroupId, Nid, usize); 3] = [
    (GroupId::ECP_256, Nid::X9_62_PRIME256V1, 256),
    (GroupId::ECP_384, Nid::SECP384R1, 384),
    (GroupId::ECP_521, Nid::SECP521R1, 521),
];

/// A draw is not below the order once in 2^32 times at most; a source that fails so often is broken.
const MAX_DRAWS: usize = 4;

pub(crate) struct Ecp {
    id: GroupId,
    curve: Nid,
    bits: usize,
    order: Vec<u8>,
    prime: Vec<u8>,
}

impl Ecp {
    pub(crate) fn new(id: GroupId, curve: Nid, bits: usize) -> Result<Self, ErrorStack> {
        let group = EcGroup::from_curve_name(curve)?;
        let (mut prime, mut a, mut b, mut order) =
            (BigNum::new()?, BigNum::new()?, BigNum::new()?, BigNum::new()?);
        let context = &mut *BigNumContext::new()?;
        group.components_gfp(&mut prime, &mut a, &mut b, context)?;
        group.order(&mut order, context)?;
        Ok(Self { id, curve, bits, order: order.to_vec(), prime: prime.to_vec() })
    }

    const fn coordinate_len(&self) -> usize {
        self.bits.div_ceil(8)
    }

    /// A secret between 1 and the order less one.
    fn draw(&self, random: &dyn SecureRandom) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let mut octets = Zeroizing::new(vec![0; self.coordinate_len()]);
        for _ in 0..MAX_DRAWS {
            random.fill(&mut octets)?;
            if let Some(first) = octets.first_mut() {
                *first &= u8::MAX >> (self.coordinate_len() * 8 - self.bits);
            }
            if octets.iter().any(|octet| *octet != 0) && *octets < self.order {
                return Ok(octets);
            }
        }
        Err(RandomFailed.into())
    }

    /// RFC 6989 2.3: both coordinates are below the prime and the point is on the curve, which OpenSSL checks.
    fn point(&self, octets: &[u8]) -> Option<(EcGroup, EcPoint)> {
        let (x, y) = octets.split_at_checked(self.coordinate_len())?;
        if octets.len() != self.public_len() || x >= self.prime.as_slice() || y >= self.prime.as_slice() {
            return None;
        }
        let made = || -> Result<(EcGroup, EcPoint), ErrorStack> {
            let group = EcGroup::from_curve_name(self.curve)?;
            let mut point = EcPoint::new(&group)?;
            let (x, y) = (BigNum::from_slice(x)?, BigNum::from_slice(y)?);
            point.set_affine_coordinates_gfp(&group, &x, &y, &mut *BigNumContext::new()?)?;
            Ok((group, point))
        };
        made().ok()
    }
}

/// x and y of a point, each with leading zeros.
fn coordinates(group: &EcGroup, point: &EcPoint, len: usize) -> Result<[Zeroizing<Vec<u8>>; 2], ErrorStack> {
    let (mut x, mut y) = (BigNum::new_secure()?, BigNum::new_secure()?);
    point.affine_coordinates(group, &mut x, &mut y, &mut *BigNumContext::new_secure()?)?;
    let len = i32::try_from(len).unwrap_or(i32::MAX);
    Ok([Zeroizing::new(x.to_vec_padded(len)?), Zeroizing::new(y.to_vec_padded(len)?)])
}

/// The secret as a number that OpenSSL treats in constant time.
fn number(secret: &[u8]) -> Result<BigNum, ErrorStack> {
    let mut number = BigNum::new_secure()?;
    number.copy_from_slice(secret)?;
    number.set_const_time();
    Ok(number)
}

impl DhGroup for Ecp {
    fn id(&self) -> GroupId {
        self.id
    }

    fn public_len(&self) -> usize {
        2 * self.coordinate_len()
    }

    fn shared_len(&self) -> usize {
        self.coordinate_len()
    }

    fn start(&self, random: &dyn SecureRandom) -> Result<Box<dyn EphemeralKey>, CryptoError> {
        let secret = self.draw(random)?;
        let public = || -> Result<Vec<u8>, ErrorStack> {
            let group = EcGroup::from_curve_name(self.curve)?;
            let mut point = EcPoint::new(&group)?;
            point.mul_generator2(&group, &*number(&secret)?, &mut *BigNumContext::new_secure()?)?;
            Ok(coordinates(&group, &point, self.coordinate_len())?.map(|octets| octets.to_vec()).concat())
        };
        let public = public().map_err(|_| CryptoError::Unsupported)?;
        let group = Self {
            id: self.id,
            curve: self.curve,
            bits: self.bits,
            order: self.order.clone(),
            prime: self.prime.clone(),
        };
        Ok(Box::new(Ephemeral { group, secret, public }))
    }

    fn peer_public(&self, octets: &[u8]) -> Result<PeerPublic, InvalidPublic> {
        if octets.len() != self.public_len() {
            return Err(InvalidPublic::Length { expected: self.public_len(), actual: octets.len() });
        }
        self.point(octets).ok_or(InvalidPublic::Element)?;
        Ok(PeerPublic::checked(self.id, octets))
    }
}

struct Ephemeral {
    group: Ecp,
    secret: Zeroizing<Vec<u8>>,
    public: Vec<u8>,
}

impl EphemeralKey for Ephemeral {
    fn public(&self) -> &[u8] {
        &self.public
    }

    fn agree(&self, peer: &PeerPublic) -> Result<SharedSecret, CryptoError> {
        if peer.group() != self.group.id {
            return Err(CryptoError::Unsupported);
        }
        let (group, point) = self.group.point(peer.octets()).ok_or(CryptoError::Unsupported)?;
        let shared = || -> Result<Zeroizing<Vec<u8>>, ErrorStack> {
            let mut product = EcPoint::new(&group)?;
            product.mul2(&group, &point, &*number(&self.secret)?, &mut *BigNumContext::new_secure()?)?;
            let [x, _] = coordinates(&group, &product, self.group.coordinate_len())?;
            Ok(x)
        };
        let x = shared().map_err(|_| CryptoError::Unsupported)?;
        Ok(SharedSecret::new(x.to_vec()))
    }
}
