//! Known answers, each named by its source.

mod aead;
mod cipher;
mod curve;
mod group;
mod hash;
mod prf;

use alloc::vec::Vec;

pub(crate) use aead::AEAD;
pub(crate) use cipher::CIPHER;
pub(crate) use curve::{CURVE, CurveCase};
pub(crate) use group::GROUP;
pub(crate) use hash::HASH;
pub(crate) use prf::PRF;

/// The octets of a hexadecimal constant of these tables.
pub(crate) fn octets(hex: &str) -> Vec<u8> {
    hex.as_bytes()
        .chunks(2)
        .filter_map(|pair| core::str::from_utf8(pair).ok())
        .filter_map(|pair| u8::from_str_radix(pair, 16).ok())
        .collect()
}
