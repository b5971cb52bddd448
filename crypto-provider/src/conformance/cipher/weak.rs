//! DES keys that must be refused (RFC 2409 Appendix A, RFC 2451 2.3).

use crate::conformance::{Checks, Failure};
use crate::{Cipher, CipherAlgorithm, InvalidKey};

pub(super) fn keys(cipher: &dyn Cipher, checks: &mut Checks) -> Result<(), Failure> {
    match cipher.algorithm() {
        CipherAlgorithm::DesCbc => single(cipher, checks),
        CipherAlgorithm::TripleDesCbc => triple(cipher, checks),
        CipherAlgorithm::Null | CipherAlgorithm::AesCbc | CipherAlgorithm::AesCtr => Ok(()),
    }
}

fn single(cipher: &dyn Cipher, checks: &mut Checks) -> Result<(), Failure> {
    for weak in WEAK {
        for parity in PARITIES {
            let key = (weak ^ parity).to_be_bytes();
            let refused = matches!(cipher.key(&key), Err(InvalidKey::Weak));
            checks.rule("weak and semi-weak keys", refused, "accepted, or refused for another reason")?;
        }
        // A bit that is not parity makes a key that is not weak.
        let neighbour = (weak ^ 2).to_be_bytes();
        checks.rule(
            "weak and semi-weak keys",
            cipher.key(&neighbour).is_ok(),
            "a key that is not weak was refused",
        )?;
    }
    Ok(())
}

fn triple(cipher: &dyn Cipher, checks: &mut Checks) -> Result<(), Failure> {
    let case = "equal keys";
    for parity in PARITIES {
        for [first, second, third] in [[A, A ^ parity, B], [B, A, A ^ parity], [A, A, A ^ parity]] {
            let refused = matches!(cipher.key(&join(first, second, third)), Err(InvalidKey::Weak));
            checks.rule(case, refused, "accepted, or refused for another reason")?;
        }
    }
    checks.rule(
        case,
        cipher.key(&join(A, B, A)).is_ok(),
        "a key whose first and third part are equal was refused",
    )
}

fn join(first: u64, second: u64, third: u64) -> [u8; 24] {
    let mut key = [0; 24];
    let octets = [first, second, third].into_iter().flat_map(u64::to_be_bytes);
    key.iter_mut().zip(octets).for_each(|(to, from)| *to = from);
    key
}

const A: u64 = 0x0123_4567_89ab_cdef;
const B: u64 = 0xfedc_ba98_7654_3210;

/// Changes of the parity bits.
const PARITIES: [u64; 4] = [0, 0x0101_0101_0101_0101, 0x0100_0000_0000_0001, 0x0001_0001_0100_0000];

/// The four weak and six pairs of semi-weak keys (FIPS 74), with odd parity. RFC 2409 Appendix A misprints two.
const WEAK: [u64; 16] = [
    0x0101_0101_0101_0101,
    0x1f1f_1f1f_0e0e_0e0e,
    0xe0e0_e0e0_f1f1_f1f1,
    0xfefe_fefe_fefe_fefe,
    0x011f_011f_010e_010e,
    0x01e0_01e0_01f1_01f1,
    0x01fe_01fe_01fe_01fe,
    0x1f01_1f01_0e01_0e01,
    0x1fe0_1fe0_0ef1_0ef1,
    0x1ffe_1ffe_0efe_0efe,
    0xe001_e001_f101_f101,
    0xe01f_e01f_f10e_f10e,
    0xe0fe_e0fe_f1fe_f1fe,
    0xfe01_fe01_fe01_fe01,
    0xfe1f_fe1f_fe0e_fe0e,
    0xfee0_fee0_fef1_fef1,
];
