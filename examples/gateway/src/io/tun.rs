//! The TUN interface: where the host gives us what is to be protected and gets what was opened.

use std::io;
use std::os::fd::{AsRawFd, RawFd};

use tun_rs::{DeviceBuilder, SyncDevice};

use super::error::{NET_ADMIN, RunError};

/// A TUN interface, which is gone with its routes when this is dropped or the program is killed.
pub(super) struct Tun {
    device: SyncDevice,
    /// The machine's number for it.
    pub(super) index: u32,
}

impl Tun {
    pub(super) fn open(name: &str, mtu: u16) -> Result<Self, RunError> {
        let failed = |error| RunError::of(format!("the TUN interface {name}"), NET_ADMIN, error);
        let device = DeviceBuilder::new().name(name).mtu(mtu).enable(true).build_sync().map_err(failed)?;
        device.set_nonblocking(true).map_err(failed)?;
        let index = device.if_index().map_err(failed)?;
        Ok(Self { device, index })
    }

    /// Sets it up again.
    pub(super) fn set_up(&self) -> io::Result<()> {
        self.device.enabled(true)
    }

    /// The next packet of the host.
    pub(super) fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.device.recv(buffer)
    }

    /// Gives the host a packet. A host that does not take it loses it, as with any interface.
    pub(super) fn send(&self, packet: &[u8]) -> io::Result<()> {
        self.device.send(packet).map(|_| ())
    }
}

impl AsRawFd for Tun {
    fn as_raw_fd(&self) -> RawFd {
        self.device.as_raw_fd()
    }
}
