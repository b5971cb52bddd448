//! Access lists.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::collections::BTreeMap;

use gateway::ios::model::{
    AccessList, AclAction, AclLine, AclName, AclRule, Endpoint, ListKind, Origin, PortMatch,
};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

use crate::basics::{text, unique, word};

pub(crate) fn acl_name() -> impl Strategy<Value = AclName> {
    prop_oneof![
        prop_oneof![1..=199_u16, 1300..=2699_u16].prop_map(AclName::Number),
        word().prop_map(AclName::Name)
    ]
}

pub(crate) fn ports() -> impl Strategy<Value = PortMatch> {
    prop_oneof![
        any::<u16>().prop_map(PortMatch::Eq),
        select(vec![80, 23, 500, 53, 161, 4500]).prop_map(PortMatch::Eq),
        any::<u16>().prop_map(PortMatch::Neq),
        (1..=u16::MAX).prop_map(PortMatch::Lt),
        (0..u16::MAX).prop_map(PortMatch::Gt),
        any::<(u16, u16)>().prop_map(|(a, b)| PortMatch::Range(a.min(b), a.max(b))),
    ]
}

pub(crate) fn endpoint(kind: ListKind) -> BoxedStrategy<Endpoint> {
    if kind == ListKind::Ipv6 {
        let prefix = (any::<Ipv6Addr>(), 1..=127_u8).prop_map(|(address, length)| {
            let IpAddr::V6(first) = *ipsec_core::Selector::prefix(address.into(), length).unwrap().start()
            else {
                panic!()
            };
            Endpoint::Ipv6Prefix(first, length)
        });
        return prop_oneof![Just(Endpoint::Any), any::<Ipv6Addr>().prop_map(Endpoint::Ipv6Host), prefix]
            .boxed();
    }
    let wildcard =
        any::<(u32, u32)>().prop_filter("its own forms", |(_, wild)| *wild != 0 && *wild != u32::MAX);
    prop_oneof![
        Just(Endpoint::Any),
        any::<Ipv4Addr>().prop_map(Endpoint::Host),
        wildcard.prop_map(|(bits, wild)| Endpoint::Wildcard(
            Ipv4Addr::from_bits(bits & !wild),
            Ipv4Addr::from_bits(wild)
        ))
    ]
    .boxed()
}

pub(crate) fn acl_line(kind: ListKind) -> impl Strategy<Value = AclLine> {
    let protocol = of(prop_oneof![Just(6_u8), Just(17), Just(1), Just(58), 1..=255_u8]);
    let action = select(vec![AclAction::Permit, AclAction::Deny]);
    let ends = (endpoint(kind), endpoint(kind), of(ports()), of(ports()));
    let rule = (action, protocol, ends, any::<bool>()).prop_map(
        move |(action, protocol, (source, destination, source_ports, destination_ports), log)| {
            let standard = kind == ListKind::Standard;
            let protocol = protocol.filter(|_| !standard);
            let has_ports = matches!(protocol, Some(6 | 17));
            AclLine::Rule(AclRule {
                action,
                protocol,
                source,
                source_ports: source_ports.filter(|_| has_ports),
                destination: if standard { Endpoint::Any } else { destination },
                destination_ports: destination_ports.filter(|_| has_ports),
                log,
                origin: Origin::default(),
            })
        },
    );
    prop_oneof![4 => rule, 1 => text().prop_map(AclLine::Remark)]
}

pub(crate) fn access_lists() -> impl Strategy<Value = BTreeMap<AclName, AccessList>> {
    let list = acl_name().prop_flat_map(|name| {
        let kind = match name.numbered_kind() {
            Some(kind) => Just(kind).boxed(),
            None => select(vec![ListKind::Standard, ListKind::Extended, ListKind::Ipv6]).boxed(),
        };
        let lines = kind.prop_flat_map(|kind| (Just(kind), vec(acl_line(kind), 0..5)));
        (Just(name), lines).prop_map(|(name, (kind, lines))| {
            let lines = unique(lines, |line| format!("{line:?}"));
            (name, AccessList { kind, lines, origin: Origin::default() })
        })
    });
    vec(list, 0..4).prop_map(|lists| lists.into_iter().collect())
}
