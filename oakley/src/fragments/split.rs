//! A message of ours in parts.

use alloc::vec::Vec;

use bytes::Bytes;
use isakmp_wire::payload::Fragment;
use isakmp_wire::{Flags, Header, Message, Payload};

use crate::fragments::MAX_FRAGMENTS;

/// The headers around the data of a part: of the message, of the payload, and of the fragment.
const OVERHEAD: usize = Header::LEN + 4 + 4;

/// The datagrams in which `message` leaves, none longer than `size`; `None` if it is not longer itself.
///
/// The same message leaves in the same parts whenever it is sent: a peer that has some of them needs only the others.
pub(crate) fn split(message: &Bytes, size: usize) -> Option<Vec<Bytes>> {
    if message.len() <= size {
        return None;
    }
    // A part is in clear itself, whatever the message is. Next payload and length are set by `Message::new`.
    let header = Header { flags: Flags::NONE, ..Header::parse(message).ok()? };
    // A message of more parts than are taken leaves in longer ones.
    let least = message.len().div_ceil(usize::from(MAX_FRAGMENTS));
    let chunks = message.chunks(size.saturating_sub(OVERHEAD).max(least).max(1));
    let (id, count) = (id(message), chunks.len());
    let parts = chunks.zip(1..=MAX_FRAGMENTS).map(|(data, number)| {
        let flags = if usize::from(number) == count { Fragment::LAST } else { 0 };
        let part = Fragment { id, number, flags, data: message.slice_ref(data) };
        Message::new(header, Vec::from([Payload::new(part)])).encode()
    });
    Some(parts.collect())
}

/// A number that tells this message from those before and after it, and is never 0: made from its octets (FNV-1a), so
/// that repetitions have it too. It protects nothing.
fn id(message: &[u8]) -> u16 {
    let mix = |hash: u32, octet: &u8| (hash ^ u32::from(*octet)).wrapping_mul(0x0100_0193);
    let [a, b, c, d] = message.iter().fold(0x811c_9dc5, mix).to_be_bytes();
    u16::from_be_bytes([a ^ c, b ^ d]).max(1)
}

#[cfg(test)]
mod tests {
    use isakmp_wire::payload::Nonce;
    use isakmp_wire::{Cookie, ExchangeType, MessageId};
    use proptest::prelude::*;

    use super::*;
    use crate::event::Cookies;
    use crate::phase1::facts;

    fn message(len: usize) -> Bytes {
        let cookies = Cookies { initiator: Cookie([1; 8]), responder: Cookie([2; 8]) };
        let header = facts::header(cookies, ExchangeType::QUICK, MessageId(7));
        let octets = |index: u8| Bytes::from(std::vec![index; len.min(2000)]);
        let nonces =
            (0..u8::MAX).take(len.div_ceil(2000)).map(|index| Payload::new(Nonce { octets: octets(index) }));
        Message::new(header, nonces.collect()).encode()
    }

    proptest! {
        #[test]
        fn parts_are_short_and_make_the_message(len in 1_usize..60_000, size in 0_usize..2000) {
            let message = message(len);
            let Some(parts) = split(&message, size) else {
                prop_assert!(message.len() <= size);
                return Ok(());
            };
            prop_assert!((1..=usize::from(MAX_FRAGMENTS)).contains(&parts.len()));
            let longest = size.max(OVERHEAD + message.len().div_ceil(usize::from(MAX_FRAGMENTS)));
            let mut whole = Vec::new();
            for (index, part) in parts.iter().enumerate() {
                prop_assert!(part.len() <= longest);
                let read = Message::parse(part.clone()).unwrap();
                prop_assert_eq!((read.header().exchange, read.header().message_id), (ExchangeType::QUICK, MessageId(7)));
                let fragment = read.get::<Fragment>().unwrap();
                prop_assert_eq!(usize::from(fragment.number), index + 1);
                prop_assert_eq!(fragment.is_last(), index + 1 == parts.len());
                whole.extend_from_slice(&fragment.data);
            }
            prop_assert_eq!(whole, message.clone());
            prop_assert_eq!(split(&message, size), Some(parts));
        }
    }
}
