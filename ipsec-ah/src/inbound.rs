//! Opening: AH is checked and taken out of packets, in place.

use alloc::boxed::Box;
use core::time::Duration;

use crypto_provider::Mismatch;
use ipsec_core::{
    DropReason, Fresh, Header, InboundConfig, InboundState, IpHeader, Limit, Mode, OpenJob, Opened,
    PacketBuf, Protocol, SaSnapshot, Verified, close_gap, decapsulate, finish_header, locate,
};

use crate::header::header_len;
use crate::mutable_fields::{Masked, Uncoverable};
use crate::outbound::Cut;
use crate::{AhHeader, Alignment, Integrity, Transform};

/// One direction of AH, from the peer to here.
///
/// Opening has two steps. [`verify`](Self::verify) needs `&self` and does the work; [`accept`](Self::accept) needs
/// `&mut self`, is cheap, and moves the replay window. What `accept` needs comes from `verify` only, so a packet
/// whose ICV does not hold can change nothing.
///
/// A tunnel-mode SA also takes packets of a bundle whose outer header is shared, IP | AH | ESP: it then leaves that
/// header to ESP. Which layers a packet must have had is for the caller's [`Layers`](ipsec_core::Layers) to say.
pub struct InboundSa {
    state: InboundState,
    transform: Box<Transform>,
}

impl InboundSa {
    /// An SA installed at `now`.
    pub fn new(config: InboundConfig, transform: Transform, now: Duration) -> Self {
        Self { state: InboundState::new(config, now), transform: Box::new(transform) }
    }

    /// Opens one IP packet in place: [`verify`](Self::verify), then [`accept`](Self::accept).
    ///
    /// # Errors
    /// [`DropReason`], counted. The packet must be dropped then.
    pub fn open(&mut self, packet: &mut PacketBuf, now: Duration) -> Result<Opened, DropReason> {
        let mut jobs = [OpenJob::new(packet)];
        self.open_each(&mut jobs, now);
        let [job] = jobs;
        job.result
    }

    /// Opens a batch; each job says how it went.
    pub fn open_each(&mut self, jobs: &mut [OpenJob<'_>], now: Duration) {
        if self.state.may_open(jobs, now) {
            self.verify_each(jobs);
            self.accept_each(jobs, now);
        }
    }

    /// Checks one packet and takes AH out of it in place. The SA does not change.
    ///
    /// # Errors
    /// [`DropReason`]. The packet must be dropped then.
    pub fn verify(&self, packet: &mut PacketBuf) -> Result<Verified, DropReason> {
        let ip = IpHeader::parse(packet.octets()).map_err(|_| DropReason::OuterHeader)?;
        packet
            .strip_back(packet.len().saturating_sub(ip.total_len()))
            .map_err(|_| DropReason::OuterHeader)?;
        let found = locate(&ip, packet.octets(), Protocol::AH)?;
        let ah = packet.octets().get(found.offset..).ok_or(DropReason::TooShort)?;
        let header = AhHeader::parse(ah).ok_or(DropReason::TooShort)?;
        if header.spi != self.state.config().spi {
            return Err(DropReason::UnknownSpi);
        }
        self.check_len(&header, ah.len(), matches!(ip, IpHeader::V6(_)))?;
        let fresh = self.state.check(header.sequence)?;

        let front = packet.octets().get(..found.offset).unwrap_or_default();
        let mask = Masked::arrived(&ip, front).map_err(|Uncoverable| DropReason::Options)?;
        let high = self.state.config().width.is_extended().then(|| fresh.high().to_be_bytes());
        let cut = Cut { offset: found.offset, icv_len: self.transform.integrity.icv_len, high };
        let (parts, icv) = cut.parts(&mask, packet.octets_mut()).ok_or(DropReason::TooShort)?;
        self.transform.key.verify(&parts, icv).map_err(|Mismatch| DropReason::Icv)?;
        Ok(self.unwrap(packet, &ip, (&found, &header), fresh))
    }

    /// Checks a batch. Several threads may do this at once; [`accept_each`](Self::accept_each) follows.
    pub fn verify_each(&self, jobs: &mut [OpenJob<'_>]) {
        for job in jobs {
            let verified = self.verify(job.packet);
            job.note(verified);
        }
    }

    /// Accepts a verified packet: moves the window and counts it.
    ///
    /// # Errors
    /// [`DropReason`], counted: the packet came a second time meanwhile, the SA is past a hard limit, or the packet was
    /// authentic but its contents are not to be delivered.
    pub fn accept(&mut self, verified: Verified, now: Duration) -> Result<Opened, DropReason> {
        self.state.accept_verified(verified, now)
    }

    /// Accepts a verified batch in its order.
    pub fn accept_each(&mut self, jobs: &mut [OpenJob<'_>], now: Duration) {
        self.state.accept_each(jobs, now);
    }

    /// Counts a packet that the caller dropped, after [`verify`](Self::verify) failed for example.
    pub fn count_drop(&mut self, reason: DropReason) {
        self.state.count_drop(reason);
    }

    /// The next limit that was reached, each once.
    pub fn poll_limit(&mut self, now: Duration) -> Option<Limit> {
        self.state.poll_limit(now)
    }

    /// When to ask [`poll_limit`](Self::poll_limit) again even if no packet comes.
    pub fn next_deadline(&self) -> Option<Duration> {
        self.state.next_deadline()
    }

    /// What it was made with.
    pub fn config(&self) -> &InboundConfig {
        self.state.config()
    }

    /// The algorithm.
    pub fn integrity(&self) -> Integrity {
        self.transform.integrity
    }

    /// What `show` and metrics read.
    pub fn snapshot(&self, now: Duration) -> SaSnapshot {
        self.state.snapshot(Protocol::AH, now)
    }

    /// RFC 4302 2.2: the length follows from the ICV. Padding to 8 octets over IPv4 is more than the RFC wants, but
    /// covered by the ICV and sent by a common kernel.
    fn check_len(&self, header: &AhHeader, there: usize, over_v6: bool) -> Result<(), DropReason> {
        let icv_len = self.transform.integrity.icv_len;
        let shortest = header_len(icv_len, over_v6, Alignment::Four);
        if there < shortest || there < header.len {
            return Err(DropReason::TooShort);
        }
        let padded = header_len(icv_len, over_v6, Alignment::Eight);
        if header.len == shortest || header.len == padded { Ok(()) } else { Err(DropReason::Misaligned) }
    }

    fn unwrap(
        &self,
        packet: &mut PacketBuf,
        ip: &IpHeader,
        (found, header): (&Header, &AhHeader),
        fresh: Fresh,
    ) -> Verified {
        let spi = self.state.config().spi;
        let gone = match self.state.config().mode {
            Mode::Tunnel(_) if header.next_header != Protocol::ESP => found.offset.saturating_add(header.len),
            Mode::Tunnel(_) | Mode::Transport => header.len,
        };
        let octets = packet.len().saturating_sub(gone);
        let ends = (ip.source(), ip.destination());
        let outcome = self
            .deliver(packet, ip, found, header)
            .map(|()| Opened::new(spi, fresh.number(), header.next_header, octets, ends));
        Verified::new(spi, fresh, octets, outcome)
    }

    fn deliver(
        &self,
        packet: &mut PacketBuf,
        ip: &IpHeader,
        found: &Header,
        header: &AhHeader,
    ) -> Result<(), DropReason> {
        match self.state.config().mode {
            // RFC 2401 4.3: two tunnels with the same ends may share the outer header, which then belongs to ESP.
            Mode::Tunnel(_) if header.next_header != Protocol::ESP => {
                let front = found.offset.saturating_add(header.len);
                packet.strip_front(front).map_err(|_| DropReason::TooShort)?;
                decapsulate(packet, header.next_header, ip.traffic_class())?;
            }
            Mode::Tunnel(_) | Mode::Transport => {
                close_gap(packet, found.offset, header.len).map_err(|_| DropReason::TooShort)?;
                finish_header(packet.octets_mut(), found.next_field, header.next_header)
                    .map_err(|_| DropReason::InnerHeader)?;
            }
        }
        self.state.check_selector(packet.octets())
    }
}
