//! Negotiated SAs as the kernel's states.

use core::net::IpAddr;

use ipsec_core::{DfPolicy, Lifetime, ReplayProtection, Selector};
use netlink_packet_xfrm::state::ModifyMessage;
use netlink_packet_xfrm::{
    Address, EncapTmpl, IPPROTO_AH, ReplayEsn, UDP_ENCAP_ESPINUDP, UserSaId, UserSaInfo, XFRM_INF,
    XFRM_MODE_TRANSPORT, XFRM_MODE_TUNNEL, XFRM_STATE_AF_UNSPEC, XFRM_STATE_ALIGN4, XFRM_STATE_NOPMTUDISC,
    XfrmAttrs,
};
use oakley::Direction;

use super::algorithm::Keyed;
use super::selector::{self, Way};
use crate::router::{Handover, InstallError, Protection};

/// A window of the old kind: its bits are in one word of the state.
const SMALL_WINDOW: u16 = 32;

/// A sender's sequence numbers, which never come round (RFC 4303 3.3.3): the last one, and the one from which on a successor is
/// wanted, with as many left as the router's own SAs have then.
const LAST: u64 = 0xffff_ffff;
const NEARLY_LAST: u64 = 0xf000_0000;

/// One SA as the kernel is to have it.
pub(super) struct State<'a> {
    /// From whom and to whom its packets go.
    pub(super) ends: (IpAddr, IpAddr),
    pub(super) spi: u32,
    pub(super) protection: Protection,
    pub(super) keys: (&'a [u8], &'a [u8]),
    pub(super) tunnel: bool,
    pub(super) reqid: u32,
    pub(super) lifetime: Lifetime,
    /// Packets that it is for; None below another one that says it.
    pub(super) selector: Option<netlink_packet_xfrm::Selector>,
    /// Whether what it carries may be of another family than its ends.
    pub(super) any_family: bool,
    /// None for an outbound one.
    pub(super) replay: Option<ReplayProtection>,
    pub(super) df: DfPolicy,
    /// Source and destination port of ESP in UDP.
    pub(super) ports: Option<(u16, u16)>,
}

impl State<'_> {
    /// The request that makes it; None for an algorithm that the kernel has no name for.
    pub(super) fn message(&self) -> Option<Keyed> {
        let mut sa = UserSaInfo::default();
        let (source, destination) = self.ends;
        sa.source(&source);
        sa.destination(&destination);
        (sa.id.spi, sa.id.proto) = (self.spi, self.protection.protocol());
        sa.reqid = self.reqid;
        sa.mode = if self.tunnel { XFRM_MODE_TUNNEL } else { XFRM_MODE_TRANSPORT };
        sa.selector = self.selector.unwrap_or_default();
        sa.flags = self.flags();
        let limit = |limit: Option<u64>| limit.unwrap_or(XFRM_INF);
        sa.lifetime_cfg.soft_byte_limit = limit(self.lifetime.soft_octets);
        sa.lifetime_cfg.hard_byte_limit = limit(self.lifetime.hard_octets);
        if self.replay.is_none() {
            sa.lifetime_cfg.soft_packet_limit = NEARLY_LAST;
            sa.lifetime_cfg.hard_packet_limit = LAST;
        }
        // The soft limit in time is watched here; the kernel keeps the hard one even if we are gone.
        sa.lifetime_cfg.hard_add_expires_seconds = self.lifetime.hard_time.map_or(0, |time| time.as_secs());
        let mut nlas = self.protection.attributes(self.keys.0, self.keys.1)?;
        match self.replay {
            Some(ReplayProtection::Window(size)) if size.get() > SMALL_WINDOW => {
                let words = size.get().div_ceil(SMALL_WINDOW);
                nlas.push(XfrmAttrs::ReplayStateEsn(ReplayEsn {
                    bmp_len: words.into(),
                    replay_window: size.get().into(),
                    ..ReplayEsn::default()
                }));
            }
            Some(ReplayProtection::Window(size)) => {
                sa.replay_window = u8::try_from(size.get()).unwrap_or_default();
            }
            Some(ReplayProtection::Off) | None => {}
        }
        if let Some((source, destination)) = self.ports {
            nlas.push(XfrmAttrs::EncapsulationTemplate(EncapTmpl {
                encap_type: UDP_ENCAP_ESPINUDP,
                encap_sport: source,
                encap_dport: destination,
                encap_oa: Address::default(),
            }));
        }
        Some(Keyed::new(ModifyMessage { user_sa_info: sa, nlas }))
    }

    fn flags(&self) -> u8 {
        let mut flags = 0;
        if self.tunnel && self.df == DfPolicy::Clear {
            flags |= XFRM_STATE_NOPMTUDISC;
        }
        // RFC 4302 3.3.3.2.1: over IPv4 the header is a multiple of 4 octets, which Linux makes 8 unless it is told.
        if self.protection.protocol() == IPPROTO_AH && self.ends.0.is_ipv4() {
            flags |= XFRM_STATE_ALIGN4;
        }
        if self.any_family {
            flags |= XFRM_STATE_AF_UNSPEC;
        }
        flags
    }
}

/// How the kernel knows a state.
pub(super) fn id(message: &UserSaInfo) -> UserSaId {
    UserSaId { daddr: message.id.daddr, spi: message.id.spi, family: message.family, proto: message.id.proto }
}

/// The requests for one direction of a bundle, innermost SA first. `port` says what a port of ours is in truth.
pub(super) fn messages(
    handover: &Handover,
    reqid: u32,
    port: impl Fn(u16) -> u16,
) -> Result<Vec<Keyed>, InstallError> {
    let installation = &handover.installation;
    let (local, remote) = (installation.path.local.ip(), installation.path.remote.ip());
    let outbound = installation.direction == Direction::Outbound;
    let turned = |ours, theirs| if outbound { (ours, theirs) } else { (theirs, ours) };
    let ports = handover.ports().map(|(ours, theirs)| (port(ours), theirs));
    let ports = ports.map(|(ours, theirs)| if outbound { (ours, theirs) } else { (theirs, ours) });
    let inside = packets_of(&handover.selector, outbound)?;
    let mixed = handover.selector.local().start().is_ipv4() != local.is_ipv4();
    let mut messages = Vec::new();
    for (place, sa) in handover.layers()?.into_iter().enumerate() {
        let innermost = place == 0;
        let state = State {
            ends: turned(local, remote),
            spi: sa.spi.0,
            protection: handover.protection(sa)?,
            keys: (sa.encryption_key.expose(), sa.integrity_key.expose()),
            tunnel: innermost && handover.is_tunnel(),
            reqid,
            lifetime: handover.lifetime(),
            selector: innermost.then_some(inside),
            any_family: !innermost && mixed,
            replay: (!outbound).then_some(handover.replay),
            df: handover.df,
            ports,
        };
        let unknown = || InstallError::Elsewhere("the kernel has no name for an algorithm".to_owned());
        messages.push(state.message().ok_or_else(unknown)?);
    }
    Ok(messages)
}

fn packets_of(packets: &Selector, outbound: bool) -> Result<netlink_packet_xfrm::Selector, InstallError> {
    let way = if outbound { Way::Out } else { Way::In };
    match selector::of(packets, way).as_slice() {
        [one] => Ok(*one),
        _ => Err(InstallError::Elsewhere("the kernel has no SA for ranges of addresses or ports".to_owned())),
    }
}
