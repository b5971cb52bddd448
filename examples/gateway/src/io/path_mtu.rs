//! The kernel's own path MTU, kept out of our sockets.
//!
//! Linux believes an ICMP message that quotes any packet between the two addresses, whatever its SPI, and then drops what has DF
//! set and is longer, for ten minutes. The router learns for itself, from messages that only who sees its packets can write.

use std::io;

use nix::sys::socket::setsockopt;
use nix::{setsockopt_impl, sockopt_impl};
use socket2::Socket;

sockopt_impl!(
    /// ip(7), linux/in.h: which path MTU packets are measured by.
    MtuDiscover,
    SetOnly,
    libc::IPPROTO_IP,
    libc::IP_MTU_DISCOVER,
    libc::c_int
);

sockopt_impl!(
    /// ipv6(7), linux/in6.h: the same over IPv6.
    MtuDiscoverV6,
    SetOnly,
    libc::IPPROTO_IPV6,
    libc::IPV6_MTU_DISCOVER,
    libc::c_int
);

/// Packets of this socket are as long as the interface takes, and no ICMP message that comes back to it changes the route of
/// the host. DF is not set on datagrams, and long ones leave in fragments (`OMIT`, beside which `INTERFACE` would refuse those).
pub(super) fn keep_out(socket: &Socket, is_v4: bool) -> io::Result<()> {
    if is_v4 {
        setsockopt(socket, MtuDiscover, &libc::IP_PMTUDISC_OMIT)?;
    } else {
        setsockopt(socket, MtuDiscoverV6, &libc::IPV6_PMTUDISC_OMIT)?;
    }
    Ok(())
}
