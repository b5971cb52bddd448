//! What a data path of one's own is given: here as the words in which Linux would be told (`ip xfrm`), for both gateways.
//!
//! Keys are printed because this is what the hook is for; nothing else of this crate ever prints one.
//!
//! `cargo run -p oakley --example hand_over`

mod shared;

use core::error::Error;
use core::fmt::Write as _;
use std::io::{Write, stdout};

use oakley::{Direction, Installation, KeyedSa, Lifetime, Output, Protocol};

fn hex(octets: &[u8]) -> String {
    octets.iter().fold("0x".to_owned(), |mut text, octet| {
        let _ = write!(text, "{octet:02x}");
        text
    })
}

/// One SA. The flow it may carry is `installation.selectors`; a kernel gets it as a policy beside the state.
fn state(installation: &Installation, sa: &KeyedSa) -> String {
    let path = &installation.path;
    let (from, to) = match installation.direction {
        Direction::Inbound => (path.remote.ip(), path.local.ip()),
        Direction::Outbound => (path.local.ip(), path.remote.ip()),
    };
    let protocol = match sa.transform.protocol {
        Protocol::Esp => "esp",
        Protocol::Ah => "ah",
    };
    let mut line = format!("state add src {from} dst {to} proto {protocol} spi {:#010x}", sa.spi.0);
    let _ = write!(line, " mode {:?}", installation.encapsulation);
    let _ = write!(line, " enc {:?} {}", sa.transform.confidentiality, hex(sa.encryption_key.expose()));
    if let Some(hash) = sa.transform.integrity {
        let _ = write!(line, " auth HMAC-{hash:?} {}", hex(sa.integrity_key.expose()));
    }
    let limits =
        |name: &str, life: &Lifetime| format!(" {name} {:?} s {:?} kB", life.seconds, life.kilobytes);
    line + &limits("soft", &installation.soft) + &limits("hard", &installation.lifetime)
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut lines = Vec::new();
    shared::negotiate(&shared::suite(), |gateway, output| match output {
        Output::Install(installation) => {
            for sa in &installation.sas {
                lines.push(format!("gateway {gateway}: {}", state(installation, sa)));
            }
        }
        Output::Remove(bundle, reason) => {
            lines.push(format!("gateway {gateway}: remove {bundle:?}: {reason:?}"))
        }
        _ => {}
    })?;
    Ok(writeln!(stdout(), "{}", lines.join("\n"))?)
}
