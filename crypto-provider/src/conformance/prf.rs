//! HMACs.

use alloc::vec;
use alloc::vec::Vec;

use super::vectors::{PRF, octets};
use super::{Checks, Failure, Report, Subject};
use crate::{CryptoProvider, MacJob, Prf, PrfKey};

/// Checks every HMAC of `provider`.
///
/// # Errors
/// The first [`Failure`].
pub fn prfs(provider: &CryptoProvider) -> Result<Report, Failure> {
    let mut report = Report::default();
    for prf in provider.prfs.iter() {
        let mut checks = Checks::of(Subject::Prf(prf.algorithm()));
        answers(*prf, &mut checks)?;
        lengths(*prf, &mut checks)?;
        verification(*prf, &mut checks)?;
        parts_and_batches(*prf, &mut checks)?;
        checks.done(&mut report);
    }
    report.note_absent(PRF.iter().map(|case| Subject::Prf(case.algorithm)));
    Ok(report)
}

fn answers(prf: &dyn Prf, checks: &mut Checks) -> Result<(), Failure> {
    for case in PRF.iter().filter(|case| case.algorithm == prf.algorithm()) {
        let (key, data, mac) = (prf.key(&octets(case.key)), octets(case.data), octets(case.mac));
        let mut out = vec![0; mac.len()];
        key.compute(&[&data], &mut out);
        checks.answer(case.name, &out, &mac)?;
        checks.rule(case.name, key.verify(&[&data], &mac).is_ok(), "the right value was refused")?;
        // RFC 2404 2: the first 96 bits.
        let mut short = [0; 12];
        key.compute(&[&data], &mut short);
        checks.answer(case.name, &short, mac.get(..12).unwrap_or_default())?;
        checks.rule(
            case.name,
            key.verify(&[&data], &short).is_ok(),
            "the right value was refused, truncated",
        )?;
    }
    Ok(())
}

fn lengths(prf: &dyn Prf, checks: &mut Checks) -> Result<(), Failure> {
    let (key, full) = (prf.key(KEY), full(prf));
    for len in 0..=full.len() {
        let mut out = vec![0; len];
        key.compute(&[DATA], &mut out);
        checks.rule(
            "output",
            full.starts_with(&out),
            "a truncated value is not the beginning of the full one",
        )?;
    }
    let mut long = vec![0xff; full.len().saturating_add(9)];
    key.compute(&[DATA], &mut long);
    let (value, rest) = long.split_at(full.len());
    checks.rule("output", value == full && rest.iter().all(|octet| *octet == 0), "the rest is not zero")?;

    // RFC 2104 2: keys are padded with zeros to the block, and longer ones hashed.
    let mut padded = KEY.to_vec();
    padded.push(0);
    checks.rule(
        "key",
        mac(&*prf.key(&padded), full.len()) == full,
        "a zero at the key's end made a difference",
    )?;
    let differs = mac(&*prf.key(&[]), full.len()) != full;
    checks.rule("key", differs, "an empty key gives the same value as another key")
}

fn verification(prf: &dyn Prf, checks: &mut Checks) -> Result<(), Failure> {
    let case = "verification";
    let (key, full) = (prf.key(KEY), full(prf));
    checks.rule(case, key.verify(&[DATA], &[]).is_err(), "an empty value was accepted")?;
    for len in [1, 12, full.len()] {
        let icv = full.get(..len).unwrap_or_default();
        checks.rule(case, key.verify(&[DATA], icv).is_ok(), "the right value was refused")?;
        for bit in 0..len.saturating_mul(8) {
            let mut forged = icv.to_vec();
            flip(&mut forged, bit);
            checks.rule(case, key.verify(&[DATA], &forged).is_err(), "a wrong value was accepted")?;
        }
    }
    for extra in [0, 1] {
        let mut long = full.clone();
        long.push(extra);
        checks.rule(
            case,
            key.verify(&[DATA], &long).is_err(),
            "a value longer than the output was accepted",
        )?;
    }
    let other_data = key.verify(&[DATA, &[0]], &full).is_err();
    checks.rule(case, other_data, "the value of other data was accepted")
}

fn parts_and_batches(prf: &dyn Prf, checks: &mut Checks) -> Result<(), Failure> {
    let (key, full) = (prf.key(KEY), full(prf));
    let case = "parts";
    for at in 0..=DATA.len() {
        let (head, tail) = DATA.split_at(at);
        let mut out = vec![0; full.len()];
        key.compute(&[head, &[], tail], &mut out);
        checks.rule(case, out == full, "parts give another value than their concatenation")?;
        checks.rule(case, key.verify(&[head, &[], tail], &full).is_ok(), "the right value was refused")?;
    }

    let inputs: [&[&[u8]]; 4] = [&[DATA], &[], &[b"one", b"two"], &[DATA]];
    let mut outs = [[0_u8; 12]; 4];
    let mut jobs: Vec<_> = inputs.iter().zip(&mut outs).map(|(parts, out)| MacJob { parts, out }).collect();
    key.compute_each(&mut jobs);
    for (parts, out) in inputs.iter().zip(&outs) {
        let mut single = [0; 12];
        key.compute(parts, &mut single);
        checks.rule("batch", single == *out, "a batch differs from single calls")?;
    }
    Ok(())
}

fn full(prf: &dyn Prf) -> Vec<u8> {
    mac(&*prf.key(KEY), prf.algorithm().output_len())
}

fn mac(key: &dyn PrfKey, len: usize) -> Vec<u8> {
    let mut out = vec![0; len];
    key.compute(&[DATA], &mut out);
    out
}

fn flip(octets: &mut [u8], bit: usize) {
    if let Some(octet) = octets.get_mut(bit / 8) {
        *octet ^= 1 << (bit % 8);
    }
}

const KEY: &[u8] = b"a key of twenty octs";
const DATA: &[u8] =
    b"Long enough to fill more than one block of the hash functions with the shorter blocks of 64 octets.";
