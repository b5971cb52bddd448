//! Two engines driven by hand, without a socket or a clock: every output of either, in its order.
//!
//! `cargo run -p oakley --example two_engines`

mod shared;

use core::error::Error;
use std::io::{Write, stdout};

use oakley::Output;

fn main() -> Result<(), Box<dyn Error>> {
    let mut lines = Vec::new();
    shared::negotiate(&shared::suite(), |gateway, output| {
        lines.push(match output {
            Output::Transmit { octets, .. } => {
                format!("{gateway}: sends\n{}", isakmp_wire::dissect(octets))
            }
            Output::Install(sa) => format!("{gateway}: installs {:?} {:?}", sa.direction, sa.sas),
            Output::Event(event) => format!("{gateway}: {event:?}"),
            other => format!("{gateway}: {other:?}"),
        });
    })?;
    Ok(writeln!(stdout(), "{}", lines.join("\n"))?)
}
