//! SKEYID and its children, the cipher of phase 1, KEYMAT (RFC 2409 5, 5.5, Appendix B).
//!
//! ```text
//! SKEYID_d = prf(SKEYID, g^xy | CKY-I | CKY-R | 0)
//! SKEYID_a = prf(SKEYID, SKEYID_d | g^xy | CKY-I | CKY-R | 1)
//! SKEYID_e = prf(SKEYID, SKEYID_a | g^xy | CKY-I | CKY-R | 2)
//! ```

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use crypto_provider::{
    Cipher, CipherKey, CryptoProvider, DhGroup, Hash, Prf, PrfKey, SecretBytes, SharedSecret,
};

use crate::engine::outbox::KeyLog;
use crate::error::LocalFailure;
use crate::event::Cookies;
use crate::policy::{Phase1Suite, Protocol};
use crate::sa::Spi;

/// An agreed suite together with the provider's implementations of its algorithms.
#[derive(Clone)]
pub(crate) struct Suite {
    pub(crate) chosen: Phase1Suite,
    pub(crate) hash: &'static dyn Hash,
    pub(crate) prf: &'static dyn Prf,
    pub(crate) cipher: &'static dyn Cipher,
    pub(crate) group: &'static dyn DhGroup,
}

impl Suite {
    pub(crate) fn resolve(chosen: Phase1Suite, provider: &CryptoProvider) -> Option<Self> {
        Some(Self {
            hash: provider.hash(chosen.hash)?,
            prf: provider.prf(chosen.hash)?,
            cipher: provider.cipher(chosen.cipher)?,
            group: provider.group(chosen.group)?,
            chosen,
        })
    }

    /// prf(key, parts) at full length.
    pub(crate) fn prf(&self, key: &[u8], parts: &[&[u8]]) -> SecretBytes {
        compute(&*self.prf.key(key), self.prf_len(), parts)
    }

    pub(crate) fn prf_len(&self) -> usize {
        self.chosen.hash.output_len()
    }
}

/// A keyed prf at its full output length.
pub(crate) fn compute(key: &dyn PrfKey, len: usize, parts: &[&[u8]]) -> SecretBytes {
    let mut out = vec![0; len];
    key.compute(parts, &mut out);
    SecretBytes::new(out)
}

/// The keys of one IKE SA. SKEYID itself is kept keyed until the proofs are done.
pub(crate) struct Keys {
    /// Keyed with SKEYID: HASH_I and HASH_R.
    pub(crate) skeyid: Box<dyn PrfKey>,
    /// Keyed with SKEYID_d: KEYMAT.
    pub(crate) d: Box<dyn PrfKey>,
    /// Keyed with SKEYID_a: HASH(1), HASH(2), HASH(3).
    pub(crate) a: Box<dyn PrfKey>,
    /// Keyed from SKEYID_e.
    pub(crate) cipher: Box<dyn CipherKey>,
    pub(crate) block_len: usize,
    pub(crate) prf_len: usize,
}

impl Keys {
    pub(crate) fn derive(
        suite: &Suite,
        skeyid: &SecretBytes,
        g_xy: &SharedSecret,
        cookies: &Cookies,
        log: &mut KeyLog<'_>,
    ) -> Result<Self, LocalFailure> {
        let (cky_i, cky_r) = (&cookies.initiator.0[..], &cookies.responder.0[..]);
        let g_xy = g_xy.expose();
        let prf_key = suite.prf.key(skeyid.expose());
        let len = suite.prf_len();
        let skeyid_d = compute(&*prf_key, len, &[g_xy, cky_i, cky_r, &[0]]);
        let skeyid_a = compute(&*prf_key, len, &[skeyid_d.expose(), g_xy, cky_i, cky_r, &[1]]);
        let skeyid_e = compute(&*prf_key, len, &[skeyid_a.expose(), g_xy, cky_i, cky_r, &[2]]);
        let key = cipher_key_octets(suite, &skeyid_e);

        let [g_xy, cky_i, cky_r] = [("g^xy", g_xy), ("CKY-I", cky_i), ("CKY-R", cky_r)];
        let [d, a] = [("SKEYID_d", skeyid_d.expose()), ("SKEYID_a", skeyid_a.expose())];
        log.record("SKEYID_d", &[g_xy, cky_i, cky_r, ("0", &[0])], skeyid_d.expose());
        log.record("SKEYID_a", &[d, g_xy, cky_i, cky_r, ("1", &[1])], skeyid_a.expose());
        log.record("SKEYID_e", &[a, g_xy, cky_i, cky_r, ("2", &[2])], skeyid_e.expose());
        log.record("Ka", &[("SKEYID_e", skeyid_e.expose())], key.expose());

        // RFC 2409 Appendix B asks to skip weak DES keys and leaves open what the next candidate is; the provider
        // refuses them and the exchange ends, once in 2^52 negotiations.
        let cipher = suite.cipher.key(key.expose()).map_err(crypto_provider::CryptoError::Key)?;
        Ok(Self {
            d: suite.prf.key(skeyid_d.expose()),
            a: suite.prf.key(skeyid_a.expose()),
            skeyid: prf_key,
            cipher,
            block_len: suite.cipher.block_len(),
            prf_len: len,
        })
    }
}

/// RFC 2409 Appendix B: the first octets of SKEYID_e, or of Ka = K1 | K2 | ... where SKEYID_e is too short. Ka starts
/// with K1, not with SKEYID_e.
fn cipher_key_octets(suite: &Suite, skeyid_e: &SecretBytes) -> SecretBytes {
    let wanted = suite.chosen.key_len;
    let first = |octets: &[u8]| SecretBytes::new(octets.iter().copied().take(wanted).collect());
    if skeyid_e.len() >= wanted {
        return first(skeyid_e.expose());
    }
    let key = suite.prf.key(skeyid_e.expose());
    let mut block = compute(&*key, suite.prf_len(), &[&[0]]);
    let mut ka = Vec::with_capacity(wanted.saturating_add(suite.prf_len()));
    loop {
        ka.extend_from_slice(block.expose());
        if ka.len() >= wanted {
            break;
        }
        block = compute(&*key, suite.prf_len(), &[block.expose()]);
    }
    let ka = SecretBytes::new(ka);
    first(ka.expose())
}

/// What KEYMAT is made of beside SKEYID_d (RFC 2409 5.5).
pub(crate) struct KeymatInputs<'a> {
    /// g(qm)^xy, with perfect forward secrecy.
    pub(crate) g_qm_xy: Option<&'a SharedSecret>,
    pub(crate) protocol: Protocol,
    /// The SPI of this SA: its receiver chose it.
    pub(crate) spi: Spi,
    pub(crate) ni_b: &'a [u8],
    pub(crate) nr_b: &'a [u8],
}

/// KEYMAT = K1 | K2 | ..., K1 = prf(SKEYID_d, [g(qm)^xy |] protocol | SPI | Ni_b | Nr_b), Kn = prf(SKEYID_d, Kn-1 | same).
pub(crate) fn keymat(keys: &Keys, inputs: &KeymatInputs<'_>, octets: usize) -> SecretBytes {
    let protocol = [protocol_number(inputs.protocol)];
    let spi = inputs.spi.0.to_be_bytes();
    let g_qm_xy = inputs.g_qm_xy.map_or(&[][..], SharedSecret::expose);
    let seed: [&[u8]; 5] = [g_qm_xy, &protocol, &spi, inputs.ni_b, inputs.nr_b];
    let mut all = Vec::with_capacity(octets.saturating_add(keys.prf_len));
    let mut block = SecretBytes::new(Vec::new());
    while all.len() < octets {
        let [a, b, c, d, e] = seed;
        block = compute(&*keys.d, keys.prf_len, &[block.expose(), a, b, c, d, e]);
        all.extend_from_slice(block.expose());
    }
    let all = SecretBytes::new(all);
    SecretBytes::new(all.expose().iter().copied().take(octets).collect())
}

/// The protocol's number in the IPsec DOI (RFC 2407 4.4.1), which is not its IP protocol number.
pub(crate) fn protocol_number(protocol: Protocol) -> u8 {
    match protocol {
        Protocol::Ah => 2,
        Protocol::Esp => 3,
    }
}

#[cfg(test)]
mod tests {
    use crypto_provider::default::provider;
    use crypto_provider::{CipherAlgorithm, GroupId, HashAlgorithm};
    use isakmp_wire::{Cookie, MessageId};
    use serde_json::Value;

    use super::*;
    use crate::auth::pre_shared::PreShared;
    use crate::auth::{Authenticator, Credentials, KeyInputs};
    use crate::engine::outbox::Outbox;
    use crate::event::Event;
    use crate::output::Output;
    use crate::policy::{AuthMethod, Lifetime};
    use crate::sa::IkeSaId;

    fn octets(case: &Value, field: &str) -> Vec<u8> {
        hex::decode(case[field].as_str().unwrap()).unwrap()
    }

    fn suite(case: &Value) -> Suite {
        assert_eq!(case["hashAlg"], "SHA-1");
        let chosen = Phase1Suite {
            priority: 1,
            cipher: CipherAlgorithm::DesCbc,
            key_len: 8,
            hash: HashAlgorithm::Sha1,
            method: AuthMethod::PreShared,
            group: GroupId::MODP_1024,
            lifetime: Lifetime::default(),
        };
        Suite::resolve(chosen, &provider()).unwrap()
    }

    /// The results in a key log, by name.
    fn logged(out: &mut Outbox, name: &str) -> Vec<Vec<u8>> {
        core::iter::from_fn(|| out.pop())
            .filter_map(|output| match output {
                Output::Event(Event::Derived(derived)) if derived.name == name => {
                    Some(derived.result.to_vec())
                }
                _ => None,
            })
            .collect()
    }

    /// RFC 2409 5 (test): NIST's vectors for the three ways to SKEYID, and for what follows from it. Pre-shared keys go
    /// through their authenticator; the other two formulas are written out, over our prf and hash.
    #[test]
    fn nist_key_derivation() {
        let file: Value = serde_json::from_str(include_str!("../tests/data/nist-ikev1-kdf.json")).unwrap();
        let cases = file["cases"].as_array().unwrap();
        assert_eq!(cases.len(), 4);
        for case in cases {
            let suite = suite(case);
            let cookie = |field| Cookie(octets(case, field).try_into().unwrap());
            let cookies = Cookies { initiator: cookie("ckyInit"), responder: cookie("ckyResp") };
            let (ni_b, nr_b, g_xy) = (octets(case, "nInit"), octets(case, "nResp"), octets(case, "gxy"));
            let skeyid = match case["authenticationMethod"].as_str().unwrap() {
                "psk" => {
                    let key = SecretBytes::new(octets(case, "preSharedKey"));
                    let credentials = &Credentials::PreShared([key].into());
                    let (suite, ni_b, nr_b) = (&suite, &ni_b[..], &nr_b[..]);
                    let inputs = KeyInputs { suite, credentials, ni_b, nr_b, g_xy: &g_xy, cookies: &cookies };
                    PreShared.skeyid(&inputs).unwrap().remove(0)
                }
                "dsa" => suite.prf(&[ni_b, nr_b].concat(), &[&g_xy]),
                "pke" => {
                    let key = suite.hash.digest(&[&ni_b, &nr_b]);
                    suite.prf(key.as_ref(), &[&cookies.initiator.0, &cookies.responder.0])
                }
                other => panic!("{other}"),
            };
            assert_eq!(skeyid.expose(), octets(case, "sKeyId"), "{}", case["tcId"]);
            for (name, field) in [("SKEYID_d", "sKeyIdD"), ("SKEYID_a", "sKeyIdA"), ("SKEYID_e", "sKeyIdE")] {
                let mut out = Outbox::default();
                let ids = (IkeSaId(1), cookies);
                let mut log = KeyLog::new(Some(&mut out), ids, MessageId::ZERO, HashAlgorithm::Sha1);
                Keys::derive(&suite, &skeyid, &SharedSecret::new(g_xy.clone()), &cookies, &mut log).unwrap();
                assert_eq!(logged(&mut out, name), [octets(case, field)], "{name} {}", case["tcId"]);
            }
        }
    }
}
