//! Rows T016 and T028: payloads that are not there, and proofs that are not whole.

use core::time::Duration;

use isakmp_wire::payload::{HashData, Nonce};
use isakmp_wire::{ExchangeType, Header, Payload, PayloadKind, encode_chain};
use oakley::*;

use crate::forger::*;
use crate::pair::*;

/// What a scene makes of a policy.
type With = fn(Policy) -> Policy;

/// The exchanges that a row is tried with.
fn scenes() -> [(&'static str, With); 3] {
    fn pfs(policy: Policy) -> Policy {
        let phase2 = policy.phase2.map(|phase2| Phase2Policy { pfs: Some(suite().group), ..phase2 });
        Policy { phase2, ..policy }
    }
    fn aggressive(policy: Policy) -> Policy {
        Policy { aggressive: true, ..policy }
    }
    fn in_clear(policy: Policy) -> Policy {
        let mut quirks = silent();
        quirks.aggressive_proof_in_clear = true;
        Policy { aggressive: true, quirks, ..pfs(policy) }
    }
    [("Main Mode, Quick Mode with KE", pfs), ("Aggressive Mode", aggressive), ("proof in clear", in_clear)]
}

fn begin(seed: u64, with: With) -> Bench {
    let mut bench = Bench::with(seed, with(policy(1, 2)), with(policy(2, 1)));
    bench.initiate();
    bench
}

/// Each payload and each pair of `count`.
fn subsets(count: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..count).flat_map(move |one| (one..count).map(move |other| (one, other)))
}

fn without<T: Clone>(all: &[T], (one, other): (usize, usize)) -> Vec<T> {
    let left = all.iter().enumerate().filter(|(index, _)| *index != one && *index != other);
    left.map(|(_, payload)| payload.clone()).collect()
}

impl Bench {
    /// The IV of the message that was seen last (RFC 2409 Appendix B: the last block of the one before it).
    fn iv_of_last(&self) -> Vec<u8> {
        let (last, before) = self.seen.split_last().unwrap();
        let header = Header::parse(&last.1).unwrap();
        let same = before.iter().rev().map(|(_, octets)| octets).find(|octets| {
            let one = Header::parse(octets).unwrap();
            one.is_encrypted() && one.message_id == header.message_id
        });
        match same {
            Some(octets) => octets[octets.len() - 8..].to_vec(),
            None if header.message_id.0 == 0 => self.derived(A, "IV", 0).unwrap().to_vec(),
            None => self.iv(header.message_id.0),
        }
    }

    /// The payloads of the message that was seen last.
    fn payloads_of_last(&self) -> Vec<Payload> {
        let octets = &self.seen.last().unwrap().1;
        if Header::parse(octets).unwrap().is_encrypted() {
            self.decrypt(octets, &self.iv_of_last()).payloads().to_vec()
        } else {
            parse(octets).payloads().to_vec()
        }
    }

    /// The message that was seen last with other payloads.
    fn last_with(&self, payloads: &[Payload]) -> Vec<u8> {
        let octets = &self.seen.last().unwrap().1;
        let header = Header::parse(octets).unwrap();
        if header.is_encrypted() {
            self.encrypt(&header, payloads, &self.iv_of_last())
        } else {
            rewrite(octets, |all| *all = payloads.to_vec())
        }
    }
}

/// Refused without an answer and without a trace, whoever sent it: the genuine message is taken afterwards.
fn refused(bench: &mut Bench, to: usize, forged: &[u8], what: &str) {
    let proofs = bench.hosts[to].ready();
    let installed = bench.hosts[to].installed.len();
    assert_eq!(bench.deliver(to, forged), 0, "{what}: answered");
    assert_eq!(bench.hosts[to].ready(), proofs, "{what}: believed");
    assert_eq!(bench.hosts[to].installed.len(), installed, "{what}: installed");
}

#[test]
fn t016_each_payload_and_each_pair_of_every_message_is_missing() {
    for (scene, with) in scenes() {
        let mut bench = begin(30, with);
        let mut messages = 0;
        bench.run(|bench, number, to, _| {
            messages = number;
            let payloads = bench.payloads_of_last();
            for pair in subsets(payloads.len()) {
                let forged = bench.last_with(&without(&payloads, pair));
                refused(bench, to, &forged, &format!("{scene}, message {number} without {pair:?}"));
            }
        });
        assert!(bench.complete(), "{scene}");
        assert_eq!(messages, if scene.starts_with("Main") { 9 } else { 6 });
    }
}

/// An authenticated peer that errs: the HASH is right for what is left. Nothing comes of such a Quick Mode, and the IKE
/// SA stays.
#[test]
fn t016_a_quick_mode_whose_hash_covers_what_is_left() {
    let (_, with) = scenes()[0];
    for number in 7..=9 {
        let mut tried = 0;
        for index in 0.. {
            let mut bench = begin(31, with);
            bench.run_to(number - 1);
            let (to, _) = bench.next().unwrap();
            let payloads = bench.payloads_of_last();
            // The HASH itself is another matter; it stands first.
            let Some((one, other)) = subsets(payloads.len() - 1).nth(index) else { break };
            let rest = without(&payloads[1..], (one, other));
            let hash = bench.quick_hash(number, &rest);
            let mut forged = vec![Payload::new(HashData { octets: hash.into() })];
            forged.extend(rest);
            let forged = bench.last_with(&forged);
            bench.deliver(to, &forged);
            while bench.flying.pop_front().is_some() {}
            assert!(!bench.complete(), "message {number} without {one} and {other}");
            assert_eq!(bench.hosts[to].established().len(), 0, "message {number} without {one} and {other}");
            assert_eq!(bench.hosts[to].ready(), 1);
            tried += 1;
        }
        assert_eq!(tried, [15, 15, 0][number - 7], "message {number}");
    }
}

impl Bench {
    /// HASH(1) or HASH(2) over other payloads (RFC 2409 5.5).
    fn quick_hash(&self, number: usize, rest: &[Payload]) -> Vec<u8> {
        let quick: Vec<_> = self.seen.iter().filter(|(_, octets)| octets[18] == 32).collect();
        let header = Header::parse(&quick[0].1).unwrap();
        let id = header.message_id.0.to_be_bytes();
        let first = self.decrypt(&quick[0].1, &self.iv(header.message_id.0));
        let nonce = first.payloads().iter().find(|one| one.kind() == PayloadKind::NONCE).unwrap();
        let nonce = nonce.get::<Nonce>().unwrap().octets.clone();
        match number {
            7 => self.hash(&[&id, &encode_chain(rest)]),
            _ => self.hash(&[&id, &nonce, &encode_chain(rest)]),
        }
    }
}

/// Cut, longer, zero, altered in any octet: only the whole HASH proves anything, in each role and mode.
#[test]
fn t028_a_hash_is_compared_whole() {
    let mut seen = 0;
    for (scene, with) in scenes() {
        let mut bench = begin(32, with);
        bench.run(|bench, number, to, genuine| {
            let payloads = bench.payloads_of_last();
            let Some(at) = payloads.iter().position(|one| one.kind() == PayloadKind::HASH) else { return };
            let hash = payloads[at].raw().to_vec();
            assert_eq!(hash.len(), 20);
            seen += usize::from(Header::parse(genuine).unwrap().exchange != ExchangeType::QUICK);
            let mut wrong: Vec<Vec<u8>> = (0..20).map(|len| hash[..len].to_vec()).collect();
            wrong.push([&hash[..], &[0]].concat());
            wrong.push([&hash[..], &hash[..]].concat());
            wrong.push(vec![0; 20]);
            wrong.extend((0..20).map(|octet| {
                let mut hash = hash.clone();
                hash[octet] ^= 0x80;
                hash
            }));
            for octets in wrong {
                let mut forged = payloads.clone();
                forged[at] = Payload::new(HashData { octets: octets.clone().into() });
                let forged = bench.last_with(&forged);
                // Slower than the budget for exponentiations, so that each one is compared.
                bench.now += Duration::from_millis(100);
                refused(bench, to, &forged, &format!("{scene}, message {number}, HASH {octets:?}"));
                let why = bench.hosts[to].rejects().pop();
                assert_ne!(why, Some(Reject::Misbehaved(Misbehaviour::TooFast)));
            }
        });
        assert!(bench.complete(), "{scene}");
    }
    assert_eq!(seen, 6, "both proofs of each scene");
}
