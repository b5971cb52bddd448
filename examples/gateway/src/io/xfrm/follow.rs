//! Peers behind a translator that turn up elsewhere (RFC 3947 7): the kernel says so, of authentic packets only.

use core::net::{IpAddr, SocketAddr};

use netlink_packet_core::{NLM_F_ACK, NLM_F_REPLACE, NLM_F_REQUEST};
use netlink_packet_xfrm::monitor::MappingMessage;
use netlink_packet_xfrm::{AF_INET, EncapTmpl, XfrmAttrs, XfrmMessage};
use oakley::{BundleId, Direction, Path};

use super::Kernel;

impl Kernel {
    /// The bundle of a message about a peer's new place, and the place.
    pub(super) fn moved(&self, message: &MappingMessage) -> Option<(BundleId, SocketAddr)> {
        let map = &message.map;
        let address = if map.id.family == AF_INET {
            IpAddr::from(map.new_saddr.to_ipv4())
        } else {
            IpAddr::from(map.new_saddr.to_ipv6())
        };
        Some((self.bundle_of(&map.id)?, SocketAddr::new(address, map.new_sport)))
    }

    /// Gives the SAs of a bundle the peer's new port; false where they cannot follow: the address is part of what the kernel
    /// knows them by.
    pub(super) fn follow(&self, bundle: BundleId, path: Path) -> bool {
        let Some(known) = self.bundles.get(&bundle) else { return false };
        if known.shape.remote() != path.remote.ip() {
            return false;
        }
        let (ours, theirs) = (self.own_port(path.local.port()), path.remote.port());
        known.states.iter().all(|(direction, id)| {
            let Some(mut state) = self.state(*id) else { return false };
            let (encap_sport, encap_dport) = match direction {
                Direction::Outbound => (ours, theirs),
                Direction::Inbound => (theirs, ours),
            };
            for attribute in &mut state.nlas {
                if let XfrmAttrs::EncapsulationTemplate(template) = attribute {
                    *template = EncapTmpl { encap_sport, encap_dport, ..*template };
                }
            }
            // Its keys go back to where they came from: the kernel asks for the whole of a state.
            let flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_REPLACE;
            self.requests.ask(XfrmMessage::UpdateSa(state.into_message()), flags).is_ok()
        })
    }
}
