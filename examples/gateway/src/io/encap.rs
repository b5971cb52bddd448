//! ESP in UDP for the kernel: the option that makes it look for ESP in a socket's datagrams (RFC 3948).

use std::io;
use std::os::fd::AsFd;

use netlink_packet_xfrm::UDP_ENCAP_ESPINUDP;
use nix::sys::socket::setsockopt;
use nix::{setsockopt_impl, sockopt_impl};

sockopt_impl!(
    /// udp(7), linux/udp.h: which encapsulation a socket carries. IKE stays with the program, by its marker.
    UdpEncap,
    SetOnly,
    libc::IPPROTO_UDP,
    libc::UDP_ENCAP,
    libc::c_int
);

/// Leaves ESP in UDP that arrives at a socket to the kernel.
pub(super) fn leave_to_kernel(socket: &impl AsFd) -> io::Result<()> {
    setsockopt(socket, UdpEncap, &libc::c_int::from(UDP_ENCAP_ESPINUDP)).map_err(io::Error::from)
}
