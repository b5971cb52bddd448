//! Fragments that are put together before anyone looks at them (RFC 4301 7).

use core::time::Duration;

use ipsec_core::{Direction, Flow, IpHeader, Ipv6Header, PacketBuf, Scope};

use super::Router;
use super::routes::InterfaceIndex;

/// Fragments out of tunnels are kept apart from those that came in clear.
const TUNNELS: u64 = 1 << 32;

impl Router {
    /// The packet itself if it is whole or may go on as it is; the whole packet if this was its last fragment. `None` if
    /// there is nothing to go on with.
    pub(super) fn whole(
        &mut self,
        now: Duration,
        from: InterfaceIndex,
        packet: PacketBuf,
    ) -> Option<PacketBuf> {
        let header = IpHeader::parse(packet.octets()).ok()?;
        if !is_fragment(&header, packet.octets()) {
            return Some(packet);
        }
        // ESP and AH need the whole packet (RFC 4303 3.4.1), and so does everything else that this router reads.
        let is_own = self.routing.owner(header.destination()).is_some();
        if !is_own && !self.is_judged_by_ports(from, &packet) {
            return Some(packet);
        }
        self.put_together(now, Scope(from.0.into()), packet)
    }

    /// The same for what came out of a tunnel and is for this router.
    pub(super) fn whole_from_tunnel(
        &mut self,
        now: Duration,
        flow: usize,
        packet: PacketBuf,
    ) -> Option<PacketBuf> {
        let header = IpHeader::parse(packet.octets()).ok()?;
        let is_own = self.routing.owner(header.destination()).is_some();
        if !is_own || !is_fragment(&header, packet.octets()) {
            return Some(packet);
        }
        self.put_together(now, Scope(TUNNELS | flow as u64), packet)
    }

    fn put_together(&mut self, now: Duration, scope: Scope, packet: PacketBuf) -> Option<PacketBuf> {
        match self.reassembly.accept(packet.octets(), scope, now) {
            Ok(whole) => whole,
            Err(reason) => {
                self.drop_packet(now, &packet, reason);
                None
            }
        }
    }

    /// Whether a policy on the packet's way names ports, which fragments need not show: then all fragments wait for
    /// each other, the first among them.
    fn is_judged_by_ports(&self, from: InterfaceIndex, packet: &PacketBuf) -> bool {
        // A fragment header that goes on with another extension header: later fragments do not show their protocol.
        let Ok(flow) = Flow::of(packet.octets()) else { return true };
        if hides_protocol(packet.octets()) {
            return true;
        }
        let to = self.routing.egress(flow.destination);
        let inbound = self.flows.policy(from);
        let outbound = to.and_then(|to| self.flows.policy(to));
        inbound.is_some_and(|policy| policy.needs_ports(&flow, Direction::Inbound))
            || outbound.is_some_and(|policy| policy.needs_ports(&flow, Direction::Outbound))
    }
}

fn is_fragment(header: &IpHeader, packet: &[u8]) -> bool {
    match header {
        IpHeader::V4(v4) => v4.is_fragment(),
        IpHeader::V6(v6) => could_be_fragment(v6, packet),
    }
}

/// A chain that cannot be walked is no fragment; whoever walks it next will say so.
fn could_be_fragment(v6: &Ipv6Header, packet: &[u8]) -> bool {
    v6.next_header.is_extension() && ipsec_core::Chain::walk(v6, packet).is_ok_and(|chain| chain.is_fragment)
}

fn hides_protocol(packet: &[u8]) -> bool {
    let Ok(IpHeader::V6(v6)) = IpHeader::parse(packet) else { return false };
    let fragment = ipsec_core::Chain::walk(&v6, packet).ok().and_then(|chain| chain.fragment);
    let next = fragment.and_then(|(at, _)| packet.get(at));
    next.is_some_and(|next| ipsec_core::Protocol(*next).is_extension())
}
