//! The gateway on a Linux machine: the only files that touch the operating system.
//!
//! ```text
//!   outside  UDP 500, UDP 4500, ESP, AH --sockets--+
//!                                                  +-- run_loop: the sans-IO router
//!   inside   routes of the crypto map --> TUN -----+
//!                                                  |
//!            gateway exec --> control socket ------+
//! ```
//!
//! With the kernel as back end there is neither TUN nor ESP here: `xfrm` hands it the SAs and the maps, and only IKE
//! comes and goes.
//!
//! The host keeps its addresses and forwards for its networks as it always did. What the access lists of the crypto maps
//! call remote has routes into the TUN interface, in a table of its own; what comes out of it was opened and passed the
//! maps. All sockets are bound to the outside device and marked, so that these routes never catch the gateway's own packets,
//! whatever a map covers. What arrives outside in clear and should have been protected is dropped by the machine's policy
//! routing. All of that stays when the process or the TUN interface is gone, and then nothing leaves.

mod clear;
mod clock;
mod control;
mod encap;
mod error;
mod files;
mod guard;
mod keep_out;
mod log;
mod machine;
mod netlink;
mod path_mtu;
mod routes;
mod rules;
mod run_loop;
mod side;
mod signals;
mod sockets;
mod strangers;
mod table;
mod tun;
mod xfrm;

use core::net::IpAddr;
use std::path::PathBuf;

pub use control::exec;
pub use error::RunError;
pub use run_loop::run;

/// Who seals and opens packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Backend {
    /// This program, behind a TUN interface.
    #[default]
    User,
    /// The kernel's ESP and AH, by netlink XFRM; this program keeps IKE.
    Kernel,
}

/// What `gateway run` was asked for.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// The configuration.
    pub config: PathBuf,
    /// Who seals and opens packets.
    pub backend: Backend,
    /// Our address outside, in place of the one that the configuration gives the interface.
    pub listen: Vec<IpAddr>,
    /// Our IKE port.
    pub port: u16,
    /// Our port for IKE and ESP in UDP.
    pub nat_port: u16,
    /// Name of the TUN interface.
    pub tun: String,
    /// Octets of the largest packet that the host sends into the TUN interface.
    pub tun_mtu: u16,
    /// Where `gateway exec` finds us.
    pub socket: Option<PathBuf>,
    /// Writes what crosses the outside interface, as pcapng.
    pub pcap: Option<PathBuf>,
    /// Writes the keys of all SAs into this folder.
    pub keylog: Option<PathBuf>,
    /// Writes debug lines.
    pub log: Option<PathBuf>,
}
