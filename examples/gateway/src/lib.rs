//! The reference gateway as a library: the binary is a thin shell around it.

pub mod check;
pub mod cli;
pub mod demo;
pub mod ios;
pub mod keylog;
pub mod router;
