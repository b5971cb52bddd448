//! Seals a packet under given keys, as a gateway does, and opens it again, as its peer does.
//!
//! `cargo run -p ipsec-esp --example seal_and_open`
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use core::error::Error;
use core::time::Duration;

use crypto_provider::{CipherAlgorithm, default::provider};
use ipsec_core::{
    InboundConfig, Ipv4Header, Mode, OutboundConfig, PacketBuf, Protocol, Selector, Spi, Tunnel,
};
use ipsec_esp::{InboundSa, Integrity, Keys, OutboundSa, Suite, Transform};

fn main() -> Result<(), Box<dyn Error>> {
    // What two gateways have agreed on: algorithms, keys, an SPI, and which packets.
    let provider = provider();
    let suite = Suite::Separate {
        cipher: CipherAlgorithm::AesCbc,
        key_len: 16,
        integrity: Integrity::HMAC_SHA256_128,
    };
    let keys = || Keys { encryption: &[0x11; 16], integrity: &[0x22; 32] };
    let (spi, now) = (Spi::new(0x1234_5678)?, Duration::ZERO);
    let mode = Mode::Tunnel(Tunnel::new("192.0.2.1".parse()?, "192.0.2.2".parse()?)?);
    let nets = |net: &str| Selector::prefix(net.parse().ok()?, 24);
    let (here, there) = (nets("10.1.0.0").ok_or("net")?, nets("10.2.0.0").ok_or("net")?);

    // Each end has a type of its own. A packet out of the tunnel must be inside the selector, as its receiver sees it.
    let transform = Transform::new(suite, keys(), &provider)?;
    let mut sender = OutboundSa::new(OutboundConfig::new(spi, mode), transform, now);
    let transform = Transform::new(suite, keys(), &provider)?;
    let selector = Selector::new(there, here)?;
    let mut receiver = InboundSa::new(InboundConfig::new(spi, mode, Some(selector)), transform, now);

    // A packet with room in front and behind, so that nothing is copied.
    let mut packet = PacketBuf::copy_of(&datagram(b"across the tunnel")?);
    println!("clear:  {} octets", packet.len());
    let sequence = sender.reserve(packet.len(), now)?;
    sender.seal(sequence, &mut packet, provider.random.as_ref())?;
    println!(
        "sealed: {} octets, of which at most {} fit a link of 1500",
        packet.len(),
        sender.max_payload(1500)
    );

    // Opening twice: the copy is a replay.
    let mut copy = PacketBuf::copy_of(packet.octets());
    let opened = receiver.open(&mut packet, now)?;
    println!("opened: {} octets under number {}", packet.len(), opened.sequence);
    match receiver.open(&mut copy, now) {
        Ok(_) => Err("a replay was accepted".into()),
        Err(reason) => {
            println!("again:  dropped, {reason}");
            Ok(())
        }
    }
}

/// A UDP datagram between the two nets.
fn datagram(payload: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let udp_len = u16::try_from(payload.len().saturating_add(8))?;
    let header = Ipv4Header {
        header_len: Ipv4Header::LEN,
        tos: 0,
        total_len: udp_len.saturating_add(20),
        identification: 1,
        dont_fragment: true,
        more_fragments: false,
        fragment_offset: 0,
        ttl: 64,
        protocol: Protocol::UDP,
        source: "10.1.0.7".parse()?,
        destination: "10.2.0.9".parse()?,
    };
    let mut packet = header.encode().to_vec();
    packet.extend([0x03, 0xe8, 0x07, 0xd0]);
    packet.extend(udp_len.to_be_bytes());
    packet.extend([0, 0]);
    packet.extend_from_slice(payload);
    Ok(packet)
}
