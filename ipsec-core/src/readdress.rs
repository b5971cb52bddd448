//! Checksums of packets whose addresses a translator changed on their way (RFC 3948 3.1.2).

use core::net::IpAddr;

use crate::Protocol;

/// Source and destination of a packet.
pub type Ends = (IpAddr, IpAddr);

/// Corrects the TCP or UDP checksum of a packet that was sent `from` one pair of addresses and now carries another, `to`:
/// both are in the sum (RFC 793 3.1, RFC 768). The change is incremental (RFC 1624 3), so that a sum that was wrong before
/// stays wrong. `upper` is what follows the IP header; other protocols, and UDP without a sum, are left alone.
pub fn readdress(upper: &mut [u8], protocol: Protocol, from: Ends, to: Ends) {
    let at = match protocol {
        Protocol::TCP => 16,
        Protocol::UDP => 6,
        _ => return,
    };
    let Some(field) = upper.get_mut(at..).and_then(|rest| rest.first_chunk_mut::<2>()) else { return };
    let sum = u16::from_be_bytes(*field);
    if protocol == Protocol::UDP && sum == 0 {
        return;
    }
    // RFC 1624 3, equation 3: HC' = ~(~HC + ~m + m').
    let mut total = u32::from(!sum);
    total = total.saturating_add(words(from.0, true)).saturating_add(words(from.1, true));
    total = total.saturating_add(words(to.0, false)).saturating_add(words(to.1, false));
    let sum = match (protocol, !folded(total)) {
        // RFC 768: zero says that there is none.
        (Protocol::UDP, 0) => u16::MAX,
        (_, sum) => sum,
    };
    *field = sum.to_be_bytes();
}

/// The sum of an address's 16-bit words, or of their complements.
fn words(address: IpAddr, complement: bool) -> u32 {
    let word = |high: u8, low: u8| {
        let word = u16::from_be_bytes([high, low]);
        u32::from(if complement { !word } else { word })
    };
    let sum = |octets: &[u8]| {
        octets.as_chunks::<2>().0.iter().fold(0_u32, |sum, [high, low]| sum.saturating_add(word(*high, *low)))
    };
    match address {
        IpAddr::V4(address) => sum(&address.octets()),
        IpAddr::V6(address) => sum(&address.octets()),
    }
}

/// Carries added back in; two rounds are enough for 32 bits.
fn folded(total: u32) -> u16 {
    let once = (total >> 16).saturating_add(total & 0xffff);
    let twice = (once >> 16).saturating_add(once & 0xffff);
    u16::try_from(twice).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;
    use crate::checksum;

    /// The sum over pseudo header and datagram, in full: 0 if it holds.
    fn whole(ends: Ends, protocol: Protocol, upper: &[u8]) -> u16 {
        let mut covered = Vec::new();
        for end in [ends.0, ends.1] {
            match end {
                IpAddr::V4(end) => covered.extend(end.octets()),
                IpAddr::V6(end) => covered.extend(end.octets()),
            }
        }
        covered.extend([0, protocol.0]);
        covered.extend(u16::try_from(upper.len()).unwrap().to_be_bytes());
        covered.extend_from_slice(upper);
        checksum(&covered)
    }

    #[test]
    fn a_sum_holds_for_the_new_addresses_and_a_wrong_one_stays_wrong() {
        let ends = |one: &str, other: &str| (one.parse().unwrap(), other.parse().unwrap());
        let moves = [
            (ends("10.0.0.2", "203.0.113.1"), ends("198.51.100.9", "203.0.113.1")),
            (ends("10.0.0.2", "192.0.2.1"), ends("255.255.255.254", "10.255.255.255")),
            (ends("0.0.0.1", "0.0.0.2"), ends("255.255.0.0", "0.0.255.255")),
            (ends("fd00::2", "2001:db8::1"), ends("2001:db8:ffff::9", "2001:db8::1")),
        ];
        for (protocol, at) in [(Protocol::UDP, 6), (Protocol::TCP, 16)] {
            for (from, to) in moves {
                for fill in 0..=255_u8 {
                    let mut upper: Vec<u8> =
                        (0..24).map(|index: u8| index.wrapping_mul(fill) ^ fill).collect();
                    upper[at..at + 2].fill(0);
                    let sum = whole(from, protocol, &upper);
                    upper[at..at + 2].copy_from_slice(&sum.to_be_bytes());
                    let mut wrong = upper.clone();
                    wrong[0] ^= 1;
                    readdress(&mut upper, protocol, from, to);
                    assert_eq!(whole(to, protocol, &upper), 0, "{from:?} {to:?} {fill}");
                    readdress(&mut wrong, protocol, from, to);
                    assert_ne!(whole(to, protocol, &wrong), 0, "{from:?} {to:?} {fill}");
                }
            }
        }
    }

    #[test]
    fn what_has_no_sum_is_left_alone() {
        let ends = ("10.0.0.2".parse().unwrap(), "192.0.2.1".parse().unwrap());
        let other = ("198.51.100.9".parse().unwrap(), "192.0.2.1".parse().unwrap());
        for (protocol, before) in [(Protocol::UDP, [0; 8]), (Protocol::ICMP, [7; 8]), (Protocol::TCP, [7; 8])]
        {
            let mut upper = before;
            readdress(&mut upper, protocol, ends, other);
            assert_eq!(upper, before);
        }
    }
}
