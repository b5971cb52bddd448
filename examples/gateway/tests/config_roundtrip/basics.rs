//! Words, names, addresses.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::collections::BTreeSet;

use crypto_provider::GroupId;
use gateway::ios::model::{InterfaceName, Located, Origin};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

pub(crate) fn at<T>(value: T) -> Located<T> {
    Located { value, origin: Origin::default() }
}

pub(crate) fn word() -> impl Strategy<Value = String> {
    "[A-Za-z][A-Za-z0-9_-]{0,8}"
}

pub(crate) fn host() -> impl Strategy<Value = String> {
    "[a-z][a-z0-9-]{0,6}(\\.[a-z]{1,4}){0,2}"
}

pub(crate) fn text() -> impl Strategy<Value = String> {
    "[!-~]([ -~]{0,20}[!-~])?"
}

pub(crate) fn secret() -> impl Strategy<Value = String> {
    prop_oneof!["[!-~]{1,24}", Just("0".to_owned()), Just("6".to_owned()), Just("address".to_owned())]
}

pub(crate) fn octets() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 1..100)
}

pub(crate) fn address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![any::<Ipv4Addr>().prop_map(IpAddr::V4), any::<Ipv6Addr>().prop_map(IpAddr::V6)]
}

/// An address with everything beyond the prefix cleared.
pub(crate) fn prefix() -> impl Strategy<Value = (IpAddr, u8)> {
    prop_oneof![
        (any::<Ipv4Addr>().prop_map(IpAddr::V4), 0..=32_u8),
        (any::<Ipv6Addr>().prop_map(IpAddr::V6), 0..=128_u8)
    ]
    .prop_map(|(address, length)| {
        let first = *ipsec_core::Selector::prefix(address, length).unwrap().start();
        (first, length)
    })
}

pub(crate) fn interface_name() -> impl Strategy<Value = InterfaceName> {
    (select(InterfaceName::KINDS), "[0-9]{1,2}(/[0-9])?(\\.[0-9]{1,3})?")
        .prop_map(|(kind, unit)| InterfaceName::new(kind, &unit).unwrap())
}

pub(crate) fn group() -> impl Strategy<Value = GroupId> {
    select(vec![1, 2, 5, 14, 15, 16, 17, 18, 19, 20, 21]).prop_map(GroupId)
}

pub(crate) fn unique<T: Clone, K: Ord>(list: Vec<T>, key: impl Fn(&T) -> K) -> Vec<T> {
    let mut seen = BTreeSet::new();
    list.into_iter().filter(|one| seen.insert(key(one))).collect()
}

pub(crate) fn bits() -> impl Strategy<Value = u16> {
    select(vec![128_u16, 192, 256])
}
