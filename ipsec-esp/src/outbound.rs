//! Sealing: clear packets become ESP packets, in place.

use alloc::boxed::Box;
use core::array;
use core::net::SocketAddr;
use core::time::Duration;

use crypto_provider::SecureRandom;
use ipsec_core::{
    DropReason, Exhausted, IpHeader, Lifetime, Limit, MixedFamilies, Mode, OutboundConfig, OutboundState,
    OuterHeader, PacketBuf, Protocol, SaSnapshot, SealError, SealJob, Sequence, finish_header,
    insertion_point, open_gap,
};

use crate::encap::carrier;
use crate::transform::{BATCH, Piece, SMALL_BATCH};
use crate::{EspHeader, Suite, Transform, UdpEncapsulation, trailer};

/// One direction of ESP, from here to the peer.
///
/// Sealing has two steps. [`reserve`](Self::reserve) needs `&mut self`, is cheap, and hands out a sequence number;
/// [`seal`](Self::seal) needs `&self`, does the work, and consumes the number. [`seal_each`](Self::seal_each) does
/// both for a batch.
///
/// An SA in use cannot be copied, so no two of them ever use one number under one key (RFC 3686, RFC 4106 2):
///
/// ```compile_fail,E0599
/// fn copy(sa: ipsec_esp::OutboundSa) -> (ipsec_esp::OutboundSa, ipsec_esp::OutboundSa) {
///     (sa.clone(), sa)
/// }
/// ```
pub struct OutboundSa {
    state: OutboundState,
    transform: Box<Transform>,
    encapsulation: Option<UdpEncapsulation>,
}

impl OutboundSa {
    /// An SA installed at `now`.
    pub fn new(mut config: OutboundConfig, transform: Transform, now: Duration) -> Self {
        if transform.suite().has_64_bit_block() {
            config.lifetime = config.lifetime.capped(Lifetime::MAX_OCTETS_64_BIT_BLOCK);
        }
        Self { state: OutboundState::new(config, now), transform: Box::new(transform), encapsulation: None }
    }

    /// The same, its packets in UDP (RFC 3948).
    #[must_use]
    pub fn in_udp(self, encapsulation: UdpEncapsulation) -> Self {
        Self { encapsulation: Some(encapsulation), ..self }
    }

    /// The peer, which is behind an address translator, is at another address and port now. Who has authenticated that is
    /// the business of the caller (RFC 3947 7).
    ///
    /// # Errors
    /// [`MixedFamilies`]; nothing has changed then.
    pub fn move_to(&mut self, remote: SocketAddr) -> Result<(), MixedFamilies> {
        self.state.move_to(remote.ip())?;
        if let Some(encapsulation) = &mut self.encapsulation {
            encapsulation.remote_port = remote.port();
        }
        Ok(())
    }

    /// Counts a packet of `octets` (its whole length before sealing) and reserves its sequence number.
    ///
    /// # Errors
    /// [`Exhausted`]; nothing is counted then.
    pub fn reserve(&mut self, octets: usize, now: Duration) -> Result<Sequence, Exhausted> {
        self.state.reserve(octets, now)
    }

    /// Seals one IP packet in place: a batch of one.
    ///
    /// # Errors
    /// [`SealError`]. The packet must be dropped then.
    pub fn seal(
        &self,
        sequence: Sequence,
        packet: &mut PacketBuf,
        random: &dyn SecureRandom,
    ) -> Result<(), SealError> {
        let mut jobs = [SealJob::reserved(packet, sequence)];
        self.seal_reserved(&mut jobs, random);
        let [job] = jobs;
        job.result
    }

    /// Reserves a number for each packet and seals them all; each job says how it went.
    pub fn seal_each(&mut self, jobs: &mut [SealJob<'_>], now: Duration, random: &dyn SecureRandom) {
        self.state.reserve_each(jobs, now);
        self.seal_reserved(jobs, random);
        self.state.count_failed(jobs);
    }

    /// Seals packets whose numbers are reserved. Several threads may do this at once. Jobs without a number are
    /// passed over.
    pub fn seal_reserved(&self, jobs: &mut [SealJob<'_>], random: &dyn SecureRandom) {
        for chunk in jobs.chunks_mut(BATCH) {
            match chunk.len() {
                0 | 1 => self.seal_chunk::<1>(chunk, random),
                2..=SMALL_BATCH => self.seal_chunk::<SMALL_BATCH>(chunk, random),
                _ => self.seal_chunk::<BATCH>(chunk, random),
            }
        }
    }

    /// As [`OutboundState::sent_lately`](ipsec_core::OutboundState::sent_lately).
    pub fn sent_lately(&self, sequence: u32) -> bool {
        self.state.sent_lately(sequence)
    }

    /// Counts a packet that the caller dropped, after [`seal`](Self::seal) failed for example.
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

    /// What it was made with; a lifetime may have been lowered for a cipher with short blocks.
    pub fn config(&self) -> &OutboundConfig {
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

    /// Octets of the largest packet (in transport mode: of what follows its IP header) that stays within `path_mtu`
    /// after sealing.
    pub fn max_payload(&self, path_mtu: usize) -> usize {
        let suite = self.suite();
        let ip = match self.state.config().mode {
            Mode::Tunnel(tunnel) => tunnel.header_len(),
            Mode::Transport => 0,
        };
        let fixed = [ip, carrier(self.encapsulation).1, EspHeader::LEN, suite.iv_len(), suite.icv_len()];
        let text = fixed.into_iter().fold(path_mtu, usize::saturating_sub);
        let padded = text.checked_div(suite.alignment()).unwrap_or(0).saturating_mul(suite.alignment());
        padded.saturating_sub(trailer::LEN)
    }

    fn seal_chunk<const N: usize>(&self, jobs: &mut [SealJob<'_>], random: &dyn SecureRandom) {
        let mut ivs = [[0; MAX_IV]; N];
        let drawn = self.draw(jobs.len(), &mut ivs, random);
        let mut cuts = [None; N];
        for ((job, cut), iv) in jobs.iter_mut().zip(&mut cuts).zip(&ivs) {
            let Some(sequence) = job.take_sequence() else { continue };
            let framed = drawn.and_then(|()| self.frame(job.packet, &sequence, iv));
            job.result = framed.map(|framed| *cut = Some(framed));
        }
        let mut pieces: [Piece<'_>; N] = array::from_fn(|_| Piece::empty());
        let mut used: usize = 0;
        let framed = jobs.iter_mut().zip(cuts).filter_map(|(job, cut)| cut.map(|cut| (job, cut)));
        for ((job, cut), piece) in framed.zip(&mut pieces) {
            if let Some(cut) = cut.piece(job.packet) {
                *piece = cut;
            }
            used = used.saturating_add(1);
        }
        let pieces_used = pieces.get_mut(..used).unwrap_or_default();
        self.transform.seal::<N>(pieces_used);
        let results = pieces.map(|piece| piece.result);
        let framed = jobs.iter_mut().zip(cuts).filter(|(_, cut)| cut.is_some());
        for ((job, _), result) in framed.zip(results) {
            job.result = result.map_err(|_| SealError::Provider);
        }
    }

    /// Random IVs for ciphers that must not have predictable ones (RFC 2405 3, RFC 3602 2.1, 3).
    fn draw<const N: usize>(
        &self,
        n: usize,
        ivs: &mut [[u8; MAX_IV]; N],
        random: &dyn SecureRandom,
    ) -> Result<(), SealError> {
        if !self.suite().is_cbc() {
            return Ok(());
        }
        for iv in ivs.iter_mut().take(n) {
            let iv = iv.get_mut(..self.suite().iv_len()).unwrap_or_default();
            random.fill(iv).map_err(|_| SealError::Random)?;
        }
        Ok(())
    }

    /// Puts header, IV, trailer and room for the ICV around the payload. Lengths and room are checked before
    /// anything changes.
    fn frame(
        &self,
        packet: &mut PacketBuf,
        sequence: &Sequence,
        iv: &[u8; MAX_IV],
    ) -> Result<Cut, SealError> {
        self.state.check_own(sequence)?;
        let ip = IpHeader::parse(packet.octets()).map_err(|_| SealError::NotIp)?;
        // Octets behind the IP packet are padding of the link.
        packet.strip_back(packet.len().saturating_sub(ip.total_len()))?;
        let place = self.place(&ip, packet)?;
        let suite = self.suite();
        let (protocol, carrier_len) = carrier(self.encapsulation);
        let payload = packet.len().saturating_sub(place.offset());
        let padding = trailer::padding(payload, suite.alignment());
        let tail = padding.saturating_add(trailer::LEN);
        let head = EspHeader::LEN.saturating_add(suite.iv_len());
        self.check_room(packet, head.saturating_add(carrier_len), tail.saturating_add(suite.icv_len()))?;

        trailer::write(packet.append(tail)?, place.next_header());
        packet.append(suite.icv_len())?;
        let front = head.saturating_add(carrier_len);
        match place {
            Place::Tunnel { outer, .. } => {
                packet.prepend(front)?;
                self.write_head(packet.octets_mut(), sequence, iv)?;
                outer.prepend(packet, protocol, sequence.identification())?;
            }
            Place::Transport { offset, next_field, .. } => {
                open_gap(packet, offset, front)?;
                let after_ip = packet.octets_mut().get_mut(offset..).unwrap_or_default();
                self.write_head(after_ip, sequence, iv)?;
                finish_header(packet.octets_mut(), next_field, protocol)?;
            }
        }
        let icv = packet.len().saturating_sub(suite.icv_len());
        let text = icv.saturating_sub(tail).saturating_sub(payload);
        let high = self.state.config().width.is_extended().then(|| sequence.high().to_be_bytes());
        Ok(Cut { esp: text.saturating_sub(head), text, icv, high })
    }

    fn place(&self, ip: &IpHeader, packet: &PacketBuf) -> Result<Place, SealError> {
        match self.state.config().mode {
            Mode::Tunnel(tunnel) => Ok(Place::Tunnel { outer: tunnel.outer(ip), inner: ip.as_payload() }),
            Mode::Transport => {
                let at = insertion_point(ip, packet.octets())?;
                Ok(Place::Transport { offset: at.offset, next_field: at.next_field, inner: at.protocol })
            }
        }
    }

    fn check_room(&self, packet: &PacketBuf, front: usize, back: usize) -> Result<(), SealError> {
        let outer = match self.state.config().mode {
            Mode::Tunnel(tunnel) => tunnel.header_len(),
            Mode::Transport => 0,
        };
        let front = front.saturating_add(outer);
        if packet.len().saturating_add(front).saturating_add(back) > usize::from(u16::MAX) {
            return Err(SealError::TooBig);
        }
        packet.check_room(front, back)?;
        Ok(())
    }

    /// Writes the UDP header, if there is one, the ESP header and the IV at the start of `octets`, which reach to the
    /// end of the packet.
    fn write_head(&self, octets: &mut [u8], sequence: &Sequence, iv: &[u8; MAX_IV]) -> Result<(), SealError> {
        let esp_len = octets.len().saturating_sub(carrier(self.encapsulation).1);
        let udp = match self.encapsulation {
            Some(udp) => udp.encode(esp_len).ok_or(SealError::TooBig)?,
            None => [0; UdpEncapsulation::HEADER],
        };
        let udp = udp.get(..carrier(self.encapsulation).1).unwrap_or_default();
        let header = EspHeader { spi: self.state.config().spi, sequence: sequence.low() }.encode();
        let counter = sequence.number().to_be_bytes();
        // Counter mode and GCM: the reserved number, which never comes twice (RFC 3686 2.1, RFC 4106 3.1).
        let iv = if self.suite().is_cbc() { iv.as_slice() } else { counter.as_slice() };
        let iv = iv.get(..self.suite().iv_len()).unwrap_or_default();
        for (to, from) in octets.iter_mut().zip(udp.iter().chain(&header).chain(iv)) {
            *to = *from;
        }
        Ok(())
    }
}

/// Octets of the longest IV.
const MAX_IV: usize = 16;

/// Where ESP goes, and what is inside it.
enum Place {
    Tunnel { outer: OuterHeader, inner: Protocol },
    Transport { offset: usize, next_field: usize, inner: Protocol },
}

impl Place {
    /// Octets that stay before ESP.
    fn offset(&self) -> usize {
        match self {
            Self::Tunnel { .. } => 0,
            Self::Transport { offset, .. } => *offset,
        }
    }

    fn next_header(&self) -> Protocol {
        match self {
            Self::Tunnel { inner, .. } | Self::Transport { inner, .. } => *inner,
        }
    }
}

/// Where a framed packet is cut.
#[derive(Clone, Copy)]
pub(crate) struct Cut {
    pub(crate) esp: usize,
    pub(crate) text: usize,
    pub(crate) icv: usize,
    pub(crate) high: Option<[u8; 4]>,
}

impl Cut {
    pub(crate) fn piece<'a>(&self, packet: &'a mut PacketBuf) -> Option<Piece<'a>> {
        let piece = Piece::cut(packet.octets_mut(), self.esp, self.text, self.icv)?;
        Some(Piece { high: self.high, ..piece })
    }
}
