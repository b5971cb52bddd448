//! A sweep over all fields with edge values.

use isakmp_wire::{dissect, dissect_decrypted};

use crate::common::with_true_length;
use crate::samples::{Sample, samples};

/// A small generator of its own, so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        // SplitMix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}

/// Spoils one to three fields (as another dissector found them) with edge values, or moves octets about.
fn spoil(sample: &Sample, random: &mut Random) -> Vec<u8> {
    let mut body = sample.body.clone();
    let fields: Vec<_> = sample.recorded.fields.iter().filter(|field| field.range.start >= 28).collect();
    for _ in 0..=random.below(3) {
        let range = fields[random.below(fields.len())].range.clone();
        let (start, end) = ((range.start - 28).min(body.len()), (range.end - 28).min(body.len()));
        let edges: [u64; 9] = [0, 1, 3, 4, 0x7f, 0x80, u64::MAX, 0x7fff_ffff, random.next()];
        let edge = edges[random.below(edges.len())].to_be_bytes();
        match random.below(6) {
            0 => drop(body.drain(start..end)),
            1 => body.extend_from_within(start..end),
            2 => body.truncate(start),
            _ => body[start..end].iter_mut().rev().zip(edge.iter().rev()).for_each(|(to, from)| *to = *from),
        }
    }
    body
}

#[test]
fn t021_spoiled_fields_are_refused_or_read_as_they_are() {
    let samples = samples();
    let mut random = Random(21);
    let (mut refused, mut accepted) = (0, 0);
    for _ in 0..20_000 {
        let sample = &samples[random.below(samples.len())];
        let body = spoil(sample, &mut random);
        let (result, used) = test_alloc::measure(|| sample.read(&body));
        assert!(used.octets < 65_536 + 64 * body.len() as u64, "{used:?}");
        match result {
            Ok(message) => {
                accepted += 1;
                sample.check_accepted(&message, &body);
                assert_eq!(message.dissect().error(), None, "{}", sample.recorded.name);
            }
            Err(error) => {
                refused += 1;
                assert!(error.offset() <= body.len() + 28, "{error}");
                let dissection = match &sample.recorded.plaintext {
                    Some(_) => dissect_decrypted(&sample.recorded.datagram, &body),
                    None => dissect(&with_true_length([&sample.recorded.datagram[..28], &body].concat())),
                };
                assert_eq!(dissection.error(), Some(&error));
                assert!(dissection.find("Malformed").is_some(), "{dissection}");
            }
        }
    }
    assert!(refused > 5_000 && accepted > 2_000, "{refused} refused, {accepted} accepted");
}
