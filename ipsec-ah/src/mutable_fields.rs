//! What stands before AH, as the ICV sees it: fields that routers change are zero (RFC 4302 3.3.3.1, RFC 2402
//! Appendix A).

use ipsec_core::{IpHeader, Ipv4Header, Ipv6Header, Protocol};

/// A copy of the headers before AH with their mutable fields zeroed.
#[derive(Clone, Copy)]
pub(crate) struct Masked {
    octets: [u8; Self::MAX],
    len: usize,
}

/// Headers that AH cannot cover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Uncoverable;

impl Masked {
    /// Octets of headers before AH: an IPv6 header and 216 octets of extension headers. The copy lives on the stack.
    pub(crate) const MAX: usize = 256;

    /// Nothing, to fill an array with.
    pub(crate) const fn empty() -> Self {
        Self { octets: [0; Self::MAX], len: 0 }
    }

    pub(crate) fn octets(&self) -> &[u8] {
        self.octets.get(..self.len).unwrap_or_default()
    }

    /// Masks `front`, the octets of a packet before AH. Length and protocol fields are as they are sent.
    pub(crate) fn of(ip: &IpHeader, front: &[u8]) -> Result<Self, Uncoverable> {
        let mut masked = Self { octets: [0; Self::MAX], len: front.len() };
        let copy = masked.octets.get_mut(..front.len()).ok_or(Uncoverable)?;
        copy.copy_from_slice(front);
        match ip {
            IpHeader::V4(v4) => mask_v4(v4, copy)?,
            IpHeader::V6(v6) => mask_v6(v6, copy)?,
        }
        Ok(masked)
    }

    /// The same for a packet that has arrived, whose source route must therefore be at its end: with stops left, the
    /// ICV would cover the last of them and not the destination that the packet has.
    pub(crate) fn arrived(ip: &IpHeader, front: &[u8]) -> Result<Self, Uncoverable> {
        const DESTINATION: core::ops::Range<usize> = 16..20;
        let masked = Self::of(ip, front)?;
        let unfinished =
            matches!(ip, IpHeader::V4(_)) && masked.octets().get(DESTINATION) != front.get(DESTINATION);
        if unfinished { Err(Uncoverable) } else { Ok(masked) }
    }
}

/// RFC 4302 3.3.3.1.1.1: type of service, flags, fragment offset, TTL, checksum.
fn mask_v4(header: &Ipv4Header, copy: &mut [u8]) -> Result<(), Uncoverable> {
    let (fixed, options) = copy.split_first_chunk_mut::<{ Ipv4Header::LEN }>().ok_or(Uncoverable)?;
    let [_, tos, _, _, _, _, f0, f1, ttl, _, c0, c1, _, _, _, _, destination @ ..] = fixed;
    for field in [tos, f0, f1, ttl, c0, c1] {
        *field = 0;
    }
    let route_end = mask_v4_options(options.get_mut(..header.header_len.saturating_sub(Ipv4Header::LEN)))?;
    if let Some(last) = route_end {
        // A source route replaces the destination at each stop; the last one is what the receiver sees.
        *destination = last;
    }
    Ok(())
}

/// RFC 2402 A1: each option is covered whole or zeroed whole, type and length included. Returns the final
/// destination of a source route that is not at its end.
fn mask_v4_options(options: Option<&mut [u8]>) -> Result<Option<[u8; 4]>, Uncoverable> {
    const END_OF_LIST: u8 = 0;
    const NO_OPERATION: u8 = 1;
    const LOOSE_SOURCE_ROUTE: u8 = 131;
    const STRICT_SOURCE_ROUTE: u8 = 137;
    // Security, extended security, commercial security, router alert, sender directed multi-destination delivery.
    const IMMUTABLE: [u8; 5] = [130, 133, 134, 148, 149];

    let mut rest = options.ok_or(Uncoverable)?;
    let mut route_end = None;
    while let Some(kind) = rest.first().copied() {
        if kind == END_OF_LIST {
            break;
        }
        if kind == NO_OPERATION {
            rest = rest.split_off_mut(1..).ok_or(Uncoverable)?;
            continue;
        }
        let len = usize::from(*rest.get(1).ok_or(Uncoverable)?);
        if len < 2 {
            return Err(Uncoverable);
        }
        let option;
        (option, rest) = rest.split_at_mut_checked(len).ok_or(Uncoverable)?;
        if matches!(kind, LOOSE_SOURCE_ROUTE | STRICT_SOURCE_ROUTE) {
            // RFC 791 3.1: the pointer counts from 1; beyond the length the route is empty.
            let pointer = usize::from(*option.get(2).ok_or(Uncoverable)?);
            if pointer <= len {
                route_end =
                    Some(*option.get(3..).and_then(|route| route.last_chunk::<4>()).ok_or(Uncoverable)?);
            }
        }
        if !IMMUTABLE.contains(&kind) {
            option.fill(0);
        }
    }
    Ok(route_end)
}

/// RFC 4302 3.3.3.1.2: traffic class, flow label, hop limit; data of options that may change en route.
fn mask_v6(header: &Ipv6Header, copy: &mut [u8]) -> Result<(), Uncoverable> {
    let (fixed, mut rest) = copy.split_first_chunk_mut::<{ Ipv6Header::LEN }>().ok_or(Uncoverable)?;
    let [version, f1, f2, f3, _, _, _, hop_limit, ..] = fixed;
    *version = 0x60;
    for field in [f1, f2, f3, hop_limit] {
        *field = 0;
    }
    let mut kind = header.next_header;
    while let Some(next) = rest.first().copied() {
        let len = rest.get(1).map(|words| usize::from(*words).saturating_add(1).saturating_mul(8));
        let extension;
        (extension, rest) = rest.split_at_mut_checked(len.ok_or(Uncoverable)?).ok_or(Uncoverable)?;
        match kind {
            Protocol::HOP_BY_HOP | Protocol::DESTINATION => {
                mask_v6_options(extension.get_mut(2..).ok_or(Uncoverable)?)?;
            }
            // With segments left the destination is still to change, which only a few types say how.
            Protocol::ROUTING if extension.get(3) == Some(&0) => {}
            _ => return Err(Uncoverable),
        }
        kind = Protocol(next);
    }
    Ok(())
}

/// RFC 8200 4.2: the third bit of an option's type says that its data may change.
fn mask_v6_options(options: &mut [u8]) -> Result<(), Uncoverable> {
    const PAD_1: u8 = 0;
    const MUTABLE: u8 = 0x20;

    let mut rest = options;
    while let Some(kind) = rest.first().copied() {
        let (option, after) = if kind == PAD_1 {
            rest.split_at_mut_checked(1).ok_or(Uncoverable)?
        } else {
            let len = usize::from(*rest.get(1).ok_or(Uncoverable)?).saturating_add(2);
            rest.split_at_mut_checked(len).ok_or(Uncoverable)?
        };
        if kind & MUTABLE != 0 {
            option.get_mut(2..).unwrap_or_default().fill(0);
        }
        rest = after;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use ipsec_core::IpHeader;

    use super::{Masked, Uncoverable};

    fn v4(options: &[u8]) -> Vec<u8> {
        let words = u8::try_from(5 + options.len().div_ceil(4)).unwrap();
        let total = words * 4;
        let mut header = Vec::from([0x40 | words, 0xff, 0, total, 1, 2, 0x40, 0, 9, 51, 7, 7]);
        header.extend([10, 0, 0, 1, 10, 0, 0, 2]);
        header.extend(options);
        header.resize(total.into(), 0);
        header
    }

    fn masked(packet: &[u8]) -> Result<Vec<u8>, Uncoverable> {
        let ip = IpHeader::parse(packet).unwrap();
        Masked::of(&ip, packet).map(|masked| masked.octets().to_vec())
    }

    fn masked_options(options: &[u8]) -> Result<Vec<u8>, Uncoverable> {
        masked(&v4(options)).map(|header| header[20..20 + options.len()].to_vec())
    }

    #[test]
    fn base_header_of_ipv4() {
        // RFC 4302 3.3.3.1.1.1 (test)
        let expected = [0x45, 0, 0, 20, 1, 2, 0, 0, 0, 51, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
        assert_eq!(masked(&v4(&[])).unwrap(), expected);
    }

    #[test]
    fn options_are_covered_or_zeroed_whole() {
        // RFC 2402 A1 (test)
        for kind in 2..=255_u8 {
            let immutable = [130, 133, 134, 148, 149].contains(&kind);
            let option = [kind, 4, 0xaa, 0xbb];
            let expected = if immutable { option } else { [0; 4] };
            if kind != 131 && kind != 137 {
                assert_eq!(masked_options(&option).unwrap(), expected, "{kind}");
            }
        }
        // No operation stands, a time stamp goes, a router alert stands; after the end nothing is parsed.
        assert_eq!(
            masked_options(&[1, 68, 4, 5, 9, 148, 4, 0, 0, 0, 77, 1]).unwrap(),
            [1, 0, 0, 0, 0, 148, 4, 0, 0, 0, 77, 1]
        );
    }

    #[test]
    fn source_route_predicts_the_last_stop() {
        // RFC 4302 3.3.3.1.1.1 (test)
        let route = |pointer| v4(&[137, 11, pointer, 10, 9, 9, 9, 10, 8, 8, 8, 0]);
        let header = masked(&route(4)).unwrap();
        assert_eq!(header[16..20], [10, 8, 8, 8]);
        assert_eq!(header[20..], [0; 12]);
        assert_eq!(masked(&route(12)).unwrap()[16..20], [10, 0, 0, 2]);
    }

    #[test]
    fn t104_options_that_lie_about_their_length() {
        for bad in
            [[68, 0, 0, 0], [68, 1, 0, 0], [68, 5, 0, 0], [1, 1, 1, 68], [131, 3, 3, 1], [137, 2, 1, 1]]
        {
            assert_eq!(masked_options(&bad), Err(Uncoverable), "{bad:?}");
        }
    }

    fn v6(kind: u8, extension: &[u8]) -> Vec<u8> {
        let mut packet =
            Vec::from([0x6a, 0xbc, 0xde, 0xf0, 0, u8::try_from(extension.len()).unwrap(), kind, 64]);
        packet.extend([0xfd; 32]);
        packet.extend(extension);
        packet
    }

    #[test]
    fn ipv6_options_keep_type_and_length() {
        // RFC 4302 3.3.3.1.2.2 (test): 0x3e and 0x1e are the experimental types that may and may not change (RFC 4727).
        let options = [51, 1, 0x3e, 3, 1, 2, 3, 0x1e, 3, 4, 5, 6, 0, 1, 0, 0];
        for kind in [0, 60] {
            let packet = masked(&v6(kind, &options)).unwrap();
            assert_eq!(packet[..8], [0x60, 0, 0, 0, 0, 16, kind, 0]);
            assert_eq!(packet[8..40], [0xfd; 32]);
            assert_eq!(packet[40..], [51, 1, 0x3e, 3, 0, 0, 0, 0x1e, 3, 4, 5, 6, 0, 1, 0, 0]);
        }
    }

    #[test]
    fn t104_extension_headers_that_cannot_be_covered() {
        let routing = |left: u8| v6(43, &[51, 0, 4, left, 0, 0, 0, 0]);
        assert!(masked(&routing(0)).is_ok());
        assert_eq!(masked(&routing(1)), Err(Uncoverable));
        assert_eq!(masked(&v6(60, &[51, 0, 0x1e, 9, 0, 0, 0, 0])), Err(Uncoverable));
        assert_eq!(masked(&v6(60, &[51, 1, 1, 4, 0, 0, 0, 0])), Err(Uncoverable));
        assert_eq!(masked(&v6(60, &[51])), Err(Uncoverable));
        assert_eq!(masked(&v6(60, &[0; 224])), Err(Uncoverable));
    }
}
