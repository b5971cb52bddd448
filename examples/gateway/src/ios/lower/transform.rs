//! Transform sets.

use crypto_provider::{AeadAlgorithm, CipherAlgorithm, HashAlgorithm};
use oakley::{Confidentiality, Phase2Proposal, Phase2Transform, Protocol};

use super::Lowering;
use super::warning::WarningKind;
use crate::ios::error::Refusal;
use crate::ios::model::{Transform, TransformSet};

/// The meaning of one IOS transform.
#[derive(Clone, Copy)]
enum Meaning {
    Ah(HashAlgorithm),
    Cipher(Confidentiality),
    Authenticator(HashAlgorithm),
    /// A transform of before RFC 2401, by name.
    Old(&'static str),
}

fn meaning(transform: Transform) -> Meaning {
    let cipher = |cipher, key_len| Meaning::Cipher(Confidentiality::Cipher(cipher, key_len));
    match transform {
        Transform::AhMd5 => Meaning::Ah(HashAlgorithm::Md5),
        Transform::AhSha => Meaning::Ah(HashAlgorithm::Sha1),
        Transform::AhSha256 => Meaning::Ah(HashAlgorithm::Sha256),
        Transform::AhSha384 => Meaning::Ah(HashAlgorithm::Sha384),
        Transform::AhSha512 => Meaning::Ah(HashAlgorithm::Sha512),
        Transform::AhRfc1828 => Meaning::Old("ah-rfc1828"),
        Transform::EspDes => cipher(CipherAlgorithm::DesCbc, 8),
        Transform::EspTripleDes => cipher(CipherAlgorithm::TripleDesCbc, 24),
        Transform::EspAes(bits) => cipher(CipherAlgorithm::AesCbc, usize::from(bits / 8)),
        // RFC 4106 6: an ICV of 16 octets is the one that must be supported.
        Transform::EspGcm(bits) => {
            Meaning::Cipher(Confidentiality::Aead(AeadAlgorithm::AesGcm16, usize::from(bits / 8)))
        }
        Transform::EspNull => cipher(CipherAlgorithm::Null, 0),
        Transform::EspRfc1829 => Meaning::Old("esp-rfc1829"),
        Transform::EspMd5 => Meaning::Authenticator(HashAlgorithm::Md5),
        Transform::EspSha => Meaning::Authenticator(HashAlgorithm::Sha1),
        Transform::EspSha256 => Meaning::Authenticator(HashAlgorithm::Sha256),
        Transform::EspSha384 => Meaning::Authenticator(HashAlgorithm::Sha384),
        Transform::EspSha512 => Meaning::Authenticator(HashAlgorithm::Sha512),
    }
}

/// What a set asks for.
#[derive(Clone, Copy, Default)]
pub(super) struct Parts {
    pub(super) ah: Option<Phase2Transform>,
    pub(super) esp: Option<Phase2Transform>,
}

impl Parts {
    /// AH first, as IOS offers it: the AND of one proposal number (RFC 2408 4.2).
    pub(super) fn proposal(self) -> Phase2Proposal {
        Phase2Proposal { protections: self.ah.into_iter().chain(self.esp).map(|one| vec![one]).collect() }
    }
}

impl Lowering<'_> {
    /// The parts of a set; `None` if it was refused.
    pub(super) fn transform_set(&mut self, set: &TransformSet) -> Option<Parts> {
        let refused = self.refusals.len();
        let mut parts = Parts::default();
        let mut authenticator = None;
        for transform in &set.transforms {
            match meaning(transform.value) {
                Meaning::Ah(hash) => {
                    let confidentiality = Confidentiality::None;
                    parts.ah = Some(Phase2Transform {
                        protocol: Protocol::Ah,
                        confidentiality,
                        integrity: Some(hash),
                    });
                }
                Meaning::Cipher(confidentiality) => {
                    parts.esp =
                        Some(Phase2Transform { protocol: Protocol::Esp, confidentiality, integrity: None });
                }
                Meaning::Authenticator(hash) => authenticator = Some(hash),
                Meaning::Old(name) => self.refuse(transform.origin, Refusal::OldTransform(name)),
            }
        }
        if let Some(esp) = &mut parts.esp {
            esp.integrity = authenticator;
        }
        // RFC 4303 3.2: ESP has confidentiality or integrity of its own, whatever stands beside it.
        if let Some(null) = set.transforms.iter().find(|one| one.value == Transform::EspNull)
            && authenticator.is_none()
        {
            self.refuse(null.origin, Refusal::NoProtection);
        }
        if let Some(size) = set.iv_size.filter(|size| size.value != 8) {
            self.refuse(size.origin, Refusal::IvSize);
        }
        (self.refusals.len() == refused).then_some(parts)
    }

    /// Warns about every transform set once, used or not.
    pub(super) fn weak_sets(&mut self) {
        for (name, set) in &self.config.ipsec.transform_sets {
            for transform in &set.transforms {
                // RFC 8221 5 and 6.
                let what = match transform.value {
                    Transform::EspDes => "esp-des",
                    Transform::EspTripleDes => "esp-3des",
                    Transform::EspMd5 => "esp-md5-hmac",
                    Transform::AhMd5 => "ah-md5-hmac",
                    _ => continue,
                };
                self.warn(transform.origin, WarningKind::Weak { what });
            }
            let mut values = set.transforms.iter().map(|one| meaning(one.value));
            let sealed = values.any(|one| {
                matches!(
                    one,
                    Meaning::Ah(_)
                        | Meaning::Authenticator(_)
                        | Meaning::Old(_)
                        | Meaning::Cipher(Confidentiality::Aead(..))
                )
            });
            if !sealed {
                self.warn(set.origin, WarningKind::NoIntegrity { set: name.clone() });
            }
        }
    }
}
