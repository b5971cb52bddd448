//! UDP and ICMP inside IPv4 and IPv6, for packets that this program itself sends or receives.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};

use ipsec_core::{Chain, DropReason, IpHeader, Ipv4Header, Ipv6Header, Protocol, checksum};

/// What a sender that is no router puts into its headers (RFC 1700, "IP Time to Live").
const TTL: u8 = 64;
/// RFC 768.
const UDP_HEADER: usize = 8;
/// RFC 792, echo message.
const ICMP_HEADER: usize = 8;
const ECHO_REPLY: u8 = 0;
const ECHO_REQUEST: u8 = 8;
/// RFC 4443 4: the same for IPv6.
const ECHO_REPLY_V6: u8 = 129;
const ECHO_REQUEST_V6: u8 = 128;

/// A whole UDP datagram in an IPv4 packet; `None` if it is too long for one.
#[must_use]
pub fn udp(
    source: (Ipv4Addr, u16),
    destination: (Ipv4Addr, u16),
    identification: u16,
    payload: &[u8],
) -> Option<Vec<u8>> {
    udp_between(source.into(), destination.into(), identification, payload)
}

/// The same between addresses of either family; `None` also if they are of two. IPv6 has no identification.
#[must_use]
pub fn udp_between(
    source: SocketAddr,
    destination: SocketAddr,
    identification: u16,
    payload: &[u8],
) -> Option<Vec<u8>> {
    let len = u16::try_from(payload.len().checked_add(UDP_HEADER)?).ok()?;
    let mut upper = Vec::with_capacity(usize::from(len));
    upper.extend(source.port().to_be_bytes());
    upper.extend(destination.port().to_be_bytes());
    upper.extend(len.to_be_bytes());
    upper.extend([0, 0]);
    upper.extend_from_slice(payload);
    // RFC 768: a computed sum of zero travels as all ones, since zero says that there is none.
    let sum = match checksum(&with_pseudo_header(source.ip(), destination.ip(), Protocol::UDP, &upper)?) {
        0 => 0xffff,
        sum => sum,
    };
    upper.get_mut(6..8)?.copy_from_slice(&sum.to_be_bytes());
    ip(source.ip(), destination.ip(), (Protocol::UDP, identification), &upper)
}

/// An IPv4 or IPv6 packet around `payload`; `None` if it is too long for one or the addresses are of two families.
#[must_use]
pub fn ip(
    source: IpAddr,
    destination: IpAddr,
    (protocol, identification): (Protocol, u16),
    payload: &[u8],
) -> Option<Vec<u8>> {
    let (source, destination) = match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            return ipv4(source, destination, (protocol, identification), payload);
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => (source, destination),
        _ => return None,
    };
    let header = Ipv6Header {
        traffic_class: 0,
        flow_label: 0,
        payload_len: u16::try_from(payload.len()).ok()?,
        next_header: protocol,
        hop_limit: TTL,
        source,
        destination,
    };
    let mut packet = header.encode().to_vec();
    packet.extend_from_slice(payload);
    Some(packet)
}

/// An IPv4 packet around `payload`; `None` if it is too long for one.
#[must_use]
pub fn ipv4(
    source: Ipv4Addr,
    destination: Ipv4Addr,
    (protocol, identification): (Protocol, u16),
    payload: &[u8],
) -> Option<Vec<u8>> {
    let header = Ipv4Header {
        header_len: Ipv4Header::LEN,
        tos: 0,
        total_len: u16::try_from(payload.len().checked_add(Ipv4Header::LEN)?).ok()?,
        identification,
        dont_fragment: false,
        more_fragments: false,
        fragment_offset: 0,
        ttl: TTL,
        protocol,
        source,
        destination,
    };
    let mut packet = header.encode().to_vec();
    packet.extend_from_slice(payload);
    Some(packet)
}

/// A received UDP datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Udp<'a> {
    /// Address and port of the sender.
    pub source: SocketAddr,
    /// Address and port that it was sent to.
    pub destination: SocketAddr,
    /// What it carries.
    pub payload: &'a [u8],
}

impl<'a> Udp<'a> {
    /// Reads the datagram in an IPv4 or IPv6 packet.
    ///
    /// # Errors
    /// [`DropReason::Fragment`]; [`DropReason::OuterHeader`] if a length lies or a checksum does not hold.
    pub fn parse(packet: &'a [u8]) -> Result<Self, DropReason> {
        let (udp, datagram) = Self::read(packet)?;
        let (source, destination) = (udp.source.ip(), udp.destination.ip());
        // RFC 8200 8.1: over IPv6 there is always one.
        let has_sum = datagram.get(6..8) != Some(&[0, 0]) || source.is_ipv6();
        if has_sum && sum_with_pseudo_header(source, destination, Protocol::UDP, datagram) != Some(0) {
            return Err(DropReason::OuterHeader);
        }
        Ok(udp)
    }

    /// The same whatever the checksum says: that of ESP in UDP is not looked at (RFC 3948 2.1), its ICV is.
    ///
    /// # Errors
    /// As [`Udp::parse`].
    pub fn parse_unsummed(packet: &'a [u8]) -> Result<Self, DropReason> {
        Self::read(packet).map(|(udp, ..)| udp)
    }

    fn read(packet: &'a [u8]) -> Result<(Self, &'a [u8]), DropReason> {
        let Upper { source, destination, octets: upper } = upper_layer(packet, Protocol::UDP)?;
        let [s0, s1, d0, d1, l0, l1, ..] = *upper.first_chunk::<UDP_HEADER>().ok_or(DropReason::TooShort)?;
        let len = usize::from(u16::from_be_bytes([l0, l1]));
        // RFC 768: the length counts the header; octets behind it are not the datagram's.
        let datagram = upper.get(..len).filter(|_| len >= UDP_HEADER).ok_or(DropReason::OuterHeader)?;
        let udp = Self {
            source: SocketAddr::new(source, u16::from_be_bytes([s0, s1])),
            destination: SocketAddr::new(destination, u16::from_be_bytes([d0, d1])),
            payload: datagram.get(UDP_HEADER..).unwrap_or_default(),
        };
        Ok((udp, datagram))
    }
}

/// An ICMP echo request or reply (RFC 792, RFC 4443 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Echo<'a> {
    /// A reply, or a request.
    pub is_reply: bool,
    /// Which program's.
    pub identifier: u16,
    /// Which of its requests.
    pub sequence: u16,
    /// Anything; a reply carries the request's.
    pub data: &'a [u8],
}

impl<'a> Echo<'a> {
    /// The whole packet, with ICMP or ICMPv6 as the addresses are; `None` as for [`ip`].
    #[must_use]
    pub fn packet(&self, source: IpAddr, destination: IpAddr, identification: u16) -> Option<Vec<u8>> {
        let (protocol, kind) = match (source, self.is_reply) {
            (IpAddr::V4(_), true) => (Protocol::ICMP, ECHO_REPLY),
            (IpAddr::V4(_), false) => (Protocol::ICMP, ECHO_REQUEST),
            (IpAddr::V6(_), true) => (Protocol::ICMPV6, ECHO_REPLY_V6),
            (IpAddr::V6(_), false) => (Protocol::ICMPV6, ECHO_REQUEST_V6),
        };
        let mut message = vec![kind, 0, 0, 0];
        message.extend(self.identifier.to_be_bytes());
        message.extend(self.sequence.to_be_bytes());
        message.extend_from_slice(self.data);
        let sum = icmp_sum(source, destination, protocol, &message)?.to_be_bytes();
        message.get_mut(2..4)?.copy_from_slice(&sum);
        ip(source, destination, (protocol, identification), &message)
    }

    /// Reads the echo message in an IPv4 or IPv6 packet.
    ///
    /// # Errors
    /// [`DropReason::Protocol`] if it carries no echo message, [`DropReason::Fragment`], or
    /// [`DropReason::OuterHeader`] if a length lies or a checksum does not hold.
    pub fn parse(packet: &'a [u8]) -> Result<Self, DropReason> {
        let wanted = if packet.first().is_some_and(|first| first >> 4 == 6) {
            Protocol::ICMPV6
        } else {
            Protocol::ICMP
        };
        let Upper { source, destination, octets: message } = upper_layer(packet, wanted)?;
        let (&[kind, code, _, _, i0, i1, s0, s1], data) =
            message.split_first_chunk::<ICMP_HEADER>().ok_or(DropReason::TooShort)?;
        let is_reply = match (wanted, kind, code) {
            (Protocol::ICMP, ECHO_REPLY, 0) | (Protocol::ICMPV6, ECHO_REPLY_V6, 0) => true,
            (Protocol::ICMP, ECHO_REQUEST, 0) | (Protocol::ICMPV6, ECHO_REQUEST_V6, 0) => false,
            _ => return Err(DropReason::Protocol),
        };
        if icmp_sum(source, destination, wanted, message) != Some(0) {
            return Err(DropReason::OuterHeader);
        }
        Ok(Self {
            is_reply,
            identifier: u16::from_be_bytes([i0, i1]),
            sequence: u16::from_be_bytes([s0, s1]),
            data,
        })
    }
}

/// What follows the IP header of a whole packet.
struct Upper<'a> {
    source: IpAddr,
    destination: IpAddr,
    octets: &'a [u8],
}

/// The addresses and what follows the headers, for a packet that is whole and carries `protocol`.
fn upper_layer(packet: &[u8], protocol: Protocol) -> Result<Upper<'_>, DropReason> {
    let header = IpHeader::parse(packet).map_err(|_| DropReason::OuterHeader)?;
    let (carried, offset, is_fragment) = match &header {
        IpHeader::V4(header) => {
            let octets = packet.get(..header.header_len).ok_or(DropReason::OuterHeader)?;
            if checksum(octets) != 0 {
                return Err(DropReason::OuterHeader);
            }
            (header.protocol, header.header_len, header.is_fragment())
        }
        IpHeader::V6(header) => {
            let chain = Chain::walk(header, packet).map_err(|_| DropReason::OuterHeader)?;
            (chain.protocol, chain.offset, chain.is_fragment)
        }
    };
    if carried != protocol {
        return Err(DropReason::Protocol);
    }
    if is_fragment {
        return Err(DropReason::Fragment);
    }
    let octets = packet.get(offset..header.total_len()).ok_or(DropReason::OuterHeader)?;
    Ok(Upper { source: header.source(), destination: header.destination(), octets })
}

/// RFC 792: ICMP sums its message alone; RFC 4443 2.3: ICMPv6 a pseudo-header too.
fn icmp_sum(source: IpAddr, destination: IpAddr, protocol: Protocol, message: &[u8]) -> Option<u16> {
    if protocol == Protocol::ICMP {
        return Some(checksum(message));
    }
    sum_with_pseudo_header(source, destination, protocol, message)
}

fn sum_with_pseudo_header(
    source: IpAddr,
    destination: IpAddr,
    protocol: Protocol,
    upper: &[u8],
) -> Option<u16> {
    with_pseudo_header(source, destination, protocol, upper).map(|covered| checksum(&covered))
}

/// What an upper layer's checksum covers (RFC 768, RFC 8200 8.1); `None` if the addresses are of two families.
fn with_pseudo_header(
    source: IpAddr,
    destination: IpAddr,
    protocol: Protocol,
    upper: &[u8],
) -> Option<Vec<u8>> {
    let mut covered = Vec::with_capacity(upper.len().saturating_add(40));
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            covered.extend(source.octets());
            covered.extend(destination.octets());
            covered.extend([0, protocol.0]);
            covered.extend(u16::try_from(upper.len()).ok()?.to_be_bytes());
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            covered.extend(source.octets());
            covered.extend(destination.octets());
            covered.extend(u32::try_from(upper.len()).ok()?.to_be_bytes());
            covered.extend([0, 0, 0, protocol.0]);
        }
        _ => return None,
    }
    covered.extend_from_slice(upper);
    Some(covered)
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
    const B: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);

    #[test]
    fn a_datagram_comes_back() {
        let packet = udp((A, 500), (B, 4000), 7, b"payload").unwrap();
        let read = Udp::parse(&packet).unwrap();
        assert_eq!((read.source.port(), read.destination.port(), read.payload), (500, 4000, &b"payload"[..]));
        assert_eq!((read.source.ip(), read.destination.ip()), (A.into(), B.into()));
    }

    #[test]
    fn t113_lengths_that_lie_and_wrong_sums_are_refused() {
        let good = udp((A, 500), (B, 500), 7, b"0123456789").unwrap();
        for len in [0_u8, 7, 19, 255] {
            let mut packet = good.clone();
            packet[25] = len;
            packet[26..28].fill(0);
            assert_eq!(Udp::parse(&packet), Err(DropReason::OuterHeader), "length {len}");
        }
        // Without a sum (RFC 768) and with octets behind the datagram it is a datagram still.
        let mut packet = good.clone();
        packet[25] = 12;
        packet[26..28].fill(0);
        assert_eq!(Udp::parse(&packet).unwrap().payload, b"0123");
        for bit in 0..good.len() * 8 {
            let mut packet = good.clone();
            packet[bit / 8] ^= 1 << (bit % 8);
            let ports = bit / 8 >= 20 && bit / 8 < 24;
            assert!(ports || Udp::parse(&packet) != Udp::parse(&good), "bit {bit}");
            assert!(Udp::parse(&packet).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn an_echo_request_as_ping_sends_it() {
        // Type 8, identifier 0x1234, sequence 1, data "ab": the sum is worked out by hand.
        // 0x0800 + 0x1234 + 0x0001 + 0x6162 = 0x7b97, its complement 0x8468.
        let request = Echo { is_reply: false, identifier: 0x1234, sequence: 1, data: b"ab" };
        let mut packet = request.packet(A.into(), B.into(), 1).unwrap();
        assert_eq!(packet[20..], [8, 0, 0x84, 0x68, 0x12, 0x34, 0, 1, b'a', b'b']);
        assert_eq!(Echo::parse(&packet), Ok(request));
        packet[29] ^= 1;
        assert_eq!(Echo::parse(&packet), Err(DropReason::OuterHeader));
    }

    /// The sums by hand: fe80::1 to fe80::2 is 0xfe80 + 1 + 0xfe80 + 2 = 0x1fd03.
    #[test]
    fn the_same_over_ipv6() {
        let [a, b] = ["fe80::1", "fe80::2"].map(|address| address.parse::<IpAddr>().unwrap());
        // With length 10, next header 58 and type 128: 0x1fd03 + 0x0a + 0x3a + 0x8000 + 0x1234 + 1 + 0x6162 = 0x2f0de.
        let request = Echo { is_reply: false, identifier: 0x1234, sequence: 1, data: b"ab" };
        let mut packet = request.packet(a, b, 1).unwrap();
        assert_eq!(packet[..8], [0x60, 0, 0, 0, 0, 10, 58, 64]);
        assert_eq!(packet[40..44], [128, 0, 0x0f, 0x1f]);
        assert_eq!(Echo::parse(&packet), Ok(request));
        packet[49] ^= 1;
        assert_eq!(Echo::parse(&packet), Err(DropReason::OuterHeader));
        // With length 10, next header 17, ports 500, and once more the length: 0x1fd03 + 0x0a + 0x11 + 0x3e8 + 0x0a +
        // 0x6162 = 0x26272.
        let ends = [a, b].map(|end| SocketAddr::new(end, 500));
        let mut packet = udp_between(ends[0], ends[1], 1, b"ab").unwrap();
        assert_eq!(packet[46..48], [0x9d, 0x8b]);
        let read = Udp::parse(&packet).unwrap();
        assert_eq!((read.source, read.destination, read.payload), (ends[0], ends[1], &b"ab"[..]));
        // RFC 8200 8.1: no sum is a wrong sum.
        packet[46..48].fill(0);
        assert_eq!(Udp::parse(&packet), Err(DropReason::OuterHeader));
        assert_eq!(udp_between(ends[0], SocketAddr::new(A.into(), 500), 1, b"ab"), None);
    }
}
