//! What an operator sees: debug lines and tables, made from events, snapshots and the configuration alone.

pub mod debug;
pub mod show;
mod text;

pub use text::printable;
