//! Prints a datagram field by field: `cargo run -p isakmp-wire --example dissect -- HEX [PLAINTEXT-HEX]`.
//!
//! The second argument is what the payloads of an encrypted datagram were decrypted to.
#![allow(clippy::print_stdout, reason = "printing is what the example is for")]

use isakmp_wire::{dissect, dissect_decrypted};

fn main() -> Result<(), hex::FromHexError> {
    let arguments: Vec<Vec<u8>> = std::env::args().skip(1).map(hex::decode).collect::<Result<_, _>>()?;
    match arguments.as_slice() {
        [datagram] => print!("{}", dissect(datagram)),
        [datagram, plaintext] => print!("{}", dissect_decrypted(datagram, plaintext)),
        _ => println!("usage: dissect HEX [PLAINTEXT-HEX]"),
    }
    Ok(())
}
