//! IVs and nonces.

use std::collections::BTreeSet;

use crypto_provider::{CipherAlgorithm, RandomFailed, SecureRandom};
use ipsec_core::{DropReason, PacketBuf, SealError};
use ipsec_esp::{Integrity, SealJob, Suite};

use crate::common::{NOW, clear, outbound, sealed};
use crate::forged::{AES_SHA256, DES_MD5};

#[test]
fn t096_counter_modes_use_the_reserved_number_and_nothing_else() {
    use crypto_provider::AeadAlgorithm::AesGcm16;
    let ctr =
        Suite::Separate { cipher: CipherAlgorithm::AesCtr, key_len: 16, integrity: Integrity::HMAC_SHA1_96 };
    for suite in [ctr, Suite::Combined { aead: AesGcm16, key_len: 16 }] {
        let mut sa = outbound(suite);
        let mut ivs = BTreeSet::new();
        for n in 1..=10_000_u64 {
            let mut packet = PacketBuf::copy_of(&clear(4));
            let sequence = sa.reserve(packet.len(), NOW).unwrap();
            sa.seal(sequence, &mut packet, &Failing).unwrap();
            assert_eq!(packet.octets()[28..36], n.to_be_bytes());
            ivs.insert(packet.octets()[28..36].to_vec());
        }
        assert_eq!(ivs.len(), 10_000);
    }
}

#[test]
fn t097_the_iv_is_fresh_and_random() {
    for suite in [DES_MD5, AES_SHA256] {
        let n = suite.iv_len();
        let mut sa = outbound(suite);
        let (mut seen, mut last_iv, mut last_block) = (BTreeSet::new(), vec![0_u8; n], vec![0_u8; n]);
        for _ in 0..1000 {
            let packet = sealed(&mut sa, &clear(40));
            let octets = packet.octets();
            let iv = octets[28..28 + n].to_vec();
            assert_ne!(iv, last_block);
            let mut next = last_iv.clone();
            for octet in next.iter_mut().rev() {
                *octet = octet.wrapping_add(1);
                if *octet != 0 {
                    break;
                }
            }
            assert_ne!(iv, next);
            let end = octets.len() - suite.icv_len();
            last_block = octets[end - n..end].to_vec();
            last_iv.clone_from(&iv);
            seen.insert(iv);
        }
        assert_eq!(seen.len(), 1000);
        // No randomness, no packet.
        let mut packet = PacketBuf::copy_of(&clear(40));
        let sequence = sa.reserve(packet.len(), NOW).unwrap();
        assert_eq!(sa.seal(sequence, &mut packet, &Failing), Err(SealError::Random));
        assert_eq!(packet.octets(), clear(40));
        let mut jobs = [SealJob::new(&mut packet)];
        sa.seal_each(&mut jobs, NOW, &Failing);
        assert_eq!(jobs.map(|job| job.result), [Err(SealError::Random)]);
        assert_eq!(sa.snapshot(NOW).drops.get(DropReason::Random), 1);
    }
}

struct Failing;

impl SecureRandom for Failing {
    fn fill(&self, _: &mut [u8]) -> Result<(), RandomFailed> {
        Err(RandomFailed)
    }
}
