//! The random simulation, seed after seed: `interop/sweep GATEWAY random` calls it.
//!
//! Each run that failed is a line on standard output with its faults, and the command that plays it again with its story.

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::io::{self, Write as _};
use std::panic::catch_unwind;
use std::process::ExitCode;
use std::sync::Mutex;
use std::thread;

use clap::Parser;
use gateway::simulation::{Outcome, run};

/// Routers on a network that a seed maltreats: each run must end with everything arriving again
#[derive(Parser)]
struct Cli {
    /// How many seeds
    #[arg(long, value_name = "N", default_value_t = 1000)]
    runs: u64,
    /// The first of them
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Runs at the same time; as many as there are processors if not given
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    /// Tells the story of each run
    #[arg(long)]
    log: bool,
}

/// What all runs so far came to.
#[derive(Default)]
struct Summary {
    runs: u64,
    failed: u64,
    deaf: u64,
    split: u64,
    panics: u64,
    worst: (Duration, u64),
    gap: (Duration, u64),
    packets: u64,
    most: (usize, usize),
}

impl Summary {
    fn note(&mut self, seed: u64, outcome: Option<&Outcome>) {
        use gateway::simulation::Fault;
        self.runs = self.runs.saturating_add(1);
        let Some(outcome) = outcome else {
            self.panics = self.panics.saturating_add(1);
            self.failed = self.failed.saturating_add(1);
            say(format_args!("{seed}: panic"));
            return again(seed);
        };
        let has = |kind: fn(&Fault) -> bool| u64::from(outcome.faults.iter().any(kind));
        self.deaf = self.deaf.saturating_add(has(|fault| matches!(fault, Fault::Deaf { .. })));
        self.split = self.split.saturating_add(has(|fault| matches!(fault, Fault::Split { .. })));
        self.packets = self.packets.saturating_add(outcome.sent);
        self.worst = self.worst.max((outcome.healing, seed));
        self.gap = self.gap.max((outcome.gap, seed));
        self.most = (self.most.0.max(outcome.most_ike_sas), self.most.1.max(outcome.most_bundles));
        if !outcome.faults.is_empty() {
            self.failed = self.failed.saturating_add(1);
            let faults: Vec<_> = outcome.faults.iter().map(ToString::to_string).collect();
            say(format_args!("{seed}: {}", faults.join("; ")));
            again(seed);
        }
    }

    fn print(&self) {
        say(format_args!(
            "{} runs, {} failed: {} deaf, {} split, {} panics; worst healing {:.1} s (seed {}), longest gap later {:.1} s (seed {}); {} packets after healing; \
             at most {} IKE SAs of a router, {} SAs of a flow",
            self.runs,
            self.failed,
            self.deaf,
            self.split,
            self.panics,
            self.worst.0.as_secs_f64(),
            self.worst.1,
            self.gap.0.as_secs_f64(),
            self.gap.1,
            self.packets,
            self.most.0,
            self.most.1
        ));
    }
}

/// A line of the report. Whoever stops reading does not want the rest.
fn say(line: core::fmt::Arguments<'_>) {
    let _unread = writeln!(io::stdout(), "{line}");
}

/// How a run is seen again.
fn again(seed: u64) {
    say(format_args!("  cargo run --release -p gateway --example random -- --runs 1 --seed {seed} --log"));
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let jobs = cli.jobs.or_else(|| thread::available_parallelism().ok().map(usize::from)).unwrap_or(1);
    let jobs = if cli.log { 1 } else { jobs };
    let (next, summary) = (AtomicU64::new(0), Mutex::new(Summary::default()));
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= cli.runs {
                return;
            }
            let seed = cli.seed.saturating_add(number);
            let outcome = catch_unwind(|| {
                let mut out = io::stdout();
                run(seed, if cli.log { Some(&mut out) } else { None })
            });
            let Ok(mut summary) = summary.lock() else { return };
            summary.note(seed, outcome.as_ref().ok());
            if summary.runs.is_multiple_of(1000) {
                let _unread = writeln!(io::stderr(), "{} runs, {} failed", summary.runs, summary.failed);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(work);
        }
    });
    let Ok(summary) = summary.lock() else { return ExitCode::FAILURE };
    summary.print();
    if summary.failed == 0 && summary.runs == cli.runs { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
