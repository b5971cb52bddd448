use core::cell::{Cell, RefCell};
use core::net::IpAddr;
use std::io;

use ipsec_core::Selector;
use oakley::Protocol;

use super::super::tests::Obliging;
use super::*;

fn piece(remote: u8, flow: Option<u32>) -> Piece {
    let prefix = |net| Selector::prefix(IpAddr::from([10, net, 0, 0]), 24).unwrap();
    Piece { packets: Selector::new(prefix(1), prefix(remote)).unwrap(), flow }
}

fn shape(protocol: Protocol) -> Shape {
    let ends = ([10, 9, 0, 1].into(), [10, 9, 0, 2].into());
    Shape::bundle(ends, true, &[protocol])
}

fn plan(remotes: &[u8]) -> Plan {
    let flows = (0..).zip(remotes);
    Plan {
        pieces: flows.clone().map(|(flow, remote)| piece(*remote, Some(flow))).collect(),
        shapes: flows.map(|(flow, _)| (flow, shape(Protocol::Esp))).collect(),
    }
}

fn made(remotes: &[u8]) -> (Obliging, Spd) {
    let (kernel, mut spd) = (Obliging::default(), Spd::new(Vec::new()));
    spd.apply(&kernel, plan(remotes)).unwrap();
    assert_eq!(kernel.asked().len(), 3 * remotes.len(), "three directions");
    (kernel, spd)
}

#[test]
fn what_both_have_stays() {
    let (kernel, mut spd) = made(&[2, 3]);
    spd.apply(&kernel, plan(&[2, 4])).unwrap();
    let asked = kernel.asked();
    let added = asked.iter().filter(|one| matches!(one, XfrmMessage::AddPolicy(_))).count();
    let gone = asked.iter().filter(|one| matches!(one, XfrmMessage::DeletePolicy(_))).count();
    assert_eq!((asked.len(), added, gone), (6, 3, 3));
}

#[test]
fn more_than_there_is_room_for_changes_nothing() {
    let (kernel, mut spd) = made(&[2]);
    let mut most = plan(&[2]);
    most.pieces = vec![piece(2, Some(0)); policy::MOST as usize];
    assert!(matches!(spd.check(&most), Err(Unchanged::TooMany)));
    assert!(matches!(spd.apply(&kernel, most), Err(Unchanged::TooMany)));
    // Should what is there grow too many.
    spd.bypasses = vec![piece(7, None); policy::MOST as usize];
    assert!(matches!(spd.reshape(&kernel, 0, shape(Protocol::Ah)), Err(Unchanged::TooMany)));
    assert_eq!((kernel.asked(), spd.policies.len()), (Vec::new(), 3));
}

#[test]
fn a_shape_that_the_kernel_refused_is_asked_for_again() {
    let (kernel, mut spd) = made(&[2]);
    kernel.patience.set(Some(1));
    assert!(matches!(spd.reshape(&kernel, 0, shape(Protocol::Ah)), Err(Unchanged::Refused(_))));
    assert_eq!(kernel.asked().len(), 1);
    kernel.patience.set(None);
    spd.reshape(&kernel, 0, shape(Protocol::Ah)).unwrap();
    assert_eq!(kernel.asked().len(), 2, "what is still to do");
    spd.reshape(&kernel, 0, shape(Protocol::Ah)).unwrap();
    assert!(kernel.asked().is_empty());
}
/// What a killed gateway has left for these, as a kernel shows it.
fn left(remotes: &[u8]) -> Vec<ModifyMessage> {
    let mut left = made(remotes).1.policies;
    for (index, policy) in (8..).step_by(8).zip(&mut left) {
        (policy.user_policy_info.index, policy.user_policy_info.lifetime_cur.add_time) = (index, 1);
    }
    left
}

fn removed(asked: &[XfrmMessage]) -> usize {
    asked.iter().filter(|one| matches!(one, XfrmMessage::DeletePolicy(_))).count()
}

#[test]
fn t101_what_a_killed_gateway_protected_is_never_without_its_policies() {
    let (kernel, mut spd) = (Obliging::default(), Spd::new(Vec::new()));
    spd.adopt(left(&[2, 3]));
    spd.apply(&kernel, plan(&[2, 4])).unwrap();
    let asked = kernel.asked();
    let updated = asked.iter().filter(|one| matches!(one, XfrmMessage::UpdatePolicy(_))).count();
    assert_eq!((asked.len(), updated, removed(&asked)), (6, 3, 0));
    spd.settle(&kernel).unwrap();
    let asked = kernel.asked();
    assert_eq!((asked.len(), removed(&asked)), (3, 3), "what nobody wants any more");
    // From then on they are like our own.
    spd.clear(&kernel);
    assert_eq!(removed(&kernel.asked()), 6);
}

#[test]
fn t101_a_start_that_fails_leaves_the_policies_of_a_killed_gateway() {
    for patience in [0, 4, 6] {
        let (kernel, mut spd) = (Obliging::default(), Spd::new(Vec::new()));
        spd.adopt(left(&[2, 3]));
        kernel.patience.set(Some(patience));
        assert_eq!(spd.apply(&kernel, plan(&[2, 4])).is_ok(), patience == 6);
        kernel.patience.set(None);
        let added = kernel.asked().iter().filter(|one| matches!(one, XfrmMessage::AddPolicy(_))).count();
        spd.clear(&kernel);
        assert_eq!(removed(&kernel.asked()), added, "its own and no more");
    }
}

/// Source and destination.
type Packet = [[u8; 4]; 2];

/// A kernel that has policies, and packets that it must not let pass in clear at any time.
#[derive(Default)]
struct Table {
    policies: RefCell<Vec<ModifyMessage>>,
    /// Packets by direction.
    watched: RefCell<Vec<(u8, Packet)>>,
    /// Requests until one is refused.
    patience: Cell<Option<usize>>,
}

impl Table {
    /// Whether one of its policies protects a packet before any clear one has it.
    fn protects(&self, (direction, packet): (u8, Packet)) -> bool {
        let first = |clear: bool| {
            let policies = self.policies.borrow();
            let meant =
                policies.iter().filter(|one| policy::is_clear(one) == clear && meets(one, direction, packet));
            meant.map(|one| one.user_policy_info.priority).min()
        };
        // Of two at one place either may count.
        first(false).is_some_and(|place| first(true).is_none_or(|clear| place < clear))
    }

    fn protected(&self) -> Vec<(u8, Packet)> {
        probes().into_iter().filter(|probe| self.protects(*probe)).collect()
    }

    /// What decides about packets.
    fn effect(&self) -> Vec<ModifyMessage> {
        let mut all = self.policies.borrow().clone();
        all.sort_by_key(|one| {
            let known = one.user_policy_info;
            let Ends { source, destination } = Ends::of(&known.selector);
            (known.priority, known.direction, source, destination, known.selector.sport, known.selector.dport)
        });
        all
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Ends {
    source: ([u8; 4], u8),
    destination: ([u8; 4], u8),
}

impl Ends {
    fn of(selector: &netlink_packet_xfrm::Selector) -> Self {
        let address = |address: &netlink_packet_xfrm::Address| *address.addr.first_chunk().unwrap();
        Self {
            source: (address(&selector.saddr), selector.prefixlen_s),
            destination: (address(&selector.daddr), selector.prefixlen_d),
        }
    }
}

/// Whether a policy has a packet; of any port, so it must have no protocol.
fn meets(policy: &ModifyMessage, direction: u8, [source, destination]: Packet) -> bool {
    let known = &policy.user_policy_info;
    let ends = Ends::of(&known.selector);
    let within = |packet: [u8; 4], (net, len): ([u8; 4], u8)| {
        let differ = u32::from_be_bytes(packet) ^ u32::from_be_bytes(net);
        differ.checked_shr(32 - u32::from(len)).unwrap_or(0) == 0
    };
    known.direction == direction
        && known.selector.proto == 0
        && within(source, ends.source)
        && within(destination, ends.destination)
}

impl Ask for Table {
    fn ask(&self, message: XfrmMessage, _: u16) -> Result<Vec<XfrmMessage>, Refusal> {
        let left = self.patience.take();
        if left == Some(0) {
            return Err(io::Error::from(ErrorKind::OutOfMemory).into());
        }
        self.patience.set(left.map(|left| left - 1));
        let mut policies = self.policies.borrow_mut();
        let place = |one: &ModifyMessage| policies.iter().position(|two| policy::same_packets(one, two));
        match message {
            XfrmMessage::AddPolicy(policy) => {
                if place(&policy).is_some() {
                    return Err(io::Error::from(ErrorKind::AlreadyExists).into());
                }
                policies.push(policy);
            }
            XfrmMessage::UpdatePolicy(policy) => match place(&policy) {
                Some(place) => policies[place] = policy,
                None => policies.push(policy),
            },
            XfrmMessage::DeletePolicy(gone) => {
                let (count, id) = (policies.len(), gone.user_policy_id);
                policies.retain(|one| {
                    let known = &one.user_policy_info;
                    (known.selector, known.direction) != (id.selector, id.direction)
                });
                if policies.len() == count {
                    return Err(io::Error::from(ErrorKind::NotFound).into());
                }
            }
            other => panic!("{other:?}"),
        }
        drop(policies);
        for probe in self.watched.borrow().iter() {
            assert!(self.protects(*probe), "{probe:?} would pass by {:#?}", self.policies.borrow());
        }
        Ok(Vec::new())
    }
}

const HERE: [[u8; 4]; 2] = [[10, 1, 0, 5], [10, 1, 0, 6]];
const THERE: [[u8; 4]; 2] = [[10, 2, 0, 9], [10, 2, 0, 8]];

/// Packets between all of these, both ways.
fn probes() -> Vec<(u8, Packet)> {
    let pairs = HERE.iter().flat_map(|here| THERE.iter().map(|there| (*here, *there)));
    pairs
        .flat_map(|(here, there)| {
            use netlink_packet_xfrm::{XFRM_POLICY_FWD, XFRM_POLICY_IN, XFRM_POLICY_OUT};
            [
                (XFRM_POLICY_OUT, [here, there]),
                (XFRM_POLICY_IN, [there, here]),
                (XFRM_POLICY_FWD, [there, here]),
            ]
        })
        .collect()
}

/// A line of an access list by a number below [`LINES`]: one host or the net here and there, permitted or denied.
fn line(number: usize) -> (Selector, bool) {
    let end = |host: bool, address: [u8; 4]| {
        let [a, b, c, _] = address;
        let (address, len) = if host { (address, 32) } else { ([a, b, c, 0], 24) };
        Selector::prefix(IpAddr::from(address), len).unwrap()
    };
    let packets = Selector::new(end(number & 1 != 0, HERE[0]), end(number & 2 != 0, THERE[0])).unwrap();
    (packets, number & 4 != 0)
}
const LINES: usize = 8;

/// The plan of a list of lines.
fn listed(lines: &[usize]) -> Plan {
    let (mut pieces, mut shapes) = (Vec::new(), BTreeMap::new());
    for (flow, (packets, permit)) in (0..).zip(lines.iter().map(|number| line(*number))) {
        pieces.push(Piece { packets, flow: permit.then_some(flow) });
        if permit {
            shapes.insert(flow, shape(Protocol::Esp));
        }
    }
    Plan { pieces, shapes }
}

/// A kernel with the policies of a list.
fn table(lines: &[usize]) -> (Table, Spd) {
    let (kernel, mut spd) = (Table::default(), Spd::new(Vec::new()));
    spd.apply(&kernel, listed(lines)).unwrap();
    (kernel, spd)
}

/// What the policies of both lists protect.
fn both(old: &[usize], new: &[usize]) -> Vec<(u8, Packet)> {
    let new = table(new).0;
    table(old).0.protected().into_iter().filter(|probe| new.protects(*probe)).collect()
}

/// Pairs of lists: all short ones, and many longer ones.
fn pairs() -> Vec<(Vec<usize>, Vec<usize>)> {
    let mut short: Vec<Vec<usize>> = vec![Vec::new()];
    short.extend((0..LINES).map(|line| vec![line]));
    short.extend((0..LINES).flat_map(|first| (0..LINES).map(move |second| vec![first, second])));
    let all = short.iter().flat_map(|old| short.iter().map(|new| (old.clone(), new.clone())));
    let mut seed = 1_u64;
    let mut next = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % below
    };
    let mut list = || -> Vec<usize> { (0..3 + next(4)).map(|_| next(LINES)).collect() };
    let long: Vec<_> = (0..2000).map(|_| (list(), list())).collect();
    all.chain(long).collect()
}

#[test]
fn t101_what_both_configurations_protect_is_protected_at_every_moment_between_them() {
    // "permit host .5" before "deny net", and then the same behind two other lines.
    let example = (vec![5, 0], vec![7, 6, 5, 0]);
    assert_eq!(both(&example.0, &example.1).len(), 6);
    for (old, new) in core::iter::once(example).chain(pairs()) {
        let (kernel, mut spd) = table(&old);
        kernel.watched.replace(both(&old, &new));
        spd.apply(&kernel, listed(&new)).unwrap();
        assert_eq!(kernel.effect(), table(&new).0.effect(), "{old:?} to {new:?}");
        // The same after a restart.
        let (kernel, before) = table(&old);
        kernel.watched.replace(both(&old, &new));
        let mut spd = Spd::new(Vec::new());
        spd.adopt(before.policies);
        spd.apply(&kernel, listed(&new)).unwrap();
        spd.settle(&kernel).unwrap();
        assert_eq!(kernel.effect(), table(&new).0.effect(), "{old:?} to {new:?}");
    }
}

/// A kernel with what a killed gateway has left of a list, and one that begins.
fn after_kill(lines: &[usize]) -> (Table, Spd) {
    let (kernel, mut spd) = (table(lines).0, Spd::new(Vec::new()));
    for (index, policy) in (8..).step_by(8).zip(kernel.policies.borrow_mut().iter_mut()) {
        (policy.user_policy_info.index, policy.user_policy_info.lifetime_cur.add_time) = (index, 1);
    }
    spd.adopt(kernel.policies.borrow().clone());
    (kernel, spd)
}

#[test]
fn t101_a_start_that_fails_late_gives_back_what_it_has_taken_over() {
    for (old, new) in pairs().into_iter().step_by(25) {
        // At the first request, at each later one, and behind them all.
        for patience in 0.. {
            let (kernel, mut spd) = after_kill(&old);
            let before = kernel.effect();
            kernel.watched.replace(both(&old, &new));
            kernel.patience.set(Some(patience));
            let done = spd.apply(&kernel, listed(&new)).is_ok();
            kernel.patience.set(None);
            spd.clear(&kernel);
            assert_eq!(kernel.effect(), before, "{old:?} to {new:?}, {patience} requests");
            if done {
                break;
            }
        }
    }
}

#[test]
fn t101_what_the_kernel_refuses_halfway_is_changed_back() {
    for (old, new) in pairs().into_iter().step_by(25) {
        for patience in 0.. {
            let (kernel, mut spd) = table(&old);
            let before = kernel.effect();
            kernel.watched.replace(both(&old, &new));
            kernel.patience.set(Some(patience));
            if spd.apply(&kernel, listed(&new)).is_ok() {
                break;
            }
            assert_eq!(kernel.effect(), before, "{old:?} to {new:?}, {patience} requests");
            // What comes later goes on from there.
            spd.apply(&kernel, listed(&new)).unwrap();
            assert_eq!(kernel.effect(), table(&new).0.effect(), "{old:?} to {new:?}, {patience} requests");
        }
    }
}
