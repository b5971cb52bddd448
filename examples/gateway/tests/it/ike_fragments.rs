//! IKE fragments as configured: who announces them, who sends them, what the operator sees.

use gateway::router::Occurrence;
use oakley::Event;

use crate::pair::{PRESHARE, Pair};

/// The document's pair with a larger group and a line of its own for each router.
fn pair(lines: [&str; 2]) -> Pair {
    let with = |index: usize| {
        let config = PRESHARE[index].replacen(" group 2\n", " group 5\n", 1);
        assert!(config.contains(" group 5"));
        config.replacen("\nend", &format!("\n{}\nend", lines[index]), 1)
    };
    Pair::up([&with(0), &with(1)])
}

/// Messages that a router sent in parts and put together from parts.
fn counts(pair: &Pair, index: usize) -> (usize, usize) {
    let of = |what: fn(&Event) -> bool| {
        let all = pair.happenings[index].iter();
        all.filter(|happening| matches!(&happening.what, Occurrence::Ike(event) if what(event))).count()
    };
    (
        of(|event| matches!(event, Event::Fragmented { .. })),
        of(|event| matches!(event, Event::Reassembled { .. })),
    )
}

/// Octets of UDP payload in the longest packet of IKE.
fn longest(pair: &Pair) -> usize {
    let udp = pair.wire.iter().map(|(_, packet)| packet).filter(|packet| packet[9] == 17);
    udp.map(|packet| packet.len() - 28).max().unwrap()
}

/// Whether the first message of IKE announces them: Cisco's identifier.
fn announced(pair: &Pair) -> bool {
    let (_, first) = &pair.wire[0];
    first.windows(8).any(|octets| octets == b"\x40\x48\xb7\xd5\x6e\xbc\xe8\x85")
}

#[test]
fn long_messages_of_ike_cross_in_fragments() {
    const LINE: &str = "crypto isakmp fragmentation 200";
    let pair = pair([LINE, LINE]);
    let (a, b) = (counts(&pair, 0), counts(&pair, 1));
    // Messages 3 and 4 of Main Mode at least.
    assert!(a.0 >= 1 && b.0 >= 1, "{a:?} {b:?}");
    assert_eq!((a.0, a.1), (b.1, b.0));
    assert!(announced(&pair));
    assert!((190..=200).contains(&longest(&pair)), "{}", longest(&pair));
}

#[test]
fn nothing_is_cut_below_the_usual_size() {
    let pair = pair(["crypto isakmp fragmentation"; 2]);
    assert_eq!((counts(&pair, 0), counts(&pair, 1)), ((0, 0), (0, 0)));
    assert!(announced(&pair));
    assert!(longest(&pair) > 200);
}

#[test]
fn a_router_that_does_not_announce_them_gets_none_unless_they_are_forced() {
    let one_sided = pair(["crypto isakmp fragmentation 200", ""]);
    assert_eq!((counts(&one_sided, 0), counts(&one_sided, 1)), ((0, 0), (0, 0)));
    let none = pair(["", "crypto isakmp fragmentation 200"]);
    assert!(!announced(&none));
    assert_eq!((counts(&none, 0), counts(&none, 1)), ((0, 0), (0, 0)));
    // The other side's policy is what takes them.
    let forced = pair(["crypto isakmp fragmentation 200 force", "crypto isakmp fragmentation 200"]);
    assert!(counts(&forced, 0).0 >= 1);
}
