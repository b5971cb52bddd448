//! ECP groups (RFC 5903).

use alloc::vec;
use alloc::vec::Vec;

use super::Cx;
use crate::InvalidPublic;
use crate::conformance::vectors::{CurveCase, octets};
use crate::conformance::{Checks, Failure};

fn point(x: &str, y: &str) -> Vec<u8> {
    [octets(x), octets(y)].concat()
}

/// The answer to g must be x of our own public value, and so must the answer to its inverse: so the curve, the generator
/// and the multiplication are right, whatever the secret is.
pub(super) fn curve(cx: &Cx<'_>, case: &CurveCase, checks: &mut Checks) -> Result<(), Failure> {
    let [x, y, negative] = case.generator;
    let len = octets(x).len();
    let lengths = cx.group.public_len() == len.saturating_mul(2) && cx.group.shared_len() == len;
    checks.rule("lengths", lengths, "wrong length of a public value")?;
    for (name, y) in [("g^x for the peer's value g", y), ("(1/g)^x for the peer's value 1/g", negative)] {
        let peer = cx.accepted(&point(x, y), checks)?;
        let key = cx.start(checks)?;
        let mine = key.public().get(..len).unwrap_or_default().to_vec();
        let shared = key.complete(&peer).map_err(|_| checks.failure("exchange", "failed"))?;
        checks.answer(name, shared.expose(), &mine)?;
    }
    points(cx, case, checks)?;
    leading_zero(cx, len, &point(x, y), checks)
}

/// RFC 6989 2.3: both coordinates are below the prime and the point is on the curve.
fn points(cx: &Cx<'_>, case: &CurveCase, checks: &mut Checks) -> Result<(), Failure> {
    let [x, y, _] = case.generator;
    let [small, unreduced, root] = case.unreduced;
    let [foreign, no_root] = case.twist;
    let len = cx.group.public_len();
    cx.accepted(&point(small, root), checks)?;
    let bad = [
        (vec![0; len], "0, 0 was not refused as such"),
        (vec![0xff; len], "coordinates above the prime were not refused as such"),
        (point(y, x), "a point off the curve was not refused as such"),
        (point(unreduced, root), "a coordinate above the prime was not refused as such"),
        (point(foreign, no_root), "a point of the twist was not refused as such"),
    ];
    for (value, problem) in bad {
        let refused = cx.group.peer_public(&value) == Err(InvalidPublic::Element);
        checks.rule("public values", refused, problem)?;
    }
    Ok(())
}

/// RFC 5903 7: a coordinate that begins with a zero octet keeps it. The largest curve has one in each second value.
fn leading_zero(cx: &Cx<'_>, len: usize, generator: &[u8], checks: &mut Checks) -> Result<(), Failure> {
    let generator = cx.accepted(generator, checks)?;
    // No such value among so many is one in 2^56.
    for _ in 0..10_000 {
        let key = cx.start(checks)?;
        let mine = key.public().get(..len).unwrap_or_default().to_vec();
        if mine.first() == Some(&0) {
            let shared = key.complete(&generator).map_err(|_| checks.failure("exchange", "failed"))?;
            return checks.answer("leading zero", shared.expose(), &mine);
        }
    }
    Err(checks.failure("leading zero", "no public value begins with a zero octet"))
}
