//! Providers that are wrong on purpose: each wraps an algorithm of the default provider and spoils one thing.
#![allow(unreachable_pub, reason = "shared with the test")]

mod aead;
mod cipher;
mod group;
mod mac;

pub use aead::{AeadFault, BadAead};
pub use cipher::{BadCipher, CipherFault};
pub use group::{BadGroup, GroupFault};
pub use mac::{BadHash, BadPrf, HashFault, PrfFault};

use crypto_provider::{RandomFailed, SecureRandom, default};

/// Lists hold references for the life of the program.
pub fn leak<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

fn flip(octets: &mut [u8]) {
    if let Some(last) = octets.last_mut() {
        *last ^= 0x10;
    }
}

#[derive(Clone, Copy, PartialEq)]
pub enum RandomFault {
    Fails,
    Zeros,
    LeavesTheEnd,
    Repeats,
    RepeatsWithin,
}

pub struct BadRandom(pub RandomFault);

impl SecureRandom for BadRandom {
    fn fill(&self, out: &mut [u8]) -> Result<(), RandomFailed> {
        default::OsRandom.fill(out)?;
        match self.0 {
            RandomFault::Fails => return Err(RandomFailed),
            RandomFault::Zeros => out.fill(0),
            RandomFault::LeavesTheEnd => {
                let len = out.len();
                out[len.saturating_sub(16)..].fill(0);
            }
            RandomFault::Repeats => default::SeededRandom::new(1).fill(out)?,
            RandomFault::RepeatsWithin => {
                let (head, tail) = out.split_at_mut(out.len().min(16));
                tail.chunks_exact_mut(16).for_each(|piece| piece.copy_from_slice(head));
            }
        }
        Ok(())
    }
}
