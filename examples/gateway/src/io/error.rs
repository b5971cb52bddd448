//! Why the gateway does not run.

use core::net::IpAddr;
use std::io;
use std::path::{Path, PathBuf};

use super::clear::MOST_RULES;
use crate::ios::ConfigError;
use crate::router::RouterError;

/// Why `gateway run` or `gateway exec` ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// Lines of the configuration that do not run.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Config(Vec<ConfigError>),
    /// The router could not be made.
    #[error(transparent)]
    Router(#[from] RouterError),
    /// No crypto map is applied to an interface that has an address.
    #[error("no interface of the configuration carries a crypto map: there is nothing to protect")]
    NoMap,
    /// No interface of this machine has the outside address.
    #[error("{0} is no address of this machine: add it to an interface, or name another by --listen")]
    NoSuchAddress(IpAddr),
    /// A crypto map whose access lists deny so much line by line that the machine would be slow.
    #[error(
        "crypto map {0}: keeping clear packets out takes more than {MOST_RULES} rules; deny less before what is permitted"
    )]
    TooManyRules(String),
    /// The machine refuses something that needs a privilege.
    #[error("{what} needs the capability {capability}: run as root, or `setcap {capability}+ep` the program")]
    Privilege {
        /// What was tried.
        what: String,
        /// The capability in the form of capabilities(7).
        capability: &'static str,
    },
    /// Another program has a port or a name that we need.
    #[error("{what} is taken: {error}")]
    Taken {
        /// What was tried.
        what: String,
        /// What the machine says.
        error: io::Error,
    },
    /// Anything else that the machine refuses.
    #[error("{what}: {error}")]
    Io {
        /// What was tried.
        what: String,
        /// What the machine says.
        error: io::Error,
    },
    /// The kernel's IPsec lacks something that the configuration asks for.
    #[error("the kernel does not take {what}: {said}")]
    Kernel {
        /// What it was asked for.
        what: String,
        /// What it says.
        said: String,
    },
    /// The running gateway did not take a command.
    #[error("{0}")]
    Refused(String),
}

impl RunError {
    /// An error of the machine, by what it means for the one who started us.
    pub(super) fn of(what: impl Into<String>, capability: &'static str, error: io::Error) -> Self {
        let what = what.into();
        match error.kind() {
            io::ErrorKind::PermissionDenied => Self::Privilege { what, capability },
            io::ErrorKind::AddrInUse | io::ErrorKind::ResourceBusy => Self::Taken { what, error },
            _ if error.raw_os_error() == Some(EPERM) => Self::Privilege { what, capability },
            _ => Self::Io { what, error },
        }
    }

    /// An error with the name of the file that it is about.
    pub(super) fn at(path: &Path, error: io::Error) -> Self {
        Self::Io { what: PathBuf::from(path).display().to_string(), error }
    }
}

/// The machine's "operation not permitted", which is another number than "permission denied".
const EPERM: i32 = 1;

/// TUN interfaces, routes, binding to a device.
pub(super) const NET_ADMIN: &str = "cap_net_admin";
/// ESP and AH.
pub(super) const NET_RAW: &str = "cap_net_raw";
/// Ports below 1024.
pub(super) const NET_BIND: &str = "cap_net_bind_service";
