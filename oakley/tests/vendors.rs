//! What peers announce is known on both sides, in every mode, from their first message on.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "a test may panic"
)]

mod pair;

use isakmp_wire::registry::KnownVendor;
use netsim::Link;
use pair::*;

#[test]
fn vendor_ids_are_kept_in_every_mode_and_role() {
    for aggressive in [false, true] {
        let with = |policy, announced: &KnownVendor| Policy {
            aggressive,
            vendor_ids: vec![announced.octets.to_vec(), b"an unknown one".to_vec()],
            ..policy
        };
        let (a, b) = (with(policy(1, 2), &KnownVendor::DPD), with(policy(2, 1), &KnownVendor::NAT_T));
        let mut pair = Pair::new(1, a, b, Link::new());
        pair.initiate();
        pair.run(5);
        for (host, theirs, other) in [
            (pair.a(), KnownVendor::NAT_T, KnownVendor::DPD),
            (pair.b(), KnownVendor::DPD, KnownVendor::NAT_T),
        ] {
            let vendors = &host.engine.snapshot().ike_sas[0].vendors;
            assert!(vendors.announce(&theirs), "aggressive {aggressive}");
            assert!(!vendors.announce(&other), "aggressive {aggressive}");
            assert_eq!(vendors.bodies().count(), 2);
        }
    }
}
