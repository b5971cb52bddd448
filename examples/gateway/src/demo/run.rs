//! The demo from beginning to end.

use core::time::Duration;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crypto_provider::CryptoProvider;
use crypto_provider::default::{SeededRandom, provider};
use netsim::{Rng, write_pcap};
use thiserror::Error;

use super::checks;
use super::hosts::Host;
use super::play;
use super::scenario::{Expectation, Scenario};
use super::stage::Stage;
use super::topology::{self, Leg, TopologyError, Trouble};
use super::transcript::Transcript;
use crate::check;
use crate::cli::debug::Switches;
use crate::cli::show::Show;
use crate::ios::ConfigError;
use crate::router::{Router, RouterError, RouterOptions};

/// 1 March 1993, where the document's router begins to count: the captures' date.
const EPOCH: Duration = Duration::from_secs(730_944_000);

/// One router's configuration.
pub struct Source {
    /// The name that errors carry.
    pub name: String,
    /// The text. It may hold keys.
    pub text: crypto_provider::SecretBytes,
}

/// What to show and how.
#[non_exhaustive]
pub struct Options {
    /// What must come out, and whose configurations are used if no others are given.
    pub scenario: &'static Scenario,
    /// Configurations in place of the scenario's.
    pub configs: Option<Vec<Source>>,
    /// Decides every random number: those of the routers and of the network.
    pub seed: u64,
    /// Percent of the packets between the routers that are lost.
    pub loss: u32,
    /// Percent of the packets between the routers that later ones overtake.
    pub reorder: u32,
    /// Where a capture of the link between the routers is written.
    pub pcap: Option<PathBuf>,
    /// Where keys are written, a folder for each router.
    pub keylog: Option<PathBuf>,
    /// Where debug lines are written, a file for each router.
    pub log: Option<PathBuf>,
    /// What is shown of each router at the end, beside its maps and SAs, with the words of the command.
    pub show: Vec<(String, Show)>,
}

impl Options {
    /// A scenario on a perfect network, with nothing written.
    #[must_use]
    pub const fn new(scenario: &'static Scenario, seed: u64) -> Self {
        Self {
            scenario,
            configs: None,
            seed,
            loss: 0,
            reorder: 0,
            pcap: None,
            keylog: None,
            log: None,
            show: Vec::new(),
        }
    }
}

/// Why the demo could not be shown to its end.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DemoError {
    /// Lines of a configuration that are wrong or do not run.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Config(Vec<ConfigError>),
    /// A configuration makes no router.
    #[error("{0}")]
    Router(#[from] RouterError),
    /// Two configurations make no network.
    #[error(transparent)]
    Topology(#[from] TopologyError),
    /// The simulation failed.
    #[error("simulation: {0}")]
    Network(#[from] netsim::Error),
    /// Something could not be written.
    #[error("{0}")]
    Write(#[from] io::Error),
}

/// Shows a scenario on `out`; whether its outcome was the one that it is for.
///
/// # Errors
/// [`DemoError`].
pub fn run(options: &Options, out: &mut dyn Write) -> Result<bool, DemoError> {
    let trouble = Trouble { loss: options.loss.min(100), reorder: options.reorder.min(100) };
    introduce(options, out)?;
    let routers =
        (0..count(options)).map(|index| router(options, index, 0)).collect::<Result<Vec<_>, _>>()?;
    let hostnames = distinct(&routers);
    let stamps = routers.iter().map(|router| router.config().timestamps);
    let parts: Vec<_> = hostnames.iter().cloned().zip(stamps).collect();
    let transcript = Transcript::new(out, &parts, Switches::USEFUL);
    let (mut network, places) = topology::build(options.seed, routers, options.scenario.wire, trouble)?;
    network.capture();
    let mut stage = Stage::new(network, places, transcript);
    place(&mut stage, &hostnames)?;
    play::act(&mut stage, options.scenario, || router(options, 1, 1))?;
    let now = stage.now();
    stage.transcript.finish(now)?;
    shows(&mut stage, &options.show)?;
    let observers: Vec<_> = stage.places.legs.iter().map(|leg| stage.observe(*leg, Duration::ZERO)).collect();
    for (observer, hostname) in observers.iter().zip(hostnames.iter().skip(1)) {
        let place =
            if observers.len() > 1 { format!("before {hostname}") } else { "between the routers".to_owned() };
        stage.transcript.say(&format!("What an observer {place} saw:\n"))?;
        stage.transcript.say(&observer.to_string())?;
    }
    if options.scenario.expectation != Expectation::Tunnel {
        let table = stage.table.to_string();
        stage.transcript.say("What was offered beside what is accepted:\n")?;
        stage.transcript.say(&table)?;
    }
    let checks = checks::outcome(&stage, &observers, options.scenario, trouble);
    let fine = checks.iter().all(checks::Check::holds);
    stage.transcript.say("Outcome:\n")?;
    for check in &checks {
        stage.transcript.say(&check.to_string())?;
    }
    write_files(options, &stage, &hostnames)?;
    Ok(fine)
}

fn introduce(options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let Options { scenario, seed, loss, reorder, .. } = options;
    writeln!(out, "Scenario {}: {}.", scenario.name, scenario.about)?;
    writeln!(out, "Seed {seed} (the same again: --seed {seed}), loss {loss} %, reordering {reorder} %.")?;
    if options.keylog.is_some() {
        writeln!(out, "ATTENTION: the keys of all SAs are being written to files.")?;
    }
    Ok(())
}

/// How many routers there are.
fn count(options: &Options) -> usize {
    options.configs.as_ref().map_or(options.scenario.configs.len(), Vec::len)
}

/// One of the routers, `again` for the so manieth time.
fn router(options: &Options, index: usize, again: u64) -> Result<Router, DemoError> {
    let given = options.configs.as_ref().and_then(|configs| configs.get(index));
    let own = options.scenario.configs.get(index).copied().unwrap_or_default();
    let (name, text) =
        given.map_or((own.0, own.1.as_bytes()), |source| (source.name.as_str(), source.text.expose()));
    let (config, _policies) = check::load(name, text).map_err(DemoError::Config)?;
    // Each router draws its own numbers, and none of them are the network's.
    let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let label = number(index).saturating_add(1).saturating_add(again.saturating_mul(number(count(options))));
    let seed = Rng::stream(options.seed, label).next_u64();
    let provider = CryptoProvider { random: Arc::new(SeededRandom::new(seed)), ..provider() };
    let options = RouterOptions { key_log: options.keylog.is_some(), ..RouterOptions::default() };
    Ok(Router::new(name, config, provider, options)?)
}

/// Routers of one name are told apart.
fn distinct(routers: &[Router]) -> Vec<String> {
    let name = |(number, router): (usize, &Router)| {
        let own = router.hostname();
        let same = routers.iter().filter(|other| other.hostname() == own).count();
        if same > 1 { format!("{own}-{number}") } else { own.to_owned() }
    };
    (1..=usize::MAX).zip(routers).map(name).collect()
}

fn place(stage: &mut Stage<'_>, hostnames: &[String]) -> Result<(), DemoError> {
    for leg in stage.places.legs.clone() {
        let ([a, b], [end_a, end_b]) = (leg.addresses, leg.ends);
        let [first, second] = leg.routers.map(|router| hostnames.get(router).map_or("", String::as_str));
        let [name_a, name_b] = leg.hosts.map(|host| stage.host(host).map_or("", Host::name).to_owned());
        let near = match stage.places.translator {
            Some(_) => format!("{first} {} -- translator {end_a}", leg.inner),
            None => format!("{first} {end_a}"),
        };
        let line = format!("{name_a} {a} -- {near} ---- {end_b} {second} -- {b} {name_b}");
        stage.transcript.say(&line)?;
    }
    Ok(())
}

fn shows(stage: &mut Stage<'_>, wanted: &[(String, Show)]) -> Result<(), DemoError> {
    let always = ["show crypto isakmp sa", "show crypto map", "show crypto ipsec sa"];
    let always = always.into_iter().filter_map(|name| Some((name, Show::named(name)?)));
    let commands: Vec<_> = always.chain(wanted.iter().map(|(name, show)| (name.as_str(), *show))).collect();
    let now = stage.now();
    for index in 0..stage.places.routers.len() {
        for (name, command) in &commands {
            let text = stage.router(index).map(|router| command.of(router, now)).unwrap_or_default();
            stage.transcript.command(index, name, &text)?;
        }
    }
    Ok(())
}

fn write_files(options: &Options, stage: &Stage<'_>, hostnames: &[String]) -> Result<(), DemoError> {
    if let Some(path) = &options.pcap {
        let file = fs::File::create(path).map_err(|error| at(path, &error))?;
        let names = |(number, leg): (usize, &Leg)| (leg.wan, format!("wan{number}"));
        let names: Vec<_> = match stage.places.legs.as_slice() {
            [one] => vec![(one.wan, "wan".to_owned())],
            legs => (1..=usize::MAX).zip(legs).map(names).collect(),
        };
        let names: Vec<_> = names.iter().map(|(link, name)| (*link, name.as_str())).collect();
        write_pcap(io::BufWriter::new(file), &names, EPOCH, stage.network.captured())
            .map_err(|error| at(path, &error))?;
    }
    for (index, hostname) in hostnames.iter().enumerate() {
        let name = file_name(hostname);
        if let Some(folder) = &options.log {
            write_log(folder, &name, stage.transcript.lines(index)).map_err(|error| at(folder, &error))?;
        }
        let keys = stage.router(index).and_then(Router::key_log);
        if let (Some(folder), Some(keys)) = (&options.keylog, keys) {
            keys.write(&folder.join(&name)).map_err(|error| at(folder, &error))?;
        }
        let mut before = stage.former.iter().filter(|former| former.index == index);
        if let (Some(folder), Some(keys)) =
            (&options.keylog, before.next_back().and_then(|former| former.router.key_log()))
        {
            keys.write(&folder.join(format!("{name}-before"))).map_err(|error| at(folder, &error))?;
        }
    }
    Ok(())
}

/// The same error with the name of what could not be written.
fn at(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

fn write_log(folder: &Path, name: &str, lines: &str) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join(format!("{name}.log")), lines)
}

/// A host name as a file name: it comes from a configuration, and must not lead out of the folder.
fn file_name(hostname: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '_' };
    hostname.chars().map(safe).take(64).collect()
}
