//! Sockets outside: UDP for IKE and ESP in UDP, raw ones for ESP, AH, and packets that carry their own header.
//!
//! The router speaks whole IP packets. For UDP and for IPv6 the kernel keeps the header to itself; it is built again from
//! what the kernel tells, which is all that is not mutable on the way (RFC 4302 3.3.3.1).

use core::net::{IpAddr, SocketAddr};
use std::io::{self, ErrorKind};
use std::net::UdpSocket;
use std::os::fd::{AsRawFd, RawFd};

use ipsec_core::{IpHeader, Protocol};
use socket2::{Domain, SockAddr, Socket, Type};

use super::Backend;
use super::encap;
use super::error::{NET_ADMIN, NET_BIND, NET_RAW, RunError};
use super::path_mtu;
use super::table::MARK;
use crate::router::datagram::{self, Udp};
use crate::router::{IKE_PORT, NAT_PORT};

/// Octets that the kernel keeps for us while we work: many packets at full speed.
const BUFFER: usize = 4 << 20;
/// Headers that are in the packet already (RFC 791): this number sends only.
const RAW: i32 = 255;

/// One socket and how what comes out of it becomes a packet. A raw socket is handled by the standard library's type for
/// datagrams as well: it receives from and sends to addresses all the same.
struct Receiver {
    socket: UdpSocket,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    /// UDP at the port that the router knows it by.
    Udp(u16),
    /// A protocol beside UDP; IPv6 comes without its header.
    Protocol(Protocol),
}

/// All sockets of one local address.
pub(super) struct Outside {
    local: IpAddr,
    receivers: Vec<Receiver>,
    /// None where the kernel seals and opens: there is nothing but IKE here then.
    raw: Option<UdpSocket>,
}

impl Outside {
    /// `ports` are our own for IKE and for ESP in UDP; the router keeps calling them 500 and 4500.
    pub(super) fn open(
        local: IpAddr,
        device: Option<&str>,
        (port, nat_port): (u16, u16),
        backend: Backend,
    ) -> Result<Self, RunError> {
        let udp = |port: u16, known: u16| -> Result<Receiver, RunError> {
            let what = || format!("UDP port {port} at {local}");
            let socket = socket((local, device), (Type::DGRAM, 17), NET_BIND, &what())?;
            let address = SockAddr::from(SocketAddr::new(local, port));
            socket.bind(&address).map_err(|error| RunError::of(what(), NET_BIND, error))?;
            Ok(Receiver { socket: socket.into(), kind: Kind::Udp(known) })
        };
        let protocol = |protocol: Protocol| -> Result<Receiver, RunError> {
            let what = format!("IP protocol {} at {local}", protocol.0);
            let socket = socket((local, device), (Type::RAW, protocol.0.into()), NET_RAW, &what)?;
            let address = SockAddr::from(SocketAddr::new(local, 0));
            socket.bind(&address).map_err(|error| RunError::of(what, NET_RAW, error))?;
            Ok(Receiver { socket: socket.into(), kind: Kind::Protocol(protocol) })
        };
        let mut receivers = vec![udp(port, IKE_PORT)?, udp(nat_port, NAT_PORT)?];
        if backend == Backend::Kernel {
            let socket = receivers.last().map(|receiver| encap::leave_to_kernel(&receiver.socket));
            let what = "ESP in UDP by the kernel";
            socket.transpose().map_err(|error| RunError::of(what, NET_ADMIN, error))?;
            return Ok(Self { local, receivers, raw: None });
        }
        let icmp = if local.is_ipv4() { Protocol::ICMP } else { Protocol::ICMPV6 };
        for one in [Protocol::ESP, Protocol::AH, icmp] {
            receivers.push(protocol(one)?);
        }
        let raw = socket((local, device), (Type::RAW, RAW), NET_RAW, "raw IP packets")?;
        Ok(Self { local, receivers, raw: Some(raw.into()) })
    }

    /// What to watch.
    pub(super) fn descriptors(&self) -> impl Iterator<Item = RawFd> + '_ {
        self.receivers.iter().map(|one| one.socket.as_raw_fd())
    }

    /// The next packet of the socket of this number, as the router sees it; `None` when there is none left.
    pub(super) fn receive(&self, index: usize, buffer: &mut [u8]) -> io::Result<Option<Vec<u8>>> {
        let Some(Receiver { socket, kind }) = self.receivers.get(index) else { return Ok(None) };
        loop {
            let Some((len, from)) = would_block(socket.recv_from(buffer))? else { return Ok(None) };
            let octets = buffer.get(..len).unwrap_or_default();
            let packet = match *kind {
                Kind::Udp(port) => datagram::udp_between(from, SocketAddr::new(self.local, port), 0, octets),
                Kind::Protocol(_) if self.local.is_ipv4() => is_for_us(octets).then(|| octets.to_vec()),
                Kind::Protocol(Protocol::ICMPV6) if octets.first() != Some(&TOO_BIG_V6) => None,
                Kind::Protocol(protocol) => datagram::ip(from.ip(), self.local, (protocol, 0), octets),
            };
            // What is none of ours is read all the same.
            if packet.is_some() {
                return Ok(packet);
            }
        }
    }

    /// Sends a packet of the router; whether it was one that leaves by this address.
    pub(super) fn send(&self, header: &IpHeader, packet: &[u8]) -> io::Result<bool> {
        if header.source() != self.local {
            return Ok(false);
        }
        let whole = match header {
            IpHeader::V4(header) => !header.more_fragments && header.fragment_offset == 0,
            IpHeader::V6(_) => true,
        };
        if whole && header.protocol() == Protocol::UDP {
            let Ok(udp) = Udp::parse_unsummed(packet) else { return Ok(false) };
            let port = udp.source.port();
            let same = |one: &&Receiver| matches!(one.kind, Kind::Udp(known) if known == port);
            let Some(from) = self.receivers.iter().find(same) else { return Ok(false) };
            from.socket.send_to(udp.payload, udp.destination)?;
            return Ok(true);
        }
        if !matches!(header.protocol(), Protocol::ESP | Protocol::AH | Protocol::UDP) {
            return Ok(false);
        }
        let Some(raw) = &self.raw else { return Ok(false) };
        raw.send_to(packet, SocketAddr::new(header.destination(), 0))?;
        Ok(true)
    }
}

/// Of ICMP only what tells about paths (RFC 792: destination unreachable; RFC 4443: packet too big): the rest is the
/// machine's.
const UNREACHABLE: u8 = 3;
const TOO_BIG_V6: u8 = 2;

fn is_for_us(packet: &[u8]) -> bool {
    let Ok(header) = IpHeader::parse(packet) else { return false };
    header.protocol() != Protocol::ICMP || packet.get(header.header_len()) == Some(&UNREACHABLE)
}

fn socket(
    (local, device): (IpAddr, Option<&str>),
    (kind, protocol): (Type, i32),
    capability: &'static str,
    what: &str,
) -> Result<Socket, RunError> {
    let domain = if local.is_ipv4() { Domain::IPV4 } else { Domain::IPV6 };
    let failed = |error| RunError::of(what, capability, error);
    let socket = Socket::new(domain, kind, Some(protocol.into())).map_err(failed)?;
    socket.set_nonblocking(true).map_err(failed)?;
    if local.is_ipv6() && kind == Type::DGRAM {
        socket.set_only_v6(true).map_err(failed)?;
    }
    if let Some(device) = device {
        // The routes into the tunnel must not catch what is the tunnel.
        let bound = socket.bind_device(Some(device.as_bytes()));
        bound.map_err(|error| RunError::of(format!("binding to {device}"), NET_ADMIN, error))?;
    }
    path_mtu::keep_out(&socket, local.is_ipv4()).map_err(failed)?;
    // Nor those that lead nowhere without the tunnel.
    let marked = socket.set_mark(MARK);
    marked.map_err(|error| RunError::of("marking packets", NET_ADMIN, error))?;
    // The kernel gives less where it has less.
    let _ = socket.set_recv_buffer_size(BUFFER);
    let _ = socket.set_send_buffer_size(BUFFER);
    Ok(socket)
}

/// Nothing left to read is no error.
fn would_block<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(None),
        Err(error) => Err(error),
    }
}
