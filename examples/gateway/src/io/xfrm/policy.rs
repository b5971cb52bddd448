//! Crypto maps as the kernel's policies: the first that matches by priority decides.

use core::net::IpAddr;
use std::collections::BTreeMap;

use ipsec_core::{Protocol as IpProtocol, Selector};
use netlink_packet_xfrm::policy::ModifyMessage;
use netlink_packet_xfrm::{
    IPPROTO_AH, IPPROTO_ESP, UserPolicyInfo, UserTemplate, XFRM_MODE_TRANSPORT, XFRM_MODE_TUNNEL,
    XFRM_POLICY_ALLOW, XFRM_POLICY_FWD, XFRM_POLICY_IN, XFRM_POLICY_OUT, XfrmAttrs,
};
use oakley::{Encapsulation, Protocol};

use super::selector::{self, Way};
use crate::router::{EntryConfig, Handover, Router};

/// The lowest number of ours, for SAs and for priorities: "IP" in ASCII, and room for [`MOST`].
pub(super) const BASE: u32 = 0x4950_0000;
/// Policies of one kind, and flows.
pub(super) const MOST: u32 = 0x1_0000;
/// Parts into which access lists may fall where one denies what a later one permits.
const MOST_PIECES: usize = 4096;

/// Neighbour solicitation and advertisement (RFC 4861 4.3, 4.4).
const NEIGHBOURS: [u16; 2] = [135, 136];

/// Whether a number is one of ours.
pub(super) fn is_ours(number: u32) -> bool {
    (BASE..BASE.saturating_add(MOST)).contains(&number)
}

/// A part of the maps: packets and the flow that protects them; None where they go in clear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) packets: Selector,
    pub(super) flow: Option<u32>,
}

/// The SAs that protect a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    local: IpAddr,
    remote: IpAddr,
    tunnel: bool,
    /// Innermost first.
    protocols: Vec<u8>,
}

impl Shape {
    /// A bundle of these protocols in any order.
    #[cfg(test)]
    pub(super) fn bundle((local, remote): (IpAddr, IpAddr), tunnel: bool, protocols: &[Protocol]) -> Self {
        Self { local, remote, tunnel, protocols: order(protocols.iter().copied()) }
    }

    /// As they are.
    pub(super) fn of(handover: &Handover) -> Self {
        let path = &handover.installation.path;
        let protocols = handover.installation.sas.iter().map(|sa| sa.transform.protocol);
        Self {
            local: path.local.ip(),
            remote: path.remote.ip(),
            tunnel: handover.is_tunnel(),
            protocols: order(protocols),
        }
    }

    /// As the first proposal would make them.
    fn wanted(entry: &EntryConfig, ends: (IpAddr, IpAddr), encapsulation: Encapsulation) -> Self {
        let first = entry.proposals.first();
        let protections = first.into_iter().flat_map(|proposal| &proposal.protections);
        let protocols = protections.filter_map(|choices| choices.first()).map(|choice| choice.protocol);
        let tunnel = matches!(encapsulation, Encapsulation::Tunnel | Encapsulation::UdpTunnel);
        Self { local: ends.0, remote: ends.1, tunnel, protocols: order(protocols) }
    }

    /// Where the peer is.
    pub(super) const fn remote(&self) -> IpAddr {
        self.remote
    }

    fn templates(&self, reqid: u32, way: Way) -> Vec<UserTemplate> {
        let (source, destination) = match way {
            Way::Out => (self.local, self.remote),
            Way::In => (self.remote, self.local),
        };
        let templates = self.protocols.iter().enumerate().map(|(place, protocol)| {
            let mut template = UserTemplate::default();
            template.source(&source);
            template.destination(&destination);
            template.protocol(*protocol);
            // Only the innermost SA makes a tunnel: the others work on the header that it has built (RFC 2401 4.3).
            template.mode(if self.tunnel && place == 0 { XFRM_MODE_TUNNEL } else { XFRM_MODE_TRANSPORT });
            template.reqid(reqid);
            template
        });
        templates.collect()
    }
}

/// RFC 2401 4.3: on the wire AH is always outside ESP.
fn order(protocols: impl Iterator<Item = Protocol>) -> Vec<u8> {
    let number = |protocol| match protocol {
        Protocol::Esp => IPPROTO_ESP,
        Protocol::Ah => IPPROTO_AH,
    };
    let mut protocols: Vec<u8> = protocols.map(number).collect();
    protocols.sort_unstable();
    protocols
}

/// The maps in pieces that are looked through in their order, and the shapes of their flows. None if they are too many.
pub(super) fn pieces(router: &Router) -> Option<(Vec<Piece>, BTreeMap<u32, Shape>)> {
    let (mut pieces, mut shapes) = (Vec::new(), BTreeMap::new());
    let mut numbers = router.flow_numbers();
    for map in router.maps() {
        let mut lists = Vec::new();
        for entry in &map.entries {
            let mut list = Vec::new();
            for line in &entry.lines {
                let flow = line.negotiated.as_ref().and_then(|flow| {
                    let number = numbers.next()?;
                    let remote = *entry.peers.first()?;
                    let ends = (map.local(remote)?, remote);
                    shapes.insert(number, Shape::wanted(entry, ends, entry.encapsulation_of(ends, flow)));
                    Some(number)
                });
                list.push(Piece { packets: line.selector.clone(), flow });
            }
            lists.push(list);
        }
        take_apart(&lists, None, &mut pieces)?;
    }
    Some((pieces, shapes))
}

/// What one list denies goes on to the lists after it; the kernel stops at the first policy that matches. So the parts of
/// the later lists that are within what was denied come first.
fn take_apart(lists: &[Vec<Piece>], within: Option<&Selector>, out: &mut Vec<Piece>) -> Option<()> {
    let Some((list, later)) = lists.split_first() else { return Some(()) };
    for line in list {
        let packets = match within {
            Some(within) => match selector::meet(&line.packets, within) {
                Some(both) => both,
                None => continue,
            },
            None => line.packets.clone(),
        };
        if line.flow.is_none() {
            take_apart(later, Some(&packets), out)?;
        }
        if out.len() >= MOST_PIECES {
            return None;
        }
        out.push(Piece { packets, flow: line.flow });
    }
    take_apart(later, within, out)
}

/// What IKE and the search for neighbours need in clear whatever the maps say (RFC 4301 4.4.1: IKE traffic bypasses).
/// `ports` are ours.
pub(super) fn bypasses(locals: &[IpAddr], ports: &[u16]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for local in locals {
        let any = if local.is_ipv4() { IpAddr::from([0; 4]) } else { IpAddr::from([0; 16]) };
        let host = if local.is_ipv4() { 32 } else { 128 };
        let ends = (Selector::prefix(*local, host), Selector::prefix(any, 0));
        let (Some(here), Some(everywhere)) = ends else { continue };
        let Ok(packets) = Selector::new(here, everywhere) else { continue };
        let ike = packets.clone().with_protocol(IpProtocol::UDP);
        let ike = ports.iter().filter_map(|port| ike.clone().with_ports(*port..=*port, 0..=u16::MAX).ok());
        pieces.extend(ike.map(|packets| Piece { packets, flow: None }));
        if local.is_ipv6() {
            pieces.push(Piece { packets: packets.with_protocol(IpProtocol::ICMPV6), flow: None });
        }
    }
    pieces
}

/// The policies of pieces. None if there are more than there is room for.
pub(super) fn messages(
    bypasses: &[Piece],
    pieces: &[Piece],
    shapes: &BTreeMap<u32, Shape>,
) -> Option<Vec<ModifyMessage>> {
    let mut messages: Vec<ModifyMessage> = Vec::new();
    let all = bypasses.iter().map(|piece| (piece, true)).chain(pieces.iter().map(|piece| (piece, false)));
    let mut priority = BASE;
    for (piece, bypass) in all {
        for (direction, way) in
            [(XFRM_POLICY_OUT, Way::Out), (XFRM_POLICY_IN, Way::In), (XFRM_POLICY_FWD, Way::In)]
        {
            let shape = piece.flow.and_then(|flow| Some((flow, shapes.get(&flow)?)));
            let templates = shape.map(|(flow, shape)| shape.templates(reqid(flow), way));
            for mut selector in selector::of(&piece.packets, way) {
                if bypass && selector.proto == IpProtocol::ICMPV6.0 {
                    for kind in NEIGHBOURS {
                        // The kernel looks for the type of ICMP where other protocols have their source port.
                        (selector.sport, selector.sport_mask) = (kind, u16::MAX);
                        messages.push(message((direction, priority), selector, None));
                    }
                    continue;
                }
                let policy = message((direction, priority), selector, templates.clone());
                // The first of two with the same packets is the one that counts.
                if !messages.iter().any(|other| same_packets(other, &policy)) {
                    messages.push(policy);
                }
            }
        }
        priority = priority.checked_add(1).filter(|priority| is_ours(*priority))?;
    }
    Some(messages)
}

fn message(
    (direction, priority): (u8, u32),
    selector: netlink_packet_xfrm::Selector,
    templates: Option<Vec<UserTemplate>>,
) -> ModifyMessage {
    let policy = UserPolicyInfo {
        selector,
        direction,
        priority,
        action: XFRM_POLICY_ALLOW,
        ..UserPolicyInfo::default()
    };
    ModifyMessage { user_policy_info: policy, nlas: templates.into_iter().map(XfrmAttrs::Template).collect() }
}

/// Whether the kernel takes two policies for one.
pub(super) fn same_packets(one: &ModifyMessage, other: &ModifyMessage) -> bool {
    let (one, other) = (&one.user_policy_info, &other.user_policy_info);
    one.direction == other.direction && one.selector == other.selector
}

/// Whether packets pass by this policy as they are.
pub(super) fn is_clear(policy: &ModifyMessage) -> bool {
    !policy.nlas.iter().any(|attribute| matches!(attribute, XfrmAttrs::Template(all) if !all.is_empty()))
}

/// Whether the same packets pass in clear by both policies, in the same place.
pub(super) fn is_as_clear(one: &ModifyMessage, other: &ModifyMessage) -> bool {
    let (first, second) = (&one.user_policy_info, &other.user_policy_info);
    let is_same = first.priority == second.priority && first.action == second.action;
    is_same && is_clear(one) && is_clear(other) && same_packets(one, other)
}

/// What ties a flow's policies to its SAs.
pub(super) const fn reqid(flow: u32) -> u32 {
    BASE.saturating_add(1).saturating_add(flow % (MOST - 1))
}

/// The flow of such a number.
pub(super) fn flow(reqid: u32) -> Option<u32> {
    is_ours(reqid).then(|| reqid.checked_sub(BASE)?.checked_sub(1)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packets(local: [u8; 4], local_len: u8, remote: [u8; 4], remote_len: u8) -> Selector {
        let prefix = |address: [u8; 4], len| Selector::prefix(address.into(), len).unwrap();
        Selector::new(prefix(local, local_len), prefix(remote, remote_len)).unwrap()
    }

    /// The list that a packet from 10.1.0.`from` to 10.2.0.`to` falls to, by the rule that a denied packet goes on to
    /// the next list, and by the first piece that has it.
    fn both_ways(lists: &[Vec<Piece>], pieces: &[Piece], from: u8, to: u8) -> [Option<u32>; 2] {
        let one = packets([10, 1, 0, from], 32, [10, 2, 0, to], 32);
        let first =
            |list: &[Piece]| list.iter().find(|piece| piece.packets.covers(&one)).map(|piece| piece.flow);
        let by_lists = lists.iter().find_map(|list| first(list).flatten());
        [by_lists, first(pieces).flatten()]
    }

    #[test]
    fn what_a_list_denies_goes_on_to_the_next() {
        let line = |packets, flow| Piece { packets, flow };
        let lists = [
            vec![
                line(packets([10, 1, 0, 1], 32, [10, 2, 0, 0], 24), None),
                line(packets([10, 1, 0, 0], 24, [10, 2, 0, 9], 32), None),
                line(packets([10, 1, 0, 0], 24, [10, 2, 0, 0], 24), Some(0)),
            ],
            vec![
                line(packets([10, 1, 0, 0], 24, [10, 2, 0, 8], 30), Some(1)),
                line(packets([10, 1, 0, 1], 32, [10, 2, 0, 7], 32), None),
                line(packets([10, 1, 0, 0], 31, [10, 2, 0, 4], 30), Some(2)),
            ],
            vec![line(packets([10, 1, 0, 0], 24, [10, 2, 0, 7], 32), Some(3))],
        ];
        let mut pieces = Vec::new();
        take_apart(&lists, None, &mut pieces).unwrap();
        let mut seen = std::collections::BTreeSet::new();
        for (from, to) in (0..4).flat_map(|from| (0..16).map(move |to| (from, to))) {
            let [by_lists, by_pieces] = both_ways(&lists, &pieces, from, to);
            assert_eq!(by_lists, by_pieces, "{from} to {to}");
            seen.insert(by_lists);
        }
        assert_eq!(seen.len(), 5, "every flow and the clear way were met: {seen:?}");
    }

    #[test]
    fn lists_that_fall_into_too_many_parts_are_refused() {
        let all = packets([0; 4], 0, [0; 4], 0);
        let deny = |_| Piece { packets: all.clone(), flow: None };
        let lists: Vec<Vec<Piece>> = (0..12).map(|_| (0..4).map(deny).collect()).collect();
        assert_eq!(take_apart(&lists, None, &mut Vec::new()), None);
    }

    #[test]
    fn numbers_are_told_from_those_of_others() {
        for number in [0, 1, BASE - 1, BASE + MOST, u32::MAX] {
            assert!(!is_ours(number), "{number}");
        }
        assert!(is_ours(BASE) && is_ours(BASE + MOST - 1));
        for number in [0, 1, 77, MOST - 2] {
            assert_eq!(flow(reqid(number)), Some(number));
        }
        assert_eq!(flow(BASE), None);
    }
}
