//! Recorded exchanges whose exponents have another length than ours, so that the trait cannot repeat them.

use alloc::string::String;

use crypto_bigint::modular::ConstMontyParams;
use crypto_bigint::{U1024, Uint};
use serde_json::Value;

use super::{GENERATOR, Modp, power, primes};
use crate::{DhGroup, GroupId};

#[test]
fn recorded_exchanges_repeat_with_exponents_of_any_length() {
    let file: Value = serde_json::from_str(include_str!("../../../tests/data/modp-exchanges.json")).unwrap();
    let cases = file["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 19);
    for case in cases {
        match GroupId(u16::try_from(case["group"].as_u64().unwrap()).unwrap()) {
            GroupId::MODP_768 => check(&super::MODP_768, case),
            GroupId::MODP_1024 => check(&super::MODP_1024, case),
            GroupId::MODP_1536 => check(&super::MODP_1536, case),
            GroupId::MODP_2048 => check(&super::MODP_2048, case),
            GroupId::MODP_3072 => check(&super::MODP_3072, case),
            GroupId::MODP_4096 => check(&super::MODP_4096, case),
            GroupId::MODP_6144 => check(&super::MODP_6144, case),
            GroupId::MODP_8192 => check(&super::MODP_8192, case),
            other => panic!("{other}"),
        }
    }
}

fn check<P: ConstMontyParams<LIMBS>, const LIMBS: usize>(group: &Modp<P, LIMBS>, case: &Value) {
    let text = |field: &str| String::from(case[field].as_str().unwrap());
    let private = hex::decode(text("private")).unwrap();
    let exponent = U1024::from_be_slice_truncated(&private, U1024::BITS);
    let raise =
        |base: &Uint<LIMBS>| hex::encode(power::<P, LIMBS, _>(base, &exponent, private.len()).to_be_bytes());
    assert_eq!(raise(&Uint::from(GENERATOR)), text("public"), "{}", text("name"));
    let peer = group.peer_public(&hex::decode(text("peer")).unwrap()).unwrap();
    assert_eq!(raise(&Uint::from_be_slice(peer.octets())), text("shared"), "{}", text("name"));
}

// RFC 3526 8 (test): no bit above the bound counts, and every bit below does.
#[test]
fn the_bound_is_the_length_of_the_exponent() {
    let base = Uint::from(GENERATOR);
    let raise = |exponent: u64, octets| {
        power::<primes::Prime768, { Uint::<{ super::limbs(768) }>::LIMBS }, _>(
            &base,
            &U1024::from(exponent),
            octets,
        )
    };
    assert_eq!(raise(0x1ff, 1), raise(0xff, 1));
    assert_eq!(raise(0x180, 2), Uint::ONE.shl_vartime(0x180));
}
