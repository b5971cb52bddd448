//! Writing with lengths that are filled in afterwards.

use alloc::vec::Vec;

use crate::registry::PayloadKind;

/// Octets of a generic payload header (RFC 2408 3.2).
pub(crate) const GENERIC_HEADER_LEN: usize = 4;

/// Appends big-endian fields to a buffer.
#[derive(Default)]
pub(crate) struct Writer {
    out: Vec<u8>,
}

impl Writer {
    pub(crate) fn u8(&mut self, value: u8) {
        self.out.push(value);
    }

    pub(crate) fn u16(&mut self, value: u16) {
        self.out.extend_from_slice(&value.to_be_bytes());
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.out.extend_from_slice(&value.to_be_bytes());
    }

    pub(crate) fn bytes(&mut self, octets: &[u8]) {
        self.out.extend_from_slice(octets);
    }

    /// A size in one octet. What does not fit saturates: the peer will refuse it, and `Payload::try_new` does before.
    pub(crate) fn size_u8(&mut self, size: usize) {
        self.u8(u8::try_from(size).unwrap_or(u8::MAX));
    }

    /// A size in two octets, saturating.
    pub(crate) fn size_u16(&mut self, size: usize) {
        self.u16(u16::try_from(size).unwrap_or(u16::MAX));
    }

    /// A payload with its generic header; the length is known once `body` has written.
    pub(crate) fn payload(&mut self, next: PayloadKind, reserved: u8, body: impl FnOnce(&mut Self)) {
        let start = self.out.len();
        self.u8(next.0);
        self.u8(reserved);
        self.u16(0);
        body(self);
        let length = u16::try_from(self.out.len().saturating_sub(start)).unwrap_or(u16::MAX);
        let field = start.saturating_add(2);
        if let Some(octets) = self.out.get_mut(field..field.saturating_add(2)) {
            octets.copy_from_slice(&length.to_be_bytes());
        }
    }

    pub(crate) fn into_vec(self) -> Vec<u8> {
        self.out
    }
}
