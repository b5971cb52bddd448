//! `show crypto isakmp policy`.

use core::fmt::{self, Write as _};

use crypto_provider::GroupId;

use crate::ios::Vintage;
use crate::ios::model::{Authentication, Encryption, Hash, IsakmpPolicy, RunningConfig};

/// Lifetime of a policy that says none.
const DEFAULT_SECONDS: u32 = 86_400;

/// The policies in order of priority, with what their version puts where they say nothing; then the default suite, which
/// is shown and, without a certificate, never offered.
#[must_use]
pub fn isakmp_policy(config: &RunningConfig) -> String {
    let vintage = Vintage::of(config.version.as_ref());
    let mut out = String::new();
    for (priority, policy) in &config.isakmp.policies {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "Protection suite of priority {priority}");
        let _ = suite(&mut out, vintage, policy);
    }
    out.push_str("Default protection suite\n");
    let _ = suite(&mut out, vintage, &IsakmpPolicy::default());
    out
}

fn suite(out: &mut String, vintage: Vintage, policy: &IsakmpPolicy) -> fmt::Result {
    let (encryption, hash, group) = match vintage {
        Vintage::Ios1998 => (Encryption::Des, Hash::Sha, GroupId::MODP_768),
        Vintage::Modern => (Encryption::Aes(128), Hash::Sha256, GroupId::MODP_2048),
    };
    let encryption = policy.encryption.map_or(encryption, |one| one.value);
    let hash = policy.hash.map_or(hash, |one| one.value);
    let group = policy.group.map_or(group, |one| one.value);
    let method = policy.authentication.map_or(Authentication::RsaSig, |one| one.value);
    let seconds = policy.lifetime.unwrap_or(DEFAULT_SECONDS);
    writeln!(out, "        encryption algorithm:   {}", encryption_words(encryption))?;
    writeln!(out, "        hash algorithm:         {}", hash_words(hash))?;
    writeln!(out, "        authentication method:  {}", method_words(method))?;
    writeln!(out, "        Diffie-Hellman group:   #{group} ({} bit)", bits(group))?;
    writeln!(out, "        lifetime:               {seconds} seconds, no volume limit")
}

fn encryption_words(encryption: Encryption) -> String {
    match encryption {
        Encryption::Des => "DES - Data Encryption Standard (56 bit keys).".to_owned(),
        Encryption::TripleDes => "Three key triple DES".to_owned(),
        Encryption::Aes(bits) => format!("AES - Advanced Encryption Standard ({bits} bit keys)."),
    }
}

const fn hash_words(hash: Hash) -> &'static str {
    match hash {
        Hash::Md5 => "Message Digest 5",
        Hash::Sha => "Secure Hash Standard",
        Hash::Sha256 => "Secure Hash Standard 2 (256 bit)",
        Hash::Sha384 => "Secure Hash Standard 2 (384 bit)",
        Hash::Sha512 => "Secure Hash Standard 2 (512 bit)",
    }
}

const fn method_words(method: Authentication) -> &'static str {
    match method {
        Authentication::PreShare => "Pre-Shared Key",
        Authentication::RsaSig => "Rivest-Shamir-Adleman Signature",
        Authentication::RsaEncr => "Rivest-Shamir-Adleman Encryption",
    }
}

/// RFC 2409 6, RFC 3526, RFC 5903: bits of the prime or of the curve's field.
const fn bits(group: GroupId) -> u32 {
    match group {
        GroupId::MODP_768 => 768,
        GroupId::MODP_1024 => 1024,
        GroupId::MODP_1536 => 1536,
        GroupId::MODP_2048 => 2048,
        GroupId::MODP_3072 => 3072,
        GroupId::MODP_4096 => 4096,
        GroupId::MODP_6144 => 6144,
        GroupId::MODP_8192 => 8192,
        GroupId::ECP_256 => 256,
        GroupId::ECP_384 => 384,
        GroupId::ECP_521 => 521,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::show::tests::document;
    use crate::ios::parse;

    #[test]
    fn as_the_document_shows_it() {
        let config = parse("ah-esp-a.cfg", include_str!("../../../configs/ah-esp-a.cfg")).unwrap();
        let text = isakmp_policy(&config);
        assert_eq!(text, document("show crypto isakmp policy"));
        // Without a policy only the default suite is left, as on the document's other router.
        let config = parse("none", "version 11.3\nend\n").unwrap();
        let lab = include_str!("../../../tests/data/show-lab-isdn1.txt");
        let (_, lab) = lab.split_once("lab-isdn1#show crypto isakmp policy\n").unwrap();
        let (lab, _) = lab.split_once("lab-isdn1#").unwrap();
        assert_eq!(isakmp_policy(&config), lab);
    }

    #[test]
    fn what_a_policy_leaves_out_depends_on_the_version() {
        let config = parse("modern", "crypto isakmp policy 5\n authentication pre-share\nend\n").unwrap();
        let text = isakmp_policy(&config);
        for words in ["priority 5", "(128 bit keys)", "2 (256 bit)", "#14 (2048 bit)", "86400 seconds"] {
            assert!(text.contains(words), "{words}\n{text}");
        }
    }
}
