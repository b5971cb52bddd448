//! What travels.

use core::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::borrow::Cow;

/// A packet as links, captures and recordings need to see it.
pub trait Packet: Clone {
    /// Octets it takes on the wire, IP header included: what an MTU and a rate are compared with.
    fn wire_len(&self) -> usize;

    /// The whole IP packet, as a capture shows it.
    fn to_wire(&self) -> Cow<'_, [u8]>;

    /// The packet that has these octets, for replaying a recording.
    fn from_wire(octets: &[u8]) -> Option<Self>;
}

/// A whole IPv4 or IPv6 packet.
impl Packet for Vec<u8> {
    fn wire_len(&self) -> usize {
        self.len()
    }

    fn to_wire(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(self)
    }

    fn from_wire(octets: &[u8]) -> Option<Self> {
        Some(octets.to_vec())
    }
}

/// A UDP payload with its addresses: enough for nodes that never see an IP header. Captures show it inside one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UdpDatagram {
    /// Where it comes from.
    pub source: SocketAddr,
    /// Where it goes. When the families differ, both are written as IPv6 (v4-mapped).
    pub destination: SocketAddr,
    /// UDP payload.
    pub payload: Vec<u8>,
}

const IPV4_HEADER: usize = 20;
const IPV6_HEADER: usize = 40;
const UDP_HEADER: usize = 8;
const UDP: u8 = 17;
const TTL: u8 = 64;

impl Packet for UdpDatagram {
    fn wire_len(&self) -> usize {
        let ip = if self.is_ipv4() { IPV4_HEADER } else { IPV6_HEADER };
        self.payload.len().saturating_add(ip + UDP_HEADER)
    }

    fn to_wire(&self) -> Cow<'_, [u8]> {
        let udp_len = saturate(self.payload.len().saturating_add(UDP_HEADER));
        let mut packet = Vec::with_capacity(self.wire_len());
        let mut pseudo = Vec::new();
        match (self.source.ip(), self.destination.ip()) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                packet.extend([0x45, 0]);
                packet.extend(saturate(self.wire_len()).to_be_bytes());
                packet.extend([0, 0, 0x40, 0, TTL, UDP, 0, 0]);
                packet.extend(source.octets());
                packet.extend(destination.octets());
                let sum = checksum(&[&packet]).to_be_bytes();
                if let Some(field) = packet.get_mut(10..12) {
                    field.copy_from_slice(&sum);
                }
                pseudo.extend(source.octets());
                pseudo.extend(destination.octets());
                pseudo.extend([0, UDP]);
                pseudo.extend(udp_len.to_be_bytes());
            }
            (source, destination) => {
                let (source, destination) = (to_ipv6(source).octets(), to_ipv6(destination).octets());
                packet.extend([0x60, 0, 0, 0]);
                packet.extend(udp_len.to_be_bytes());
                packet.extend([UDP, TTL]);
                packet.extend(source);
                packet.extend(destination);
                pseudo.extend(source);
                pseudo.extend(destination);
                pseudo.extend([0, 0]);
                pseudo.extend(udp_len.to_be_bytes());
                pseudo.extend([0, 0, 0, UDP]);
            }
        }
        let mut header = Vec::with_capacity(UDP_HEADER);
        header.extend(self.source.port().to_be_bytes());
        header.extend(self.destination.port().to_be_bytes());
        header.extend(udp_len.to_be_bytes());
        // RFC 768: a computed sum of zero travels as all ones, since zero says that there is none.
        let sum = match checksum(&[&pseudo, &header, &self.payload]) {
            0 => 0xffff,
            sum => sum,
        };
        packet.extend(header);
        packet.extend(sum.to_be_bytes());
        packet.extend_from_slice(&self.payload);
        Cow::Owned(packet)
    }

    fn from_wire(octets: &[u8]) -> Option<Self> {
        let (source, destination, udp): (IpAddr, IpAddr, &[u8]) = match octets.first()? >> 4 {
            4 => {
                let header: &[u8; IPV4_HEADER] = octets.first_chunk()?;
                let [.., s0, s1, s2, s3, d0, d1, d2, d3] = *header;
                let words = usize::from(header.first()? & 15);
                ([s0, s1, s2, s3].into(), [d0, d1, d2, d3].into(), octets.get(words.checked_mul(4)?..)?)
            }
            6 => {
                let source: [u8; 16] = octets.get(8..24)?.try_into().ok()?;
                let destination: [u8; 16] = octets.get(24..IPV6_HEADER)?.try_into().ok()?;
                (source.into(), destination.into(), octets.get(IPV6_HEADER..)?)
            }
            _ => return None,
        };
        let ([s0, s1, d0, d1, ..], payload) = udp.split_first_chunk::<UDP_HEADER>()?;
        Some(Self {
            source: SocketAddr::new(source, u16::from_be_bytes([*s0, *s1])),
            destination: SocketAddr::new(destination, u16::from_be_bytes([*d0, *d1])),
            payload: payload.to_vec(),
        })
    }
}

impl UdpDatagram {
    /// A datagram from `source` to `destination`.
    #[must_use]
    pub fn new(source: SocketAddr, destination: SocketAddr, payload: impl Into<Vec<u8>>) -> Self {
        Self { source, destination, payload: payload.into() }
    }

    const fn is_ipv4(&self) -> bool {
        self.source.is_ipv4() && self.destination.is_ipv4()
    }
}

const fn to_ipv6(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped(),
        IpAddr::V6(v6) => v6,
    }
}

fn saturate(len: usize) -> u16 {
    u16::try_from(len).unwrap_or(u16::MAX)
}

/// RFC 1071: ones' complement sum over 16-bit words. Parts of odd length may only come last.
fn checksum(parts: &[&[u8]]) -> u16 {
    let mut sum = 0_u64;
    for part in parts {
        for word in part.chunks(2) {
            let high = word.first().copied().unwrap_or(0);
            let low = word.get(1).copied().unwrap_or(0);
            sum = sum.saturating_add(u64::from(u16::from_be_bytes([high, low])));
        }
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(0)
}
