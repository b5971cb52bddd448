//! SIGINT and SIGTERM, which stop the gateway, and SIGHUP, which has it read its configuration again.

use core::sync::atomic::AtomicBool;
use std::io;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use signal_hook::consts::{
    SIGALRM, SIGHUP, SIGINT, SIGIO, SIGPROF, SIGTERM, SIGUSR1, SIGUSR2, SIGVTALRM, SIGXFSZ,
};

/// Signals that would end a process that does not know them, and mean nothing to this one. SIGQUIT and those that tell of a
/// fault do end it.
const MEANINGLESS: [i32; 7] = [SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGIO, SIGXFSZ];

/// What was heard, and what wakes the loop then.
pub(super) struct Signals {
    pub(super) wake: UnixStream,
    pub(super) stop: Arc<AtomicBool>,
    pub(super) reload: Arc<AtomicBool>,
    /// One without a meaning.
    pub(super) ignored: Arc<AtomicBool>,
}

impl Signals {
    pub(super) fn open() -> io::Result<Self> {
        let (wake, sender) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        let flag = || Arc::new(AtomicBool::new(false));
        let (stop, reload, ignored) = (flag(), flag(), flag());
        let known = [(SIGINT, &stop), (SIGTERM, &stop), (SIGHUP, &reload)];
        let meaningless = MEANINGLESS.map(|signal| (signal, &ignored));
        for (signal, flag) in known.into_iter().chain(meaningless) {
            signal_hook::flag::register(signal, Arc::clone(flag))?;
            signal_hook::low_level::pipe::register(signal, sender.try_clone()?)?;
        }
        Ok(Self { wake, stop, reload, ignored })
    }
}
