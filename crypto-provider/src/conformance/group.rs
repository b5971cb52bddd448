//! Diffie-Hellman groups.

mod curve;
mod number;

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use number::Number;

use super::vectors::{CURVE, GROUP, octets};
use super::{Checks, Failure, Report, Subject};
use crate::{
    CryptoError, CryptoProvider, DhGroup, EphemeralKey, GroupId, InvalidPublic, PeerPublic, RandomFailed,
    SecureRandom,
};

/// Checks every group of `provider`, with its random source.
///
/// # Errors
/// The first [`Failure`].
pub fn groups(provider: &CryptoProvider) -> Result<Report, Failure> {
    let mut report = Report::default();
    for group in provider.groups.iter() {
        let mut checks = Checks::of(Subject::Group(group.id()));
        let cx = Cx { group: *group, random: &*provider.random };
        lengths(&cx, &mut checks)?;
        exchange(&cx, &mut checks)?;
        if let Some(case) = GROUP.iter().find(|case| case.id == group.id()) {
            let prime = Number::new(&octets(case.prime));
            public_values(&cx, &prime, &mut checks)?;
            powers(&cx, &prime, &mut checks)?;
            leading_zero(&cx, &prime, &mut checks)?;
        }
        if let Some(case) = CURVE.iter().find(|case| case.id == group.id()) {
            curve::curve(&cx, case, &mut checks)?;
        }
        checks.done(&mut report);
    }
    let known = GROUP.iter().map(|case| case.id).chain(CURVE.iter().map(|case| case.id));
    report.note_absent(known.map(Subject::Group));
    Ok(report)
}

struct Cx<'a> {
    group: &'a dyn DhGroup,
    random: &'a dyn SecureRandom,
}

impl Cx<'_> {
    fn start(&self, checks: &Checks) -> Result<Box<dyn EphemeralKey>, Failure> {
        self.group.start(self.random).map_err(|_| checks.failure("start", "failed"))
    }

    fn accepted(&self, public: &[u8], checks: &Checks) -> Result<PeerPublic, Failure> {
        self.group
            .peer_public(public)
            .map_err(|_| checks.failure("public values", "a good value was refused"))
    }
}

fn lengths(cx: &Cx<'_>, checks: &mut Checks) -> Result<(), Failure> {
    let case = "public values";
    let public = cx.start(checks)?.public().to_vec();
    let expected = cx.group.public_len();
    checks.rule("start", public.len() == expected, "a public value of another length than announced")?;
    let mut padded = vec![0];
    padded.extend(&public);
    let mut longer = public.clone();
    longer.push(0);
    for wrong in [&[], public.get(1..).unwrap_or_default(), &padded, &longer] {
        let told = InvalidPublic::Length { expected, actual: wrong.len() };
        let refused = cx.group.peer_public(wrong) == Err(told);
        checks.rule(case, refused, "a value of a wrong length was not refused as such")?;
    }
    let peer = cx.accepted(&public, checks)?;
    let kept = peer.group() == cx.group.id() && peer.octets() == public;
    checks.rule(case, kept, "an accepted value was changed")
}

fn exchange(cx: &Cx<'_>, checks: &mut Checks) -> Result<(), Failure> {
    let (ours, theirs) = (cx.start(checks)?, cx.start(checks)?);
    checks.rule("start", ours.public() != theirs.public(), "the same public value twice")?;
    let (our_public, their_public) =
        (cx.accepted(ours.public(), checks)?, cx.accepted(theirs.public(), checks)?);
    let failed = |_| checks.failure("exchange", "failed");
    let first = ours.agree(&their_public).map_err(failed)?;
    // A forged value between the two must not matter.
    ours.agree(&our_public).map_err(failed)?;
    let again = ours.agree(&their_public).map_err(failed)?;
    let one = ours.complete(&their_public).map_err(failed)?;
    let other = theirs.complete(&our_public).map_err(failed)?;
    checks.rule("exchange", one.expose().len() == cx.group.shared_len(), "a secret of another length")?;
    checks.rule("exchange", one.expose() == other.expose(), "the two sides disagree")?;
    let same = first.expose() == one.expose() && again.expose() == one.expose();
    checks.rule("exchange", same, "the secret changes when it is computed again")?;

    let foreign = PeerPublic::checked(GroupId(u16::MAX), our_public.octets());
    let refused = matches!(cx.start(checks)?.complete(&foreign), Err(CryptoError::Unsupported));
    checks.rule("exchange", refused, "a public value of another group was not refused as such")?;
    let failed = matches!(cx.group.start(&Broken), Err(CryptoError::Random(RandomFailed)));
    checks.rule("start", failed, "a failure of the random source was not reported as such")
}

/// RFC 2409 5, RFC 6989 2.1: 1 < y < p - 1.
fn public_values(cx: &Cx<'_>, prime: &Number, checks: &mut Checks) -> Result<(), Failure> {
    let case = "public values";
    checks.rule(
        "lengths",
        cx.group.public_len() == prime.octets().len(),
        "wrong length of a public value",
    )?;
    let (zero, one, two) = (prime.small(0), prime.small(1), prime.small(2));
    let last = Number::new(&vec![0xff; prime.octets().len()]);
    for bad in [&zero, &one, &prime.minus(&one), prime, &prime.plus(&one), &last] {
        let refused = cx.group.peer_public(bad.octets()) == Err(InvalidPublic::Element);
        checks.rule(case, refused, "0, 1, p - 1 or a value of p and more was not refused as such")?;
    }
    for good in [&two, &prime.minus(&two)] {
        cx.accepted(good.octets(), checks)?;
        checks.rule(case, true, "")?;
    }
    Ok(())
}

/// The answer to g must be our own public value, to g^2 its square; to p - g the same or its negative. So the
/// prime, the generator and the exponentiation are right, whatever the exponent is.
fn powers(cx: &Cx<'_>, prime: &Number, checks: &mut Checks) -> Result<(), Failure> {
    for _ in 0..2 {
        let case = "g^x for the peer's value g";
        let (public, shared) = answer(cx, &prime.small(2), checks)?;
        checks.answer(case, &shared, public.octets())?;

        let case = "g^2x for the peer's value g^2";
        let (public, shared) = answer(cx, &prime.small(4), checks)?;
        checks.answer(case, &shared, prime.square(&public).octets())?;

        let case = "(-g)^x for the peer's value -g";
        let (public, shared) = answer(cx, &prime.minus(&prime.small(2)), checks)?;
        let expected = if shared == public.octets() { public } else { prime.minus(&public) };
        checks.answer(case, &shared, expected.octets())?;
    }
    Ok(())
}

/// RFC 2409 5: a value that begins with a zero octet keeps it. One in 256 does, so that only the small groups are
/// fast enough to look for one; the answer to g is then such a secret as well.
fn leading_zero(cx: &Cx<'_>, prime: &Number, checks: &mut Checks) -> Result<(), Failure> {
    if cx.group.public_len() > 128 {
        return Ok(());
    }
    let generator = cx.accepted(prime.small(2).octets(), checks)?;
    // No such value among so many is one in 2^56.
    for _ in 0..10_000 {
        let key = cx.start(checks)?;
        if key.public().first() == Some(&0) {
            let public = key.public().to_vec();
            let shared = key.complete(&generator).map_err(|_| checks.failure("exchange", "failed"))?;
            return checks.answer("leading zero", shared.expose(), &public);
        }
    }
    Err(checks.failure("leading zero", "no public value begins with a zero octet"))
}

/// Our public value, and the secret shared with a peer that sent `peer`.
fn answer(cx: &Cx<'_>, peer: &Number, checks: &Checks) -> Result<(Number, Vec<u8>), Failure> {
    let peer = cx.accepted(peer.octets(), checks)?;
    let key = cx.start(checks)?;
    let public = Number::new(key.public());
    let shared = key.complete(&peer).map_err(|_| checks.failure("exchange", "failed"))?;
    Ok((public, shared.expose().to_vec()))
}

struct Broken;

impl SecureRandom for Broken {
    fn fill(&self, _out: &mut [u8]) -> Result<(), RandomFailed> {
        Err(RandomFailed)
    }
}
