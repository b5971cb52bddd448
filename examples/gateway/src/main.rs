//! The command line of the gateway.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use crypto_provider::SecureRandom as _;
use crypto_provider::default::OsRandom;
use gateway::check;
use gateway::cli::printable;
use gateway::cli::show::Show;
use gateway::demo::{self, Options, SCENARIOS, Scenario, Source};

/// An IPsec gateway that is configured like the routers of 1998.
#[derive(Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Shows routers and hosts on a simulated network; ends with status 0 only when the scenario's outcome occurred
    Demo(Demo),
    /// Runs the gateway on this machine until it is told to stop; needs Linux and root, or the capabilities that it names
    #[cfg(target_os = "linux")]
    Run(Run),
    /// Asks a running gateway, as in: gateway exec --socket PATH "show crypto isakmp sa"
    #[cfg(target_os = "linux")]
    Exec {
        /// Where it listens
        #[arg(long, value_name = "PATH")]
        socket: PathBuf,
        /// A show command, "clear crypto sa" or "clear crypto isakmp"
        command: String,
    },
    /// Reads configurations and says what is wrong with them; ends with status 2 when a line is unsupported or wrong
    Check {
        /// Configurations
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Also names each line that has no effect
        #[arg(short, long)]
        verbose: bool,
    },
}

#[derive(Args)]
struct Demo {
    /// Names the scenarios
    #[arg(long)]
    list: bool,
    /// Which scenario
    #[arg(long, default_value = SCENARIOS[0].name)]
    scenario: String,
    /// A configuration in place of the scenario's; once for each router, first the one that is the peer of all others and speaks first
    #[arg(long = "config", value_name = "FILE", num_args = 1)]
    configs: Vec<PathBuf>,
    /// Fixes all randomness
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Share of the packets between the routers that are lost
    #[arg(long, value_name = "PERCENT", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=100))]
    loss: u32,
    /// Share of the packets between the routers that later ones overtake
    #[arg(long, value_name = "PERCENT", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=100))]
    reorder: u32,
    /// Writes what is on the wire between the routers, as pcapng
    #[arg(long, value_name = "FILE")]
    pcap: Option<PathBuf>,
    /// Writes the keys of all SAs, in the files that Wireshark reads, a folder for each router
    #[arg(long, value_name = "FOLDER")]
    keylog: Option<PathBuf>,
    /// Writes the debug lines, a file for each router
    #[arg(long, value_name = "FOLDER")]
    log: Option<PathBuf>,
    /// Shows more of all routers at the end, as in "show crypto isakmp policy"; may be given more than once
    #[arg(long, value_name = "COMMAND", num_args = 1)]
    show: Vec<String>,
}

/// The configuration's interface with a crypto map is outside: its address must be one of this machine. What the access
/// lists call remote gets routes into a TUN interface. SIGHUP reads the configuration again, SIGTERM and SIGINT end the
/// gateway and all SAs.
#[cfg(target_os = "linux")]
#[derive(Args)]
struct Run {
    /// The configuration
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Who seals and opens packets: this program behind a TUN interface, or the kernel's own ESP and AH
    #[arg(long, value_name = "WHO", value_enum, default_value_t)]
    backend: gateway::io::Backend,
    /// Our address outside, in place of the configuration's; once for each family
    #[arg(long, value_name = "ADDRESS")]
    listen: Vec<core::net::IpAddr>,
    /// Our port of IKE, for laboratories
    #[arg(long, value_name = "PORT", default_value_t = 500)]
    port: u16,
    /// Our port of IKE and ESP behind address translators, for laboratories
    #[arg(long, value_name = "PORT", default_value_t = 4500)]
    nat_port: u16,
    /// Name of the TUN interface
    #[arg(long, value_name = "NAME", default_value = "ipsec0")]
    tun: String,
    /// Octets of the largest packet that this machine sends into the TUN interface
    #[arg(long, value_name = "OCTETS", default_value_t = 1400, value_parser = clap::value_parser!(u16).range(576..))]
    tun_mtu: u16,
    /// Lets `gateway exec` in here; only its owner may
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// Writes what crosses the outside interface, as pcapng
    #[arg(long, value_name = "FILE")]
    pcap: Option<PathBuf>,
    /// Writes the keys of all SAs, in the files that Wireshark reads
    #[arg(long, value_name = "FOLDER")]
    keylog: Option<PathBuf>,
    /// Writes the debug lines
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
}

fn main() -> ExitCode {
    let mut out = io::stdout().lock();
    let status = match Cli::parse().command {
        Command::Demo(demo) => run_demo(demo, &mut out),
        #[cfg(target_os = "linux")]
        Command::Run(run) => run_gateway(run, &mut out),
        #[cfg(target_os = "linux")]
        Command::Exec { socket, command } => match gateway::io::exec(&socket, &command) {
            Ok(text) => {
                out.write_all(text.as_bytes()).map(|()| check::FINE).map_err(|error| error.to_string())
            }
            Err(error) => Err(error.to_string()),
        },
        Command::Check { files, verbose } => {
            check::check(&files, verbose, &mut out).map_err(|error| error.to_string())
        }
    };
    match status {
        Ok(status) => ExitCode::from(status),
        Err(reason) => {
            // Nothing is left to do when not even this can be written.
            let _ = writeln!(io::stderr(), "gateway: {reason}");
            ExitCode::from(check::FAILED)
        }
    }
}

#[cfg(target_os = "linux")]
fn run_gateway(run: Run, out: &mut dyn Write) -> Result<u8, String> {
    let Run { config, backend, listen, port, nat_port, tun, tun_mtu, socket, pcap, keylog, log } = run;
    let options = gateway::io::RunOptions {
        config,
        backend,
        listen,
        port,
        nat_port,
        tun,
        tun_mtu,
        socket,
        pcap,
        keylog,
        log,
    };
    match gateway::io::run(&options, out) {
        Ok(()) => Ok(check::FINE),
        Err(error @ gateway::io::RunError::Config(_)) => {
            let _ = writeln!(io::stderr(), "{error}");
            Ok(check::WRONG)
        }
        Err(error) => Err(error.to_string()),
    }
}

fn run_demo(demo: Demo, out: &mut dyn Write) -> Result<u8, String> {
    if demo.list {
        return demo::list(out).map(|()| check::FINE).map_err(|error| error.to_string());
    }
    let scenario = Scenario::named(&demo.scenario)
        .ok_or_else(|| format!("no scenario '{}'; see --list", demo.scenario))?;
    let mut options = Options::new(scenario, seed(demo.seed)?);
    options.configs = configs(&demo.configs)?;
    (options.loss, options.reorder) = (demo.loss, demo.reorder);
    (options.pcap, options.keylog, options.log) = (demo.pcap, demo.keylog, demo.log);
    options.show = shows(&demo.show)?;
    match demo::run(&options, out) {
        Ok(fine) => Ok(if fine { check::FINE } else { check::FAILED }),
        Err(error @ demo::DemoError::Config(_)) => {
            let _ = writeln!(io::stderr(), "{error}");
            Ok(check::WRONG)
        }
        Err(error) => Err(error.to_string()),
    }
}

fn seed(given: Option<u64>) -> Result<u64, String> {
    if let Some(seed) = given {
        return Ok(seed);
    }
    let mut octets = [0; 8];
    OsRandom.fill(&mut octets).map_err(|error| error.to_string())?;
    Ok(u64::from_be_bytes(octets))
}

fn shows(commands: &[String]) -> Result<Vec<(String, Show)>, String> {
    let known = || Show::ALL.iter().map(|(name, _)| format!("\n  {name}")).collect::<String>();
    let read = |text: &String| {
        let show = Show::named(text)
            .ok_or_else(|| format!("no command '{}'; there are{}", printable(text), known()))?;
        Ok((text.clone(), show))
    };
    commands.iter().map(read).collect()
}

fn configs(paths: &[PathBuf]) -> Result<Option<Vec<Source>>, String> {
    let read = |path: &PathBuf| -> Result<Source, String> {
        let text = check::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Source { name: path.display().to_string(), text })
    };
    match paths {
        [] => Ok(None),
        [_] => Err("--config is given once for each router, at least twice, or not at all".to_owned()),
        all => all.iter().map(read).collect::<Result<_, _>>().map(Some),
    }
}
