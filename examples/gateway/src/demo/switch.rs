//! What several neighbours on one port of a router are plugged into.

use core::net::IpAddr;
use std::collections::VecDeque;

use ipsec_core::IpHeader;
use netsim::Port;

/// Port 0 is the router's; the neighbours' begin at 1. It knows who is where from the start.
#[derive(Debug)]
pub(super) struct Switch {
    neighbours: Vec<IpAddr>,
    outbox: VecDeque<(Port, Vec<u8>)>,
}

impl Switch {
    pub(super) const fn new(neighbours: Vec<IpAddr>) -> Self {
        Self { neighbours, outbox: VecDeque::new() }
    }

    /// To the neighbour it is for. Anything else goes to the router, or if that sent it, to every neighbour: nothing is
    /// kept from whoever watches the wire.
    pub(super) fn handle_packet(&mut self, from: Port, packet: &[u8]) {
        let destination = IpHeader::parse(packet).ok().map(|header| header.destination());
        let ports = (1..=u16::MAX).zip(&self.neighbours).map(|(port, address)| (Port(port), *address));
        let known = ports.clone().find(|(_, address)| Some(*address) == destination);
        match known {
            Some((port, _)) => self.outbox.push_back((port, packet.to_vec())),
            None if from == Port(0) => self.outbox.extend(ports.map(|(port, _)| (port, packet.to_vec()))),
            None => self.outbox.push_back((Port(0), packet.to_vec())),
        }
    }

    pub(super) fn poll_transmit(&mut self) -> Option<(Port, Vec<u8>)> {
        self.outbox.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use core::net::Ipv4Addr;

    use ipsec_core::Protocol;

    use super::*;
    use crate::router::datagram;

    #[test]
    fn a_known_address_has_one_port_and_an_unknown_one_all() {
        let near = |last| Ipv4Addr::new(192, 0, 2, last);
        let mut switch = Switch::new(vec![near(1).into(), near(2).into()]);
        let mut ports = |from, to| {
            switch.handle_packet(
                Port(from),
                &datagram::ipv4(near(9), to, (Protocol::ESP, 1), &[0; 8]).unwrap(),
            );
            core::iter::from_fn(|| switch.poll_transmit()).map(|(port, _)| port.0).collect::<Vec<_>>()
        };
        assert_eq!(ports(0, near(2)), [2]);
        assert_eq!(ports(2, near(1)), [1]);
        assert_eq!(ports(2, near(9)), [0]);
        assert_eq!(ports(0, near(7)), [1, 2]);
    }
}
