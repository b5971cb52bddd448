//! Cutting packets into fragments (RFC 791 3.2, RFC 8200 4.5).

use alloc::vec::Vec;

use crate::{Chain, DropReason, IpHeader, Ipv4Header, Ipv6Header, PacketBuf, Protocol, finish_header};

/// Octets of IPv6's fragment header.
const FRAGMENT_HEADER: usize = 8;

/// Cuts an IP packet into fragments of at most `mtu` octets; a packet that fits is returned whole. Whether it may be
/// cut is for the caller to know: DF is not looked at, and over IPv6 only a packet's own source may do this.
/// `identification` is used over IPv6; an IPv4 packet has its own.
///
/// # Errors
/// [`DropReason::OuterHeader`] if `packet` is no IP packet, [`DropReason::TooBig`] if `mtu` has no room for a header
/// and 8 octets, [`DropReason::Fragment`] for an IPv6 packet that is a fragment already.
pub fn fragments(packet: &[u8], mtu: usize, identification: u32) -> Result<Vec<PacketBuf>, DropReason> {
    let header = IpHeader::parse(packet).map_err(|_| DropReason::OuterHeader)?;
    let packet = packet.get(..header.total_len()).ok_or(DropReason::OuterHeader)?;
    if packet.len() <= mtu {
        return Ok(Vec::from([PacketBuf::copy_of(packet)]));
    }
    match header {
        IpHeader::V4(header) => v4(packet, &header, mtu),
        IpHeader::V6(header) => v6(packet, &header, mtu, identification),
    }
}

fn v4(packet: &[u8], header: &Ipv4Header, mtu: usize) -> Result<Vec<PacketBuf>, DropReason> {
    let (first_head, payload) = packet.split_at_checked(header.header_len).ok_or(DropReason::OuterHeader)?;
    let later_head = later_header(first_head);
    let mut fragments = Vec::new();
    let mut rest = payload;
    let mut offset = usize::from(header.fragment_offset);
    while !rest.is_empty() {
        let head = if fragments.is_empty() { first_head } else { &later_head };
        let (piece, after) = cut(rest, mtu, head.len())?;
        let more = header.more_fragments || !after.is_empty();
        let units = u16::try_from(offset).ok().filter(|units| *units <= 0x1fff);
        let flags = units.ok_or(DropReason::TooBig)? | (u16::from(more) << 13);
        let mut fragment = joined(&[head, piece])?;
        if let Some([_, _, _, _, _, _, f0, f1]) = fragment.octets_mut().first_chunk_mut::<8>() {
            // RFC 791 3.1: DF stays as it is; the first of the three flags is reserved.
            let kept = u16::from_be_bytes([*f0, *f1]) & 0xc000;
            [*f0, *f1] = (kept | flags).to_be_bytes();
        }
        finish_header(fragment.octets_mut(), Ipv4Header::PROTOCOL, header.protocol)
            .map_err(|_| DropReason::TooBig)?;
        fragments.push(fragment);
        offset = offset.saturating_add(piece.len() / 8);
        rest = after;
    }
    Ok(fragments)
}

/// RFC 791 3.1: of the options only those with the copied flag stand in later fragments.
fn later_header(first: &[u8]) -> Vec<u8> {
    let (fixed, mut options) = first.split_at_checked(Ipv4Header::LEN).unwrap_or((first, &[]));
    let mut header = Vec::from(fixed);
    while let Some(kind) = options.first().filter(|kind| **kind != 0) {
        let len = match kind {
            1 => 1,
            _ => options.get(1).map_or(0, |len| usize::from(*len)).max(2),
        };
        let Some((option, after)) = options.split_at_checked(len) else { break };
        if kind & 0x80 != 0 {
            header.extend_from_slice(option);
        }
        options = after;
    }
    header.resize(header.len().next_multiple_of(4), 0);
    if let (Some(version), Ok(words)) = (header.first().copied(), u8::try_from(header.len() / 4))
        && let Some(octet) = header.first_mut()
    {
        *octet = (version & 0xf0) | (words & 0x0f);
    }
    header
}

fn v6(
    packet: &[u8],
    header: &Ipv6Header,
    mtu: usize,
    identification: u32,
) -> Result<Vec<PacketBuf>, DropReason> {
    let chain = Chain::walk(header, packet).map_err(|_| DropReason::OuterHeader)?;
    if chain.is_fragment {
        return Err(DropReason::Fragment);
    }
    let (head, mut rest) = packet.split_at_checked(chain.insertion).ok_or(DropReason::OuterHeader)?;
    let next = head.get(chain.insertion_field).copied().ok_or(DropReason::OuterHeader)?;
    let mut fragments = Vec::new();
    let mut offset: usize = 0;
    while !rest.is_empty() {
        let (piece, after) = cut(rest, mtu, head.len().saturating_add(FRAGMENT_HEADER))?;
        let units = u16::try_from(offset).map_err(|_| DropReason::TooBig)?;
        let [o0, o1] = (units | u16::from(!after.is_empty())).to_be_bytes();
        let [i0, i1, i2, i3] = identification.to_be_bytes();
        let mut fragment = joined(&[head, &[next, 0, o0, o1, i0, i1, i2, i3], piece])?;
        finish_header(fragment.octets_mut(), chain.insertion_field, Protocol::FRAGMENT)
            .map_err(|_| DropReason::TooBig)?;
        fragments.push(fragment);
        offset = offset.saturating_add(piece.len());
        rest = after;
    }
    Ok(fragments)
}

/// As much of `rest` as fits behind `head` octets: all of it, or a multiple of 8 octets.
fn cut(rest: &[u8], mtu: usize, head: usize) -> Result<(&[u8], &[u8]), DropReason> {
    let room = mtu.saturating_sub(head);
    let len = if rest.len() <= room { rest.len() } else { room & !7 };
    if len == 0 {
        return Err(DropReason::TooBig);
    }
    rest.split_at_checked(len).ok_or(DropReason::TooBig)
}

fn joined(parts: &[&[u8]]) -> Result<PacketBuf, DropReason> {
    let len = parts.iter().fold(0_usize, |sum, part| sum.saturating_add(part.len()));
    let mut packet = PacketBuf::with_capacity(PacketBuf::HEADROOM, len.saturating_add(PacketBuf::TAILROOM));
    for part in parts {
        packet.append(part.len()).map_err(|_| DropReason::NoRoom)?.copy_from_slice(part);
    }
    Ok(packet)
}
