//! Policies and keys of phase 1.

use core::net::IpAddr;

use gateway::ios::model::{
    Authentication, ConfigSecret, Encryption, Hash, IdentityKind, IkeFragmentation, Isakmp, IsakmpPolicy,
    Keepalive, KeyOwner, Origin, PreSharedKey,
};
use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

use crate::basics::{at, bits, group, host, prefix, secret, unique};

pub(crate) fn policy() -> impl Strategy<Value = IsakmpPolicy> {
    let encryption =
        prop_oneof![Just(Encryption::Des), Just(Encryption::TripleDes), bits().prop_map(Encryption::Aes)];
    let hash = select(vec![Hash::Md5, Hash::Sha, Hash::Sha256, Hash::Sha384, Hash::Sha512]);
    let authentication =
        select(vec![Authentication::PreShare, Authentication::RsaSig, Authentication::RsaEncr]);
    (of(encryption), of(hash), of(authentication), of(group()), of(60..=86_400_u32)).prop_map(
        |(encryption, hash, authentication, group, lifetime)| IsakmpPolicy {
            encryption: encryption.map(at),
            hash: hash.map(at),
            authentication: authentication.map(at),
            group: group.map(at),
            lifetime,
            origin: Origin::default(),
        },
    )
}

pub(crate) fn key() -> impl Strategy<Value = PreSharedKey> {
    let owner = prop_oneof![
        prefix().prop_map(|(address, length)| KeyOwner::Prefix { address, length }),
        Just(KeyOwner::Prefix { address: IpAddr::from([0; 4]), length: 32 }),
        host().prop_map(KeyOwner::Hostname),
    ];
    (secret(), owner, any::<bool>()).prop_map(|(secret, owner, no_xauth)| PreSharedKey {
        secret: ConfigSecret::new(secret.into_bytes()),
        owner,
        no_xauth,
        origin: Origin::default(),
    })
}

pub(crate) fn isakmp() -> impl Strategy<Value = Isakmp> {
    let keepalive = (10..=3600_u16, of(2..=60_u16), any::<bool>())
        .prop_map(|(seconds, retry, periodic)| Keepalive { seconds, retry, periodic });
    let fragmentation = (of(200..=9000_u16), any::<bool>());
    let fragmentation = fragmentation.prop_map(|(size, forced)| IkeFragmentation { size, forced });
    let identity = select(vec![IdentityKind::Address, IdentityKind::Hostname]);
    let policies = btree_map(1..=10_000_u16, policy(), 0..4);
    (
        any::<(bool, bool, bool, bool)>(),
        identity,
        of(keepalive),
        of(fragmentation),
        of(5..=3600_u16),
        policies,
        vec(key(), 0..4),
    )
        .prop_map(
            |(
                (enabled, aggressive_mode, nat_force_encapsulation, invalid_spi_recovery),
                identity,
                keepalive,
                fragmentation,
                nat_keepalive,
                policies,
                keys,
            )| Isakmp {
                enabled,
                identity,
                aggressive_mode,
                keepalive: keepalive.map(at),
                invalid_spi_recovery,
                fragmentation,
                nat_keepalive: nat_keepalive.map(at),
                nat_force_encapsulation,
                policies,
                keys: unique(keys, |key| format!("{:?}", key.owner)),
            },
        )
}
