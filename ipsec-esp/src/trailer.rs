//! The encrypted end of an ESP packet: padding, pad length, next header (RFC 4303 2.4 to 2.6).

use ipsec_core::{DropReason, Protocol};

/// Octets of pad length and next header.
pub(crate) const LEN: usize = 2;

/// The padding that RFC 4303 2.4 asks for: 1, 2, 3, to the 255 that the pad length can say. The range is closed on purpose:
/// `1_u8..` computes one number more than is used, which overflows after 255.
const PATTERN: core::ops::RangeInclusive<u8> = 1..=u8::MAX;

/// Octets of padding that bring `payload` octets and the trailer to a multiple of `alignment`.
pub(crate) fn padding(payload: usize, alignment: usize) -> usize {
    let whole = payload.saturating_add(LEN);
    whole.checked_next_multiple_of(alignment).map_or(0, |aligned| aligned.saturating_sub(whole))
}

/// Writes padding and trailer into `room`, which has the right length.
pub(crate) fn write(room: &mut [u8], next_header: Protocol) {
    if let Some((padding, [pad_len, next])) = room.split_last_chunk_mut::<LEN>() {
        // RFC 4303 2.4: the first octet of padding is 1, each further one is one more.
        for (octet, n) in padding.iter_mut().zip(PATTERN) {
            *octet = n;
        }
        *pad_len = u8::try_from(padding.len()).unwrap_or(u8::MAX);
        *next = next_header.0;
    }
}

/// Reads the trailer at the end of a decrypted text: octets of payload, and what it is.
///
/// # Errors
/// [`DropReason::Trailer`]. Call it only after the ICV held: without one it is an oracle (RFC 4303 2.4).
pub(crate) fn read(text: &[u8]) -> Result<(usize, Protocol), DropReason> {
    let (front, [pad_len, next_header]) = text.split_last_chunk::<LEN>().ok_or(DropReason::Trailer)?;
    let payload = front.len().checked_sub(usize::from(*pad_len)).ok_or(DropReason::Trailer)?;
    let padding = front.get(payload..).ok_or(DropReason::Trailer)?;
    // Every octet is looked at, wherever the first wrong one stands.
    let wrong = padding.iter().zip(PATTERN).fold(0, |wrong, (octet, n)| wrong | (octet ^ n));
    if wrong == 0 { Ok((payload, Protocol(*next_header))) } else { Err(DropReason::Trailer) }
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use ipsec_core::{DropReason, Protocol};

    use super::{padding, read, write};

    #[test]
    fn padding_of_rfc_3602() {
        // RFC 3602 4, cases 5 to 7 (test): 64 -> 14, 28 -> 2, 84 -> 10 octets
        assert_eq!([padding(64, 16), padding(28, 16), padding(84, 16)], [14, 2, 10]);
        assert_eq!([padding(2, 4), padding(3, 4), padding(0, 8), padding(6, 8)], [0, 3, 6, 0]);
    }

    #[test]
    fn there_and_back() {
        let mut text = [0xee; 16];
        write(&mut text[9..], Protocol::IPV4);
        assert_eq!(text[9..], [1, 2, 3, 4, 5, 5, 4]);
        assert_eq!(read(&text), Ok((9, Protocol::IPV4)));
    }

    /// Any peer may pad as far as the field goes (RFC 4303 2.4), and whoever has no key gets here where a transform has no ICV.
    #[test]
    fn t092_every_pad_length_there_and_back() {
        for pad in 0..=255_u8 {
            let mut text = vec![0; 7 + usize::from(pad) + 2];
            write(&mut text[7..], Protocol::IPV6);
            let trailer = [pad, 41];
            let expected: Vec<u8> = (1..=pad).chain(trailer).collect();
            assert_eq!(text[7..], expected);
            assert_eq!(read(&text), Ok((7, Protocol::IPV6)));
        }
    }

    #[test]
    fn t092_every_pad_length_that_lies() {
        // Long enough for every number to fit, and too short for most of them.
        for (len, pad) in [(320, 255), (320, 20), (64, 20)] {
            let at = len - 2;
            let good = || {
                let mut text = vec![0; len];
                write(&mut text[at - pad..], Protocol::IPV4);
                text
            };
            for said in 0..=255_u8 {
                let mut text = good();
                text[at] = said;
                let honest = usize::from(said) == pad || said == 0;
                let payload = at - usize::from(said).min(at);
                let expected = if honest { Ok((payload, Protocol::IPV4)) } else { Err(DropReason::Trailer) };
                assert_eq!(read(&text), expected, "{len} {pad} {said}");
            }
            for wrong in at - pad..at {
                let mut text = good();
                text[wrong] ^= 0x80;
                assert_eq!(read(&text), Err(DropReason::Trailer), "{len} {pad} {wrong}");
            }
        }
        assert_eq!(read(&[]), Err(DropReason::Trailer));
        assert_eq!(read(&[4]), Err(DropReason::Trailer));
        assert_eq!(read(&[0, 59]), Ok((0, Protocol::NO_NEXT)));
    }
}
