//! Diffie-Hellman over the ECP groups (RFC 5903): a public value is x | y, a shared secret is x alone.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::marker::PhantomData;

use p256::NistP256;
use p256::elliptic_curve::point::AffineCoordinates;
use p256::elliptic_curve::{CurveArithmetic, FieldBytes, Group as _, NonZeroScalar};
use p384::NistP384;
use p521::NistP521;
use zeroize::{Zeroize as _, Zeroizing};

use crate::{
    CryptoError, DhGroup, EphemeralKey, GroupId, InvalidPublic, PeerPublic, RandomFailed, SecureRandom,
    SharedSecret,
};

pub(super) static ECP_256: Ecp<NistP256> = Ecp::new(GroupId::ECP_256, 256);
pub(super) static ECP_384: Ecp<NistP384> = Ecp::new(GroupId::ECP_384, 384);
pub(super) static ECP_521: Ecp<NistP521> = Ecp::new(GroupId::ECP_521, 521);

/// A draw is not below the order of the group once in 2^32 times at most; a source that fails so often is broken.
const MAX_DRAWS: usize = 4;

/// Octets of the longest coordinate.
const COORDINATE_MAX: usize = 66;

/// A group over the curve `C`, whose order and coordinates have `bits` bits.
pub(super) struct Ecp<C> {
    id: GroupId,
    bits: usize,
    curve: PhantomData<C>,
}

impl<C> Ecp<C> {
    const fn new(id: GroupId, bits: usize) -> Self {
        Self { id, bits, curve: PhantomData }
    }

    /// Octets of a coordinate, with leading zeros (RFC 5903 7).
    const fn coordinate_len(&self) -> usize {
        self.bits.div_ceil(8)
    }
}

impl<C: CurveArithmetic> Ecp<C> {
    /// A secret between 1 and the order less one.
    fn draw(&self, random: &dyn SecureRandom) -> Result<Zeroizing<NonZeroScalar<C>>, CryptoError> {
        let mut octets = Zeroizing::new([0; COORDINATE_MAX]);
        let (drawn, _) = octets.split_at_mut(self.coordinate_len().min(COORDINATE_MAX));
        for _ in 0..MAX_DRAWS {
            random.fill(drawn)?;
            // 521 bits leave seven bits of their first octet unused.
            let unused = drawn.len().saturating_mul(8).saturating_sub(self.bits);
            if let (Some(first), Ok(unused)) = (drawn.first_mut(), u32::try_from(unused)) {
                *first &= u8::MAX.checked_shr(unused).unwrap_or(u8::MAX);
            }
            let mut candidate = FieldBytes::<C>::try_from(&*drawn).map_err(|_| CryptoError::Unsupported)?;
            let scalar = NonZeroScalar::<C>::from_repr(candidate).into_option();
            candidate.zeroize();
            if let Some(scalar) = scalar {
                return Ok(Zeroizing::new(scalar));
            }
        }
        Err(RandomFailed.into())
    }
}

impl<C: CurveArithmetic> DhGroup for Ecp<C> {
    fn id(&self) -> GroupId {
        self.id
    }

    fn public_len(&self) -> usize {
        self.coordinate_len().saturating_mul(2)
    }

    fn shared_len(&self) -> usize {
        self.coordinate_len()
    }

    #[allow(clippy::arithmetic_side_effects, reason = "the arithmetic of a curve does not overflow")]
    fn start(&self, random: &dyn SecureRandom) -> Result<Box<dyn EphemeralKey>, CryptoError> {
        let secret = self.draw(random)?;
        let point: C::AffinePoint = (C::ProjectivePoint::generator() * scalar::<C>(&secret)).into();
        let (x, y) = (point.x(), point.y());
        let coordinates: [&[u8]; 2] = [x.as_ref(), y.as_ref()];
        let public = coordinates.concat();
        Ok(Box::new(Ephemeral::<C> { group: self.id, secret, public }))
    }

    fn peer_public(&self, octets: &[u8]) -> Result<PeerPublic, InvalidPublic> {
        if octets.len() != self.public_len() {
            return Err(InvalidPublic::Length { expected: self.public_len(), actual: octets.len() });
        }
        point::<C>(octets).ok_or(InvalidPublic::Element)?;
        Ok(PeerPublic::checked(self.id, octets))
    }
}

/// A secret scalar, which is wiped when dropped, and its public value.
struct Ephemeral<C: CurveArithmetic> {
    group: GroupId,
    secret: Zeroizing<NonZeroScalar<C>>,
    public: Vec<u8>,
}

impl<C: CurveArithmetic> EphemeralKey for Ephemeral<C> {
    fn public(&self) -> &[u8] {
        &self.public
    }

    #[allow(clippy::arithmetic_side_effects, reason = "the arithmetic of a curve does not overflow")]
    fn agree(&self, peer: &PeerPublic) -> Result<SharedSecret, CryptoError> {
        if peer.group() != self.group {
            return Err(CryptoError::Unsupported);
        }
        // Another implementation of the same group may have checked less.
        let peer = point::<C>(peer.octets()).ok_or(CryptoError::Unsupported)?;
        // The curves' order is prime and the scalar is below it, so the result is never the point at infinity.
        let mut product = C::ProjectivePoint::from(peer) * scalar::<C>(&self.secret);
        let mut shared: C::AffinePoint = product.into();
        product.zeroize();
        // RFC 5903 9: x alone, unlike RFC 4753.
        let mut x = shared.x();
        shared.zeroize();
        let octets: &[u8] = x.as_ref();
        let secret = SharedSecret::new(octets.to_vec());
        x.zeroize();
        Ok(secret)
    }
}

/// The number itself.
fn scalar<C: CurveArithmetic>(secret: &NonZeroScalar<C>) -> &C::Scalar {
    secret.as_ref()
}

/// RFC 6989 2.3: x and y are below the prime and on the curve; the point at infinity has no such form.
fn point<C: CurveArithmetic>(octets: &[u8]) -> Option<C::AffinePoint> {
    let (x, y) = octets.split_at_checked(octets.len() / 2)?;
    let coordinate = |octets: &[u8]| FieldBytes::<C>::try_from(octets).ok();
    C::AffinePoint::from_coordinates(&coordinate(x)?, &coordinate(y)?).into_option()
}
