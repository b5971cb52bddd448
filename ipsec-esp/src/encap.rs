//! ESP in UDP (RFC 3948): a UDP header between IP and ESP, so that address translators let it pass.

use ipsec_core::{DropReason, Protocol};

/// Ports of an SA whose packets travel in UDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UdpEncapsulation {
    /// Our port, 4500 unless chosen otherwise.
    pub local_port: u16,
    /// The peer's port, as its address translator shows it.
    pub remote_port: u16,
}

impl UdpEncapsulation {
    /// The port of NAT traversal (RFC 3947 4).
    pub const PORT: u16 = 4500;
    /// Octets of a UDP header.
    pub const HEADER: usize = 8;

    /// The UDP header before `payload_len` octets of ESP. RFC 3948 2.1: the checksum is 0 over IPv4 and may be over
    /// IPv6 (RFC 6935), because the ICV covers more.
    pub(crate) fn encode(self, payload_len: usize) -> Option<[u8; Self::HEADER]> {
        let len = u16::try_from(payload_len.checked_add(Self::HEADER)?).ok()?;
        let [s0, s1] = self.local_port.to_be_bytes();
        let [d0, d1] = self.remote_port.to_be_bytes();
        let [l0, l1] = len.to_be_bytes();
        Some([s0, s1, d0, d1, l0, l1, 0, 0])
    }
}

impl Default for UdpEncapsulation {
    fn default() -> Self {
        Self { local_port: Self::PORT, remote_port: Self::PORT }
    }
}

/// What stands between the IP header and ESP.
pub(crate) fn carrier(encapsulation: Option<UdpEncapsulation>) -> (Protocol, usize) {
    match encapsulation {
        None => (Protocol::ESP, 0),
        Some(_) => (Protocol::UDP, UdpEncapsulation::HEADER),
    }
}

/// Checks the UDP header of a received packet, whose UDP part is `udp`. Ports are the business of whoever found the
/// SA; the checksum is not looked at (RFC 3948 2.1).
pub(crate) fn check_udp(udp: &[u8]) -> Result<(), DropReason> {
    let [_, _, _, _, l0, l1, _, _] =
        udp.first_chunk::<{ UdpEncapsulation::HEADER }>().ok_or(DropReason::TooShort)?;
    if usize::from(u16::from_be_bytes([*l0, *l1])) == udp.len() {
        Ok(())
    } else {
        Err(DropReason::OuterHeader)
    }
}
