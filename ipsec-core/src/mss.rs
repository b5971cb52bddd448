//! The maximum segment size that the two ends of a TCP connection tell each other (RFC 9293 3.7.1), lowered to what a
//! tunnel takes, so that connections whose path MTU discovery is filtered work as well.

use crate::ip::update_checksum;
use crate::{Chain, IpHeader, Protocol};

/// Octets of a TCP header without options, which the maximum segment size does not count (RFC 6691 2).
const TCP_HEADER: usize = 20;
/// Where the data offset, the flags and the checksum stand.
const DATA_OFFSET: usize = 12;
const FLAGS: usize = 13;
const CHECKSUM: usize = 16;
const SYN: u8 = 0x02;

/// Lowers the maximum segment size of a SYN so that its sender's peer makes IP packets of at most `limit` octets, and
/// adapts the checksum (RFC 1624), so that a wrong one stays wrong. Returns the new value; `None` if nothing changed:
/// no SYN, no such option, a size that fits, or a segment whose options are authenticated (RFC 5925).
pub fn clamp_mss(packet: &mut [u8], limit: usize) -> Option<u16> {
    let header = IpHeader::parse(packet).ok()?;
    let offset = match &header {
        IpHeader::V4(v4) if v4.protocol == Protocol::TCP && v4.fragment_offset == 0 => v4.header_len,
        IpHeader::V4(_) => return None,
        IpHeader::V6(v6) => {
            let chain = Chain::walk(v6, packet).ok()?;
            (chain.protocol == Protocol::TCP && !chain.is_later_fragment).then_some(chain.offset)?
        }
    };
    let fixed = header.header_len().min(offset);
    let largest = limit.checked_sub(fixed)?.checked_sub(TCP_HEADER).filter(|size| *size > 0)?;
    let largest = u16::try_from(largest).ok()?;
    let tcp = packet.get_mut(offset..header.total_len())?;
    if tcp.get(FLAGS)? & SYN == 0 {
        return None;
    }
    let header_len = usize::from(tcp.get(DATA_OFFSET)? >> 4).saturating_mul(4);
    let at = option(tcp.get(..header_len)?)?;
    let [old0, old1] = *tcp.get(at..)?.first_chunk::<2>()?;
    if u16::from_be_bytes([old0, old1]) <= largest {
        return None;
    }
    let [new0, new1] = largest.to_be_bytes();
    write(tcp, at, new0)?;
    write(tcp, at.checked_add(1)?, new1)?;
    Some(largest)
}

/// Where the value of the option stands.
fn option(header: &[u8]) -> Option<usize> {
    let mut at = TCP_HEADER;
    let mut found = None;
    while let Some(kind) = header.get(at) {
        let len = match kind {
            0 => break,
            1 => 1,
            // RFC 5925 5.1: TCP-AO covers the options of the segment.
            29 => return None,
            _ => usize::from(*header.get(at.checked_add(1)?)?),
        };
        if len == 0 || (len == 1 && *kind != 1) {
            return None;
        }
        if (*kind, len) == (2, 4) {
            found = Some(at.checked_add(2)?);
        }
        at = at.checked_add(len)?;
    }
    found.filter(|at| at.checked_add(2).is_some_and(|end| end <= header.len()))
}

/// Writes one octet and adapts the checksum for the word that it stands in.
fn write(tcp: &mut [u8], at: usize, octet: u8) -> Option<()> {
    let word = at & !1;
    let before = u16::from_be_bytes(*tcp.get(word..)?.first_chunk()?);
    *tcp.get_mut(at)? = octet;
    let after = u16::from_be_bytes(*tcp.get(word..)?.first_chunk()?);
    let field = tcp.get_mut(CHECKSUM..)?.first_chunk_mut::<2>()?;
    *field = update_checksum(u16::from_be_bytes(*field), before, after).to_be_bytes();
    Some(())
}
