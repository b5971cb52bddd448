//! Keys for whoever analyses a capture: written down only when asked for by name, in the forms that Wireshark reads.
//!
//! - `ikev1_decryption_table`: a line `cookie,key` in bare hexadecimal for each IKE SA;
//! - `esp_sa`: a line of quoted fields for each ESP SA;
//! - `keys.txt`: `ike CKY-I CKY-R CIPHER KEY`, `esp SRC DST SPI CIPHER KEY INTEG KEY`, `ah SRC DST SPI INTEG KEY`.

use core::fmt::Write as _;
use core::net::IpAddr;
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use crypto_provider::{AeadAlgorithm, CipherAlgorithm, HashAlgorithm, SecretBytes};
use oakley::{Confidentiality, Cookies, Derivation, Direction, IkeSaId, Installation, KeyedSa, Protocol};

/// The keys of one router's SAs. Has no `Debug`.
#[derive(Default)]
pub struct KeyLog {
    ike: BTreeMap<IkeSaId, IkeKey>,
    sas: Vec<SaKeys>,
}

#[derive(Default)]
struct IkeKey {
    cipher: Option<CipherAlgorithm>,
    /// With the cookies that name it, once it is known.
    key: Option<(Cookies, SecretBytes)>,
}

struct SaKeys {
    protocol: Protocol,
    source: IpAddr,
    destination: IpAddr,
    spi: u32,
    cipher: &'static str,
    /// How Wireshark names the cipher and the hash.
    wireshark: (&'static str, &'static str),
    encryption_key: SecretBytes,
    integrity: &'static str,
    integrity_key: SecretBytes,
}

impl KeyLog {
    /// The key of the phase 1 cipher, RFC 2409 Appendix B.
    pub(crate) fn record_derivation(&mut self, derivation: &Derivation) {
        if derivation.name == "Ka" {
            let key = SecretBytes::copy_of(&derivation.result);
            self.ike.entry(derivation.ike_sa).or_default().key = Some((derivation.cookies, key));
        }
    }

    /// What phase 1 settled on.
    pub(crate) fn record_cipher(&mut self, ike_sa: IkeSaId, cipher: CipherAlgorithm) {
        self.ike.entry(ike_sa).or_default().cipher = Some(cipher);
    }

    /// The keys of one direction of a bundle.
    pub(crate) fn record_sas(&mut self, installation: &Installation) {
        let (local, remote) = (installation.path.local.ip(), installation.path.remote.ip());
        let (source, destination) = match installation.direction {
            Direction::Inbound => (remote, local),
            Direction::Outbound => (local, remote),
        };
        for KeyedSa { spi, transform, encryption_key, integrity_key, .. } in &installation.sas {
            let (cipher, wireshark_cipher) = cipher_names(transform.confidentiality);
            let (integrity, wireshark_hash) = transform
                .integrity
                .map_or(("NULL", "NULL"), |hash| hash_names(hash, installation.sha256_icv_len));
            self.sas.push(SaKeys {
                protocol: transform.protocol,
                source,
                destination,
                spi: spi.0,
                cipher,
                wireshark: (wireshark_cipher, wireshark_hash),
                encryption_key: SecretBytes::copy_of(encryption_key.expose()),
                integrity,
                integrity_key: SecretBytes::copy_of(integrity_key.expose()),
            });
        }
    }

    /// The contents of Wireshark's `ikev1_decryption_table`.
    #[must_use]
    pub fn ikev1_decryption_table(&self) -> String {
        let mut out = String::new();
        for (cookies, key) in self.ike.values().filter_map(|ike| ike.key.as_ref()) {
            // Writing to a String cannot fail.
            let _ = writeln!(out, "{},{}", cookies.initiator, bare(key));
        }
        out
    }

    /// The contents of Wireshark's `esp_sa`.
    #[must_use]
    pub fn esp_sa(&self) -> String {
        let mut out = String::new();
        for sa in self.sas.iter().filter(|sa| sa.protocol == Protocol::Esp) {
            let family = if sa.source.is_ipv4() { "IPv4" } else { "IPv6" };
            let (cipher, hash) = sa.wireshark;
            let prefixed =
                |key: &SecretBytes| if key.is_empty() { String::new() } else { format!("0x{}", bare(key)) };
            // Writing to a String cannot fail.
            let _ = writeln!(
                out,
                "\"{family}\",\"{}\",\"{}\",\"0x{:08x}\",\"{cipher}\",\"{}\",\"{hash}\",\"{}\"",
                sa.source,
                sa.destination,
                sa.spi,
                prefixed(&sa.encryption_key),
                prefixed(&sa.integrity_key),
            );
        }
        out
    }

    /// The contents of `keys.txt`.
    #[must_use]
    pub fn keys_txt(&self) -> String {
        let mut out = String::new();
        for ike in self.ike.values() {
            if let IkeKey { cipher: Some(cipher), key: Some((cookies, key)) } = ike {
                let name = phase1_cipher_name(*cipher, key.len());
                // Writing to a String cannot fail.
                let _ = writeln!(out, "ike {} {} {name} {}", cookies.initiator, cookies.responder, bare(key));
            }
        }
        for sa in &self.sas {
            let SaKeys { source, destination, spi, cipher, integrity, .. } = sa;
            let (encryption_key, integrity_key) = (or_dash(&sa.encryption_key), or_dash(&sa.integrity_key));
            let _ = match sa.protocol {
                Protocol::Esp => writeln!(
                    out,
                    "esp {source} {destination} 0x{spi:08x} {cipher} {encryption_key} {integrity} {integrity_key}"
                ),
                Protocol::Ah => {
                    writeln!(out, "ah {source} {destination} 0x{spi:08x} {integrity} {integrity_key}")
                }
            };
        }
        out
    }

    /// Writes the three files into `folder`, which is made if it is not there. Only their owner may read them.
    ///
    /// # Errors
    /// The folder or a file cannot be written, or a file is a symbolic link.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        let files = [
            ("ikev1_decryption_table", self.ikev1_decryption_table()),
            ("esp_sa", self.esp_sa()),
            ("keys.txt", self.keys_txt()),
        ];
        for (name, contents) in files {
            write_private(&folder.join(name), contents.as_bytes())?;
        }
        Ok(())
    }
}

/// Writes a file that only its owner may read. Nothing is followed or appended to: a new file takes the place of an
/// old one in one step.
fn write_private(path: &Path, contents: &[u8]) -> io::Result<()> {
    if fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_symlink()) {
        let text = format!("{} is a symbolic link", path.display());
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, text));
    }
    let mut new = path.as_os_str().to_owned();
    new.push(format!(".{}.new", std::process::id()));
    let new = Path::new(&new);
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(new).and_then(|mut file| {
        file.write_all(contents)?;
        file.sync_all()
    });
    let placed = written.and_then(|()| fs::rename(new, path));
    if placed.is_err() {
        // What could not be finished is not left behind; the first error is the one to report.
        let _ = fs::remove_file(new);
    }
    placed
}

fn bare(key: &SecretBytes) -> String {
    key.expose().iter().fold(String::new(), |mut text, octet| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{octet:02x}");
        text
    })
}

fn or_dash(key: &SecretBytes) -> String {
    if key.is_empty() { "-".to_owned() } else { bare(key) }
}

fn phase1_cipher_name(cipher: CipherAlgorithm, octets: usize) -> String {
    match cipher {
        CipherAlgorithm::DesCbc => "DES_CBC".to_owned(),
        CipherAlgorithm::TripleDesCbc => "3DES_CBC".to_owned(),
        CipherAlgorithm::AesCbc => format!("AES_CBC_{}", octets.saturating_mul(8)),
        other => format!("{other:?}"),
    }
}

const fn cipher_names(confidentiality: Confidentiality) -> (&'static str, &'static str) {
    match confidentiality {
        Confidentiality::Cipher(CipherAlgorithm::DesCbc, _) => ("DES_CBC", "DES-CBC [RFC2405]"),
        Confidentiality::Cipher(CipherAlgorithm::TripleDesCbc, _) => ("3DES_CBC", "TripleDES-CBC [RFC2451]"),
        Confidentiality::Cipher(CipherAlgorithm::AesCbc, 16) => ("AES_CBC_128", "AES-CBC [RFC3602]"),
        Confidentiality::Cipher(CipherAlgorithm::AesCbc, 24) => ("AES_CBC_192", "AES-CBC [RFC3602]"),
        Confidentiality::Cipher(CipherAlgorithm::AesCbc, _) => ("AES_CBC_256", "AES-CBC [RFC3602]"),
        Confidentiality::Cipher(CipherAlgorithm::AesCtr, _) => ("AES_CTR", "AES-CTR [RFC3686]"),
        Confidentiality::Aead(AeadAlgorithm::AesGcm8, _) => {
            ("AES_GCM_8", "AES-GCM with 8 octet ICV [RFC4106]")
        }
        Confidentiality::Aead(AeadAlgorithm::AesGcm12, _) => {
            ("AES_GCM_12", "AES-GCM with 12 octet ICV [RFC4106]")
        }
        Confidentiality::Aead(AeadAlgorithm::AesGcm16, _) => {
            ("AES_GCM_16", "AES-GCM with 16 octet ICV [RFC4106]")
        }
        _ => ("NULL", "NULL"),
    }
}

const fn hash_names(hash: HashAlgorithm, sha256_icv_len: usize) -> (&'static str, &'static str) {
    match hash {
        HashAlgorithm::Md5 => ("HMAC_MD5_96", "HMAC-MD5-96 [RFC2403]"),
        HashAlgorithm::Sha1 => ("HMAC_SHA1_96", "HMAC-SHA-1-96 [RFC2404]"),
        HashAlgorithm::Sha256 if sha256_icv_len == 12 => {
            ("HMAC_SHA2_256_96", "HMAC-SHA-256-96 [draft-ietf-ipsec-ciph-sha-256-00]")
        }
        HashAlgorithm::Sha256 => ("HMAC_SHA2_256_128", "HMAC-SHA-256-128 [RFC4868]"),
        HashAlgorithm::Sha384 => ("HMAC_SHA2_384_192", "HMAC-SHA-384-192 [RFC4868]"),
        HashAlgorithm::Sha512 => ("HMAC_SHA2_512_256", "HMAC-SHA-512-256 [RFC4868]"),
        _ => ("NULL", "ANY 96 bit authentication [no checking]"),
    }
}
