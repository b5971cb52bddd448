//! Hosts that send numbered datagrams to each other and remember which of them came in.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use ipsec_core::IpHeader;

use crate::demo::CANARY;
use crate::router::datagram::{self, Udp};

/// The first port beyond those that IANA assigns (RFC 6335 6).
const PORT: u16 = 49_152;

/// A datagram that a host has sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    pub(super) at: Duration,
    pub(super) to: Ipv4Addr,
    pub(super) number: u32,
}

/// A row of datagrams to one other host.
#[derive(Clone, Copy, Debug)]
struct Row {
    next: Duration,
    interval: Duration,
    /// Whether each of them is to be answered.
    asks: bool,
}

/// One host.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) address: Ipv4Addr,
    rows: BTreeMap<Ipv4Addr, Row>,
    last: u32,
    pub(super) sent: Vec<Sent>,
    pub(super) received: BTreeSet<(IpAddr, u32)>,
    outbox: VecDeque<Vec<u8>>,
}

impl Host {
    pub(super) fn new(address: Ipv4Addr) -> Self {
        let (rows, received) = (BTreeMap::new(), BTreeSet::new());
        Self { address, rows, last: 0, sent: Vec::new(), received, outbox: VecDeque::new() }
    }

    /// Sends a datagram each `interval` from now on, in place of what it sent to that host before; none for no interval.
    pub(super) fn talk(&mut self, now: Duration, to: Ipv4Addr, interval: Option<Duration>, asks: bool) {
        match interval {
            Some(interval) => self.rows.insert(to, Row { next: now, interval, asks }),
            None => self.rows.remove(&to),
        };
    }

    /// What was sent and received so far does not count.
    pub(super) fn forget(&mut self) {
        self.sent.clear();
        self.received.clear();
    }

    fn send(&mut self, now: Duration, to: Ipv4Addr, asks: bool) {
        self.last = self.last.wrapping_add(1);
        let mut payload = CANARY.to_vec();
        payload.push(u8::from(asks));
        payload.extend(self.last.to_be_bytes());
        let [from, end] = [self.address, to].map(|address| SocketAddr::new(address.into(), PORT));
        let identification = u16::try_from(self.last & 0xffff).unwrap_or(0);
        self.outbox.extend(datagram::udp_between(from, end, identification, &payload));
        self.sent.push(Sent { at: now, to, number: self.last });
    }

    pub(super) fn handle_packet(&mut self, now: Duration, packet: &[u8]) {
        let Ok(header) = IpHeader::parse(packet) else { return };
        let Ok(udp) = Udp::parse(packet) else { return };
        let Some((asks, number)) = udp.payload.strip_prefix(CANARY).and_then(<[u8]>::split_first) else {
            return;
        };
        let (Ok(number), IpAddr::V4(source)) = (<[u8; 4]>::try_from(number), header.source()) else { return };
        if header.destination() != self.address {
            return;
        }
        let is_new = self.received.insert((source.into(), u32::from_be_bytes(number)));
        if is_new && *asks == 1 {
            self.send(now, source, false);
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Duration) {
        let due: Vec<_> =
            self.rows.iter().filter(|(_, row)| row.next <= now).map(|(to, row)| (*to, row.asks)).collect();
        for (to, asks) in due {
            self.send(now, to, asks);
            if let Some(row) = self.rows.get_mut(&to) {
                row.next = now.saturating_add(row.interval);
            }
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Duration> {
        self.rows.values().map(|row| row.next).min()
    }

    pub(super) fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        self.outbox.pop_front()
    }
}
