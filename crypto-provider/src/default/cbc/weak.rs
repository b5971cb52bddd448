//! DES keys that must not be used.

use subtle::{Choice, ConstantTimeEq};

/// Whether `key` is one of DES's four weak or twelve semi-weak keys, whatever its parity bits; `false` for
/// other lengths than 8. Takes the same time for every key.
pub(super) fn is_weak(key: &[u8]) -> bool {
    let Ok(key) = <[u8; 8]>::try_from(key) else { return false };
    let key = effective(key);
    let hit = KEYS.iter().fold(Choice::from(0), |hit, weak| hit | key.ct_eq(&effective(weak.to_be_bytes())));
    hit.into()
}

/// Whether the first two or the last two of three DES keys are the same, whatever their parity bits; `false`
/// for other lengths than 24.
pub(super) fn reduces_to_single_des(key: &[u8]) -> bool {
    let (keys, []) = key.as_chunks::<8>() else { return false };
    let &[first, second, third] = keys else { return false };
    let (first, second, third) = (effective(first), effective(second), effective(third));
    (first.ct_eq(&second) | second.ct_eq(&third)).into()
}

/// The 56 bits that DES uses: the lowest bit of each octet is parity.
fn effective(key: [u8; 8]) -> u64 {
    u64::from_be_bytes(key) & 0xfefe_fefe_fefe_fefe
}

/// With odd parity. RFC 2409 Appendix A misprints the third and fourth, whose halves differ: DES splits the
/// key over both octets' halves, so that only these make sixteen equal subkeys (FIPS 74).
const KEYS: [u64; 16] = [
    0x0101_0101_0101_0101,
    0xfefe_fefe_fefe_fefe,
    0xe0e0_e0e0_f1f1_f1f1,
    0x1f1f_1f1f_0e0e_0e0e,
    0x01fe_01fe_01fe_01fe,
    0xfe01_fe01_fe01_fe01,
    0x1fe0_1fe0_0ef1_0ef1,
    0xe01f_e01f_f10e_f10e,
    0x01e0_01e0_01f1_01f1,
    0xe001_e001_f101_f101,
    0x1ffe_1ffe_0efe_0efe,
    0xfe1f_fe1f_fe0e_fe0e,
    0x011f_011f_010e_010e,
    0x1f01_1f01_0e01_0e01,
    0xe0fe_e0fe_f1fe_f1fe,
    0xfee0_fee0_fef1_fef1,
];
