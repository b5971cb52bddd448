//! The random source: what can be seen from outside, which says nothing of its quality.

use super::{Checks, Failure, Report, Subject};
use crate::CryptoProvider;

/// Checks the random source: it answers, fills the whole of what it is given, and does not repeat itself.
///
/// # Errors
/// The first [`Failure`].
pub fn random(provider: &CryptoProvider) -> Result<Report, Failure> {
    let mut checks = Checks::of(Subject::Random);
    let source = &provider.random;

    let (mut first, mut second) = ([0; LENGTH], [0; LENGTH]);
    for out in [&mut first, &mut second] {
        checks.rule("two draws", source.fill(out).is_ok(), "the source failed")?;
        // 16 zeros in a row are one in 2^128.
        let untouched = out.chunks(16).any(|piece| piece.iter().all(|octet| *octet == 0));
        checks.rule("two draws", !untouched, "a part was not filled")?;
    }
    checks.rule("two draws", first != second, "the same octets twice")?;
    let repeated = first.chunks(16).zip(first.chunks(16).skip(1)).any(|(one, next)| one == next);
    checks.rule("two draws", !repeated, "the same octets within one draw")?;
    checks.rule("empty draw", source.fill(&mut []).is_ok(), "the source failed")?;

    // No answer of a random source can be known.
    checks.answers = 1;
    let mut report = Report::default();
    checks.done(&mut report);
    Ok(report)
}

const LENGTH: usize = 1008;
