//! ESP and AH SAs side by side, and those whose packets somebody else seals and opens.

use core::net::SocketAddr;
use core::time::Duration;

use crypto_provider::SecureRandom;
use ipsec_core::{
    DropReason, Exhausted, InboundState, Limit, MixedFamilies, Mode, Opened, OutboundState, PacketBuf,
    Protocol, SaSnapshot, SealError,
};
use ipsec_esp::Suite;

/// An SA that protects packets.
pub(super) enum OutboundSa {
    Esp(ipsec_esp::OutboundSa),
    Ah(ipsec_ah::OutboundSa),
    Elsewhere(Elsewhere<OutboundState>),
}

/// An SA in another data path: its life in time is watched here, its packets are counted there.
pub(super) struct Elsewhere<State> {
    pub(super) state: State,
    /// None for AH.
    pub(super) suite: Option<Suite>,
    pub(super) packets: u64,
    pub(super) octets: u64,
}

impl<State> Elsewhere<State> {
    pub(super) const fn new(state: State, suite: Option<Suite>) -> Self {
        Self { state, suite, packets: 0, octets: 0 }
    }

    pub(super) const fn protocol(&self) -> Protocol {
        if self.suite.is_some() { Protocol::ESP } else { Protocol::AH }
    }

    fn counted(&self, mut snapshot: SaSnapshot) -> SaSnapshot {
        (snapshot.packets, snapshot.octets) = (self.packets, self.octets);
        let remaining = &mut snapshot.remaining.octets;
        *remaining = remaining.map(|octets| octets.saturating_sub(self.octets));
        snapshot
    }
}

impl OutboundSa {
    /// Seals one IP packet in place. On an error the packet must be dropped.
    pub(super) fn seal(
        &mut self,
        packet: &mut PacketBuf,
        now: Duration,
        random: &dyn SecureRandom,
    ) -> Result<(), SealError> {
        match self {
            Self::Esp(sa) => {
                let sequence = sa.reserve(packet.len(), now)?;
                sa.seal(sequence, packet, random)
            }
            Self::Ah(sa) => {
                let sequence = sa.reserve(packet.len(), now)?;
                sa.seal(sequence, packet)
            }
            // All of its sequence numbers are the other data path's.
            Self::Elsewhere(_) => Err(Exhausted::Sequence.into()),
        }
    }

    /// Octets of the largest packet with an IP header of `header_len` that is no longer than `limit` once it is sealed.
    pub(super) fn room(&self, limit: usize, header_len: usize, over_v6: bool) -> usize {
        match self {
            Self::Esp(sa) if sa.config().mode == Mode::Transport => {
                sa.max_payload(limit.saturating_sub(header_len)).saturating_add(header_len)
            }
            Self::Esp(sa) => sa.max_payload(limit),
            Self::Ah(sa) => limit.saturating_sub(sa.overhead(over_v6)),
            Self::Elsewhere(_) => limit,
        }
    }

    /// Whether a packet of this number left lately. What left elsewhere is the other data path's to know.
    pub(super) fn sent_lately(&self, sequence: u32) -> bool {
        match self {
            Self::Esp(sa) => sa.sent_lately(sequence),
            Self::Ah(sa) => sa.sent_lately(sequence),
            Self::Elsewhere(_) => false,
        }
    }

    /// The peer is elsewhere now. AH does not come by a translator, and stays.
    pub(super) fn move_to(&mut self, remote: SocketAddr) -> Result<(), MixedFamilies> {
        match self {
            Self::Esp(sa) => sa.move_to(remote),
            Self::Ah(_) => Ok(()),
            Self::Elsewhere(sa) => sa.state.move_to(remote.ip()),
        }
    }

    pub(super) fn count_drop(&mut self, reason: DropReason) {
        match self {
            Self::Esp(sa) => sa.count_drop(reason),
            Self::Ah(sa) => sa.count_drop(reason),
            Self::Elsewhere(sa) => sa.state.count_drop(reason),
        }
    }

    pub(super) fn poll_limit(&mut self, now: Duration) -> Option<Limit> {
        match self {
            Self::Esp(sa) => sa.poll_limit(now),
            Self::Ah(sa) => sa.poll_limit(now),
            Self::Elsewhere(sa) => sa.state.poll_limit(now),
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Duration> {
        match self {
            Self::Esp(sa) => sa.next_deadline(),
            Self::Ah(sa) => sa.next_deadline(),
            Self::Elsewhere(sa) => sa.state.next_deadline(),
        }
    }

    pub(super) fn snapshot(&self, now: Duration) -> SaSnapshot {
        match self {
            Self::Esp(sa) => sa.snapshot(now),
            Self::Ah(sa) => sa.snapshot(now),
            Self::Elsewhere(sa) => sa.counted(sa.state.snapshot(sa.protocol(), now)),
        }
    }
}

/// An SA that opens packets.
pub(super) enum InboundSa {
    Esp(ipsec_esp::InboundSa),
    Ah(ipsec_ah::InboundSa),
    Elsewhere(Elsewhere<InboundState>),
}

impl InboundSa {
    /// Opens one IP packet in place. On an error, which the SA has counted, the packet must be dropped.
    pub(super) fn open(&mut self, packet: &mut PacketBuf, now: Duration) -> Result<Opened, DropReason> {
        match self {
            Self::Esp(sa) => sa.open(packet, now),
            Self::Ah(sa) => sa.open(packet, now),
            Self::Elsewhere(_) => Err(DropReason::NoSa),
        }
    }

    pub(super) fn poll_limit(&mut self, now: Duration) -> Option<Limit> {
        match self {
            Self::Esp(sa) => sa.poll_limit(now),
            Self::Ah(sa) => sa.poll_limit(now),
            Self::Elsewhere(sa) => sa.state.poll_limit(now),
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Duration> {
        match self {
            Self::Esp(sa) => sa.next_deadline(),
            Self::Ah(sa) => sa.next_deadline(),
            Self::Elsewhere(sa) => sa.state.next_deadline(),
        }
    }

    pub(super) fn snapshot(&self, now: Duration) -> SaSnapshot {
        match self {
            Self::Esp(sa) => sa.snapshot(now),
            Self::Ah(sa) => sa.snapshot(now),
            Self::Elsewhere(sa) => sa.counted(sa.state.snapshot(sa.protocol(), now)),
        }
    }

    /// Octets of an IV in each packet; `None` for AH.
    pub(super) fn iv_len(&self) -> Option<usize> {
        match self {
            Self::Esp(sa) => Some(sa.suite().iv_len()),
            Self::Ah(_) => None,
            Self::Elsewhere(sa) => sa.suite.map(|suite| suite.iv_len()),
        }
    }
}

/// Whether a suite hides its payload.
pub(super) const fn encrypts(suite: &Suite) -> bool {
    !matches!(suite, Suite::Separate { cipher: crypto_provider::CipherAlgorithm::Null, .. })
}
