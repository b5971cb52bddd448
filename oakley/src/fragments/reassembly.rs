//! Messages that have come in part. What is kept is bounded in octets, parts, messages and time, and apart for those who
//! have proved different things: a stranger displaces nothing but what came from his own address.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::net::IpAddr;
use core::time::Duration;

use bytes::Bytes;
use isakmp_wire::MessageId;
use isakmp_wire::limits::MAX_MESSAGE_OCTETS;
use isakmp_wire::payload::Fragment;

use crate::event::Cookies;
use crate::fragments::{FragmentFault, MAX_FRAGMENTS};
use crate::policy::Config;

/// What the sender of a fragment has shown. Each has room of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nothing: its address may be forged.
    Stranger,
    /// It knows the cookie that we sent to its address.
    Returned,
    /// It is the peer of an exchange that we began, or of an IKE SA.
    Known,
}

/// Which message a fragment is a part of. Some peers give all their messages the same id, and some have 0 for the message
/// id of every fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) source: IpAddr,
    pub(crate) cookies: Cookies,
    pub(crate) message_id: MessageId,
    pub(crate) fragment_id: u16,
}

/// One message in part, or one that is complete: then its parts tell repetitions of it from the next message under the
/// same id.
struct Set {
    standing: Standing,
    /// Sets are counted, so that one is the oldest.
    serial: u64,
    until: Duration,
    parts: BTreeMap<u8, Bytes>,
    octets: usize,
    last: Option<u8>,
    /// Of a complete message: the numbers that have come again.
    again: BTreeSet<u8>,
}

/// A message that is complete.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Whole {
    pub(crate) octets: Bytes,
    pub(crate) fragments: usize,
}

/// All messages in part.
#[derive(Default)]
pub(crate) struct Reassembly {
    sets: BTreeMap<Key, Set>,
    serial: u64,
    /// Messages of which something came and that never were complete.
    pub(crate) lost: u64,
}

impl Reassembly {
    /// Takes a part in; the message, if it is complete with it.
    pub(crate) fn add(
        &mut self,
        (key, standing): (Key, Standing),
        part: &Fragment,
        now: Duration,
        config: &Config,
    ) -> Result<Option<Whole>, FragmentFault> {
        check(part)?;
        let before = self.sets.get_mut(&key).map(|set| (set.is_complete(), set.place(part)));
        match before {
            Some((_, Ok(()))) => {}
            // It is the next message, under the same id.
            Some((true, Err(_))) => {
                self.sets.remove(&key);
                self.begin((key, standing), part, now, config)?;
            }
            // What is true and what is forged cannot be told apart. The peer repeats the whole.
            Some((false, Err(fault))) => {
                self.sets.remove(&key);
                self.lost = self.lost.saturating_add(1);
                return Err(fault);
            }
            None => self.begin((key, standing), part, now, config)?,
        }
        let was_complete = before.is_some_and(|(complete, placed)| complete && placed.is_ok());
        Ok(self.sets.get_mut(&key).and_then(|set| set.whole(was_complete, part.number)))
    }

    fn begin(
        &mut self,
        (key, standing): (Key, Standing),
        part: &Fragment,
        now: Duration,
        config: &Config,
    ) -> Result<(), FragmentFault> {
        self.make_room(key.source, standing, config)?;
        self.serial = self.serial.saturating_add(1);
        let until = now.checked_add(config.fragments_life).unwrap_or(Duration::MAX);
        let (parts, again) = (BTreeMap::new(), BTreeSet::new());
        let mut set = Set { standing, serial: self.serial, until, parts, octets: 0, last: None, again };
        set.place(part)?;
        self.sets.insert(key, set);
        Ok(())
    }

    /// A source makes room for itself. What others have begun stays: only what is complete already goes for a newcomer.
    fn make_room(
        &mut self,
        source: IpAddr,
        standing: Standing,
        config: &Config,
    ) -> Result<(), FragmentFault> {
        let sets = self.sets.iter().filter(|(_, set)| set.standing == standing);
        let own = sets.clone().filter(|(key, _)| key.source == source);
        // What is complete goes first, and then what is oldest.
        let oldest = if own.clone().count() >= config.max_fragmented_per_source {
            own.min_by_key(|(_, set)| (!set.is_complete(), set.serial))
        } else if sets.clone().count() >= config.max_fragmented {
            sets.filter(|(_, set)| set.is_complete()).min_by_key(|(_, set)| set.serial)
        } else {
            return Ok(());
        };
        let displaced = oldest.map(|(key, _)| *key);
        let set = displaced.and_then(|key| self.sets.remove(&key)).ok_or(FragmentFault::Full)?;
        self.count_lost(&set);
        Ok(())
    }

    fn count_lost(&mut self, set: &Set) {
        self.lost = self.lost.saturating_add(u64::from(!set.is_complete()));
    }

    /// Lets go what has waited long enough.
    pub(crate) fn expire(&mut self, now: Duration) {
        let over: Vec<Key> =
            self.sets.iter().filter(|(_, set)| set.until <= now).map(|(key, _)| *key).collect();
        for key in over {
            if let Some(set) = self.sets.remove(&key) {
                self.count_lost(&set);
            }
        }
    }

    /// When something must be let go next.
    pub(crate) fn next(&self) -> Option<Duration> {
        self.sets.values().map(|set| set.until).min()
    }

    /// How many messages are incomplete.
    pub(crate) fn incomplete(&self) -> usize {
        self.sets.values().filter(|set| !set.is_complete()).count()
    }
}

/// What no part of any message may be.
fn check(part: &Fragment) -> Result<(), FragmentFault> {
    if part.number == 0 || part.number > MAX_FRAGMENTS {
        return Err(FragmentFault::Number(part.number));
    }
    if part.data.is_empty() {
        return Err(FragmentFault::Empty);
    }
    Ok(())
}

impl Set {
    fn is_complete(&self) -> bool {
        self.last.is_some_and(|last| self.parts.len() == usize::from(last))
    }

    /// Puts a part where it belongs; a repetition changes nothing.
    fn place(&mut self, part: &Fragment) -> Result<(), FragmentFault> {
        let number = part.number;
        if let Some(held) = self.parts.get(&number) {
            let same = *held == part.data && part.is_last() == (self.last == Some(number));
            return same.then_some(()).ok_or(FragmentFault::Overlap(number));
        }
        if part.is_last() {
            if self.last.is_some() {
                return Err(FragmentFault::TwoLast(number));
            }
            if let Some(above) = self.parts.keys().next_back().filter(|highest| **highest > number) {
                return Err(FragmentFault::BeyondLast(*above));
            }
        } else if self.last.is_some_and(|last| number > last) {
            return Err(FragmentFault::BeyondLast(number));
        }
        let octets = self.octets.saturating_add(part.data.len());
        if octets > MAX_MESSAGE_OCTETS {
            return Err(FragmentFault::TooLong);
        }
        self.octets = octets;
        self.last = self.last.or(part.is_last().then_some(number));
        // A copy: a slice would keep the whole datagram alive.
        self.parts.insert(number, Bytes::copy_from_slice(&part.data));
        Ok(())
    }

    /// The message, when it has become complete, and again when all of its parts have come again.
    fn whole(&mut self, was_complete: bool, number: u8) -> Option<Whole> {
        if was_complete {
            self.again.insert(number);
            if self.again.len() < self.parts.len() {
                return None;
            }
            self.again.clear();
        } else if !self.is_complete() {
            return None;
        }
        let mut octets = Vec::with_capacity(self.octets);
        self.parts.values().for_each(|part| octets.extend_from_slice(part));
        Some(Whole { octets: octets.into(), fragments: self.parts.len() })
    }
}

#[cfg(test)]
mod tests;
