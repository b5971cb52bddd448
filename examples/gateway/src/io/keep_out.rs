//! Keeps out of the machine what arrives in clear and should have been protected, by policy routing rules.
//!
//! The kernel's own ESP and AH judge by policies of their own what arrived; there nothing is to be done but to take away the
//! rules that a gateway with its own ESP and AH has left when it was killed.

use core::net::IpAddr;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::PathBuf;

use netlink_packet_route::rule::RuleMessage;

use super::clear::{self, ClearRule};
use super::error::{NET_ADMIN, RunError};
use super::guard::Protected;
use super::netlink::Netlink;
use super::side::Side;
use super::{Backend, RunOptions};
use crate::router::Router;

/// Values of the machine's switch for its reverse path filter.
const STRICT: &str = "1";
const LOOSE: &str = "2";
/// A switch of the machine that is off.
const OFF: &str = "0";
/// The machine's numbers for "no such operation" and "no such address family".
const UNSUPPORTED: [i32; 2] = [95, 97];

/// What a device is to drop.
#[derive(Debug, Default)]
struct DeviceRules {
    v4: Vec<ClearRule>,
    v6: Vec<ClearRule>,
}

/// Those of all devices of our addresses outside.
fn rules_of(
    options: &RunOptions,
    router: &Router,
    outside: &[Side],
) -> Result<BTreeMap<String, DeviceRules>, RunError> {
    let mut devices = BTreeMap::<String, DeviceRules>::new();
    for map in router.maps() {
        let rules = match options.backend {
            Backend::User => clear::rules(map, (options.port, options.nat_port)),
            Backend::Kernel => Some(Vec::new()),
        };
        let rules = rules.ok_or_else(|| RunError::TooManyRules(map.name.clone()))?;
        let sides = outside.iter().filter(|side| side.interface == map.interface);
        for name in sides.filter_map(|side| side.device.as_ref()).collect::<BTreeSet<_>>() {
            let device = devices.entry(name.clone()).or_default();
            for rule in &rules {
                let family = if rule.area.from.0.is_ipv6() { &mut device.v6 } else { &mut device.v4 };
                family.push(rule.clone());
            }
        }
    }
    Ok(devices)
}

/// Whether the machine has no policy routing, or not for this family.
pub(super) fn is_unsupported(error: &io::Error) -> bool {
    error.raw_os_error().is_some_and(|number| UNSUPPORTED.contains(&number))
}

/// Rules of a device and a family: what they are to say, and what the machine says that they are.
struct Standing {
    wanted: Vec<ClearRule>,
    made: Vec<RuleMessage>,
}

/// What of the machine is changed to keep clear packets out. It stays, however this process ends, until it is released.
pub(super) struct KeepOut {
    netlink: Netlink,
    /// By device and whether it is IPv6.
    standing: BTreeMap<(String, bool), Standing>,
    /// Devices that have rules of ours.
    devices: BTreeSet<String>,
    /// Switches of the machine that are set, and what stood in them before.
    switches: Vec<(PathBuf, String)>,
    gaps: Vec<String>,
}

impl KeepOut {
    pub(super) fn open() -> Result<Self, RunError> {
        let netlink = Netlink::open().map_err(|error| RunError::of("rtnetlink", NET_ADMIN, error))?;
        let (standing, devices) = (BTreeMap::new(), BTreeSet::new());
        Ok(Self { netlink, standing, devices, switches: Vec::new(), gaps: Vec::new() })
    }

    /// What this machine takes in clear all the same, in words for whoever runs it.
    pub(super) fn gaps(&self) -> &[String] {
        &self.gaps
    }

    /// Makes the machine drop what the maps of a router want protected, and nothing else.
    pub(super) fn apply(
        &mut self,
        options: &RunOptions,
        router: &Router,
        outside: &[Side],
    ) -> Result<(), RunError> {
        let devices = rules_of(options, router, outside)?;
        let covers_a_peer = Protected::of(router, None).covers_a_peer;
        let is_ours = options.backend == Backend::User;
        let mut gaps: Vec<String> = outside.iter().filter(|_| is_ours).filter_map(on_loopback).collect();
        let mut strict = BTreeSet::new();
        for (device, rules) in &devices {
            self.devices.insert(device.clone());
            if !self.replace(device, false, &rules.v4)? {
                strict.insert(device);
                gaps.extend(covers_a_peer.then(|| gap(device, "IPv4")));
            }
            if !self.replace(device, true, &rules.v6)? {
                gaps.push(gap(device, "IPv6"));
            }
        }
        let is_gone = |name: &&String| !devices.contains_key(*name);
        self.devices.iter().filter(is_gone).for_each(|device| self.forget(device));
        self.standing.retain(|(device, _), _| devices.contains_key(device));
        self.devices.retain(|device| devices.contains_key(device));
        self.restore();
        if is_ours && !self.devices.is_empty() {
            // The machine spares a connected UDP socket the look-up of routes: what a rule drops would reach it all the
            // same.
            self.switch(PathBuf::from("/proc/sys/net/ipv4/udp_early_demux"), |_| Some(OFF));
            devices.keys().for_each(|device| self.filter(device, strict.contains(device), covers_a_peer));
        }
        self.gaps = gaps;
        Ok(())
    }

    /// Makes rules again that somebody else has removed or moved.
    pub(super) fn mend(&mut self) -> Result<bool, RunError> {
        let mut changed = false;
        for ((device, is_v6), standing) in &mut self.standing {
            let failed = |error| RunError::of(format!("policy routing rules for {device}"), NET_ADMIN, error);
            if self.netlink.rules_of(device, *is_v6).map_err(failed)? != standing.made {
                self.netlink.replace_rules(device, *is_v6, &standing.wanted).map_err(failed)?;
                standing.made = self.netlink.rules_of(device, *is_v6).map_err(failed)?;
                changed = true;
            }
        }
        Ok(changed)
    }

    /// Whether the machine can do it.
    fn replace(&mut self, device: &str, is_v6: bool, rules: &[ClearRule]) -> Result<bool, RunError> {
        let replaced = self.netlink.replace_rules(device, is_v6, rules);
        match replaced.and_then(|()| self.netlink.rules_of(device, is_v6)) {
            Ok(made) => {
                let standing = Standing { wanted: rules.to_vec(), made };
                self.standing.insert((device.to_owned(), is_v6), standing);
                Ok(true)
            }
            Err(error) if is_unsupported(&error) => Ok(rules.is_empty()),
            Err(error) => Err(RunError::of(format!("policy routing rules for {device}"), NET_ADMIN, error)),
        }
    }

    /// RFC 3704 2.2: where the machine has no policy routing, strict reverse path filtering drops what comes clear from
    /// behind a tunnel, because its way back is the TUN interface. Where a peer itself is behind a tunnel that would drop
    /// its ESP as well; there it must be loose (RFC 3704 2.4), whatever somebody has left it at.
    fn filter(&mut self, device: &str, wants_strict: bool, covers_a_peer: bool) {
        let filter = |name: &str| PathBuf::from("/proc/sys/net/ipv4/conf").join(name).join("rp_filter");
        // The larger one of the two counts.
        let all = fs::read_to_string(filter("all")).unwrap_or_default();
        self.switch(filter(device), |own| {
            let is_strict = own.max(all.trim()) == STRICT;
            match (covers_a_peer, wants_strict) {
                (true, _) if is_strict => Some(LOOSE),
                (false, true) if !is_strict => Some(STRICT),
                _ => None,
            }
        });
    }

    /// Sets a switch by what stands in it. One that the machine lacks, or that is not ours to set, stays.
    fn switch(&mut self, path: PathBuf, wanted: impl FnOnce(&str) -> Option<&'static str>) {
        let Ok(before) = fs::read_to_string(&path) else { return };
        if let Some(wanted) = wanted(before.trim()).filter(|wanted| *wanted != before.trim())
            && fs::write(&path, wanted).is_ok()
        {
            self.switches.push((path, before));
        }
    }

    /// Takes everything back.
    pub(super) fn release(&mut self) {
        self.devices.iter().for_each(|device| self.forget(device));
        self.restore();
    }

    fn restore(&mut self) {
        for (switch, before) in self.switches.drain(..) {
            // The device may be gone by now.
            let _ = fs::write(switch, before);
        }
    }

    /// Takes back the rules of a device.
    fn forget(&self, device: &str) {
        for is_v6 in [false, true] {
            let _: io::Result<()> = self.netlink.replace_rules(device, is_v6, &[]);
        }
    }
}

/// What a machine without policy routing leaves open.
fn gap(device: &str, family: &str) -> String {
    format!(
        "ATTENTION: this machine has no policy routing for {family}: it takes clear {family} packets at {device} that a \
         crypto map wants protected"
    )
}

/// An address that packets reach by any device.
fn on_loopback(side: &Side) -> Option<String> {
    let is_v4 = matches!(side.local, IpAddr::V4(_));
    side.device.is_none().then(|| {
        format!(
            "ATTENTION: {} is an address of lo: this machine takes clear {} packets that a crypto map wants protected",
            side.local,
            if is_v4 { "IPv4" } else { "IPv6" }
        )
    })
}
