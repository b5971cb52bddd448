//! DES keys that must not be used (RFC 2409 Appendix A, RFC 2451 2.3), by the rule behind the table (FIPS 74): each of the
//! two halves that DES makes of a key is one pair of bits over and over, so that at most two of its subkeys differ.

use openssl::memcmp;

/// What an octet of the first and of the last four is then, without parity, by the pair of bits.
const PATTERNS: [(u8, u8); 4] = [(0x00, 0x00), (0xfe, 0xfe), (0x1e, 0x0e), (0xe0, 0xf0)];

/// The 56 bits that DES uses: the lowest bit of each octet is parity.
fn effective(key: &[u8]) -> Vec<u8> {
    key.iter().map(|octet| octet & 0xfe).collect()
}

/// Whether a key of 8 octets is one of DES's four weak or twelve semi-weak keys, whatever its parity bits.
pub(crate) fn is_weak(key: &[u8]) -> bool {
    let key = effective(key);
    let mut weak = false;
    for (first, first_end) in PATTERNS {
        for (second, second_end) in PATTERNS {
            let pattern = [first, second, first, second, first_end, second_end, first_end, second_end];
            weak |= key.len() == pattern.len() && memcmp::eq(&key, &pattern);
        }
    }
    weak
}

/// Whether the first two or the last two of three DES keys are the same, whatever their parity bits.
pub(crate) fn reduces_to_single_des(key: &[u8]) -> bool {
    let key = effective(key);
    let parts: Vec<&[u8]> = key.chunks(8).collect();
    match parts.as_slice() {
        [first, second, third] if third.len() == first.len() => {
            memcmp::eq(first, second) | memcmp::eq(second, third)
        }
        _ => false,
    }
}
