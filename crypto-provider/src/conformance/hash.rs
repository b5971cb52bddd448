//! Hash functions.

use super::vectors::{HASH, octets};
use super::{Checks, Failure, Report, Subject};
use crate::{CryptoProvider, Hash};

/// Checks every hash function of `provider`.
///
/// # Errors
/// The first [`Failure`].
pub fn hashes(provider: &CryptoProvider) -> Result<Report, Failure> {
    let mut report = Report::default();
    for hash in provider.hashes.iter() {
        let mut checks = Checks::of(Subject::Hash(hash.algorithm()));
        answers(*hash, &mut checks)?;
        parts(*hash, &mut checks)?;
        checks.done(&mut report);
    }
    report.note_absent(HASH.iter().map(|case| Subject::Hash(case.algorithm)));
    Ok(report)
}

fn answers(hash: &dyn Hash, checks: &mut Checks) -> Result<(), Failure> {
    for case in HASH.iter().filter(|case| case.algorithm == hash.algorithm()) {
        let message = case.unit.as_bytes().repeat(case.times);
        checks.answer(case.name, hash.digest(&[&message]).as_ref(), &octets(case.digest))?;
    }
    Ok(())
}

fn parts(hash: &dyn Hash, checks: &mut Checks) -> Result<(), Failure> {
    let case = "parts";
    let message: [u8; 200] = core::array::from_fn(|index| u8::try_from(index).unwrap_or(0));
    let whole = hash.digest(&[&message]);
    checks.rule("output", whole.as_ref().len() == hash.algorithm().output_len(), "wrong length")?;
    for at in [0, 1, 55, 56, 63, 64, 65, 111, 112, 127, 128, 129, 200] {
        let (head, tail) = message.split_at(at);
        let same = hash.digest(&[head, &[], tail]) == whole;
        checks.rule(case, same, "parts hash to another value than their concatenation")?;
    }
    checks.rule(case, hash.digest(&[]) == hash.digest(&[&[]]), "no part differs from an empty part")
}
