//! `ipsec-manual`: SAs without IKE.

use core::fmt;

use crypto_provider::{CipherAlgorithm, HashAlgorithm};
use oakley::Confidentiality;

use super::Lowering;
use super::transform::Parts;
use crate::ios::error::Refusal;
use crate::ios::model::{ConfigSecret, EspSessionKey, MapEntry, SpiKey};

/// The SAs of a manual entry. There is no replay protection: sequence numbers start again with the router
/// (RFC 4301 4.4.2.1).
#[derive(Clone, Debug, Default)]
pub struct ManualSas {
    /// AH, inbound.
    pub inbound_ah: Option<ManualAh>,
    /// AH, outbound.
    pub outbound_ah: Option<ManualAh>,
    /// ESP, inbound.
    pub inbound_esp: Option<ManualEsp>,
    /// ESP, outbound.
    pub outbound_esp: Option<ManualEsp>,
}

/// An AH SA.
#[derive(Clone)]
pub struct ManualAh {
    /// SPI.
    pub spi: u32,
    /// Hash under the HMAC.
    pub hash: HashAlgorithm,
    /// Key of the hash's length.
    pub key: ConfigSecret,
}

/// An ESP SA.
#[derive(Clone)]
pub struct ManualEsp {
    /// SPI.
    pub spi: u32,
    /// The cipher.
    pub cipher: CipherAlgorithm,
    /// Its key; without meaning for the null cipher.
    pub cipher_key: ConfigSecret,
    /// Hash under the HMAC and its key.
    pub authenticator: Option<(HashAlgorithm, ConfigSecret)>,
}

impl fmt::Debug for ManualAh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { spi, hash, key: _ } = self;
        f.debug_struct("ManualAh").field("spi", spi).field("hash", hash).finish_non_exhaustive()
    }
}

impl fmt::Debug for ManualEsp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { spi, cipher, cipher_key: _, authenticator } = self;
        let hash = authenticator.as_ref().map(|(hash, _)| hash);
        f.debug_struct("ManualEsp")
            .field("spi", spi)
            .field("cipher", cipher)
            .field("hash", &hash)
            .finish_non_exhaustive()
    }
}

impl Lowering<'_> {
    /// The keys of an entry against the transforms of its set; `None` if they were refused.
    pub(super) fn manual(&mut self, entry: &MapEntry, parts: Parts) -> Option<ManualSas> {
        let keys = &entry.session_keys;
        let result = (|| {
            Ok(ManualSas {
                inbound_ah: ah("inbound", keys.inbound_ah.as_ref(), parts)?,
                outbound_ah: ah("outbound", keys.outbound_ah.as_ref(), parts)?,
                inbound_esp: esp("inbound", keys.inbound_esp.as_ref(), parts)?,
                outbound_esp: esp("outbound", keys.outbound_esp.as_ref(), parts)?,
            })
        })();
        result.map_err(|refusal| self.refuse(entry.origin, refusal)).ok()
    }
}

fn ah(way: &str, key: Option<&SpiKey>, parts: Parts) -> Result<Option<ManualAh>, Refusal> {
    let hash = parts.ah.and_then(|ah| ah.integrity);
    match (hash, key) {
        (None, None) => Ok(None),
        (Some(_), None) => Err(missing(way, "ah")),
        (None, Some(_)) => Err(unused(way, "ah")),
        (Some(hash), Some(key)) => {
            length(way, "AH", &key.key, hash.output_len())?;
            Ok(Some(ManualAh { spi: key.spi, hash, key: key.key.clone() }))
        }
    }
}

fn esp(way: &str, key: Option<&EspSessionKey>, parts: Parts) -> Result<Option<ManualEsp>, Refusal> {
    let (esp, key) = match (parts.esp, key) {
        (None, None) => return Ok(None),
        (Some(_), None) => return Err(missing(way, "esp")),
        (None, Some(_)) => return Err(unused(way, "esp")),
        (Some(esp), Some(key)) => (esp, key),
    };
    let Confidentiality::Cipher(cipher, key_len) = esp.confidentiality else {
        // RFC 4106 2: with a key that outlives its counter, nonces would repeat.
        return Err(Refusal::ManualCounter("esp-gcm"));
    };
    if cipher != CipherAlgorithm::Null {
        length(way, "cipher", &key.cipher, key_len)?;
    }
    let authenticator = match (esp.integrity, &key.authenticator) {
        (None, None) => None,
        (Some(_), None) => return Err(missing(way, "esp ... authenticator")),
        (None, Some(_)) => return Err(unused(way, "esp ... authenticator")),
        (Some(hash), Some(key)) => {
            length(way, "authenticator", key, hash.output_len())?;
            Some((hash, key.clone()))
        }
    };
    Ok(Some(ManualEsp { spi: key.spi, cipher, cipher_key: key.cipher.clone(), authenticator }))
}

fn length(way: &str, what: &str, key: &ConfigSecret, wanted: usize) -> Result<(), Refusal> {
    if key.len() == wanted {
        return Ok(());
    }
    // How long it is, is not said: an error may be read by more people than the key.
    Err(Refusal::ManualKey(format!(
        "the {way} {what} key does not have the {wanted} octets that the transform needs"
    )))
}

fn missing(way: &str, what: &str) -> Refusal {
    Refusal::ManualKey(format!("the transform set needs 'set session-key {way} {what}'"))
}

fn unused(way: &str, what: &str) -> Refusal {
    Refusal::ManualKey(format!("the transform set has no use for 'set session-key {way} {what}'"))
}
