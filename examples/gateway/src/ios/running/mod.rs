//! Prints a configuration in IOS's order, so that reading it again gives the same.

mod acl;
mod crypto;
mod interface;

use core::fmt::Write as _;

use super::model::{KnownLine, RunningConfig, Section, Timestamp};

pub(crate) use crypto::transform_words;

/// The text of a configuration: what `show running-config` shows after its heading.
///
/// `parse(print(config))` says the same as `config`. What has its default because nothing was said is not printed.
/// The text holds the pre-shared keys and session keys, as IOS's does under `no service password-encryption`.
pub fn print(config: &RunningConfig) -> String {
    let mut out = Printer(String::new());
    head(config, &mut out);
    crypto::print(config, &mut out);
    out.known(config, Section::Hardware);
    for interface in &config.interfaces {
        out.separator();
        interface::print(interface, &mut out);
    }
    out.separator();
    out.known(config, Section::IpRouting);
    for route in &config.routes {
        interface::route(route, &mut out);
    }
    for (name, list) in &config.access_lists {
        acl::print(name, list, &mut out);
    }
    out.known(config, Section::Tail);
    out.separator();
    out.known(config, Section::Banner);
    out.known(config, Section::Line);
    out.known(config, Section::Last);
    out.separator();
    out.line("end");
    out.0
}

/// Collects lines.
struct Printer(String);

impl Printer {
    fn line(&mut self, text: impl core::fmt::Display) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "{text}");
    }

    /// `!` between blocks, never two in a row.
    fn separator(&mut self) {
        if !self.0.is_empty() && !self.0.ends_with("\n!\n") {
            self.line("!");
        }
    }

    fn known(&mut self, config: &RunningConfig, section: Section) {
        for line in config.known.get(&section).into_iter().flatten() {
            self.known_line(line, "");
            for inner in &line.body {
                self.known_line(inner, " ");
            }
        }
    }

    fn known_line(&mut self, line: &KnownLine, indent: &str) {
        self.line(format_args!("{indent}{}", line.text.expose_text()));
    }
}

fn head(config: &RunningConfig, out: &mut Printer) {
    if let Some(version) = &config.version {
        let point = if version.rest.is_empty() { "" } else { "." };
        out.line(format_args!("version {}{point}{}", version.major, version.rest));
    }
    out.known(config, Section::FirstService);
    for (lines, stamp) in [("debug", config.timestamps.debug), ("log", config.timestamps.log)] {
        if let Some(stamp) = stamp {
            out.line(format_args!("service timestamps {lines} {}", timestamp(stamp)));
        }
    }
    out.known(config, Section::Service);
    out.separator();
    if let Some(hostname) = &config.hostname {
        out.line(format_args!("hostname {hostname}"));
        out.separator();
    }
    out.known(config, Section::Account);
    out.separator();
    out.known(config, Section::IpGlobal);
    if !config.domain_lookup {
        out.line("no ip domain-lookup");
    }
    for host in &config.hosts {
        let addresses: Vec<String> = host.addresses.iter().map(ToString::to_string).collect();
        out.line(format_args!("ip host {} {}", host.name, addresses.join(" ")));
    }
    if let Some(domain) = &config.domain_name {
        out.line(format_args!("ip domain-name {domain}"));
    }
    for server in &config.name_servers {
        out.line(format_args!("ip name-server {server}"));
    }
    out.known(config, Section::Link);
}

fn timestamp(stamp: Timestamp) -> String {
    match stamp {
        Timestamp::Uptime => "uptime".to_owned(),
        Timestamp::Datetime { msec, localtime, show_timezone } => {
            let options = [(msec, " msec"), (localtime, " localtime"), (show_timezone, " show-timezone")];
            let said: String = options.into_iter().filter(|(on, _)| *on).map(|(_, word)| word).collect();
            format!("datetime{said}")
        }
    }
}
