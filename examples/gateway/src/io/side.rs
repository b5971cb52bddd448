//! The addresses outside, with their sockets and devices.

use core::net::IpAddr;

use super::RunOptions;
use super::error::{NET_ADMIN, RunError};
use super::guard::Guard;
use super::netlink::Netlink;
use super::sockets::Outside;
use crate::router::{InterfaceIndex, Router};

/// One local address outside.
pub(super) struct Side {
    pub(super) interface: InterfaceIndex,
    pub(super) local: IpAddr,
    /// The machine's number of the interface.
    pub(super) index: u32,
    pub(super) device: Option<String>,
    pub(super) sockets: Outside,
    /// Whether the machine has the address no more.
    pub(super) is_lost: bool,
}

/// The sockets of all local ends of the maps.
pub(super) fn sides(options: &RunOptions, router: &Router, netlink: &Netlink) -> Result<Vec<Side>, RunError> {
    let mut sides = Vec::new();
    for map in router.maps() {
        for local in &map.locals {
            let found = netlink.interface_of(*local);
            let found = found.map_err(|error| RunError::of("looking up addresses", NET_ADMIN, error))?;
            let (index, device) = found.ok_or(RunError::NoSuchAddress(*local))?;
            // What an address of the loopback device sends leaves by another one.
            let device = (device != "lo").then_some(device);
            let ports = (options.port, options.nat_port);
            let sockets = Outside::open(*local, device.as_deref(), ports, options.backend)?;
            sides.push(Side {
                interface: map.interface,
                local: *local,
                index,
                device,
                sockets,
                is_lost: false,
            });
        }
    }
    if sides.is_empty() { Err(RunError::NoMap) } else { Ok(sides) }
}

/// The kernel's policies look at what is on its way out of a device: what the maps call remote must be on its way there.
pub(super) fn guards_of_devices(
    outside: &[Side],
    source: Option<IpAddr>,
) -> Result<Vec<(Option<InterfaceIndex>, Guard)>, RunError> {
    let mut guards: Vec<(Option<InterfaceIndex>, Guard)> = Vec::new();
    for side in outside.iter().filter(|side| side.device.is_some()) {
        if guards.iter().all(|(interface, _)| *interface != Some(side.interface)) {
            let netlink = Netlink::open().map_err(|error| RunError::of("rtnetlink", NET_ADMIN, error))?;
            let guard = Guard::new(netlink, side.index, source);
            guards.push((Some(side.interface), guard));
        }
    }
    Ok(guards)
}
