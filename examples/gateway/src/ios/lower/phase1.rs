//! Suites and keys of phase 1.

use crypto_provider::{CipherAlgorithm, GroupId, HashAlgorithm};
use oakley::{AuthMethod, Lifetime, Phase1Suite};

use super::Lowering;
use super::policies::{SharedKey, Vintage};
use super::warning::WarningKind;
use crate::ios::error::Refusal;
use crate::ios::model::{Authentication, Encryption, Hash, IdentityKind, IsakmpPolicy, KeyOwner, Origin};

/// Lifetime of an IKE SA when none is configured: a day, in every release.
const LIFETIME: u32 = 86_400;

/// Keys shorter than this can be guessed from a recorded Aggressive Mode.
const KEY_LENGTH: usize = 20;

impl Lowering<'_> {
    /// The configured policies in order. IOS's default suite (priority 65535) is never among them: it authenticates
    /// by rsa-sig, and a suite without a certificate is not offered.
    pub(super) fn suites(&mut self) -> Vec<Phase1Suite> {
        let policies = &self.config.isakmp.policies;
        policies.iter().filter_map(|(&priority, policy)| self.suite(priority, policy)).collect()
    }

    fn suite(&mut self, priority: u16, policy: &IsakmpPolicy) -> Option<Phase1Suite> {
        let method = self.method(policy)?;
        let modern = self.vintage == Vintage::Modern;
        let encryption = policy
            .encryption
            .map_or(if modern { Encryption::Aes(128) } else { Encryption::Des }, |one| one.value);
        let hash = policy.hash.map_or(if modern { Hash::Sha256 } else { Hash::Sha }, |one| one.value);
        let group =
            policy.group.map_or(if modern { GroupId::MODP_2048 } else { GroupId::MODP_768 }, |one| one.value);
        self.weak_suite(policy, encryption, hash, group);
        let (cipher, key_len) = match encryption {
            Encryption::Des => (CipherAlgorithm::DesCbc, 8),
            Encryption::TripleDes => (CipherAlgorithm::TripleDesCbc, 24),
            Encryption::Aes(bits) => (CipherAlgorithm::AesCbc, usize::from(bits / 8)),
        };
        let seconds = u64::from(policy.lifetime.unwrap_or(LIFETIME));
        Some(Phase1Suite {
            priority: u32::from(priority),
            cipher,
            key_len,
            hash: match hash {
                Hash::Md5 => HashAlgorithm::Md5,
                Hash::Sha => HashAlgorithm::Sha1,
                Hash::Sha256 => HashAlgorithm::Sha256,
                Hash::Sha384 => HashAlgorithm::Sha384,
                Hash::Sha512 => HashAlgorithm::Sha512,
            },
            method,
            group,
            lifetime: Lifetime { seconds: Some(seconds), kilobytes: None },
        })
    }

    /// The one place that says which authentications run.
    fn method(&mut self, policy: &IsakmpPolicy) -> Option<AuthMethod> {
        let origin = policy.authentication.map_or(policy.origin, |one| one.origin);
        let name = match policy.authentication.map(|one| one.value) {
            Some(Authentication::PreShare) => return Some(AuthMethod::PreShared),
            Some(Authentication::RsaEncr) => "rsa-encr",
            Some(Authentication::RsaSig) => "rsa-sig",
            None => "rsa-sig (the default)",
        };
        self.refuse(origin, Refusal::Authentication(name));
        None
    }

    /// RFC 8247 2.1 to 2.4: what nobody should use any more is said where it is written, or at the policy.
    fn weak_suite(&mut self, policy: &IsakmpPolicy, encryption: Encryption, hash: Hash, group: GroupId) {
        let at = |written: Option<Origin>| written.unwrap_or(policy.origin);
        if encryption == Encryption::Des {
            self.warn(
                at(policy.encryption.map(|one| one.origin)),
                WarningKind::Weak { what: "encryption des" },
            );
        }
        if hash == Hash::Md5 {
            self.warn(at(policy.hash.map(|one| one.origin)), WarningKind::Weak { what: "hash md5" });
        }
        let what = match group {
            GroupId::MODP_768 => "group 1",
            GroupId::MODP_1024 => "group 2",
            GroupId::MODP_1536 => "group 5",
            _ => return,
        };
        self.warn(at(policy.group.map(|one| one.origin)), WarningKind::Weak { what });
    }

    pub(super) fn keys(&mut self) -> Vec<SharedKey> {
        let config = self.config;
        if config.isakmp.identity == IdentityKind::Hostname && config.hostname.is_none() {
            self.refuse(Origin { line: 1, column: 1 }, Refusal::NoHostname);
        }
        let mut out = Vec::new();
        for key in &config.isakmp.keys {
            let addresses = match &key.owner {
                KeyOwner::Hostname(name) => config.resolve(name).to_vec(),
                KeyOwner::Prefix { .. } => Vec::new(),
            };
            if key.secret.len() < KEY_LENGTH {
                self.warn(key.origin, WarningKind::ShortKey);
            }
            if matches!(key.owner, KeyOwner::Prefix { length: 0, .. }) {
                self.warn(key.origin, WarningKind::KeyForEveryone);
            }
            let by_name = matches!(key.owner, KeyOwner::Hostname(_))
                || config.isakmp.identity == IdentityKind::Hostname;
            if by_name && config.isakmp.aggressive_mode {
                self.warn(key.origin, WarningKind::AggressiveMode);
            }
            out.push(SharedKey {
                owner: key.owner.clone(),
                addresses,
                secret: key.secret.clone(),
                origin: key.origin,
            });
        }
        out
    }
}
