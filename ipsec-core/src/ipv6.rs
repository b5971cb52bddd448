//! The IPv6 header and the chain of its extension headers (RFC 8200 3, 4).
//!
//! ```text
//!   +-------+---------------+---------------------------------------+
//!   |Version| Traffic Class |              Flow Label               |
//!   +-------+---------------+-------+---------------+---------------+
//!   |         Payload Length        |  Next Header  |   Hop Limit   |
//!   +-------------------------------+---------------+---------------+
//!   |                  Source Address (16 octets)                   |
//!   |               Destination Address (16 octets)                 |
//!   +---------------------------------------------------------------+
//! ```

use core::net::Ipv6Addr;

use crate::{MalformedIp, Protocol};

/// Extension headers that one packet may have. Seven kinds exist, and destination options may come twice; no
/// honest packet has more.
pub const MAX_EXTENSION_HEADERS: usize = 8;

/// The fixed IPv6 header as plain values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv6Header {
    /// Traffic class: DSCP in the upper six bits, ECN in the lower two.
    pub traffic_class: u8,
    /// Flow label, 20 bits.
    pub flow_label: u32,
    /// Octets after the fixed header.
    pub payload_len: u16,
    /// What follows the fixed header.
    pub next_header: Protocol,
    /// Hop limit.
    pub hop_limit: u8,
    /// Source address.
    pub source: Ipv6Addr,
    /// Destination address.
    pub destination: Ipv6Addr,
}

impl Ipv6Header {
    /// Octets.
    pub const LEN: usize = 40;
    /// Offset of the next header field.
    pub const NEXT_HEADER: usize = 6;

    /// Parses the header at the start of `octets`. Jumbograms (payload length 0) are packets without payload here.
    ///
    /// # Errors
    /// [`MalformedIp`].
    pub fn parse(octets: &[u8]) -> Result<Self, MalformedIp> {
        let (fixed, rest) = octets.split_first_chunk::<{ Self::LEN }>().ok_or(MalformedIp::TooShort)?;
        let [v0, v1, v2, v3, l0, l1, next_header, hop_limit, addresses @ ..] = fixed;
        if v0 >> 4 != 6 {
            return Err(MalformedIp::Version(v0 >> 4));
        }
        let payload_len = u16::from_be_bytes([*l0, *l1]);
        if usize::from(payload_len) > rest.len() {
            let total = usize::from(payload_len).saturating_add(Self::LEN);
            return Err(MalformedIp::TotalLength { total, there: octets.len() });
        }
        let source = addresses.first_chunk::<16>().ok_or(MalformedIp::TooShort)?;
        let destination = addresses.last_chunk::<16>().ok_or(MalformedIp::TooShort)?;
        Ok(Self {
            traffic_class: (v0 << 4) | (v1 >> 4),
            flow_label: u32::from_be_bytes([0, v1 & 0x0f, *v2, *v3]),
            payload_len,
            next_header: Protocol(*next_header),
            hop_limit: *hop_limit,
            source: Ipv6Addr::from(*source),
            destination: Ipv6Addr::from(*destination),
        })
    }

    /// The fixed header.
    pub fn encode(&self) -> [u8; Self::LEN] {
        let mut octets = [0; Self::LEN];
        let [_, f1, f2, f3] = self.flow_label.to_be_bytes();
        let [l0, l1] = self.payload_len.to_be_bytes();
        let Protocol(next_header) = self.next_header;
        let first = [
            0x60 | (self.traffic_class >> 4),
            (self.traffic_class << 4) | (f1 & 0x0f),
            f2,
            f3,
            l0,
            l1,
            next_header,
            self.hop_limit,
        ];
        let all = first.into_iter().chain(self.source.octets()).chain(self.destination.octets());
        for (to, from) in octets.iter_mut().zip(all) {
            *to = from;
        }
        octets
    }
}

/// Sets the traffic class.
pub(crate) fn set_traffic_class(packet: &mut [u8], class: u8) {
    if let Some([first, second]) = packet.first_chunk_mut::<2>() {
        *first = (*first & 0xf0) | (class >> 4);
        *second = (*second & 0x0f) | (class << 4);
    }
}

/// Where the chain of extension headers ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Chain {
    /// The first header that is no extension header: an upper layer, ESP or AH, or [`Protocol::NO_NEXT`].
    pub protocol: Protocol,
    /// Where that header begins.
    pub offset: usize,
    /// Where the octet is that names it.
    pub next_field: usize,
    /// Where headers that ESP and AH must not protect in front end: after hop-by-hop options and routing header.
    pub insertion: usize,
    /// Where the octet is that names the header at `insertion`.
    pub insertion_field: usize,
    /// Whether there is a fragment header.
    pub is_fragment: bool,
    /// Where the first fragment header begins, and where the octet is that names it.
    pub fragment: Option<(usize, usize)>,
    /// Whether it is that of a fragment other than the first, so that what follows is no header at all.
    pub is_later_fragment: bool,
}

impl Chain {
    /// Walks the chain of the packet whose fixed header was parsed from the same `octets`.
    ///
    /// # Errors
    /// [`MalformedIp::Extensions`], [`MalformedIp::RoutingHeader`].
    pub fn walk(header: &Ipv6Header, octets: &[u8]) -> Result<Self, MalformedIp> {
        let start = (Ipv6Header::LEN, Ipv6Header::NEXT_HEADER);
        let mut chain = Self {
            protocol: header.next_header,
            offset: start.0,
            next_field: start.1,
            insertion: start.0,
            insertion_field: start.1,
            is_fragment: false,
            fragment: None,
            is_later_fragment: false,
        };
        for _ in 0..=MAX_EXTENSION_HEADERS {
            let kind = chain.protocol;
            let Some(len) = chain.extension_len(octets)? else { return Ok(chain) };
            let after = chain.offset.checked_add(len).filter(|end| *end <= octets.len());
            let next = octets.get(chain.offset).ok_or(MalformedIp::Extensions)?;
            chain.next_field = chain.offset;
            chain.offset = after.ok_or(MalformedIp::Extensions)?;
            chain.protocol = Protocol(*next);
            if matches!(kind, Protocol::HOP_BY_HOP | Protocol::ROUTING) {
                (chain.insertion, chain.insertion_field) = (chain.offset, chain.next_field);
            }
        }
        Err(MalformedIp::Extensions)
    }

    /// Octets of the extension header that begins at `offset`, `None` if there is none.
    fn extension_len(&mut self, octets: &[u8]) -> Result<Option<usize>, MalformedIp> {
        if self.is_later_fragment {
            return Ok(None);
        }
        let header = |index: usize| octets.get(self.offset.saturating_add(index)).copied();
        let words = || header(1).map(usize::from).ok_or(MalformedIp::Extensions);
        match self.protocol {
            // RFC 8200 4.1: hop-by-hop options come first or not at all.
            Protocol::HOP_BY_HOP if self.offset != Ipv6Header::LEN => Err(MalformedIp::Extensions),
            Protocol::ROUTING if header(2) == Some(0) => Err(MalformedIp::RoutingHeader),
            Protocol::HOP_BY_HOP | Protocol::ROUTING | Protocol::DESTINATION => {
                Ok(Some(words()?.saturating_add(1).saturating_mul(8)))
            }
            Protocol::FRAGMENT => {
                let offset = header(2).zip(header(3)).ok_or(MalformedIp::Extensions)?;
                self.is_fragment = true;
                self.fragment = self.fragment.or(Some((self.offset, self.next_field)));
                self.is_later_fragment = u16::from_be_bytes(offset.into()) & 0xfff8 != 0;
                Ok(Some(8))
            }
            _ => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::{Chain, Ipv6Header, MAX_EXTENSION_HEADERS};
    use crate::{MalformedIp, Protocol};

    /// An IPv6 packet of `extensions` (each with its own number, its octet 0 filled in here) before UDP.
    fn packet(extensions: &[(u8, &[u8])]) -> Vec<u8> {
        let mut octets = Vec::from([0x6a, 0xbc, 0xde, 0xf0, 0, 0, 17, 64]);
        octets.extend([0xfd; 16]);
        octets.extend([0xfe; 16]);
        let mut field = 6;
        for (kind, body) in extensions {
            octets[field] = *kind;
            field = octets.len();
            octets.extend_from_slice(body);
            octets[field] = 17;
        }
        octets.extend([0x11; 8]);
        let len = u16::try_from(octets.len() - 40).unwrap().to_be_bytes();
        octets[4..6].copy_from_slice(&len);
        octets
    }

    fn walk(octets: &[u8]) -> Result<Chain, MalformedIp> {
        Chain::walk(&Ipv6Header::parse(octets).unwrap(), octets)
    }

    #[test]
    fn fixed_header_there_and_back() {
        let octets = packet(&[]);
        let header = Ipv6Header::parse(&octets).unwrap();
        assert_eq!((header.traffic_class, header.flow_label, header.hop_limit), (0xab, 0xc_def0, 64));
        assert_eq!(header.encode(), octets[..40]);
        assert_eq!(Ipv6Header::parse(&octets[..47]), Err(MalformedIp::TotalLength { total: 48, there: 47 }));
        assert_eq!(Ipv6Header::parse(&octets[..39]), Err(MalformedIp::TooShort));
    }

    #[test]
    fn chain_ends_at_the_upper_layer() {
        let options = [0, 0, 1, 4, 0, 0, 0, 0];
        let routing = [0, 2, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let octets = packet(&[(0, &options), (60, &options), (43, &routing), (60, &options)]);
        let chain = walk(&octets).unwrap();
        assert_eq!((chain.protocol, chain.offset), (Protocol::UDP, 40 + 8 + 8 + 24 + 8));
        assert_eq!((chain.insertion, chain.insertion_field), (40 + 8 + 8 + 24, 40 + 8 + 8));
        assert!(!chain.is_fragment);
    }

    #[test]
    fn later_fragments_have_no_upper_layer() {
        let first = walk(&packet(&[(44, &[0, 0, 0, 1, 9, 9, 9, 9])])).unwrap();
        assert!(first.is_fragment && !first.is_later_fragment);
        let octets = packet(&[(44, &[0, 0, 0, 9, 9, 9, 9, 9])]);
        let later = walk(&octets).unwrap();
        assert!(later.is_fragment && later.is_later_fragment);
    }

    #[test]
    fn t104_long_chains_and_routing_header_0_are_refused() {
        let options: (u8, &[u8]) = (60, &[0, 0, 1, 4, 0, 0, 0, 0]);
        assert!(walk(&packet(&[options; MAX_EXTENSION_HEADERS])).is_ok());
        assert_eq!(walk(&packet(&[options; MAX_EXTENSION_HEADERS + 1])), Err(MalformedIp::Extensions));
        assert_eq!(walk(&packet(&[options; 100])), Err(MalformedIp::Extensions));
        // RFC 5095 3 (test)
        assert_eq!(walk(&packet(&[(43, &[0; 8])])), Err(MalformedIp::RoutingHeader));
        assert_eq!(walk(&packet(&[(60, &[0, 9, 0, 0, 0, 0, 0, 0])])), Err(MalformedIp::Extensions));
        assert_eq!(walk(&packet(&[options, (0, options.1)])), Err(MalformedIp::Extensions));
    }
}
