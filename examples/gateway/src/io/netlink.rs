//! Netlink: requests and answers of any protocol, and by rtnetlink addresses of the machine.

use core::fmt;
use core::net::IpAddr;
use std::io;

use netlink_packet_core::{
    NLM_F_DUMP, NLM_F_REQUEST, NetlinkDeserializable, NetlinkMessage, NetlinkPayload, NetlinkSerializable,
    NlasIterator,
};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::address::{AddressAttribute, AddressMessage};
use netlink_packet_route::route::RouteProtocol;
use netlink_sys::protocols::NETLINK_ROUTE;
use netlink_sys::{Socket, SocketAddr};
use zeroize::{Zeroize as _, Zeroizing};

/// Octets of the longest answer to a dump in one piece.
const ANSWER: usize = 65_536;
/// Octets of a netlink header.
const REQUEST_HEADER: usize = 16;
/// NLMSGERR_ATTR_MSG: what the kernel says in words.
const MESSAGE: u16 = 1;
/// Who made a route or a rule, for those that outlive us when we are killed: a number that no routing program of Linux's list has.
pub(super) const OURS: RouteProtocol = RouteProtocol::Other(149);

/// One conversation with the kernel.
pub(super) struct Netlink(Conversation);

impl Netlink {
    pub(super) fn open() -> io::Result<Self> {
        Conversation::open(NETLINK_ROUTE).map(Self)
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

    pub(super) fn ask(
        &self,
        payload: RouteNetlinkMessage,
        flags: u16,
    ) -> io::Result<Vec<RouteNetlinkMessage>> {
        self.0.ask(payload, flags).map_err(|refusal| refusal.error)
    }
}

/// Messages that may have keys in them.
pub(super) trait Forget {
    /// Overwrites the keys.
    fn forget(&mut self);
}

impl Forget for RouteNetlinkMessage {
    fn forget(&mut self) {}
}

/// What has been answered so far, which nobody gets if there is an error among it.
struct Answers<T: Forget>(Vec<T>);

impl<T: Forget> Drop for Answers<T> {
    fn drop(&mut self) {
        self.0.iter_mut().for_each(T::forget);
    }
}

/// Requests and answers of one netlink protocol.
pub(super) struct Conversation(Socket);

/// What the kernel does not do.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) error: io::Error,
    /// Its own words, where it has some.
    pub(super) said: Option<String>,
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self { error, said: None }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.said {
            Some(said) => write!(f, "{said} ({})", self.error),
            None => write!(f, "{}", self.error),
        }
    }
}

impl Conversation {
    pub(super) fn open(protocol: isize) -> io::Result<Self> {
        let mut socket = Socket::new(protocol)?;
        socket.bind_auto()?;
        socket.connect(&SocketAddr::new(0, 0))?;
        // Kernels that have no words for errors do without.
        let _ = socket.set_ext_ack(true);
        let _ = socket.set_cap_ack(true);
        Ok(Self(socket))
    }

    /// One request and all of its answers. Of keys in the request nothing stays behind here, and of those in answers nothing but
    /// in what is returned.
    pub(super) fn ask<T>(&self, payload: T, flags: u16) -> Result<Vec<T>, Refusal>
    where
        T: NetlinkSerializable + NetlinkDeserializable + Forget,
        NetlinkPayload<T>: From<T>,
    {
        let mut request = NetlinkMessage::from(payload);
        request.header.flags = flags;
        request.finalize();
        let mut octets = Zeroizing::new(vec![0; request.buffer_len()]);
        request.serialize(&mut octets);
        if let NetlinkPayload::InnerMessage(payload) = &mut request.payload {
            payload.forget();
        }
        self.0.send(&octets, 0)?;
        drop(octets);
        let mut answers = Answers(Vec::new());
        loop {
            let (received, _) = self.0.recv_from_full()?;
            let received = Zeroizing::new(received);
            let mut rest = received.as_slice();
            while !rest.is_empty() {
                let message = NetlinkMessage::<T>::deserialize(rest).map_err(io::Error::other)?;
                let len = usize::try_from(message.header.length).unwrap_or(ANSWER).next_multiple_of(4);
                match message.payload {
                    NetlinkPayload::Done(_) => return Ok(core::mem::take(&mut answers.0)),
                    NetlinkPayload::Error(mut error) => {
                        let (said, code) = (words(&error.header), error.code);
                        // A kernel that does not cap its answers repeats the whole request.
                        error.header.zeroize();
                        return match code {
                            None => Ok(core::mem::take(&mut answers.0)),
                            Some(_) => Err(Refusal { said, error: error.to_io() }),
                        };
                    }
                    NetlinkPayload::InnerMessage(inner) => answers.0.push(inner),
                    _ => {}
                }
                rest = rest.get(len..).unwrap_or_default();
            }
        }
    }
}

/// What an error says beyond its number: behind the header of the request that it answers, as an attribute.
fn words(behind_code: &[u8]) -> Option<String> {
    let attributes = NlasIterator::new(behind_code.get(REQUEST_HEADER..)?);
    let text = attributes.flatten().find(|attribute| attribute.kind() == MESSAGE)?;
    let text = String::from_utf8_lossy(text.value());
    Some(text.trim_end_matches('\0').to_owned())
}

#[cfg(test)]
mod tests {
    use core::cell::Cell;

    use netlink_packet_core::{NLM_F_ACK, NetlinkHeader};

    use super::*;

    std::thread_local! {
        static KEPT: Cell<usize> = const { Cell::new(0) };
    }

    /// A message that counts how many of its kind still have keys.
    struct Keyed;

    impl Keyed {
        fn new() -> Self {
            KEPT.set(KEPT.get() + 1);
            Self
        }
    }

    impl Forget for Keyed {
        fn forget(&mut self) {
            KEPT.set(KEPT.get() - 1);
        }
    }

    impl NetlinkSerializable for Keyed {
        fn message_type(&self) -> u16 {
            u16::MAX
        }

        fn buffer_len(&self) -> usize {
            4
        }

        fn serialize(&self, buffer: &mut [u8]) {
            buffer.fill(0);
        }
    }

    impl NetlinkDeserializable for Keyed {
        type Error = io::Error;

        fn deserialize(_: &NetlinkHeader, _: &[u8]) -> Result<Self, io::Error> {
            Ok(Self::new())
        }
    }

    impl From<Keyed> for NetlinkPayload<Keyed> {
        fn from(message: Keyed) -> Self {
            Self::InnerMessage(message)
        }
    }

    #[test]
    fn a_request_is_forgotten_when_it_is_refused() {
        let kernel = Conversation::open(NETLINK_ROUTE).unwrap();
        let refused = kernel.ask(Keyed::new(), NLM_F_REQUEST | NLM_F_ACK);
        assert!(
            refused.is_err_and(|refusal| refusal.error.raw_os_error().is_some()),
            "there is no such request"
        );
        assert_eq!(KEPT.get(), 0);
    }

    #[test]
    fn answers_that_nobody_gets_are_forgotten() {
        drop(Answers(vec![Keyed::new(), Keyed::new()]));
        assert_eq!(KEPT.get(), 0);
    }
}
