//! The hosts behind the routers: they ping, answer pings, and send and count a UDP stream.

use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use std::collections::{BTreeSet, VecDeque};

use ipsec_core::IpHeader;

use crate::router::datagram::{self, Echo, Udp};

/// What every packet of a host carries: an observer on the wire looks for it.
pub const CANARY: &[u8] = b"only the two hosts may read this";

/// RFC 792 leaves the identifier to the sender.
const PING_IDENTIFIER: u16 = 0x2513;
/// The port of the stream, both ways: the first beyond those that IANA assigns (RFC 6335 6).
const STREAM_PORT: u16 = 49152;

/// Something that a host noticed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostEvent {
    /// An echo reply came back.
    Reply {
        /// From whom.
        from: IpAddr,
        /// To which request.
        sequence: u16,
        /// Octets of the whole packet.
        octets: usize,
        /// TTL or hop limit that was left.
        ttl: u8,
        /// Since the request was sent.
        time: Duration,
    },
    /// A datagram of the stream came in.
    Stream {
        /// Its number.
        number: u32,
    },
}

/// A row of packets that a host is to send.
#[derive(Clone, Debug)]
struct Job {
    kind: JobKind,
    to: IpAddr,
    next: Duration,
    interval: Duration,
    sent: u16,
    count: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum JobKind {
    Ping,
    Stream,
}

/// One host with one address.
#[derive(Debug)]
pub struct Host {
    name: String,
    address: IpAddr,
    jobs: Vec<Job>,
    /// When each echo request left, by sequence number from 1.
    asked: Vec<Duration>,
    identification: u16,
    outbox: VecDeque<Vec<u8>>,
    events: VecDeque<HostEvent>,
    /// What was received, each once.
    replies: BTreeSet<u16>,
    stream: BTreeSet<u32>,
    stream_sent: u16,
}

impl Host {
    /// A host that is silent until it is told to speak or asked.
    #[must_use]
    pub fn new(name: impl Into<String>, address: IpAddr) -> Self {
        Self {
            name: name.into(),
            address,
            jobs: Vec::new(),
            asked: Vec::new(),
            identification: 0,
            outbox: VecDeque::new(),
            events: VecDeque::new(),
            replies: BTreeSet::new(),
            stream: BTreeSet::new(),
            stream_sent: 0,
        }
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its address.
    #[must_use]
    pub const fn address(&self) -> IpAddr {
        self.address
    }

    /// Begins to send `count` echo requests, one each `interval`, the first one now.
    pub fn ping(&mut self, now: Duration, to: IpAddr, count: u16, interval: Duration) {
        self.jobs.push(Job { kind: JobKind::Ping, to, next: now, interval, sent: 0, count });
        self.handle_timeout(now);
    }

    /// Begins to send `count` numbered datagrams, one each `interval`, the first one now.
    pub fn stream(&mut self, now: Duration, to: IpAddr, count: u16, interval: Duration) {
        self.jobs.push(Job { kind: JobKind::Stream, to, next: now, interval, sent: 0, count });
        self.handle_timeout(now);
    }

    /// Echo requests sent.
    #[must_use]
    pub fn asked(&self) -> usize {
        self.asked.len()
    }

    /// Echo requests that were answered.
    #[must_use]
    pub fn answered(&self) -> usize {
        self.replies.len()
    }

    /// Datagrams of its own stream that were sent.
    #[must_use]
    pub const fn streamed_to_peer(&self) -> u16 {
        self.stream_sent
    }

    /// Datagrams of the other host's stream that came in.
    #[must_use]
    pub fn streamed(&self) -> usize {
        self.stream.len()
    }

    /// What it noticed, in order.
    pub fn poll_event(&mut self) -> Option<HostEvent> {
        self.events.pop_front()
    }

    /// A packet came in. What is malformed or not for this host is ignored.
    pub fn handle_packet(&mut self, now: Duration, packet: &[u8]) {
        let Ok(header) = IpHeader::parse(packet) else { return };
        if header.destination() != self.address {
            return;
        }
        if let Ok(echo) = Echo::parse(packet) {
            self.handle_echo(now, &header, &echo);
        } else if let Ok(udp) = Udp::parse(packet)
            && udp.destination.port() == STREAM_PORT
            && let Some((number, CANARY)) = udp.payload.split_first_chunk::<4>()
        {
            let number = u32::from_be_bytes(*number);
            if self.stream.insert(number) {
                self.events.push_back(HostEvent::Stream { number });
            }
        }
    }

    /// The next packets of all rows that are due.
    pub fn handle_timeout(&mut self, now: Duration) {
        let mut jobs = core::mem::take(&mut self.jobs);
        for job in &mut jobs {
            while job.sent < job.count && job.next <= now {
                job.sent = job.sent.saturating_add(1);
                job.next = job.next.saturating_add(job.interval);
                self.send(now, job);
            }
        }
        jobs.retain(|job| job.sent < job.count);
        self.jobs = jobs;
    }

    /// When the next packet is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.jobs.iter().map(|job| job.next).min()
    }

    /// The next packet to send.
    pub fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        self.outbox.pop_front()
    }

    fn send(&mut self, now: Duration, job: &Job) {
        self.identification = self.identification.wrapping_add(1);
        let id = self.identification;
        let packet = match job.kind {
            JobKind::Ping => {
                self.asked.push(now);
                let sequence = u16::try_from(self.asked.len()).unwrap_or(u16::MAX);
                let echo = Echo { is_reply: false, identifier: PING_IDENTIFIER, sequence, data: CANARY };
                echo.packet(self.address, job.to, id)
            }
            JobKind::Stream => {
                self.stream_sent = self.stream_sent.saturating_add(1);
                // Numbers go on from stream to stream: each datagram counts once.
                let mut payload = u32::from(self.stream_sent).to_be_bytes().to_vec();
                payload.extend_from_slice(CANARY);
                let [from, to] = [self.address, job.to].map(|address| SocketAddr::new(address, STREAM_PORT));
                datagram::udp_between(from, to, id, &payload)
            }
        };
        self.outbox.extend(packet);
    }

    fn handle_echo(&mut self, now: Duration, header: &IpHeader, echo: &Echo<'_>) {
        if !echo.is_reply {
            self.identification = self.identification.wrapping_add(1);
            let reply = Echo { is_reply: true, ..*echo };
            self.outbox.extend(reply.packet(self.address, header.source(), self.identification));
            return;
        }
        let index = usize::from(echo.sequence).checked_sub(1);
        let asked = index.and_then(|index| self.asked.get(index)).copied();
        // A reply counts once, and only if it brings back what was sent.
        if let Some(asked) = asked
            && echo.identifier == PING_IDENTIFIER
            && echo.data == CANARY
            && self.replies.insert(echo.sequence)
        {
            self.events.push_back(HostEvent::Reply {
                from: header.source(),
                sequence: echo.sequence,
                octets: header.total_len(),
                ttl: header.ttl(),
                time: now.saturating_sub(asked),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use core::net::Ipv4Addr;

    use super::*;

    const A: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    const B: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1));

    #[test]
    fn a_ping_is_answered_and_timed_and_counted_once() {
        let (mut a, mut b) = (Host::new("a", A), Host::new("b", B));
        let second = Duration::from_secs(1);
        a.ping(second, B, 2, second);
        assert_eq!(a.poll_timeout(), Some(2 * second));
        let request = a.poll_transmit().unwrap();
        assert!(a.poll_transmit().is_none());
        b.handle_packet(second, &request);
        let reply = b.poll_transmit().unwrap();
        for _ in 0..2 {
            a.handle_packet(second + Duration::from_millis(30), &reply);
        }
        let HostEvent::Reply { from, sequence, octets, ttl, time } = a.poll_event().unwrap() else {
            panic!()
        };
        assert_eq!((from, sequence, octets, ttl), (B, 1, 20 + 8 + CANARY.len(), 64));
        assert_eq!(time, Duration::from_millis(30));
        assert_eq!((a.poll_event(), a.asked(), a.answered()), (None, 1, 1));
        a.handle_timeout(2 * second);
        assert_eq!((a.asked(), a.poll_timeout()), (2, None));
    }

    #[test]
    fn a_stream_is_counted_by_its_numbers() {
        let (mut a, mut b) = (Host::new("a", A), Host::new("b", B));
        a.stream(Duration::ZERO, B, 3, Duration::ZERO);
        let sent: Vec<_> = core::iter::from_fn(|| a.poll_transmit()).collect();
        assert_eq!(sent.len(), 3);
        for packet in sent.iter().chain(&sent) {
            b.handle_packet(Duration::ZERO, packet);
        }
        let mut altered = sent[0].clone();
        altered[40] ^= 1;
        b.handle_packet(Duration::ZERO, &altered);
        assert_eq!(b.streamed(), 3);
    }
}
