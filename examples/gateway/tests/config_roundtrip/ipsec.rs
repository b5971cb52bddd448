//! Transform sets, keys set by hand, crypto maps.

use gateway::ios::model::{
    ConfigSecret, CryptoMap, DfBit, EspSessionKey, Ipsec, IpsecLifetime, MapEntry, MapKind, Origin, Peer,
    PeerName, Pfs, Replay, SessionKeys, SpiKey, Transform, TransformSet, TunnelMode,
};
use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

use crate::access::acl_name;
use crate::basics::{address, at, bits, group, host, interface_name, octets, text, unique, word};

pub(crate) fn transform_set() -> impl Strategy<Value = TransformSet> {
    let ah = select(vec![
        Transform::AhMd5,
        Transform::AhSha,
        Transform::AhSha256,
        Transform::AhSha384,
        Transform::AhSha512,
    ]);
    let cipher = prop_oneof![
        select(vec![Transform::EspDes, Transform::EspTripleDes, Transform::EspNull]),
        bits().prop_map(Transform::EspAes)
    ];
    let mac = select(vec![
        Transform::EspMd5,
        Transform::EspSha,
        Transform::EspSha256,
        Transform::EspSha384,
        Transform::EspSha512,
    ]);
    let transforms = prop_oneof![
        ah.clone().prop_map(|ah| vec![ah]),
        (of(ah.clone()), cipher, of(mac)).prop_map(|(ah, cipher, mac)| ah
            .into_iter()
            .chain([cipher])
            .chain(mac)
            .collect()),
        (of(ah), bits()).prop_map(|(ah, bits)| ah.into_iter().chain([Transform::EspGcm(bits)]).collect()),
        Just(vec![Transform::AhRfc1828, Transform::EspRfc1829]),
        Just(vec![Transform::EspRfc1829]),
    ];
    let mode = of(select(vec![TunnelMode::Tunnel, TunnelMode::Transport]));
    (transforms, mode, of(select(vec![4_u8, 8]))).prop_map(|(transforms, mode, iv_size)| TransformSet {
        transforms: transforms.into_iter().map(at).collect(),
        mode,
        iv_size: iv_size.map(at),
        origin: Origin::default(),
    })
}

pub(crate) fn lifetime() -> impl Strategy<Value = IpsecLifetime> {
    (of(120..=86_400_u32), of(2560..=536_870_912_u32))
        .prop_map(|(seconds, kilobytes)| IpsecLifetime { seconds, kilobytes })
}

pub(crate) fn replay() -> impl Strategy<Value = Replay> {
    prop_oneof![Just(Replay::Disabled), select(vec![64, 128, 256, 512, 1024]).prop_map(Replay::Window)]
}

pub(crate) fn ipsec() -> impl Strategy<Value = Ipsec> {
    let df_bit = of(select(vec![DfBit::Clear, DfBit::Copy, DfBit::Set]));
    (lifetime(), of(replay()), df_bit, any::<Option<bool>>(), btree_map(word(), transform_set(), 0..4))
        .prop_map(|(lifetime, replay, df_bit, udp_encapsulation, transform_sets)| Ipsec {
            lifetime,
            replay,
            df_bit,
            udp_encapsulation,
            transform_sets,
        })
}

pub(crate) fn session_keys() -> impl Strategy<Value = SessionKeys> {
    let ah = || {
        (256..=u32::MAX, octets()).prop_map(|(spi, key)| SpiKey {
            spi,
            key: ConfigSecret::new(key),
            origin: Origin::default(),
        })
    };
    let esp = || {
        (256..=u32::MAX, octets(), of(octets())).prop_map(|(spi, cipher, authenticator)| EspSessionKey {
            spi,
            cipher: ConfigSecret::new(cipher),
            authenticator: authenticator.map(ConfigSecret::new),
            origin: Origin::default(),
        })
    };
    (of(ah()), of(ah()), of(esp()), of(esp())).prop_map(
        |(inbound_ah, outbound_ah, inbound_esp, outbound_esp)| SessionKeys {
            inbound_ah,
            outbound_ah,
            inbound_esp,
            outbound_esp,
        },
    )
}

pub(crate) fn map_entry(kind: MapKind) -> BoxedStrategy<MapEntry> {
    let description = of(text());
    if let MapKind::Dynamic(_) = kind {
        return description
            .prop_map(move |description| MapEntry { kind: kind.clone(), description, ..MapEntry::default() })
            .boxed();
    }
    let peer = prop_oneof![address().prop_map(PeerName::Address), host().prop_map(PeerName::Hostname)];
    let pfs = of(prop_oneof![Just(Pfs::Default), group().prop_map(Pfs::Group)]);
    let negotiated = (pfs, lifetime(), any::<bool>(), of(replay()));
    let common = (description, vec(peer, 0..3), vec(word(), 0..3), of(acl_name()));
    (common, negotiated, session_keys())
        .prop_map(
            move |((description, peers, sets, list), (pfs, lifetime, per_host, replay), session_keys)| {
                let mut entry = MapEntry { kind: kind.clone(), description, ..MapEntry::default() };
                let peers = unique(peers, |peer| format!("{peer:?}"));
                entry.peers =
                    peers.into_iter().map(|name| Peer { name, origin: Origin::default() }).collect();
                entry.transform_sets = unique(sets, Clone::clone).into_iter().map(at).collect();
                entry.access_list = list.map(at);
                if kind == MapKind::Manual {
                    entry.session_keys = session_keys;
                } else {
                    (entry.pfs, entry.lifetime, entry.per_host, entry.replay) =
                        (pfs.map(at), lifetime, per_host, replay);
                }
                entry
            },
        )
        .boxed()
}

pub(crate) fn crypto_map() -> impl Strategy<Value = CryptoMap> {
    let kind = prop_oneof![
        Just(MapKind::Isakmp),
        Just(MapKind::Manual),
        word().prop_map(|name| MapKind::Dynamic(at(name)))
    ];
    (of(interface_name()), btree_map(1..=65_535_u16, kind.prop_flat_map(map_entry), 1..4))
        .prop_map(|(local, entries)| CryptoMap { local_address: local.map(at), entries })
}
