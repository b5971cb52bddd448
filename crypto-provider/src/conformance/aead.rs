//! Ciphers with integrity.

use alloc::vec;
use alloc::vec::Vec;

use super::vectors::{AEAD, octets};
use super::{Checks, Failure, Report, Subject};
use crate::{Aead, AeadAlgorithm, AeadJob, AeadKey, CryptoProvider, InvalidKey, InvalidLength, Mismatch};

/// Checks every AEAD cipher of `provider`.
///
/// # Errors
/// The first [`Failure`].
pub fn aeads(provider: &CryptoProvider) -> Result<Report, Failure> {
    let mut report = Report::default();
    for aead in provider.aeads.iter() {
        let mut checks = Checks::of(Subject::Aead(aead.algorithm()));
        shape(*aead, &mut checks)?;
        answers(*aead, &mut checks)?;
        for len in aead.key_lengths() {
            let Ok(key) = aead.key(&message(*len)) else {
                return Err(checks.failure("key", "a key of the right length was refused"));
            };
            let cx = Cx { key: &*key, tag_len: aead.algorithm().tag_len(), nonce: message(aead.nonce_len()) };
            lengths(&cx, &mut checks)?;
            forgeries(&cx, &mut checks)?;
            batches(&cx, &mut checks)?;
        }
        checks.done(&mut report);
    }
    let known = [AeadAlgorithm::AesGcm8, AeadAlgorithm::AesGcm12, AeadAlgorithm::AesGcm16];
    report.note_absent(known.map(Subject::Aead));
    Ok(report)
}

struct Cx<'a> {
    key: &'a dyn AeadKey,
    tag_len: usize,
    nonce: Vec<u8>,
}

fn shape(aead: &dyn Aead, checks: &mut Checks) -> Result<(), Failure> {
    // RFC 4106 4, 8.1: a salt of 4 octets and an IV of 8; keys of all three lengths.
    checks.rule("lengths", aead.nonce_len() == 12, "wrong length of the nonce")?;
    checks.rule("lengths", aead.key_lengths() == [16, 24, 32], "wrong lengths of keys")?;
    for len in (0..=65).filter(|len| !aead.key_lengths().contains(len)) {
        let refused = matches!(aead.key(&message(len)), Err(InvalidKey::Length(told)) if told == len);
        checks.rule("key", refused, "a key of a wrong length was not refused as such")?;
    }
    Ok(())
}

fn answers(aead: &dyn Aead, checks: &mut Checks) -> Result<(), Failure> {
    let tag_len = aead.algorithm().tag_len();
    for case in AEAD {
        let Ok(key) = aead.key(&octets(case.key)) else {
            return Err(checks.failure(case.name, "the key was refused"));
        };
        let (nonce, aad, plain) = (octets(case.nonce), octets(case.aad), octets(case.plain));
        let expected_tag: Vec<u8> = octets(case.tag).into_iter().take(tag_len).collect();
        let (mut data, mut tag) = (plain.clone(), vec![0; tag_len]);
        checks.rule(case.name, key.seal(&nonce, &aad, &mut data, &mut tag).is_ok(), "sealing was refused")?;
        checks.answer(case.name, &data, &octets(case.cipher))?;
        checks.answer(case.name, &tag, &expected_tag)?;
        checks.rule(case.name, key.open(&nonce, &aad, &mut data, &tag).is_ok(), "opening was refused")?;
        checks.answer(case.name, &data, &plain)?;
    }
    Ok(())
}

fn lengths(cx: &Cx<'_>, checks: &mut Checks) -> Result<(), Failure> {
    let case = "wrong length of nonce or tag";
    let nonces = (0..=16).filter(|len| *len != cx.nonce.len()).map(|len| (len, cx.tag_len));
    let tags = (0..=17).filter(|len| *len != cx.tag_len).map(|len| (cx.nonce.len(), len));
    for (nonce_len, tag_len) in nonces.chain(tags) {
        let (nonce, mut tag, mut data) = (message(nonce_len), vec![0; tag_len], message(40));
        let sealed = cx.key.seal(&nonce, AAD, &mut data, &mut tag);
        checks.rule(case, sealed == Err(InvalidLength), "sealing was not refused")?;
        checks.rule(case, data == message(40), "refused data was changed")?;

        // A tag that is right as far as it goes, or has too much behind it.
        let mut full = vec![0; cx.tag_len];
        let sealed = cx.key.seal(&cx.nonce, AAD, &mut data, &mut full);
        checks.rule(case, sealed.is_ok(), "sealing was refused")?;
        full.resize(tag_len, 0);
        let before = data.clone();
        let opened = cx.key.open(&nonce, AAD, &mut data, &full);
        checks.rule(case, opened == Err(Mismatch), "opening was not refused")?;
        checks.rule(case, data == before, "refused data was changed")?;
    }
    Ok(())
}

fn forgeries(cx: &Cx<'_>, checks: &mut Checks) -> Result<(), Failure> {
    let case = "forgery";
    let (mut sealed, mut tag) = (message(50), vec![0; cx.tag_len]);
    checks.rule(case, cx.key.seal(&cx.nonce, AAD, &mut sealed, &mut tag).is_ok(), "sealing was refused")?;
    let fields = [cx.nonce.clone(), AAD.to_vec(), sealed, tag];
    for (field, octets) in fields.iter().enumerate() {
        for bit in 0..octets.len().saturating_mul(8) {
            let mut forged = fields.clone();
            if let Some(octet) = forged.get_mut(field).and_then(|octets| octets.get_mut(bit / 8)) {
                *octet ^= 1 << (bit % 8);
            }
            let [nonce, aad, mut data, tag] = forged;
            let before = data.clone();
            checks.rule(case, cx.key.open(&nonce, &aad, &mut data, &tag) == Err(Mismatch), "accepted")?;
            checks.rule(case, data == before, "refused data was changed")?;
        }
    }
    Ok(())
}

fn batches(cx: &Cx<'_>, checks: &mut Checks) -> Result<(), Failure> {
    let case = "batch";
    let plain: Vec<Vec<u8>> = [0, 1, 16, 17, 33, 120, 8].map(message).into();
    let mut single = plain.clone();
    let mut single_tags = vec![vec![0; cx.tag_len]; plain.len()];
    for (data, tag) in single.iter_mut().zip(&mut single_tags) {
        checks.rule(case, cx.key.seal(&cx.nonce, AAD, data, tag).is_ok(), "sealing was refused")?;
    }

    let (mut batch, mut tags) = (plain.clone(), vec![vec![0; cx.tag_len]; plain.len()]);
    let mut jobs = jobs(cx, &mut batch, &mut tags);
    cx.key.seal_each(&mut jobs);
    let sealed = jobs.iter().all(|job| job.result.is_ok());
    checks.rule(case, sealed, "sealing of a batch was refused")?;
    checks.rule(
        case,
        batch == single && tags == single_tags,
        "sealing of a batch differs from single calls",
    )?;

    let forged = 3;
    if let Some(octet) = tags.get_mut(forged).and_then(|tag| tag.first_mut()) {
        *octet ^= 1;
    }
    let mut jobs = self::jobs(cx, &mut batch, &mut tags);
    cx.key.open_each(&mut jobs);
    for (index, job) in jobs.iter().enumerate() {
        let expected = if index == forged { single.get(index) } else { plain.get(index) };
        checks.rule(case, job.result.is_err() == (index == forged), "a batch reports the wrong result")?;
        let same = expected.is_some_and(|expected| expected == job.data);
        checks.rule(case, same, "opening of a batch differs from single calls")?;
    }
    Ok(())
}

fn jobs<'a>(cx: &'a Cx<'_>, batch: &'a mut [Vec<u8>], tags: &'a mut [Vec<u8>]) -> Vec<AeadJob<'a>> {
    let pieces = batch.iter_mut().zip(tags);
    pieces
        .map(|(data, tag)| AeadJob { nonce: &cx.nonce, aad: AAD, data, tag, result: Err(Mismatch) })
        .collect()
}

fn message(len: usize) -> Vec<u8> {
    (0..len).map(|index| u8::try_from(index.wrapping_mul(7) % 253).unwrap_or(0)).collect()
}

/// As long as ESP's, with extended sequence numbers.
const AAD: &[u8] = b"SPI, and ESN";
