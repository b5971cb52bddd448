//! What happens to packets on a router's link beside what every link of the simulator does.

use netsim::{Direction, Rng, Verdict};

/// IKE's port.
const IKE: u16 = 500;
/// The same behind a translator.
const NAT: u16 = 4500;

/// What meddles with the packets of one link.
#[derive(Debug)]
pub(super) struct Meddler {
    rng: Rng,
    /// Percent of the packets that are altered or cut.
    pub(super) altered: u32,
    /// NAT-D payloads that are altered yet.
    pub(super) nat_d: u32,
}

impl Meddler {
    pub(super) const fn new(rng: Rng) -> Self {
        Self { rng, altered: 0, nat_d: 0 }
    }

    pub(super) fn look(&mut self, _: Direction, packet: &[u8]) -> Verdict<Vec<u8>> {
        let hit = self.rng.below(100) < u64::from(self.altered);
        let (what, place) = (self.rng.below(4), self.rng.next_u64());
        if self.nat_d > 0
            && let Some(at) = nat_d(packet)
        {
            self.nat_d = self.nat_d.saturating_sub(1);
            return Verdict::Replace(altered(packet, at, 1));
        }
        if !hit {
            return Verdict::Pass;
        }
        let place = usize::try_from(place & 0xffff).unwrap_or(0);
        // The outer IP header is left alone: a network does not carry what has none.
        let at = place.checked_rem(packet.len().saturating_sub(20)).unwrap_or(0).saturating_add(20);
        match what {
            0 => Verdict::Replace(shortened(packet, at)),
            _ => Verdict::Replace(altered(packet, at, 1 << (place & 7))),
        }
    }
}

/// The packet with bits of one octet changed. UDP loses its checksum: whoever alters a datagram can mend that too.
fn altered(packet: &[u8], at: usize, bits: u8) -> Vec<u8> {
    let mut packet = packet.to_vec();
    if let Some(octet) = packet.get_mut(at) {
        *octet ^= bits;
    }
    without_sum(&mut packet);
    packet
}

/// The packet with nothing from `at` on, and lengths that say so.
fn shortened(packet: &[u8], at: usize) -> Vec<u8> {
    let mut packet = packet.get(..at).unwrap_or(packet).to_vec();
    let (len, is_udp) = (u16::try_from(packet.len()).unwrap_or(0), packet.get(9) == Some(&17));
    let mut write = |at: usize, octets: [u8; 2]| {
        if let Some(field) = at.checked_add(2).and_then(|end| packet.get_mut(at..end)) {
            field.copy_from_slice(&octets);
        }
    };
    write(2, len.to_be_bytes());
    write(10, [0; 2]);
    if is_udp {
        write(24, len.saturating_sub(20).to_be_bytes());
    }
    let sum = packet.get(..20).map_or(0, ipsec_core::checksum);
    if let Some(field) = packet.get_mut(10..12) {
        field.copy_from_slice(&sum.to_be_bytes());
    }
    without_sum(&mut packet);
    packet
}

/// RFC 768: no checksum.
fn without_sum(packet: &mut [u8]) {
    if packet.get(9) == Some(&17)
        && let Some(field) = packet.get_mut(26..28)
    {
        field.copy_from_slice(&[0; 2]);
    }
}

/// The ISAKMP message in a packet, after the UDP header and the marker of RFC 3948 2.2, and where it begins.
pub(super) fn ike(packet: &[u8]) -> Option<(usize, &[u8])> {
    let ports = [packet.get(20..22)?, packet.get(22..24)?].map(|port| match *port {
        [high, low] => u16::from_be_bytes([high, low]),
        _ => 0,
    });
    if packet.get(9) != Some(&17) {
        return None;
    }
    let at = match ports {
        [IKE, _] | [_, IKE] => 28,
        [NAT, _] | [_, NAT] if packet.get(28..32)? == [0; 4] => 32,
        _ => return None,
    };
    Some((at, packet.get(at..)?))
}

/// Where the first NAT-D payload of a message in clear has its hash (RFC 3947 3.2: payload 20; its drafts: 130).
fn nat_d(packet: &[u8]) -> Option<usize> {
    let (start, message) = ike(packet)?;
    let (mut kind, mut at) = (*message.get(16)?, 28_usize);
    if message.get(19)? & 1 != 0 {
        return None;
    }
    while kind != 0 {
        if kind == 20 || kind == 130 {
            return start.checked_add(at)?.checked_add(4);
        }
        let len = u16::from_be_bytes([*message.get(at.checked_add(2)?)?, *message.get(at.checked_add(3)?)?]);
        kind = *message.get(at)?;
        at = at.checked_add(usize::from(len.max(4)))?;
    }
    None
}
