//! The ICMP errors of a gateway (RFC 792, RFC 1191, RFC 4443), as whole packets to the sender of the packet at fault.
//!
//! An error repeats the packet that it is about. Who calls this decides that the error goes where that packet came
//! from and nowhere else: an inner packet must not be repeated on the outside (RFC 4301 8.2.1).

use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::{Chain, IpHeader, Ipv4Header, Ipv6Header, Protocol, checksum};

/// What is wrong with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IcmpError {
    /// It must not be fragmented and is longer than what lies ahead takes.
    TooBig {
        /// Octets of the largest packet that passes.
        mtu: usize,
    },
    /// Its TTL or hop limit ran out on the way.
    TimeExceeded,
}

/// RFC 1812 4.3.2.3: an ICMP error repeats as much as fits into 576 octets.
const LONGEST_V4: usize = 576;
/// RFC 4443 2.4 (c): into the smallest MTU of IPv6.
const LONGEST_V6: usize = 1280;
/// The header before what is repeated.
const ICMP_HEADER: usize = 8;
/// What a sender puts into its headers (RFC 1700).
const TTL: u8 = 64;
/// RFC 1812 4.3.2.5: internetwork control.
const PRECEDENCE: u8 = 0xc0;

/// The packet that tells the sender of `about` what is wrong with it; `from` is an address of the gateway. `None` if
/// nothing may be told: `about` is an ICMP error itself, a fragment other than the first, was sent to or by more than
/// one host (RFC 1122 3.2.2, RFC 4443 2.4 (e)), or may be fragmented.
pub fn icmp_error(about: &[u8], from: IpAddr, error: IcmpError, identification: u16) -> Option<Vec<u8>> {
    let header = IpHeader::parse(about).ok()?;
    let about = about.get(..header.total_len())?;
    match (header, from) {
        (IpHeader::V4(header), IpAddr::V4(from)) => v4(about, &header, from, (error, identification)),
        (IpHeader::V6(header), IpAddr::V6(from)) => v6(about, &header, from, error),
        (IpHeader::V4(_), IpAddr::V6(_)) | (IpHeader::V6(_), IpAddr::V4(_)) => None,
    }
}

fn v4(
    about: &[u8],
    header: &Ipv4Header,
    from: Ipv4Addr,
    (error, identification): (IcmpError, u16),
) -> Option<Vec<u8>> {
    let kind = about.get(header.header_len);
    // RFC 1122 3.2.2: these are the questions and answers; what is not known to be one counts as an error.
    let is_query = matches!(kind, Some(0 | 8 | 9 | 10 | 13..=18));
    let is_error = header.protocol == Protocol::ICMP && !is_query;
    let to_many = header.destination.is_multicast() || header.destination.is_broadcast();
    if is_error || to_many || header.fragment_offset != 0 || !is_one_host(header.source) {
        return None;
    }
    let (kind, code, mtu) = match error {
        IcmpError::TooBig { .. } if !header.dont_fragment => return None,
        // RFC 1191 4: the MTU stands in the lower half of what RFC 792 left unused.
        IcmpError::TooBig { mtu } => (3, 4, mtu),
        IcmpError::TimeExceeded => (11, 0, 0),
    };
    let repeated = about.get(..about.len().min(LONGEST_V4.saturating_sub(Ipv4Header::LEN + ICMP_HEADER)))?;
    let [m0, m1] = u16::try_from(mtu).unwrap_or(u16::MAX).to_be_bytes();
    let mut message = Vec::from([kind, code, 0, 0, 0, 0, m0, m1]);
    message.extend_from_slice(repeated);
    write_sum(&mut message, 0);
    let outer = Ipv4Header {
        header_len: Ipv4Header::LEN,
        tos: PRECEDENCE,
        total_len: u16::try_from(message.len().checked_add(Ipv4Header::LEN)?).ok()?,
        identification,
        dont_fragment: false,
        more_fragments: false,
        fragment_offset: 0,
        ttl: TTL,
        protocol: Protocol::ICMP,
        source: from,
        destination: header.source,
    };
    let mut packet = outer.encode().to_vec();
    packet.append(&mut message);
    Some(packet)
}

fn v6(about: &[u8], header: &Ipv6Header, from: Ipv6Addr, error: IcmpError) -> Option<Vec<u8>> {
    let chain = Chain::walk(header, about).ok()?;
    // RFC 4443 2.1: types below 128 are errors.
    let is_error =
        chain.protocol == Protocol::ICMPV6 && about.get(chain.offset).is_none_or(|kind| *kind < 128);
    let source = header.source;
    let one_host = !source.is_unspecified() && !source.is_multicast() && !source.is_loopback();
    if is_error || chain.is_later_fragment || !one_host {
        return None;
    }
    let (kind, mtu) = match error {
        // RFC 8200 5: nobody has to take less than 1280 octets for an answer.
        IcmpError::TooBig { mtu } => (2, mtu.max(LONGEST_V6)),
        // RFC 4443 2.4 (e.3): only "packet too big" may be about multicast.
        IcmpError::TimeExceeded if header.destination.is_multicast() => return None,
        IcmpError::TimeExceeded => (3, 0),
    };
    let repeated = about.get(..about.len().min(LONGEST_V6.saturating_sub(Ipv6Header::LEN + ICMP_HEADER)))?;
    let mut message = Vec::from([kind, 0, 0, 0]);
    message.extend(u32::try_from(mtu).unwrap_or(u32::MAX).to_be_bytes());
    message.extend_from_slice(repeated);
    let outer = Ipv6Header {
        traffic_class: PRECEDENCE,
        flow_label: 0,
        payload_len: u16::try_from(message.len()).ok()?,
        next_header: Protocol::ICMPV6,
        hop_limit: TTL,
        source: from,
        destination: header.source,
    };
    write_sum(&mut message, pseudo_header(&outer));
    let mut packet = outer.encode().to_vec();
    packet.append(&mut message);
    Some(packet)
}

/// RFC 1122 3.2.1.3: an address that one host can have.
fn is_one_host(address: Ipv4Addr) -> bool {
    let [first, ..] = address.octets();
    first != 0 && first < 224 && !address.is_loopback()
}

/// The sum of the pseudo header (RFC 8200 8.1), as the checksum of octets that stand before the message.
pub(crate) fn pseudo_header(header: &Ipv6Header) -> u16 {
    let mut octets = Vec::from(header.source.octets());
    octets.extend(header.destination.octets());
    octets.extend(u32::from(header.payload_len).to_be_bytes());
    octets.extend([0, 0, 0, header.next_header.0]);
    !checksum(&octets)
}

/// Writes the checksum of an ICMP message whose field is still zero, on top of `before`.
fn write_sum(message: &mut [u8], before: u16) {
    let sum = !checksum(message);
    let sum = checksum(&[sum.to_be_bytes(), before.to_be_bytes()].concat());
    if let Some(field) = message.get_mut(2..4) {
        field.copy_from_slice(&sum.to_be_bytes());
    }
}
