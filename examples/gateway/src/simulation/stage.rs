//! The network of one run, and what is done to it.

use core::cell::RefCell;
use core::net::Ipv4Addr;
use core::time::Duration;
use std::rc::Rc;
use std::sync::Arc;

use crypto_provider::CryptoProvider;
use crypto_provider::default::{SeededRandom, provider};
use ipsec_core::IpHeader;
use netsim::{Chance, Direction, Link, LinkId, Nat, Network, NodeId, OUTSIDE, Port, Rng};

use super::hosts::Host;
use super::node::{Between, Clock, SimNode};
use super::plan::{Act, Pattern, Plan, Weather};
use super::setup::{Setup, lan, public};
use super::story::Story;
use super::wire::Meddler;
use crate::demo::CANARY;
use crate::ios::parse;
use crate::router::{Router, RouterOptions};

const LAN: Port = Port(0);
const WAN: Port = Port(1);
/// How long a packet is held back that others overtake.
const HOLD: Duration = Duration::from_millis(400);
/// How long a translator remembers what nothing uses.
const MEMORY: Duration = Duration::from_secs(60);

/// Why a run cannot go on.
pub(super) type Failure = Box<dyn core::error::Error>;

/// One router's place.
struct Place {
    router: NodeId,
    host: NodeId,
    /// The link to the network between the routers; that of its translator if it is behind one.
    link: LinkId,
    meddler: Rc<RefCell<Meddler>>,
    /// How often it has started.
    starts: u64,
}

pub(super) struct Stage {
    pub(super) network: Network<SimNode>,
    seed: u64,
    setup: Setup,
    places: Vec<Place>,
    between: NodeId,
    translator: Option<NodeId>,
    /// Whether the first router has its other address.
    moved: bool,
    /// Packets of protected flows that were on the wire in clear.
    pub(super) clear: Rc<RefCell<u64>>,
    pub(super) story: Story,
}

/// A router that has just started.
fn start(setup: &Setup, router: usize, moved: bool, random: u64) -> Result<Router, Failure> {
    let text = setup.config(router, moved);
    let config = parse("random.cfg", &text)
        .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))?;
    let provider = CryptoProvider { random: Arc::new(SeededRandom::new(random)), ..provider() };
    Ok(Router::new("random.cfg", config, provider, RouterOptions::default())?)
}

/// A node by an id that this network gave out.
fn node(network: &mut Network<SimNode>, id: NodeId) -> &mut SimNode {
    &mut network[id]
}

impl Stage {
    pub(super) fn new(seed: u64, plan: &Plan, story: Story) -> Result<Self, Failure> {
        let mut network = Network::new(seed);
        let between = network.add(SimNode::Between(Between::default()));
        let mut stage = Self {
            network,
            seed,
            setup: plan.setup.clone(),
            places: Vec::new(),
            between,
            translator: None,
            moved: false,
            clear: Rc::default(),
            story,
        };
        for (index, clock) in plan.clocks.iter().enumerate() {
            stage.add(index, *clock)?;
        }
        stage.watch();
        stage.announce();
        Ok(stage)
    }

    /// A number that depends on the seed and on what it is for.
    fn random(&self, router: usize, what: u64) -> u64 {
        let router = u64::try_from(router).unwrap_or(0);
        Rng::stream(self.seed, what.wrapping_mul(16).wrapping_add(router).wrapping_add(100)).next_u64()
    }

    fn add(&mut self, index: usize, clock: Clock) -> Result<(), Failure> {
        let router = start(&self.setup, index, false, self.random(index, 0))?;
        let router = self.network.add(SimNode::Router(Box::new(router), clock));
        let host = self.network.add(SimNode::Host(Box::new(Host::new(lan(index, 1)))));
        self.network.connect((host, Port(0)), (router, LAN), Link::new())?;
        let mut outermost = (router, WAN);
        if self.setup.is_translated(index) {
            let nat = Nat::new(public(0, false), MEMORY, self.random(index, 1));
            let nat = self.network.add(SimNode::Translator(nat));
            self.network.connect((router, WAN), (nat, Port(1)), Link::new())?;
            self.translator = Some(nat);
            outermost = (nat, OUTSIDE);
        }
        let port = Port(u16::try_from(index)?);
        let link = self.network.connect(outermost, (self.between, port), Link::new())?;
        let meddler = Rc::new(RefCell::new(Meddler::new(Rng::new(self.random(index, 2)))));
        let shared = Rc::clone(&meddler);
        self.network
            .set_filter(link, move |_, direction, packet| shared.borrow_mut().look(direction, packet));
        self.places.push(Place { router, host, link, meddler, starts: 1 });
        Ok(())
    }

    /// Looks for packets of hosts on the links between the routers, whole or in parts.
    fn watch(&mut self) {
        let (clear, hides) = (Rc::clone(&self.clear), self.setup.hides());
        let links: Vec<LinkId> = self.places.iter().map(|place| place.link).collect();
        let story = self.story.clone();
        self.network.tap(move |sighting| {
            let Some(router) = links.iter().position(|link| *link == sighting.link) else { return };
            story.sighting(router, sighting);
            let of_a_host = IpHeader::parse(&sighting.packet).is_ok_and(|header| {
                [header.source(), header.destination()].iter().any(|end| end.to_string().starts_with("10."))
            });
            let readable = || sighting.packet.windows(CANARY.len()).any(|window| window == CANARY);
            if of_a_host || (hides && readable()) {
                let mut clear = clear.borrow_mut();
                *clear = clear.saturating_add(1);
            }
        });
    }

    /// Tells the network behind which port each address is.
    fn announce(&mut self) {
        let at = |index: usize| (public(index, self.moved), Port(u16::try_from(index).unwrap_or(u16::MAX)));
        let addresses = (0..self.places.len()).map(at).collect();
        if let SimNode::Between(between) = node(&mut self.network, self.between) {
            between.addresses = addresses;
        }
    }

    /// Runs until `end`, telling the story if it is wanted.
    pub(super) fn run_until(&mut self, end: Duration) -> Result<(), Failure> {
        if !self.story.is_told() {
            self.network.drive_until(end)?;
            return Ok(());
        }
        while self.network.next_event()?.is_some_and(|at| at <= end) {
            self.network.step()?;
            self.tell();
        }
        self.network.drive_until(end)?;
        Ok(())
    }

    fn tell(&mut self) {
        let now = self.network.now();
        for (index, place) in self.places.iter().enumerate() {
            if let Some((router, _)) = node(&mut self.network, place.router).router_mut() {
                while let Some(happening) = router.poll_happening() {
                    self.story.happening(now, index, &happening);
                }
            }
        }
    }

    /// Does one thing.
    pub(super) fn act(&mut self, act: Act) -> Result<(), Failure> {
        self.story.act(self.network.now(), &act);
        match act {
            Act::ClearSas(router) => self.with_router(router, Router::clear_sas)?,
            Act::ClearIsakmp(router) => self.with_router(router, Router::clear_isakmp)?,
            Act::Restart(router) => self.restart(router)?,
            Act::Leap(router, time) => self.leap(router, time)?,
            Act::Link(router, up) => {
                if let Some(place) = self.places.get(router) {
                    self.network.set_up(place.link, up);
                }
            }
            Act::Weather(router, weather) => self.weather(router, weather),
            Act::AlterNatD(router) => {
                if let Some(place) = self.places.get(router) {
                    place.meddler.borrow_mut().nat_d = 1;
                }
            }
            Act::Rebind => self.with_translator(Nat::rebind)?,
            Act::Move => self.move_first()?,
            Act::Talk { pair, pattern, interval } => self.talk(pair, pattern, interval)?,
            Act::Heal => self.heal()?,
        }
        Ok(())
    }

    fn with_router(&mut self, index: usize, act: impl FnOnce(&mut Router, Duration)) -> Result<(), Failure> {
        let Some(place) = self.places.get(index) else { return Ok(()) };
        self.network.command(place.router, "", |node, now| {
            if let Some((router, clock)) = node.router_mut() {
                act(router, clock.shows(now));
            }
        })?;
        Ok(())
    }

    fn with_translator(&mut self, act: impl FnOnce(&mut Nat<Vec<u8>>)) -> Result<(), Failure> {
        let Some(translator) = self.translator else { return Ok(()) };
        self.network.command(translator, "", |node, _| node.translator_mut().map(act))?;
        Ok(())
    }

    fn restart(&mut self, index: usize) -> Result<(), Failure> {
        let Some(place) = self.places.get_mut(index) else { return Ok(()) };
        place.starts = place.starts.saturating_add(1);
        let starts = place.starts.saturating_add(2);
        let fresh = start(&self.setup, index, self.moved, self.random(index, starts))?;
        self.with_router(index, |router, _| *router = fresh)
    }

    fn leap(&mut self, index: usize, time: Duration) -> Result<(), Failure> {
        let Some(place) = self.places.get(index) else { return Ok(()) };
        self.network.command(place.router, "", |node, _| {
            if let Some((_, clock)) = node.router_mut() {
                clock.ahead = clock.ahead.saturating_add(time);
            }
        })?;
        Ok(())
    }

    fn move_first(&mut self) -> Result<(), Failure> {
        self.moved = !self.moved;
        let outside = public(0, self.moved);
        if self.setup.translator {
            self.with_translator(|nat| nat.move_to(outside))?;
        } else {
            let text = self.setup.config(0, self.moved);
            let config = parse("random.cfg", &text).map_err(|_| "the configuration is no longer one")?;
            let mut result = Ok(());
            self.with_router(0, |router, now| result = router.reconfigure(now, "random.cfg", config))?;
            result?;
        }
        self.announce();
        Ok(())
    }

    fn weather(&mut self, index: usize, weather: Weather) {
        let Some(place) = self.places.get(index) else { return };
        let [there, back] = weather.loss;
        for (direction, loss) in [(Direction::AToB, there), (Direction::BToA, back)] {
            let link = Link::new()
                .delay(weather.delay)
                .jitter(weather.jitter)
                .loss(Chance::percent(loss))
                .duplicate(Chance::percent(weather.duplicated))
                .reorder(Chance::percent(weather.reordered), HOLD);
            self.network.set_link(place.link, direction, link);
        }
        place.meddler.borrow_mut().altered = weather.altered;
    }

    fn talk(&mut self, pair: (usize, usize), pattern: Pattern, interval: Duration) -> Result<(), Failure> {
        for (from, to) in [pair, (pair.1, pair.0)] {
            let speaks = match pattern {
                Pattern::Quiet => false,
                Pattern::Both => true,
                Pattern::One(side) | Pattern::Asks(side) => [pair.0, pair.1].get(side) == Some(&from),
            };
            let asks = matches!(pattern, Pattern::Asks(_));
            self.with_host(from, |host, now| host.talk(now, lan(to, 1), speaks.then_some(interval), asks))?;
        }
        Ok(())
    }

    fn with_host(&mut self, index: usize, act: impl FnOnce(&mut Host, Duration)) -> Result<(), Failure> {
        let Some(place) = self.places.get(index) else { return Ok(()) };
        self.network.command(place.host, "", |node, now| node.host_mut().map(|host| act(host, now)))?;
        Ok(())
    }

    fn heal(&mut self) -> Result<(), Failure> {
        for index in 0..self.places.len() {
            self.weather(index, Weather::fine());
            if let Some(place) = self.places.get(index) {
                self.network.set_up(place.link, true);
                place.meddler.borrow_mut().nat_d = 0;
            }
            self.with_host(index, |host, _| host.forget())?;
        }
        Ok(())
    }

    pub(super) fn host(&self, index: usize) -> Option<&Host> {
        self.network.get(self.places.get(index)?.host)?.host()
    }

    pub(super) fn router(&self, index: usize) -> Option<(&Router, Duration)> {
        let (router, clock) = self.network.get(self.places.get(index)?.router)?.router()?;
        Some((router, clock.shows(self.network.now())))
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Whose host has an address.
    pub(super) fn whose(&self, address: Ipv4Addr) -> Option<usize> {
        (0..self.places.len()).find(|index| lan(*index, 1) == address)
    }
}
