//! What the path of an SA or bundle takes, learned from ICMP messages that nobody has authenticated (RFC 4301 8.2.1).

use core::net::IpAddr;
use core::time::Duration;

use crate::{Chain, IpHeader, Ipv4Header, Ipv6Header, Protocol, SaId, Spi, checksum, icmp};

/// An ICMP message that says that a packet of ours was too big: type 3 code 4 (RFC 1191 4), or ICMPv6 type 2
/// (RFC 4443 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooBig {
    /// The SA that the quoted packet was sealed with.
    pub sa: SaId,
    /// The half of the quoted packet's sequence number that is sent: only who has seen a packet of ours lately knows one that
    /// [`OutboundState::sent_lately`](crate::OutboundState::sent_lately).
    pub sequence: u32,
    /// Who sent the quoted packet.
    pub source: IpAddr,
    /// Octets that the next hop takes; 0 from a router that does not say (RFC 1191 5).
    pub mtu: usize,
    /// Octets of the quoted packet when it was whole.
    pub quoted: usize,
}

impl TooBig {
    /// Reads an IP packet. `None` if it is another message, if a checksum does not hold, or if the quote is none of
    /// a packet that can have been too big: not from the address that is told, not ESP or AH (or ESP in UDP), cut before
    /// its sequence number, a later fragment, one that a router may have fragmented, or one that the stated MTU takes.
    pub fn parse(packet: &[u8]) -> Option<Self> {
        let header = IpHeader::parse(packet).ok()?;
        let packet = packet.get(..header.total_len())?;
        let (message, mtu) = match &header {
            IpHeader::V4(v4) => Self::message_v4(v4, packet)?,
            IpHeader::V6(v6) => Self::message_v6(v6, packet)?,
        };
        let (said, payload) = quoted(message.get(8..)?)?;
        let is_ours = said.source == header.destination();
        let was_too_big = mtu < said.total;
        if !is_ours || !was_too_big || said.may_fragment {
            return None;
        }
        let (protocol, at) = match said.protocol {
            Protocol::ESP => (Protocol::ESP, 0),
            Protocol::AH => (Protocol::AH, 4),
            // RFC 3948 2.1: ESP follows the UDP header. A short quote does not reach it.
            Protocol::UDP => (Protocol::ESP, 8),
            _ => return None,
        };
        // In ESP and in AH the sequence number follows the SPI.
        let [p0, p1, p2, p3, s0, s1, s2, s3] = *payload.get(at..)?.first_chunk()?;
        let spi = Spi::from_wire(u32::from_be_bytes([p0, p1, p2, p3]));
        let sequence = u32::from_be_bytes([s0, s1, s2, s3]);
        let sa = SaId { destination: said.destination, protocol, spi };
        Some(Self { sa, sequence, source: said.source, mtu, quoted: said.total })
    }

    /// Whether a packet is such a message, whatever it quotes.
    pub fn is_too_big(packet: &[u8]) -> bool {
        match IpHeader::parse(packet) {
            Ok(IpHeader::V4(v4)) => {
                !v4.is_fragment()
                    && v4.protocol == Protocol::ICMP
                    && packet.get(v4.header_len..).is_some_and(|message| message.starts_with(&[3, 4]))
            }
            Ok(IpHeader::V6(v6)) => Chain::walk(&v6, packet).is_ok_and(|chain| {
                !chain.is_fragment
                    && chain.protocol == Protocol::ICMPV6
                    && packet.get(chain.offset..).is_some_and(|message| message.starts_with(&[2]))
            }),
            Err(_) => false,
        }
    }

    fn message_v4<'a>(v4: &Ipv4Header, packet: &'a [u8]) -> Option<(&'a [u8], usize)> {
        let message = packet.get(v4.header_len..)?;
        let [kind, code, _, _, _, _, m0, m1] = *message.first_chunk::<8>()?;
        let fits = v4.protocol == Protocol::ICMP && !v4.is_fragment() && (kind, code) == (3, 4);
        let mtu = usize::from(u16::from_be_bytes([m0, m1]));
        (fits && checksum(message) == 0).then_some((message, mtu))
    }

    fn message_v6<'a>(v6: &Ipv6Header, packet: &'a [u8]) -> Option<(&'a [u8], usize)> {
        let chain = Chain::walk(v6, packet).ok()?;
        let message = packet.get(chain.offset..)?;
        let [kind, _, _, _, m0, m1, m2, m3] = *message.first_chunk::<8>()?;
        let fits = chain.protocol == Protocol::ICMPV6 && !chain.is_fragment && kind == 2;
        // RFC 8200 8.1: the pseudo header has the length and the protocol of the message, not of the packet.
        let payload_len = u16::try_from(message.len()).ok()?;
        let covered = Ipv6Header { payload_len, next_header: Protocol::ICMPV6, ..*v6 };
        let sums = [icmp::pseudo_header(&covered).to_be_bytes(), (!checksum(message)).to_be_bytes()];
        let holds = checksum(&sums.concat()) == 0;
        let mtu = usize::try_from(u32::from_be_bytes([m0, m1, m2, m3])).ok()?;
        (fits && holds).then_some((message, mtu))
    }
}

/// The header of a quoted packet, most of which is missing.
struct Quoted {
    source: IpAddr,
    destination: IpAddr,
    protocol: Protocol,
    total: usize,
    may_fragment: bool,
}

fn quoted(octets: &[u8]) -> Option<(Quoted, &[u8])> {
    match octets.first()? >> 4 {
        4 => {
            let [first, _, l0, l1, _, _, flags, offset, _, protocol, _, _, s0, s1, s2, s3, d0, d1, d2, d3] =
                *octets.first_chunk::<{ Ipv4Header::LEN }>()?;
            let header_len = usize::from(first & 0x0f).saturating_mul(4);
            let is_later = u16::from_be_bytes([flags, offset]) & 0x1fff != 0;
            if is_later || header_len < Ipv4Header::LEN {
                return None;
            }
            let quote = Quoted {
                source: [s0, s1, s2, s3].into(),
                destination: [d0, d1, d2, d3].into(),
                protocol: Protocol(protocol),
                total: usize::from(u16::from_be_bytes([l0, l1])),
                may_fragment: flags & 0x40 == 0,
            };
            Some((quote, octets.get(header_len..)?))
        }
        6 => {
            let (fixed, payload) = octets.split_first_chunk::<{ Ipv6Header::LEN }>()?;
            let [_, _, _, _, l0, l1, next, _, addresses @ ..] = *fixed;
            let quote = Quoted {
                source: (*addresses.first_chunk::<16>()?).into(),
                destination: (*addresses.last_chunk::<16>()?).into(),
                protocol: Protocol(next),
                total: usize::from(u16::from_be_bytes([l0, l1])).saturating_add(Ipv6Header::LEN),
                may_fragment: false,
            };
            Some((quote, payload))
        }
        _ => None,
    }
}

/// Octets that the path of one SA or bundle takes.
///
/// Whoever can send packets can send these messages, so what they do is bounded: they only ever lower, not below a
/// floor that every path takes, not faster than once in [`QUIET`](Self::QUIET), not by more than half at once, and for
/// [`AGE`](Self::AGE) at most: then the largest packet is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct PathMtu(Option<Learned>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Learned {
    octets: usize,
    at: Duration,
}

impl PathMtu {
    /// RFC 1191 6.3: after ten minutes a larger packet is tried again.
    pub const AGE: Duration = Duration::from_secs(600);
    /// What every host takes over IPv4 (RFC 791 3.1). RFC 791 lets links have 68 octets, but a tunnel over those would
    /// carry nothing, which is what a forger would want.
    pub const FLOOR_V4: usize = 576;
    /// What every link takes over IPv6 (RFC 8200 5).
    pub const FLOOR_V6: usize = 1280;
    /// After one message the next is not believed for so long: a path with several narrow links needs one round trip
    /// for each of them, and a burst of forged messages gets one step.
    pub const QUIET: Duration = Duration::from_secs(1);
    /// RFC 1191 7.1: sizes that links have, for routers that do not say theirs.
    const PLATEAUS: [usize; 9] = [32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296];

    /// Nothing learned yet.
    pub const fn new() -> Self {
        Self(None)
    }

    /// Octets of the largest packet that the path takes, whose first link takes `link`.
    pub fn octets(&self, link: usize, now: Duration) -> usize {
        self.current(now).map_or(link, |learned| learned.octets.min(link))
    }

    /// Learns from a message that quotes a packet which an SA of this path has sent lately; whether that made the path smaller.
    pub fn lower(&mut self, said: &TooBig, link: usize, now: Duration) -> bool {
        let is_quiet = self.0.is_none_or(|learned| now >= learned.at.saturating_add(Self::QUIET));
        // Nothing longer than the first link takes was ever sent.
        if !is_quiet || said.quoted > link {
            return false;
        }
        let (floor, stated) = match said.source {
            IpAddr::V4(_) => (Self::FLOOR_V4, said.mtu),
            IpAddr::V6(_) => (Self::FLOOR_V6, said.mtu),
        };
        let stated = match stated {
            0 => Self::PLATEAUS.into_iter().find(|size| *size < said.quoted).unwrap_or(floor),
            stated => stated,
        };
        let before = self.octets(link, now);
        // A path that takes much less needs a message more for each halving, and a forger as well.
        let octets = stated.max(floor).max(before.div_ceil(2));
        if octets > before || octets >= link {
            return false;
        }
        // The same again keeps it from aging.
        self.0 = Some(Learned { octets, at: now });
        octets < before
    }

    fn current(&self, now: Duration) -> Option<Learned> {
        self.0.filter(|learned| now < learned.at.saturating_add(Self::AGE))
    }
}
