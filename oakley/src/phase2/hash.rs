//! HASH(1), HASH(2), HASH(3) of Quick Mode, and the HASH of every other exchange under an IKE SA (RFC 2409 5.5, 5.7).
//!
//! ```text
//! HASH(1) = prf(SKEYID_a, M-ID | everything after HASH)             also Informational
//! HASH(2) = prf(SKEYID_a, M-ID | Ni_b | everything after HASH)
//! HASH(3) = prf(SKEYID_a, 0 | M-ID | Ni_b | Nr_b)
//! ```
//!
//! "Everything" is the octets as they travel, generic headers included and encryption padding excluded.

use alloc::vec::Vec;

use bytes::Bytes;
use crypto_provider::SecretBytes;
use isakmp_wire::payload::HashData;
use isakmp_wire::{Flags, Header, Message, MessageId, Payload, encode_chain};
use subtle::ConstantTimeEq;

use crate::context::Cx;
use crate::error::{LocalFailure, Misbehaviour};
use crate::exchange::iv::IvChain;
use crate::phase1::facts::header;
use crate::phase1::finish::encrypt;
use crate::phase2::Ike;

/// Which of the three formulas, with what it covers beside the message.
#[derive(Clone, Copy)]
pub(crate) enum Formula<'a> {
    /// HASH(1), and Informational.
    One,
    /// HASH(2).
    Two { ni_b: &'a [u8] },
    /// HASH(3).
    Three { ni_b: &'a [u8], nr_b: &'a [u8] },
}

impl Formula<'_> {
    fn compute(self, ike: &Ike, message_id: MessageId, rest: &[u8]) -> SecretBytes {
        let id = message_id.0.to_be_bytes();
        let (a, len) = (&*ike.keys.a, ike.keys.prf_len);
        match self {
            Self::One => crate::keys::compute(a, len, &[&id, rest]),
            Self::Two { ni_b } => crate::keys::compute(a, len, &[&id, ni_b, rest]),
            Self::Three { ni_b, nr_b } => crate::keys::compute(a, len, &[&[0], &id, ni_b, nr_b]),
        }
    }

    fn log(self, ike: &Ike, message_id: MessageId, (rest, hash): (&[u8], &[u8]), cx: &mut Cx<'_>) {
        let id = message_id.0.to_be_bytes();
        let mut log = cx.key_log(&ike.policy, (ike.id, ike.cookies), message_id, ike.suite.chosen.hash);
        match self {
            Self::One => {
                // RFC 2409 Appendix B: only the first message of an exchange has an IV that is derived; each later one
                // has the last block before it.
                if ike.policy.key_log {
                    let inputs = [("last block", ike.last_block.octets()), ("M-ID", &id)];
                    log.record("IV", &inputs, ike.chain(message_id).current().octets());
                }
                log.record("HASH(1)", &[("M-ID", &id), ("payloads", rest)], hash);
            }
            Self::Two { ni_b } => {
                log.record("HASH(2)", &[("M-ID", &id), ("Ni_b", ni_b), ("payloads", rest)], hash);
            }
            Self::Three { ni_b, nr_b } => {
                log.record("HASH(3)", &[("0", &[0]), ("M-ID", &id), ("Ni_b", ni_b), ("Nr_b", nr_b)], hash);
            }
        }
    }
}

/// Checks the HASH of a decrypted message, which must be its first payload.
pub(crate) fn verify(
    formula: Formula<'_>,
    ike: &Ike,
    message: &Message,
    cx: &mut Cx<'_>,
) -> Result<(), Misbehaviour> {
    let first = message.payloads().first().and_then(Payload::get::<HashData>);
    let received = first.ok_or(Misbehaviour::Undecipherable)?;
    let rest = message.octets_after_first();
    let message_id = message.header().message_id;
    let hash = formula.compute(ike, message_id, rest.as_ref());
    if !bool::from(hash.expose().ct_eq(&received.octets)) {
        return Err(Misbehaviour::Undecipherable);
    }
    formula.log(ike, message_id, (rest.as_ref(), hash.expose()), cx);
    Ok(())
}

/// Puts the HASH before `payloads`, encrypts, and moves the chain.
pub(crate) fn protect(
    formula: Formula<'_>,
    ike: &Ike,
    (exchange, message_id): (isakmp_wire::ExchangeType, MessageId),
    payloads: Vec<Payload>,
    chain_cx: (&mut IvChain, &mut Cx<'_>),
) -> Result<Bytes, LocalFailure> {
    protect_flagged(formula, ike, ((exchange, message_id), Flags::NONE), payloads, chain_cx)
}

/// The same with flags in the header, which no HASH covers.
pub(crate) fn protect_flagged(
    formula: Formula<'_>,
    ike: &Ike,
    ((exchange, message_id), flags): ((isakmp_wire::ExchangeType, MessageId), Flags),
    payloads: Vec<Payload>,
    (chain, cx): (&mut IvChain, &mut Cx<'_>),
) -> Result<Bytes, LocalFailure> {
    let rest = encode_chain(&payloads);
    let hash = formula.compute(ike, message_id, &rest);
    formula.log(ike, message_id, (&rest, hash.expose()), cx);
    let mut all = Vec::with_capacity(payloads.len().saturating_add(1));
    all.push(Payload::new(HashData { octets: Bytes::copy_from_slice(hash.expose()) }));
    all.extend(payloads);
    let header = Header { flags, ..header(ike.cookies, exchange, message_id) };
    encrypt(&all, header, (&ike.keys, chain), cx)
}
