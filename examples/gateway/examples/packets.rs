//! Seals and opens packets for other programs: a request a line on standard input, an answer a line on standard output.
//!
//! ```text
//! seal|open esp|ah [NAME=VALUE | WORD]... PACKET...
//!
//! spi=NUMBER  key=HEX (cipher, salt last)  mac-key=HEX  cipher=NAME  mac=NAME
//! local=ADDRESS remote=ADDRESS     tunnel mode between the two; transport mode without
//! udp                              ESP in UDP, port 4500
//! extended                         extended sequence numbers
//! ```
//!
//! Packets are whole IP packets in hexadecimal; all of a line go through one SA that was made for it, and the answer has a
//! word for each: the packet, or `!` and the reason why there is none.
#![allow(clippy::print_stdout, reason = "answering is what it is for")]

use core::error::Error;
use core::fmt::Display;
use core::time::Duration;
use std::collections::BTreeMap;

use crypto_provider::{AeadAlgorithm, CipherAlgorithm, CryptoProvider, HashAlgorithm, default};
use ipsec_core::{InboundConfig, Mode, OutboundConfig, PacketBuf, SequenceWidth, Spi, Tunnel};

type Failure = Box<dyn Error>;

const NOW: Duration = Duration::ZERO;

/// The named values of a request.
struct Request<'a>(BTreeMap<&'a str, &'a str>);

impl Request<'_> {
    fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    fn text(&self, name: &str) -> Result<&str, Failure> {
        self.0.get(name).copied().ok_or_else(|| format!("{name} is missing").into())
    }

    /// Octets of a key, none if it is not given.
    fn octets(&self, name: &str) -> Result<Vec<u8>, Failure> {
        Ok(hex::decode(self.text(name).unwrap_or_default())?)
    }

    fn spi(&self) -> Result<Spi, Failure> {
        Ok(Spi::new(self.text("spi")?.parse()?)?)
    }

    fn mode(&self) -> Result<Mode, Failure> {
        if !self.has("local") {
            return Ok(Mode::Transport);
        }
        Ok(Mode::Tunnel(Tunnel::new(self.text("local")?.parse()?, self.text("remote")?.parse()?)?))
    }

    fn width(&self) -> SequenceWidth {
        if self.has("extended") { SequenceWidth::Extended } else { SequenceWidth::Short }
    }

    fn outbound(&self) -> Result<OutboundConfig, Failure> {
        let mut config = OutboundConfig::new(self.spi()?, self.mode()?);
        config.width = self.width();
        Ok(config)
    }

    fn inbound(&self) -> Result<InboundConfig, Failure> {
        // Which packets an SA may carry is not the question here.
        let mut config = InboundConfig::new(self.spi()?, self.mode()?, None);
        config.width = self.width();
        Ok(config)
    }

    /// The hash and the octets of the ICV, if there is one.
    fn mac(&self) -> Result<Option<(HashAlgorithm, usize)>, Failure> {
        Ok(Some(match self.text("mac")? {
            "none" => return Ok(None),
            "md5" => (HashAlgorithm::Md5, 12),
            "sha1" => (HashAlgorithm::Sha1, 12),
            "sha256" => (HashAlgorithm::Sha256, 16),
            "sha384" => (HashAlgorithm::Sha384, 24),
            "sha512" => (HashAlgorithm::Sha512, 32),
            other => return Err(format!("no mac {other}").into()),
        }))
    }

    fn suite(&self, key_len: usize) -> Result<ipsec_esp::Suite, Failure> {
        let unsalted = key_len.saturating_sub(4);
        let (cipher, key_len) = match self.text("cipher")? {
            "null" => (CipherAlgorithm::Null, 0),
            "des-cbc" => (CipherAlgorithm::DesCbc, key_len),
            "3des-cbc" => (CipherAlgorithm::TripleDesCbc, key_len),
            "aes-cbc" => (CipherAlgorithm::AesCbc, key_len),
            "aes-ctr" => (CipherAlgorithm::AesCtr, unsalted),
            "aes-gcm" => {
                let (aead, key_len) = (AeadAlgorithm::AesGcm16, unsalted);
                return Ok(ipsec_esp::Suite::Combined { aead, key_len });
            }
            other => return Err(format!("no cipher {other}").into()),
        };
        Ok(match self.mac()? {
            None => ipsec_esp::Suite::EncryptionOnly { cipher, key_len },
            Some((hash, icv_len)) => {
                let integrity = ipsec_esp::Integrity { hash, icv_len };
                ipsec_esp::Suite::Separate { cipher, key_len, integrity }
            }
        })
    }

    fn esp(&self, provider: &CryptoProvider) -> Result<ipsec_esp::Transform, Failure> {
        let (encryption, integrity) = (self.octets("key")?, self.octets("mac-key")?);
        let suite = self.suite(encryption.len())?;
        let keys = ipsec_esp::Keys { encryption: &encryption, integrity: &integrity };
        Ok(ipsec_esp::Transform::new(suite, keys, provider)?)
    }

    fn ah(&self, provider: &CryptoProvider) -> Result<ipsec_ah::Transform, Failure> {
        let (hash, icv_len) = self.mac()?.ok_or("AH needs a mac")?;
        let integrity = ipsec_ah::Integrity { hash, icv_len };
        Ok(ipsec_ah::Transform::new(integrity, &self.octets("mac-key")?, provider)?)
    }
}

/// The packet, or why there is none.
fn word<E: Display>(packet: &PacketBuf, result: Result<(), E>) -> String {
    result.map_or_else(|reason| format!("!{reason}").replace(' ', "-"), |()| hex::encode(packet.octets()))
}

/// What one SA makes of the packets of a request.
fn run(
    action: &str,
    protocol: &str,
    request: &Request<'_>,
    packets: &mut [PacketBuf],
) -> Result<Vec<String>, Failure> {
    let provider = default::provider();
    let udp = ipsec_esp::UdpEncapsulation::default();
    Ok(match (action, protocol) {
        ("seal", "esp") => {
            let sa = ipsec_esp::OutboundSa::new(request.outbound()?, request.esp(&provider)?, NOW);
            let mut sa = if request.has("udp") { sa.in_udp(udp) } else { sa };
            let mut seal = |packet: &mut PacketBuf| {
                let sequence = sa.reserve(packet.len(), NOW)?;
                sa.seal(sequence, packet, provider.random.as_ref()).map_err(Failure::from)
            };
            packets
                .iter_mut()
                .map(|packet| {
                    let result = seal(packet);
                    word(packet, result)
                })
                .collect()
        }
        ("seal", "ah") => {
            let mut sa = ipsec_ah::OutboundSa::new(request.outbound()?, request.ah(&provider)?, NOW);
            let mut seal = |packet: &mut PacketBuf| {
                let sequence = sa.reserve(packet.len(), NOW)?;
                sa.seal(sequence, packet).map_err(Failure::from)
            };
            packets
                .iter_mut()
                .map(|packet| {
                    let result = seal(packet);
                    word(packet, result)
                })
                .collect()
        }
        ("open", "esp") => {
            let sa = ipsec_esp::InboundSa::new(request.inbound()?, request.esp(&provider)?, NOW);
            let mut sa = if request.has("udp") { sa.in_udp(udp) } else { sa };
            packets
                .iter_mut()
                .map(|packet| {
                    let result = sa.open(packet, NOW).map(drop);
                    word(packet, result)
                })
                .collect()
        }
        ("open", "ah") => {
            let mut sa = ipsec_ah::InboundSa::new(request.inbound()?, request.ah(&provider)?, NOW);
            packets
                .iter_mut()
                .map(|packet| {
                    let result = sa.open(packet, NOW).map(drop);
                    word(packet, result)
                })
                .collect()
        }
        _ => return Err(format!("neither seal nor open of esp or ah: {action} {protocol}").into()),
    })
}

fn answer(line: &str) -> Result<String, Failure> {
    let mut words = line.split_whitespace();
    let (action, protocol) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (mut named, mut packets) = (BTreeMap::new(), Vec::new());
    for word in words {
        match word.split_once('=') {
            Some((name, value)) => drop(named.insert(name, value)),
            None if ["udp", "extended"].contains(&word) => drop(named.insert(word, "")),
            None => packets.push(PacketBuf::copy_of(&hex::decode(word)?)),
        }
    }
    Ok(run(action, protocol, &Request(named), &mut packets)?.join(" "))
}

fn main() -> Result<(), Failure> {
    for line in std::io::stdin().lines() {
        println!("{}", answer(&line?).unwrap_or_else(|fault| format!("?{fault}")));
    }
    Ok(())
}
