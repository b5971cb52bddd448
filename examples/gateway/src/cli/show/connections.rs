//! `show crypto engine connections active`.

use core::fmt::Write as _;

use crypto_provider::{CipherAlgorithm, HashAlgorithm};
use oakley::{Confidentiality, Phase2Transform, Protocol};

use crate::router::{FlowView, RouterSnapshot, SaView};

/// One row for each SA. Where AH is around ESP, the AH SAs stand for both, as the document shows it.
#[must_use]
pub fn connections(router: &RouterSnapshot) -> String {
    let mut rows: Vec<(u32, String)> = router.flows.iter().flat_map(rows).collect();
    rows.sort();
    let mut out =
        String::from("\n  ID Interface       IP-Address      State  Algorithm           Encrypt  Decrypt\n");
    for (_, row) in rows {
        out.push_str(&row);
    }
    out
}

fn rows(flow: &FlowView) -> Vec<(u32, String)> {
    let is_ah = |sa: &&SaView| sa.transform.protocol == Protocol::Ah;
    let has_ah = flow.inbound.iter().any(|sa| is_ah(&sa));
    let inbound = flow.inbound.iter().filter(|sa| is_ah(sa) == has_ah).map(|sa| (sa, 0, sa.packets));
    let outbound = flow.outbound.iter().filter(|sa| is_ah(sa) == has_ah).map(|sa| (sa, sa.packets, 0));
    let row = |(sa, encrypted, decrypted): (&SaView, u64, u64)| {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{:>4} {:<15} {:<15} {:<6} {:<20}{encrypted:>7}  {decrypted:>7}",
            sa.connection,
            flow.interface,
            flow.local.to_string(),
            "set",
            algorithm(&sa.transform),
        );
        (sa.connection, text)
    };
    inbound.chain(outbound).map(row).collect()
}

fn algorithm(transform: &Phase2Transform) -> String {
    let hash = transform.integrity.map(|hash| match hash {
        HashAlgorithm::Md5 => "HMAC_MD5",
        HashAlgorithm::Sha1 => "HMAC_SHA",
        HashAlgorithm::Sha256 => "HMAC_SHA256",
        HashAlgorithm::Sha384 => "HMAC_SHA384",
        HashAlgorithm::Sha512 => "HMAC_SHA512",
        _ => "HMAC",
    });
    let cipher = match transform.confidentiality {
        Confidentiality::Cipher(CipherAlgorithm::DesCbc, _) => Some("DES_56_CBC"),
        Confidentiality::Cipher(CipherAlgorithm::TripleDesCbc, _) => Some("3DES_168_CBC"),
        Confidentiality::Cipher(CipherAlgorithm::AesCbc, _) => Some("AES_CBC"),
        Confidentiality::Cipher(CipherAlgorithm::AesCtr, _) => Some("AES_CTR"),
        Confidentiality::Aead(..) => Some("AES_GCM"),
        _ => None,
    };
    let words: Vec<&str> = hash.into_iter().chain(cipher).collect();
    words.join("+")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::show::tests::{document, wan2511};

    #[test]
    fn as_the_document_shows_it() {
        let mut router = wan2511();
        // The document looked here 80 packets before it looked at the SAs.
        for flow in &mut router.flows {
            for sa in flow.inbound.iter_mut().chain(&mut flow.outbound) {
                sa.packets = 240;
            }
        }
        assert_eq!(connections(&router), document("show crypto engine connections active"));
        // Without AH around it ESP is listed itself.
        for flow in &mut router.flows {
            flow.inbound.remove(0);
            flow.outbound.remove(0);
        }
        let text = connections(&router);
        assert!(
            text.contains(
                "  11 Serial0         20.20.20.21     set    HMAC_SHA+DES_56_CBC       0      240\n"
            ),
            "{text}"
        );
    }
}
