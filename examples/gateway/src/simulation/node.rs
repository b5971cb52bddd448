//! What is on the network: routers with clocks of their own, hosts, a translator, and the network between the routers.

use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;
use std::collections::VecDeque;

use ipsec_core::IpHeader;
use netsim::{Nat, Node, Port};

use super::hosts::Host;
use crate::router::Router;

/// A router's clock: how far off it is, and how fast it runs.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Clock {
    pub(super) ahead: Duration,
    /// Millionths of a second that it loses in each second: it cannot gain, but others can lose.
    pub(super) slow: u32,
}

const MILLION: u128 = 1_000_000;

impl Clock {
    fn rate(self) -> u128 {
        MILLION.saturating_sub(u128::from(self.slow)).max(1)
    }

    /// What it shows at a moment.
    pub(super) fn shows(self, at: Duration) -> Duration {
        let ticks = at.as_nanos().saturating_mul(self.rate()).checked_div(MILLION).unwrap_or(0);
        self.ahead.saturating_add(Duration::from_nanos(u64::try_from(ticks).unwrap_or(u64::MAX)))
    }

    /// The first moment at which it shows a time.
    fn moment(self, shown: Duration) -> Duration {
        let ticks = shown.saturating_sub(self.ahead).as_nanos();
        let at = ticks.saturating_mul(MILLION).div_ceil(self.rate());
        Duration::from_nanos(u64::try_from(at).unwrap_or(u64::MAX))
    }
}

/// The network between the routers. It knows which port each address is behind.
#[derive(Debug, Default)]
pub(super) struct Between {
    pub(super) addresses: Vec<(Ipv4Addr, Port)>,
    outbox: VecDeque<(Port, Vec<u8>)>,
}

/// A node.
pub(super) enum SimNode {
    Router(Box<Router>, Clock),
    Host(Box<Host>),
    Between(Between),
    Translator(Nat<Vec<u8>>),
}

impl SimNode {
    pub(super) fn router(&self) -> Option<(&Router, Clock)> {
        if let Self::Router(router, clock) = self { Some((router, *clock)) } else { None }
    }

    pub(super) fn router_mut(&mut self) -> Option<(&mut Router, &mut Clock)> {
        if let Self::Router(router, clock) = self { Some((router, clock)) } else { None }
    }

    pub(super) fn host(&self) -> Option<&Host> {
        if let Self::Host(host) = self { Some(host) } else { None }
    }

    pub(super) fn host_mut(&mut self) -> Option<&mut Host> {
        if let Self::Host(host) = self { Some(host) } else { None }
    }

    pub(super) fn translator_mut(&mut self) -> Option<&mut Nat<Vec<u8>>> {
        if let Self::Translator(nat) = self { Some(nat) } else { None }
    }
}

impl Between {
    fn handle_packet(&mut self, packet: &[u8]) {
        let Ok(header) = IpHeader::parse(packet) else { return };
        let behind = |(address, _): &&(Ipv4Addr, Port)| IpAddr::V4(*address) == header.destination();
        if let Some((_, port)) = self.addresses.iter().find(behind) {
            self.outbox.push_back((*port, packet.to_vec()));
        }
    }
}

impl Node for SimNode {
    type Packet = Vec<u8>;

    fn handle_packet(&mut self, now: Duration, from: Port, packet: &Vec<u8>) {
        match self {
            Self::Router(router, clock) => router.handle_packet(clock.shows(now), from, packet),
            Self::Host(host) => host.handle_packet(now, packet),
            Self::Between(between) => between.handle_packet(packet),
            Self::Translator(nat) => nat.handle_packet(now, from, packet),
        }
    }

    fn handle_timeout(&mut self, now: Duration) {
        match self {
            Self::Router(router, clock) => router.handle_timeout(clock.shows(now)),
            Self::Host(host) => host.handle_timeout(now),
            Self::Between(_) | Self::Translator(_) => {}
        }
    }

    fn poll_timeout(&self) -> Option<Duration> {
        match self {
            Self::Router(router, clock) => router.poll_timeout().map(|at| clock.moment(at)),
            Self::Host(host) => host.poll_timeout(),
            Self::Between(_) | Self::Translator(_) => None,
        }
    }

    fn poll_transmit(&mut self) -> Option<(Port, Vec<u8>)> {
        match self {
            Self::Router(router, _) => router.poll_transmit(),
            Self::Host(host) => host.poll_transmit().map(|packet| (Port(0), packet)),
            Self::Between(between) => between.outbox.pop_front(),
            Self::Translator(nat) => nat.poll_transmit(),
        }
    }
}
