//! Putting fragments together again (RFC 791 3.2, RFC 8200 4.5, RFC 5722), within bounds.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use core::net::IpAddr;
use core::time::Duration;

use crate::{
    Chain, DropReason, IpHeader, Ipv4Header, Ipv6Header, PacketBuf, Protocol, finish_header, ipv4, ipv6,
};

/// Where fragments came from. Those of two scopes never make one packet: else who may speak in clear could put octets
/// into a packet that a tunnel brought, or the other way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope(pub u64);

/// Packets of which some fragments are missing.
///
/// Everything is bounded. Where a bound is met the oldest packet is given up, so that a flood of fragments that never
/// become packets (CVE-2018-5391) takes no more memory than the bounds say, and does not keep later packets out.
#[derive(Debug, Default)]
pub struct Reassembly {
    packets: BTreeMap<Key, Partial>,
    /// Number and key, the oldest first.
    by_age: BTreeMap<u64, Key>,
    next_number: u64,
    octets: usize,
}

/// RFC 791 3.2, RFC 8200 4.5: what the fragments of one packet share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    scope: Scope,
    source: IpAddr,
    destination: IpAddr,
    /// Over IPv4 only; over IPv6 fragments of one packet may differ in it.
    protocol: Option<Protocol>,
    identification: u32,
}

#[derive(Debug)]
struct Partial {
    number: u64,
    since: Duration,
    /// By offset, without overlap.
    pieces: BTreeMap<usize, Box<[u8]>>,
    /// Octets of all pieces.
    there: usize,
    /// Octets of the whole payload, known from the last fragment.
    total: Option<usize>,
    /// What stood before the payload of the first fragment.
    head: Option<Head>,
    congestion: bool,
    deaf: bool,
    /// RFC 5722 4: after an overlap all that belongs to the packet goes, also what is still to come.
    spoiled: bool,
}

#[derive(Debug)]
struct Head {
    octets: Box<[u8]>,
    /// Where the octet is that names the payload, and the name.
    next_field: usize,
    protocol: Protocol,
}

/// One fragment, taken apart.
struct Fragment<'a> {
    key: Key,
    head: &'a [u8],
    next_field: usize,
    protocol: Protocol,
    offset: usize,
    more: bool,
    payload: &'a [u8],
    ecn: u8,
}

impl Reassembly {
    /// Packets that may be incomplete at once: those of a few hundred flows that lose fragments within the time-out.
    pub const MAX_PACKETS: usize = 256;
    /// Octets that may wait in all, [`OVERHEAD`](Self::OVERHEAD) included: sixteen of the longest packets.
    pub const MAX_OCTETS: usize = 1 << 20;
    /// Fragments of one packet: 65535 octets over a link of 576.
    pub const MAX_FRAGMENTS: usize = 120;
    /// How long a packet may be incomplete. RFC 8200 4.5 gives up after 60 s; half of that is far more than fragments
    /// of one packet lie apart, and identifications come around so soon (RFC 4963) that longer is harmful.
    pub const TIME: Duration = Duration::from_secs(30);
    /// What keeping one fragment costs beyond its octets.
    pub const OVERHEAD: usize = 64;

    /// Nothing waits.
    pub const fn new() -> Self {
        Self { packets: BTreeMap::new(), by_age: BTreeMap::new(), next_number: 0, octets: 0 }
    }

    /// Takes a fragment. Returns the packet if that was the last one missing; a packet that is no fragment comes
    /// back at once.
    ///
    /// # Errors
    /// [`DropReason::Fragment`] for a fragment that overlaps another one, which ends the whole packet, or whose offset
    /// and length cannot be; [`DropReason::Congestion`] if fragments disagree whether they may be marked (RFC 3168 5.3);
    /// [`DropReason::OuterHeader`].
    pub fn accept(
        &mut self,
        packet: &[u8],
        scope: Scope,
        now: Duration,
    ) -> Result<Option<PacketBuf>, DropReason> {
        self.expire(now);
        let Some(fragment) = Fragment::parse(packet, scope)? else {
            return Ok(Some(PacketBuf::copy_of(packet)));
        };
        // RFC 6946 4: a fragment that is a whole packet has nothing to do with others.
        if fragment.offset == 0 && !fragment.more {
            return whole(&fragment.head(), &[(0, fragment.payload.into())].into()).map(Some);
        }
        fragment.check_lengths()?;
        self.make_room(&fragment);
        let key = fragment.key;
        let partial = self.packets.entry(key).or_insert_with(|| {
            self.next_number = self.next_number.saturating_add(1);
            self.by_age.insert(self.next_number, key);
            Partial::new(self.next_number, now)
        });
        let before = partial.cost();
        let result = partial.insert(&fragment);
        let (after, complete) = (partial.cost(), partial.is_complete());
        self.octets = self.octets.saturating_sub(before).saturating_add(after);
        result?;
        if !complete {
            return Ok(None);
        }
        let partial = self.remove(&key).ok_or(DropReason::Fragment)?;
        partial.finish().map(Some)
    }

    /// Gives up what has waited too long; how many packets that were.
    pub fn expire(&mut self, now: Duration) -> usize {
        let mut expired: usize = 0;
        while let Some(key) = self.oldest().filter(|(_, due)| *due <= now).map(|(key, _)| key) {
            self.remove(&key);
            expired = expired.saturating_add(1);
        }
        expired
    }

    /// When to call [`expire`](Self::expire).
    pub fn next_deadline(&self) -> Option<Duration> {
        self.oldest().map(|(_, due)| due)
    }

    /// Packets that are incomplete.
    pub fn len(&self) -> usize {
        self.packets.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    /// Octets that wait, overhead included.
    pub fn octets(&self) -> usize {
        self.octets
    }

    fn oldest(&self) -> Option<(Key, Duration)> {
        let (_, key) = self.by_age.first_key_value()?;
        Some((*key, self.packets.get(key)?.since.saturating_add(Self::TIME)))
    }

    fn make_room(&mut self, fragment: &Fragment<'_>) {
        let cost = fragment.payload.len().saturating_add(fragment.head.len()).saturating_add(Self::OVERHEAD);
        let is_new = !self.packets.contains_key(&fragment.key);
        while (is_new && self.packets.len() >= Self::MAX_PACKETS)
            || self.octets.saturating_add(cost).saturating_add(Self::OVERHEAD) > Self::MAX_OCTETS
        {
            let Some((oldest, _)) = self.oldest() else { return };
            self.remove(&oldest);
        }
    }

    fn remove(&mut self, key: &Key) -> Option<Partial> {
        let partial = self.packets.remove(key)?;
        self.by_age.remove(&partial.number);
        self.octets = self.octets.saturating_sub(partial.cost());
        Some(partial)
    }
}

impl<'a> Fragment<'a> {
    /// `None` if the packet is whole.
    fn parse(packet: &'a [u8], scope: Scope) -> Result<Option<Self>, DropReason> {
        let header = IpHeader::parse(packet).map_err(|_| DropReason::OuterHeader)?;
        let packet = packet.get(..header.total_len()).ok_or(DropReason::OuterHeader)?;
        let (source, destination) = (header.source(), header.destination());
        let ecn = header.traffic_class() & 0b11;
        match header {
            IpHeader::V4(v4) if v4.is_fragment() => {
                let (head, payload) =
                    packet.split_at_checked(v4.header_len).ok_or(DropReason::OuterHeader)?;
                let (protocol, identification) = (Some(v4.protocol), v4.identification.into());
                Ok(Some(Self {
                    key: Key { scope, source, destination, protocol, identification },
                    head,
                    next_field: Ipv4Header::PROTOCOL,
                    protocol: v4.protocol,
                    offset: usize::from(v4.fragment_offset).saturating_mul(8),
                    more: v4.more_fragments,
                    payload,
                    ecn,
                }))
            }
            IpHeader::V4(_) => Ok(None),
            IpHeader::V6(v6) => {
                let chain = Chain::walk(&v6, packet).map_err(|_| DropReason::OuterHeader)?;
                let Some((at, next_field)) = chain.fragment else { return Ok(None) };
                let (head, rest) = packet.split_at_checked(at).ok_or(DropReason::OuterHeader)?;
                let (&[next, _, o0, o1, identification @ ..], payload) =
                    rest.split_first_chunk::<8>().ok_or(DropReason::OuterHeader)?;
                let identification = u32::from_be_bytes(identification);
                let field = u16::from_be_bytes([o0, o1]);
                Ok(Some(Self {
                    key: Key { scope, source, destination, protocol: None, identification },
                    head,
                    next_field,
                    protocol: Protocol(next),
                    offset: usize::from(field & 0xfff8),
                    more: field & 1 != 0,
                    payload,
                    ecn,
                }))
            }
        }
    }

    fn end(&self) -> usize {
        self.offset.saturating_add(self.payload.len())
    }

    /// RFC 791 3.2, RFC 8200 4.5: all but the last have a multiple of 8 octets, and no packet has more than 65535.
    fn check_lengths(&self) -> Result<(), DropReason> {
        let before = match self.key.source {
            IpAddr::V4(_) => self.head.len(),
            IpAddr::V6(_) => self.head.len().saturating_sub(Ipv6Header::LEN),
        };
        let is_cut = self.more && !self.payload.len().is_multiple_of(8);
        let too_long = self.end().saturating_add(before) > usize::from(u16::MAX);
        if self.payload.is_empty() || is_cut || too_long { Err(DropReason::Fragment) } else { Ok(()) }
    }

    fn head(&self) -> Head {
        Head { octets: self.head.into(), next_field: self.next_field, protocol: self.protocol }
    }
}

impl Partial {
    fn new(number: u64, since: Duration) -> Self {
        Self {
            number,
            since,
            pieces: BTreeMap::new(),
            there: 0,
            total: None,
            head: None,
            congestion: false,
            deaf: false,
            spoiled: false,
        }
    }

    fn cost(&self) -> usize {
        let head = self.head.as_ref().map_or(0, |head| head.octets.len());
        let each = self.pieces.len().saturating_add(1).saturating_mul(Reassembly::OVERHEAD);
        self.there.saturating_add(head).saturating_add(each)
    }

    fn insert(&mut self, fragment: &Fragment<'_>) -> Result<(), DropReason> {
        if self.spoiled {
            return Err(DropReason::Fragment);
        }
        // RFC 8200 4.5: a copy that the network made of a fragment is no overlap.
        let is_copy = self.pieces.get(&fragment.offset).is_some_and(|piece| **piece == *fragment.payload);
        let ends_alike = fragment.more != (self.total == Some(fragment.end()));
        if is_copy && ends_alike {
            return Ok(());
        }
        if self.overlaps(fragment) || self.pieces.len() >= Reassembly::MAX_FRAGMENTS {
            *self = Self { spoiled: true, ..Self::new(self.number, self.since) };
            return Err(DropReason::Fragment);
        }
        if fragment.offset == 0 {
            self.head = Some(fragment.head());
        }
        if !fragment.more {
            self.total = Some(fragment.end());
        }
        self.congestion |= fragment.ecn == 0b11;
        self.deaf |= fragment.ecn == 0b00;
        self.there = self.there.saturating_add(fragment.payload.len());
        self.pieces.insert(fragment.offset, fragment.payload.into());
        Ok(())
    }

    /// Whether the fragment lies over another one, or over the end of the packet.
    fn overlaps(&self, fragment: &Fragment<'_>) -> bool {
        let end = fragment.end();
        let before = self.pieces.range(..=fragment.offset).next_back();
        let after = self.pieces.range(fragment.offset..).next();
        let last = self.pieces.last_key_value();
        before.is_some_and(|(at, piece)| at.saturating_add(piece.len()) > fragment.offset)
            || after.is_some_and(|(at, _)| *at < end)
            || self.total.is_some_and(|total| end > total || !fragment.more)
            || (!fragment.more && last.is_some_and(|(at, _)| *at >= end))
    }

    fn is_complete(&self) -> bool {
        self.head.is_some() && self.total == Some(self.there)
    }

    fn finish(self) -> Result<PacketBuf, DropReason> {
        if self.congestion && self.deaf {
            return Err(DropReason::Congestion);
        }
        let head = self.head.ok_or(DropReason::Fragment)?;
        let mut packet = whole(&head, &self.pieces)?;
        if self.congestion {
            match IpHeader::parse(packet.octets()).map_err(|_| DropReason::OuterHeader)? {
                IpHeader::V4(v4) => ipv4::set_tos(packet.octets_mut(), v4.tos | 0b11),
                IpHeader::V6(v6) => ipv6::set_traffic_class(packet.octets_mut(), v6.traffic_class | 0b11),
            }
        }
        Ok(packet)
    }
}

fn whole(head: &Head, pieces: &BTreeMap<usize, Box<[u8]>>) -> Result<PacketBuf, DropReason> {
    let len = pieces.values().fold(head.octets.len(), |sum, piece| sum.saturating_add(piece.len()));
    let mut packet = PacketBuf::with_capacity(PacketBuf::HEADROOM, len.saturating_add(PacketBuf::TAILROOM));
    for part in core::iter::once(&head.octets).chain(pieces.values()) {
        packet.append(part.len()).map_err(|_| DropReason::NoRoom)?.copy_from_slice(part);
    }
    let octets = packet.octets_mut();
    if let Some([first, _, _, _, _, _, f0, f1]) = octets.first_chunk_mut::<8>()
        && *first >> 4 == 4
    {
        // Neither MF nor an offset is left; DF stays.
        (*f0, *f1) = (*f0 & 0xc0, 0);
    }
    finish_header(octets, head.next_field, head.protocol).map_err(|_| DropReason::Fragment)?;
    Ok(packet)
}
