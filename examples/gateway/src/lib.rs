//! The reference gateway as a library: the binary is a thin shell around it.

pub mod check;
pub mod ios;
