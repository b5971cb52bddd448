//! Sealing: AH goes into packets, in place.

use alloc::boxed::Box;
use core::array;
use core::time::Duration;

use crypto_provider::MacJob;
use ipsec_core::{
    DropReason, Exhausted, IpHeader, Limit, Mode, OutboundConfig, OutboundState, PacketBuf, Protocol,
    SaSnapshot, SealError, SealJob, Sequence, finish_header, insertion_point, open_gap,
};

use crate::header::header_len;
use crate::mutable_fields::{Masked, Uncoverable};
use crate::{AhHeader, Alignment, Integrity, Transform};

/// Packets that go through the provider's batch hook together: what drivers hand over at a time. Larger batches are
/// cut. Smaller ones, one packet above all, pay for the places of [`SMALL_BATCH`] or of one.
const BATCH: usize = 32;
/// Packets of a batch that is not worth the places of a whole one.
const SMALL_BATCH: usize = 4;

/// One direction of AH, from here to the peer.
///
/// Sealing has two steps. [`reserve`](Self::reserve) needs `&mut self`, is cheap, and hands out a sequence number;
/// [`seal`](Self::seal) needs `&self`, does the work, and consumes the number. [`seal_each`](Self::seal_each) does
/// both for a batch.
pub struct OutboundSa {
    state: OutboundState,
    transform: Box<Transform>,
    alignment: Alignment,
}

impl OutboundSa {
    /// An SA installed at `now`.
    pub fn new(config: OutboundConfig, transform: Transform, now: Duration) -> Self {
        let state = OutboundState::new(config, now);
        Self { state, transform: Box::new(transform), alignment: Alignment::default() }
    }

    /// The same for a peer that wants another alignment over IPv4.
    #[must_use]
    pub fn aligned(self, alignment: Alignment) -> Self {
        Self { alignment, ..self }
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
    pub fn seal(&self, sequence: Sequence, packet: &mut PacketBuf) -> Result<(), SealError> {
        let mut jobs = [SealJob::reserved(packet, sequence)];
        self.seal_reserved(&mut jobs);
        let [job] = jobs;
        job.result
    }

    /// Reserves a number for each packet and seals them all; each job says how it went.
    pub fn seal_each(&mut self, jobs: &mut [SealJob<'_>], now: Duration) {
        self.state.reserve_each(jobs, now);
        self.seal_reserved(jobs);
        self.state.count_failed(jobs);
    }

    /// Seals packets whose numbers are reserved. Several threads may do this at once. Jobs without a number are
    /// passed over.
    pub fn seal_reserved(&self, jobs: &mut [SealJob<'_>]) {
        for chunk in jobs.chunks_mut(BATCH) {
            match chunk.len() {
                0 | 1 => self.seal_chunk::<1>(chunk),
                2..=SMALL_BATCH => self.seal_chunk::<SMALL_BATCH>(chunk),
                _ => self.seal_chunk::<BATCH>(chunk),
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

    /// What it was made with.
    pub fn config(&self) -> &OutboundConfig {
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

    /// Octets that sealing adds to a packet, `over_v6` for an IPv6 header before AH (tunnel mode knows by itself).
    pub fn overhead(&self, over_v6: bool) -> usize {
        let icv_len = self.transform.integrity.icv_len;
        match self.state.config().mode {
            Mode::Tunnel(tunnel) => {
                let ah = header_len(icv_len, tunnel.local().is_ipv6(), self.alignment);
                ah.saturating_add(tunnel.header_len())
            }
            Mode::Transport => header_len(icv_len, over_v6, self.alignment),
        }
    }

    fn seal_chunk<const N: usize>(&self, jobs: &mut [SealJob<'_>]) {
        let mut masks = [Masked::empty(); N];
        let mut cuts = [None; N];
        for ((job, mask), cut) in jobs.iter_mut().zip(&mut masks).zip(&mut cuts) {
            let Some(sequence) = job.take_sequence() else { continue };
            job.result = self.frame(job.packet, &sequence, mask).map(|framed| *cut = Some(framed));
        }
        let mut parts = [[&[] as &[u8]; Cut::PARTS]; N];
        let mut icvs: [&mut [u8]; N] = array::from_fn(|_| Default::default());
        let mut used: usize = 0;
        let framed =
            jobs.iter_mut().zip(&masks).zip(&cuts).filter_map(|(job, cut)| Some((job, cut.as_ref()?)));
        for ((((job, mask), cut), parts), icv) in framed.zip(&mut parts).zip(&mut icvs) {
            if let Some((covered, place)) = cut.parts(mask, job.packet.octets_mut()) {
                (*parts, *icv) = (covered, place);
            }
            used = used.saturating_add(1);
        }
        let mut work = array::from_fn::<_, N, _>(|_| MacJob { parts: &[], out: &mut [] });
        for ((job, parts), icv) in work.iter_mut().zip(&parts).zip(icvs) {
            *job = MacJob { parts, out: icv };
        }
        self.transform.key.compute_each(work.get_mut(..used).unwrap_or_default());
    }

    /// Puts AH, its ICV zero, into the packet, and masks what stands before it.
    fn frame(
        &self,
        packet: &mut PacketBuf,
        sequence: &Sequence,
        mask: &mut Masked,
    ) -> Result<Cut, SealError> {
        self.state.check_own(sequence)?;
        let ip = IpHeader::parse(packet.octets()).map_err(|_| SealError::NotIp)?;
        // Octets behind the IP packet are padding of the link.
        packet.strip_back(packet.len().saturating_sub(ip.total_len()))?;
        let overhead = self.overhead(matches!(ip, IpHeader::V6(_)));
        if packet.len().saturating_add(overhead) > usize::from(u16::MAX) {
            return Err(SealError::TooBig);
        }
        packet.check_room(overhead, 0)?;
        let config = self.state.config();
        let mut header = AhHeader {
            next_header: ip.as_payload(),
            len: overhead,
            spi: config.spi,
            sequence: sequence.low(),
        };
        let offset = match config.mode {
            Mode::Tunnel(tunnel) => {
                header.len = overhead.saturating_sub(tunnel.header_len());
                packet.prepend(header.len)?;
                tunnel.outer(&ip).prepend(packet, Protocol::AH, sequence.identification())?;
                tunnel.header_len()
            }
            Mode::Transport => {
                let at = insertion_point(&ip, packet.octets())?;
                header.next_header = at.protocol;
                open_gap(packet, at.offset, header.len)?;
                finish_header(packet.octets_mut(), at.next_field, Protocol::AH)?;
                at.offset
            }
        };
        let end = offset.saturating_add(header.len);
        let gap = packet.octets_mut().get_mut(offset..end).unwrap_or_default();
        for (to, from) in gap.iter_mut().zip(header.encode().into_iter().chain([0; MAX_PADDED_ICV])) {
            *to = from;
        }
        let sealed = IpHeader::parse(packet.octets()).map_err(|_| SealError::NotIp)?;
        let front = packet.octets().get(..offset).unwrap_or_default();
        *mask = Masked::of(&sealed, front).map_err(|Uncoverable| SealError::Options)?;
        let high = config.width.is_extended().then(|| sequence.high().to_be_bytes());
        Ok(Cut { offset, icv_len: self.transform.integrity.icv_len, high })
    }
}

/// Octets of the longest ICV with its padding.
const MAX_PADDED_ICV: usize = Integrity::MAX_ICV + 8;

const ZERO_ICV: [u8; Integrity::MAX_ICV] = [0; Integrity::MAX_ICV];

/// Where AH stands in a packet.
#[derive(Clone, Copy)]
pub(crate) struct Cut {
    pub(crate) offset: usize,
    pub(crate) icv_len: usize,
    pub(crate) high: Option<[u8; 4]>,
}

impl Cut {
    /// Number of parts that the ICV covers.
    pub(crate) const PARTS: usize = 5;

    /// What the ICV covers (RFC 4302 3.3.3): masked headers, AH with a zero ICV, its padding and all that follows,
    /// the half of an extended sequence number that is not sent. And the ICV's place.
    pub(crate) fn parts<'a>(
        &'a self,
        mask: &'a Masked,
        packet: &'a mut [u8],
    ) -> Option<([&'a [u8]; Self::PARTS], &'a mut [u8])> {
        let (_, ah) = packet.split_at_mut_checked(self.offset)?;
        let (fixed, rest) = ah.split_at_mut_checked(AhHeader::FIXED)?;
        let (icv, after) = rest.split_at_mut_checked(self.icv_len)?;
        let high = self.high.as_ref().map_or(&[] as &[u8], |high| high);
        Some(([mask.octets(), fixed, ZERO_ICV.get(..self.icv_len)?, after, high], icv))
    }
}
