//! One packet in one allocation, with room in front and behind.

use alloc::boxed::Box;
use alloc::vec;
use core::fmt;

use thiserror::Error;

/// An IP packet with room in front (headroom) and behind (tailroom), so that headers and trailers are added
/// and taken away without moving or allocating.
///
/// ```text
///   storage  [ headroom | octets | tailroom ]
///                       ^ start  ^ end
/// ```
///
/// Octets that [`prepend`](Self::prepend) and [`append`](Self::append) add are zero: what an earlier packet left
/// in the storage never leaves with a later one.
pub struct PacketBuf {
    storage: Box<[u8]>,
    start: usize,
    end: usize,
}

impl PacketBuf {
    /// Headroom that every combination of layers of this family needs at most: two outer IPv6 headers, UDP, AH
    /// with a 32-octet ICV, ESP with a 16-octet IV, rounded up.
    pub const HEADROOM: usize = 192;
    /// Tailroom that every combination of layers needs at most: ESP padding, trailer and ICV, twice.
    pub const TAILROOM: usize = 128;

    /// An empty packet in new storage: `headroom` in front, `capacity` behind it. Allocates.
    pub fn with_capacity(headroom: usize, capacity: usize) -> Self {
        let storage = vec![0; headroom.saturating_add(capacity)].into_boxed_slice();
        let start = headroom.min(storage.len());
        Self { storage, start, end: start }
    }

    /// A copy of `octets` in new storage with [`HEADROOM`](Self::HEADROOM) and [`TAILROOM`](Self::TAILROOM).
    /// Allocates.
    pub fn copy_of(octets: &[u8]) -> Self {
        let capacity = octets.len().saturating_add(Self::TAILROOM);
        let mut packet = Self::with_capacity(Self::HEADROOM, capacity);
        if let Ok(room) = packet.append(octets.len()) {
            room.copy_from_slice(octets);
        }
        packet
    }

    /// Starts over: empties the packet, leaves `headroom` in front and lets `read` fill the rest; `read` says
    /// how many octets it wrote. A number larger than the room counts as the room.
    ///
    /// # Errors
    /// Whatever `read` answers; the packet is then empty.
    pub fn fill_with<E>(
        &mut self,
        headroom: usize,
        read: impl FnOnce(&mut [u8]) -> Result<usize, E>,
    ) -> Result<(), E> {
        self.start = headroom.min(self.storage.len());
        self.end = self.start;
        let room = self.storage.get_mut(self.start..).unwrap_or_default();
        let len = read(room)?.min(room.len());
        self.end = self.start.saturating_add(len);
        Ok(())
    }

    /// The packet.
    pub fn octets(&self) -> &[u8] {
        self.storage.get(self.start..self.end).unwrap_or_default()
    }

    /// The packet, to be changed in place.
    pub fn octets_mut(&mut self) -> &mut [u8] {
        self.storage.get_mut(self.start..self.end).unwrap_or_default()
    }

    /// Octets in the packet.
    pub fn len(&self) -> usize {
        self.end.saturating_sub(self.start)
    }

    /// Whether the packet has no octets.
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Octets that [`prepend`](Self::prepend) can add.
    pub fn headroom(&self) -> usize {
        self.start
    }

    /// Octets that [`append`](Self::append) can add.
    pub fn tailroom(&self) -> usize {
        self.storage.len().saturating_sub(self.end)
    }

    /// Whether `front` octets can be added in front and `back` octets behind.
    ///
    /// # Errors
    /// [`NoRoom`], about the front first.
    pub fn check_room(&self, front: usize, back: usize) -> Result<(), NoRoom> {
        if front > self.headroom() {
            return Err(NoRoom { wanted: front, room: self.headroom() });
        }
        if back > self.tailroom() {
            return Err(NoRoom { wanted: back, room: self.tailroom() });
        }
        Ok(())
    }

    /// Adds `n` zero octets in front and returns them.
    ///
    /// # Errors
    /// [`NoRoom`] if there are fewer than `n` octets of headroom; nothing has changed then.
    pub fn prepend(&mut self, n: usize) -> Result<&mut [u8], NoRoom> {
        let no_room = NoRoom { wanted: n, room: self.headroom() };
        let start = self.start.checked_sub(n).ok_or(no_room)?;
        let added = self.storage.get_mut(start..self.start).ok_or(no_room)?;
        added.fill(0);
        self.start = start;
        Ok(added)
    }

    /// Adds `n` zero octets behind and returns them.
    ///
    /// # Errors
    /// [`NoRoom`] if there are fewer than `n` octets of tailroom; nothing has changed then.
    pub fn append(&mut self, n: usize) -> Result<&mut [u8], NoRoom> {
        let no_room = NoRoom { wanted: n, room: self.tailroom() };
        let end = self.end.checked_add(n).ok_or(no_room)?;
        let added = self.storage.get_mut(self.end..end).ok_or(no_room)?;
        added.fill(0);
        self.end = end;
        Ok(added)
    }

    /// Takes `n` octets away in front.
    ///
    /// # Errors
    /// [`NoRoom`] if the packet has fewer; nothing has changed then.
    pub fn strip_front(&mut self, n: usize) -> Result<(), NoRoom> {
        if n > self.len() {
            return Err(NoRoom { wanted: n, room: self.len() });
        }
        self.start = self.start.saturating_add(n);
        Ok(())
    }

    /// Takes `n` octets away behind.
    ///
    /// # Errors
    /// [`NoRoom`] if the packet has fewer; nothing has changed then.
    pub fn strip_back(&mut self, n: usize) -> Result<(), NoRoom> {
        if n > self.len() {
            return Err(NoRoom { wanted: n, room: self.len() });
        }
        self.end = self.end.saturating_sub(n);
        Ok(())
    }
}

impl AsRef<[u8]> for PacketBuf {
    fn as_ref(&self) -> &[u8] {
        self.octets()
    }
}

/// Lengths only: a packet may be plaintext.
impl fmt::Debug for PacketBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PacketBuf")
            .field("headroom", &self.headroom())
            .field("len", &self.len())
            .field("tailroom", &self.tailroom())
            .finish()
    }
}

/// A [`PacketBuf`] is too small, or holds fewer octets than were to be taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{wanted} octets wanted, {room} there")]
pub struct NoRoom {
    /// Octets that were asked for.
    pub wanted: usize,
    /// Octets that there are.
    pub room: usize,
}

#[cfg(test)]
mod tests {
    use super::{NoRoom, PacketBuf};

    #[test]
    fn grows_and_shrinks_at_both_ends() {
        let mut packet = PacketBuf::with_capacity(4, 8);
        packet.append(3).unwrap().copy_from_slice(&[1, 2, 3]);
        packet.prepend(2).unwrap().copy_from_slice(&[8, 9]);
        assert_eq!(packet.octets(), [8, 9, 1, 2, 3]);
        assert_eq!((packet.headroom(), packet.len(), packet.tailroom()), (2, 5, 5));
        packet.strip_front(1).unwrap();
        packet.strip_back(2).unwrap();
        assert_eq!(packet.octets(), [9, 1]);
        assert!(!packet.is_empty());
    }

    #[test]
    fn refuses_what_does_not_fit_and_stays_as_it_was() {
        let mut packet = PacketBuf::with_capacity(4, 4);
        packet.append(4).unwrap();
        assert_eq!(packet.prepend(5).unwrap_err(), NoRoom { wanted: 5, room: 4 });
        assert_eq!(packet.append(1).unwrap_err(), NoRoom { wanted: 1, room: 0 });
        assert_eq!(packet.append(usize::MAX).unwrap_err(), NoRoom { wanted: usize::MAX, room: 0 });
        assert_eq!(packet.strip_front(5).unwrap_err(), NoRoom { wanted: 5, room: 4 });
        assert_eq!(packet.strip_back(usize::MAX).unwrap_err(), NoRoom { wanted: usize::MAX, room: 4 });
        assert_eq!(packet.len(), 4);
    }

    #[test]
    fn added_octets_are_zero_whatever_was_there() {
        let mut packet = PacketBuf::with_capacity(4, 4);
        packet.append(4).unwrap().fill(0xaa);
        packet.prepend(4).unwrap().fill(0xbb);
        packet.strip_front(4).unwrap();
        packet.strip_back(4).unwrap();
        assert_eq!(packet.prepend(4).unwrap(), [0; 4]);
        assert_eq!(packet.append(4).unwrap(), [0; 4]);
    }

    #[test]
    fn refilled_from_a_reader() {
        let mut packet = PacketBuf::with_capacity(2, 4);
        packet
            .fill_with(2, |room| {
                assert_eq!(room.len(), 4);
                room[..3].copy_from_slice(&[1, 2, 3]);
                Ok::<_, ()>(3)
            })
            .unwrap();
        assert_eq!(packet.octets(), [1, 2, 3]);
        packet.fill_with(100, |room| Ok::<_, ()>(room.len() + 7)).unwrap();
        assert!(packet.is_empty());
        assert_eq!(packet.fill_with(0, |_| Err("closed")), Err("closed"));
        assert!(packet.is_empty());
    }
}
