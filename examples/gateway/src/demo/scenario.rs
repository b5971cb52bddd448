//! What the demo can show.

use std::io::{self, Write};

/// What must come out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Expectation {
    /// A tunnel, and traffic through it.
    Tunnel,
    /// Phase 1 succeeds, and the responder refuses the Quick Mode.
    Phase2Refused,
    /// Phase 1 never succeeds.
    NotAuthenticated,
}

/// One scenario.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Scenario {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What it shows.
    pub about: &'static str,
    /// The initiator's configuration and the responder's, with the names that errors carry. The pair is in the order
    /// in which the demo starts them: the host behind the first one speaks first.
    pub configs: [(&'static str, &'static str); 2],
    /// What must come out.
    pub expectation: Expectation,
}

macro_rules! config {
    ($file:literal) => {
        ($file, include_str!(concat!("../../configs/", $file)))
    };
}

/// All scenarios; the first one is the default.
pub const SCENARIOS: [Scenario; 4] = [
    Scenario {
        name: "preshare",
        about: "pre-shared keys, DES and SHA, a tunnel with ESP",
        configs: [config!("preshare-a.cfg"), config!("preshare-b.cfg")],
        expectation: Expectation::Tunnel,
    },
    Scenario {
        name: "ah-esp",
        about: "the same with AH around ESP, both in one proposal",
        configs: [config!("ah-esp-b.cfg"), config!("ah-esp-a.cfg")],
        expectation: Expectation::Tunnel,
    },
    Scenario {
        name: "no-proposal",
        about: "the initiator asks for AH with MD5, the responder accepts SHA only: phase 2 is refused",
        configs: [config!("no-proposal-b.cfg"), config!("no-proposal-a.cfg")],
        expectation: Expectation::Phase2Refused,
    },
    Scenario {
        name: "wrong-key",
        about: "the keys differ: phase 1 ends without anyone being told why",
        configs: [config!("wrong-key-a.cfg"), config!("wrong-key-b.cfg")],
        expectation: Expectation::NotAuthenticated,
    },
];

impl Scenario {
    /// The scenario of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        SCENARIOS.iter().find(|scenario| scenario.name == name)
    }
}

/// Writes the names of all scenarios and what they show, one a line.
///
/// # Errors
/// `out` cannot be written.
pub fn list(out: &mut dyn Write) -> io::Result<()> {
    SCENARIOS.iter().try_for_each(|scenario| writeln!(out, "{:<12} {}", scenario.name, scenario.about))
}
