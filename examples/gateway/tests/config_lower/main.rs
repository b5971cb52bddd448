//! From configurations to policies: defaults, warnings, refusals, look-ups, sample files, `check`.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "a test may panic")]

mod entries;
mod flows;
mod manual;
mod phase1;
mod refusals;
mod samples;

use core::net::IpAddr;

use gateway::ios::{self, ErrorKind, Policies, Refusal, WarningKind};

/// A pair's half that runs; tests append to it or replace parts of it.
pub(crate) const BASE: &str = "\
hostname a
crypto isakmp policy 1
 authentication pre-share
crypto isakmp key 0123456789abcdefghijklmno address 20.20.20.20
crypto ipsec transform-set t esp-aes esp-sha256-hmac
crypto map m 10 ipsec-isakmp
 set peer 20.20.20.20
 set transform-set t
 match address 101
interface Serial0
 ip address 20.20.20.21 255.255.255.0
 crypto map m
access-list 101 permit ip 50.50.50.0 0.0.0.255 60.60.60.0 0.0.0.255
";

pub(crate) fn lower(text: &str) -> Policies {
    let config = ios::parse("x.cfg", text).unwrap_or_else(|errors| panic!("{text}\n{errors:?}"));
    ios::lower(&config, "x.cfg").unwrap_or_else(|errors| panic!("{text}\n{errors:?}"))
}

pub(crate) fn refusals(text: &str) -> Vec<(u32, u32, Refusal)> {
    let config = ios::parse("x.cfg", text).unwrap_or_else(|errors| panic!("{text}\n{errors:?}"));
    let Err(errors) = ios::lower(&config, "x.cfg") else { panic!("runs:\n{text}") };
    let refusal = |kind| match kind {
        ErrorKind::Refused(refusal) => refusal,
        other => panic!("{other}"),
    };
    errors.into_iter().map(|error| (error.line, error.column, refusal(error.kind))).collect()
}

pub(crate) fn warnings(text: &str) -> Vec<WarningKind> {
    lower(text).warnings.into_iter().map(|warning| warning.kind).collect()
}

pub(crate) fn peer() -> IpAddr {
    IpAddr::from([20, 20, 20, 20])
}

/// The only entry of the only map.
pub(crate) fn only(policies: &Policies) -> &ios::MapPolicy {
    let [map] = policies.maps.as_slice() else { panic!("{:?}", policies.maps) };
    let [entry] = map.entries.as_slice() else { panic!("{:?}", map.entries) };
    entry
}

#[test]
fn a_modern_configuration_has_no_warnings() {
    assert_eq!(warnings(BASE), []);
    assert_eq!(warnings(&format!("version 15.1\n{BASE}")), []);
}
