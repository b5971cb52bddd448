#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod chain;
pub mod dissect;
mod error;
mod header;
pub mod limits;
mod message;
pub mod payload;
mod reader;
pub mod registry;
mod writer;

pub use chain::encode_chain;
pub use dissect::{Dissection, dissect, dissect_decrypted};
pub use error::{Anomaly, AnomalyKind, EncodeError, EncodeProblem, ParseError, Place, Reason};
pub use header::{Cookie, Flags, Header, MessageId, Version, peek_version};
pub use message::{EncryptedMessage, Message};
pub use payload::{Body, Payload, PayloadBody};
pub use registry::{Doi, ExchangeType, IdType, NotifyType, PayloadKind, ProtocolId};
