//! The sample ESP packets of RFC 3602 section 4, sealed and opened.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::too_many_lines,
    missing_docs,
    reason = "a test may panic"
)]

mod common;

use common::Case;
use crypto_provider::CipherAlgorithm;
use ipsec_core::{PacketBuf, ReplayProtection};
use ipsec_esp::Suite;

struct Sample {
    key: &'static str,
    spi: u32,
    tunnel: bool,
    original: &'static str,
    sealed: &'static str,
}

/// Cases 5 to 8: the original packet, and IP header, SPI, sequence number, IV and encrypted data one after another.
const SAMPLES: [Sample; 4] = [
    Sample {
        key: "90d382b410eeba7ad938c46cec1a82bf",
        spi: 0x4321,
        tunnel: false,
        original: "4500005408f200004001f9fec0a87b03c0a87b64 08000ebda70a00008e9c083db95b070008090a0b0c0d0e0f10111213
            1415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f3031323334353637",
        sealed: "4500007c08f200004032f9a5c0a87b03c0a87b64 0000432100000001 e96e8c08ab465763fd098d45dd3ff893
            f663c25d325c18c6a9453e194e120849a4870b66cc6b9965330013b4898dc856a4699e523a55db080b59ec3a8e4b7e52775b07d1
            db34ed9c538ab50c551b874aa269add047ad2d5913ac19b7cfbad4a6",
    },
    Sample {
        key: "90d382b410eeba7ad938c46cec1a82bf",
        spi: 0x4321,
        tunnel: false,
        original: "4500003008fe00004001fa16c0a87b03c0a87b64 0800b5e8a80a0500a69c083d0b660e00777777777777777777777777",
        sealed: "4500004c08fe00004032f9c9c0a87b03c0a87b64 0000432100000008 69d08df7d203329db093fc4924e5bd80
            f51995881ec4e0c4488987ce742e8109689bb379d2d750c0d915dca346a89f75",
    },
    Sample {
        key: "0123456789abcdef0123456789abcdef",
        spi: 0x8765,
        tunnel: true,
        original: "45000054090400004001f988c0a87b03c0a87bc8 08009f76a90a0100b49c083d02a2040008090a0b0c0d0e0f10111213
            1415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f3031323334353637",
        sealed: "4500008c090500004032f91ec0a87b03c0a87bc8 0000876500000002 f4e765244f6407adf13dc1380f673f37
            773b5241a4c449225e4f3ce5ed611b0c237ca96cf74a93013c1b0ea1a0cf70f8e4ecaec78ac53aad7a0f022b859243c647752e94
            a859352b8a4d4d2decd136e5c177f132ad3fbfb2201ac9904c74ee0a109e0ca1e4dfe9d5a100b842f1c22f0d",
    },
    Sample {
        key: "0123456789abcdef0123456789abcdef",
        spi: 0x8765,
        tunnel: true,
        original: "45000044090c00004001f990c0a87b03c0a87bc8 0800d63caa0a0200c69c083da3de0300ffffffffffffffffffffffff
            ffffffffffffffffffffffffffffffffffffffff",
        sealed: "4500007c090d00004032f926c0a87b03c0a87bc8 0000876500000005 85d47224b5f3dd5d2101d4ea8dffab22
            15b92683819596a8047232cc00f7048fe45318e11f8a0f62ede3c3fc61203bb50f980a08c9843fd3a1b06d5c07ff9639b7eb7dfb
            3512e5de435e7207ed971ef3d2726d9b5ef6affc6d17a0decbb13892",
    },
];

fn unhex(text: &str) -> Vec<u8> {
    hex::decode(text.split_whitespace().collect::<String>()).unwrap()
}

#[test]
fn rfc_3602_section_4() {
    // RFC 3602 4 (test)
    for sample in SAMPLES {
        let suite = Suite::EncryptionOnly { cipher: CipherAlgorithm::AesCbc, key_len: 16 };
        let case = Case {
            suite,
            encryption: unhex(sample.key),
            integrity: Vec::new(),
            spi: sample.spi,
            tunnel: sample.tunnel,
            udp: None,
            replay: ReplayProtection::Off,
        };
        let (original, sealed) = (unhex(sample.original), unhex(sample.sealed));
        assert_eq!(case.reseal(&sealed, &original), sealed);
        let mut packet = PacketBuf::copy_of(&sealed);
        let opened = case.inbound(&sealed).unwrap().open(&mut packet, common::NOW).unwrap();
        assert_eq!(packet.octets(), original);
        assert_eq!(opened.octets, original.len());
    }
}
