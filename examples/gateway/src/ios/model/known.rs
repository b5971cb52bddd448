//! Commands that are understood and have no effect here.

use core::fmt;

use super::{ConfigSecret, Origin};

/// A command that is known and without effect: kept as written, so that printing gives it back. Its text can hold a
/// password, hence the secret type and the `Debug` that shows the command's form only.
#[derive(Clone, PartialEq, Eq)]
pub struct KnownLine {
    /// The form of the command as `docs/configuration.md` lists it.
    pub command: &'static str,
    /// The line as written, without surrounding white space; several lines for a banner.
    pub text: ConfigSecret,
    /// Commands of its own mode (`line`, `hub`), which are without effect as well.
    pub body: Vec<Self>,
    /// Where it stood.
    pub origin: Origin,
}

impl fmt::Debug for KnownLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { command, text: _, body, origin } = self;
        f.debug_struct("KnownLine")
            .field("command", command)
            .field("body", body)
            .field("origin", origin)
            .finish_non_exhaustive()
    }
}

/// Where a line without effect stands when the configuration is printed; the order is IOS's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Section {
    /// After `version`: `service pad`.
    FirstService,
    /// After `service timestamps`: `service` and all else of it.
    Service,
    /// After `hostname`: `enable`, `username`, `boot`, `logging`.
    Account,
    /// Before the `ip host` lines: `ip subnet-zero`.
    IpGlobal,
    /// After the name servers: `isdn switch-type`.
    Link,
    /// Before the interfaces: `hub`, `controller`.
    Hardware,
    /// Before the routes: `ip default-gateway`, `ip classless`.
    IpRouting,
    /// After the access lists: `dialer-list`, `snmp-server`.
    Tail,
    /// `banner`.
    Banner,
    /// `line` and the commands in it.
    Line,
    /// After the lines: `ntp`, `scheduler`.
    Last,
    /// Inside an interface.
    Interface,
}
