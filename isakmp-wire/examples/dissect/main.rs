//! Prints ISAKMP messages field by field.
//!
//! ```text
//! cargo run -p isakmp-wire --example dissect -- CAPTURE                       a pcap or pcapng file
//! cargo run -p isakmp-wire --example dissect -- --hex DATAGRAM [PLAINTEXT]    one message, in hexadecimal
//! ```
//!
//! `PLAINTEXT` is what the payloads of an encrypted message were decrypted to.
#![allow(clippy::print_stdout, reason = "printing is what the example is for")]

mod capture;

use core::error::Error;

use isakmp_wire::{dissect, dissect_decrypted};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["--hex", datagram] => print!("{}", dissect(&hex::decode(datagram)?)),
        ["--hex", datagram, plaintext] => {
            print!("{}", dissect_decrypted(&hex::decode(datagram)?, &hex::decode(plaintext)?));
        }
        [path] => dissect_file(path)?,
        _ => println!("usage: dissect CAPTURE | dissect --hex DATAGRAM [PLAINTEXT]"),
    }
    Ok(())
}

fn dissect_file(path: &str) -> Result<(), Box<dyn Error>> {
    for message in capture::messages(&std::fs::read(path)?)? {
        println!("frame {}, {} to {}", message.frame, message.source, message.destination);
        println!("{}", dissect(&message.octets));
    }
    Ok(())
}
