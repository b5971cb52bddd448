#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod check;
pub mod cli;
pub mod demo;
#[cfg(target_os = "linux")]
pub mod io;
pub mod ios;
pub mod keylog;
pub mod router;
