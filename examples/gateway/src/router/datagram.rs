//! UDP and ICMP inside IPv4, for packets that this program itself sends or receives.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};

use ipsec_core::{DropReason, Ipv4Header, Protocol, checksum};

/// What a sender that is no router puts into its headers (RFC 1700, "IP Time to Live").
const TTL: u8 = 64;
/// RFC 768.
const UDP_HEADER: usize = 8;
/// RFC 792, echo message.
const ICMP_HEADER: usize = 8;
const ECHO_REPLY: u8 = 0;
const ECHO_REQUEST: u8 = 8;

/// A whole UDP datagram in an IPv4 packet; `None` if it is too long for one.
#[must_use]
pub fn udp(
    source: (Ipv4Addr, u16),
    destination: (Ipv4Addr, u16),
    identification: u16,
    payload: &[u8],
) -> Option<Vec<u8>> {
    let len = u16::try_from(payload.len().checked_add(UDP_HEADER)?).ok()?;
    let mut upper = Vec::with_capacity(usize::from(len));
    upper.extend(source.1.to_be_bytes());
    upper.extend(destination.1.to_be_bytes());
    upper.extend(len.to_be_bytes());
    upper.extend([0, 0]);
    upper.extend_from_slice(payload);
    // RFC 768: a computed sum of zero travels as all ones, since zero says that there is none.
    let sum = match checksum(&with_pseudo_header(source.0, destination.0, &upper)) {
        0 => 0xffff,
        sum => sum,
    };
    upper.get_mut(6..8)?.copy_from_slice(&sum.to_be_bytes());
    ipv4(source.0, destination.0, (Protocol::UDP, identification), &upper)
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
    /// Reads the datagram in an IPv4 packet.
    ///
    /// # Errors
    /// [`DropReason::Fragment`]; [`DropReason::OuterHeader`] if a length lies or a checksum does not hold.
    pub fn parse(packet: &'a [u8]) -> Result<Self, DropReason> {
        let (udp, header, datagram) = Self::read(packet)?;
        let has_sum = datagram.get(6..8) != Some(&[0, 0]);
        if has_sum && checksum(&with_pseudo_header(header.source, header.destination, datagram)) != 0 {
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

    fn read(packet: &'a [u8]) -> Result<(Self, Ipv4Header, &'a [u8]), DropReason> {
        let (header, upper) = upper_layer(packet, Protocol::UDP)?;
        let [s0, s1, d0, d1, l0, l1, ..] = *upper.first_chunk::<UDP_HEADER>().ok_or(DropReason::TooShort)?;
        let len = usize::from(u16::from_be_bytes([l0, l1]));
        // RFC 768: the length counts the header; octets behind it are not the datagram's.
        let datagram = upper.get(..len).filter(|_| len >= UDP_HEADER).ok_or(DropReason::OuterHeader)?;
        let udp = Self {
            source: SocketAddr::new(IpAddr::V4(header.source), u16::from_be_bytes([s0, s1])),
            destination: SocketAddr::new(IpAddr::V4(header.destination), u16::from_be_bytes([d0, d1])),
            payload: datagram.get(UDP_HEADER..).unwrap_or_default(),
        };
        Ok((udp, header, datagram))
    }
}

/// An ICMP echo request or reply (RFC 792).
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
    /// The ICMP message.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let kind = if self.is_reply { ECHO_REPLY } else { ECHO_REQUEST };
        let mut message = vec![kind, 0, 0, 0];
        message.extend(self.identifier.to_be_bytes());
        message.extend(self.sequence.to_be_bytes());
        message.extend_from_slice(self.data);
        let sum = checksum(&message).to_be_bytes();
        if let Some(field) = message.get_mut(2..4) {
            field.copy_from_slice(&sum);
        }
        message
    }

    /// Reads the echo message in an IPv4 packet.
    ///
    /// # Errors
    /// [`DropReason::Protocol`] if it carries no echo message, [`DropReason::Fragment`], or
    /// [`DropReason::OuterHeader`] if a length lies or a checksum does not hold.
    pub fn parse(packet: &'a [u8]) -> Result<Self, DropReason> {
        let (_, message) = upper_layer(packet, Protocol::ICMP)?;
        let (&[kind, code, _, _, i0, i1, s0, s1], data) =
            message.split_first_chunk::<ICMP_HEADER>().ok_or(DropReason::TooShort)?;
        let is_reply = match (kind, code) {
            (ECHO_REPLY, 0) => true,
            (ECHO_REQUEST, 0) => false,
            _ => return Err(DropReason::Protocol),
        };
        if checksum(message) != 0 {
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

/// The header and what follows it, for a packet that is whole and carries `protocol`.
fn upper_layer(packet: &[u8], protocol: Protocol) -> Result<(Ipv4Header, &[u8]), DropReason> {
    let header = Ipv4Header::parse(packet).map_err(|_| DropReason::OuterHeader)?;
    let octets = packet.get(..header.header_len).ok_or(DropReason::OuterHeader)?;
    if checksum(octets) != 0 {
        return Err(DropReason::OuterHeader);
    }
    if header.protocol != protocol {
        return Err(DropReason::Protocol);
    }
    if header.is_fragment() {
        return Err(DropReason::Fragment);
    }
    let upper =
        packet.get(header.header_len..usize::from(header.total_len)).ok_or(DropReason::OuterHeader)?;
    Ok((header, upper))
}

/// What a UDP checksum covers (RFC 768).
fn with_pseudo_header(source: Ipv4Addr, destination: Ipv4Addr, datagram: &[u8]) -> Vec<u8> {
    let mut covered = Vec::with_capacity(datagram.len().saturating_add(12));
    covered.extend(source.octets());
    covered.extend(destination.octets());
    covered.extend([0, Protocol::UDP.0]);
    covered.extend(u16::try_from(datagram.len()).unwrap_or(u16::MAX).to_be_bytes());
    covered.extend_from_slice(datagram);
    covered
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
        let message = request.encode();
        assert_eq!(message, [8, 0, 0x84, 0x68, 0x12, 0x34, 0, 1, b'a', b'b']);
        let mut packet = ipv4(A, B, (Protocol::ICMP, 1), &message).unwrap();
        assert_eq!(Echo::parse(&packet), Ok(request));
        packet[29] ^= 1;
        assert_eq!(Echo::parse(&packet), Err(DropReason::OuterHeader));
    }
}
