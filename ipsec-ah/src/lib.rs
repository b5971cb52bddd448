#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]
#![doc = include_str!("../README.md")]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod header;
mod inbound;
mod integrity;
mod mutable_fields;
mod outbound;

pub use crypto_provider::Integrity;
pub use header::{AhHeader, Alignment};
pub use inbound::InboundSa;
pub use integrity::{IntegrityError, Transform};
pub use ipsec_core::{OpenJob, SealJob, Verified};
pub use outbound::OutboundSa;
