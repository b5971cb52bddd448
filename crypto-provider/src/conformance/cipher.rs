//! Ciphers without integrity.

mod weak;

use alloc::vec;
use alloc::vec::Vec;

use super::vectors::{CIPHER, octets};
use super::{Checks, Failure, Report, Subject};
use crate::{Cipher, CipherAlgorithm, CipherJob, CipherKey, CryptoProvider, InvalidKey, InvalidLength};

/// Checks every cipher of `provider`.
///
/// # Errors
/// The first [`Failure`].
pub fn ciphers(provider: &CryptoProvider) -> Result<Report, Failure> {
    let mut report = Report::default();
    for cipher in provider.ciphers.iter() {
        let mut checks = Checks::of(Subject::Cipher(cipher.algorithm()));
        shape(*cipher, &mut checks)?;
        answers(*cipher, &mut checks)?;
        key_lengths(*cipher, &mut checks)?;
        weak::keys(*cipher, &mut checks)?;
        for len in cipher.key_lengths() {
            let Ok(key) = cipher.key(&strong_key(*len)) else {
                return Err(checks.failure("key", "a key of the right length was refused"));
            };
            lengths(*cipher, &*key, &mut checks)?;
            batches(*cipher, &*key, &mut checks)?;
        }
        checks.done(&mut report);
    }
    report.note_absent(CIPHER.iter().map(|case| Subject::Cipher(case.algorithm)));
    Ok(report)
}

fn shape(cipher: &dyn Cipher, checks: &mut Checks) -> Result<(), Failure> {
    let (block, iv, keys): (_, _, &[usize]) = match cipher.algorithm() {
        CipherAlgorithm::Null => (1, 0, &[0]),
        CipherAlgorithm::DesCbc => (8, 8, &[8]),
        CipherAlgorithm::TripleDesCbc => (8, 8, &[24]),
        CipherAlgorithm::AesCbc => (16, 16, &[16, 24, 32]),
        CipherAlgorithm::AesCtr => (1, 16, &[16, 24, 32]),
    };
    checks.rule("lengths", cipher.block_len() == block, "wrong length of a block")?;
    checks.rule("lengths", cipher.iv_len() == iv, "wrong length of the IV")?;
    checks.rule("lengths", cipher.key_lengths() == keys, "wrong lengths of keys")
}

fn answers(cipher: &dyn Cipher, checks: &mut Checks) -> Result<(), Failure> {
    for case in CIPHER.iter().filter(|case| case.algorithm == cipher.algorithm()) {
        let Ok(key) = cipher.key(&octets(case.key)) else {
            return Err(checks.failure(case.name, "the key was refused"));
        };
        let (iv, plain, encrypted) = (octets(case.iv), octets(case.plain), octets(case.cipher));
        // Twice, because a key must not keep state.
        for _ in 0..2 {
            let mut data = plain.clone();
            checks.rule(case.name, key.encrypt(&iv, &mut data).is_ok(), "encryption was refused")?;
            checks.answer(case.name, &data, &encrypted)?;
            checks.rule(case.name, key.decrypt(&iv, &mut data).is_ok(), "decryption was refused")?;
            checks.answer(case.name, &data, &plain)?;
        }
    }
    Ok(())
}

fn key_lengths(cipher: &dyn Cipher, checks: &mut Checks) -> Result<(), Failure> {
    for len in (0..=65).filter(|len| !cipher.key_lengths().contains(len)) {
        let refused = matches!(cipher.key(&strong_key(len)), Err(InvalidKey::Length(told)) if told == len);
        checks.rule("key", refused, "a key of a wrong length was not refused as such")?;
    }
    Ok(())
}

fn lengths(cipher: &dyn Cipher, key: &dyn CipherKey, checks: &mut Checks) -> Result<(), Failure> {
    let (block, iv_len) = (cipher.block_len(), cipher.iv_len());
    for iv_wrong in (0..=33).filter(|len| *len != iv_len) {
        refused(key, &vec![7; iv_wrong], block, checks)?;
    }
    let iv = vec![7; iv_len];
    checks.rule("block length", block > 0, "a block of no octets")?;
    for len in (0..=65_usize).filter(|len| len.checked_rem(block) != Some(0)) {
        refused(key, &iv, len, checks)?;
    }
    for len in (0..=400).step_by(block) {
        let mut data = message(len);
        checks.rule("round trip", key.encrypt(&iv, &mut data).is_ok(), "encryption was refused")?;
        checks.rule("round trip", key.decrypt(&iv, &mut data).is_ok(), "decryption was refused")?;
        checks.rule("round trip", data == message(len), "decryption does not undo encryption")?;
    }
    Ok(())
}

fn refused(key: &dyn CipherKey, iv: &[u8], len: usize, checks: &mut Checks) -> Result<(), Failure> {
    let case = "wrong length of IV or data";
    let mut data = message(len);
    let encrypted = key.encrypt(iv, &mut data);
    checks.rule(case, encrypted == Err(InvalidLength), "encryption was not refused")?;
    let decrypted = key.decrypt(iv, &mut data);
    checks.rule(case, decrypted == Err(InvalidLength), "decryption was not refused")?;
    checks.rule(case, data == message(len), "refused data was changed")
}

/// Pieces of many lengths, one of them refused in a cipher with blocks, each with an IV of its own.
fn batches(cipher: &dyn Cipher, key: &dyn CipherKey, checks: &mut Checks) -> Result<(), Failure> {
    let case = "batch";
    let block = cipher.block_len();
    let lengths = [3, 0, 1, 9, 2, 12, 1, 5, 30, 4, 4, 4, 7];
    let plain: Vec<Vec<u8>> = lengths
        .iter()
        .enumerate()
        .map(|(index, blocks)| message(block.saturating_mul(*blocks).saturating_add(usize::from(index == 4))))
        .collect();
    let ivs: Vec<Vec<u8>> = (1..=lengths.len())
        .map(|index| message(cipher.iv_len().max(index)))
        .map(|long| long.into_iter().rev().take(cipher.iv_len()).collect())
        .collect();

    let mut single = plain.clone();
    let single_results: Vec<_> =
        single.iter_mut().zip(&ivs).map(|(data, iv)| key.encrypt(iv, data)).collect();

    let mut batch = plain.clone();
    let results = each(&mut batch, &ivs, |jobs| key.encrypt_each(jobs));
    checks.rule(
        case,
        results == single_results,
        "encryption of a batch reports other results than single calls",
    )?;
    checks.rule(case, batch == single, "encryption of a batch differs from single calls")?;

    let results = each(&mut batch, &ivs, |jobs| key.decrypt_each(jobs));
    checks.rule(
        case,
        results == single_results,
        "decryption of a batch reports other results than single calls",
    )?;
    checks.rule(case, batch == plain, "decryption of a batch differs from single calls")
}

fn each(
    batch: &mut [Vec<u8>],
    ivs: &[Vec<u8>],
    call: impl FnOnce(&mut [CipherJob<'_>]),
) -> Vec<Result<(), InvalidLength>> {
    // What a call forgets to set is wrong for most of the pieces.
    let unset = Err(InvalidLength);
    let mut jobs: Vec<_> =
        batch.iter_mut().zip(ivs).map(|(data, iv)| CipherJob { iv, data, result: unset }).collect();
    call(&mut jobs);
    jobs.into_iter().map(|job| job.result).collect()
}

/// A key that is not weak in any cipher, at every length.
fn strong_key(len: usize) -> Vec<u8> {
    (0..len).map(|index| u8::try_from(index.wrapping_mul(11) % 251).unwrap_or(0)).collect()
}

fn message(len: usize) -> Vec<u8> {
    (0..len).map(|index| u8::try_from(index.wrapping_mul(7) % 253).unwrap_or(0)).collect()
}
