//! Work and memory are bounded.

use isakmp_wire::limits::*;
use isakmp_wire::payload::ConfigAttributes;
use isakmp_wire::{Message, ParseError, Reason};

use crate::common::{self, clear, payload};
use crate::offer::{proposal, read_sa, transform};

#[test]
fn t002_memory_is_bounded_by_the_datagram() {
    // The most that 64 KiB can be made to take: many small things at every level, up to the caps. What growing lists
    // ask for on the way counts too.
    for (name, octets) in common::largest() {
        let (message, used) = test_alloc::measure(|| Message::parse(octets.clone()));
        assert!(message.is_ok(), "{name}: {:?}", message.err());
        assert!(used.octets < 24 * octets.len() as u64, "{name}: {used:?} for {}", octets.len());
    }
}

#[test]
fn t010_caps_hold_at_their_bounds() {
    fn chain(count: usize, one: impl Fn(bool, usize) -> Vec<u8>) -> Vec<u8> {
        (0..count).flat_map(|at| one(at + 1 == count, at)).collect()
    }
    let transforms = |count| chain(count, |last, _| transform(if last { 0 } else { 3 }, &[]));
    let check = |limit: usize, read: &dyn Fn(usize) -> Result<(), ParseError>| {
        assert_eq!(read(limit - 1), Ok(()));
        assert_eq!(read(limit), Ok(()));
        assert_eq!(read(limit + 1).unwrap_err().reason(), &Reason::LimitExceeded { limit });
    };
    check(MAX_PROPOSALS, &|count| {
        let one = |last, at: usize| proposal(if last { 0 } else { 2 }, at as u8, &[], 1, &transforms(1));
        read_sa(&chain(count, one)).map(drop)
    });
    check(MAX_TRANSFORMS, &|count| {
        let proposals =
            [proposal(2, 1, &[], 255, &transforms(255)), proposal(2, 2, &[], 255, &transforms(255))].concat();
        let rest = count - 510;
        read_sa(&[proposals, proposal(0, 3, &[], rest as u8, &transforms(rest))].concat()).map(drop)
    });
    check(MAX_ATTRIBUTES, &|count| {
        read_sa(&proposal(0, 1, &[], 1, &transform(0, &[0x80, 1, 0, 1].repeat(count)))).map(drop)
    });
    check(MAX_CONFIG_ATTRIBUTES, &|count| {
        let body = [&[1, 0, 0, 0][..], &[0, 1, 0, 0].repeat(count)].concat();
        Message::parse(clear(14, &payload(0, &body)))
            .map(|message| drop(message.get::<ConfigAttributes>().unwrap().clone()))
    });
    check(MAX_DELETED_SPIS, &|count| {
        let head = [&[0, 0, 0, 1, 3, 4][..], &(count as u16).to_be_bytes()].concat();
        Message::parse(clear(12, &payload(0, &[head, vec![9; 4 * count]].concat()))).map(drop)
    });
    check(MAX_PAYLOADS, &|count| {
        Message::parse(clear(13, &chain(count, |last, _| payload(if last { 0 } else { 13 }, b"v")))).map(drop)
    });
    check(MAX_MESSAGE_OCTETS, &|count| {
        let vendor = payload(13, &[0; 40_000]);
        let rest = payload(0, &vec![0; count - 28 - vendor.len() - 4]);
        Message::parse(clear(13, &[vendor, rest].concat())).map(drop)
    });
}

/// What is asked of the allocator stands for the work here: it must grow as the octets do.
#[test]
fn t010_twice_the_offer_is_twice_the_work() {
    let offer = |count: usize| {
        let attributes = [0x80, 1, 0, 1].repeat(20);
        let transforms = |last: bool| transform(if last { 0 } else { 3 }, &attributes);
        let all: Vec<u8> = (0..count).flat_map(|at| transforms(at + 1 == count)).collect();
        clear(1, &crate::offer::sa(&proposal(0, 1, &[], count as u8, &all)))
    };
    let [small, large] = [100, 200].map(offer);
    let used = |octets: &bytes::Bytes| {
        let (message, used) = test_alloc::measure(|| Message::parse(octets.clone()));
        assert!(message.is_ok());
        used
    };
    let (one, two) = (used(&small), used(&large));
    assert!(two.allocations * 10 < one.allocations * 22, "{one:?}, {two:?}");
    assert!(two.octets * 10 < one.octets * 22, "{one:?}, {two:?}");
}
