//! The kernel's names for algorithms (crypto/ and net/xfrm/xfrm_algo.c of Linux).

use core::ops::{Deref, DerefMut};

use crypto_provider::{AeadAlgorithm, CipherAlgorithm, HashAlgorithm, Integrity};
use ipsec_esp::Suite;
use netlink_packet_xfrm::state::ModifyMessage;
use netlink_packet_xfrm::{
    Alg, AlgAead, AlgAuth, IPPROTO_AH, IPPROTO_ESP, XFRM_ALG_NAME_LEN, XfrmAttrs, XfrmMessage,
};
use zeroize::Zeroize as _;

use crate::io::netlink::Forget;
use crate::router::Protection;

/// Bits of an octet: the kernel counts keys and ICVs in bits.
const BITS: u32 = 8;
/// Octets of the salt behind the keys of counter modes (RFC 3686 5.1, RFC 4106 8.1).
const SALT: usize = 4;

impl Protection {
    pub(super) const fn protocol(&self) -> u8 {
        match self {
            Self::Esp(_) => IPPROTO_ESP,
            Self::Ah(_) => IPPROTO_AH,
        }
    }

    /// In the kernel's words; None if it has none for it.
    pub(super) fn name(&self) -> Option<String> {
        Some(match self {
            Self::Ah(with) => format!("AH with {}", hmac(with.hash)?),
            Self::Esp(Suite::Combined { aead, .. }) => format!("ESP with {}", combined(*aead)?),
            Self::Esp(Suite::Separate { cipher, integrity, .. }) => {
                format!("ESP with {} and {}", encryption(*cipher)?, hmac(integrity.hash)?)
            }
            Self::Esp(Suite::EncryptionOnly { cipher, .. }) => format!("ESP with {}", encryption(*cipher)?),
            Self::Esp(_) => return None,
        })
    }

    /// The attributes with its keys; None for an algorithm that the kernel has no name for.
    pub(super) fn attributes(&self, encryption_key: &[u8], integrity_key: &[u8]) -> Option<Vec<XfrmAttrs>> {
        // Before the first of two keys is copied.
        self.name()?;
        Some(match *self {
            Self::Ah(with) => vec![integrity(with, integrity_key)?],
            Self::Esp(Suite::Combined { aead, .. }) => vec![XfrmAttrs::EncryptionAlgAead(AlgAead {
                alg_name: padded(combined(aead)?)?,
                alg_key_len: bits(encryption_key.len()),
                alg_icv_len: bits(aead.tag_len()),
                alg_key: encryption_key.to_vec(),
            })],
            Self::Esp(Suite::Separate { cipher, integrity: with, .. }) => {
                vec![integrity(with, integrity_key)?, encrypted(cipher, encryption_key)?]
            }
            Self::Esp(Suite::EncryptionOnly { cipher, .. }) => vec![encrypted(cipher, encryption_key)?],
            Self::Esp(_) => return None,
        })
    }

    /// Octets of its two keys, that of encryption with its salt.
    pub(super) const fn key_lens(&self) -> (usize, usize) {
        match self {
            Self::Ah(with) => (0, with.key_len()),
            Self::Esp(Suite::Combined { key_len, .. }) => (key_len.saturating_add(SALT), 0),
            Self::Esp(Suite::Separate { cipher, key_len, integrity }) => {
                (with_salt(*cipher, *key_len), integrity.key_len())
            }
            Self::Esp(Suite::EncryptionOnly { cipher, key_len }) => (with_salt(*cipher, *key_len), 0),
            Self::Esp(_) => (0, 0),
        }
    }
}

const fn with_salt(cipher: CipherAlgorithm, key_len: usize) -> usize {
    if matches!(cipher, CipherAlgorithm::AesCtr) { key_len.saturating_add(SALT) } else { key_len }
}

/// A state with its keys, which are overwritten when it goes.
pub(super) struct Keyed(ModifyMessage);

impl Keyed {
    pub(super) const fn new(state: ModifyMessage) -> Self {
        Self(state)
    }

    /// For a request, which forgets it.
    pub(super) fn into_message(mut self) -> ModifyMessage {
        core::mem::take(&mut self.0)
    }
}

impl Deref for Keyed {
    type Target = ModifyMessage;

    fn deref(&self) -> &ModifyMessage {
        &self.0
    }
}

impl DerefMut for Keyed {
    fn deref_mut(&mut self) -> &mut ModifyMessage {
        &mut self.0
    }
}

impl Drop for Keyed {
    fn drop(&mut self) {
        wipe(&mut self.0.nlas);
    }
}

impl Forget for XfrmMessage {
    fn forget(&mut self) {
        if let Self::AddSa(state) | Self::UpdateSa(state) = self {
            wipe(&mut state.nlas);
        }
    }
}

/// Overwrites the keys among attributes.
fn wipe(attributes: &mut [XfrmAttrs]) {
    for attribute in attributes {
        match attribute {
            XfrmAttrs::EncryptionAlg(algorithm) | XfrmAttrs::AuthenticationAlg(algorithm) => {
                algorithm.alg_key.zeroize();
            }
            XfrmAttrs::AuthenticationAlgTrunc(algorithm) => algorithm.alg_key.zeroize(),
            XfrmAttrs::EncryptionAlgAead(algorithm) => algorithm.alg_key.zeroize(),
            _ => {}
        }
    }
}

fn integrity(Integrity { hash, icv_len }: Integrity, key: &[u8]) -> Option<XfrmAttrs> {
    // Without the length the kernel would take its own, which for SHA-256 is that of a draft (RFC 4868 has 128 bits).
    Some(XfrmAttrs::AuthenticationAlgTrunc(AlgAuth {
        alg_name: padded(hmac(hash)?)?,
        alg_key_len: bits(key.len()),
        alg_trunc_len: bits(icv_len),
        alg_key: key.to_vec(),
    }))
}

fn encrypted(cipher: CipherAlgorithm, key: &[u8]) -> Option<XfrmAttrs> {
    Some(XfrmAttrs::EncryptionAlg(Alg {
        alg_name: padded(encryption(cipher)?)?,
        alg_key_len: bits(key.len()),
        alg_key: key.to_vec(),
    }))
}

const fn encryption(cipher: CipherAlgorithm) -> Option<&'static str> {
    Some(match cipher {
        CipherAlgorithm::Null => "ecb(cipher_null)",
        CipherAlgorithm::DesCbc => "cbc(des)",
        CipherAlgorithm::TripleDesCbc => "cbc(des3_ede)",
        CipherAlgorithm::AesCbc => "cbc(aes)",
        CipherAlgorithm::AesCtr => "rfc3686(ctr(aes))",
        _ => return None,
    })
}

const fn combined(aead: AeadAlgorithm) -> Option<&'static str> {
    Some(match aead {
        AeadAlgorithm::AesGcm8 | AeadAlgorithm::AesGcm12 | AeadAlgorithm::AesGcm16 => "rfc4106(gcm(aes))",
        _ => return None,
    })
}

const fn hmac(hash: HashAlgorithm) -> Option<&'static str> {
    Some(match hash {
        HashAlgorithm::Md5 => "hmac(md5)",
        HashAlgorithm::Sha1 => "hmac(sha1)",
        HashAlgorithm::Sha256 => "hmac(sha256)",
        HashAlgorithm::Sha384 => "hmac(sha384)",
        HashAlgorithm::Sha512 => "hmac(sha512)",
        _ => return None,
    })
}

fn padded(name: &str) -> Option<[u8; XFRM_ALG_NAME_LEN]> {
    let mut field = [0; XFRM_ALG_NAME_LEN];
    field.get_mut(..name.len())?.copy_from_slice(name.as_bytes());
    Some(field)
}

fn bits(octets: usize) -> u32 {
    u32::try_from(octets).unwrap_or(0).saturating_mul(BITS)
}
