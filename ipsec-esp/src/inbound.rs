//! Opening: ESP packets become clear packets, in place.

use alloc::boxed::Box;
use core::array;
use core::time::Duration;

use ipsec_core::{
    DropReason, Ends, Fresh, Header, InboundConfig, InboundState, IpHeader, Lifetime, Limit, Mode, OpenJob,
    Opened, PacketBuf, Protocol, ReplayProtection, SaSnapshot, Verified, close_gap, decapsulate,
    finish_header, locate, readdress,
};

use crate::encap::{carrier, check_udp};
use crate::outbound::Cut;
use crate::transform::{BATCH, Fault, Piece, SMALL_BATCH};
use crate::{EspHeader, Suite, Transform, UdpEncapsulation, trailer};

/// One direction of ESP, from the peer to here.
///
/// Opening has two steps. [`verify`](Self::verify) needs `&self` and does the work; [`accept`](Self::accept) needs
/// `&mut self`, is cheap, and moves the replay window. What `accept` needs comes from `verify` only, so a packet
/// whose ICV does not hold can change nothing.
pub struct InboundSa {
    state: InboundState,
    transform: Box<Transform>,
    encapsulation: Option<UdpEncapsulation>,
    original: Option<Ends>,
}

impl InboundSa {
    /// An SA installed at `now`. A suite without integrity gets no replay window: a forged number would move it
    /// (RFC 4303 3.4.3).
    pub fn new(mut config: InboundConfig, transform: Transform, now: Duration) -> Self {
        if transform.suite().has_64_bit_block() {
            config.lifetime = config.lifetime.capped(Lifetime::MAX_OCTETS_64_BIT_BLOCK);
        }
        if transform.suite().icv_len() == 0 {
            config.replay = ReplayProtection::Off;
        }
        Self {
            state: InboundState::new(config, now),
            transform: Box::new(transform),
            encapsulation: None,
            original: None,
        }
    }

    /// The same, its packets in UDP (RFC 3948).
    #[must_use]
    pub fn in_udp(self, encapsulation: UdpEncapsulation) -> Self {
        Self { encapsulation: Some(encapsulation), ..self }
    }

    /// The same in transport mode, for a peer that sends from and to other addresses than its packets arrive with (NAT-OA):
    /// their TCP and UDP checksums are corrected (RFC 3948 3.1.2).
    #[must_use]
    pub fn sent_between(self, original: Ends) -> Self {
        Self { original: Some(original), ..self }
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

    /// Checks and decrypts one packet in place, a batch of one. The SA does not change.
    ///
    /// # Errors
    /// [`DropReason`]. The packet must be dropped then.
    pub fn verify(&self, packet: &mut PacketBuf) -> Result<Verified, DropReason> {
        let mut job = OpenJob::new(packet);
        self.verify_each(core::slice::from_mut(&mut job));
        job.into_verified()
    }

    /// Checks and decrypts a batch. Several threads may do this at once; [`accept_each`](Self::accept_each) follows.
    pub fn verify_each(&self, jobs: &mut [OpenJob<'_>]) {
        for chunk in jobs.chunks_mut(BATCH) {
            match chunk.len() {
                0 | 1 => self.verify_chunk::<1>(chunk),
                2..=SMALL_BATCH => self.verify_chunk::<SMALL_BATCH>(chunk),
                _ => self.verify_chunk::<BATCH>(chunk),
            }
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

    /// What it was made with; lifetime and window may have been lowered for a weak suite.
    pub fn config(&self) -> &InboundConfig {
        self.state.config()
    }

    /// The algorithms.
    pub fn suite(&self) -> &Suite {
        self.transform.suite()
    }

    /// What `show` and metrics read.
    pub fn snapshot(&self, now: Duration) -> SaSnapshot {
        self.state.snapshot(Protocol::ESP, now)
    }

    fn verify_chunk<const N: usize>(&self, jobs: &mut [OpenJob<'_>]) {
        let mut frames: [Option<Frame>; N] = array::from_fn(|_| None);
        for (job, frame) in jobs.iter_mut().zip(&mut frames) {
            match self.frame(job.packet) {
                Ok(found) => *frame = Some(found),
                Err(reason) => job.note(Err(reason)),
            }
        }
        let mut pieces: [Piece<'_>; N] = array::from_fn(|_| Piece::empty());
        let mut used: usize = 0;
        let framed = jobs.iter_mut().zip(&frames).filter_map(|(job, frame)| Some((job, frame.as_ref()?)));
        for ((job, frame), piece) in framed.zip(&mut pieces) {
            if let Some(cut) = frame.cut.piece(job.packet) {
                *piece = cut;
            }
            used = used.saturating_add(1);
        }
        self.transform.open::<N>(pieces.get_mut(..used).unwrap_or_default());
        let results = pieces.map(|piece| piece.result);
        let framed = jobs.iter_mut().zip(frames).filter_map(|(job, frame)| Some((job, frame?)));
        for ((job, frame), result) in framed.zip(results) {
            let verified = match result {
                Ok(()) => Ok(self.unwrap(job.packet, frame)),
                Err(Fault::Icv) => Err(DropReason::Icv),
                Err(Fault::Provider) => Err(DropReason::Provider),
            };
            job.note(verified);
        }
    }

    /// Finds the parts of a received packet. All lengths are compared before anything is subtracted from them.
    fn frame(&self, packet: &mut PacketBuf) -> Result<Frame, DropReason> {
        let ip = IpHeader::parse(packet.octets()).map_err(|_| DropReason::OuterHeader)?;
        packet
            .strip_back(packet.len().saturating_sub(ip.total_len()))
            .map_err(|_| DropReason::OuterHeader)?;
        let (protocol, carrier_len) = carrier(self.encapsulation);
        let found = locate(&ip, packet.octets(), protocol)?;
        let after_ip = packet.octets().get(found.offset..).ok_or(DropReason::TooShort)?;
        if self.encapsulation.is_some() {
            check_udp(after_ip)?;
        }
        let esp_packet = after_ip.get(carrier_len..).ok_or(DropReason::TooShort)?;
        let header = EspHeader::parse(esp_packet).ok_or(DropReason::TooShort)?;
        if header.spi != self.state.config().spi {
            return Err(DropReason::UnknownSpi);
        }
        let suite = self.suite();
        let fixed = EspHeader::LEN.saturating_add(suite.iv_len()).saturating_add(suite.icv_len());
        let text_len = esp_packet.len().checked_sub(fixed).ok_or(DropReason::TooShort)?;
        if text_len < suite.alignment() {
            return Err(DropReason::TooShort);
        }
        if !text_len.is_multiple_of(suite.alignment()) {
            return Err(DropReason::Misaligned);
        }
        let fresh = self.state.check(header.sequence)?;
        let esp = found.offset.saturating_add(carrier_len);
        let text = esp.saturating_add(EspHeader::LEN).saturating_add(suite.iv_len());
        let high = self.state.config().width.is_extended().then(|| fresh.high().to_be_bytes());
        let cut = Cut { esp, text, icv: text.saturating_add(text_len), high };
        Ok(Frame { ip, found, cut, fresh })
    }

    /// Takes the headers and the trailer off a packet that is authentic and decrypted.
    fn unwrap(&self, packet: &mut PacketBuf, frame: Frame) -> Verified {
        let spi = self.state.config().spi;
        let text = packet.octets().get(frame.cut.text..frame.cut.icv).unwrap_or_default();
        let read = trailer::read(text);
        let kept = match self.state.config().mode {
            Mode::Tunnel(_) => 0,
            Mode::Transport => frame.found.offset,
        };
        let octets = kept.saturating_add(read.map_or(text.len(), |(payload, _)| payload));
        let outcome = read
            .and_then(|(payload, next_header)| {
                self.deliver(packet, &frame, payload, next_header)?;
                let ends = (frame.ip.source(), frame.ip.destination());
                Ok(Opened::new(spi, frame.fresh.number(), next_header, octets, ends))
            })
            // Without integrity whoever sends a packet chooses its plaintext's faults: they must all look the same.
            .map_err(|reason| if self.suite().icv_len() == 0 { DropReason::Trailer } else { reason });
        Verified::new(spi, frame.fresh, octets, outcome)
    }

    fn deliver(
        &self,
        packet: &mut PacketBuf,
        frame: &Frame,
        payload: usize,
        next_header: Protocol,
    ) -> Result<(), DropReason> {
        // RFC 4303 2.6: a dummy packet is discarded without being looked at.
        if next_header == Protocol::NO_NEXT {
            return Err(DropReason::Dummy);
        }
        let Frame { ip, found, cut, .. } = frame;
        let end = cut.text.saturating_add(payload);
        packet.strip_back(packet.len().saturating_sub(end)).map_err(|_| DropReason::Trailer)?;
        match self.state.config().mode {
            Mode::Tunnel(_) => {
                packet.strip_front(cut.text).map_err(|_| DropReason::Trailer)?;
                decapsulate(packet, next_header, ip.traffic_class())?;
            }
            Mode::Transport => {
                let gap = cut.text.saturating_sub(found.offset);
                close_gap(packet, found.offset, gap).map_err(|_| DropReason::Trailer)?;
                finish_header(packet.octets_mut(), found.next_field, next_header)
                    .map_err(|_| DropReason::InnerHeader)?;
                if let Some(original) = self.original {
                    let upper = packet.octets_mut().get_mut(found.offset..).unwrap_or_default();
                    readdress(upper, next_header, original, (ip.source(), ip.destination()));
                }
            }
        }
        self.state.check_selector(packet.octets())
    }
}

/// A received packet, its parts found.
struct Frame {
    ip: IpHeader,
    found: Header,
    cut: Cut,
    fresh: Fresh,
}
