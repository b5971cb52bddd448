//! One seed, one run; what goes on for ever is an error.

use super::station::{Station, numbered};
use core::time::Duration;
use netsim::{Chance, Error, Link, Network, Node, Port, Recording, Step, write_pcap};

const MS: Duration = Duration::from_millis(1);

fn bad_link() -> Link {
    Link::new()
        .delay(5 * MS)
        .jitter(4 * MS)
        .loss(Chance::percent(20))
        .duplicate(Chance::percent(20))
        .reorder(Chance::percent(20), 6 * MS)
}

/// A run over a bad link with an echo, and everything that can be seen of it: capture, recording, counters.
fn run(seed: u64, more_links: bool) -> (Vec<u8>, Recording, String) {
    let mut network = Network::new(seed);
    let a = network.add(Station::sender(MS, numbered(200, 64)));
    let b = network.add(Station::echo());
    let wire = network.connect((a, Port(0)), (b, Port(0)), bad_link()).unwrap();
    if more_links {
        network.connect((a, Port(1)), (b, Port(1)), bad_link()).unwrap();
    }
    network.capture();
    network.record();
    network.drive().unwrap();
    let mut capture = Vec::new();
    write_pcap(&mut capture, &[(wire, "a-b")], Duration::ZERO, network.captured()).unwrap();
    (capture, network.recording().unwrap().clone(), format!("{:?}", network.counters(wire)))
}

#[test]
fn the_same_seed_gives_the_same_run_and_another_seed_another() {
    assert_eq!(run(11, false), run(11, false));
    let (one, two) = (run(11, false), run(12, false));
    assert_ne!(one.0, two.0);
    assert_ne!(one.2, two.2);
}

#[test]
fn another_link_does_not_change_the_fate_of_packets_on_the_first() {
    assert_eq!(run(13, false), run(13, true));
}

#[test]
fn a_node_replayed_from_the_recording_sends_the_same_again() {
    let mut network = Network::new(14);
    let a = network.add(Station::sender(MS, numbered(50, 64)));
    let b = network.add(Station::echo());
    network.connect((a, Port(0)), (b, Port(0)), bad_link()).unwrap();
    network.capture();
    network.record();
    network.drive().unwrap();

    // By way of the text, as a file would carry it.
    let text = network.recording().unwrap().to_string();
    let recording: Recording = text.parse().unwrap();
    assert_eq!(&recording, network.recording().unwrap());

    for (id, mut again, direction) in [
        (a, Station::sender(MS, numbered(50, 64)), netsim::Direction::AToB),
        (b, Station::echo(), netsim::Direction::BToA),
    ] {
        let sent = recording.replay(id, &mut again, |_, _, _| panic!("no commands were given"));
        let sent: Vec<_> = sent.into_iter().map(|(at, _, packet)| (at, packet)).collect();
        let before: Vec<_> = network
            .captured()
            .iter()
            .filter(|s| s.direction == direction)
            .map(|s| (s.at, s.packet.clone()))
            .collect();
        assert!(!sent.is_empty());
        assert_eq!(sent, before);
        assert_eq!(again.arrived, network[id].arrived);
    }
}

#[test]
fn two_echoes_are_a_livelock_and_not_a_hang() {
    let mut network = Network::new(15);
    let a = network.add(Station::echo());
    let b = network.add(Station::echo());
    network.connect((a, Port(0)), (b, Port(0)), Link::new().delay(MS)).unwrap();
    network.inject(a, Port(0), vec![0; 20]);
    assert!(matches!(network.drive_bounded(100), Err(Error::Livelock { steps: 100, .. })));
    assert_eq!(network.now(), 99 * MS);
    assert!(matches!(network.drive_to(10, |_| false), Err(Error::Livelock { steps: 10, .. })));
    // Without delay simulated time stands still, and a bound by time alone would never be reached.
    let mut network = Network::new(15);
    let a = network.add(Station::echo());
    let b = network.add(Station::echo());
    network.connect((a, Port(0)), (b, Port(0)), Link::new()).unwrap();
    network.inject(a, Port(0), vec![0; 20]);
    assert!(matches!(network.drive_until(MS), Err(Error::Livelock { .. })));
}

#[test]
fn exactly_as_many_steps_as_allowed_are_not_a_livelock() {
    let finish = |most| {
        let mut network = Network::new(16);
        let a = network.add(Station::sender(MS, numbered(5, 20)));
        let b = network.add(Station::quiet());
        network.connect((a, Port(0)), (b, Port(0)), Link::new()).unwrap();
        network.drive_bounded(most)
    };
    // Five deadlines and five arrivals.
    assert_eq!(finish(10).unwrap(), 10);
    assert!(finish(9).is_err());
}

struct Stuck {
    deadline: Option<Duration>,
    chatter: bool,
}

impl Node for Stuck {
    type Packet = Vec<u8>;
    fn handle_packet(&mut self, _: Duration, _: Port, _: &Vec<u8>) {}
    fn handle_timeout(&mut self, _: Duration) {}
    fn poll_timeout(&self) -> Option<Duration> {
        self.deadline
    }
    fn poll_transmit(&mut self) -> Option<(Port, Vec<u8>)> {
        self.chatter.then(|| (Port(9), Vec::new()))
    }
}

#[test]
fn a_deadline_that_never_moves_and_output_that_never_ends_are_errors() {
    let mut network = Network::new(17);
    network.add(Stuck { deadline: Some(MS), chatter: false });
    assert!(matches!(network.drive_bounded(50), Err(Error::Livelock { at, .. }) if at == MS));
    assert!(matches!(network.drive_until(2 * MS), Err(Error::Livelock { .. })));

    let mut network = Network::new(17);
    let id = network.add(Stuck { deadline: None, chatter: true });
    assert!(matches!(network.step(), Err(Error::EndlessOutput { node, .. }) if node == id));
    assert!(network.unplugged() > 0, "port 9 has no link");
}

#[test]
fn the_clock_jumps_to_the_next_event_and_never_goes_back() {
    let mut network = Network::<Station>::new(18);
    let a = network.add(Station::sender(3600 * 1000 * MS, numbered(2, 20)));
    let b = network.add(Station::quiet());
    network.connect((a, Port(0)), (b, Port(0)), Link::new().delay(MS)).unwrap();
    let mut times = Vec::new();
    while network.step().unwrap() != Step::Idle {
        times.push(network.now().as_millis());
    }
    assert_eq!(times, [0, 1, 3_600_000, 3_600_001]);
    network.drive_until(MS).unwrap();
    assert_eq!(network.now().as_millis(), 3_600_001);
}

#[test]
fn ports_take_one_link_and_ids_are_checked() {
    let mut network = Network::<Station>::new(19);
    let a = network.add(Station::quiet());
    let b = network.add(Station::quiet());
    network.connect((a, Port(0)), (b, Port(0)), Link::new()).unwrap();
    let again = network.connect((a, Port(0)), (b, Port(1)), Link::new());
    assert!(matches!(again, Err(Error::PortTaken { node, port: Port(0) }) if node == a));
    let itself = network.connect((a, Port(5)), (a, Port(5)), Link::new());
    assert!(matches!(itself, Err(Error::PortTaken { .. })));
    let stranger = Network::<Station>::new(0).command(a, "nothing", |_, _| ());
    assert!(matches!(stranger, Err(Error::NoSuchNode(_))));
}

#[test]
fn commands_are_recorded_with_their_time_and_line_breaks_stay_inside() {
    let mut network = Network::<Station>::new(20);
    let a = network.add(Station::quiet());
    network.record();
    network.drive_for(1500 * MS).unwrap();
    network
        .command(a, "initiate 192.0.2.1\n0.000000000 0 timeout", |_, now| assert_eq!(now, 1500 * MS))
        .unwrap();
    let text = network.recording().unwrap().to_string();
    assert_eq!(
        text,
        "netsim-recording 1\nseed 20\n1.500000000 0 command initiate 192.0.2.1 0.000000000 0 timeout\n"
    );
}

#[test]
fn a_damaged_recording_names_its_line() {
    for (text, line) in [
        ("", 1),
        ("netsim-recording 2\nseed 1\n", 1),
        ("netsim-recording 1\nseed x\n", 2),
        ("netsim-recording 1\nseed 1\n0.000000000 0 timeout\n0.5 0 timeout\n", 4),
        ("netsim-recording 1\nseed 1\n0.000000000 z timeout\n", 3),
        ("netsim-recording 1\nseed 1\n0.000000000 0 packet 0 abc\n", 3),
        ("netsim-recording 1\nseed 1\n0.000000000 0 sleep\n", 3),
    ] {
        assert_eq!(text.parse::<Recording>().unwrap_err().line, line, "{text:?}");
    }
}
