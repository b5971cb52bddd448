//! Packets on their way through a transform: alone or in a batch, with what became of each.

use core::time::Duration;

use crate::{DropReason, Fresh, InboundState, Opened, OutboundState, PacketBuf, SealError, Sequence, Spi};

/// One packet of a batch to seal.
pub struct SealJob<'a> {
    /// The packet, sealed in place.
    pub packet: &'a mut PacketBuf,
    sequence: Option<Sequence>,
    /// How it went. An error, until the job is done.
    pub result: Result<(), SealError>,
}

impl<'a> SealJob<'a> {
    /// A packet for `seal_each`, which reserves its number.
    pub fn new(packet: &'a mut PacketBuf) -> Self {
        Self { packet, sequence: None, result: Err(SealError::Provider) }
    }

    /// A packet with its number for `seal_reserved`.
    pub fn reserved(packet: &'a mut PacketBuf, sequence: Sequence) -> Self {
        Self { packet, sequence: Some(sequence), result: Err(SealError::Provider) }
    }

    /// For transforms: the number, which is used up by this.
    pub fn take_sequence(&mut self) -> Option<Sequence> {
        self.sequence.take()
    }
}

/// An authentic packet that is not accepted yet. It comes from an inbound SA's `verify` only, because a [`Fresh`]
/// number comes from a window only.
#[derive(Debug)]
#[must_use]
pub struct Verified {
    spi: Spi,
    fresh: Fresh,
    octets: usize,
    outcome: Result<Opened, DropReason>,
}

impl Verified {
    /// For transforms: the ICV of a packet has held. `octets` are counted when it is accepted; `outcome` says whether
    /// its contents are to be delivered.
    pub fn new(spi: Spi, fresh: Fresh, octets: usize, outcome: Result<Opened, DropReason>) -> Self {
        Self { spi, fresh, octets, outcome }
    }
}

/// One packet of a batch to open.
pub struct OpenJob<'a> {
    /// The packet, opened in place.
    pub packet: &'a mut PacketBuf,
    verified: Option<Verified>,
    /// How it went. An error, until the job is done.
    pub result: Result<Opened, DropReason>,
}

impl<'a> OpenJob<'a> {
    /// A packet to open.
    pub fn new(packet: &'a mut PacketBuf) -> Self {
        Self { packet, verified: None, result: Err(DropReason::Provider) }
    }

    /// For transforms: notes whether the packet is authentic.
    pub fn note(&mut self, result: Result<Verified, DropReason>) {
        match result {
            Ok(verified) => self.verified = Some(verified),
            Err(reason) => self.result = Err(reason),
        }
    }

    /// What was noted.
    ///
    /// # Errors
    /// [`DropReason`].
    pub fn into_verified(self) -> Result<Verified, DropReason> {
        self.verified.ok_or(self.result.err().unwrap_or(DropReason::Provider))
    }
}

impl OutboundState {
    /// Reserves a number for each job that has none yet.
    pub fn reserve_each(&mut self, jobs: &mut [SealJob<'_>], now: Duration) {
        for job in jobs {
            if job.sequence.is_none() {
                match self.reserve(job.packet.len(), now) {
                    Ok(sequence) => job.sequence = Some(sequence),
                    Err(exhausted) => job.result = Err(exhausted.into()),
                }
            }
        }
    }

    /// Counts the packets of a batch that were not sealed.
    pub fn count_failed(&mut self, jobs: &[SealJob<'_>]) {
        for job in jobs {
            if let Err(error) = job.result {
                self.count_drop(error.into());
            }
        }
    }
}

impl InboundState {
    /// Whether a batch may be looked at at all. Past a hard limit each of its packets is counted and refused.
    pub fn may_open(&mut self, jobs: &mut [OpenJob<'_>], now: Duration) -> bool {
        let Err(expired) = self.check_lifetime(now) else { return true };
        for job in jobs {
            job.result = Err(expired);
            self.count_drop(expired);
        }
        false
    }

    /// Accepts a verified packet: moves the window and counts it.
    ///
    /// # Errors
    /// [`DropReason`], counted: the packet came a second time meanwhile, the SA is past a hard limit, or the packet was
    /// authentic but its contents are not to be delivered.
    pub fn accept_verified(&mut self, verified: Verified, now: Duration) -> Result<Opened, DropReason> {
        let Verified { spi, fresh, octets, outcome } = verified;
        let own = if spi == self.config().spi { Ok(()) } else { Err(DropReason::UnknownSpi) };
        let result = own.and_then(|()| self.accept(fresh, octets, now)).and(outcome);
        if let Err(reason) = result {
            self.count_drop(reason);
        }
        result
    }

    /// Accepts the verified packets of a batch in its order and counts the others.
    pub fn accept_each(&mut self, jobs: &mut [OpenJob<'_>], now: Duration) {
        for job in jobs {
            match job.verified.take() {
                Some(verified) => job.result = self.accept_verified(verified, now),
                None => {
                    if let Err(reason) = job.result {
                        self.count_drop(reason);
                    }
                }
            }
        }
    }
}
