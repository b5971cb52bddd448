#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

pub mod check;
pub mod cli;
pub mod demo;
#[cfg(target_os = "linux")]
pub mod io;
pub mod ios;
pub mod keylog;
pub mod router;
pub mod simulation;
