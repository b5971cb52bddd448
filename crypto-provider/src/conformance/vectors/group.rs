//! RFC 2409 6.1, 6.2 and RFC 3526 2 to 7.

use crate::{GroupId, primes};

/// A MODP group; its generator is 2.
pub(crate) struct GroupCase {
    pub(crate) id: GroupId,
    pub(crate) prime: &'static str,
}

pub(crate) const GROUP: &[GroupCase] = &[
    GroupCase { id: GroupId::MODP_768, prime: primes::MODP_768 },
    GroupCase { id: GroupId::MODP_1024, prime: primes::MODP_1024 },
    GroupCase { id: GroupId::MODP_1536, prime: primes::MODP_1536 },
    GroupCase { id: GroupId::MODP_2048, prime: primes::MODP_2048 },
    GroupCase { id: GroupId::MODP_3072, prime: primes::MODP_3072 },
    GroupCase { id: GroupId::MODP_4096, prime: primes::MODP_4096 },
    GroupCase { id: GroupId::MODP_6144, prime: primes::MODP_6144 },
    GroupCase { id: GroupId::MODP_8192, prime: primes::MODP_8192 },
];
