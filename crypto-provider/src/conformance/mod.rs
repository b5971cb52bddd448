//! Known answers and rules of behaviour that the author of a provider runs against it.
//!
//! One call, [`check`], tests everything that a provider has; a function per section tests one kind of
//! algorithm. Not only answers are compared: weak keys, wrong lengths and unacceptable public values must be
//! refused, an integrity check must not accept an empty or a longer value, data must be unchanged after a
//! refusal, and batches must do what single calls do.
//!
//! What a provider lacks is listed as [absent](Report::absent) and is no failure. What these checks have no
//! known answers for is tested for its behaviour and listed as [unknown](Report::unknown).
//!
//! ```
//! # #[cfg(feature = "default-provider")] {
//! use crypto_provider::{conformance, default};
//!
//! let report = conformance::check(&default::provider())?;
//! assert!(report.absent.is_empty());
//! # }
//! # Ok::<(), crypto_provider::conformance::Failure>(())
//! ```

mod aead;
mod cipher;
mod group;
mod hash;
mod prf;
mod random;
mod vectors;

use alloc::vec::Vec;
use core::fmt;

use thiserror::Error;

pub use aead::aeads;
pub use cipher::ciphers;
pub use group::groups;
pub use hash::hashes;
pub use prf::prfs;
pub use random::random;

use crate::{AeadAlgorithm, CipherAlgorithm, CryptoProvider, GroupId, HashAlgorithm};

/// Runs every section against `provider`. Takes some seconds in a build without optimisation.
///
/// # Errors
/// The first [`Failure`].
pub fn check(provider: &CryptoProvider) -> Result<Report, Failure> {
    let sections = [random, hashes, prfs, ciphers, aeads, groups];
    let mut report = Report::default();
    for section in sections {
        report.add(section(provider)?);
    }
    Ok(report)
}

/// What a check is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Subject {
    /// The random source.
    Random,
    /// A hash function.
    Hash(HashAlgorithm),
    /// The HMAC over a hash function.
    Prf(HashAlgorithm),
    /// A cipher without integrity.
    Cipher(CipherAlgorithm),
    /// A cipher with integrity.
    Aead(AeadAlgorithm),
    /// A Diffie-Hellman group.
    Group(GroupId),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Random => f.write_str("random source"),
            Self::Hash(algorithm) => write!(f, "{algorithm:?}"),
            Self::Prf(algorithm) => write!(f, "HMAC-{algorithm:?}"),
            Self::Cipher(algorithm) => write!(f, "{algorithm:?}"),
            Self::Aead(algorithm) => write!(f, "{algorithm:?}"),
            Self::Group(id) => write!(f, "group {id}"),
        }
    }
}

/// The first thing that a provider did wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
#[error("{subject}, {case}: {problem}")]
pub struct Failure {
    /// The algorithm that failed.
    pub subject: Subject,
    /// The source of the known answer, or the rule.
    pub case: &'static str,
    /// What went wrong.
    pub problem: &'static str,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Passed, known answers included.
    pub passed: Vec<Subject>,
    /// Behave well, but have no known answers here: algorithms that are newer than these checks.
    pub unknown: Vec<Subject>,
    /// The provider does not have these.
    pub absent: Vec<Subject>,
    /// Number of single checks that held.
    pub checks: usize,
}

impl Report {
    fn add(&mut self, other: Self) {
        self.passed.extend(other.passed);
        self.unknown.extend(other.unknown);
        self.absent.extend(other.absent);
        self.checks = self.checks.saturating_add(other.checks);
    }

    /// Notes those of `known` that were neither passed nor found unknown.
    fn note_absent(&mut self, known: impl IntoIterator<Item = Subject>) {
        for subject in known {
            if !self.passed.contains(&subject) && !self.absent.contains(&subject) {
                self.absent.push(subject);
            }
        }
    }
}

/// The checks of one algorithm: counts those that hold, names the first that does not.
struct Checks {
    subject: Subject,
    held: usize,
    answers: usize,
}

impl Checks {
    fn of(subject: Subject) -> Self {
        Self { subject, held: 0, answers: 0 }
    }

    /// A rule that must hold.
    fn rule(&mut self, case: &'static str, holds: bool, problem: &'static str) -> Result<(), Failure> {
        if !holds {
            return Err(self.failure(case, problem));
        }
        self.held = self.held.saturating_add(1);
        Ok(())
    }

    /// A known answer.
    fn answer(&mut self, case: &'static str, actual: &[u8], expected: &[u8]) -> Result<(), Failure> {
        self.rule(case, actual == expected, "wrong answer")?;
        self.answers = self.answers.saturating_add(1);
        Ok(())
    }

    fn failure(&self, case: &'static str, problem: &'static str) -> Failure {
        Failure { subject: self.subject, case, problem }
    }

    fn done(self, report: &mut Report) {
        let list = if self.answers > 0 { &mut report.passed } else { &mut report.unknown };
        list.push(self.subject);
        report.checks = report.checks.saturating_add(self.held);
    }
}
