//! Authenticates a packet between two hosts (transport mode), lets a router on the way do what routers do, and checks it.
//!
//! `cargo run -p ipsec-ah --example seal_and_open`
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use core::error::Error;
use core::time::Duration;

use crypto_provider::default::provider;
use ipsec_ah::{InboundSa, Integrity, OutboundSa, Transform};
use ipsec_core::{InboundConfig, Ipv4Header, Mode, OutboundConfig, PacketBuf, Protocol, Spi, decrement_ttl};

fn main() -> Result<(), Box<dyn Error>> {
    let provider = provider();
    let (spi, now) = (Spi::new(0x1234_5678)?, Duration::ZERO);
    let transform = || Transform::new(Integrity::HMAC_SHA256_128, &[0x22; 32], &provider);
    let mut sender = OutboundSa::new(OutboundConfig::new(spi, Mode::Transport), transform()?, now);
    let mut receiver = InboundSa::new(InboundConfig::new(spi, Mode::Transport, None), transform()?, now);

    let header = Ipv4Header {
        header_len: Ipv4Header::LEN,
        tos: 0,
        total_len: 32,
        identification: 1,
        dont_fragment: true,
        more_fragments: false,
        fragment_offset: 0,
        ttl: 64,
        protocol: Protocol::UDP,
        source: "192.0.2.1".parse()?,
        destination: "192.0.2.2".parse()?,
    };
    let clear = [&header.encode()[..], &[0x03, 0xe8, 0x07, 0xd0, 0, 12, 0, 0], b"text"].concat();
    let mut packet = PacketBuf::copy_of(&clear);
    let sequence = sender.reserve(packet.len(), now)?;
    sender.seal(sequence, &mut packet)?;
    println!("sealed: {} octets, {} more", packet.len(), packet.len().saturating_sub(clear.len()));

    // The source address is covered by AH (RFC 4302 3.3.3.1) ...
    let mut forged = PacketBuf::copy_of(packet.octets());
    let source = forged.octets_mut().get_mut(12).ok_or("no source")?;
    *source ^= 1;
    match receiver.open(&mut forged, now) {
        Ok(_) => return Err("a forged source was accepted".into()),
        Err(reason) => println!("forged: dropped, {reason}"),
    }

    // ... and the TTL, which routers change, is not.
    decrement_ttl(packet.octets_mut()).ok_or("no TTL left")?;
    receiver.open(&mut packet, now)?;
    println!("opened: {} octets", packet.len());
    Ok(())
}
