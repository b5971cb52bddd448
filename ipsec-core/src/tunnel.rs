//! The outer header of tunnel mode (RFC 4301 5.1.2) and the way back out of it (RFC 6040).

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::sync::atomic::{AtomicU16, Ordering};

use thiserror::Error;

use crate::{DropReason, IpHeader, Ipv4Header, Ipv6Header, PacketBuf, Protocol, SealError, ipv4, ipv6};

/// The DF bit of an outer IPv4 header (RFC 4301 8.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum DfPolicy {
    /// As the inner IPv4 header has it; set over IPv6, whose packets routers never fragment.
    #[default]
    Copy,
    /// Always set.
    Set,
    /// Never set.
    Clear,
}

/// The differentiated services code point of an outer header (RFC 4301 5.1.2.1, note 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum DscpPolicy {
    /// As the inner header has it. An observer then sees which class a packet belongs to.
    #[default]
    Copy,
    /// This value, of which the lower six bits count.
    Set(u8),
}

/// The congestion field of an outer header at encapsulation (RFC 6040 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum EcnPolicy {
    /// Copied: the peer knows RFC 6040, RFC 4301 or RFC 3168's full functionality.
    #[default]
    Normal,
    /// Cleared: the peer may not propagate congestion.
    Compatibility,
}

/// Both ends of a tunnel and the rules for its outer header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tunnel {
    local: IpAddr,
    remote: IpAddr,
    /// DF.
    pub df: DfPolicy,
    /// DSCP.
    pub dscp: DscpPolicy,
    /// ECN.
    pub ecn: EcnPolicy,
    /// TTL or hop limit of outer headers; never the inner one (RFC 4301 5.1.2.1, note 2).
    pub ttl: u8,
}

/// The ends of a tunnel belong to two address families.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the ends of a tunnel are of two address families")]
pub struct MixedFamilies;

impl Tunnel {
    /// The usual TTL (RFC 1700).
    pub const DEFAULT_TTL: u8 = 64;

    /// A tunnel from `local` to `remote` that copies DF, DSCP and ECN.
    ///
    /// # Errors
    /// [`MixedFamilies`].
    pub fn new(local: IpAddr, remote: IpAddr) -> Result<Self, MixedFamilies> {
        if local.is_ipv4() != remote.is_ipv4() {
            return Err(MixedFamilies);
        }
        let (df, dscp, ecn) = (DfPolicy::default(), DscpPolicy::default(), EcnPolicy::default());
        Ok(Self { local, remote, df, dscp, ecn, ttl: Self::DEFAULT_TTL })
    }

    /// Our end.
    pub fn local(&self) -> IpAddr {
        self.local
    }

    /// The peer's end.
    pub fn remote(&self) -> IpAddr {
        self.remote
    }

    /// The same tunnel to another address of the peer.
    ///
    /// # Errors
    /// [`MixedFamilies`].
    pub fn with_remote(self, remote: IpAddr) -> Result<Self, MixedFamilies> {
        if self.local.is_ipv4() == remote.is_ipv4() {
            Ok(Self { remote, ..self })
        } else {
            Err(MixedFamilies)
        }
    }

    /// Octets of an outer header.
    pub fn header_len(&self) -> usize {
        if self.local.is_ipv4() { Ipv4Header::LEN } else { Ipv6Header::LEN }
    }

    /// The outer header for a packet with this inner header. Options and extension headers are never copied.
    pub fn outer(&self, inner: &IpHeader) -> OuterHeader {
        let class = inner.traffic_class();
        let dscp = match self.dscp {
            DscpPolicy::Copy => class & !ECN,
            DscpPolicy::Set(dscp) => dscp << 2,
        };
        let ecn = match self.ecn {
            EcnPolicy::Normal => class & ECN,
            EcnPolicy::Compatibility => 0,
        };
        let dont_fragment = match (self.df, inner) {
            (DfPolicy::Set, _) | (DfPolicy::Copy, IpHeader::V6(_)) => true,
            (DfPolicy::Clear, _) => false,
            (DfPolicy::Copy, IpHeader::V4(v4)) => v4.dont_fragment,
        };
        OuterHeader { tunnel: *self, class: dscp | ecn, dont_fragment }
    }
}

/// What an outer header takes from the inner one, taken before that is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OuterHeader {
    tunnel: Tunnel,
    class: u8,
    dont_fragment: bool,
}

impl OuterHeader {
    /// Puts the header before `packet`. `identification` is used by IPv4 only.
    ///
    /// # Errors
    /// [`SealError::TooBig`], [`SealError::NoRoom`]; the packet is unchanged then.
    pub fn prepend(
        &self,
        packet: &mut PacketBuf,
        protocol: Protocol,
        identification: u16,
    ) -> Result<(), SealError> {
        match (self.tunnel.local, self.tunnel.remote) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                let header = self.v4(packet.len(), protocol, (source, destination), identification)?;
                packet.prepend(Ipv4Header::LEN)?.copy_from_slice(&header.encode());
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                let header = self.v6(packet.len(), protocol, (source, destination))?;
                packet.prepend(Ipv6Header::LEN)?.copy_from_slice(&header.encode());
            }
            // `Tunnel::new` admits one family only.
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return Err(SealError::NotIp),
        }
        Ok(())
    }

    fn v4(
        &self,
        payload_len: usize,
        protocol: Protocol,
        (source, destination): (Ipv4Addr, Ipv4Addr),
        identification: u16,
    ) -> Result<Ipv4Header, SealError> {
        let total_len = payload_len.saturating_add(Ipv4Header::LEN);
        Ok(Ipv4Header {
            header_len: Ipv4Header::LEN,
            tos: self.class,
            total_len: u16::try_from(total_len).map_err(|_| SealError::TooBig)?,
            identification,
            dont_fragment: self.dont_fragment,
            more_fragments: false,
            fragment_offset: 0,
            ttl: self.tunnel.ttl,
            protocol,
            source,
            destination,
        })
    }

    fn v6(
        &self,
        payload_len: usize,
        next_header: Protocol,
        (source, destination): (Ipv6Addr, Ipv6Addr),
    ) -> Result<Ipv6Header, SealError> {
        Ok(Ipv6Header {
            traffic_class: self.class,
            flow_label: 0,
            payload_len: u16::try_from(payload_len).map_err(|_| SealError::TooBig)?,
            next_header,
            hop_limit: self.tunnel.ttl,
            source,
            destination,
        })
    }
}

/// Makes what came out of a tunnel a packet to forward: `packet` begins with the inner header; octets behind the
/// inner packet are padding against traffic analysis and go (RFC 4303 2.7); congestion that the outer header met is
/// carried over (RFC 6040 4.2). `outer_class` is the outer header's type of service or traffic class.
///
/// # Errors
/// [`DropReason::NextHeader`] if `next_header` is neither IPv4 nor IPv6, [`DropReason::InnerHeader`] if it is not
/// what `packet` is or a length lies, [`DropReason::Ttl`] for 0, [`DropReason::Congestion`].
pub fn decapsulate(
    packet: &mut PacketBuf,
    next_header: Protocol,
    outer_class: u8,
) -> Result<IpHeader, DropReason> {
    if !matches!(next_header, Protocol::IPV4 | Protocol::IPV6) {
        return Err(DropReason::NextHeader);
    }
    let inner = IpHeader::parse(packet.octets()).map_err(|_| DropReason::InnerHeader)?;
    if inner.as_payload() != next_header {
        return Err(DropReason::InnerHeader);
    }
    if inner.ttl() == 0 {
        return Err(DropReason::Ttl);
    }
    let trailing = packet.len().saturating_sub(inner.total_len());
    packet.strip_back(trailing).map_err(|_| DropReason::InnerHeader)?;
    let before = inner.traffic_class();
    let after = (before & !ECN) | combine(before & ECN, outer_class & ECN)?;
    if after != before {
        match inner {
            IpHeader::V4(_) => ipv4::set_tos(packet.octets_mut(), after),
            IpHeader::V6(_) => ipv6::set_traffic_class(packet.octets_mut(), after),
        }
    }
    Ok(inner)
}

const ECN: u8 = 0b11;
const NOT_ECT: u8 = 0b00;
const ECT_1: u8 = 0b01;
const ECT_0: u8 = 0b10;
const CE: u8 = 0b11;

/// RFC 6040 4.2, figure 4: the congestion field of a packet that leaves a tunnel.
fn combine(inner: u8, outer: u8) -> Result<u8, DropReason> {
    match (inner, outer) {
        // Congestion that the transport cannot hear of can only be signalled by loss.
        (NOT_ECT, CE) => Err(DropReason::Congestion),
        (NOT_ECT, _) => Ok(NOT_ECT),
        (_, CE) => Ok(CE),
        (ECT_0, ECT_1) => Ok(ECT_1),
        (inner, _) => Ok(inner),
    }
}

/// Draws the identification field of outer IPv4 headers. One counter serves all tunnels of a gateway, because two
/// SAs between the same addresses must not use one value at the same time (RFC 791 2.3, RFC 6864 4).
#[derive(Debug, Default)]
pub struct IdentificationCounter(AtomicU16);

impl IdentificationCounter {
    /// A counter whose first value is `first`.
    pub const fn starting_at(first: u16) -> Self {
        Self(AtomicU16::new(first))
    }

    /// The next value; after 65535 comes 0.
    pub fn draw(&self) -> u16 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}
