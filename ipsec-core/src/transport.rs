//! Where ESP and AH stand in an IP packet, and how a header gets in and out between others.

use crate::ipv4::write_checksum;
use crate::{
    Chain, DropReason, IpHeader, Ipv4Header, Ipv6Header, MalformedIp, NoRoom, PacketBuf, Protocol, SealError,
};

/// A place in a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Header {
    /// Where the header begins.
    pub offset: usize,
    /// Where the octet is that names it: IPv4's protocol field or a next header field of IPv6.
    pub next_field: usize,
    /// What that octet says.
    pub protocol: Protocol,
}

/// Where transport mode inserts ESP or AH: after the IPv4 header, or after IPv6's hop-by-hop options and routing
/// header (RFC 4303 3.1.1, RFC 4302 3.1.1).
///
/// # Errors
/// [`SealError::Fragment`], [`SealError::Options`].
pub fn insertion_point(ip: &IpHeader, packet: &[u8]) -> Result<Header, SealError> {
    match ip {
        IpHeader::V4(v4) if v4.is_fragment() => Err(SealError::Fragment),
        IpHeader::V4(v4) => Ok(after_v4(v4)),
        IpHeader::V6(v6) => {
            let chain = Chain::walk(v6, packet).map_err(|_| SealError::Options)?;
            if chain.is_fragment {
                return Err(SealError::Fragment);
            }
            let named = packet.get(chain.insertion_field).copied().ok_or(SealError::NotIp)?;
            Ok(Header {
                offset: chain.insertion,
                next_field: chain.insertion_field,
                protocol: Protocol(named),
            })
        }
    }
}

/// Where the ESP or AH header of a received packet begins.
///
/// # Errors
/// [`DropReason::Fragment`] (both need the whole packet: RFC 4303 3.4.1, RFC 4302 3.4.1), [`DropReason::Protocol`] if
/// the packet carries another protocol, [`DropReason::OuterHeader`].
pub fn locate(ip: &IpHeader, packet: &[u8], protocol: Protocol) -> Result<Header, DropReason> {
    let (found, is_fragment) = match ip {
        IpHeader::V4(v4) => (after_v4(v4), v4.is_fragment()),
        IpHeader::V6(v6) => {
            let chain = Chain::walk(v6, packet).map_err(|error| match error {
                MalformedIp::RoutingHeader => DropReason::Options,
                _ => DropReason::OuterHeader,
            })?;
            let found =
                Header { offset: chain.offset, next_field: chain.next_field, protocol: chain.protocol };
            (found, chain.is_fragment)
        }
    };
    if is_fragment {
        Err(DropReason::Fragment)
    } else if found.protocol != protocol {
        Err(DropReason::Protocol)
    } else {
        Ok(found)
    }
}

/// Makes room for `n` octets at offset `at` by moving what stands before it into the headroom. The gap is not
/// cleared.
///
/// # Errors
/// [`NoRoom`]; the packet is unchanged then.
pub fn open_gap(packet: &mut PacketBuf, at: usize, n: usize) -> Result<(), NoRoom> {
    let no_room = NoRoom { wanted: at, room: packet.len() };
    if at > packet.len() {
        return Err(no_room);
    }
    packet.prepend(n)?;
    let end = n.checked_add(at).ok_or(no_room)?;
    packet.octets_mut().copy_within(n..end, 0);
    Ok(())
}

/// Takes the `n` octets at offset `at` out by moving what stands before them.
///
/// # Errors
/// [`NoRoom`] if the packet is shorter; it is unchanged then.
pub fn close_gap(packet: &mut PacketBuf, at: usize, n: usize) -> Result<(), NoRoom> {
    let no_room = NoRoom { wanted: n, room: packet.len().saturating_sub(at) };
    at.checked_add(n).filter(|end| *end <= packet.len()).ok_or(no_room)?;
    packet.octets_mut().copy_within(..at, n);
    packet.strip_front(n)
}

/// Makes the IP header agree with the packet: the octet at `next_field` names `protocol`, the length is that of
/// `packet`, IPv4's checksum is computed anew.
///
/// # Errors
/// [`SealError::TooBig`] above 65535 octets, [`SealError::NotIp`] if there is no IP header.
pub fn finish_header(packet: &mut [u8], next_field: usize, protocol: Protocol) -> Result<(), SealError> {
    let len = packet.len();
    *packet.get_mut(next_field).ok_or(SealError::NotIp)? = protocol.0;
    match packet.first().ok_or(SealError::NotIp)? >> 4 {
        4 => {
            let [first, _, l0, l1] = packet.first_chunk_mut::<4>().ok_or(SealError::NotIp)?;
            [*l0, *l1] = u16::try_from(len).map_err(|_| SealError::TooBig)?.to_be_bytes();
            let header_len = usize::from(*first & 0x0f).saturating_mul(4);
            write_checksum(packet.get_mut(..header_len).ok_or(SealError::NotIp)?);
            Ok(())
        }
        6 => {
            let payload = len.checked_sub(Ipv6Header::LEN).ok_or(SealError::NotIp)?;
            let [_, _, _, _, l0, l1] = packet.first_chunk_mut::<6>().ok_or(SealError::NotIp)?;
            [*l0, *l1] = u16::try_from(payload).map_err(|_| SealError::TooBig)?.to_be_bytes();
            Ok(())
        }
        _ => Err(SealError::NotIp),
    }
}

fn after_v4(v4: &Ipv4Header) -> Header {
    Header { offset: v4.header_len, next_field: Ipv4Header::PROTOCOL, protocol: v4.protocol }
}
