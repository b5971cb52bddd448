//! What others have changed on the machine is noticed, said, and made again.

use core::net::IpAddr;
use core::time::Duration;

use mio::unix::SourceFd;
use mio::{Interest, Token};
use std::os::fd::AsRawFd as _;

use super::{DataPath, Gateway, Source, TURN};
use crate::io::RunError;
use crate::io::error::NET_ADMIN;
use crate::io::guard::Protected;
use crate::io::table::Wanted;
use crate::io::tun::Tun;

impl Gateway<'_> {
    pub(super) fn hear_of_machine(&mut self) -> bool {
        let now = self.clock.now();
        let protected = Protected::of(&self.router, None);
        (0..TURN).all(|_| self.machine.listen(now, &protected))
    }

    /// The address that the host should send from into tunnels, where it has one inside.
    pub(super) fn source(&self) -> Option<IpAddr> {
        self.inside.iter().find_map(|index| {
            let own = self.router.routing().interface(*index)?.nets.first()?.address;
            self.netlink.interface_of(own).ok().flatten().map(|_| own)
        })
    }

    /// The routes into the TUN interface, and those that lead nowhere without it.
    pub(super) fn lead(&mut self) -> Result<(), RunError> {
        let source = self.source();
        let DataPath::Own(inside) = &mut self.data_path else { return Ok(()) };
        inside.table.apply(&Wanted {
            protected: &Protected::of(&self.router, None),
            interface: inside.tun.index,
            source,
            outside: &self.outside.iter().map(|side| side.index).collect(),
        })
    }

    /// Makes the machine again what the maps want. What cannot be done now is tried again; until then nothing leaves that is
    /// to be protected.
    pub(super) fn mend(&mut self, now: Duration) {
        let interface = self.mend_interface();
        let rules = self.keep_out.mend();
        let done = interface.and_then(|()| self.lead()).and(rules);
        let fault = match done {
            Ok(changed) => {
                if changed {
                    self.files.say("rules that keep clear packets out were gone, and are made again");
                }
                None
            }
            Err(error) => Some(error.to_string()),
        };
        let DataPath::Own(inside) = &mut self.data_path else { return };
        if fault.is_some() {
            self.machine.look_at(now);
        }
        if inside.fault == fault {
            return;
        }
        let tun = &self.options.tun;
        let line = match &fault {
            Some(fault) => {
                format!("nothing that is to be protected leaves, and this is tried again: {fault}")
            }
            None => format!("what is to be protected leaves by {tun} again"),
        };
        inside.fault = fault;
        self.files.say(&line);
    }

    /// The TUN interface is there and up.
    fn mend_interface(&mut self) -> Result<(), RunError> {
        let DataPath::Own(inside) = &mut self.data_path else { return Ok(()) };
        let tun = &self.options.tun;
        let failed = |error| RunError::of(format!("the TUN interface {tun}"), NET_ADMIN, error);
        match self.netlink.is_up(inside.tun.index).map_err(failed)? {
            Some(true) => return Ok(()),
            Some(false) => {
                if inside.fault.is_none() {
                    self.files.say(&format!("the TUN interface {tun} was set down, and is set up again"));
                }
                return inside.tun.set_up().map_err(failed);
            }
            None if inside.fault.is_none() => {
                self.files.say(&format!("the TUN interface {tun} is gone, and is made again"));
            }
            None => {}
        }
        inside.tun = Tun::open(tun, self.options.tun_mtu)?;
        let token = self.sources.iter().position(|source| *source == Source::Tun).unwrap_or_default();
        let descriptor = inside.tun.as_raw_fd();
        let registry = self.poll.registry();
        registry.register(&mut SourceFd(&descriptor), Token(token), Interest::READABLE).map_err(failed)
    }
}
