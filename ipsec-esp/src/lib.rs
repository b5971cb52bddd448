#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]
#![doc = include_str!("../README.md")]

extern crate alloc;

mod encap;
mod header;
mod inbound;
mod outbound;
mod suite;
mod trailer;
mod transform;

pub use crypto_provider::Integrity;
pub use encap::UdpEncapsulation;
pub use header::EspHeader;
pub use inbound::InboundSa;
pub use ipsec_core::{OpenJob, SealJob, Verified};
pub use outbound::OutboundSa;
pub use suite::{Keys, Suite, SuiteError};
pub use transform::Transform;
