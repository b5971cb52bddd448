//! An address translator between an inside and an outside.

use core::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use crate::node::{Node, Port};
use crate::packet::{Packet, UdpDatagram};
use crate::rng::Rng;

/// A packet whose ends can be seen and changed.
pub trait Addressed: Packet {
    /// Source and destination of a UDP datagram; `None` for anything else, which a translator does not let through.
    fn ends(&self) -> Option<(SocketAddr, SocketAddr)>;

    /// The same packet between other ends; `None` if it has none.
    fn between(&self, source: SocketAddr, destination: SocketAddr) -> Option<Self>;
}

/// Hosts inside share one address outside: the translators of homes and hotels (RFC 4787).
///
/// Each inside end has one port outside, whatever it sends to (endpoint-independent mapping); only those to whom it has sent
/// may answer (address- and port-dependent filtering). A mapping that nothing uses is forgotten, and [`Nat::rebind`] forgets
/// all of them. Port 0 is the outside; every other one is inside.
#[derive(Debug)]
pub struct Nat<P> {
    outside: Ipv4Addr,
    timeout: Duration,
    rng: Rng,
    mappings: BTreeMap<(Port, SocketAddr), Mapping>,
    out: VecDeque<(Port, P)>,
    refused: u64,
}

#[derive(Debug)]
struct Mapping {
    port: u16,
    used: Duration,
    /// Whom it has sent to.
    known: Vec<SocketAddr>,
}

/// The outside of a translator.
pub const OUTSIDE: Port = Port(0);
/// Ports that mappings are drawn from: the dynamic ones (RFC 6335 6).
const FIRST: u16 = 49_152;
/// How many there are.
const COUNT: u64 = 16_384;

impl<P: Addressed> Nat<P> {
    /// A translator with one address outside, which forgets what nothing has used for `timeout`.
    #[must_use]
    pub fn new(outside: Ipv4Addr, timeout: Duration, seed: u64) -> Self {
        let (mappings, out) = (BTreeMap::new(), VecDeque::new());
        Self { outside, timeout, rng: Rng::stream(seed, 0), mappings, out, refused: 0 }
    }

    /// Forgets every mapping, as a restart would: what the inside sends next gets another port.
    pub fn rebind(&mut self) {
        self.mappings.clear();
    }

    /// Takes another address outside, as one that is given for a while, and forgets every mapping.
    pub fn move_to(&mut self, outside: Ipv4Addr) {
        self.outside = outside;
        self.rebind();
    }

    /// Packets that were not let through.
    #[must_use]
    pub const fn refused(&self) -> u64 {
        self.refused
    }

    /// Inside ends and the ports by which the outside knows them.
    pub fn mappings(&self) -> impl Iterator<Item = (SocketAddr, u16)> {
        self.mappings.iter().map(|((_, inside), mapping)| (*inside, mapping.port))
    }

    fn outward(&mut self, now: Duration, from: Port, packet: &P) -> Option<(Port, P)> {
        let (source, destination) = packet.ends()?;
        let key = (from, source);
        if !self.mappings.contains_key(&key) {
            let port = self.free_port()?;
            self.mappings.insert(key, Mapping { port, used: now, known: Vec::new() });
        }
        let mapping = self.mappings.get_mut(&key)?;
        mapping.used = now;
        if !mapping.known.contains(&destination) {
            mapping.known.push(destination);
        }
        let outside = SocketAddr::V4(SocketAddrV4::new(self.outside, mapping.port));
        Some((OUTSIDE, packet.between(outside, destination)?))
    }

    fn inward(&mut self, now: Duration, packet: &P) -> Option<(Port, P)> {
        let (source, destination) = packet.ends()?;
        if destination.ip() != IpAddr::V4(self.outside) {
            return None;
        }
        let is_it = |mapping: &Mapping| mapping.port == destination.port() && mapping.known.contains(&source);
        let ((port, inside), mapping) = self.mappings.iter_mut().find(|(_, mapping)| is_it(mapping))?;
        mapping.used = now;
        Some((*port, packet.between(source, *inside)?))
    }

    fn free_port(&mut self) -> Option<u16> {
        for _ in 0..COUNT {
            let port = FIRST.saturating_add(u16::try_from(self.rng.below(COUNT)).ok()?);
            if self.mappings.values().all(|mapping| mapping.port != port) {
                return Some(port);
            }
        }
        None
    }
}

impl<P: Addressed> Node for Nat<P> {
    type Packet = P;

    fn handle_packet(&mut self, now: Duration, from: Port, packet: &P) {
        let timeout = self.timeout;
        self.mappings.retain(|_, mapping| now.saturating_sub(mapping.used) <= timeout);
        let translated =
            if from == OUTSIDE { self.inward(now, packet) } else { self.outward(now, from, packet) };
        match translated {
            Some(translated) => self.out.push_back(translated),
            None => self.refused = self.refused.saturating_add(1),
        }
    }

    fn handle_timeout(&mut self, _: Duration) {}

    fn poll_timeout(&self) -> Option<Duration> {
        None
    }

    fn poll_transmit(&mut self) -> Option<(Port, P)> {
        self.out.pop_front()
    }
}

impl Addressed for UdpDatagram {
    fn ends(&self) -> Option<(SocketAddr, SocketAddr)> {
        Some((self.source, self.destination))
    }

    fn between(&self, source: SocketAddr, destination: SocketAddr) -> Option<Self> {
        Some(Self { source, destination, payload: self.payload.clone() })
    }
}

/// A whole IPv4 packet that is no fragment.
impl Addressed for Vec<u8> {
    fn ends(&self) -> Option<(SocketAddr, SocketAddr)> {
        let at = udp_at(self)?;
        let address = |from: usize| Some(IpAddr::from(*self.get(from..)?.first_chunk::<4>()?));
        let port = |from: usize| Some(u16::from_be_bytes(*self.get(from..)?.first_chunk::<2>()?));
        let (source, destination) = (address(12)?, address(16)?);
        Some((SocketAddr::new(source, port(at)?), SocketAddr::new(destination, port(at.checked_add(2)?)?)))
    }

    fn between(&self, source: SocketAddr, destination: SocketAddr) -> Option<Self> {
        let at = udp_at(self)?;
        let (SocketAddr::V4(source), SocketAddr::V4(destination)) = (source, destination) else {
            return None;
        };
        let mut packet = self.clone();
        write(&mut packet, 12, &[source.ip().octets(), destination.ip().octets()].concat())?;
        let ports = [source.port().to_be_bytes(), destination.port().to_be_bytes()].concat();
        write(&mut packet, at, &ports)?;
        write(&mut packet, 10, &[0, 0])?;
        let header = sum(packet.get(..at)?, 0);
        write(&mut packet, 10, &header.to_be_bytes())?;
        let udp = at.checked_add(6)?;
        // RFC 768: no sum stays none.
        if packet.get(udp..udp.checked_add(2)?)? != [0, 0] {
            write(&mut packet, udp, &[0, 0])?;
            let datagram = packet.get(at..)?;
            // RFC 768: a sum of zero travels as all ones.
            let sum = Some(sum(datagram, pseudo(&packet, datagram.len())?)).filter(|sum| *sum != 0);
            write(&mut packet, udp, &sum.unwrap_or(u16::MAX).to_be_bytes())?;
        }
        Some(packet)
    }
}

/// Where the UDP header of a whole IPv4 packet is.
fn udp_at(packet: &[u8]) -> Option<usize> {
    let header = packet.first_chunk::<20>()?;
    let [first, _, l0, l1, _, _, f0, f1, _, protocol, ..] = *header;
    let at = usize::from(first & 15).checked_mul(4)?;
    let is_whole = u16::from_be_bytes([f0, f1]) & 0x3fff == 0;
    let len = usize::from(u16::from_be_bytes([l0, l1]));
    let is_udp = first >> 4 == 4 && protocol == 17 && is_whole && len == packet.len();
    (is_udp && at >= 20 && packet.len() >= at.checked_add(8)?).then_some(at)
}

fn write(packet: &mut [u8], at: usize, octets: &[u8]) -> Option<()> {
    packet.get_mut(at..at.checked_add(octets.len())?)?.copy_from_slice(octets);
    Some(())
}

/// The words of a pseudo header (RFC 768), added up.
fn pseudo(packet: &[u8], len: usize) -> Option<u64> {
    let ends = words(packet.get(12..20)?);
    ends.checked_add(17)?.checked_add(u64::try_from(len).ok()?)
}

fn words(octets: &[u8]) -> u64 {
    let word = |pair: &[u8]| match *pair {
        [high, low] => u64::from(u16::from_be_bytes([high, low])),
        [high] => u64::from(u16::from_be_bytes([high, 0])),
        _ => 0,
    };
    octets.chunks(2).map(word).fold(0, u64::saturating_add)
}

/// The internet checksum (RFC 1071) of `octets` and what is added already.
fn sum(octets: &[u8], more: u64) -> u16 {
    let mut total = words(octets).saturating_add(more);
    while total > 0xffff {
        total = (total >> 16).saturating_add(total & 0xffff);
    }
    !u16::try_from(total).unwrap_or(u16::MAX)
}
