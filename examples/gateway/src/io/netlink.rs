//! Addresses and routes of the machine, by rtnetlink.

use core::net::IpAddr;
use std::io;

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_REPLACE, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_route::address::{AddressAttribute, AddressMessage};
use netlink_packet_route::link::{LinkAttribute, LinkMessage};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteScope, RouteType,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use netlink_sys::protocols::NETLINK_ROUTE;
use netlink_sys::{Socket, SocketAddr};

/// Octets of the longest answer to a dump in one piece.
const ANSWER: usize = 65_536;

/// One conversation with the kernel.
pub(super) struct Netlink(Socket);

impl Netlink {
    pub(super) fn open() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        socket.bind_auto()?;
        socket.connect(&SocketAddr::new(0, 0))?;
        Ok(Self(socket))
    }

    /// Number and name of the interface that has an address.
    pub(super) fn interface_of(&self, address: IpAddr) -> io::Result<Option<(u32, String)>> {
        let addresses =
            self.ask(RouteNetlinkMessage::GetAddress(AddressMessage::default()), NLM_F_REQUEST | NLM_F_DUMP)?;
        let has = |message: &AddressMessage| {
            message.attributes.iter().any(|attribute| match attribute {
                AddressAttribute::Local(local) => *local == address,
                // IPv6 has no address that is local and another that is not.
                AddressAttribute::Address(local) => address.is_ipv6() && *local == address,
                _ => false,
            })
        };
        let found = addresses.iter().find_map(|message| match message {
            RouteNetlinkMessage::NewAddress(message) if has(message) => Some(message.header.index),
            _ => None,
        });
        let Some(index) = found else { return Ok(None) };
        Ok(self.name_of(index)?.map(|name| (index, name)))
    }

    fn name_of(&self, index: u32) -> io::Result<Option<String>> {
        let links =
            self.ask(RouteNetlinkMessage::GetLink(LinkMessage::default()), NLM_F_REQUEST | NLM_F_DUMP)?;
        Ok(links.into_iter().find_map(|message| match message {
            RouteNetlinkMessage::NewLink(link) if link.header.index == index => {
                link.attributes.into_iter().find_map(|attribute| match attribute {
                    LinkAttribute::IfName(name) => Some(name),
                    _ => None,
                })
            }
            _ => None,
        }))
    }

    /// Sends `destination/prefix` into an interface, with `source` as the sender of what the host itself sends there.
    pub(super) fn add_route(
        &self,
        (destination, prefix): (IpAddr, u8),
        interface: u32,
        source: Option<IpAddr>,
    ) -> io::Result<()> {
        let mut route = RouteMessage::default();
        route.header = RouteHeader {
            address_family: if destination.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 },
            destination_prefix_length: prefix,
            table: RouteHeader::RT_TABLE_MAIN,
            protocol: RouteProtocol::Static,
            scope: RouteScope::Link,
            kind: RouteType::Unicast,
            ..RouteHeader::default()
        };
        let address = |address| match address {
            IpAddr::V4(address) => RouteAddress::Inet(address),
            IpAddr::V6(address) => RouteAddress::Inet6(address),
        };
        route.attributes.push(RouteAttribute::Destination(address(destination)));
        route.attributes.push(RouteAttribute::Oif(interface));
        route.attributes.extend(source.map(|source| RouteAttribute::PrefSource(address(source))));
        let flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE;
        self.ask(RouteNetlinkMessage::NewRoute(route), flags).map(|_| ())
    }

    /// Takes a route back.
    pub(super) fn remove_route(&self, (destination, prefix): (IpAddr, u8), interface: u32) -> io::Result<()> {
        let mut route = RouteMessage::default();
        route.header = RouteHeader {
            address_family: if destination.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 },
            destination_prefix_length: prefix,
            table: RouteHeader::RT_TABLE_MAIN,
            scope: RouteScope::NoWhere,
            ..RouteHeader::default()
        };
        let destination = match destination {
            IpAddr::V4(address) => RouteAddress::Inet(address),
            IpAddr::V6(address) => RouteAddress::Inet6(address),
        };
        route.attributes.push(RouteAttribute::Destination(destination));
        route.attributes.push(RouteAttribute::Oif(interface));
        self.ask(RouteNetlinkMessage::DelRoute(route), NLM_F_REQUEST | NLM_F_ACK).map(|_| ())
    }

    /// One request and all of its answers.
    fn ask(&self, payload: RouteNetlinkMessage, flags: u16) -> io::Result<Vec<RouteNetlinkMessage>> {
        let mut request = NetlinkMessage::from(payload);
        request.header.flags = flags;
        request.finalize();
        let mut octets = vec![0; request.buffer_len()];
        request.serialize(&mut octets);
        self.0.send(&octets, 0)?;
        let mut answers = Vec::new();
        loop {
            let (received, _) = self.0.recv_from_full()?;
            let mut rest = received.as_slice();
            while !rest.is_empty() {
                let message =
                    NetlinkMessage::<RouteNetlinkMessage>::deserialize(rest).map_err(io::Error::other)?;
                let len = usize::try_from(message.header.length).unwrap_or(ANSWER).next_multiple_of(4);
                match message.payload {
                    NetlinkPayload::Done(_) => return Ok(answers),
                    NetlinkPayload::Error(error) => {
                        return match error.code {
                            None => Ok(answers),
                            Some(_) => Err(error.to_io()),
                        };
                    }
                    NetlinkPayload::InnerMessage(inner) => answers.push(inner),
                    _ => {}
                }
                rest = rest.get(len..).unwrap_or_default();
            }
        }
    }
}
