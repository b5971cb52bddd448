//! What a packet is matched by.

use core::net::IpAddr;

use crate::{Chain, IpHeader, MalformedIp, Protocol};

/// The ports of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FlowPorts {
    /// The protocol has none.
    None,
    /// They cannot be seen: a fragment other than the first, or cut before them (RFC 4301 4.4.1.1 OPAQUE).
    Opaque,
    /// They are there.
    Known {
        /// Source port.
        source: u16,
        /// Destination port.
        destination: u16,
    },
}

/// Addresses, protocol and ports of one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Flow {
    /// Source address.
    pub source: IpAddr,
    /// Destination address.
    pub destination: IpAddr,
    /// Upper-layer protocol; IPv6 extension headers are passed over.
    pub protocol: Protocol,
    /// Ports.
    pub ports: FlowPorts,
}

impl Flow {
    /// The flow of an IP packet.
    ///
    /// # Errors
    /// [`MalformedIp`].
    pub fn of(packet: &[u8]) -> Result<Self, MalformedIp> {
        let header = IpHeader::parse(packet)?;
        let whole = packet.get(..header.total_len()).ok_or(MalformedIp::TooShort)?;
        let (protocol, offset, later_fragment) = match &header {
            IpHeader::V4(v4) => (v4.protocol, v4.header_len, v4.fragment_offset != 0),
            IpHeader::V6(v6) => {
                let chain = Chain::walk(v6, whole)?;
                // RFC 4301 7: a later fragment that goes on with an extension header does not show its protocol, and must
                // not slip past a policy that names one. It has to be put together first.
                if chain.is_later_fragment && chain.protocol.is_extension() {
                    return Err(MalformedIp::Extensions);
                }
                (chain.protocol, chain.offset, chain.is_later_fragment)
            }
        };
        let ports = if !protocol.has_ports() {
            FlowPorts::None
        } else if later_fragment {
            FlowPorts::Opaque
        } else {
            match whole.get(offset..).and_then(|upper| upper.first_chunk::<4>()) {
                Some(&[s0, s1, d0, d1]) => FlowPorts::Known {
                    source: u16::from_be_bytes([s0, s1]),
                    destination: u16::from_be_bytes([d0, d1]),
                },
                None => FlowPorts::Opaque,
            }
        };
        Ok(Self { source: header.source(), destination: header.destination(), protocol, ports })
    }
}
