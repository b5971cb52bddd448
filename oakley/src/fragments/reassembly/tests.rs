//! What is put together, and what is not.

use std::vec;

use isakmp_wire::Cookie;
use proptest::prelude::*;

use super::*;

const LIFE: Duration = Duration::from_secs(30);

fn key(source: u32, id: u16) -> Key {
    let cookies = Cookies { initiator: Cookie([1; 8]), responder: Cookie([2; 8]) };
    let source = IpAddr::from(source.to_be_bytes());
    Key { source, cookies, message_id: MessageId::ZERO, fragment_id: id }
}

fn part(number: u8, last: bool, data: &[u8]) -> Fragment {
    Fragment { id: 1, number, flags: u8::from(last), data: Bytes::copy_from_slice(data) }
}

/// A message of as many parts as there are texts.
fn parts(texts: &[&str]) -> Vec<Fragment> {
    let numbered = texts.iter().zip(1..);
    numbered.map(|(text, number)| part(number, usize::from(number) == texts.len(), text.as_bytes())).collect()
}

/// All parts of one message kept by one peer.
#[derive(Default)]
struct Peer {
    reassembly: Reassembly,
}

impl Peer {
    fn add(&mut self, part: &Fragment) -> Result<Option<Vec<u8>>, FragmentFault> {
        self.add_as((key(1, 1), Standing::Known), part)
    }

    fn add_as(&mut self, from: (Key, Standing), part: &Fragment) -> Result<Option<Vec<u8>>, FragmentFault> {
        let whole = self.reassembly.add(from, part, Duration::ZERO, &Config::default())?;
        Ok(whole.map(|whole| whole.octets.to_vec()))
    }

    fn held(&self) -> usize {
        self.reassembly.sets.values().map(|set| set.parts.values().map(Bytes::len).sum::<usize>()).sum()
    }
}

#[test]
fn a_message_is_complete_with_its_last_missing_part_and_only_then() {
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let (mut peer, parts) = (Peer::default(), parts(&["ab", "cd", "e"]));
        for (at, index) in order.into_iter().enumerate() {
            let whole = (at == 2).then(|| b"abcde".to_vec());
            assert_eq!(peer.add(&parts[index]), Ok(whole), "{order:?}");
        }
    }
}

#[test]
fn repetitions_make_the_message_again_and_stragglers_do_not() {
    let (mut peer, parts) = (Peer::default(), parts(&["ab", "cd", "e"]));
    for index in [0, 0, 1, 1, 0] {
        assert_eq!(peer.add(&parts[index]), Ok(None));
    }
    assert_eq!(peer.add(&parts[2]), Ok(Some(b"abcde".to_vec())));
    // The network repeats one part, then the peer all of them.
    for index in [2, 2, 0, 2] {
        assert_eq!(peer.add(&parts[index]), Ok(None));
    }
    assert_eq!(peer.add(&parts[1]), Ok(Some(b"abcde".to_vec())));
    assert_eq!(peer.reassembly.lost, 0);
}

/// strongSwan calls all its fragments 1.
#[test]
fn the_next_message_may_have_the_same_id() {
    let mut peer = Peer::default();
    for (texts, order) in [
        (&["ab", "cd", "e"][..], &[0, 1, 2, 2][..]),
        (&["fg", "h"], &[1, 0, 0]),
        (&["ij", "kl", "mn", "o"], &[3, 1, 2, 0]),
        (&["p"], &[0, 0]),
    ] {
        let parts = parts(texts);
        let wholes: Vec<Vec<u8>> =
            order.iter().filter_map(|index| peer.add(&parts[*index]).unwrap()).collect();
        assert!(!wholes.is_empty() && wholes.iter().all(|whole| *whole == texts.concat().into_bytes()));
    }
    assert_eq!(peer.reassembly.lost, 0);
}

#[test]
fn t110_parts_that_cannot_be_are_refused_and_the_set_goes() {
    let long = vec![0; 65_000];
    for (before, wrong, fault) in [
        (vec![], part(0, false, b"x"), FragmentFault::Number(0)),
        (vec![], part(129, false, b"x"), FragmentFault::Number(129)),
        (vec![], part(255, true, b"x"), FragmentFault::Number(255)),
        (vec![], part(1, false, b""), FragmentFault::Empty),
        (vec![], part(1, true, b""), FragmentFault::Empty),
        (vec![part(1, false, b"x")], part(1, false, b"y"), FragmentFault::Overlap(1)),
        (vec![part(2, false, b"x")], part(2, true, b"x"), FragmentFault::Overlap(2)),
        (vec![part(2, true, b"x")], part(2, false, b"x"), FragmentFault::Overlap(2)),
        (vec![part(3, true, b"x")], part(2, true, b"x"), FragmentFault::TwoLast(2)),
        (vec![part(3, true, b"x")], part(4, true, b"x"), FragmentFault::TwoLast(4)),
        (vec![part(3, true, b"x")], part(4, false, b"x"), FragmentFault::BeyondLast(4)),
        (vec![part(4, false, b"x")], part(3, true, b"x"), FragmentFault::BeyondLast(4)),
        (vec![part(1, false, &long)], part(2, false, &long[..536]), FragmentFault::TooLong),
    ] {
        let mut peer = Peer::default();
        for part in &before {
            assert_eq!(peer.add(part), Ok(None));
        }
        assert_eq!(peer.add(&wrong), Err(fault), "{wrong:?}");
        assert_eq!((peer.held(), peer.reassembly.lost), (0, before.len() as u64), "{wrong:?}");
    }
    let mut peer = Peer::default();
    peer.add(&part(1, false, &long)).unwrap();
    assert_eq!(peer.add(&part(2, true, &long[..535])).unwrap().unwrap().len(), 65_535);
}

/// A forged part before or after the true one: the message is there after one repetition at most.
#[test]
fn t112_a_forged_part_spoils_one_set() {
    let true_parts = parts(&["ab", "cd", "ef", "g"]);
    for (number, last) in (1..=6).flat_map(|number| [(number, false), (number, true)]) {
        for at in 0..=true_parts.len() {
            let mut peer = Peer::default();
            let mut wholes = Vec::new();
            for (index, true_part) in true_parts.iter().enumerate() {
                if index == at {
                    let _ = peer.add(&part(number, last, b"forged"));
                }
                wholes.extend(peer.add(true_part).ok().flatten());
            }
            if at == true_parts.len() {
                let _ = peer.add(&part(number, last, b"forged"));
            }
            for true_part in &true_parts {
                wholes.extend(peer.add(true_part).ok().flatten());
            }
            assert!(wholes.contains(&b"abcdefg".to_vec()), "number {number}, last {last}, at {at}");
        }
    }
}

#[test]
fn t111_everyone_has_room_and_nobody_takes_that_of_others() {
    let config = Config::default();
    let mut peer = Peer::default();
    let two = parts(&["ab", "cd"]);
    let mine = (key(7, 1), Standing::Known);
    peer.add_as(mine, &two[0]).unwrap();
    let mut full = 0;
    for index in 0..10_000_u32 {
        for standing in [Standing::Stranger, Standing::Returned, Standing::Known] {
            // Strangers use the peer's address too.
            let source = if standing == Standing::Stranger { 7 } else { 1000 + index };
            let first = part(1, false, &[0; 1000]);
            match peer.add_as((key(source, (index % 60_000) as u16 + 2), standing), &first) {
                Ok(None) => {}
                other => {
                    assert_eq!(other, Err(FragmentFault::Full));
                    full += 1;
                }
            }
        }
    }
    assert!(full > 19_000);
    let sets = config.max_fragmented_per_source + 2 * config.max_fragmented;
    assert_eq!(peer.reassembly.incomplete(), sets);
    assert!(peer.held() <= sets * 1000);
    assert_eq!(peer.add_as(mine, &two[1]), Ok(Some(b"abcd".to_vec())));
    // What is complete goes for whoever comes next.
    assert_eq!(peer.add_as((key(8, 1), Standing::Known), &two[0]), Ok(None));
    assert_eq!(peer.add_as((key(9, 1), Standing::Known), &two[0]), Err(FragmentFault::Full));
}

#[test]
fn a_source_makes_room_for_itself() {
    let mut peer = Peer::default();
    let two = parts(&["ab", "cd"]);
    for id in 1..=5 {
        assert_eq!(peer.add_as((key(1, id), Standing::Returned), &two[0]), Ok(None));
    }
    assert_eq!((peer.reassembly.incomplete(), peer.reassembly.lost), (4, 1));
    assert_eq!(peer.add_as((key(1, 5), Standing::Returned), &two[1]), Ok(Some(b"abcd".to_vec())));
    // The oldest is gone. Its last part begins a set, for which the complete one makes room.
    assert_eq!(peer.add_as((key(1, 1), Standing::Returned), &two[1]), Ok(None));
    assert_eq!((peer.reassembly.incomplete(), peer.reassembly.lost), (4, 1));
}

#[test]
fn parts_wait_for_a_while_and_no_longer() {
    let (config, two) = (Config::default(), parts(&["ab", "cd"]));
    let mut reassembly = Reassembly::default();
    let from = (key(1, 1), Standing::Known);
    reassembly.add(from, &two[0], Duration::from_secs(1), &config).unwrap();
    // A repetition does not make it live longer.
    reassembly.add(from, &two[0], Duration::from_secs(20), &config).unwrap();
    let end = Duration::from_secs(1) + LIFE;
    assert_eq!(reassembly.next(), Some(end));
    reassembly.expire(end - Duration::from_nanos(1));
    assert_eq!(reassembly.incomplete(), 1);
    reassembly.expire(end);
    assert_eq!((reassembly.incomplete(), reassembly.lost, reassembly.next()), (0, 1, None));
    assert_eq!(reassembly.add(from, &two[1], end, &config), Ok(None));
}

proptest! {
    /// Whatever the order and however often: each message comes out whole, and nothing else does.
    #[test]
    fn what_was_cut_is_whole_again(
        len in 201_usize..20_000,
        size in 200_usize..2000,
        picks in prop::collection::vec(any::<prop::sample::Index>(), 0..60),
        fill in any::<u8>(),
    ) {
        use isakmp_wire::payload::Nonce;
        use isakmp_wire::{ExchangeType, Message, Payload};
        let cookies = Cookies { initiator: Cookie([1; 8]), responder: Cookie([2; 8]) };
        let header = crate::phase1::facts::header(cookies, ExchangeType::QUICK, MessageId(7));
        let octets = (0..=u8::MAX).cycle().map(|octet| octet ^ fill).take(len).collect::<Vec<_>>().into();
        let message = Message::new(header, vec![Payload::new(Nonce { octets })]).encode();
        let Some(sent) = crate::fragments::split::split(&message, size) else { return Ok(()) };
        let fragments: Vec<Fragment> = sent
            .into_iter()
            .map(|octets| Message::parse(octets).unwrap().get::<Fragment>().unwrap().clone())
            .collect();
        let mut peer = Peer::default();
        let mut wholes = Vec::new();
        let picked = picks.iter().map(|pick| pick.get(&fragments));
        for part in picked.chain(&fragments) {
            wholes.extend(peer.add(part).unwrap());
        }
        prop_assert!(!wholes.is_empty());
        prop_assert!(wholes.iter().all(|whole| *whole == message));
        prop_assert_eq!(peer.reassembly.lost, 0);
    }

    /// Nothing that comes makes more be kept than may be, and what comes out is what its parts were.
    #[test]
    fn t146_anything_may_come(parts in prop::collection::vec((0_u8..6, 0_u8..140, any::<bool>(), 0_usize..3, 0_u16..6), 0..300)) {
        let mut peer = Peer::default();
        let mut octets = 0;
        for (source, number, last, len, id) in parts {
            octets += len;
            let part = part(number, last, &vec![number; len]);
            if let Ok(Some(whole)) = peer.add_as((key(source.into(), id), Standing::Stranger), &part) {
                prop_assert!(whole.is_sorted() && whole.first() == Some(&1));
            }
            prop_assert!(peer.held() <= octets);
            prop_assert!(peer.reassembly.sets.len() <= 24);
        }
    }
}
