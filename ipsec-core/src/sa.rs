//! The state of an SA that ESP and AH share: numbers, window, limits, counters. Keys are theirs.

use alloc::sync::Arc;
use core::net::IpAddr;
use core::time::Duration;

use crate::{
    Cause, Counters, Direction, DropReason, Exhausted, Flow, Fresh, IdentificationCounter, Lifetime, Limit,
    Match, MixedFamilies, Protocol, ReplayProtection, ReplayWindow, SaSnapshot, SealError, Selector,
    Sequence, SequenceCounter, SequenceWidth, Spi, Tunnel, Usage,
};

/// How an SA wraps packets (RFC 4301 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The whole packet travels inside another one.
    Tunnel(Tunnel),
    /// The header goes between the packet's own IP header and what follows it. This is also how the outer half of
    /// a bundle works on the header that the inner half has built (RFC 2401 4.3).
    Transport,
}

/// What an outbound SA is made with.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct OutboundConfig {
    /// The peer's SPI.
    pub spi: Spi,
    /// Tunnel or transport.
    pub mode: Mode,
    /// 32-bit or extended sequence numbers.
    pub width: SequenceWidth,
    /// Soft and hard limits.
    pub lifetime: Lifetime,
    /// Draws the identification of outer IPv4 headers; shared by all SAs of a gateway.
    pub identification: Arc<IdentificationCounter>,
}

impl OutboundConfig {
    /// 32-bit numbers, no limits, an identification counter of its own.
    pub fn new(spi: Spi, mode: Mode) -> Self {
        Self {
            spi,
            mode,
            width: SequenceWidth::default(),
            lifetime: Lifetime::default(),
            identification: Arc::default(),
        }
    }
}

/// What an inbound SA is made with.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct InboundConfig {
    /// Our own SPI.
    pub spi: Spi,
    /// Tunnel or transport.
    pub mode: Mode,
    /// 32-bit or extended sequence numbers.
    pub width: SequenceWidth,
    /// Soft and hard limits.
    pub lifetime: Lifetime,
    /// The size of the window.
    pub replay: ReplayProtection,
    /// What a packet must be inside of after it was opened (RFC 4301 5.2 step 4). `None` only for the outer half of
    /// a bundle, whose payload is another layer.
    pub selector: Option<Selector>,
}

impl InboundConfig {
    /// 32-bit numbers, no limits, a window of 64.
    pub fn new(spi: Spi, mode: Mode, selector: Option<Selector>) -> Self {
        Self {
            spi,
            mode,
            width: SequenceWidth::default(),
            lifetime: Lifetime::default(),
            replay: ReplayProtection::default(),
            selector,
        }
    }
}

/// The state of an outbound SA: it has a counter and no window.
#[derive(Debug)]
pub struct OutboundState {
    config: OutboundConfig,
    counter: SequenceCounter,
    usage: Usage,
    drops: Counters,
}

impl OutboundState {
    /// A fresh SA, installed at `now`.
    pub fn new(config: OutboundConfig, now: Duration) -> Self {
        let counter = SequenceCounter::new(config.width);
        Self { usage: Usage::new(config.lifetime, now), counter, config, drops: Counters::new() }
    }

    /// What it was made with.
    pub fn config(&self) -> &OutboundConfig {
        &self.config
    }

    /// The peer is at another address now. In transport mode packets carry their own addresses, and nothing changes.
    ///
    /// # Errors
    /// [`MixedFamilies`]; nothing has changed then.
    pub fn move_to(&mut self, remote: IpAddr) -> Result<(), MixedFamilies> {
        if let Mode::Tunnel(tunnel) = self.config.mode {
            self.config.mode = Mode::Tunnel(tunnel.with_remote(remote)?);
        }
        Ok(())
    }

    /// Reserves a sequence number for one packet of `octets`, its whole length before sealing: the only step of sealing that changes the SA.
    ///
    /// # Errors
    /// [`Exhausted`]; nothing is counted then.
    pub fn reserve(&mut self, octets: usize, now: Duration) -> Result<Sequence, Exhausted> {
        self.counter.check()?;
        self.usage.charge(octets as u64, now)?;
        let number = self.counter.take()?;
        let identification = match self.config.mode {
            Mode::Tunnel(_) => self.config.identification.draw(),
            Mode::Transport => 0,
        };
        Ok(Sequence { spi: self.config.spi, number, identification })
    }

    /// Whether a packet whose sequence number is sent as `sequence` left here lately: one of the last 65536. Whoever has not seen
    /// such a packet must guess it.
    pub fn sent_lately(&self, sequence: u32) -> bool {
        self.counter.sent_lately(sequence)
    }

    /// Whether `sequence` was reserved here, as far as the SPI tells.
    ///
    /// # Errors
    /// [`SealError::ForeignSequence`].
    pub fn check_own(&self, sequence: &Sequence) -> Result<(), SealError> {
        if sequence.spi == self.config.spi { Ok(()) } else { Err(SealError::ForeignSequence) }
    }

    /// The next limit that was reached, each once.
    pub fn poll_limit(&mut self, now: Duration) -> Option<Limit> {
        let sequence = if self.counter.check().is_err() {
            Some(Limit::Hard(Cause::Sequence))
        } else {
            self.counter.nearly_exhausted().then_some(Limit::Soft(Cause::Sequence))
        };
        self.usage.poll_limit(now, sequence)
    }

    /// When to ask [`poll_limit`](Self::poll_limit) again even if no packet comes.
    pub fn next_deadline(&self) -> Option<Duration> {
        self.usage.next_deadline()
    }

    /// Counts a packet that was not sealed.
    pub fn count_drop(&mut self, reason: DropReason) {
        self.drops.count(reason);
    }

    /// What `show` and metrics read.
    pub fn snapshot(&self, protocol: Protocol, now: Duration) -> SaSnapshot {
        SaSnapshot {
            version: SaSnapshot::VERSION,
            protocol,
            spi: self.config.spi,
            mode: self.config.mode,
            packets: self.usage.packets(),
            octets: self.usage.octets(),
            sequence: self.counter.used(),
            replay: None,
            remaining: self.usage.remaining(now),
            drops: self.drops,
        }
    }
}

/// The state of an inbound SA: it has a window and no counter.
#[derive(Debug)]
pub struct InboundState {
    config: InboundConfig,
    window: ReplayWindow,
    usage: Usage,
    drops: Counters,
}

impl InboundState {
    /// A fresh SA, installed at `now`. Allocates its window.
    pub fn new(config: InboundConfig, now: Duration) -> Self {
        let window = ReplayWindow::new(config.replay, config.width);
        Self { usage: Usage::new(config.lifetime, now), window, config, drops: Counters::new() }
    }

    /// What it was made with.
    pub fn config(&self) -> &InboundConfig {
        &self.config
    }

    /// Looks a received sequence number up before any cryptography.
    ///
    /// # Errors
    /// As [`ReplayWindow::check`].
    pub fn check(&self, low: u32) -> Result<Fresh, DropReason> {
        self.window.check(low)
    }

    /// Whether an opened packet is inside the SA's selectors. `packet` begins with an IP header.
    ///
    /// # Errors
    /// [`DropReason::Selectors`], [`DropReason::OpaquePorts`], [`DropReason::InnerHeader`].
    pub fn check_selector(&self, packet: &[u8]) -> Result<(), DropReason> {
        let Some(selector) = &self.config.selector else { return Ok(()) };
        let flow = Flow::of(packet).map_err(|_| DropReason::InnerHeader)?;
        match selector.matches(&flow, Direction::Inbound) {
            Match::Yes => Ok(()),
            Match::No => Err(DropReason::Selectors),
            Match::Opaque => Err(DropReason::OpaquePorts),
        }
    }

    /// Whether the SA may still be used.
    ///
    /// # Errors
    /// [`DropReason::Expired`].
    pub fn check_lifetime(&mut self, now: Duration) -> Result<(), DropReason> {
        self.usage.check(now).map_err(DropReason::from)
    }

    /// Moves the window and counts an authentic packet of `octets`: its whole length after opening, so that both ends
    /// count alike.
    ///
    /// # Errors
    /// [`DropReason::Expired`]; as [`ReplayWindow::accept`].
    pub fn accept(&mut self, fresh: Fresh, octets: usize, now: Duration) -> Result<(), DropReason> {
        self.usage.check(now)?;
        self.window.accept(fresh)?;
        Ok(self.usage.charge(octets as u64, now)?)
    }

    /// The next limit that was reached, each once.
    pub fn poll_limit(&mut self, now: Duration) -> Option<Limit> {
        self.usage.poll_limit(now, None)
    }

    /// When to ask [`poll_limit`](Self::poll_limit) again even if no packet comes.
    pub fn next_deadline(&self) -> Option<Duration> {
        self.usage.next_deadline()
    }

    /// Counts a packet that was not delivered.
    pub fn count_drop(&mut self, reason: DropReason) {
        self.drops.count(reason);
    }

    /// What `show` and metrics read.
    pub fn snapshot(&self, protocol: Protocol, now: Duration) -> SaSnapshot {
        SaSnapshot {
            version: SaSnapshot::VERSION,
            protocol,
            spi: self.config.spi,
            mode: self.config.mode,
            packets: self.usage.packets(),
            octets: self.usage.octets(),
            sequence: self.window.highest(),
            replay: Some(self.window.protection()),
            remaining: self.usage.remaining(now),
            drops: self.drops,
        }
    }
}

/// A packet that was authentic, fresh and within its SA's selectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Opened {
    /// The SA.
    pub spi: Spi,
    /// Its whole sequence number.
    pub sequence: u64,
    /// What was inside: IPv4 or IPv6 in tunnel mode, any protocol in transport mode.
    pub next_header: Protocol,
    /// Octets that were counted: those of the clear packet, its padding against traffic analysis included.
    pub octets: usize,
    /// Source of the outer header: where the peer can be reached.
    pub source: IpAddr,
    /// Destination of the outer header.
    pub destination: IpAddr,
}

impl Opened {
    /// For transforms.
    pub fn new(
        spi: Spi,
        sequence: u64,
        next_header: Protocol,
        octets: usize,
        ends: (IpAddr, IpAddr),
    ) -> Self {
        let (source, destination) = ends;
        Self { spi, sequence, next_header, octets, source, destination }
    }
}
