//! What every exchange has, whatever it negotiates: a flight that may have to be sent again, a memory of what was
//! accepted, an IV chain, and a table of the payloads that a message must carry.

pub(crate) mod duplicate;
pub(crate) mod flight;
pub(crate) mod incoming;
pub(crate) mod iv;
pub(crate) mod shape;
