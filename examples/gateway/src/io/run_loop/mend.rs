//! What others have changed on the machine is noticed, said, and made again.

use core::net::IpAddr;
use core::time::Duration;

use mio::unix::SourceFd;
use mio::{Interest, Token};
use std::os::fd::{AsRawFd as _, RawFd};

use super::{DataPath, Gateway, Source, TURN};
use crate::io::RunError;
use crate::io::error::NET_ADMIN;
use crate::io::guard::Protected;
use crate::io::sockets::Outside;
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
        let addresses = self.mend_addresses();
        let interface = addresses.and_then(|()| self.mend_interface());
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

    /// Our addresses outside are there; one that has come back on another interface has its sockets there.
    fn mend_addresses(&mut self) -> Result<(), RunError> {
        for number in 0..self.outside.len() {
            let Some(side) = self.outside.get_mut(number) else { continue };
            let local = side.local;
            let found = self.netlink.interface_of(local);
            let found = found.map_err(|error| RunError::of("looking up addresses", NET_ADMIN, error))?;
            let was_lost = core::mem::replace(&mut side.is_lost, found.is_none());
            let Some((index, device)) = found else {
                if !was_lost {
                    self.files.say(&format!(
                        "{local} is no address of this machine any more: no peer is reached from it"
                    ));
                }
                continue;
            };
            let is_elsewhere = index != side.index;
            if is_elsewhere {
                side.index = index;
                side.device = (device != "lo").then_some(device);
                let ports = (self.options.port, self.options.nat_port);
                side.sockets = Outside::open(local, side.device.as_deref(), ports, self.options.backend)?;
                let descriptors: Vec<_> = side.sockets.descriptors().enumerate().collect();
                for (socket, descriptor) in descriptors {
                    self.watch_again(Source::Outside(number, socket), descriptor)?;
                }
                self.keep_out.apply(self.options, &self.router, &self.outside)?;
            }
            if was_lost || is_elsewhere {
                self.files.say(&format!("{local} is an address of this machine again"));
            }
        }
        Ok(())
    }

    /// Another descriptor for a source that has been watched before.
    fn watch_again(&self, source: Source, descriptor: RawFd) -> Result<(), RunError> {
        let token = self.sources.iter().position(|one| *one == source).unwrap_or_default();
        let registry = self.poll.registry();
        let watched = registry.register(&mut SourceFd(&descriptor), Token(token), Interest::READABLE);
        watched.map_err(|error| RunError::Io { what: "the event loop".to_owned(), error })
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
        let descriptor = inside.tun.as_raw_fd();
        self.watch_again(Source::Tun, descriptor)
    }
}
