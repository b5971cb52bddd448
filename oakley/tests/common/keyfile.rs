//! The `keys.txt` of a recording: what the daemons' logs said.

use core::net::IpAddr;
use std::collections::BTreeMap;

use oakley::Protocol;

use super::unhex;

/// One SA that was installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedSa {
    pub protocol: Protocol,
    pub to: IpAddr,
    pub spi: u32,
    /// With the salt of counter modes; empty for AH.
    pub encryption: Vec<u8>,
    /// Empty for combined ciphers.
    pub integrity: Vec<u8>,
}

/// The whole file.
#[derive(Default)]
pub struct KeyFile {
    pub cookies: [Vec<u8>; 2],
    pub ka: Vec<u8>,
    pub iv: Vec<u8>,
    /// `DH`, `SKEYID`, `SKEYID_d` ...
    pub secrets: BTreeMap<String, Vec<u8>>,
    /// `HASH_I`, `HASH_I_data` ...
    pub hashes: BTreeMap<String, Vec<u8>>,
    pub sas: Vec<LoggedSa>,
}

impl KeyFile {
    pub fn parse(text: &str) -> Self {
        let octets = |key: &str| if key == "-" { Vec::new() } else { unhex(key) };
        let mut file = Self::default();
        for line in text.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["ike", initiator, responder, _, key] => {
                    file.cookies = [unhex(initiator), unhex(responder)];
                    file.ka = unhex(key);
                }
                ["secret", _, name, value] => {
                    file.secrets.insert(name.to_string(), unhex(value));
                }
                ["iv0", _, value] => file.iv = unhex(value),
                ["hash", _, name, value] => {
                    file.hashes.insert(name.to_string(), unhex(value));
                }
                [protocol @ ("esp" | "ah"), _, to, spi, _, key, ref integrity @ ..] => {
                    file.sas.push(LoggedSa {
                        protocol: if protocol == "ah" { Protocol::Ah } else { Protocol::Esp },
                        to: to.parse().unwrap(),
                        spi: u32::from_str_radix(spi.trim_start_matches("0x"), 16).unwrap(),
                        encryption: octets(key),
                        integrity: integrity.get(1).map_or_else(Vec::new, |key| octets(key)),
                    });
                }
                _ => panic!("{line}"),
            }
        }
        file
    }
}
